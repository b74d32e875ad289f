/* The n-th allocation fails while the engine is asked everything: each RPC says that there is no
 * memory, or does what it says, and at the end nothing is left. */
#include "lib/check.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "lib/torture.h"
#include "sandbox/gateway_rpc.h"
#include "zeebe/codec.h"

#include <string.h>

static const char file[] =
    "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' "
    "xmlns:zeebe='http://camunda.org/schema/zeebe/1.0'><message id='m' name='paid'>"
    "<extensionElements><zeebe:subscription correlationKey='=order'/></extensionElements></message>"
    "<process id='p' isExecutable='true'><startEvent id='s'/><sequenceFlow id='f1' sourceRef='s' "
    "targetRef='t'/><serviceTask id='t'><extensionElements><zeebe:taskDefinition type='t'/>"
    "<zeebe:taskHeaders><zeebe:header key='a' value='b'/></zeebe:taskHeaders></extensionElements>"
    "</serviceTask><sequenceFlow id='f2' sourceRef='t' targetRef='w'/><intermediateCatchEvent "
    "id='w'><messageEventDefinition messageRef='m'/></intermediateCatchEvent><sequenceFlow id='f3' "
    "sourceRef='w' targetRef='d'/><intermediateCatchEvent id='d'><timerEventDefinition>"
    "<timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent></process>"
    "</definitions>";

/* In an order that lets each find something: the job's key is ...54, the instance's ...51. */
static const struct {
    const char *rpc, *json;
} asked[] = {
    {"CreateProcessInstance",
     "{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"{\\\"order\\\":"
     "1}\",\"tags\":[\"x\"],\"businessId\":\"B\"}"},
    {"PublishMessage", "{\"name\":\"paid\",\"correlationKey\":\"1\",\"timeToLive\":60000,"
                       "\"messageId\":\"i\",\"variables\":\"{\\\"c\\\":1}\"}"},
    {"ActivateJobs", "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":5,"
                     "\"fetchVariable\":[\"order\"]}"},
    {"SetVariables", "{\"elementInstanceKey\":\"2251799813685253\",\"variables\":\"{\\\"own\\\":1}"
                     "\",\"local\":true}"},
    {"FailJob", "{\"jobKey\":\"2251799813685254\",\"retries\":0,\"variables\":\"{\\\"own\\\":2,"
                "\\\"z\\\":1}\"}"},
    {"UpdateJobRetries", "{\"jobKey\":\"2251799813685254\",\"retries\":3}"},
    {"ResolveIncident", "{\"incidentKey\":\"2251799813685257\"}"},
    {"ThrowError", "{\"jobKey\":\"2251799813685254\",\"errorCode\":\"C\"}"},
    {"ResolveIncident", "{\"incidentKey\":\"2251799813685258\"}"},
    {"StreamActivatedJobs", "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":1000}"},
    {"CreateProcessInstanceWithResult", "{\"request\":{\"bpmnProcessId\":\"p\",\"version\":1},"
                                        "\"fetchVariables\":[\"a\"]}"},
    {"CompleteJob",
     "{\"jobKey\":\"2251799813685254\",\"variables\":\"{\\\"own\\\":3,\\\"d\\\":[1]}\"}"},
    {"BroadcastSignal", "{\"signalName\":\"s\"}"},
    {"EvaluateDecision", "{\"decisionId\":\"d\"}"},
    {"ModifyProcessInstance",
     "{\"processInstanceKey\":\"2251799813685251\",\"activateInstructions\":[{"
     "\"elementId\":\"t\",\"variableInstructions\":[{\"variables\":"
     "\"{\\\"a\\\":1}\"}]}]}"},
    {"CancelProcessInstance", "{\"processInstanceKey\":\"2251799813685251\"}"},
};

static bool take(void *user, weir_bytes message, bool last)
{
    (void)user;
    (void)message;
    (void)last;
    return true;
}

static bool room(void *user)
{
    (void)user;
    return true;
}

/* True: no memory. */
static bool ask(struct engine *engine, const char *rpc, const char *json, struct waiter *waiter)
{
    char *wire = NULL;
    size_t len = 0;
    struct rpc_reply reply;
    const struct codec_method *method = codec_method_find(rpc, NULL);
    *waiter = (struct waiter){.deliver = take, .has_room = room};
    if (!method || codec_json_to_wire(method->request, json, &wire, &len, NULL) != WEIR_OK)
        return true;
    const struct gateway_ask a = {
        .engine = engine, .method = method, .request = {wire, len}, .waiter = waiter};
    gateway_reply(&a, &reply);
    engine_pump(engine);
    if (!reply.status && !reply.waits)
        assert_non_null(reply.message);
    mem_free(reply.message);
    mem_free(wire);
    bool starved = reply.status == 8 || reply.status == 13 || mem_failed();
    if (reply.status && !reply.waits && !starved && strcmp(rpc, "EvaluateDecision") != 0)
        fail_msg("%s: %s", rpc, reply.text);
    return starved;
}

static weir_status everything(void *user, weir_error *err)
{
    struct waiter waiters[COUNT(asked)] = {{.deliver = NULL}};
    bool starved = false;
    struct engine *engine = engine_new(NULL);
    (void)user;
    if (!engine)
        return error_no_memory(err);
    engine_set_time(engine, 1, 1);
    weir_status status =
        engine_deploy_file(engine, "p.bpmn", (weir_bytes){file, sizeof file - 1}, err);
    for (size_t i = 0; i < COUNT(asked) && status == WEIR_OK; i++) {
        starved |= ask(engine, asked[i].rpc, asked[i].json, &waiters[i]);
    }
    engine_set_time(engine, INT64_C(120000000000), 1);
    engine_pump(engine);
    for (size_t i = 0; i < COUNT(asked); i++)
        waiter_leave(&waiters[i]);
    engine_free(engine);
    return status != WEIR_OK ? status : starved ? error_no_memory(err) : error_ok(err);
}

static void everything_gives_all_back(void **state)
{
    (void)state;
    assert_true(torture(everything, NULL) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_gives_all_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
