/* A worker, as the program sees it: one inbox behind handler, next and descriptor; stopping,
 * waiting, closing.
 *
 * What is to be told to the gateway crosses to the I/O thread in a list that any thread pushes to
 * without a lock; only the push that finds it empty wakes the I/O thread, so a burst of settled
 * jobs costs one wake-up.
 *
 * Lifetime: counted. The engine's reference lasts until it is DONE; weir_worker_close() waits for
 * that and gives the channel back on the program's own thread. Jobs keep the memory. Whoever wakes
 * the I/O thread does so with the lock and only while the worker is not done, so that nobody posts
 * to a loop that is about to go. */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/shield.h"

#include <errno.h>
#include <string.h>

/* ---- memory ------------------------------------------------------------------------------ */

struct weir_worker *worker_ref(struct weir_worker *w)
{
    atomic_fetch_add(&w->refs, 1);
    return w;
}

void worker_unref(struct weir_worker *w)
{
    if (atomic_fetch_sub(&w->refs, 1) != 1)
        return;
    inbox_free(w->inbox);
    worker_drop_tidings(w);
    buf_free(&w->poll_request);
    buf_free(&w->stream_request);
    worker_options_clear(&w->set);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

/* ---- to the I/O thread ------------------------------------------------------------------- */

/* @locked */
static void wake(struct weir_worker *w)
{
    if (!w->done && !atomic_exchange(&w->awake, true))
        loop_post(w->loop, &w->task);
}

void worker_wake_if_ending(struct weir_worker *w)
{
    if (w->ending)
        wake(w);
}

void worker_wake(struct weir_worker *w)
{
    pthread_mutex_lock(&w->lock);
    wake(w);
    pthread_mutex_unlock(&w->lock);
}

void worker_order(struct weir_worker *w, struct weir_job *job)
{
    struct weir_job *newest = atomic_load(&w->orders);
    do {
        job->next_order = newest;
    } while (!atomic_compare_exchange_weak(&w->orders, &newest, job));
    if (!newest)
        worker_wake(w);
}

/* ---- taking jobs ------------------------------------------------------------------------- */

weir_status worker_take(struct weir_worker *w, struct weir_job **out, struct deadline until,
                        weir_error *err)
{
    for (;;) {
        void *item = NULL;
        int waiting = JOB_WAITING;
        weir_status status = inbox_take(w->inbox, &item, until, err);
        if (status != WEIR_OK)
            return status;
        struct weir_job *job = item;
        bool late = atomic_load(&job->lock_until_ns) <= clock_mono(w->clock); /* to be dropped */
        atomic_fetch_sub(&w->waiting, 1);
        if (!late && atomic_compare_exchange_strong(&job->phase, &waiting, JOB_BEGUN)) {
            *out = job;
            return WEIR_OK;
        }
        job_unref(job); /* called off meanwhile */
    }
}

weir_status weir_worker_next(weir_worker *w, weir_job **job, weir_ms timeout, weir_error *err)
{
    if (job)
        *job = NULL;
    if (!w)
        return error_null(err, "the worker");
    if (!job)
        return error_set(err, WEIR_INVALID, "weir_worker_next(): `job` is NULL");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    if (w->set.o.handler)
        return error_set(err, WEIR_INVALID,
                         "weir_worker_next(): this worker gives its jobs to a handler");
    weir_ms limit = loop_inside(w->loop) ? WEIR_NO_WAIT : timeout;
    struct deadline until = deadline_in(w->clock, limit, w->channel->default_timeout);
    worker_ref(w); /* it may be closed meanwhile */
    weir_status status = worker_take(w, job, until, err);
    if (status == WEIR_STOPPED) {
        pthread_mutex_lock(&w->lock);
        status = w->why.status != WEIR_OK ? error_copy(err, &w->why) : status;
        pthread_mutex_unlock(&w->lock);
    }
    worker_unref(w);
    return status;
}

int weir_worker_fd(weir_worker *w)
{
    return w && !w->set.o.handler && loop_check_fork(NULL) == WEIR_OK ? inbox_fd(w->inbox) : -1;
}

/* ---- stopping ---------------------------------------------------------------------------- */

static void tell_to_stop(struct weir_worker *w)
{
    inbox_stop(w->inbox);
    loop_bell_pull(w->loop, &w->bell);
}

void weir_worker_stop(weir_worker *w)
{
    if (!w || loop_check_fork(NULL) != WEIR_OK)
        return;
    atomic_fetch_add(&w->stops, 1);
    tell_to_stop(w);
}

/* @locked. False: the limit has passed. */
static bool wait_moved(struct weir_worker *w, struct deadline until)
{
    if (until.at_ns == INT64_MAX)
        return pthread_cond_wait(&w->moved, &w->lock) == 0;
    struct timespec at = {(time_t)(until.at_ns / NS_PER_S), (long)(until.at_ns % NS_PER_S)};
    return pthread_cond_clockwait(&w->moved, &w->lock, CLOCK_MONOTONIC, &at) != ETIMEDOUT;
}

static weir_status wait_done(struct weir_worker *w, struct deadline until, weir_error *err)
{
    bool more = true;
    pthread_mutex_lock(&w->lock);
    while (!w->done && more)
        more = wait_moved(w, until);
    bool done = w->done;
    weir_status status = done ? error_copy(err, &w->why) : WEIR_NOTHING;
    pthread_mutex_unlock(&w->lock);
    if (!done)
        error_ok(err);
    return status;
}

weir_status weir_worker_wait(weir_worker *w, weir_ms timeout, weir_error *err)
{
    if (!w)
        return error_null(err, "the worker");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    if (worker_calls_back(w) || loop_inside(w->loop))
        return error_set(err, WEIR_INVALID,
                         "weir_worker_wait(): a callback of the worker cannot wait for its end");
    struct deadline until = deadline_in(w->clock, timeout, w->channel->default_timeout);
    int shielded = shield_up();
    worker_ref(w); /* it may be closed meanwhile */
    weir_status status = wait_done(w, until, err);
    worker_unref(w);
    shield_down(shielded);
    return status;
}

/* A callback that waited for its own end would wait for ever. */
static bool is_callback(struct weir_worker *w)
{
    if (!worker_calls_back(w) && !loop_inside(w->loop))
        return false;
    log_at(WEIR_LOG_ERROR, "zeebe", w->name,
           "weir_worker_close() in a callback of the worker: it is stopped, but not freed");
    weir_worker_stop(w);
    return true;
}

void weir_worker_close(weir_worker *w)
{
    if (!w || loop_check_fork(NULL) != WEIR_OK || is_callback(w))
        return;
    weir_channel *channel = w->channel;
    unsigned never = 0; /* closing is no second stop */
    if (atomic_compare_exchange_strong(&w->stops, &never, 1))
        tell_to_stop(w);
    int shielded = shield_up();
    (void)wait_done(w, (struct deadline){INT64_MAX}, NULL);
    shield_down(shielded);
    if (w->pool)
        channel_release_threads(channel, w->set.threads);
    weir_channel_close(channel);
    worker_unref(w);
}

/* ---- counting ---------------------------------------------------------------------------- */

weir_status weir_worker_counters_read(weir_worker *w, weir_worker_counters *out, weir_error *err)
{
    if (!w)
        return error_null(err, "the worker");
    if (!out || out->struct_size < sizeof out->struct_size)
        return error_set(err, WEIR_INVALID, "weir_worker_counters: set struct_size before reading");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    const struct worker_tally *t = &w->tally;
    weir_worker_counters all = {
        .struct_size = out->struct_size,
        .activated = atomic_load(&t->activated),
        .polled = atomic_load(&t->polled),
        .streamed = atomic_load(&t->streamed),
        .completed = atomic_load(&t->completed),
        .failed = atomic_load(&t->failed),
        .thrown = atomic_load(&t->thrown),
        .lost = atomic_load(&t->lost),
        .returned = atomic_load(&t->returned),
        .polls = atomic_load(&t->polls),
        .empty_polls = atomic_load(&t->empty_polls),
        .failed_polls = atomic_load(&t->failed_polls),
        .streams = atomic_load(&t->streams),
        .heartbeats = atomic_load(&t->heartbeats),
        .repeats = atomic_load(&t->repeats),
        .active = atomic_load(&t->active),
        .waiting = atomic_load(&w->waiting),
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return error_ok(err);
}
