/* What goes wrong between a client and a server, and what becomes of it. Names say what must be
 * true; each was seen to be otherwise in some client. */
#include "story.h"

/* From "handshake" being out to connected, with /a subscribed anew. */
static void come_back(struct story *st)
{
    answer(st, "/meta/handshake", HANDSHAKEN);
    expect(st, "OPENED; connect0");
    answer(st, "/meta/connect", OK);
    expect(st, "subscribe(/a); connect");
    answer(st, "/meta/subscribe", OK);
    expect(st, "SUBSCRIBED /a");
}

/* ---- lost sessions ------------------------------------------------------------------------ */

static void an_unknown_client_shakes_hands_at_once_without_a_new_token(void **state)
{
    (void)state;
    static const char *const replies[] = {UNKNOWN ADVISED, UNKNOWN NONE, UNKNOWN,
                                          REFUSED("402::session_unknown") ADVISED,
                                          REFUSED("403::Client has not completed handshake") NONE};
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct story st;
        story_begin(&st);
        story_subscribed(&st, "/a");
        pass(&st, 60000);
        answer(&st, "/meta/connect", replies[i]);
        expect(&st, "reset; handshake");
        assert_null(strstr(st.request, "clientId")); /* it is dead */
        come_back(&st);
        story_end(&st);
    }
}

static void a_session_lost_again_right_away_is_made_anew_after_a_pause(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "reset; handshake");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    expect(&st, "OPENED; connect0");
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "reset");
    assert_int_equal(session_state(st.session), SESSION_WAITING);
    assert_in_range(session_wake(st.session) - story_now(&st), 1, NS_PER_S);
    pass(&st, 1000);
    expect(&st, "handshake");
    come_back(&st);
    pass(&st, 10000); /* it has been good for a while */
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "reset; handshake");
    come_back(&st);
    story_end(&st);
}

static void a_subscription_may_be_what_finds_the_session_lost(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    expect(&st, "subscribe(/b)");
    answer(&st, "/meta/subscribe", UNKNOWN);
    expect(&st, "cancel connect; reset; handshake"); /* never two sessions */
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    expect(&st, "OPENED; connect0; subscribe(/a)+subscribe(/b); connect");
    story_end(&st);
}

static void an_answer_that_was_lost_costs_the_session_where_it_can_be_replayed(void **state)
{
    (void)state;
    static const struct {
        const char *channel;
        weir_status status;
        int http;
        bool lost; /* events may have been in it */
    } rows[] = {
        {"/meta/connect", WEIR_UNREACHABLE, 0, true},
        {"/meta/connect", WEIR_TIMEOUT, 0, true},
        {"/meta/connect", WEIR_UNREACHABLE, 502, true},
        {"/meta/connect", WEIR_UNREACHABLE, 503, false},
        {"/meta/subscribe", WEIR_UNREACHABLE, 0, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct story st;
        story_with(&st, &(struct session_options){.batch = true, .replays = true});
        story_subscribed(&st, "/a");
        ask(&st, META_SUBSCRIBE, "/b");
        expect(&st, "subscribe(/b)");
        ends(&st, rows[i].channel, rows[i].status, rows[i].http);
        pump(&st);
        assert_int_equal(strstr(st.words, "handshake") != NULL, rows[i].lost);
        story_end(&st);
    }
}

/* Random numbers are the largest possible: without it, the fourth pause alone were 8 s. */
static void a_session_that_can_be_saved_is_hurried_for(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    int64_t began = story_now(&st);
    unsigned before = st.requests;
    while (story_now(&st) - began < 10 * NS_PER_S) {
        ends_unsent(&st, "/meta/connect");
        pump(&st);
        pass(&st, (session_wake(st.session) - story_now(&st)) / NS_PER_MS + 1);
    }
    assert_in_range(st.requests - before, 8, 20);
    story_end(&st);
}

static void an_unsolicited_disconnect_shakes_hands(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    hear(&st, "[{\"channel\":\"/meta/disconnect\"}]"); /* alone */
    ends(&st, "/meta/connect", WEIR_OK, 0);
    expect(&st, "reset; handshake");
    come_back(&st);
    pass(&st, 20000);
    hear(&st, "[{\"channel\":\"/meta/disconnect\",\"successful\":true,"
              "\"advice\":{\"reconnect\":\"none\"}}]");
    answer(&st, "/meta/connect", UNKNOWN NONE); /* beside a failed connect */
    expect(&st, "reset; handshake");
    come_back(&st);
    pass(&st, 20000);
    hear(&st, "[{\"channel\":\"/meta/disconnect\"}]"); /* beside one that succeeded */
    answer(&st, "/meta/connect", OK);
    expect(&st, "reset; handshake");
    come_back(&st);
    story_end(&st);
}

static void a_disconnect_beside_a_refused_token_logs_in(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    hear(&st, "[{\"channel\":\"/meta/disconnect\"}]");
    answer(&st, "/meta/connect", REFUSED("401::Authentication invalid") NONE);
    expect(&st, "reset; login!");
    token(&st);
    expect(&st, "handshake");
    come_back(&st);
    story_end(&st);
}

static void a_disconnect_over_a_socket_counts_at_once(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    st.socket = true;
    story_subscribed(&st, "/a");
    hear(&st, "[{\"channel\":\"/meta/disconnect\"}]");
    expect(&st, "cancel connect; reset; handshake");
    story_end(&st);
}

static void late_answers_of_an_old_session_do_not_disturb(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    char late[512];
    snprintf(late, sizeof late,
             "[{\"channel\":\"/a\",\"clientId\":\"c1\",\"data\":1},"
             "{\"channel\":\"/meta/connect\",\"id\":\"%s\",\"clientId\":\"c1\"," UNKNOWN ADVISED
             "}]",
             find_sent(&st, "/meta/connect", NULL)->id);
    unsigned old = find_sent(&st, "/meta/connect", NULL)->exchange;
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "publish(/p)");
    answer(&st, "/p", UNKNOWN);
    expect(&st, "cancel connect; reset; handshake");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    assert_int_equal(hear(&st, late), 1); /* its events are still events */
    weir_error why = {0};
    error_set(&why, WEIR_UNREACHABLE, "late");
    session_ended(st.session, story_now(&st), old, &why, true);
    expect(&st, "OPENED; connect0");
    answer(&st, "/meta/connect", OK);
    assert_int_equal(hear(&st, late), 1);
    expect(&st, "subscribe(/a)+publish(/p); connect");
    story_end(&st);
}

/* ---- advice ------------------------------------------------------------------------------- */

static void a_failed_connect_with_interval_0_does_not_spin(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    unsigned before = st.requests;
    for (int64_t end = story_now(&st) + 180 * NS_PER_S; story_now(&st) < end;) {
        answer(&st, "/meta/connect",
               REFUSED("500::oops") ",\"advice\":{\"reconnect\":\"retry\",\"interval\":0}");
        pump(&st);
        assert_int_equal(session_state(st.session), SESSION_WAITING);
        pass(&st, (session_wake(st.session) - story_now(&st)) / NS_PER_MS + 1);
        while (session_state(st.session) == SESSION_WAITING)
            pass(&st, 100);
        while (session_state(st.session) == SESSION_HANDSHAKING)
            answer(&st, "/meta/handshake", HANDSHAKEN), pump(&st);
    }
    assert_in_range(st.requests - before, 5, 40); /* up to 1, 2, 4, 8, 16, 30, ... seconds */
    assert_non_null(strstr(st.words, "OUTAGE"));  /* and it is said */
    story_end(&st);
}

static void a_server_that_holds_nothing_is_not_hammered(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    unsigned before = st.requests;
    st.quiet = true;
    for (int64_t end = story_now(&st) + 60 * NS_PER_S; story_now(&st) < end;) {
        answer(&st, "/meta/connect", OK);
        pump(&st);
        int64_t wake = session_wake(st.session);
        pass(&st, wake == INT64_MAX ? 1 : (wake - story_now(&st)) / NS_PER_MS);
    }
    assert_in_range(st.requests - before, 10, 60);
    for (int i = 0; i < 100; i++) { /* with events it is what it should be */
        hear(&st, "[{\"channel\":\"/a\",\"data\":1}]");
        answer(&st, "/meta/connect", OK);
        pass(&st, i ? 1 : 2000);
    }
    assert_in_range(st.requests - before, 110, 160);
    story_end(&st);
}

static void advice_none_is_mended_where_its_cause_can_be(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    answer(&st, "/meta/connect", REFUSED("401::Authentication invalid") NONE);
    expect(&st, "reset; login!");
    token(&st);
    expect(&st, "handshake");
    come_back(&st);
    pass(&st, 20000);
    answer(&st, "/meta/connect", REFUSED("503::Server is too busy") NONE);
    expect(&st, "reset");
    pass(&st, 300000);
    expect(&st, "OUTAGE; handshake");
    assert_string_equal(st.why, "the connect: 503::Server is too busy");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    pump(&st);
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "OPENED; connect0; subscribe(/a); connect; RECOVERED; SUBSCRIBED /a");
    pass(&st, 20000);
    answer(&st, "/meta/connect", REFUSED("something") NONE); /* no cause that is known */
    expect(&st, "reset");
    pass(&st, 1000);
    expect(&st, "handshake");
    come_back(&st);
    answer(&st, "/meta/connect", OK NONE); /* not even a failure */
    expect(&st, "reset");
    pass(&st, 2000);
    expect(&st, "handshake");
    story_end(&st);
}

static void advice_none_before_anything_has_worked_is_the_end(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    pump(&st);
    token(&st);
    expect(&st, "login; handshake");
    answer(&st, "/meta/handshake", REFUSED("403::handshake_denied") NONE);
    expect(&st, "done /a FORBIDDEN; over FORBIDDEN");
    assert_string_equal(session_reason(st.session)->message,
                        "the handshake: 403::handshake_denied");
    assert_int_equal(session_reason(st.session)->code, 403);
    story_end(&st);
}

static void a_successful_connect_may_advise_a_handshake_and_none_may_come_back(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    answer(&st, "/meta/connect", OK ADVISED);
    expect(&st, "reset; handshake");
    come_back(&st);
    pass(&st, 20000);
    answer(&st, "/meta/connect", OK ",\"advice\":{\"interval\":-1}");
    expect(&st, "reset");
    pass(&st, 1000);
    expect(&st, "handshake");
    come_back(&st);
    story_end(&st);
}

static void one_who_was_out_of_touch_for_too_long_shakes_hands(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    answer(&st, "/meta/connect", OK ",\"advice\":{\"maxInterval\":5000}");
    expect(&st, "connect");
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 0);
    pass(&st, 1000);
    expect(&st, "connect0"); /* still in time */
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 0);
    pass(&st, 2000);
    expect(&st, "connect0");
    pass(&st, 2100);
    ends(&st, "/meta/connect", WEIR_UNREACHABLE, 0);
    pass(&st, 4000);
    expect(&st, "reset; handshake"); /* it has forgotten us */
    story_end(&st);
}

/* ---- tokens ------------------------------------------------------------------------------- */

static void a_refused_token_is_replaced_and_all_subscribed_anew(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    for (int i = 0; i < 4; i++) {
        pass(&st, 60000);
        if (i % 2)
            answer(&st, "/meta/connect", REFUSED("401::Authentication invalid") NONE);
        else
            ends(&st, "/meta/connect", WEIR_BAD_LOGIN, 401);
        expect(&st, "reset; login!");
        token(&st);
        expect(&st, "handshake");
        come_back(&st);
    }
    story_end(&st);
}

static void a_handshake_may_find_the_token_dead_that_an_unknown_client_led_to(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    pass(&st, 60000);
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "reset; handshake");
    answer(&st, "/meta/handshake", REFUSED("401::Authentication invalid") NONE);
    expect(&st, "login!");
    token(&st);
    expect(&st, "handshake");
    come_back(&st);
    story_end(&st);
}

static void a_fresh_token_that_is_refused_is_the_end_before_anything_worked(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "login");
    token(&st);
    expect(&st, "handshake");
    answer(&st, "/meta/handshake", REFUSED("401::Authentication invalid"));
    expect(&st, "login!");
    token(&st);
    expect(&st, "handshake");
    answer(&st, "/meta/handshake", REFUSED("401::Authentication invalid"));
    expect(&st, "done /a BAD_LOGIN; over BAD_LOGIN");
    assert_int_equal(session_state(st.session), SESSION_FAILED);
    story_end(&st);
}

static void a_fresh_token_that_is_refused_later_is_an_outage(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    pass(&st, 60000);
    ends(&st, "/meta/connect", WEIR_BAD_LOGIN, 401);
    expect(&st, "reset; login!");
    token(&st);
    expect(&st, "handshake");
    ends(&st, "/meta/handshake", WEIR_BAD_LOGIN, 401);
    expect(&st, "");
    pass(&st, 1000);
    expect(&st, "login!");
    no_token(&st, WEIR_BAD_LOGIN, "the token endpoint: invalid_grant");
    pass(&st, 2000);
    expect(&st, "login!");
    no_token(&st, WEIR_BAD_LOGIN, "the token endpoint: invalid_grant");
    pass(&st, 4000);
    expect(&st, "login!");
    pass(&st, 4000); /* it takes its time */
    expect(&st, "OUTAGE");
    assert_string_equal(st.why, "the token endpoint: invalid_grant");
    token(&st);
    expect(&st, "handshake");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", OK);
    pump(&st);
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "OPENED; connect0; subscribe(/a); connect; RECOVERED; SUBSCRIBED /a");
    story_end(&st);
}

static void no_token_at_first(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "login");
    no_token(&st, WEIR_UNREACHABLE, "the token endpoint is down");
    pass(&st, 1000);
    expect(&st, "login");
    no_token(&st, WEIR_BAD_LOGIN, "the token endpoint: invalid_grant");
    expect(&st, "done /a BAD_LOGIN; over BAD_LOGIN");
    token(&st); /* too late */
    expect(&st, "");
    story_end(&st);
}

/* ---- what retrying cannot mend -------------------------------------------------------------- */

static void what_cannot_be_mended_is_the_end_at_first_and_an_outage_later(void **state)
{
    (void)state;
    static const struct {
        weir_status status;
        int http;
    } rows[] = {{WEIR_FORBIDDEN, 403}, {WEIR_NOT_FOUND, 404}, {WEIR_INVALID, 400},
                {WEIR_UNTRUSTED, 0},   {WEIR_PROTOCOL, 0},    {WEIR_UNSUPPORTED, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct story st;
        story_begin(&st);
        ask(&st, META_HANDSHAKE, NULL);
        pump(&st);
        token(&st);
        expect(&st, "login; handshake");
        ends(&st, "/meta/handshake", rows[i].status, rows[i].http);
        pump(&st);
        assert_int_equal(session_state(st.session), SESSION_FAILED);
        assert_int_equal(session_reason(st.session)->status, rows[i].status);
        story_end(&st);
        story_begin(&st);
        story_subscribed(&st, "/a");
        ends(&st, "/meta/connect", rows[i].status, rows[i].http);
        expect(&st, "reset");
        pass(&st, 1000);
        expect(&st, "handshake");
        ends(&st, "/meta/handshake", rows[i].status, rows[i].http);
        pass(&st, 2000);
        expect(&st, "handshake");
        come_back(&st);
        story_end(&st);
    }
}

static void an_unreachable_server_is_waited_for_from_the_first(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    pump(&st);
    token(&st);
    expect(&st, "login; handshake");
    int64_t begun = story_now(&st);
    ends(&st, "/meta/handshake", WEIR_UNREACHABLE, 0);
    pump(&st);
    for (int i = 0; story_now(&st) - begun < 600 * NS_PER_S; i++) {
        while (session_state(st.session) == SESSION_WAITING)
            pass(&st, 100);
        ends(&st, "/meta/handshake", i % 2 ? WEIR_UNREACHABLE : WEIR_TIMEOUT, i % 2 ? 503 : 0);
        pump(&st);
    }
    assert_non_null(strstr(st.words, "OUTAGE"));
    assert_null(strstr(strstr(st.words, "OUTAGE") + 1, "OUTAGE")); /* once */
    assert_in_range(st.requests, 20, 80);
    story_end(&st);
}

static void a_reply_without_successful_is_none(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_HANDSHAKE, NULL);
    pump(&st);
    token(&st);
    pump(&st);
    answer(&st, "/meta/handshake", "\"clientId\":\"c\"");
    expect(&st, "login; handshake; done session PROTOCOL; over PROTOCOL");
    story_end(&st);
    story_begin(&st);
    ask(&st, META_HANDSHAKE, NULL);
    pump(&st);
    token(&st);
    pump(&st);
    answer(&st, "/meta/handshake", OK);
    expect(&st, "login; handshake; done session PROTOCOL; over PROTOCOL");
    assert_non_null(strstr(st.why, "no clientId"));
    story_end(&st);
    story_begin(&st);
    ask(&st, META_HANDSHAKE, NULL);
    pump(&st);
    token(&st);
    pump(&st);
    answer(&st, "/meta/handshake", OK ",\"clientId\":\"c\",\"supportedConnectionTypes\":[\"x\"]");
    expect(&st, "login; handshake; done session UNSUPPORTED; over UNSUPPORTED");
    story_end(&st);
}

static void an_answer_without_the_reply_is_asked_for_again(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    assert_int_equal(hear(&st, "[{\"channel\":\"/a\",\"data\":1}]"), 1);
    ends(&st, "/meta/connect", WEIR_OK, 0);
    pass(&st, 1000);
    expect(&st, "connect0");
    ask(&st, META_SUBSCRIBE, "/b");
    answer(&st, "/meta/connect", OK);
    expect(&st, "subscribe(/b); connect");
    ends(&st, "/meta/subscribe", WEIR_OK, 0);
    pass(&st, 1000);
    expect(&st, "subscribe(/b)");
    story_end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_client_shakes_hands_at_once_without_a_new_token),
        cmocka_unit_test(a_session_lost_again_right_away_is_made_anew_after_a_pause),
        cmocka_unit_test(a_subscription_may_be_what_finds_the_session_lost),
        cmocka_unit_test(an_answer_that_was_lost_costs_the_session_where_it_can_be_replayed),
        cmocka_unit_test(a_session_that_can_be_saved_is_hurried_for),
        cmocka_unit_test(an_unsolicited_disconnect_shakes_hands),
        cmocka_unit_test(a_disconnect_beside_a_refused_token_logs_in),
        cmocka_unit_test(a_disconnect_over_a_socket_counts_at_once),
        cmocka_unit_test(late_answers_of_an_old_session_do_not_disturb),
        cmocka_unit_test(a_failed_connect_with_interval_0_does_not_spin),
        cmocka_unit_test(a_server_that_holds_nothing_is_not_hammered),
        cmocka_unit_test(advice_none_is_mended_where_its_cause_can_be),
        cmocka_unit_test(advice_none_before_anything_has_worked_is_the_end),
        cmocka_unit_test(a_successful_connect_may_advise_a_handshake_and_none_may_come_back),
        cmocka_unit_test(one_who_was_out_of_touch_for_too_long_shakes_hands),
        cmocka_unit_test(a_refused_token_is_replaced_and_all_subscribed_anew),
        cmocka_unit_test(a_handshake_may_find_the_token_dead_that_an_unknown_client_led_to),
        cmocka_unit_test(a_fresh_token_that_is_refused_is_the_end_before_anything_worked),
        cmocka_unit_test(a_fresh_token_that_is_refused_later_is_an_outage),
        cmocka_unit_test(no_token_at_first),
        cmocka_unit_test(what_cannot_be_mended_is_the_end_at_first_and_an_outage_later),
        cmocka_unit_test(an_unreachable_server_is_waited_for_from_the_first),
        cmocka_unit_test(a_reply_without_successful_is_none),
        cmocka_unit_test(an_answer_without_the_reply_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
