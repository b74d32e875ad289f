/* The loop on loan: who waits for call after call runs it itself, and nothing that others post, set
 * or leave behind is forgotten meanwhile. Worth most under TSan. */
#include "lib/check.h"

#include "core/clock.h"
#include "io/loop.h"
#include "io/timer.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define THREADS 6
#define ROUNDS  300
#define TRIES   10000

static void nothing(void *user)
{
    (void)user;
}

struct note {
    struct loop_task task; /* first */
    struct loop *loop;
    atomic_bool ran;
    bool inside;
    pthread_t thread;
};

static void write_down(struct loop_task *task)
{
    struct note *note = (void *)task;
    note->inside = loop_inside(note->loop);
    note->thread = pthread_self();
    atomic_store(&note->ran, true);
}

static struct note note_for(struct loop *loop)
{
    return (struct note){.task = {.run = write_down}, .loop = loop};
}

/* True as soon as it is lent; between the questions it waits for the loop, as calls do. */
static bool borrowed(struct loop *loop)
{
    for (int i = 0; i < TRIES; i++) {
        if (loop_borrow(loop))
            return true;
        loop_call(loop, nothing, NULL);
    }
    return false;
}

static void who_waits_for_call_after_call_gets_the_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    assert_false(loop_borrow(loop));
    assert_true(borrowed(loop));
    assert_true(loop_inside(loop));
    assert_false(loop_borrow(loop)); /* it has it already */
    loop_return(loop);
    assert_false(loop_inside(loop));
    loop_release(loop);
}

static void what_is_posted_while_nobody_runs_the_loop_is_done_by_its_thread(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t self = pthread_self();
        struct note note = note_for(loop);
        assert_true(borrowed(loop));
        loop_return(loop);
        loop_post(loop, &note.task);
        loop_call(loop, nothing, NULL); /* after what was posted before */
        assert_true(atomic_load(&note.ran));
        assert_true(note.inside);
        assert_false(pthread_equal(note.thread, self));
    }
    loop_release(loop);
}

static void *post_one(void *user)
{
    struct note *note = user;
    loop_post(note->loop, &note->task);
    return NULL;
}

static void what_others_post_is_done_by_the_borrower(void **state)
{
    (void)state;
    pthread_t other;
    struct loop *loop = loop_acquire(NULL);
    struct note note = note_for(loop);
    assert_true(borrowed(loop));
    assert_int_equal(pthread_create(&other, NULL, post_one, &note), 0);
    while (!atomic_load(&note.ran))
        loop_run(loop);
    assert_true(note.inside);
    assert_true(pthread_equal(note.thread, pthread_self()));
    pthread_join(other, NULL);
    loop_return(loop);
    loop_release(loop);
}

static void what_a_borrower_leaves_undone_is_done_by_the_thread(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    struct note note = note_for(loop);
    assert_true(borrowed(loop));
    loop_post(loop, &note.task);
    loop_return(loop);
    loop_call(loop, nothing, NULL);
    assert_true(atomic_load(&note.ran));
    assert_false(pthread_equal(note.thread, pthread_self()));
    loop_release(loop);
}

static void post_it(void *user)
{
    sem_post(user);
}

static void a_timer_of_a_borrower_fires_when_the_loop_is_nobodys(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    struct timer timer;
    sem_t fired;
    sem_init(&fired, 0, 0);
    assert_true(borrowed(loop));
    timer_init(&timer, loop, post_it, &fired);
    assert_int_equal(timer_set_in(&timer, 5), WEIR_OK);
    loop_return(loop);
    while (sem_wait(&fired)) {
    }
    loop_release(loop);
    sem_destroy(&fired);
}

struct counted {
    struct loop *loop;
    int more;
};

static void count(void *user)
{
    const struct counted *c = user;
    loop_count_busy(c->loop, c->more);
}

static void with_a_call_open_the_loop_is_not_lent(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    struct counted one = {loop, +1};
    struct counted none = {loop, -1};
    assert_true(borrowed(loop));
    count(&one); /* somebody else's call begins, and is left behind */
    loop_return(loop);
    for (int i = 0; i < 50; i++) {
        assert_false(loop_borrow(loop));
        loop_call(loop, nothing, NULL);
    }
    loop_call(loop, count, &none);
    assert_true(borrowed(loop));
    loop_return(loop);
    loop_release(loop);
}

static void a_lent_loop_ends_with_its_last_reference(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct loop *loop = loop_acquire(NULL);
        assert_true(borrowed(loop));
        loop_return(loop);
        loop_release(loop);
    }
}

static void sigpipe_does_not_escape_from_a_borrower(void **state)
{
    (void)state;
    sigset_t before;
    sigset_t after;
    struct loop *loop = loop_acquire(NULL);
    assert_true(borrowed(loop));
    raise(SIGPIPE); /* as a write to a dead peer would; it would end the process */
    loop_return(loop);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_false(sigismember(&after, SIGPIPE));

    sigemptyset(&before);
    sigaddset(&before, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &before, NULL);
    assert_true(borrowed(loop));
    loop_return(loop);
    pthread_sigmask(SIG_UNBLOCK, &before, &after);
    assert_true(sigismember(&after, SIGPIPE)); /* what the program had blocked stays blocked */
    loop_release(loop);
}

struct sum {
    struct loop *loop;
    int count; /* only who runs the loop touches it */
    atomic_int loans;
};

struct addition {
    struct loop_task task; /* first */
    struct sum *sum;
    atomic_bool done;
};

static void add(struct loop_task *task)
{
    struct addition *a = (void *)task;
    a->sum->count++;
    atomic_store(&a->done, true);
}

static void add_by_call(void *user)
{
    ((struct sum *)user)->count++;
}

static void *call_after_call(void *user)
{
    struct sum *sum = user;
    for (int i = 0; i < ROUNDS; i++) {
        struct addition a = {.task = {.run = add}, .sum = sum};
        if (!loop_borrow(sum->loop)) {
            loop_call(sum->loop, add_by_call, sum);
            continue;
        }
        atomic_fetch_add(&sum->loans, 1);
        loop_post(sum->loop, &a.task);
        while (!atomic_load(&a.done))
            loop_run(sum->loop);
        loop_return(sum->loop);
    }
    return NULL;
}

static void at_any_time_one_thread_runs_the_loop(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct sum sum = {.loop = loop_acquire(NULL)};
    call_after_call(&sum); /* alone, so that there are loans */
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_after_call, &sum), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&sum.loans) > 0);
    loop_release(sum.loop);
    assert_int_equal(sum.count, (THREADS + 1) * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_for_call_after_call_gets_the_loop),
        cmocka_unit_test(what_is_posted_while_nobody_runs_the_loop_is_done_by_its_thread),
        cmocka_unit_test(what_others_post_is_done_by_the_borrower),
        cmocka_unit_test(what_a_borrower_leaves_undone_is_done_by_the_thread),
        cmocka_unit_test(a_timer_of_a_borrower_fires_when_the_loop_is_nobodys),
        cmocka_unit_test(with_a_call_open_the_loop_is_not_lent),
        cmocka_unit_test(a_lent_loop_ends_with_its_last_reference),
        cmocka_unit_test(sigpipe_does_not_escape_from_a_borrower),
        cmocka_unit_test(at_any_time_one_thread_runs_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
