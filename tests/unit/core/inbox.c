#include "lib/check.h"
#include "lib/vclock.h"

#include "core/error.h"
#include "core/inbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

static const struct deadline now = {0};
static const struct deadline never = {INT64_MAX};
static int a, b, dropped;

static void count_drop(void *item)
{
    (void)item;
    dropped++;
}

static bool readable(struct inbox *inbox)
{
    struct pollfd p = {.fd = inbox_fd(inbox), .events = POLLIN};
    assert_true(p.fd >= 0);
    return poll(&p, 1, 0) == 1;
}

static void items_come_in_order_and_the_rest_is_dropped(void **state)
{
    (void)state;
    void *item;
    weir_error err = {.status = WEIR_BUG};
    struct inbox *inbox = inbox_new(clock_system(), 2, count_drop);
    dropped = 0;
    assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_NOTHING);
    assert_int_equal(err.status, WEIR_OK);
    for (int round = 0; round < 5; round++) { /* around the ring */
        assert_int_equal(inbox_put(inbox, &a), WEIR_OK);
        assert_int_equal(inbox_put(inbox, &b), WEIR_OK);
        assert_int_equal(inbox_put(inbox, &b), WEIR_BUSY);
        assert_int_equal(inbox_room(inbox), 0);
        assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_OK);
        assert_ptr_equal(item, &a);
        assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_OK);
        assert_ptr_equal(item, &b);
    }
    inbox_put(inbox, &a);
    inbox_free(inbox);
    assert_int_equal(dropped, 1);
}

/* Of a number, one at a time. */
static bool take_one(void *item, void *user)
{
    int *left = item;
    int *taken = user;
    ++*taken;
    return --*left == 0;
}

static void an_item_that_is_taken_bit_by_bit_stays_until_it_is_used_up(void **state)
{
    (void)state;
    int taken = 0;
    int two = 2;
    int one = 1;
    struct inbox *inbox = inbox_new(clock_system(), 2, count_drop);
    assert_int_equal(inbox_take_part(inbox, take_one, &taken, now, NULL), WEIR_NOTHING);
    inbox_put(inbox, &two);
    inbox_put(inbox, &one);
    assert_int_equal(inbox_take_part(inbox, take_one, &taken, now, NULL), WEIR_OK);
    assert_int_equal(inbox_room(inbox), 0);
    assert_true(readable(inbox));
    assert_int_equal(inbox_take_part(inbox, take_one, &taken, now, NULL), WEIR_OK);
    assert_int_equal(inbox_room(inbox), 1);
    assert_true(readable(inbox));
    assert_int_equal(inbox_take_part(inbox, take_one, &taken, never, NULL), WEIR_OK);
    assert_false(readable(inbox));
    assert_int_equal(inbox_take_part(inbox, take_one, &taken, now, NULL), WEIR_NOTHING);
    assert_int_equal(taken, 3);
    inbox_free(inbox);
}

static struct inbox *shared;

static void *take_some(void *argument)
{
    int *taken = argument;
    while (inbox_take_part(shared, take_one, taken, never, NULL) == WEIR_OK)
        ;
    return NULL;
}

static void several_takers_share_items_that_are_taken_bit_by_bit(void **state)
{
    (void)state;
    enum { TAKERS = 4, ITEMS = 50, EACH = 20 };
    static const weir_error over = {.status = WEIR_STOPPED, .retry_in_ms = -1};
    pthread_t threads[TAKERS];
    int taken[TAKERS] = {0}, left[ITEMS], sum = 0;
    shared = inbox_new(clock_system(), ITEMS, NULL);
    for (int i = 0; i < TAKERS; i++)
        pthread_create(&threads[i], NULL, take_some, &taken[i]);
    for (int i = 0; i < ITEMS; i++) {
        left[i] = EACH;
        inbox_put(shared, &left[i]);
    }
    inbox_fail(shared, &over);
    for (int i = 0; i < TAKERS; i++) {
        pthread_join(threads[i], NULL);
        sum += taken[i];
    }
    assert_int_equal(sum, ITEMS * EACH);
    inbox_free(shared);
}

static bool is_b(const void *item)
{
    return item == &b;
}

static void what_is_dead_is_swept_out_and_the_rest_keeps_its_order(void **state)
{
    (void)state;
    void *item;
    int c;
    weir_error err = {0};
    struct inbox *inbox = inbox_new(clock_system(), 4, count_drop);
    dropped = 0;
    for (int round = 0; round < 5; round++) { /* around the ring */
        inbox_put(inbox, &b);
        inbox_put(inbox, &a);
        inbox_put(inbox, &b);
        inbox_put(inbox, &c);
        inbox_sweep(inbox, is_b);
        assert_int_equal(inbox_room(inbox), 2);
        assert_true(readable(inbox));
        assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_OK);
        assert_ptr_equal(item, &a);
        inbox_put(inbox, &b);
        assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_OK);
        assert_ptr_equal(item, &c);
        inbox_sweep(inbox, is_b);
        assert_false(readable(inbox));
        assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_NOTHING);
    }
    assert_int_equal(dropped, 15);
    inbox_free(inbox);
}

static void a_failure_comes_after_what_came_before_it_and_stays(void **state)
{
    (void)state;
    void *item;
    weir_error why;
    weir_error err = {0};
    struct inbox *inbox = inbox_new(clock_system(), 4, NULL);
    inbox_put(inbox, &a);
    error_set(&why, WEIR_GAP, "first");
    inbox_fail(inbox, &why);
    error_set(&why, WEIR_BUG, "second");
    inbox_fail(inbox, &why);
    assert_int_equal(inbox_put(inbox, &b), WEIR_STOPPED);
    assert_int_equal(inbox_take(inbox, &item, never, &err), WEIR_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(readable(inbox));
        assert_int_equal(inbox_take(inbox, &item, never, &err), WEIR_GAP);
        assert_string_equal(err.message, "first");
        assert_null(item);
    }
    inbox_free(inbox);
}

static void the_descriptor_is_readable_while_there_is_something(void **state)
{
    (void)state;
    void *item;
    weir_error err = {0};
    struct inbox *inbox = inbox_new(clock_system(), 4, NULL);
    inbox_put(inbox, &a);
    assert_true(readable(inbox)); /* made after the fact */
    inbox_put(inbox, &b);
    inbox_take(inbox, &item, now, &err);
    assert_true(readable(inbox));
    inbox_take(inbox, &item, now, &err);
    assert_false(readable(inbox));
    assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_NOTHING);
    inbox_put(inbox, &a);
    assert_true(readable(inbox));
    inbox_take(inbox, &item, now, &err);
    inbox_stop(inbox);
    assert_true(readable(inbox));
    inbox_free(inbox);
}

static void what_was_put_quietly_is_there_but_wakes_nobody_before_it_is_announced(void **state)
{
    (void)state;
    void *item;
    weir_error err = {0};
    struct inbox *inbox = inbox_new(clock_system(), 4, NULL);
    assert_false(readable(inbox));
    inbox_announce(inbox); /* nothing */
    assert_false(readable(inbox));
    assert_int_equal(inbox_put_quietly(inbox, &a), WEIR_OK);
    assert_int_equal(inbox_put_quietly(inbox, &b), WEIR_OK);
    assert_false(readable(inbox));
    inbox_announce(inbox);
    assert_true(readable(inbox));
    for (int i = 0; i < 2; i++) {
        assert_true(readable(inbox));
        assert_int_equal(inbox_take(inbox, &item, never, &err), WEIR_OK);
        assert_ptr_equal(item, i ? &b : &a);
    }
    assert_false(readable(inbox));
    assert_int_equal(inbox_put_quietly(inbox, &a), WEIR_OK);
    assert_int_equal(inbox_take(inbox, &item, now, &err), WEIR_OK);
    inbox_announce(inbox); /* somebody was faster */
    assert_false(readable(inbox));
    inbox_free(inbox);
}

static struct inbox *to_stop;

static void stop_it(int number)
{
    (void)number;
    errno = EBADF;
    inbox_stop(to_stop);
    if (errno != EBADF)
        to_stop = NULL;
}

static void stopping_from_a_signal_handler_overtakes_what_is_queued(void **state)
{
    (void)state;
    void *item;
    weir_error err = {0};
    to_stop = inbox_new(clock_system(), 4, count_drop);
    dropped = 0;
    inbox_put(to_stop, &a);
    struct sigaction action = {.sa_handler = stop_it};
    struct sigaction before;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, NULL);
    assert_non_null(to_stop);
    assert_int_equal(inbox_take(to_stop, &item, never, &err), WEIR_STOPPED);
    assert_int_equal(err.status, WEIR_STOPPED);
    assert_int_equal(inbox_put(to_stop, &b), WEIR_STOPPED);
    inbox_free(to_stop);
    assert_int_equal(dropped, 1);
}

static void a_virtual_deadline_in_the_past_does_not_wait(void **state)
{
    (void)state;
    void *item;
    struct vclock v;
    vclock_init(&v);
    struct inbox *inbox = inbox_new(&v.clock, 4, NULL);
    struct deadline until = deadline_in(&v.clock, 1000, 0);
    vclock_step(&v, 1000);
    assert_int_equal(inbox_take(inbox, &item, until, NULL), WEIR_NOTHING);
    until = deadline_in(clock_system(), 5, 0);
    inbox_free(inbox);
    inbox = inbox_new(clock_system(), 4, NULL);
    assert_int_equal(inbox_take(inbox, &item, until, NULL), WEIR_NOTHING);
    assert_int_equal(deadline_left(clock_system(), until), 0);
    inbox_free(inbox);
}

#define TAKERS  4
#define ITEMS   20000
#define PUTTERS 2

struct crowd {
    struct inbox *inbox;
    bool polls;
    size_t taken;
};

static void *take_all(void *argument)
{
    struct crowd *c = argument;
    void *item;
    weir_error err;
    weir_status status;
    do {
        struct deadline until = c->polls ? deadline_in(clock_system(), 1, 0) : never;
        status = inbox_take(c->inbox, &item, until, &err);
        c->taken += status == WEIR_OK;
    } while (status == WEIR_OK || status == WEIR_NOTHING);
    return NULL;
}

static void *put_all(void *argument)
{
    struct inbox *inbox = argument;
    for (size_t put = 0; put < ITEMS;)
        put += inbox_put(inbox, &a) == WEIR_OK;
    return NULL;
}

/* As many at a time as there is room for, and a word about them then. */
static void *put_all_quietly(void *argument)
{
    struct inbox *inbox = argument;
    for (size_t put = 0; put < ITEMS;) {
        for (size_t n = put % 5 + 1; n > 0 && put < ITEMS; n--)
            put += inbox_put_quietly(inbox, &a) == WEIR_OK;
        inbox_announce(inbox);
    }
    return NULL;
}

static void nobody_sleeps_while_there_is_something_to_take(void **state)
{
    (void)state;
    pthread_t takers[TAKERS];
    pthread_t putters[PUTTERS];
    struct crowd crowd[TAKERS];
    size_t sum = 0;
    struct inbox *inbox = inbox_new(clock_system(), 16, NULL);
    for (size_t i = 0; i < TAKERS; i++) {
        crowd[i] = (struct crowd){inbox, i % 2 == 0, 0};
        pthread_create(&takers[i], NULL, take_all, &crowd[i]);
    }
    for (size_t i = 0; i < PUTTERS; i++)
        pthread_create(&putters[i], NULL, i % 2 ? put_all : put_all_quietly, inbox);
    for (size_t i = 0; i < PUTTERS; i++)
        pthread_join(putters[i], NULL);
    weir_error why;
    error_set(&why, WEIR_UNREACHABLE, "the end");
    inbox_fail(inbox, &why);
    for (size_t i = 0; i < TAKERS; i++) {
        pthread_join(takers[i], NULL);
        sum += crowd[i].taken;
    }
    assert_int_equal(sum, PUTTERS * ITEMS);
    inbox_free(inbox);
}

static void a_stop_wakes_everybody_who_sleeps(void **state)
{
    (void)state;
    pthread_t takers[TAKERS];
    struct crowd crowd[TAKERS];
    struct inbox *inbox = inbox_new(clock_system(), 16, NULL);
    for (size_t i = 0; i < TAKERS; i++) {
        crowd[i] = (struct crowd){inbox, false, 0};
        pthread_create(&takers[i], NULL, take_all, &crowd[i]);
    }
    inbox_stop(inbox);
    for (size_t i = 0; i < TAKERS; i++)
        pthread_join(takers[i], NULL);
    inbox_free(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_in_order_and_the_rest_is_dropped),
        cmocka_unit_test(a_failure_comes_after_what_came_before_it_and_stays),
        cmocka_unit_test(the_descriptor_is_readable_while_there_is_something),
        cmocka_unit_test(what_was_put_quietly_is_there_but_wakes_nobody_before_it_is_announced),
        cmocka_unit_test(stopping_from_a_signal_handler_overtakes_what_is_queued),
        cmocka_unit_test(an_item_that_is_taken_bit_by_bit_stays_until_it_is_used_up),
        cmocka_unit_test(several_takers_share_items_that_are_taken_bit_by_bit),
        cmocka_unit_test(what_is_dead_is_swept_out_and_the_rest_keeps_its_order),
        cmocka_unit_test(a_virtual_deadline_in_the_past_does_not_wait),
        cmocka_unit_test(nobody_sleeps_while_there_is_something_to_take),
        cmocka_unit_test(a_stop_wakes_everybody_who_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
