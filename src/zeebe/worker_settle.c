/* Telling the gateway what became of jobs, and keeping their locks alive meanwhile.
 *
 * A job that is held has one timer. Until it is settled the timer looks after the lock (lease.h);
 * from then on it is for trying again (settle.h). A call for a job is an errand; one settles it,
 * and beside it a heartbeat may be under way. Errands are used again: what they begin with is
 * large.
 *
 * Everything here is @thread io. Nothing ends the worker: that is worker_attend()'s, which follows.
 */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

#define ATTEMPT_MS  10000
#define STARVED_MS  100
#define SPARES_MOST 32

struct errand {
    struct errand *next; /* of the spare ones */
    struct weir_worker *worker;
    struct weir_job *job; /* referenced */
    struct command command;
    struct buf request; /* of a heartbeat */
    int64_t sent_ns;
    bool broken; /* its answer could not be read */
};

/* ---- errands ----------------------------------------------------------------------------- */

static struct errand *new_errand(struct weir_worker *w, struct weir_job *job)
{
    struct errand *e = w->spare;
    if (e) {
        w->spare = e->next;
        w->spares--;
    } else if (!(e = mem_zalloc(sizeof *e))) {
        return NULL;
    }
    e->worker = w;
    e->job = job_ref(job);
    e->request = (struct buf)BUF_INIT(SIZE_MAX / 2);
    e->sent_ns = clock_mono(w->clock);
    e->broken = false;
    w->sending++;
    return e;
}

/* Those that are not needed at once are kept while there is traffic; one otherwise. */
static void free_errand(struct errand *e)
{
    struct weir_worker *w = e->worker;
    job_unref(e->job);
    buf_free(&e->request);
    w->sending--;
    e->next = w->spare;
    w->spare = e;
    w->spares++;
    size_t most = w->sending > 0 ? SPARES_MOST : 1;
    while (w->spares > most) {
        struct errand *first = w->spare;
        w->spare = first->next;
        w->spares--;
        mem_free(first);
    }
}

void worker_free_spares(struct weir_worker *w)
{
    while (w->spare) {
        struct errand *first = w->spare;
        w->spare = first->next;
        mem_free(first);
    }
}

static weir_status start(struct errand *e, const struct command_events *events,
                         const struct codec_method *method, const struct buf *request,
                         struct deadline until, weir_error *err)
{
    struct command *c = &e->command;
    *c = (struct command){0};
    c->events = events;
    c->user = e;
    c->channel = e->worker->channel;
    c->method = method;
    c->request = (weir_bytes){request->data, request->len};
    c->until = until;
    c->no_retry = true;
    c->patient = true; /* an outage is waited out, not asked about again and again */
    return command_start(c, err);
}

/* The answers are empty, or have fields that a newer gateway knows. What cannot be read is none. */
static void on_message(struct command *c, weir_bytes message)
{
    struct errand *e = c->user;
    e->broken = !codec_is_message(message);
}

/* ---- outcomes ---------------------------------------------------------------------------- */

static void tally(struct weir_worker *w, weir_job_outcome outcome)
{
    struct worker_tally *t = &w->tally;
    _Atomic uint64_t *counters[] = {
        [WEIR_JOB_COMPLETED] = &t->completed, [WEIR_JOB_FAILED] = &t->failed,
        [WEIR_JOB_THROWN] = &t->thrown,       [WEIR_JOB_LOST] = &t->lost,
        [WEIR_JOB_RETURNED] = &t->returned,
    };
    worker_count(counters[outcome], 1);
    atomic_fetch_sub_explicit(&t->active, 1, memory_order_relaxed);
}

/* `why` may be the reason that is there. */
static void set_why(struct weir_job *job, const char *why)
{
    char *copy = mem_strdup(why);
    mem_free(job->why);
    job->why = copy;
}

/* Its outcome is known: it leaves the window, and is told if anybody wants to know. */
static void over(struct weir_worker *w, struct weir_job *job, weir_job_outcome outcome)
{
    atomic_store(&job->settled, (int)outcome);
    atomic_store(&job->lock_until_ns, 0);
    timer_cancel(&job->timer);
    list_remove(&job->link);
    buf_free(&job->request);
    tally(w, outcome);
    window_settled(&w->window);
    job->took = (clock_mono(w->clock) - job->arrived_ns) / NS_PER_MS;
    if (outcome == WEIR_JOB_LOST)
        log_at(WEIR_LOG_INFO, "zeebe", w->name, "job %lld is lost: %s", (long long)job->f.key,
               job->why ? job->why : "");
    if (w->set.o.on_settled)
        worker_tell_settled(w, job);
    else
        job_unref(job);
}

static void lost(struct weir_worker *w, struct weir_job *job, const char *why)
{
    set_why(job, why);
    over(w, job, WEIR_JOB_LOST);
}

/* ---- settling ---------------------------------------------------------------------------- */

static const struct command_events settle_events;
static void settle_ended(struct errand *e, const struct rpc_end *end);

static const struct codec_method *method_of(const struct weir_worker *w, const struct weir_job *job)
{
    return job->kind == SETTLE_COMPLETE ? w->rpc.complete
           : job->kind == SETTLE_THROW  ? w->rpc.throw_error
                                        : w->rpc.fail;
}

static void again_in(struct weir_worker *w, struct weir_job *job, weir_ms wait)
{
    if (timer_set_in(&job->timer, wait) != WEIR_OK)
        lost(w, job, "out of memory");
}

/* A completion is tried once even when the lock has run out: the work is done, and mostly nobody
 * else has begun it. A failure then might be somebody else's run. */
static void try_send(struct weir_worker *w, struct weir_job *job)
{
    weir_error why = {0};
    int64_t now = clock_mono(w->clock);
    bool locked = now < job->lease.until_ns;
    struct deadline until = deadline_in(w->clock, ATTEMPT_MS, 0);
    if (job->request.failed) {
        lost(w, job, "out of memory");
        return;
    }
    if (!locked && (job->kind != SETTLE_COMPLETE || job->settle.maybe_arrived)) {
        lost(w, job, job->why && *job->why ? job->why : "its lock has run out");
        return;
    }
    struct errand *e = new_errand(w, job);
    if (!e) {
        again_in(w, job, STARVED_MS);
        return;
    }
    if (locked)
        until = deadline_sooner(until, (struct deadline){job->lease.until_ns});
    job->errand = e;
    if (start(e, &settle_events, method_of(w, job), &job->request, until, &why) == WEIR_OK)
        return;
    struct rpc_end end = {.error = why, .unprocessed = true, .message = ""};
    settle_ended(e, &end);
}

void worker_send(struct weir_worker *w, struct weir_job *job)
{
    job->ordered = true;
    timer_cancel(&job->timer);
    settle_init(&job->settle, job->kind);
    try_send(w, job);
}

/* The gateway calls what the job was settled with invalid: on_error may do better, once. */
static void refused(struct weir_worker *w, struct weir_job *job, const weir_error *why)
{
    bool ask = w->set.o.on_error && !job->refused_once && w->state != WORKER_CUT;
    job->refused_once = true;
    job->ordered = false;
    if (ask) {
        job->words = mem_strdup(why->message);
        buf_free(&job->request);
        atomic_store(&job->settled, WEIR_JOB_OPEN);
        (void)timer_set(&job->timer, clock_mono(w->clock));
        worker_tell_refused(w, job_ref(job));
        return;
    }
    atomic_store(&job->settled, WEIR_JOB_FAILED);
    job_fill_failure(job, SETTLE_FAIL, job_retries_less(job), w->set.o.retry_backoff, why->message);
    worker_send(w, job);
}

static void answered(struct weir_worker *w, struct weir_job *job, const struct rpc_end *end)
{
    const weir_error *why = &end->error;
    struct settle_answer answer = {why->status, end->unprocessed, why->retry_in_ms, why->kind};
    weir_ms wait = 0;
    weir_ms left = deadline_left(w->clock, (struct deadline){job->lease.until_ns});
    enum settle_step step = settle_next(&job->settle, &answer, left, w->clock, &wait);
    if (step == SETTLE_AGAIN && !w->cut) {
        worker_count(&w->tally.repeats, 1);
        log_at(WEIR_LOG_DEBUG, "zeebe", w->name, "job %lld is told again in %lld ms: %s",
               (long long)job->f.key, (long long)wait, why->message);
        again_in(w, job, wait);
    } else if (step == SETTLE_INVALID) {
        refused(w, job, why);
    } else if (step == SETTLE_DONE) {
        over(w, job, (weir_job_outcome)atomic_load(&job->settled));
    } else {
        lost(w, job, why->message);
    }
}

static void settle_ended(struct errand *e, const struct rpc_end *end)
{
    e->job->errand = NULL;
    answered(e->worker, e->job, end);
    free_errand(e);
}

static void on_settle_end(struct command *c, const struct rpc_end *end)
{
    struct errand *e = c->user;
    struct weir_worker *w = e->worker;
    if (e->broken && end->error.status == WEIR_OK) {
        struct rpc_end unread = *end;
        error_set(&unread.error, WEIR_PROTOCOL, "%s: the gateway's answer cannot be read",
                  c->method->name);
        settle_ended(e, &unread);
    } else {
        settle_ended(e, end);
    }
    worker_attend(w);
}

static const struct command_events settle_events = {NULL, on_message, on_settle_end};

void worker_obey(struct weir_worker *w)
{
    struct weir_job *newest = atomic_exchange(&w->orders, NULL);
    struct weir_job *first = NULL;
    while (newest) { /* the oldest first */
        struct weir_job *older = newest->next_order;
        newest->next_order = first;
        first = newest;
        newest = older;
    }
    while (first) {
        struct weir_job *next = first->next_order; /* sending may be its end */
        worker_send(w, first);
        first = next;
    }
}

/* ---- locks ------------------------------------------------------------------------------- */

static void look(void *user);

static void extended(struct weir_job *job)
{
    int64_t before = atomic_load(&job->lock_until_ns);
    int64_t more = (job->lease.until_ns - before) / NS_PER_MS;
    atomic_store(&job->lock_until_ns, job->lease.until_ns);
    atomic_fetch_add(&job->deadline_ms, more);
}

static void beaten(struct weir_worker *w, struct weir_job *job, const weir_error *why, int64_t sent)
{
    bool gone = why->status == WEIR_NOT_FOUND || why->status == WEIR_CONFLICT;
    if (gone && job_claim(job, WEIR_JOB_LOST)) {
        lost(w, job, why->message);
        return;
    }
    if (why->status == WEIR_UNSUPPORTED && !w->no_heartbeat) {
        w->no_heartbeat = true;
        log_at(WEIR_LOG_WARN, "zeebe", w->name, "locks cannot be extended: %s", why->message);
    }
    int64_t at = lease_beaten(&job->lease, why->status == WEIR_OK, sent, clock_mono(w->clock));
    if (why->status == WEIR_OK)
        extended(job);
    (void)timer_set(&job->timer, at);
}

static void on_beat_end(struct command *c, const struct rpc_end *end)
{
    struct errand *e = c->user;
    struct weir_worker *w = e->worker;
    struct weir_job *job = e->job;
    job->beat = NULL;
    if (list_linked(&job->link) && atomic_load(&job->settled) == WEIR_JOB_OPEN)
        beaten(w, job, &end->error, e->sent_ns);
    free_errand(e);
    worker_attend(w);
}

static const struct command_events beat_events = {NULL, on_message, on_beat_end};

static void beat(struct weir_worker *w, struct weir_job *job)
{
    weir_error why = {0};
    struct errand *e = job->beat ? NULL : new_errand(w, job);
    if (!e) {
        (void)timer_set_in(&job->timer, STARVED_MS);
        return;
    }
    (void)timer_set(&job->timer, job->lease.give_up_ns);
    job->beat = e;
    worker_count(&w->tally.heartbeats, 1);
    codec_timeout(&e->request, job->f.key, w->set.o.job_timeout);
    struct deadline until = deadline_in(w->clock, ATTEMPT_MS, 0);
    if (!e->request.failed &&
        start(e, &beat_events, w->rpc.timeout, &e->request, until, &why) == WEIR_OK)
        return;
    job->beat = NULL;
    free_errand(e);
    (void)timer_set_in(&job->timer, STARVED_MS);
}

static void drop_late(struct weir_worker *w, struct weir_job *job)
{
    int waiting = JOB_WAITING;
    if (!atomic_compare_exchange_strong(&job->phase, &waiting, JOB_CALLED_OFF)) {
        (void)timer_set_in(&job->timer, 1); /* begun in this very moment */
        return;
    }
    w->stale = true;
    if (job_claim(job, WEIR_JOB_LOST))
        lost(w, job, "its lock ran out before it could be begun");
}

static void out_of_time(struct weir_worker *w, struct weir_job *job)
{
    if (!job_claim(job, WEIR_JOB_FAILED))
        return; /* settled in this very moment */
    char why[96];
    (void)snprintf(why, sizeof why, "not settled within max_job_time, %lld ms",
                   (long long)w->set.o.max_job_time);
    job_fill_failure(job, SETTLE_FAIL, job_retries_less(job), w->set.o.retry_backoff, why);
    worker_send(w, job);
}

static void look_after_lock(struct weir_worker *w, struct weir_job *job)
{
    int64_t at = INT64_MAX;
    bool begun = atomic_load(&job->phase) == JOB_BEGUN;
    job->lease.heartbeat = !w->set.o.no_heartbeat && !w->no_heartbeat;
    switch (lease_look(&job->lease, begun, clock_mono(w->clock), &at)) {
    case LEASE_WAIT:
        (void)timer_set(&job->timer, at);
        break;
    case LEASE_BEAT:
        beat(w, job);
        break;
    case LEASE_DROP:
        drop_late(w, job);
        break;
    case LEASE_GIVE_UP:
        out_of_time(w, job);
        break;
    }
}

/* The job's timer. */
static void look(void *user)
{
    struct weir_job *job = user;
    struct weir_worker *w = job->worker;
    if (job->ordered)
        try_send(w, job);
    else if (atomic_load(&job->settled) == WEIR_JOB_OPEN)
        look_after_lock(w, job);
    worker_attend(w);
}

void worker_watch(struct weir_worker *w, struct weir_job *job, int64_t since)
{
    const weir_worker_options *o = &w->set.o;
    int64_t now = clock_mono(w->clock);
    int64_t at = INT64_MAX;
    job->arrived_ns = since;
    lease_init(&job->lease, o->job_timeout, o->max_job_time, !o->no_heartbeat, since);
    atomic_store(&job->lock_until_ns, job->lease.until_ns);
    list_append(&w->jobs, &job->link);
    timer_init(&job->timer, w->loop, look, job);
    if (lease_look(&job->lease, false, now, &at) != LEASE_WAIT)
        at = now; /* it has waited for too long already */
    (void)timer_set(&job->timer, at);
}

/* ---- when stopping ----------------------------------------------------------------------- */

void worker_return(struct weir_worker *w, struct weir_job *job, const char *why)
{
    int waiting = JOB_WAITING;
    char words[160];
    if (!atomic_compare_exchange_strong(&job->phase, &waiting, JOB_CALLED_OFF) ||
        !job_claim(job, WEIR_JOB_RETURNED))
        return;
    (void)snprintf(words, sizeof words, "handed back unstarted: %s", why);
    int32_t retries = job->f.retries > 0 ? job->f.retries : 1;
    job_fill_failure(job, SETTLE_RETURN, retries, 0, words);
    worker_send(w, job);
}

static void give_up(struct weir_worker *w, struct weir_job *job, bool send)
{
    static const char why[] = "handed back: the worker stopped before it was settled";
    if (!job_claim(job, WEIR_JOB_LOST))
        return;
    if (!send) {
        lost(w, job, "the worker was stopped at once");
        return;
    }
    job_fill_failure(job, SETTLE_RETURN, job->f.retries > 0 ? job->f.retries : 1, 0, why);
    worker_send(w, job);
}

void worker_give_up(struct weir_worker *w, bool send)
{
    struct link *next;
    for (struct link *at = w->jobs.next; at != &w->jobs; at = next) {
        next = at->next;
        give_up(w, LIST_ENTRY(at, struct weir_job, link), send);
    }
}

/* What is under way is called off; what waits to be told again is lost. */
void worker_stop_errands(struct weir_worker *w)
{
    struct link *next;
    for (struct link *at = w->jobs.next; at != &w->jobs; at = next) {
        struct weir_job *job = LIST_ENTRY(at, struct weir_job, link);
        next = at->next;
        if (job->beat)
            command_stop(&job->beat->command);
        if (job->errand)
            command_stop(&job->errand->command);
        else if (job->ordered)
            lost(w, job, "the worker was stopped before the gateway had answered");
    }
}
