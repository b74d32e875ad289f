/* http/http.h - HTTP requests on the I/O thread, over libcurl's multi interface (loaded when the
 * first client is opened). One client: one set of TLS settings, one proxy, a few kept-alive
 * connections. It knows nothing of what is said over HTTP.
 *
 * Functions that are not "@thread io" may be called from any thread. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "core/buf.h"
#include "core/deadline.h"
#include "core/url.h"
#include "io/loop.h"
#include <weir/channel.h>

struct http;     /* reference counted */
struct http_ask; /* one request under way */

struct http_options {
    const weir_tls_options *tls; /* copied and checked now; NULL: the system's trust store     */
    const char *proxy;           /* URL; NULL: from the environment (io/proxy.h); WEIR_OMIT: none */
    const char *part;            /* for logs: "auth"; static                                   */
    bool cookies;                /* keep what servers set, also with errors, and send it back  */
    unsigned connections;        /* to one host at a time; 0: 8                                */
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
    size_t max_answer;  /* bytes of the answer's body, decoded; 0: LIMIT_HTTP_BODY            */
    const char *larger; /* what helps against a larger one: "raise max_message"; static, or NULL */
    bool no_secret;     /* there is none in the answer's body: it is not wiped, and
                           http_take_body() may be called                                     */
    bool held;          /* the server may hold the answer back for long: who waits for a call of
                           its own may borrow the loop meanwhile (io/loop.h)                  */
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
    struct incoming *from; /* for http_take_body() */
};
const char *http_header(const struct http_answer *answer, const char *name); /* NULL: none */
/* The body becomes the caller's, without a copy: NUL-terminated, core/mem. Once, and only of a
 * request with `no_secret`. NULL: no memory for an empty one. */
char *http_take_body(const struct http_answer *answer, size_t *len);
/* Whether `line` is "Name: value" without what would make two of it; never quotes the value. */
weir_status http_check_header(const char *line, weir_error *err);
/* Seconds since the epoch (RFC 9110, 5.6.7); `wall_ns` tells the century of a year of two digits.
 * False: no date. */
bool http_date(const char *text, int64_t wall_ns, int64_t *seconds);

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
/* Within `done`: whether the request may have reached the server. */
bool http_left(const struct http_ask *ask);

/* ---- cookies, for who speaks to the same server in another way; @thread io ---------------- */

/* "a=b; c=d", what RFC 6265, 5.4 would send to `url` now; nothing is added when there is none. */
void http_cookies(struct http *http, const struct url *url, struct buf *out);
/* A Set-Cookie header of an answer from `url`. Without memory it is not kept. */
void http_set_cookie(struct http *http, const struct url *url, const char *value);
#endif
