/* Job workers whose gateway misbehaves: what is repeated and what is not, locks, outages, and what
 * a worker does not survive. */
#include "core/clock.h"
#include "integration/worker_lib.h"
#include "lib/h2server.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* One job is settled by `handler` while the gateway does as `script` says. */
static void settle_under(const char *const *script, weir_job_fn *handler, weir_job_outcome outcome,
                         const char *words, uint64_t repeats)
{
    struct world w;
    const char *first = *script;
    world_begin(&w, NULL);
    world_create(&w, "pay", 1);
    for (; *script; script++)
        sandboxed_fault(w.sandbox, *script);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = handler, .retry_backoff = 600000));
    world_wait_outcomes(&w, outcome, 1);
    if (!strstr(w.error, words))
        fail_msg("%s: \"%s\" is not in \"%s\"", first, words, w.error);
    uint64_t repeated = world_counters(worker).repeats;
    if (repeated != repeats)
        fail_msg("%s: repeated %d times, not %d", first, (int)repeated, (int)repeats);
    world_finish(worker);
    world_end(&w);
}

static void fail_it(weir_job *job, void *user)
{
    (void)user;
    assert_int_equal(weir_job_fail(job, WEIR_RETRIES_LESS, 0, "broken"), WEIR_OK);
}

static void throw_it(weir_job *job, void *user)
{
    (void)user;
    assert_int_equal(weir_job_throw(job, "C", "thrown"), WEIR_OK);
}

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_completion_is_repeated_until_the_gateway_has_it(void **state)
{
    (void)state;
    settle_under(SCRIPT("zeebe.CompleteJob 2 status:UNAVAILABLE"), world_handler,
                 WEIR_JOB_COMPLETED, "", 2);
    settle_under(SCRIPT("zeebe.CompleteJob 1 cut"), world_handler, WEIR_JOB_COMPLETED, "", 1);
    settle_under(SCRIPT("zeebe.CompleteJob 1 status:INTERNAL"), world_handler, WEIR_JOB_COMPLETED,
                 "", 1);
    settle_under(SCRIPT("zeebe.CompleteJob 2 status:RESOURCE_EXHAUSTED"), world_handler,
                 WEIR_JOB_COMPLETED, "", 2);
    settle_under(SCRIPT("zeebe.CompleteJob 1 garbage"), world_handler, WEIR_JOB_COMPLETED, "", 1);
    settle_under(SCRIPT("zeebe.CompleteJob 1 goaway"), world_handler, WEIR_JOB_COMPLETED, "", 0);
}

static void not_found_after_a_first_try_that_may_have_arrived_is_success(void **state)
{
    (void)state;
    settle_under(SCRIPT("zeebe.CompleteJob 1 cut", "zeebe.CompleteJob 1 status:NOT_FOUND"),
                 world_handler, WEIR_JOB_COMPLETED, "", 1);
    settle_under(SCRIPT("zeebe.CompleteJob 1 status:NOT_FOUND:\"gone\""), world_handler,
                 WEIR_JOB_LOST, "gone", 0);
    settle_under(SCRIPT("zeebe.CompleteJob 1 status:RESOURCE_EXHAUSTED",
                        "zeebe.CompleteJob 1 status:NOT_FOUND:\"gone\""),
                 world_handler, WEIR_JOB_LOST, "gone", 1);
}

static void a_failure_is_repeated_only_if_it_provably_did_not_arrive(void **state)
{
    (void)state;
    settle_under(SCRIPT("zeebe.FailJob 1 status:UNAVAILABLE:\"who knows\""), fail_it, WEIR_JOB_LOST,
                 "who knows", 0);
    settle_under(SCRIPT("zeebe.FailJob 1 cut"), fail_it, WEIR_JOB_LOST, "", 0);
    settle_under(SCRIPT("zeebe.ThrowError 1 status:INTERNAL:\"who knows\""), throw_it,
                 WEIR_JOB_LOST, "who knows", 0);
    settle_under(SCRIPT("zeebe.FailJob 2 status:RESOURCE_EXHAUSTED"), fail_it, WEIR_JOB_FAILED,
                 "broken", 2);
    settle_under(SCRIPT("zeebe.ThrowError 1 status:RESOURCE_EXHAUSTED"), throw_it, WEIR_JOB_THROWN,
                 "thrown", 1);
    settle_under(SCRIPT("zeebe.FailJob 1 goaway"), fail_it, WEIR_JOB_FAILED, "broken", 0);
}

static void a_completion_that_is_called_invalid_fails_the_job_with_the_gateways_words(void **state)
{
    (void)state;
    settle_under(SCRIPT("zeebe.CompleteJob 1 status:INVALID_ARGUMENT:\"no such thing\""),
                 world_handler, WEIR_JOB_FAILED, "no such thing", 0);
    settle_under(SCRIPT("zeebe.ThrowError 1 status:INVALID_ARGUMENT:\"bad code\""), throw_it,
                 WEIR_JOB_FAILED, "bad code", 0);
}

static void complete_better(weir_job *job, const weir_error *why, void *user)
{
    (void)user;
    assert_non_null(strstr(why->message, "no such thing"));
    assert_int_equal(weir_job_settled(job), WEIR_JOB_OPEN);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
}

static void on_error_may_do_better_once(uint32_t refusals, weir_job_outcome outcome)
{
    struct world w;
    char fault[128];
    world_begin(&w, NULL);
    world_create(&w, "pay", 1);
    snprintf(fault, sizeof fault, "zeebe.CompleteJob %u status:INVALID_ARGUMENT:\"no such thing\"",
             (unsigned)refusals);
    sandboxed_fault(w.sandbox, fault);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler,
                               .on_error = complete_better, .retry_backoff = 600000));
    world_wait_outcomes(&w, outcome, 1);
    world_finish(worker);
    world_end(&w);
}

static void an_invalid_completion_is_given_to_on_error_once(void **state)
{
    (void)state;
    on_error_may_do_better_once(1, WEIR_JOB_COMPLETED);
    on_error_may_do_better_once(2, WEIR_JOB_FAILED);
}

/* ---- GOAWAY and restarts ------------------------------------------------------------------- */

enum { MANY = 64 };

static void take_many(weir_worker *worker, weir_job **jobs)
{
    for (size_t i = 0; i < MANY; i++)
        jobs[i] = world_next(worker);
}

static void complete_many(weir_job **jobs)
{
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(weir_job_complete(jobs[i], NULL), WEIR_OK);
        weir_job_free(jobs[i]);
    }
}

static void goaway_with_64_in_flight_loses_none(void **state)
{
    struct world w;
    weir_job *jobs[MANY];
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .max_active = MANY));
    world_create(&w, "pay", MANY);
    take_many(worker, jobs);
    sandboxed_fault(w.sandbox, "zeebe.CompleteJob 3 goaway");
    complete_many(jobs);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, MANY);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_LOST), 0);
    world_finish(worker);
    world_end(&w);
}

static void a_gateway_that_restarts_with_jobs_in_flight_gets_every_outcome(void **state)
{
    struct world w;
    weir_job *jobs[MANY];
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .max_active = MANY));
    world_create(&w, "pay", MANY);
    take_many(worker, jobs);
    assert_int_equal(sandbox_service_stop(w.sandbox, "zeebe", &err), WEIR_OK);
    complete_many(jobs);
    world_wait_news(&w, WEIR_WORKER_OUTAGE, 1);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_COMPLETED), 0);
    assert_int_equal(sandbox_service_start(w.sandbox, "zeebe", &err), WEIR_OK);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, MANY);
    world_wait_news(&w, WEIR_WORKER_RECOVERED, 1);
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, MANY + 1);
    assert_int_equal(w.news[WEIR_WORKER_OUTAGE], 1);
    assert_int_equal(w.news[WEIR_WORKER_RECOVERED], 1);
    world_finish(worker);
    world_end(&w);
}

/* ---- fetching ------------------------------------------------------------------------------ */

static void fetch_under(const char *fault, bool poll_only)
{
    struct world w;
    world_begin(&w, NULL);
    world_create(&w, "pay", 3);
    sandboxed_fault(w.sandbox, fault);
    weir_worker *worker = world_worker(
        &w, WORLD(&w, .type = "pay", .handler = world_handler, .poll_only = poll_only));
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 3);
    world_finish(worker);
    world_end(&w);
}

static void fetching_survives_what_a_gateway_may_do(void **state)
{
    (void)state;
    fetch_under("zeebe.ActivateJobs 3 status:RESOURCE_EXHAUSTED", true);
    fetch_under("zeebe.ActivateJobs 2 status:UNAVAILABLE", true);
    fetch_under("zeebe.ActivateJobs 1 status:INTERNAL", true);
    fetch_under("zeebe.ActivateJobs 1 status:DEADLINE_EXCEEDED", true);
    fetch_under("zeebe.ActivateJobs 1 cut", true);
    fetch_under("zeebe.ActivateJobs 1 goaway", true);
    fetch_under("zeebe.ActivateJobs 1 garbage", true);
    fetch_under("zeebe.ActivateJobs 1 http:503", true);
    fetch_under("zeebe.StreamActivatedJobs 2 cut", false);
    fetch_under("zeebe.StreamActivatedJobs 2 status:UNAVAILABLE", false);
}

static void a_stream_goes_on_after_it_was_cut(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    sandboxed_fault(w.sandbox, "zeebe.StreamActivatedJobs 2 status:UNAVAILABLE");
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler, .stream_only = true));
    sandboxed_wait(w.sandbox, "zeebe.StreamActivatedJobs", 3);
    world_create(&w, "pay", 3);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 3);
    assert_int_equal(world_counters(worker).streamed, 3);
    world_finish(worker);
    world_end(&w);
}

static void a_gateway_without_streams_is_polled_and_that_is_said_once(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    sandboxed_fault(w.sandbox, "zeebe.StreamActivatedJobs all status:UNIMPLEMENTED");
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = world_handler, .max_active = 2));
    world_wait_news(&w, WEIR_WORKER_WITHOUT_STREAM, 1);
    world_create(&w, "pay", 5);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 5);
    assert_int_equal(w.news[WEIR_WORKER_WITHOUT_STREAM], 1);
    assert_int_equal(world_counters(worker).streams, 1);
    world_finish(worker);
    world_end(&w);
}

/* ---- locks --------------------------------------------------------------------------------- */

static void a_slow_handlers_lock_is_extended(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .job_timeout = 4000));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    int64_t first = weir_job_deadline(job);
    sandboxed_wait(w.sandbox, "zeebe.UpdateJobTimeout", 1);
    while (weir_job_deadline(job) == first)
        sched_yield();
    assert_true(weir_job_deadline(job) > first);
    assert_true(weir_job_is_ours(job));
    assert_int_equal(world_counters(worker).heartbeats, 1);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
    world_finish(worker);
    world_end(&w);
}

static void a_gateway_that_extends_no_locks_is_asked_once(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    sandboxed_fault(w.sandbox, "zeebe.UpdateJobTimeout all status:UNIMPLEMENTED");
    weir_worker *worker = world_worker(
        &w, WORLD(&w, .type = "pay", .job_timeout = 400, .max_active = 2, .poll_only = true));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    sandboxed_wait(w.sandbox, "zeebe.UpdateJobTimeout", 1);
    while (weir_job_is_ours(job)) /* its lock runs out then */
        sched_yield();
    assert_int_equal(world_counters(worker).heartbeats, 1);
    assert_int_equal(weir_job_time_left(job), 0);
    assert_int_equal(weir_job_fail(job, 1, 0, "too late"), WEIR_OK);
    weir_job_free(job);
    world_wait_outcomes(&w, WEIR_JOB_LOST, 1); /* it may be somebody else's by now */
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.FailJob"), 0);
    world_finish(worker);
    world_end(&w);
}

static void a_job_settled_after_its_lock_expired_is_completed_if_nobody_has_it(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker = world_worker(
        &w, WORLD(&w, .type = "pay", .job_timeout = 200, .no_heartbeat = true, .max_active = 1));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    while (weir_job_is_ours(job))
        sched_yield();
    assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
    weir_job_free(job);
    world_wait_outcomes(&w, WEIR_JOB_COMPLETED, 1);
    assert_int_equal(world_counters(worker).heartbeats, 0);
    world_finish(worker);
    world_end(&w);
}

static void a_heartbeat_that_says_the_job_is_gone_tells_its_handler(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    sandboxed_fault(w.sandbox, "zeebe.UpdateJobTimeout 1 status:NOT_FOUND:\"no such job\"");
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .job_timeout = 4000));
    world_create(&w, "pay", 1);
    weir_job *job = world_next(worker);
    world_wait_outcomes(&w, WEIR_JOB_LOST, 1);
    assert_non_null(strstr(w.error, "no such job"));
    assert_false(weir_job_is_ours(job));
    assert_int_equal(weir_job_time_left(job), 0);
    assert_int_equal(weir_job_complete(job, NULL), WEIR_CONFLICT);
    weir_job_free(job);
    world_finish(worker);
    world_end(&w);
}

static void a_handler_that_never_returns_loses_its_job_at_max_job_time(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 1);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .handler = world_hold, .threads = 2,
                               .max_job_time = 100, .retry_backoff = 600000));
    world_wait_outcomes(&w, WEIR_JOB_FAILED, 1);
    assert_non_null(strstr(w.error, "max_job_time"));
    world_wait_inside(&w, 1); /* still there; others go on */
    world_open(&w);
    world_finish(worker);
    assert_int_equal(world_outcomes(&w, WEIR_JOB_COMPLETED), 0);
    world_end(&w);
}

static void what_waits_past_its_lock_is_dropped(void **state)
{
    struct world w;
    weir_job *job = NULL;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    world_create(&w, "pay", 4);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .job_timeout = 100, .max_active = 4));
    world_wait_outcomes(&w, WEIR_JOB_LOST, 4); /* nobody takes them */
    assert_non_null(strstr(w.error, "before it could be begun"));
    while (weir_worker_next(worker, &job, 20000, &err) == WEIR_OK && weir_job_time_left(job) == 0)
        weir_job_free(job); /* it ran out just now, in our hands */
    assert_non_null(job);
    (void)weir_job_complete(job, NULL);
    weir_job_free(job);
    world_finish(worker);
    world_end(&w);
}

static int64_t wall_ms(void)
{
    return clock_wall(clock_system()) / NS_PER_MS;
}

/* A full worker does not read its stream; what was pushed meanwhile is too old by then. Locks are
 * of a second. What is asserted leaves 900 ms to a machine that is slow. */
static void what_lay_unread_past_its_lock_is_dropped(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, NULL);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .stream_only = true, .max_active = 1,
                               .job_timeout = 1000, .no_heartbeat = true));
    sandboxed_wait(w.sandbox, "zeebe.StreamActivatedJobs", 1);
    world_create(&w, "pay", 4);
    int64_t old = wall_ms() + 1950;
    weir_job *job = world_next(worker);
    while (wall_ms() < old)
        sched_yield();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(weir_job_complete(job, NULL), WEIR_OK);
        weir_job_free(job);
        int64_t before = wall_ms();
        job = i < 3 ? world_next(worker) : NULL;
        assert_true(!job || weir_job_deadline(job) > before - 900);
    }
    world_wait_outcomes(&w, WEIR_JOB_LOST, 1);
    world_finish(worker);
    world_end(&w);
}

/* ---- what no worker survives ----------------------------------------------------------------- */

static void ends_with(const char *fault, weir_status status, const char *words)
{
    struct world w;
    weir_error err = {0};
    weir_job *job;
    world_begin(&w, NULL);
    sandboxed_fault(w.sandbox, fault);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .poll_only = true));
    assert_int_equal(weir_worker_next(worker, &job, 20000, &err), status);
    assert_non_null(strstr(err.message, words));
    struct pollfd p = {weir_worker_fd(worker), POLLIN, 0};
    assert_int_equal(poll(&p, 1, 20000), 1);
    assert_int_equal(weir_worker_wait(worker, 20000, &err), status);
    assert_non_null(strstr(err.message, words));
    assert_int_equal(weir_worker_next(worker, &job, WEIR_NO_WAIT, &err), status);
    weir_worker_stop(worker);
    assert_int_equal(weir_worker_next(worker, &job, WEIR_NO_WAIT, &err), status);
    assert_int_equal(weir_worker_wait(worker, 20000, &err), status);
    weir_worker_close(worker);
    world_end(&w);
}

static void what_retrying_cannot_mend_ends_a_worker_and_every_face_says_so(void **state)
{
    (void)state;
    ends_with("zeebe.ActivateJobs all status:PERMISSION_DENIED:\"not this tenant\"", WEIR_FORBIDDEN,
              "not this tenant");
    ends_with("zeebe.ActivateJobs all status:INVALID_ARGUMENT:\"no such tenant\"", WEIR_INVALID,
              "no such tenant");
    ends_with("zeebe.ActivateJobs all status:UNIMPLEMENTED", WEIR_UNSUPPORTED, "ActivateJobs");
    ends_with("zeebe.ActivateJobs all status:UNAUTHENTICATED", WEIR_BAD_LOGIN, "credentials");
}

static void an_outage_ends_a_worker_after_give_up_with_the_cause(void **state)
{
    struct world w;
    weir_error err = {0};
    (void)state;
    world_begin(&w, NULL);
    sandboxed_fault(w.sandbox, "zeebe.ActivateJobs all status:UNAVAILABLE:\"closed today\"");
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "pay", .poll_only = true, .give_up = 50));
    assert_int_equal(weir_worker_wait(worker, 20000, &err), WEIR_UNREACHABLE);
    assert_non_null(strstr(err.message, "closed today"));
    weir_worker_close(worker);
    world_end(&w);
}

/* ---- a gateway nobody should have -------------------------------------------------------------
 */

/* The test server answers ActivateJobs five times with the request itself, whose field 1, the type,
 * is read as a job: so the type says what the jobs are. Everything else is echoed, too. */
static void begin_echo(struct world *w, struct h2server **server)
{
    static const struct h2server_options options = {.echo_jobs = true};
    char address[64];
    weir_error err = {0};
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    *server = h2server_start(&options);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)h2server_port(*server));
    w->channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), &err);
    assert_non_null(w->channel);
}

static void end_echo(struct world *w, struct h2server *server)
{
    weir_channel_close(w->channel);
    h2server_stop(server);
}

static void a_job_with_variables_that_are_no_json_fails_alone(void **state)
{
    struct world w;
    struct h2server *server;
    (void)state;
    begin_echo(&w, &server);
    weir_worker *worker = world_worker(&w, WORLD(&w,
                                                 .type = "\x08\x05" /* the key */
                                                         "\x58\x03" /* retries */
                                                         "\x6a\x01x" /* variables: x */,
                                                 .handler = world_handler, .poll_only = true));
    world_wait_outcomes(&w, WEIR_JOB_FAILED, 5);
    assert_non_null(strstr(w.error, "the job's variables"));
    assert_int_equal(w.handled, 0);
    world_finish(worker);
    end_echo(&w, server);
}

static void more_jobs_than_were_asked_for_are_handed_back(void **state)
{
    struct world w;
    struct h2server *server;
    (void)state;
    begin_echo(&w, &server);
    weir_worker *worker =
        world_worker(&w, WORLD(&w, .type = "\x08\x05\x58\x03", .max_active = 2, .poll_only = true));
    world_wait_outcomes(&w, WEIR_JOB_RETURNED, 3);
    for (int i = 0; i < 2; i++)
        weir_job_free(world_next(worker));
    world_finish(worker);
    end_echo(&w, server);
}

static void an_answer_that_is_no_protobuf_is_an_outage(void **state)
{
    struct world w;
    struct h2server *server;
    (void)state;
    begin_echo(&w, &server);
    weir_worker *worker = world_worker(&w, WORLD(&w, .type = "pay", .poll_only = true));
    world_wait_news(&w, WEIR_WORKER_OUTAGE, 1);
    assert_non_null(strstr(w.error, "cannot be read"));
    assert_int_equal(world_counters(worker).activated, 0);
    world_finish(worker);
    end_echo(&w, server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_completion_is_repeated_until_the_gateway_has_it),
        cmocka_unit_test(not_found_after_a_first_try_that_may_have_arrived_is_success),
        cmocka_unit_test(a_failure_is_repeated_only_if_it_provably_did_not_arrive),
        cmocka_unit_test(a_completion_that_is_called_invalid_fails_the_job_with_the_gateways_words),
        cmocka_unit_test(an_invalid_completion_is_given_to_on_error_once),
        cmocka_unit_test(goaway_with_64_in_flight_loses_none),
        cmocka_unit_test(a_gateway_that_restarts_with_jobs_in_flight_gets_every_outcome),
        cmocka_unit_test(fetching_survives_what_a_gateway_may_do),
        cmocka_unit_test(a_stream_goes_on_after_it_was_cut),
        cmocka_unit_test(a_gateway_without_streams_is_polled_and_that_is_said_once),
        cmocka_unit_test(a_slow_handlers_lock_is_extended),
        cmocka_unit_test(a_gateway_that_extends_no_locks_is_asked_once),
        cmocka_unit_test(a_job_settled_after_its_lock_expired_is_completed_if_nobody_has_it),
        cmocka_unit_test(a_heartbeat_that_says_the_job_is_gone_tells_its_handler),
        cmocka_unit_test(a_handler_that_never_returns_loses_its_job_at_max_job_time),
        cmocka_unit_test(what_waits_past_its_lock_is_dropped),
        cmocka_unit_test(what_lay_unread_past_its_lock_is_dropped),
        cmocka_unit_test(what_retrying_cannot_mend_ends_a_worker_and_every_face_says_so),
        cmocka_unit_test(an_outage_ends_a_worker_after_give_up_with_the_cause),
        cmocka_unit_test(a_job_with_variables_that_are_no_json_fails_alone),
        cmocka_unit_test(more_jobs_than_were_asked_for_are_handed_back),
        cmocka_unit_test(an_answer_that_is_no_protobuf_is_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
