/* The protocol as it should go: who says what, when, and with which members. */
#include "story.h"

static void a_first_session_on_the_wire(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    expect(&st, "");
    assert_int_equal(session_state(st.session), SESSION_IDLE);
    ask(&st, META_SUBSCRIBE, "/event/A__e");
    expect(&st, "login");
    token(&st);
    expect(&st, "handshake");
    assert_string_equal(st.request,
                        "[{\"channel\":\"/meta/handshake\",\"id\":\"1\",\"version\":\"1.0\","
                        "\"minimumVersion\":\"1.0\","
                        "\"supportedConnectionTypes\":[\"long-polling\"]}]");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    expect(&st, "OPENED; connect0");
    assert_string_equal(st.request,
                        "[{\"channel\":\"/meta/connect\",\"id\":\"2\",\"clientId\":\"c1\","
                        "\"connectionType\":\"long-polling\",\"advice\":{\"timeout\":0}}]");
    assert_int_equal(session_state(st.session), SESSION_CONNECTING);
    assert_false(session_has_worked(st.session));
    answer(&st, "/meta/connect", FIRST);
    expect(&st, "subscribe(/event/A__e); connect");
    assert_true(session_has_worked(st.session));
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 110000 + 10000);
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /event/A__e OK; SUBSCRIBED /event/A__e");
    assert_int_equal(st.subscribed, 1);
    answer(&st, "/meta/connect", OK);
    expect(&st, "connect");
    assert_string_equal(session_transport(st.session), "long-polling");
    assert_string_equal(session_subscription(st.session, 0), "/event/A__e");
    assert_null(session_subscription(st.session, 1));
    story_end(&st);
}

static void closing_says_goodbye_and_cancels_the_connect(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    session_close(st.session, story_now(&st));
    expect(&st, "disconnect");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 2000);
    answer(&st, "/meta/disconnect", OK);
    expect(&st, "cancel connect; reset; over STOPPED");
    assert_int_equal(session_state(st.session), SESSION_CLOSED);
    ask(&st, META_PUBLISH, "/a");
    expect(&st, "done /a STOPPED");
    story_end(&st);
}

static void a_lost_session_is_made_anew_at_once_with_its_subscriptions(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    pass(&st, 60000);
    answer(&st, "/meta/connect", UNKNOWN ADVISED);
    expect(&st, "reset; handshake");
    assert_null(strstr(st.request, "clientId"));
    answer(&st, "/meta/handshake", OK ",\"clientId\":\"c2\"");
    expect(&st, "OPENED; connect0");
    answer(&st, "/meta/connect", OK);
    expect(&st, "subscribe(/a); connect");
    assert_non_null(strstr(st.request, "\"clientId\":\"c2\""));
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "SUBSCRIBED /a");
    story_end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_session_on_the_wire),
        cmocka_unit_test(closing_says_goodbye_and_cancels_the_connect),
        cmocka_unit_test(a_lost_session_is_made_anew_at_once_with_its_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
