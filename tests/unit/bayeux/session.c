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

/* ---- advice ------------------------------------------------------------------------------- */

static void advice_is_kept_member_by_member(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    answer(&st, "/meta/connect",
           OK ",\"advice\":{\"timeout\":20000,\"multiple-clients\":true,\"hosts\":[\"a\"]}");
    expect(&st, "connect");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 20000 + 10000);
    answer(&st, "/meta/connect", OK ",\"advice\":{\"interval\":0}"); /* no timeout in it */
    expect(&st, "connect");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 20000 + 10000);
    answer(&st, "/meta/connect", OK);
    expect(&st, "connect");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 20000 + 10000);
    story_end(&st);
}

static void an_interval_is_milliseconds_and_honoured(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    answer(&st, "/meta/connect", OK ",\"advice\":{\"interval\":2500}");
    expect(&st, "");
    assert_int_equal(session_wake(st.session) - story_now(&st), 2500 * NS_PER_MS);
    pass(&st, 2499);
    expect(&st, "");
    pass(&st, 1);
    expect(&st, "connect");
    answer(&st, "/meta/connect", OK); /* it stays in force */
    pass(&st, 2499);
    expect(&st, "");
    pass(&st, 1);
    expect(&st, "connect");
    story_end(&st);
}

static void advice_for_the_transport_wins(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    answer(&st, "/meta/connect",
           OK ",\"advice\":{\"long-polling\":{\"interval\":70,\"timeout\":5000},"
              "\"websocket\":{\"interval\":90},\"interval\":1,\"timeout\":6000}");
    pass(&st, 69);
    expect(&st, "");
    pass(&st, 1);
    expect(&st, "connect");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 5000 + 10000);
    story_end(&st);
}

static void a_first_connect_is_not_held_and_has_little_time(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_HANDSHAKE, NULL);
    expect(&st, "login");
    token(&st);
    expect(&st, "handshake");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 10000);
    answer(&st, "/meta/handshake", HANDSHAKEN);
    expect(&st, "done session OK; OPENED; connect0");
    assert_int_equal((st.until_ns - story_now(&st)) / NS_PER_MS, 10000);
    answer(&st, "/meta/connect", FIRST);
    expect(&st, "connect");
    ask(&st, META_HANDSHAKE, NULL); /* there is one */
    expect(&st, "done session OK");
    assert_int_equal(st.opened, 1);
    story_end(&st);
}

/* ---- extensions --------------------------------------------------------------------------- */

static void batches_are_acknowledged(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.ack = true});
    ask(&st, META_HANDSHAKE, NULL);
    expect(&st, "login");
    token(&st);
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"ack\":true}"));
    answer(&st, "/meta/handshake", HANDSHAKEN ",\"ext\":{\"ack\":{\"enabled\":true}}");
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"ack\":-1}"));
    answer(&st, "/meta/connect", FIRST ",\"ext\":{\"ack\":7}");
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"ack\":7}"));
    answer(&st, "/meta/connect", OK);
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"ack\":7}"));
    answer(&st, "/meta/connect", UNKNOWN);
    pump(&st);
    answer(&st, "/meta/handshake", HANDSHAKEN ",\"ext\":{\"ack\":true}");
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"ack\":-1}"));
    story_end(&st);
}

static void what_the_server_does_not_acknowledge_is_not_acknowledged(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.ack = true});
    story_open(&st); /* its reply has no ext */
    assert_null(strstr(st.request, "\"ext\""));
    story_end(&st);
    story_begin(&st); /* not offered, and yet said */
    ask(&st, META_HANDSHAKE, NULL);
    pump(&st);
    token(&st);
    pump(&st);
    assert_null(strstr(st.request, "\"ext\""));
    answer(&st, "/meta/handshake", HANDSHAKEN ",\"ext\":{\"ack\":true}");
    pump(&st);
    assert_null(strstr(st.request, "\"ext\""));
    story_end(&st);
}

static void extensions_are_in_every_message(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.ack = true, .batch = true});
    st.ext = "\"x\":{\"y\":[1]}";
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    pump(&st);
    token(&st);
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"ack\":true,\"x\":{\"y\":[1]}}"));
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    assert_non_null(strstr(st.request, "\"ext\":{\"x\":{\"y\":[1]}}"));
    answer(&st, "/meta/connect", FIRST);
    pump(&st);
    static const char *const subjects[] = {"/a", "/b"};
    for (size_t i = 0; i < COUNT(subjects); i++)
        assert_non_null(
            strstr(find_sent(&st, "/meta/subscribe", subjects[i])->text, "{\"x\":{\"y\":[1]}}"));
    story_end(&st);
}

/* ---- replies ------------------------------------------------------------------------------ */

static void replies_without_an_id_are_matched_by_channel(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    ask(&st, META_PUBLISH, "/p");
    pump(&st);
    token(&st);
    pump(&st);
    hear(&st, "{\"channel\":\"/meta/handshake\",\"clientId\":\"c\"," OK "}");
    expect(&st, "login; handshake; OPENED; connect0");
    hear(&st, "[{\"channel\":\"\\/meta\\/connect\"," OK "}]");
    expect(&st, "subscribe(/a)+subscribe(/b)+publish(/p); connect");
    hear(&st, "[{\"channel\":\"/meta/subscribe\",\"subscription\":\"/b\"," OK "},"
              "{\"channel\":\"/p\"," OK "}]");
    expect(&st, "done /b OK; done /p OK; SUBSCRIBED /b");
    hear(&st, "[{\"channel\":\"/meta/subscribe\",\"subscription\":\"/a\"," OK "}]");
    expect(&st, "done /a OK; SUBSCRIBED /a");
    story_end(&st);
}

static void strange_replies_are_passed_over(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    static const char *const strange[] = {
        "{\"channel\":\"/meta/connect\",\"id\":\"999\"," UNKNOWN "}",
        "{\"channel\":\"/meta/connect\",\"id\":{}," UNKNOWN "}",
        "{\"channel\":\"/meta/connect\",\"id\":\"1\"," UNKNOWN ADVISED "}", /* the handshake's */
        "{\"channel\":\"/meta/handshake\",\"id\":\"3\"," OK ",\"clientId\":\"evil\"}",
        "{\"channel\":\"/meta/subscribe\",\"subscription\":\"/a\"," REFUSED("403::no") "}",
        "{\"channel\":\"/meta/unsubscribe\",\"subscription\":\"/a\"," OK "}",
        "{\"channel\":\"/meta/what\"," OK "}",
        "{\"channel\":\"/p\",\"id\":\"3\"," OK "}",
        "{\"channel\":\"/p\"}",
        "{\"channel\":\"\"}",
        "{\"channel\":\"\\\\\"}",
    };
    for (size_t i = 0; i < COUNT(strange); i++)
        assert_int_equal(hear(&st, strange[i]), 0);
    expect(&st, "");
    assert_int_equal(session_state(st.session), SESSION_CONNECTED);
    assert_int_equal(hear(&st, "{\"channel\":\"/a\",\"data\":null}"), 1);
    assert_int_equal(hear(&st, "{\"channel\":\"/\\u0061\",\"id\":\"3\",\"data\":{}}"), 1);
    story_end(&st);
}

static void events_are_events_in_every_state(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    static const char event[] = "[{\"channel\":\"/a\",\"data\":1}]";
    assert_int_equal(hear(&st, event), 1);
    story_subscribed(&st, "/a");
    assert_int_equal(hear(&st, event), 1);
    answer(&st, "/meta/connect", UNKNOWN);
    assert_int_equal(hear(&st, event), 1);
    expect(&st, "reset; handshake");
    assert_int_equal(hear(&st, event), 1);
    session_close(st.session, story_now(&st));
    expect(&st, "cancel handshake; over STOPPED");
    assert_int_equal(hear(&st, event), 1);
    story_end(&st);
}

/* ---- a WebSocket -------------------------------------------------------------------------- */

static const char *const both[] = {"websocket", "long-polling", NULL};

static void over_a_socket_replies_end_exchanges(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.batch = true, .transports = both});
    st.socket = true;
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_PUBLISH, "/p");
    pump(&st);
    token(&st);
    expect(&st, "login; handshake");
    assert_non_null(strstr(st.request, "[\"websocket\",\"long-polling\"]"));
    answer(&st, "/meta/handshake",
           OK ",\"clientId\":\"c\",\"supportedConnectionTypes\":[\"long-polling\",\"websocket\"]");
    expect(&st, "OPENED; connect0");
    assert_string_equal(session_transport(st.session), "websocket");
    assert_non_null(strstr(st.request, "\"connectionType\":\"websocket\""));
    answer(&st, "/meta/connect", FIRST);
    expect(&st, "subscribe(/a)+publish(/p); connect");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; SUBSCRIBED /a");
    struct session_ask *again = ask(&st, META_PUBLISH, "/q");
    expect(&st, "");
    answer(&st, "/p", OK);
    expect(&st, "done /p OK; publish(/q)");
    session_withdraw(st.session, story_now(&st), again); /* its exchange is over with it */
    ask(&st, META_PUBLISH, "/r");
    expect(&st, "cancel publish(/q); publish(/r)");
    story_end(&st);
}

static void a_lost_socket_is_opened_again_with_the_same_session(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.batch = true, .transports = both});
    st.socket = true;
    story_subscribed(&st, "/a");
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "publish(/p)");
    weir_error why = {0};
    error_set(&why, WEIR_UNREACHABLE, "the WebSocket was closed");
    session_lost(st.session, story_now(&st), &why, true);
    expect(&st, "done /p UNREACHABLE");
    assert_int_equal(session_state(st.session), SESSION_WAITING);
    pass(&st, 1000);
    expect(&st, "connect0");
    assert_non_null(strstr(st.request, "\"clientId\":\"c1\""));
    answer(&st, "/meta/connect", OK);
    expect(&st, "connect"); /* the subscription is still in force */
    session_lost(st.session, story_now(&st), &why, true);
    session_lost(st.session, story_now(&st), &why, true);
    pass(&st, 3000);
    expect(&st, "connect0");
    story_end(&st);
}

static void a_transport_that_is_not_offered_any_more_is_left(void **state)
{
    (void)state;
    struct story st;
    static const char *const polling[] = {"long-polling", NULL};
    story_with(&st, &(struct session_options){.batch = true, .transports = both});
    ask(&st, META_SUBSCRIBE, "/a");
    pump(&st);
    token(&st);
    pump(&st);
    answer(&st, "/meta/handshake",
           OK ",\"clientId\":\"c\",\"supportedConnectionTypes\":[\"websocket\",\"long-polling\"]");
    expect(&st, "login; handshake; OPENED; connect0");
    weir_error why = {0};
    error_set(&why, WEIR_UNREACHABLE, "no WebSocket here");
    session_lost(st.session, story_now(&st), &why, false);
    session_transports(st.session, story_now(&st), polling);
    expect(&st, "reset; handshake");
    assert_non_null(strstr(st.request, "[\"long-polling\"]"));
    answer(&st, "/meta/handshake",
           OK ",\"clientId\":\"d\",\"supportedConnectionTypes\":[\"websocket\",\"long-polling\"]");
    expect(&st, "OPENED; connect0");
    assert_string_equal(session_transport(st.session), "long-polling");
    session_transports(st.session, story_now(&st), both); /* is still among them */
    expect(&st, "");
    story_end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_session_on_the_wire),
        cmocka_unit_test(closing_says_goodbye_and_cancels_the_connect),
        cmocka_unit_test(advice_is_kept_member_by_member),
        cmocka_unit_test(an_interval_is_milliseconds_and_honoured),
        cmocka_unit_test(advice_for_the_transport_wins),
        cmocka_unit_test(a_first_connect_is_not_held_and_has_little_time),
        cmocka_unit_test(batches_are_acknowledged),
        cmocka_unit_test(what_the_server_does_not_acknowledge_is_not_acknowledged),
        cmocka_unit_test(extensions_are_in_every_message),
        cmocka_unit_test(replies_without_an_id_are_matched_by_channel),
        cmocka_unit_test(strange_replies_are_passed_over),
        cmocka_unit_test(events_are_events_in_every_state),
        cmocka_unit_test(over_a_socket_replies_end_exchanges),
        cmocka_unit_test(a_lost_socket_is_opened_again_with_the_same_session),
        cmocka_unit_test(a_transport_that_is_not_offered_any_more_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
