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

static void ranges_are_grpcs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t number;
        bool fine;
    } cases[] = {
        {"grpc.max_receive_message_length", -1, true},
        {"grpc.max_receive_message_length", -2, false},
        {"grpc.max_receive_message_length", INT32_MAX, true},
        {"grpc.max_receive_message_length", INT64_C(1) << 31, false},
        {"grpc.max_send_message_length", -1, true},
        {"grpc.max_send_message_length", -2, false},
        {"grpc.keepalive_time_ms", 0, false},
        {"grpc.keepalive_time_ms", 1, true},
        {"grpc.keepalive_time_ms", INT32_MAX, true},
        {"grpc.keepalive_timeout_ms", 0, true},
        {"grpc.keepalive_timeout_ms", -1, false},
        {"grpc.keepalive_permit_without_calls", 1, true},
        {"grpc.keepalive_permit_without_calls", 2, false},
        {"grpc.http2.max_pings_without_data", 0, true},
        {"grpc.http2.max_pings_without_data", -1, false},
        {"grpc.http2.ping_timeout_ms", INT32_MAX, true},
        {"grpc.max_metadata_size", 0, true},
        {"grpc.max_metadata_size", -1, false},
        {"grpc.absolute_max_metadata_size", -1, false},
        {"grpc.initial_reconnect_backoff_ms", 0, false},
        {"grpc.min_reconnect_backoff_ms", 1, true},
        {"grpc.max_reconnect_backoff_ms", INT64_MIN, false},
        {"grpc.client_idle_timeout_ms", INT32_MAX, true},
        {"grpc.client_idle_timeout_ms", INT64_MAX, false},
        {"grpc.enable_retries", 0, true},
        {"grpc.enable_retries", 2, false},
        {"grpc.enable_http_proxy", 0, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_args a;
        weir_error err = {0};
        weir_status status = read_one(cases[i].name, NULL, cases[i].number, &a, &err);
        assert_int_equal(status, cases[i].fine ? WEIR_OK : WEIR_INVALID);
        assert_true(cases[i].fine || strstr(err.message, cases[i].name));
    }
}

static void two_names_for_one_thing_are_settled(void **state)
{
    (void)state;
    struct rpc_args a;
    const weir_channel_arg sizes[] = {{"grpc.absolute_max_metadata_size", NULL, 50000},
                                      {"grpc.max_metadata_size", NULL, 20000},
                                      {0}};
    assert_int_equal(args_read(&a, sizes, NULL), WEIR_OK);
    assert_int_equal(a.max_metadata, 50000);
    assert_int_equal(args_read(&a, sizes + 1, NULL), WEIR_OK);
    assert_int_equal(a.max_metadata, 20000);
    assert_int_equal(read_one("grpc.absolute_max_metadata_size", NULL, 9000, &a, NULL), WEIR_OK);
    assert_int_equal(a.max_metadata, 9000);
    assert_int_equal(args_read(&a, NULL, NULL), WEIR_OK);
    assert_int_equal(a.max_metadata, 16 * 1024);
    assert_int_equal(read_one("grpc.http2.ping_timeout_ms", NULL, 7, &a, NULL), WEIR_OK);
    assert_int_equal(a.keepalive_timeout_ms, 7);
    assert_int_equal(read_one("grpc.http2.ping_timeout_ms", NULL, 70000, &a, NULL), WEIR_OK);
    assert_int_equal(a.keepalive_timeout_ms, 20000);
    assert_int_equal(read_one("grpc.max_message_length", NULL, 7, &a, NULL), WEIR_OK);
    assert_int_equal(a.max_receive, 7);
}

/* One of each family of gRPC 1.6x's channel_arg_names.h. */
static void published_names_are_known(void **state)
{
    (void)state;
    static const char *const names[] = {
        "grpc.census",
        "grpc.loadreporting",
        "grpc.server_call_metric_recording",
        "grpc.http2.lookahead_bytes",
        "grpc.experimental.http2.enable_preferred_frame_size",
        "grpc.experimental.tcp_tx_zerocopy_enabled",
        "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config",
        "grpc.lb.ring_hash.ring_size_cap",
        "grpc.experimental.grpclb_channel_args",
        "grpc.priority_failover_timeout_ms",
        "grpc.mobile_log_context",
        "grpc.address_http_proxy",
        "grpc.surface_user_agent",
        "grpc.authorization_policy_provider",
        "grpc.dscp",
        "grpc.experimental.stats_plugins",
        "grpc.security_frame_allowed",
        "grpc.health_check_service_interface",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct rpc_args a;
        assert_int_equal(read_one(names[i], NULL, 1, &a, NULL), WEIR_OK);
        assert_int_equal(read_one(names[i], "x", 0, &a, NULL), WEIR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_grpcs),
        cmocka_unit_test(the_first_of_two_entries_counts),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(ranges_are_grpcs),
        cmocka_unit_test(two_names_for_one_thing_are_settled),
        cmocka_unit_test(published_names_are_known),
        cmocka_unit_test(names_for_servers_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
