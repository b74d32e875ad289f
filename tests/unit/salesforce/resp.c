/* Redis's protocol: answers byte by byte, what is none, and what never ends. */
#include "lib/check.h"

#include "salesforce/resp.h"

#include <stdio.h>
#include <string.h>

static enum resp_state parsed(const char *text, struct resp *out)
{
    size_t used = 0;
    enum resp_state state = resp_parse(text, strlen(text), out, &used);
    if (state == RESP_READY)
        assert_int_equal(used, strlen(text));
    return state;
}

static void values_are_what_they_say(void **state)
{
    struct resp out;
    (void)state;
    assert_int_equal(parsed("+OK\r\n", &out), RESP_READY);
    assert_true(resp_is(&out.is, "OK"));
    assert_int_equal(parsed("+\r\n", &out), RESP_READY);
    assert_true(resp_is(&out.is, ""));
    assert_int_equal(parsed("-ERR no\r\n", &out), RESP_READY);
    assert_int_equal(out.is.type, RESP_ERROR);
    assert_int_equal(out.is.len, 6);
    assert_int_equal(parsed(":-9223372036854775808\r\n", &out), RESP_READY);
    assert_int_equal(out.is.number, INT64_MIN);
    assert_int_equal(parsed("$2\r\n\r\n\r\n", &out), RESP_READY);
    assert_true(resp_is(&out.is, "\r\n"));
    assert_int_equal(parsed("$0\r\n\r\n", &out), RESP_READY);
    assert_int_equal(out.is.len, 0);
    assert_int_equal(parsed("$-1\r\n", &out), RESP_READY);
    assert_int_equal(out.is.type, RESP_NIL);
    assert_int_equal(parsed("*-1\r\n", &out), RESP_READY);
    assert_int_equal(out.is.type, RESP_NIL);
    assert_int_equal(parsed("*0\r\n", &out), RESP_READY);
    assert_int_equal(out.count, 0);
    assert_int_equal(parsed("*3\r\n+a\r\n$1\r\nb\r\n:7\r\n", &out), RESP_READY);
    assert_int_equal(out.count, 3);
    assert_true(resp_is(&out.items[1], "b"));
    assert_int_equal(out.items[2].number, 7);
}

static void each_answer_is_unfinished_until_its_last_byte(void **state)
{
    static const char *const answers[] = {"+OK\r\n", "$5\r\nhello\r\n", ":12\r\n",
                                          "*3\r\n+a\r\n$-1\r\n$3\r\nabc\r\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct resp out;
        size_t used = 0;
        assert_int_equal(resp_parse(NULL, 0, &out, &used), RESP_MORE);
        for (size_t len = 0; len < strlen(answers[i]); len++)
            assert_int_equal(resp_parse(answers[i], len, &out, &used), RESP_MORE);
        assert_int_equal(parsed(answers[i], &out), RESP_READY);
    }
}

static void what_is_no_answer_is_broken(void **state)
{
    static const char *const texts[] = {"\r\n",
                                        "\n",
                                        "OK\r\n",
                                        "HTTP/1.1 400 Bad Request\r\n",
                                        "+OK\n",
                                        "+a\rb\r\n",
                                        ":\r\n",
                                        ":1x\r\n",
                                        ":+1\r\n",
                                        ":9223372036854775808\r\n",
                                        "$-2\r\n",
                                        "$1\r\nab\r\n",
                                        "$x\r\n",
                                        "$65537\r\n",
                                        "*9\r\n",
                                        "*-2\r\n",
                                        "*1\r\n*0\r\n",
                                        "*2\r\n+a\r\nx\r\n",
                                        "_\r\n",
                                        "%0\r\n",
                                        "$00000000000000000000000000000000000001\r\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct resp out;
        if (parsed(texts[i], &out) != RESP_BROKEN)
            print_message("%s\n", texts[i]);
        assert_int_equal(parsed(texts[i], &out), RESP_BROKEN);
    }
}

static void what_never_ends_is_broken_at_its_limit(void **state)
{
    static char text[RESP_ANSWER_MAX + 64];
    struct resp out;
    size_t used = 0;
    (void)state;
    memset(text, 'x', sizeof text);
    text[0] = '+';
    assert_int_equal(resp_parse(text, 8 * 1024, &out, &used), RESP_BROKEN);
    (void)snprintf(text, sizeof text, "*2\r\n$65000\r\n");
    text[12] = 'x';
    assert_int_equal(resp_parse(text, RESP_ANSWER_MAX - 1000, &out, &used), RESP_MORE);
    (void)snprintf(text + 12 + 65000, 11, "\r\n$65000\r\n");
    assert_int_equal(resp_parse(text, sizeof text, &out, &used), RESP_BROKEN);
}

static void a_request_is_a_list_of_strings(void **state)
{
    struct buf out = BUF_INIT(1024);
    (void)state;
    resp_begin(&out, 3);
    resp_adds(&out, "SET");
    resp_add(&out, "a\r\nb\0", 5);
    resp_adds(&out, "");
    assert_int_equal(out.len, 4 + 9 + 11 + 6);
    assert_memory_equal(out.data, "*3\r\n$3\r\nSET\r\n$5\r\na\r\nb\0\r\n$0\r\n\r\n", out.len);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_they_say),
        cmocka_unit_test(each_answer_is_unfinished_until_its_last_byte),
        cmocka_unit_test(what_is_no_answer_is_broken),
        cmocka_unit_test(what_never_ends_is_broken_at_its_limit),
        cmocka_unit_test(a_request_is_a_list_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
