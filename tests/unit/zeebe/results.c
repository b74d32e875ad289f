/* Answers as structs: every field of the protocol is where it should be. */
#include "core/mem.h"
#include "lib/check.h"
#include "zeebe/codec_results.h"

#include <string.h>

/* `json` as the answer of `rpc`, read by `reader`. */
static void *answer(enum codec_rpc rpc, codec_reader *reader, const char *json)
{
    const struct codec_method *method = codec_method(rpc);
    char *wire = NULL;
    size_t len = 0;
    weir_error err = {0};
    assert_int_equal(codec_json_to_wire(method->response, json, &wire, &len, &err), WEIR_OK);
    void *result = reader(method, (weir_bytes){wire, len}, &err);
    assert_string_equal(err.message, "");
    assert_non_null(result);
    memset(wire, 'x', len); /* nothing of it is borrowed */
    mem_free(wire);
    return result;
}

static void an_instance_has_every_field(void **state)
{
    (void)state;
    weir_instance *i = answer(CODEC_CREATE_PROCESS_INSTANCE, codec_instance,
                              "{\"processDefinitionKey\":1,\"bpmnProcessId\":\"p\",\"version\":2,"
                              "\"processInstanceKey\":3,\"tenantId\":\"t\",\"tags\":[\"a\",\"b\"],"
                              "\"businessId\":\"b\"}");
    assert_int_equal(i->process_definition_key, 1);
    assert_string_equal(i->process_id, "p");
    assert_int_equal(i->version, 2);
    assert_int_equal(i->key, 3);
    assert_null(i->variables);
    assert_string_equal(i->tenant_id, "t");
    assert_string_equal(i->tags[0], "a");
    assert_string_equal(i->tags[1], "b");
    assert_null(i->tags[2]);
    assert_string_equal(i->business_id, "b");
    weir_instance_free(i);
    i = answer(CODEC_CREATE_PROCESS_INSTANCE, codec_instance, "{}");
    assert_string_equal(i->process_id, "");
    assert_null(i->tags[0]);
    assert_null(i->business_id);
    weir_instance_free(i);
    weir_instance_free(NULL);
}

static void a_result_has_every_field(void **state)
{
    (void)state;
    weir_instance *i =
        answer(CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT, codec_instance,
               "{\"processDefinitionKey\":1,\"bpmnProcessId\":\"p\",\"version\":2,"
               "\"processInstanceKey\":3,\"variables\":\"{\\\"x\\\":1}\",\"tenantId\":\"t\","
               "\"tags\":[\"a\"],\"businessId\":\"\"}");
    assert_int_equal(i->process_definition_key, 1);
    assert_string_equal(i->process_id, "p");
    assert_int_equal(i->version, 2);
    assert_int_equal(i->key, 3);
    assert_string_equal(i->variables, "{\"x\":1}");
    assert_string_equal(i->tenant_id, "t");
    assert_string_equal(i->tags[0], "a");
    assert_null(i->tags[1]);
    assert_string_equal(i->business_id, "");
    weir_instance_free(i);
    i = answer(CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT, codec_instance, "{}");
    assert_string_equal(i->variables, "{}");
    assert_null(i->business_id);
    weir_instance_free(i);
}

static void check_deployed(const weir_deployed *d, const weir_deployed *expected)
{
    assert_int_equal(d->type, expected->type);
    assert_int_equal(d->version, expected->version);
    assert_int_equal(d->key, expected->key);
    assert_string_equal(d->id, expected->id);
    assert_string_equal(d->name, expected->name);
    assert_string_equal(d->resource_name, expected->resource_name);
    assert_string_equal(d->requirements_id, expected->requirements_id);
    assert_int_equal(d->requirements_key, expected->requirements_key);
    assert_string_equal(d->tenant_id, expected->tenant_id);
}

static void a_deployment_has_every_field(void **state)
{
    static const weir_deployed expected[] = {
        {WEIR_DEPLOYED_PROCESS, 1, 2, "p", "", "p.bpmn", "", 0, "t1"},
        {WEIR_DEPLOYED_DECISION, 3, 4, "d", "D", "", "r", 5, "t2"},
        {WEIR_DEPLOYED_REQUIREMENTS, 6, 7, "r", "R", "r.dmn", "", 0, "t3"},
        {WEIR_DEPLOYED_FORM, 8, 9, "f", "", "f.form", "", 0, "t4"},
        {WEIR_DEPLOYED_UNKNOWN, 0, 0, "", "", "", "", 0, ""},
    };
    (void)state;
    weir_deployment *d = answer(
        CODEC_DEPLOY_RESOURCE, codec_deployment,
        "{\"key\":10,\"deployments\":["
        "{\"process\":{\"bpmnProcessId\":\"p\",\"version\":1,\"processDefinitionKey\":2,"
        "\"resourceName\":\"p.bpmn\",\"tenantId\":\"t1\"}},"
        "{\"decision\":{\"dmnDecisionId\":\"d\",\"dmnDecisionName\":\"D\",\"version\":3,"
        "\"decisionKey\":4,\"dmnDecisionRequirementsId\":\"r\",\"decisionRequirementsKey\":5,"
        "\"tenantId\":\"t2\"}},"
        "{\"decisionRequirements\":{\"dmnDecisionRequirementsId\":\"r\","
        "\"dmnDecisionRequirementsName\":\"R\",\"version\":6,\"decisionRequirementsKey\":7,"
        "\"resourceName\":\"r.dmn\",\"tenantId\":\"t3\"}},"
        "{\"form\":{\"formId\":\"f\",\"version\":8,\"formKey\":9,\"resourceName\":\"f.form\","
        "\"tenantId\":\"t4\"}},{}],\"tenantId\":\"t\"}");
    assert_int_equal(d->key, 10);
    assert_string_equal(d->tenant_id, "t");
    assert_int_equal(d->count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        check_deployed(&d->items[i], &expected[i]);
    weir_deployment_free(d);
    d = answer(CODEC_DEPLOY_RESOURCE, codec_deployment, "{}");
    assert_int_equal(d->count, 0);
    weir_deployment_free(d);
    weir_deployment_free(NULL);
}

static void a_deletion_has_every_field(void **state)
{
    (void)state;
    weir_deletion *d =
        answer(CODEC_DELETE_RESOURCE, codec_deletion,
               "{\"resourceKey\":\"5\",\"batchOperation\":{\"batchOperationKey\":\"k\","
               "\"batchOperationType\":\"DELETE_PROCESS_DEFINITION\"}}");
    assert_string_equal(d->resource_key, "5");
    assert_string_equal(d->batch_operation_key, "k");
    assert_int_equal(d->batch_operation_type, 3);
    weir_deletion_free(d);
    d = answer(CODEC_DELETE_RESOURCE, codec_deletion, "{}");
    assert_string_equal(d->resource_key, "");
    assert_null(d->batch_operation_key);
    weir_deletion_free(d);
    weir_deletion_free(NULL);
}

static void check_evaluated(const weir_evaluated *e)
{
    assert_int_equal(e->key, 20);
    assert_string_equal(e->id, "e");
    assert_string_equal(e->name, "E");
    assert_int_equal(e->version, 21);
    assert_string_equal(e->type, "DECISION_TABLE");
    assert_string_equal(e->output, "1");
    assert_string_equal(e->tenant_id, "te");
    assert_string_equal(e->instance_key, "22-1");
    assert_int_equal(e->input_count, 2);
    assert_string_equal(e->inputs[0].id, "i");
    assert_string_equal(e->inputs[0].name, "I");
    assert_string_equal(e->inputs[0].value, "true");
    assert_string_equal(e->inputs[1].id, "j");
    assert_int_equal(e->rule_count, 2);
    assert_string_equal(e->rules[0].id, "r");
    assert_int_equal(e->rules[0].index, 1);
    assert_int_equal(e->rules[0].output_count, 1);
    assert_string_equal(e->rules[0].outputs[0].id, "o");
    assert_string_equal(e->rules[0].outputs[0].name, "O");
    assert_string_equal(e->rules[0].outputs[0].value, "2");
    assert_int_equal(e->rules[1].index, 7);
    assert_int_equal(e->rules[1].output_count, 0);
}

static void a_decision_has_every_field(void **state)
{
    (void)state;
    weir_decision *d = answer(
        CODEC_EVALUATE_DECISION, codec_decision,
        "{\"decisionKey\":1,\"decisionId\":\"d\",\"decisionName\":\"D\",\"decisionVersion\":2,"
        "\"decisionRequirementsId\":\"q\",\"decisionRequirementsKey\":3,\"decisionOutput\":\"5\","
        "\"evaluatedDecisions\":[{\"decisionKey\":20,\"decisionId\":\"e\",\"decisionName\":\"E\","
        "\"decisionVersion\":21,\"decisionType\":\"DECISION_TABLE\",\"decisionOutput\":\"1\","
        "\"matchedRules\":[{\"ruleId\":\"r\",\"ruleIndex\":1,\"evaluatedOutputs\":[{\"outputId\":"
        "\"o\",\"outputName\":\"O\",\"outputValue\":\"2\"}]},{\"ruleIndex\":7}],"
        "\"evaluatedInputs\":[{\"inputId\":\"i\",\"inputName\":\"I\",\"inputValue\":\"true\"},"
        "{\"inputId\":\"j\"}],\"tenantId\":\"te\",\"decisionEvaluationInstanceKey\":\"22-1\"},{}],"
        "\"failedDecisionId\":\"x\",\"failureMessage\":\"why\",\"tenantId\":\"t\","
        "\"decisionInstanceKey\":8,\"decisionEvaluationKey\":9}");
    assert_int_equal(d->key, 1);
    assert_string_equal(d->id, "d");
    assert_string_equal(d->name, "D");
    assert_int_equal(d->version, 2);
    assert_string_equal(d->requirements_id, "q");
    assert_int_equal(d->requirements_key, 3);
    assert_string_equal(d->output, "5");
    assert_string_equal(d->failed_id, "x");
    assert_string_equal(d->failure_message, "why");
    assert_string_equal(d->tenant_id, "t");
    assert_int_equal(d->instance_key, 8);
    assert_int_equal(d->evaluation_key, 9);
    assert_int_equal(d->evaluated_count, 2);
    check_evaluated(&d->evaluated[0]);
    assert_int_equal(d->evaluated[1].rule_count, 0);
    weir_decision_free(d);
    weir_decision_free(NULL);
}

static void a_key_is_read_where_each_answer_has_it(void **state)
{
    static const struct {
        enum codec_rpc rpc;
        const char *json;
    } rows[] = {
        {CODEC_PUBLISH_MESSAGE, "{\"key\":9007199254740993}"},
        {CODEC_BROADCAST_SIGNAL, "{\"key\":9007199254740993}"},
        {CODEC_SET_VARIABLES, "{\"key\":9007199254740993}"},
        {CODEC_DEPLOY_RESOURCE, "{\"key\":9007199254740993}"},
        {CODEC_CREATE_PROCESS_INSTANCE,
         "{\"processDefinitionKey\":1,\"processInstanceKey\":9007199254740993}"},
        {CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT,
         "{\"processDefinitionKey\":1,\"processInstanceKey\":9007199254740993}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct codec_method *method = codec_method(rows[i].rpc);
        char *wire = NULL;
        size_t len = 0;
        int64_t key = 0;
        weir_error err = {0};
        assert_true(codec_has_key(method));
        codec_json_to_wire(method->response, rows[i].json, &wire, &len, &err);
        assert_int_equal(codec_key(method, (weir_bytes){wire, len}, &key, &err), WEIR_OK);
        assert_true(key == 9007199254740993);
        mem_free(wire);
    }
    assert_false(codec_has_key(codec_method(CODEC_CANCEL_PROCESS_INSTANCE)));
    assert_false(codec_has_key(codec_method(CODEC_TOPOLOGY)));
}

static void what_is_no_answer_breaks_the_protocol(void **state)
{
    static const weir_bytes bad = {"\x0a\xff", 2};
    weir_error err = {0};
    int64_t key = 0;
    (void)state;
    const struct codec_method *create = codec_method(CODEC_CREATE_PROCESS_INSTANCE);
    assert_null(codec_instance(create, bad, &err));
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_int_equal(codec_key(create, bad, &key, &err), WEIR_PROTOCOL);
    assert_int_equal(codec_check(codec_method(CODEC_FAIL_JOB), bad, &err), WEIR_PROTOCOL);
    assert_int_equal(codec_check(codec_method(CODEC_FAIL_JOB), (weir_bytes){"", 0}, &err), WEIR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_has_every_field),
        cmocka_unit_test(a_result_has_every_field),
        cmocka_unit_test(a_deployment_has_every_field),
        cmocka_unit_test(a_deletion_has_every_field),
        cmocka_unit_test(a_decision_has_every_field),
        cmocka_unit_test(a_key_is_read_where_each_answer_has_it),
        cmocka_unit_test(what_is_no_answer_breaks_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
