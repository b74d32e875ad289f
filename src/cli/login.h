/* cli/login.h - OAuth2 as flags and variables describe it: what `weir zeebe` and `weir token` have
 * in common. */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include "cli/setting.h"

#include <weir/credentials.h>

/* "basic", "body", "json", "private-key-jwt"; NULL is body. */
weir_client_auth login_client_auth(const char *name);
/* Where grant or client authentication need one. A flag names a file; a variable holds PEM text or
 * names a file. */
void login_set_key(weir_oauth2_options *options, const struct setting *key);
/* Rounded up; WEIR_ZERO for none; `otherwise` when not set. */
int login_seconds(const struct setting *duration, int otherwise);

/* ${XDG_CACHE_HOME:-~/.cache}/weir/credentials, unless something else is set; "none" where there is
 * no home. */
void login_default_cache(struct setting *cache);
/* Which file, if any; what other programs keep in it may serve only if somebody named it. */
void login_set_cache(weir_oauth2_options *options, const struct setting *cache);
/* The one line that --client-secret deserves. */
void login_warn_of_secret(void);
/* WEIR_UNSUPPORTED: the token URL is http, and not to this machine. */
weir_status login_check_exposed(const char *url, bool allowed, weir_error *err);
#endif
