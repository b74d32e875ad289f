/* A coprocess with its process: fed from a queue, ended, and started again. */
#include "cli/coprocess_jobs.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/clock.h"
#include "lib/check.h"

#include <weir/job.h>
#include <weir/log.h>

#define LONG 60000

#define MOST 16

static struct run_command command;

/* A job of the tests: the key and what became of it. */
struct one {
    int64_t key;
    const char *line; /* NULL: one made of the key */
    struct work_outcome outcome;
    bool unwanted; /* nobody waits for it */
    bool taken, done, settled;
};

/* Where the host gets them from. */
static struct queue {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct one *jobs[MOST];
    size_t count, at;
    bool ended; /* there will be no more */
    int fd;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static char *line_of(const struct one *one)
{
    char line[64];
    (void)snprintf(line, sizeof line, "%" PRId64, one->key);
    return strdup(one->line ? one->line : line);
}

static enum coprocess_taken take(void *user, int64_t *key, void **job, char **line)
{
    uint64_t sum;
    struct one *one = NULL;
    (void)user;
    pthread_mutex_lock(&queue.lock);
    if (queue.at < queue.count)
        one = queue.jobs[queue.at++];
    if (queue.at == queue.count)
        (void)!read(queue.fd, &sum, sizeof sum);
    bool ended = queue.ended;
    if (one)
        one->taken = true;
    pthread_cond_broadcast(&queue.moved);
    pthread_mutex_unlock(&queue.lock);
    if (!one)
        return ended ? COPROCESS_NO_MORE : COPROCESS_NO_JOB;
    *key = one->key;
    *job = one;
    *line = line_of(one);
    return COPROCESS_JOB;
}

static bool wanted(void *user, void *job)
{
    const struct one *one = job;
    (void)user;
    return !one->unwanted;
}

static void done(void *user, void *job, const struct work_outcome *outcome)
{
    struct one *one = job;
    (void)user;
    pthread_mutex_lock(&queue.lock);
    assert_false(one->done);
    one->done = true;
    one->settled = outcome != NULL;
    if (outcome)
        work_outcome_copy(&one->outcome, outcome);
    pthread_cond_broadcast(&queue.moved);
    pthread_mutex_unlock(&queue.lock);
}

static void give(struct one *one)
{
    const uint64_t news = 1;
    pthread_mutex_lock(&queue.lock);
    if (queue.at == queue.count)
        queue.at = queue.count = 0;
    queue.jobs[queue.count++] = one;
    (void)!write(queue.fd, &news, sizeof news);
    pthread_mutex_unlock(&queue.lock);
}

static void wait_for(const bool *what)
{
    pthread_mutex_lock(&queue.lock);
    while (!*what)
        pthread_cond_wait(&queue.moved, &queue.lock);
    pthread_mutex_unlock(&queue.lock);
}

static struct coprocess_host *start_with(const char *shell, weir_ms time_limit, weir_ms grace,
                                         size_t most)
{
    weir_error err = {0};
    assert_int_equal(run_find(&command, NULL, shell, NULL, &err), WEIR_OK);
    queue.count = queue.at = 0;
    queue.ended = false;
    queue.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const struct coprocess_jobs_options options = {
        .command = &command,
        .name = shell,
        .time_limit = time_limit,
        .grace = grace,
        .most = most,
        .source = {.fd = queue.fd, .take = take, .wanted = wanted, .done = done}};
    struct coprocess_host *host = coprocess_jobs_start(&options, &err);
    assert_non_null(host);
    return host;
}

static struct coprocess_host *start(const char *shell, weir_ms time_limit, weir_ms grace)
{
    return start_with(shell, time_limit, grace, MOST);
}

static void stop(struct coprocess_host *host)
{
    coprocess_stop(host);
    run_command_free(&command);
    (void)close(queue.fd);
}

static struct work_outcome handled(int64_t key, const char *line)
{
    struct one one = {.key = key, .line = line};
    give(&one);
    wait_for(&one.done);
    assert_true(one.settled);
    return one.outcome;
}

static void each_job_gets_its_own_outcome(void **state)
{
    (void)state;
    struct coprocess_host *host =
        start("while read -r n; do echo \"{\\\"key\\\":$n,\\\"complete\\\":{\\\"n\\\":$n}}\"; done",
              LONG, LONG);
    struct one ones[MOST];
    for (int64_t i = 0; i < MOST; i++) {
        ones[i] = (struct one){.key = i + 1};
        give(&ones[i]);
    }
    for (int64_t i = 0; i < MOST; i++) {
        char complete[32];
        (void)snprintf(complete, sizeof complete, "{\"n\":%" PRId64 "}", i + 1);
        wait_for(&ones[i].done);
        assert_string_equal(ones[i].outcome.variables, complete);
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
    struct one first = {.key = 1};
    give(&first);
    struct work_outcome second = handled(2, NULL);
    wait_for(&first.done);
    assert_int_equal(second.verdict, WORK_COMPLETE);
    assert_int_equal(first.outcome.verdict, WORK_COMPLETE);
    work_outcome_free(&second);
    work_outcome_free(&first.outcome);
    stop(host);
}

/* It answers the first only when it is told of a third, of which there is no room. */
static void no_more_are_taken_than_there_is_room_for(void **state)
{
    (void)state;
    struct coprocess_host *host = start_with(
        "read -r a; read -r b; echo \"{\\\"key\\\":$b,\\\"complete\\\":{}}\"; read -r c; "
        "echo \"{\\\"key\\\":$c,\\\"complete\\\":{}}\"; cat >/dev/null",
        LONG, LONG, 2);
    struct one ones[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
    for (size_t i = 0; i < 3; i++)
        give(&ones[i]);
    wait_for(&ones[1].done);
    wait_for(&ones[2].done);
    assert_true(ones[0].taken && !ones[0].done);
    stop(host);
    assert_true(ones[0].done);
    assert_int_equal(ones[0].outcome.verdict, WORK_FAIL);
    for (size_t i = 0; i < 3; i++)
        work_outcome_free(&ones[i].outcome);
}

static void what_nobody_has_begun_stays_where_it_is(void **state)
{
    (void)state;
    struct coprocess_host *host = start_with("while read -r n; do :; done", LONG, LONG, 1);
    struct one ones[2] = {{.key = 1}, {.key = 2}};
    give(&ones[0]);
    give(&ones[1]);
    wait_for(&ones[0].taken);
    stop(host);
    assert_true(ones[0].done);
    assert_int_not_equal(ones[0].outcome.verdict, WORK_COMPLETE);
    assert_false(ones[1].taken || ones[1].done);
    work_outcome_free(&ones[0].outcome);
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
        struct work_outcome outcome = handled(13, NULL);
        assert_int_equal(outcome.verdict, WORK_FAIL);
        assert_int_equal(outcome.retries, retries[i]);
        assert_string_equal(outcome.message, "the coprocess ended with status 7: ouch");
        work_outcome_free(&outcome);
        outcome = handled(1, NULL);
        assert_int_equal(outcome.verdict, WORK_COMPLETE);
        work_outcome_free(&outcome);
    }
    stop(host);
}

static void one_that_is_not_there_fails_its_jobs_with_the_shells_words(void **state)
{
    (void)state;
    struct coprocess_host *host = start("/no/such/program", LONG, LONG);
    struct work_outcome outcome = handled(5, NULL);
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
        struct work_outcome outcome = handled(key, NULL);
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
    struct work_outcome outcome = handled(1, much);
    assert_int_equal(outcome.verdict, WORK_FAIL);
    work_outcome_free(&outcome);
    stop(host);
}

static void one_that_floods_a_line_is_ended(void **state)
{
    (void)state;
    struct coprocess_host *host = start("read -r n; yes | tr -d '\\n'", LONG, LONG);
    struct work_outcome outcome = handled(1, NULL);
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
        struct work_outcome outcome = handled(1, NULL);
        assert_int_equal(outcome.verdict, WORK_FAIL);
        work_outcome_free(&outcome);
        stop(host);
    }
}

static void a_job_that_nobody_wants_is_left_without_harm(void **state)
{
    (void)state;
    struct coprocess_host *host = start("while read -r n; do :; done", LONG, LONG);
    struct one one = {.key = 1, .unwanted = true};
    give(&one);
    wait_for(&one.done);
    assert_false(one.settled);
    stop(host);
}

/* The job it was given for before is not ours any more. */
static void a_key_that_comes_again_is_another_job(void **state)
{
    (void)state;
    struct coprocess_host *host = start(
        "while read -r n; do [ $n = new ] && echo '{\"key\":7,\"complete\":{}}'; done", LONG, LONG);
    struct one ones[2] = {{.key = 7, .line = "old"}, {.key = 7, .line = "new"}};
    give(&ones[0]);
    give(&ones[1]);
    wait_for(&ones[1].done);
    assert_true(ones[0].done && !ones[0].settled && ones[1].settled);
    work_outcome_free(&ones[1].outcome);
    stop(host);
}

/* The source has ended; what is in its hand is not hurt by that. */
static void the_last_job_is_waited_for(void **state)
{
    (void)state;
    struct coprocess_host *host =
        start("read -r n; echo '{\"key\":1,\"complete\":{}}'; cat >/dev/null", LONG, LONG);
    struct one one = {.key = 1};
    queue.ended = true;
    give(&one);
    wait_for(&one.done);
    assert_true(one.settled);
    work_outcome_free(&one.outcome);
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
    struct work_outcome outcome = handled(1, NULL);
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
        cmocka_unit_test(each_job_gets_its_own_outcome),
        cmocka_unit_test(outcomes_may_come_in_another_order),
        cmocka_unit_test(no_more_are_taken_than_there_is_room_for),
        cmocka_unit_test(what_nobody_has_begun_stays_where_it_is),
        cmocka_unit_test(a_job_that_kills_it_fails_twice_and_another_is_handled),
        cmocka_unit_test(one_that_is_not_there_fails_its_jobs_with_the_shells_words),
        cmocka_unit_test(one_that_stands_still_is_ended_and_started_again),
        cmocka_unit_test(one_that_never_reads_runs_out_of_time),
        cmocka_unit_test(one_that_floods_a_line_is_ended),
        cmocka_unit_test(one_that_will_not_answer_any_more_is_replaced),
        cmocka_unit_test(a_job_that_nobody_wants_is_left_without_harm),
        cmocka_unit_test(a_key_that_comes_again_is_another_job),
        cmocka_unit_test(the_last_job_is_waited_for),
        cmocka_unit_test(it_may_end_in_good_order),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
