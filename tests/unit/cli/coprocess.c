/* The coprocess protocol: lines in, outcomes out, and every way in which it can go wrong. */
#include "cli/coprocess.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/check.h"

#include <weir/job.h>

/* What happened, as text: "5:complete{...}", "5:fail-1:MESSAGE", "5:throwC", "!COMPLAINT". */
static struct str seen;

static void on_settled(void *user, int64_t key, const struct work_outcome *outcome)
{
    (void)user;
    str_addf(&seen, "%" PRId64 ":", key);
    if (outcome->verdict == WORK_COMPLETE)
        str_addf(&seen, "complete%s", outcome->variables);
    else if (outcome->verdict == WORK_THROW)
        str_addf(&seen, "throw%s", outcome->code);
    else
        str_addf(&seen, "fail%d:%s", (int)outcome->retries,
                 outcome->message ? outcome->message : "");
    str_add(&seen, "\n");
}

static void on_complaint(void *user, const char *text)
{
    (void)user;
    str_addf(&seen, "!%s\n", text);
}

static struct coprocess *fresh(void)
{
    const struct coprocess_events events = {on_settled, on_complaint, NULL};
    str_clear(&seen);
    return coprocess_new(&events);
}

static void done(struct coprocess *co)
{
    coprocess_free(co);
    str_free(&seen);
}

static void saw(const char *wanted)
{
    assert_string_equal(str_text(&seen), wanted);
    str_clear(&seen);
}

static void reads(struct coprocess *co, const char *text)
{
    assert_true(coprocess_read(co, text, strlen(text)));
}

static size_t next_piece(const struct coprocess *co, const char **bytes)
{
    struct iovec piece = {0};
    size_t count = coprocess_next(co, &piece, 1);
    *bytes = piece.iov_base;
    return count ? piece.iov_len : 0;
}

/* Writes all it has to say. */
static void tell_all(struct coprocess *co, const char *wanted)
{
    struct str told = {0};
    const char *bytes = NULL;
    size_t len;
    while ((len = next_piece(co, &bytes)) > 0) {
        str_add_bytes(&told, bytes, len);
        coprocess_wrote(co, len);
    }
    assert_string_equal(str_text(&told), wanted);
    str_free(&told);
}

static void jobs_are_lines_and_outcomes_come_in_any_order(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    coprocess_give(co, 5, "{\"key\":\"5\"}", 100);
    coprocess_give(co, 6, "{\"key\":\"6\"}", 100);
    coprocess_give(co, 7, "{\"key\":\"7\"}", 100);
    assert_int_equal(coprocess_jobs(co), 3);
    tell_all(co, "{\"key\":\"5\"}\n{\"key\":\"6\"}\n{\"key\":\"7\"}\n");
    reads(co,
          "{\"key\":\"7\",\"complete\":{\"a\":1}}\n{\"key\":5,\"throw\":{\"errorCode\":\"C\"}}\n");
    saw("7:complete{\"a\":1}\n5:throwC\n");
    reads(co, "{\"key\":\"6\",\"fail\":{\"retries\":0,\"errorMessage\":\"no\"}}\n");
    saw("6:fail0:no\n");
    assert_int_equal(coprocess_jobs(co), 0);
    done(co);
}

/* Byte by byte both ways: nothing depends on how a pipe cuts the lines. */
static void lines_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    static const char line[] = "{\"key\":\"5\",\"complete\":{}}\n \r\n\n";
    const char *bytes = NULL;
    coprocess_give(co, 5, "{job}", 100);
    for (size_t left = 6; left > 0; left--) {
        assert_int_equal(next_piece(co, &bytes), left);
        coprocess_wrote(co, 1);
    }
    assert_int_equal(next_piece(co, &bytes), 0);
    for (size_t i = 0; line[i]; i++)
        assert_true(coprocess_read(co, line + i, 1));
    saw("5:complete{}\n");
    done(co);
}

/* What one write took of several lines, wherever it stopped. */
static void several_lines_may_be_told_at_once(void **state)
{
    (void)state;
    static const char *const rest[] = {
        "a\nbb\nccc\n", "\nbb\nccc\n", "bb\nccc\n", "b\nccc\n", "\nccc\n",
        "ccc\n",        "cc\n",        "c\n",       "\n",       ""};
    struct iovec pieces[4];
    for (size_t told = 0; told < COUNT(rest); told++) {
        struct coprocess *co = fresh();
        coprocess_give(co, 1, "a", 100);
        coprocess_give(co, 2, "bb", 100);
        coprocess_give(co, 3, "ccc", 100);
        assert_int_equal(coprocess_next(co, pieces, 2), 2);
        assert_int_equal(coprocess_next(co, pieces, 4), 3);
        assert_memory_equal(pieces[1].iov_base, "bb\n", pieces[1].iov_len);
        coprocess_wrote(co, told);
        tell_all(co, rest[told]);
        coprocess_free(co);
    }
}

static void what_concerns_no_job_in_its_hand_is_complained_of_and_changes_nothing(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    coprocess_give(co, 5, "{}", 100);
    tell_all(co, "{}\n");
    reads(co, "{\"key\":\"9\",\"complete\":{}}\n");
    saw("!it wrote an outcome of job 9, which is not in its hand\n");
    reads(co, "{\"complete\":{}}\n");
    saw("!it wrote an outcome without a key\n");
    reads(co, "ready\n");
    assert_non_null(
        strstr(str_text(&seen), "!it wrote a line that is no outcome: the line is no JSON"));
    str_clear(&seen);
    reads(co, "{\"key\":\"5\",\"complete\":{}}\n{\"key\":\"5\",\"complete\":{}}\n");
    saw("5:complete{}\n!it wrote an outcome of job 5, which is not in its hand\n");
    coprocess_give(co, 6, "{}", 100); /* it has not been told yet */
    reads(co, "{\"key\":\"6\",\"complete\":{}}\n");
    saw("!it wrote an outcome of job 6, which is not in its hand\n");
    assert_int_equal(coprocess_jobs(co), 1);
    done(co);
}

static void an_outcome_that_cannot_be_understood_fails_its_job(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    coprocess_give(co, 5, "{}", 100);
    tell_all(co, "{}\n");
    reads(co, "{\"key\":\"5\",\"complete\":[]}\n");
    saw("5:fail-1:the coprocess's outcome has variables that are no JSON object\n");
    done(co);
}

static void a_line_without_end_is_not_taken(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    static char much[64 * 1024];
    memset(much, 'x', sizeof much);
    size_t taken = 0;
    while (coprocess_read(co, much, sizeof much))
        taken += sizeof much;
    assert_true(taken <= COPROCESS_LINE && taken > COPROCESS_LINE - 2 * sizeof much);
    done(co);
}

static void a_death_fails_what_it_was_told_of_and_keeps_the_rest(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    const char *bytes = NULL;
    coprocess_give(co, 5, "{}", 100);
    coprocess_give(co, 6, "{}", 100);
    coprocess_give(co, 7, "{}", 100);
    (void)next_piece(co, &bytes);
    coprocess_wrote(co, 3);
    (void)next_piece(co, &bytes);
    coprocess_wrote(co, 1); /* a part of the line of 6 */
    reads(co, "{\"key\":\"5\",\"comp");
    assert_false(coprocess_died(co, "ended with status 1: oh"));
    saw("!it ended in the middle of a line\n"
        "5:fail-2:the coprocess ended with status 1: oh\n"
        "6:fail-2:the coprocess ended with status 1: oh\n");
    tell_all(co, "{}\n");
    reads(co, "{\"key\":\"7\",\"complete\":{}}\n");
    saw("7:complete{}\n");
    assert_true(coprocess_died(co, "ended with status 0"));
    saw("");
    done(co);
}

static void a_job_that_sees_a_second_death_has_one_try_less(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    static const char *const wanted[] = {"5:fail-2:the coprocess died\n",
                                         "5:fail-1:the coprocess died\n",
                                         "5:fail-1:the coprocess died\n"};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        coprocess_give(co, 5, "{}", 100);
        tell_all(co, "{}\n");
        assert_false(coprocess_died(co, "died"));
        saw(wanted[i]);
    }
    done(co);
}

/* More deaths than are remembered: each is counted, none is invented. */
static void many_jobs_may_see_a_death(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    for (int64_t key = 1; key <= 3000; key++) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "%" PRId64 ":fail-2:the coprocess died\n", key);
        coprocess_give(co, key, "{}", 100);
        tell_all(co, "{}\n");
        (void)coprocess_died(co, "died");
        saw(wanted);
    }
    done(co);
}

static void a_forgotten_job_is_no_longer_in_its_hand(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    const char *bytes = NULL;
    coprocess_give(co, 5, "{five}", 100);
    coprocess_give(co, 6, "{six}", 100);
    coprocess_forget(co, 6);
    coprocess_forget(co, 77);
    (void)next_piece(co, &bytes);
    coprocess_wrote(co, 2);
    coprocess_forget(co, 5); /* the rest of its line must follow all the same */
    coprocess_give(co, 7, "{7}", 100);
    assert_int_equal(coprocess_jobs(co), 1);
    tell_all(co, "ive}\n{7}\n");
    reads(co, "{\"key\":\"5\",\"complete\":{}}\n{\"key\":\"7\",\"complete\":{}}\n");
    saw("!it wrote an outcome of job 5, which is not in its hand\n7:complete{}\n");
    done(co);
}

static void the_same_job_given_again_replaces_the_first(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    coprocess_give(co, 5, "{1}", 100);
    coprocess_give(co, 5, "{2}", 100);
    assert_int_equal(coprocess_jobs(co), 1);
    tell_all(co, "{2}\n");
    reads(co, "{\"key\":\"5\",\"complete\":{}}\n");
    saw("5:complete{}\n");
    done(co);
}

static void what_takes_too_long_fails_alone(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    assert_true(coprocess_until(co) == INT64_MAX);
    coprocess_give(co, 5, "{}", 200);
    coprocess_give(co, 6, "{}", 100);
    assert_int_equal(coprocess_until(co), 100);
    tell_all(co, "{}\n{}\n");
    assert_false(coprocess_expire(co, 99, "1s"));
    assert_true(coprocess_expire(co, 100, "1s"));
    saw("6:fail-1:the coprocess did not answer within 1s, and was ended\n");
    assert_int_equal(coprocess_until(co), 200);
    done(co);
}

/* One that never reads: what it was told in part is not given to it again, nor to its successor. */
static void one_that_does_not_read_runs_out_of_time(void **state)
{
    (void)state;
    struct coprocess *co = fresh();
    const char *bytes = NULL;
    coprocess_give(co, 5, "{long}", 100);
    coprocess_give(co, 6, "{other}", 300);
    (void)next_piece(co, &bytes);
    coprocess_wrote(co, 3);
    assert_true(coprocess_expire(co, 100, "1s"));
    saw("5:fail-1:the coprocess did not answer within 1s, and was ended\n");
    (void)coprocess_died(co, "was ended");
    saw("");
    tell_all(co, "{other}\n");
    done(co);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_lines_and_outcomes_come_in_any_order),
        cmocka_unit_test(lines_may_be_cut_anywhere),
        cmocka_unit_test(several_lines_may_be_told_at_once),
        cmocka_unit_test(what_concerns_no_job_in_its_hand_is_complained_of_and_changes_nothing),
        cmocka_unit_test(an_outcome_that_cannot_be_understood_fails_its_job),
        cmocka_unit_test(a_line_without_end_is_not_taken),
        cmocka_unit_test(a_death_fails_what_it_was_told_of_and_keeps_the_rest),
        cmocka_unit_test(a_job_that_sees_a_second_death_has_one_try_less),
        cmocka_unit_test(many_jobs_may_see_a_death),
        cmocka_unit_test(a_forgotten_job_is_no_longer_in_its_hand),
        cmocka_unit_test(the_same_job_given_again_replaces_the_first),
        cmocka_unit_test(what_takes_too_long_fails_alone),
        cmocka_unit_test(one_that_does_not_read_runs_out_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
