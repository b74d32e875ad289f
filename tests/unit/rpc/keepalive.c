#include "rpc/keepalive.h"

#include "lib/check.h"

static void silence_is_pinged_and_then_given_up(void **state)
{
    (void)state;
    int64_t again;
    struct keepalive k = {.time_ns = 100, .timeout_ns = 20, .heard_ns = 1000};
    assert_int_equal(keepalive_ask(&k, 1050, true, &again), KEEPALIVE_WAIT);
    assert_int_equal(again, 1100);
    assert_int_equal(keepalive_ask(&k, 1100, true, &again), KEEPALIVE_PING);
    assert_int_equal(again, 1120);
    assert_int_equal(keepalive_ask(&k, 1110, true, &again), KEEPALIVE_WAIT);
    assert_int_equal(again, 1120);
    assert_int_equal(keepalive_ask(&k, 1120, true, &again), KEEPALIVE_WAIT);
    assert_int_equal(again, 1120 + 1000000); /* what has arrived is read first */
    assert_int_equal(keepalive_ask(&k, again, true, &again), KEEPALIVE_DEAD);
}

static void a_process_that_was_suspended_reads_before_it_judges(void **state)
{
    (void)state;
    int64_t again;
    struct keepalive k = {.time_ns = 100, .timeout_ns = 20, .heard_ns = 1000};
    assert_int_equal(keepalive_ask(&k, 1100, true, &again), KEEPALIVE_PING);
    assert_int_equal(keepalive_ask(&k, 900000, true, &again), KEEPALIVE_WAIT);
    keepalive_heard(&k, 900001); /* the answer lay in the socket */
    assert_int_equal(keepalive_ask(&k, again, true, &again), KEEPALIVE_PING);
    int64_t late = again;
    assert_int_equal(keepalive_ask(&k, late, true, &again), KEEPALIVE_WAIT);
    assert_int_equal(keepalive_ask(&k, again, true, &again), KEEPALIVE_DEAD);
}

static void any_bytes_are_an_answer(void **state)
{
    (void)state;
    int64_t again;
    struct keepalive k = {.time_ns = 100, .timeout_ns = 20, .heard_ns = 1000};
    assert_int_equal(keepalive_ask(&k, 1100, true, &again), KEEPALIVE_PING);
    keepalive_heard(&k, 1115);
    assert_int_equal(keepalive_ask(&k, 1130, true, &again), KEEPALIVE_WAIT);
    assert_int_equal(again, 1215);
}

static void without_calls_nothing_is_pinged_unless_asked_for(void **state)
{
    (void)state;
    int64_t again;
    struct keepalive k = {.time_ns = 100, .timeout_ns = 20, .heard_ns = 1000};
    assert_int_equal(keepalive_ask(&k, 5000, false, &again), KEEPALIVE_WAIT);
    assert_true(again == INT64_MAX);
    k.without_calls = true;
    assert_int_equal(keepalive_ask(&k, 5000, false, &again), KEEPALIVE_PING);
    struct keepalive off = {.time_ns = INT64_MAX};
    assert_int_equal(keepalive_ask(&off, 5000, true, &again), KEEPALIVE_WAIT);
    assert_true(again == INT64_MAX);
}

static void pings_are_counted_from_call_to_call(void **state)
{
    (void)state;
    int64_t again;
    struct keepalive k = {.time_ns = 100, .timeout_ns = 20, .heard_ns = 0, .max_pings = 2};
    for (int64_t now = 100; now <= 200; now += 100) {
        assert_int_equal(keepalive_ask(&k, now, true, &again), KEEPALIVE_PING);
        keepalive_heard(&k, now);
    }
    assert_int_equal(keepalive_ask(&k, 300, true, &again), KEEPALIVE_WAIT);
    assert_true(again == INT64_MAX); /* until a call is started */
    keepalive_spoke(&k);
    assert_int_equal(keepalive_ask(&k, 300, true, &again), KEEPALIVE_PING);
    assert_int_equal(keepalive_ask(&k, 320, true, &again), KEEPALIVE_WAIT);
    assert_int_equal(keepalive_ask(&k, again, true, &again), KEEPALIVE_DEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_pinged_and_then_given_up),
        cmocka_unit_test(a_process_that_was_suspended_reads_before_it_judges),
        cmocka_unit_test(any_bytes_are_an_answer),
        cmocka_unit_test(pings_are_counted_from_call_to_call),
        cmocka_unit_test(without_calls_nothing_is_pinged_unless_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
