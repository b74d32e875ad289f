/* Jobs: where each is (with a worker, in its type's queue, in nobody's hands), and what workers say
 * about them. A job that can be had lies in its type's queue, by key, so that the oldest goes first
 * also when it comes back. */
#include "sandbox/engine_private.h"

#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

/* ---- types ---- */

struct job_type *type_find(const struct engine *engine, const char *name)
{
    struct table_node *node = table_first(&engine->types, table_hash(0, name, strlen(name)));
    for (; node; node = table_next(node)) {
        struct job_type *type = (struct job_type *)node;
        if (strcmp(type->name, name) == 0)
            return type;
    }
    return NULL;
}

struct job_type *type_get(struct engine *engine, const char *name)
{
    struct job_type *type = type_find(engine, name);
    if (type)
        return type;
    type = mem_zalloc(sizeof *type);
    if (!type || !(type->name = engine_text(engine, name))) {
        mem_free(type);
        return NULL;
    }
    TAILQ_INIT(&type->polls);
    TAILQ_INIT(&type->streams);
    table_add(&engine->types, &type->node, table_hash(0, name, strlen(name)));
    return type;
}

void type_release(struct engine *engine, struct job_type *type)
{
    if (type->jobs || type->woken || !TAILQ_EMPTY(&type->polls) || !TAILQ_EMPTY(&type->streams))
        return;
    table_remove(&engine->types, &type->node);
    heap_free(&type->queue);
    engine_drop(engine, type->name);
    mem_free(type);
}

void type_wake(struct engine *engine, struct job_type *type)
{
    if (type->woken)
        return;
    type->woken = true;
    TAILQ_INSERT_TAIL(&engine->woken, type, woken_link);
}

/* ---- life ---- */

static bool make_room(struct engine *engine, struct job_type *type)
{
    return heap_reserve(&type->queue, type->jobs + 1) && due_reserve(engine, 1);
}

bool job_new(struct engine *engine, struct token *token)
{
    const struct bpmn_element *element = element_of(token);
    struct job_type *type = type_get(engine, element->job_type);
    struct job *job = type && make_room(engine, type) ? mem_zalloc(sizeof *job) : NULL;
    if (!job) {
        if (type)
            type_release(engine, type);
        return false;
    }
    job->token = token;
    job->type = type;
    job->origin = token->instance->definition;
    job->element = element;
    job->retries = element->retries;
    job->origin->users++;
    token->job = job;
    token->state = AT_JOB;
    type->jobs++;
    engine->job_count++;
    keyed_add(engine, &job->keyed, A_JOB);
    job->queue.order = job->due.heap.order = job->keyed.key;
    job_ready(engine, job);
    return true;
}

/* Out of its queue, off the clock, not to be offered. */
static void job_take_back(struct engine *engine, struct job *job)
{
    heap_remove(&job->type->queue, &job->queue);
    heap_remove(&engine->due, &job->due.heap);
    if (job->fresh)
        TAILQ_REMOVE(&engine->fresh, job, fresh_link);
    job->fresh = false;
}

void job_free(struct engine *engine, struct job *job)
{
    struct job_type *type = job->type;
    job_take_back(engine, job);
    job->token->job = NULL;
    keyed_remove(engine, &job->keyed);
    type->jobs--;
    engine->job_count--;
    type_release(engine, type);
    definition_release(engine, job->origin);
    mem_free(job);
}

void job_ready(struct engine *engine, struct job *job)
{
    job_take_back(engine, job);
    job->state = JOB_ACTIVATABLE;
    heap_set(&job->type->queue, &job->queue, job->keyed.key);
    if (!TAILQ_EMPTY(&job->type->streams)) {
        job->fresh = true;
        TAILQ_INSERT_TAIL(&engine->fresh, job, fresh_link);
    }
    if (!TAILQ_EMPTY(&job->type->polls))
        type_wake(engine, job->type);
}

void job_lock(struct engine *engine, struct job *job, const struct waiter *waiter)
{
    job_take_back(engine, job);
    job->state = JOB_ACTIVATED;
    job->deadline_ms = waiter->timeout_ms > INT64_MAX - engine->wall_ms
                           ? INT64_MAX
                           : engine->wall_ms + waiter->timeout_ms;
    due_at(engine, &job->due, DUE_JOB, engine_later(engine, waiter->timeout_ms));
}

/* ---- what workers say ---- */

static const char *state_name(const struct job *job)
{
    static const char *const names[] = {[JOB_ACTIVATABLE] = "ACTIVATABLE",
                                        [JOB_ACTIVATED] = "ACTIVATED",
                                        [JOB_FAILED] = "FAILED",
                                        [JOB_ERROR_THROWN] = "ERROR_THROWN"};
    return names[job->state];
}

/* The job that a worker speaks of. NULL: refused. A worker whose lock has run out may still speak,
 * as long as nobody else has done so. */
static struct job *spoken_of(const struct ask *ask, int64_t key, const char *intent,
                             const char *verb)
{
    struct job *job = keyed_find(ask->engine, key, A_JOB);
    if (!job)
        reply_reject(ask->reply, REPLY_NOT_FOUND, intent,
                     "Expected to %s job with key '%lld', but no such job was found", verb,
                     (long long)key);
    else if (job->state != JOB_ACTIVATABLE && job->state != JOB_ACTIVATED)
        reply_reject(ask->reply, REPLY_FAILED_PRECONDITION, intent,
                     "Expected to %s job with key '%lld', but it is in state '%s'", verb,
                     (long long)key, state_name(job));
    else
        return job;
    return NULL;
}

void broker_complete(const struct ask *ask, const void *request)
{
    const GatewayProtocol__CompleteJobRequest *r = request;
    struct engine *engine = ask->engine;
    char *variables = NULL;
    GatewayProtocol__CompleteJobResponse response;
    if (!variables_read(ask, r->variables, &variables))
        return;
    struct job *job = spoken_of(ask, r->jobkey, "COMPLETE", "complete");
    if (job) {
        struct token *token = job->token;
        struct instance *instance = token->instance;
        if (!variables_propagate(engine, token, variables) || !token_leave(engine, token)) {
            engine_is_full(ask, "variables and instances");
        } else {
            instance_settle(engine, instance);
            gateway_protocol__complete_job_response__init(&response);
            reply_pack(ask->reply, &response.base);
        }
    }
    engine_drop(engine, variables);
}

/* What comes with a failure or an error stays in the task's own scope. */
static bool keep_local(const struct ask *ask, struct token *token, const char *variables)
{
    struct engine *engine = ask->engine;
    if (variables_are_none(variables))
        return true;
    char *text = variables_merge(engine, token->variables ? token->variables : "{}", variables);
    if (!text)
        return !engine_is_full(ask, "variables");
    engine_drop(engine, token->variables);
    token->variables = text;
    return true;
}

static void fail(struct engine *engine, struct job *job, const GatewayProtocol__FailJobRequest *r)
{
    job->retries = r->retries;
    if (r->retries > 0 && r->retrybackoff <= 0) {
        job_ready(engine, job);
        return;
    }
    job_take_back(engine, job);
    job->state = JOB_FAILED;
    if (r->retries > 0)
        due_at(engine, &job->due, DUE_JOB, engine_later(engine, r->retrybackoff));
    else
        incident_raise(engine, job->token, "JOB_NO_RETRIES",
                       *r->errormessage ? r->errormessage : "No more retries left.");
}

void broker_fail(const struct ask *ask, const void *request)
{
    const GatewayProtocol__FailJobRequest *r = request;
    char *variables = NULL;
    GatewayProtocol__FailJobResponse response;
    if (!variables_read(ask, r->variables, &variables))
        return;
    struct job *job = spoken_of(ask, r->jobkey, "FAIL", "fail");
    if (job && keep_local(ask, job->token, variables)) {
        fail(ask->engine, job, r);
        gateway_protocol__fail_job_response__init(&response);
        reply_pack(ask->reply, &response.base);
    }
    engine_drop(ask->engine, variables);
}

/* Boundary events and event subprocesses are refused at deployment: nothing catches it. */
void broker_throw(const struct ask *ask, const void *request)
{
    const GatewayProtocol__ThrowErrorRequest *r = request;
    char *variables = NULL, text[REPLY_TEXT_MAX];
    bool says = *r->errormessage;
    GatewayProtocol__ThrowErrorResponse response;
    if (!variables_read(ask, r->variables, &variables))
        return;
    struct job *job = spoken_of(ask, r->jobkey, "THROW_ERROR", "throw an error for");
    if (job && keep_local(ask, job->token, variables)) {
        job_take_back(ask->engine, job);
        job->state = JOB_ERROR_THROWN;
        (void)snprintf(text, sizeof text,
                       "Expected to throw an error event with the code '%.100s'%s%.500s%s, but it "
                       "was not caught. No error events are available in the scope.",
                       r->errorcode, says ? " with message '" : "", says ? r->errormessage : "",
                       says ? "'" : "");
        incident_raise(ask->engine, job->token, "UNHANDLED_ERROR_EVENT", text);
        gateway_protocol__throw_error_response__init(&response);
        reply_pack(ask->reply, &response.base);
    }
    engine_drop(ask->engine, variables);
}

/* ---- what operators say ---- */

static struct job *meant(const struct ask *ask, int64_t key, const char *intent)
{
    struct job *job = keyed_find(ask->engine, key, A_JOB);
    if (!job)
        reply_reject(ask->reply, REPLY_NOT_FOUND, intent,
                     "Expected to update job with key '%lld', but no such job was found",
                     (long long)key);
    return job;
}

void broker_update_retries(const struct ask *ask, const void *request)
{
    const GatewayProtocol__UpdateJobRetriesRequest *r = request;
    GatewayProtocol__UpdateJobRetriesResponse response;
    struct job *job = meant(ask, r->jobkey, "UPDATE_RETRIES");
    if (job && r->retries < 1) {
        reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "UPDATE_RETRIES",
                     "Expected to update retries for job with key '%lld' with a positive amount "
                     "of retries, but the amount given was '%d'",
                     (long long)r->jobkey, (int)r->retries);
    } else if (job) {
        job->retries = r->retries;
        gateway_protocol__update_job_retries_response__init(&response);
        reply_pack(ask->reply, &response.base);
    }
}

void broker_update_timeout(const struct ask *ask, const void *request)
{
    const GatewayProtocol__UpdateJobTimeoutRequest *r = request;
    struct waiter lock = {.timeout_ms = r->timeout};
    GatewayProtocol__UpdateJobTimeoutResponse response;
    struct job *job = meant(ask, r->jobkey, "UPDATE_TIMEOUT");
    if (job && job->state != JOB_ACTIVATED) {
        reply_reject(ask->reply, REPLY_FAILED_PRECONDITION, "UPDATE_TIMEOUT",
                     "Expected to update the timeout of job with key '%lld', but it is not active",
                     (long long)r->jobkey);
    } else if (job) {
        job_lock(ask->engine, job, &lock);
        gateway_protocol__update_job_timeout_response__init(&response);
        reply_pack(ask->reply, &response.base);
    }
}

/* What could not begin to wait tries it again. */
static bool begin_again(const struct ask *ask, struct token *token)
{
    bool had = false;
    struct engine *engine = ask->engine;
    if (!channel_subscribe(engine, token, &had))
        return reply_no_memory(ask->reply);
    if (!had)
        return true;
    struct instance *instance = token->instance;
    if (!token_leave(engine, token))
        return reply_no_memory(ask->reply);
    instance_settle(engine, instance);
    return true;
}

void broker_resolve_incident(const struct ask *ask, const void *request)
{
    const GatewayProtocol__ResolveIncidentRequest *r = request;
    struct engine *engine = ask->engine;
    GatewayProtocol__ResolveIncidentResponse response;
    struct incident *incident = keyed_find(engine, r->incidentkey, AN_INCIDENT);
    struct token *token = incident ? incident->token : NULL;
    if (!incident) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "RESOLVE",
                     "Expected to resolve incident with key '%lld', but no such incident was found",
                     (long long)r->incidentkey);
        return;
    }
    if (token->job && token->job->state == JOB_FAILED && token->job->retries <= 0) {
        reply_reject(ask->reply, REPLY_FAILED_PRECONDITION, "RESOLVE",
                     "Expected to resolve incident with key '%lld', but job with key '%lld' has no "
                     "retries left. Please update the job retries and retry resolving the incident",
                     (long long)r->incidentkey, (long long)token->job->keyed.key);
        return;
    }
    incident_free(engine, incident);
    if (token->job)
        job_ready(engine, token->job);
    else if (!begin_again(ask, token))
        return;
    gateway_protocol__resolve_incident_response__init(&response);
    reply_pack(ask->reply, &response.base);
}
