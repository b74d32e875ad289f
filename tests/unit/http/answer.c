/* What is kept of an answer, and what it may ask for. */
#include "lib/check.h"

#include "core/clock.h"
#include "core/limits.h"
#include "http/http_private.h"
#include "lib/vclock.h"

#include <string.h>

static void heads(struct incoming *in, const char *const *lines)
{
    for (; *lines; lines++)
        assert_int_equal(answer_head(in, *lines, strlen(*lines)), strlen(*lines));
}

static void view(struct incoming *in, struct http_answer *answer)
{
    static struct vclock clock;
    vclock_init(&clock);
    assert_true(answer_view(in, 200, &clock.clock, answer));
}

static void headers_are_those_of_the_last_answer(void **state)
{
    (void)state;
    static const char *const lines[] = {"HTTP/1.1 103 Early Hints\r\n",
                                        "Link: </a>\r\n",
                                        "\r\n",
                                        "HTTP/1.1 200 OK\r\n",
                                        "Content-Type:  text/plain \r\n",
                                        "X-Empty:\r\n",
                                        "x-twice: 1\r\n",
                                        "X-Twice: a:b\r\n",
                                        " folded\r\n",
                                        "no header\r\n",
                                        "\r\n",
                                        "X-Trailer: 1\r\n",
                                        NULL};
    struct incoming in = {.max_body = 10};
    struct http_answer answer;
    heads(&in, lines);
    assert_int_equal(answer_body(&in, "hel", 3), 3);
    assert_int_equal(answer_body(&in, "lo", 2), 2);
    view(&in, &answer);
    assert_int_equal(answer.header_count, 4);
    assert_string_equal(answer.content_type, "text/plain");
    assert_string_equal(http_header(&answer, "x-empty"), "");
    assert_string_equal(http_header(&answer, "X-TWICE"), "1");
    assert_string_equal(answer.headers[3].value, "a:b");
    assert_null(http_header(&answer, "Link"));
    assert_null(http_header(&answer, "X-Trailer"));
    assert_string_equal(answer.body.data, "hello");
    assert_int_equal(answer.retry_after, -1);
    answer_clear(&in);
}

static void an_empty_answer_has_empty_texts(void **state)
{
    (void)state;
    struct incoming in = {.max_body = 10};
    struct http_answer answer;
    view(&in, &answer);
    assert_string_equal(answer.body.data, "");
    assert_string_equal(answer.content_type, "");
    assert_int_equal(answer.header_count, 0);
    answer_clear(&in);
}

static void a_body_up_to_its_limit_is_taken_and_no_byte_more(void **state)
{
    (void)state;
    struct incoming in = {.max_body = 5};
    assert_int_equal(answer_body(&in, "hello", 5), 5);
    assert_int_equal(answer_body(&in, "", 0), 0);
    assert_int_equal(in.trouble, ANSWER_GOOD);
    assert_int_equal(answer_body(&in, "!", 1), 0);
    assert_int_equal(in.trouble, ANSWER_BODY_TOO_LARGE);
    answer_clear(&in);
}

static void headers_count_together_informational_ones_too(void **state)
{
    (void)state;
    struct incoming in = {.max_body = 5};
    char line[1024] = "X: ";
    memset(line + 3, 'x', sizeof line - 3);
    size_t taken = 0;
    while (taken < LIMIT_HTTP_HEADERS && answer_head(&in, line, sizeof line) != 0) {
        taken += sizeof line;
        if (taken % 8192 == 0)
            taken += answer_head(&in, "HTTP/1.1 100 Continue\r\n", 23);
    }
    assert_in_range(taken, LIMIT_HTTP_HEADERS - 2048, LIMIT_HTTP_HEADERS);
    assert_int_equal(answer_head(&in, line, sizeof line), 0);
    assert_int_equal(in.trouble, ANSWER_HEADERS_TOO_LARGE);
    answer_clear(&in);
}

/* 2026-01-01T00:00:00Z */
#define NEW_YEAR_NS (INT64_C(1767225600) * NS_PER_S)

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    const struct {
        const char *value, *date;
        weir_ms wait;
    } cases[] = {
        {"0", NULL, 0},
        {"120", NULL, 120000},
        {"99999999999999999999", NULL, (weir_ms)(INT32_MAX / 1000) * 1000},
        {"Thu, 01 Jan 2026 00:00:30 GMT", NULL, 30000},
        {"Thursday, 01-Jan-26 00:00:30 GMT", NULL, 30000},
        {"Thu Jan  1 00:00:30 2026", NULL, 30000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", NULL, 0},
        {"Wed, 31 Dec 2025 23:59:59 GMT", NULL, 0},
        {"Thu, 01 Jan 2026 00:00:30 GMT", "Thu, 01 Jan 2026 00:00:25 GMT", 5000},
        {"Thu, 01 Jan 2026 00:00:30 GMT", "gibberish", 30000},
        {"Fri, 01 Jan 9999 00:00:00 GMT", NULL, (weir_ms)(INT32_MAX / 1000) * 1000},
        {"", NULL, -1},
        {"-1", NULL, -1},
        {"1.5", NULL, -1},
        {"soon", NULL, -1},
        {"Thu, 01 Jan 2026", NULL, -1},
        {"Thu, 01 Foo 2026 00:00:30 GMT", NULL, -1},
        {"Thu, 41 Jan 2026 00:00:30 GMT", NULL, -1},
        {"Thu, 01 Jan 2026 25:00:30 GMT", NULL, -1},
        {"Thu, 01 Jan 2026 00:99:30 GMT", NULL, -1},
        {"Thu, 01 Jan 2026 00:00:30 GMT and more", NULL, -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_ms wait = answer_retry_after(cases[i].value, cases[i].date, NEW_YEAR_NS);
        if (wait != cases[i].wait)
            fail_msg("'%s': %lld", cases[i].value, (long long)wait);
    }
}

static void retry_after_of_an_answer_is_read_with_its_own_date(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "HTTP/1.1 503 x\r\n", "Date: Thu, 01 Jan 2020 00:00:00 GMT\r\n",
        "Retry-After: Thu, 01 Jan 2020 00:00:09 GMT\r\n", "\r\n", NULL};
    struct incoming in = {.max_body = 10};
    struct http_answer answer;
    heads(&in, lines);
    view(&in, &answer);
    assert_int_equal(answer.retry_after, 9000);
    answer_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_those_of_the_last_answer),
        cmocka_unit_test(an_empty_answer_has_empty_texts),
        cmocka_unit_test(a_body_up_to_its_limit_is_taken_and_no_byte_more),
        cmocka_unit_test(headers_count_together_informational_ones_too),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(retry_after_of_an_answer_is_read_with_its_own_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
