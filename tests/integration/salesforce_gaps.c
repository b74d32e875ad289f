/* Positions that the server no longer has, and sessions that were away for too long: each way to
 * go on, at the start and in mid-stream. */
#include "integration/salesforce_lib.h"

#include <string.h>

static struct desk d;

static int begin(void **state)
{
    (void)state;
    desk_begin(&d, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_end(&d);
    return 0;
}

static weir_salesforce *open_with(weir_on_gap on_gap)
{
    return desk_open(DESK(&d, .replay_file = d.store, .on_gap = on_gap));
}

/* Two events acknowledged, then all that the server had is gone; 4 and 5 come after that. */
static void lose_position(void)
{
    weir_salesforce *sf = open_with(WEIR_ON_GAP_FAIL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 3);
    desk_expect_run(sf, 1, 3);
    weir_salesforce_close(sf);
    desk_now(&d, "salesforce forget");
    desk_emit(&d, ORDERS, 4, 2);
}

static void a_position_that_is_gone_fails_and_changes_nothing(void **state)
{
    (void)state;
    char before[WEIR_REPLAY_RECORD_SIZE], after[WEIR_REPLAY_RECORD_SIZE];
    weir_error err = {0};
    lose_position();
    desk_stored(&d, ORDERS, before);
    weir_salesforce *sf = open_with(WEIR_ON_GAP_FAIL);
    assert_int_equal(weir_salesforce_subscribe(sf, ORDERS, NULL, LONG_MS, &err), WEIR_GAP);
    assert_int_equal(err.kind, WEIR_KIND_REPLAY_GAP);
    assert_non_null(strstr(err.message, ORDERS));
    weir_salesforce_close(sf);
    desk_stored(&d, ORDERS, after);
    assert_string_equal(before, after);
}

static void a_position_that_is_gone_goes_on_with_all(void **state)
{
    (void)state;
    lose_position();
    weir_salesforce *sf = open_with(WEIR_ON_GAP_ALL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_wait_news(&d, WEIR_SESSION_GAP, 1);
    assert_string_equal(d.channel, ORDERS);
    desk_expect_run(sf, 4, 2);
    weir_salesforce_close(sf);
    sf = open_with(WEIR_ON_GAP_FAIL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect(sf, 5);
    weir_salesforce_close(sf);
}

static void a_position_that_is_gone_goes_on_with_new_ones(void **state)
{
    (void)state;
    lose_position();
    weir_salesforce *sf = open_with(WEIR_ON_GAP_NEW);
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 6, 2);
    desk_expect(sf, 6);
    desk_wait_news(&d, WEIR_SESSION_GAP, 1);
    weir_salesforce_close(sf);
    sf = open_with(WEIR_ON_GAP_FAIL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect_run(sf, 6, 2);
    weir_salesforce_close(sf);
}

/* The session is lost, and with it all that is retained; `first` and the next come after that. */
static void lose_everything(int64_t first)
{
    assert_int_equal(sandbox_service_stop(d.sandbox, "salesforce", NULL), WEIR_OK);
    desk_now(&d, "salesforce forget");
    desk_emit(&d, ORDERS, first, 2);
    assert_int_equal(sandbox_service_start(d.sandbox, "salesforce", NULL), WEIR_OK);
}

static void in_mid_stream_a_gap_drops_the_subscription_and_says_so(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_status status = WEIR_OK;
    weir_salesforce *sf = open_with(WEIR_ON_GAP_FAIL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    lose_everything(2);
    do {
        status = weir_salesforce_next(sf, &event, LONG_MS, &err);
    } while (weir_error_retryable(&err)); /* the outage may be said before */
    assert_int_equal(status, WEIR_GAP);
    assert_non_null(strstr(err.message, ORDERS));
    char **list = weir_salesforce_subscriptions(sf, &err);
    assert_null(list[0]);
    weir_free(list);
    weir_salesforce_close(sf);
}

static void in_mid_stream_a_gap_goes_on_with_all(void **state)
{
    (void)state;
    weir_salesforce *sf = desk_open(
        DESK(&d, .replay_file = d.store, .on_gap = WEIR_ON_GAP_ALL, .connection_timeout = LONG_MS));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    lose_everything(2);
    desk_expect_run(sf, 2, 2);
    desk_wait_news(&d, WEIR_SESSION_GAP, 1);
    weir_salesforce_close(sf);
}

static void in_mid_stream_a_gap_goes_on_with_new_ones(void **state)
{
    (void)state;
    weir_salesforce *sf =
        desk_open(DESK(&d, .on_gap = WEIR_ON_GAP_NEW, .connection_timeout = LONG_MS));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    lose_everything(2);
    desk_wait_news(&d, WEIR_SESSION_SUBSCRIBED, 2);
    desk_emit(&d, ORDERS, 4, 1);
    desk_expect(sf, 4);
    desk_wait_news(&d, WEIR_SESSION_GAP, 1);
    weir_salesforce_close(sf);
}

/* ---- away for too long, though the server takes the id ------------------------------------- */

static void stay_away(int64_t hours)
{
    weir_salesforce *sf = open_with(WEIR_ON_GAP_FAIL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 3);
    desk_expect_run(sf, 1, 3);
    weir_salesforce_close(sf);
    desk_age(&d, ORDERS, hours);
}

static void a_session_longer_ago_than_the_retention_is_a_gap(void **state)
{
    (void)state;
    weir_error err = {0};
    stay_away(73);
    weir_salesforce *sf = open_with(WEIR_ON_GAP_FAIL);
    assert_int_equal(weir_salesforce_subscribe(sf, ORDERS, NULL, LONG_MS, &err), WEIR_GAP);
    assert_non_null(strstr(err.message, "72 hours"));
    assert_non_null(strstr(err.message, ORDERS));
    weir_salesforce_close(sf);
    sf = open_with(WEIR_ON_GAP_ALL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect_run(sf, 1, 3);
    desk_wait_news(&d, WEIR_SESSION_GAP, 1);
    weir_salesforce_close(sf);
}

static void a_session_within_the_retention_is_none(void **state)
{
    (void)state;
    stay_away(71);
    weir_salesforce *sf = open_with(WEIR_ON_GAP_FAIL);
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect(sf, 3);
    weir_salesforce_close(sf);
}

int main(void)
{
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(a_position_that_is_gone_fails_and_changes_nothing),
        desk_test(a_position_that_is_gone_goes_on_with_all),
        desk_test(a_position_that_is_gone_goes_on_with_new_ones),
        desk_test(in_mid_stream_a_gap_drops_the_subscription_and_says_so),
        desk_test(in_mid_stream_a_gap_goes_on_with_all),
        desk_test(in_mid_stream_a_gap_goes_on_with_new_ones),
        desk_test(a_session_longer_ago_than_the_retention_is_a_gap),
        desk_test(a_session_within_the_retention_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
