#include "lib/check.h"

#include "core/mem.h"
#include "sandbox/gateway_rpc.h"
#include "sandbox/names.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <string.h>

static struct engine *engine;

static int set_up(void **state)
{
    (void)state;
    engine = engine_new(NULL);
    return engine ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    engine_free(engine);
    return 0;
}

static void reply_to(const struct codec_method *method, weir_bytes request, struct rpc_reply *reply)
{
    struct waiter waiter = {.deliver = NULL};
    struct gateway_ask asked = {
        .engine = engine, .method = method, .request = request, .port = 26500, .waiter = &waiter};
    gateway_reply(&asked, reply);
    waiter_leave(&waiter);
}

static struct rpc_reply ask(const char *path, const char *json)
{
    char *wire = NULL;
    size_t len = 0;
    struct rpc_reply reply;
    const struct codec_method *method = gateway_method(path);
    assert_non_null(method);
    assert_int_equal(codec_json_to_wire(method->request, json, &wire, &len, NULL), WEIR_OK);
    reply_to(method, (weir_bytes){wire, len}, &reply);
    mem_free(wire);
    return reply;
}

static void topology_is_a_message(void **state)
{
    struct rpc_reply reply = ask("/gateway_protocol.Gateway/Topology", "{}");
    (void)state;
    assert_int_equal(reply.status, 0);
    assert_int_equal(reply.after, 0);
    char *json = codec_wire_to_json(gateway_method("/gateway_protocol.Gateway/Topology")->response,
                                    (weir_bytes){reply.message, reply.len}, true, NULL);
    assert_non_null(json);
    assert_non_null(strstr(json, "\"port\":26500"));
    assert_non_null(strstr(json, "\"version\":\"" GATEWAY_VERSION "\""));
    mem_free(json);
    mem_free(reply.message);
}

static void health_is_known_of_the_gateway_and_of_the_server(void **state)
{
    struct rpc_reply server = ask("/grpc.health.v1.Health/Check", "{}");
    struct rpc_reply other = ask("/grpc.health.v1.Health/Check", "{\"service\":\"x\"}");
    struct rpc_reply watch = ask("/grpc.health.v1.Health/Watch", "{\"service\":\"x\"}");
    (void)state;
    assert_int_equal(server.status, 0);
    assert_int_equal(other.status, 5);
    assert_null(other.message);
    assert_int_equal(watch.after, WEIR_FOREVER);
    assert_memory_equal(watch.message, "\x08\x03", 2); /* SERVICE_UNKNOWN */
    mem_free(server.message);
    mem_free(watch.message);
}

static bool is_listed(const char *what)
{
    const char *const *name = names_of_requests();
    while (*name && strcmp(*name, what) != 0)
        name++;
    return *name != NULL;
}

/* Also the names that fault lines may use: none is missing, whatever RPCs are added. */
static void every_rpc_has_a_name_and_is_done(void **state)
{
    const struct codec_method *method = NULL;
    (void)state;
    for (size_t i = 0; (method = codec_method_at(i)); i++) {
        struct rpc_reply reply;
        const char *what = gateway_what(method);
        assert_string_not_equal(what, "zeebe");
        assert_true(is_listed(what));
        assert_ptr_equal(gateway_method(method->path), method);
        reply_to(method, (weir_bytes){"", 0}, &reply);
        assert_int_not_equal(reply.status, 12);
        assert_true(reply.status == 0 || *reply.text);
        mem_free(reply.message);
    }
    assert_null(gateway_method("/gateway_protocol.Gateway/Nope"));
    assert_string_equal(gateway_what(NULL), "zeebe");
}

static void what_is_no_message_is_an_internal_error(void **state)
{
    struct rpc_reply reply;
    (void)state;
    reply_to(gateway_method("/gateway_protocol.Gateway/Topology"), (weir_bytes){"\xff\xff", 2},
             &reply);
    assert_int_equal(reply.status, 13);
    assert_null(reply.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topology_is_a_message),
        cmocka_unit_test(health_is_known_of_the_gateway_and_of_the_server),
        cmocka_unit_test(every_rpc_has_a_name_and_is_done),
        cmocka_unit_test(what_is_no_message_is_an_internal_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
