/* Growing texts, JSON strings and the nearest word. */
#include "cli/str.h"

#include <string.h>

#include "cli/nearest.h"
#include "lib/check.h"

static void a_json_string_is_escaped_and_always_valid(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"a\nb\rc\td\x01\x7F", "\"a\\nb\\rc\\td\\u0001\\u007f\""},
        {"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82",
         "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82\""},
        {"\xFF", "\"\xEF\xBF\xBD\""},
        {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str str = {0};
        str_add_json(&str, cases[i][0]);
        assert_string_equal(str.data, cases[i][1]);
        str_free(&str);
    }
}

static void a_text_grows_by_any_amount_and_stays_ended(void **state)
{
    (void)state;
    struct str str = {0};
    assert_string_equal(str_text(&str), "");
    for (int i = 0; i < 1000; i++)
        str_addf(&str, "%d,", i);
    assert_int_equal(str.len, strlen(str.data));
    assert_int_equal(strncmp(str.data + str.len - 4, "999,", 4), 0);
    str_clear(&str);
    assert_string_equal(str_text(&str), "");
    str_free(&str);
}

static void the_nearest_word_is_the_one_meant(void **state)
{
    (void)state;
    static const char *const known[] = {"status", "topology", "health", "call", "config"};
    static const char *const cases[][2] = {
        {"staus", "status"}, {"tatsus", "status"}, {"top", "topology"}, {"CALL", "call"},
        {"helth", "health"}, {"konfig", "config"}, {"", "call"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct nearest nearest = {.meant = cases[i][0]};
        for (size_t k = 0; k < COUNT(known); k++)
            nearest_offer(&nearest, known[k]);
        assert_string_equal(nearest.word, cases[i][1]);
    }
}

static void distance_counts_single_changes_and_swaps(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("", ""), 0);
    assert_int_equal(nearest_distance("abc", "abc"), 0);
    assert_int_equal(nearest_distance("abc", "acb"), 1);
    assert_int_equal(nearest_distance("abc", "abcd"), 1);
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
    char longer[300];
    memset(longer, 'x', sizeof longer);
    longer[299] = '\0';
    assert_int_equal(nearest_distance(longer, "x"), 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_string_is_escaped_and_always_valid),
        cmocka_unit_test(a_text_grows_by_any_amount_and_stays_ended),
        cmocka_unit_test(the_nearest_word_is_the_one_meant),
        cmocka_unit_test(distance_counts_single_changes_and_swaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
