/* cli/salesforce_settings.h - `weir salesforce`: where to log in and as whom, from flags and
 * variables, and what the library makes of it. */
#ifndef CLI_SALESFORCE_SETTINGS_H
#define CLI_SALESFORCE_SETTINGS_H

#include "cli/setting.h"

#include <weir/salesforce.h>

enum salesforce_setting {
    SALESFORCE_LOGIN_URL = 0,
    SALESFORCE_CLIENT_ID,
    SALESFORCE_USERNAME,
    SALESFORCE_PRIVATE_KEY,
    SALESFORCE_AUDIENCE,
    SALESFORCE_INSTANCE_URL,
    SALESFORCE_API_VERSION,
    SALESFORCE_CLIENT_SECRET,
    SALESFORCE_PASSWORD,
    SALESFORCE_SECURITY_TOKEN,
    SALESFORCE_REFRESH_TOKEN,
    SALESFORCE_ACCESS_TOKEN,
    SALESFORCE_CACHE,
    SALESFORCE_CA_FILE,
    SALESFORCE_PROXY,
    SALESFORCE_ALLOW_PLAINTEXT,
    SALESFORCE_SETTINGS
};

struct salesforce_settings {
    struct setting at[SALESFORCE_SETTINGS];
    const char *grant; /* argv's; NULL: by what is there */
    weir_tls_options tls;
};

/* WEIR_UNSUPPORTED: flags contradict each other; WEIR_MISSING: what --grant needs is nowhere.
 * salesforce_settings_free() in any case. */
weir_status salesforce_settings_find(struct salesforce_settings *out, const struct args *args,
                                     weir_error *err);
void salesforce_settings_free(struct salesforce_settings *settings);
const char *salesforce_setting_text(const struct salesforce_settings *settings,
                                    enum salesforce_setting which); /* NULL: unset or "" */
/* NULL: the system's trust store. */
const weir_tls_options *salesforce_tls(struct salesforce_settings *settings);
bool salesforce_plaintext(const struct salesforce_settings *settings);

weir_credentials *salesforce_credentials(struct salesforce_settings *settings, weir_error *err);
/* What all handles have in common; texts are the settings'. */
void salesforce_options(struct salesforce_settings *settings, weir_credentials *credentials,
                        weir_salesforce_options *out);
/* Errors of opening name options: the flags and variables they came from instead. */
void salesforce_name_settings(const struct salesforce_settings *settings, weir_error *err);
#endif
