/* Changing instances that run (modify, migrate), and what is asked about things that cannot be
 * deployed here (decisions, conditions). What is asked for is checked whole before anything moves.
 */
#include "sandbox/engine_private.h"

#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef GatewayProtocol__ModifyProcessInstanceRequest modify_request;
typedef GatewayProtocol__ModifyProcessInstanceRequest__ActivateInstruction activate_instruction;
typedef GatewayProtocol__ModifyProcessInstanceRequest__VariableInstruction variable_instruction;
typedef GatewayProtocol__ModifyProcessInstanceRequest__MoveInstruction move_instruction;
typedef GatewayProtocol__ModifyProcessInstanceRequest__TerminateInstruction terminate_instruction;

/* ---- modify: is it possible ---- */

static bool may_activate(const struct ask *ask, const struct instance *instance, const char *id)
{
    const struct bpmn_process *process = instance->definition->process;
    int at = bpmn_find(process, id);
    if (at < 0)
        return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MODIFY",
                            "Expected to modify instance of process '%.100s' but it contains one "
                            "or more activate instructions with an element that could not be "
                            "found: '%.200s'",
                            process->id, id);
    return process->elements[at].kind != BPMN_START ||
           reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MODIFY",
                        "Expected to modify instance of process '%.100s' but it contains one or "
                        "more activate instructions for elements that are unsupported: '%.200s'. "
                        "The activation of elements with type 'START_EVENT' is not supported. "
                        "Supported element types are: [SERVICE_TASK, SEND_TASK, SCRIPT_TASK, "
                        "BUSINESS_RULE_TASK, RECEIVE_TASK, INTERMEDIATE_CATCH_EVENT, END_EVENT].",
                        process->id, id);
}

/* Variables are the instance's, or the activated element's own. */
static bool scopes_are_known(const struct ask *ask, const struct instance *instance,
                             const char *element, variable_instruction *const *list, size_t count)
{
    const struct bpmn_process *process = instance->definition->process;
    for (size_t i = 0; i < count; i++) {
        const char *scope = list[i]->scopeid;
        char *variables = NULL;
        bool here = !*scope || strcmp(scope, process->id) == 0 || strcmp(scope, element) == 0;
        if (!here && bpmn_find(process, scope) < 0)
            return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MODIFY",
                                "Expected to modify instance of process '%.100s' but it contains "
                                "one or more variable instructions with a scope element id that "
                                "could not be found: '%.200s'",
                                process->id, scope);
        if (!here)
            return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MODIFY",
                                "Expected to modify instance of process '%.100s' but it contains "
                                "one or more variable instructions with a scope element that "
                                "doesn't belong to the activating element's flow scope. These "
                                "variables should be set before or after the modification.",
                                process->id);
        if (!variables_read(ask, list[i]->variables, &variables))
            return false;
        engine_drop(ask->engine, variables);
    }
    return true;
}

static bool ancestor_is_good(const struct ask *ask, const struct instance *instance, int64_t key)
{
    return key <= 0 || key == instance->keyed.key ||
           reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MODIFY",
                        "Expected to modify instance of process '%.100s' but it contains one or "
                        "more activate instructions with an ancestor scope key that does not "
                        "exist, or is not in an active state: '%lld'",
                        instance->definition->process->id, (long long)key);
}

static struct token *token_of(const struct ask *ask, const struct instance *instance, int64_t key)
{
    struct token *token = keyed_find(ask->engine, key, A_TOKEN);
    return token && token->instance == instance ? token : NULL;
}

static struct token *token_at(const struct instance *instance, const char *id)
{
    struct token *token = NULL;
    TAILQ_FOREACH(token, &instance->tokens, link)
    {
        if (strcmp(element_of(token)->id, id) == 0)
            break;
    }
    return token;
}

static bool may_terminate(const struct ask *ask, const struct instance *instance, int64_t key,
                          const char *id)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%lld", (long long)key);
    return (*id && !key ? token_at(instance, id) : token_of(ask, instance, key)) ||
           reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MODIFY",
                        "Expected to modify instance of process '%.100s' but it contains one or "
                        "more terminate instructions with an element instance that could not be "
                        "found: '%.200s'",
                        instance->definition->process->id, *id && !key ? id : number);
}

static bool is_possible(const struct ask *ask, const struct instance *instance,
                        const modify_request *r)
{
    bool good = true;
    for (size_t i = 0; i < r->n_activateinstructions && good; i++) {
        const activate_instruction *one = r->activateinstructions[i];
        good = may_activate(ask, instance, one->elementid) &&
               ancestor_is_good(ask, instance, one->ancestorelementinstancekey) &&
               scopes_are_known(ask, instance, one->elementid, one->variableinstructions,
                                one->n_variableinstructions);
    }
    for (size_t i = 0; i < r->n_moveinstructions && good; i++) {
        const move_instruction *one = r->moveinstructions[i];
        good = may_activate(ask, instance, one->targetelementid) &&
               may_terminate(ask, instance, one->sourceelementinstancekey, one->sourceelementid) &&
               scopes_are_known(ask, instance, one->targetelementid, one->variableinstructions,
                                one->n_variableinstructions);
    }
    for (size_t i = 0; i < r->n_terminateinstructions && good; i++) {
        const terminate_instruction *one = r->terminateinstructions[i];
        good = may_terminate(ask, instance, one->elementinstancekey, one->elementid);
    }
    return good;
}

/* ---- modify: doing it ---- */

static bool merge_into(const struct ask *ask, char **scope, const char *given)
{
    struct engine *engine = ask->engine;
    char *variables = NULL;
    if (!variables_read(ask, given, &variables))
        return false;
    char *text = variables_merge(engine, *scope ? *scope : "{}", variables);
    engine_drop(engine, variables);
    if (!text)
        return !engine_is_full(ask, "variables");
    engine_drop(engine, *scope);
    *scope = text;
    return true;
}

static bool activate(const struct ask *ask, struct instance *instance, const char *element,
                     variable_instruction *const *list, size_t count)
{
    struct token *token = NULL;
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        if (strcmp(list[i]->scopeid, element) != 0)
            good = merge_into(ask, &instance->variables, list[i]->variables);
    }
    good = good && (run_from(ask->engine, instance,
                             bpmn_find(instance->definition->process, element), &token) ||
                    reply_no_memory(ask->reply));
    for (size_t i = 0; i < count && good && token; i++) {
        if (strcmp(list[i]->scopeid, element) == 0)
            good = merge_into(ask, &token->variables, list[i]->variables);
    }
    return good;
}

/* One token by its key, or all that stand at the element. */
static void terminate(const struct ask *ask, struct instance *instance, int64_t key, const char *id)
{
    struct token *token = key ? token_of(ask, instance, key) : NULL;
    if (token)
        token_free(ask->engine, token);
    while (!key && (token = token_at(instance, id)))
        token_free(ask->engine, token);
}

static bool move(const struct ask *ask, struct instance *instance, const move_instruction *one)
{
    size_t count = 1;
    const struct token *token = NULL;
    if (!one->sourceelementinstancekey) {
        count = 0;
        for (token = TAILQ_FIRST(&instance->tokens); token; token = TAILQ_NEXT(token, link))
            count += strcmp(element_of(token)->id, one->sourceelementid) == 0;
    }
    terminate(ask, instance, one->sourceelementinstancekey, one->sourceelementid);
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = activate(ask, instance, one->targetelementid, one->variableinstructions,
                        one->n_variableinstructions);
    return good;
}

static bool modify(const struct ask *ask, struct instance *instance, const modify_request *r)
{
    bool good = true;
    for (size_t i = 0; i < r->n_activateinstructions && good; i++) {
        const activate_instruction *one = r->activateinstructions[i];
        good = activate(ask, instance, one->elementid, one->variableinstructions,
                        one->n_variableinstructions);
    }
    for (size_t i = 0; i < r->n_moveinstructions && good; i++)
        good = move(ask, instance, r->moveinstructions[i]);
    for (size_t i = 0; i < r->n_terminateinstructions && good; i++)
        terminate(ask, instance, r->terminateinstructions[i]->elementinstancekey,
                  r->terminateinstructions[i]->elementid);
    return good;
}

void broker_modify(const struct ask *ask, const void *request)
{
    const modify_request *r = request;
    struct engine *engine = ask->engine;
    GatewayProtocol__ModifyProcessInstanceResponse response;
    struct instance *instance = keyed_find(engine, r->processinstancekey, AN_INSTANCE);
    if (!instance) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "MODIFY",
                     "Expected to modify process instance but no process instance found with key "
                     "'%lld'",
                     (long long)r->processinstancekey);
        return;
    }
    size_t tokens = engine->instance_count + engine->token_count + r->n_activateinstructions;
    if (tokens >= 2 * engine->options.limits.instances) {
        engine_is_full(ask, "instances");
        return;
    }
    if (!is_possible(ask, instance, r) || !modify(ask, instance, r))
        return;
    instance_settle(engine, instance);
    gateway_protocol__modify_process_instance_response__init(&response);
    reply_pack(ask->reply, &response.base);
}

/* ---- migrate ---- */

typedef GatewayProtocol__MigrateProcessInstanceRequest__MigrationPlan migration_plan;

static const char *target_of(const migration_plan *plan, const char *source)
{
    for (size_t i = 0; i < plan->n_mappinginstructions; i++) {
        if (strcmp(plan->mappinginstructions[i]->sourceelementid, source) == 0)
            return plan->mappinginstructions[i]->targetelementid;
    }
    return NULL;
}

#define MIGRATE "Expected to migrate process instance '%lld' but "

static bool mapping_is_good(const struct ask *ask, const struct instance *instance,
                            const migration_plan *plan, const struct definition *target)
{
    long long key = instance->keyed.key;
    for (size_t i = 0; i < plan->n_mappinginstructions; i++) {
        const char *from = plan->mappinginstructions[i]->sourceelementid;
        const char *to = plan->mappinginstructions[i]->targetelementid;
        if (bpmn_find(instance->definition->process, from) < 0)
            return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MIGRATE",
                                MIGRATE "mapping instructions contain a non-existing source "
                                        "element id '%.200s'. Elements provided in mapping "
                                        "instructions must exist in the source process definition.",
                                key, from);
        if (bpmn_find(target->process, to) < 0)
            return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MIGRATE",
                                MIGRATE "mapping instructions contain a non-existing target "
                                        "element id '%.200s'. Elements provided in mapping "
                                        "instructions must exist in the target process definition.",
                                key, to);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(plan->mappinginstructions[j]->sourceelementid, from) == 0)
                return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "MIGRATE",
                                    MIGRATE "the mapping instructions contain duplicate source "
                                            "element ids '[%.200s]'.",
                                    key, from);
        }
    }
    return true;
}

static bool tokens_are_good(const struct ask *ask, const struct instance *instance,
                            const migration_plan *plan, const struct definition *target)
{
    const struct token *token = NULL;
    long long key = instance->keyed.key;
    TAILQ_FOREACH(token, &instance->tokens, link)
    {
        const struct bpmn_element *from = element_of(token);
        const char *id = target_of(plan, from->id);
        if (!id)
            return reply_reject(ask->reply, REPLY_FAILED_PRECONDITION, "MIGRATE",
                                MIGRATE "no mapping instruction defined for active element with id "
                                        "'%.200s'. Elements cannot be migrated without a mapping.",
                                key, from->id);
        const struct bpmn_element *to = &target->process->elements[bpmn_find(target->process, id)];
        if (strcmp(to->type, from->type) != 0 || to->kind != from->kind)
            return reply_reject(ask->reply, REPLY_FAILED_PRECONDITION, "MIGRATE",
                                MIGRATE
                                "active element with id '%.100s' and type '%s' is mapped to "
                                "an element with id '%.100s' and different type '%s'. "
                                "Elements must be mapped to elements of the same type.",
                                key, from->id, from->type, to->id, to->type);
    }
    return true;
}

/* Jobs, messages and times that are waited for stay as they are. */
static void migrate(struct engine *engine, struct instance *instance, const migration_plan *plan,
                    struct definition *target)
{
    struct token *token = NULL;
    struct definition *source = instance->definition;
    for (token = TAILQ_FIRST(&instance->tokens); token; token = TAILQ_NEXT(token, link))
        token->element = bpmn_find(target->process, target_of(plan, element_of(token)->id));
    for (size_t i = 0; i < instance->end_count; i++) {
        const char *to = target_of(plan, source->process->elements[instance->end_after[i]].id);
        instance->end_after[i] = to ? bpmn_find(target->process, to) : -1;
    }
    target->users++;
    target->instances++;
    source->instances--;
    instance->definition = target;
    definition_release(engine, source);
}

void broker_migrate(const struct ask *ask, const void *request)
{
    migration_plan none;
    gateway_protocol__migrate_process_instance_request__migration_plan__init(&none);
    const GatewayProtocol__MigrateProcessInstanceRequest *r = request;
    const migration_plan *plan = r->migrationplan ? r->migrationplan : &none;
    struct engine *engine = ask->engine;
    GatewayProtocol__MigrateProcessInstanceResponse response;
    struct instance *instance = keyed_find(engine, r->processinstancekey, AN_INSTANCE);
    struct definition *target = keyed_find(engine, plan->targetprocessdefinitionkey, A_DEFINITION);
    if (!instance) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "MIGRATE",
                     "Expected to migrate process instance but no process instance found with key "
                     "'%lld'",
                     (long long)r->processinstancekey);
    } else if (!target || target->deleted) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "MIGRATE",
                     "Expected to migrate process instance to process definition but no process "
                     "definition found with key '%lld'",
                     (long long)plan->targetprocessdefinitionkey);
    } else if (mapping_is_good(ask, instance, plan, target) &&
               tokens_are_good(ask, instance, plan, target)) {
        migrate(engine, instance, plan, target);
        gateway_protocol__migrate_process_instance_response__init(&response);
        reply_pack(ask->reply, &response.base);
    }
}

/* ---- decisions and conditions ---- */

/* No DMN is ever deployed: there is none to be found. NOT_FOUND as from 8.8 on. */
void broker_decision(const struct ask *ask, const void *request)
{
    const GatewayProtocol__EvaluateDecisionRequest *r = request;
    char *variables = NULL, key[32];
    (void)snprintf(key, sizeof key, "%lld", (long long)r->decisionkey);
    if (!tenant_is_good(ask, "EvaluateDecision", r->tenantid) ||
        !variables_read(ask, r->variables, &variables))
        return;
    engine_drop(ask->engine, variables);
    const char *which = *r->decisionid ? r->decisionid : key;
    reply_reject(ask->reply, REPLY_NOT_FOUND, "EVALUATE",
                 "Expected to evaluate decision '%.200s', but no decision found for %s '%.200s'",
                 which, *r->decisionid ? "id" : "key", which);
}

/* Conditional start events are refused at deployment: no process begins by one. */
void broker_conditional(const struct ask *ask, const void *request)
{
    const GatewayProtocol__EvaluateConditionalRequest *r = request;
    char *variables = NULL, tenant[] = DEFAULT_TENANT;
    GatewayProtocol__EvaluateConditionalResponse response;
    if (!tenant_is_good(ask, "EvaluateConditional", r->tenantid) ||
        !variables_read(ask, r->variables, &variables))
        return;
    engine_drop(ask->engine, variables);
    if (r->processdefinitionkey &&
        !keyed_find(ask->engine, r->processdefinitionkey, A_DEFINITION)) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "EVALUATE",
                     "Expected to find process definition with key '%lld', but none found",
                     (long long)r->processdefinitionkey);
        return;
    }
    gateway_protocol__evaluate_conditional_response__init(&response);
    response.conditionalevaluationkey = engine_key(ask->engine);
    response.tenantid = tenant;
    reply_pack(ask->reply, &response.base);
}
