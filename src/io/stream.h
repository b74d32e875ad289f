/* io/stream.h - a byte stream to one address: TCP or Unix socket, through an HTTP CONNECT proxy,
 * with TLS. Everything here is @thread io; callbacks come from the loop, never from within a call
 * made on the same stream, except that stream_write() may end up in `end`... later. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "core/deadline.h"
#include "io/resolve.h"
#include "io/tls.h"

struct stream;
struct listener;

struct stream_events {
    void (*open)(void *user); /* connected, proxied, TLS verified     */
    void (*data)(void *user, const uint8_t *data, size_t len); /* borrowed until it returns */
    void (*drained)(void *user); /* what was queued by write has left    */
    /* Once, last; never after stream_close(). OK: the peer closed in good order. */
    void (*end)(void *user, const weir_error *why);
};

struct stream_options {
    const struct address *address;   /* of the peer, or of the proxy                     */
    struct tls *tls;                 /* NULL: plaintext                                   */
    const char *server_name;         /* to verify and to send as SNI                      */
    const char *connect_target;      /* "host:port": CONNECT through the proxy first      */
    const char *proxy_authorization; /* value of Proxy-Authorization, or NULL; secret   */
    struct deadline until;           /* for all up to `open`                              */
    const struct stream_events *events;
    void *user;
};

struct stream *stream_connect(struct loop *loop, const struct stream_options *options,
                              weir_error *err);
/* Sends at once what the socket takes and queues a copy of the rest. Errors come through `end`. */
void stream_write(struct stream *stream, const void *data, size_t len);
size_t stream_queued(const struct stream *stream); /* bytes not yet taken by the socket   */
void stream_pause(struct stream *stream);          /* no more `data` until resumed        */
void stream_resume(struct stream *stream);
/* Sends what is queued, then closes for writing (TLS close_notify, FIN). */
void stream_shutdown(struct stream *stream);
/* At once, from any callback too; no callback comes after it. */
void stream_close(struct stream *stream);
const char *stream_peer(const struct stream *stream); /* "127.0.0.1:26500" */

/* Servers: the sandbox and tests. `accepted` gets a stream without events: stream_attach() it. */
typedef void listener_fn(void *user, struct stream *stream);
struct listener_options {
    const char *host; /* a numeric address                    */
    uint16_t port;    /* 0: any free one                      */
    struct tls *tls;  /* NULL: plaintext                      */
    listener_fn *accepted;
    void *user;
};
struct listener *listener_open(struct loop *loop, const struct listener_options *options,
                               weir_error *err);
uint16_t listener_port(const struct listener *listener);
void listener_close(struct listener *listener);
/* Also hands an open stream on to another owner: nothing is called from within then. */
void stream_attach(struct stream *stream, const struct stream_events *events, void *user);
#endif
