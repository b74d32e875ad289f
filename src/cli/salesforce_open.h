/* cli/salesforce_open.h - `weir salesforce`: where to log in and as whom, from flags and variables,
 * and the options of a handle. */
#ifndef CLI_SALESFORCE_OPEN_H
#define CLI_SALESFORCE_OPEN_H

#include "cli/setting.h"

#include <weir/salesforce.h>

struct salesforce_settings {
    struct setting instance_url, api_version, ca_file, proxy, allow_plaintext;
    struct str ready_instance; /* of a ready token */
    weir_tls_options tls;
};

/* WEIR_UNSUPPORTED: flags contradict each other; ... salesforce_settings_free() in any case. */
weir_status salesforce_settings_find(struct salesforce_settings *out, const struct args *args,
                                     weir_error *err);
void salesforce_settings_free(struct salesforce_settings *settings);
/* To be freed. NULL: *err says, in words of flags and variables, what is missing or wrong. */
weir_credentials *salesforce_credentials(struct salesforce_settings *settings,
                                         const struct args *args, weir_error *err);
/* What all handles have in common; texts are the settings'. */
void salesforce_options(struct salesforce_settings *settings, weir_credentials *credentials,
                        weir_salesforce_options *out);
/* Opens; errors speak of flags and variables. */
weir_salesforce *cli_salesforce_open(const struct salesforce_settings *settings,
                                     const weir_salesforce_options *options, weir_error *err);
#endif
