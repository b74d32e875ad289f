#include "lib/check.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/weir-options-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void a_secret_comes_from_the_variable_or_from_its_file(void **state)
{
    (void)state;
    char path[256];
    char *value = NULL;
    weir_error err = {0};
    snprintf(path, sizeof path, "%s/secret", folder);
    assert_int_equal(file_replace(path, "from file\r\n", 11, 0600, "the file", &err), WEIR_OK);
    unsetenv("OPT_SECRET");
    assert_int_equal(options_secret_env("OPT_SECRET", &value, &err), WEIR_OK);
    assert_null(value);
    setenv("OPT_SECRET_FILE", path, 1);
    assert_int_equal(options_secret_env("OPT_SECRET", &value, &err), WEIR_OK);
    assert_string_equal(value, "from file");
    secret_free_text(value);
    setenv("OPT_SECRET", "direct", 1);
    assert_int_equal(options_secret_env("OPT_SECRET", &value, &err), WEIR_OK);
    assert_string_equal(value, "direct");
    secret_free_text(value);
    unsetenv("OPT_SECRET");
    unlink(path);
    assert_int_equal(options_secret_env("OPT_SECRET", &value, &err), WEIR_STORE);
    assert_non_null(strstr(err.message, "OPT_SECRET_FILE"));
    assert_non_null(strstr(err.message, path));
    assert_null(value);
}

static void an_empty_variable_counts_as_unset(void **state)
{
    (void)state;
    setenv("OPT_ONE", "", 1);
    setenv("OPT_TWO", "two", 1);
    assert_string_equal(options_env("OPT_ONE", "OPT_TWO", NULL), "two");
    assert_null(options_env("OPT_ONE", NULL));
    assert_null(options_text(WEIR_OMIT));
    assert_null(options_text(""));
    assert_int_equal(options_number(0, 5), 5);
    assert_int_equal(options_number(WEIR_ZERO, 5), 0);
    assert_int_equal(options_number(-1, 5), -1);
}

static void a_file_is_replaced_whole_with_its_mode_or_not_at_all(void **state)
{
    (void)state;
    char path[256];
    char *text = NULL;
    size_t len = 0;
    struct stat st;
    weir_error err = {0};
    snprintf(path, sizeof path, "%s/whole", folder);
    assert_int_equal(file_replace(path, "one", 3, 0600, "the file", &err), WEIR_OK);
    assert_int_equal(file_replace(path, "two2", 4, 0600, "the file", &err), WEIR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 4, "the file", &text, &len, &err), WEIR_OK);
    assert_int_equal(len, 4);
    assert_string_equal(text, "two2");
    mem_free(text);
    assert_int_equal(file_read(path, 3, "the file", &text, &len, &err), WEIR_INVALID);
    assert_null(text);
    unlink(path);
    assert_int_equal(file_replace("/proc/nonexistent/x", "", 0, 0600, "the file", &err),
                     WEIR_STORE);
    assert_int_equal(file_read(folder, 10, "the file", &text, &len, &err), WEIR_STORE);
}

static void secrets_compare_by_content_and_length(void **state)
{
    (void)state;
    struct secret *one = secret_new("sesame\0x", 8);
    struct secret *same = secret_dup(one);
    struct secret *shorter = secret_new("sesame", 6);
    assert_int_equal(secret_len(one), 8);
    assert_true(secret_equal(one, same));
    assert_false(secret_equal(one, shorter));
    assert_string_equal(secret_reveal(shorter), "sesame");
    assert_null(secret_reveal(NULL));
    assert_null(secret_new(NULL, 0));
    secret_free(one);
    secret_free(same);
    secret_free(shorter);
    secret_free(NULL);
}

static void a_struct_size_that_none_has_is_not_looked_behind(void **state)
{
    (void)state;
    struct {
        size_t struct_size;
        int number;
    } out, in = {SIZE_MAX, 1};
    weir_error err = {0};
    assert_int_equal(options_read(&out, sizeof out, &in, "WEIR_X", &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "WEIR_X"));
    in.struct_size = 1 << 20;
    assert_int_equal(options_read(&out, sizeof out, &in, "WEIR_X", &err), WEIR_INVALID);
}

static void a_limit_is_a_number_or_one_of_the_names(void **state)
{
    (void)state;
    static const struct {
        weir_ms value, limit;
        weir_status status;
    } cases[] = {
        {0, 70, WEIR_OK},
        {WEIR_DEFAULT_TIMEOUT, 70, WEIR_OK},
        {WEIR_ZERO, 0, WEIR_OK},
        {WEIR_FOREVER, WEIR_FOREVER, WEIR_OK},
        {INT64_MAX, INT64_MAX, WEIR_OK},
        {-3, -3, WEIR_INVALID},
        {INT64_MIN, INT64_MIN, WEIR_INVALID},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_ms limit = 1;
        weir_error err = {0};
        assert_int_equal(options_limit(cases[i].value, 70, "x", &limit, &err), cases[i].status);
        assert_true(limit == cases[i].limit);
        assert_int_equal(err.status, cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_comes_from_the_variable_or_from_its_file),
        cmocka_unit_test(an_empty_variable_counts_as_unset),
        cmocka_unit_test(a_file_is_replaced_whole_with_its_mode_or_not_at_all),
        cmocka_unit_test(secrets_compare_by_content_and_length),
        cmocka_unit_test(a_struct_size_that_none_has_is_not_looked_behind),
        cmocka_unit_test(a_limit_is_a_number_or_one_of_the_names),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
