/* What a program wants to be told: outcomes, outages, completions that were called invalid. One at
 * a time for a worker, on a thread of the pool; what has not been told when the worker is to end is
 * told before it is done. */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/mem.h"

static void run(struct pool_task *task);

bool worker_all_told(struct weir_worker *w)
{
    return !w->telling && !w->told_first && !w->refused_first && !w->tidings;
}

void worker_drop_tidings(struct weir_worker *w)
{
    while (w->tidings) {
        struct tiding *next = w->tidings->next;
        mem_free(w->tidings);
        w->tidings = next;
    }
    w->tidings_last = &w->tidings;
}

/* @locked. */
static void call(struct weir_worker *w)
{
    if (w->telling || worker_all_told(w))
        return;
    w->tell_task.run = run;
    w->telling = true;
    worker_ref(w);
    if (pool_post(w->pool, &w->tell_task) == WEIR_OK)
        return;
    w->telling = false; /* no thread can be had: tried again when something happens */
    atomic_fetch_sub(&w->refs, 1);
}

void worker_tell_settled(struct weir_worker *w, struct weir_job *job)
{
    pthread_mutex_lock(&w->lock);
    job->next_told = NULL;
    *w->told_last = job;
    w->told_last = &job->next_told;
    pthread_mutex_unlock(&w->lock);
    w->untold = true;
}

void worker_tell_refused(struct weir_worker *w, struct weir_job *job)
{
    pthread_mutex_lock(&w->lock);
    job->next_refused = NULL;
    *w->refused_last = job;
    w->refused_last = &job->next_refused;
    pthread_mutex_unlock(&w->lock);
    w->untold = true;
}

void worker_tell(struct weir_worker *w, weir_worker_news news, const weir_error *why)
{
    struct tiding *t = w->set.o.on_news ? mem_zalloc(sizeof *t) : NULL;
    if (!t)
        return;
    t->news = news;
    if (why)
        error_copy(&t->why, why);
    pthread_mutex_lock(&w->lock);
    *w->tidings_last = t;
    w->tidings_last = &t->next;
    pthread_mutex_unlock(&w->lock);
    w->untold = true;
}

void worker_call_teller(struct weir_worker *w)
{
    if (!w->untold)
        return;
    pthread_mutex_lock(&w->lock);
    call(w);
    w->untold = !w->telling && !worker_all_told(w);
    pthread_mutex_unlock(&w->lock);
}

/* ---- telling ----------------------------------------------------------------------------- */

static void tell_settled(struct weir_worker *w, struct weir_job *job)
{
    weir_job_outcome outcome = (weir_job_outcome)atomic_load(&job->settled);
    bool plain = outcome == WEIR_JOB_COMPLETED || outcome == WEIR_JOB_RETURNED;
    const weir_settled what = {
        .key = job->f.key,
        .type = job->f.type,
        .outcome = outcome,
        .took = job->took,
        .error = plain      ? NULL
                 : job->why ? job->why
                            : "",
    };
    w->set.o.on_settled(&what, w->set.o.user);
}

/* The job is open again; nobody else settles it unless its holder does, even now: so the words are
 * not `why`, which who settles it replaces. */
static void tell_refused(struct weir_job *job)
{
    weir_error why = {0};
    if (atomic_load(&job->settled) != WEIR_JOB_OPEN) /* by its holder, meanwhile */
        return;
    error_peer(&why, WEIR_INVALID, WEIR_ORIGIN_GRPC, 3, "%s", job->words ? job->words : "");
    atomic_fetch_add(&job->holders, 1);
    job_ask(job, &why);
    if (atomic_load(&job->settled) == WEIR_JOB_OPEN)
        (void)weir_job_fail(job, WEIR_RETRIES_LESS, 0, "%s", why.message);
    atomic_fetch_sub(&job->holders, 1);
}

static void tell_tiding(struct weir_worker *w, struct tiding *t)
{
    w->set.o.on_news(t->news, &t->why, w->set.o.user);
    mem_free(t);
}

/* One of each kind at most. */
struct news {
    struct weir_job *settled, *refused;
    struct tiding *tiding;
};

/* Takes the next of each kind. False: there is none, and nobody is telling any more. */
static bool next(struct weir_worker *w, struct news *n)
{
    pthread_mutex_lock(&w->lock);
    *n = (struct news){w->told_first, w->refused_first, w->tidings};
    if (n->settled && !(w->told_first = n->settled->next_told))
        w->told_last = &w->told_first;
    if (n->refused && !(w->refused_first = n->refused->next_refused))
        w->refused_last = &w->refused_first;
    if (n->tiding && !(w->tidings = n->tiding->next))
        w->tidings_last = &w->tidings;
    bool any = n->settled || n->refused || n->tiding;
    if (!any) {
        w->telling = false;
        worker_wake_if_ending(w);
    }
    pthread_mutex_unlock(&w->lock);
    return any;
}

static void tell(struct weir_worker *w, const struct news *n)
{
    if (n->tiding)
        tell_tiding(w, n->tiding);
    if (n->refused) {
        tell_refused(n->refused);
        job_unref(n->refused);
    }
    if (n->settled) {
        tell_settled(w, n->settled);
        job_unref(n->settled);
    }
}

static void run(struct pool_task *task)
{
    struct weir_worker *w =
        (struct weir_worker *)(void *)((char *)task - offsetof(struct weir_worker, tell_task));
    struct news news;
    const struct weir_worker *outer = worker_mark(w);
    while (next(w, &news))
        tell(w, &news);
    worker_mark(outer);
    worker_unref(w);
}
