/* Servers that break the protocol or try to make the client grow: the call ends with the right
 * status and words, soon, and nothing is left behind (the sanitizer presets count). */
#include "lib/check.h"
#include "lib/probe.h"
#include "lib/rawserver.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    DATA = 0,
    HEADERS = 1,
    RST = 3,
    SETTINGS = 4,
    PUSH = 5,
    PING = 6,
    GOAWAY = 7,
    UPDATE = 8,
    CONTINUATION = 9
};
enum { END_STREAM = 1, END_HEADERS = 4 };
#define OF(literal) (literal), sizeof(literal) - 1

static void script_init(struct rawscript *s)
{
    *s = (struct rawscript){.greeting = BUF_INIT(1 << 20),
                            .answer = BUF_INIT(8 << 20),
                            .flood = BUF_INIT(1 << 20),
                            .on_ack = BUF_INIT(1 << 20)};
    raw_frame(&s->greeting, SETTINGS, 0, 0, NULL, 0);
}

static long resident_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* One call against the script; `options` NULL: unary. */
static weir_error meet(struct rawscript *script, const struct rpc_call_options *options)
{
    struct probe p = {0};
    char target[64];
    struct rawserver *s = rawserver_start(script);
    snprintf(target, sizeof target, "127.0.0.1:%u", rawserver_port(s));
    struct rpc *rpc = probe_channel(target, NULL);
    probe_start(&p, rpc, "/a/b", options);
    probe_wait(&p);
    assert_int_equal(p.ends, 1);
    weir_error err = p.error;
    probe_free(&p);
    rpc_close(rpc);
    rawserver_stop(s);
    return err;
}

static void flood_of(uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len)
{
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    for (int i = 0; i < 500; i++)
        raw_frame(&s.flood, type, flags, stream, payload, len);
    long before = resident_kb();
    weir_error err = meet(&s, NULL);
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_true(resident_kb() - before < 16 * 1024);
}

static void a_ping_flood_ends_the_connection(void **state)
{
    (void)state;
    flood_of(PING, 0, 0, "12345678", 8);
}

static void a_settings_flood_ends_the_connection(void **state)
{
    (void)state;
    flood_of(SETTINGS, 0, 0, "\0\3\0\0\0\144", 6);
}

static void a_flood_of_empty_data_ends_the_connection(void **state)
{
    (void)state;
    flood_of(DATA, 0, 1, NULL, 0);
}

static void a_flood_of_window_updates_ends_the_connection(void **state)
{
    (void)state;
    flood_of(UPDATE, 0, 1, "\0\0\0\1", 4);
}

static void a_flood_of_unknown_frames_ends_the_connection(void **state)
{
    (void)state;
    flood_of(0x42, 0, 0, "x", 1);
}

static void endless_informational_headers_end_the_connection(void **state)
{
    (void)state;
    struct rawscript s;
    struct buf block = BUF_INIT(256);
    script_init(&s);
    raw_header(&block, ":status", "103");
    raw_headers(&s.flood, END_HEADERS, &block);
    buf_free(&block);
    assert_int_equal(meet(&s, NULL).status, WEIR_PROTOCOL);
}

static void a_server_of_another_protocol_is_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *greeting;
        size_t len;
        const char *says;
    } cases[] = {
        {OF("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"), "HTTP/1.1 400 Bad Request\", not"},
        {OF("HTTP/1.0 2"), "HTTP/1.0 2\", not"},
        {OF("\x15\x03\x01\0\x02\x02\x28"), "TLS"},
        {OF("SSH-2.0-OpenSSH_9.2\r\n"), "SETTINGS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rawscript s;
        script_init(&s);
        s.greeting.len = 0;
        buf_add(&s.greeting, cases[i].greeting, cases[i].len);
        weir_error err = meet(&s, NULL);
        assert_int_equal(err.status, WEIR_PROTOCOL);
        assert_non_null(strstr(err.message, cases[i].says));
    }
}

/* As brokers answer when a rejection has no reason. */
static void words_that_end_in_a_blank_are_the_servers_words(void **state)
{
    (void)state;
    struct rawscript s;
    struct buf block = BUF_INIT(256);
    script_init(&s);
    raw_header(&block, ":status", "200");
    raw_header(&block, "content-type", "application/grpc");
    raw_header(&block, "grpc-status", "5");
    raw_header(&block, "grpc-message", "rejected: ");
    raw_headers(&s.answer, END_HEADERS | END_STREAM, &block);
    buf_free(&block);
    weir_error err = meet(&s, NULL);
    assert_int_equal(err.status, WEIR_NOT_FOUND);
    assert_non_null(strstr(err.message, "rejected:"));
}

static void endless_continuation_frames_end_the_connection(void **state)
{
    (void)state;
    struct rawscript s;
    struct buf block = BUF_INIT(1024);
    script_init(&s);
    raw_header(&block, ":status", "200");
    raw_headers(&s.answer, 0, &block);
    raw_frame(&s.flood, CONTINUATION, 0, 1, NULL, 0);
    buf_free(&block);
    assert_int_equal(meet(&s, NULL).status, WEIR_PROTOCOL);
}

static void endless_headers_end_the_call(void **state)
{
    (void)state;
    struct rawscript s;
    struct buf block = BUF_INIT(16384);
    char value[120];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    script_init(&s);
    raw_header(&block, ":status", "200");
    for (int i = 0; i < 100; i++)
        raw_header(&block, "x-more", value);
    raw_headers(&s.answer, 0, &block);
    for (int i = 0; i < 10; i++)
        raw_frame(&s.answer, CONTINUATION, i == 9 ? END_HEADERS : 0, 1, block.data + 13,
                  block.len - 13);
    buf_free(&block);
    weir_error err = meet(&s, NULL);
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_non_null(strstr(err.message, "headers"));
}

/* One entry of 3 KB in the dynamic table, then references to it, a byte each. */
static void an_hpack_bomb_ends_the_call(void **state)
{
    (void)state;
    struct rawscript s;
    struct buf block = BUF_INIT(65536);
    char big[3001];
    memset(big, 'b', 3000);
    script_init(&s);
    raw_header(&block, ":status", "200");
    buf_add(&block, "\x40\x01x\x7f\xb9\x16", 6); /* literal, indexed; a value of 127 + 2873 bytes */
    buf_add(&block, big, 3000);
    for (int i = 0; i < 12000; i++)
        buf_add(&block, "\xbe", 1);
    raw_headers(&s.answer, END_HEADERS, &block);
    buf_free(&block);
    long before = resident_kb();
    assert_int_equal(meet(&s, NULL).status, WEIR_PROTOCOL);
    assert_true(resident_kb() - before < 16 * 1024);
}

static const uint8_t message[] = {0, 0, 0, 0, 2, 'h', 'i'};

static void data_without_headers_is_refused(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_frame(&s.answer, DATA, 0, 1, message, sizeof message);
    assert_int_equal(meet(&s, NULL).status, WEIR_PROTOCOL);
}

static void data_after_the_end_does_no_harm(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    raw_frame(&s.answer, DATA, 0, 1, message, sizeof message);
    raw_trailers(&s.answer, "0");
    raw_frame(&s.answer, DATA, 0, 1, message, sizeof message);
    assert_int_equal(meet(&s, NULL).status, WEIR_OK); /* the call was complete */
}

static void data_on_a_stream_nobody_opened_ends_the_connection(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_frame(&s.answer, DATA, 0, 7, message, sizeof message);
    assert_int_equal(meet(&s, NULL).status, WEIR_PROTOCOL);
}

static void more_data_than_the_window_allows_is_refused(void **state)
{
    (void)state;
    static uint8_t piece[16384];
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    for (int i = 0; i < 65; i++)
        raw_frame(&s.answer, DATA, 0, 1, piece, sizeof piece);
    struct rpc_call_options options = {
        .server_streams = true, .manual = true, .until = probe_in(10000)};
    assert_int_equal(meet(&s, &options).status, WEIR_PROTOCOL);
}

static void a_message_beyond_the_limit_is_not_read(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    raw_frame(&s.answer, DATA, 0, 1, "\0\x7f\xff\xff\xff...", 8);
    weir_error err = meet(&s, NULL);
    assert_int_equal(err.status, WEIR_INVALID);
    assert_int_equal(err.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
    assert_non_null(strstr(err.message, "grpc.max_receive_message_length"));
}

/* What a unary call makes of DATA and trailers. */
static void answers_that_are_no_grpc_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
        const char *status, *words;
        weir_status meaning;
    } cases[] = {
        {"\2\0\0\0\0", 5, "0", "not gRPC messages", WEIR_PROTOCOL},
        {"\1\0\0\0\1x", 6, "0", "not gzip", WEIR_PROTOCOL},
        {"\0\0\0\0\5hi", 7, "0", "cut short", WEIR_PROTOCOL},
        {"\0\0\0\0\1a\0\0\0\0\1b", 12, "0", "more than one message", WEIR_PROTOCOL},
        {"", 0, "0", "without a message", WEIR_PROTOCOL},
        {"\0\0\0\0\1a", 6, "99", "UNKNOWN", WEIR_REFUSED},
        {"\0\0\0\0\1a", 6, "x", "UNKNOWN", WEIR_REFUSED},
        {"\0\0\0\0\1a", 6, "13", "INTERNAL", WEIR_REFUSED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rawscript s;
        script_init(&s);
        raw_grpc_headers(&s.answer);
        raw_frame(&s.answer, DATA, 0, 1, cases[i].data, cases[i].len);
        raw_trailers(&s.answer, cases[i].status);
        weir_error err = meet(&s, NULL);
        assert_int_equal(err.status, cases[i].meaning);
        assert_non_null(strstr(err.message, cases[i].words));
    }
}

static void an_end_without_a_status_is_named(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    raw_frame(&s.answer, DATA, END_STREAM, 1, message, sizeof message);
    weir_error err = meet(&s, NULL);
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_non_null(strstr(err.message, "without a grpc-status"));
}

static void resets_are_mapped_by_their_code(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        weir_status meaning;
        const char *words;
    } cases[] = {
        {1, WEIR_PROTOCOL, "PROTOCOL_ERROR"},    {2, WEIR_REFUSED, "INTERNAL_ERROR"},
        {7, WEIR_UNREACHABLE, "REFUSED_STREAM"}, {8, WEIR_REFUSED, "CANCEL"},
        {11, WEIR_BUSY, "ENHANCE_YOUR_CALM"},    {12, WEIR_FORBIDDEN, "INADEQUATE_SECURITY"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rawscript s;
        const uint8_t code[4] = {0, 0, 0, cases[i].code};
        script_init(&s);
        raw_grpc_headers(&s.answer);
        raw_frame(&s.answer, RST, 0, 1, code, 4);
        weir_error err = meet(&s, NULL);
        assert_int_equal(err.status, cases[i].meaning);
        assert_non_null(strstr(err.message, cases[i].words));
    }
}

static void a_port_that_speaks_http1_is_named(void **state)
{
    (void)state;
    struct rawscript s = {.greeting = BUF_INIT(1024)};
    buf_adds(&s.greeting, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    weir_error err = meet(&s, NULL);
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_non_null(strstr(err.message, "HTTP/2"));
}

static void goaway_with_an_error_is_told(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_frame(&s.answer, GOAWAY, 0, 0, "\0\0\0\1\0\0\0\13too_many_pings", 22);
    raw_grpc_headers(&s.answer);
    raw_frame(&s.answer, DATA, 0, 1, message, sizeof message);
    raw_trailers(&s.answer, "0");
    assert_int_equal(meet(&s, NULL).status, WEIR_OK); /* stream 1 was to be finished */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_flood_ends_the_connection),
        cmocka_unit_test(a_settings_flood_ends_the_connection),
        cmocka_unit_test(a_flood_of_empty_data_ends_the_connection),
        cmocka_unit_test(a_flood_of_window_updates_ends_the_connection),
        cmocka_unit_test(a_flood_of_unknown_frames_ends_the_connection),
        cmocka_unit_test(endless_informational_headers_end_the_connection),
        cmocka_unit_test(a_server_of_another_protocol_is_recognised),
        cmocka_unit_test(words_that_end_in_a_blank_are_the_servers_words),
        cmocka_unit_test(endless_continuation_frames_end_the_connection),
        cmocka_unit_test(endless_headers_end_the_call),
        cmocka_unit_test(an_hpack_bomb_ends_the_call),
        cmocka_unit_test(data_without_headers_is_refused),
        cmocka_unit_test(data_after_the_end_does_no_harm),
        cmocka_unit_test(data_on_a_stream_nobody_opened_ends_the_connection),
        cmocka_unit_test(more_data_than_the_window_allows_is_refused),
        cmocka_unit_test(a_message_beyond_the_limit_is_not_read),
        cmocka_unit_test(answers_that_are_no_grpc_are_named),
        cmocka_unit_test(an_end_without_a_status_is_named),
        cmocka_unit_test(resets_are_mapped_by_their_code),
        cmocka_unit_test(a_port_that_speaks_http1_is_named),
        cmocka_unit_test(goaway_with_an_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
