/* Creating and cancelling instances. */
#include "sandbox/engine_private.h"

#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <string.h>

#define TAGS_MAX          10    /* as the real gateway */
#define RESULT_TIMEOUT_MS 15000 /* the gateway's own, when the request names no time */

typedef GatewayProtocol__CreateProcessInstanceRequest create_request;

/* The broker's name of the command, by whether its result is waited for. */
static const char *intent(const struct ask *ask)
{
    return ask->with_result ? "CREATE_WITH_AWAITING_RESULT" : "CREATE";
}

/* ---- what is wanted ---- */

static struct definition *find_definition(const struct ask *ask, const create_request *r)
{
    struct definition *found = NULL;
    if (*r->bpmnprocessid) {
        found = definition_find(ask->engine, r->bpmnprocessid, r->version);
        if (!found && r->version >= 0)
            reply_reject(ask->reply, REPLY_NOT_FOUND, intent(ask),
                         "Expected to find process definition with process ID '%.200s' and version "
                         "'%d', but none found",
                         r->bpmnprocessid, (int)r->version);
        else if (!found)
            reply_reject(
                ask->reply, REPLY_NOT_FOUND, intent(ask),
                "Expected to find process definition with process ID '%.200s', but none found",
                r->bpmnprocessid);
        return found;
    }
    if (r->processdefinitionkey < 0) {
        reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, intent(ask),
                     "Expected at least a bpmnProcessId or a key greater than -1, but none given");
        return NULL;
    }
    found = keyed_find(ask->engine, r->processdefinitionkey, A_DEFINITION);
    if (found && !found->deleted)
        return found;
    reply_reject(ask->reply, REPLY_NOT_FOUND, intent(ask),
                 "Expected to find process definition with key '%lld', but none found",
                 (long long)r->processdefinitionkey);
    return NULL;
}

static bool may_start_at(const struct ask *ask, const struct definition *definition, const char *id)
{
    const struct bpmn_process *process = definition->process;
    int at = bpmn_find(process, id);
    if (at < 0)
        return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, intent(ask),
                            "Expected to create instance of process with start instructions but "
                            "no element found with id '%.200s'.",
                            id);
    return process->elements[at].kind != BPMN_START ||
           reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, intent(ask),
                        "Expected to create instance of process with start instructions but the "
                        "element with id '%.200s' targets unsupported element type 'START_EVENT'. "
                        "Supported element types are: [SERVICE_TASK, SEND_TASK, SCRIPT_TASK, "
                        "BUSINESS_RULE_TASK, RECEIVE_TASK, INTERMEDIATE_CATCH_EVENT, END_EVENT]",
                        id);
}

static const char *end_id(const create_request *r, size_t i)
{
    const GatewayProtocol__ProcessInstanceCreationRuntimeInstruction *one =
        r->runtimeinstructions[i];
    return one->terminate ? one->terminate->afterelementid : "";
}

static bool is_possible(const struct ask *ask, const create_request *r,
                        const struct definition *definition)
{
    for (size_t i = 0; i < r->n_startinstructions; i++) {
        if (!may_start_at(ask, definition, r->startinstructions[i]->elementid))
            return false;
    }
    for (size_t i = 0; i < r->n_runtimeinstructions; i++) {
        if (bpmn_find(definition->process, end_id(r, i)) < 0)
            return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, intent(ask),
                                "Expected to create instance of process with runtime instructions "
                                "but no element found with id '%.200s'.",
                                end_id(r, i));
    }
    return r->n_tags <= TAGS_MAX ||
           reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, intent(ask),
                        "Expected at most %d tags, but %zu were given", TAGS_MAX, r->n_tags);
}

/* ---- business ids: one at a time for a process ---- */

static uint64_t business_hash(const struct family *family, const char *id)
{
    return table_hash(table_hash_number((uint64_t)(uintptr_t)family), id, strlen(id));
}

static bool is_taken(const struct ask *ask, const struct family *family, const char *id)
{
    struct table_node *node =
        id && *id ? table_first(&ask->engine->business_ids, business_hash(family, id)) : NULL;
    for (; node; node = table_next(node)) {
        char *base = (char *)node;
        const struct instance *other =
            (const void *)(base - offsetof(struct instance, business_node));
        if (other->definition->family != family || strcmp(other->business_id, id) != 0)
            continue;
        reply_reject(ask->reply, REPLY_ALREADY_EXISTS, intent(ask),
                     "Expected to create instance of process '%.200s' with business id '%.200s', "
                     "but an active instance with that business id already exists",
                     family->id, id);
        return true;
    }
    return false;
}

/* ---- making it ---- */

static bool copy_lists(struct engine *engine, struct instance *instance, const create_request *r)
{
    const struct bpmn_process *process = instance->definition->process;
    instance->tags = r->n_tags ? mem_array(r->n_tags, sizeof *instance->tags) : NULL;
    instance->end_after = r->n_runtimeinstructions
                              ? mem_array(r->n_runtimeinstructions, sizeof *instance->end_after)
                              : NULL;
    if ((r->n_tags && !instance->tags) || (r->n_runtimeinstructions && !instance->end_after))
        return false;
    for (size_t i = 0; i < r->n_runtimeinstructions; i++)
        instance->end_after[instance->end_count++] = bpmn_find(process, end_id(r, i));
    for (size_t i = 0; i < r->n_tags; i++) {
        char *tag = engine_text(engine, r->tags[i]);
        if (!tag)
            return false;
        instance->tags[instance->tag_count++] = tag;
    }
    return true;
}

static bool set_business_id(struct engine *engine, struct instance *instance, const char *id)
{
    if (!id || !*id)
        return true;
    instance->business_id = engine_text(engine, id);
    if (instance->business_id)
        table_add(&engine->business_ids, &instance->business_node,
                  business_hash(instance->definition->family, id));
    return instance->business_id != NULL;
}

/* `variables` is taken over in any case. */
static struct instance *instance_new(struct engine *engine, struct definition *definition,
                                     char *variables)
{
    struct instance *instance = mem_zalloc(sizeof *instance);
    if (!instance) {
        engine_drop(engine, variables);
        return NULL;
    }
    TAILQ_INIT(&instance->tokens);
    instance->definition = definition;
    instance->variables = variables;
    definition->users++;
    definition->instances++;
    engine->instance_count++;
    TAILQ_INSERT_TAIL(&engine->instances, instance, all);
    keyed_add(engine, &instance->keyed, AN_INSTANCE);
    return instance;
}

static bool start(struct engine *engine, struct instance *instance, const create_request *r)
{
    const struct bpmn_process *process = instance->definition->process;
    bool good = copy_lists(engine, instance, r) && set_business_id(engine, instance, r->businessid);
    if (good && !r->n_startinstructions)
        return run_from(engine, instance, process->start, NULL);
    for (size_t i = 0; good && i < r->n_startinstructions; i++)
        good = run_from(engine, instance, bpmn_find(process, r->startinstructions[i]->elementid),
                        NULL);
    return good;
}

/* NULL: refused. It may be over already, but has not been settled. */
static struct instance *create(const struct ask *ask, const create_request *r)
{
    struct engine *engine = ask->engine;
    char *variables = NULL;
    if (!tenant_is_good(ask, "CreateProcessInstance", r->tenantid) ||
        !variables_read(ask, r->variables, &variables))
        return NULL;
    struct definition *definition = find_definition(ask, r);
    bool full =
        engine->instance_count + engine->token_count >= 2 * engine->options.limits.instances;
    if (!definition || !is_possible(ask, r, definition) ||
        is_taken(ask, definition->family, r->businessid) ||
        (full && engine_is_full(ask, "instances"))) {
        engine_drop(engine, variables);
        return NULL;
    }
    struct instance *instance = instance_new(engine, definition, variables);
    if (instance && start(engine, instance, r))
        return instance;
    if (instance)
        instance_free(engine, instance);
    engine_is_full(ask, "instances and variables");
    return NULL;
}

/* ---- RPCs ---- */

void broker_create(const struct ask *ask, const void *request)
{
    const create_request *r = request;
    char tenant[] = DEFAULT_TENANT;
    GatewayProtocol__CreateProcessInstanceResponse response;
    struct instance *instance = create(ask, r);
    if (!instance)
        return;
    gateway_protocol__create_process_instance_response__init(&response);
    response.processdefinitionkey = instance->definition->keyed.key;
    response.bpmnprocessid = instance->definition->family->id;
    response.version = instance->definition->version;
    response.processinstancekey = instance->keyed.key;
    response.tenantid = tenant;
    response.tags = instance->tags;
    response.n_tags = instance->tag_count;
    if (instance->business_id) {
        response._business_id_case =
            GATEWAY_PROTOCOL__CREATE_PROCESS_INSTANCE_RESPONSE___BUSINESS_ID_BUSINESS_ID;
        response.businessid = instance->business_id;
    }
    reply_pack(ask->reply, &response.base);
    instance_settle(ask->engine, instance);
}

void broker_create_with_result(const struct ask *ask, const void *request)
{
    const GatewayProtocol__CreateProcessInstanceWithResultRequest *r = request;
    struct waiter *w = ask->waiter;
    create_request nothing;
    gateway_protocol__create_process_instance_request__init(&nothing);
    struct ask asked = *ask;
    asked.with_result = true;
    struct instance *instance = create(&asked, r->request ? r->request : &nothing);
    if (!instance)
        return;
    weir_ms limit = r->requesttimeout > 0 ? r->requesttimeout : RESULT_TIMEOUT_MS;
    w->kind = WAITER_RESULT;
    if (!waiter_fill(ask, "", r->fetchvariables, r->n_fetchvariables)) {
        instance_free(ask->engine, instance);
        return;
    }
    w->instance = instance;
    instance->waiter = w;
    reply_refuse(ask->reply, REPLY_DEADLINE_EXCEEDED,
                 "Time out between gateway and broker: Request command-api-1 timed out in PT%gS",
                 (double)limit / 1000);
    ask->reply->waits = true;
    ask->reply->after = limit;
    instance_settle(ask->engine, instance);
}

void broker_cancel(const struct ask *ask, const void *request)
{
    const GatewayProtocol__CancelProcessInstanceRequest *r = request;
    GatewayProtocol__CancelProcessInstanceResponse response;
    struct instance *instance = keyed_find(ask->engine, r->processinstancekey, AN_INSTANCE);
    if (!instance) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "CANCEL",
                     "Expected to cancel a process instance with key '%lld', but no such process "
                     "was found",
                     (long long)r->processinstancekey);
        return;
    }
    instance_free(ask->engine, instance);
    gateway_protocol__cancel_process_instance_response__init(&response);
    reply_pack(ask->reply, &response.base);
}
