/* Job workers between two events: what happens while something else has not ended. */
#include "integration/worker_lib.h"

#include <stdio.h>
#include <string.h>

/* ---- jobs that nobody begins ------------------------------------------------------------- */

/* Those that were dropped took the place of others, which were handed back and fetched again as
 * fast as the gateway could. */
static void dropped_jobs_make_room_for_others(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 4);
    weir_worker *worker = world_worker(
        &w, WORLD(&w, .type = "pay", .job_timeout = 50, .max_active = 4, .poll_only = true));
    world_wait_outcomes(&w, WEIR_JOB_LOST, 12);
    weir_worker_counters c = world_counters(worker);
    assert_int_equal(c.returned, 0);
    assert_true(c.waiting <= 4);
    world_finish(worker);
    world_end(&w);
}

static void dropped_jobs_make_room_beside_a_handler_that_hangs(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 5);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = world_hold, .job_timeout = 50,
                               .max_job_time = 600000, .max_active = 4));
    world_wait_outcomes(&w, WEIR_JOB_LOST, 12);
    assert_int_equal(world_counters(worker).returned, 0);
    world_open(&w);
    world_finish(worker);
    world_end(&w);
}

/* ---- a completion that is refused while its handler goes on -------------------------------- */

struct refusal {
    struct world w; /* first: on_settled knows only this */
    size_t asked;   /* @locked by w.lock: how often on_error was called */
    bool slow;      /* it waits for world_open() */
};

/* Completes, and is still there when the gateway has refused that. */
static void complete_and_stay(weir_job *job, void *user)
{
    struct refusal *r = user;
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    pthread_mutex_lock(&r->w.lock);
    r->w.handled++;
    while (r->asked == 0)
        pthread_cond_wait(&r->w.moved, &r->w.lock);
    pthread_mutex_unlock(&r->w.lock);
}

static void count_question(weir_job *job, const weir_error *why, void *user)
{
    struct refusal *r = user;
    pthread_mutex_lock(&r->w.lock);
    r->asked++;
    (void)snprintf(r->w.error, sizeof r->w.error, "%s", why->message);
    pthread_cond_broadcast(&r->w.moved);
    while (r->slow && !r->w.open)
        pthread_cond_wait(&r->w.moved, &r->w.lock);
    pthread_mutex_unlock(&r->w.lock);
    (void)job;
}

static void note_return(weir_job *job, void *user)
{
    struct refusal *r = user;
    (void)job;
    pthread_mutex_lock(&r->w.lock);
    r->w.inside++;
    pthread_cond_broadcast(&r->w.moved);
    pthread_mutex_unlock(&r->w.lock);
}

static void begin_refusal(struct refusal *r)
{
    *r = (struct refusal){.slow = true};
    world_begin(&r->w, NULL);
    world_create(&r->w, "pay", 1);
    sandboxed_fault(r->w.sandbox, "zeebe.CompleteJob 1 status:INVALID_ARGUMENT:\"no such thing\"");
}

/* The handler has settled its job: that it returns while the refusal is dealt with does not make
 * the job a forgotten one. */
static void a_refused_job_is_not_forgotten_by_its_handler(void **state)
{
    struct refusal r;
    (void)state;
    begin_refusal(&r);
    const weir_middleware chain[] = {{NULL, note_return, &r}, {0}};
    weir_worker *worker = world_worker(
        &r.w, WORLD(&r.w, .type = "pay", .handler = complete_and_stay, .middleware = chain,
                    .on_error = count_question, .threads = 2, .retry_backoff = 600000));
    world_wait_inside(&r.w, 1); /* the handler has returned */
    world_create(&r.w, "pay", 1);
    world_wait_inside(&r.w, 2); /* the thread is past the first job */
    world_open(&r.w);
    world_wait_outcomes(&r.w, WEIR_JOB_FAILED, 1);
    assert_non_null(strstr(r.w.error, "no such thing"));
    world_finish(worker);
    assert_int_equal(r.asked, 1);
    world_end(&r.w);
}

static void no_handler(weir_job *job, void *user)
{
    struct refusal *r = user;
    (void)job;
    pthread_mutex_lock(&r->w.lock);
    r->w.most_inside = 1000; /* it must not run */
    pthread_mutex_unlock(&r->w.lock);
}

static void no_handler_runs_for_a_refused_job_that_a_middleware_settled(void **state)
{
    struct refusal r;
    (void)state;
    begin_refusal(&r);
    r.slow = false;
    const weir_middleware chain[] = {{complete_and_stay, NULL, &r}, {0}};
    weir_worker *worker =
        world_worker(&r.w, WORLD(&r.w, .type = "pay", .handler = no_handler, .middleware = chain,
                                 .on_error = count_question, .retry_backoff = 600000));
    world_wait_outcomes(&r.w, WEIR_JOB_FAILED, 1);
    world_finish(worker);
    assert_int_equal(r.w.most_inside, 0);
    assert_int_equal(r.asked, 1);
    world_end(&r.w);
}

/* on_error reads why while the job's holder settles it again. */
static void read_and_settle(weir_job *job, const weir_error *why, void *user)
{
    struct refusal *r = user;
    assert_non_null(strstr(why->message, "no such thing"));
    count_question(job, why, r);
    (void)weir_job_complete(job, NULL);
}

static void a_kept_job_may_be_settled_again_while_its_refusal_is_told(void **state)
{
    struct refusal r;
    (void)state;
    begin_refusal(&r);
    sandboxed_fault(r.w.sandbox, "zeebe.CompleteJob 1 delay:1");
    weir_worker *worker = world_worker(
        &r.w, WORLD(&r.w, .type = "pay", .on_error = read_and_settle, .retry_backoff = 600000));
    weir_job *job = world_next(worker);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    while (weir_job_complete(job, NULL) == WEIR_CONFLICT && /* until it is open again */
           world_outcomes(&r.w, WEIR_JOB_FAILED) + world_outcomes(&r.w, WEIR_JOB_COMPLETED) == 0)
        sched_yield();
    weir_job_free(job);
    world_open(&r.w);
    world_wait_outcomes(&r.w, WEIR_JOB_COMPLETED, 1);
    world_finish(worker);
    world_end(&r.w);
}

/* The engine's word for variables that it cannot write is no word of the gateway's for them. */
static void a_completion_that_the_engine_cannot_write_fails_the_job(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 1);
    sandboxed_fault(w.sandbox, "zeebe.CompleteJob all status:UNKNOWN:\"Command 'COMPLETE' rejected "
                               "with code 'EXCEEDED_BATCH_RECORD_SIZE'\"");
    weir_worker *worker = world_worker(
        &w, WORLD(&w, .type = "pay", .handler = world_handler, .retry_backoff = 600000));
    world_wait_outcomes(&w, WEIR_JOB_FAILED, 1);
    assert_non_null(strstr(w.error, "EXCEEDED_BATCH_RECORD_SIZE"));
    assert_int_equal(world_counters(worker).repeats, 0);
    world_finish(worker);
    world_end(&w);
}

static void a_proxy_without_its_gateway_for_a_moment_costs_no_job(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 1);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler, .poll_only = true));
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
    sandboxed_fault(w.sandbox, "zeebe.CompleteJob 2 status:UNIMPLEMENTED");
    sandboxed_fault(w.sandbox, "zeebe.ActivateJobs 2 status:UNIMPLEMENTED");
    world_create(&w, "pay", 2);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 3);
    assert_int_equal(world_counters(worker).repeats, 2);
    world_finish(worker);
    world_end(&w);
}

/* ---- closing --------------------------------------------------------------------------------- */

struct closing {
    struct world w;
    weir_worker *worker; /* @locked by w.lock */
};

static void close_it(const weir_settled *what, void *user)
{
    struct closing *c = user;
    world_settled(what, &c->w);
    pthread_mutex_lock(&c->w.lock);
    while (!c->worker)
        pthread_cond_wait(&c->w.moved, &c->w.lock);
    weir_worker *worker = c->worker;
    pthread_mutex_unlock(&c->w.lock);
    weir_worker_close(worker);
}

static void closing_in_a_callback_only_stops(void **state)
{
    struct closing c = {0};
    weir_error err = {0};
    (void)state;
    world_begin(&c.w, NULL);
    world_create(&c.w, "pay", 1);
    weir_worker *worker =
        world_worker(&c.w, WEIR_WORKER(.type = "pay", .user = &c, .handler = world_handler,
                                       .on_settled = close_it));
    pthread_mutex_lock(&c.w.lock);
    c.worker = worker;
    pthread_cond_broadcast(&c.w.moved);
    pthread_mutex_unlock(&c.w.lock);
    assert_int_equal(weir_worker_wait(worker, 20000, &err), WEIR_OK);
    weir_worker_close(worker);
    assert_int_equal(c.w.outcomes[WEIR_JOB_COMPLETED], 1);
    world_end(&c.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_jobs_make_room_for_others),
        cmocka_unit_test(dropped_jobs_make_room_beside_a_handler_that_hangs),
        cmocka_unit_test(a_refused_job_is_not_forgotten_by_its_handler),
        cmocka_unit_test(no_handler_runs_for_a_refused_job_that_a_middleware_settled),
        cmocka_unit_test(a_kept_job_may_be_settled_again_while_its_refusal_is_told),
        cmocka_unit_test(a_completion_that_the_engine_cannot_write_fails_the_job),
        cmocka_unit_test(a_proxy_without_its_gateway_for_a_moment_costs_no_job),
        cmocka_unit_test(closing_in_a_callback_only_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
