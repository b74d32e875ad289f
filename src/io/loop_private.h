/* io/loop_private.h - the loop's inside, for loop.c, timer.c and stream.c only. */
#ifndef IO_LOOP_PRIVATE_H
#define IO_LOOP_PRIVATE_H

#include "io/loop.h"
#include "io/timer.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOOP_READ_SIZE (64 * 1024)

/* Who runs the loop. There is one at a time, and it changes under the loop's lock. */
enum loop_owner {
    LOOP_THREAD, /* the I/O thread. Next: CALLER, who asked while no call was open           */
    LOOP_CALLER, /* a thread that waits for its call. Next: NOBODY                           */
    LOOP_NOBODY  /* for a moment. Next: CALLER (the next call), THREAD (a task, time is up)  */
};

/* A caller that asks the I/O thread for the loop. */
struct loop_wish {
    bool answered, given;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t timer;
    pthread_t thread;
    size_t refs; /* @locked by the one lock over all loops */
    atomic_bool stopping;
    atomic_bool detached; /* the thread frees the loop itself */

    pthread_mutex_t lock;
    struct loop_task *first; /* @locked */
    struct loop_task **last; /* @locked */

    pthread_cond_t summons; /* the I/O thread must take the loop back */
    pthread_cond_t granted; /* a wish was answered                    */
    enum loop_owner owner;  /* @locked, as all below */
    bool summoned;
    unsigned loans; /* how often a caller had it */
    unsigned streak;
    int64_t asked_ns;               /* when a caller last wanted the loop */
    struct loop_wish *_Atomic wish; /* whose asker waits for `granted`; @locked to write */
    atomic_size_t busy;             /* written by the owner alone */

    atomic_bool pulled; /* one of the bells was */

    struct loop_bell *bells; /* @thread io, as all below */
    uv_idle_t idle;          /* active while something is to be done soon */
    struct loop_task *soon, **soon_last;
    struct timer **heap;
    size_t timers, heap_cap;
    int64_t armed_ns;                 /* when `timer` will fire; 0: not */
    bool firing;                      /* timers are being called */
    char read_buffer[LOOP_READ_SIZE]; /* one for all streams: a read is handed on before the next */
    char plain_buffer[LOOP_READ_SIZE / 2]; /* what TLS makes of it */
};

/* loop.c's, for loan.c: this thread runs the loop now (NULL: no longer); what was posted is done.
 */
void loop_enter(struct loop *loop);
void loop_attend(struct loop *loop);
/* loan.c's, for loop.c. On the I/O thread: gives the loop away, and returns when it is back. */
void loop_lend(struct loop *loop);
/* @locked. Wakes the I/O thread if nobody runs the loop; else false. */
bool loop_summon(struct loop *loop);
#endif
