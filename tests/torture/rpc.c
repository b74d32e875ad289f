/* The n-th allocation fails, n = 1, 2, ... until a whole run needs fewer: every call still ends
 * exactly once, closing returns, and (under ASan) nothing is left. */
#include "core/mem.h"
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"

#include <stdio.h>
#include <string.h>

static const char *const paths[] = {"/t/echo", "/t/missing", "/t/http", "/t/refuse", "/t/echo"};

static void run(const char *target, const char *policy)
{
    static const char big[3000] = {0};
    const weir_metadata metadata[] = {{"x-one", {"1", 1}}, {"x-two-bin", {big, sizeof big}}};
    const weir_channel_arg args[] = {{"grpc.lb_policy_name", .text = policy},
                                     {"grpc.keepalive_time_ms", .number = 1000},
                                     {"grpc.primary_user_agent", .text = "torture"},
                                     {0}};
    struct rpc_options options = {
        .target = target, .plaintext = true, .args = args, .proxy = WEIR_OMIT, .name = "torture"};
    struct probe calls[COUNT(paths)] = {0};
    weir_error err = {0};
    struct rpc *rpc = rpc_open(&options, &err);
    if (!rpc) {
        assert_int_equal(err.status, WEIR_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct rpc_call_options o = {.metadata = metadata,
                                     .metadata_count = 2,
                                     .gzip = i == 4,
                                     .until = probe_in(5000),
                                     .long_lived = i % 2,
                                     .server_streams = i % 2};
        probe_start(&calls[i], rpc, paths[i], &o);
        if (i % 2 == 0 && calls[i].call) /* a send that failed leaves a call that must end too */
            rpc_call_want(calls[i].call, 1);
    }
    for (size_t i = 0; i < COUNT(paths) && i < 2; i++)
        probe_wait(&calls[i]);
    rpc_close(rpc);
    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_int_equal(calls[i].ends, calls[i].call ? 1 : 0);
        probe_free(&calls[i]);
    }
}

static void torture(const char *policy)
{
    char target[64];
    struct h2server_options options = {.max_streams = 2}; /* long-lived calls need more of them */
    struct h2server *s = h2server_start(&options);
    snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned)h2server_port(s));
    long n = 0;
    do {
        mem_fail_at(++n);
        run(target, policy);
    } while (mem_failed() && n < 5000);
    mem_fail_at(0);
    assert_true(n > 20);
    assert_true(n < 5000);
    h2server_stop(s);
}

static void calls_survive_any_failed_allocation(void **state)
{
    (void)state;
    torture("pick_first");
}

static void round_robin_survives_any_failed_allocation(void **state)
{
    (void)state;
    torture("round_robin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_survive_any_failed_allocation),
        cmocka_unit_test(round_robin_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
