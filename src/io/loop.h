/* io/loop.h - the one I/O thread: a libuv loop that starts with the first handle of the process and
 * is joined with the last one. All signals are blocked in it, so SIGPIPE never escapes. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "core/clock.h"
#include <stdatomic.h>
#include <uv.h>
#include <weir/error.h>

struct loop;

/* Embed it in what the work is about: posting allocates nothing and cannot fail. It may be posted
 * again once `run` has been entered. */
struct loop_task {
    void (*run)(struct loop_task *task); /* on the I/O thread */
    struct loop_task *next;
};

/* A reference to the loop. NULL: no thread could be made, or this is the child of a fork()
 * (WEIR_INVALID). */
struct loop *loop_acquire(weir_error *err);
/* Any thread. The last one joins the I/O thread (from the I/O thread itself: it ends by itself). */
void loop_release(struct loop *loop);
struct loop *loop_ref(struct loop *loop);

/* Any thread, lock held for a few instructions. The caller's reference must outlast the call: it
 * must not be the one that the task gives back. Tasks run in the order they were posted. */
void loop_post(struct loop *loop, struct loop_task *task);
/* Runs `task` on the I/O thread and returns when it has run. Not from the I/O thread's callbacks
 * (there it runs at once). */
void loop_call(struct loop *loop, void (*run)(void *user), void *user);
/* True on the I/O thread, and on a thread that has borrowed the loop. */
bool loop_inside(const struct loop *loop);
/* A thread that is about to wait for its own call may run the loop itself meanwhile, which spares
 * two threads waking each other. True: until loop_return() this thread is the I/O thread, SIGPIPE
 * blocked; it starts its call, runs loop_run() until that has ended, and gives the loop back.
 * False: the I/O thread does the work, as for everybody else. */
bool loop_borrow(struct loop *loop);
void loop_run(struct loop *loop);  /* one pass: waits for something and deals with it */
void loop_look(struct loop *loop); /* one pass without waiting: what was asked for goes out */
void loop_return(struct loop *loop);
/* What a signal handler may pull: `ring` runs on the I/O thread soon after, once for any number of
 * pulls before it. Embedded. A loop with bells is counted busy by whoever hangs them up, so that
 * there is always somebody to hear them. */
struct loop_bell {
    void (*ring)(struct loop_bell *bell);
    atomic_bool pulled;
    struct loop_bell *older, *newer;
};
void loop_bell_hang(struct loop *loop, struct loop_bell *bell);      /* @thread io */
void loop_bell_take_down(struct loop *loop, struct loop_bell *bell); /* @thread io */
/* Any thread, and signal handlers; errno is kept. */
void loop_bell_pull(struct loop *loop, struct loop_bell *bell);

/* @thread io. The task runs once what happens in this pass has happened, before what it leads to is
 * sent and before the loop waits: for what is to be done once for many events. Who asks is counted
 * as busy until it has run. */
void loop_soon(struct loop *loop, struct loop_task *task);
/* @thread io. One more, or one less, has work that must not wait: the loop is not left alone. */
void loop_count_busy(struct loop *loop, int more); /* +1, -1 */
/* After fork() a child must not use handles: WEIR_INVALID, else WEIR_OK with *err untouched. */
weir_status loop_check_fork(weir_error *err);

/* For what opens a handle, before it does anything: false when *err holds an error already or this
 * is a fork's child, where even OpenSSL may be found locked for ever. */
bool loop_may_open(weir_error *err);

uv_loop_t *loop_uv(struct loop *loop); /* @thread io */
const struct clock *loop_clock(const struct loop *loop);
#endif
