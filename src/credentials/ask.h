/* credentials/ask.h - tokens for the library itself, without blocking a thread. */
#ifndef CREDENTIALS_ASK_H
#define CREDENTIALS_ASK_H

#include "core/deadline.h"
#include "http/http.h"
#include <weir/credentials.h>

struct token_ask;
/* `token` is yours to free; NULL with *err otherwise. On the I/O thread. */
typedef void token_ask_fn(void *user, weir_token *token, const weir_error *err);

/* Any thread, at most a short lock: a token that is valid now, or NULL. Starts the renewal of a
 * stale one. */
weir_token *credentials_peek(weir_credentials *credentials);
/* Any thread. `done` comes exactly once, later. NULL: *err says why and `done` does not come.
 * `at_once`: the first failure ends it, which else is waited out until the limit. */
struct token_ask *credentials_ask(weir_credentials *credentials, struct deadline until,
                                  bool at_once, token_ask_fn *done, void *user, weir_error *err);
/* @thread io. `done` will not come; fine only before it has. */
void credentials_ask_cancel(struct token_ask *ask);

/* ---- for services that hand out tokens of their own kind --------------------------------- */

/* @thread io. The endpoint refused, *err says so in its words: what else is there to say about
 * that, by error_append(). `answer` may be a success that holds an error document. */
typedef void token_advice_fn(const weir_oauth2_options *asked, const struct http_answer *answer,
                             weir_error *err);
/* As weir_credentials_oauth2(). `advice` is given the grant and token_url only. */
weir_credentials *credentials_oauth2(const weir_oauth2_options *o, token_advice_fn *advice,
                                     weir_error *err);
/* As weir_credentials_fixed(), with further fields, ended by a NULL name; or NULL. */
weir_credentials *credentials_fixed(const char *token, const weir_param *fields, weir_error *err);
#endif
