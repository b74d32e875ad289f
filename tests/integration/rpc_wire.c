/* Answers byte by byte: what a server may do, what it may not, and everything cut off in the
 * middle. After each of them the same channel works again, and no descriptor stays open. */
#include "lib/check.h"
#include "lib/probe.h"
#include "lib/rawserver.h"

#include <stdio.h>
#include <string.h>

enum {
    DATA = 0,
    HEADERS = 1,
    PRIORITY = 2,
    RST = 3,
    SETTINGS = 4,
    PUSH = 5,
    PING = 6,
    GOAWAY = 7,
    UPDATE = 8,
    CONTINUATION = 9
};
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8 };

static const uint8_t message[] = {0, 0, 0, 0, 2, 'h', 'i'};
#define OF(literal) literal, sizeof(literal) - 1

static void script_init(struct rawscript *s)
{
    *s = (struct rawscript){.greeting = BUF_INIT(1 << 20),
                            .answer = BUF_INIT(1 << 20),
                            .flood = BUF_INIT(1 << 20),
                            .on_ack = BUF_INIT(1 << 20),
                            .mends = true};
    raw_frame(&s->greeting, SETTINGS, 0, 0, NULL, 0);
}

static void whole_answer(struct buf *b)
{
    raw_grpc_headers(b);
    raw_frame(b, DATA, 0, 1, message, sizeof message);
    raw_trailers(b, "0");
}

/* A call, or two that meet what is left of the connection, and then one that is answered. */
static void expect_works_again(struct rpc *rpc)
{
    weir_error err = {0};
    for (int i = 0; i < 3; i++) {
        struct probe p = {0};
        struct rpc_call_options options = {.wait_for_ready = true, .until = probe_in(10000)};
        probe_start(&p, rpc, "/a/again", &options);
        probe_wait(&p);
        err = p.error;
        bool answered = err.status == WEIR_OK && strcmp(p.last, "hi") == 0;
        probe_free(&p);
        if (answered)
            return;
    }
    fail_msg("the channel does not work again: %s", err.message);
}

static const weir_channel_arg quick[] = {{"grpc.initial_reconnect_backoff_ms", .number = 1},
                                         {"grpc.min_reconnect_backoff_ms", .number = 2000},
                                         {"grpc.max_reconnect_backoff_ms", .number = 10},
                                         {0}};

/* One unary call against the script, its end; `first` (zeroed) tells the rest. */
static weir_error meet(struct rawscript *script, struct probe *first,
                       const struct rpc_call_options *options)
{
    char target[64];
    size_t before = probe_descriptors();
    bool mends = script->mends;
    struct rawserver *s = rawserver_start(script);
    snprintf(target, sizeof target, "127.0.0.1:%u", rawserver_port(s));
    struct rpc *rpc = probe_channel(target, quick);
    probe_start(first, rpc, "/a/b", options);
    probe_wait(first);
    assert_int_equal(first->ends, 1);
    if (mends)
        expect_works_again(rpc);
    assert_int_equal(first->ends, 1);
    probe_free(first);
    rpc_close(rpc);
    rawserver_stop(s);
    probe_wait_descriptors(before);
    return first->error;
}

static weir_error answer_of(struct rawscript *script)
{
    struct probe p = {0};
    return meet(script, &p, NULL);
}

static void expect(const weir_error *err, weir_status status, const char *words)
{
    if (err->status != status || !strstr(err->message, words))
        fail_msg("status %d '%s' instead of %d '%s'", err->status, err->message, status, words);
}

/* ---- allowed, if strange ----------------------------------------------------------------- */

static void an_answer_may_come_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 16; piece++) {
        struct rawscript s;
        struct probe p = {0};
        script_init(&s);
        whole_answer(&s.answer);
        s.piece = piece;
        weir_error err = meet(&s, &p, NULL);
        expect(&err, WEIR_OK, "");
        assert_string_equal(p.last, "hi");
        assert_int_equal(p.messages, 1);
    }
}

static void frames_between_the_parts_change_nothing(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    for (int i = 0; i < 7; i++) {
        raw_frame(&s.answer, PING, 0, 0, "12345678", 8);
        raw_frame(&s.answer, (uint8_t)(0x20 + i), 0xff, i % 2 ? 1 : 0, "anything", 8);
        raw_frame(&s.answer, UPDATE, 0, 1, "\0\0\0\1", 4);
        raw_frame(&s.answer, PRIORITY, 0, 9, "\0\0\0\0\1", 5);
        raw_frame(&s.answer, SETTINGS, 0, 0, "\x77\x77\0\0\0\1", 6);
        if (i == 0)
            raw_grpc_headers(&s.answer);
        else if (i == 6)
            raw_trailers(&s.answer, "0");
        else
            raw_frame(&s.answer, DATA, 0, 1, message + i - 1, i == 5 ? 3 : 1);
    }
    weir_error err = answer_of(&s);
    expect(&err, WEIR_OK, "");
}

static void data_and_headers_may_be_padded(void **state)
{
    (void)state;
    struct rawscript s;
    struct buf block = BUF_INIT(256);
    script_init(&s);
    buf_add(&block, "\4", 1);
    raw_header(&block, ":status", "200");
    raw_header(&block, "content-type", "application/grpc");
    buf_add(&block, "\0\0\0\0", 4);
    raw_headers(&s.answer, END_HEADERS | PADDED, &block);
    raw_frame(&s.answer, DATA, PADDED, 1, OF("\3\0\0\0\0\2hi\0\0\0"));
    raw_frame(&s.answer, DATA, PADDED, 1, OF("\0"));
    raw_trailers(&s.answer, "0");
    buf_free(&block);
    weir_error err = answer_of(&s);
    expect(&err, WEIR_OK, "");
}

static void calls_wait_for_room_on_the_connection(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_frame(&s.greeting, SETTINGS, 0, 0, "\0\3\0\0\0\0", 6); /* MAX_CONCURRENT_STREAMS */
    raw_frame(&s.on_ack, SETTINGS, 0, 0, "\0\3\0\0\0\1", 6);
    whole_answer(&s.answer);
    weir_error err = answer_of(&s);
    expect(&err, WEIR_OK, "");
}

static void a_window_is_not_to_be_overrun(void **state)
{
    (void)state;
    static const uint8_t piece[16384] = {0};
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    raw_frame(&s.answer, DATA, 0, 1, "\0\0\x20\0\0", 5);
    for (int i = 0; i < 5; i++) /* 80 KB, and our SETTINGS are not acknowledged: 64 KB */
        raw_frame(&s.answer, DATA, 0, 1, piece, sizeof piece);
    weir_error err = answer_of(&s);
    expect(&err, WEIR_PROTOCOL, "FLOW_CONTROL_ERROR");
    assert_null(strstr(err.message, "the server reset"));
}

static void a_request_waits_for_the_servers_window(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_frame(&s.greeting, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6); /* INITIAL_WINDOW_SIZE */
    raw_frame(&s.on_ack, SETTINGS, 0, 0, "\0\4\0\0\0\3", 6);
    raw_frame(&s.on_ack, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
    raw_frame(&s.on_ack, SETTINGS, 0, 0, "\0\4\0\0\1\0", 6);
    whole_answer(&s.answer);
    weir_error err = answer_of(&s);
    expect(&err, WEIR_OK, "");
}

/* ---- what a status can look like --------------------------------------------------------- */

struct field {
    const char *name, *value;
};

static void add_block(struct buf *out, const struct field *fields, uint8_t flags)
{
    struct buf block = BUF_INIT(4096);
    for (; fields->name; fields++)
        raw_header(&block, fields->name, fields->value);
    raw_headers(out, flags, &block);
    buf_free(&block);
}

static void trailers_alone_are_an_answer(void **state)
{
    (void)state;
    static const struct {
        struct field fields[5];
        weir_status status;
        const char *words;
    } cases[] = {
        {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "5"}},
         WEIR_NOT_FOUND,
         "NOT_FOUND"},
        {{{":status", "200"},
          {"content-type", "application/grpc"},
          {"grpc-status", "5"},
          {"grpc-message", "n%C3%B6t%20here%21"}},
         WEIR_NOT_FOUND,
         "n\xc3\xb6t here!"},
        {{{":status", "200"},
          {"content-type", "application/grpc+proto"},
          {"grpc-status", "9"},
          {"grpc-message", "100%zz%"}},
         WEIR_CONFLICT,
         "100%zz%"},
        {{{":status", "200"},
          {"content-type", "application/grpc"},
          {"grpc-status", "8"},
          {"grpc-message", "a%0Ab"}},
         WEIR_BUSY,
         "RESOURCE_EXHAUSTED: a b"},
        {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "0"}},
         WEIR_PROTOCOL,
         "without a message"},
        {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "-1"}},
         WEIR_REFUSED,
         "UNKNOWN"},
        {{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", ""}},
         WEIR_REFUSED,
         "UNKNOWN"},
        {{{":status", "200"}, {"content-type", "application/grpc"}},
         WEIR_PROTOCOL,
         "without a grpc-status"},
        {{{":status", "502"}, {"content-type", "application/grpc"}, {"grpc-status", "14"}},
         WEIR_UNREACHABLE,
         "UNAVAILABLE"},
        {{{":status", "404"}}, WEIR_UNSUPPORTED, "HTTP status 404"},
        {{{":status", "418"}}, WEIR_PROTOCOL, "HTTP status 418"},
        {{{":status", "999"}}, WEIR_REFUSED, "HTTP status 999"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rawscript s;
        script_init(&s);
        add_block(&s.answer, cases[i].fields, END_HEADERS | END_STREAM);
        weir_error err = answer_of(&s);
        expect(&err, cases[i].status, cases[i].words);
    }
}

static void a_page_of_html_is_shown_with_its_status(void **state)
{
    (void)state;
    static const struct {
        const char *http;
        weir_status status;
    } cases[] = {{"200", WEIR_PROTOCOL},    {"400", WEIR_REFUSED},     {"401", WEIR_BAD_LOGIN},
                 {"403", WEIR_FORBIDDEN},   {"404", WEIR_UNSUPPORTED}, {"429", WEIR_BUSY},
                 {"500", WEIR_REFUSED},     {"502", WEIR_UNREACHABLE}, {"503", WEIR_UNREACHABLE},
                 {"504", WEIR_UNREACHABLE}, {"302", WEIR_PROTOCOL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct field fields[] = {
            {":status", cases[i].http}, {"content-type", "text/html"}, {0}};
        struct rawscript s;
        static char page[16384];
        memset(page, 'x', sizeof page);
        memcpy(page, "<html>\r\n\t<h1>no", 15);
        script_init(&s);
        raw_frame(&s.answer, SETTINGS, 1, 0, NULL, 0); /* our window is 1 MB from here on */
        add_block(&s.answer, fields, END_HEADERS);
        for (int part = 0; part < 40; part++) /* 640 KB: not all is kept */
            raw_frame(&s.answer, DATA, part == 39, 1, page, sizeof page);
        weir_error err = answer_of(&s);
        expect(&err, cases[i].status, cases[i].http);
        assert_non_null(strstr(err.message, ": noxxx"));
        assert_null(strchr(err.message, '\n'));
    }
}

/* ---- ended in the middle ----------------------------------------------------------------- */

static void every_reset_code_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"NO_ERROR",
                                        "PROTOCOL_ERROR",
                                        "INTERNAL_ERROR",
                                        "FLOW_CONTROL_ERROR",
                                        "SETTINGS_TIMEOUT",
                                        "STREAM_CLOSED",
                                        "FRAME_SIZE_ERROR",
                                        "REFUSED_STREAM",
                                        "CANCEL",
                                        "COMPRESSION_ERROR",
                                        "CONNECT_ERROR",
                                        "ENHANCE_YOUR_CALM",
                                        "INADEQUATE_SECURITY",
                                        "HTTP_1_1_REQUIRED",
                                        "unknown code"};
    for (uint8_t code = 0; code < COUNT(names); code++) {
        const uint8_t payload[4] = {0, 0, 0, code};
        struct rawscript s;
        script_init(&s);
        raw_grpc_headers(&s.answer);
        raw_frame(&s.answer, DATA, 0, 1, message, sizeof message);
        raw_frame(&s.answer, RST, 0, 1, payload, 4);
        weir_error err = answer_of(&s);
        assert_int_not_equal(err.status, WEIR_OK);
        expect(&err, err.status, names[code]);
    }
}

static void a_refused_stream_is_repeated_unless_switched_off(void **state)
{
    (void)state;
    struct rawscript s;
    script_init(&s);
    raw_frame(&s.answer, RST, 0, 1, "\0\0\0\7", 4);
    weir_error err = answer_of(&s);
    expect(&err, WEIR_OK, "");

    const weir_channel_arg off[] = {{"grpc.enable_retries", .number = 0}, {0}};
    char target[64];
    script_init(&s);
    raw_frame(&s.answer, RST, 0, 1, "\0\0\0\7", 4);
    struct rawserver *server = rawserver_start(&s);
    snprintf(target, sizeof target, "127.0.0.1:%u", rawserver_port(server));
    struct rpc *rpc = probe_channel(target, off);
    assert_int_equal(probe_call(rpc, "/a/b", &err), WEIR_UNREACHABLE);
    expect(&err, WEIR_UNREACHABLE, "REFUSED_STREAM");
    rpc_close(rpc);
    rawserver_stop(server);
}

static void an_answer_cut_anywhere_ends_the_call_once(void **state)
{
    (void)state;
    struct buf whole = BUF_INIT(1024);
    whole_answer(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        struct rawscript s;
        script_init(&s);
        buf_add(&s.answer, whole.data, len);
        s.hang_up = true;
        weir_error err = answer_of(&s);
        expect(&err, WEIR_UNREACHABLE, "closed");
    }
    buf_free(&whole);
}

static void goaway_may_come_at_any_moment(void **state)
{
    (void)state;
    static const uint8_t last[][4] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0x7f, 255, 255, 255}};
    for (size_t i = 0; i < COUNT(last) * 2 * 3; i++) {
        uint8_t payload[11] = {0, 0, 0, 0, 0, 0, 0, (uint8_t)(i / 3 % 2 ? 2 : 0), 'b', 'y', 'e'};
        struct rawscript s;
        script_init(&s);
        memcpy(payload, last[i % 3], 4);
        if (i / 6 == 0) /* before a call was heard of; else it is one for stream 1 */
            raw_frame(&s.greeting, GOAWAY, 0, 0, payload, sizeof payload);
        if (i / 6 == 1)
            raw_frame(&s.answer, GOAWAY, 0, 0, payload, sizeof payload);
        whole_answer(&s.answer);
        if (i / 6 == 2)
            raw_frame(&s.answer, GOAWAY, 0, 0, payload, sizeof payload);
        weir_error err = answer_of(&s); /* finished there, or repeated elsewhere */
        if (err.status != WEIR_OK)
            fail_msg("case %zu: %s", i, err.message);
    }
}

/* ---- not allowed ------------------------------------------------------------------------- */

struct wrong {
    uint8_t type, flags;
    uint32_t stream;
    const char *payload;
    size_t len;
};

static const struct wrong wrongs[] = {
    {SETTINGS, 0, 0, OF("\0\3\0\0\0")},     /* no multiple of six               */
    {SETTINGS, 0, 1, OF("")},               /* of a stream                      */
    {SETTINGS, 1, 0, OF("\0\3\0\0\0\1")},   /* an acknowledgement that says more */
    {SETTINGS, 0, 0, OF("\0\2\0\0\0\1")},   /* ENABLE_PUSH by a server          */
    {SETTINGS, 0, 0, OF("\0\4\x80\0\0\0")}, /* a window of 2^31                 */
    {SETTINGS, 0, 0, OF("\0\5\0\0\0\1")},   /* MAX_FRAME_SIZE of 1              */
    {PING, 0, 0, OF("1234567")},            /* seven bytes                      */
    {PING, 0, 1, OF("12345678")},           /* of a stream                      */
    {GOAWAY, 0, 0, OF("\0\0\0\0")},         /* too short                        */
    {GOAWAY, 0, 1, OF("\0\0\0\0\0\0\0\0")}, /* of a stream                      */
    {RST, 0, 1, OF("\0\0\0")},              /* too short                        */
    {RST, 0, 0, OF("\0\0\0\0")},            /* of the connection                */
    {RST, 0, 9, OF("\0\0\0\0")},            /* of a stream that never was       */
    {UPDATE, 0, 0, OF("\0\0\0\0")},         /* by nothing                       */
    {UPDATE, 0, 0, OF("\x7f\xff\xff\xff")}, /* beyond 2^31                      */
    {UPDATE, 0, 1, OF("\0\0\0")},           /* too short                        */
    {UPDATE, 0, 9, OF("\0\0\0\1")},         /* of a stream that never was       */
    {DATA, 0, 0, OF("x")},                  /* of the connection                */
    {DATA, PADDED, 1, OF("\x09hello")},     /* more padding than there is       */
    {DATA, PADDED, 1, OF("")},              /* not even its length              */
    {HEADERS, END_HEADERS, 0, OF("\x88")},  /* of the connection                */
    {HEADERS, END_HEADERS, 2, OF("\x88")},  /* a stream that the server opens   */
    {HEADERS, END_HEADERS, 9, OF("\x88")},  /* a stream that never was          */
    {HEADERS, END_HEADERS | PADDED, 1, OF("\x09\x88")},
    {HEADERS, END_HEADERS, 1, OF("\xff\xff\xff\xff\x0f")}, /* an index nobody has         */
    {HEADERS, END_HEADERS, 1, OF("\x3f\xe1\xff\x7f")},     /* a table larger than allowed */
    {HEADERS, END_HEADERS, 1, OF("\x88\x00\x7f")},         /* cut in the middle of a name */
    {CONTINUATION, END_HEADERS, 1, OF("\x88")},            /* of nothing                  */
    {PUSH, END_HEADERS, 1, OF("\0\0\0\2\x88")},            /* we said no                  */
    {PRIORITY, 0, 0, OF("\0\0\0\0\1")},                    /* of the connection           */
};

static void what_http2_forbids_ends_the_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        const struct wrong *w = &wrongs[i];
        struct rawscript s;
        script_init(&s);
        raw_frame(&s.answer, SETTINGS, 1, 0, NULL, 0);
        raw_frame(&s.answer, w->type, w->flags, w->stream, w->payload, w->len);
        weir_error err = answer_of(&s);
        if (err.status != WEIR_PROTOCOL || !strstr(err.message, "HTTP/2"))
            fail_msg("case %zu: %d %s", i, err.status, err.message);
    }
}

static void headers_that_http2_forbids_end_the_call(void **state)
{
    (void)state;
    static const struct field cases[][4] = {
        {{"content-type", "application/grpc"}}, /* no :status */
        {{":status", "2x0"}},
        {{":status", "200"}, {":status", "200"}},
        {{":status", "200"}, {"Upper", "x"}},
        {{":status", "200"}, {"connection", "close"}},
        {{":status", "200"}, {"transfer-encoding", "chunked"}},
        {{":status", "200"}, {"x", "a\nb"}},
        {{":status", "200"}, {"", "x"}},
        {{":status", "200"}, {":path", "/"}},
        {{"x", "y"}, {":status", "200"}},
        {{":status", "101"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rawscript s;
        script_init(&s);
        add_block(&s.answer, cases[i], END_HEADERS);
        raw_frame(&s.answer, DATA, 0, 1, message, sizeof message);
        raw_trailers(&s.answer, "0");
        weir_error err = answer_of(&s);
        if (err.status != WEIR_PROTOCOL)
            fail_msg("case %zu: %d %s", i, err.status, err.message);
    }
}

static void a_frame_beyond_the_size_we_allow_ends_the_call(void **state)
{
    (void)state;
    static const uint8_t large[16385] = {0};
    struct rawscript s;
    script_init(&s);
    raw_grpc_headers(&s.answer);
    raw_frame(&s.answer, DATA, 0, 1, large, sizeof large);
    weir_error err = answer_of(&s);
    expect(&err, WEIR_PROTOCOL, "HTTP/2");
}

static void floods_leave_a_channel_that_works(void **state)
{
    (void)state;
    static const struct wrong floods[] = {
        {PRIORITY, 0, 1, OF("\0\0\0\0\1")},
        {RST, 0, 1, OF("\0\0\0\2")},
        {PING, 0, 0, OF("12345678")},
        {SETTINGS, 0, 0, OF("\0\4\0\0\1\0")},
        {0x55, 0, 1, OF("x")},
        {DATA, PADDED, 1, OF("\0")},
    };
    for (size_t i = 0; i < COUNT(floods); i++) {
        const struct wrong *f = &floods[i];
        struct rawscript s;
        script_init(&s);
        raw_grpc_headers(&s.answer);
        for (int n = 0; n < 500; n++)
            raw_frame(&s.flood, f->type, f->flags, f->stream, f->payload, f->len);
        weir_error err = answer_of(&s);
        if (err.status != WEIR_PROTOCOL && !(f->type == RST && err.status == WEIR_REFUSED))
            fail_msg("flood of type %d: %d %s", f->type, err.status, err.message);
    }
}

static void what_is_no_http2_at_all_is_named(void **state)
{
    (void)state;
    static const struct wrong greetings[] = {
        {.payload = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", .len = 32},
        {.payload = "220 mail.example.com ESMTP\r\n", .len = 28},
        {.payload = "HTTP/1.0 200 OK\r\n\r\n<html>", .len = 25},
        {.payload = "\x15\x03\x01\0\x02\x02\x46 and more", .len = 16}, /* a TLS alert */
        {.payload = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .len = 24},    /* our own words */
        {.payload = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", .len = 18},
    };
    for (size_t i = 0; i < COUNT(greetings); i++) {
        struct rawscript s = {.greeting = BUF_INIT(64), .mends = true};
        buf_add(&s.greeting, greetings[i].payload, greetings[i].len);
        weir_error err = answer_of(&s);
        expect(&err, WEIR_PROTOCOL, "HTTP/2");
    }
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    struct rawscript s = {.mends = true};
    weir_error err = answer_of(&s);
    expect(&err, WEIR_UNREACHABLE, "no HTTP/2 SETTINGS");
}

/* libuv opens some descriptors once in a process. */
static int warm_up(void **state)
{
    weir_error err = {0};
    struct rpc *rpc = probe_channel("127.0.0.1:1", NULL);
    (void)state;
    probe_call(rpc, "/a/b", &err);
    rpc_close(rpc);
    return err.status == WEIR_UNREACHABLE ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_in_any_pieces),
        cmocka_unit_test(frames_between_the_parts_change_nothing),
        cmocka_unit_test(data_and_headers_may_be_padded),
        cmocka_unit_test(calls_wait_for_room_on_the_connection),
        cmocka_unit_test(a_window_is_not_to_be_overrun),
        cmocka_unit_test(a_request_waits_for_the_servers_window),
        cmocka_unit_test(trailers_alone_are_an_answer),
        cmocka_unit_test(a_page_of_html_is_shown_with_its_status),
        cmocka_unit_test(every_reset_code_has_its_name),
        cmocka_unit_test(a_refused_stream_is_repeated_unless_switched_off),
        cmocka_unit_test(an_answer_cut_anywhere_ends_the_call_once),
        cmocka_unit_test(goaway_may_come_at_any_moment),
        cmocka_unit_test(what_http2_forbids_ends_the_call),
        cmocka_unit_test(headers_that_http2_forbids_end_the_call),
        cmocka_unit_test(a_frame_beyond_the_size_we_allow_ends_the_call),
        cmocka_unit_test(floods_leave_a_channel_that_works),
        cmocka_unit_test(what_is_no_http2_at_all_is_named),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
