/* Outages: when they are said, what they are about, when they are over. And the pauses of a program
 * that does not take its events. */
#include "story.h"

/* ---- said once, and over once -----------------------------------------------------------------
 */

static void an_outage_is_said_once_with_its_cause(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.batch = true, .connection_timeout = 5000});
    story_subscribed(&st, "/a");
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 503);
    pass(&st, 1000);
    expect(&st, "connect0");
    pass(&st, 3999); /* the request is out, and silent */
    expect(&st, "");
    pass(&st, 1);
    expect(&st, "OUTAGE");
    assert_string_equal(st.why, "https://a.example: it failed (503)");
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 0);
    pass(&st, 2000);
    expect(&st, "connect0");
    answer(&st, "/meta/connect", OK);
    expect(&st, "RECOVERED; connect");
    pass(&st, 60000);
    expect(&st, "");
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 0);
    pass(&st, 1000);
    expect(&st, "connect0");
    answer(&st, "/meta/connect", OK); /* too short to be one */
    expect(&st, "connect");
    pass(&st, 60000);
    expect(&st, "");
    story_end(&st);
}

static void silence_of_a_held_connect_is_a_failure(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    pass(&st, 120000);
    ends(&st, "/meta/connect", WEIR_TIMEOUT, 0); /* the owner's doing, at until_ns */
    pass(&st, 1000);
    expect(&st, "connect0"); /* is it still there? At once, please */
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "reset; handshake");
    story_end(&st);
}

static void a_subscription_that_is_not_in_force_is_an_outage(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    pass(&st, 60000);
    answer(&st, "/meta/connect", UNKNOWN);
    pump(&st);
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    expect(&st, "reset; handshake; OPENED; connect0; subscribe(/a); connect");
    answer(&st, "/meta/subscribe", REFUSED("403::Subscription limit exceeded for this topic"));
    for (int i = 0; i < 2; i++) { /* connects succeed: healthy, and deaf */
        pass(&st, 4000);
        answer(&st, "/meta/connect", OK);
        expect(&st, "connect");
    }
    pass(&st, 2000);
    expect(&st, "OUTAGE /a");
    assert_non_null(strstr(st.why, "'/a': 403::Subscription limit exceeded"));
    assert_string_equal(session_subscription(st.session, 0), "/a"); /* still wanted */
    pass(&st, 49999);
    expect(&st, ""); /* minutes: limits are not hammered */
    pass(&st, 240001);
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "RECOVERED; SUBSCRIBED /a");
    story_end(&st);
}

static void unanswered_subscriptions_are_an_outage_too(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    answer(&st, "/meta/connect", UNKNOWN);
    pump(&st);
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    expect(&st, "reset; handshake; OPENED; connect0; subscribe(/a); connect");
    ends(&st, "/meta/subscribe", WEIR_TIMEOUT, 0);
    pass(&st, 1000);
    expect(&st, "subscribe(/a)");
    pass(&st, 9000);
    expect(&st, "OUTAGE");
    ends(&st, "/meta/subscribe", WEIR_TIMEOUT, 0);
    pass(&st, 2000);
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "RECOVERED; SUBSCRIBED /a");
    story_end(&st);
}

static void a_subscription_that_is_refused_anew_is_dropped_and_said(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    pump(&st);
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "subscribe(/b); done /b OK; SUBSCRIBED /b");
    answer(&st, "/meta/connect", UNKNOWN);
    pump(&st);
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    expect(&st, "reset; handshake; OPENED; connect0; subscribe(/a)+subscribe(/b); connect");
    answer_about(&st, "/meta/subscribe", "/a",
                 REFUSED("400::The replayId {7} you provided was invalid."));
    expect(&st, "DROPPED /a");
    assert_non_null(strstr(st.why, "The replayId {7}"));
    answer_about(&st, "/meta/subscribe", "/b", OK);
    expect(&st, "SUBSCRIBED /b");
    assert_string_equal(session_subscription(st.session, 0), "/b");
    assert_null(session_subscription(st.session, 1));
    story_end(&st);
}

static enum verdict again(enum meta meta, const struct message *reply, weir_error *err)
{
    (void)reply;
    error_set(err, WEIR_GAP, "a gap");
    return meta == META_SUBSCRIBE ? VERDICT_AGAIN : VERDICT_REFUSED;
}

static void a_dialect_may_subscribe_again_at_once_but_not_for_ever(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    st.judge = again;
    answer(&st, "/meta/subscribe", REFUSED("400::x"));
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; SUBSCRIBED /a");
    ask(&st, META_SUBSCRIBE, "/b");
    for (int i = 0; i < 3; i++) {
        expect(&st, "subscribe(/b)");
        answer(&st, "/meta/subscribe", REFUSED("400::x"));
    }
    expect(&st, "subscribe(/b)");
    answer(&st, "/meta/subscribe", REFUSED("400::x"));
    expect(&st, "done /b GAP");
    story_end(&st);
}

static void limits_are_the_answer_unless_one_is_patient(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", REFUSED("403::Subscription limit exceeded for this topic"));
    expect(&st, "done /a BUSY");
    assert_null(session_subscription(st.session, 0));
    ask(&st, META_SUBSCRIBE, "/b")->patient = true;
    ask(&st, META_SUBSCRIBE, "/b");
    expect(&st, "subscribe(/b)");
    answer(&st, "/meta/subscribe", REFUSED("503::Server is too busy"));
    expect(&st, "done /b BUSY"); /* the other one */
    pass(&st, 10000);
    expect(&st, "OUTAGE /b");
    pass(&st, 290000);
    expect(&st, "subscribe(/b)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /b OK; RECOVERED; SUBSCRIBED /b");
    story_end(&st);
}

static void limits_of_connects_are_looked_at_again_after_minutes(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    unsigned before = st.requests;
    for (int i = 0; i < 10; i++) {
        answer(&st,
               session_state(st.session) == SESSION_HANDSHAKING ? "/meta/handshake"
                                                                : "/meta/connect",
               REFUSED("403::Organization total events daily limit exceeded") NONE);
        pump(&st);
        assert_int_equal(session_state(st.session), SESSION_WAITING);
        pass(&st, 59999);
        assert_int_equal(session_state(st.session), SESSION_WAITING);
        pass(&st, 240001);
        assert_int_equal(session_state(st.session), SESSION_HANDSHAKING);
    }
    assert_int_equal(st.requests - before, 10);
    story_end(&st);
}

static void the_servers_wish_is_honoured(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    weir_error why = {0};
    error_peer(&why, WEIR_UNREACHABLE, WEIR_ORIGIN_HTTP, 503, "busy");
    why.retry_in_ms = 7000;
    session_ended(st.session, story_now(&st), find_sent(&st, "/meta/connect", NULL)->exchange, &why,
                  true);
    pass(&st, 6999);
    expect(&st, "");
    pass(&st, 1);
    expect(&st, "connect0");
    error_peer(&why, WEIR_BUSY, WEIR_ORIGIN_HTTP, 429, "busy");
    why.retry_in_ms = 2000;
    session_ended(st.session, story_now(&st), find_sent(&st, "/meta/connect", NULL)->exchange, &why,
                  true);
    pass(&st, 2000);
    expect(&st, "reset; handshake");
    error_peer(&why, WEIR_BUSY, WEIR_ORIGIN_HTTP, 429, "busy");
    why.retry_in_ms = INT32_MAX; /* no wish is longer than an hour */
    session_ended(st.session, story_now(&st), find_sent(&st, "/meta/handshake", NULL)->exchange,
                  &why, true);
    pass(&st, 3600000);
    expect(&st, "OUTAGE; handshake");
    story_end(&st);
}

static void an_outage_that_lasts_is_given_up(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.batch = true, .give_up = 60000});
    story_subscribed(&st, "/a");
    ask(&st, META_PUBLISH, "/p");
    pump(&st);
    st.words[0] = '\0';
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 0);
    pass(&st, 1000);
    expect(&st, "connect0");
    pass(&st, 58999);
    expect(&st, "OUTAGE");
    pass(&st, 1);
    expect(&st,
           "cancel connect0; cancel publish(/p); reset; done /p UNREACHABLE; over UNREACHABLE");
    assert_int_equal(session_state(st.session), SESSION_FAILED);
    assert_false(weir_error_retryable(session_reason(st.session)));
    assert_int_equal(session_wake(st.session), INT64_MAX);
    story_end(&st);
}

/* ---- a program that stands still ----------------------------------------------------------------
 */

static void a_full_queue_delays_the_next_connect(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    session_queue(st.session, story_now(&st), true, false);
    answer(&st, "/meta/connect", OK);
    expect(&st, "");
    pass(&st, 29000);
    expect(&st, "");
    ask(&st, META_SUBSCRIBE, "/b"); /* commands go on */
    expect(&st, "subscribe(/b)");
    session_queue(st.session, story_now(&st), false, false);
    expect(&st, "connect");
    story_end(&st);
}

static void a_queue_that_stays_full_pauses_the_session_in_good_order(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    session_queue(st.session, story_now(&st), true, false);
    answer(&st, "/meta/connect", OK);
    pass(&st, 30000);
    expect(&st, "disconnect");
    assert_int_equal(session_state(st.session), SESSION_PAUSING);
    answer(&st, "/meta/disconnect", OK);
    expect(&st, "reset; PAUSED");
    session_queue(st.session, story_now(&st), false, false);
    pass(&st, 3600000);
    expect(&st, "");
    session_queue(st.session, story_now(&st), false, true);
    expect(&st, "RESUMED; login");
    token(&st);
    expect(&st, "handshake");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    expect(&st, "OPENED; connect0; subscribe(/a); connect");
    story_end(&st);
}

static void a_queue_that_empties_while_pausing_resumes_at_once(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    session_queue(st.session, story_now(&st), true, false);
    pass(&st, 30000);
    expect(&st, "disconnect");
    session_queue(st.session, story_now(&st), false, true);
    expect(&st, "");
    answer(&st, "/meta/disconnect", OK);
    expect(&st, "cancel connect; reset; PAUSED; RESUMED; login");
    story_end(&st);
}

static void who_asks_while_it_is_paused_is_told(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    session_queue(st.session, story_now(&st), true, false);
    pass(&st, 30000);
    answer(&st, "/meta/disconnect", OK);
    expect(&st, "disconnect; cancel connect; reset; PAUSED");
    ask(&st, META_PUBLISH, "/p");
    ask(&st, META_SUBSCRIBE, "/b");
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_UNSUBSCRIBE, "/a");
    ask(&st, META_HANDSHAKE, NULL);
    expect(&st, "done /p BUSY; done /b BUSY; done /a OK; done /a OK; "
                "done session BUSY");
    assert_non_null(strstr(st.why, "nobody takes its events"));
    story_end(&st);
}

static void a_pause_needs_no_answer_and_comes_while_a_connect_is_held(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "publish(/p)");
    session_queue(st.session, story_now(&st), true, false);
    pass(&st, 30000);
    expect(&st, "cancel publish(/p); done /p UNREACHABLE; disconnect");
    ends(&st, "/meta/disconnect", WEIR_TIMEOUT, 0);
    expect(&st, "cancel connect; reset; PAUSED");
    session_close(st.session, story_now(&st));
    expect(&st, "over STOPPED");
    story_end(&st);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void closing_ends_every_state(void **state)
{
    (void)state;
    for (int moment = 0; moment < 8; moment++) {
        struct story st;
        story_begin(&st);
        struct session_ask *one = NULL;
        for (int step = 0; step < moment; step++) {
            switch (step) {
            case 0:
                one = ask(&st, META_SUBSCRIBE, "/a");
                break;
            case 1:
                pump(&st);
                break;
            case 2:
                token(&st);
                break;
            case 3:
                pump(&st);
                break;
            case 4:
                answer(&st, "/meta/handshake", HANDSHAKEN);
                break;
            case 5:
                pump(&st), answer(&st, "/meta/connect", FIRST);
                break;
            default:
                pump(&st);
                break;
            }
        }
        session_close(st.session, story_now(&st));
        session_close(st.session, story_now(&st));
        pump(&st);
        if (session_state(st.session) == SESSION_CLOSING && strstr(st.words, "disconnect"))
            answer(&st, "/meta/disconnect", OK);
        pump(&st);
        assert_int_equal(session_state(st.session), SESSION_CLOSED);
        assert_non_null(strstr(st.words, "over STOPPED"));
        if (one)
            assert_non_null(strstr(st.words, "done /a STOPPED"));
        story_end(&st);
    }
}

static void the_owners_own_failure_is_the_end_at_once(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    weir_error why = {0};
    error_set(&why, WEIR_STORE, "the store is full");
    session_fail(st.session, story_now(&st), &why);
    expect(&st, "cancel connect; reset; over STORE");
    session_fail(st.session, story_now(&st), &why);
    session_queue(st.session, story_now(&st), true, true);
    session_time_passed(st.session, story_now(&st));
    session_token(st.session, story_now(&st), NULL);
    session_close(st.session, story_now(&st));
    expect(&st, "");
    story_end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_is_said_once_with_its_cause),
        cmocka_unit_test(silence_of_a_held_connect_is_a_failure),
        cmocka_unit_test(a_subscription_that_is_not_in_force_is_an_outage),
        cmocka_unit_test(unanswered_subscriptions_are_an_outage_too),
        cmocka_unit_test(a_subscription_that_is_refused_anew_is_dropped_and_said),
        cmocka_unit_test(a_dialect_may_subscribe_again_at_once_but_not_for_ever),
        cmocka_unit_test(limits_are_the_answer_unless_one_is_patient),
        cmocka_unit_test(limits_of_connects_are_looked_at_again_after_minutes),
        cmocka_unit_test(the_servers_wish_is_honoured),
        cmocka_unit_test(an_outage_that_lasts_is_given_up),
        cmocka_unit_test(a_full_queue_delays_the_next_connect),
        cmocka_unit_test(a_queue_that_stays_full_pauses_the_session_in_good_order),
        cmocka_unit_test(a_queue_that_empties_while_pausing_resumes_at_once),
        cmocka_unit_test(who_asks_while_it_is_paused_is_told),
        cmocka_unit_test(a_pause_needs_no_answer_and_comes_while_a_connect_is_held),
        cmocka_unit_test(closing_ends_every_state),
        cmocka_unit_test(the_owners_own_failure_is_the_end_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
