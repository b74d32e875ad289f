#include "lib/check.h"

#include "core/json.h"
#include "core/mem.h"

#include <string.h>

static weir_json *parsed(const char *text, weir_error *err)
{
    return weir_json_parse(text, strlen(text), err);
}

static void integers_are_exact_to_64_bits(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_json *v = parsed("{\"a\":9223372036854775807,\"b\":-9223372036854775808}", &err);
    assert_non_null(v);
    assert_true(weir_json_int(v, "/a", 0) == INT64_MAX);
    assert_true(weir_json_int(v, "/b", 0) == INT64_MIN);
    char *text = weir_json_text(v);
    assert_string_equal(text, "{\"a\":9223372036854775807,\"b\":-9223372036854775808}");
    weir_free(text);
    weir_json_free(v);
}

static void what_rfc_8259_leaves_open_is_refused_with_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "empty"},
        {"{\"a\":1,\n \"a\":2}", "line 2, column 4: a member's name occurs twice"},
        {"[9223372036854775808]", "line 1, column 20: a number does not fit 64 bits"},
        {"[1e999]", "a number does not fit"},
        {"[1] 2", "something follows its end"},
        {"{\"a\":", "it ends too early"},
        {"[\"\xff\"]", "not UTF-8"},
        {"[\"\\u0000\"]", "NUL"},
        {"{'a':1}", "not the syntax"},
        {"[01]", "line 1, column 2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_null(parsed(cases[i].text, &err));
        assert_int_equal(err.status, WEIR_INVALID);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' is not in: %s", cases[i].words, err.message);
    }
}

/* jansson passes over it after a number or a word. */
static void a_nul_is_no_blank(void **state)
{
    static const char *const texts[] = {"{\"a\":1\0\n}\n", "{\"a\":n\0ull}", "[true\0 ]     "};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        weir_error err = {0};
        assert_null(weir_json_parse(texts[i], 10, &err));
        assert_int_equal(err.status, WEIR_INVALID);
    }
    weir_error err = {0};
    assert_null(weir_json_parse("{\n\"a\":1\0}", 9, &err));
    assert_non_null(strstr(err.message, "line 2, column 6: a NUL character"));
}

static void an_error_never_quotes_the_text(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_null(parsed("{\"access_token\" \"sesame\"}", &err));
    assert_null(strstr(err.message, "sesame"));
    assert_null(parsed("{\"access_token\":sesame}", &err));
    assert_null(strstr(err.message, "sesame"));
}

static void nesting_ends_at_512_levels(void **state)
{
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 4];
    for (int depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
        weir_error err = {0};
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        weir_json *v = weir_json_parse(text, 2 * (size_t)depth, &err);
        assert_int_equal(v != NULL, depth == JSON_MAX_DEPTH);
        if (!v)
            assert_string_equal(err.message, "JSON: no valid JSON at line 1, column 513: it is "
                                             "nested too deeply");
        weir_json_free(v);
    }
    weir_error err = {0};
    weir_json *v = parsed("[\"\\\"[[[[\", \"]\"]", &err); /* brackets in texts do not count */
    assert_int_equal(weir_json_len(v, ""), 2);
    weir_json_free(v);
}

static void pointers_read_as_rfc_6901_says(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_json *v = parsed("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"m~n\":8,"
                          "\"x\":{\"y\":true,\"z\":1.5}}",
                          &err);
    assert_ptr_equal(weir_json_at(v, ""), v);
    assert_string_equal(weir_json_str(v, "/foo/1", "?"), "baz");
    assert_int_equal(weir_json_int(v, "/", -1), 0);
    assert_int_equal(weir_json_int(v, "/a~1b", -1), 1);
    assert_int_equal(weir_json_int(v, "/c%d", -1), 2);
    assert_int_equal(weir_json_int(v, "/m~0n", -1), 8);
    assert_true(weir_json_bool(v, "/x/y", false));
    assert_true(weir_json_num(v, "/x/z", 0) > 1.4);
    static const char *const nowhere[] = {"foo",   "/foo/2",          "/foo/01", "/foo/-",
                                          "/foo/", "/m~2n",           "/m~",     "/x/y/z",
                                          "/no",   "/foo/99999999999"};
    for (size_t i = 0; i < COUNT(nowhere); i++)
        assert_null(weir_json_at(v, nowhere[i]));
    assert_string_equal(weir_json_str(v, "/a~1b", "fallback"), "fallback");
    assert_int_equal(weir_json_int(NULL, "/a", 7), 7);
    weir_json_free(v);
}

static void a_very_long_name_is_found_too(void **state)
{
    (void)state;
    char text[512] = "{\"";
    char pointer[512] = "/";
    memset(text + 2, 'n', 300);
    memset(pointer + 1, 'n', 300);
    memcpy(text + 302, "\":5}", 5);
    weir_error err = {0};
    weir_json *v = parsed(text, &err);
    assert_int_equal(weir_json_int(v, pointer, 0), 5);
    pointer[301] = 'n';
    assert_int_equal(weir_json_int(v, pointer, 0), 0);
    weir_json_free(v);
}

static void packing_takes_janssons_language(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_json *v = weir_json_pack(&err, "{s:s, s:I, s:[b]}", "name", "n\n", "count",
                                  (json_int_t)1 << 60, "flags", 1);
    char *text = weir_json_text(v);
    assert_string_equal(text, "{\"name\":\"n\\n\",\"count\":1152921504606846976,\"flags\":[true]}");
    weir_free(text);
    weir_json_free(v);
    assert_null(weir_json_pack(&err, "{s:?}", "name"));
    assert_int_equal(err.status, WEIR_INVALID);
}

static void a_string_is_escaped_as_json_wants_it(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(100);
    json_add_string(&out, "a\"\\\n\x01\xc3\xa9", 7);
    assert_string_equal(out.data, "\"a\\\"\\\\\\u000a\\u0001\xc3\xa9\"");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_exact_to_64_bits),
        cmocka_unit_test(what_rfc_8259_leaves_open_is_refused_with_line_and_column),
        cmocka_unit_test(a_nul_is_no_blank),
        cmocka_unit_test(an_error_never_quotes_the_text),
        cmocka_unit_test(nesting_ends_at_512_levels),
        cmocka_unit_test(pointers_read_as_rfc_6901_says),
        cmocka_unit_test(a_very_long_name_is_found_too),
        cmocka_unit_test(packing_takes_janssons_language),
        cmocka_unit_test(a_string_is_escaped_as_json_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
