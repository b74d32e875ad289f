#include "rpc/args.h"

#include "lib/check.h"

#include <string.h>

static weir_status read_one(const char *name, const char *text, int64_t number,
                            struct rpc_args *out, weir_error *err)
{
    const weir_channel_arg args[] = {{name, text, number}, {0}};
    return args_read(out, args, err);
}

static void defaults_are_grpcs(void **state)
{
    (void)state;
    struct rpc_args a;
    assert_int_equal(args_read(&a, NULL, NULL), WEIR_OK);
    assert_int_equal(a.keepalive_time_ms, INT32_MAX);
    assert_int_equal(a.keepalive_timeout_ms, 20000);
    assert_int_equal(a.max_receive, 4 * 1024 * 1024);
    assert_int_equal(a.max_send, -1);
    assert_int_equal(a.initial_backoff_ms, 1000);
    assert_int_equal(a.max_backoff_ms, 120000);
    assert_string_equal(a.lb_policy, "pick_first");
}

static void the_first_of_two_entries_counts(void **state)
{
    (void)state;
    struct rpc_args a;
    const weir_channel_arg args[] = {
        {"grpc.keepalive_time_ms", NULL, 5}, {"grpc.keepalive_time_ms", NULL, 6}, {0}};
    assert_int_equal(args_read(&a, args, NULL), WEIR_OK);
    assert_int_equal(a.keepalive_time_ms, 5);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        int64_t number;
        weir_status status;
        const char *words;
    } cases[] = {
        {"grpc.keepalive_tim_ms", NULL, 1, WEIR_UNSUPPORTED, "grpc.keepalive_time_ms"},
        {"nonsense", NULL, 1, WEIR_UNSUPPORTED, "nonsense"},
        {"grpc.keepalive_time_ms", "soon", 0, WEIR_INVALID, "is a number"},
        {"grpc.keepalive_time_ms", NULL, -5, WEIR_INVALID, "-5"},
        {"grpc.primary_user_agent", NULL, 3, WEIR_INVALID, "is a text"},
        {"grpc.lb_policy_name", "random", 0, WEIR_UNSUPPORTED, "random"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_args a;
        weir_error err = {0};
        assert_int_equal(read_one(cases[i].name, cases[i].text, cases[i].number, &a, &err),
                         cases[i].status);
        assert_non_null(strstr(err.message, cases[i].words));
    }
}

static void names_for_servers_do_nothing(void **state)
{
    (void)state;
    struct rpc_args a, plain;
    args_read(&plain, NULL, NULL);
    assert_int_equal(read_one("grpc.max_connection_age_ms", NULL, 1, &a, NULL), WEIR_OK);
    assert_memory_equal(&a, &plain, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_grpcs),
        cmocka_unit_test(the_first_of_two_entries_counts),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(names_for_servers_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
