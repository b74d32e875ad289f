#include "lib/check.h"

#include "core/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

static atomic_int runs;

static void count_run(void *user)
{
    (void)user;
    atomic_fetch_add(&runs, 1);
}

static void what_waits_is_run_before_the_end(void **state)
{
    (void)state;
    struct pool *pool = pool_new(3, NULL);
    atomic_store(&runs, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(pool_run(pool, count_run, NULL), WEIR_OK);
    pool_free(pool);
    assert_int_equal(atomic_load(&runs), 1000);
    pool_free(NULL);
}

static pthread_barrier_t together;

static void meet(void *user)
{
    (void)user;
    pthread_barrier_wait(&together);
}

static void as_many_tasks_run_at_once_as_there_are_threads(void **state)
{
    (void)state;
    struct pool *pool = pool_new(4, NULL);
    pthread_barrier_init(&together, NULL, 4);
    for (int i = 0; i < 8; i++) /* twice four: each four must be there together */
        assert_int_equal(pool_run(pool, meet, NULL), WEIR_OK);
    pool_free(pool);
    pthread_barrier_destroy(&together);
}

static sem_t gate;

static void hold(void *user)
{
    (void)user;
    sem_wait(&gate);
}

static void a_full_queue_says_busy(void **state)
{
    (void)state;
    size_t accepted = 0;
    struct pool *pool = pool_new(1, NULL);
    sem_init(&gate, 0, 0);
    weir_status status = WEIR_OK;
    while (accepted < 100000 && status == WEIR_OK) {
        status = pool_run(pool, accepted ? count_run : hold, NULL);
        accepted += status == WEIR_OK;
    }
    assert_int_equal(status, WEIR_BUSY);
    assert_true(accepted == 65536 || accepted == 65537); /* the first may run already */
    sem_post(&gate);
    pool_free(pool);
    sem_destroy(&gate);
}

struct look {
    struct pool *pool;
    bool inside, blocked;
};

static void look_around(void *user)
{
    struct look *l = user;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    l->inside = pool_inside(l->pool);
    l->blocked = sigismember(&now, SIGINT) && sigismember(&now, SIGTERM);
}

static void a_thread_of_the_pool_knows_it_and_gets_no_signals(void **state)
{
    (void)state;
    struct pool *other = pool_new(1, NULL);
    struct look mine = {.pool = pool_new(1, NULL)};
    struct look theirs = {.pool = other};
    assert_int_equal(pool_run(mine.pool, look_around, &mine), WEIR_OK);
    assert_int_equal(pool_run(mine.pool, look_around, &theirs), WEIR_OK);
    assert_false(pool_inside(mine.pool));
    pool_free(mine.pool);
    pool_free(other);
    assert_true(mine.inside);
    assert_true(mine.blocked);
    assert_false(theirs.inside);
}

static sem_t ended;

static void say_ended(void *user)
{
    (void)user;
    sem_post(&ended);
}

static void close_own(void *user)
{
    struct pool *pool = user;
    assert_int_equal(pool_run(pool, say_ended, NULL), WEIR_OK);
    pool_free(pool);
    atomic_store(&runs, pool_run(pool, count_run, NULL) == WEIR_STOPPED);
    sem_post(&ended);
}

static void a_task_may_free_its_own_pool(void **state)
{
    (void)state;
    sem_init(&ended, 0, 0);
    for (int i = 0; i < 20; i++) {
        struct pool *pool = pool_new(3, NULL);
        assert_int_equal(pool_run(pool, close_own, pool), WEIR_OK);
        sem_wait(&ended);
        sem_wait(&ended);
        assert_int_equal(atomic_load(&runs), 1);
    }
}

struct embedded {
    struct pool_task task; /* first */
    sem_t *done;
    int left;
    struct pool *pool;
};

static void again(struct pool_task *task)
{
    struct embedded *e = (struct embedded *)(void *)task;
    if (--e->left > 0)
        assert_int_equal(pool_post(e->pool, task), WEIR_OK);
    else
        sem_post(e->done);
}

static void an_embedded_task_may_be_posted_again_as_it_runs(void **state)
{
    (void)state;
    sem_t done;
    struct pool *pool = pool_new(4, NULL);
    struct embedded tasks[8];
    sem_init(&done, 0, 0);
    for (size_t i = 0; i < COUNT(tasks); i++) {
        tasks[i] = (struct embedded){{NULL, again}, &done, 1000, pool};
        assert_int_equal(pool_post(pool, &tasks[i].task), WEIR_OK);
    }
    for (size_t i = 0; i < COUNT(tasks); i++)
        sem_wait(&done);
    pool_free(pool);
    sem_destroy(&done);
}

static void handlers_that_block_get_company_round_after_round(void **state)
{
    (void)state;
    struct pool *pool = pool_new(4, NULL);
    pthread_barrier_init(&together, NULL, 5); /* four of the pool, and this one */
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 4; i++)
            assert_int_equal(pool_run(pool, meet, NULL), WEIR_OK);
        pthread_barrier_wait(&together);
    }
    pool_free(pool);
    pthread_barrier_destroy(&together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_run_before_the_end),
        cmocka_unit_test(as_many_tasks_run_at_once_as_there_are_threads),
        cmocka_unit_test(a_full_queue_says_busy),
        cmocka_unit_test(an_embedded_task_may_be_posted_again_as_it_runs),
        cmocka_unit_test(handlers_that_block_get_company_round_after_round),
        cmocka_unit_test(a_thread_of_the_pool_knows_it_and_gets_no_signals),
        cmocka_unit_test(a_task_may_free_its_own_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
