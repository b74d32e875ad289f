#include "lib/check.h"

#include "core/mem.h"
#include "core/text.h"
#include "core/url.h"

#include <string.h>

static void base64_has_the_vectors_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct buf out = BUF_INIT(100);
        void *back = NULL;
        size_t len = 0;
        base64_add(&out, vectors[i][0], strlen(vectors[i][0]), true);
        assert_string_equal(out.data ? out.data : "", vectors[i][1]);
        assert_true(base64_decode(vectors[i][1], strlen(vectors[i][1]), false, &back, &len));
        assert_int_equal(len, strlen(vectors[i][0]));
        assert_string_equal(back, vectors[i][0]);
        mem_free(back);
        buf_free(&out);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z", "Zg=", "Zg===", "Zh==", "Zm9=", "Z*==", "Zm 9v", "-_-_"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        void *out = NULL;
        size_t len = 7;
        if (base64_decode(bad[i], strlen(bad[i]), false, &out, &len))
            fail_msg("'%s' was accepted", bad[i]);
        assert_null(out);
        assert_int_equal(len, 0);
    }
    void *out = NULL;
    size_t len = 0;
    assert_true(base64_decode("-_8", 3, true, &out, &len));
    assert_memory_equal(out, "\xfb\xff", 2);
    mem_free(out);
}

static void percent_and_form_encoding_go_by_their_standards(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(200);
    form_add(&out, "a b+c&d=\xc3\xa9*-._~");
    assert_string_equal(out.data, "a+b%2Bc%26d%3D%C3%A9*-._%7E");
    buf_free(&out);
    percent_decode(&out, "a%20b%zz%4", 10);
    assert_string_equal(out.data, "a b%zz%4");
    buf_free(&out);
    percent_encode(&out, "a%\n\xc3\xa9~", 6);
    assert_string_equal(out.data, "a%25%0A%C3%A9~");
    buf_free(&out);
}

static void utf8_is_what_rfc_3629_allows(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xef\xbf\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xc3",
                                      "\xe0\x80\x80", "\xed\xa0\x80",     "\xf4\x90\x80\x80",
                                      "\xff",         "\xf0\x80\x80\x80", "\xe2\x82"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
}

static void a_peers_words_become_one_short_line(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(100);
    text_fold(&out, "  two\r\n\t lines \xff!", 17, 100);
    assert_string_equal(out.data, "two lines !");
    buf_free(&out);
    text_fold(&out, "caf\xc3\xa9s", 6, 4); /* the character does not fit whole */
    assert_string_equal(out.data, "caf");
    buf_free(&out);
}

static void numbers_are_whole_and_in_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.0",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551617"};
    int64_t out = 5;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(text_number(bad[i], INT64_MIN, INT64_MAX, &out));
    assert_int_equal(out, 5);
    assert_true(text_number("-9223372036854775808", INT64_MIN, INT64_MAX, &out));
    assert_true(out == INT64_MIN);
    assert_false(text_number("11", 0, 10, &out));
}

static void a_host_and_port_is_taken_apart_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {
        {"localhost", "localhost", 443},
        {"Host.Example:1", "host.example", 1},
        {"[::1]:26500", "::1", 26500},
        {"[::1]", "::1", 443},
        {"127.0.0.1:65535", "127.0.0.1", 65535},
        {"", NULL, 0},
        {":443", NULL, 0},
        {"host:", NULL, 0},
        {"host:0", NULL, 0},
        {"host:65536", NULL, 0},
        {"host:+1", NULL, 0},
        {"ho st:1", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]x", NULL, 0},
        {"fe80::1", "fe80::1", 443},
        {"a:1:2", NULL, 0},
        {"[::1%]", NULL, 0},
        {"x:1:2", NULL, 0},
        {"[x]:1", NULL, 0},
        {"[fe80::1%eth0]:1", "fe80::1%eth0", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *host = NULL;
        uint16_t port = 0;
        weir_error err = {0};
        weir_status status = hostport_parse(cases[i].text, 443, "the address", &host, &port, &err);
        if ((status == WEIR_OK) != (cases[i].host != NULL))
            fail_msg("'%s': %s %s", cases[i].text, weir_status_name(status), err.message);
        if (cases[i].host) {
            assert_string_equal(host, cases[i].host);
            assert_int_equal(port, cases[i].port);
        } else {
            assert_int_equal(status, WEIR_INVALID);
            assert_non_null(strstr(err.message, "the address"));
        }
        mem_free(host);
    }
}

static void a_password_in_an_address_is_not_quoted(void **state)
{
    (void)state;
    char *host = NULL;
    uint16_t port = 0;
    weir_error err = {0};
    assert_int_equal(hostport_parse("me:sesame@host:1", 1, "the address", &host, &port, &err),
                     WEIR_INVALID);
    assert_null(strstr(err.message, "sesame"));
    assert_int_equal(hostport_parse("host:1?key=sesame", 1, "the address", &host, &port, &err),
                     WEIR_INVALID);
    assert_null(strstr(err.message, "sesame"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_has_the_vectors_of_rfc_4648),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(percent_and_form_encoding_go_by_their_standards),
        cmocka_unit_test(utf8_is_what_rfc_3629_allows),
        cmocka_unit_test(a_peers_words_become_one_short_line),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(a_host_and_port_is_taken_apart_or_refused),
        cmocka_unit_test(a_password_in_an_address_is_not_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
