/* What Salesforce does to its clients, one after the other, in mid-stream: afterwards every event
 * has been delivered once, in order. Each row is a scenario by name. */
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

static const struct scenario {
    const char *name;
    const char *fault;           /* of the sandbox, or */
    const char *now;             /* what happens to all */
    uint64_t handshakes, logins; /* at least, in all */
} scenarios[] = {
    {"the session is unknown (each three hours)", NULL, "salesforce reroute", 2, 1},
    {"the session is gone", NULL, "salesforce kill", 2, 1},
    {"an unsolicited disconnect", NULL, "salesforce disconnect", 2, 1},
    {"the token has expired", NULL, "salesforce expire", 2, 2},
    {"403::Unknown client with advice none",
     "salesforce.connect 1 bayeux-none:\"403::Unknown client\"", NULL, 2, 1},
    {"403::Unknown client without advice",
     "salesforce.connect 1 bayeux-bare:\"403::Unknown client\"", NULL, 2, 1},
    {"401 on a connect, advice none",
     "salesforce.connect 1 bayeux-none:\"401::Authentication invalid\"", NULL, 2, 2},
    {"a disconnect beside 403, advice none",
     "salesforce.connect 1 disconnect:\"403::Unknown client\"", NULL, 2, 1},
    {"a disconnect beside 401, advice none",
     "salesforce.connect 1 disconnect:\"401::Authentication invalid\"", NULL, 2, 2},
    {"HTTP 401", "salesforce.connect 1 http:401", NULL, 2, 2},
    {"HTTP 503", "salesforce.connect 1 http:503:1", NULL, 1, 1},
    {"a page for people", "salesforce.connect 1 html:503", NULL, 1, 1},
    {"an empty answer", "salesforce.connect 1 empty", NULL, 1, 1},
    {"half an answer", "salesforce.connect 1 cut:body", NULL, 1, 1},
    {"a connection that is cut", "salesforce.connect 1 cut", NULL, 1, 1},
    {"an answer that cannot be read", "salesforce.connect 1 garbage", NULL, 1, 1},
};

static void run(const struct scenario *s)
{
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .replay_file = d.store));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 2);
    desk_expect_run(sf, 1, 2);
    if (s->fault)
        desk_fault(&d, s->fault);
    else
        desk_now(&d, s->now);
    desk_emit(&d, ORDERS, 3, 1);
    for (int64_t number = 3; number <= 6;) {
        weir_status status = weir_salesforce_next(sf, &event, LONG_MS, &err);
        if (status != WEIR_OK && !weir_error_retryable(&err))
            print_error("%s: %s\n", s->name, err.message);
        assert_true(status == WEIR_OK || weir_error_retryable(&err));
        if (status != WEIR_OK)
            continue; /* an outage, which is being mended */
        assert_int_equal(desk_number(event), number);
        weir_event_free(event);
        if (++number <= 6)
            desk_emit(&d, ORDERS, number, 1);
    }
    weir_session_counters counters = desk_counters(sf);
    if (counters.handshakes < s->handshakes || counters.logins < s->logins)
        print_error("%s: %llu handshakes, %llu logins\n", s->name,
                    (unsigned long long)counters.handshakes, (unsigned long long)counters.logins);
    assert_true(counters.handshakes >= s->handshakes);
    assert_true(counters.logins >= s->logins);
    weir_salesforce_close(sf);
}

static void each_is_mended_and_no_event_is_lost_or_doubled(void **state)
{
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        if (i > 0)
            begin(state);
        run(&scenarios[i]);
        if (i + 1 < COUNT(scenarios))
            end(state);
    }
}

static void a_refused_handshake_that_means_the_token_gets_a_new_one(void **state)
{
    (void)state;
    desk_fault(&d, "salesforce.handshake 1 bayeux-reason:\"401::Authentication invalid\"");
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    assert_int_equal(desk_counters(sf).logins, 2);
    weir_salesforce_close(sf);
}

static void a_ready_token_that_is_refused_is_final(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_credentials *ready = weir_credentials_salesforce(
        WEIR_SALESFORCE_LOGIN(.access_token = "00D!not-this-one",
                              .instance_url = sandbox_value(d.sandbox, "SALESFORCE_LOGIN_URL")),
        &err);
    weir_salesforce *sf = desk_open(WEIR_SALESFORCE(.credentials = ready));
    assert_int_equal(weir_salesforce_subscribe(sf, ORDERS, NULL, LONG_MS, &err), WEIR_BAD_LOGIN);
    assert_non_null(strstr(err.message, "cannot be renewed"));
    weir_salesforce_close(sf);
    weir_credentials_free(ready);
}

static void a_busy_server_is_left_alone(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    desk_fault(&d, "salesforce.handshake all bayeux-reason:\"503::Server is too busy. Please try "
                   "your request again later.\"");
    weir_salesforce *sf = desk_open(DESK(&d, .channel = ORDERS, .connection_timeout = 200));
    weir_status status = weir_salesforce_next(sf, &event, LONG_MS, &err);
    assert_true(status == WEIR_BUSY || status == WEIR_UNREACHABLE);
    assert_true(weir_error_retryable(&err));
    assert_non_null(strstr(err.message, "too busy"));
    assert_in_range(sandbox_count(d.sandbox, "salesforce.handshake"), 1, 2);
    weir_salesforce_close(sf);
}

static void an_outage_is_said_once_and_mended(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL, .connection_timeout = 300));
    desk_subscribe(sf, ORDERS, NULL);
    assert_int_equal(sandbox_service_stop(d.sandbox, "salesforce", NULL), WEIR_OK);
    weir_status status = weir_salesforce_next(sf, &event, LONG_MS, &err);
    assert_int_equal(status, WEIR_UNREACHABLE);
    assert_true(weir_error_retryable(&err));
    desk_wait_news(&d, WEIR_SESSION_OUTAGE, 1);
    desk_emit(&d, ORDERS, 1, 1);
    assert_int_equal(sandbox_service_start(d.sandbox, "salesforce", NULL), WEIR_OK);
    desk_expect(sf, 1);
    desk_wait_news(&d, WEIR_SESSION_RECOVERED, 1);
    assert_int_equal(desk_count(&d, WEIR_SESSION_OUTAGE), 1);
    weir_salesforce_close(sf);
}

static void a_subscription_refused_anew_is_dropped_aloud(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    desk_fault(&d, "salesforce.subscribe 1 bayeux:\"403:" ORDERS ":Restricted channel\"");
    desk_now(&d, "salesforce kill");
    weir_status status;
    do {
        status = weir_salesforce_next(sf, &event, LONG_MS, &err);
    } while (weir_error_retryable(&err));
    assert_int_equal(status, WEIR_FORBIDDEN);
    assert_non_null(strstr(err.message, ORDERS));
    desk_wait_news(&d, WEIR_SESSION_DROPPED, 1);
    desk_subscribe(sf, ORDERS, "new");
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    weir_salesforce_close(sf);
}

static void a_reader_that_stands_still_costs_a_session_and_no_event(void **state)
{
    (void)state;
    weir_salesforce *sf =
        desk_open(DESK(&d, .replay_file = d.store, .max_queued = 4, .stall = 100));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 6);
    desk_wait_news(&d, WEIR_SESSION_PAUSED, 1);
    desk_emit(&d, ORDERS, 7, 6);
    desk_expect_run(sf, 1, 12);
    desk_wait_news(&d, WEIR_SESSION_RESUMED, 1);
    weir_salesforce_close(sf);
}

int main(void)
{
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(each_is_mended_and_no_event_is_lost_or_doubled),
        desk_test(a_refused_handshake_that_means_the_token_gets_a_new_one),
        desk_test(a_ready_token_that_is_refused_is_final),
        desk_test(a_busy_server_is_left_alone),
        desk_test(an_outage_is_said_once_and_mended),
        desk_test(a_subscription_refused_anew_is_dropped_aloud),
        desk_test(a_reader_that_stands_still_costs_a_session_and_no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
