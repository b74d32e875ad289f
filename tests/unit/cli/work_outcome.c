/* What handlers say became of a job. */
#include "cli/work_outcome.h"

#include <string.h>

#include "lib/check.h"

#include <weir/job.h>

static void good(struct work_outcome *out, const char *text)
{
    struct str why = {0};
    if (!work_outcome_read(out, text, strlen(text), &why))
        fail_msg("%s: %s", text, str_text(&why));
    assert_int_equal(why.len, 0);
}

static void a_completion_has_variables(void **state)
{
    (void)state;
    struct work_outcome out;
    good(&out, "{\"complete\":{\"a\":[1,2.5,\"x\"],\"big\":9223372036854775807}}");
    assert_int_equal(out.verdict, WORK_COMPLETE);
    assert_int_equal(out.key, 0);
    assert_string_equal(out.variables, "{\"a\":[1,2.5,\"x\"],\"big\":9223372036854775807}");
    work_outcome_free(&out);
    good(&out, " {\"key\":2251799813685257,\"complete\":{}}\n");
    assert_int_equal(out.key, 2251799813685257);
    assert_string_equal(out.variables, "{}");
    work_outcome_free(&out);
}

static void a_failure_says_what_it_wants_and_leaves_the_rest(void **state)
{
    (void)state;
    struct work_outcome out;
    good(&out, "{\"key\":\"5\",\"fail\":{\"retries\":2,\"retryBackoff\":\"5s\","
               "\"errorMessage\":\"no\",\"variables\":{\"b\":1}}}");
    assert_int_equal(out.verdict, WORK_FAIL);
    assert_int_equal(out.key, 5);
    assert_int_equal(out.retries, 2);
    assert_int_equal(out.backoff, 5000);
    assert_string_equal(out.message, "no");
    assert_string_equal(out.variables, "{\"b\":1}");
    work_outcome_free(&out);
    good(&out, "{\"fail\":{}}");
    assert_int_equal(out.retries, WEIR_RETRIES_LESS);
    assert_int_equal(out.backoff, 0);
    assert_null(out.message);
    assert_null(out.variables);
    work_outcome_free(&out);
    good(&out, "{\"fail\":{\"retries\":0,\"retryBackoff\":250}}");
    assert_int_equal(out.retries, 0);
    assert_int_equal(out.backoff, 250);
    work_outcome_free(&out);
    good(&out, "{\"fail\":{\"retryBackoff\":\"0s\"}}");
    assert_int_equal(out.backoff, WEIR_ZERO);
    work_outcome_free(&out);
}

static void an_error_has_a_code(void **state)
{
    (void)state;
    struct work_outcome out;
    good(&out, "{\"throw\":{\"errorCode\":\"C\",\"errorMessage\":\"m\",\"variables\":{}}}");
    assert_int_equal(out.verdict, WORK_THROW);
    assert_string_equal(out.code, "C");
    assert_string_equal(out.message, "m");
    assert_string_equal(out.variables, "{}");
    work_outcome_free(&out);
}

/* The text, the key that is known all the same, and a part of the complaint. */
static const struct {
    const char *text;
    int64_t key;
    const char *complaint;
} wrong[] = {
    {"", 0, "is no JSON: "},
    {"nonsense", 0, "is no JSON: "},
    {"[]", 0, "is no JSON object"},
    {"\"{}\"", 0, "is no JSON object"},
    {"{}", 0, "has none of"},
    {"{\"key\":\"5\"}", 5, "has none of"},
    {"{\"key\":\"5\",\"complete\":{},\"fail\":{}}", 5, "has more than one of"},
    {"{\"key\":\"five\",\"complete\":{}}", 0, "has a key that is no job's"},
    {"{\"key\":5.5,\"complete\":{}}", 0, "has a key that is no job's"},
    {"{\"key\":true,\"complete\":{}}", 0, "has a key that is no job's"},
    {"{\"key\":-5,\"complete\":{}}", 0, "has a key that is no job's"},
    {"{\"key\":0,\"complete\":{}}", 0, "has a key that is no job's"},
    {"{\"key\":\"5\",\"complete\":[]}", 5, "variables that are no JSON object"},
    {"{\"key\":\"5\",\"complete\":null}", 5, "variables that are no JSON object"},
    {"{\"key\":\"5\",\"complete\":{},\"extra\":1}", 5, "members that are not known"},
    {"{\"key\":\"5\",\"fail\":\"no\"}", 5, "\"fail\" that is no JSON object"},
    {"{\"key\":\"5\",\"fail\":{\"retry\":1}}", 5, "members in \"fail\" that are not known"},
    {"{\"key\":\"5\",\"fail\":{\"retries\":-1}}", 5, "retries that are no whole number"},
    {"{\"key\":\"5\",\"fail\":{\"retries\":1.5}}", 5, "retries that are no whole number"},
    {"{\"key\":\"5\",\"fail\":{\"retries\":\"1\"}}", 5, "retries that are no whole number"},
    {"{\"key\":\"5\",\"fail\":{\"retries\":2147483648}}", 5, "retries that are no whole number"},
    {"{\"key\":\"5\",\"fail\":{\"retryBackoff\":\"soon\"}}", 5, "retryBackoff that is no duration"},
    {"{\"key\":\"5\",\"fail\":{\"retryBackoff\":-1}}", 5, "retryBackoff that is no duration"},
    {"{\"key\":\"5\",\"fail\":{\"errorMessage\":7}}", 5, "errorMessage that is no string"},
    {"{\"key\":\"5\",\"fail\":{\"variables\":\"{}\"}}", 5, "variables that are no JSON object"},
    {"{\"key\":\"5\",\"throw\":{}}", 5, "throws without an errorCode"},
    {"{\"key\":\"5\",\"throw\":{\"errorCode\":\"\"}}", 5, "throws without an errorCode"},
    {"{\"key\":\"5\",\"throw\":{\"errorCode\":\"C\",\"retries\":1}}", 5,
     "members in \"throw\" that are not known"},
    {"{\"key\":\"5\",\"complete\":{}} {}", 0, "is no JSON: "},
};

static void what_is_no_outcome_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct work_outcome out;
        struct str why = {0};
        assert_false(work_outcome_read(&out, wrong[i].text, strlen(wrong[i].text), &why));
        if (!strstr(str_text(&why), wrong[i].complaint))
            fail_msg("%s: %s", wrong[i].text, str_text(&why));
        assert_int_equal(out.key, wrong[i].key);
        work_outcome_free(&out);
        str_free(&why);
    }
}

static void a_failure_can_be_made_of_anything_read_so_far(void **state)
{
    (void)state;
    struct work_outcome out;
    good(&out, "{\"key\":\"5\",\"complete\":{\"a\":1}}");
    work_outcome_fail(&out, WEIR_RETRIES_SAME, "%s %d", "no", 1);
    assert_int_equal(out.key, 5);
    assert_int_equal(out.verdict, WORK_FAIL);
    assert_int_equal(out.retries, WEIR_RETRIES_SAME);
    assert_string_equal(out.message, "no 1");
    assert_null(out.variables);
    struct work_outcome copy;
    work_outcome_copy(&copy, &out);
    work_outcome_free(&out);
    assert_string_equal(copy.message, "no 1");
    work_outcome_free(&copy);
}

static void variables_are_an_object(void **state)
{
    (void)state;
    char room[512];
    assert_null(work_object_complaint(" {\"a\":1}\n", 9, room));
    assert_non_null(work_object_complaint("[1]", 3, room));
    assert_non_null(work_object_complaint("{\"a\":1", 6, room));
    assert_non_null(strstr(room, "line 1"));
    assert_non_null(work_object_complaint("{}\0{}", 5, room));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_completion_has_variables),
        cmocka_unit_test(a_failure_says_what_it_wants_and_leaves_the_rest),
        cmocka_unit_test(an_error_has_a_code),
        cmocka_unit_test(what_is_no_outcome_is_said),
        cmocka_unit_test(a_failure_can_be_made_of_anything_read_so_far),
        cmocka_unit_test(variables_are_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
