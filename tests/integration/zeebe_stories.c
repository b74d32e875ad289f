/* Every typed command on the sandbox's engine: what it does there, and what it says when it cannot.
 */
#include "lib/check.h"
#include "lib/sandboxed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

#define LIMIT 20000

#define BPMN(id, inside)                                                                           \
    "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' "                            \
    "xmlns:zeebe='http://camunda.org/schema/zeebe/1.0' targetNamespace='t'>"                       \
    "<process id='" id "' isExecutable='true'>" inside "</process></definitions>"
#define TASK(id, type)                                                                             \
    "<serviceTask id='" id "'><extensionElements><zeebe:taskDefinition type='" type                \
    "' retries='3'/></extensionElements></serviceTask>"

static const char hello[] = BPMN(
    "hello",
    "<startEvent id='s'/><sequenceFlow id='f' sourceRef='s' targetRef='e'/><endEvent id='e'/>");
static const char work[] =
    BPMN("work", "<startEvent id='s'/><sequenceFlow id='f' sourceRef='s' "
                 "targetRef='task'/>" TASK("task", "t") "<sequenceFlow id='g' sourceRef='task' "
                                                        "targetRef='e'/><endEvent id='e'/>");
static const char other[] =
    BPMN("other", "<startEvent id='s'/><sequenceFlow id='f' sourceRef='s' "
                  "targetRef='job'/>" TASK("job", "t") "<sequenceFlow id='g' sourceRef='job' "
                                                       "targetRef='e'/><endEvent id='e'/>");

static struct sandbox *sandbox;
static weir_channel *channel;
static weir_zeebe *zeebe;

static int setup(void **state)
{
    const struct sandbox_options options = {.only = "zeebe"};
    (void)state;
    sandbox = sandboxed_start(&options);
    channel = weir_channel_insecure(
        WEIR_CHANNEL(.grpc_address = sandbox_value(sandbox, "ZEEBE_ADDRESS")), NULL);
    zeebe = weir_zeebe_new(channel, NULL);
    return zeebe ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    sandbox_stop(sandbox);
    return 0;
}

/* ---- steps: each fails the test when it does not go as it must ------------------------------- */

static weir_error err;

#define DOES(command)                                                                              \
    do {                                                                                           \
        if ((command) != WEIR_OK)                                                                  \
            fail_msg("%s", err.message);                                                           \
    } while (0)

static void says(weir_status status, int32_t kind)
{
    if (err.status != status || err.kind != kind)
        fail_msg("%s, kind %d: %s", weir_status_name(err.status), (int)err.kind, err.message);
}

/* The key of the one process in it. */
static int64_t deploy(const char *name, const char *text)
{
    const weir_resource resources[] = {{name, {text, strlen(text)}}, {0}};
    weir_deployment *d = weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.resources = resources), LIMIT, &err);
    if (!d)
        fail_msg("%s", err.message);
    assert_int_equal(d->count, 1);
    int64_t key = d->items[0].key;
    weir_deployment_free(d);
    return key;
}

static int64_t create(const char *id)
{
    weir_instance *i = weir_zeebe_create_instance(
        zeebe, WEIR_CREATE_INSTANCE(.process_id = id, .variables = "{\"n\":1}"), LIMIT, &err);
    if (!i)
        fail_msg("%s", err.message);
    int64_t key = i->key;
    weir_instance_free(i);
    return key;
}

/* The job of type "t" that is there; a field of it. */
static int64_t activate(const char *field)
{
    char *text = NULL, name[64];
    long long value = 0;
    err = (weir_error){0};
    weir_call *call = weir_zeebe_call_start(
        zeebe, "ActivateJobs",
        "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":600000,\"maxJobsToActivate\":1}",
        WEIR_CALL(.compact = true, .timeout = LIMIT), &err);
    DOES(weir_call_next(call, &text, LIMIT, &err));
    snprintf(name, sizeof name, "\"%s\":\"", field);
    assert_non_null(strstr(text, name));
    assert_int_equal(sscanf(strstr(text, name) + strlen(name), "%lld", &value), 1);
    weir_free(text);
    weir_call_free(call);
    return value;
}

static int64_t last_incident(void)
{
    char *log = sandbox_requests(sandbox, &err), *last = NULL;
    long long key = 0;
    for (char *at = log; (at = strstr(at, "\"what\":\"zeebe.incident\"")); at++)
        last = at;
    assert_non_null(last);
    const char *found = strstr(last, "\"incidentKey\":");
    assert_non_null(found);
    assert_int_equal(sscanf(found + strcspn(found, "0123456789"), "%lld", &key), 1);
    weir_free(log);
    return key;
}

/* ---- instances ------------------------------------------------------------------------------- */

static void what_is_deployed_runs_to_its_result(void **state)
{
    const weir_resource resources[] = {
        {"hello.bpmn", {hello, sizeof hello - 1}}, {"work.bpmn", {work, sizeof work - 1}}, {0}};
    const char *const fetch[] = {"b", NULL};
    (void)state;
    weir_deployment *d = weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.resources = resources), LIMIT, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(d->count, 2);
    assert_int_equal(d->items[0].type, WEIR_DEPLOYED_PROCESS);
    assert_string_equal(d->items[0].id, "hello");
    assert_string_equal(d->items[0].resource_name, "hello.bpmn");
    assert_int_equal(d->items[0].version, 1);
    assert_true(d->key > 0);
    weir_instance *i = weir_zeebe_create_with_result(
        zeebe, WEIR_CREATE_INSTANCE(.process_id = "hello", .variables = "{\"a\":1,\"b\":[2]}"),
        LIMIT, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(i->process_definition_key, d->items[0].key);
    assert_string_equal(i->process_id, "hello");
    assert_int_equal(i->version, 1);
    assert_non_null(strstr(i->variables, "\"a\":1"));
    weir_instance_free(i);
    i = weir_zeebe_create_with_result(
        zeebe,
        WEIR_CREATE_INSTANCE(.process_definition_key = d->items[0].key,
                             .variables = "{\"a\":1,\"b\":[2]}", .fetch_variables = fetch),
        LIMIT, &err);
    assert_string_equal(err.message, "");
    assert_string_equal(i->variables, "{\"b\":[2]}");
    weir_instance_free(i);
    weir_deployment_free(d);
}

static void a_result_that_does_not_come_times_out_and_the_instance_goes_on(void **state)
{
    (void)state;
    deploy("work.bpmn", work);
    weir_create_instance *what = WEIR_CREATE_INSTANCE(.process_id = "work", .request_timeout = 50);
    assert_null(weir_zeebe_create_with_result(zeebe, what, LIMIT, &err));
    says(WEIR_TIMEOUT, WEIR_KIND_PROCESS_TIMED_OUT);
    DOES(
        weir_zeebe_complete_job(zeebe, WEIR_COMPLETE_JOB(.job_key = activate("key")), LIMIT, &err));
}

static void instances_are_changed_and_cancelled(void **state)
{
    int64_t key = 0;
    (void)state;
    deploy("work.bpmn", work);
    int64_t target = deploy("other.bpmn", other);
    int64_t instance = create("work");
    DOES(weir_zeebe_set_variables(
        zeebe, WEIR_SET_VARIABLES(.element_instance_key = instance, .variables = "{\"n\":2}"), &key,
        LIMIT, &err));
    assert_true(key > 0);
    const weir_element_mapping mappings[] = {{"task", "job"}, {0}};
    DOES(weir_zeebe_migrate_instance(zeebe,
                                     WEIR_MIGRATE_INSTANCE(.instance_key = instance,
                                                           .target_process_definition_key = target,
                                                           .mappings = mappings),
                                     LIMIT, &err));
    const weir_terminate_element terminate[] = {{activate("elementInstanceKey"), NULL}, {0}};
    const weir_activate_element again[] = {{.element_id = "job"}, {0}};
    DOES(weir_zeebe_modify_instance(
        zeebe,
        WEIR_MODIFY_INSTANCE(.instance_key = instance, .activate = again, .terminate = terminate),
        LIMIT, &err));
    assert_int_equal(activate("processInstanceKey"), instance);
    weir_cancel_instance *cancel = WEIR_CANCEL_INSTANCE(.instance_key = instance);
    DOES(weir_zeebe_cancel_instance(zeebe, cancel, LIMIT, &err));
    (void)weir_zeebe_cancel_instance(zeebe, cancel, LIMIT, &err);
    says(WEIR_NOT_FOUND, WEIR_KIND_INSTANCE_NOT_FOUND);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void a_job_is_completed_once(void **state)
{
    (void)state;
    deploy("work.bpmn", work);
    (void)create("work");
    weir_complete_job *complete =
        WEIR_COMPLETE_JOB(.job_key = activate("key"), .variables = "{\"done\":true}");
    DOES(weir_zeebe_update_timeout(
        zeebe, WEIR_UPDATE_TIMEOUT(.job_key = complete->job_key, .job_timeout = 900000), LIMIT,
        &err));
    DOES(weir_zeebe_complete_job(zeebe, complete, LIMIT, &err));
    (void)weir_zeebe_complete_job(zeebe, complete, LIMIT, &err);
    says(WEIR_NOT_FOUND, WEIR_KIND_JOB_NOT_FOUND);
}

static void a_job_that_fails_for_good_is_an_incident_that_can_be_resolved(void **state)
{
    (void)state;
    deploy("work.bpmn", work);
    (void)create("work");
    weir_fail_job *fail = WEIR_FAIL_JOB(.job_key = activate("key"), .message = "no paint");
    DOES(weir_zeebe_fail_job(zeebe, fail, LIMIT, &err));
    (void)weir_zeebe_fail_job(zeebe, fail, LIMIT, &err);
    says(WEIR_CONFLICT, WEIR_KIND_JOB_DEACTIVATED);
    DOES(weir_zeebe_update_retries(
        zeebe, WEIR_UPDATE_RETRIES(.job_key = fail->job_key, .retries = 1), LIMIT, &err));
    weir_resolve_incident *resolve = WEIR_RESOLVE_INCIDENT(.incident_key = last_incident());
    DOES(weir_zeebe_resolve_incident(zeebe, resolve, LIMIT, &err));
    (void)weir_zeebe_resolve_incident(zeebe, resolve, LIMIT, &err);
    says(WEIR_NOT_FOUND, WEIR_KIND_INCIDENT_NOT_FOUND);
    DOES(
        weir_zeebe_complete_job(zeebe, WEIR_COMPLETE_JOB(.job_key = activate("key")), LIMIT, &err));
}

static void an_error_that_nothing_catches_is_an_incident(void **state)
{
    (void)state;
    deploy("work.bpmn", work);
    int64_t instance = create("work");
    DOES(weir_zeebe_throw_error(
        zeebe,
        WEIR_THROW_ERROR(.job_key = activate("key"), .code = "E", .message = "nobody is there"),
        LIMIT, &err));
    assert_true(last_incident() > 0);
    DOES(weir_zeebe_cancel_instance(zeebe, WEIR_CANCEL_INSTANCE(.instance_key = instance), LIMIT,
                                    &err));
}

/* ---- messages, signals, decisions, resources ------------------------------------------------- */

static void a_message_lives_once(void **state)
{
    int64_t key = 0, second = 0;
    (void)state;
    weir_publish *message =
        WEIR_PUBLISH(.name = "paid", .correlation_key = "o", .message_id = "m-1");
    DOES(weir_zeebe_publish(zeebe, message, &key, LIMIT, &err));
    assert_true(key > 0);
    (void)weir_zeebe_publish(zeebe, message, &second, LIMIT, &err);
    says(WEIR_CONFLICT, WEIR_KIND_MESSAGE_EXISTS);
    assert_int_equal(second, 0);
    DOES(weir_zeebe_broadcast(zeebe, WEIR_BROADCAST(.name = "s"), &key, LIMIT, &err));
    assert_true(key > 0);
}

static void what_is_not_there_is_told_apart(void **state)
{
    const weir_resource broken[] = {{"x.bpmn", {"<no", 3}}, {0}};
    (void)state;
    assert_null(weir_zeebe_create_instance(zeebe, WEIR_CREATE_INSTANCE(.process_id = "nowhere"),
                                           LIMIT, &err));
    says(WEIR_NOT_FOUND, WEIR_KIND_PROCESS_NOT_FOUND);
    assert_null(weir_zeebe_evaluate(zeebe, WEIR_EVALUATE(.decision_id = "d"), LIMIT, &err));
    says(WEIR_NOT_FOUND, WEIR_KIND_DECISION_NOT_FOUND);
    assert_null(weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.resources = broken), LIMIT, &err));
    says(WEIR_INVALID, WEIR_KIND_INVALID_RESOURCE);
    assert_null(
        weir_zeebe_delete_resource(zeebe, WEIR_DELETE_RESOURCE(.resource_key = 1), LIMIT, &err));
    says(WEIR_NOT_FOUND, WEIR_KIND_UNKNOWN);
}

static void what_was_deployed_is_deleted(void **state)
{
    (void)state;
    int64_t key = deploy("hello.bpmn", hello);
    weir_deletion *deletion =
        weir_zeebe_delete_resource(zeebe, WEIR_DELETE_RESOURCE(.resource_key = key), LIMIT, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(strtoll(deletion->resource_key, NULL, 10), key);
    weir_deletion_free(deletion);
}

/* ---- what is repeated ------------------------------------------------------------------------ */

static void a_command_that_may_have_arrived_is_not_sent_again(void **state)
{
    uint64_t before = sandbox_count(sandbox, "zeebe.PublishMessage");
    weir_publish *message = WEIR_PUBLISH(.name = "n", .correlation_key = "c", .message_id = "m-2");
    (void)state;
    sandboxed_fault(sandbox, "zeebe.PublishMessage 1 status:UNAVAILABLE");
    (void)weir_zeebe_publish(zeebe, message, NULL, LIMIT, &err);
    says(WEIR_UNREACHABLE, WEIR_KIND_UNKNOWN);
    assert_int_equal(sandbox_count(sandbox, "zeebe.PublishMessage") - before, 1);
    sandboxed_fault(sandbox, "zeebe.PublishMessage 2 status:RESOURCE_EXHAUSTED");
    DOES(weir_zeebe_publish(zeebe, message, NULL, LIMIT, &err));
    assert_int_equal(sandbox_count(sandbox, "zeebe.PublishMessage") - before, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_deployed_runs_to_its_result),
        cmocka_unit_test(a_result_that_does_not_come_times_out_and_the_instance_goes_on),
        cmocka_unit_test(instances_are_changed_and_cancelled),
        cmocka_unit_test(a_job_is_completed_once),
        cmocka_unit_test(a_job_that_fails_for_good_is_an_incident_that_can_be_resolved),
        cmocka_unit_test(an_error_that_nothing_catches_is_an_incident),
        cmocka_unit_test(a_message_lives_once),
        cmocka_unit_test(what_is_not_there_is_told_apart),
        cmocka_unit_test(what_was_deployed_is_deleted),
        cmocka_unit_test(a_command_that_may_have_arrived_is_not_sent_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
