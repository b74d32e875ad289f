/* Sessions and their queues as Salesforce has them, with time that passes when a test says so. */
#include "talks.h"

#include "core/mem.h"

#include <stdio.h>

/* ---- holding ----------------------------------------------------------------------------- */

static void a_connect_is_held_until_its_time_is_up(void **state)
{
    struct talk talk;
    (void)state;
    connected();
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    pass(109999);
    assert_null(talk.answer);
    pass(1);
    has(talk.answer, "\"successful\":true");
    has_not(talk.answer, "advice");
    assert_int_equal(talk.outcomes, 1);
    talk_end(&talk);
}

static void a_session_without_a_connect_is_gone_after_40_seconds(void **state)
{
    (void)state;
    connected();
    pass(39999);
    ask("[" CONNECT "," SUBSCRIBE(ALPHA, "") "]", "\"successful\":true");
    pass(40000);
    assert_int_equal(bayeux_server_sessions(server), 0);
    ask("[" CONNECT "]", "403::Unknown client");
    ask("[" CONNECT "]", "\"reconnect\":\"handshake\"");
}

static void a_held_connect_is_answered_with_the_event(void **state)
{
    struct talk talk;
    (void)state;
    connected();
    ask("[" SUBSCRIBE(ALPHA, "") "]", "\"successful\":true");
    talk_begin(&talk);
    talk_say(&talk, CONNECT); /* a single object */
    emit(ALPHA, 7);
    has(talk.answer, "\"Number__c\":7");
    has(talk.answer, "},{\"clientId\":");
    talk_end(&talk);
    assert_int_equal(bayeux_server_next(server),
                     clock_mono(&now.clock) + INT64_C(40000) * NS_PER_MS);
}

static void a_held_connect_gets_what_a_subscribe_replays(void **state)
{
    struct talk held, other;
    (void)state;
    emit(ALPHA, 1);
    connected();
    talk_begin(&held);
    talk_say(&held, "[" CONNECT "]");
    talk_begin(&other);
    talk_say(&other, "[" SUBSCRIBE(ALPHA, REPLAY(ALPHA, "-2")) "]");
    has(other.answer, "\"successful\":true");
    has_not(other.answer, "Number__c");
    has(held.answer, "\"Number__c\":1");
    talk_end(&held);
    talk_end(&other);
}

static void events_ride_in_any_answer_but_the_handshakes(void **state)
{
    (void)state;
    emit(ALPHA, 1);
    connected();
    ask("[" CONNECT "," SUBSCRIBE(ALPHA, REPLAY(ALPHA, "-2")) "]", "\"Number__c\":1");
    emit(ALPHA, 2);
    ask("[{'channel':'/meta/unsubscribe','clientId':'CLIENT','subscription':'/u/x'}]",
        "\"Number__c\":2");
    emit(ALPHA, 3);
    shake_hands(""); /* another session */
}

static void of_two_connects_the_first_is_answered(void **state)
{
    struct talk first, second;
    (void)state;
    connected();
    talk_begin(&first);
    talk_begin(&second);
    talk_say(&first, "[" CONNECT "]");
    talk_say(&second, "[" CONNECT "]");
    has(first.answer, "\"successful\":true");
    assert_null(second.answer);
    pass(110000);
    has(second.answer, "\"successful\":true");
    talk_end(&first);
    talk_end(&second);
}

static void who_has_left_gets_nothing_and_the_event_waits(void **state)
{
    struct talk talk;
    (void)state;
    connected();
    ask("[" SUBSCRIBE(ALPHA, "") "]", "\"successful\":true");
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    talk_end(&talk);
    emit(ALPHA, 5);
    ask("[" CONNECT "]", "\"Number__c\":5");
}

static void an_answer_has_as_many_events_as_it_may(void **state)
{
    (void)state;
    talks_end(NULL);
    talks_begin(true, (struct bayeux_server_options){.batch_events = 2});
    connected();
    ask("[" SUBSCRIBE(ALPHA, "") "]", "\"successful\":true");
    for (int i = 1; i <= 3; i++)
        emit(ALPHA, i);
    struct talk talk;
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    has(talk.answer, "\"Number__c\":2");
    has_not(talk.answer, "\"Number__c\":3");
    talk_end(&talk);
    ask("[" CONNECT "]", "\"Number__c\":3");
}

/* ---- who is asking ----------------------------------------------------------------------- */

static void a_lost_cookie_is_said(void **state)
{
    (void)state;
    connected();
    browser[0] = '\0';
    ask("[" CONNECT "]", "has established a session, but no BAYEUX_BROWSER cookie present");
    snprintf(browser, sizeof browser, "somebodyelse");
    ask("[" CONNECT "]", "403::Unknown client");
}

static void who_may_not_is_told_why_in_the_place_for_it(void **state)
{
    struct talk talk;
    (void)state;
    talk_begin(&talk);
    talk.exchange.denied = "401::Authentication invalid";
    talk_say(&talk, "[{'channel':'/meta/handshake','version':'1.0',"
                    "'supportedConnectionTypes':['long-polling']}]");
    has(talk.answer, "\"error\":\"403::Handshake denied\"");
    has(talk.answer, "\"sfdc\":{\"failureReason\":\"401::Authentication invalid\"}");
    has(talk.answer, "\"reconnect\":\"none\"");
    talk_end(&talk);
    connected();
    talk_begin(&talk);
    talk.exchange.denied = "401::Authentication invalid";
    talk_say(&talk, "[" CONNECT "]");
    has(talk.answer, "\"error\":\"401::Authentication invalid\"");
    has(talk.answer, "\"reconnect\":\"none\"");
    talk_end(&talk);
    talk_begin(&talk);
    talk.exchange.elsewhere = true;
    talk_say(&talk, "[" CONNECT "]");
    has(talk.answer, "403::Unknown client");
    talk_end(&talk);
}

static void only_long_polling_is_spoken(void **state)
{
    (void)state;
    ask("[{'channel':'/meta/handshake','version':'1.0',"
        "'supportedConnectionTypes':['websocket']}]",
        "400::Invalid connection type");
    connected();
    ask("[{'channel':'/meta/connect','clientId':'CLIENT','connectionType':'websocket'}]",
        "400::Invalid connection type {websocket}");
}

static void sessions_are_limited(void **state)
{
    (void)state;
    talks_end(NULL);
    talks_begin(true, (struct bayeux_server_options){.sessions_max = 1});
    shake_hands("");
    ask("[{'channel':'/meta/handshake','version':'1.0',"
        "'supportedConnectionTypes':['long-polling']}]",
        "403::Organization concurrent user limit exceeded");
}

/* ---- channels ---------------------------------------------------------------------------- */

static void channels_that_are_none_are_refused(void **state)
{
    (void)state;
    connected();
    ask("[" SUBSCRIBE("event/A__e", "") "]", "400::Channel name must start with '/'");
    ask("[" SUBSCRIBE("/nothing/A", "") "]", "404::Unknown channel");
    ask("[" SUBSCRIBE("/event/*", "") "]", "404::Unknown channel");
    ask("[{'channel':'/meta/subscribe','clientId':'CLIENT'}]", "400::Channel name not specified");
    ask("[" SUBSCRIBE(ALPHA, "") "]", "\"successful\":true");
    ask("[" SUBSCRIBE("/event/alpha__e", "") "]", "vary only by case");
    ask("[{'channel':'/event/Alpha__e','clientId':'CLIENT','data':{}}]", "403::Publishing");
    ask("[{'channel':'/meta/nonsense','clientId':'CLIENT'}]", "404::Unknown channel");
}

static void a_filtered_topic_takes_what_it_asks_for(void **state)
{
    (void)state;
    connected();
    ask("[" SUBSCRIBE("/topic/T?Number__c", "") "]", "400::");
    ask("[" SUBSCRIBE("/topic/T?Number__c=2", REPLAY("/topic/T?Number__c=2", "-2")) "]",
        "The replayId for channel {/topic/T} wasn't found using the provided replay ID map "
        "{/topic/T?Number__c=2=-2}");
    emit("/topic/T", 2);
    emit("/topic/T", 1);
    ask("[" SUBSCRIBE("/topic/T?Number__c=2", REPLAY("/topic/T", "-2")) "]", "\"Number__c\":2");
    emit("/topic/T", 1);
    emit("/topic/T", 2);
    struct talk talk;
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    has(talk.answer, "\"Number__c\":2");
    has_not(talk.answer, "\"Number__c\":1");
    has(talk.answer, "\"channel\":\"/topic/T\"");
    talk_end(&talk);
}

static void a_subscription_ends_when_it_is_taken_back(void **state)
{
    (void)state;
    connected();
    ask("[" SUBSCRIBE(ALPHA, "") "]", "\"successful\":true");
    ask("[{'channel':'/meta/unsubscribe','clientId':'CLIENT','subscription':'" ALPHA "'}]",
        "\"successful\":true");
    emit(ALPHA, 1);
    struct talk talk;
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    assert_null(talk.answer);
    talk_end(&talk);
    ask("[{'channel':'/meta/disconnect','clientId':'CLIENT'}]", "\"successful\":true");
    assert_int_equal(bayeux_server_sessions(server), 0);
}

/* ---- faults ------------------------------------------------------------------------------ */

static struct fault fault_of(const char *line, const char *what)
{
    weir_error err = {0};
    struct fault fault;
    struct faults *faults = faults_new();
    if (faults_add(faults, line, &err) != WEIR_OK)
        fail_msg("%s", err.message);
    assert_true(faults_take(faults, what, &fault));
    faults_free(faults);
    return fault;
}

static char *connect_with(const char *how)
{
    char line[200];
    struct talk talk;
    snprintf(line, sizeof line, "salesforce.connect 1 \"%s\"", how);
    struct fault fault = fault_of(line, "salesforce.connect");
    talk_begin(&talk);
    talk.exchange.faults = &fault;
    talk_say(&talk, "[" CONNECT "]");
    char *answer = mem_strdup(talk.answer);
    talk_end(&talk);
    return answer;
}

static void a_fault_is_what_a_message_gets(void **state)
{
    static const struct {
        const char *how, *has, *has_not;
        size_t sessions;
    } rows[] = {
        {"bayeux:403::Unknown client", "\"reconnect\":\"handshake\"", "none", 0},
        {"bayeux-none:403::Unknown client", "\"reconnect\":\"none\"", "handshake", 0},
        {"bayeux:401::Authentication invalid", "\"reconnect\":\"none\"", "handshake", 1},
        {"bayeux-retry:503::Busy", "\"reconnect\":\"retry\"", "none", 1},
        {"bayeux-bare:503::Busy", "\"error\":\"503::Busy\"", "advice", 1},
        {"bayeux-reason:503::Server is too busy", "\"failureReason\":\"503::Server is too busy\"",
         "handshake\"", 1},
        {"disconnect", "[{\"channel\":\"/meta/disconnect\"}]", "successful", 0},
        {"disconnect:401::Authentication invalid",
         "[{\"channel\":\"/meta/disconnect\"},{\"channel\":\"/meta/connect\"", "handshake", 0},
        {"kill", "403::Unknown client", "none", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        connected();
        char *answer = connect_with(rows[i].how);
        has(answer, rows[i].has);
        has_not(answer, rows[i].has_not);
        assert_int_equal(bayeux_server_sessions(server), rows[i].sessions);
        bayeux_server_strike(server, BAYEUX_KILL);
        mem_free(answer);
    }
}

static void a_blow_is_heard_by_connects_that_are_held(void **state)
{
    struct talk talk;
    (void)state;
    connected();
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    bayeux_server_strike(server, BAYEUX_KILL);
    has(talk.answer, "\"error\":\"403::Unknown client\"");
    talk_end(&talk);
    connected();
    talk_begin(&talk);
    talk_say(&talk, "[" CONNECT "]");
    bayeux_server_strike(server, BAYEUX_DISCONNECT);
    assert_string_equal(talk.answer, "[{\"channel\":\"/meta/disconnect\"}]");
    talk_end(&talk);
}

#define SALESFORCE(test) cmocka_unit_test_setup_teardown(test, salesforce, talks_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALESFORCE(a_connect_is_held_until_its_time_is_up),
        SALESFORCE(a_session_without_a_connect_is_gone_after_40_seconds),
        SALESFORCE(a_held_connect_is_answered_with_the_event),
        SALESFORCE(a_held_connect_gets_what_a_subscribe_replays),
        SALESFORCE(events_ride_in_any_answer_but_the_handshakes),
        SALESFORCE(of_two_connects_the_first_is_answered),
        SALESFORCE(who_has_left_gets_nothing_and_the_event_waits),
        SALESFORCE(an_answer_has_as_many_events_as_it_may),
        SALESFORCE(a_lost_cookie_is_said),
        SALESFORCE(who_may_not_is_told_why_in_the_place_for_it),
        SALESFORCE(only_long_polling_is_spoken),
        SALESFORCE(sessions_are_limited),
        SALESFORCE(channels_that_are_none_are_refused),
        SALESFORCE(a_filtered_topic_takes_what_it_asks_for),
        SALESFORCE(a_subscription_ends_when_it_is_taken_back),
        SALESFORCE(a_fault_is_what_a_message_gets),
        SALESFORCE(a_blow_is_heard_by_connects_that_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
