/* Calls against a server that behaves: what comes back, in which words, within which limits. */
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"
#include "lib/tunnel.h"

#include <stdio.h>
#include <string.h>

static struct h2server *server;
static struct rpc *rpc;

static struct rpc *open_to(const struct h2server *s, const weir_channel_arg *args)
{
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned)h2server_port(s));
    return probe_channel(target, args);
}

static int setup(void **state)
{
    struct h2server_options options = {.max_streams = 4};
    (void)state;
    server = h2server_start(&options);
    rpc = server ? open_to(server, NULL) : NULL;
    return rpc ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rpc_close(rpc);
    h2server_stop(server);
    return 0;
}

static void unary_call_brings_the_answer(void **state)
{
    (void)state;
    struct probe p = {0};
    probe_start(&p, rpc, "/t/echo", NULL);
    probe_wait(&p);
    assert_string_equal(p.error.message, "");
    assert_int_equal(p.messages, 1);
    assert_string_equal(p.last, "hello");
    assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_READY);
    probe_free(&p);
}

static void gzip_goes_out_and_comes_back(void **state)
{
    (void)state;
    struct rpc_call_options options = {.gzip = true, .until = probe_in(10000)};
    struct probe right = {0};
    struct probe wrong = {0};
    probe_start(&right, rpc, "/t/gzip", &options);
    probe_start(&wrong, rpc, "/t/echo", &options);
    probe_wait(&right);
    probe_wait(&wrong);
    assert_string_equal(right.error.message, "");
    assert_string_equal(right.last, "hello");
    /* The same bytes, but the server names no encoding: that is its mistake. */
    assert_int_equal(wrong.error.status, WEIR_PROTOCOL);
    assert_non_null(strstr(wrong.error.message, "gzip"));
    probe_free(&right);
    probe_free(&wrong);
}

static bool none_open(const struct h2server_stats *st, size_t n)
{
    return st->requests > 0 && st->open <= n;
}

static void a_manual_call_ends_when_its_messages_are_taken(void **state)
{
    (void)state;
    struct probe taken = {0};
    struct probe left = {0};
    struct rpc_call_options manual = {
        .server_streams = true, .manual = true, .until = probe_in(10000)};
    probe_start(&taken, rpc, "/t/echo", &manual);
    probe_start(&left, rpc, "/t/echo", &manual);
    assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    assert_true(h2server_wait(server, none_open, 0)); /* the server has said all */
    assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    assert_int_equal(taken.messages + taken.ends, 0);
    rpc_call_want(taken.call, 1);
    probe_wait(&taken);
    assert_int_equal(taken.messages, 1);
    assert_int_equal(taken.error.status, WEIR_OK);
    struct rpc *closed = rpc;
    rpc = NULL; /* for teardown */
    rpc_close(closed);
    assert_int_equal(left.ends, 1);
    assert_int_equal(left.error.status, WEIR_STOPPED);
    assert_int_equal(left.messages, 0);
    probe_free(&taken);
    probe_free(&left);
}

static bool four_open(const struct h2server_stats *st, size_t n)
{
    return st->open >= 4 && st->requests > n;
}

/* Four streams are all the server allows. */
static void a_cancelled_call_makes_room_for_one_that_waits(void **state)
{
    struct probe held[4] = {{.ends = 0}}, waits = {.ends = 0};
    (void)state;
    assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    for (size_t i = 0; i < COUNT(held); i++)
        probe_start(&held[i], rpc, "/t/hold", NULL);
    assert_true(h2server_wait(server, four_open, 4));
    probe_start(&waits, rpc, "/t/echo", NULL);
    rpc_call_cancel(held[0].call);
    probe_wait(&waits);
    assert_string_equal(waits.error.message, "");
    for (size_t i = 0; i < COUNT(held); i++) {
        rpc_call_cancel(held[i].call);
        probe_wait(&held[i]);
        probe_free(&held[i]);
    }
    probe_free(&waits);
}

static void a_closed_channel_takes_no_orders(void **state)
{
    (void)state;
    struct probe p = {0};
    weir_error err = {0};
    probe_start(&p, rpc, "/t/hold", NULL);
    struct rpc *closed = rpc;
    rpc = NULL;
    rpc_close(closed);
    assert_int_equal(p.ends, 1);
    assert_int_equal(rpc_call_send(p.call, (weir_bytes){"x", 1}, &err), WEIR_STOPPED);
    rpc_call_want(p.call, 1);
    rpc_call_cancel(p.call);
    assert_int_equal(p.ends, 1);
    probe_free(&p);
}

static void trailers_only_is_mapped_with_its_words_and_metadata(void **state)
{
    (void)state;
    struct probe p = {0};
    probe_start(&p, rpc, "/t/missing", NULL);
    probe_wait(&p);
    assert_int_equal(p.error.status, WEIR_NOT_FOUND);
    assert_int_equal(p.grpc_status, 5);
    assert_string_equal(p.words, "no such thing");
    assert_string_equal(p.trailer, "gone");
    assert_int_equal(p.error.origin, WEIR_ORIGIN_GRPC);
    probe_free(&p);
}

static void plain_http_errors_are_mapped_as_grpc_says(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_int_equal(probe_call(rpc, "/t/http", &err), WEIR_UNREACHABLE);
    assert_int_equal(err.origin, WEIR_ORIGIN_HTTP);
    assert_int_equal(err.code, 503);
}

static void refused_streams_are_repeated(void **state)
{
    (void)state;
    weir_error err = {0};
    probe_call(rpc, "/t/refuse", &err);
    assert_string_equal(err.message, "");
    weir_channel_counters c = {.struct_size = sizeof c};
    rpc_counters(rpc, &c);
    assert_int_equal(c.transparent_retries, 2);
}

static void deadline_ends_a_call_that_gets_no_answer(void **state)
{
    (void)state;
    struct probe p = {0};
    int64_t before = clock_mono(clock_system());
    struct rpc_call_options options = {.until = probe_in(50)};
    probe_start(&p, rpc, "/t/hold", &options);
    probe_wait(&p);
    assert_int_equal(p.error.status, WEIR_TIMEOUT);
    assert_int_equal(p.grpc_status, 4);
    assert_true(clock_mono(clock_system()) - before >= 50 * NS_PER_MS);
    probe_free(&p);
}

static bool held(const struct h2server_stats *st, size_t n)
{
    return st->held >= n;
}

static void calls_beyond_the_servers_limit_wait_their_turn(void **state)
{
    (void)state;
    static struct probe calls[40];
    memset(calls, 0, sizeof calls);
    for (size_t i = 0; i < COUNT(calls); i++)
        probe_start(&calls[i], rpc, "/t/hold", NULL);
    for (size_t four = 4; four <= COUNT(calls); four += 4) {
        assert_true(h2server_wait(server, held, four));
        h2server_release(server);
    }
    for (size_t i = 0; i < COUNT(calls); i++) {
        probe_wait(&calls[i]);
        assert_string_equal(calls[i].error.message, "");
        probe_free(&calls[i]);
    }
    assert_in_range(h2server_stats(server).most_open, 1, 4);
    assert_int_equal(h2server_stats(server).connections, 1);
}

static void cancel_ends_a_call_at_once(void **state)
{
    (void)state;
    struct probe p = {0};
    probe_start(&p, rpc, "/t/hold", NULL);
    rpc_call_cancel(p.call);
    rpc_call_cancel(p.call);
    probe_wait(&p);
    assert_int_equal(p.error.status, WEIR_STOPPED);
    assert_int_equal(p.grpc_status, 1);
    assert_int_equal(p.ends, 1);
    probe_free(&p);
}

static void an_unused_channel_closes_its_connection(void **state)
{
    (void)state;
    weir_error err = {0};
    const weir_channel_arg args[] = {{"grpc.client_idle_timeout_ms", .number = 20}, {0}};
    struct rpc *idle = open_to(server, args);
    assert_int_equal(probe_call(idle, "/t/echo", NULL), WEIR_OK);
    assert_int_equal(rpc_state_wait(idle, WEIR_CHANNEL_READY, probe_in(10000), &err), WEIR_OK);
    assert_int_equal(rpc_state(idle), WEIR_CHANNEL_IDLE);
    assert_int_equal(probe_call(idle, "/t/echo", NULL), WEIR_OK);
    rpc_close(idle);
}

static void connecting_without_a_call_reaches_ready(void **state)
{
    (void)state;
    struct rpc *other = open_to(server, NULL);
    assert_int_equal(rpc_state(other), WEIR_CHANNEL_IDLE);
    assert_int_equal(rpc_state_wait(other, WEIR_CHANNEL_IDLE, probe_in(1), NULL), WEIR_NOTHING);
    rpc_connect(other);
    for (weir_channel_state now = WEIR_CHANNEL_IDLE; now != WEIR_CHANNEL_READY;
         now = rpc_state(other))
        assert_int_equal(rpc_state_wait(other, now, probe_in(10000), NULL), WEIR_OK);
    rpc_close(other);
}

static void round_robin_uses_every_address(void **state)
{
    (void)state;
    struct h2server_options options = {0};
    struct h2server *second = h2server_start(&options);
    const weir_channel_arg args[] = {{"grpc.lb_policy_name", .text = "round_robin"}, {0}};
    char target[96];
    snprintf(target, sizeof target, "ipv4:127.0.0.1:%u,127.0.0.1:%u",
             (unsigned)h2server_port(server), (unsigned)h2server_port(second));
    struct rpc *both = probe_channel(target, args);
    size_t first_before = h2server_stats(server).requests;
    for (int i = 0; i < 1000 && (h2server_stats(second).requests < 10 ||
                                 h2server_stats(server).requests < first_before + 10);
         i++)
        assert_int_equal(probe_call(both, "/t/echo", NULL), WEIR_OK);
    assert_true(h2server_stats(second).requests >= 10);
    assert_true(h2server_stats(server).requests >= first_before + 10);
    rpc_close(both);
    h2server_stop(second);
}

static struct rpc *through(const struct tunnel *t, weir_error *err)
{
    char target[64], proxy[64];
    snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned)h2server_port(server));
    snprintf(proxy, sizeof proxy, "http://me:s%%20t@127.0.0.1:%u", tunnel_port(t));
    struct rpc_options options = {.target = target, .plaintext = true, .proxy = proxy};
    return rpc_open(&options, err);
}

static void a_proxy_is_asked_to_connect(void **state)
{
    (void)state;
    weir_error err = {0};
    char wanted[64];
    struct tunnel *t = tunnel_start("HTTP/1.1 200 OK");
    struct rpc *proxied = through(t, &err);
    assert_string_equal(err.message, "");
    probe_call(proxied, "/t/echo", &err);
    assert_string_equal(err.message, "");
    rpc_close(proxied);
    tunnel_join(t);
    snprintf(wanted, sizeof wanted, "CONNECT 127.0.0.1:%u HTTP/1.1\r\n",
             (unsigned)h2server_port(server));
    assert_non_null(strstr(tunnel_request(t), wanted));
    assert_non_null(strstr(tunnel_request(t), "Basic bWU6cyB0")); /* me:s t */
    tunnel_free(t);
}

static void a_proxy_that_refuses_is_named(void **state)
{
    (void)state;
    weir_error err = {0};
    struct tunnel *t = tunnel_start("HTTP/1.1 407 Proxy Authentication Required");
    struct rpc *proxied = through(t, &err);
    assert_int_not_equal(probe_call(proxied, "/t/echo", &err), WEIR_OK);
    assert_non_null(strstr(err.message, "407"));
    assert_null(strstr(err.message, "s%20t"));
    rpc_close(proxied);
    tunnel_join(t);
    tunnel_free(t);
}

static void a_proxy_may_be_a_channel_argument(void **state)
{
    (void)state;
    char target[64], proxy[64];
    weir_error err = {0};
    struct tunnel *t = tunnel_start("HTTP/1.1 502 Bad Gateway");
    snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned)h2server_port(server));
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", tunnel_port(t));
    const weir_channel_arg args[] = {
        {"grpc.enable_http_proxy", .number = 0}, {"grpc.http_proxy", .text = proxy}, {0}};
    for (int i = 0; i < 2; i++) { /* switched off, then not */
        struct rpc_options options = {.target = target, .plaintext = true, .args = args + i};
        struct rpc *proxied = rpc_open(&options, &err);
        assert_non_null(proxied);
        probe_call(proxied, "/t/echo", &err);
        rpc_close(proxied);
        assert_int_equal(err.status == WEIR_OK, i == 0);
    }
    assert_non_null(strstr(err.message, "502"));
    tunnel_join(t);
    tunnel_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unary_call_brings_the_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(gzip_goes_out_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_manual_call_ends_when_its_messages_are_taken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_call_makes_room_for_one_that_waits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_closed_channel_takes_no_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(trailers_only_is_mapped_with_its_words_and_metadata, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plain_http_errors_are_mapped_as_grpc_says, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_streams_are_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(deadline_ends_a_call_that_gets_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_beyond_the_servers_limit_wait_their_turn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cancel_ends_a_call_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unused_channel_closes_its_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(connecting_without_a_call_reaches_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proxy_is_asked_to_connect, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proxy_that_refuses_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proxy_may_be_a_channel_argument, setup, teardown),
        cmocka_unit_test_setup_teardown(round_robin_uses_every_address, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
