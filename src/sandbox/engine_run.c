/* Instances and their tokens: where one stands, what follows, what ends. A token that can go on is
 * never kept: run_from() goes along the line until something has to be waited for. */
#include "sandbox/engine_private.h"

#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

const struct bpmn_element *element_of(const struct token *token)
{
    return &token->instance->definition->process->elements[token->element];
}

/* ---- incidents ---- */

void incident_raise(struct engine *engine, struct token *token, const char *type,
                    const char *message)
{
    struct incident *incident = mem_zalloc(sizeof *incident);
    if (!incident)
        return; /* it stands there all the same */
    incident->token = token;
    token->incident = incident;
    keyed_add(engine, &incident->keyed, AN_INCIDENT);
    if (!engine->options.incident)
        return;
    struct engine_incident told = {.key = incident->keyed.key,
                                   .job = token->job ? token->job->keyed.key : 0,
                                   .instance = token->instance->keyed.key,
                                   .element_instance = token->keyed.key,
                                   .process = token->instance->definition->family->id,
                                   .element = element_of(token)->id,
                                   .type = type,
                                   .message = message};
    engine->options.incident(engine->options.user, &told);
}

void incident_free(struct engine *engine, struct incident *incident)
{
    if (!incident)
        return;
    incident->token->incident = NULL;
    keyed_remove(engine, &incident->keyed);
    mem_free(incident);
}

/* ---- tokens ---- */

static struct token *token_new(struct engine *engine, struct instance *instance, int element)
{
    struct token *token = mem_zalloc(sizeof *token);
    if (!token || !due_reserve(engine, 1)) {
        mem_free(token);
        return NULL;
    }
    token->instance = instance;
    token->element = element;
    keyed_add(engine, &token->keyed, A_TOKEN);
    token->due.heap.order = token->keyed.key;
    TAILQ_INSERT_TAIL(&instance->tokens, token, link);
    engine->token_count++;
    return token;
}

void token_free(struct engine *engine, struct token *token)
{
    if (token->job)
        job_free(engine, token->job);
    if (token->channel)
        channel_unsubscribe(engine, token);
    incident_free(engine, token->incident);
    heap_remove(&engine->due, &token->due.heap);
    TAILQ_REMOVE(&token->instance->tokens, token, link);
    keyed_remove(engine, &token->keyed);
    engine_drop(engine, token->variables);
    engine->token_count--;
    mem_free(token);
}

/* Begins what the element waits for; *done: there is nothing to wait for. False: no memory. */
static bool begin(struct engine *engine, struct token *token, bool *done)
{
    const struct bpmn_element *element = element_of(token);
    int64_t wait = 0;
    *done = false;
    switch (element->kind) {
    case BPMN_JOB:
        return job_new(engine, token);
    case BPMN_MESSAGE:
        return channel_subscribe(engine, token, done);
    case BPMN_TIMER:
        token->state = AT_TIMER;
        /* Never at once: a line that is a ring would never be left. */
        wait = element->duration_ms > 0 ? element->duration_ms : 1;
        due_at(engine, &token->due, DUE_TIMER, engine_later(engine, wait));
        return true;
    case BPMN_START:
    case BPMN_END:
        break;
    }
    *done = true;
    return true;
}

static bool ends_instance(const struct instance *instance, int element)
{
    size_t i = 0;
    while (i < instance->end_count && instance->end_after[i] != element)
        i++;
    return i < instance->end_count;
}

bool run_from(struct engine *engine, struct instance *instance, int element, struct token **out)
{
    bool done = true;
    if (out)
        *out = NULL;
    while (element >= 0 && done) {
        struct token *token = token_new(engine, instance, element);
        if (!token || !begin(engine, token, &done)) {
            if (token)
                token_free(engine, token);
            return false;
        }
        if (out)
            *out = done ? NULL : token;
        if (!done)
            break;
        bool over = ends_instance(instance, element);
        element = over ? -1 : element_of(token)->next;
        token_free(engine, token);
    }
    return true;
}

bool token_leave(struct engine *engine, struct token *token)
{
    struct instance *instance = token->instance;
    if (ends_instance(instance, token->element)) {
        while (!TAILQ_EMPTY(&instance->tokens))
            token_free(engine, TAILQ_FIRST(&instance->tokens));
        return true;
    }
    if (!run_from(engine, instance, element_of(token)->next, NULL))
        return false;
    token_free(engine, token);
    return true;
}

/* ---- instances ---- */

/* Whoever waits for the result gets it by engine_pump(). */
static void give_result(struct engine *engine, struct instance *instance)
{
    struct waiter *waiter = instance->waiter;
    struct rpc_reply reply = {.status = 0};
    GatewayProtocol__CreateProcessInstanceWithResultResponse response;
    if (!waiter)
        return;
    gateway_protocol__create_process_instance_with_result_response__init(&response);
    char *variables = variables_show(instance->variables, NULL, waiter->names, waiter->name_count);
    char tenant[] = DEFAULT_TENANT;
    response.processdefinitionkey = instance->definition->keyed.key;
    response.bpmnprocessid = instance->definition->family->id;
    response.version = instance->definition->version;
    response.processinstancekey = instance->keyed.key;
    response.tenantid = tenant;
    response.n_tags = instance->tag_count;
    response.tags = instance->tags;
    if (instance->business_id) {
        response._business_id_case =
            GATEWAY_PROTOCOL__CREATE_PROCESS_INSTANCE_WITH_RESULT_RESPONSE___BUSINESS_ID_BUSINESS_ID;
        response.businessid = instance->business_id;
    }
    if (variables) {
        response.variables = variables;
        (void)reply_pack(&reply, &response.base);
    }
    waiter->result = reply.message;
    waiter->result_len = reply.len;
    waiter->instance = NULL;
    instance->waiter = NULL;
    waiter->finished = true;
    mem_free(variables);
    TAILQ_INSERT_TAIL(&engine->finished, waiter, link);
}

bool instance_settle(struct engine *engine, struct instance *instance)
{
    if (!TAILQ_EMPTY(&instance->tokens))
        return false;
    give_result(engine, instance);
    instance_free(engine, instance);
    return true;
}

void instance_free(struct engine *engine, struct instance *instance)
{
    while (!TAILQ_EMPTY(&instance->tokens))
        token_free(engine, TAILQ_FIRST(&instance->tokens));
    if (instance->waiter)
        instance->waiter->instance = NULL; /* it waits until its time is over, as with a broker */
    if (instance->business_id)
        table_remove(&engine->business_ids, &instance->business_node);
    engine_drop(engine, instance->business_id);
    for (size_t i = 0; i < instance->tag_count; i++)
        engine_drop(engine, instance->tags[i]);
    mem_free(instance->tags);
    mem_free(instance->end_after);
    engine_drop(engine, instance->variables);
    keyed_remove(engine, &instance->keyed);
    TAILQ_REMOVE(&engine->instances, instance, all);
    engine->instance_count--;
    instance->definition->instances--;
    definition_release(engine, instance->definition);
    mem_free(instance);
}
