/* rpc/rpc.h - gRPC as the rest of the library sees it: bytes in, bytes out, a deadline. The only
 * door to this folder, which is the only one that includes nghttp2. It knows nothing of tokens or
 * protobuf.
 *
 * Any function may be called from any thread; callbacks run on the I/O thread, in order for one
 * call, and must hand over, not work and not block. They may call anything here but
 * rpc_state_wait(); what they ask for happens after they have returned. */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include "core/deadline.h"
#include <weir/channel.h>
#include <weir/zeebe.h>

struct rpc;      /* a channel to one target, reference counted */
struct rpc_call; /* one call, reference counted by its owner and the channel */

struct rpc_options {
    const char *target;          /* "host:port", "[::1]:port", "dns:///host:port",
                                    "ipv4:1.2.3.4:p,5.6.7.8:p", "ipv6:...", "unix:/path" */
    const weir_tls_options *tls; /* when not plaintext */
    bool plaintext;
    const weir_channel_arg *args; /* checked here; see rpc/args.h */
    const char *proxy;            /* NULL: from the environment; WEIR_OMIT: none */
    const char *name;             /* "zeebe#2", for logs */
};

struct rpc *rpc_open(const struct rpc_options *options, weir_error *err);
struct rpc *rpc_ref(struct rpc *rpc);
/* Drops one reference. With the last one every call ends (WEIR_STOPPED), and connections are
 * closed; when it returns no callback runs any more (unless called from one). */
void rpc_close(struct rpc *rpc);

weir_channel_state rpc_state(struct rpc *rpc);
weir_status rpc_state_wait(struct rpc *rpc, weir_channel_state last, struct deadline until,
                           weir_error *err);
void rpc_connect(struct rpc *rpc);
void rpc_counters(struct rpc *rpc, weir_channel_counters *out);

/* How a call ended. `trailers` are borrowed until the callback returns. */
struct rpc_end {
    weir_error error;    /* OK, or what the peer or the transport said, mapped (status.c) */
    int grpc_status;     /* 0..16: the server's, or the one that stands for what happened here  */
    bool unprocessed;    /* the server provably has not seen it: repeating it does no harm */
    const char *message; /* the server's own words, line breaks included; "" */
    const weir_metadata *trailers; /* without grpc-status and grpc-message */
    size_t trailer_count;
};

struct rpc_events {
    void (*headers)(void *user, const weir_metadata *headers,
                    size_t count);                      /* may be NULL; not for trailers-only */
    void (*message)(void *user, weir_bytes message);    /* borrowed */
    void (*end)(void *user, const struct rpc_end *end); /* exactly once, last */
};

struct rpc_call_options {
    const char *path;      /* "/gateway_protocol.Gateway/Topology"                            */
    struct deadline until; /* sent as grpc-timeout and enforced here                          */
    const weir_metadata *metadata; /* copied; names lower case; "-bin" values are raw bytes */
    size_t metadata_count;
    bool gzip;           /* compress what is sent                                           */
    bool long_lived;     /* waits on the server (poll, job stream): never before short calls */
    bool wait_for_ready; /* do not fail on a failing connection: wait until the deadline    */
    bool server_streams; /* false: exactly one message or an error (else INTERNAL)          */
    bool client_streams; /* false: rpc_call_send() once, which also ends the request        */
    bool manual;         /* messages come only as rpc_call_want() asks for them             */
    size_t want;         /* with `manual`: so many from the start                           */
    weir_bytes request;  /* of rpc_call_begin(); copied                                     */
};

/* Starts a call; the connection is made when there is none. Messages come as fast as they arrive
 * unless `manual`. NULL: nothing will be called back. Release with rpc_call_free().
 * Without `client_streams` the call begins with rpc_call_send(), which must follow. */
struct rpc_call *rpc_call_start(struct rpc *rpc, const struct rpc_call_options *options,
                                const struct rpc_events *events, void *user, weir_error *err);
/* rpc_call_start() and rpc_call_send() of options->request in one, for calls without
 * `client_streams`. *call is set before anything can be called back; unless this returns WEIR_OK
 * nothing will be. */
weir_status rpc_call_begin(struct rpc *rpc, const struct rpc_call_options *options,
                           const struct rpc_events *events, void *user, struct rpc_call **call,
                           weir_error *err);
/* Copies `message`. For client streams any number of times, then rpc_call_end_sending(). */
weir_status rpc_call_send(struct rpc_call *call, weir_bytes message, weir_error *err);
void rpc_call_end_sending(struct rpc_call *call);
/* `count` more messages are wanted; without it the flow-control window closes and the sender stops.
 */
void rpc_call_want(struct rpc_call *call, size_t count);
/* end() follows with WEIR_STOPPED, unless the call ends first. */
void rpc_call_cancel(struct rpc_call *call);
/* The owner's reference; the call goes on and its callbacks still come unless it was cancelled. */
void rpc_call_free(struct rpc_call *call);
#endif
