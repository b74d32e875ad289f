/* integration/credentials_lib.h - what the tests of credentials share: the sandbox's token
 * endpoint, and everything that is logged. Failures fail the test. */
#ifndef INTEGRATION_CREDENTIALS_LIB_H
#define INTEGRATION_CREDENTIALS_LIB_H

#include "lib/check.h"

#include "core/clock.h"
#include "sandbox/sandbox.h"
#include "sandbox/token.h"
#include <weir/credentials.h>

#define URL(sandbox) sandbox_value(sandbox, "OAUTH_TOKEN_URL")
/* The sandbox's client, for WEIR_OAUTH2(). */
#define CLIENT(sandbox)                                                                            \
    .token_url = URL(sandbox), .client_id = TOKEN_CLIENT_ID, .client_secret = TOKEN_CLIENT_SECRET

struct sandbox *start_with(const struct sandbox_options *options);
struct sandbox *start_oauth(void); /* the token endpoint alone */
void fault(struct sandbox *sandbox, const char *line);
weir_credentials *open_with(const weir_oauth2_options *o);
weir_credentials *open_to(struct sandbox *sandbox);
weir_token *token_of(weir_credentials *c); /* within 10 s */
int64_t ms_since(int64_t mono_ns);

/* A group's setup: keeps what is logged at the finest level. */
int listen_to_everything(void **state);
/* The last test of a group: none of the sandbox's secrets and tokens is in it. */
void no_secret_is_in_any_log(void **state);
#endif
