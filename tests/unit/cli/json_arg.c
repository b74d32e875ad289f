/* JSON on the command line. */
#include "cli/json_arg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/str.h"
#include "lib/check.h"

static char path[] = "/tmp/weir-json-arg-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return remove(path);
}

static void expect(const char *value, const char *text)
{
    weir_error err = {0};
    char *got = json_arg_object("data", value, &err);
    if (!got)
        fail_msg("%s: %s", value, err.message);
    assert_string_equal(got, text);
    release_memory(got);
}

static void an_object_is_literal_or_in_a_file(void **state)
{
    (void)state;
    char at[64];
    write_file("{\"a\": 1}\n");
    (void)snprintf(at, sizeof at, "@%s", path);
    expect("{}", "{}");
    expect(" \n{\"k\":\"9007199254740993\"}", " \n{\"k\":\"9007199254740993\"}");
    expect(at, "{\"a\": 1}\n");
    expect(path, "{\"a\": 1}\n");
}

static void expect_error(const char *value, weir_status status, const char *part)
{
    weir_error err = {0};
    assert_null(json_arg_object("data", value, &err));
    assert_int_equal(err.status, status);
    if (!strstr(err.message, part))
        fail_msg("%s: %s", value, err.message);
    assert_memory_equal(err.message, "--data: ", 8);
}

static void what_is_wrong_is_said_with_line_and_column(void **state)
{
    (void)state;
    expect_error("{\"a\":\n 1,}", WEIR_INVALID, "line 2");
    expect_error("{bad", WEIR_INVALID, "column");
    expect_error("", WEIR_INVALID, "line 1, column 1: nothing is there");
    expect_error("@", WEIR_INVALID, "no file is named");
    expect_error("[1]", WEIR_INVALID, "line 1, column 1: a JSON object is wanted");
    expect_error("\n  7", WEIR_INVALID, "line 2, column 3: a JSON object is wanted");
    expect_error("nosuchfile.json", WEIR_INVALID, "line 1");
}

static void a_file_is_named_in_its_errors(void **state)
{
    (void)state;
    write_file("{\n\"a\" 1}");
    expect_error(path, WEIR_INVALID, path);
    expect_error(path, WEIR_INVALID, "line 2");
    expect_error("@/no/such/file", WEIR_STORE, "/no/such/file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_literal_or_in_a_file),
        cmocka_unit_test(what_is_wrong_is_said_with_line_and_column),
        cmocka_unit_test(a_file_is_named_in_its_errors),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
