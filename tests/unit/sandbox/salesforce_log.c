/* What is retained, and what a replay id still finds. */
#include "lib/check.h"

#include "core/clock.h"
#include "sandbox/salesforce_log.h"

#include <stdio.h>
#include <string.h>

static int64_t now_ns;

static struct sflog_channel *channel_of(struct sflog *log, const char *name)
{
    struct sflog_channel *channel = NULL;
    assert_int_equal(sflog_channel(log, name, strlen(name), &channel), SFLOG_THERE);
    return channel;
}

static int64_t append(struct sflog *log, struct sflog_channel *channel, size_t len)
{
    static char text[5000];
    struct bayeux_event *event = bayeux_event_new(text, len);
    event->id = sflog_next_id(log);
    event->at_ns = now_ns;
    assert_true(sflog_append(log, channel, event));
    int64_t id = event->id;
    bayeux_event_drop(event);
    return id;
}

/* How many come after `id`; -1: the id is refused. */
static int after(struct sflog *log, struct sflog_channel *channel, int64_t id)
{
    struct bayeux_event *const *first = NULL;
    size_t count = 0;
    if (!sflog_replay(log, channel, id, now_ns, &first, &count))
        return -1;
    for (size_t i = 0; i + 1 < count; i++)
        assert_true(first[i]->id < first[i + 1]->id);
    return (int)count;
}

static struct sflog *start(struct sflog_options options)
{
    now_ns = 1;
    struct sflog *log = sflog_new(&options);
    assert_non_null(log);
    return log;
}

static void ids_ascend_with_gaps_over_all_channels(void **state)
{
    (void)state;
    struct sflog *log = start((struct sflog_options){.keep = 0});
    struct sflog_channel *a = channel_of(log, "/event/A__e"), *b = channel_of(log, "/event/B__e");
    int64_t last = 0;
    int gaps = 0;
    for (int i = 0; i < 100; i++) {
        int64_t id = append(log, i % 3 ? a : b, 10);
        assert_true(id > last);
        gaps += i && id != last + 1;
        last = id;
    }
    assert_true(gaps > 10);
    assert_int_equal(after(log, a, SFLOG_ALL) + after(log, b, SFLOG_ALL), 100);
    sflog_free(log);
}

static void an_id_in_the_window_or_the_newest_is_taken_and_no_other(void **state)
{
    (void)state;
    struct sflog *log = start((struct sflog_options){.keep = 3});
    struct sflog_channel *a = channel_of(log, "/event/A__e");
    int64_t ids[6];
    assert_int_equal(after(log, a, SFLOG_ALL), 0);
    assert_int_equal(after(log, a, 1), -1);
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = append(log, a, 10);
    assert_int_equal(after(log, a, SFLOG_ALL), 3);
    assert_int_equal(after(log, a, SFLOG_NEW), 0);
    assert_int_equal(after(log, a, ids[3]), 2);
    assert_int_equal(after(log, a, ids[5]), 0);
    assert_int_equal(after(log, a, ids[2]), -1);
    assert_int_equal(after(log, a, ids[5] + 1), -1);
    assert_int_equal(after(log, a, 0), -1);
    assert_int_equal(after(log, a, -3), -1);
    sflog_forget(log, NULL, 1);
    assert_int_equal(after(log, a, SFLOG_ALL), 1);
    sflog_forget(log, a, 0);
    assert_int_equal(after(log, a, ids[5]), 0);
    assert_int_equal(after(log, a, ids[4]), -1);
    sflog_free(log);
}

static void what_is_old_is_not_retained(void **state)
{
    (void)state;
    struct sflog *log = start((struct sflog_options){.keep_for = 1000});
    struct sflog_channel *a = channel_of(log, "/topic/A");
    int64_t old = append(log, a, 10);
    now_ns += 600 * NS_PER_MS;
    int64_t young = append(log, a, 10);
    assert_int_equal(after(log, a, SFLOG_ALL), 2);
    now_ns += 600 * NS_PER_MS;
    assert_int_equal(after(log, a, SFLOG_ALL), 1);
    assert_int_equal(after(log, a, old), -1);
    now_ns += 600 * NS_PER_MS;
    assert_int_equal(after(log, a, SFLOG_ALL), 0);
    assert_int_equal(after(log, a, young), 0);
    sflog_free(log);
}

static void memory_is_bounded_over_all_channels(void **state)
{
    (void)state;
    struct sflog *log = start((struct sflog_options){.bytes_max = 10000});
    struct sflog_channel *a = channel_of(log, "/event/A__e"), *b = channel_of(log, "/event/B__e");
    for (int i = 0; i < 10; i++)
        append(log, a, 900);
    for (int i = 0; i < 4; i++)
        append(log, b, 2000);
    assert_int_equal(after(log, b, SFLOG_ALL), 3);
    assert_int_equal(after(log, a, SFLOG_ALL), 4);
    sflog_free(log);
}

static void names_may_not_differ_only_by_case(void **state)
{
    (void)state;
    struct sflog_channel *channel = NULL;
    struct sflog *log = start((struct sflog_options){.keep = 0});
    channel_of(log, "/event/A__e");
    assert_int_equal(sflog_channel(log, "/event/a__e", 11, &channel), SFLOG_OTHER_CASE);
    assert_null(channel);
    assert_string_equal(sflog_name(channel_of(log, "/event/A__e")), "/event/A__e");
    sflog_free(log);
}

static void ids_go_on_from_where_they_are_told_to(void **state)
{
    (void)state;
    struct sflog *log = start((struct sflog_options){.first_id = INT64_C(9007199254740993)});
    assert_int_equal(sflog_next_id(log), INT64_C(9007199254740993));
    assert_false(sflog_skip_to(log, 5));
    assert_true(sflog_skip_to(log, INT64_C(9100000000000000000)));
    assert_true(sflog_next_id(log) > INT64_C(9100000000000000000));
    sflog_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_ascend_with_gaps_over_all_channels),
        cmocka_unit_test(an_id_in_the_window_or_the_newest_is_taken_and_no_other),
        cmocka_unit_test(what_is_old_is_not_retained),
        cmocka_unit_test(memory_is_bounded_over_all_channels),
        cmocka_unit_test(names_may_not_differ_only_by_case),
        cmocka_unit_test(ids_go_on_from_where_they_are_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
