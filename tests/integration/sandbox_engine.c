/* The engine behind the gateway, by the public API: what a program does with a broker. */
#include "lib/check.h"

#include "core/mem.h"
#include "core/text.h"
#include "lib/sandboxed.h"
#include "unit/zeebe/environment.h"
#include <weir/weir.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file[] =
    "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' "
    "xmlns:zeebe='http://camunda.org/schema/zeebe/1.0'><message id='m' name='paid'>"
    "<extensionElements><zeebe:subscription correlationKey='=order'/></extensionElements></message>"
    "<process id='p' isExecutable='true'><startEvent id='s'/><sequenceFlow id='f1' sourceRef='s' "
    "targetRef='t'/><serviceTask id='t'><extensionElements><zeebe:taskDefinition type='t'/>"
    "</extensionElements></serviceTask><sequenceFlow id='f2' sourceRef='t' targetRef='w'/>"
    "<intermediateCatchEvent id='w'><messageEventDefinition messageRef='m'/>"
    "</intermediateCatchEvent></process></definitions>";

#define CREATE "{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"{\\\"order\\\":%d}\"}"

struct world {
    struct sandbox *sandbox;
    weir_channel *channel;
    weir_zeebe *zeebe;
};

static void begin(struct world *w)
{
    weir_error err = {0};
    struct buf json = BUF_INIT(10000);
    w->sandbox = sandboxed_start(NULL);
    no_environment();
    w->channel = weir_channel_insecure(
        WEIR_CHANNEL(.grpc_address = sandbox_value(w->sandbox, "ZEEBE_ADDRESS")), &err);
    w->zeebe = weir_zeebe_new(w->channel, &err);
    buf_adds(&json, "{\"resources\":[{\"name\":\"p.bpmn\",\"content\":\"");
    base64_add(&json, file, sizeof file - 1, true);
    buf_adds(&json, "\"}]}");
    char *answer = weir_zeebe_call(w->zeebe, "DeployResource", json.data, NULL, &err);
    assert_string_equal(err.message, "");
    assert_non_null(strstr(answer, "\"bpmnProcessId\": \"p\""));
    weir_free(answer);
    buf_free(&json);
}

static void end(struct world *w)
{
    weir_zeebe_free(w->zeebe);
    weir_channel_close(w->channel);
    sandbox_stop(w->sandbox);
}

/* The answer's JSON, weir_free(). */
static char *call(struct world *w, const char *rpc, const char *json)
{
    weir_error err = {0};
    char *answer = weir_zeebe_call(w->zeebe, rpc, json, WEIR_CALL(.timeout = 20000), &err);
    if (!answer)
        fail_msg("%s %s: %s", rpc, json, err.message);
    return answer;
}

static void does(struct world *w, const char *rpc, const char *json)
{
    weir_free(call(w, rpc, json));
}

static weir_call *start(struct world *w, const char *rpc, const char *json)
{
    weir_error err = {0};
    weir_call *call =
        weir_zeebe_call_start(w->zeebe, rpc, json, WEIR_CALL(.timeout = WEIR_FOREVER), &err);
    assert_string_equal(err.message, "");
    return call;
}

/* The next message, weir_free(); NULL: it is over, *err says how. */
static char *next(weir_call *call, weir_error *err)
{
    char *message = NULL;
    weir_status status = weir_call_next(call, &message, 20000, err);
    if (status == WEIR_NOTHING)
        fail_msg("nothing came");
    return message;
}

static void create(struct world *w, int order)
{
    char json[200];
    (void)snprintf(json, sizeof json, CREATE, order);
    does(w, "CreateProcessInstance", json);
}

static long long key_in(const char *json)
{
    const char *at = json ? strstr(json, "\"key\": \"") : NULL;
    assert_non_null(at);
    return strtoll(at + 8, NULL, 10);
}

static const char poll_jobs[] = "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":600000,"
                                "\"maxJobsToActivate\":10,\"requestTimeout\":60000}";
static const char stream_jobs[] = "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":600000}";

/* The key of the next job of a poll. */
static long long poll_job(struct world *w)
{
    weir_error err = {0};
    weir_call *poll = start(w, "ActivateJobs", poll_jobs);
    char *message = next(poll, &err);
    assert_string_equal(err.message, "");
    long long key = key_in(message);
    weir_free(message);
    weir_call_free(poll);
    return key;
}

static void complete(struct world *w, long long key, const char *variables)
{
    char json[200];
    (void)snprintf(json, sizeof json, "{\"jobKey\":\"%lld\",\"variables\":\"%s\"}", key, variables);
    does(w, "CompleteJob", json);
}

static void a_process_runs_to_its_end_and_its_result_is_told(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    begin(&w);
    weir_call *result = start(&w, "CreateProcessInstanceWithResult",
                              "{\"request\":{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":"
                              "\"{\\\"order\\\":7}\"},\"requestTimeout\":60000}");
    complete(&w, poll_job(&w), "{\\\"done\\\":true}");
    does(&w, "PublishMessage",
         "{\"name\":\"paid\",\"correlationKey\":\"7\",\"timeToLive\":60000,\"variables\":"
         "\"{\\\"sum\\\":5}\"}");
    char *message = next(result, &err);
    assert_non_null(message);
    assert_non_null(
        strstr(message, "\"variables\": \"{\\\"order\\\":7,\\\"done\\\":true,\\\"sum\\\":5}\""));
    weir_free(message);
    weir_call_free(result);
    end(&w);
}

static void a_result_that_comes_too_late_is_a_timeout_and_the_instance_goes_on(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    begin(&w);
    char *answer = weir_zeebe_call(w.zeebe, "CreateProcessInstanceWithResult",
                                   "{\"request\":{\"bpmnProcessId\":\"p\",\"version\":-1},"
                                   "\"requestTimeout\":50}",
                                   WEIR_CALL(.timeout = 20000), &err);
    assert_null(answer);
    assert_int_equal(err.status, WEIR_TIMEOUT);
    assert_int_equal(err.kind, WEIR_KIND_PROCESS_TIMED_OUT);
    assert_true(poll_job(&w) > 0);
    end(&w);
}

static void a_long_poll_wakes_when_a_job_appears(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    begin(&w);
    weir_call *poll = start(&w, "ActivateJobs", poll_jobs);
    sandboxed_wait(w.sandbox, "zeebe.ActivateJobs", 1);
    create(&w, 1);
    char *message = next(poll, &err);
    assert_non_null(message);
    assert_null(next(poll, &err)); /* one answer, and the end */
    assert_string_equal(err.message, "");
    weir_free(message);
    weir_call_free(poll);
    end(&w);
}

static void a_poll_that_was_given_up_takes_no_job(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    weir_call *poll = start(&w, "ActivateJobs", poll_jobs);
    sandboxed_wait(w.sandbox, "zeebe.ActivateJobs", 1);
    weir_call_cancel(poll);
    weir_call_free(poll);
    sandboxed_wait_log(w.sandbox, "\"gone\"");
    create(&w, 1);
    assert_true(poll_job(&w) > 0);
    end(&w);
}

static void a_stream_gets_jobs_as_they_appear(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    begin(&w);
    weir_call *stream = start(&w, "StreamActivatedJobs", stream_jobs);
    sandboxed_wait(w.sandbox, "zeebe.StreamActivatedJobs", 1);
    long long last = 0;
    for (int i = 0; i < 5; i++) {
        create(&w, i);
        char *message = next(stream, &err);
        assert_true(key_in(message) > last);
        last = key_in(message);
        weir_free(message);
    }
    weir_call_cancel(stream);
    weir_call_free(stream);
    end(&w);
}

/* Whatever of 16 MiB the client and its windows hold, they do not hold all of it. */
static void what_a_stream_has_no_room_for_is_polled(void **state)
{
    struct world w;
    struct buf json = BUF_INIT(300000);
    (void)state;
    begin(&w);
    weir_call *stream = start(&w, "StreamActivatedJobs", stream_jobs);
    sandboxed_wait(w.sandbox, "zeebe.StreamActivatedJobs", 1);
    buf_adds(&json, "{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"{\\\"big\\\":\\\"");
    for (int i = 0; i < 16384; i++)
        buf_adds(&json, "0123456789abcdef");
    buf_adds(&json, "\\\"}\"}");
    for (int i = 0; i < 64; i++)
        does(&w, "CreateProcessInstance", json.data);
    assert_true(poll_job(&w) > 0);
    weir_call_cancel(stream);
    weir_call_free(stream);
    buf_free(&json);
    end(&w);
}

static void a_fault_that_comes_later_happens_in_the_middle_of_a_stream(void **state)
{
    static const struct {
        const char *fault;
        weir_status status;
    } stories[] = {
        {"zeebe.StreamActivatedJobs 1 status:UNAVAILABLE --after 20ms", WEIR_UNREACHABLE},
        {"zeebe.StreamActivatedJobs 1 status:PERMISSION_DENIED --after 20ms", WEIR_FORBIDDEN},
        {"zeebe.StreamActivatedJobs 1 cut --after 20ms", WEIR_UNREACHABLE},
        {"zeebe.StreamActivatedJobs 1 garbage --after 20ms", WEIR_PROTOCOL},
    };
    struct world w;
    weir_error err = {0};
    (void)state;
    begin(&w);
    for (size_t i = 0; i < COUNT(stories); i++) {
        err = (weir_error){0};
        sandboxed_fault(w.sandbox, stories[i].fault);
        weir_call *stream =
            weir_zeebe_call_start(w.zeebe, "StreamActivatedJobs", stream_jobs,
                                  WEIR_CALL(.timeout = WEIR_FOREVER, .no_retry = true), &err);
        assert_null(next(stream, &err));
        if (err.status != stories[i].status)
            fail_msg("%s: %s", stories[i].fault, err.message);
        weir_call_free(stream);
    }
    err = (weir_error){0};
    sandboxed_fault(w.sandbox, "zeebe.StreamActivatedJobs 1 cut --after 1h"); /* begins before */
    weir_call *stream = start(&w, "StreamActivatedJobs", stream_jobs);
    sandboxed_wait(w.sandbox, "zeebe.StreamActivatedJobs", 5);
    create(&w, 1);
    char *message = next(stream, &err);
    assert_non_null(message);
    weir_free(message);
    weir_call_cancel(stream);
    weir_call_free(stream);
    end(&w);
}

static void a_gateway_that_comes_back_has_what_it_had(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    begin(&w);
    create(&w, 1);
    long long held = poll_job(&w);
    create(&w, 2);
    assert_int_equal(sandbox_service_stop(w.sandbox, "zeebe", &err), WEIR_OK);
    assert_int_equal(sandbox_service_start(w.sandbox, "zeebe", &err), WEIR_OK);
    weir_topology_free(weir_zeebe_topology(w.zeebe, 20000, &err)); /* it is connected again */
    assert_string_equal(err.message, "");
    assert_true(poll_job(&w) > held);
    complete(&w, held, "{}");
    end(&w);
}

static void incidents_and_requests_stand_in_the_log(void **state)
{
    struct world w;
    char json[200];
    (void)state;
    begin(&w);
    create(&w, 1);
    (void)snprintf(json, sizeof json,
                   "{\"jobKey\":\"%lld\",\"retries\":0,\"errorMessage\":\"no luck\"}",
                   poll_job(&w));
    does(&w, "FailJob", json);
    assert_true(sandboxed_logged(w.sandbox, "\"what\":\"zeebe.incident\""));
    assert_true(sandboxed_logged(w.sandbox, "\"errorMessage\":\"no luck\""));
    assert_true(sandboxed_logged(w.sandbox, "\"what\":\"zeebe.FailJob\""));
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.incident"), 1);
    char *log = sandbox_requests(w.sandbox, NULL);
    const char *key = strstr(log, "\"incidentKey\":\"");
    assert_non_null(key);
    (void)snprintf(json, sizeof json, "{\"jobKey\":\"%.16s\",\"retries\":1}",
                   strstr(log, "\"jobKey\":\"") + 10);
    does(&w, "UpdateJobRetries", json);
    (void)snprintf(json, sizeof json, "{\"incidentKey\":\"%.16s\"}", key + 15);
    does(&w, "ResolveIncident", json);
    weir_free(log);
    assert_true(poll_job(&w) > 0);
    end(&w);
}

static void errors_have_the_kinds_that_programs_ask_for(void **state)
{
    static const struct {
        const char *rpc, *json;
        weir_status status;
        int32_t kind;
    } stories[] = {
        {"CompleteJob", "{\"jobKey\":5}", WEIR_NOT_FOUND, WEIR_KIND_JOB_NOT_FOUND},
        {"FailJob", "{\"jobKey\":5}", WEIR_NOT_FOUND, WEIR_KIND_JOB_NOT_FOUND},
        {"CreateProcessInstance", "{\"bpmnProcessId\":\"n\",\"version\":-1}", WEIR_NOT_FOUND,
         WEIR_KIND_PROCESS_NOT_FOUND},
        {"CreateProcessInstance", "{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"[]\"}",
         WEIR_INVALID, WEIR_KIND_INVALID_VARIABLES},
        {"CancelProcessInstance", "{\"processInstanceKey\":5}", WEIR_NOT_FOUND,
         WEIR_KIND_INSTANCE_NOT_FOUND},
        {"ResolveIncident", "{\"incidentKey\":5}", WEIR_NOT_FOUND, WEIR_KIND_INCIDENT_NOT_FOUND},
        {"EvaluateDecision", "{\"decisionId\":\"d\"}", WEIR_NOT_FOUND,
         WEIR_KIND_DECISION_NOT_FOUND},
        {"DeployResource", "{\"resources\":[{\"name\":\"a.dmn\"}]}", WEIR_INVALID,
         WEIR_KIND_INVALID_RESOURCE},
        {"PublishMessage", "{\"name\":\"m\",\"messageId\":\"1\",\"timeToLive\":60000}",
         WEIR_CONFLICT, WEIR_KIND_MESSAGE_EXISTS},
    };
    struct world w;
    (void)state;
    begin(&w);
    does(&w, "PublishMessage", stories[COUNT(stories) - 1].json);
    for (size_t i = 0; i < COUNT(stories); i++) {
        weir_error err = {0};
        assert_null(weir_zeebe_call(w.zeebe, stories[i].rpc, stories[i].json, NULL, &err));
        if (err.status != stories[i].status || err.kind != stories[i].kind)
            fail_msg("%s: %s, kind %d: %s", stories[i].rpc, weir_status_name(err.status), err.kind,
                     err.message);
    }
    end(&w);
}

static void a_file_is_deployed_at_the_start_or_there_is_no_start(void **state)
{
    char good[300], bad[300];
    weir_error err = {0};
    (void)state;
    (void)snprintf(good, sizeof good, "%s/tests/peers/one_task.bpmn", getenv("WEIR_SOURCE"));
    (void)snprintf(bad, sizeof bad, "%s/tests/peers/broker.sh", getenv("WEIR_SOURCE"));
    const char *both[] = {good, bad, NULL}, *none[] = {"/nonexistent.bpmn", NULL};
    assert_null(sandbox_start(&(struct sandbox_options){.deploy = none}, &err));
    assert_int_equal(err.status, WEIR_STORE);
    assert_null(sandbox_start(&(struct sandbox_options){.deploy = both}, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_non_null(strstr(err.message, "'broker.sh': unknown resource type"));
    assert_null(sandbox_start(&(struct sandbox_options){.deploy = both, .only = "oauth"}, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    both[1] = NULL;
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.deploy = both});
    sandbox_stop(sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_runs_to_its_end_and_its_result_is_told),
        cmocka_unit_test(a_result_that_comes_too_late_is_a_timeout_and_the_instance_goes_on),
        cmocka_unit_test(a_long_poll_wakes_when_a_job_appears),
        cmocka_unit_test(a_poll_that_was_given_up_takes_no_job),
        cmocka_unit_test(a_stream_gets_jobs_as_they_appear),
        cmocka_unit_test(what_a_stream_has_no_room_for_is_polled),
        cmocka_unit_test(a_fault_that_comes_later_happens_in_the_middle_of_a_stream),
        cmocka_unit_test(a_gateway_that_comes_back_has_what_it_had),
        cmocka_unit_test(incidents_and_requests_stand_in_the_log),
        cmocka_unit_test(errors_have_the_kinds_that_programs_ask_for),
        cmocka_unit_test(a_file_is_deployed_at_the_start_or_there_is_no_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
