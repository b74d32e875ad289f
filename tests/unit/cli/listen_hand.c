/* Events in hand, and lines that acknowledge them. */
#include "cli/listen_hand.h"

#include <stdlib.h>
#include <string.h>

#include "lib/check.h"

static weir_event *event(const char *channel, const char *id)
{
    weir_error err = {0};
    const char *extensions[] = {"channel", channel, "replayid", id, NULL};
    weir_event *made = weir_event_new(WEIR_EVENT(.id = id, .type = "t", .source = channel,
                                                 .data = {"{}", 2}, .extensions = extensions),
                                      &err);
    assert_non_null(made);
    return made;
}

static void holds(struct hand *hand, const char *channel, const char *id)
{
    (void)hand_add(hand, event(channel, id));
}

static void acks(struct hand *hand, const char *channel, const char *id, size_t left)
{
    weir_event *newest;
    assert_int_equal(hand_acknowledge(hand, channel, id, &newest), HAND_ACKED);
    assert_string_equal(weir_event_attr(newest, "replayid"), id);
    assert_int_equal(hand->count, left);
    weir_event_free(newest);
}

static void does_not_ack(struct hand *hand, const char *channel, const char *id, enum hand_ack why)
{
    weir_event *newest;
    size_t before = hand->count;
    assert_int_equal(hand_acknowledge(hand, channel, id, &newest), why);
    assert_null(newest);
    assert_int_equal(hand->count, before);
}

static void acknowledging_one_acknowledges_all_before_it_on_its_channel(void **state)
{
    struct hand hand = {0};
    (void)state;
    holds(&hand, "/a", "1");
    holds(&hand, "/b", "1");
    holds(&hand, "/a", "3");
    holds(&hand, "/b", "2");
    holds(&hand, "/a", "7");
    acks(&hand, "/a", "3", 3);
    assert_string_equal(weir_event_attr(hand.first->event, "channel"), "/b");
    acks(&hand, "/b", "2", 1);
    acks(&hand, NULL, "7", 0);
    assert_null(hand.first);
    assert_null(hand.last);
    holds(&hand, "/a", "8");
    acks(&hand, "/a", "8", 0);
    hand_free(&hand);
}

static void what_was_acknowledged_before_is_old_and_what_was_not_delivered_unknown(void **state)
{
    struct hand hand = {0};
    (void)state;
    holds(&hand, "/a", "5");
    holds(&hand, "/a", "12");
    does_not_ack(&hand, "/a", "4", HAND_UNKNOWN);
    acks(&hand, "/a", "5", 1);
    does_not_ack(&hand, "/a", "5", HAND_OLD);
    does_not_ack(&hand, "/a", "4", HAND_OLD);
    does_not_ack(&hand, "/a", "13", HAND_UNKNOWN);
    does_not_ack(&hand, "/b", "12", HAND_UNKNOWN);
    hand_free(&hand);
}

static void ids_beyond_what_a_double_holds_are_told_apart(void **state)
{
    struct hand hand = {0};
    (void)state;
    holds(&hand, "/a", "9007199254740992");
    holds(&hand, "/a", "9007199254740993");
    acks(&hand, "/a", "9007199254740992", 1);
    acks(&hand, "/a", "9007199254740993", 0);
    hand_free(&hand);
}

static void a_channel_may_be_named_with_its_filter(void **state)
{
    struct hand hand = {0};
    (void)state;
    holds(&hand, "/topic/T", "5");
    acks(&hand, "/topic/T?Region='EMEA'", "5", 0);
    holds(&hand, "/topic/T?Region='EMEA'", "6");
    acks(&hand, "/topic/T", "6", 0);
    hand_free(&hand);
}

static void what_is_popped_comes_in_order(void **state)
{
    struct hand hand = {0};
    (void)state;
    holds(&hand, "/a", "1");
    holds(&hand, "/a", "2");
    static const char *const ids[] = {"1", "2"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        weir_event *first = hand_pop(&hand);
        assert_string_equal(weir_event_attr(first, "replayid"), ids[i]);
        weir_event_free(first);
    }
    assert_int_equal(hand.count, 0);
    hand_free(&hand);
}

/* ---- lines -------------------------------------------------------------------------------------
 */

static void words(const char *line, bool good, const char *channel, const char *id)
{
    char *copy = strdup(line);
    const char *got_channel, *got_id;
    if (hand_read_words(copy, &got_channel, &got_id) != good)
        fail_msg("\"%s\"", line);
    if (good) {
        assert_string_equal(got_id, id);
        assert_int_equal(got_channel == NULL, channel == NULL);
        if (channel)
            assert_string_equal(got_channel, channel);
    }
    free(copy);
}

static void a_line_is_an_id_or_a_channel_and_an_id(void **state)
{
    (void)state;
    words("42", true, NULL, "42");
    words("  42 \r", true, NULL, "42");
    words("/event/A__e 42", true, "/event/A__e", "42");
    words("/event/A__e\t 42\r", true, "/event/A__e", "42");
    words("/topic/T?Name='a b' 42", true, "/topic/T?Name='a b'", "42");
    words("", false, NULL, NULL);
    words("/event/A__e", false, NULL, NULL);
    words("event/A__e 42", false, NULL, NULL);
    words("/event/A__e 4x", false, NULL, NULL);
    words("-1", false, NULL, NULL);
}

static void json(const char *line, bool good, const char *channel, const char *id)
{
    struct str room[2] = {{0}, {0}};
    const char *got_channel, *got_id;
    if (hand_read_json(line, strlen(line), room, &got_channel, &got_id) != good)
        fail_msg("%s", line);
    if (good) {
        assert_string_equal(got_id, id);
        assert_int_equal(got_channel == NULL, channel == NULL);
        if (channel)
            assert_string_equal(got_channel, channel);
    }
    str_free(&room[0]);
    str_free(&room[1]);
}

static void a_json_line_names_channel_and_id_exactly(void **state)
{
    (void)state;
    json("{\"replayId\":42,\"channel\":\"/event/A__e\"}", true, "/event/A__e", "42");
    json("{\"channel\":\"/event/A__e\",\"replayId\":\"42\"}", true, "/event/A__e", "42");
    json(" {\"more\":{\"replayId\":1}, \"replayId\" : 9007199254740993 }", true, NULL,
         "9007199254740993");
    json("{\"channel\":\"/\\u00e4\",\"replayId\":1}", true, "/\xc3\xa4", "1");
    json("{\"channel\":7,\"replayId\":1}", false, NULL, NULL);
    json("{\"channel\":\"/a\"}", false, NULL, NULL);
    json("{\"replayId\":1.5}", false, NULL, NULL);
    json("{\"replayId\":1", false, NULL, NULL);
    json("[42]", false, NULL, NULL);
    json("42", false, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledging_one_acknowledges_all_before_it_on_its_channel),
        cmocka_unit_test(what_was_acknowledged_before_is_old_and_what_was_not_delivered_unknown),
        cmocka_unit_test(ids_beyond_what_a_double_holds_are_told_apart),
        cmocka_unit_test(a_channel_may_be_named_with_its_filter),
        cmocka_unit_test(what_is_popped_comes_in_order),
        cmocka_unit_test(a_line_is_an_id_or_a_channel_and_an_id),
        cmocka_unit_test(a_json_line_names_channel_and_id_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
