/* Job workers on the sandbox's engine: every way for jobs to come and to be taken, and every way to
 * settle them. */
#include "core/clock.h"
#include "integration/worker_lib.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* ---- taking ------------------------------------------------------------------------------ */

enum face { HANDLER, NEXT, DESCRIPTOR, FACES };

static weir_job *next_by_fd(weir_worker *worker)
{
    weir_job *job = NULL;
    weir_error err = {0};
    struct pollfd p = {weir_worker_fd(worker), POLLIN, 0};
    do {
        assert_int_equal(poll(&p, 1, 20000), 1);
    } while (weir_worker_next(worker, &job, WEIR_NO_WAIT, &err) == WEIR_NOTHING);
    assert_string_equal(err.message, "");
    return job;
}

static void take_all(struct world *w, weir_worker *worker, enum face face, size_t count)
{
    for (size_t i = 0; face != HANDLER && i < count; i++) {
        weir_job *job = face == NEXT ? world_next(worker) : next_by_fd(worker);
        assert_string_equal(weir_job_type(job), "pay");
        assert_int_equal(weir_job_complete(job, "{\"paid\":true}"), WEIR_OK);
        weir_job_free(job);
    }
    world_wait_outcomes(w, WEIR_JOB_COMPLETED, count);
}

static void every_job_is_done_once(enum face face, bool poll_only, bool stream_only)
{
    struct world w;
    const size_t count = 60;
    world_begin(&w, NULL);
    if (!stream_only)
        world_create(&w, "pay", count / 2);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = face == HANDLER ? world_handler : NULL,
                               .max_active = 8, .threads = 2, .poll_only = poll_only,
                               .stream_only = stream_only));
    sandboxed_wait(w.sandbox, stream_only ? "zeebe.StreamActivatedJobs" : "zeebe.ActivateJobs", 1);
    world_create(&w, "pay", stream_only ? count : count / 2);
    take_all(&w, worker, face, count);
    weir_worker_counters c = world_counters(worker);
    assert_int_equal(c.activated, count);
    assert_int_equal(c.completed, count);
    assert_int_equal(c.polled + c.streamed, count);
    assert_int_equal(poll_only ? c.streamed : 0, 0);
    assert_int_equal(stream_only ? c.polled + c.polls : 0, 0);
    assert_int_equal(c.failed + c.lost + c.thrown + c.returned, 0);
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.CompleteJob"), count);
    world_finish(worker);
    world_end(&w);
}

static void jobs_come_by_polls_and_streams_to_every_face(void **state)
{
    (void)state;
    for (enum face face = HANDLER; face < FACES; face++) {
        every_job_is_done_once(face, false, false);
        every_job_is_done_once(face, true, false);
        every_job_is_done_once(face, false, true);
    }
}

static void no_more_than_max_active_are_in_hand(void **state)
{
    struct world w;
    weir_job *jobs[4], *none;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 20);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .max_active = 4));
    for (size_t i = 0; i < 4; i++)
        jobs[i] = world_next(worker);
    world_create(&w, "pay", 20); /* which the stream would like to deliver */
    assert_int_equal(weir_worker_next(worker, &none, 50, &err), WEIR_NOTHING);
    assert_null(none);
    assert_int_equal(world_counters(worker).active, 4);
    for (size_t i = 0; i < 40; i++) {
        weir_job *job = i < 4 ? jobs[i] : world_next(worker);
        assert_true(world_counters(worker).active <= 4);
        assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
        weir_job_free(job);
    }
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 40);
    world_finish(worker);
    world_end(&w);
}

/* All wait for each other, so all must run at once. */
static void so_many_handlers_run_at_once_as_were_asked_for(void **state)
{
    enum { THREADS = 64 };
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .handler = world_hold,
                                                 .threads = THREADS, .max_active = 2 * THREADS));
    world_create(&w, "pay", THREADS + 8);
    world_wait_inside(&w, THREADS);
    world_open(&w);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, THREADS + 8);
    assert_int_equal(w.most_inside, THREADS);
    world_finish(worker);
    world_end(&w);
}

static void types_share_a_connection_and_no_handler(void **state)
{
    struct world w;
    weir_worker *workers[3];
    static const char *const types[] = {"pay", "ship", "bill"};
    (void)state;
    world_begin(&w, NULL);
    world_deploy(&w, "ship");
    world_deploy(&w, "bill");
    for (size_t i = 0; i < 3; i++)
        workers[i] = world_worker(
            &w, WORLD(&w, .type = types[i], .handler = i == 0 ? world_hold : world_handler));
    world_create(&w, "pay", 1);
    world_wait_inside(&w, 1); /* whose handler holds up no other type */
    world_create(&w, "ship", 5);
    world_create(&w, "bill", 5);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 10);
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.connections"), 1);
    world_open(&w);
    for (size_t i = 0; i < 3; i++)
        world_finish(workers[i]);
    world_end(&w);
}

/* ---- what a job says --------------------------------------------------------------------- */

static void a_job_says_what_the_gateway_said(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .name = "it", .job_timeout = 60000));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    assert_true(weir_job_key(job) > 0);
    assert_int_equal(weir_job_retries(job), 3);
    assert_true(weir_job_is_ours(job));
    assert_in_range(weir_job_time_left(job), 1, 60000);
    assert_true(weir_job_deadline(job) > 0);
    assert_int_equal(weir_json_int(weir_job_vars(job), "/order", 0), 17);
    assert_string_equal(weir_json_str(weir_job_headers(job), "/colour", ""), "red");
    assert_string_equal(weir_job_attr(job, "bpmnProcessId"), "p-pay");
    assert_string_equal(weir_job_attr(job, "elementId"), "task");
    assert_string_equal(weir_job_attr(job, "worker"), "it");
    assert_string_equal(weir_job_attr(job, "tenantId"), "<default>");
    assert_string_equal(weir_job_attr(job, "retries"), "3");
    assert_string_equal(weir_job_attr(job, "kind"), "BPMN_ELEMENT");
    assert_string_equal(weir_job_attr(job, "tags"), "[]");
    assert_non_null(weir_job_attr(job, "processInstanceKey"));
    assert_null(weir_job_attr(job, "userTask"));
    assert_null(weir_job_attr(job, "processDefinitionkey"));
    assert_string_equal(weir_job_attr(job, "variables"), "{\"order\":17}");
    char *json = weir_job_json(job, &err);
    weir_json *tree = weir_json_parse(json, strlen(json), &err);
    assert_string_equal(weir_json_str(tree, "/variables", ""), "{\"order\":17}");
    weir_json_free(tree);
    weir_free(json);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    world_finish(worker);
    world_end(&w);
}

/* ---- settling ---------------------------------------------------------------------------- */

static void settled_twice_is_a_conflict_and_bad_arguments_leave_a_job_open(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay"));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    assert_int_equal(weir_job_complete(job, "[1]"), WEIR_INVALID);
    assert_int_equal(weir_job_complete(job, "{\"a\":"), WEIR_INVALID);
    assert_int_equal(weir_job_completef(job, "{s:"), WEIR_INVALID);
    assert_int_equal(weir_job_completef(job, "[i]", 1), WEIR_INVALID);
    assert_int_equal(weir_job_complete_with(job, WEIR_COMPLETION(.result = "{\"no\":1}")),
                     WEIR_INVALID);
    assert_int_equal(weir_job_throw(job, NULL, "x"), WEIR_INVALID);
    assert_int_equal(weir_job_throw(job, "", "x"), WEIR_INVALID);
    assert_int_equal(weir_job_fail(job, -7, 0, "x"), WEIR_INVALID);
    assert_int_equal(weir_job_fail(job, 1, -5, "x"), WEIR_INVALID);
    assert_int_equal(weir_job_raise(job, NULL), WEIR_INVALID);
    assert_int_equal(weir_job_complete(NULL, NULL), WEIR_INVALID);
    assert_int_equal(weir_job_settled(job), WEIR_JOB_OPEN);
    assert_int_equal(weir_job_complete(job, "{}"), WEIR_OK);
    assert_int_equal(weir_job_settled(job), WEIR_JOB_COMPLETED);
    assert_false(weir_job_is_ours(job));
    assert_int_equal(weir_job_complete(job, "{}"), WEIR_CONFLICT);
    assert_int_equal(weir_job_fail(job, 1, 0, "x"), WEIR_CONFLICT);
    assert_int_equal(weir_job_throw(job, "C", NULL), WEIR_CONFLICT);
    weir_job_free(job);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
    world_finish(worker);
    world_end(&w);
}

static void forget(weir_job *job, void *user)
{
    (void)job, (void)user;
}

static void forget_badly(weir_job *job, void *user)
{
    (void)user;
    assert_int_equal(weir_job_complete(job, "7"), WEIR_INVALID);
}

static void throw_it(weir_job *job, void *user)
{
    (void)user;
    assert_int_equal(weir_job_throw(job, "NO_MONEY", "none left"), WEIR_OK);
}

static void raise_it(weir_job *job, void *user)
{
    const weir_error why = {.status = WEIR_REFUSED, .message = "it went wrong"};
    (void)user;
    assert_int_equal(weir_job_raise(job, &why), WEIR_OK);
}

static void fail_it(weir_job *job, void *user)
{
    char long_message[20000];
    (void)user;
    memset(long_message, 'x', sizeof long_message - 1);
    long_message[sizeof long_message - 1] = '\0';
    assert_int_equal(weir_job_fail(job, 0, 0, "%d %s", 5, long_message), WEIR_OK);
}

/* The first job of a handler ends so, and says that. */
static void expect_outcome(weir_job_fn *handler, weir_job_error_fn *on_error,
                           weir_job_outcome outcome, const char *words)
{
    struct world w;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .handler = handler,
                                                 .on_error = on_error, .retry_backoff = 60000));
    world_create(&w, "pay", 1);
    world_wait_outcomes(&w, outcome, 1);
    if (!strstr(w.error, words))
        fail_msg("\"%s\" is not in \"%s\"", words, w.error);
    world_finish(worker);
    world_end(&w);
}

static void complete_instead(weir_job *job, const weir_error *why, void *user)
{
    (void)user;
    assert_true(why->status != WEIR_OK);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
}

static void only_look(weir_job *job, const weir_error *why, void *user)
{
    (void)job, (void)user;
    assert_true(*why->message);
}

static void what_a_handler_does_becomes_the_outcome(void **state)
{
    (void)state;
    expect_outcome(forget, NULL, WEIR_JOB_FAILED, "returned without having settled");
    expect_outcome(forget_badly, NULL, WEIR_JOB_FAILED, "a JSON object was expected");
    expect_outcome(forget, only_look, WEIR_JOB_FAILED, "returned without having settled");
    expect_outcome(forget, complete_instead, WEIR_JOB_COMPLETED, "");
    expect_outcome(throw_it, NULL, WEIR_JOB_THROWN, "none left");
    expect_outcome(raise_it, NULL, WEIR_JOB_FAILED, "it went wrong");
    expect_outcome(raise_it, complete_instead, WEIR_JOB_COMPLETED, "");
    expect_outcome(fail_it, NULL, WEIR_JOB_FAILED, "5 xxxx");
}

static void a_failed_job_comes_again_with_one_try_less(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay"));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    int64_t key = weir_job_key(job);
    assert_int_equal(weir_job_fail(job, WEIR_RETRIES_LESS, WEIR_ZERO, "no"), WEIR_OK);
    weir_job_free(job);
    job = world_next(worker);
    assert_true(weir_job_key(job) == key);
    assert_int_equal(weir_job_retries(job), 2);
    assert_int_equal(weir_job_fail(job, WEIR_RETRIES_SAME, 0, "no"), WEIR_OK);
    weir_job_free(job);
    job = world_next(worker);
    assert_int_equal(weir_job_retries(job), 2);
    weir_job_free(job); /* unsettled */
    world_wait_outcomes(&w, WEIR_JOB_FAILED, 3);
    assert_non_null(strstr(w.error, "released without having been settled"));
    world_finish(worker);
    world_end(&w);
}

static void result_of_a_completion_reaches_the_process(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler));
    weir_instance *instance = weir_zeebe_create_with_result(
        w.zeebe, WEIR_CREATE_INSTANCE(.process_id = "p-pay", .variables = "{\"order\":17}"), 20000,
        &err);
    assert_string_equal(err.message, "");
    assert_non_null(strstr(instance->variables, "\"paid\":true"));
    weir_instance_free(instance);
    world_finish(worker);
    world_end(&w);
}

/* ---- kept -------------------------------------------------------------------------------- */

static _Atomic(weir_job *) kept;

static void keep_it(weir_job *job, void *user)
{
    (void)user;
    atomic_store(&kept, weir_job_keep(job));
}

static void a_kept_job_is_settled_anywhere(void **state)
{
    struct world w;
    weir_job *job;
    (void)state;
    world_begin(&w, NULL);
    atomic_store(&kept, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .handler = keep_it));
    world_create(&w, "pay", 1);
    while (!(job = atomic_load(&kept)))
        sched_yield();
    assert_int_equal(world_counters(worker).active, 1);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
    world_finish(worker);
    world_end(&w);
}

static void a_job_outlives_its_worker_and_its_channel(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .drain = WEIR_ZERO));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    weir_worker_close(worker);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_LOST), 1);
    world_end(&w);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_CONFLICT);
    assert_false(weir_job_is_ours(job));
    assert_string_equal(weir_job_type(job), "pay");
    weir_job_free(job);
}

/* ---- middleware -------------------------------------------------------------------------- */

static char order[64];

static void mark(const char *text)
{
    strncat(order, text, sizeof order - strlen(order) - 1);
}

static void before(weir_job *job, void *user)
{
    (void)job;
    mark(user);
}

static void after(weir_job *job, void *user)
{
    (void)job;
    mark("/");
    mark(user);
}

static void before_settles(weir_job *job, void *user)
{
    mark(user);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
}

static void marked_handler(weir_job *job, void *user)
{
    mark("H");
    world_handler(job, user);
}

static void run_chain(const weir_middleware *chain, const char *expected)
{
    struct world w;
    world_begin(&w, NULL);
    order[0] = '\0';
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = marked_handler, .middleware = chain));
    world_create(&w, "pay", 1);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
    world_finish(worker);
    assert_string_equal(order, expected);
    world_end(&w);
}

static void middleware_runs_in_order_and_in_reverse(void **state)
{
    char a[] = "a", b[] = "b", c[] = "c";
    const weir_middleware all[] = {{before, after, a}, {NULL, after, b}, {before, NULL, c}, {0}};
    const weir_middleware settled[] = {
        {before, after, a}, {before_settles, after, b}, {before, after, c}, {0}};
    (void)state;
    run_chain(all, "acH/b/a");
    run_chain(settled, "ab/b/a");
}

/* ---- options ----------------------------------------------------------------------------- */

static void refused(struct world *w, const weir_worker_options *o, const char *words)
{
    weir_error err = {0};
    assert_null(weir_worker_open(w->channel, o, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void absurd_options_are_refused_by_name(void **state)
{
    static const char *const blank[] = {"a", "", NULL};
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    refused(&w, NULL, "type");
    refused(&w, WEIR_WORKER(.type = " \n"), "type");
    refused(&w, WEIR_WORKER(.type = "t", .threads = -1),
            "threads -1: it must be between 1 and 1024");
    refused(&w, WEIR_WORKER(.type = "t", .threads = 1025), "threads");
    refused(&w, WEIR_WORKER(.type = "t", .max_active = -3), "max_active -3");
    refused(&w, WEIR_WORKER(.type = "t", .max_active = 1000001), "max_active");
    refused(&w, WEIR_WORKER(.type = "t", .max_active = WEIR_ZERO), "max_active");
    refused(&w, WEIR_WORKER(.type = "t", .job_timeout = -1), "job_timeout");
    refused(&w, WEIR_WORKER(.type = "t", .max_job_time = -1), "max_job_time");
    refused(&w, WEIR_WORKER(.type = "t", .poll_interval = -1), "poll_interval");
    refused(&w, WEIR_WORKER(.type = "t", .poll_threshold = 1.5), "poll_threshold 1.5");
    refused(&w, WEIR_WORKER(.type = "t", .poll_threshold = -0.1), "poll_threshold");
    refused(&w, WEIR_WORKER(.type = "t", .long_poll = -7), "long_poll");
    refused(&w, WEIR_WORKER(.type = "t", .stream_timeout = -7), "stream_timeout");
    refused(&w, WEIR_WORKER(.type = "t", .retry_backoff = -7), "retry_backoff");
    refused(&w, WEIR_WORKER(.type = "t", .drain = -7), "drain");
    refused(&w, WEIR_WORKER(.type = "t", .give_up = -7), "give_up");
    refused(&w, WEIR_WORKER(.type = "t", .poll_only = true, .stream_only = true), "poll_only");
    refused(&w, WEIR_WORKER(.type = "t", .fetch_variables = blank), "fetch_variables: entry 2");
    refused(&w, WEIR_WORKER(.type = "t", .tenant_ids = blank), "tenant_ids");
    refused(&w, WEIR_WORKER(.type = "t", .tenant_filter = (weir_tenant_filter)7), "tenant_filter");
    world_end(&w);
}

static void a_missing_worker_is_explained(void **state)
{
    weir_error err = {0};
    weir_job *job;
    (void)state;
    assert_int_equal(weir_worker_wait(NULL, WEIR_NO_WAIT, &err), WEIR_INVALID);
    assert_int_equal(weir_worker_next(NULL, &job, WEIR_NO_WAIT, &err), WEIR_INVALID);
    assert_int_equal(weir_worker_fd(NULL), -1);
    weir_worker_stop(NULL);
    weir_worker_close(NULL);
    weir_job_free(NULL);
    assert_null(weir_job_keep(NULL));
    err = (weir_error){.status = WEIR_MISSING, .message = "before"};
    assert_null(weir_worker_open(NULL, WEIR_WORKER(.type = "t"), &err));
    assert_string_equal(err.message, "before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_come_by_polls_and_streams_to_every_face),
        cmocka_unit_test(no_more_than_max_active_are_in_hand),
        cmocka_unit_test(so_many_handlers_run_at_once_as_were_asked_for),
        cmocka_unit_test(types_share_a_connection_and_no_handler),
        cmocka_unit_test(a_job_says_what_the_gateway_said),
        cmocka_unit_test(settled_twice_is_a_conflict_and_bad_arguments_leave_a_job_open),
        cmocka_unit_test(what_a_handler_does_becomes_the_outcome),
        cmocka_unit_test(a_failed_job_comes_again_with_one_try_less),
        cmocka_unit_test(result_of_a_completion_reaches_the_process),
        cmocka_unit_test(a_kept_job_is_settled_anywhere),
        cmocka_unit_test(a_job_outlives_its_worker_and_its_channel),
        cmocka_unit_test(middleware_runs_in_order_and_in_reverse),
        cmocka_unit_test(absurd_options_are_refused_by_name),
        cmocka_unit_test(a_missing_worker_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
