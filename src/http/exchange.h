/* http/exchange.h - one exchange with a service, until it succeeds or cannot: repeats what may be
 * repeated, backs off with full jitter, honours Retry-After, never past the deadline, and turns
 * what is left into a weir_error (http/status.h). Nothing else repeats HTTP. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/http.h"

struct exchange;

struct exchange_options {
    struct http_request request; /* its `until` covers all tries                                  */
    const char *what;   /* what was tried, for errors: "fetching a token from URL"; copied */
    bool idempotent;    /* may be repeated when it is unclear whether it arrived; else only when the
                           connection failed before the request left, and on 429 and 503            */
    unsigned max_tries; /* 0: until the deadline                                                  */
    /* Called for every answer that is not 2xx; returns true when it has filled *err itself (an
     * OAuth2 error document, say). err->retry_in_ms >= 0 then means: may be repeated. NULL: the
     * HTTP status alone. @thread io */
    bool (*explain)(void *user, const struct http_answer *answer, weir_error *err);
};

/* As http_send(): exactly once, @thread io, later. `answer` is a 2xx answer, else NULL. */
struct exchange *exchange_start(struct http *http, const struct exchange_options *options,
                                http_done_fn *done, void *user, weir_error *err);
/* @thread io. `done` will not come; only before it has. */
void exchange_cancel(struct exchange *exchange);
#endif
