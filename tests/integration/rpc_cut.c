/* Streams that a proxy cuts, as nginx, Envoy and load balancers do after some silence, each in its
 * own way: the caller hears that the way to the gateway broke, in words, and may open it again. */
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"
#include "lib/rawserver.h"

#include <stdio.h>
#include <string.h>

enum { DATA = 0, RST = 3, SETTINGS = 4, END_STREAM = 1, END_HEADERS = 4 };

static const uint8_t message[] = {0, 0, 0, 0, 2, 'h', 'i'};

static void script_init(struct rawscript *s)
{
    *s = (struct rawscript){.greeting = BUF_INIT(1 << 16), .answer = BUF_INIT(1 << 16)};
    raw_frame(&s->greeting, SETTINGS, 0, 0, NULL, 0);
}

#define OF(literal) literal, sizeof(literal) - 1

/* One stream against the script. */
static weir_error stream_of(struct rawscript *script, size_t messages)
{
    char target[64];
    struct probe p = {0};
    struct rpc_call_options options = {
        .server_streams = true, .long_lived = true, .until = probe_in(60000)};
    struct rawserver *s = rawserver_start(script);
    snprintf(target, sizeof target, "127.0.0.1:%u", rawserver_port(s));
    struct rpc *rpc = probe_channel(target, NULL);
    probe_start(&p, rpc, "/a/b", &options);
    probe_wait(&p);
    assert_int_equal(p.ends, 1);
    assert_int_equal(p.messages, messages);
    assert_false(p.unprocessed);
    probe_free(&p);
    rpc_close(rpc);
    rawserver_stop(s);
    return p.error;
}

static void expect(const weir_error *err, const char *words)
{
    if (err->status != WEIR_UNREACHABLE || err->kind != 0 || !strstr(err->message, words))
        fail_msg("status %d '%s' instead of '%s'", err->status, err->message, words);
}

static void a_page_in_place_of_the_stream_is_the_proxys(void **state)
{
    (void)state;
    static const char *const types[] = {"text/html", "application/grpc", "application/grpc+proto",
                                        NULL};
    static const struct {
        const char *text;
        size_t len;
    } pages[] = {
        {OF("<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n</html>")},
        {OF("stream timeout")},
        {OF("HTTP/1.1 504 Gateway Timeout\r\n\r\n")},
        {OF("\0\x7f\xff\xff\xff a page that looks like a large message")},
        {OF("")},
    };
    for (size_t i = 0; i < COUNT(types) * COUNT(pages); i++) {
        size_t page = i / COUNT(types);
        const char *type = types[i % COUNT(types)];
        struct buf block = BUF_INIT(1024);
        struct rawscript s;
        script_init(&s);
        raw_header(&block, ":status", "504");
        if (type)
            raw_header(&block, "content-type", type);
        raw_headers(&s.answer, END_HEADERS, &block);
        raw_frame(&s.answer, DATA, END_STREAM, 1, pages[page].text, pages[page].len);
        buf_free(&block);
        weir_error err = stream_of(&s, 0);
        expect(&err, "HTTP status 504, not gRPC");
        expect(&err, "a proxy got no answer from the gateway in time");
        assert_int_equal(err.origin, WEIR_ORIGIN_HTTP);
    }
}

static void a_proxy_that_speaks_grpc_is_understood(void **state)
{
    (void)state;
    static const char *const statuses[] = {"200", "204", "504"};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct buf block = BUF_INIT(1024);
        struct rawscript s;
        script_init(&s);
        raw_header(&block, ":status", statuses[i]);
        raw_header(&block, "content-type", "application/grpc");
        raw_header(&block, "grpc-status", "14");
        raw_header(&block, "grpc-message", "upstream timed out");
        raw_headers(&s.answer, END_HEADERS | END_STREAM, &block);
        buf_free(&block);
        weir_error err = stream_of(&s, 0);
        expect(&err, "UNAVAILABLE: upstream timed out");
    }
}

/* The whole answer so far: headers, two messages, and of a third one the beginning. */
static void begin(struct rawscript *s, size_t parts)
{
    script_init(s);
    if (parts > 0)
        raw_grpc_headers(&s->answer);
    for (size_t i = 1; i < parts && i < 3; i++)
        raw_frame(&s->answer, DATA, 0, 1, message, sizeof message);
    if (parts == 4)
        raw_frame(&s->answer, DATA, 0, 1, message, sizeof message - 1);
}

static size_t messages_in(size_t parts)
{
    return parts > 2 ? 2 : parts > 1 ? parts - 1 : 0;
}

static void a_stream_that_is_reset_is_unreachable_wherever_it_was(void **state)
{
    (void)state;
    static const struct {
        uint8_t payload[4];
        const char *name;
    } codes[] = {{{0, 0, 0, 0}, "NO_ERROR"},
                 {{0, 0, 0, 1}, "PROTOCOL_ERROR"},
                 {{0, 0, 0, 2}, "INTERNAL_ERROR"},
                 {{0, 0, 0, 8}, "CANCEL"}};
    for (size_t i = 0; i < COUNT(codes) * 5; i++) {
        struct rawscript s;
        begin(&s, i % 5);
        raw_frame(&s.answer, RST, 0, 1, codes[i / 5].payload, 4);
        weir_error err = stream_of(&s, messages_in(i % 5));
        expect(&err, codes[i / 5].name);
        expect(&err, "the stream was cut");
    }
}

static void a_stream_that_ends_without_a_word_is_unreachable(void **state)
{
    (void)state;
    for (size_t parts = 1; parts <= 4; parts++) {
        struct rawscript s;
        begin(&s, parts);
        raw_frame(&s.answer, DATA, END_STREAM, 1, NULL, 0);
        weir_error err = stream_of(&s, messages_in(parts));
        expect(&err, "without a grpc-status");
    }
}

static void a_connection_closed_under_a_stream_is_unreachable(void **state)
{
    (void)state;
    for (size_t parts = 0; parts <= 4; parts++) {
        struct rawscript s;
        begin(&s, parts);
        s.hang_up = true;
        weir_error err = stream_of(&s, messages_in(parts));
        expect(&err, "was lost");
        if (parts > 0)
            expect(&err, "in the middle of the answer");
    }
}

/* ---- no cut, but silence ----------------------------------------------------------------- */

static bool held(const struct h2server_stats *st, size_t n)
{
    return st->held >= n;
}

/* Time and timeout are keepalive.c's, to the nanosecond; here it is that nothing else is waited
 * for: neither the stream's deadline nor that somebody wants its messages. */
static void streams_on_silent_connections_end_by_keepalive(void **state)
{
    (void)state;
    const weir_channel_arg args[] = {{"grpc.keepalive_time_ms", .number = 50},
                                     {"grpc.keepalive_timeout_ms", .number = 2000},
                                     {0}};
    char target[64];
    struct h2server_options two = {.max_streams = 2};
    struct h2server *s = h2server_start(&two);
    struct probe streams[4] = {0};
    struct rpc_call_options options = {
        .server_streams = true, .manual = true, .long_lived = true, .until = {INT64_MAX}};
    snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned)h2server_port(s));
    struct rpc *rpc = probe_channel(target, args);
    for (size_t i = 0; i < COUNT(streams); i++) {
        options.want = i % 2;
        probe_start(&streams[i], rpc, i < 2 ? "/t/hold" : "/t/flood", &options);
    }
    assert_true(h2server_wait(s, held, 2));
    probe_wait_messages(&streams[3], 1);
    h2server_freeze(s);
    for (size_t i = 0; i < COUNT(streams); i++) {
        probe_wait(&streams[i]);
        expect(&streams[i].error, "no answer to a keepalive ping within 2000 ms");
        probe_free(&streams[i]);
    }
    weir_channel_counters c = {.struct_size = sizeof c};
    rpc_counters(rpc, &c);
    assert_int_equal(c.keepalive_timeouts, 4); /* each stream had its connection */
    rpc_close(rpc);
    h2server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_in_place_of_the_stream_is_the_proxys),
        cmocka_unit_test(a_proxy_that_speaks_grpc_is_understood),
        cmocka_unit_test(a_stream_that_is_reset_is_unreachable_wherever_it_was),
        cmocka_unit_test(a_stream_that_ends_without_a_word_is_unreachable),
        cmocka_unit_test(a_connection_closed_under_a_stream_is_unreachable),
        cmocka_unit_test(streams_on_silent_connections_end_by_keepalive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
