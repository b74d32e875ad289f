/* Answers to commands as structs. What the generated code of protobuf-c has unpacked is not copied:
 * the structs point into it, and both lie in one arena.
 *
 * Thread: any. */
#include "zeebe/codec_results.h"

#include "core/error.h"
#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdlib.h>

/* ---- what they have in common -------------------------------------------------------------- */

struct codec_result *codec_result_new(size_t size, const struct ProtobufCMessageDescriptor *type,
                                      weir_bytes wire, weir_error *err)
{
    struct codec_result *result = mem_zalloc(sizeof *result + size);
    if (!result) {
        error_no_memory(err);
        return NULL;
    }
    if (codec_unpack(&result->message, type, wire, err) == WEIR_OK)
        return result;
    mem_free(result);
    return NULL;
}

void codec_result_free(void *face)
{
    if (!face)
        return;
    struct codec_result *result =
        (struct codec_result *)(void *)((char *)face - offsetof(struct codec_result, face));
    codec_message_free(&result->message);
    mem_free(result);
}

void *codec_result_array(struct codec_result *result, size_t count, size_t size)
{
    return arena_alloc(&result->message.arena, count <= SIZE_MAX / size ? count * size : SIZE_MAX);
}

weir_status codec_result_failed(const struct codec_result *result, weir_error *err)
{
    if (!result->message.arena.full)
        return error_no_memory(err);
    return error_set(err, WEIR_PROTOCOL, "the answer takes too much memory");
}

/* `filled` false: a step failed. */
static void *done(struct codec_result *result, bool filled, weir_error *err)
{
    if (filled)
        return result->face;
    codec_result_failed(result, err);
    codec_result_free(result->face);
    return NULL;
}

/* ---- instances ----------------------------------------------------------------------------- */

static const char *const *tags_of(struct codec_result *result, char **tags, size_t count)
{
    const char **list = codec_result_array(result, count + 1, sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        list[i] = tags[i];
    return (const char *const *)list;
}

static weir_instance *created(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_result *result =
        codec_result_new(sizeof(weir_instance), method->response, wire, err);
    if (!result)
        return NULL;
    const GatewayProtocol__CreateProcessInstanceResponse *in =
        (const void *)result->message.message;
    weir_instance *out = (void *)result->face;
    bool named = in->_business_id_case ==
                 GATEWAY_PROTOCOL__CREATE_PROCESS_INSTANCE_RESPONSE___BUSINESS_ID_BUSINESS_ID;
    *out = (weir_instance){
        .key = in->processinstancekey,
        .process_definition_key = in->processdefinitionkey,
        .process_id = in->bpmnprocessid,
        .version = in->version,
        .tenant_id = in->tenantid,
        .tags = tags_of(result, in->tags, in->n_tags),
        .business_id = named ? in->businessid : NULL,
    };
    return done(result, out->tags != NULL, err);
}

static weir_instance *ran(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_result *result =
        codec_result_new(sizeof(weir_instance), method->response, wire, err);
    if (!result)
        return NULL;
    const GatewayProtocol__CreateProcessInstanceWithResultResponse *in =
        (const void *)result->message.message;
    weir_instance *out = (void *)result->face;
    bool named =
        in->_business_id_case ==
        GATEWAY_PROTOCOL__CREATE_PROCESS_INSTANCE_WITH_RESULT_RESPONSE___BUSINESS_ID_BUSINESS_ID;
    *out = (weir_instance){
        .key = in->processinstancekey,
        .process_definition_key = in->processdefinitionkey,
        .process_id = in->bpmnprocessid,
        .version = in->version,
        .variables = *in->variables ? in->variables : "{}",
        .tenant_id = in->tenantid,
        .tags = tags_of(result, in->tags, in->n_tags),
        .business_id = named ? in->businessid : NULL,
    };
    return done(result, out->tags != NULL, err);
}

void *codec_instance(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    return method == codec_method(CODEC_CREATE_PROCESS_INSTANCE) ? created(method, wire, err)
                                                                 : ran(method, wire, err);
}

/* ---- deployments --------------------------------------------------------------------------- */

static weir_deployed read_process(const GatewayProtocol__ProcessMetadata *in)
{
    return (weir_deployed){.type = WEIR_DEPLOYED_PROCESS,
                           .version = in->version,
                           .key = in->processdefinitionkey,
                           .id = in->bpmnprocessid,
                           .name = "",
                           .resource_name = in->resourcename,
                           .requirements_id = "",
                           .tenant_id = in->tenantid};
}

static weir_deployed read_decision(const GatewayProtocol__DecisionMetadata *in)
{
    return (weir_deployed){.type = WEIR_DEPLOYED_DECISION,
                           .version = in->version,
                           .key = in->decisionkey,
                           .id = in->dmndecisionid,
                           .name = in->dmndecisionname,
                           .resource_name = "",
                           .requirements_id = in->dmndecisionrequirementsid,
                           .requirements_key = in->decisionrequirementskey,
                           .tenant_id = in->tenantid};
}

static weir_deployed read_requirements(const GatewayProtocol__DecisionRequirementsMetadata *in)
{
    return (weir_deployed){.type = WEIR_DEPLOYED_REQUIREMENTS,
                           .version = in->version,
                           .key = in->decisionrequirementskey,
                           .id = in->dmndecisionrequirementsid,
                           .name = in->dmndecisionrequirementsname,
                           .resource_name = in->resourcename,
                           .requirements_id = "",
                           .tenant_id = in->tenantid};
}

static weir_deployed read_form(const GatewayProtocol__FormMetadata *in)
{
    return (weir_deployed){.type = WEIR_DEPLOYED_FORM,
                           .version = in->version,
                           .key = in->formkey,
                           .id = in->formid,
                           .name = "",
                           .resource_name = in->resourcename,
                           .requirements_id = "",
                           .tenant_id = in->tenantid};
}

static weir_deployed read_deployed(const GatewayProtocol__Deployment *in)
{
    switch (in->metadata_case) {
    case GATEWAY_PROTOCOL__DEPLOYMENT__METADATA_PROCESS:
        return read_process(in->process);
    case GATEWAY_PROTOCOL__DEPLOYMENT__METADATA_DECISION:
        return read_decision(in->decision);
    case GATEWAY_PROTOCOL__DEPLOYMENT__METADATA_DECISION_REQUIREMENTS:
        return read_requirements(in->decisionrequirements);
    case GATEWAY_PROTOCOL__DEPLOYMENT__METADATA_FORM:
        return read_form(in->form);
    default:
        return (weir_deployed){
            .id = "", .name = "", .resource_name = "", .requirements_id = "", .tenant_id = ""};
    }
}

void *codec_deployment(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_result *result =
        codec_result_new(sizeof(weir_deployment), method->response, wire, err);
    if (!result)
        return NULL;
    const GatewayProtocol__DeployResourceResponse *in = (const void *)result->message.message;
    weir_deployment *out = (void *)result->face;
    weir_deployed *items = codec_result_array(result, in->n_deployments, sizeof *items);
    for (size_t i = 0; items && i < in->n_deployments; i++)
        items[i] = read_deployed(in->deployments[i]);
    *out = (weir_deployment){in->key, in->tenantid, items, in->n_deployments};
    return done(result, items != NULL, err);
}

void *codec_deletion(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_result *result =
        codec_result_new(sizeof(weir_deletion), method->response, wire, err);
    if (!result)
        return NULL;
    const GatewayProtocol__DeleteResourceResponse *in = (const void *)result->message.message;
    weir_deletion *out = (void *)result->face;
    const GatewayProtocol__BatchOperationCreatedResult *batch = in->batchoperation;
    out->resource_key = in->resourcekey;
    out->batch_operation_key = batch ? batch->batchoperationkey : NULL;
    out->batch_operation_type = batch ? (int32_t)batch->batchoperationtype : 0;
    return done(result, true, err);
}

/* ---- decisions ----------------------------------------------------------------------------- */

static bool read_rule(struct codec_result *result, const GatewayProtocol__MatchedDecisionRule *in,
                      weir_matched_rule *out)
{
    size_t count = in->n_evaluatedoutputs;
    weir_decision_value *outputs = codec_result_array(result, count, sizeof *outputs);
    for (size_t i = 0; outputs && i < count; i++) {
        const GatewayProtocol__EvaluatedDecisionOutput *o = in->evaluatedoutputs[i];
        outputs[i] = (weir_decision_value){o->outputid, o->outputname, o->outputvalue};
    }
    *out = (weir_matched_rule){in->ruleid, in->ruleindex, outputs, count};
    return outputs != NULL;
}

static const weir_matched_rule *read_rules(struct codec_result *result,
                                           const GatewayProtocol__EvaluatedDecision *in)
{
    weir_matched_rule *rules = codec_result_array(result, in->n_matchedrules, sizeof *rules);
    bool ok = rules != NULL;
    for (size_t i = 0; ok && i < in->n_matchedrules; i++)
        ok = read_rule(result, in->matchedrules[i], &rules[i]);
    return ok ? rules : NULL;
}

static const weir_decision_value *read_inputs(struct codec_result *result,
                                              const GatewayProtocol__EvaluatedDecision *in)
{
    weir_decision_value *inputs = codec_result_array(result, in->n_evaluatedinputs, sizeof *inputs);
    for (size_t i = 0; inputs && i < in->n_evaluatedinputs; i++) {
        const GatewayProtocol__EvaluatedDecisionInput *v = in->evaluatedinputs[i];
        inputs[i] = (weir_decision_value){v->inputid, v->inputname, v->inputvalue};
    }
    return inputs;
}

static bool read_evaluated(struct codec_result *result,
                           const GatewayProtocol__EvaluatedDecision *in, weir_evaluated *out)
{
    *out = (weir_evaluated){
        .key = in->decisionkey,
        .id = in->decisionid,
        .name = in->decisionname,
        .version = in->decisionversion,
        .type = in->decisiontype,
        .output = in->decisionoutput,
        .tenant_id = in->tenantid,
        .instance_key = in->decisionevaluationinstancekey,
        .inputs = read_inputs(result, in),
        .input_count = in->n_evaluatedinputs,
        .rules = read_rules(result, in),
        .rule_count = in->n_matchedrules,
    };
    return out->inputs && out->rules;
}

void *codec_decision(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_result *result =
        codec_result_new(sizeof(weir_decision), method->response, wire, err);
    if (!result)
        return NULL;
    const GatewayProtocol__EvaluateDecisionResponse *in = (const void *)result->message.message;
    weir_decision *out = (void *)result->face;
    size_t count = in->n_evaluateddecisions;
    weir_evaluated *list = codec_result_array(result, count, sizeof *list);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = read_evaluated(result, in->evaluateddecisions[i], &list[i]);
    *out = (weir_decision){
        .key = in->decisionkey,
        .id = in->decisionid,
        .name = in->decisionname,
        .version = in->decisionversion,
        .output = in->decisionoutput,
        .requirements_id = in->decisionrequirementsid,
        .requirements_key = in->decisionrequirementskey,
        .failed_id = in->faileddecisionid,
        .failure_message = in->failuremessage,
        .tenant_id = in->tenantid,
        .instance_key = in->decisioninstancekey,
        .evaluation_key = in->decisionevaluationkey,
        .evaluated = list,
        .evaluated_count = count,
    };
    return done(result, ok, err);
}

/* ---- keys ---------------------------------------------------------------------------------- */

static unsigned key_number(const struct codec_method *method)
{
    static const struct {
        enum codec_rpc rpc;
        unsigned number;
    } rows[] = {
        {CODEC_PUBLISH_MESSAGE, 1},         {CODEC_BROADCAST_SIGNAL, 1},
        {CODEC_SET_VARIABLES, 1},           {CODEC_DEPLOY_RESOURCE, 1},
        {CODEC_CREATE_PROCESS_INSTANCE, 4}, {CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (codec_method(rows[i].rpc) == method)
            return rows[i].number;
    }
    return 0;
}

bool codec_has_key(const struct codec_method *method)
{
    return key_number(method) > 0;
}

weir_status codec_key(const struct codec_method *method, weir_bytes wire, int64_t *key,
                      weir_error *err)
{
    struct codec_message m;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(method->response, key_number(method));
    weir_status status = codec_unpack(&m, method->response, wire, err);
    if (status == WEIR_OK)
        *key = *(const int64_t *)(const void *)((const char *)m.message + field->offset);
    codec_message_free(&m);
    return status;
}

weir_status codec_check(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_message m;
    if (wire.len == 0)
        return error_ok(err);
    weir_status status = codec_unpack(&m, method->response, wire, err);
    codec_message_free(&m);
    return status;
}
