#include "lib/check.h"

#include "core/mem.h"
#include "sandbox/fault.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
    *state = faults_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    faults_free(*state);
    return 0;
}

static void add(void *state, const char *line)
{
    weir_error err = {0};
    if (faults_add(state, line, &err) != WEIR_OK)
        fail_msg("%s: %s", line, err.message);
}

static void a_fault_hits_as_many_requests_as_it_says(void **state)
{
    struct fault fault;
    add(*state, "token 3 http:503");
    for (int i = 0; i < 3; i++) {
        assert_true(faults_take(*state, "token", &fault));
        assert_int_equal(fault.how, FAULT_HTTP);
        assert_int_equal(fault.code, 503);
    }
    assert_false(faults_take(*state, "token", &fault));
}

static void all_is_for_ever_until_it_is_forgotten(void **state)
{
    struct fault fault;
    add(*state, "zeebe all hang");
    for (int i = 0; i < 1000; i++)
        assert_true(faults_take(*state, "zeebe.Topology", &fault));
    add(*state, "forget zeebe");
    assert_false(faults_take(*state, "zeebe.Topology", &fault));
}

static void the_first_that_fits_counts(void **state)
{
    struct fault fault;
    add(*state, "zeebe.Health 1 hang");
    add(*state, "zeebe 1 cut");
    add(*state, "zeebe.Topology 1 goaway");
    assert_true(faults_take(*state, "zeebe.Topology", &fault));
    assert_int_equal(fault.how, FAULT_CUT);
    assert_true(faults_take(*state, "zeebe.Topology", &fault));
    assert_int_equal(fault.how, FAULT_GOAWAY);
    assert_false(faults_take(*state, "zeebe.Topology", &fault));
    assert_false(faults_take(*state, "token", &fault));
}

static void calls_and_connections_are_told_apart(void **state)
{
    struct fault fault;
    add(*state, "zeebe 1 cut");
    assert_false(faults_take(*state, "zeebe.connections", &fault));
    add(*state, "zeebe.connections 1 hang");
    assert_true(faults_take(*state, "zeebe.connections", &fault));
    assert_int_equal(fault.how, FAULT_HANG);
}

static void after_and_delay_add_up(void **state)
{
    struct fault fault;
    add(*state, "zeebe 1 cut --after 2s");
    add(*state, "zeebe 1 delay:5s --after 1m");
    assert_true(faults_take(*state, "zeebe.Topology", &fault));
    assert_int_equal(fault.after, 2000);
    assert_true(faults_take(*state, "zeebe.Topology", &fault));
    assert_int_equal(fault.how, FAULT_DELAY);
    assert_int_equal(fault.after, 65000);
}

static void a_status_may_bring_its_own_text(void **state)
{
    struct fault fault;
    char name[64];
    add(*state, "zeebe 1 \"status:NOT_FOUND:no # such: job\"  # a comment");
    assert_true(faults_take(*state, "zeebe.CompleteJob", &fault));
    assert_int_equal(fault.code, 5);
    assert_string_equal(fault.text, "no # such: job");
    assert_string_equal(fault_name(&fault, name, sizeof name), "status:NOT_FOUND");
}

static const struct {
    const char *line, *name;
} names[] = {
    {"token 1 http:429:2", "http:429"},   {"token 1 error:invalid_grant", "error:invalid_grant"},
    {"token 1 delay:5s", "delay:5000ms"}, {"token 1 expire", "expire"},
    {"token 1 garbage", "garbage"},
};

static void each_kind_has_its_name(void **state)
{
    struct fault fault;
    char name[64];
    for (size_t i = 0; i < COUNT(names); i++) {
        add(*state, names[i].line);
        assert_true(faults_take(*state, "token", &fault));
        assert_string_equal(fault_name(&fault, name, sizeof name), names[i].name);
    }
}

static const struct {
    const char *line, *says;
} wrong[] = {
    {"", "empty"},
    {"  # only a comment", "empty"},
    {"token", "expected WHAT N HOW"},
    {"token 1", "expected WHAT N HOW"},
    {"tokn 1 cut", "did you mean token"},
    {"zeebe.Topologie 1 cut", "did you mean zeebe.Topology"},
    {"token 0 cut", "not a number of requests"},
    {"token -1 cut", "not a number of requests"},
    {"token many cut", "not a number of requests"},
    {"token 1 explode", "is not a fault"},
    {"token 1 cot", "did you mean cut"},
    {"token 1 hang:now", "takes no value"},
    {"token 1 http", "takes a value"},
    {"token 1 http:99", "from 200 to 599"},
    {"token 1 http:503:soon", "Retry-After"},
    {"token 1 status:UNAVAILABLE", "status cannot happen to token"},
    {"token 1 goaway", "goaway cannot happen to token"},
    {"zeebe 1 error:invalid_grant", "error cannot happen to zeebe"},
    {"zeebe.connections 1 status:OK", "cannot happen to zeebe.connections"},
    {"zeebe 1 status:UNAVAILIBLE", "did you mean UNAVAILABLE"},
    {"zeebe 1 status:", "names no gRPC status"},
    {"token 1 error:invalid_grand", "did you mean invalid_grant"},
    {"token 1 delay:soon", "not a length of time"},
    {"token 1 cut --after", "is not understood"},
    {"token 1 cut --before 2s", "is not understood"},
    {"token 1 cut --after 2s more", "expected WHAT N HOW"},
    {"token 1 cut \"--after 2s", "expected WHAT N HOW"},
    {"a b c d e f g", "expected WHAT N HOW"},
    {"forget tokn", "did you mean token"},
    {"forget token zeebe", "forget takes"},
};

static void a_wrong_line_is_refused_with_the_reason(void **state)
{
    struct fault fault;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        weir_error err = {0};
        assert_int_equal(faults_add(*state, wrong[i].line, &err), WEIR_INVALID);
        if (!strstr(err.message, wrong[i].says))
            fail_msg("\"%s\": %s", wrong[i].line, err.message);
    }
    assert_false(faults_take(*state, "token", &fault));
    assert_false(faults_take(*state, "zeebe.Topology", &fault));
}

static void a_line_that_is_too_long_is_refused(void **state)
{
    char line[FAULT_LINE_MAX + 1];
    weir_error err = {0};
    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = '\0';
    assert_int_equal(faults_add(*state, line, &err), WEIR_INVALID);
    snprintf(line, sizeof line, "zeebe 1 status:OK:%0300d", 1);
    assert_int_equal(faults_add(*state, line, &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "199 bytes"));
}

static void a_script_is_taken_whole(void **state)
{
    static const char script[] = "# first the token endpoint\n"
                                 "token 1 http:503\r\n"
                                 "\n"
                                 "zeebe.Topology 1 status:UNAVAILABLE --after 2s # later";
    struct fault fault;
    weir_error err = {0};
    assert_int_equal(faults_add_script(*state, script, sizeof script - 1, "f.txt", &err), WEIR_OK);
    assert_true(faults_take(*state, "token", &fault));
    assert_true(faults_take(*state, "zeebe.Topology", &fault));
    assert_int_equal(fault.after, 2000);
}

static void a_script_with_a_wrong_line_is_not_taken_at_all(void **state)
{
    static const char script[] = "token 1 http:503\n\ntoken 1 explode\n";
    struct fault fault;
    weir_error err = {0};
    assert_int_equal(faults_add_script(*state, script, sizeof script - 1, "f.txt", &err),
                     WEIR_INVALID);
    assert_ptr_equal(strstr(err.message, "f.txt:3: \"explode\""), err.message);
    assert_false(faults_take(*state, "token", &fault));
    static const char binary[] = "token 1 \0cut\n";
    assert_int_equal(faults_add_script(*state, binary, sizeof binary - 1, "f.txt", &err),
                     WEIR_INVALID);
}

static void there_is_a_largest_number_of_faults(void **state)
{
    weir_error err = {0};
    struct fault fault;
    for (int i = 0; i < FAULTS_MAX; i++)
        add(*state, "token 1 cut");
    assert_int_equal(faults_add(*state, "token 1 cut", &err), WEIR_BUSY);
    for (int i = 0; i < FAULTS_MAX; i++)
        assert_true(faults_take(*state, "token", &fault));
    assert_false(faults_take(*state, "token", &fault));
    add(*state, "token 1 cut");
    add(*state, "forget");
    assert_false(faults_take(*state, "token", &fault));
}

static void no_memory_is_said_and_changes_nothing(void **state)
{
    weir_error err = {0};
    struct fault fault;
    mem_fail_at(1);
    assert_int_equal(faults_add(*state, "token 1 cut", &err), WEIR_NO_MEMORY);
    mem_fail_at(0);
    assert_false(faults_take(*state, "token", &fault));
    mem_fail_at(1);
    assert_int_equal(faults_add_script(*state, "token 1 cut", 11, "f.txt", &err), WEIR_NO_MEMORY);
    mem_fail_at(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fault_hits_as_many_requests_as_it_says),
        TEST(all_is_for_ever_until_it_is_forgotten),
        TEST(the_first_that_fits_counts),
        TEST(calls_and_connections_are_told_apart),
        TEST(after_and_delay_add_up),
        TEST(a_status_may_bring_its_own_text),
        TEST(each_kind_has_its_name),
        TEST(a_wrong_line_is_refused_with_the_reason),
        TEST(a_line_that_is_too_long_is_refused),
        TEST(a_script_is_taken_whole),
        TEST(a_script_with_a_wrong_line_is_not_taken_at_all),
        TEST(there_is_a_largest_number_of_faults),
        TEST(no_memory_is_said_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
