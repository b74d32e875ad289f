/* Every allocation of the zeebe layer failing once: what runs on one thread alone, then whole
 * channels with calls of each kind, where every call still ends, every handle is freed, and (under
 * ASan) nothing is left. */
#include "core/mem.h"
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/torture.h"
#include "unit/zeebe/environment.h"
#include "zeebe/channel_environment.h"
#include "zeebe/codec.h"
#include "zeebe/codec_results.h"
#include "zeebe/codec_typed.h"
#include "zeebe/commands_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

/* ---- on one thread ------------------------------------------------------------------------- */

static weir_status json_there_and_back(void *user, weir_error *err)
{
    const struct codec_method *method = user;
    static const char request[] =
        "{\"bpmnProcessId\":\"p\",\"variables\":\"{}\",\"tags\":[\"a\",\"b\"],"
        "\"startInstructions\":[{\"elementId\":\"e\"}],\"businessId\":\"\\u00e9\"}";
    char *wire = NULL, *text = NULL;
    size_t len = 0;
    weir_status status = codec_json_to_wire(method->request, request, &wire, &len, err);
    if (status == WEIR_OK) {
        text = codec_wire_to_json(method->request, (weir_bytes){wire, len}, false, err);
        status = text ? WEIR_OK : err->status;
    }
    if (status == WEIR_OK)
        assert_non_null(strstr(text, "\"startInstructions\""));
    mem_free(wire);
    mem_free(text);
    return status;
}

static void json_survives(void **state)
{
    (void)state;
    const struct codec_method *method = codec_method_find("CreateProcessInstance", NULL);
    torture(json_there_and_back, (void *)(uintptr_t)method);
}

static weir_status make_topology(void *user, weir_error *err)
{
    const struct codec_method *method = user;
    static const char text[] =
        "{\"brokers\":[{\"nodeId\":2,\"partitions\":[{},{}]},{\"nodeId\":1}]}";
    char *wire = NULL;
    size_t len = 0;
    weir_topology *topology = NULL;
    weir_status status = codec_json_to_wire(method->response, text, &wire, &len, err);
    if (status == WEIR_OK) {
        topology = codec_topology(method, (weir_bytes){wire, len}, err);
        status = topology ? WEIR_OK : err->status;
    }
    if (topology)
        assert_int_equal(topology->brokers[0].node_id, 1);
    weir_topology_free(topology);
    mem_free(wire);
    return status;
}

static void a_topology_survives(void **state)
{
    (void)state;
    torture(make_topology, (void *)(uintptr_t)codec_method_find("Topology", NULL));
}

static weir_status read_answer(void *user, weir_error *err)
{
    static const char text[] =
        "{\"evaluatedDecisions\":[{\"matchedRules\":[{\"evaluatedOutputs\":[{},{}]},{}],"
        "\"evaluatedInputs\":[{},{}]},{}]}";
    const struct codec_method *method = codec_method(CODEC_EVALUATE_DECISION);
    char *wire = NULL;
    size_t len = 0;
    (void)user;
    weir_status status = codec_json_to_wire(method->response, text, &wire, &len, err);
    weir_decision *decision =
        status == WEIR_OK ? codec_decision(method, (weir_bytes){wire, len}, err) : NULL;
    if (decision)
        assert_int_equal(decision->evaluated[0].rules[0].output_count, 2);
    else
        status = err->status;
    weir_decision_free(decision);
    mem_free(wire);
    return status;
}

static void an_answer_survives(void **state)
{
    (void)state;
    torture(read_answer, NULL);
}

static weir_status gather(void *user, weir_error *err)
{
    const weir_resource resources[] = {{"m.bpmn", {"M", 1}}, {"n.dmn", {"N", 1}}, {0}};
    const weir_deploy what = {.resources = resources, .folder = user};
    struct named_files files = {0};
    weir_status status = files_gather(&files, &what, err);
    if (status == WEIR_OK)
        assert_int_equal(files.count, 12);
    files_free(&files);
    return status;
}

static void gathering_files_survives(void **state)
{
    char folder[] = "/tmp/weir-torture-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "%s/%d.bpmn", folder, i);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fclose(file);
    }
    torture(gather, folder);
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "%s/%d.bpmn", folder, i);
        unlink(path);
    }
    rmdir(folder);
}

static weir_status describe(void *user, weir_error *err)
{
    (void)user;
    char *text = weir_zeebe_describe("ActivateJobs", err);
    weir_status status = text ? WEIR_OK : err->status;
    weir_free(text);
    return status;
}

static void a_description_survives(void **state)
{
    (void)state;
    torture(describe, NULL);
}

static weir_status read_environment(void *user, weir_error *err)
{
    struct environment e;
    (void)user;
    weir_status status = environment_find(&e, err);
    environment_clear(&e);
    return status;
}

static void the_environment_survives(void **state)
{
    (void)state;
    set_environment((const char *const[]){"ZEEBE_ADDRESS=https://h", "ZEEBE_HOST=other",
                                          "CAMUNDA_CLIENT_ID=i", "CAMUNDA_CLIENT_SECRET=s", NULL});
    torture(read_environment, NULL);
    set_environment(
        (const char *const[]){"CAMUNDA_CLUSTER_ID=abc", "WEIR_ACCESS_TOKEN=token", NULL});
    torture(read_environment, NULL);
    no_environment();
}

/* ---- with the I/O thread ------------------------------------------------------------------- */

static void acceptable(const weir_error *err)
{
    weir_status status = err->status;
    if (status != WEIR_OK && status != WEIR_NO_MEMORY && status != WEIR_STOPPED &&
        status != WEIR_UNREACHABLE)
        fail_msg("%s: %s", weir_status_name(status), err->message);
}

static void ignore(weir_call *call, void *user)
{
    char *message = NULL;
    (void)user;
    if (weir_call_next(call, &message, WEIR_NO_WAIT, NULL) == WEIR_OK)
        weir_free(message);
}

static void read_all(weir_call *call, size_t most)
{
    char *message = NULL;
    weir_error err = {0};
    weir_status status = WEIR_OK;
    for (size_t i = 0; call && i < most && status == WEIR_OK; i++) {
        status = weir_call_next(call, &message, 20000, &err);
        weir_free(message);
    }
    acceptable(&err);
}

static weir_credentials *fixed(weir_error *err)
{
    weir_credentials *credentials = weir_credentials_fixed("token", err);
    if (!credentials)
        assert_int_equal(err->status, WEIR_NO_MEMORY);
    return credentials;
}

static void wait_for(weir_call *call, weir_error *err)
{
    int64_t key = 0;
    if (call && weir_call_wait(call, 20000, err) == WEIR_OK)
        (void)weir_call_key(call, &key, err);
    acceptable(err);
    weir_call_free(call);
}

static void use_typed(weir_zeebe *zeebe)
{
    const char *const starts[] = {"a", NULL};
    const weir_resource resources[] = {{"m.bpmn", {"M", 1}}, {0}};
    weir_error err = {0};
    weir_create_instance *create =
        WEIR_CREATE_INSTANCE(.process_definition_key = 1, .variables = "{\"a\":[1]}",
                             .start_elements = starts);
    weir_set_variables *set = WEIR_SET_VARIABLES(.element_instance_key = 5, .variables = "{}");
    weir_complete_job *complete = WEIR_COMPLETE_JOB(.job_key = 1, .result = "{\"denied\":true}");
    wait_for(weir_zeebe_set_variables_start(zeebe, set, 20000, &err), &err);
    err = (weir_error){0};
    weir_instance_free(weir_zeebe_create_instance(zeebe, create, 20000, &err));
    if (err.status != WEIR_PROTOCOL) /* an echo of the variables is no key */
        acceptable(&err);
    (void)weir_zeebe_complete_job(zeebe, complete, 20000, &err);
    if (err.status != WEIR_NOT_FOUND)
        acceptable(&err);
    err = (weir_error){0};
    weir_call_free(
        weir_zeebe_deploy_start(zeebe, WEIR_DEPLOY(.resources = resources), 20000, &err));
    acceptable(&err);
}

static void use(weir_zeebe *zeebe)
{
    const weir_metadata headers[] = {{"x-one", {"1", 1}}, {"x-two-bin", {"\0\1", 2}}, {0}};
    weir_error err = {0};
    weir_topology_free(weir_zeebe_topology(zeebe, 20000, &err));
    acceptable(&err);
    weir_free(weir_zeebe_call(zeebe, "CreateProcessInstance", "{\"bpmnProcessId\":\"p\"}",
                              WEIR_CALL(.headers = headers), &err));
    acceptable(&err);
    weir_call *burst =
        weir_zeebe_call_start(zeebe, "ActivateJobs", NULL, WEIR_CALL(.headers = headers), &err);
    weir_call *flood = weir_zeebe_call_start(zeebe, "StreamActivatedJobs", NULL, NULL, &err);
    weir_call *echo = weir_zeebe_call_start(zeebe, "ResolveIncident", NULL, NULL, &err);
    if (echo && weir_call_then(echo, ignore, NULL, &err) != WEIR_OK)
        assert_int_equal(err.status, WEIR_NO_MEMORY);
    read_all(burst, SIZE_MAX);
    read_all(flood, 100);
    use_typed(zeebe);
    weir_call_free(burst);
    weir_call_free(flood);
    weir_call_free(echo);
}

static void run(const char *address)
{
    weir_error err = {0};
    weir_credentials *credentials = fixed(&err);
    weir_channel *channel = credentials
                                ? weir_channel_with_credentials(
                                      WEIR_CHANNEL(.grpc_address = address, .plaintext = true,
                                                   .proxy = WEIR_OMIT, .default_timeout = 20000),
                                      credentials, &err)
                                : NULL;
    weir_credentials_free(credentials);
    weir_zeebe *zeebe = channel ? weir_zeebe_new(channel, &err) : NULL;
    if (zeebe)
        use(zeebe);
    else
        assert_int_equal(err.status, WEIR_NO_MEMORY);
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
}

static void channels_and_calls_survive(void **state)
{
    (void)state;
    char address[64];
    struct h2server_options options = {0};
    struct h2server *s = h2server_start(&options);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)h2server_port(s));
    long n = 0;
    do {
        mem_fail_at(++n);
        run(address);
    } while (mem_failed() && n < 5000);
    mem_fail_at(0);
    assert_true(n > 50);
    assert_true(n < 5000);
    h2server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_survives),
        cmocka_unit_test(a_topology_survives),
        cmocka_unit_test(an_answer_survives),
        cmocka_unit_test(gathering_files_survives),
        cmocka_unit_test(a_description_survives),
        cmocka_unit_test(the_environment_survives),
        cmocka_unit_test(channels_and_calls_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
