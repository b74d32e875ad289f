/* lib/transported.h - a Bayeux transport that a test drives from its own thread: it calls on the
 * I/O thread, and collects what comes back. */
#ifndef LIB_TRANSPORTED_H
#define LIB_TRANSPORTED_H

#include "bayeux/transport.h"

#include <pthread.h>

#define TRANSPORTED_MAX 32

struct transported_end {
    unsigned exchange; /* 0: `lost` */
    weir_error why;
    bool left;
};

struct transported {
    struct loop *loop;
    struct http *http;
    struct transport *transport; /* NULL: closed */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t either;            /* of all that follows */
    size_t batches, messages; /* received */
    char text[1024];          /* the last one's beginning */
    size_t text_len;
    int64_t date_s;
    size_t ended; /* how many of these */
    struct transported_end ends[TRANSPORTED_MAX];
    bool close_at_received, close_at_end;
    bool cycle; /* send once more, from within, when something ends */
};

struct transported_options {
    bool websocket;
    const char *url, *proxy; /* proxy NULL: none */
    const char *const *headers;
    const weir_tls_options *tls;
    size_t max_message;
};

/* Fails the test if there can be none; 10 s for what follows. */
void transported_open(struct transported *t, const struct transported_options *o);
weir_status transported_try_open(struct transported *t, const struct transported_options *o,
                                 weir_error *err);
void transported_close(struct transported *t);      /* the transport and what it hangs on */
void transported_close_only(struct transported *t); /* the transport alone */
weir_status transported_send(struct transported *t, unsigned exchange, const char *text,
                             const char *authorization);
weir_status transported_send_until(struct transported *t, unsigned exchange, const char *text,
                                   weir_ms limit);
void transported_cancel(struct transported *t, unsigned exchange);
/* Until so many have come; fail after 20 s. */
void transported_wait_batches(struct transported *t, size_t n);
const struct transported_end *transported_wait_ended(struct transported *t, size_t n);
/* Until an answer has come, or an end. */
void transported_wait_either(struct transported *t);
/* Returns when the I/O thread has done what was due before. */
void transported_settle(struct transported *t);
#endif
