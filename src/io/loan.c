/* Who runs the loop: the I/O thread, or for a moment a thread that waits for its own call.
 *
 * Two threads that wake each other cost more than all else that a call does. So a thread that does
 * nothing but make one call after the other and wait for each runs the loop itself. The I/O thread
 * is asked for it when such calls came in a row, and gives it away when no call is open. The thread
 * owns the loop until its call has ended and then leaves it to nobody; the next call finds it so.
 * From the second on neither of the two wakes the other.
 *
 * What nobody owns, nobody watches. The I/O thread, which sleeps meanwhile, takes the loop back at
 * once when something is posted, or when a caller leaves calls of others behind; at the next
 * timer's time; and after LOAN_NS in which no caller came. With calls of others open the loop is
 * not lent, so what is late by LOAN_NS at most is a server's GOAWAY, PING or goodbye to a channel
 * without calls. */
#include "io/loop_private.h"

#include <signal.h>

#define LOAN_NS    (20 * NS_PER_MS)
#define LOAN_CALLS 3 /* waited for in a row, before the loop is lent */

/* ---- SIGPIPE ----------------------------------------------------------------------------- */

static _Thread_local bool sigpipe_was_free; /* on this thread, before it borrowed */

static void only_sigpipe(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

static void hold_sigpipe(void)
{
    sigset_t one;
    sigset_t before;
    only_sigpipe(&one);
    sigpipe_was_free =
        pthread_sigmask(SIG_BLOCK, &one, &before) == 0 && !sigismember(&before, SIGPIPE);
}

/* What our own writes have raised meanwhile is taken away: it is not the program's. */
static void let_sigpipe_go(void)
{
    sigset_t one;
    sigset_t pending;
    const struct timespec at_once = {0, 0};
    if (!sigpipe_was_free)
        return;
    only_sigpipe(&one);
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&one, NULL, &at_once);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

/* ---- the I/O thread's side --------------------------------------------------------------- */

/* @locked. The timers may be looked at only while nobody runs the loop. */
static struct timespec next_look(const struct loop *loop)
{
    int64_t at = clock_mono(loop_clock(loop)) + LOAN_NS;
    if (loop->owner == LOOP_NOBODY && loop->timers > 0 && loop->heap[0]->at_ns < at)
        at = loop->heap[0]->at_ns;
    return (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
}

/* @locked. Until the loop must be taken back. */
static void sleep_while_lent(struct loop *loop)
{
    bool lent = true;
    while (lent) {
        unsigned before = loop->loans;
        struct timespec until = next_look(loop);
        bool late = pthread_cond_timedwait(&loop->summons, &loop->lock, &until) != 0;
        bool unused = late && loop->loans == before;
        lent = loop->owner == LOOP_CALLER || (!loop->summoned && !unused);
    }
}

/* @locked */
static void answer(struct loop *loop, bool given)
{
    struct loop_wish *wish = atomic_load(&loop->wish);
    wish->answered = true;
    wish->given = given;
    atomic_store(&loop->wish, NULL);
    pthread_cond_broadcast(&loop->granted);
}

void loop_lend(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool wanted = atomic_load(&loop->wish) != NULL;
    bool quiet = !loop->first && !atomic_load(&loop->stopping) && atomic_load(&loop->busy) == 0;
    if (wanted)
        answer(loop, quiet);
    if (wanted && quiet) {
        loop->owner = LOOP_CALLER;
        loop->loans++;
        sleep_while_lent(loop);
        loop->owner = LOOP_THREAD;
        loop->summoned = false;
    }
    pthread_mutex_unlock(&loop->lock);
    if (wanted && quiet)
        loop_attend(loop);
}

bool loop_summon(struct loop *loop)
{
    if (loop->owner != LOOP_NOBODY)
        return false;
    loop->summoned = true;
    pthread_cond_signal(&loop->summons);
    return true;
}

/* ---- the caller's side ------------------------------------------------------------------- */

/* @locked. Asks the I/O thread for the loop; it answers at the end of its pass. */
static bool ask(struct loop *loop, int64_t now)
{
    int64_t at = now + LOAN_NS;
    const struct timespec until = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
    struct loop_wish wish = {false, false};
    int late = 0;
    atomic_store(&loop->wish, &wish);
    uv_async_send(&loop->wake);
    while (!wish.answered && !late)
        late = pthread_cond_timedwait(&loop->granted, &loop->lock, &until);
    if (!wish.answered)
        atomic_store(&loop->wish, NULL);
    return wish.given;
}

/* @locked */
static bool take(struct loop *loop, int64_t now)
{
    bool alone = atomic_load(&loop->busy) == 0 && !loop->first && !loop->summoned &&
                 !atomic_load(&loop->wish);
    bool soon = now - loop->asked_ns < LOAN_NS;
    loop->streak = alone && soon ? loop->streak + 1 : 0;
    loop->asked_ns = now;
    if (alone && loop->owner == LOOP_NOBODY) {
        loop->owner = LOOP_CALLER;
        loop->loans++;
        return true;
    }
    return loop->owner == LOOP_THREAD && loop->streak >= LOAN_CALLS && ask(loop, now);
}

bool loop_borrow(struct loop *loop)
{
    if (loop_inside(loop) || loop_check_fork(NULL) != WEIR_OK)
        return false;
    int64_t now = clock_mono(loop_clock(loop));
    pthread_mutex_lock(&loop->lock);
    bool mine = take(loop, now);
    pthread_mutex_unlock(&loop->lock);
    if (mine) {
        hold_sigpipe();
        loop_enter(loop);
    }
    return mine;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_ONCE);
}

void loop_look(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void loop_return(struct loop *loop)
{
    loop_enter(NULL);
    let_sigpipe_go();
    int64_t now = clock_mono(loop_clock(loop));
    pthread_mutex_lock(&loop->lock);
    loop->owner = LOOP_NOBODY;
    loop->asked_ns = now;
    if (loop->first || atomic_load(&loop->busy) > 0)
        loop_summon(loop);
    pthread_mutex_unlock(&loop->lock);
}

void loop_count_busy(struct loop *loop, int more)
{
    size_t busy = atomic_load_explicit(&loop->busy, memory_order_relaxed);
    atomic_store(&loop->busy, more > 0 ? busy + 1 : busy - 1);
}
