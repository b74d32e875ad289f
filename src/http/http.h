/* http/http.h - HTTP requests on the I/O thread, over libcurl's multi interface (loaded when the
 * first client is opened). One client: one set of TLS settings, one proxy, a few kept-alive
 * connections. It knows nothing of what is said over HTTP.
 *
 * Functions that are not "@thread io" may be called from any thread. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "core/deadline.h"
#include "io/loop.h"
#include <weir/channel.h>

struct http;     /* reference counted */
struct http_ask; /* one request under way */

struct http_options {
    const weir_tls_options *tls; /* copied and checked now; NULL: the system's trust store     */
    const char *proxy;           /* URL; NULL: from the environment (io/proxy.h); WEIR_OMIT: none */
    const char *part;            /* for logs: "auth"; static                                   */
};

/* WEIR_INVALID names a broken PEM or proxy; WEIR_UNSUPPORTED: there is no libcurl. */
struct http *http_open(const struct http_options *options, weir_error *err);
struct http *http_ref(struct http *http);
/* Drops one reference. With the last one, requests under way end with WEIR_STOPPED; when it returns
 * no callback runs any more (unless called from one). */
void http_close(struct http *http);
struct loop *http_loop(struct http *http); /* borrowed */

/* Everything is copied; copies of bodies and headers are wiped. */
struct http_request {
    const char *method, *url;
    const char *const *headers; /* "Name: value", ended by NULL; or NULL. Never logged           */
    const char *content_type;   /* of `body`; NULL: there is no body                             */
    weir_bytes body;
    size_t max_answer;     /* bytes of the answer's body; 0: LIMIT_HTTP_BODY                     */
    struct deadline until; /* names, connecting, TLS and the whole answer                        */
};

struct http_header {
    const char *name, *value;
};
/* Borrowed until the callback returns. */
struct http_answer {
    int status;          /* 100..599                                                            */
    weir_bytes body;     /* NUL-terminated                                                      */
    weir_ms retry_after; /* Retry-After (RFC 9110, 10.2.3), seconds or date; -1: none           */
    const char *content_type; /* "" when there is none                                         */
    const struct http_header *headers; /* of the last answer, in order, as received              */
    size_t header_count;
};
const char *http_header(const struct http_answer *answer, const char *name); /* NULL: none */

/* Exactly once, @thread io, never from within http_send(). Any HTTP status is an answer (redirects
 * are not followed), with a cleared *err; `answer` NULL: *err says why there is none (mapping table
 * of curl's codes: UNREACHABLE, UNTRUSTED, TIMEOUT, PROTOCOL, ...). */
typedef void http_done_fn(void *user, const struct http_answer *answer, const weir_error *err);

/* NULL: *err says why, and `done` does not come. WEIR_INVALID: an URL that is none, or whose scheme
 * is neither http nor https. */
struct http_ask *http_send(struct http *http, const struct http_request *request,
                           http_done_fn *done, void *user, weir_error *err);
/* @thread io. `done` will not come; only before it has. */
void http_cancel(struct http_ask *ask);
#endif
