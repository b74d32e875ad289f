/* io/stream_private.h - a stream's inside, for the stream_*.c files. @thread io */
#ifndef IO_STREAM_PRIVATE_H
#define IO_STREAM_PRIVATE_H

#include "core/buf.h"
#include "io/loop_private.h"
#include "io/stream.h"
#include "io/tls_private.h"

#define STREAM_PROXY_HEADER ((size_t)16 * 1024) /* of the answer to CONNECT */

enum stream_state {
    STREAM_CONNECTING, /* Next: PROXYING, SHAKING, OPEN, ENDED                      */
    STREAM_PROXYING,   /* the CONNECT was sent. Next: SHAKING, OPEN, ENDED          */
    STREAM_SHAKING,    /* TLS handshake. Next: OPEN, ENDED                          */
    STREAM_OPEN,       /* Next: ENDED                                               */
    STREAM_ENDED       /* end() was called or is about to be; only closing is left  */
};

struct stream {
    struct loop *loop;
    enum stream_state state;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    const struct stream_events *events;
    void *user;

    struct tls *tls;
    SSL *ssl;
    bool server;
    char *server_name;    /* what the certificate must say       */
    char *connect_target; /* NULL: no proxy                      */
    char *proxy_request;  /* secret; NULL once sent              */
    struct buf proxy_answer;

    struct buf queue;  /* waits for `flying` to land                */
    struct buf flying; /* in uv_write()                             */
    bool writing;
    bool paused;
    bool reading;
    bool closing;       /* stream_close() was called                 */
    bool want_shutdown; /* after the queue                           */
    bool half_closed;   /* our FIN is on its way, or nothing gets out any more */
    bool failing;       /* the task ends the stream                  */
    unsigned holds;     /* the uv handle, and the task while posted  */
    bool posted;
    struct loop_task task; /* delivers outside of calls what must not come within */
    weir_error why;
    struct timer timer;
    struct deadline until;
    char peer[128];
};

/* Ends the stream with stream->why from the loop's next turn. */
void stream_fail_later(struct stream *s);
/* Ends it now: only from callbacks of the loop. */
void stream_end(struct stream *s);
void stream_send_raw(struct stream *s, const void *data, size_t len);
/* Connected and proxied: TLS or open. */
void stream_begin_tls(struct stream *s);
void stream_opened(struct stream *s);
void stream_receive_plain(struct stream *s, const uint8_t *data, size_t len);

void stream_proxy_start(struct stream *s);
void stream_proxy_data(struct stream *s, const uint8_t *data, size_t len);

weir_status stream_tls_start(struct stream *s);
void stream_tls_data(struct stream *s, const uint8_t *data, size_t len);
/* Hands on what OpenSSL holds, after a pause. */
void stream_tls_more(struct stream *s);
bool stream_tls_pending(const struct stream *s);
void stream_tls_write(struct stream *s, const void *data, size_t len);
void stream_tls_close_notify(struct stream *s);

struct stream *stream_make(struct loop *loop, weir_error *err);
void stream_start_reading(struct stream *s);
#endif
