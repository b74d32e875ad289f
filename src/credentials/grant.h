/* credentials/grant.h - how tokens are asked for: the options of weir_credentials_oauth2(), copied
 * and checked. Immutable. */
#ifndef CREDENTIALS_GRANT_H
#define CREDENTIALS_GRANT_H

#include "core/secret.h"
#include "credentials/assertion.h"
#include <weir/credentials.h>

struct grant_param {
    char *name;
    struct secret *value;
};

struct grant {
    weir_grant kind;
    weir_client_auth auth;
    char *token_url;
    char *what; /* "fetching a token from https://host/path", without the query */
    char *client_id, *scope, *audience, *resource, *username;
    char *subject, *assertion_audience, *key_id; /* of assertions */
    struct secret *client_secret, *password, *refresh_token;
    struct signer *signer;
    struct grant_param *params;
    size_t param_count;
};

/* `o` is whole (options_read). WEIR_INVALID names the option that is missing, wrong, or given
 * twice; WEIR_UNSUPPORTED: secrets would go over plaintext to another machine. */
struct grant *grant_new(const weir_oauth2_options *o, weir_error *err);
void grant_free(struct grant *grant);
/* Puts "***" for every secret of `grant` that a server may have repeated in `text`. */
void grant_redact(const struct grant *grant, char *text);

/* "client_credentials" and so on, as the parameter grant_type wants it. */
const char *grant_type(weir_grant kind);
#endif
