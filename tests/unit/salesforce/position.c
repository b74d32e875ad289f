/* One subscription, step by step. */
#include "salesforce/position.h"
#include "lib/check.h"

#define CHANNEL "/event/Order__e"
#define NOON    INT64_C(1700000000000)
#define HOURS   INT64_C(3600000)

static struct position from(enum from from, int64_t id, const struct record *stored)
{
    struct position p;
    position_init(&p, CHANNEL, from, id, stored);
    return p;
}

static void save(struct position *p)
{
    position_saved(p, p->version);
}

/* As if the process had been killed after the last save. */
static struct position restarted(const struct position *p)
{
    assert_false(position_unsaved(p));
    return from(FROM_STORED, 0, &p->record);
}

static void each_beginning_asks_for_its_own(void **state)
{
    (void)state;
    struct record record = {.has_position = true, .position = 42};
    struct position p = from(FROM_NEW, 0, NULL);
    assert_int_equal(position_ask(&p), ASK_NEW);
    p = from(FROM_STORED, 0, NULL);
    assert_int_equal(position_ask(&p), ASK_NEW);
    p = from(FROM_ALL, 0, NULL);
    assert_int_equal(position_ask(&p), ASK_ALL);
    p = from(FROM_ID, 7, NULL);
    assert_int_equal(position_ask(&p), 7);
    p = from(FROM_STORED, 0, &record);
    assert_int_equal(position_ask(&p), 42);
    p = from(FROM_ALL, 0, &record);
    assert_int_equal(position_ask(&p), ASK_ALL);
}

static void a_new_beginning_is_due_in_the_store_when_the_server_agrees(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    assert_false(p.due);
    position_subscribed(&p, NOON, NOON + 300);
    assert_true(p.due);
    assert_int_equal(p.record.began, BEGAN_NEW);
    assert_int_equal(p.record.began_ms, NOON);
    assert_int_equal(p.record.live_ms, NOON + 300);
    save(&p);
    assert_false(p.due);
}

static void the_first_event_is_due_in_the_store_before_it_is_delivered(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    save(&p);
    assert_true(position_event(&p, true, 41, NOON + 5));
    assert_true(p.due);
    assert_int_equal(p.record.began_id, 41);
    save(&p);
    assert_true(position_event(&p, true, 44, NOON + 6));
    assert_false(p.due);
    assert_int_equal(p.record.began_id, 41);
}

static void an_event_may_come_before_the_answer_to_the_subscription(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    assert_true(position_event(&p, true, 41, NOON));
    assert_true(p.due);
    assert_int_equal(p.record.began, BEGAN_NEW);
    position_subscribed(&p, NOON + 1000, NOON);
    assert_int_equal(p.record.began_id, 41);
    save(&p);
    struct position q = restarted(&p);
    assert_int_equal(position_ask(&q), ASK_ALL);
    assert_false(position_event(&q, true, 40, NOON));
    assert_true(position_event(&q, true, 41, NOON));
}

static void a_restart_before_the_first_event_sifts_by_time(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    save(&p);
    struct position q = restarted(&p);
    assert_int_equal(position_ask(&q), ASK_ALL);
    assert_true(position_sifts_by_time(&q));
    position_subscribed(&q, NOON + 60000, NOON + 60000);
    assert_int_equal(q.record.began_ms, NOON);
    assert_false(position_event(&q, true, 10, NOON - 1));
    assert_true(position_event(&q, true, 20, NOON));
    assert_int_equal(q.record.began_id, 20);
}

static void what_follows_the_first_event_passes_whatever_its_time(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_int_equal(position_ask(&p), ASK_ALL);
    assert_true(position_event(&p, true, 20, NOON + 1));
    assert_true(position_event(&p, true, 21, NOON - 1));
}

static void an_event_of_unknown_time_or_id_is_delivered(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    save(&p);
    (void)position_ask(&p);
    assert_true(position_event(&p, false, 0, 0));
    assert_false(p.due);
    assert_true(position_event(&p, true, 3, 0));
}

static void a_session_lost_before_any_event_leaves_no_hole(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_int_equal(position_ask(&p), ASK_ALL);
    position_subscribed(&p, NOON + 9000, NOON + 9000);
    assert_false(position_event(&p, true, 5, NOON - 2000));
    assert_true(position_event(&p, true, 6, NOON + 2000));
    assert_int_equal(position_ask(&p), 6);
}

static void a_subscription_that_was_never_answered_begins_anew(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    assert_int_equal(position_ask(&p), ASK_NEW);
    assert_int_equal(position_ask(&p), ASK_NEW);
}

static void a_resubscription_asks_for_what_follows_the_newest_in_hand(void **state)
{
    (void)state;
    struct position p = from(FROM_ALL, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_true(position_event(&p, true, 41, NOON));
    assert_true(position_event(&p, true, 50, NOON));
    assert_true(position_ack(&p, 41));
    assert_int_equal(position_ask(&p), 50);
    assert_false(position_event(&p, true, 41, NOON));
    assert_false(position_event(&p, true, 50, NOON));
    assert_true(position_event(&p, true, 52, NOON));
}

static void a_restart_asks_for_what_follows_the_last_acknowledged(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    for (int64_t id = 41; id < 45; id++)
        assert_true(position_event(&p, true, id, NOON));
    assert_true(position_ack(&p, 42));
    save(&p);
    struct position q = restarted(&p);
    assert_int_equal(position_ask(&q), 42);
    assert_false(q.due);
    assert_false(position_event(&q, true, 42, NOON));
    assert_true(position_event(&q, true, 43, NOON));
    assert_false(q.due);
}

static void until_the_first_acknowledgement_a_restart_fetches_all_from_the_beginning(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_true(position_event(&p, true, 41, NOON));
    assert_true(position_event(&p, true, 42, NOON));
    save(&p);
    struct position q = restarted(&p);
    assert_int_equal(position_ask(&q), ASK_ALL);
    assert_false(position_sifts_by_time(&q));
    assert_false(position_event(&q, true, 40, NOON + 1));
    assert_true(position_event(&q, true, 41, NOON));

    p = from(FROM_ALL, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_true(position_event(&p, true, 41, NOON));
    save(&p);
    q = restarted(&p);
    assert_int_equal(position_ask(&q), ASK_ALL);
    assert_true(position_event(&q, true, 3, 1));

    p = from(FROM_ID, 40, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_true(position_event(&p, true, 41, NOON));
    save(&p);
    q = restarted(&p);
    assert_int_equal(position_ask(&q), 40);
    assert_false(position_event(&q, true, 40, NOON));
}

static void positions_never_go_back(void **state)
{
    (void)state;
    struct position p = from(FROM_ALL, 0, NULL);
    (void)position_ask(&p);
    assert_false(position_ack(&p, 3));
    position_subscribed(&p, NOON, NOON);
    for (int64_t id = 41; id < 45; id++)
        assert_true(position_event(&p, true, id, NOON));
    assert_false(position_ack(&p, 40));
    assert_false(position_ack(&p, 45));
    assert_true(position_ack(&p, 43));
    assert_false(position_ack(&p, 42));
    assert_false(position_ack(&p, 43));
    assert_int_equal(p.record.position, 43);
}

static void another_beginning_replaces_the_stored_one_only_once_the_server_agrees(void **state)
{
    (void)state;
    struct record record = {.has_position = true, .position = 42, .live_ms = NOON};
    struct position p = from(FROM_ALL, 0, &record);
    (void)position_ask(&p);
    assert_false(position_unsaved(&p));
    position_subscribed(&p, NOON, NOON);
    assert_true(p.due && p.anew);
    assert_false(p.record.has_position);
    assert_int_equal(p.record.began, BEGAN_ALL);
    save(&p);
    assert_false(p.anew);
}

static void a_live_session_longer_ago_than_the_retention_is_a_gap(void **state)
{
    (void)state;
    static const struct {
        const char *channel;
        int64_t hours;
    } cases[] = {{CHANNEL, 72}, {"/data/ChangeEvents", 72}, {"/topic/T?F='v'", 24}, {"/u/N", 24}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct record record = {.has_position = true, .position = 42, .live_ms = NOON};
        struct position p;
        position_init(&p, cases[i].channel, FROM_STORED, 0, &record);
        assert_false(position_expired(&p, NOON + cases[i].hours * HOURS));
        assert_true(position_expired(&p, NOON + cases[i].hours * HOURS + 1));
        position_init(&p, cases[i].channel, FROM_NEW, 0, &record);
        assert_false(position_expired(&p, NOON + 100 * HOURS));
        record.live_ms = 0;
        position_init(&p, cases[i].channel, FROM_STORED, 0, &record);
        assert_false(position_expired(&p, NOON));
    }
}

static void a_session_that_lives_does_not_expire(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_live(&p, NOON);
    assert_int_equal(p.record.live_ms, 0);
    position_subscribed(&p, NOON, NOON);
    position_live(&p, NOON + 70 * HOURS);
    assert_false(position_expired(&p, NOON + 80 * HOURS));
    assert_true(position_expired(&p, NOON + 143 * HOURS));
}

static void a_gap_mended_by_all_delivers_everything(void **state)
{
    (void)state;
    struct record record = {.has_position = true, .position = 42, .live_ms = NOON};
    struct position p = from(FROM_STORED, 0, &record);
    assert_int_equal(position_ask(&p), 42);
    position_mend(&p, true);
    assert_int_equal(position_ask(&p), ASK_ALL);
    assert_false(position_unsaved(&p));
    assert_true(position_event(&p, true, 7, 1)); /* ids may have begun anew, too */
    position_subscribed(&p, NOON, NOON);
    assert_true(p.due && p.anew && p.gap_mended);
    assert_true(position_ack(&p, 7));
    assert_int_equal(p.record.position, 7);
}

static void a_gap_mended_by_new_begins_at_that_instant(void **state)
{
    (void)state;
    struct position p = from(FROM_ALL, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    assert_true(position_event(&p, true, 42, NOON));
    save(&p);
    position_mend(&p, false);
    assert_int_equal(position_ask(&p), ASK_NEW);
    position_subscribed(&p, NOON + 5000, NOON + 5000);
    assert_true(p.due && p.anew);
    assert_int_equal(p.record.began_ms, NOON + 5000);
    assert_false(position_ack(&p, 42)); /* delivered before the gap: no position of this life */
    assert_true(position_event(&p, true, 90, NOON + 6000));
    assert_false(position_ack(&p, 42));
    assert_true(position_ack(&p, 90));
}

static void what_changes_while_it_is_saved_is_saved_again(void **state)
{
    (void)state;
    struct position p = from(FROM_NEW, 0, NULL);
    (void)position_ask(&p);
    position_subscribed(&p, NOON, NOON);
    unsigned version = p.version;
    assert_true(position_event(&p, true, 41, NOON));
    position_saved(&p, version);
    assert_true(p.due);
    assert_true(position_unsaved(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_beginning_asks_for_its_own),
        cmocka_unit_test(a_new_beginning_is_due_in_the_store_when_the_server_agrees),
        cmocka_unit_test(the_first_event_is_due_in_the_store_before_it_is_delivered),
        cmocka_unit_test(an_event_may_come_before_the_answer_to_the_subscription),
        cmocka_unit_test(a_restart_before_the_first_event_sifts_by_time),
        cmocka_unit_test(what_follows_the_first_event_passes_whatever_its_time),
        cmocka_unit_test(an_event_of_unknown_time_or_id_is_delivered),
        cmocka_unit_test(a_session_lost_before_any_event_leaves_no_hole),
        cmocka_unit_test(a_subscription_that_was_never_answered_begins_anew),
        cmocka_unit_test(a_resubscription_asks_for_what_follows_the_newest_in_hand),
        cmocka_unit_test(a_restart_asks_for_what_follows_the_last_acknowledged),
        cmocka_unit_test(until_the_first_acknowledgement_a_restart_fetches_all_from_the_beginning),
        cmocka_unit_test(positions_never_go_back),
        cmocka_unit_test(another_beginning_replaces_the_stored_one_only_once_the_server_agrees),
        cmocka_unit_test(a_live_session_longer_ago_than_the_retention_is_a_gap),
        cmocka_unit_test(a_session_that_lives_does_not_expire),
        cmocka_unit_test(a_gap_mended_by_all_delivers_everything),
        cmocka_unit_test(a_gap_mended_by_new_begins_at_that_instant),
        cmocka_unit_test(what_changes_while_it_is_saved_is_saved_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
