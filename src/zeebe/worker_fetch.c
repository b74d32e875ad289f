/* How jobs come: polls and the job stream, as the window wants them.
 *
 * Every job is decoded once, into one block, on the I/O thread, and put into the inbox. One whose
 * variables are no JSON never gets there: it is failed by itself. What arrives although the worker
 * has begun to stop is handed back. Nothing here repeats a call: that is the window's. */
#include "zeebe/worker.h"

#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"

#define MARGIN_MS 10000 /* for the gateway's empty answer to a long poll to arrive */

#define FRESH_NS (100 * NS_PER_MS)

/* A job as it came. */
struct arrival {
    weir_bytes wire;
    int64_t since_ns; /* it was parked since then; 0: it comes now */
    bool streamed;
    bool surplus; /* more than was asked for */
};

/* ---- a job ------------------------------------------------------------------------------- */

static void fail_unread(struct weir_worker *w, struct weir_job *job, const weir_error *why)
{
    (void)job_claim(job, WEIR_JOB_FAILED); /* nobody else has seen it */
    job_fill_failure(job, SETTLE_FAIL, job_retries_less(job), w->set.o.retry_backoff, why->message);
    worker_send(w, job);
}

static bool is_called_off(const void *item)
{
    const struct weir_job *job = item;
    return atomic_load(&job->phase) == JOB_CALLED_OFF;
}

void worker_sweep(struct weir_worker *w)
{
    if (w->stale)
        inbox_sweep(w->inbox, is_called_off);
    w->stale = false;
}

/* To the program, unless there is something wrong with it. */
static void hand_in(struct weir_worker *w, struct weir_job *job, bool surplus)
{
    weir_error why = {0};
    bool fine =
        job->f.variables_len == 0 || json_check_object(job->f.variables, job->f.variables_len,
                                                       "the job's variables", &why) == WEIR_OK;
    if (w->state != WORKER_RUNNING) {
        worker_return(w, job, "the worker stopped");
    } else if (surplus) {
        worker_return(w, job, "the gateway sent more jobs than were asked for");
    } else if (!fine) {
        fail_unread(w, job, &why);
    } else {
        atomic_fetch_add(&w->waiting, 1);
        w->fresh = true;
        worker_sweep(w);
        if (inbox_put_quietly(w->inbox, job) == WEIR_OK)
            return;
        atomic_fetch_sub(&w->waiting, 1);
        worker_return(w, job, "the gateway sent more jobs than were asked for");
    }
    job_unref(job); /* the inbox's reference */
}

/* When its lock began. One of a stream that could not be read for a while may be old. */
static int64_t locked_since(struct weir_worker *w, const struct weir_job *job, bool streamed)
{
    int64_t now = clock_mono(w->clock);
    int64_t unread = streamed ? w->window.unread_ns : 0;
    int64_t age = lease_age(&w->ages, job->f.deadline, w->set.o.job_timeout, now, unread);
    if (unread && age < FRESH_NS)
        window_read_up(&w->window);
    return now - age;
}

/* False: it could not be read. */
static bool arrive(struct weir_worker *w, const struct arrival *a, weir_error *err)
{
    struct weir_job *job = job_read(w, a->wire, err);
    if (!job) {
        window_settled(&w->window);
        return false;
    }
    worker_watch(w, job, a->since_ns ? a->since_ns : locked_since(w, job, a->streamed));
    worker_count(&w->tally.activated, 1);
    worker_count(&w->tally.active, 1);
    hand_in(w, job, a->surplus);
    return true;
}

/* ---- without room ------------------------------------------------------------------------ */

static void park(struct weir_worker *w, weir_bytes wire)
{
    struct parked *p = mem_zalloc(sizeof *p + wire.len);
    if (!p) { /* its lock runs out, and it comes again */
        log_at(WEIR_LOG_ERROR, "zeebe", w->name, "out of memory: a job is let go");
        w->window.parked--;
        return;
    }
    p->arrived_ns = clock_mono(w->clock);
    p->len = wire.len;
    if (wire.len)
        memcpy(p->data, wire.data, wire.len);
    *w->parked_last = p;
    w->parked_last = &p->next;
}

/* False: it could not be read. */
static bool put(struct weir_worker *w, enum window_place place, struct arrival *a, weir_error *err)
{
    a->surplus = place == WINDOW_HAND_BACK;
    if (place != WINDOW_PARK)
        return arrive(w, a, err);
    park(w, a->wire);
    if (w->state != WORKER_RUNNING)
        worker_drop_parked(w);
    return true;
}

static void unpark(struct weir_worker *w)
{
    weir_error why = {0};
    struct parked *p = w->parked_first;
    w->parked_first = p->next;
    if (!p->next)
        w->parked_last = &w->parked_first;
    const struct arrival arrival = {.wire = {p->data, p->len}, .since_ns = p->arrived_ns};
    if (!arrive(w, &arrival, &why))
        log_at(WEIR_LOG_WARN, "zeebe", w->name, "a job is let go: %s", why.message);
    mem_free(p);
}

void worker_unpark(struct weir_worker *w)
{
    while (w->parked_first && window_unpark(&w->window))
        unpark(w);
}

/* When stopping: each is taken in, which hands it back. */
void worker_drop_parked(struct weir_worker *w)
{
    while (w->parked_first) {
        w->window.parked -= w->window.parked > 0;
        w->window.held++;
        unpark(w);
    }
}

/* ---- polls ------------------------------------------------------------------------------- */

static void on_poll_message(struct command *c, weir_bytes message)
{
    struct weir_worker *w = c->user;
    enum codec_step step;
    weir_bytes wire;
    weir_error why = {0};
    size_t at = 0, jobs = 0;
    while ((step = codec_jobs_next(message, &at, &wire)) == CODEC_MORE) {
        struct arrival arrival = {.wire = wire};
        if (!put(w, window_polled(&w->window), &arrival, &why))
            break;
        jobs++;
    }
    worker_count(&w->tally.polled, jobs);
    if (step == CODEC_END && jobs > 0)
        window_brought_jobs(&w->window);
    if (step != CODEC_END) {
        w->poll_broken = true;
        log_at(WEIR_LOG_WARN, "zeebe", w->name, "%s",
               *why.message ? why.message : "the gateway's answer to ActivateJobs cannot be read");
    }
    worker_attend(w);
}

/* Tells and ends what the window's verdict wants. */
static void heed(struct weir_worker *w, enum window_verdict verdict, const weir_error *why)
{
    if (w->state != WORKER_RUNNING)
        return;
    if (verdict == WINDOW_OVER) {
        worker_fail(w, why);
    } else if (verdict == WINDOW_OUTAGE) {
        log_at(WEIR_LOG_WARN, "zeebe", w->name, "jobs cannot be fetched: %s", why->message);
        worker_tell(w, WEIR_WORKER_OUTAGE, why);
    } else if (verdict == WINDOW_WITHOUT_STREAM) {
        log_at(WEIR_LOG_INFO, "zeebe", w->name, "without a job stream: %s", why->message);
        worker_tell(w, WEIR_WORKER_WITHOUT_STREAM, why);
    } else if (why->status != WEIR_OK) {
        log_at(WEIR_LOG_DEBUG, "zeebe", w->name, "%s", why->message);
    }
}

static void poll_ended(struct weir_worker *w, const weir_error *why)
{
    weir_error broken = {0};
    if (why->status == WEIR_OK && w->poll_broken) {
        error_set(&broken, WEIR_PROTOCOL, "ActivateJobs: the gateway's answer cannot be read");
        why = &broken;
    }
    struct window_answer answer = {why->status, why->kind, why->retry_in_ms};
    w->poll_open = false;
    if (why->status != WEIR_OK && w->state == WORKER_RUNNING)
        worker_count(&w->tally.failed_polls, 1);
    else if (why->status == WEIR_OK && w->window.brought == 0)
        worker_count(&w->tally.empty_polls, 1);
    heed(w, window_poll_ended(&w->window, &answer, clock_mono(w->clock)), why);
}

static void on_poll_end(struct command *c, const struct rpc_end *end)
{
    struct weir_worker *w = c->user;
    poll_ended(w, &end->error);
    worker_attend(w);
}

static const struct command_events poll_events = {NULL, on_poll_message, on_poll_end};

static void lay_out(struct weir_worker *w, struct command *c, const struct command_events *events,
                    const struct codec_method *method, const struct buf *request)
{
    *c = (struct command){0};
    c->events = events;
    c->user = w;
    c->channel = w->channel;
    c->method = method;
    c->request = (weir_bytes){request->data, request->len};
    c->no_retry = true;
}

void worker_poll(struct weir_worker *w, size_t jobs)
{
    weir_error why = {0};
    const weir_worker_options *o = &w->set.o;
    w->poll_request.len = 0;
    codec_activate(&w->poll_request, &w->set.activation, (int32_t)jobs,
                   o->long_poll > 0 ? o->long_poll : -1);
    lay_out(w, &w->poll, &poll_events, w->rpc.activate, &w->poll_request);
    w->poll.until = deadline_in(w->clock, o->long_poll + MARGIN_MS, 0);
    w->poll_broken = false;
    worker_count(&w->tally.polls, 1);
    w->poll_open = true;
    if (w->poll_request.failed) {
        w->poll_request = (struct buf)BUF_INIT(SIZE_MAX / 2);
        error_no_memory(&why);
    } else if (command_start(&w->poll, &why) == WEIR_OK) {
        return;
    }
    poll_ended(w, &why);
    worker_attend(w);
}

/* ---- the stream -------------------------------------------------------------------------- */

static void on_stream_message(struct command *c, weir_bytes message)
{
    struct weir_worker *w = c->user;
    weir_error why = {0};
    enum window_place place = window_streamed(&w->window, clock_mono(w->clock));
    worker_count(&w->tally.streamed, 1);
    struct arrival arrival = {.wire = message, .streamed = true};
    if (!put(w, place, &arrival, &why))
        log_at(WEIR_LOG_WARN, "zeebe", w->name, "a streamed job is let go: %s", why.message);
    worker_attend(w);
}

static void stream_ended(struct weir_worker *w, const weir_error *why)
{
    struct window_answer answer = {why->status, why->kind, why->retry_in_ms};
    w->stream_open = false;
    heed(w, window_stream_ended(&w->window, &answer, clock_mono(w->clock)), why);
}

static void on_stream_end(struct command *c, const struct rpc_end *end)
{
    struct weir_worker *w = c->user;
    stream_ended(w, &end->error);
    worker_attend(w);
}

static const struct command_events stream_events = {NULL, on_stream_message, on_stream_end};

/* A little less than asked for, by chance: the streams of many workers are not to end together. */
static struct deadline stream_until(const struct weir_worker *w)
{
    weir_ms limit = w->set.o.stream_timeout;
    if (limit > 10)
        limit -= (weir_ms)clock_random(w->clock, (uint64_t)limit / 10);
    return deadline_in(w->clock, limit, 0);
}

void worker_open_stream(struct weir_worker *w, size_t want)
{
    weir_error why = {0};
    lay_out(w, &w->stream, &stream_events, w->rpc.stream, &w->stream_request);
    w->stream.until = stream_until(w);
    w->stream.manual = true;
    w->stream.wanted = want;
    worker_count(&w->tally.streams, 1);
    w->stream_open = true;
    if (command_start(&w->stream, &why) == WEIR_OK)
        return;
    stream_ended(w, &why);
    worker_attend(w);
}
