#include "lib/check.h"

#include "sandbox/duration.h"

static const struct {
    const char *text;
    weir_ms ms; /* -1: refused */
} cases[] = {
    {"250ms", 250},
    {"10s", 10000},
    {"5m", 300000},
    {"1h30m", 5400000},
    {"1.5h", 5400000},
    {"1m0s", 60000},
    {"1500", 1500},
    {"0", 0},
    {"0s", 0},
    {"0.25s", 250},
    {"0.1ms", 1},
    {"0.000000001ms", 1},
    {"876000h", DURATION_MAX},
    {"876000h1ms", -1},
    {"3153600000000", DURATION_MAX},
    {"3153600000001", -1},
    {"99999999999999999999999999", -1},
    {"99999999999999999999999999h", -1},
    {"", -1},
    {NULL, -1},
    {"s", -1},
    {"-1s", -1},
    {"+1s", -1},
    {" 1s", -1},
    {"1s ", -1},
    {"1 s", -1},
    {"1.5", -1},
    {"1.s", -1},
    {".5s", -1},
    {"1.0000000000s", -1},
    {"1d", -1},
    {"1S", -1},
    {"1h30", -1},
    {"1e3s", -1},
    {"0x10s", -1},
};

static void every_form_means_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        weir_ms out = -7;
        weir_status status = duration_parse(cases[i].text, "--after", &out, &err);
        if (status != (cases[i].ms < 0 ? WEIR_INVALID : WEIR_OK) ||
            (cases[i].ms >= 0 && out != cases[i].ms))
            fail_msg("\"%s\": status %d, %lld ms", cases[i].text, (int)status, (long long)out);
    }
}

static void the_error_names_the_option_and_shows_what_is_right(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_ms out = 0;
    duration_parse("soon", "--after", &out, &err);
    assert_string_equal(err.message,
                        "--after: \"soon\" is not a length of time; write it like 250ms, 10s, "
                        "1h30m, or as a number of milliseconds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_means_what_the_table_says),
        cmocka_unit_test(the_error_names_the_option_and_shows_what_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
