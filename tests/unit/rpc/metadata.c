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

static void joined_binary_values_are_split(void **state)
{
    (void)state;
    struct metadata m = {0};
    assert_true(metadata_add(&m, (weir_bytes){"a-bin", 5}, (weir_bytes){"qw==, q6ur,,!,", 14}));
    static const char *const values[] = {"\xab", "\xab\xab\xab", "", "!", ""};
    assert_int_equal(m.count, COUNT(values));
    for (size_t i = 0; i < COUNT(values); i++) { /* "!" is no base64: kept as it came */
        assert_string_equal(m.list[i].name, "a-bin");
        assert_int_equal(m.list[i].value.len, strlen(values[i]));
        assert_memory_equal(m.list[i].value.data, values[i], strlen(values[i]));
    }
    assert_true(metadata_add(&m, (weir_bytes){"text", 4}, (weir_bytes){"a,b", 3}));
    assert_int_equal(m.count, COUNT(values) + 1); /* only binary ones */
    metadata_clear(&m);
}

static void values_may_have_any_printable_byte_and_no_other(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const unsigned char value[1] = {(unsigned char)byte};
        const weir_metadata text = {"x", {value, 1}}, binary = {"x-bin", {value, 1}};
        bool printable = byte >= 0x20 && byte < 0x7f;
        assert_int_equal(metadata_check(&text, NULL), printable ? WEIR_OK : WEIR_INVALID);
        assert_int_equal(metadata_check(&binary, NULL), WEIR_OK);
    }
}

static void names_may_have_few_bytes(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        const char name[3] = {'x', (char)byte, 0};
        const weir_metadata entry = {name, {"v", 1}};
        bool fine = byte < 128 && strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", byte);
        assert_int_equal(metadata_check(&entry, NULL), fine ? WEIR_OK : WEIR_INVALID);
    }
}

static void what_the_transport_sends_is_its_own(void **state)
{
    (void)state;
    static const char *const names[] = {"te",         "content-type", "user-agent", "host",
                                        "connection", "grpc-status",  "grpc-x",     ":authority"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const weir_metadata entry = {names[i], {"v", 1}};
        weir_error err = {0};
        assert_int_equal(metadata_check(&entry, &err), WEIR_INVALID);
        assert_non_null(strstr(err.message, names[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts_have_at_most_eight_digits_and_are_never_shorter),
        cmocka_unit_test(names_and_values_are_checked),
        cmocka_unit_test(binary_values_are_decoded_with_or_without_padding),
        cmocka_unit_test(joined_binary_values_are_split),
        cmocka_unit_test(values_may_have_any_printable_byte_and_no_other),
        cmocka_unit_test(names_may_have_few_bytes),
        cmocka_unit_test(what_the_transport_sends_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
