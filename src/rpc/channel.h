/* rpc/channel.h - a channel's inside, for this folder. */
#ifndef RPC_CHANNEL_H
#define RPC_CHANNEL_H

#include "core/backoff.h"
#include "core/limits.h"
#include "core/url.h"
#include "io/timer.h"
#include "rpc/args.h"
#include "rpc/call.h"
#include "rpc/list.h"
#include "rpc/target.h"

#include <pthread.h>

#define RPC_WINDOW     LIMIT_GRPC_WINDOW
#define RPC_OUT_BUFFER (32 * 1024)

struct lane;

/* Written by the I/O thread only, read by any. */
struct rpc_tally {
    _Atomic uint64_t calls_started, calls_ok, calls_failed, messages_sent, messages_received,
        connects, connect_failures, goaways, keepalive_timeouts, repeats, active, queued;
    _Atomic uint64_t bytes_in, bytes_out;
};

/* Calls that wait for a connection with room. */
struct queue {
    struct link calls;
    size_t count;
};

struct rpc {
    struct loop *loop; /* fixed once open, as all up to `lock` */
    const struct clock *clock;
    struct rpc_args args;
    struct target target;
    struct tls *tls;
    char *name, *target_text, *authority, *user_agent, *server_name, *lb_policy;
    struct url proxy;
    bool proxied;
    char *proxy_target, *proxy_authorization;

    atomic_int handles; /* of users: the last one closes                */
    atomic_int holds;   /* of the memory: users', calls', the engine's  */
    pthread_mutex_t lock;
    pthread_cond_t moved;                           /* the state, or the end */
    struct rpc_call *changed_first, **changed_last; /* @locked: the mailbox  */
    bool posted, closed;                            /* @locked; closed: no orders any more   */
    bool stop_posted, stopped;                      /* @locked; closing from the I/O thread  */
    weir_channel_state state;                       /* @locked; written by the I/O thread */
    bool connect_wanted;                            /* @locked */

    struct loop_task task; /* @thread io, as all below */
    uv_prepare_t turn;     /* runs before the loop waits: obeys, starts, sends */
    bool turning, awake, connect_now;
    bool roomy;              /* a stream has ended while calls waited for one */
    int64_t last_over_ns;    /* when the last call ended, for the idle time */
    struct link parked;      /* calls that are neither waiting nor on a session */
    struct queue waiting[2]; /* the short calls, the long-lived ones */
    size_t active;
    struct link dirty; /* connections with something to send */
    struct lane **lanes;
    struct link retired; /* lanes of former addresses, finishing */
    size_t lane_count, next_lane;
    struct resolve *resolving;
    int64_t resolved_ns;
    struct timer retry, idle;
    struct backoff backoff; /* of name resolution */
    weir_error why;         /* of the last failure to connect; OK: none since the last success */
    struct rpc_tally tally;
    uint8_t out[RPC_OUT_BUFFER];
};

static inline void tally_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* Any thread. */
void channel_hold(struct rpc *rpc);
void channel_unhold(struct rpc *rpc);

/* @thread io, as all below */
void channel_turn_soon(struct rpc *rpc);
static inline size_t channel_queued(const struct rpc *rpc)
{
    return rpc->waiting[false].count + rpc->waiting[true].count;
}
void channel_call_begun(struct rpc *rpc);
void channel_call_over(struct rpc *rpc, bool ok);
bool channel_obey(struct rpc *rpc); /* empties the mailbox; true: there was something */

/* A lane's state has changed: looked at in the next turn. */
void channel_lane_moved(struct rpc *rpc);
/* From the loop, outside of callbacks: everything ends. */
void channel_stop(struct rpc *rpc);
void channel_init(struct rpc *rpc); /* of what only the I/O thread uses */
/* Any thread, with the lock held: the I/O thread will look into the mailbox. */
void channel_call_attention(struct rpc *rpc);
/* The same in two steps, for who has a reference to the channel: the first with the lock, the
 * second without it if the first said so. */
bool channel_wants_post(struct rpc *rpc);
void channel_post(struct rpc *rpc);
#endif
