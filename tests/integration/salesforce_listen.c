/* Subscribing and receiving, without a store. */
#include "integration/salesforce_lib.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
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

static void events_come_in_order_and_say_what_they_are(void **state)
{
    (void)state;
    char source[200];
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 3);
    weir_event *event = desk_next(sf, 1);
    (void)snprintf(source, sizeof source, "%s" ORDERS,
                   sandbox_value(d.sandbox, "SALESFORCE_LOGIN_URL"));
    assert_string_equal(weir_event_attr(event, "channel"), ORDERS);
    assert_string_equal(weir_event_attr(event, "type"), "com.salesforce.event");
    assert_string_equal(weir_event_attr(event, "source"), source);
    assert_string_equal(weir_event_attr(event, "id"),
                        weir_json_str(weir_event_json(event), "/event/EventUuid", ""));
    assert_int_equal(strtoll(weir_event_attr(event, "replayid"), NULL, 10),
                     weir_json_int(weir_event_json(event), "/event/replayId", 0));
    assert_int_equal(strlen(weir_event_attr(event, "time")), 24);
    weir_event_free(event);
    desk_expect_run(sf, 2, 2);
    weir_salesforce_close(sf);
}

static void each_kind_of_channel_has_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *channel, *type;
    } rows[] = {{"/topic/T", "com.salesforce.topic"},
                {"/data/ChangeEvents", "com.salesforce.change"},
                {"/event/X__e", "com.salesforce.event"}};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    for (size_t i = 0; i < COUNT(rows); i++) {
        desk_subscribe(sf, rows[i].channel, "new");
        desk_emit(&d, rows[i].channel, 1, 1);
        weir_event *event = desk_next(sf, 1);
        assert_string_equal(weir_event_attr(event, "type"), rows[i].type);
        if (i < 2) { /* those without an EventUuid */
            char id[200];
            (void)snprintf(id, sizeof id, "%s/%s", rows[i].channel,
                           weir_event_attr(event, "replayid"));
            assert_string_equal(weir_event_attr(event, "id"), id);
        }
        weir_event_free(event);
    }
    weir_salesforce_close(sf);
}

static void a_subscription_starts_where_it_is_told(void **state)
{
    (void)state;
    char id[32];
    desk_emit(&d, ORDERS, 1, 2);
    (void)snprintf(id, sizeof id, "%lld", (long long)desk_emit(&d, ORDERS, 3, 1));
    desk_emit(&d, ORDERS, 4, 1);
    static const struct {
        const char *from;
        int64_t first;
    } rows[] = {{"new", 5}, {"-1", 5}, {"all", 1}, {"-2", 1}, {NULL, 5}, {"stored", 5}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
        desk_subscribe(sf, ORDERS, rows[i].from);
        if (i == 0)
            desk_emit(&d, ORDERS, 5, 1);
        if (i == 0 || rows[i].first == 1)
            desk_expect(sf, rows[i].first);
        weir_salesforce_close(sf);
    }
    weir_salesforce *sf = desk_open(DESK(&d, .channel = ORDERS, .from = id));
    desk_expect_run(sf, 4, 2);
    weir_salesforce_close(sf);
}

static void what_cannot_be_subscribed_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *channel, *from;
        weir_status status;
    } rows[] = {
        {"Order__e", NULL, WEIR_INVALID},       {"/event/", NULL, WEIR_INVALID},
        {"/event/Order e", NULL, WEIR_INVALID}, {"", NULL, WEIR_INVALID},
        {"/meta/connect", NULL, WEIR_INVALID},  {ORDERS, "yesterday", WEIR_INVALID},
        {ORDERS, "-7", WEIR_INVALID},
    };
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        weir_status status =
            weir_salesforce_subscribe(sf, rows[i].channel, rows[i].from, LONG_MS, &err);
        assert_int_equal(status, rows[i].status);
    }
    assert_int_equal(desk_counters(sf).handshakes, 0); /* all that was known before connecting */
    weir_salesforce_close(sf);
}

static void the_server_may_refuse_one_subscription_alone(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    desk_fault(&d, "salesforce.subscribe 1 bayeux:\"403:/event/Secret__e:Restricted channel\"");
    assert_int_equal(weir_salesforce_subscribe(sf, "/event/Secret__e", NULL, LONG_MS, &err),
                     WEIR_FORBIDDEN);
    assert_non_null(strstr(err.message, "Restricted channel"));
    assert_non_null(strstr(err.message, "/event/Secret__e"));
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    weir_salesforce_close(sf);
}

static void what_goes_wrong_with_the_options_channel_comes_from_next(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    desk_fault(&d, "salesforce.subscribe 1 bayeux:\"404::Unknown channel\"");
    weir_salesforce *sf = desk_open(DESK(&d, .channel = ORDERS));
    assert_int_equal(weir_salesforce_next(sf, &event, LONG_MS, &err), WEIR_NOT_FOUND);
    assert_non_null(strstr(err.message, ORDERS));
    assert_null(event);
    weir_salesforce_close(sf);
}

static void subscriptions_are_listed_and_given_up(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    desk_subscribe(sf, "/topic/T?Region='EMEA'", NULL);
    char **list = weir_salesforce_subscriptions(sf, &err);
    assert_string_equal(list[0], ORDERS);
    assert_string_equal(list[1], "/topic/T?Region='EMEA'");
    assert_null(list[2]);
    weir_free(list);
    assert_int_equal(weir_salesforce_unsubscribe(sf, ORDERS, LONG_MS, &err), WEIR_OK);
    assert_int_equal(weir_salesforce_unsubscribe(sf, ORDERS, LONG_MS, &err), WEIR_NOT_FOUND);
    list = weir_salesforce_subscriptions(sf, &err);
    assert_string_equal(list[0], "/topic/T?Region='EMEA'");
    assert_null(list[1]);
    weir_free(list);
    desk_emit(&d, ORDERS, 1, 1);
    desk_subscribe(sf, ORDERS, "new");
    desk_emit(&d, ORDERS, 2, 1);
    desk_expect(sf, 2);
    weir_salesforce_close(sf);
}

/* The server forgets what it has answered with: it is asked for anew, in another session. */
static void an_answer_that_is_lost_on_the_way_costs_no_event(void **state)
{
    (void)state;
    static const char *const ways[] = {"salesforce.connect 1 cut:body", "salesforce.connect 1 cut"};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    for (size_t i = 0; i < COUNT(ways); i++) {
        uint64_t before = desk_counters(sf).handshakes;
        desk_fault(&d, ways[i]); /* of the connect after the one that is held */
        desk_emit(&d, ORDERS, (int64_t)i * 10 + 2, 10);
        desk_expect_run(sf, (int64_t)i * 10 + 2, 10);
        assert_true(desk_counters(sf).handshakes > before);
    }
    weir_salesforce_close(sf);
}

static void a_filtered_topic_is_asked_for_by_its_base(void **state)
{
    (void)state;
    weir_error err = {0};
    const char *channel = "/topic/T?Region__c='EMEA'";
    const struct sandbox_emission here = {
        .channel = "/topic/T", .data = "{\"Region__c\":\"EMEA\"}", .first = 1, .count = 1};
    const struct sandbox_emission there = {
        .channel = "/topic/T", .data = "{\"Region__c\":\"APAC\"}", .first = 2, .count = 1};
    const struct sandbox_emission again = {
        .channel = "/topic/T", .data = "{\"Region__c\":\"EMEA\"}", .first = 3, .count = 1};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, channel, "all");
    assert_int_equal(sandbox_emit(d.sandbox, &here, NULL, &err), WEIR_OK);
    assert_int_equal(sandbox_emit(d.sandbox, &there, NULL, &err), WEIR_OK);
    desk_expect(sf, 1);
    desk_now(&d, "salesforce kill");
    assert_int_equal(sandbox_emit(d.sandbox, &again, NULL, &err), WEIR_OK);
    desk_expect(sf, 3);
    weir_salesforce_close(sf);
}

static void a_handler_gets_each_event_once(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = ORDERS, .handler = desk_handler));
    desk_wait_news(&d, WEIR_SESSION_SUBSCRIBED, 1);
    desk_emit(&d, ORDERS, 1, 20);
    desk_wait_handled(&d, 20);
    assert_int_equal(d.last, 20);
    weir_event *event = NULL;
    assert_int_equal(weir_salesforce_next(sf, &event, 0, &err), WEIR_INVALID);
    weir_salesforce_stop(sf);
    assert_int_equal(weir_salesforce_wait(sf, LONG_MS, &err), WEIR_OK);
    weir_salesforce_close(sf);
    assert_int_equal(d.handled, 20);
}

static void a_descriptor_says_when_there_is_something(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    struct pollfd fd = {.fd = weir_salesforce_fd(sf), .events = POLLIN};
    desk_subscribe(sf, ORDERS, NULL);
    assert_int_equal(weir_salesforce_next(sf, &event, WEIR_NO_WAIT, &err), WEIR_NOTHING);
    desk_emit(&d, ORDERS, 1, 2);
    for (int64_t number = 1; number <= 2; number++) {
        assert_int_equal(poll(&fd, 1, (int)LONG_MS), 1);
        assert_int_equal(weir_salesforce_next(sf, &event, WEIR_NO_WAIT, &err), WEIR_OK);
        assert_int_equal(desk_number(event), number);
        weir_event_free(event);
    }
    assert_int_equal(weir_salesforce_next(sf, &event, WEIR_NO_WAIT, &err), WEIR_NOTHING);
    weir_salesforce_close(sf);
}

static void an_answer_can_be_taken_at_once(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *events[10] = {NULL};
    size_t count = 0, all = 0;
    desk_emit(&d, ORDERS, 1, 7);
    weir_salesforce *sf = desk_open(DESK(&d, .channel = ORDERS, .from = "all"));
    while (all < 7) {
        assert_int_equal(weir_salesforce_take(sf, events, 5, &count, LONG_MS, &err), WEIR_OK);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(desk_number(events[i]), (int64_t)(++all));
            weir_event_free(events[i]);
        }
    }
    weir_salesforce_close(sf);
}

static void what_was_published_over_rest_comes_back(void **state)
{
    (void)state;
    weir_error err = {0};
    char *answer = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    assert_int_equal(
        weir_salesforce_publish(sf, "Order__e", "{\"Number__c\":7}", &answer, LONG_MS, &err),
        WEIR_OK);
    assert_non_null(strstr(answer, "\"success\""));
    weir_free(answer);
    assert_int_equal(desk_counters(sf).handshakes, 0);
    desk_subscribe(sf, ORDERS, "all");
    desk_expect(sf, 7);
    assert_int_equal(weir_salesforce_publish(sf, "Order__e", "{\"a\":", NULL, LONG_MS, &err),
                     WEIR_INVALID);
    assert_int_equal(weir_salesforce_publish(sf, "Order__e", "[1]", NULL, LONG_MS, &err),
                     WEIR_INVALID);
    assert_int_equal(weir_salesforce_publish(sf, "/topic/T", "{}", NULL, LONG_MS, &err),
                     WEIR_INVALID);
    weir_salesforce_close(sf);
}

static void a_publication_outlives_an_expired_session(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    assert_int_equal(weir_salesforce_publish(sf, "Order__e", "{}", NULL, LONG_MS, &err), WEIR_OK);
    desk_now(&d, "salesforce expire");
    assert_int_equal(weir_salesforce_publish(sf, "Order__e", "{}", NULL, LONG_MS, &err), WEIR_OK);
    weir_salesforce_close(sf);
}

static void the_session_can_be_looked_at(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    char *session = weir_salesforce_session(sf, LONG_MS, &err);
    assert_non_null(session);
    assert_non_null(strstr(session, "\"replay\":true"));
    weir_free(session);
    weir_salesforce_close(sf);
}

static void options_that_cannot_be_are_named(void **state)
{
    (void)state;
    static const struct {
        weir_salesforce_options o;
        weir_status status;
        const char *words;
    } rows[] = {
        {{.api_version = "v45"}, WEIR_INVALID, "API version"},
        {{.channel = "Order__e"}, WEIR_INVALID, "Order__e"},
        {{.channel = ORDERS, .from = "soon"}, WEIR_INVALID, "soon"},
        {{.from = "all"}, WEIR_INVALID, "from"},
        {{.on_gap = (weir_on_gap)7}, WEIR_INVALID, "on_gap"},
        {{.stall = -5}, WEIR_INVALID, "stall"},
        {{.replay_file = "/nowhere/at/all.db"}, WEIR_STORE, "/nowhere/at/all.db"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        weir_salesforce_options o = rows[i].o;
        o.struct_size = sizeof o;
        o.credentials = d.credentials;
        assert_null(weir_salesforce_open(&o, &err));
        if (err.status != rows[i].status || !strstr(err.message, rows[i].words))
            print_error("row %zu: %s: %s\n", i, weir_status_name(err.status), err.message);
        assert_int_equal(err.status, rows[i].status);
        assert_non_null(strstr(err.message, rows[i].words));
    }
}

static void *take_for_long(void *user)
{
    weir_error err = {0};
    weir_event *event = NULL;
    weir_status status = WEIR_CONFLICT; /* it may have been the second itself */
    while (status == WEIR_CONFLICT)
        status = weir_salesforce_next(user, &event, LONG_MS, &err);
    weir_event_free(event);
    return (void *)(intptr_t)status;
}

static void two_threads_in_next_are_a_conflict(void **state)
{
    (void)state;
    weir_error err = {0};
    pthread_t other;
    void *result = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    assert_int_equal(pthread_create(&other, NULL, take_for_long, sf), 0);
    weir_status status = WEIR_NOTHING;
    for (weir_event *event = NULL; status == WEIR_NOTHING;)
        status = weir_salesforce_next(sf, &event, 1, &err);
    assert_int_equal(status, WEIR_CONFLICT);
    desk_emit(&d, ORDERS, 1, 1);
    pthread_join(other, &result);
    assert_int_equal((intptr_t)result, WEIR_OK);
    weir_salesforce_close(sf);
}

int main(void)
{
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(events_come_in_order_and_say_what_they_are),
        desk_test(each_kind_of_channel_has_its_type),
        desk_test(a_subscription_starts_where_it_is_told),
        desk_test(what_cannot_be_subscribed_is_said),
        desk_test(the_server_may_refuse_one_subscription_alone),
        desk_test(what_goes_wrong_with_the_options_channel_comes_from_next),
        desk_test(subscriptions_are_listed_and_given_up),
        desk_test(an_answer_that_is_lost_on_the_way_costs_no_event),
        desk_test(a_filtered_topic_is_asked_for_by_its_base),
        desk_test(a_handler_gets_each_event_once),
        desk_test(a_descriptor_says_when_there_is_something),
        desk_test(an_answer_can_be_taken_at_once),
        desk_test(what_was_published_over_rest_comes_back),
        desk_test(a_publication_outlives_an_expired_session),
        desk_test(the_session_can_be_looked_at),
        desk_test(options_that_cannot_be_are_named),
        desk_test(two_threads_in_next_are_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
