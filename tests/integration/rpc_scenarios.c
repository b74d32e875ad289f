/* What must hold when the world misbehaves, one scenario a test, against a server of our own. */
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool held(const struct h2server_stats *st, size_t n)
{
    return st->held >= n;
}

static bool flooded(const struct h2server_stats *st, size_t n)
{
    return st->flood_bytes >= n;
}

static bool none_open(const struct h2server_stats *st, size_t n)
{
    return st->open <= n;
}

static struct h2server *server(void)
{
    struct h2server_options options = {0};
    struct h2server *s = h2server_start(&options);
    assert_non_null(s);
    return s;
}

static struct rpc *channel_to(const struct h2server *s, const weir_channel_arg *args)
{
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned)h2server_port(s));
    return probe_channel(target, args);
}

static weir_channel_counters counters(struct rpc *rpc)
{
    weir_channel_counters c = {.struct_size = sizeof c};
    rpc_counters(rpc, &c);
    return c;
}

/* A port that nobody listens on: bound, never listening. */
static int dead_port(uint16_t *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

static void gateway_restarts_with_calls_in_flight(void **state)
{
    (void)state;
    struct probe calls[16] = {0};
    struct probe again = {0};
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, NULL);
    for (size_t i = 0; i < COUNT(calls); i++)
        probe_start(&calls[i], rpc, "/t/hold", NULL);
    assert_true(h2server_wait(s, held, COUNT(calls)));
    h2server_deafen(s, true); /* and not stopped: its port might be another's afterwards */
    h2server_cut_first(s, SIZE_MAX);
    for (size_t i = 0; i < COUNT(calls); i++) {
        probe_wait(&calls[i]);
        assert_int_equal(calls[i].error.status, WEIR_UNREACHABLE);
        assert_false(calls[i].unprocessed); /* the server may have done it */
        assert_int_equal(calls[i].ends, 1);
        probe_free(&calls[i]);
    }
    struct rpc_call_options patient = {.wait_for_ready = true, .until = probe_in(20000)};
    probe_start(&again, rpc, "/t/echo", &patient); /* before anybody answers */
    h2server_deafen(s, false);
    probe_wait(&again);
    assert_int_equal(again.error.status, WEIR_OK);
    assert_string_equal(again.last, "hello");
    probe_free(&again);
    assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    rpc_close(rpc);
    h2server_stop(s);
}

static void goaway_with_64_in_flight(void **state)
{
    (void)state;
    static struct probe calls[64];
    memset(calls, 0, sizeof calls);
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, NULL);
    for (size_t i = 0; i < COUNT(calls); i++)
        probe_start(&calls[i], rpc, "/t/hold", NULL);
    assert_true(h2server_wait(s, held, 64));
    h2server_goaway(s, 32);
    assert_true(h2server_wait(s, held, 64 + 32)); /* what it did not take comes again */
    h2server_release(s);
    for (size_t i = 0; i < COUNT(calls); i++) {
        probe_wait(&calls[i]);
        assert_string_equal(calls[i].error.message, "");
        assert_int_equal(calls[i].messages, 1);
        probe_free(&calls[i]);
    }
    weir_channel_counters c = counters(rpc);
    assert_int_equal(c.transparent_retries, 32);
    assert_int_equal(c.goaways, 1);
    assert_int_equal(c.connects, 2);
    assert_int_equal(c.calls_ok, 64);
    assert_int_equal(c.active_calls, 0);
    rpc_close(rpc);
    h2server_stop(s);
}

/* A proxy that ends connections after so many requests, or after a few idle seconds, is no reason
 * to wait. */
static void connections_that_end_soon_after_answers_are_no_failure(void **state)
{
    (void)state;
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, NULL);
    for (int i = 0; i < 6; i++) {
        weir_error err = {0};
        assert_int_equal(probe_call(rpc, "/t/echo", &err), WEIR_OK);
        assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_READY);
        h2server_goaway(s, 0);
        assert_int_equal(rpc_state_wait(rpc, WEIR_CHANNEL_READY, probe_in(10000), &err), WEIR_OK);
    }
    weir_channel_counters c = counters(rpc);
    assert_int_equal(c.connects, 6);
    assert_int_equal(c.connect_failures, 0);
    rpc_close(rpc);
    h2server_stop(s);
}

static void half_open_connection_is_found_by_keepalive(void **state)
{
    (void)state;
    struct probe call = {0};
    const weir_channel_arg args[] = {{"grpc.keepalive_time_ms", .number = 50},
                                     {"grpc.keepalive_timeout_ms", .number = 2000},
                                     {0}};
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, args);
    probe_start(&call, rpc, "/t/hold", NULL);
    assert_true(h2server_wait(s, held, 1));
    h2server_freeze(s);
    probe_wait(&call);
    assert_int_equal(call.error.status, WEIR_UNREACHABLE);
    assert_non_null(strstr(call.error.message, "keepalive"));
    assert_int_equal(counters(rpc).keepalive_timeouts, 1);
    probe_free(&call);
    rpc_close(rpc);
    h2server_stop(s);
}

static void slow_reader_of_a_stream_stops_the_sender(void **state)
{
    (void)state;
    const uint64_t most = 1024 * 1024 + 64 * 1024;
    struct probe stream = {0};
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, NULL);
    struct rpc_call_options manual = {
        .server_streams = true, .manual = true, .until = probe_in(30000)};
    probe_start(&stream, rpc, "/t/flood", &manual);
    rpc_call_want(stream.call, 3);
    probe_wait_messages(&stream, 3);
    assert_true(h2server_wait(s, flooded, 900 * 1024)); /* the window fills ... */
    for (int i = 0; i < 20; i++)                        /* ... and others are not held up */
        assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    assert_int_equal(stream.messages, 3);
    assert_true(h2server_stats(s).flood_bytes <= most);
    rpc_call_want(stream.call, 5000);
    probe_wait_messages(&stream, 5003);
    assert_int_equal(stream.messages, 5003);
    assert_true(h2server_stats(s).flood_bytes <= 5003 * 1029 + most);
    rpc_call_cancel(stream.call);
    probe_wait(&stream);
    assert_int_equal(stream.error.status, WEIR_STOPPED);
    assert_int_equal(stream.ends, 1);
    assert_true(h2server_wait(s, none_open, 0)); /* the server heard of it */
    probe_free(&stream);
    rpc_close(rpc);
    h2server_stop(s);
}

static void close_in_callback(struct probe *p)
{
    rpc_close(p->user);
    p->user = NULL;
}

static void close_during_everything(void **state)
{
    (void)state;
    static const char *const paths[] = {"/t/echo", "/t/hold", "/t/flood", "/t/missing"};
    struct h2server *s = server();
    for (int round = 0; round < 40; round++) {
        struct probe calls[24] = {0};
        struct rpc *rpc = channel_to(s, NULL);
        struct rpc_call_options streams = {.server_streams = true, .until = probe_in(20000)};
        for (size_t i = 0; i < COUNT(calls); i++)
            probe_start(&calls[i], rpc, paths[i % 4], &streams);
        for (int i = 0; i < round % 8; i++) /* closing catches it at another point each time */
            probe_wait_messages(&calls[4 * (i % 2)], 1);
        rpc_close(rpc);
        for (size_t i = 0; i < COUNT(calls); i++) {
            assert_int_equal(calls[i].ends, 1); /* no waiting: closing was */
            if (i % 4 == 1)
                assert_int_equal(calls[i].error.status, WEIR_STOPPED);
            probe_free(&calls[i]);
        }
    }
    struct probe last = {.at_end = close_in_callback};
    last.user = channel_to(s, NULL);
    probe_start(&last, last.user, "/t/echo", NULL);
    probe_wait(&last);
    assert_int_equal(last.error.status, WEIR_OK);
    probe_free(&last);
    h2server_stop(s);
}

/* `listening` at a port, `dead` before it: refused, or silent. */
static void reaches_the_living(uint16_t dead, uint16_t living)
{
    char target[128];
    weir_error err = {0};
    snprintf(target, sizeof target, "ipv4:127.0.0.1:%u,127.0.0.1:%u", (unsigned)dead,
             (unsigned)living);
    struct rpc *rpc = probe_channel(target, NULL);
    probe_call(rpc, "/t/echo", &err);
    assert_string_equal(err.message, "");
    rpc_close(rpc);
}

static void name_that_resolves_to_a_dead_and_a_living_address(void **state)
{
    (void)state;
    uint16_t dead;
    int fd = dead_port(&dead);
    struct h2server *s = server();
    reaches_the_living(dead, h2server_port(s));
    assert_int_equal(listen(fd, 8), 0); /* now it takes connections and says nothing */
    int64_t before = clock_mono(clock_system());
    reaches_the_living(dead, h2server_port(s));
    assert_in_range(clock_mono(clock_system()) - before, 0, 15 * NS_PER_S);
    struct rpc *rpc = probe_channel("localhost:1", NULL);
    rpc_close(rpc);
    char target[64];
    snprintf(target, sizeof target, "localhost:%u", (unsigned)h2server_port(s)); /* only IPv4 */
    rpc = probe_channel(target, NULL);
    assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    rpc_close(rpc);
    close(fd);
    h2server_stop(s);
    struct h2server_options six = {.host = "::1"};
    s = h2server_start(&six);
    if (s) { /* a machine without IPv6 has nothing to prove here */
        snprintf(target, sizeof target, "localhost:%u", (unsigned)h2server_port(s));
        rpc = probe_channel(target, NULL);
        assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
        rpc_close(rpc);
        h2server_stop(s);
    }
}

static void a_dead_host_is_unreachable_and_says_what_was_tried(void **state)
{
    (void)state;
    uint16_t dead;
    weir_error err = {0};
    char target[64], tried[64];
    int fd = dead_port(&dead);
    snprintf(target, sizeof target, "ipv4:127.0.0.1:%u,127.0.0.2:%u", (unsigned)dead,
             (unsigned)dead);
    struct rpc *rpc = probe_channel(target, NULL);
    assert_int_equal(probe_call(rpc, "/t/echo", &err), WEIR_UNREACHABLE);
    for (int i = 1; i <= 2; i++) {
        snprintf(tried, sizeof tried, "127.0.0.%d:%u: Connection refused", i, (unsigned)dead);
        assert_non_null(strstr(err.message, tried));
    }
    assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_TRANSIENT_FAILURE);
    assert_int_equal(probe_call(rpc, "/t/echo", &err), WEIR_UNREACHABLE); /* at once */
    assert_true(counters(rpc).connect_failures >= 1);
    rpc_close(rpc);
    close(fd);
}

#define THREADS 16
#define EACH    200

static void *call_many(void *user)
{
    for (size_t i = 0; i < EACH; i++) {
        weir_error err = {0};
        if (probe_call(user, i % 5 ? "/t/echo" : "/t/missing", &err) !=
            (i % 5 ? WEIR_OK : WEIR_NOT_FOUND))
            return (void *)"a call failed";
    }
    return NULL;
}

static void many_threads_share_a_channel(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, NULL);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, rpc), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    weir_channel_counters c = counters(rpc);
    assert_int_equal(c.calls_started, THREADS * EACH);
    assert_int_equal(c.calls_ok, THREADS * EACH * 4 / 5);
    assert_int_equal(c.connects, 1);
    rpc_close(rpc);
    h2server_stop(s);
}

static void streams_cancelled_at_full_speed_do_not_end_the_connection(void **state)
{
    (void)state;
    struct h2server *s = server();
    struct rpc *rpc = channel_to(s, NULL);
    struct rpc_call_options stream = {.server_streams = true, .manual = true};
    for (size_t i = 0; i < 20; i++) {
        struct probe flood = {0};
        size_t before = h2server_stats(s).flood_bytes;
        probe_start(&flood, rpc, "/t/flood", &stream);
        assert_true(h2server_wait(s, flooded, before + 512 * 1024));
        rpc_call_cancel(flood.call);
        probe_wait(&flood);
        probe_free(&flood);
    }
    assert_int_equal(probe_call(rpc, "/t/echo", NULL), WEIR_OK);
    assert_int_equal(counters(rpc).connects, 1);
    rpc_close(rpc);
    h2server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_cancelled_at_full_speed_do_not_end_the_connection),
        cmocka_unit_test(gateway_restarts_with_calls_in_flight),
        cmocka_unit_test(goaway_with_64_in_flight),
        cmocka_unit_test(connections_that_end_soon_after_answers_are_no_failure),
        cmocka_unit_test(half_open_connection_is_found_by_keepalive),
        cmocka_unit_test(slow_reader_of_a_stream_stops_the_sender),
        cmocka_unit_test(close_during_everything),
        cmocka_unit_test(name_that_resolves_to_a_dead_and_a_living_address),
        cmocka_unit_test(many_threads_share_a_channel),
        cmocka_unit_test(a_dead_host_is_unreachable_and_says_what_was_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
