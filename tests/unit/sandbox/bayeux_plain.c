/* Sessions as CometD has them. */
#include "talks.h"

#include <stdio.h>
#include <string.h>

/* ---- plain CometD ------------------------------------------------------------------------ */

static void wildcards_stand_for_what_is_below_them(void **state)
{
    static const struct {
        const char *pattern, *channel;
        bool gets;
    } rows[] = {
        {"/a/b", "/a/b", true},    {"/a/*", "/a/b", true},     {"/a/*", "/a/b/c", false},
        {"/a/**", "/a/b/c", true}, {"/a/**", "/a", false},     {"/**", "/a/b/c", true},
        {"/*", "/a", true},        {"/a/b/**", "/a/b", false}, {"/b/**", "/a/b", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[300];
        struct talk talk;
        connected();
        snprintf(text, sizeof text, "[" SUBSCRIBE("%s", "") "]", rows[i].pattern);
        ask(text, "\"successful\":true");
        publish(rows[i].channel, "{\"data\":\"here\",\"channel\":\"x\"}");
        talk_begin(&talk);
        talk_say(&talk, "[" CONNECT "]");
        if (rows[i].gets != (talk.answer && strstr(talk.answer, "here")))
            fail_msg("%s and %s", rows[i].pattern, rows[i].channel);
        talk_end(&talk);
        bayeux_server_strike(server, BAYEUX_KILL);
    }
}

static void who_has_subscribed_twice_gets_an_event_once(void **state)
{
    (void)state;
    connected();
    ask("[" SUBSCRIBE("/a/b", "") "," SUBSCRIBE("/a/**", "") "]", "\"successful\":true");
    publish("/a/b", "{\"data\":1}");
    ask("[" CONNECT "]", "[{\"data\":1},{\"clientId\"");
}

static void clients_publish_to_each_other_and_services_answer(void **state)
{
    (void)state;
    connected();
    ask("[{'channel':'/meta/subscribe','clientId':'CLIENT','subscription':['/x/y','/x/z']}]",
        "\"subscription\":[\"/x/y\",\"/x/z\"]");
    ask("[{'channel':'/x/y','clientId':'CLIENT','data':{'t':'hi'},'id':'9'}]",
        "[{\"channel\":\"/x/y\",\"data\":{\"t\":\"hi\"}},{\"channel\":\"/x/y\",\"id\":\"9\"");
    ask("[{'channel':'/service/echo','clientId':'CLIENT','data':5}]",
        "[{\"channel\":\"/service/echo\",\"data\":5},");
    ask("[{'channel':'/x/*','clientId':'CLIENT','data':5}]", "400::channel_invalid");
    ask("[{'channel':'/x/y','clientId':'CLIENT'}]", "400::data_missing");
    ask("[{'channel':'/x/y','clientId':'nobody','data':1}]", "402::session_unknown");
    ask("[" SUBSCRIBE("/x//y", "") "]", "400::subscription_invalid");
    ask("[" SUBSCRIBE("/meta/**", "") "]", "403::subscribe_denied");
}

static void what_is_not_acknowledged_comes_again(void **state)
{
    (void)state;
    shake_hands(",'ext':{'ack':true}");
    ask("[" CONNECT "]", "\"ext\":{\"ack\":0}");
    ask("[" SUBSCRIBE("/a", "") "]", "\"successful\":true");
    publish("/a", "{\"data\":1}");
    ask("[" SUBSCRIBE("/b", "") "]", "[{\"channel\":\"/meta/subscribe\"");
    ask("[{'channel':'/meta/connect','clientId':'CLIENT','connectionType':'long-polling',"
        "'ext':{'ack':0}}]",
        "[{\"data\":1},{\"clientId\"");
    publish("/a", "{\"data\":2}");
    ask("[{'channel':'/meta/connect','clientId':'CLIENT','connectionType':'long-polling',"
        "'ext':{'ack':0}}]",
        "[{\"data\":1},{\"data\":2},");
    publish("/a", "{\"data\":3}");
    ask("[{'channel':'/meta/connect','clientId':'CLIENT','connectionType':'long-polling',"
        "'ext':{'ack':2}}]",
        "[{\"data\":3},");
}

static void a_session_without_room_for_an_event_is_ended(void **state)
{
    (void)state;
    talks_end(NULL);
    talks_begin(false, (struct bayeux_server_options){.queued_max = 2});
    connected();
    ask("[" SUBSCRIBE("/a", "") "]", "\"successful\":true");
    publish("/a", "{\"data\":1}");
    publish("/a", "{\"data\":2}");
    assert_int_equal(bayeux_server_sessions(server), 1);
    ask("[{'channel':'/a','clientId':'CLIENT','data':3}]",
        "[{\"channel\":\"/a\",\"clientId\":\""); /* its own; the answer has no event */
    assert_int_equal(bayeux_server_sessions(server), 0);
    ask("[" CONNECT "]", "402::session_unknown");
}

static void a_client_may_want_its_answer_at_once(void **state)
{
    (void)state;
    connected();
    ask("[{'channel':'/meta/connect','clientId':'CLIENT','connectionType':'long-polling',"
        "'advice':{'timeout':0}}]",
        "\"successful\":true");
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, plain, talks_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(wildcards_stand_for_what_is_below_them),
        PLAIN(who_has_subscribed_twice_gets_an_event_once),
        PLAIN(clients_publish_to_each_other_and_services_answer),
        PLAIN(what_is_not_acknowledged_comes_again),
        PLAIN(a_session_without_room_for_an_event_is_ended),
        PLAIN(a_client_may_want_its_answer_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
