/* cli/bayeux_open.h - `weir bayeux`: a handle on a server, from flags. */
#ifndef CLI_BAYEUX_OPEN_H
#define CLI_BAYEUX_OPEN_H

#include "cli/setting.h"

#include <weir/bayeux.h>

struct bayeux_settings {
    struct setting ca_file, proxy, allow_plaintext;
    const char **headers; /* argv's, ended by NULL */
    weir_tls_options tls;
};

/* Fills what flags say of *options, whose texts are the settings'; the credentials are the caller's
 * to free. WEIR_INVALID, WEIR_MISSING, ... bayeux_settings_free() in any case. */
weir_status bayeux_options_find(struct bayeux_settings *out, const struct args *args,
                                weir_bayeux_options *options, weir_error *err);
/* The handle; frees the credentials. Errors speak of flags. */
weir_bayeux *cli_bayeux_open(weir_bayeux_options *options, weir_error *err);
void bayeux_settings_free(struct bayeux_settings *settings);
#endif
