/* What the program asks for: subscriptions, publications, and how they share requests. */
#include "story.h"

/* ---- commands ----------------------------------------------------------------------------- */

static void commands_share_a_request_beside_the_held_connect(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "subscribe(/a)+subscribe(/b)+publish(/p)");
    ask(&st, META_SUBSCRIBE, "/c"); /* waits: two requests at most */
    expect(&st, "");
    answer_about(&st, "/meta/subscribe", "/b", OK);
    expect(&st, "done /b OK; SUBSCRIBED /b");
    answer_about(&st, "/meta/subscribe", "/a", REFUSED("403::Restricted channel"));
    expect(&st, "done /a FORBIDDEN");
    assert_string_equal(st.why, "subscribing to '/a': 403::Restricted channel");
    answer(&st, "/p", OK);
    expect(&st, "done /p OK; subscribe(/c)");
    assert_non_null(strstr(st.reply, "\"channel\":\"/p\""));
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /c OK; SUBSCRIBED /c");
    story_end(&st);
}

static void without_batches_each_message_has_its_request(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.batch = false});
    story_open(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; SUBSCRIBED /a; subscribe(/b)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /b OK; SUBSCRIBED /b; publish(/p)");
    story_end(&st);
}

static void a_request_is_never_larger_than_the_server_takes(void **state)
{
    (void)state;
    struct story st;
    story_with(&st, &(struct session_options){.batch = true, .max_request = 220});
    story_open(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/b");
    ask(&st, META_SUBSCRIBE, "/c");
    expect(&st, "subscribe(/a)+subscribe(/b)");
    assert_true(st.request_len <= 220);
    answer_about(&st, "/meta/subscribe", "/a", OK);
    answer_about(&st, "/meta/subscribe", "/b", OK);
    expect(&st, "done /a OK; done /b OK; SUBSCRIBED /a; SUBSCRIBED /b; subscribe(/c)");
    struct session_ask *large = ask(&st, META_PUBLISH, "/p");
    char data[300] = "\"";
    memset(data + 1, 'x', 250);
    data[251] = '"';
    large->data = (weir_bytes){data, 252};
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /c OK; SUBSCRIBED /c; done /p INVALID");
    assert_non_null(strstr(st.why, "larger than the 220 bytes of a request"));
    st.ext = data; /* no JSON, but nothing of it goes out */
    ask(&st, META_SUBSCRIBE, "/d");
    expect(&st, "done /d INVALID");
    story_end(&st);
}

static void a_batch_that_is_too_large_comes_in_halves(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    static const char *const channels[] = {"/a", "/b", "/c", "/d"};
    for (size_t i = 0; i < COUNT(channels); i++)
        ask(&st, META_SUBSCRIBE, channels[i]);
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "subscribe(/a)+subscribe(/b)+subscribe(/c)+subscribe(/d)+publish(/p)");
    ends(&st, "/meta/subscribe", WEIR_REFUSED, 413);
    expect(&st, "subscribe(/a)+subscribe(/b)");
    answer_about(&st, "/meta/subscribe", "/a", REFUSED("413::Maximum Request Size Exceeded"));
    answer_about(&st, "/meta/subscribe", "/b", REFUSED("413::Maximum Request Size Exceeded"));
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; SUBSCRIBED /a; subscribe(/b)");
    ends(&st, "/meta/subscribe", WEIR_REFUSED, 413); /* nothing is left to be halved */
    expect(&st, "done /b REFUSED; subscribe(/c)");
    story_end(&st);
}

/* ---- publishing --------------------------------------------------------------------------- */

static void an_event_on_a_service_channel_may_be_the_answer(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_PUBLISH, "/service/x");
    expect(&st, "publish(/service/x)");
    char json[256];
    snprintf(json, sizeof json, "{\"channel\":\"/service/x\",\"id\":\"%s\",\"data\":{\"a\":1}}",
             find_sent(&st, "/service/x", NULL)->id);
    assert_int_equal(hear(&st, json), 1);
    expect(&st, "done /service/x OK");
    assert_string_equal(st.reply, json);
    story_end(&st);
}

static void a_publication_is_repeated_only_if_it_has_not_left(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_PUBLISH, "/p");
    expect(&st, "publish(/p)");
    ends_unsent(&st, "/p");
    pass(&st, 1000);
    expect(&st, "publish(/p)");
    ends(&st, "/p", WEIR_TIMEOUT, 0);
    expect(&st, "done /p TIMEOUT");
    pass(&st, 5000);
    ask(&st, META_PUBLISH, "/q");
    expect(&st, "publish(/q)");
    answer(&st, "/q", UNKNOWN ADVISED); /* it surely was not published */
    expect(&st, "cancel connect; reset; handshake");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    expect(&st, "OPENED; connect0");
    answer(&st, "/meta/connect", OK);
    expect(&st, "publish(/q); connect");
    answer(&st, "/q", REFUSED("403::no"));
    expect(&st, "done /q FORBIDDEN");
    story_end(&st);
}

static void a_publication_that_is_out_when_the_session_is_lost_has_failed(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_PUBLISH, "/p");
    ask(&st, META_PUBLISH, "/q");
    expect(&st, "publish(/p)+publish(/q)");
    session_withdraw(st.session, story_now(&st), &st.asks[2]); /* nobody waits for /q */
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "cancel publish(/p); reset; done /p UNREACHABLE; handshake");
    story_end(&st);
}

/* ---- subscribing -------------------------------------------------------------------------- */

static void subscribing_twice_is_no_error(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    ask(&st, META_SUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    ask(&st, META_SUBSCRIBE, "/a");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; done /a OK; done /a OK; SUBSCRIBED /a");
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "done /a OK");
    story_end(&st);
}

static void unsubscribing(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    ask(&st, META_UNSUBSCRIBE, "/b");
    expect(&st, "done /b NOT_FOUND");
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "unsubscribe(/a)");
    assert_null(session_subscription(st.session, 0));
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "done /a NOT_FOUND");
    answer(&st, "/meta/unsubscribe", OK);
    expect(&st, "done /a OK");
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    ask(&st, META_UNSUBSCRIBE, "/a"); /* before the answer */
    expect(&st, "done /a STOPPED");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "unsubscribe(/a)");
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "done /a OK"); /* the unsubscription */
    answer(&st, "/meta/unsubscribe", OK);
    expect(&st, "subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; SUBSCRIBED /a");
    story_end(&st);
}

static void an_unsubscription_that_is_refused_leaves_it_in_force(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "unsubscribe(/a)");
    answer(&st, "/meta/unsubscribe", REFUSED("403::no"));
    expect(&st, "done /a FORBIDDEN");
    assert_string_equal(session_subscription(st.session, 0), "/a");
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "unsubscribe(/a)");
    ends(&st, "/meta/unsubscribe", WEIR_UNREACHABLE, 0);
    pass(&st, 1000);
    expect(&st, "unsubscribe(/a)"); /* again */
    answer(&st, "/meta/connect", UNKNOWN);
    expect(&st, "cancel unsubscribe(/a); reset; done /a OK; handshake"); /* gone with the session */
    story_end(&st);
}

static void a_channel_that_is_wanted_again_while_it_is_left(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_subscribed(&st, "/a");
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "unsubscribe(/a)");
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "done /a OK"); /* the unsubscription */
    answer(&st, "/meta/unsubscribe", REFUSED("403::no"));
    expect(&st, "done /a OK"); /* it never was away */
    ask(&st, META_UNSUBSCRIBE, "/a");
    ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "done /a OK; done /a OK"); /* nothing has gone out yet */
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "unsubscribe(/a)");
    ask(&st, META_SUBSCRIBE, "/a");
    ends(&st, "/meta/unsubscribe", WEIR_TIMEOUT, 0); /* it may have arrived */
    pass(&st, 1000);
    expect(&st, "done /a OK; subscribe(/a)");
    answer(&st, "/meta/subscribe", OK);
    expect(&st, "done /a OK; SUBSCRIBED /a");
    ask(&st, META_UNSUBSCRIBE, "/a");
    expect(&st, "unsubscribe(/a)");
    ask(&st, META_SUBSCRIBE, "/a");
    ends_unsent(&st, "/meta/unsubscribe");
    expect(&st, "done /a OK; done /a OK");
    story_end(&st);
}

static void what_may_have_been_subscribed_is_left(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    story_open(&st);
    struct session_ask *one = ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    ends(&st, "/meta/subscribe", WEIR_TIMEOUT, 0);
    pump(&st);
    session_withdraw(st.session, story_now(&st), one);
    pass(&st, 1000);
    expect(&st, "unsubscribe(/a)");
    answer(&st, "/meta/unsubscribe", OK);
    one = ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    session_withdraw(st.session, story_now(&st), one);
    ends(&st, "/meta/subscribe", WEIR_TIMEOUT, 0);
    pass(&st, 1000);
    expect(&st, "unsubscribe(/a)");
    answer(&st, "/meta/unsubscribe", OK);
    one = ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    session_withdraw(st.session, story_now(&st), one);
    ends_unsent(&st, "/meta/subscribe"); /* it surely has not arrived */
    pass(&st, 1000);
    expect(&st, "");
    story_end(&st);
}

static void a_subscription_nobody_waits_for_is_taken_back(void **state)
{
    (void)state;
    struct story st;
    story_begin(&st);
    struct session_ask *one = ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "login");
    session_withdraw(st.session, story_now(&st), one);
    assert_null(session_subscription(st.session, 0));
    token(&st);
    expect(&st, "handshake");
    answer(&st, "/meta/handshake", HANDSHAKEN);
    pump(&st);
    answer(&st, "/meta/connect", FIRST);
    expect(&st, "OPENED; connect0; connect");
    one = ask(&st, META_SUBSCRIBE, "/a");
    struct session_ask *two = ask(&st, META_SUBSCRIBE, "/a");
    expect(&st, "subscribe(/a)");
    session_withdraw(st.session, story_now(&st), one);
    session_withdraw(st.session, story_now(&st), one); /* once is enough */
    assert_string_equal(session_subscription(st.session, 0), "/a");
    session_withdraw(st.session, story_now(&st), two);
    answer(&st, "/meta/subscribe", OK); /* it had arrived */
    expect(&st, "unsubscribe(/a)");
    answer(&st, "/meta/unsubscribe", OK);
    expect(&st, "");
    one = ask(&st, META_SUBSCRIBE, "/a");
    pump(&st);
    answer(&st, "/meta/subscribe", OK);
    session_withdraw(st.session, story_now(&st), one); /* it is in force: too late */
    expect(&st, "subscribe(/a); SUBSCRIBED /a");
    assert_string_equal(session_subscription(st.session, 0), "/a");
    story_end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_share_a_request_beside_the_held_connect),
        cmocka_unit_test(without_batches_each_message_has_its_request),
        cmocka_unit_test(a_request_is_never_larger_than_the_server_takes),
        cmocka_unit_test(a_batch_that_is_too_large_comes_in_halves),
        cmocka_unit_test(an_event_on_a_service_channel_may_be_the_answer),
        cmocka_unit_test(a_publication_is_repeated_only_if_it_has_not_left),
        cmocka_unit_test(a_publication_that_is_out_when_the_session_is_lost_has_failed),
        cmocka_unit_test(subscribing_twice_is_no_error),
        cmocka_unit_test(unsubscribing),
        cmocka_unit_test(an_unsubscription_that_is_refused_leaves_it_in_force),
        cmocka_unit_test(a_channel_that_is_wanted_again_while_it_is_left),
        cmocka_unit_test(what_may_have_been_subscribed_is_left),
        cmocka_unit_test(a_subscription_nobody_waits_for_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
