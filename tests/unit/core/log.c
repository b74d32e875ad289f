#include "lib/check.h"

#include "core/log.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static char last[2000];
static int records;

static void keep(const weir_log_record *record, void *user)
{
    (void)user;
    records++;
    strncpy(last, record->message, sizeof last - 1);
}

static void the_environment_is_asked_at_the_first_use(void **state)
{
    (void)state;
    setenv("WEIR_LOG", "Info", 1); /* this test is the first */
    assert_true(log_wants(WEIR_LOG_INFO));
    assert_false(log_wants(WEIR_LOG_DEBUG));
    setenv("WEIR_LOG", "trace", 1);
    assert_false(log_wants(WEIR_LOG_DEBUG));
}

static void only_what_is_wanted_arrives_and_on_one_line(void **state)
{
    (void)state;
    weir_log_to(keep, NULL, WEIR_LOG_WARN);
    records = 0;
    log_at(WEIR_LOG_INFO, "core", NULL, "no");
    assert_int_equal(records, 0);
    log_at(WEIR_LOG_WARN, "core", NULL, "two\nlines %d", 2);
    assert_int_equal(records, 1);
    assert_string_equal(last, "two lines 2");
    weir_log_to(keep, NULL, WEIR_LOG_OFF);
    log_at(WEIR_LOG_ERROR, "core", NULL, "no");
    assert_int_equal(records, 1);
}

struct gone {
    atomic_bool gone;
    atomic_int late, inside, together;
};

static void watch(const weir_log_record *record, void *user)
{
    struct gone *g = user;
    (void)record;
    if (atomic_fetch_add(&g->inside, 1) > 0)
        atomic_fetch_add(&g->together, 1);
    if (atomic_load(&g->gone))
        atomic_fetch_add(&g->late, 1);
    atomic_fetch_sub(&g->inside, 1);
}

static atomic_bool enough;

static void *talk(void *unused)
{
    while (!atomic_load(&enough))
        log_at(WEIR_LOG_ERROR, "core", "x#1", "words");
    return unused;
}

static void the_previous_listener_does_not_run_any_more(void **state)
{
    (void)state;
    pthread_t threads[3];
    static struct gone listeners[50];
    atomic_store(&enough, false);
    weir_log_to(watch, &listeners[0], WEIR_LOG_ERROR);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, talk, NULL);
    for (size_t i = 1; i < COUNT(listeners); i++) {
        weir_log_to(watch, &listeners[i], WEIR_LOG_ERROR);
        atomic_store(&listeners[i - 1].gone, true);
    }
    atomic_store(&enough, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COUNT(listeners); i++) {
        assert_int_equal(atomic_load(&listeners[i].late), 0);
        assert_int_equal(atomic_load(&listeners[i].together), 0);
    }
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
}

static atomic_int too_much;

static void only_errors(const weir_log_record *record, void *user)
{
    (void)user;
    if (record->level > WEIR_LOG_ERROR)
        atomic_fetch_add(&too_much, 1);
}

static void anything(const weir_log_record *record, void *user)
{
    (void)record;
    (void)user;
}

static void *chatter(void *unused)
{
    while (!atomic_load(&enough))
        log_at(WEIR_LOG_TRACE, "core", "x#1", "words");
    return unused;
}

static void a_listener_never_hears_more_than_it_asked_for(void **state)
{
    (void)state;
    pthread_t threads[3];
    atomic_store(&enough, false);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, chatter, NULL);
    for (int i = 0; i < 1000; i++) {
        weir_log_to(anything, NULL, WEIR_LOG_TRACE);
        sched_yield();
        weir_log_to(only_errors, NULL, WEIR_LOG_ERROR);
    }
    atomic_store(&enough, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    assert_int_equal(atomic_load(&too_much), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_is_asked_at_the_first_use),
        cmocka_unit_test(only_what_is_wanted_arrives_and_on_one_line),
        cmocka_unit_test(the_previous_listener_does_not_run_any_more),
        cmocka_unit_test(a_listener_never_hears_more_than_it_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
