/* Typed commands: what each sends, field by field, and what is refused before anything is sent. A
 * command is started, and the bytes of its request are read as the message that they should be. */
#include "core/mem.h"
#include "lib/check.h"
#include "lib/h2server.h"
#include "zeebe/pending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/weir.h>

#define LIMIT 20000

static struct h2server *server;
static weir_channel *channel;
static weir_zeebe *zeebe;

static int setup(void **state)
{
    const struct h2server_options options = {0};
    char address[64];
    (void)state;
    server = h2server_start(&options);
    snprintf(address, sizeof address, "http://127.0.0.1:%u", (unsigned)h2server_port(server));
    channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), NULL);
    zeebe = weir_zeebe_new(channel, NULL);
    return zeebe ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    h2server_stop(server);
    return 0;
}

/* ---- every field arrives --------------------------------------------------------------------- */

/* Ends the call. `expected`: all the fields that there are, none of them zero. */
static void check_sent(weir_call *call, const weir_error *err, const char *rpc, bool all,
                       const char *expected)
{
    static const char *const zeros[] = {":0", ":\"0\"", ":\"\"", ":[]", ":null", ":false"};
    weir_error why = {0};
    assert_string_equal(err->message, "");
    assert_non_null(call);
    const struct command *c = &call->command;
    assert_string_equal(c->method->name, rpc);
    char *text = codec_wire_to_json(c->method->request, c->request, true, &why);
    assert_string_equal(why.message, "");
    assert_string_equal(text, expected);
    for (size_t i = 0; all && i < COUNT(zeros); i++)
        assert_null(strstr(text, zeros[i]));
    mem_free(text);
    weir_call_free(call);
}

static void create_sends_every_field(void **state)
{
    weir_error err = {0};
    const char *const starts[] = {"s1", "s2", NULL}, *const ends[] = {"e1", "e2", NULL};
    const char *const tags[] = {"t1", "t2", NULL}, *const fetch[] = {"f1", "f2", NULL};
    (void)state;
    weir_create_instance *what =
        WEIR_CREATE_INSTANCE(.process_id = "order", .version = 3, .variables = "{\"a\":1}",
                             .tenant_id = "t", .operation_reference = INT64_MAX,
                             .start_elements = starts, .terminate_after = ends, .tags = tags,
                             .business_id = "b");
    check_sent(weir_zeebe_create_instance_start(zeebe, what, LIMIT, &err), &err,
               "CreateProcessInstance", false,
               "{\"processDefinitionKey\":\"0\",\"bpmnProcessId\":\"order\",\"version\":3,"
               "\"variables\":\"{\\\"a\\\":1}\",\"startInstructions\":[{\"elementId\":\"s1\"},"
               "{\"elementId\":\"s2\"}],\"tenantId\":\"t\","
               "\"operationReference\":\"9223372036854775807\",\"runtimeInstructions\":["
               "{\"terminate\":{\"afterElementId\":\"e1\"}},"
               "{\"terminate\":{\"afterElementId\":\"e2\"}}],\"tags\":[\"t1\",\"t2\"],"
               "\"businessId\":\"b\"}");
    check_sent(weir_zeebe_create_instance_start(
                   zeebe, WEIR_CREATE_INSTANCE(.process_definition_key = 7), LIMIT, &err),
               &err, "CreateProcessInstance", false,
               "{\"processDefinitionKey\":\"7\",\"bpmnProcessId\":\"\",\"version\":-1,"
               "\"variables\":\"\",\"startInstructions\":[],\"tenantId\":\"\","
               "\"runtimeInstructions\":[],\"tags\":[]}");
    what = WEIR_CREATE_INSTANCE(.process_id = "p", .version = WEIR_ZERO,
                                .operation_reference = WEIR_ZERO, .business_id = "",
                                .fetch_variables = fetch, .request_timeout = 1234);
    check_sent(weir_zeebe_create_with_result_start(zeebe, what, LIMIT, &err), &err,
               "CreateProcessInstanceWithResult", false,
               "{\"request\":{\"processDefinitionKey\":\"0\",\"bpmnProcessId\":\"p\","
               "\"version\":0,\"variables\":\"\",\"startInstructions\":[],\"tenantId\":\"\","
               "\"operationReference\":\"0\",\"runtimeInstructions\":[],\"tags\":[],"
               "\"businessId\":\"\"},\"requestTimeout\":\"1234\","
               "\"fetchVariables\":[\"f1\",\"f2\"]}");
}

static void messages_and_signals_send_every_field(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_publish *message =
        WEIR_PUBLISH(.name = "paid", .correlation_key = "o-1", .message_id = "m",
                     .time_to_live = 5000, .variables = "{\"a\":1}", .tenant_id = "t");
    check_sent(weir_zeebe_publish_start(zeebe, message, LIMIT, &err), &err, "PublishMessage", true,
               "{\"name\":\"paid\",\"correlationKey\":\"o-1\",\"timeToLive\":\"5000\","
               "\"messageId\":\"m\",\"variables\":\"{\\\"a\\\":1}\",\"tenantId\":\"t\"}");
    check_sent(weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n"), LIMIT, &err), &err,
               "PublishMessage", false,
               "{\"name\":\"n\",\"correlationKey\":\"\",\"timeToLive\":\"60000\","
               "\"messageId\":\"\",\"variables\":\"\",\"tenantId\":\"\"}");
    check_sent(weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n", .time_to_live = WEIR_ZERO),
                                        LIMIT, &err),
               &err, "PublishMessage", false,
               "{\"name\":\"n\",\"correlationKey\":\"\",\"timeToLive\":\"0\","
               "\"messageId\":\"\",\"variables\":\"\",\"tenantId\":\"\"}");
    weir_broadcast *signal =
        WEIR_BROADCAST(.name = "s", .variables = "{\"a\":1}", .tenant_id = "t");
    check_sent(weir_zeebe_broadcast_start(zeebe, signal, LIMIT, &err), &err, "BroadcastSignal",
               true, "{\"signalName\":\"s\",\"variables\":\"{\\\"a\\\":1}\",\"tenantId\":\"t\"}");
}

static void commands_to_instances_send_every_field(void **state)
{
    weir_error err = {0};
    (void)state;
    check_sent(
        weir_zeebe_cancel_instance_start(
            zeebe, WEIR_CANCEL_INSTANCE(.instance_key = 5, .operation_reference = 6), LIMIT, &err),
        &err, "CancelProcessInstance", true,
        "{\"processInstanceKey\":\"5\",\"operationReference\":\"6\"}");
    weir_set_variables *set =
        WEIR_SET_VARIABLES(.element_instance_key = 5, .variables = "{\"a\":1}", .local = true,
                           .operation_reference = 6);
    check_sent(weir_zeebe_set_variables_start(zeebe, set, LIMIT, &err), &err, "SetVariables", true,
               "{\"elementInstanceKey\":\"5\",\"variables\":\"{\\\"a\\\":1}\",\"local\":true,"
               "\"operationReference\":\"6\"}");
    check_sent(
        weir_zeebe_resolve_incident_start(
            zeebe, WEIR_RESOLVE_INCIDENT(.incident_key = 5, .operation_reference = 6), LIMIT, &err),
        &err, "ResolveIncident", true, "{\"incidentKey\":\"5\",\"operationReference\":\"6\"}");
    weir_element_mapping mappings[] = {{"a", "b"}, {"c", "d"}, {0}};
    weir_migrate_instance *migrate =
        WEIR_MIGRATE_INSTANCE(.instance_key = 5, .target_process_definition_key = 7,
                              .mappings = mappings, .operation_reference = 6);
    check_sent(weir_zeebe_migrate_instance_start(zeebe, migrate, LIMIT, &err), &err,
               "MigrateProcessInstance", true,
               "{\"processInstanceKey\":\"5\",\"migrationPlan\":{\"targetProcessDefinitionKey\":"
               "\"7\",\"mappingInstructions\":[{\"sourceElementId\":\"a\",\"targetElementId\":"
               "\"b\"},{\"sourceElementId\":\"c\",\"targetElementId\":\"d\"}]},"
               "\"operationReference\":\"6\"}");
}

static void modify_sends_every_field(void **state)
{
    weir_error err = {0};
    const weir_scoped_variables in_a[] = {{"{\"a\":1}", "s"}, {"{}", "t"}, {0}};
    const weir_activate_element activate[] = {{"x", 8, in_a}, {"y", 9, in_a}, {0}};
    const weir_terminate_element terminate[] = {{5, "z"}, {0}};
    const weir_move_element move[] = {{1, "s", "t", in_a, 2, true, true}, {0}};
    (void)state;
    weir_modify_instance *what =
        WEIR_MODIFY_INSTANCE(.instance_key = 5, .activate = activate, .terminate = terminate,
                             .move = move, .operation_reference = 6);
#define IN_A                                                                                       \
    "\"variableInstructions\":[{\"variables\":\"{\\\"a\\\":1}\",\"scopeId\":\"s\"},"               \
    "{\"variables\":\"{}\",\"scopeId\":\"t\"}]"
    check_sent(weir_zeebe_modify_instance_start(zeebe, what, LIMIT, &err), &err,
               "ModifyProcessInstance", true,
               "{\"processInstanceKey\":\"5\",\"activateInstructions\":[{\"elementId\":\"x\","
               "\"ancestorElementInstanceKey\":\"8\"," IN_A
               "},{\"elementId\":\"y\",\"ancestorElementInstanceKey\":\"9\"," IN_A
               "}],\"terminateInstructions\":[{\"elementInstanceKey\":\"5\",\"elementId\":\"z\"}],"
               "\"operationReference\":\"6\",\"moveInstructions\":[{\"sourceElementInstanceKey\":"
               "\"1\",\"sourceElementId\":\"s\",\"targetElementId\":\"t\"," IN_A
               ",\"ancestorElementInstanceKey\":\"2\","
               "\"inferAncestorScopeFromSourceHierarchy\":true,"
               "\"useSourceParentKeyAsAncestorScopeKey\":true}]}");
}

static void commands_to_jobs_send_every_field(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_complete_job *complete =
        WEIR_COMPLETE_JOB(.job_key = 5, .variables = "{\"a\":1}",
                          .result = "{\"denied\":true,\"corrections\":{\"priority\":3}}");
    check_sent(weir_zeebe_complete_job_start(zeebe, complete, LIMIT, &err), &err, "CompleteJob",
               false,
               "{\"jobKey\":\"5\",\"variables\":\"{\\\"a\\\":1}\",\"result\":{\"denied\":true,"
               "\"corrections\":{\"priority\":3},\"activateElements\":[]}}");
    weir_fail_job *fail = WEIR_FAIL_JOB(.job_key = 5, .retries = 2, .backoff = 3000,
                                        .message = "no", .variables = "{\"a\":1}");
    check_sent(weir_zeebe_fail_job_start(zeebe, fail, LIMIT, &err), &err, "FailJob", true,
               "{\"jobKey\":\"5\",\"retries\":2,\"errorMessage\":\"no\",\"retryBackOff\":\"3000\","
               "\"variables\":\"{\\\"a\\\":1}\"}");
    weir_throw_error *throw_error =
        WEIR_THROW_ERROR(.job_key = 5, .code = "E", .message = "no", .variables = "{\"a\":1}");
    check_sent(weir_zeebe_throw_error_start(zeebe, throw_error, LIMIT, &err), &err, "ThrowError",
               true,
               "{\"jobKey\":\"5\",\"errorCode\":\"E\",\"errorMessage\":\"no\","
               "\"variables\":\"{\\\"a\\\":1}\"}");
    weir_update_retries *retries =
        WEIR_UPDATE_RETRIES(.job_key = 5, .retries = 2, .operation_reference = 6);
    check_sent(weir_zeebe_update_retries_start(zeebe, retries, LIMIT, &err), &err,
               "UpdateJobRetries", true,
               "{\"jobKey\":\"5\",\"retries\":2,\"operationReference\":\"6\"}");
    weir_update_timeout *timeout =
        WEIR_UPDATE_TIMEOUT(.job_key = 5, .job_timeout = 2000, .operation_reference = 6);
    check_sent(weir_zeebe_update_timeout_start(zeebe, timeout, LIMIT, &err), &err,
               "UpdateJobTimeout", true,
               "{\"jobKey\":\"5\",\"timeout\":\"2000\",\"operationReference\":\"6\"}");
}

static void decisions_and_deletions_send_every_field(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_evaluate *by_id =
        WEIR_EVALUATE(.decision_id = "d", .variables = "{\"a\":1}", .tenant_id = "t");
    check_sent(weir_zeebe_evaluate_start(zeebe, by_id, LIMIT, &err), &err, "EvaluateDecision",
               false,
               "{\"decisionKey\":\"0\",\"decisionId\":\"d\",\"variables\":\"{\\\"a\\\":1}\","
               "\"tenantId\":\"t\"}");
    check_sent(weir_zeebe_evaluate_start(zeebe, WEIR_EVALUATE(.decision_key = 3), LIMIT, &err),
               &err, "EvaluateDecision", false,
               "{\"decisionKey\":\"3\",\"decisionId\":\"\",\"variables\":\"\",\"tenantId\":\"\"}");
    weir_delete_resource *what =
        WEIR_DELETE_RESOURCE(.resource_key = 5, .operation_reference = 6, .delete_history = true);
    check_sent(weir_zeebe_delete_resource_start(zeebe, what, LIMIT, &err), &err, "DeleteResource",
               true, "{\"resourceKey\":\"5\",\"operationReference\":\"6\",\"deleteHistory\":true}");
    check_sent(weir_zeebe_topology_start(zeebe, LIMIT, &err), &err, "Topology", true, "{}");
    check_sent(weir_zeebe_health_start(zeebe, NULL, LIMIT, &err), &err, "Check", true,
               "{\"service\":\"gateway_protocol.Gateway\"}");
    check_sent(weir_zeebe_health_start(zeebe, "x", LIMIT, &err), &err, "Check", true,
               "{\"service\":\"x\"}");
}

/* A length of two bytes and more moves what it stands before. */
static void long_instructions_keep_their_length(void **state)
{
    weir_error err = {0};
    char id[70001], expected[70300];
    (void)state;
    for (size_t len = 1; len < sizeof id; len = len < 300 ? len + 1 : len * 3) {
        const char *const starts[] = {id, "end", NULL};
        memset(id, 'x', len);
        id[len] = '\0';
        snprintf(expected, sizeof expected,
                 "{\"processDefinitionKey\":\"0\",\"bpmnProcessId\":\"p\",\"version\":-1,"
                 "\"variables\":\"\",\"startInstructions\":[],\"tenantId\":\"\","
                 "\"runtimeInstructions\":[{\"terminate\":{\"afterElementId\":\"%s\"}},"
                 "{\"terminate\":{\"afterElementId\":\"end\"}}],\"tags\":[]}",
                 id);
        check_sent(weir_zeebe_create_instance_start(
                       zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .terminate_after = starts),
                       LIMIT, &err),
                   &err, "CreateProcessInstance", false, expected);
    }
}

/* ---- limits of a result ---------------------------------------------------------------------- */

static int64_t asked_for(const weir_create_instance *what, weir_ms timeout, weir_ms *left)
{
    long long asked = 0;
    weir_error err = {0};
    weir_call *call = weir_zeebe_create_with_result_start(zeebe, what, timeout, &err);
    assert_non_null(call);
    const struct command *c = &call->command;
    char *text = codec_wire_to_json(c->method->request, c->request, true, &err);
    const char *at = strstr(text, "\"requestTimeout\":\"");
    assert_int_equal(sscanf(at, "\"requestTimeout\":\"%lld", &asked), 1);
    *left = deadline_left(channel->clock, c->until);
    mem_free(text);
    weir_call_free(call);
    return asked;
}

static void the_gateway_gives_up_waiting_for_a_result_before_we_do(void **state)
{
    weir_ms left;
    const weir_create_instance *plain = WEIR_CREATE_INSTANCE(.process_id = "p");
    const weir_create_instance *asked =
        WEIR_CREATE_INSTANCE(.process_id = "p", .request_timeout = 3600000);
    (void)state;
    int64_t sent = asked_for(plain, 1000000, &left);
    assert_in_range(sent, 1, 900000);
    assert_in_range(sent, 1, left);
    assert_in_range(asked_for(plain, 1, &left), 1, 1);
    assert_int_equal(asked_for(plain, WEIR_FOREVER, &left), 24 * 3600 * 1000);
    assert_int_equal(left, WEIR_FOREVER);
    assert_int_equal(asked_for(asked, LIMIT, &left), 3600000);
    assert_in_range(left, 0, LIMIT);
    assert_int_equal(asked_for(asked, WEIR_DEFAULT_TIMEOUT, &left), 3600000);
    assert_in_range(left, 1, 3610000);
    assert_true(left > LIMIT); /* the default alone would be 10 s */
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void refused(weir_call *call, weir_error *err, int32_t kind, const char *says)
{
    assert_null(call);
    assert_int_equal(err->status, WEIR_INVALID);
    assert_int_equal(err->kind, kind);
    if (!strstr(err->message, says))
        fail_msg("'%s' does not say '%s'", err->message, says);
    *err = (weir_error){0};
}

#define REFUSED(call, kind, says) refused(call, &err, kind, says)

static void what_is_missing_is_named(void **state)
{
    weir_error err = {0};
    size_t before = h2server_stats(server).requests;
    (void)state;
    REFUSED(weir_zeebe_create_instance_start(zeebe, NULL, LIMIT, &err), 0,
            "weir_zeebe_create_instance(): process_id is missing");
    REFUSED(weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.correlation_key = "x"), LIMIT, &err), 0,
            "weir_zeebe_publish(): name is missing");
    REFUSED(weir_zeebe_broadcast_start(zeebe, WEIR_BROADCAST(.name = ""), LIMIT, &err), 0,
            "name is missing");
    REFUSED(weir_zeebe_cancel_instance_start(zeebe, NULL, LIMIT, &err), 0,
            "instance_key is missing");
    REFUSED(weir_zeebe_set_variables_start(zeebe, WEIR_SET_VARIABLES(.element_instance_key = 1),
                                           LIMIT, &err),
            0, "variables is missing");
    REFUSED(weir_zeebe_resolve_incident_start(zeebe, NULL, LIMIT, &err), 0,
            "incident_key is missing");
    REFUSED(weir_zeebe_modify_instance_start(zeebe, WEIR_MODIFY_INSTANCE(.instance_key = 1), LIMIT,
                                             &err),
            0, "nothing to activate");
    REFUSED(weir_zeebe_migrate_instance_start(zeebe, WEIR_MIGRATE_INSTANCE(.instance_key = 1),
                                              LIMIT, &err),
            0, "target_process_definition_key is missing");
    REFUSED(weir_zeebe_deploy_start(zeebe, NULL, LIMIT, &err), 0, "there is nothing to deploy");
    REFUSED(weir_zeebe_delete_resource_start(zeebe, NULL, LIMIT, &err), 0,
            "resource_key is missing");
    REFUSED(weir_zeebe_evaluate_start(zeebe, NULL, LIMIT, &err), 0, "decision_id is missing");
    REFUSED(weir_zeebe_complete_job_start(zeebe, NULL, LIMIT, &err), 0, "job_key is missing");
    REFUSED(weir_zeebe_fail_job_start(zeebe, NULL, LIMIT, &err), 0, "job_key is missing");
    REFUSED(weir_zeebe_throw_error_start(zeebe, WEIR_THROW_ERROR(.job_key = 1), LIMIT, &err), 0,
            "code is missing");
    REFUSED(weir_zeebe_update_retries_start(zeebe, WEIR_UPDATE_RETRIES(.job_key = 1), LIMIT, &err),
            0, "retries must be 1 or more");
    REFUSED(weir_zeebe_update_timeout_start(zeebe, WEIR_UPDATE_TIMEOUT(.job_key = 1), LIMIT, &err),
            0, "job_timeout is missing");
    const weir_activate_element activate[] = {{.element_id = "a"}, {.ancestor_key = 5}, {0}};
    REFUSED(weir_zeebe_modify_instance_start(
                zeebe, WEIR_MODIFY_INSTANCE(.instance_key = 1, .activate = activate), LIMIT, &err),
            0, "activate[1].element_id is missing");
    assert_int_equal(h2server_stats(server).requests, before);
}

static void what_makes_no_sense_is_named(void **state)
{
    weir_error err = {0};
    const char *const some[] = {"x", NULL}, *const bad[] = {"ok", "\xff", NULL};
    (void)state;
    REFUSED(weir_zeebe_create_instance_start(
                zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .process_definition_key = 1), LIMIT,
                &err),
            0, "not both");
    REFUSED(
        weir_zeebe_create_instance_start(
            zeebe, WEIR_CREATE_INSTANCE(.process_definition_key = 1, .version = 2), LIMIT, &err),
        0, "version belongs to process_id");
    REFUSED(weir_zeebe_create_instance_start(
                zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .version = -7), LIMIT, &err),
            0, "version is negative");
    REFUSED(
        weir_zeebe_create_instance_start(
            zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .fetch_variables = some), LIMIT, &err),
        0, "weir_zeebe_create_with_result()");
    REFUSED(weir_zeebe_create_instance_start(
                zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .tags = bad), LIMIT, &err),
            0, "tags is not UTF-8");
    REFUSED(weir_zeebe_create_with_result_start(
                zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .request_timeout = -5), LIMIT, &err),
            0, "request_timeout is negative");
    REFUSED(weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "\xc3"), LIMIT, &err), 0,
            "name is not UTF-8");
    REFUSED(
        weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n", .time_to_live = -2), LIMIT, &err),
        0, "time_to_live is negative");
    REFUSED(
        weir_zeebe_cancel_instance_start(
            zeebe, WEIR_CANCEL_INSTANCE(.instance_key = 1, .operation_reference = -1), LIMIT, &err),
        0, "operation_reference is negative");
    REFUSED(weir_zeebe_evaluate_start(zeebe, WEIR_EVALUATE(.decision_id = "d", .decision_key = 1),
                                      LIMIT, &err),
            0, "not both");
    REFUSED(weir_zeebe_update_retries_start(
                zeebe, WEIR_UPDATE_RETRIES(.job_key = 1, .retries = WEIR_ZERO), LIMIT, &err),
            0, "retries must be 1 or more");
    REFUSED(weir_zeebe_complete_job_start(
                zeebe, WEIR_COMPLETE_JOB(.job_key = 1, .result = "{\"denid\":true}"), LIMIT, &err),
            0, "denid");
}

static void variables_that_are_no_object_are_refused_with_their_place(void **state)
{
    weir_error err = {0};
    const int32_t kind = WEIR_KIND_INVALID_VARIABLES;
    const weir_scoped_variables scoped[] = {{"{}", NULL}, {"[]", NULL}, {0}};
    const weir_activate_element activate[] = {{"a", 0, scoped}, {0}};
    (void)state;
    REFUSED(weir_zeebe_create_instance_start(
                zeebe, WEIR_CREATE_INSTANCE(.process_id = "p", .variables = "{\"a\":\n 1,}"), LIMIT,
                &err),
            kind, "weir_zeebe_create_instance(): variables: no valid JSON at line 2, column 4");
    REFUSED(
        weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n", .variables = "[1]"), LIMIT, &err),
        kind, "a JSON object was expected at line 1, column 1");
    REFUSED(
        weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n", .variables = ""), LIMIT, &err),
        kind, "variables: empty");
    REFUSED(
        weir_zeebe_complete_job_start(
            zeebe, WEIR_COMPLETE_JOB(.job_key = 1, .variables = "{\"a\":\"\xff\"}"), LIMIT, &err),
        kind, "UTF-8");
    REFUSED(weir_zeebe_modify_instance_start(
                zeebe, WEIR_MODIFY_INSTANCE(.instance_key = 1, .activate = activate), LIMIT, &err),
            kind, "activate[0].variables[1].variables: ");
    assert_int_equal(
        weir_zeebe_publish(zeebe, WEIR_PUBLISH(.name = "n", .variables = "1"), NULL, LIMIT, NULL),
        WEIR_INVALID);
}

static void options_of_another_age_are_read(void **state)
{
    struct {
        weir_broadcast today;
        void *tomorrow;
    } longer = {.today = {.struct_size = sizeof longer, .name = "s"}};
    weir_error err = {0};
    (void)state;
    check_sent(weir_zeebe_broadcast_start(zeebe, &longer.today, LIMIT, &err), &err,
               "BroadcastSignal", false,
               "{\"signalName\":\"s\",\"variables\":\"\",\"tenantId\":\"\"}");
    longer.tomorrow = &longer;
    assert_null(weir_zeebe_broadcast_start(zeebe, &longer.today, LIMIT, &err));
    assert_int_equal(err.status, WEIR_UNSUPPORTED);
    err = (weir_error){0};
    longer.today.struct_size = offsetof(weir_broadcast, variables);
    longer.today.variables = "never looked at";
    check_sent(weir_zeebe_broadcast_start(zeebe, &longer.today, LIMIT, &err), &err,
               "BroadcastSignal", false,
               "{\"signalName\":\"s\",\"variables\":\"\",\"tenantId\":\"\"}");
    longer.today.struct_size = 0;
    REFUSED(weir_zeebe_broadcast_start(zeebe, &longer.today, LIMIT, &err), 0,
            "WEIR_BROADCAST(...)");
}

/* ---- deploying ------------------------------------------------------------------------------- */

static char folder[64];

static const char *put(const char *name, const char *text)
{
    static char paths[16][128];
    static size_t turn;
    char *path = paths[turn++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-deploy-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void what_is_deployed_comes_from_files_memory_and_a_folder(void **state)
{
    weir_error err = {0};
    const char *const files[] = {put("z.txt", "Z"), NULL};
    const weir_resource resources[] = {{"m.bpmn", {"M\0N", 3}}, {"e.form", {NULL, 0}}, {0}};
    char below[128];
    (void)state;
    put("b.bpmn", "B");
    put("a.dmn", "A");
    put("c.form", "C");
    put(".bpmn", "hidden");
    put(".#b.bpmn", "hidden, too");
    put("d.bpmn.bak", "D");
    snprintf(below, sizeof below, "%s/below", folder);
    assert_int_equal(mkdir(below, 0700), 0);
    put("below/x.bpmn", "X");
    weir_deploy *what =
        WEIR_DEPLOY(.files = files, .resources = resources, .folder = folder, .tenant_id = "t");
    check_sent(weir_zeebe_deploy_start(zeebe, what, LIMIT, &err), &err, "DeployResource", false,
               "{\"resources\":[{\"name\":\"z.txt\",\"content\":\"Wg==\"},"
               "{\"name\":\"m.bpmn\",\"content\":\"TQBO\"},{\"name\":\"e.form\",\"content\":\"\"},"
               "{\"name\":\"a.dmn\",\"content\":\"QQ==\"},"
               "{\"name\":\"b.bpmn\",\"content\":\"Qg==\"},"
               "{\"name\":\"c.form\",\"content\":\"Qw==\"}],\"tenantId\":\"t\"}");
}

static void what_cannot_be_deployed_says_why(void **state)
{
    weir_error err = {0};
    const char *const same[] = {put("one.bpmn", "1"), put("two.bpmn", "2"), put("one.bpmn", "3"),
                                NULL};
    const char *const missing[] = {"/nowhere/at all.bpmn", NULL}, *const slash[] = {"/tmp/", NULL};
    const weir_resource unnamed[] = {{NULL, {"x", 1}}, {0}}, lying[] = {{"n", {NULL, 1}}, {0}};
    const weir_resource ugly[] = {{"\xff", {"x", 1}}, {0}};
    char empty[128];
    (void)state;
    REFUSED(weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.files = same), LIMIT, &err), 0,
            "weir_zeebe_deploy(): two resources are called 'one.bpmn'");
    REFUSED(weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.files = slash), LIMIT, &err), 0,
            "no path of a file");
    REFUSED(weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.resources = unnamed), LIMIT, &err), 0,
            "no name");
    REFUSED(weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.resources = lying), LIMIT, &err), 0,
            "content.data is NULL");
    REFUSED(weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.resources = ugly), LIMIT, &err), 0,
            "not UTF-8");
    snprintf(empty, sizeof empty, "%s/empty", folder);
    assert_int_equal(mkdir(empty, 0700), 0);
    REFUSED(weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.folder = empty), LIMIT, &err), 0,
            "holds no .bpmn, .dmn or .form file");
    assert_null(weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.files = missing), LIMIT, &err));
    assert_int_equal(err.status, WEIR_STORE);
    assert_int_equal(err.origin, WEIR_ORIGIN_SYSTEM);
    assert_int_equal(err.code, 2); /* ENOENT */
    assert_non_null(strstr(err.message, "/nowhere/at all.bpmn"));
    assert_null(weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.folder = "/nowhere"), LIMIT, &err));
    assert_int_equal(err.status, WEIR_STORE);
    assert_non_null(strstr(err.message, "/nowhere"));
    const size_t large = 65 * 1024 * 1024;
    char *bytes = calloc(1, large);
    const weir_resource huge[] = {{"h.bpmn", {bytes, large}}, {0}};
    assert_null(weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.resources = huge), LIMIT, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_non_null(strstr(err.message, "in one deployment"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_sends_every_field),
        cmocka_unit_test(messages_and_signals_send_every_field),
        cmocka_unit_test(commands_to_instances_send_every_field),
        cmocka_unit_test(modify_sends_every_field),
        cmocka_unit_test(commands_to_jobs_send_every_field),
        cmocka_unit_test(decisions_and_deletions_send_every_field),
        cmocka_unit_test(long_instructions_keep_their_length),
        cmocka_unit_test(the_gateway_gives_up_waiting_for_a_result_before_we_do),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(what_makes_no_sense_is_named),
        cmocka_unit_test(variables_that_are_no_object_are_refused_with_their_place),
        cmocka_unit_test(options_of_another_age_are_read),
        cmocka_unit_test_setup_teardown(what_is_deployed_comes_from_files_memory_and_a_folder,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_deployed_says_why, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
