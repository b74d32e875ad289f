/* Durations, sizes, numbers and switches, as the contract of the command line writes them. */
#include "cli/value.h"

#include "lib/check.h"

static void durations_are_read_as_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        weir_ms ms;
    } cases[] = {
        {"250ms", 250},
        {"10s", 10000},
        {"5m", 300000},
        {"1h30m", 5400000},
        {"1.5h", 5400000},
        {"1m0s", 60000},
        {"0", 0},
        {"0s", 0},
        {"1500", 1500},
        {"0.5s", 500},
        {".5s", 500},
        {"1h", 3600000},
        {"1s1ms", 1001},
        {"0.1ms", 1},
        {"1.5", 2},
        {"0.0000000001h", 0},
        {"2562047788h", 9223372036800000},
        {"922337203685477580", 922337203685477580},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_ms ms = -7;
        const char *wrong = value_duration(cases[i].text, &ms);
        if (wrong || ms != cases[i].ms)
            fail_msg("%s: %s, %lld", cases[i].text, wrong ? wrong : "", (long long)ms);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        " ",
                                        "s",
                                        "-5s",
                                        "+5s",
                                        "5 s",
                                        "10x",
                                        "1h30",
                                        "5.",
                                        "1.5.5s",
                                        "s5",
                                        "1e3",
                                        "0x10",
                                        "10s ",
                                        " 10s",
                                        "ms",
                                        ".",
                                        ".s",
                                        "10S",
                                        "1d",
                                        "99999999999999999999s",
                                        "9223372036854775807h",
                                        "1h-3m",
                                        "１s"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_ms ms = -7;
        if (!value_duration(cases[i], &ms))
            fail_msg("\"%s\" was taken for %lld ms", cases[i], (long long)ms);
        assert_int_equal(ms, -7);
    }
}

static void sizes_are_bytes_and_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"64KiB", 65536}, {"1MiB", 1048576}, {"2GiB", 2147483648}, {"10", 10}, {"0", 0},
                {"1.5KiB", 1536}, {"7B", 7}};
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t bytes = -1;
        assert_null(value_size(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    static const char *const bad[] = {"", "KiB", "-1", "1kb", "1 MiB", "1MiBx", "9999999999999GiB"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t bytes = -1;
        assert_non_null(value_size(bad[i], &bytes));
    }
}

static void whole_numbers_fit_64_bits_or_are_refused(void **state)
{
    (void)state;
    int64_t number = 0;
    assert_null(value_number("2251799813685249", &number));
    assert_int_equal(number, 2251799813685249);
    assert_null(value_number("-1", &number));
    assert_int_equal(number, -1);
    assert_null(value_number("9223372036854775807", &number));
    assert_true(number == INT64_MAX);
    static const char *const bad[] = {"", "-", "1.0", "abc", "5x", "99999999999999999999", " 1"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_non_null(value_number(bad[i], &number));
}

static void switches_are_true_or_false_and_nothing_else(void **state)
{
    (void)state;
    bool on = false;
    assert_null(value_switch("true", &on));
    assert_true(on);
    assert_null(value_switch("0", &on));
    assert_false(on);
    assert_null(value_switch("TRUE", &on));
    assert_true(on);
    assert_null(value_switch("Yes", &on));
    assert_true(on);
    assert_null(value_switch("off", &on));
    assert_false(on);
    assert_non_null(value_switch("yes!", &on));
    assert_non_null(value_switch("", &on));
}

static void choices_are_whole_words(void **state)
{
    (void)state;
    assert_true(value_is_choice("json", "text|json"));
    assert_true(value_is_choice("text", "text|json"));
    assert_false(value_is_choice("js", "text|json"));
    assert_false(value_is_choice("", "text|json"));
    assert_false(value_is_choice("text|json", "text|json"));
}

static void a_shown_duration_is_read_back_the_same(void **state)
{
    (void)state;
    static const weir_ms cases[] = {0,     1,     250,     1000,    45000,
                                    60000, 90000, 3600000, 3661000, 86400000};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        weir_ms back = -1;
        value_show_duration(cases[i], text);
        assert_null(value_duration(text, &back));
        assert_int_equal(back, cases[i]);
    }
}

static void durations_of_answers_are_gos(void **state)
{
    (void)state;
    static const struct {
        weir_ms ms;
        const char *text;
    } known[] = {
        {0, "0s"},           {1, "1ms"},
        {999, "999ms"},      {1000, "1s"},
        {1500, "1.5s"},      {5000, "5s"},
        {60000, "1m0s"},     {90000, "1m30s"},
        {3600000, "1h0m0s"}, {3661001, "1h1m1.001s"},
        {90010, "1m30.01s"}, {172800000, "48h0m0s"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char shown[32];
        value_show_go_duration(known[i].ms, shown);
        assert_string_equal(shown, known[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_as_written),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(sizes_are_bytes_and_powers_of_1024),
        cmocka_unit_test(whole_numbers_fit_64_bits_or_are_refused),
        cmocka_unit_test(durations_of_answers_are_gos),
        cmocka_unit_test(switches_are_true_or_false_and_nothing_else),
        cmocka_unit_test(choices_are_whole_words),
        cmocka_unit_test(a_shown_duration_is_read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
