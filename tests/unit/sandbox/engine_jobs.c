/* Jobs, as workers see them. */
#include "broker.h"

#include <stdio.h>
#include <string.h>

#define ACTIVATE "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":%d%s}"
#define CREATE   "{\"bpmnProcessId\":\"p\",\"version\":-1}"

static struct broker b;

static int set_up(void **state)
{
    (void)state;
    broker_begin(&b, NULL);
    broker_deploy_task(&b);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_end(&b);
    return 0;
}

static void poll_jobs(struct got *got, int most, const char *more)
{
    char json[300];
    (void)snprintf(json, sizeof json, ACTIVATE, most, more);
    broker_wait(&b, got, "ActivateJobs", json);
}

static void a_job_says_what_it_is_of(void **state)
{
    struct got got = {.text = NULL};
    (void)state;
    broker_ask(&b, "CreateProcessInstance",
               "{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"{\\\"a\\\": 1}\",\"tags\":"
               "[\"x\"]}");
    poll_jobs(&got, 5, "");
    assert_true(got.over);
    assert_string_equal(
        got.text,
        "{\"jobs\":[{\"key\":\"2251799813685254\",\"type\":\"t\",\"processInstanceKey\":"
        "\"2251799813685251\",\"bpmnProcessId\":\"p\",\"processDefinitionVersion\":1,"
        "\"processDefinitionKey\":\"2251799813685250\",\"elementId\":\"task\","
        "\"elementInstanceKey\":\"2251799813685253\",\"customHeaders\":\"{\\\"colour\\\":"
        "\\\"red\\\"}\",\"worker\":\"w\",\"retries\":3,\"deadline\":\"1700000002000\","
        "\"variables\":\"{\\\"a\\\":1}\",\"tenantId\":\"<default>\",\"kind\":\"BPMN_ELEMENT\","
        "\"listenerEventType\":\"UNSPECIFIED\",\"tags\":[\"x\"]}]}");
    got_end(&got);
}

static void jobs_come_in_the_order_of_their_making(void **state)
{
    struct got got = {.text = NULL};
    (void)state;
    for (int i = 0; i < 5; i++)
        broker_ask(&b, "CreateProcessInstance", CREATE);
    int64_t first = broker_job(&b, "t", 1000), second = broker_job(&b, "t", 500);
    assert_true(first < second);
    broker_pass(&b, 1000); /* both locks are over */
    poll_jobs(&got, 10, "");
    for (int i = 1; i < 5; i++)
        assert_true(number_in(got.text, "key", i - 1) < number_in(got.text, "key", i));
    assert_int_equal(number_in(got.text, "key", 0), first);
    got_end(&got);
}

static void a_poll_waits_for_a_job(void **state)
{
    struct got got = {.text = NULL}, other = {.text = NULL};
    (void)state;
    poll_jobs(&got, 5, ",\"requestTimeout\":3000");
    poll_jobs(&other, 5, ",\"requestTimeout\":0");
    assert_true(got.reply.waits);
    assert_int_equal(got.reply.after, 3000);
    assert_int_equal(other.reply.after, 10000);
    assert_false(got.over);
    broker_ask(&b, "CreateProcessInstance", CREATE);
    assert_true(got.over);
    assert_int_equal(got.messages, 1);
    assert_false(other.over);
    got_end(&got);
    got_end(&other);
    poll_jobs(&got, 5, ",\"requestTimeout\":-1");
    assert_int_equal(got.reply.after, 0);
    got_end(&got);
}

static void a_job_whose_client_has_gone_is_there_again(void **state)
{
    struct got gone = {.gone = true};
    (void)state;
    poll_jobs(&gone, 5, "");
    broker_ask(&b, "CreateProcessInstance", CREATE);
    int64_t job = broker_job(&b, "t", 1000);
    assert_int_not_equal(job, 0);
    got_end(&gone);
}

static void a_lock_that_runs_out_gives_the_job_to_the_next(void **state)
{
    (void)state;
    broker_ask(&b, "CreateProcessInstance", CREATE);
    int64_t job = broker_job(&b, "t", 1000);
    assert_int_equal(engine_next_due(b.engine), (b.now_ms + 1000) * 1000000);
    broker_pass(&b, 999);
    assert_int_equal(broker_job(&b, "t", 1000), 0);
    broker_pass(&b, 1);
    assert_int_equal(broker_job(&b, "t", 1000), job);
    assert_string_equal(
        broker_askf(&b, "UpdateJobTimeout", "{\"jobKey\":%lld,\"timeout\":5000}", (long long)job),
        "{}");
    broker_pass(&b, 4999);
    assert_int_equal(broker_job(&b, "t", 1000), 0);
    broker_pass(&b, 1);
    expect(
        broker_askf(&b, "UpdateJobTimeout", "{\"jobKey\":%lld,\"timeout\":1}", (long long)job),
        "FAILED_PRECONDITION: Command 'UPDATE_TIMEOUT' rejected with code 'INVALID_STATE': "
        "Expected to update the timeout of job with key '2251799813685254', but it is not active");
    assert_string_equal(broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)job), "{}");
}

static void a_job_is_completed_once(void **state)
{
    struct got result = {.text = NULL};
    (void)state;
    broker_wait(&b, &result, "CreateProcessInstanceWithResult",
                "{\"request\":{\"bpmnProcessId\":\"p\",\"version\":-1,\"variables\":\"{\\\"a\\\":1,"
                "\\\"b\\\":2}\"},\"requestTimeout\":5000,\"fetchVariables\":[\"a\",\"c\"]}");
    assert_int_equal(result.reply.after, 5000);
    assert_int_equal(result.reply.status, 4);
    int64_t job = broker_job(&b, "t", 1000);
    assert_string_equal(broker_askf(&b, "CompleteJob",
                                    "{\"jobKey\":%lld,\"variables\":\"{\\\"c\\\":[true]}\"}",
                                    (long long)job),
                        "{}");
    assert_true(result.over);
    assert_non_null(strstr(result.text, "\"variables\":\"{\\\"a\\\":1,\\\"c\\\":[true]}\""));
    got_end(&result);
    expect(broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)job),
           "NOT_FOUND: Command 'COMPLETE' rejected with code 'NOT_FOUND': Expected to complete job "
           "with key '2251799813685254', but no such job was found");
}

static void a_failed_job_comes_back_after_its_backoff(void **state)
{
    (void)state;
    broker_ask(&b, "CreateProcessInstance", CREATE);
    int64_t job = broker_job(&b, "t", 60000);
    assert_string_equal(
        broker_askf(&b, "FailJob", "{\"jobKey\":%lld,\"retries\":2}", (long long)job), "{}");
    assert_int_equal(broker_job(&b, "t", 60000), job);
    assert_string_equal(broker_askf(&b, "FailJob",
                                    "{\"jobKey\":%lld,\"retries\":1,\"retryBackOff\":500,"
                                    "\"variables\":\"{\\\"why\\\":\\\"x\\\"}\"}",
                                    (long long)job),
                        "{}");
    expect(
        broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)job),
        "FAILED_PRECONDITION: Command 'COMPLETE' rejected with code 'INVALID_STATE': Expected to "
        "complete job with key '2251799813685254', but it is in state 'FAILED'");
    broker_pass(&b, 499);
    assert_int_equal(broker_job(&b, "t", 60000), 0);
    broker_pass(&b, 1);
    assert_int_equal(broker_job(&b, "t", 60000), job);
}

static void without_retries_there_is_an_incident(void **state)
{
    (void)state;
    broker_ask(&b, "CreateProcessInstance", CREATE);
    int64_t job = broker_job(&b, "t", 60000);
    assert_string_equal(broker_askf(&b, "FailJob",
                                    "{\"jobKey\":%lld,\"retries\":0,\"errorMessage\":\"no luck\"}",
                                    (long long)job),
                        "{}");
    assert_string_equal(b.incident, "task JOB_NO_RETRIES: no luck");
    assert_int_equal(broker_job(&b, "t", 60000), 0);
    expect(broker_askf(&b, "ResolveIncident", "{\"incidentKey\":%lld}", (long long)b.incident_key),
           "FAILED_PRECONDITION: Command 'RESOLVE' rejected with code 'INVALID_STATE': Expected to "
           "resolve incident with key ");
    expect(
        broker_askf(&b, "UpdateJobRetries", "{\"jobKey\":%lld,\"retries\":0}", (long long)job),
        "INVALID_ARGUMENT: Command 'UPDATE_RETRIES' rejected with code 'INVALID_ARGUMENT': "
        "Expected to update retries for job with key '2251799813685254' with a positive amount of "
        "retries, but the amount given was '0'");
    assert_string_equal(
        broker_askf(&b, "UpdateJobRetries", "{\"jobKey\":%lld,\"retries\":1}", (long long)job),
        "{}");
    assert_int_equal(broker_job(&b, "t", 60000), 0); /* not before it is resolved */
    assert_string_equal(
        broker_askf(&b, "ResolveIncident", "{\"incidentKey\":%lld}", (long long)b.incident_key),
        "{}");
    assert_int_equal(broker_job(&b, "t", 60000), job);
    expect(broker_askf(&b, "ResolveIncident", "{\"incidentKey\":%lld}", (long long)b.incident_key),
           "NOT_FOUND: Command 'RESOLVE' rejected with code 'NOT_FOUND': Expected to resolve "
           "incident with key ");
}

static void an_error_nobody_catches_is_an_incident(void **state)
{
    (void)state;
    broker_ask(&b, "CreateProcessInstance", CREATE);
    int64_t job = broker_job(&b, "t", 60000);
    assert_string_equal(broker_askf(&b, "ThrowError",
                                    "{\"jobKey\":%lld,\"errorCode\":\"C\",\"errorMessage\":\"m\"}",
                                    (long long)job),
                        "{}");
    assert_string_equal(b.incident, "task UNHANDLED_ERROR_EVENT: Expected to throw an error event "
                                    "with the code 'C' with message 'm', but it was not caught. No "
                                    "error events are available in the scope.");
    expect(
        broker_askf(&b, "ThrowError", "{\"jobKey\":%lld}", (long long)job),
        "FAILED_PRECONDITION: Command 'THROW_ERROR' rejected with code 'INVALID_STATE': Expected "
        "to throw an error for job with key '2251799813685254', but it is in state "
        "'ERROR_THROWN'");
    assert_string_equal(
        broker_askf(&b, "ResolveIncident", "{\"incidentKey\":%lld}", (long long)b.incident_key),
        "{}");
    assert_int_equal(broker_job(&b, "t", 60000), job);
}

static void streams_get_jobs_in_turn_while_they_have_room(void **state)
{
    static const char json[] = "{\"type\":\"t\",\"worker\":\"s\",\"timeout\":1000}";
    struct got one = {.text = NULL}, two = {.text = NULL};
    (void)state;
    broker_ask(&b, "CreateProcessInstance", CREATE); /* was there before: is polled */
    broker_wait(&b, &one, "StreamActivatedJobs", json);
    broker_wait(&b, &two, "StreamActivatedJobs", json);
    assert_int_equal(one.messages + two.messages, 0);
    for (int i = 0; i < 4; i++)
        broker_ask(&b, "CreateProcessInstance", CREATE);
    assert_int_equal(one.messages, 2);
    assert_int_equal(two.messages, 2);
    one.full = true;
    broker_ask(&b, "CreateProcessInstance", CREATE);
    assert_int_equal(two.messages, 3);
    two.full = true;
    broker_ask(&b, "CreateProcessInstance", CREATE); /* nobody has room: is polled */
    one.full = two.full = false;
    broker_pass(&b, 1);
    assert_int_equal(one.messages + two.messages, 5);
    assert_int_not_equal(broker_job(&b, "t", 60000), 0);
    assert_int_not_equal(broker_job(&b, "t", 60000), 0);
    assert_int_equal(broker_job(&b, "t", 60000), 0);
    broker_pass(&b, 1000); /* those of the streams come back, to the streams */
    assert_int_equal(one.messages + two.messages, 10);
    got_end(&one);
    two.gone = true;
    broker_pass(&b, 1000);
    assert_int_not_equal(broker_job(&b, "t", 1000), 0);
    got_end(&two);
}

static void what_is_asked_wrongly_is_refused(void **state)
{
    static const struct {
        const char *rpc, *json, *answer;
    } stories[] = {
        {"ActivateJobs", "{\"timeout\":1,\"maxJobsToActivate\":1}",
         "INVALID_ARGUMENT: Command 'ACTIVATE' rejected with code 'INVALID_ARGUMENT': Expected to "
         "activate job batch with type to be present, but it was blank"},
        {"ActivateJobs", "{\"type\":\"t\",\"maxJobsToActivate\":1}",
         "INVALID_ARGUMENT: Command 'ACTIVATE' rejected with code 'INVALID_ARGUMENT': Expected to "
         "activate job batch with timeout to be greater than zero, but it was '0'"},
        {"ActivateJobs", "{\"type\":\"t\",\"timeout\":1}",
         "INVALID_ARGUMENT: Command 'ACTIVATE' rejected with code 'INVALID_ARGUMENT': Expected to "
         "activate job batch with max jobs to activate to be greater than zero, but it was '0'"},
        {"ActivateJobs", "{\"tenantIds\":[\"<default>\",\"x\"]}",
         "INVALID_ARGUMENT: Expected to handle gRPC request ActivateJobs with tenant identifier "
         "'x', but multi-tenancy is disabled"},
        {"StreamActivatedJobs", "{\"timeout\":1}",
         "INVALID_ARGUMENT: Expected to stream activated jobs with type to be present, but it was "
         "blank"},
        {"StreamActivatedJobs", "{\"type\":\"t\"}",
         "INVALID_ARGUMENT: Expected to stream activated jobs with timeout to be greater than "
         "zero, "
         "but it was 0"},
        {"CompleteJob", "{\"jobKey\":5}",
         "NOT_FOUND: Command 'COMPLETE' rejected with code 'NOT_FOUND': Expected to complete job "
         "with key '5', but no such job was found"},
        {"CompleteJob", "{\"jobKey\":5,\"variables\":\"[1]\"}",
         "INVALID_ARGUMENT: Property 'variables' is invalid: Expected document to be a root level "
         "object, but was 'ARRAY'"},
        {"FailJob", "{\"jobKey\":5,\"variables\":\"{bad\"}",
         "INVALID_ARGUMENT: Invalid JSON value: {bad"},
        {"FailJob", "{\"jobKey\":5}",
         "NOT_FOUND: Command 'FAIL' rejected with code 'NOT_FOUND': Expected to fail job with key "
         "'5', but no such job was found"},
        {"ThrowError", "{\"jobKey\":5}",
         "NOT_FOUND: Command 'THROW_ERROR' rejected with code 'NOT_FOUND': Expected to throw an "
         "error for job with key '5', but no such job was found"},
        {"UpdateJobRetries", "{\"jobKey\":5,\"retries\":1}",
         "NOT_FOUND: Command 'UPDATE_RETRIES' rejected with code 'NOT_FOUND': Expected to update "
         "job with key '5', but no such job was found"},
        {"UpdateJobTimeout", "{\"jobKey\":5,\"timeout\":1}",
         "NOT_FOUND: Command 'UPDATE_TIMEOUT' rejected with code 'NOT_FOUND': Expected to update "
         "job with key '5', but no such job was found"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++)
        expect(broker_ask(&b, stories[i].rpc, stories[i].json), stories[i].answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_says_what_it_is_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_come_in_the_order_of_their_making, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_poll_waits_for_a_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_whose_client_has_gone_is_there_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lock_that_runs_out_gives_the_job_to_the_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_job_is_completed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_job_comes_back_after_its_backoff, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_retries_there_is_an_incident, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_nobody_catches_is_an_incident, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_get_jobs_in_turn_while_they_have_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_asked_wrongly_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
