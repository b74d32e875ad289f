/* Lines that arrive in pieces. */
#include "cli/lines.h"

#include <string.h>

#include "lib/check.h"

static struct str seen;

static void on_line(void *user, const char *line, size_t len)
{
    (void)user;
    assert_int_equal(line[len], '\0');
    str_addf(&seen, "[%s]", line);
}

static void saw(const char *wanted)
{
    assert_string_equal(str_text(&seen), wanted);
    str_clear(&seen);
}

static bool reads(struct lines *lines, const char *text)
{
    return lines_read(lines, text, strlen(text), on_line, NULL);
}

static void lines_are_put_together_whatever_the_pieces(void **state)
{
    struct lines lines = {.most = 100};
    (void)state;
    assert_true(reads(&lines, "one\ntw"));
    saw("[one]");
    assert_true(reads(&lines, "o"));
    saw("");
    assert_true(reads(&lines, "\n\nthree\n"));
    saw("[two][][three]");
    lines_free(&lines);
}

static void the_last_line_needs_no_end(void **state)
{
    struct lines lines = {.most = 100};
    (void)state;
    assert_true(reads(&lines, "one\nlast"));
    lines_end(&lines, on_line, NULL);
    saw("[one][last]");
    lines_end(&lines, on_line, NULL);
    saw("");
    lines_free(&lines);
}

static void a_line_may_be_as_long_as_allowed_and_no_longer(void **state)
{
    struct lines lines = {.most = 5};
    (void)state;
    assert_true(reads(&lines, "12345\n"));
    saw("[12345]");
    assert_true(reads(&lines, "123"));
    assert_false(reads(&lines, "456"));
    saw("");
    assert_true(reads(&lines, "\nok\n"));
    saw("[][ok]");
    lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_put_together_whatever_the_pieces),
        cmocka_unit_test(the_last_line_needs_no_end),
        cmocka_unit_test(a_line_may_be_as_long_as_allowed_and_no_longer),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    str_free(&seen);
    return failed;
}
