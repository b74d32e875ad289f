/* What a script asks for happens to the call it names, and only to it. */
#include "lib/check.h"

#include "core/clock.h"
#include "core/mem.h"
#include "lib/sandboxed.h"

#include <stdio.h>
#include <string.h>

static struct sandbox *sandbox;
static struct rpc *rpc;

static int setup(void **state)
{
    (void)state;
    sandbox = sandboxed_start(NULL);
    rpc = sandboxed_open(sandbox);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rpc_close(rpc);
    sandbox_stop(sandbox);
    return 0;
}

static void a_status_comes_so_often_with_its_words(void **state)
{
    struct probe p = {0};
    (void)state;
    sandboxed_fault(sandbox, "zeebe.Topology 2 status:NOT_FOUND:\"no such cluster\"");
    assert_int_equal(sandboxed_status(rpc, HEALTH), 0);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 5);
    sandboxed_call(&p, rpc, TOPOLOGY, NULL);
    assert_string_equal(p.words, "no such cluster");
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_true(sandboxed_logged(sandbox, "\"fault\":\"status:NOT_FOUND\""));
    assert_true(sandboxed_logged(sandbox, "\"status\":\"NOT_FOUND\""));
    assert_int_equal(sandbox_count(sandbox, "zeebe.Topology"), 3);
    probe_free(&p);
}

static void a_status_without_words_has_some(void **state)
{
    struct probe p = {0};
    (void)state;
    sandboxed_fault(sandbox, "zeebe 1 status:INTERNAL");
    sandboxed_call(&p, rpc, TOPOLOGY, NULL);
    assert_int_equal(p.grpc_status, 13);
    assert_string_equal(p.words, "asked for by a fault");
    probe_free(&p);
}

static void an_http_status_is_no_grpc_answer(void **state)
{
    struct probe p = {0};
    (void)state;
    sandboxed_fault(sandbox, "zeebe.Topology 1 http:404");
    sandboxed_call(&p, rpc, TOPOLOGY, NULL);
    assert_int_equal(p.grpc_status, 12);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_true(sandboxed_logged(sandbox, "\"status\":404"));
    probe_free(&p);
}

static void a_delay_is_an_ordinary_answer_later(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "zeebe.Topology 1 delay:100ms");
    int64_t began = clock_mono(clock_system());
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_true(clock_mono(clock_system()) - began >= 100 * NS_PER_MS);
}

static void a_delayed_call_does_not_hold_up_others(void **state)
{
    struct probe slow = {.say = &no_bytes};
    (void)state;
    sandboxed_fault(sandbox, "zeebe.Topology 1 delay:1h");
    probe_start(&slow, rpc, TOPOLOGY, &(struct rpc_call_options){.until = probe_in(60000)});
    sandboxed_wait(sandbox, "zeebe.Topology", 1);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_int_equal(slow.ends, 0);
    rpc_call_cancel(slow.call);
    probe_wait(&slow);
    sandboxed_wait_log(sandbox, "\"gone\"");
    probe_free(&slow);
}

static void a_cut_closes_the_connection_under_all_its_calls(void **state)
{
    struct probe open = {.say = &job_request}, cut = {.say = &no_bytes};
    struct rpc_call_options stream = {.server_streams = true, .until = probe_in(10000)};
    (void)state;
    probe_start(&open, rpc, STREAM, &stream);
    sandboxed_wait(sandbox, "zeebe.StreamActivatedJobs", 1);
    sandboxed_fault(sandbox, "zeebe.Topology 1 cut --after 10ms");
    probe_start(&cut, rpc, TOPOLOGY, NULL);
    probe_wait(&cut);
    probe_wait(&open);
    assert_int_equal(cut.error.status, WEIR_UNREACHABLE);
    assert_int_equal(open.error.status, WEIR_UNREACHABLE);
    assert_false(cut.unprocessed);
    assert_true(sandboxed_logged(sandbox, "\"status\":\"cut\""));
    assert_true(sandboxed_logged(sandbox, "\"status\":\"gone\""));
    struct rpc_call_options wait = {.wait_for_ready = true, .until = probe_in(10000)};
    struct probe next = {0};
    sandboxed_call(&next, rpc, TOPOLOGY, &wait);
    assert_string_equal(next.error.message, "");
    assert_int_equal(sandbox_count(sandbox, "zeebe.connections"), 2);
    probe_free(&open);
    probe_free(&cut);
    probe_free(&next);
}

static void a_hanging_call_ends_by_the_client_s_deadline(void **state)
{
    struct probe p;
    (void)state;
    sandboxed_fault(sandbox, "zeebe.Topology 1 hang");
    for (weir_ms limit = 150; limit < 20000; limit *= 2) { /* until it was sent in time */
        p = (struct probe){0};
        sandboxed_call(&p, rpc, TOPOLOGY, &(struct rpc_call_options){.until = probe_in(limit)});
        assert_int_equal(p.error.status, WEIR_TIMEOUT);
        if (!p.unprocessed)
            break;
        probe_free(&p);
    }
    sandboxed_wait_log(sandbox, "\"gone\"");
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_int_equal(sandbox_count(sandbox, "zeebe.connections"), 1);
    probe_free(&p);
}

/* The client knows that it was not processed, and repeats it on another connection. */
static void a_call_after_a_goaway_is_taken_by_the_next_connection(void **state)
{
    struct probe before = {.say = &job_request};
    struct rpc_call_options stream = {.server_streams = true, .until = probe_in(10000)};
    (void)state;
    probe_start(&before, rpc, ACTIVATE, &stream);
    sandboxed_wait(sandbox, "zeebe.ActivateJobs", 1);
    sandboxed_fault(sandbox, "zeebe.Topology 1 goaway");
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_int_equal(sandbox_count(sandbox, "zeebe.Topology"), 2);
    assert_int_equal(sandbox_count(sandbox, "zeebe.connections"), 2);
    assert_int_equal(before.ends, 0); /* goes on where it is */
    rpc_call_cancel(before.call);
    probe_wait(&before);
    assert_true(sandboxed_logged(sandbox, "\"status\":\"goaway\""));
    probe_free(&before);
}

static void garbage_is_no_message(void **state)
{
    struct probe p = {0};
    (void)state;
    sandboxed_fault(sandbox, "zeebe.Topology 1 garbage");
    sandboxed_call(&p, rpc, TOPOLOGY, NULL);
    assert_int_equal(p.grpc_status, 0);
    assert_int_equal(p.messages, 1);
    assert_int_equal((unsigned char)p.whole[0], 0xff);
    probe_free(&p);
}

static void latency_is_added_to_every_answer(void **state)
{
    struct sandbox *slow = sandboxed_start(&(struct sandbox_options){.latency = 60});
    struct rpc *to = sandboxed_open(slow);
    (void)state;
    int64_t began = clock_mono(clock_system());
    assert_int_equal(sandboxed_status(to, HEALTH), 0);
    char *token = sandboxed_token(slow);
    assert_true(clock_mono(clock_system()) - began >= 120 * NS_PER_MS);
    mem_free(token);
    rpc_close(to);
    sandbox_stop(slow);
}

static void a_script_is_taken_whole_or_not_at_all(void **state)
{
    static const char good[] = "# two\nzeebe.Topology 1 status:INTERNAL\n\nzeebe 1 http:404\n";
    static const char bad[] = "zeebe all cut\nzeebe 1 cutt\n";
    weir_error err = {0};
    (void)state;
    assert_int_equal(sandbox_script(sandbox, bad, strlen(bad), "faults.txt", &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "faults.txt:2: "));
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_int_equal(sandbox_script(sandbox, good, strlen(good), "faults.txt", &err), WEIR_OK);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 13);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 12);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
}

/* --- connections --------------------------------------------------------------------------- */

static weir_status first_call(const char *line, weir_ms limit, weir_error *err)
{
    struct probe p = {0};
    struct rpc_call_options options = {.until = probe_in(limit)};
    sandboxed_fault(sandbox, line);
    sandboxed_call(&p, rpc, TOPOLOGY, &options);
    *err = p.error;
    probe_free(&p);
    return err->status;
}

static void a_connection_that_is_cut_or_garbled_is_tried_again(void **state)
{
    static const char *const lines[] = {"zeebe.connections 1 cut", "zeebe.connections 1 garbage",
                                        "zeebe.connections 1 goaway",
                                        "zeebe.connections 1 delay:80ms"};
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct rpc *fresh = sandboxed_open(sandbox);
        struct rpc_call_options wait = {.wait_for_ready = true, .until = probe_in(15000)};
        struct probe p = {0};
        sandboxed_fault(sandbox, lines[i]);
        sandboxed_call(&p, fresh, TOPOLOGY, &wait);
        if (p.error.status != WEIR_OK)
            fail_msg("%s: %s", lines[i], p.error.message);
        probe_free(&p);
        rpc_close(fresh);
    }
}

static void a_connection_that_hangs_is_a_timeout(void **state)
{
    weir_error err = {0};
    (void)state;
    assert_int_equal(first_call("zeebe.connections all hang", 200, &err), WEIR_TIMEOUT);
}

static void a_connection_that_is_cut_later_works_until_then(void **state)
{
    struct probe stream = {.say = &job_request};
    struct rpc_call_options options = {.server_streams = true, .until = probe_in(10000)};
    (void)state;
    sandboxed_fault(sandbox, "zeebe.connections 1 cut --after 1500ms");
    probe_start(&stream, rpc, STREAM, &options);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    probe_wait(&stream);
    assert_int_equal(stream.error.status, WEIR_UNREACHABLE);
    assert_int_equal(sandbox_count(sandbox, "zeebe.connections"), 1);
    probe_free(&stream);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_status_comes_so_often_with_its_words),
        EACH(a_status_without_words_has_some),
        EACH(an_http_status_is_no_grpc_answer),
        EACH(a_delay_is_an_ordinary_answer_later),
        EACH(a_delayed_call_does_not_hold_up_others),
        EACH(a_cut_closes_the_connection_under_all_its_calls),
        EACH(a_hanging_call_ends_by_the_client_s_deadline),
        EACH(a_call_after_a_goaway_is_taken_by_the_next_connection),
        EACH(garbage_is_no_message),
        EACH(latency_is_added_to_every_answer),
        EACH(a_script_is_taken_whole_or_not_at_all),
        EACH(a_connection_that_is_cut_or_garbled_is_tried_again),
        EACH(a_connection_that_hangs_is_a_timeout),
        EACH(a_connection_that_is_cut_later_works_until_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
