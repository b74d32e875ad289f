/* cli/token_settings.h - the settings of an OAuth2 grant, whatever variables they come from. */
#ifndef CLI_TOKEN_SETTINGS_H
#define CLI_TOKEN_SETTINGS_H

#include "cli/setting.h"

#include <weir/credentials.h>

enum token_setting {
    GRANT_TOKEN_URL = 0,
    GRANT_GRANT,
    GRANT_CLIENT_ID,
    GRANT_CLIENT_SECRET,
    GRANT_CLIENT_AUTH,
    GRANT_SCOPE,
    GRANT_AUDIENCE,
    GRANT_RESOURCE,
    GRANT_USERNAME,
    GRANT_PASSWORD,
    GRANT_REFRESH_TOKEN,
    GRANT_PRIVATE_KEY,
    GRANT_SUBJECT,
    GRANT_SETTINGS
};

struct token_settings {
    struct setting at[GRANT_SETTINGS];
    struct setting ca_file, proxy, allow_plaintext, cache;
};

/* Each from its flag, else from the variables that `group` (or else the general one) names for it.
 * token_settings_free() in any case. */
weir_status token_settings_find(struct token_settings *out, const struct args *args,
                                const struct flag_group *group, weir_error *err);
void token_settings_free(struct token_settings *grant);
const char *token_setting_text(const struct token_settings *grant,
                               enum token_setting which); /* NULL: unset or "" */
/* "client-credentials", ... */
weir_grant token_grant_by_name(const char *name);
/* WEIR_MISSING: what the grant needs and is not there, with the variables of `group`. */
weir_status token_settings_check(const struct token_settings *grant, weir_grant kind,
                                 const struct flag_group *group, weir_error *err);
/* Fills `options`, which borrows from `grant`, and may already say more: params,
 * assertion_audience, a callback. */
void token_settings_fill(const struct token_settings *grant, weir_grant kind,
                         weir_oauth2_options *options);
/* In *err: the flags and variables that the options came from. */
void token_settings_name(const struct token_settings *grant, weir_error *err);
/* Both, and opens. */
weir_credentials *token_settings_open(const struct token_settings *grant, weir_grant kind,
                                      weir_oauth2_options *options, weir_error *err);
#endif
