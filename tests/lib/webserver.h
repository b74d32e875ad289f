/* lib/webserver.h - a small HTTP/1.1 server for tests, on the I/O thread: it reads whole requests,
 * and says byte by byte what the test tells it to. And a client's request that a test can wait for.
 */
#ifndef LIB_WEBSERVER_H
#define LIB_WEBSERVER_H

#include "core/buf.h"
#include "http/exchange.h"
#include "io/tls.h"

#include <pthread.h>

struct webserver;

struct webserver_request {
    const char *head; /* NUL-terminated, from the method to the empty line */
    const char *body; /* NUL-terminated */
    size_t body_len;
    size_t number;     /* of this request, from 1 */
    size_t connection; /* that it came on, from 1 */
};
struct webserver_reply {
    struct buf text; /* sent as it is; empty: no answer, ever */
    bool hang_up;    /* close after it */
    bool for_ever;   /* `text`, then `again` until the client has gone */
    struct buf again;
};
/* @thread io */
typedef void webserver_fn(void *user, const struct webserver_request *request,
                          struct webserver_reply *reply);

struct webserver *webserver_start(struct tls *tls, webserver_fn *answer, void *user);
void webserver_stop(struct webserver *web);
uint16_t webserver_port(const struct webserver *web);
size_t webserver_requests(const struct webserver *web);
size_t webserver_connections(const struct webserver *web); /* accepted so far */
bool webserver_wait_requests(struct webserver *w,
                             size_t n); /* until so many have arrived; false after 10 s */
bool webserver_wait_open(struct webserver *w, size_t n); /* until so many connections are open */
/* "HTTP/1.1 STATUS", `headers` (each ended by CRLF), Content-Length, the body. */
void webserver_say(struct webserver_reply *reply, const char *status, const char *headers,
                   const char *body);

/* ---- the client's side ---- */

struct fetch {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int dones; /* how often `done` came */
    int status;
    char body[512]; /* its beginning */
    size_t body_len, headers;
    char content_type[64], seen[128]; /* the header X-Seen */
    weir_ms retry_after;
    weir_error err;
    void (*at_done)(struct fetch *f); /* from the callback; NULL: nothing */
    void *user;
};
#define FETCH_INIT                                                                                 \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER                       \
    }

void fetch_done(void *user, const struct http_answer *answer, const weir_error *err);
void fetch_wait(struct fetch *f); /* fails after 20 s */
/* http_send() and the wait, with 10 s for it. */
weir_status fetch_send(struct fetch *f, struct http *http, const struct http_request *request);
weir_status fetch_get(struct fetch *f, struct http *http, const char *url);
struct deadline fetch_in(weir_ms ms);
#endif
