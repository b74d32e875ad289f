/* What every other part leans on: one or two facts of each. */
#include "lib/check.h"
#include "lib/vclock.h"

#include "core/backoff.h"
#include "core/buf.h"
#include "core/deadline.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/text.h"
#include "core/url.h"

#include <stdlib.h>
#include <string.h>
#include <weir/channel.h>

static void an_error_is_one_line_cut_between_characters(void **state)
{
    (void)state;
    weir_error err;
    char long_text[2000];
    memset(long_text, 'a', sizeof long_text);
    long_text[1022] = '\xc3';
    long_text[1023] = '\xa9';
    long_text[1999] = '\0';
    error_set(&err, WEIR_REFUSED, "%s", long_text);
    assert_int_equal(strlen(err.message), 1022);
    error_set(&err, WEIR_REFUSED, "two\nlines\t");
    assert_string_equal(err.message, "two lines");
    error_context(&err, "zeebe#%d", 2);
    assert_string_equal(err.message, "zeebe#2: two lines");
    assert_int_equal(weir_error_exit_status(&err), 67);
}

static void a_buffer_that_failed_stays_failed(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4);
    buf_adds(&b, "abcd");
    assert_int_equal(buf_finish(&b, NULL), WEIR_OK);
    buf_adds(&b, "e");
    buf_adds(&b, "");
    assert_int_equal(buf_finish(&b, NULL), WEIR_NO_MEMORY);
    buf_free(&b);
}

static void a_deadline_rounds_up_and_never_wraps(void **state)
{
    (void)state;
    struct vclock v;
    vclock_init(&v);
    struct deadline d = deadline_in(&v.clock, 10, 0);
    v.mono += 1;
    assert_int_equal(deadline_left(&v.clock, d), 10);
    vclock_step(&v, 20);
    assert_int_equal(deadline_left(&v.clock, d), 0);
    assert_true(deadline_in(&v.clock, INT64_MAX, 0).at_ns == INT64_MAX);
    assert_int_equal(deadline_left(&v.clock, deadline_in(&v.clock, WEIR_FOREVER, 0)), WEIR_FOREVER);
}

static void backoff_grows_to_its_cap_and_forgets_after_good_times(void **state)
{
    (void)state;
    struct vclock v;
    vclock_init(&v);
    struct backoff b = BACKOFF_INIT(100, 1000, 5000);
    weir_ms largest = 0;
    for (int i = 0; i < 100; i++) {
        weir_ms wait = backoff_next(&b, &v.clock, 0);
        largest = wait > largest ? wait : largest;
        assert_in_range(wait, 0, 1000);
    }
    assert_int_equal(b.failures, 100);
    assert_true(backoff_next(&b, &v.clock, 7000) == 7000);
    backoff_good(&b, &v.clock);
    vclock_step(&v, 6000);
    assert_in_range(backoff_next(&b, &v.clock, 0), 0, 100);
}

static void a_longer_struct_counts_when_its_tail_is_zero(void **state)
{
    (void)state;
    struct {
        size_t struct_size;
        int a, b;
    } newer = {sizeof newer, 1, 0};
    struct {
        size_t struct_size;
        int a;
    } out;
    size_t known = offsetof(__typeof__(newer), b);
    assert_int_equal(options_read(&out, known, &newer, "WEIR_X", NULL), WEIR_OK);
    assert_int_equal(out.a, 1);
    newer.b = 3;
    assert_int_equal(options_read(&out, known, &newer, "WEIR_X", NULL), WEIR_UNSUPPORTED);
}

static void urls_are_taken_apart_or_refused_without_their_secrets(void **state)
{
    (void)state;
    struct url url;
    weir_error err;
    assert_int_equal(url_parse(&url, "HTTPS://u:p@[::1]:8443/a?b#c", "the URL", &err), WEIR_OK);
    assert_string_equal(url.scheme, "https");
    assert_string_equal(url.userinfo, "u:p");
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 8443);
    assert_string_equal(url.target, "/a?b");
    url_clear(&url);
    static const char *const bad[] = {"",
                                      "x",
                                      "http://",
                                      "http://h:0",
                                      "http://h:99999",
                                      "http://[::1",
                                      "http://a b",
                                      "http://u:secret@h:x/"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(url_parse(&url, bad[i], "the URL", &err), WEIR_INVALID);
        assert_null(strstr(err.message, "secret"));
    }
}

static void base64_and_numbers_and_near_names(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(100);
    base64_add(&b, "ab", 2, true);
    base64url_add(&b, "\xff\xfe", 2);
    assert_string_equal(b.data, "YWI=__4");
    buf_free(&b);
    void *out;
    size_t len;
    assert_true(base64_decode("YWI", 3, false, &out, &len));
    assert_int_equal(len, 2);
    mem_free(out);
    assert_false(base64_decode("YW=I", 4, false, &out, &len));
    int64_t n;
    assert_true(text_number("-9223372036854775808", INT64_MIN, INT64_MAX, &n) && n == INT64_MIN);
    assert_false(text_number("9223372036854775808", INT64_MIN, INT64_MAX, &n));
    static const char *const names[] = {"topology", "status", NULL};
    assert_string_equal(text_nearest("topolgy", names), "topology");
    assert_null(text_nearest("zzzzzz", names));
    assert_true(text_is_utf8("\xf0\x9f\x98\x88", 4));
    assert_false(text_is_utf8("\xed\xa0\x80", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_line_cut_between_characters),
        cmocka_unit_test(a_buffer_that_failed_stays_failed),
        cmocka_unit_test(a_deadline_rounds_up_and_never_wraps),
        cmocka_unit_test(backoff_grows_to_its_cap_and_forgets_after_good_times),
        cmocka_unit_test(a_longer_struct_counts_when_its_tail_is_zero),
        cmocka_unit_test(urls_are_taken_apart_or_refused_without_their_secrets),
        cmocka_unit_test(base64_and_numbers_and_near_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
