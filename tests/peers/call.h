/* tests/peers/call.h - one gRPC call over rpc/rpc.h that its thread waits for, and protobuf by
 * hand, for the programs that are pointed at peers. Every call has a deadline, so every wait ends.
 */
#ifndef PEERS_CALL_H
#define PEERS_CALL_H

#include <pthread.h>

#include "core/buf.h"
#include "rpc/rpc.h"

#define PEER_MESSAGE_MAX ((size_t)4 * 1024 * 1024)

struct peer_call {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rpc_call *call;
    struct buf last; /* the last message */
    size_t messages;
    size_t bytes; /* of all messages */
    bool ended;
    weir_error error;
    int status; /* grpc-status */
    bool unprocessed;
    char initial[128], trailing[128]; /* the two metadata of the case custom_metadata */
    char words[256];                  /* grpc-message */
};

struct peer_call_options {
    const char *path;
    bool client_streams, server_streams;
    weir_ms limit; /* 0: 10 s */
    bool metadata; /* sends the two metadata of custom_metadata */
    bool gzip;
};

/* When the call cannot start it has ended already, with its error; the other functions still hold.
 */
void peer_call_start(struct peer_call *c, struct rpc *channel,
                     const struct peer_call_options *options);
/* Sends and frees `message`. */
void peer_call_send(struct peer_call *c, struct buf *message);
/* Until so many messages have come, or the call has ended; SIZE_MAX: until it has ended. */
void peer_call_wait(struct peer_call *c, size_t count);
void peer_call_finish(struct peer_call *c);

/* Protobuf: a number, bytes, a message (which is freed). */
void peer_number(struct buf *b, unsigned field, uint64_t value);
void peer_bytes(struct buf *b, unsigned field, const void *data, size_t len);
void peer_nested(struct buf *b, unsigned field, struct buf *inner);
/* The number that `field` is, or the length of what it holds, at `*inner`; 0: not there. */
uint64_t peer_field(const void *data, size_t len, unsigned field, const uint8_t **inner);
#endif
