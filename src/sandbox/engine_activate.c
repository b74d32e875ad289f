/* Handing jobs out: to streams, one by one, when they become ready; to polls, as many as were asked
 * for. Both wait in their type's lists; engine_pump() is the only place that delivers, so no
 * function of the engine is in the middle of something when a client's connection is touched.
 *
 * Whoever delivers may be freed by it, and so may other waiters: each turn begins at the head of a
 * list anew. */
#include "sandbox/engine_private.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

#define LONG_POLL_MS 10000 /* the gateway's own, when the request names no time */
#define BATCH_MAX    4096
#define MESSAGE_MAX  ((size_t)LIMIT_GRPC_MESSAGE - 1024)
#define POLL_MAX     ((size_t)32 * 1024 * 1024) /* bytes that one poll gets */

/* ---- waiters ---- */

void waiter_detach(struct waiter *waiter)
{
    struct job_type *type = waiter->type;
    if (waiter->instance)
        waiter->instance->waiter = NULL;
    if (waiter->finished)
        TAILQ_REMOVE(&waiter->engine->finished, waiter, link);
    waiter->finished = false;
    waiter->instance = NULL;
    waiter->type = NULL;
    if (!type)
        return;
    if (waiter->kind == WAITER_POLL)
        TAILQ_REMOVE(&type->polls, waiter, link);
    else
        TAILQ_REMOVE(&type->streams, waiter, link);
    type_release(waiter->engine, type);
}

void waiter_leave(struct waiter *waiter)
{
    if (waiter->kind == WAITER_NONE)
        return;
    waiter_detach(waiter);
    for (size_t i = 0; i < waiter->name_count; i++)
        engine_drop(waiter->engine, waiter->names[i]);
    mem_free(waiter->names);
    engine_drop(waiter->engine, waiter->worker);
    mem_free(waiter->result);
    waiter->names = NULL;
    waiter->worker = waiter->result = NULL;
    waiter->name_count = 0;
    waiter->kind = WAITER_NONE;
}

bool waiter_fill(const struct ask *ask, const char *worker, char **names, size_t count)
{
    struct waiter *w = ask->waiter;
    w->engine = ask->engine;
    w->worker = engine_text(ask->engine, worker);
    w->names = count ? mem_array(count, sizeof *w->names) : NULL;
    if (!w->worker || (count && !w->names))
        return reply_no_memory(ask->reply);
    while (w->name_count < count) {
        char *name = engine_text(ask->engine, names[w->name_count]);
        if (!name)
            return reply_no_memory(ask->reply);
        w->names[w->name_count++] = name;
    }
    return true;
}

/* ---- a message of jobs ---- */

struct batch {
    struct engine *engine;
    struct waiter *waiter;
    GatewayProtocol__ActivatedJob *jobs, **list;
    struct job **these;
    size_t count, cap, bytes, sent;
};

static void describe(const struct waiter *waiter, const struct job *job, char *variables,
                     GatewayProtocol__ActivatedJob *out)
{
    static char tenant[] = DEFAULT_TENANT;
    const struct instance *instance = job->token->instance;
    gateway_protocol__activated_job__init(out);
    out->key = job->keyed.key;
    out->type = job->type->name;
    out->processinstancekey = instance->keyed.key;
    out->bpmnprocessid = instance->definition->family->id;
    out->processdefinitionversion = instance->definition->version;
    out->processdefinitionkey = instance->definition->keyed.key;
    out->elementid = element_of(job->token)->id;
    out->elementinstancekey = job->token->keyed.key;
    out->customheaders = job->element->headers;
    out->worker = waiter->worker;
    out->retries = job->retries;
    out->deadline = job->deadline_ms;
    out->variables = variables;
    out->tenantid = tenant;
    out->kind = GATEWAY_PROTOCOL__ACTIVATED_JOB__JOB_KIND__BPMN_ELEMENT;
    out->listenereventtype = GATEWAY_PROTOCOL__ACTIVATED_JOB__LISTENER_EVENT_TYPE__UNSPECIFIED;
    out->tags = instance->tags;
    out->n_tags = instance->tag_count;
}

/* A job that no message can hold. */
static void too_big(struct engine *engine, struct job *job, size_t size)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "The job with key '%lld' can not be activated, because with %zu bytes it is "
                   "larger than the configured message size (per default is 4 MB). Try to reduce "
                   "the size by reducing the number of fetched variables or modifying the variable "
                   "values.",
                   (long long)job->keyed.key, size);
    heap_remove(&job->type->queue, &job->queue);
    heap_remove(&engine->due, &job->due.heap);
    job->state = JOB_FAILED;
    incident_raise(engine, job->token, "MESSAGE_SIZE_EXCEEDED", text);
}

/* Locks the job and describes it in *out with *size. False: it cannot be handed out. */
static bool take(struct engine *engine, struct job *job, const struct waiter *waiter,
                 GatewayProtocol__ActivatedJob *out, size_t *size)
{
    const struct token *token = job->token;
    char *variables = variables_show(token->instance->variables, token->variables, waiter->names,
                                     waiter->name_count);
    if (!variables)
        return false;
    job_lock(engine, job, waiter);
    describe(waiter, job, variables, out);
    *size = gateway_protocol__activated_job__get_packed_size(out) + 8;
    if (*size <= MESSAGE_MAX)
        return true;
    mem_free(variables);
    too_big(engine, job, *size);
    return false;
}

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        mem_free(batch->jobs[i].variables);
    batch->count = batch->bytes = 0;
}

/* False: the client is gone; the jobs are not. */
static bool batch_send(struct batch *batch)
{
    struct rpc_reply reply = {.status = 0};
    GatewayProtocol__ActivateJobsResponse response;
    const struct waiter *waiter = batch->waiter;
    if (!batch->count)
        return true;
    gateway_protocol__activate_jobs_response__init(&response);
    response.jobs = batch->list;
    response.n_jobs = batch->count;
    bool packed = reply_pack(&reply, &response.base);
    bool sent =
        packed && waiter->deliver(waiter->user, (weir_bytes){reply.message, reply.len}, false);
    for (size_t i = 0; i < batch->count && !sent; i++)
        job_ready(batch->engine, batch->these[i]);
    batch->sent += sent ? batch->bytes : 0;
    mem_free(reply.message);
    batch_clear(batch);
    return sent || !packed;
}

static bool batch_add(struct batch *batch, struct job *job)
{
    size_t size = 0;
    GatewayProtocol__ActivatedJob one;
    if (!take(batch->engine, job, batch->waiter, &one, &size))
        return true;
    bool full = batch->count == batch->cap || batch->bytes + size > MESSAGE_MAX;
    if (full && !batch_send(batch)) {
        mem_free(one.variables);
        job_ready(batch->engine, job);
        return false;
    }
    batch->these[batch->count] = job;
    batch->jobs[batch->count++] = one;
    batch->bytes += size;
    return true;
}

static bool batch_new(struct batch *batch, size_t cap)
{
    batch->cap = cap < BATCH_MAX ? cap : BATCH_MAX;
    batch->jobs = mem_array(batch->cap, sizeof *batch->jobs);
    batch->list = mem_array(batch->cap, sizeof *batch->list);
    batch->these = mem_array(batch->cap, sizeof(struct job *));
    for (size_t i = 0; i < batch->cap && batch->list && batch->jobs; i++)
        batch->list[i] = &batch->jobs[i];
    return batch->jobs && batch->list && batch->these;
}

static void batch_free(struct batch *batch)
{
    batch_clear(batch);
    mem_free(batch->jobs);
    mem_free(batch->list);
    mem_free(batch->these);
}

/* Gives a poll what it asked for; it is in no list any more. */
static void give(struct engine *engine, struct waiter *waiter, struct heap *queue)
{
    struct batch batch = {.engine = engine, .waiter = waiter};
    size_t most = waiter->max < queue->count ? waiter->max : queue->count;
    bool there = true;
    bool good = batch_new(&batch, most);
    for (size_t i = 0; good && there && i < most && batch.sent + batch.bytes < POLL_MAX; i++) {
        struct heap_node *node = heap_first(queue);
        if (!node)
            break;
        char *base = (char *)node;
        there = batch_add(&batch, (struct job *)(void *)(base - offsetof(struct job, queue)));
    }
    there = there && batch_send(&batch);
    batch_free(&batch);
    if (there)
        waiter->deliver(waiter->user, (weir_bytes){NULL, 0}, true);
}

/* ---- handing out ---- */

static void serve(struct engine *engine, struct job_type *type)
{
    struct waiter *poll = NULL;
    while (type->queue.count && (poll = TAILQ_FIRST(&type->polls))) {
        TAILQ_REMOVE(&type->polls, poll, link);
        poll->type = NULL;
        give(engine, poll, &type->queue);
    }
}

/* The next stream of the ring that has room; NULL: none has. */
static struct waiter *next_stream(struct job_type *type)
{
    struct waiter *first = TAILQ_FIRST(&type->streams), *at = first;
    while (at) {
        TAILQ_REMOVE(&type->streams, at, link);
        TAILQ_INSERT_TAIL(&type->streams, at, link);
        if (at->has_room(at->user))
            return at;
        at = TAILQ_FIRST(&type->streams);
        if (at == first)
            break;
    }
    return NULL;
}

/* Pushes it to a stream, or leaves it to be polled. */
static void offer(struct engine *engine, struct job *job)
{
    size_t size = 0;
    struct rpc_reply reply = {.status = 0};
    GatewayProtocol__ActivatedJob one;
    struct waiter *stream = next_stream(job->type);
    if (!stream || !take(engine, job, stream, &one, &size))
        return;
    bool sent = reply_pack(&reply, &one.base) &&
                stream->deliver(stream->user, (weir_bytes){reply.message, reply.len}, false);
    if (!sent)
        job_ready(engine, job);
    mem_free(one.variables);
    mem_free(reply.message);
}

static void finish(struct engine *engine, struct waiter *waiter)
{
    weir_bytes message = {waiter->result, waiter->result_len};
    TAILQ_REMOVE(&engine->finished, waiter, link);
    waiter->finished = false;
    waiter->result = NULL;
    waiter->deliver(waiter->user, message, true);
    mem_free((void *)(uintptr_t)message.data);
}

void engine_pump(struct engine *engine)
{
    struct job *job = NULL;
    struct job_type *type = NULL;
    while ((job = TAILQ_FIRST(&engine->fresh))) {
        TAILQ_REMOVE(&engine->fresh, job, fresh_link);
        job->fresh = false;
        offer(engine, job);
    }
    while ((type = TAILQ_FIRST(&engine->woken))) {
        serve(engine, type);
        TAILQ_REMOVE(&engine->woken, type, woken_link);
        type->woken = false;
        type_release(engine, type);
    }
    while (!TAILQ_EMPTY(&engine->finished))
        finish(engine, TAILQ_FIRST(&engine->finished));
}

/* ---- RPCs ---- */

static bool batch_is_wanted(const struct ask *ask, const GatewayProtocol__ActivateJobsRequest *r)
{
    static const char words[] = "Expected to activate job batch with %s to be %s, but it was %s";
    char number[32];
    if (!*r->type)
        return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "ACTIVATE", words, "type",
                            "present", "blank");
    (void)snprintf(number, sizeof number, "'%lld'", (long long)r->timeout);
    if (r->timeout < 1)
        return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "ACTIVATE", words, "timeout",
                            "greater than zero", number);
    (void)snprintf(number, sizeof number, "'%d'", (int)r->maxjobstoactivate);
    return r->maxjobstoactivate > 0 ||
           reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "ACTIVATE", words,
                        "max jobs to activate", "greater than zero", number);
}

void broker_activate(const struct ask *ask, const void *request)
{
    const GatewayProtocol__ActivateJobsRequest *r = request;
    struct waiter *w = ask->waiter;
    if (!tenants_are_good(ask, "ActivateJobs", r->tenantids, r->n_tenantids) ||
        !batch_is_wanted(ask, r))
        return;
    struct job_type *type = type_get(ask->engine, r->type);
    if (!type) {
        reply_no_memory(ask->reply);
        return;
    }
    w->kind = WAITER_POLL;
    w->type = type;
    w->timeout_ms = r->timeout;
    w->max = (size_t)r->maxjobstoactivate;
    TAILQ_INSERT_TAIL(&type->polls, w, link);
    if (!waiter_fill(ask, r->worker, r->fetchvariable, r->n_fetchvariable))
        return;
    if (type->queue.count)
        type_wake(ask->engine, type);
    ask->reply->waits = true;
    ask->reply->after = r->requesttimeout < 0   ? 0
                        : r->requesttimeout > 0 ? r->requesttimeout
                                                : LONG_POLL_MS;
}

void broker_stream(const struct ask *ask, const void *request)
{
    static const char words[] = "Expected to stream activated jobs with %s to be %s, but it was %s";
    const GatewayProtocol__StreamActivatedJobsRequest *r = request;
    struct waiter *w = ask->waiter;
    char number[32];
    (void)snprintf(number, sizeof number, "%lld", (long long)r->timeout);
    if (!tenants_are_good(ask, "StreamActivatedJobs", r->tenantids, r->n_tenantids))
        return;
    if (!*r->type || r->timeout < 1) {
        reply_refuse(ask->reply, REPLY_INVALID_ARGUMENT, words, *r->type ? "timeout" : "type",
                     *r->type ? "greater than zero" : "present", *r->type ? number : "blank");
        return;
    }
    struct job_type *type = type_get(ask->engine, r->type);
    if (!type) {
        reply_no_memory(ask->reply);
        return;
    }
    w->kind = WAITER_STREAM;
    w->type = type;
    w->timeout_ms = r->timeout;
    TAILQ_INSERT_TAIL(&type->streams, w, link);
    if (!waiter_fill(ask, r->worker, r->fetchvariable, r->n_fetchvariable))
        return;
    ask->reply->waits = true;
    ask->reply->after = WEIR_FOREVER;
}
