#include "rpc/metadata.h"

#include "lib/check.h"

#include <stdlib.h>
#include <string.h>

static void timeouts_have_at_most_eight_digits_and_are_never_shorter(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {INT64_C(-5), "1n"},
        {INT64_C(1), "1n"},
        {INT64_C(999), "999n"},
        {INT64_C(10000000000), "10000m"},
        {INT64_C(9999900000), "10000m"},
        {INT64_C(9995000001), "10000m"},
        {INT64_C(50000000), "50000u"},
        {INT64_C(3600000000000), "3600S"},
    };
    static const struct {
        char name;
        double ns;
    } units[] = {{'n', 1}, {'u', 1e3}, {'m', 1e6}, {'S', 1e9}, {'M', 6e10}, {'H', 3.6e12}};
    char text[16];
    for (size_t i = 0; i < COUNT(cases); i++) {
        metadata_timeout(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
    }
    for (int64_t ns = 1; ns < INT64_MAX / 3; ns = ns * 3 + 1) {
        char *unit;
        metadata_timeout(ns, text);
        double value = strtod(text, &unit);
        assert_true(strlen(text) <= 9 && strlen(unit) == 1);
        for (size_t i = 0; i < COUNT(units); i++)
            value = *unit == units[i].name ? value * units[i].ns : value;
        assert_true(value >= (double)ns && value <= (double)ns * 1.02 + 1);
    }
}

static void names_and_values_are_checked(void **state)
{
    (void)state;
    static const struct {
        weir_metadata entry;
        weir_status status;
        const char *words;
    } cases[] = {
        {{"x-ok_1.2", {"v", 1}}, WEIR_OK, ""},
        {{"any-bin", {"\0\xff", 2}}, WEIR_OK, ""},
        {{"Upper", {"v", 1}}, WEIR_INVALID, "Upper"},
        {{"", {"v", 1}}, WEIR_INVALID, "empty"},
        {{":path", {"v", 1}}, WEIR_INVALID, ":path"},
        {{"grpc-timeout", {"1S", 2}}, WEIR_INVALID, "grpc-"},
        {{"connection", {"v", 1}}, WEIR_INVALID, "transport"},
        {{"x", {"a\nb", 3}}, WEIR_INVALID, "printable"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_int_equal(metadata_check(&cases[i].entry, &err), cases[i].status);
        assert_non_null(strstr(err.message, cases[i].words));
    }
}

static void binary_values_are_decoded_with_or_without_padding(void **state)
{
    (void)state;
    static const char *const forms[] = {"q6ur", "qw==", "qw"};
    static const char *const bytes[] = {"\xab\xab\xab", "\xab", "\xab"};
    struct metadata m = {0};
    for (size_t i = 0; i < COUNT(forms); i++)
        assert_true(
            metadata_add(&m, (weir_bytes){"a-bin", 5}, (weir_bytes){forms[i], strlen(forms[i])}));
    for (size_t i = 0; i < COUNT(forms); i++) {
        assert_int_equal(m.list[i].value.len, strlen(bytes[i]));
        assert_memory_equal(m.list[i].value.data, bytes[i], strlen(bytes[i]));
    }
    metadata_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts_have_at_most_eight_digits_and_are_never_shorter),
        cmocka_unit_test(names_and_values_are_checked),
        cmocka_unit_test(binary_values_are_decoded_with_or_without_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
