/* Texts of messages as JSON: whatever stands at whatever place is escaped where it must be, and
 * what is no UTF-8 is refused. Texts are looked at eight bytes at a time, hence all the places. */
#include "lib/check.h"

#include "core/mem.h"
#include "zeebe/codec.h"

#include <string.h>
#include <weir/json.h>

#define LONGEST 36

/* Of a message whose field 1 is a text. */
static char *as_json(const char *text, size_t len, weir_error *err)
{
    char wire[2 + LONGEST + 8] = {0x0a, (char)len};
    const struct codec_method *method = codec_method_find("PublishMessage", err);
    memcpy(wire + 2, text, len);
    return codec_wire_to_json(method->request, (weir_bytes){wire, len + 2}, true, err);
}

static void must_come_back(const char *text, size_t len)
{
    weir_error err = {0};
    char *json = as_json(text, len, &err);
    assert_non_null(json);
    weir_json *value = weir_json_parse(json, strlen(json), &err);
    assert_non_null(value);
    assert_string_equal(weir_json_str(value, "/name", ""), text);
    weir_json_free(value);
    mem_free(json);
}

static void a_text_comes_back_whatever_stands_where(void **state)
{
    (void)state;
    static const char *const special[] = {"\"",   "\\",       "\x01",         "\x1f", "\n",
                                          "\x7f", "\xc3\xa9", "\xe2\x82\xac", " ",    "\"\\\"\n"};
    for (size_t s = 0; s < sizeof special / sizeof *special; s++) {
        for (size_t at = 0; at < LONGEST; at++) {
            char text[LONGEST + 8];
            size_t len = strlen(special[s]);
            memset(text, 'x', sizeof text);
            memcpy(text + at, special[s], len);
            text[at + len > LONGEST ? at + len : LONGEST] = '\0';
            must_come_back(text, strlen(text));
            text[at + len] = '\0';
            must_come_back(text, at + len);
        }
    }
}

static void a_text_that_is_no_utf8_is_refused_whatever_stands_where(void **state)
{
    (void)state;
    for (size_t at = 0; at < LONGEST; at++) {
        weir_error err = {0};
        char text[LONGEST];
        memset(text, 'x', sizeof text);
        text[at] = '\xff';
        assert_null(as_json(text, sizeof text, &err));
        assert_int_equal(err.status, WEIR_PROTOCOL);
        assert_non_null(strstr(err.message, "name"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_comes_back_whatever_stands_where),
        cmocka_unit_test(a_text_that_is_no_utf8_is_refused_whatever_stands_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
