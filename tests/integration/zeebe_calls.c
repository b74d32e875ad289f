/* Commands through the public API, against a server that answers with what it got: the first
 * fields of a CreateProcessInstance request and of its answer are the same. */
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/weir.h>

struct place {
    struct h2server *server;
    weir_channel *channel;
    weir_zeebe *zeebe;
};

static void open_place(struct place *p)
{
    struct h2server_options options = {0};
    char address[64];
    weir_error err = {0};
    p->server = h2server_start(&options);
    assert_non_null(p->server);
    snprintf(address, sizeof address, "http://127.0.0.1:%u", (unsigned)h2server_port(p->server));
    p->channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), &err);
    p->zeebe = weir_zeebe_new(p->channel, &err);
    assert_string_equal(err.message, "");
}

static void close_place(struct place *p)
{
    weir_zeebe_free(p->zeebe);
    weir_channel_close(p->channel);
    h2server_stop(p->server);
}

static void a_call_from_json_to_json(void **state)
{
    (void)state;
    struct place p;
    weir_error err = {0};
    open_place(&p);
    char *answer = weir_zeebe_call(p.zeebe, "CreateProcessInstance",
                                   "{\"bpmnProcessId\": \"order\", \"version\": 3}",
                                   WEIR_CALL(.compact = true), &err);
    assert_string_equal(err.message, "");
    assert_string_equal(answer, "{\"processDefinitionKey\":\"0\",\"bpmnProcessId\":\"order\","
                                "\"version\":3,\"processInstanceKey\":\"0\",\"tenantId\":\"\","
                                "\"tags\":[]}");
    weir_free(answer);
    close_place(&p);
}

static void an_empty_answer_is_an_empty_topology(void **state)
{
    (void)state;
    struct place p;
    weir_error err = {0};
    open_place(&p);
    weir_topology *topology = weir_zeebe_topology(p.zeebe, 5000, &err);
    assert_non_null(topology);
    assert_int_equal(topology->cluster_size, 0);
    assert_int_equal(topology->broker_count, 0);
    assert_string_equal(topology->gateway_version, "");
    assert_string_equal(topology->cluster_id, "");
    weir_topology_free(topology);
    close_place(&p);
}

static void what_is_no_request_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *rpc, *request, *says;
    } cases[] = {
        {"Topologie", NULL, "did you mean Topology?"},
        {NULL, NULL, "the name of the RPC is missing"},
        {"CompleteJob", "{\"jobKye\": 1}", "jobKye"},
        {"CompleteJob", "{\"jobKey\": \"x\"}", "jobKey"},
        {"CompleteJob", "[]", "object"},
        {"CompleteJob", "{", "line 1"},
        {"ActivateJobs", "{}", "weir_zeebe_call_start()"},
    };
    struct place p;
    open_place(&p);
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_null(weir_zeebe_call(p.zeebe, cases[i].rpc, cases[i].request, NULL, &err));
        assert_int_equal(err.status, WEIR_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
    }
    assert_int_equal(h2server_stats(p.server).requests, 0);
    close_place(&p);
}

static void a_null_handle_keeps_the_error_that_explains_it(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_channel *channel =
        weir_channel_insecure(WEIR_CHANNEL(.grpc_address = "https://example.org"), &err);
    assert_null(channel);
    assert_int_equal(err.status, WEIR_INVALID);
    weir_error first = err;
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    assert_null(weir_zeebe_topology(zeebe, 1000, &err));
    assert_null(weir_zeebe_call(zeebe, "Topology", NULL, NULL, &err));
    assert_int_equal(weir_channel_connect(channel, &err), WEIR_INVALID);
    assert_string_equal(err.message, first.message);
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
}

static void a_dead_address_is_unreachable_and_says_why(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_channel *channel =
        weir_channel_insecure(WEIR_CHANNEL(.grpc_address = "127.0.0.1:1"), &err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    assert_null(weir_zeebe_topology(zeebe, 300, &err));
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    assert_non_null(strstr(err.message, "Connection refused"));
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
}

/* In the child: 0 when every function says that it must not be used there. */
static int use_in_child(struct place *p, weir_call *call)
{
    weir_error err = {0};
    weir_health health;
    char *message = NULL;
    int wrong = weir_zeebe_topology(p->zeebe, 1000, &err) || err.status != WEIR_INVALID;
    wrong += weir_zeebe_call(p->zeebe, "Topology", NULL, NULL, &err) != NULL;
    wrong += weir_zeebe_call_start(p->zeebe, "Topology", NULL, NULL, &err) != NULL;
    wrong += weir_zeebe_health(p->zeebe, NULL, &health, 1000, &err) != WEIR_INVALID;
    wrong += weir_channel_wait(p->channel, WEIR_CHANNEL_READY, 1000, &err) != WEIR_INVALID;
    wrong += weir_channel_connect(p->channel, &err) != WEIR_INVALID;
    wrong += weir_call_next(call, &message, 1000, &err) != WEIR_INVALID;
    wrong += weir_call_fd(call) != -1;
    weir_call_cancel(call);
    weir_call_free(call);
    weir_zeebe_free(p->zeebe);
    weir_channel_close(p->channel);
    err = (weir_error){0};
    return wrong + (weir_channel_insecure(NULL, &err) != NULL);
}

static void a_forks_child_is_told_and_its_parent_goes_on(void **state)
{
    (void)state;
    struct place p;
    weir_error err = {0};
    int status = -1;
    open_place(&p);
    weir_topology_free(weir_zeebe_topology(p.zeebe, 5000, &err));
    weir_call *call = weir_zeebe_call_start(p.zeebe, "PublishMessage", NULL, NULL, &err);
    pid_t child = fork();
    if (child == 0)
        _exit(use_in_child(&p, call));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    weir_topology_free(weir_zeebe_topology(p.zeebe, 5000, &err));
    assert_int_equal(err.status, WEIR_OK);
    weir_call_free(call);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_from_json_to_json),
        cmocka_unit_test(an_empty_answer_is_an_empty_topology),
        cmocka_unit_test(what_is_no_request_is_refused_before_anything_is_sent),
        cmocka_unit_test(a_null_handle_keeps_the_error_that_explains_it),
        cmocka_unit_test(a_dead_address_is_unreachable_and_says_why),
        cmocka_unit_test(a_forks_child_is_told_and_its_parent_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
