/* sandbox/token_client.h - who asks for a token: Basic, form or JSON members, or a signed
 * assertion; each checked as a strict server does. @thread io */
#ifndef SANDBOX_TOKEN_CLIENT_H
#define SANDBOX_TOKEN_CLIENT_H

#include "sandbox/token.h"

struct clients;

/* Makes the key whose assertions count; *private_pem: secret_free_text(). */
struct clients *clients_new(const struct tokens_options *options, char **private_pem,
                            weir_error *err);
void clients_free(struct clients *clients);
/* NULL and *id (static; NULL: it did not try), or the name of the error with *err filled. */
const char *clients_authenticate(struct clients *clients, const char *authorization,
                                 const struct params *params, const char **id, weir_error *err);
/* Signature, audience, expiry, and that it is used for the first time (RFC 7523, 3). *id may be
 * NULL: for a grant; else the client that is both issuer and subject. */
weir_status clients_assertion(struct clients *clients, const char *assertion, const char **id,
                              weir_error *err);
#endif
