/* A coprocess with its process: fed by several threads, ended, and started again. */
#include "cli/coprocess_host.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "lib/check.h"

#include <weir/job.h>
#include <weir/log.h>

#define LONG 60000

static struct run_command command;

static struct coprocess_host *start(const char *shell, weir_ms time_limit, weir_ms grace)
{
    weir_error err = {0};
    assert_int_equal(run_find(&command, NULL, shell, NULL, &err), WEIR_OK);
    const struct coprocess_options options = {&command, shell, time_limit, grace};
    struct coprocess_host *host = coprocess_start(&options, &err);
    assert_non_null(host);
    return host;
}

static void stop(struct coprocess_host *host)
{
    coprocess_stop(host);
    run_command_free(&command);
}

static bool always(void *user)
{
    (void)user;
    return true;
}

struct one {
    struct coprocess_host *host;
    int64_t key;
    const char *line; /* NULL: one made of the key */
    struct work_outcome outcome;
    bool done;
};

static void *handle(void *user)
{
    struct one *one = user;
    char line[64];
    (void)snprintf(line, sizeof line, "%" PRId64, one->key);
    one->done = coprocess_handle(one->host, one->key, one->line ? one->line : line, always, NULL,
                                 &one->outcome);
    return NULL;
}

static struct work_outcome handled(struct coprocess_host *host, int64_t key, const char *line)
{
    struct one one = {.host = host, .key = key, .line = line};
    (void)handle(&one);
    assert_true(one.done);
    return one.outcome;
}

static void each_thread_gets_its_own_outcome(void **state)
{
    (void)state;
    struct coprocess_host *host =
        start("while read -r n; do echo \"{\\\"key\\\":$n,\\\"complete\\\":{\\\"n\\\":$n}}\"; done",
              LONG, LONG);
    pthread_t threads[16];
    struct one ones[16];
    for (int64_t i = 0; i < 16; i++) {
        ones[i] = (struct one){.host = host, .key = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, handle, &ones[i]), 0);
    }
    for (int64_t i = 0; i < 16; i++) {
        char wanted[32];
        (void)snprintf(wanted, sizeof wanted, "{\"n\":%" PRId64 "}", i + 1);
        (void)pthread_join(threads[i], NULL);
        assert_string_equal(ones[i].outcome.variables, wanted);
        work_outcome_free(&ones[i].outcome);
    }
    stop(host);
}

/* Two at once, the later one first. */
static void outcomes_may_come_in_another_order(void **state)
{
    (void)state;
    struct coprocess_host *host = start(
        "read -r a; read -r b; for n in $b $a; do echo \"{\\\"key\\\":$n,\\\"complete\\\":{}}\"; "
        "done; cat >/dev/null",
        LONG, LONG);
    pthread_t thread;
    struct one first = {.host = host, .key = 1};
    assert_int_equal(pthread_create(&thread, NULL, handle, &first), 0);
    struct work_outcome second = handled(host, 2, NULL);
    (void)pthread_join(thread, NULL);
    assert_int_equal(second.verdict, WORK_COMPLETE);
    assert_int_equal(first.outcome.verdict, WORK_COMPLETE);
    work_outcome_free(&second);
    work_outcome_free(&first.outcome);
    stop(host);
}

static void a_job_that_kills_it_fails_twice_and_another_is_handled(void **state)
{
    (void)state;
    struct coprocess_host *host =
        start("while read -r n; do [ $n = 13 ] && { echo ouch >&2; exit 7; }; "
              "echo \"{\\\"key\\\":$n,\\\"complete\\\":{}}\"; done",
              LONG, LONG);
    static const int32_t retries[] = {WEIR_RETRIES_SAME, WEIR_RETRIES_LESS, WEIR_RETRIES_LESS};
    for (size_t i = 0; i < COUNT(retries); i++) {
        struct work_outcome outcome = handled(host, 13, NULL);
        assert_int_equal(outcome.verdict, WORK_FAIL);
        assert_int_equal(outcome.retries, retries[i]);
        assert_string_equal(outcome.message, "the coprocess ended with status 7: ouch");
        work_outcome_free(&outcome);
        outcome = handled(host, 1, NULL);
        assert_int_equal(outcome.verdict, WORK_COMPLETE);
        work_outcome_free(&outcome);
    }
    stop(host);
}

static void one_that_is_not_there_fails_its_jobs_with_the_shells_words(void **state)
{
    (void)state;
    struct coprocess_host *host = start("/no/such/program", LONG, LONG);
    struct work_outcome outcome = handled(host, 5, NULL);
    assert_int_equal(outcome.verdict, WORK_FAIL);
    assert_non_null(strstr(outcome.message, "the coprocess ended with status 127: "));
    assert_non_null(strstr(outcome.message, "/no/such/program"));
    work_outcome_free(&outcome);
    stop(host);
}

static void one_that_stands_still_is_ended_and_started_again(void **state)
{
    (void)state;
    struct coprocess_host *host = start("trap '' TERM; exec tail -f /dev/null", 100, 100);
    for (int64_t key = 1; key <= 2; key++) {
        struct work_outcome outcome = handled(host, key, NULL);
        assert_int_equal(outcome.verdict, WORK_FAIL);
        assert_int_equal(outcome.retries, WEIR_RETRIES_LESS);
        assert_string_equal(outcome.message,
                            "the coprocess did not answer within 100ms, and was ended");
        work_outcome_free(&outcome);
    }
    stop(host);
}

/* More than a pipe holds: nothing blocks, and the other thread's time runs. */
static void one_that_never_reads_runs_out_of_time(void **state)
{
    (void)state;
    static char much[1024 * 1024];
    struct coprocess_host *host = start("exec tail -f /dev/null", 200, LONG);
    memset(much, 'x', sizeof much - 1);
    struct work_outcome outcome = handled(host, 1, much);
    assert_int_equal(outcome.verdict, WORK_FAIL);
    work_outcome_free(&outcome);
    stop(host);
}

static void one_that_floods_a_line_is_ended(void **state)
{
    (void)state;
    struct coprocess_host *host = start("read -r n; yes | tr -d '\\n'", LONG, LONG);
    struct work_outcome outcome = handled(host, 1, NULL);
    assert_int_equal(outcome.verdict, WORK_FAIL);
    assert_non_null(strstr(outcome.message, "wrote a line of more than 4 MiB, and was ended"));
    work_outcome_free(&outcome);
    stop(host);
}

static void one_that_will_not_answer_any_more_is_replaced(void **state)
{
    (void)state;
    static const char *const closing[] = {"exec 1>&-; read -r n; exec tail -f /dev/null",
                                          "exec 0<&-; exec tail -f /dev/null"};
    for (size_t i = 0; i < COUNT(closing); i++) {
        struct coprocess_host *host = start(closing[i], 400, 100);
        struct work_outcome outcome = handled(host, 1, NULL);
        assert_int_equal(outcome.verdict, WORK_FAIL);
        work_outcome_free(&outcome);
        stop(host);
    }
}

static bool never(void *user)
{
    (void)user;
    return false;
}

static void a_job_that_nobody_wants_is_left_without_harm(void **state)
{
    (void)state;
    struct work_outcome outcome;
    struct coprocess_host *host = start("exec cat >/dev/null", LONG, LONG);
    assert_false(coprocess_handle(host, 1, "1", never, NULL, &outcome));
    stop(host);
}

/* Its input ends, and it says goodbye before the grace is over. */
static void it_may_end_in_good_order(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-coprocess-XXXXXX", shell[128], text[8] = "";
    int fd = mkstemp(path);
    (void)snprintf(
        shell, sizeof shell,
        "trap 'exit 1' TERM; read -r n; echo '{\"key\":1,\"complete\":{}}'; cat; echo bye >%s",
        path);
    struct coprocess_host *host = start(shell, LONG, LONG);
    struct work_outcome outcome = handled(host, 1, NULL);
    work_outcome_free(&outcome);
    stop(host);
    assert_int_equal(read(fd, text, sizeof text - 1), 4);
    assert_string_equal(text, "bye\n");
    (void)close(fd);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thread_gets_its_own_outcome),
        cmocka_unit_test(outcomes_may_come_in_another_order),
        cmocka_unit_test(a_job_that_kills_it_fails_twice_and_another_is_handled),
        cmocka_unit_test(one_that_is_not_there_fails_its_jobs_with_the_shells_words),
        cmocka_unit_test(one_that_stands_still_is_ended_and_started_again),
        cmocka_unit_test(one_that_never_reads_runs_out_of_time),
        cmocka_unit_test(one_that_floods_a_line_is_ended),
        cmocka_unit_test(one_that_will_not_answer_any_more_is_replaced),
        cmocka_unit_test(a_job_that_nobody_wants_is_left_without_harm),
        cmocka_unit_test(it_may_end_in_good_order),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
