/* Handlers, on threads of the pool that all workers of a channel share.
 *
 * A thread that is called takes jobs until there are none. At most one is on its way at a time; as
 * soon as it is there and more jobs wait, it has the next one called, up to the worker's `threads`.
 * So the pool sees one task of a worker at most, and short handlers share a thread: the next one is
 * called, but finds nothing any more (docs/decisions, 29). */
#include "zeebe/worker.h"

#include "core/error.h"

static _Thread_local const struct weir_worker *within; /* whose callback this thread is in */

const struct weir_worker *worker_mark(const struct weir_worker *w)
{
    const struct weir_worker *outer = within;
    within = w;
    return outer;
}

bool worker_calls_back(const struct weir_worker *w)
{
    return within == w;
}

/* ---- one job ----------------------------------------------------------------------------- */

static void forgotten(struct weir_worker *w, struct weir_job *job)
{
    static const char text[] = "the handler returned without having settled the job";
    const char *reason = atomic_load(&job->reason);
    if (w->set.o.on_error) {
        weir_error why = {0};
        error_set(&why, reason ? WEIR_INVALID : WEIR_REFUSED, "%s%s%s", text, reason ? ": " : "",
                  reason ? reason : "");
        job_ask(job, &why);
    }
    if (job_is_open(job))
        job_fail_forgotten(job, text);
}

static void handle(struct weir_worker *w, struct weir_job *job)
{
    const weir_middleware *chain = w->set.middleware;
    size_t count = w->set.middleware_count, ran = 0;
    while (ran < count && job_is_open(job)) {
        const weir_middleware *m = &chain[ran++];
        if (m->before)
            m->before(job, m->user);
    }
    if (job_is_open(job))
        w->set.o.handler(job, w->set.o.user);
    while (ran > 0) {
        const weir_middleware *m = &chain[--ran];
        if (m->after)
            m->after(job, m->user);
    }
}

static void run_job(struct weir_worker *w, struct weir_job *job)
{
    const struct weir_worker *outer = worker_mark(w);
    handle(w, job);
    bool kept = atomic_load(&job->holders) > 1;
    if (!kept && job_is_open(job))
        forgotten(w, job);
    worker_mark(outer);
    weir_job_free(job);
}

/* ---- threads ----------------------------------------------------------------------------- */

static void run(struct pool_task *task);

/* @locked. */
static void call(struct weir_worker *w)
{
    if (w->calling || w->running >= w->set.o.threads || atomic_load(&w->waiting) == 0)
        return;
    w->run_task.run = run;
    w->calling = true;
    w->running++;
    worker_ref(w);
    if (pool_post(w->pool, &w->run_task) == WEIR_OK)
        return;
    w->calling = false; /* no thread can be had: the next job, or the next look, tries again */
    w->running--;
    atomic_fetch_sub(&w->refs, 1); /* never the last */
}

void worker_call(struct weir_worker *w)
{
    if (!w->set.o.handler || atomic_load(&w->waiting) == 0)
        return;
    pthread_mutex_lock(&w->lock);
    call(w);
    pthread_mutex_unlock(&w->lock);
}

static void run(struct pool_task *task)
{
    struct weir_worker *w =
        (struct weir_worker *)(void *)((char *)task - offsetof(struct weir_worker, run_task));
    const struct deadline now = {0};
    struct weir_job *job = NULL;
    pthread_mutex_lock(&w->lock);
    w->calling = false;
    pthread_mutex_unlock(&w->lock);
    while (worker_take(w, &job, now, NULL) == WEIR_OK) {
        worker_call(w);
        run_job(w, job);
    }
    pthread_mutex_lock(&w->lock);
    w->running--;
    call(w); /* for what came between looking and leaving */
    if (w->running == 0)
        worker_wake_if_ending(w);
    pthread_mutex_unlock(&w->lock);
    worker_unref(w);
}
