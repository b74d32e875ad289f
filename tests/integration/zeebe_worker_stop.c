/* Stopping a worker: from threads, callbacks, signal handlers and by closing, with jobs in every
 * place where they can be. */
#include "core/clock.h"
#include "integration/worker_lib.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void what_was_not_begun_is_handed_back_with_the_same_tries(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 5);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .handler = world_hold));
    world_wait_inside(&w, 1);
    while (world_counters(worker).active < 5)
        sched_yield();
    weir_worker_stop(worker);
    world_wait_outcomes(&w, WEIR_JOB_RETURNED, 4); /* at once, not after the handler */
    assert_int_equal(weir_worker_wait(worker, WEIR_NO_WAIT, &err), WEIR_NOTHING);
    world_open(&w);
    assert_int_equal(weir_worker_wait(worker, 20000, &err), WEIR_OK);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_COMPLETED), 1);
    assert_int_equal(w.handled, 1);
    weir_worker_close(worker);

    worker = world_worker(&w, WORLD(&w, .type = "pay"));
    for (int i = 0; i < 4; i++) {
        weir_job *job = world_next(worker);
        assert_int_equal(weir_job_retries(job), 3);
        assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
        weir_job_free(job);
    }
    world_finish(worker);
    world_end(&w);
}

static void a_stopped_worker_wakes_who_waits_and_gives_nothing_more(void **state)
{
    struct world w;
    weir_job *job;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay"));
    world_create(&w, "pay", 2);
    struct pollfd p = {weir_worker_fd(worker), POLLIN, 0};
    assert_int_equal(poll(&p, 1, 20000), 1);
    weir_worker_stop(worker);
    assert_int_equal(weir_worker_next(worker, &job, 20000, &err), WEIR_STOPPED);
    assert_null(job);
    assert_int_equal(poll(&p, 1, 20000), 1); /* readable for ever */
    assert_int_equal(weir_worker_wait(worker, 20000, &err), WEIR_OK);
    assert_int_equal(weir_worker_next(worker, &job, 20000, &err), WEIR_STOPPED);
    weir_worker_counters c = world_counters(worker);
    assert_int_equal(c.activated, c.returned);
    weir_worker_close(worker);
    world_end(&w);
}

static weir_worker *signalled;

static void on_signal(int number)
{
    (void)number;
    weir_worker_stop(signalled);
}

static void a_signal_handler_may_stop_it(void **state)
{
    struct world w;
    weir_error err = {0};
    struct sigaction action = {.sa_handler = on_signal}, old;
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 3);
    signalled = world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler));
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 3);
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    raise(SIGUSR1);
    assert_int_equal(weir_worker_wait(signalled, 20000, &err), WEIR_OK);
    sigaction(SIGUSR1, &old, NULL);
    weir_worker_close(signalled);
    world_end(&w);
}

static void what_is_in_hand_past_the_drain_limit_is_given_up(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 1);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .drain = 50));
    weir_job *job = world_next(worker);
    weir_worker_stop(worker);
    assert_int_equal(weir_worker_wait(worker, 20000, &err), WEIR_OK);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_LOST), 1);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_CONFLICT);
    assert_false(weir_job_is_ours(job));
    weir_job_free(job);
    weir_worker_close(worker);
    worker = world_worker(&w, WORLD(&w, .type = "pay")); /* it was handed back */
    job = world_next(worker);
    assert_int_equal(weir_job_retries(job), 3);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    world_finish(worker);
    world_end(&w);
}

static void the_second_stop_is_at_once(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 2);
    sandboxed_fault(w.sandbox, "zeebe.CompleteJob all hang");
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .drain = WEIR_FOREVER, .max_active = 2));
    weir_job *done = world_next(worker), *kept = world_next(worker);
    assert_int_equal(weir_job_complete(done, NULL), WEIR_OK);
    sandboxed_wait(w.sandbox, "zeebe.CompleteJob", 1);
    weir_worker_stop(worker);
    assert_int_equal(weir_worker_wait(worker, 50, &err), WEIR_NOTHING);
    weir_worker_stop(worker);
    assert_int_equal(weir_worker_wait(worker, 20000, &err), WEIR_OK);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_LOST), 2);
    assert_int_equal(weir_job_complete(kept, NULL), WEIR_CONFLICT);
    weir_job_free(done);
    weir_job_free(kept);
    weir_worker_close(worker);
    world_end(&w);
}

static void a_gateway_that_is_gone_does_not_hold_up_the_end_for_ever(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 3);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .drain = 50, .max_active = 3));
    weir_job *job = world_next(worker);
    assert_int_equal(sandbox_service_stop(w.sandbox, "zeebe", &err), WEIR_OK);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    weir_worker_close(worker);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_COMPLETED), 0);
    world_end(&w);
}

/* ---- callbacks --------------------------------------------------------------------------- */

static weir_worker *own;

static void stop_and_wait_within(weir_job *job, void *user)
{
    weir_error err = {0};
    (void)user;
    weir_worker_stop(own);
    assert_int_equal(weir_worker_wait(own, 20000, &err), WEIR_INVALID);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
}

static void a_handler_may_stop_its_worker_but_not_wait_for_it(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    own = world_worker(&w, WORLD(&w, .type = "pay", .handler = stop_and_wait_within));
    world_create(&w, "pay", 1);
    assert_int_equal(weir_worker_wait(own, 20000, &err), WEIR_OK);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_COMPLETED), 1);
    weir_worker_close(own);
    world_end(&w);
}

/* After closing nothing is called any more: the book is gone by then. */
static void closing_in_the_middle_of_everything_is_quiet(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct world w;
        weir_error err = {0};
        world_begin(&w, NULL);
        world_create(&w, "pay", 40);
        weir_worker *handled =
            world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler, .threads = 4));
        weir_worker *taken = world_worker(&w, WORLD(&w, .type = "pay", .drain = WEIR_ZERO));
        weir_job *job = NULL;
        if (round % 3 == 0)
            world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
        if (round % 3 == 1 && weir_worker_next(taken, &job, 100, &err) == WEIR_OK)
            weir_job_complete(job, NULL);
        weir_worker_close(taken);
        if (round % 4 == 2)
            sandbox_service_stop(w.sandbox, "zeebe", &err);
        weir_job_free(job);
        if (round % 2)
            weir_worker_stop(handled);
        if (round % 4 == 2) { /* nobody answers any more */
            weir_worker_stop(handled);
            weir_worker_stop(handled);
        }
        weir_worker_close(handled);
        memset(w.outcomes, 0xff, sizeof w.outcomes);
        world_end(&w);
    }
}

static void a_worker_that_is_closed_at_once_has_done_nothing(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    for (int i = 0; i < 50; i++)
        weir_worker_close(world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler)));
    assert_int_equal(w.handled, 0);
    world_end(&w);
}

/* ---- many -------------------------------------------------------------------------------- */

static void *settle_all(void *user)
{
    weir_worker *worker = user;
    weir_job *job;
    weir_error err = {0};
    while (weir_worker_next(worker, &job, WEIR_FOREVER, &err) == WEIR_OK) {
        assert_int_equal(weir_job_complete(job, "{}"), WEIR_OK);
        weir_job_free(job);
    }
    assert_int_equal(err.status, WEIR_STOPPED);
    return NULL;
}

static void many_threads_take_from_one_worker(void **state)
{
    enum { THREADS = 16, JOBS = 300 };
    struct world w;
    pthread_t threads[THREADS];
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay"));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, settle_all, worker), 0);
    world_create(&w, "pay", JOBS);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, JOBS);
    weir_worker_stop(worker);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(world_counters(worker).activated, JOBS);
    weir_worker_close(worker);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_begun_is_handed_back_with_the_same_tries),
        cmocka_unit_test(a_stopped_worker_wakes_who_waits_and_gives_nothing_more),
        cmocka_unit_test(a_signal_handler_may_stop_it),
        cmocka_unit_test(what_is_in_hand_past_the_drain_limit_is_given_up),
        cmocka_unit_test(the_second_stop_is_at_once),
        cmocka_unit_test(a_gateway_that_is_gone_does_not_hold_up_the_end_for_ever),
        cmocka_unit_test(a_handler_may_stop_its_worker_but_not_wait_for_it),
        cmocka_unit_test(closing_in_the_middle_of_everything_is_quiet),
        cmocka_unit_test(a_worker_that_is_closed_at_once_has_done_nothing),
        cmocka_unit_test(many_threads_take_from_one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
