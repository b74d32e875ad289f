/* The engine's frame: what has a key, what is counted, what time it is, and which function answers
 * which RPC. See engine_private.h for the rules all of engine_*.c keep. */
#include "sandbox/engine_private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"

#include <string.h>

#define INSTANCES_MAX 500000
#define MESSAGES_MAX  100000
#define BYTES_MAX     ((size_t)512 * 1024 * 1024)

/* ---- keys ---- */

int64_t engine_key(struct engine *engine)
{
    return ++engine->last_key;
}

void keyed_add(struct engine *engine, struct keyed *keyed, enum thing thing)
{
    keyed->key = engine_key(engine);
    keyed->thing = thing;
    table_add(&engine->keys, &keyed->node, table_hash_number((uint64_t)keyed->key));
}

void keyed_remove(struct engine *engine, struct keyed *keyed)
{
    table_remove(&engine->keys, &keyed->node);
}

void *keyed_find(const struct engine *engine, int64_t key, enum thing thing)
{
    struct table_node *node = table_first(&engine->keys, table_hash_number((uint64_t)key));
    for (; node; node = table_next(node)) {
        struct keyed *keyed = (struct keyed *)node;
        if (keyed->key == key && keyed->thing == thing)
            return keyed;
    }
    return NULL;
}

/* ---- memory ---- */

char *engine_own(struct engine *engine, char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    if (!text || size > engine->options.limits.bytes - engine->bytes) {
        mem_free(text);
        return NULL;
    }
    engine->bytes += size;
    return text;
}

char *engine_text(struct engine *engine, const char *text)
{
    return engine_own(engine, mem_strdup(text));
}

void engine_drop(struct engine *engine, char *text)
{
    if (text)
        engine->bytes -= strlen(text) + 1;
    mem_free(text);
}

bool engine_is_full(const struct ask *ask, const char *of)
{
    reply_refuse(ask->reply, REPLY_RESOURCE_EXHAUSTED,
                 "the sandbox holds as many %s as it can; let some end", of);
    return true;
}

/* ---- time ---- */

bool due_reserve(struct engine *engine, size_t more)
{
    size_t now = engine->job_count + engine->token_count + engine->message_count;
    return heap_reserve(&engine->due, now + more);
}

void due_at(struct engine *engine, struct due *due, enum due_kind kind, int64_t mono_ns)
{
    due->kind = kind;
    heap_set(&engine->due, &due->heap, mono_ns);
}

int64_t engine_later(const struct engine *engine, int64_t ms)
{
    if (ms <= 0)
        return engine->mono_ns;
    return ms > (INT64_MAX - 1 - engine->mono_ns) / NS_PER_MS ? INT64_MAX - 1
                                                              : engine->mono_ns + ms * NS_PER_MS;
}

int64_t engine_next_due(const struct engine *engine)
{
    const struct heap_node *first = heap_first(&engine->due);
    return first ? first->rank : INT64_MAX;
}

static void timer_is_over(struct engine *engine, struct token *token)
{
    struct instance *instance = token->instance;
    if (!token_leave(engine, token)) {
        due_at(engine, &token->due, DUE_TIMER, engine_later(engine, 1000)); /* no memory: later */
        return;
    }
    instance_settle(engine, instance);
}

static void happen(struct engine *engine, struct due *due)
{
    char *base = (char *)due;
    heap_remove(&engine->due, &due->heap);
    switch (due->kind) {
    case DUE_JOB:
        job_ready(engine, (struct job *)(void *)(base - offsetof(struct job, due)));
        break;
    case DUE_TIMER:
        timer_is_over(engine, (struct token *)(void *)(base - offsetof(struct token, due)));
        break;
    case DUE_MESSAGE:
        message_free(engine, (struct message *)(void *)(base - offsetof(struct message, due)));
        break;
    }
}

void engine_set_time(struct engine *engine, int64_t mono_ns, int64_t wall_ns)
{
    struct heap_node *first = NULL;
    engine->mono_ns = mono_ns;
    engine->wall_ms = wall_ns / NS_PER_MS;
    while ((first = heap_first(&engine->due)) && first->rank <= mono_ns)
        happen(engine, (struct due *)first);
}

/* ---- tenants: with multi-tenancy off, as a broker is by default ---- */

bool tenant_is_good(const struct ask *ask, const char *rpc, const char *tenant)
{
    return !*tenant || strcmp(tenant, DEFAULT_TENANT) == 0 ||
           reply_refuse(ask->reply, REPLY_INVALID_ARGUMENT,
                        "Expected to handle gRPC request %s with tenant identifier '%.80s', but "
                        "multi-tenancy is disabled",
                        rpc, tenant);
}

bool tenants_are_good(const struct ask *ask, const char *rpc, char **tenants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!tenant_is_good(ask, rpc, tenants[i]))
            return false;
    }
    return true;
}

/* ---- life ---- */

struct engine *engine_new(const struct engine_options *options)
{
    struct engine *engine = mem_zalloc(sizeof *engine);
    json_prepare();
    if (!engine)
        return NULL;
    if (options)
        engine->options = *options;
    struct engine_limits *limits = &engine->options.limits;
    limits->instances = limits->instances ? limits->instances : INSTANCES_MAX;
    limits->messages = limits->messages ? limits->messages : MESSAGES_MAX;
    limits->bytes = limits->bytes ? limits->bytes : BYTES_MAX;
    engine->last_key = FIRST_KEY;
    TAILQ_INIT(&engine->instances);
    TAILQ_INIT(&engine->messages);
    TAILQ_INIT(&engine->all_families);
    TAILQ_INIT(&engine->form_families);
    TAILQ_INIT(&engine->fresh);
    TAILQ_INIT(&engine->woken);
    TAILQ_INIT(&engine->finished);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    while (!TAILQ_EMPTY(&engine->instances))
        instance_free(engine, TAILQ_FIRST(&engine->instances));
    while (!TAILQ_EMPTY(&engine->messages))
        message_free(engine, TAILQ_FIRST(&engine->messages));
    deploy_free(engine);
    table_free(&engine->keys);
    table_free(&engine->families);
    table_free(&engine->forms);
    table_free(&engine->types);
    table_free(&engine->channels);
    table_free(&engine->message_ids);
    table_free(&engine->business_ids);
    heap_free(&engine->due);
    mem_free(engine);
}

/* ---- RPCs ---- */

static const struct {
    const char *name;
    void (*run)(const struct ask *ask, const void *request);
} answers[] = {
    {"CompleteJob", broker_complete},
    {"CreateProcessInstance", broker_create},
    {"ActivateJobs", broker_activate},
    {"StreamActivatedJobs", broker_stream},
    {"FailJob", broker_fail},
    {"ThrowError", broker_throw},
    {"PublishMessage", broker_publish},
    {"CreateProcessInstanceWithResult", broker_create_with_result},
    {"CancelProcessInstance", broker_cancel},
    {"SetVariables", broker_set_variables},
    {"ResolveIncident", broker_resolve_incident},
    {"UpdateJobRetries", broker_update_retries},
    {"UpdateJobTimeout", broker_update_timeout},
    {"DeployResource", broker_deploy_resource},
    {"DeployProcess", broker_deploy_process},
    {"DeleteResource", broker_delete_resource},
    {"ModifyProcessInstance", broker_modify},
    {"MigrateProcessInstance", broker_migrate},
    {"BroadcastSignal", broker_broadcast},
    {"EvaluateDecision", broker_decision},
    {"EvaluateConditional", broker_conditional},
};

bool engine_ask(struct engine *engine, const char *name, const void *request, struct waiter *waiter,
                struct rpc_reply *reply)
{
    struct ask ask = {engine, waiter, reply, false};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strcmp(answers[i].name, name) != 0)
            continue;
        answers[i].run(&ask, request);
        return true;
    }
    return false;
}
