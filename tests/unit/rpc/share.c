#include "rpc/share.h"

#include "lib/check.h"

static void long_lived_calls_take_half_of_the_streams(void **state)
{
    (void)state;
    const struct {
        struct share share;
        size_t others;
        bool short_one, long_one;
    } cases[] = {
        {{100, 0, 0}, 0, true, true},     {{100, 49, 49}, 0, true, true},
        {{100, 50, 50}, 0, true, false},  {{100, 99, 50}, 0, true, false},
        {{100, 99, 49}, 0, true, true},   {{100, 100, 50}, 0, false, false},
        {{100, 100, 0}, 0, false, false}, /* full, but not of long-lived ones */
        {{3, 0, 0}, 0, true, true},       {{3, 1, 1}, 0, true, false},
        {{2, 1, 1}, 0, true, false},      {{(size_t)UINT32_MAX, 2000, 2000}, 0, true, true},
        {{10, 50, 50}, 3, false, false}, /* the server has lowered its limit */
        {{0, 0, 0}, 3, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(share_takes(&cases[i].share, false, cases[i].others), cases[i].short_one);
        assert_int_equal(share_takes(&cases[i].share, true, cases[i].others), cases[i].long_one);
    }
}

static void the_only_stream_is_for_short_calls_unless_they_have_another(void **state)
{
    (void)state;
    const struct share idle = {1, 0, 0}, busy = {1, 1, 0}, polled = {1, 1, 1};
    assert_true(share_takes(&idle, false, 0));
    assert_false(share_takes(&idle, true, 0));
    assert_true(share_takes(&idle, true, 1));
    assert_false(share_takes(&busy, true, 1)); /* not now ... */
    assert_true(share_allows(&busy, 1));       /* ... but when the short one has ended */
    assert_false(share_allows(&polled, 1));
    assert_false(share_serves(&polled));
}

static void only_long_lived_calls_are_a_reason_for_another_connection(void **state)
{
    (void)state;
    const struct {
        struct share share;
        size_t others;
        bool short_one, long_one;
    } cases[] = {
        {{100, 50, 50}, 0, false, true},  {{100, 100, 50}, 0, false, true},
        {{100, 100, 0}, 0, false, false}, {{100, 100, 49}, 0, false, false},
        {{1, 0, 0}, 0, false, true},      {{1, 1, 0}, 1, false, false},
        {{1, 1, 1}, 0, true, true},       {{10, 50, 50}, 0, true, true},
        {{0, 0, 0}, 0, false, false},     {{0, 5, 5}, 0, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(share_spent(&cases[i].share, false, cases[i].others), cases[i].short_one);
        assert_int_equal(share_spent(&cases[i].share, true, cases[i].others), cases[i].long_one);
    }
}

static void calls_need_a_connection_for_each_half(void **state)
{
    (void)state;
    const struct share hundred = {100, 50, 50}, three = {3, 1, 1}, one = {1, 0, 0};
    assert_int_equal(share_lack(&hundred, true, 1), 1);
    assert_int_equal(share_lack(&hundred, true, 50), 1);
    assert_int_equal(share_lack(&hundred, true, 51), 2);
    assert_int_equal(share_lack(&hundred, true, 1950), 39);
    assert_int_equal(share_lack(&three, true, 7), 7);
    assert_int_equal(share_lack(&one, true, 7), 7);
    assert_int_equal(share_lack(&hundred, true, 0), 0);
    assert_int_equal(share_lack(&hundred, false, 1000), 1);
    assert_int_equal(share_lack(&hundred, false, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lived_calls_take_half_of_the_streams),
        cmocka_unit_test(the_only_stream_is_for_short_calls_unless_they_have_another),
        cmocka_unit_test(only_long_lived_calls_are_a_reason_for_another_connection),
        cmocka_unit_test(calls_need_a_connection_for_each_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
