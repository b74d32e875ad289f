/* credentials/answer.h - what a token endpoint answers (RFC 6749, 5.1 and 5.2; RFC 7523, 3.2),
 * judged. Pure. */
#ifndef CREDENTIALS_ANSWER_H
#define CREDENTIALS_ANSWER_H

#include "credentials/token.h"
#include "http/http.h"

/* A 2xx answer's body. `what`: "fetching a token from URL". Otherwise *err, with kind
 * TOKEN_UNUSABLE, or TOKEN_REFUSED when it is an error document after all. The body's text is
 * never quoted. */
weir_status answer_read(struct weir_token_answer *out, const char *body, size_t len,
                        const char *what, weir_error *err);
/* Any other answer: fills *err with the server's own words and one of the three kinds. */
weir_status answer_refusal(const struct http_answer *answer, const char *what, weir_error *err);
/* There is no answer, and `err` says why: adds the kind. */
void answer_missing(weir_error *err);
/* Refused for good: asking again with the same credentials cannot help. */
bool answer_is_final(const weir_error *err);
#endif
