/* sandbox/h2.h - the server's side of a gRPC connection over HTTP/2 (nghttp2), without a socket:
 * bytes in, calls out, answers in, bytes out. It knows nothing of what the calls mean.
 *
 * One thread at a time. Events come from within h2_feed(), h2_pump() and the answering functions;
 * any function may be called from them but h2_feed(), h2_pump() and h2_free(). */
#ifndef SANDBOX_H2_H
#define SANDBOX_H2_H

#include <weir/error.h>

struct h2;
struct h2_call;

#define H2_CANCEL         8 /* error codes of RFC 9113, 7 */
#define H2_REFUSED_STREAM 7
#define H2_NO_ERROR       0

struct h2_header {
    const char *name, *value; /* NUL-terminated; the value may hold more NULs: len counts */
    size_t len;
};

struct h2_events {
    /* A call has arrived whole. */
    void (*request)(void *user, struct h2_call *call);
    /* A call that was announced is over and gone: answered, given up by the client, or lost with
     * the connection. */
    void (*closed)(void *user, struct h2_call *call);
    /* Bytes for the peer; false: no more until h2_pump(). */
    bool (*send)(void *user, const void *data, size_t len);
};

struct h2_options {
    const struct h2_events *events;
    void *user;
    uint32_t max_concurrent_streams; /* 0: 100 */
};

struct h2 *h2_new(const struct h2_options *options, weir_error *err);
/* Every announced call gets its `closed`. */
void h2_free(struct h2 *h2);
/* False: the connection is over (the peer broke the protocol, or all is done after a GOAWAY);
 * what there was to say has been sent. */
bool h2_feed(struct h2 *h2, const void *data, size_t len);
/* Sends what waits; false as above. */
bool h2_pump(struct h2 *h2);
/* No call after `last`, a stream number, is taken any more; those after it are dropped without an
 * answer. 0: not even the ones under way. */
void h2_goaway(struct h2 *h2, int32_t last);
size_t h2_calls(const struct h2 *h2); /* under way */

const char *h2_call_path(const struct h2_call *call);
/* All of them, pseudo headers included, in the order they came. */
const struct h2_header *h2_call_headers(const struct h2_call *call, size_t *count);
const char *h2_call_header(const struct h2_call *call, const char *name); /* first; NULL: none */
weir_bytes h2_call_body(const struct h2_call *call);
size_t h2_call_queued(const struct h2_call *call); /* bytes of its answer that were not taken */
void h2_call_set_user(struct h2_call *call, void *user);
void *h2_call_user(const struct h2_call *call); /* NULL until set */

/* A gRPC answer: headers (with the first of these), messages, trailers. `text` may be NULL. Once
 * one of the last three has been called the call may be gone when it returns. */
void h2_call_message(struct h2_call *call, weir_bytes message);
void h2_call_end(struct h2_call *call, int grpc_status, const char *text);
/* An answer that is not gRPC, as proxies give it. */
void h2_call_http(struct h2_call *call, int status, const char *body);
void h2_call_reset(struct h2_call *call, uint32_t code);
/* A GOAWAY which says that this call was not taken, nor any after it. Calls that were announced
 * after it have been taken: then it is refused alone, and none after those is. */
void h2_call_goaway(struct h2_call *call);
#endif
