/* Callbacks of a pending call, on threads of the channel's pool.
 *
 * One at a time for a call. News while it runs are remembered, and it runs again afterwards if
 * there still is something to take; also when it took something and left more. A callback that
 * takes nothing is not called again before there are news, so it cannot spin.
 *
 * The call's lock is held while posting to the pool, so that weir_call_free() has either stopped
 * the news or sees them; the pool's own lock is the only one taken inside. */
#include "zeebe/pending.h"

#include "core/error.h"

static _Thread_local const struct weir_call *running; /* whose callback this thread is in */

/* @locked. Would weir_call_next(.., WEIR_NO_WAIT, ..) say something new? */
static bool ready(const struct weir_call *call)
{
    return call->queued > 0 || (call->ended && !call->end_seen);
}

/* @locked */
static void post(struct weir_call *call)
{
    call->callback = CALLBACK_QUEUED;
    atomic_fetch_add(&call->refs, 1);
    if (pool_post(call->pool, &call->callback_task) == WEIR_OK)
        return;
    call->callback = CALLBACK_QUIET; /* the pool is closing: nobody waits for this any more */
    atomic_fetch_sub(&call->refs, 1);
}

void pending_notify(struct weir_call *call)
{
    if (call->freed)
        return;
    if (call->callback == CALLBACK_QUIET)
        post(call);
    else if (call->callback == CALLBACK_RUNNING)
        call->again = true;
}

static void run(struct pool_task *task)
{
    struct weir_call *call =
        (struct weir_call *)(void *)((char *)task - offsetof(struct weir_call, callback_task));
    pthread_mutex_lock(&call->lock);
    bool wanted = !call->freed && ready(call);
    call->callback = wanted ? CALLBACK_RUNNING : CALLBACK_QUIET;
    call->again = call->taken = false;
    pthread_mutex_unlock(&call->lock);
    if (wanted) {
        const struct weir_call *outer = running;
        running = call;
        call->fn(call, call->user);
        running = outer;
        pthread_mutex_lock(&call->lock);
        call->callback = CALLBACK_QUIET;
        if (!call->freed && (call->again || call->taken) && ready(call))
            post(call);
        pthread_cond_broadcast(&call->moved);
        pthread_mutex_unlock(&call->lock);
    }
    pending_unref(call);
}

void pending_wait_callback(struct weir_call *call)
{
    while (call->callback == CALLBACK_RUNNING && running != call)
        pthread_cond_wait(&call->moved, &call->lock);
}

weir_status weir_call_then(weir_call *call, weir_call_fn *fn, void *user, weir_error *err)
{
    if (!call)
        return error_null(err, "the call");
    if (!fn)
        return error_set(err, WEIR_INVALID, "weir_call_then(): `fn` is NULL");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    struct pool *pool = channel_pool(call->command.channel, err);
    if (!pool)
        return WEIR_NO_MEMORY;
    pthread_mutex_lock(&call->lock);
    bool first = call->callback == CALLBACK_NONE;
    if (first) {
        call->pool = pool;
        call->fn = fn;
        call->user = user;
        call->callback_task.run = run;
        call->callback = CALLBACK_QUIET;
        if (ready(call))
            post(call);
    }
    pthread_mutex_unlock(&call->lock);
    return first
               ? error_ok(err)
               : error_set(err, WEIR_INVALID, "weir_call_then(): the call has a callback already");
}
