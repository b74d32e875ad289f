/* Messages, signals, decisions; and limits. */
#include "broker.h"

#include "core/mem.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define CATCH                                                                                      \
    LINE("<intermediateCatchEvent id='x'><messageEventDefinition messageRef='m'/>"                 \
         "</intermediateCatchEvent>")

static struct broker b;

static int set_up(void **state)
{
    (void)state;
    broker_begin(&b, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_end(&b);
    return 0;
}

/* ---- messages ---- */

static void publish(const char *key, int64_t ttl, const char *id, const char *answer)
{
    expect(broker_askf(&b, "PublishMessage",
                       "{\"name\":\"paid\",\"correlationKey\":\"%s\",\"timeToLive\":%lld,"
                       "\"messageId\":\"%s\",\"variables\":\"{\\\"sum\\\":5}\"}",
                       key, (long long)ttl, id),
           answer);
}

static void a_message_reaches_who_waits_for_it(void **state)
{
    (void)state;
    broker_deploy(&b, "p", CATCH);
    int64_t one = broker_instance(&b, "p", "{\\\"order\\\":\\\"a\\\"}"),
            two = broker_instance(&b, "p", "{\\\"order\\\":7}");
    publish("b", 0, "", "{\"key\":\"22517998136852");
    assert_true(broker_runs(&b, one) && broker_runs(&b, two));
    publish("7", 0, "", "{");
    assert_true(broker_runs(&b, one));
    assert_false(broker_runs(&b, two));
    publish("a", 0, "", "{");
    assert_false(broker_runs(&b, one));
}

static void a_message_waits_as_long_as_it_lives(void **state)
{
    (void)state;
    broker_deploy(&b, "p", CATCH);
    publish("a", 1000, "1", "{");
    publish("a", 1000, "1",
            "ALREADY_EXISTS: Command 'PUBLISH' rejected with code 'ALREADY_EXISTS': Expected to "
            "publish a new message with id '1', but a message with that id was already published");
    publish("b", 1000, "1", "{"); /* another key */
    int64_t first = broker_instance(&b, "p", "{\\\"order\\\":\\\"a\\\"}");
    assert_false(broker_runs(&b, first));
    int64_t second = broker_instance(&b, "p", "{\\\"order\\\":\\\"a\\\"}");
    assert_true(broker_runs(&b, second)); /* once for a process */
    publish("a", 1000, "2", "{");
    assert_false(broker_runs(&b, second));
    broker_pass(&b, 1000);
    publish("a", 1000, "1", "{");
    broker_pass(&b, 1000);
    int64_t late = broker_instance(&b, "p", "{\\\"order\\\":\\\"a\\\"}");
    assert_true(broker_runs(&b, late));
}

static void a_message_goes_to_each_process_once(void **state)
{
    (void)state;
    broker_deploy(&b, "p", CATCH);
    broker_deploy(&b, "q", CATCH);
    int64_t p1 = broker_instance(&b, "p", "{\\\"order\\\":\\\"a\\\"}"),
            p2 = broker_instance(&b, "p", "{\\\"order\\\":\\\"a\\\"}");
    int64_t q = broker_instance(&b, "q", "{\\\"order\\\":\\\"a\\\"}");
    publish("a", 0, "", "{");
    assert_false(broker_runs(&b, p1));
    assert_true(broker_runs(&b, p2));
    assert_false(broker_runs(&b, q));
}

static void a_key_that_is_not_there_is_an_incident(void **state)
{
    (void)state;
    broker_deploy(&b, "p", CATCH);
    int64_t instance = broker_instance(&b, "p", "{\\\"order\\\":null}");
    assert_string_equal(b.incident,
                        "x EXTRACT_VALUE_ERROR: Failed to extract the correlation key for 'order': "
                        "The value must be either a string or a number, but was 'NULL'.");
    publish("a", 60000, "", "{");
    broker_askf(&b, "SetVariables",
                "{\"elementInstanceKey\":%lld,\"variables\":\"{\\\"order\\\":\\\"a\\\"}\"}",
                (long long)instance);
    assert_true(broker_runs(&b, instance));
    assert_string_equal(
        broker_askf(&b, "ResolveIncident", "{\"incidentKey\":%lld}", (long long)b.incident_key),
        "{}");
    assert_false(broker_runs(&b, instance));
}

static void signals_are_taken_and_caught_by_nobody(void **state)
{
    (void)state;
    expect(broker_ask(&b, "BroadcastSignal", "{\"signalName\":\"s\",\"variables\":\"{}\"}"),
           "{\"key\":\"2251799813685249\",\"tenantId\":\"<default>\"}");
    expect(broker_ask(&b, "BroadcastSignal", "{\"signalName\":\"s\",\"variables\":\"1\"}"),
           "INVALID_ARGUMENT");
    expect(broker_ask(&b, "EvaluateDecision", "{\"decisionId\":\"d\"}"),
           "NOT_FOUND: Command 'EVALUATE' rejected with code 'NOT_FOUND': Expected to evaluate "
           "decision 'd', but no decision found for id 'd'");
    expect(broker_ask(&b, "EvaluateDecision", "{\"decisionKey\":9}"),
           "NOT_FOUND: Command 'EVALUATE' rejected with code 'NOT_FOUND': Expected to evaluate "
           "decision '9', but no decision found for key '9'");
    expect(broker_ask(&b, "EvaluateConditional", "{\"variables\":\"{}\"}"),
           "{\"processInstances\":[],\"conditionalEvaluationKey\":\"22517998136852");
    expect(broker_ask(&b, "EvaluateConditional", "{\"processDefinitionKey\":9}"), "NOT_FOUND");
}

/* ---- limits ---- */

static void what_a_client_can_make_grow_has_an_end(void **state)
{
    const struct engine_limits limits = {.instances = 3, .messages = 2, .bytes = 20000};
    char big[1200];
    (void)state;
    broker_end(&b);
    broker_begin(&b, &limits);
    broker_deploy_task(&b);
    for (int i = 0; i < 3; i++)
        broker_instance(&b, "p", "");
    expect(broker_ask(&b, "CreateProcessInstance", "{\"bpmnProcessId\":\"p\",\"version\":-1}"),
           "RESOURCE_EXHAUSTED: the sandbox holds as many instances as it can; let some end");
    broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)broker_job(&b, "t", 60000));
    int64_t instance = broker_instance(&b, "p", "");
    publish("a", 1000, "", "{");
    publish("b", 1000, "", "{");
    publish("c", 1000, "", "RESOURCE_EXHAUSTED: the sandbox holds as many messages as it can");
    broker_pass(&b, 1000);
    publish("c", 1000, "", "{");
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    const char *answer = "";
    for (int i = 0; i < 20 && strncmp(answer, "RESOURCE", 8) != 0; i++)
        answer =
            broker_askf(&b, "SetVariables",
                        "{\"elementInstanceKey\":%lld,\"variables\":\"{\\\"v%d\\\":\\\"%s\\\"}\"}",
                        (long long)instance, i, big);
    expect(answer, "RESOURCE_EXHAUSTED: the sandbox holds as many variables as it can");
    assert_string_equal(broker_askf(&b, "CancelProcessInstance", "{\"processInstanceKey\":%lld}",
                                    (long long)instance),
                        "{}");
    broker_instance(&b, "p", "{\\\"a\\\":1}");
}

static void many_jobs_come_in_several_messages(void **state)
{
    struct got got = {.text = NULL};
    char *big = mem_zalloc(700001);
    struct buf json = BUF_INIT(800000);
    (void)state;
    broker_deploy_task(&b);
    memset(big, 'x', 700000);
    buf_addf(&json, "{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"{\\\"a\\\":\\\"");
    buf_adds(&json, big);
    buf_adds(&json, "\\\"}\"}");
    for (int i = 0; i < 12; i++)
        expect(broker_ask(&b, "CreateProcessInstance", json.data), "{");
    broker_wait(&b, &got, "ActivateJobs",
                "{\"type\":\"t\",\"timeout\":60000,\"maxJobsToActivate\":100}");
    assert_int_equal(got.messages, 3); /* of at most 4 MiB */
    assert_true(got.over);
    got_end(&got);
    buf_free(&json);
    mem_free(big);
}

static void a_job_too_big_for_any_message_is_an_incident(void **state)
{
    char *big = mem_zalloc(1500001);
    (void)state;
    broker_deploy_task(&b);
    memset(big, 'x', 1500000);
    int64_t instance = broker_instance(&b, "p", "");
    for (int i = 0; i < 3; i++) {
        struct buf json = BUF_INIT(1600000);
        buf_addf(&json, "{\"elementInstanceKey\":%lld,\"variables\":\"{\\\"v%d\\\":\\\"",
                 (long long)instance, i);
        buf_adds(&json, big);
        buf_adds(&json, "\\\"}\"}");
        expect(broker_ask(&b, "SetVariables", json.data), "{");
        buf_free(&json);
    }
    assert_int_equal(broker_job(&b, "t", 60000), 0);
    expect(b.incident, "task MESSAGE_SIZE_EXCEEDED: The job with key '");
    assert_string_equal(
        broker_askf(&b, "ResolveIncident", "{\"incidentKey\":%lld}", (long long)b.incident_key),
        "{}");
    struct got got = {.text = NULL};
    broker_wait(&b, &got, "ActivateJobs",
                "{\"type\":\"t\",\"timeout\":1,\"maxJobsToActivate\":1,\"fetchVariable\":[\"n\"]}");
    assert_int_equal(got.messages, 1);
    got_end(&got);
    mem_free(big);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_message_reaches_who_waits_for_it),
        CASE(a_message_waits_as_long_as_it_lives),
        CASE(a_message_goes_to_each_process_once),
        CASE(a_key_that_is_not_there_is_an_incident),
        CASE(signals_are_taken_and_caught_by_nobody),
        CASE(what_a_client_can_make_grow_has_an_end),
        CASE(many_jobs_come_in_several_messages),
        CASE(a_job_too_big_for_any_message_is_an_incident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
