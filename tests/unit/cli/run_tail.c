/* The end of a program's stderr. */
#include "cli/run_tail.h"

#include <string.h>

#include "lib/check.h"

static void says(const char *const *parts, const char *wanted)
{
    static struct run_tail tail;
    struct str text = {0};
    tail = (struct run_tail){0};
    for (; *parts; parts++)
        run_tail_add(&tail, *parts, strlen(*parts));
    run_tail_text(&tail, &text);
    assert_string_equal(str_text(&text), wanted);
    str_free(&text);
}

static void what_was_said_is_shown_without_blanks_around_it(void **state)
{
    (void)state;
    says((const char *const[]){NULL}, "");
    says((const char *const[]){" \n\t", NULL}, "");
    says((const char *const[]){"no", " such", "\n", NULL}, "no such");
    says((const char *const[]){"\n one\n two \r\n", NULL}, "one\n two");
}

static void what_is_no_text_becomes_text(void **state)
{
    (void)state;
    static struct run_tail tail;
    struct str text = {0};
    says((const char *const[]){"caf\xC3\xA9 \xFF!", NULL}, "caf\xC3\xA9 \xEF\xBF\xBD!");
    run_tail_add(&tail, "a\0b", 3);
    run_tail_text(&tail, &text);
    assert_string_equal(text.data, "a\xEF\xBF\xBD"
                                   "b");
    str_free(&text);
}

/* In pieces of every length, around the size of the tail. */
static void only_the_end_is_kept(void **state)
{
    (void)state;
    static struct run_tail tail;
    static char all[3 * RUN_TAIL];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)('a' + i % 23);
    static const size_t pieces[] = {1, 7, 4096, RUN_TAIL - 1, RUN_TAIL, RUN_TAIL + 1, sizeof all};
    for (size_t p = 0; p < COUNT(pieces); p++) {
        tail = (struct run_tail){0};
        for (size_t at = 0; at < sizeof all; at += pieces[p]) {
            size_t left = sizeof all - at;
            run_tail_add(&tail, all + at, left < pieces[p] ? left : pieces[p]);
        }
        struct str text = {0};
        run_tail_text(&tail, &text);
        assert_int_equal(text.len, RUN_TAIL);
        assert_memory_equal(text.data, all + sizeof all - RUN_TAIL, RUN_TAIL);
        str_free(&text);
    }
}

static void a_character_that_was_cut_is_left_out(void **state)
{
    (void)state;
    static struct run_tail tail;
    static char all[RUN_TAIL + 1];
    struct str text = {0};
    memset(all, 'x', sizeof all);
    memcpy(all, "\xE2\x82\xAC", 3);
    run_tail_add(&tail, all, sizeof all);
    run_tail_text(&tail, &text);
    assert_int_equal(text.len, RUN_TAIL - 2);
    assert_int_equal(text.data[0], 'x');
    str_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_shown_without_blanks_around_it),
        cmocka_unit_test(what_is_no_text_becomes_text),
        cmocka_unit_test(only_the_end_is_kept),
        cmocka_unit_test(a_character_that_was_cut_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
