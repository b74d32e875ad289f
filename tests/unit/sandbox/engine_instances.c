/* Instances and variables, and what changes those that run. */
#include "broker.h"

#include "core/mem.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define TWO                                                                                        \
    START_EVENT FLOW("f1", "start", "one") JOB("one", "t") FLOW("f2", "one", "two")                \
        JOB("two", "u") FLOW("f3", "two", "end") END_EVENT

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

/* The variables of the next job of the type, which is given back. */
static const char *variables_of_job(const char *type, const char *more)
{
    static char text[500];
    char json[300];
    struct got got = {.text = NULL};
    (void)snprintf(json, sizeof json, "{\"type\":\"%s\",\"timeout\":1,\"maxJobsToActivate\":1%s}",
                   type, more);
    broker_wait(&b, &got, "ActivateJobs", json);
    assert_non_null(got.text);
    const char *from = strstr(got.text, "\"variables\":\"") + 13;
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(from, "}") + 1, from);
    got_end(&got);
    broker_pass(&b, 1);
    return text;
}

/* ---- instances ---- */

static void what_cannot_be_created_says_why(void **state)
{
#define REJECTED(code) code ": Command 'CREATE' rejected with code '" code "': "
    static const struct {
        const char *json, *answer;
    } stories[] = {
        {"{\"bpmnProcessId\":\"n\",\"version\":-1}",
         REJECTED("NOT_FOUND") "Expected to find process definition with process ID 'n', but none "
                               "found"},
        {"{\"bpmnProcessId\":\"p\"}",
         REJECTED(
             "NOT_FOUND") "Expected to find process definition with process ID 'p' and version "
                          "'0', but none found"},
        {"{\"processDefinitionKey\":7}",
         REJECTED("NOT_FOUND") "Expected to find process definition with key '7', but none found"},
        {"{\"processDefinitionKey\":-1}",
         REJECTED("INVALID_ARGUMENT") "Expected at least a bpmnProcessId or a key greater than -1, "
                                      "but none given"},
        {"{\"bpmnProcessId\":\"p\",\"version\":1,\"variables\":\"\\\"x\\\"\"}",
         "INVALID_ARGUMENT: Property 'variables' is invalid: Expected document to be a root level "
         "object, but was 'STRING'"},
        {"{\"bpmnProcessId\":\"p\",\"version\":1,\"tenantId\":\"x\"}",
         "INVALID_ARGUMENT: Expected to handle gRPC request CreateProcessInstance with tenant "
         "identifier 'x', but multi-tenancy is disabled"},
        {"{\"bpmnProcessId\":\"p\",\"version\":1,\"startInstructions\":[{\"elementId\":\"n\"}]}",
         REJECTED("INVALID_ARGUMENT") "Expected to create instance of process with start "
                                      "instructions but no element found with id 'n'."},
        {"{\"bpmnProcessId\":\"p\",\"version\":1,\"startInstructions\":[{\"elementId\":\"start\"}]"
         "}",
         REJECTED("INVALID_ARGUMENT") "Expected to create instance of process with start "
                                      "instructions but the element with id 'start' targets "
                                      "unsupported element type 'START_EVENT'."},
        {"{\"bpmnProcessId\":\"p\",\"version\":1,\"runtimeInstructions\":[{\"terminate\":{"
         "\"afterElementId\":\"n\"}}]}",
         REJECTED("INVALID_ARGUMENT")},
        {"{\"bpmnProcessId\":\"p\",\"version\":1,\"businessId\":\"B\"}",
         REJECTED("ALREADY_EXISTS")},
    };
    (void)state;
    broker_deploy_task(&b);
    expect(broker_ask(&b, "CreateProcessInstance",
                      "{\"bpmnProcessId\":\"p\",\"version\":1,\"businessId\":\"B\"}"),
           "{");
    assert_non_null(strstr(b.answer, "\"businessId\":\"B\""));
    for (size_t i = 0; i < COUNT(stories); i++)
        expect(broker_ask(&b, "CreateProcessInstance", stories[i].json), stories[i].answer);
    expect(broker_askf(&b, "CreateProcessInstance", "{\"processDefinitionKey\":%lld}",
                       (long long)KEY(2)),
           "{");
    struct got got = {.text = NULL};
    broker_wait(&b, &got, "CreateProcessInstanceWithResult",
                "{\"request\":{\"bpmnProcessId\":\"n\"}}");
    assert_int_equal(got.reply.status, 5);
    expect(got.reply.text, "Command 'CREATE_WITH_AWAITING_RESULT' rejected with code 'NOT_FOUND'");
    got_end(&got);
}

static void an_instance_goes_along_its_line_and_is_forgotten(void **state)
{
    struct got got = {.text = NULL};
    (void)state;
    broker_deploy(&b, "p", TWO);
    broker_wait(&b, &got, "CreateProcessInstanceWithResult",
                "{\"request\":{\"bpmnProcessId\":\"p\",\"version\":-1}}");
    assert_int_equal(got.reply.after, 15000);
    assert_int_equal(broker_job(&b, "u", 1), 0);
    int64_t one = broker_job(&b, "t", 60000);
    broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld,\"variables\":\"{\\\"a\\\":1}\"}",
                (long long)one);
    int64_t two = broker_job(&b, "u", 60000);
    assert_false(got.over);
    broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld,\"variables\":\"{\\\"b\\\":2}\"}",
                (long long)two);
    assert_true(got.over);
    assert_non_null(strstr(got.text, "\"variables\":\"{\\\"a\\\":1,\\\"b\\\":2}\""));
    assert_false(broker_runs(&b, number_in(got.text, "processInstanceKey", 0)));
    got_end(&got);
}

static void it_starts_and_ends_where_it_is_told(void **state)
{
    (void)state;
    broker_deploy(&b, "p", TWO);
    int64_t late = number_in(broker_ask(&b, "CreateProcessInstance",
                                        "{\"bpmnProcessId\":\"p\",\"version\":-1,"
                                        "\"startInstructions\":[{\"elementId\":\"two\"}]}"),
                             "processInstanceKey", 0);
    assert_int_equal(broker_job(&b, "t", 1), 0);
    broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)broker_job(&b, "u", 60000));
    assert_false(broker_runs(&b, late));
    int64_t soon = number_in(broker_ask(&b, "CreateProcessInstance",
                                        "{\"bpmnProcessId\":\"p\",\"version\":-1,"
                                        "\"runtimeInstructions\":[{\"terminate\":{"
                                        "\"afterElementId\":\"one\"}}]}"),
                             "processInstanceKey", 0);
    broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)broker_job(&b, "t", 60000));
    assert_false(broker_runs(&b, soon));
    assert_int_equal(broker_job(&b, "u", 1), 0);
}

static void a_cancelled_instance_takes_its_job_with_it(void **state)
{
    struct got got = {.text = NULL};
    (void)state;
    broker_deploy_task(&b);
    broker_wait(&b, &got, "CreateProcessInstanceWithResult",
                "{\"request\":{\"bpmnProcessId\":\"p\",\"version\":-1}}");
    int64_t job = broker_job(&b, "t", 60000);
    assert_string_equal(broker_askf(&b, "CancelProcessInstance", "{\"processInstanceKey\":%lld}",
                                    (long long)KEY(3)),
                        "{}");
    expect(broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)job), "NOT_FOUND");
    assert_false(got.over); /* as with a broker, its time runs out */
    got_end(&got);
    expect(
        broker_askf(&b, "CancelProcessInstance", "{\"processInstanceKey\":%lld}",
                    (long long)KEY(3)),
        "NOT_FOUND: Command 'CANCEL' rejected with code 'NOT_FOUND': Expected to cancel a process "
        "instance with key '2251799813685251', but no such process was found");
    assert_int_equal(engine_next_due(b.engine), INT64_MAX);
}

static void a_time_passes(void **state)
{
    (void)state;
    broker_deploy(&b, "p",
                  LINE("<intermediateCatchEvent id='x'><timerEventDefinition><timeDuration>PT2S"
                       "</timeDuration></timerEventDefinition></intermediateCatchEvent>"));
    int64_t instance = broker_instance(&b, "p", "");
    broker_pass(&b, 1999);
    assert_true(broker_runs(&b, instance));
    broker_pass(&b, 1);
    assert_false(broker_runs(&b, instance));
}

/* ---- variables ---- */

static void a_task_s_own_variables_hide_the_instance_s(void **state)
{
    struct got got = {.text = NULL};
    (void)state;
    broker_deploy_task(&b);
    int64_t instance = broker_instance(&b, "p", "{\\\"a\\\":1,\\\"b\\\":[null]}");
    long long task = instance + 2;
    assert_string_equal(variables_of_job("t", ""), "{\\\"a\\\":1,\\\"b\\\":[null]}");
    expect(broker_askf(
               &b, "SetVariables",
               "{\"elementInstanceKey\":%lld,\"variables\":\"{\\\"own\\\":1}\",\"local\":true}",
               task),
           "{\"key\":\"22517998136852");
    broker_askf(&b, "SetVariables",
                "{\"elementInstanceKey\":%lld,\"variables\":\"{\\\"own\\\":2,\\\"c\\\":3}\"}",
                task);
    assert_string_equal(variables_of_job("t", ""),
                        "{\\\"own\\\":2,\\\"a\\\":1,\\\"b\\\":[null],\\\"c\\\":3}");
    assert_string_equal(variables_of_job("t", ",\"fetchVariable\":[\"c\",\"own\",\"n\"]"),
                        "{\\\"own\\\":2,\\\"c\\\":3}");
    broker_askf(
        &b, "SetVariables",
        "{\"elementInstanceKey\":%lld,\"variables\":\"{\\\"a\\\":\\\"x\\\"}\",\"local\":true}",
        (long long)instance);
    assert_string_equal(variables_of_job("t", ",\"fetchVariable\":[\"a\"]"),
                        "{\\\"a\\\":\\\"x\\\"}");
    int64_t job = broker_job(&b, "t", 60000);
    broker_askf(&b, "FailJob", "{\"jobKey\":%lld,\"retries\":1,\"variables\":\"{\\\"why\\\":0}\"}",
                (long long)job);
    assert_string_equal(variables_of_job("t", ",\"fetchVariable\":[\"why\"]"), "{\\\"why\\\":0}");
    expect(
        broker_askf(&b, "SetVariables", "{\"elementInstanceKey\":%lld,\"variables\":\"[]\"}", task),
        "INVALID_ARGUMENT");
    expect(
        broker_ask(&b, "SetVariables", "{\"elementInstanceKey\":5}"),
        "NOT_FOUND: Command 'UPDATE' rejected with code 'NOT_FOUND': Expected to update variables "
        "for element with key '5', but no such element was found");
    got_end(&got);
}

/* ---- changing what runs ---- */

#define MODIFY                                                                                     \
    "INVALID_ARGUMENT: Command 'MODIFY' rejected with code 'INVALID_ARGUMENT': Expected "          \
    "to modify instance of process 'p' but it contains one or more "

static void an_instance_is_modified(void **state)
{
    static const struct {
        const char *more, *answer;
    } refusals[] = {
        {"\"activateInstructions\":[{\"elementId\":\"n\"}]",
         MODIFY "activate instructions with an element that could not be found: 'n'"},
        {"\"activateInstructions\":[{\"elementId\":\"start\"}]",
         MODIFY "activate instructions for elements that are unsupported: 'start'."},
        {"\"terminateInstructions\":[{\"elementInstanceKey\":5}]",
         MODIFY "terminate instructions with an element instance that could not be found: '5'"},
        {"\"activateInstructions\":[{\"elementId\":\"two\",\"ancestorElementInstanceKey\":5}]",
         MODIFY "activate instructions with an ancestor scope key that does not exist"},
        {"\"activateInstructions\":[{\"elementId\":\"two\",\"variableInstructions\":[{\"scopeId\":"
         "\"n\"}]}]",
         MODIFY "variable instructions with a scope element id that could not be found: 'n'"},
        {"\"activateInstructions\":[{\"elementId\":\"two\",\"variableInstructions\":[{\"scopeId\":"
         "\"one\"}]}]",
         MODIFY "variable instructions with a scope element that doesn't belong"},
    };
    (void)state;
    broker_deploy(&b, "p", TWO);
    long long instance = broker_instance(&b, "p", "");
    for (size_t i = 0; i < COUNT(refusals); i++)
        expect(broker_askf(&b, "ModifyProcessInstance", "{\"processInstanceKey\":%lld,%s}",
                           instance, refusals[i].more),
               refusals[i].answer);
    assert_string_equal(
        broker_askf(
            &b, "ModifyProcessInstance",
            "{\"processInstanceKey\":%lld,\"activateInstructions\":[{\"elementId\":\"two\","
            "\"variableInstructions\":[{\"scopeId\":\"two\",\"variables\":\"{\\\"own\\\":1}\"},"
            "{\"variables\":\"{\\\"all\\\":2}\"}]}],\"terminateInstructions\":[{"
            "\"elementInstanceKey\":%lld}]}",
            instance, instance + 2),
        "{}");
    assert_int_equal(broker_job(&b, "t", 1), 0);
    assert_string_equal(variables_of_job("u", ""), "{\\\"own\\\":1,\\\"all\\\":2}");
    assert_string_equal(
        broker_askf(
            &b, "ModifyProcessInstance",
            "{\"processInstanceKey\":%lld,\"moveInstructions\":[{\"sourceElementId\":\"two\","
            "\"targetElementId\":\"one\"}]}",
            instance),
        "{}");
    assert_int_equal(broker_job(&b, "u", 1), 0);
    assert_int_not_equal(broker_job(&b, "t", 60000), 0);
    assert_string_equal(broker_askf(&b, "ModifyProcessInstance",
                                    "{\"processInstanceKey\":%lld,\"terminateInstructions\":[{"
                                    "\"elementId\":\"one\"}]}",
                                    instance),
                        "{}");
    assert_false(broker_runs(&b, instance));
    expect(broker_askf(&b, "ModifyProcessInstance", "{\"processInstanceKey\":%lld}", instance),
           "NOT_FOUND: Command 'MODIFY' rejected with code 'NOT_FOUND': Expected to modify process "
           "instance but no process instance found with key ");
}

#define MIGRATE(code)                                                                              \
    ": Command 'MIGRATE' rejected with code '" code "': Expected to migrate process "

static void an_instance_is_migrated(void **state)
{
    static const char map[] = "{\"sourceElementId\":\"%s\",\"targetElementId\":\"%s\"}";
    static const struct {
        const char *from, *to, *answer;
    } refusals[] = {
        {"two", "x", "FAILED_PRECONDITION" MIGRATE("INVALID_STATE")},
        {"n", "x", "INVALID_ARGUMENT" MIGRATE("INVALID_ARGUMENT")},
        {"one", "n", "INVALID_ARGUMENT" MIGRATE("INVALID_ARGUMENT")},
        {"one", "end", "FAILED_PRECONDITION" MIGRATE("INVALID_STATE")},
    };
    (void)state;
    broker_deploy(&b, "p", TWO);
    broker_deploy(&b, "q", LINE(JOB("x", "v")));
    long long instance = broker_instance(&b, "p", ""), target = KEY(4);
    char json[300];
    for (size_t i = 0; i < COUNT(refusals); i++) {
        (void)snprintf(json, sizeof json, map, refusals[i].from, refusals[i].to);
        expect(broker_askf(&b, "MigrateProcessInstance",
                           "{\"processInstanceKey\":%lld,\"migrationPlan\":{"
                           "\"targetProcessDefinitionKey\":%lld,\"mappingInstructions\":[%s]}}",
                           instance, target, json),
               refusals[i].answer);
    }
    expect(
        broker_askf(&b, "MigrateProcessInstance", "{\"processInstanceKey\":%lld}", instance),
        "NOT_FOUND" MIGRATE("NOT_FOUND") "instance to process definition but no process definition "
                                         "found with key '0'");
    expect(broker_ask(&b, "MigrateProcessInstance", "{\"processInstanceKey\":5}"),
           "NOT_FOUND" MIGRATE("NOT_FOUND") "instance but no process instance found with key '5'");
    assert_string_equal(
        broker_askf(
            &b, "MigrateProcessInstance",
            "{\"processInstanceKey\":%lld,\"migrationPlan\":{\"targetProcessDefinitionKey\":"
            "%lld,\"mappingInstructions\":[{\"sourceElementId\":\"one\",\"targetElementId\":"
            "\"x\"}]}}",
            instance, target),
        "{}");
    expect(broker_askf(&b, "DeleteResource", "{\"resourceKey\":%lld}", (long long)KEY(2)), "{");
    struct got got = {.text = NULL}; /* the job is what it was, of what it is now */
    broker_wait(&b, &got, "ActivateJobs",
                "{\"type\":\"t\",\"timeout\":60000,\"maxJobsToActivate\":1}");
    assert_non_null(strstr(got.text, "\"bpmnProcessId\":\"q\""));
    assert_non_null(strstr(got.text, "\"elementId\":\"x\""));
    broker_askf(&b, "CompleteJob", "{\"jobKey\":%lld}", (long long)number_in(got.text, "key", 0));
    got_end(&got);
    assert_false(broker_runs(&b, instance));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_cannot_be_created_says_why),
        CASE(an_instance_goes_along_its_line_and_is_forgotten),
        CASE(it_starts_and_ends_where_it_is_told),
        CASE(a_cancelled_instance_takes_its_job_with_it),
        CASE(a_time_passes),
        CASE(a_task_s_own_variables_hide_the_instance_s),
        CASE(an_instance_is_modified),
        CASE(an_instance_is_migrated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
