/* zeebe/channel.h - a channel's inside, for this folder: an rpc channel and who we are on it. */
#ifndef ZEEBE_CHANNEL_H
#define ZEEBE_CHANNEL_H

#include "core/clock.h"
#include "core/pool.h"
#include "io/loop.h"
#include "rpc/rpc.h"
#include "zeebe/address.h"

#include <pthread.h>
#include <stdatomic.h>

struct weir_channel {
    atomic_int refs;
    struct rpc *rpc; /* fixed once open, as all up to `lock` */
    struct loop *loop;
    const struct clock *clock;
    weir_credentials *credentials; /* NULL: none                                          */
    bool exposed;                  /* plaintext beyond this machine: no token may go out  */
    weir_ms default_timeout;
    char name[24]; /* "zeebe#2" */
    pthread_mutex_t lock;
    struct pool *pool;    /* @locked; of callbacks, made with the first                   */
    struct pool *workers; /* @locked; of all workers' handlers, made with the first       */
};

/* How to open one; all texts are borrowed. */
struct channel_plan {
    const struct gateway *gateway;
    bool plaintext;
    bool allow_plaintext_credentials;
    const weir_tls_options *tls;
    const weir_channel_arg *args;
    const char *authority, *server_name; /* NULL: what `args` or the address say */
    const char *proxy;
    weir_ms keepalive; /* 0: 45 s                                                        */
    weir_ms default_timeout;
    weir_credentials *credentials; /* NULL: none; referenced */
};

weir_channel *channel_open(const struct channel_plan *plan, weir_error *err);
/* WEIR_UNSUPPORTED when a token would cross a network unencrypted without having been allowed. */
weir_status channel_check_exposure(const struct channel_plan *plan, weir_error *err);
/* The pool that callbacks run on. */
struct pool *channel_pool(weir_channel *channel, weir_error *err);
/* The pool that the workers of the channel share, with so many threads more at most. None is
 * started before there is something for it to do. */
struct pool *channel_claim_threads(weir_channel *channel, int threads, weir_error *err);
void channel_release_threads(weir_channel *channel, int threads);
#endif
