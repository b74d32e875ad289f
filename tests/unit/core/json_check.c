#include "core/json.h"
#include "lib/check.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    bool object;
} cases[] = {
    {"{}", true},
    {" \t\r\n{ } ", true},
    {"{\"a\":1}", true},
    {"{\"a\" : [ ] , \"b\" : { } }", true},
    {"{\"a\":[1,2,[3,{\"b\":null}],\"x\"],\"c\":true,\"d\":false}", true},
    {"{\"a\":-0.5e+10,\"b\":0,\"c\":1E5,\"d\":123456789012345678901234567890}", true},
    {"{\"\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}", true},
    {"{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}", true},
    {"{\"a\":1,\"a\":2}", true}, /* what a name that occurs twice means is the peer's affair */
    {"", false},
    {" ", false},
    {"[]", false},
    {"1", false},
    {"\"{}\"", false},
    {"null", false},
    {"{", false},
    {"}", false},
    {"{}}", false},
    {"{} {}", false},
    {"{]", false},
    {"{\"a\"}", false},
    {"{\"a\":}", false},
    {"{\"a\":1,}", false},
    {"{,}", false},
    {"{\"a\" 1}", false},
    {"{a:1}", false},
    {"{'a':1}", false},
    {"{\"a\":[1,]}", false},
    {"{\"a\":[1 2]}", false},
    {"{\"a\":[1}", false},
    {"{\"a\":[1}]", false},
    {"{\"a\":01}", false},
    {"{\"a\":+1}", false},
    {"{\"a\":-}", false},
    {"{\"a\":1.}", false},
    {"{\"a\":.5}", false},
    {"{\"a\":1e}", false},
    {"{\"a\":tru}", false},
    {"{\"a\":truee}", false},
    {"{\"a\":NaN}", false},
    {"{\"a\":\"\n\"}", false},
    {"{\"a\":\"\\x\"}", false},
    {"{\"a\":\"\\u12\"}", false},
    {"{\"a\":\"\\u12g4\"}", false},
    {"{\"a\":\"\\ud83d\"}", false},
    {"{\"a\":\"\\ud83d\\u0041\"}", false},
    {"{\"a\":\"\\ude00\"}", false},
    {"{\"a\":\"\xff\"}", false},
    {"{\"a\":\"\xc3\"}", false},
    {"{\"a\":\"x}", false},
    {"{\"a\":\"\\", false},
};

static void an_object_is_one_and_nothing_else_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (json_is_object_text(cases[i].text, strlen(cases[i].text)) != cases[i].object)
            fail_msg("%s", cases[i].text);
    }
}

/* Cut anywhere it is none; and nothing behind the end is looked at. */
static void a_part_of_an_object_is_none(void **state)
{
    static const char text[] =
        "{\"a\":[1.5e3,\"\\u00e9\\n\xc3\xa9\",{\"b\":[true,null]},{}],\"c\":-0}";
    (void)state;
    assert_true(json_is_object_text(text, strlen(text)));
    for (size_t len = 0; len < strlen(text); len++) {
        char *part = malloc(len + 1);
        memcpy(part, text, len);
        if (json_is_object_text(part, len))
            fail_msg("%.*s", (int)len, text);
        free(part);
    }
}

/* Wherever a byte stands in a text, it is seen: a text is looked at in pieces. */
static void a_byte_is_seen_at_every_place_of_a_text(void **state)
{
    static const struct {
        char byte;
        bool object;
    } rows[] = {{'x', true},  {' ', true},    {'!', true},     {'#', true},    {'[', true},
                {']', true},  {'\x7f', true}, {'\x1f', false}, {'\t', false},  {'\0', false},
                {'"', false}, {'\\', false},  {'\x80', false}, {'\xff', false}};
    char text[48];
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at < len * COUNT(rows); at++) {
            memcpy(text, "{\"a\":\"", 6);
            memset(text + 6, 'y', len);
            memcpy(text + 6 + len, "\"}", 2);
            text[6 + at % len] = rows[at / len].byte;
            if (json_is_object_text(text, 8 + len) != rows[at / len].object)
                fail_msg("%d at %zu of %zu", rows[at / len].byte, at % len, len);
        }
    }
}

static void nesting_has_a_limit(void **state)
{
    static const struct {
        size_t depth;
        bool object;
    } rows[] = {{JSON_MAX_DEPTH, true}, {JSON_MAX_DEPTH + 1, false}, {100000, false}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t depth = rows[i].depth - 1;
        char *text = malloc(2 * depth + 7);
        memcpy(text, "{\"a\":", 5);
        memset(text + 5, '[', depth);
        memset(text + 5 + depth, ']', depth);
        text[5 + 2 * depth] = '}';
        assert_int_equal(json_is_object_text(text, 2 * depth + 6), rows[i].object);
        free(text);
    }
}

static void what_is_none_is_explained(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{\"a\": 1,\n \"b\" 2}", "variables: no valid JSON at line 2, column"},
        {"[1]", "variables: a JSON object was expected at line 1, column 1"},
        {"", "variables: empty"},
        {"{\"a\":\"\xff\"}", "not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        size_t len = strlen(rows[i].text);
        assert_int_equal(json_check_object(rows[i].text, len, "variables", &err), WEIR_INVALID);
        assert_int_equal(err.status, WEIR_INVALID);
        if (!strstr(err.message, rows[i].says))
            fail_msg("'%s' does not say '%s'", err.message, rows[i].says);
        assert_int_equal(json_check_object(rows[i].text, len, "variables", NULL), WEIR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_one_and_nothing_else_is),
        cmocka_unit_test(a_part_of_an_object_is_none),
        cmocka_unit_test(a_byte_is_seen_at_every_place_of_a_text),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(what_is_none_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
