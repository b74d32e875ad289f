/* Metadata and base64, both ways. */
#include "cli/metadata.h"

#include <stdio.h>
#include <string.h>

#include "cli/base64.h"
#include "lib/check.h"

static const struct flag flags[] = {
    {.name = "header", .kind = FLAG_TEXT, .repeat = true, .value = "H", .help = "h"}, {0}};
static const struct flag_group group = {"F", flags};
static const struct flag_group *const groups[] = {&group, NULL};
static const struct command call = {
    .path = "zeebe call", .args = "", .groups = groups, .summary = "c"};
static const struct command *const commands[] = {&call, NULL};
static const struct section sections[] = {{0}};
static const struct flag none[] = {{0}};
static const struct flag_group common = {"C", none};
static const struct table table = {commands, sections, &common};

static weir_status read_header(const char *given, struct headers *headers, weir_error *err)
{
    char words[5][64] = {"weir", "zeebe", "call", "--header"};
    (void)snprintf(words[4], 64, "%s", given);
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    struct args args;
    struct str complaint = {0};
    assert_true(args_parse(&args, &table, 5, argv, &complaint));
    weir_status status = headers_read(headers, &args, err);
    args_free(&args);
    str_free(&complaint);
    return status;
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xFF\xFE", "//4="}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct str out = {0};
        cli_base64_encode(&out, pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(str_text(&out), pairs[i][1]);
        str_clear(&out);
        assert_true(cli_base64_decode(&out, pairs[i][1]));
        assert_string_equal(str_text(&out), pairs[i][0]);
        str_free(&out);
    }
}

static void base64_without_padding_is_read_and_anything_else_refused(void **state)
{
    (void)state;
    struct str out = {0};
    assert_true(cli_base64_decode(&out, "Zm8"));
    assert_string_equal(out.data, "fo");
    static const char *const wrong[] = {"Z", "Zm8-", "Zm 8", "=", "Zm8=x", "Zm9v="};
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (cli_base64_decode(&out, wrong[i]))
            fail_msg("%s", wrong[i]);
    str_free(&out);
}

static void a_header_is_a_name_in_lower_case_and_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *given, *name, *value;
        size_t len;
    } cases[] = {{"X-Id: 7", "x-id", "7", 1},
                 {"k:v", "k", "v", 1},
                 {"k:", "k", "", 0},
                 {"k: a: b ", "k", "a: b ", 5},
                 {"t-bin: AAE=", "t-bin", "\0\1", 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct headers headers;
        weir_error err = {0};
        if (read_header(cases[i].given, &headers, &err) != WEIR_OK)
            fail_msg("%s: %s", cases[i].given, err.message);
        assert_int_equal(headers.count, 1);
        assert_string_equal(headers.list[0].name, cases[i].name);
        assert_int_equal(headers.list[0].value.len, cases[i].len);
        assert_memory_equal(headers.list[0].value.data, cases[i].value, cases[i].len);
        assert_null(headers.list[1].name);
        headers_free(&headers);
    }
}

static void a_malformed_header_is_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {"novalue",     ": v",     "a b: c",  ":path: /",
                                        "k: \xC3\xA4", "k: a\tb", "t-bin: !"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct headers headers;
        weir_error err = {0};
        if (read_header(wrong[i], &headers, &err) != WEIR_INVALID)
            fail_msg("%s was taken", wrong[i]);
        assert_memory_equal(err.message, "--header: ", 10);
        headers_free(&headers);
    }
}

static void what_tells_who_we_are_is_not_shown(void **state)
{
    (void)state;
    const weir_metadata list[] = {{"authorization", {"Bearer s3cret", 13}},
                                  {"cookie", {"s3cret", 6}},
                                  {"x-id",
                                   {"a\x01"
                                    "b",
                                    3}},
                                  {"t-bin", {"\0\1", 2}}};
    struct str out = {0};
    metadata_show(&out, list, COUNT(list));
    assert_string_equal(out.data, "authorization: ***\ncookie: ***\nx-id: a\\x01b\nt-bin: AAE=\n");
    str_clear(&out);
    metadata_show(&out, NULL, 0);
    assert_string_equal(out.data, "(empty)\n");
    str_free(&out);
    struct headers headers;
    weir_error err = {0};
    assert_int_equal(read_header("Authorization: Bearer x", &headers, &err), WEIR_OK);
    assert_true(headers_have_secret(&headers));
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(base64_without_padding_is_read_and_anything_else_refused),
        cmocka_unit_test(a_header_is_a_name_in_lower_case_and_a_value),
        cmocka_unit_test(a_malformed_header_is_named),
        cmocka_unit_test(what_tells_who_we_are_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
