#include "lib/check.h"

#include "core/buf.h"
#include "sandbox/params.h"

#include <stdio.h>
#include <string.h>

static weir_status form(struct params *out, const char *text)
{
    weir_error err = {0};
    weir_status status = params_form(out, text, strlen(text), &err);
    assert_int_equal(status == WEIR_OK, err.message[0] == '\0');
    return status;
}

static weir_status document(struct params *out, const char *text)
{
    weir_error err = {0};
    return params_json(out, text, strlen(text), &err);
}

static void a_form_is_decoded(void **state)
{
    struct params params;
    (void)state;
    assert_int_equal(form(&params, "a=b+c%20d&&e=%C3%BC&f&g=&h=1=2"), WEIR_OK);
    assert_int_equal(params.count, 5);
    assert_string_equal(params_get(&params, "a"), "b c d");
    assert_string_equal(params_get(&params, "e"), "\xc3\xbc");
    assert_null(params_get(&params, "f")); /* empty is as good as not there (RFC 6749, 3.2) */
    assert_null(params_get(&params, "none"));
    assert_string_equal(params_get(&params, "h"), "1=2");
    params_clear(&params);
    assert_int_equal(form(&params, ""), WEIR_OK);
    assert_int_equal(params.count, 0);
}

static void a_broken_form_is_refused_whole(void **state)
{
    static const char *const broken[] = {"a=1&b=%", "a=1&b=%4",  "a=1&b=%zz", "a=%00",
                                         "a=%ff",   "%ff=1&a=1", "a=1&a=2"};
    struct params params;
    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        assert_int_equal(form(&params, broken[i]), WEIR_INVALID);
        assert_int_equal(params.count, 0);
    }
    assert_int_equal(form(&params, "resource=1&resource=2"), WEIR_OK); /* RFC 8707, 2 */
    params_clear(&params);
}

static void there_may_be_so_many_parameters_and_no_more(void **state)
{
    struct buf text = BUF_INIT(10000);
    struct params params;
    (void)state;
    for (int i = 0; i < PARAMS_MAX; i++)
        buf_addf(&text, "p%d=1&", i);
    assert_int_equal(form(&params, text.data), WEIR_OK);
    params_clear(&params);
    buf_adds(&text, "last=1");
    assert_int_equal(form(&params, text.data), WEIR_INVALID);
    buf_free(&text);
}

static void a_document_has_texts_only(void **state)
{
    static const char *const broken[] = {"[]", "{\"a\":1}", "{\"a\":{}}", "{", "", "{\"a\":null}"};
    struct params params;
    (void)state;
    assert_int_equal(document(&params, "{\"grant_type\":\"x\",\"b\":\"\\u00fc\"}"), WEIR_OK);
    assert_string_equal(params_get(&params, "grant_type"), "x");
    assert_string_equal(params_get(&params, "b"), "\xc3\xbc");
    params_clear(&params);
    for (size_t i = 0; i < COUNT(broken); i++) {
        assert_int_equal(document(&params, broken[i]), WEIR_INVALID);
        assert_int_equal(params.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_decoded),
        cmocka_unit_test(a_broken_form_is_refused_whole),
        cmocka_unit_test(there_may_be_so_many_parameters_and_no_more),
        cmocka_unit_test(a_document_has_texts_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
