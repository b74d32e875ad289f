/* The engine: what the I/O thread does for a worker.
 *
 *   RUNNING -> DRAINING -> (CUT ->) DONE
 *
 * RUNNING does what the window says. DRAINING, after the first stop or a failure that cannot be
 * mended, calls off the poll and the stream and hands back what nobody has begun; what is in hand
 * may be finished until the drain limit. Past it, or at the second stop, the rest is given up.
 * DONE follows when every outcome has been answered for, no thread is in a handler and the program
 * has been told everything.
 *
 * All of it happens in attend(), once after all that happened in a pass of the loop; so there is
 * one place where what is over ends, and twenty jobs that came in one read cost one plan and one
 * wake-up. */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/log.h"

#define ANSWERS_MS 5000
#define AGAIN_MS   100

/* ---- ending ------------------------------------------------------------------------------ */

static void call_off(struct weir_worker *w)
{
    struct link *next;
    worker_drop_parked(w);
    for (struct link *at = w->jobs.next; at != &w->jobs; at = next) {
        next = at->next;
        worker_return(w, LIST_ENTRY(at, struct weir_job, link), "the worker stopped");
    }
    inbox_clear(w->inbox);
}

static void drain_late(void *user)
{
    struct weir_worker *w = user;
    w->late++;
    worker_attend(w);
}

static void begin_drain(struct weir_worker *w)
{
    w->state = WORKER_DRAINING;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_mutex_unlock(&w->lock);
    timer_cancel(&w->timer);
    call_off(w);
    if (w->poll_open)
        command_stop(&w->poll);
    if (w->stream_open)
        command_stop(&w->stream);
    struct deadline until = deadline_in(w->clock, w->set.o.drain, 0);
    if (until.at_ns != INT64_MAX && timer_set(&w->drain_timer, until.at_ns) != WEIR_OK)
        w->late++;
}

/* The drain limit has passed: what is in hand is given up and the gateway told; it has a moment to
 * answer. */
static void stop_waiting(struct weir_worker *w)
{
    w->state = WORKER_CUT;
    worker_give_up(w, true);
    if (timer_set_in(&w->drain_timer, ANSWERS_MS) != WEIR_OK)
        w->late++;
}

static void cut(struct weir_worker *w)
{
    w->cut = true;
    w->state = WORKER_CUT;
    worker_give_up(w, false);
    worker_stop_errands(w);
}

void worker_fail(struct weir_worker *w, const weir_error *why)
{
    if (w->state != WORKER_RUNNING || w->failing)
        return;
    log_at(WEIR_LOG_ERROR, "zeebe", w->name, "the worker ends: %s", why->message);
    w->failing = true;
    pthread_mutex_lock(&w->lock);
    error_copy(&w->why, why);
    pthread_mutex_unlock(&w->lock);
}

static void heed_stops(struct weir_worker *w)
{
    unsigned stops = atomic_load(&w->stops);
    if (w->state == WORKER_RUNNING && (stops > 0 || w->failing)) {
        if (w->failing)
            inbox_fail(w->inbox, &w->why);
        begin_drain(w);
    }
    if (w->state == WORKER_DRAINING && w->late > 0)
        stop_waiting(w);
    if (w->state != WORKER_RUNNING && !w->cut && (stops > 1 || w->late > 1))
        cut(w);
}

/* @locked. Nobody has anything to do with the I/O thread any more. */
static bool all_is_done(struct weir_worker *w)
{
    return w->state != WORKER_RUNNING && !w->poll_open && !w->stream_open && w->sending == 0 &&
           list_empty(&w->jobs) && w->running == 0 && worker_all_told(w) &&
           !atomic_load(&w->awake) && !w->soon;
}

static void end(struct weir_worker *w)
{
    if (w->state == WORKER_RUNNING)
        return;
    pthread_mutex_lock(&w->lock);
    bool done = all_is_done(w);
    if (done) {
        w->state = WORKER_DONE;
        timer_cancel(&w->timer);
        timer_cancel(&w->drain_timer);
        loop_bell_take_down(w->loop, &w->bell);
        loop_count_busy(w->loop, -1);
        worker_free_spares(w);
        w->done = true;
        pthread_cond_broadcast(&w->moved);
    }
    bool told = done || !w->ending || worker_all_told(w) || w->telling;
    pthread_mutex_unlock(&w->lock);
    if (!told) /* the system gives no thread now: look again */
        (void)timer_set_in(&w->timer, AGAIN_MS);
    if (done)
        worker_unref(w);
}

/* ---- running ----------------------------------------------------------------------------- */

static void look_again(void *user)
{
    struct weir_worker *w = user;
    w->look_at = INT64_MAX;
    worker_attend(w);
}

static void run(struct weir_worker *w)
{
    worker_unpark(w);
    bool connected = w->window.failing_ns && rpc_state(w->channel->rpc) == WEIR_CHANNEL_READY;
    struct window_plan plan = window_plan(&w->window, clock_mono(w->clock), connected);
    if (plan.recovered)
        worker_tell(w, WEIR_WORKER_RECOVERED, NULL);
    if (plan.open_stream)
        worker_open_stream(w, plan.want);
    else if (plan.want > 0 && w->stream_open)
        command_want(&w->stream, plan.want);
    if (plan.close_stream && w->stream_open)
        command_stop(&w->stream);
    if (plan.poll > 0)
        worker_poll(w, plan.poll);
    if (plan.look_at != w->look_at && timer_set(&w->timer, plan.look_at) == WEIR_OK)
        w->look_at = plan.look_at;
}

static void tell_takers(struct weir_worker *w)
{
    if (w->fresh && !w->set.o.handler)
        inbox_announce(w->inbox);
    w->fresh = false;
    worker_call(w);
}

static void attend(struct loop_task *task)
{
    struct weir_worker *w =
        (struct weir_worker *)(void *)((char *)task - offsetof(struct weir_worker, later));
    w->soon = false;
    worker_obey(w);
    heed_stops(w);
    worker_sweep(w);
    if (w->state == WORKER_RUNNING)
        run(w);
    tell_takers(w);
    worker_call_teller(w);
    end(w);
}

void worker_attend(struct weir_worker *w)
{
    if (w->soon)
        return;
    w->soon = true;
    w->later.run = attend;
    loop_soon(w->loop, &w->later);
}

static void attend_task(struct loop_task *task)
{
    struct weir_worker *w =
        (struct weir_worker *)(void *)((char *)task - offsetof(struct weir_worker, task));
    atomic_store(&w->awake, false);
    worker_attend(w);
}

void worker_ring(struct loop_bell *bell)
{
    worker_attend(
        (struct weir_worker *)(void *)((char *)bell - offsetof(struct weir_worker, bell)));
}

/* The first time. */
void worker_task(struct loop_task *task)
{
    struct weir_worker *w =
        (struct weir_worker *)(void *)((char *)task - offsetof(struct weir_worker, task));
    const weir_worker_options *o = &w->set.o;
    size_t most = (size_t)o->max_active;
    const struct window_settings settings = {
        .clock = w->clock,
        .max_active = most,
        .poll_at = (size_t)(o->poll_threshold * (double)most + 0.5),
        .poll_interval = o->poll_interval,
        .long_poll = o->long_poll,
        .give_up = o->give_up,
        .polls = !o->stream_only,
        .streams = !o->poll_only,
    };
    window_init(&w->window, &settings, clock_mono(w->clock));
    w->look_at = INT64_MAX;
    timer_init(&w->timer, w->loop, look_again, w);
    timer_init(&w->drain_timer, w->loop, drain_late, w);
    loop_bell_hang(w->loop, &w->bell);
    loop_count_busy(w->loop, +1);
    task->run = attend_task;
    attend_task(task);
}
