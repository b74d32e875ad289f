/* A client whose server goes away, forgets it, says no, or is not read: what the program is told,
 * and that nothing is lost. */
#include "bayeux_lib.h"

#include <string.h>

static struct comet k;

static int setup(void **state)
{
    (void)state;
    comet_begin(&k, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    comet_end(&k);
    return 0;
}

static void serve(bool on)
{
    weir_error err = {0};
    weir_status status = on ? sandbox_service_start(k.sandbox, "salesforce", &err)
                            : sandbox_service_stop(k.sandbox, "salesforce", &err);
    if (status != WEIR_OK)
        fail_msg("%s", err.message);
}

/* ---- outages ------------------------------------------------------------------------------- */

static void an_outage_is_said_once_and_healed(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .connection_timeout = 50));
    comet_subscribe(b, "/a");
    serve(false);
    assert_int_equal(weir_bayeux_next(b, &event, LONG_MS, &err), WEIR_UNREACHABLE);
    assert_true(weir_error_retryable(&err));
    assert_null(event);
    assert_int_equal(weir_bayeux_next(b, &event, 100, &err), WEIR_NOTHING);
    serve(true);
    comet_wait_news(&k, WEIR_SESSION_RECOVERED, 1);
    comet_wait_news(&k, WEIR_SESSION_SUBSCRIBED, 2);
    comet_emit(&k, "/a", 1, 1);
    comet_expect(b, 1);
    assert_int_equal(comet_count(&k, WEIR_SESSION_OUTAGE), 1);
    assert_int_equal(comet_counters(b).outages, 1);
    assert_true(comet_counters(b).failures > 0);
    weir_bayeux_close(b);
}

static void an_outage_that_is_over_is_not_said_any_more(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .connection_timeout = 50));
    comet_subscribe(b, "/a");
    serve(false);
    comet_wait_news(&k, WEIR_SESSION_OUTAGE, 1);
    serve(true);
    comet_wait_news(&k, WEIR_SESSION_RECOVERED, 1);
    assert_int_equal(weir_bayeux_next(b, &event, WEIR_NO_WAIT, &err), WEIR_NOTHING);
    weir_bayeux_close(b);
}

static void a_short_interruption_is_not_said_at_all(void **state)
{
    (void)state;
    weir_bayeux *b = comet_open(COMET(&k, .connection_timeout = 60000));
    comet_subscribe(b, "/a");
    for (int i = 1; i <= 3; i++) {
        comet_now(&k, "bayeux kill"); /* the session is forgotten */
        comet_wait_news(&k, WEIR_SESSION_SUBSCRIBED, (size_t)i + 1);
        comet_emit(&k, "/a", i, 1);
        comet_expect(b, i);
    }
    assert_int_equal(comet_count(&k, WEIR_SESSION_OUTAGE), 0);
    assert_int_equal(comet_counters(b).handshakes, 4);
    weir_bayeux_close(b);
}

static void what_takes_too_long_to_mend_ends_the_handle(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .connection_timeout = 20, .give_up = 200));
    comet_subscribe(b, "/a");
    serve(false);
    assert_int_equal(weir_bayeux_wait(b, LONG_MS, &err), WEIR_UNREACHABLE);
    weir_status first = weir_bayeux_next(b, &event, WEIR_NO_WAIT, &err);
    assert_int_equal(first, WEIR_UNREACHABLE);
    for (int i = 0; i < 3; i++) { /* the end comes again and again */
        assert_int_equal(weir_bayeux_next(b, &event, LONG_MS, &err), WEIR_UNREACHABLE);
        assert_false(weir_error_retryable(&err)); /* nobody tries any more */
        assert_int_equal(weir_bayeux_subscribe(b, "/b", LONG_MS, &err), WEIR_UNREACHABLE);
        assert_false(weir_error_retryable(&err));
    }
    weir_bayeux_close(b);
}

static void a_client_may_be_opened_before_its_server(void **state)
{
    (void)state;
    weir_error err = {0};
    serve(false);
    weir_bayeux *b = comet_open(COMET(&k, .connection_timeout = 20));
    assert_int_equal(weir_bayeux_subscribe(b, "/a", 50, &err), WEIR_TIMEOUT);
    char **list = weir_bayeux_subscriptions(b, &err);
    assert_null(list[0]); /* withdrawn */
    weir_free((char *)list);
    serve(true);
    comet_subscribe(b, "/b");
    weir_bayeux_close(b);
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void a_refused_subscription_is_the_servers_own_words(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    sandboxed_fault(k.sandbox, "bayeux.subscribe 1 \"bayeux:403::Not for you\"");
    assert_int_equal(weir_bayeux_subscribe(b, "/a", LONG_MS, &err), WEIR_FORBIDDEN);
    assert_non_null(strstr(err.message, "Not for you"));
    assert_int_equal(err.origin, WEIR_ORIGIN_BAYEUX);
    assert_int_equal(err.code, 403);
    comet_subscribe(b, "/a"); /* the handle is none the worse */
    weir_bayeux_close(b);
}

static void a_channel_that_is_refused_anew_is_said_once(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a/gone");
    sandboxed_fault(k.sandbox, "bayeux.subscribe 1 \"bayeux:404::Unknown channel\"");
    comet_now(&k, "bayeux kill");
    assert_int_equal(weir_bayeux_next(b, &event, LONG_MS, &err), WEIR_NOT_FOUND);
    assert_false(weir_error_retryable(&err));
    assert_non_null(strstr(err.message, "/a/gone"));
    comet_wait_news(&k, WEIR_SESSION_DROPPED, 1);
    assert_string_equal(k.channel, "/a/gone");
    assert_int_equal(weir_bayeux_next(b, &event, WEIR_NO_WAIT, &err), WEIR_NOTHING);
    comet_subscribe(b, "/b");
    comet_emit(&k, "/b", 1, 1);
    comet_expect(b, 1);
    weir_bayeux_close(b);
}

/* ---- a reader that does not read ---------------------------------------------------------------
 */

static void a_full_queue_stops_reading_and_loses_nothing(void **state)
{
    (void)state;
    weir_bayeux *b = comet_open(COMET(&k, .max_queued = 10, .stall = 60000));
    comet_subscribe(b, "/a");
    comet_emit(&k, "/a", 1, 15);
    comet_wait_arrived(b, 10);
    comet_emit(&k, "/a", 16, 85); /* the server keeps them */
    for (int i = 1; i <= 100; i++)
        comet_expect(b, i);
    assert_int_equal(comet_counters(b).queued, 0);
    assert_int_equal(comet_count(&k, WEIR_SESSION_PAUSED), 0);
    weir_bayeux_close(b);
}

static void a_reader_that_stands_still_costs_the_session_in_good_order(void **state)
{
    (void)state;
    weir_bayeux *b = comet_open(COMET(&k, .max_queued = 10, .stall = 50));
    comet_subscribe(b, "/a");
    comet_emit(&k, "/a", 1, 10);
    comet_wait_news(&k, WEIR_SESSION_PAUSED, 1);
    sandboxed_wait(k.sandbox, "bayeux.disconnect", 1);
    for (int i = 1; i <= 10; i++)
        comet_expect(b, i);
    comet_wait_news(&k, WEIR_SESSION_RESUMED, 1);
    comet_wait_news(&k, WEIR_SESSION_SUBSCRIBED, 2);
    comet_emit(&k, "/a", 11, 1);
    comet_expect(b, 11);
    assert_int_equal(comet_count(&k, WEIR_SESSION_OUTAGE), 0);
    weir_bayeux_close(b);
}

/* ---- closing during everything
 * ------------------------------------------------------------------- */

/* What the client is in the middle of when it is closed. */
static void closing_is_safe_at_every_moment(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "bayeux.handshake 1 hang",  "bayeux.handshake 1 delay:20ms", "bayeux.connect 1 hang",
        "bayeux.subscribe 1 hang",  "bayeux.subscribe 1 cut",        "bayeux.handshake 1 http:503",
        "bayeux.disconnect 1 hang", "bayeux.disconnect 1 cut",       "bayeux.connect 1 garbage",
    };
    for (size_t i = 0; i < COUNT(faults); i++) {
        weir_error err = {0};
        sandboxed_fault(k.sandbox, faults[i]);
        weir_bayeux *b = comet_open(COMET(&k, .handler = comet_handler));
        (void)weir_bayeux_subscribe(b, "/a", (weir_ms)i * 7, &err);
        weir_bayeux_close(b);
    }
}

static void closing_a_client_that_did_nothing_says_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        weir_bayeux_close(comet_open(COMET(&k, .handler = i % 2 ? comet_handler : NULL)));
    assert_int_equal(sandbox_count(k.sandbox, "bayeux"), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_outage_is_said_once_and_healed),
        CASE(an_outage_that_is_over_is_not_said_any_more),
        CASE(a_short_interruption_is_not_said_at_all),
        CASE(what_takes_too_long_to_mend_ends_the_handle),
        CASE(a_client_may_be_opened_before_its_server),
        CASE(a_refused_subscription_is_the_servers_own_words),
        CASE(a_channel_that_is_refused_anew_is_said_once),
        CASE(a_full_queue_stops_reading_and_loses_nothing),
        CASE(a_reader_that_stands_still_costs_the_session_in_good_order),
        CASE(closing_is_safe_at_every_moment),
        CASE(closing_a_client_that_did_nothing_says_nothing),
    };
    comet_transport = WEIR_TRANSPORT_LONG_POLLING;
    int failed = cmocka_run_group_tests_name("long polling", tests, NULL, NULL);
    comet_transport = WEIR_TRANSPORT_WEBSOCKET;
    failed += cmocka_run_group_tests_name("WebSocket", tests, NULL, NULL);
    comet_transport = WEIR_TRANSPORT_AUTO;
    failed += cmocka_run_group_tests_name("either", tests, NULL, NULL);
    return failed;
}
