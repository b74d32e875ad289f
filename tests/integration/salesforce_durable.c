/* Where a subscription left off, kept in a store: nothing is lost between subscribing and
 * acknowledging, whatever ends in between, and only what was not acknowledged comes again. */
#include "integration/salesforce_lib.h"

#include <stdio.h>
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

static weir_salesforce *open_durable(void)
{
    return desk_open(DESK(&d, .replay_file = d.store));
}

static weir_salesforce *open_manual(void)
{
    return desk_open(DESK(&d, .replay_file = d.store, .manual_ack = true));
}

/* As if the process had ended: nothing is said to the store or the server beyond what was. */
static void restart(weir_salesforce **sf, bool manual)
{
    weir_salesforce_close(*sf);
    *sf = manual ? open_manual() : open_durable();
    desk_subscribe(*sf, ORDERS, NULL);
}

static void a_restart_goes_on_after_the_last_acknowledged(void **state)
{
    (void)state;
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 4);
    desk_expect_run(sf, 1, 3); /* asking for the third has acknowledged the second */
    restart(&sf, false);
    desk_expect_run(sf, 3, 2);
    weir_salesforce_close(sf);
}

static void closing_acknowledges_nothing(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    restart(&sf, false);
    desk_expect(sf, 1);
    weir_salesforce_stop(sf);
    while (weir_salesforce_next(sf, &event, LONG_MS, &err) == WEIR_OK)
        weir_event_free(event);
    assert_int_equal(err.status, WEIR_STOPPED); /* but asking for the next did */
    weir_salesforce_close(sf);
    sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 2, 1);
    desk_expect(sf, 2);
    weir_salesforce_close(sf);
}

static void what_comes_while_nobody_listens_is_delivered_later(void **state)
{
    (void)state;
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    weir_salesforce_close(sf);
    desk_emit(&d, ORDERS, 2, 3);
    sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect_run(sf, 1, 4);
    weir_salesforce_close(sf);
}

static void a_quiet_channel_has_no_hole_across_a_restart(void **state)
{
    (void)state;
    desk_emit(&d, ORDERS, 1, 5); /* older than the beginning: within its second they may come */
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, "/event/Other__e", NULL);
    weir_salesforce_close(sf);
    desk_emit(&d, "/event/Other__e", 6, 2);
    sf = open_durable();
    desk_subscribe(sf, "/event/Other__e", NULL);
    desk_expect_run(sf, 6, 2);
    weir_salesforce_close(sf);
}

static void a_quiet_channel_has_no_hole_across_a_lost_session(void **state)
{
    (void)state;
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    assert_int_equal(sandbox_service_stop(d.sandbox, "salesforce", NULL), WEIR_OK);
    desk_emit(&d, ORDERS, 1, 3);
    assert_int_equal(sandbox_service_start(d.sandbox, "salesforce", NULL), WEIR_OK);
    desk_expect_run(sf, 1, 3);
    weir_salesforce_close(sf);
}

static void until_the_first_acknowledgement_a_restart_begins_at_the_beginning(void **state)
{
    (void)state;
    weir_salesforce *sf = open_manual();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 3);
    desk_expect_run(sf, 1, 3);
    restart(&sf, true);
    desk_expect_run(sf, 1, 2);
    restart(&sf, true);
    desk_expect_run(sf, 1, 3);
    weir_salesforce_close(sf);
}

static void within_a_process_nothing_comes_twice(void **state)
{
    (void)state;
    weir_salesforce *sf = open_manual();
    desk_subscribe(sf, ORDERS, NULL);
    for (int64_t at = 1; at <= 9; at += 3) {
        desk_emit(&d, ORDERS, at, 2);
        desk_wait_arrived(sf, (uint64_t)at + 1);
        desk_now(&d, "salesforce kill");
        desk_emit(&d, ORDERS, at + 2, 1);
        desk_expect_run(sf, at, 3);
    }
    weir_salesforce_close(sf);
}

static void acknowledging_by_hand_is_in_the_store_on_return(void **state)
{
    (void)state;
    char record[WEIR_REPLAY_RECORD_SIZE], position[64];
    weir_error err = {0};
    weir_salesforce *sf = open_manual();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 3);
    desk_expect(sf, 1);
    weir_event *two = desk_next(sf, 2);
    desk_expect(sf, 3);
    assert_int_equal(weir_salesforce_ack(sf, two, &err), WEIR_OK);
    assert_int_equal(weir_salesforce_ack(sf, two, &err), WEIR_OK); /* again is no failure */
    (void)snprintf(position, sizeof position, "{\"position\":\"%s\"",
                   weir_event_attr(two, "replayid"));
    restart(&sf, true);
    desk_expect(sf, 3);
    weir_salesforce_close(sf);
    desk_stored(&d, ORDERS, record);
    assert_int_equal(strncmp(record, position, strlen(position)), 0);
    weir_event_free(two); /* events outlive their handle */
}

static void acknowledging_one_acknowledges_all_before_it_and_never_goes_back(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *events[4];
    weir_salesforce *sf = open_manual();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 4);
    for (int i = 0; i < 4; i++)
        events[i] = desk_next(sf, i + 1);
    assert_int_equal(weir_salesforce_ack(sf, events[2], &err), WEIR_OK);
    assert_int_equal(weir_salesforce_ack(sf, events[0], &err), WEIR_OK);
    assert_int_equal(weir_salesforce_ack_all(sf, events, 2, &err), WEIR_OK);
    for (int i = 0; i < 4; i++)
        weir_event_free(events[i]);
    restart(&sf, true);
    desk_expect(sf, 4);
    weir_salesforce_close(sf);
}

static void acknowledging_by_name_is_for_what_was_delivered(void **state)
{
    (void)state;
    weir_error err = {0};
    char id[32], beyond[32], between[32];
    weir_salesforce *sf = open_manual();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    int64_t second = desk_emit(&d, ORDERS, 2, 1);
    (void)snprintf(id, sizeof id, "%lld", (long long)second);
    (void)snprintf(beyond, sizeof beyond, "%lld", (long long)second + 1);
    (void)snprintf(between, sizeof between, "%lld", (long long)second - 1000000);
    assert_int_equal(weir_salesforce_ack_id(sf, ORDERS, id, &err), WEIR_INVALID);
    desk_expect_run(sf, 1, 2);
    assert_int_equal(weir_salesforce_ack_id(sf, ORDERS, beyond, &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, beyond));
    assert_int_equal(weir_salesforce_ack_id(sf, ORDERS, "x", &err), WEIR_INVALID);
    assert_int_equal(weir_salesforce_ack_id(sf, "/event/Other__e", id, &err), WEIR_INVALID);
    assert_int_equal(weir_salesforce_ack_id(sf, ORDERS, id, &err), WEIR_OK);
    assert_int_equal(weir_salesforce_ack_id(sf, ORDERS, id, &err), WEIR_OK);
    restart(&sf, true);
    desk_emit(&d, ORDERS, 3, 1);
    desk_expect(sf, 3);
    weir_salesforce_close(sf);
}

static void an_event_of_another_handle_is_not_acknowledged(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_salesforce *sf = open_manual();
    weir_salesforce *other = desk_open(DESK(&d, .channel = NULL));
    desk_subscribe(sf, ORDERS, NULL);
    desk_subscribe(other, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    weir_event *event = desk_next(other, 1);
    assert_int_equal(weir_salesforce_ack(sf, event, &err), WEIR_INVALID);
    weir_salesforce_close(other);
    assert_int_equal(weir_salesforce_ack(sf, event, &err), WEIR_INVALID);
    weir_event_free(event);
    weir_event *made = weir_event_new(WEIR_EVENT(.id = "1", .type = "t", .source = "s"), &err);
    assert_int_equal(weir_salesforce_ack(sf, made, &err), WEIR_INVALID);
    weir_event_free(made);
    assert_int_equal(weir_salesforce_ack(sf, NULL, &err), WEIR_INVALID);
    weir_salesforce_close(sf);
}

static void a_handlers_return_acknowledges(void **state)
{
    (void)state;
    weir_salesforce *sf =
        desk_open(DESK(&d, .replay_file = d.store, .channel = ORDERS, .handler = desk_handler));
    desk_wait_news(&d, WEIR_SESSION_SUBSCRIBED, 1);
    desk_emit(&d, ORDERS, 1, 5);
    desk_wait_handled(&d, 5);
    weir_salesforce_close(sf);
    desk_emit(&d, ORDERS, 6, 1);
    sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect(sf, 6);
    weir_salesforce_close(sf);
}

static void a_store_belongs_to_one_listener_at_a_time(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    weir_salesforce *other = desk_open(DESK(&d, .replay_file = d.store, .channel = ORDERS));
    assert_int_equal(weir_salesforce_next(other, &event, LONG_MS, &err), WEIR_STORE);
    assert_int_equal(weir_salesforce_subscribe(other, ORDERS, NULL, LONG_MS, &err), WEIR_STORE);
    weir_salesforce_close(other);
    other = desk_open(DESK(&d, .replay_file = d.store, .group = "another"));
    desk_subscribe(other, ORDERS, NULL); /* independent */
    weir_salesforce_close(other);
    other = desk_open(DESK(&d, .replay_file = d.store, .channel = ORDERS, .standby = true));
    desk_wait_news(&d, WEIR_SESSION_WAITING, 1);
    desk_emit(&d, ORDERS, 1, 2);
    desk_expect_run(sf, 1, 2);
    weir_salesforce_close(sf);
    desk_expect(other, 2);
    weir_salesforce_close(other);
}

static void another_beginning_replaces_the_stored_one(void **state)
{
    (void)state;
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 4);
    desk_expect_run(sf, 1, 4);
    weir_salesforce_close(sf);
    sf = open_durable();
    desk_subscribe(sf, ORDERS, "all");
    desk_expect_run(sf, 1, 2);
    weir_salesforce_close(sf);
    sf = open_durable();
    desk_subscribe(sf, ORDERS, "stored");
    desk_expect(sf, 2);
    weir_salesforce_close(sf);
}

static void a_filtered_topic_has_a_position_of_its_own(void **state)
{
    (void)state;
    weir_error err = {0};
    const char *emea = "/topic/T?Region__c='EMEA'";
    const struct sandbox_emission there = {
        .channel = "/topic/T", .data = "{\"Region__c\":\"EMEA\"}", .first = 1, .count = 3};
    weir_salesforce *sf = open_durable();
    desk_subscribe(sf, emea, NULL);
    assert_int_equal(sandbox_emit(d.sandbox, &there, NULL, &err), WEIR_OK);
    desk_expect_run(sf, 1, 2);
    restart(&sf, false);
    desk_subscribe(sf, emea, NULL);
    desk_expect_run(sf, 2, 2);
    weir_salesforce_close(sf);
}

/* ---- stores that fail -------------------------------------------------------------------- */

struct shaky {
    char record[WEIR_REPLAY_RECORD_SIZE];
    bool full;
    size_t saves;
};

static weir_status shaky_load(void *user, const weir_replay_key *key, char *record, weir_error *err)
{
    const struct shaky *s = user;
    (void)key;
    (void)err;
    (void)snprintf(record, WEIR_REPLAY_RECORD_SIZE, "%s", s->record);
    return s->record[0] ? WEIR_OK : WEIR_NOT_FOUND;
}

static weir_status shaky_save(void *user, const weir_replay_key *keys, const char *const *records,
                              size_t count, weir_error *err)
{
    struct shaky *s = user;
    (void)keys;
    if (s->full) {
        err->status = WEIR_STORE;
        (void)snprintf(err->message, sizeof err->message, "no space left on device");
        return WEIR_STORE;
    }
    for (size_t i = 0; i < count; i++)
        (void)snprintf(s->record, sizeof s->record, "%s", records[i]);
    s->saves++;
    return WEIR_OK;
}

static void a_full_disk_ends_the_handle_and_acknowledges_nothing(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    struct shaky shaky = {.full = false};
    weir_replay *store =
        weir_replay_custom(WEIR_REPLAY_OPS(.load = shaky_load, .save = shaky_save), &shaky, &err);
    assert_non_null(store);
    weir_salesforce *sf = desk_open(DESK(&d, .replay = store));
    desk_subscribe(sf, ORDERS, NULL);
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    shaky.full = true;
    assert_int_equal(weir_salesforce_next(sf, &event, LONG_MS, &err), WEIR_STORE);
    assert_non_null(strstr(err.message, "no space left"));
    assert_int_equal(weir_salesforce_next(sf, &event, LONG_MS, &err), WEIR_STORE);
    assert_int_equal(weir_salesforce_wait(sf, LONG_MS, &err), WEIR_STORE);
    weir_salesforce_close(sf);
    shaky.full = false;
    sf = desk_open(DESK(&d, .replay = store));
    desk_subscribe(sf, ORDERS, NULL);
    desk_expect(sf, 1);
    weir_salesforce_close(sf);
    weir_replay_free(store);
}

static void a_damaged_record_is_a_failure_of_the_store(void **state)
{
    (void)state;
    weir_error err = {0};
    struct shaky shaky = {.record = "rubbish"};
    weir_replay *store =
        weir_replay_custom(WEIR_REPLAY_OPS(.load = shaky_load, .save = shaky_save), &shaky, &err);
    weir_salesforce *sf = desk_open(DESK(&d, .replay = store));
    assert_int_equal(weir_salesforce_subscribe(sf, ORDERS, NULL, LONG_MS, &err), WEIR_STORE);
    assert_string_equal(shaky.record, "rubbish");
    weir_salesforce_close(sf);
    weir_replay_free(store);
}

/* Nobody listens on port 1. */
static void a_store_that_cannot_be_reached_is_an_outage_until_given_up(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_salesforce *sf = desk_open(DESK(&d, .replay_file = "redis://127.0.0.1:1/0",
                                         .channel = ORDERS, .connection_timeout = 1, .give_up = 1));
    assert_int_equal(weir_salesforce_next(sf, &event, LONG_MS, &err), WEIR_UNREACHABLE);
    assert_true(weir_error_retryable(&err));
    assert_non_null(strstr(err.message, "127.0.0.1:1"));
    assert_int_equal(weir_salesforce_next(sf, &event, LONG_MS, &err), WEIR_STORE);
    assert_false(weir_error_retryable(&err));
    assert_int_equal(weir_salesforce_wait(sf, LONG_MS, &err), WEIR_STORE);
    weir_salesforce_close(sf);
}

static void the_store_is_written_once_an_answer(void **state)
{
    (void)state;
    weir_error err = {0};
    struct shaky shaky = {.full = false};
    weir_replay *store =
        weir_replay_custom(WEIR_REPLAY_OPS(.load = shaky_load, .save = shaky_save), &shaky, &err);
    desk_emit(&d, ORDERS, 1, 500);
    weir_salesforce *sf = desk_open(DESK(&d, .replay = store, .channel = ORDERS, .from = "all"));
    desk_expect_run(sf, 1, 500);
    weir_session_counters counters = desk_counters(sf);
    weir_salesforce_close(sf);
    /* the beginning, and each answer; and at most one that the session lives */
    assert_in_range(shaky.saves, 1, counters.answers + 3);
    weir_replay_free(store);
}

int main(void)
{
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(a_restart_goes_on_after_the_last_acknowledged),
        desk_test(closing_acknowledges_nothing),
        desk_test(what_comes_while_nobody_listens_is_delivered_later),
        desk_test(a_quiet_channel_has_no_hole_across_a_restart),
        desk_test(a_quiet_channel_has_no_hole_across_a_lost_session),
        desk_test(until_the_first_acknowledgement_a_restart_begins_at_the_beginning),
        desk_test(within_a_process_nothing_comes_twice),
        desk_test(acknowledging_by_hand_is_in_the_store_on_return),
        desk_test(acknowledging_one_acknowledges_all_before_it_and_never_goes_back),
        desk_test(acknowledging_by_name_is_for_what_was_delivered),
        desk_test(an_event_of_another_handle_is_not_acknowledged),
        desk_test(a_handlers_return_acknowledges),
        desk_test(a_store_belongs_to_one_listener_at_a_time),
        desk_test(another_beginning_replaces_the_stored_one),
        desk_test(a_filtered_topic_has_a_position_of_its_own),
        desk_test(a_full_disk_ends_the_handle_and_acknowledges_nothing),
        desk_test(a_damaged_record_is_a_failure_of_the_store),
        desk_test(a_store_that_cannot_be_reached_is_an_outage_until_given_up),
        desk_test(the_store_is_written_once_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
