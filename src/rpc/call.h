/* rpc/call.h - one call's inside, for this folder. See call.c for its life. */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include "core/buf.h"
#include "io/timer.h"
#include "rpc/list.h"
#include "rpc/metadata.h"
#include "rpc/rpc.h"

#include <nghttp2/nghttp2.h>
#include <stdatomic.h>

struct session;

enum call_state {
    CALL_FRESH,   /* its request is not complete enough to begin. Next: WAITING, ENDED          */
    CALL_WAITING, /* in the channel's queue, for a connection or a stream. Next: OPEN, ENDED    */
    CALL_OPEN,    /* has a stream. Next: WAITING (the server did not process it), ENDED         */
    CALL_ENDED    /* end() was called; the stream may have some frames to live                  */
};

struct call_message {
    struct call_message *next;
    size_t len;  /* with the five bytes before the message */
    bool inside; /* lies in the call's own memory          */
    uint8_t data[];
};

/* What other threads want of a call; written under the channel's lock, taken by the I/O thread. */
struct call_orders {
    struct call_message *first, *last;
    size_t want;
    bool end_sending, cancel;
};

/* What the peer said at the end. */
struct call_trailers {
    int grpc_status; /* -1: none */
    char *message;   /* percent-decoded, or NULL */
    struct metadata extra;
};

struct rpc_call {
    struct rpc *rpc; /* holds its memory */
    atomic_int refs; /* owner, engine, mailbox */
    const struct rpc_events *events;
    void *user;
    struct deadline until;
    bool long_lived, wait_for_ready, server_streams, client_streams, manual, gzip;

    struct rpc_call *next_changed; /* @locked by the channel, as the next two */
    bool changed;
    struct call_orders orders;

    enum call_state state; /* @thread io, as all below */
    struct link link;      /* in the channel's `parked` or `waiting`, or the session's `calls` */
    struct session *session;
    int32_t stream;
    bool sent;      /* the request's headers have been given to the socket               */
    bool committed; /* the server answered, or part of the request is gone: never repeated */
    bool engaged;   /* the engine holds a reference                                       */
    bool deferred;  /* nghttp2 waits for more to send                                    */
    bool fin;       /* nothing more will be sent after `out`                             */
    unsigned repeats;
    struct timer timer;

    struct call_message *out_first, *out_last, *out_at; /* out_at: what is being sent      */
    size_t out_offset, out_bytes;

    size_t wanted;
    int http_status;
    bool grpc;            /* the answer's content-type is a gRPC one                         */
    bool gzip_in;         /* grpc-encoding: gzip                                             */
    bool headers_done;    /* the first header block is complete                              */
    bool remote_closed;   /* END_STREAM was received                                         */
    bool violated;        /* the peer broke the protocol on this stream                      */
    size_t messages;      /* received                                                        */
    size_t header_bytes;  /* of this block                                                   */
    struct metadata head; /* of the answer, when somebody wants it                           */
    struct call_trailers tail;
    struct buf hold; /* received, not delivered                                         */
    size_t hold_at;
    size_t unconsumed; /* bytes for which the window has not been opened again            */

    char *text; /* of the metadata; wiped when there is a token among it */
    size_t text_size;
    bool secret;
    char timeout[16]; /* grpc-timeout                                                       */
    size_t nv_fixed;  /* entries before the place for grpc-timeout                           */
    size_t nv_count;
    nghttp2_nv nv[]; /* then the text they point to, and a first message                     */
};

/* Any thread. */
void call_unref(struct rpc_call *call);
/* The memory of one that nobody has met; a token in it is wiped. */
void call_discard(struct rpc_call *call);
void call_message_free(struct call_message *m);

/* @thread io, as all below. */
void call_obey(struct rpc_call *call, struct call_orders *orders);
/* Ends it, once; the stream is reset when there is one. */
void call_end(struct rpc_call *call, const weir_error *why, int grpc_status, bool unprocessed);
void call_fail(struct rpc_call *call, weir_status status, int grpc_status, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
/* Gives the engine's reference back once the call has ended and has no stream. */
void call_settle(struct rpc_call *call);
/* Just before it is submitted. */
void call_stamp(struct rpc_call *call);
/* nghttp2 asks for the request's bytes. */
ssize_t call_read(struct rpc_call *call, uint8_t *out, size_t max, uint32_t *flags);

/* The session's news. */
/* `last`: no more will follow on this stream. False: no memory. */
bool call_header(struct rpc_call *call, weir_bytes name, weir_bytes value, bool last);
void call_headers_done(struct rpc_call *call, bool last);
void call_data(struct rpc_call *call, const uint8_t *data, size_t len);
void call_remote_closed(struct rpc_call *call);
/* The stream is gone; `call->session` is NULL again. */
void call_closed(struct rpc_call *call, uint32_t code);
/* The connection is gone for `reason`. */
void call_lost(struct rpc_call *call, const weir_error *reason);

/* inbound.c: delivers what is wanted and held, and ends the call when all is said. */
void call_deliver(struct rpc_call *call);
void call_inbound_free(struct rpc_call *call);
#endif
