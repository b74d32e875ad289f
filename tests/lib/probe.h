/* lib/probe.h - a gRPC call that a test can wait for. */
#ifndef LIB_PROBE_H
#define LIB_PROBE_H

#include "core/clock.h"
#include "rpc/rpc.h"

#include <pthread.h>

struct probe {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct rpc_call *call;
    size_t messages, ends, bytes;
    char last[64];   /* the beginning of the last message */
    char whole[512]; /* the last message, if it is no longer than that */
    size_t whole_len;
    char trailer[64];
    char words[128];
    weir_error error;
    int grpc_status;
    bool unprocessed;
    void (*at_end)(struct probe *p); /* from the callback; NULL: nothing */
    void *user;
    const weir_bytes *say; /* what to send instead of "hello"; set before probe_start() */
};

struct rpc *probe_channel(const char *target, const weir_channel_arg *args);
/* Starts a call of `path` with one message; options may be NULL: a unary call, 10 s. */
void probe_start(struct probe *p, struct rpc *rpc, const char *path,
                 const struct rpc_call_options *options);
void probe_wait(struct probe *p);                    /* until it has ended; fails after 20 s */
void probe_wait_messages(struct probe *p, size_t n); /* or until it has ended */
void probe_free(struct probe *p);
/* All in one: the status of a unary call. */
weir_status probe_call(struct rpc *rpc, const char *path, weir_error *err);
size_t probe_descriptors(void); /* open in this process */
/* Until no more than `most` are open: sockets are closed on the I/O thread, which ends itself when
 * they are the last that hold it. Fails after 10 s. */
void probe_wait_descriptors(size_t most);
struct deadline probe_in(weir_ms ms);
#endif
