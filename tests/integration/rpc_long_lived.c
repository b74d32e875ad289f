/* Long-lived calls beside short ones: they get further connections, and short ones never wait for
 * them. */
#include "core/limits.h"
#include "core/mem.h"
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static bool held(const struct h2server_stats *st, size_t n)
{
    return st->held >= n;
}

static bool linked(const struct h2server_stats *st, size_t n)
{
    return st->links == n;
}

static struct h2server *server(uint32_t max_streams)
{
    struct h2server_options options = {.max_streams = max_streams, .no_streams = max_streams == 0};
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

static void start_poll(struct probe *p, struct rpc *rpc, bool patient)
{
    struct rpc_call_options o = {
        .long_lived = true, .wait_for_ready = patient, .until = probe_in(60000)};
    memset(p, 0, sizeof *p);
    probe_start(p, rpc, "/t/hold", &o);
}

static void start_polls(struct probe *polls, size_t count, struct rpc *rpc)
{
    for (size_t i = 0; i < count; i++)
        start_poll(&polls[i], rpc, false);
}

static void end_polls(struct probe *polls, size_t count, weir_status status)
{
    for (size_t i = 0; i < count; i++) {
        probe_wait(&polls[i]);
        if (status == WEIR_OK)
            assert_string_equal(polls[i].error.message, "");
        assert_int_equal(polls[i].error.status, status);
        assert_int_equal(polls[i].ends, 1);
        probe_free(&polls[i]);
    }
}

static void cancel_polls(struct probe *polls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rpc_call_cancel(polls[i].call);
    end_polls(polls, count, WEIR_STOPPED);
}

static bool has_ended(struct probe *p)
{
    pthread_mutex_lock(&p->lock);
    bool ended = p->ends > 0;
    pthread_mutex_unlock(&p->lock);
    return ended;
}

static void complete(struct rpc *rpc, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        weir_error err = {0};
        assert_int_equal(probe_call(rpc, "/t/echo", &err), WEIR_OK);
    }
}

static void done(struct rpc *rpc, struct h2server *s)
{
    weir_channel_counters c = counters(rpc);
    assert_int_equal(c.active_calls, 0);
    assert_int_equal(c.queued_calls, 0);
    assert_int_equal(c.calls_started, c.calls_ok + c.calls_failed);
    rpc_close(rpc);
    h2server_stop(s);
}

/* Which calls a connection has is not ours to know. */
static void restart_lost(struct probe *polls, size_t count, struct rpc *rpc, size_t expected)
{
    for (size_t lost = 0; lost < expected; sched_yield()) {
        for (size_t i = 0; i < count; i++) {
            if (!has_ended(&polls[i]))
                continue;
            end_polls(&polls[i], 1, WEIR_UNREACHABLE);
            start_poll(&polls[i], rpc, false);
            lost++;
        }
    }
}

static void wait_queued(struct rpc *rpc, size_t count)
{
    struct deadline until = probe_in(20000);
    while (counters(rpc).queued_calls != count && clock_mono(clock_system()) < until.at_ns)
        sched_yield();
    assert_int_equal(counters(rpc).queued_calls, count);
}

#define POLLS 2000

static void a_thousand_workers_do_not_hold_up_completions(void **state)
{
    (void)state;
    struct probe *polls = mem_array(POLLS, sizeof *polls);
    struct h2server *s = server(100);
    struct rpc *rpc = channel_to(s, NULL);
    start_polls(polls, POLLS, rpc);
    complete(rpc, 20); /* while the connections are being made */
    assert_true(h2server_wait(s, held, POLLS));
    complete(rpc, 100);
    struct h2server_stats st = h2server_stats(s);
    assert_int_equal(st.most_held, 50);
    assert_int_equal(st.connections, POLLS / 50);
    weir_channel_counters c = counters(rpc);
    assert_int_equal(c.active_calls, POLLS);
    assert_int_equal(c.queued_calls, 0);
    assert_int_equal(c.connects, POLLS / 50);
    assert_int_equal(c.connect_failures, 0);
    h2server_release(s);
    end_polls(polls, POLLS, WEIR_OK);
    assert_int_equal(counters(rpc).calls_ok, POLLS + 120);
    mem_free(polls);
    done(rpc, s);
}

static void short_calls_alone_stay_on_one_connection(void **state)
{
    (void)state;
    struct probe calls[20] = {0};
    struct h2server *s = server(4);
    struct rpc *rpc = channel_to(s, NULL);
    for (size_t i = 0; i < COUNT(calls); i++)
        probe_start(&calls[i], rpc, "/t/hold", NULL);
    for (size_t i = 4; i <= COUNT(calls); i += 4) {
        assert_true(h2server_wait(s, held, i));
        h2server_release(s);
    }
    end_polls(calls, COUNT(calls), WEIR_OK);
    assert_int_equal(counters(rpc).connects, 1);
    assert_int_equal(h2server_stats(s).most_open, 4);
    done(rpc, s);
}

static void a_poll_gets_in_although_short_calls_take_every_stream(void **state)
{
    (void)state;
    struct probe calls[40] = {0}, poll;
    struct h2server *s = server(4);
    struct rpc *rpc = channel_to(s, NULL);
    for (size_t i = 0; i < COUNT(calls); i++)
        probe_start(&calls[i], rpc, "/t/hold", NULL);
    assert_true(h2server_wait(s, held, 4));
    struct rpc_call_options o = {.long_lived = true};
    memset(&poll, 0, sizeof poll);
    probe_start(&poll, rpc, "/t/echo", &o);
    wait_queued(rpc, COUNT(calls) - 4 + 1);
    h2server_release(s);
    probe_wait(&poll);
    assert_int_equal(poll.error.status, WEIR_OK);
    assert_true(counters(rpc).queued_calls > 0); /* before the short calls that came earlier */
    assert_int_equal(counters(rpc).connects, 1);
    probe_free(&poll);
    for (size_t i = 0; i < COUNT(calls); i++)
        rpc_call_cancel(calls[i].call);
    for (size_t i = 0; i < COUNT(calls); i++) {
        probe_wait(&calls[i]);
        probe_free(&calls[i]);
    }
    done(rpc, s);
}

static void goaway_and_loss_take_only_their_own_calls(void **state)
{
    (void)state;
    struct probe polls[40], more[4];
    struct h2server *s = server(8);
    struct rpc *rpc = channel_to(s, NULL);
    start_polls(polls, COUNT(polls), rpc);
    assert_true(h2server_wait(s, held, 40));
    assert_int_equal(h2server_stats(s).connections, 10);
    h2server_goaway_first(s, 1); /* the one that short calls would take */
    for (size_t i = 1; counters(rpc).goaways == 0 && i < 100000; i++)
        complete(rpc, 1);
    assert_int_equal(counters(rpc).goaways, 1);
    start_polls(more, COUNT(more), rpc); /* need one in its place */
    assert_true(h2server_wait(s, held, 44));
    complete(rpc, 10);
    assert_int_equal(h2server_stats(s).connections, 11);
    assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_READY);
    h2server_cut_first(s, 3);
    restart_lost(polls, COUNT(polls), rpc, 12);
    assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_READY);
    assert_true(h2server_wait(s, held, 56));
    assert_int_equal(h2server_stats(s).most_held, 4);
    h2server_release(s);
    end_polls(polls, COUNT(polls), WEIR_OK);
    end_polls(more, COUNT(more), WEIR_OK);
    assert_int_equal(counters(rpc).connect_failures, 0);
    done(rpc, s);
}

static void a_gateway_that_restarts_gets_all_of_them_again(void **state)
{
    (void)state;
    struct probe polls[16];
    struct h2server *s = server(4);
    struct rpc *rpc = channel_to(s, NULL);
    complete(rpc, 1);
    start_polls(polls, COUNT(polls), rpc);
    assert_true(h2server_wait(s, held, 16));
    h2server_cut_first(s, 8);
    end_polls(polls, COUNT(polls), WEIR_UNREACHABLE);
    for (size_t i = 0; i < COUNT(polls); i++)
        start_poll(&polls[i], rpc, true);
    assert_true(h2server_wait(s, held, 32));
    complete(rpc, 1);
    assert_int_equal(h2server_stats(s).most_held, 2);
    cancel_polls(polls, COUNT(polls));
    done(rpc, s);
}

static void one_stream_a_connection_is_enough(void **state)
{
    (void)state;
    struct probe polls[3];
    struct h2server *s = server(1);
    struct rpc *rpc = channel_to(s, NULL);
    start_polls(polls, COUNT(polls), rpc);
    assert_true(h2server_wait(s, held, 3));
    complete(rpc, 10);
    assert_int_equal(counters(rpc).connects, 4); /* each poll has its own, and so have the others */
    h2server_cut_first(s, 1);                    /* made for the first poll */
    restart_lost(polls, COUNT(polls), rpc, 1);
    assert_true(h2server_wait(s, held, 4));
    complete(rpc, 10);
    h2server_release(s);
    end_polls(polls, COUNT(polls), WEIR_OK);
    done(rpc, s);
}

static void a_limit_lowered_under_polls_does_not_stop_short_calls(void **state)
{
    (void)state;
    struct probe polls[4];
    struct h2server *s = server(8);
    struct rpc *rpc = channel_to(s, NULL);
    start_polls(polls, COUNT(polls), rpc);
    assert_true(h2server_wait(s, held, 4));
    h2server_limit(s, 2); /* four are there already */
    while (counters(rpc).connects < 2)
        complete(rpc, 1); /* until the server's SETTINGS are here */
    complete(rpc, 10);
    assert_int_equal(counters(rpc).connects, 2);
    h2server_release(s);
    end_polls(polls, COUNT(polls), WEIR_OK);
    done(rpc, s);
}

static void a_server_without_streams_is_waited_for_on_one_connection(void **state)
{
    (void)state;
    struct probe polls[3], call = {0};
    weir_error err = {0};
    struct h2server *s = server(0);
    struct rpc *rpc = channel_to(s, NULL);
    start_polls(polls, COUNT(polls), rpc);
    probe_start(&call, rpc, "/t/echo", NULL);
    while (rpc_state(rpc) != WEIR_CHANNEL_READY)
        rpc_state_wait(rpc, rpc_state(rpc), probe_in(10000), &err);
    struct probe late = {0};
    struct rpc_call_options hurried = {.long_lived = true, .until = probe_in(100)};
    probe_start(&late, rpc, "/t/echo", &hurried);
    probe_wait(&late);
    assert_int_equal(late.error.status, WEIR_TIMEOUT);
    assert_non_null(strstr(late.error.message, "limit of concurrent streams"));
    assert_true(late.unprocessed);
    assert_int_equal(counters(rpc).queued_calls, 4);
    assert_int_equal(counters(rpc).connects, 1);
    h2server_limit(s, 8);
    probe_wait(&call);
    assert_int_equal(call.error.status, WEIR_OK);
    assert_true(h2server_wait(s, held, 3));
    assert_int_equal(counters(rpc).connects, 1);
    cancel_polls(polls, COUNT(polls));
    probe_free(&late);
    probe_free(&call);
    done(rpc, s);
}

static void connections_have_a_limit_beyond_which_polls_wait(void **state)
{
    (void)state;
    enum { MANY = 3 * LIMIT_GRPC_CONNECTIONS + 8 };
    static struct probe polls[MANY];
    struct h2server *s = server(2);
    struct rpc *rpc = channel_to(s, NULL);
    start_polls(polls, MANY, rpc);
    for (size_t n = 1; n <= 3; n++) {
        assert_true(h2server_wait(s, held, n * LIMIT_GRPC_CONNECTIONS));
        complete(rpc, 3);
        assert_int_equal(counters(rpc).queued_calls, MANY - n * LIMIT_GRPC_CONNECTIONS);
        assert_int_equal(counters(rpc).connects, LIMIT_GRPC_CONNECTIONS);
        h2server_release(s);
    }
    assert_true(h2server_wait(s, held, MANY));
    assert_int_equal(h2server_stats(s).most_held, 1);
    h2server_release(s);
    end_polls(polls, MANY, WEIR_OK);
    done(rpc, s);
}

static void connections_no_longer_needed_are_closed(void **state)
{
    (void)state;
    const weir_channel_arg args[] = {{"grpc.client_idle_timeout_ms", .number = 50}, {0}};
    struct probe first, polls[5];
    struct h2server *s = server(4);
    struct rpc *rpc = channel_to(s, args);
    start_poll(&first, rpc, false);
    assert_true(h2server_wait(s, held, 1));
    start_polls(polls, COUNT(polls), rpc);
    assert_true(h2server_wait(s, held, 6));
    assert_int_equal(h2server_stats(s).links, 3);
    cancel_polls(polls, COUNT(polls));
    assert_true(h2server_wait(s, linked, 1)); /* the first poll keeps its own */
    assert_false(has_ended(&first));
    complete(rpc, 3);
    start_polls(polls, COUNT(polls), rpc); /* and they come back when they are wanted */
    assert_true(h2server_wait(s, held, 11));
    h2server_release(s);
    end_polls(polls, COUNT(polls), WEIR_OK);
    end_polls(&first, 1, WEIR_OK);
    assert_true(h2server_wait(s, linked, 0)); /* the channel itself is idle */
    assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_IDLE);
    complete(rpc, 1);
    assert_int_equal(counters(rpc).connect_failures, 0);
    done(rpc, s);
}

static void where_no_further_connection_is_to_be_had_polls_are_told(void **state)
{
    (void)state;
    struct probe first, refused, patient;
    const weir_channel_arg args[] = {{"grpc.initial_reconnect_backoff_ms", .number = 100}, {0}};
    struct h2server *s = server(2);
    struct rpc *rpc = channel_to(s, args);
    start_poll(&first, rpc, false);
    assert_true(h2server_wait(s, held, 1));
    h2server_deafen(s, true);
    complete(rpc, 2); /* it has heard */
    start_poll(&refused, rpc, false);
    probe_wait(&refused);
    assert_int_equal(refused.error.status, WEIR_UNREACHABLE);
    assert_non_null(strstr(refused.error.message, "no further connection to 127.0.0.1:"));
    assert_true(refused.unprocessed);
    assert_true(counters(rpc).connect_failures >= 1);
    start_poll(&patient, rpc, true);
    complete(rpc, 10); /* short calls notice nothing */
    assert_int_equal(rpc_state(rpc), WEIR_CHANNEL_READY);
    assert_false(has_ended(&patient));
    h2server_release(s);
    end_polls(&first, 1, WEIR_OK);
    assert_true(h2server_wait(s, held, 2)); /* in the first one's place */
    h2server_release(s);
    end_polls(&patient, 1, WEIR_OK);
    probe_free(&refused);
    done(rpc, s);
}

static void round_robin_grows_on_every_address(void **state)
{
    (void)state;
    char target[128];
    struct probe polls[32];
    struct h2server *a = server(4), *b = server(4);
    snprintf(target, sizeof target, "ipv4:127.0.0.1:%u,127.0.0.1:%u", (unsigned)h2server_port(a),
             (unsigned)h2server_port(b));
    const weir_channel_arg args[] = {{"grpc.lb_policy_name", .text = "round_robin"}, {0}};
    struct rpc *rpc = probe_channel(target, args);
    start_polls(polls, COUNT(polls), rpc);
    while (h2server_stats(a).held + h2server_stats(b).held < COUNT(polls))
        complete(rpc, 1);
    assert_true(h2server_stats(a).most_held <= 2);
    assert_true(h2server_stats(b).most_held <= 2);
    h2server_release(a);
    h2server_release(b);
    end_polls(polls, COUNT(polls), WEIR_OK);
    h2server_stop(b);
    done(rpc, a);
}

/* ---- everything at once ------------------------------------------------------------------ */

struct chaos {
    struct h2server *server;
    struct rpc *rpc;
};

#define THREADS 4
#define ROUNDS  30

static bool expected(weir_status status)
{
    return status == WEIR_OK || status == WEIR_UNREACHABLE || status == WEIR_STOPPED;
}

static void *poll_and_complete(void *user)
{
    const struct chaos *chaos = user;
    struct rpc *rpc = chaos->rpc;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct probe polls[6];
        bool fine = true;
        start_polls(polls, COUNT(polls), rpc);
        weir_status short_one = probe_call(rpc, "/t/echo", NULL);
        if (round % 7 == 3)
            h2server_cut_first(chaos->server, 1 + round % 2);
        else if (round % 3 == 0)
            h2server_goaway_first(chaos->server, 1 + round % 4);
        for (size_t i = 0; i < COUNT(polls); i++)
            rpc_call_cancel(polls[i].call);
        for (size_t i = 0; i < COUNT(polls); i++) {
            probe_wait(&polls[i]);
            fine = fine && polls[i].ends == 1 && expected(polls[i].error.status);
            probe_free(&polls[i]);
        }
        if (!fine || !expected(short_one))
            return (void *)"a call ended as it must not";
    }
    return NULL;
}

static void threads_goaways_and_losses_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct h2server *s = server(4);
    struct chaos chaos = {s, channel_to(s, NULL)};
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, poll_and_complete, &chaos), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    done(chaos.rpc, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_workers_do_not_hold_up_completions),
        cmocka_unit_test(short_calls_alone_stay_on_one_connection),
        cmocka_unit_test(a_poll_gets_in_although_short_calls_take_every_stream),
        cmocka_unit_test(goaway_and_loss_take_only_their_own_calls),
        cmocka_unit_test(a_gateway_that_restarts_gets_all_of_them_again),
        cmocka_unit_test(one_stream_a_connection_is_enough),
        cmocka_unit_test(a_limit_lowered_under_polls_does_not_stop_short_calls),
        cmocka_unit_test(a_server_without_streams_is_waited_for_on_one_connection),
        cmocka_unit_test(connections_have_a_limit_beyond_which_polls_wait),
        cmocka_unit_test(connections_no_longer_needed_are_closed),
        cmocka_unit_test(where_no_further_connection_is_to_be_had_polls_are_told),
        cmocka_unit_test(round_robin_grows_on_every_address),
        cmocka_unit_test(threads_goaways_and_losses_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
