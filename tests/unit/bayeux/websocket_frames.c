/* Frames by the byte: what each side takes, answers, and refuses, and why. */
#include "lib/check.h"

#include "bayeux/websocket_frames.h"
#include "core/buf.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

struct side {
    struct frames *frames;
    struct buf out;
    char text[256]; /* the last message */
    size_t len, messages;
    bool stop; /* after a message */
};

static bool on_message(void *user, char *text, size_t len)
{
    struct side *s = user;
    s->messages++;
    s->len = len;
    assert_int_equal(text[len], '\0');
    (void)snprintf(s->text, sizeof s->text, "%s", text);
    mem_free(text);
    return !s->stop;
}

static void on_write(void *user, const void *data, size_t len)
{
    struct side *s = user;
    buf_add(&s->out, data, len);
}

static void begin(struct side *s, bool server, size_t most)
{
    *s = (struct side){.out = BUF_INIT((size_t)1024 * 1024)};
    const struct frames_options options = {.server = server,
                                           .max_message = most,
                                           .clock = clock_system(),
                                           .message = on_message,
                                           .write = on_write,
                                           .user = s};
    s->frames = frames_new(&options, NULL);
    assert_non_null(s->frames);
}

static void end(struct side *s)
{
    frames_free(s->frames);
    buf_free(&s->out);
}

static void wrote(struct side *s, const void *bytes, size_t len)
{
    assert_int_equal(s->out.len, len);
    assert_memory_equal(s->out.data, bytes, len);
    s->out.len = 0;
}

#define BYTES(text) (text), sizeof(text) - 1

/* RFC 6455, 5.7. */
static void the_examples_of_the_rfc_are_understood(void **state)
{
    (void)state;
    struct side client, server;
    begin(&client, false, 1000);
    begin(&server, true, 1000);
    assert_int_equal(frames_receive(client.frames, BYTES("\x81\x05Hello"), NULL), WEIR_OK);
    assert_string_equal(client.text, "Hello");
    assert_int_equal(
        frames_receive(server.frames, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), NULL),
        WEIR_OK);
    assert_string_equal(server.text, "Hello");
    assert_int_equal(frames_receive(client.frames, BYTES("\x01\x03Hel\x80\x02lo"), NULL), WEIR_OK);
    assert_string_equal(client.text, "Hello");
    assert_int_equal(client.messages, 2);
    assert_int_equal(frames_receive(client.frames, BYTES("\x89\x05Hello"), NULL), WEIR_OK);
    assert_int_equal(client.out.len, 2 + 4 + 5);
    assert_memory_equal(client.out.data, "\x8a\x85", 2);
    end(&client);
    end(&server);
}

static void each_side_understands_the_other_whatever_the_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
    static char text[100001];
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < COUNT(sizes) * 2; i++) {
        struct side from, to;
        size_t size = sizes[i / 2], piece = i % 2 ? 1 : 4000;
        begin(&from, i % 2, 100000);
        begin(&to, !(i % 2), 100000);
        assert_int_equal(frames_send(from.frames, text, size, NULL), WEIR_OK);
        assert_int_equal(frames_ping(from.frames, NULL), WEIR_OK);
        if (size > 10 && !(i % 2)) /* a client's are masked */
            assert_null(memmem(from.out.data, from.out.len, "xxxxxxxxxx", 10));
        for (size_t at = 0; at < from.out.len; at += piece) {
            size_t len = from.out.len - at < piece ? from.out.len - at : piece;
            assert_int_equal(frames_receive(to.frames, from.out.data + at, len, NULL), WEIR_OK);
        }
        assert_int_equal(to.messages, 1);
        assert_int_equal(to.len, size);
        assert_in_range(to.out.len, 2, 6); /* the pong */
        assert_int_equal(frames_receive(from.frames, to.out.data, to.out.len, NULL), WEIR_OK);
        end(&from);
        end(&to);
    }
}

static void a_ping_may_come_between_fragments(void **state)
{
    (void)state;
    struct side s;
    begin(&s, false, 1000);
    assert_int_equal(
        frames_receive(s.frames, BYTES("\x01\x01[\x89\x00\x00\x00\x00\x01,\x80\x01]"), NULL),
        WEIR_OK);
    assert_string_equal(s.text, "[,]");
    assert_int_equal(s.out.len, 6);
    end(&s);
}

static void what_the_rfc_forbids_ends_it_with_the_right_code(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int code;
        const char *says;
    } cases[] = {
        {BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 1002, "a server is masked"},
        {BYTES("\xc1\x01x"), 1002, "reserved bits"},
        {BYTES("\x83\x01x"), 1002, "opcode"},
        {BYTES("\x8b\x00"), 1002, "opcode"},
        {BYTES("\x80\x01x"), 1002, "has not begun"},
        {BYTES("\x01\x01x\x81\x01x"), 1002, "within another"},
        {BYTES("\x09\x00"), 1002, "length"},
        {BYTES("\x89\x7e\x00\x7e"), 1002, "length"},
        {BYTES("\x81\x7e\x00\x05Hello"), 1002, "length"},
        {BYTES("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00x"), 1002, "length"},
        {BYTES("\x82\x01x"), 1003, "binary"},
        {BYTES("\x81\x02\xc3("), 1007, "no UTF-8"},
        {BYTES("\x81\x03\xed\xa0\x80"), 1007, "no UTF-8"},
        {BYTES("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00x"), 1009, "larger than 1000 bytes: raise"},
        {BYTES("\x88\x01x"), 1002, "close frame"},
        {BYTES("\x88\x02\x03\xed"), 1002, "close frame"}, /* 1005 */
        {BYTES("\x88\x02\x03\xe7"), 1002, "close frame"}, /* 999 */
        {BYTES("\x88\x03\x03\xe8\xff"), 1007, "reason"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct side s;
        weir_error err = {0};
        begin(&s, false, 1000);
        assert_int_equal(frames_receive(s.frames, cases[i].bytes, cases[i].len, &err),
                         WEIR_PROTOCOL);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%zu: '%s' does not say '%s'", i, err.message, cases[i].says);
        assert_int_equal(s.messages, 0);
        assert_true(s.out.len >= 8);
        const uint8_t *out = (const uint8_t *)s.out.data;
        assert_int_equal(out[0], 0x88);
        assert_int_equal((out[6] ^ out[2]) << 8 | (out[7] ^ out[3]), cases[i].code);
        end(&s);
    }
}

static void fragments_count_together(void **state)
{
    (void)state;
    struct side s;
    weir_error err = {0};
    begin(&s, false, 10);
    for (int i = 0; i < 1000; i++) /* empty ones cost nothing */
        assert_int_equal(frames_receive(s.frames, i ? "\0\0" : "\x01\0", 2, &err), WEIR_OK);
    assert_int_equal(frames_receive(s.frames,
                                    BYTES("\0\x09"
                                          "123456789"),
                                    &err),
                     WEIR_OK);
    assert_int_equal(frames_receive(s.frames,
                                    BYTES("\0\x02"
                                          "12"),
                                    &err),
                     WEIR_PROTOCOL);
    assert_int_equal(err.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
    end(&s);
}

static void a_close_is_answered_and_explained(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        weir_status status;
        const char *says;
    } cases[] = {
        {BYTES("\x88\x05\x03\xe8"
               "bye"),
         WEIR_UNREACHABLE, "1000 normal closure: bye"},
        {BYTES("\x88\x02\x03\xe9"), WEIR_UNREACHABLE, "1001 going away"},
        {BYTES("\x88\x00"), WEIR_UNREACHABLE, "1005 no reason given"},
        {BYTES("\x88\x02\x03\xf0"), WEIR_REFUSED, "1008 against its policy"},
        {BYTES("\x88\x02\x03\xf1"), WEIR_REFUSED, "1009 message too big"},
        {BYTES("\x88\x02\x03\xf3"), WEIR_UNREACHABLE, "1011 internal error"},
        {BYTES("\x88\x02\x03\xf4"), WEIR_UNREACHABLE, "1012 restarting"},
        {BYTES("\x88\x02\x03\xf5"), WEIR_BUSY, "1013 try again later"},
        {BYTES("\x88\x04\x0f\xa1"
               "a\n"),
         WEIR_UNREACHABLE, "4001 its own reason: a"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct side s;
        weir_error err = {0};
        begin(&s, false, 1000);
        assert_int_equal(frames_receive(s.frames, cases[i].bytes, cases[i].len, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].says) || strchr(err.message, '\n'))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
        assert_int_equal(s.out.len, cases[i].len == 2 ? 6 : 8);
        s.out.len = 0;
        assert_int_equal(frames_send(s.frames, "x", 1, NULL), WEIR_OK);
        frames_close(s.frames, 1000, NULL);
        assert_int_equal(s.out.len, 0); /* it is over */
        end(&s);
    }
}

static void a_server_sends_bare_frames(void **state)
{
    (void)state;
    struct side s;
    begin(&s, true, 1000);
    assert_int_equal(frames_send(s.frames, "Hello", 5, NULL), WEIR_OK);
    wrote(&s, BYTES("\x81\x05Hello"));
    frames_close(s.frames, 1001, "bye");
    wrote(&s, BYTES("\x88\x05\x03\xe9"
                    "bye"));
    end(&s);
}

static void a_message_may_be_the_last_that_is_looked_at(void **state)
{
    (void)state;
    struct side s;
    begin(&s, false, 1000);
    s.stop = true;
    assert_int_equal(frames_receive(s.frames, BYTES("\x81\x01x\x81\x01y"), NULL), WEIR_OK);
    assert_int_equal(s.messages, 1);
    assert_string_equal(s.text, "x");
    end(&s);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    struct side s;
    weir_error err = {0};
    begin(&s, false, 1000);
    mem_fail_at(1);
    assert_int_equal(frames_receive(s.frames, BYTES("\x81\x01x"), &err), WEIR_NO_MEMORY);
    mem_fail_at(0);
    end(&s);
    begin(&s, false, 1000);
    mem_fail_at(1);
    assert_int_equal(frames_send(s.frames, "x", 1, &err), WEIR_NO_MEMORY);
    mem_fail_at(0);
    assert_int_equal(frames_send(s.frames, "x", 1, &err), WEIR_OK);
    assert_int_equal(s.out.len, 7);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_are_understood),
        cmocka_unit_test(each_side_understands_the_other_whatever_the_pieces),
        cmocka_unit_test(a_ping_may_come_between_fragments),
        cmocka_unit_test(what_the_rfc_forbids_ends_it_with_the_right_code),
        cmocka_unit_test(fragments_count_together),
        cmocka_unit_test(a_close_is_answered_and_explained),
        cmocka_unit_test(a_server_sends_bare_frames),
        cmocka_unit_test(a_message_may_be_the_last_that_is_looked_at),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
