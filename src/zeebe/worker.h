/* zeebe/worker.h - a worker's inside, for this folder.
 *
 * Threads: the I/O thread owns the window, the calls, the timers and the list of jobs; the
 * program's threads and the pool's take jobs from the inbox and hand settled ones over. See
 * docs/internals/zeebe.md. */
#ifndef ZEEBE_WORKER_H
#define ZEEBE_WORKER_H

#include "core/inbox.h"
#include "zeebe/command.h"
#include "zeebe/job.h"
#include "zeebe/window.h"

/* Written by the I/O thread, or with the worker's lock; read by any. */
struct worker_tally {
    _Atomic uint64_t activated, polled, streamed, completed, failed, thrown, lost, returned, polls,
        empty_polls, failed_polls, streams, heartbeats, repeats, active;
};

enum worker_state {
    WORKER_RUNNING,  /* Next: DRAINING                                                      */
    WORKER_DRAINING, /* takes nothing new. Next: CUT, DONE                                  */
    WORKER_CUT,      /* what was in hand is given up; outcomes are sent. Next: DONE         */
    WORKER_DONE      /* the I/O thread has nothing to do with it any more                   */
};

/* What a program wants to be told and was not yet. */
struct tiding {
    struct tiding *next;
    weir_worker_news news;
    weir_error why;
};

/* A job for which there was no room. */
struct parked {
    struct parked *next;
    int64_t arrived_ns;
    size_t len;
    char data[];
};

struct worker_options {
    weir_worker_options o; /* defaults filled in; its texts lie in `texts` */
    struct activation activation;
    int threads; /* of the pool, for handlers and other callbacks */
    char *texts;
    const char **lists; /* of texts */
    size_t middleware_count;
    weir_middleware *middleware;
};

/* What every command of a worker is for. */
struct worker_methods {
    const struct codec_method *activate, *stream, *complete, *fail, *throw_error, *timeout;
};

struct weir_worker {
    atomic_int refs;       /* the program's, the engine's, jobs', those of threads at work */
    weir_channel *channel; /* until weir_worker_close(), as is `loop`                      */
    struct loop *loop;
    const struct clock *clock;
    char name[24]; /* "worker#3", for logs */
    struct worker_options set;
    struct worker_methods rpc;
    struct inbox *inbox;
    struct pool *pool; /* NULL: no callbacks */
    struct worker_tally tally;
    atomic_size_t waiting; /* in the inbox */
    atomic_uint stops;     /* how often weir_worker_stop() was called */
    struct loop_bell bell;
    atomic_bool awake; /* `task` is on its way to the I/O thread */
    struct loop_task task;
    _Atomic(struct weir_job *) orders; /* settled jobs, the newest first */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool ending; /* @locked, as everything up to the next blank line */
    bool done;
    bool calling; /* `run_task` waits in the pool                      */
    int running;  /* threads at work, the one that is called included  */
    struct pool_task run_task;
    bool telling; /* `tell_task` waits in the pool, or runs */
    struct pool_task tell_task;
    struct weir_job *told_first, **told_last;
    struct weir_job *refused_first, **refused_last;
    struct tiding *tidings, **tidings_last;
    weir_error why; /* what ended it; OK: it was stopped */

    enum worker_state state; /* @thread io, as all below */
    bool failing;            /* `why` was set, and not yet heeded */
    bool cut;                /* no answer is waited for any more  */
    bool soon;               /* `later` is on its way            */
    struct loop_task later;
    bool untold; /* the program is to be told something, and nobody was called for that */
    bool fresh;  /* there are jobs in the inbox that nobody was told of */
    bool stale;  /* there are jobs in the inbox that nobody is to begin any more */
    struct window window;
    struct link jobs; /* all that are held */
    size_t sending;   /* errands under way */
    struct errand *spare;
    size_t spares;
    unsigned late; /* how often the drain limit has passed */
    struct parked *parked_first, **parked_last;
    struct lease_clock ages;
    struct command poll, stream;
    bool poll_open, stream_open, poll_broken;
    struct buf poll_request, stream_request;
    struct timer timer, drain_timer;
    int64_t look_at;   /* what `timer` is set to */
    bool no_heartbeat; /* the gateway knows none */
};

static inline void worker_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* ---- worker.c: any thread ---- */
struct weir_worker *worker_ref(struct weir_worker *w);
void worker_unref(struct weir_worker *w);
/* The I/O thread will look at it, unless it is done. */
void worker_wake(struct weir_worker *w);
/* @locked. Likewise, but only if it is about to end. */
void worker_wake_if_ending(struct weir_worker *w);
/* The next job that may be begun. WEIR_NOTHING: none within the limit. */
weir_status worker_take(struct weir_worker *w, struct weir_job **out, struct deadline until,
                        weir_error *err);
/* Hands a claimed job over to be told to the gateway. */
void worker_order(struct weir_worker *w, struct weir_job *job);

/* ---- worker_open.c ---- */
weir_status worker_options_read(struct worker_options *set, const weir_worker_options *given,
                                weir_error *err);
void worker_options_clear(struct worker_options *set);

/* ---- worker_io.c: @thread io ---- */
/* After anything has happened: once the rest of this pass of the loop has happened, does what the
 * window says, tells takers of new jobs, and ends what is over. */
void worker_attend(struct weir_worker *w);
void worker_task(struct loop_task *task); /* the first time: begins */
void worker_ring(struct loop_bell *bell);
/* It ends by itself, for *why. */
void worker_fail(struct weir_worker *w, const weir_error *why);

/* ---- worker_fetch.c: @thread io ---- */
/* Takes out of the inbox what nobody is to begin any more: it would take the place of others. */
void worker_sweep(struct weir_worker *w);
void worker_poll(struct weir_worker *w, size_t jobs);
void worker_open_stream(struct weir_worker *w, size_t want);
/* What was parked and has room now. */
void worker_unpark(struct weir_worker *w);
void worker_drop_parked(struct weir_worker *w);

/* ---- worker_settle.c: @thread io ---- */
void worker_obey(struct weir_worker *w);
/* Watches over the lock, which began at `since`, of one that has just arrived. */
void worker_watch(struct weir_worker *w, struct weir_job *job, int64_t since);
/* Hands it back unstarted, if nobody has begun it. */
void worker_return(struct weir_worker *w, struct weir_job *job, const char *why);
/* What is still in hand is given up; `send`: the gateway is told. */
void worker_give_up(struct weir_worker *w, bool send);
void worker_stop_errands(struct weir_worker *w);
/* Sends what a claimed job says. */
void worker_send(struct weir_worker *w, struct weir_job *job);
void worker_free_spares(struct weir_worker *w);

/* ---- worker_run.c ---- */
/* There are jobs in the inbox: calls a thread, if one more may run. Any thread. */
void worker_call(struct weir_worker *w);
/* Whether this thread is in a callback of the worker. */
bool worker_calls_back(const struct weir_worker *w);
/* Marks that it is; returns what was. */
const struct weir_worker *worker_mark(const struct weir_worker *w);

/* ---- worker_news.c: @thread io; worker_attend() is to follow ---- */
void worker_tell_settled(struct weir_worker *w, struct weir_job *job); /* a reference goes along */
void worker_tell_refused(struct weir_worker *w, struct weir_job *job); /* likewise */
void worker_tell(struct weir_worker *w, weir_worker_news news, const weir_error *why);
/* Has what was not told yet told by a thread of the pool. */
void worker_call_teller(struct weir_worker *w);
/* @locked. Nothing is left to be told. */
bool worker_all_told(struct weir_worker *w);
void worker_drop_tidings(struct weir_worker *w);
#endif
