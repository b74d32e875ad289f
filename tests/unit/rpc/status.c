#include "rpc/status.h"

#include "lib/check.h"

#include <string.h>

static void every_grpc_status_has_its_meaning(void **state)
{
    (void)state;
    static const weir_status meanings[] = {
        WEIR_OK,        WEIR_REFUSED,   WEIR_REFUSED,     WEIR_INVALID, WEIR_TIMEOUT,
        WEIR_NOT_FOUND, WEIR_CONFLICT,  WEIR_FORBIDDEN,   WEIR_BUSY,    WEIR_CONFLICT,
        WEIR_CONFLICT,  WEIR_INVALID,   WEIR_UNSUPPORTED, WEIR_REFUSED, WEIR_UNREACHABLE,
        WEIR_PROTOCOL,  WEIR_BAD_LOGIN,
    };
    for (int i = 0; i < (int)COUNT(meanings); i++) {
        weir_error err = {0};
        assert_int_equal(status_grpc(&err, i, "words"), meanings[i]);
        assert_int_equal(err.status, meanings[i]);
        if (i > 0) {
            assert_int_equal(err.code, i);
            assert_non_null(strstr(err.message, status_grpc_name(i)));
            assert_non_null(strstr(err.message, "words"));
        }
    }
}

static void exhausted_by_size_is_the_callers_to_mend(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_int_equal(
        status_grpc(&err, 8, "grpc: received message larger than max (5000000 vs. 4194304)"),
        WEIR_INVALID);
    assert_int_equal(err.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
    assert_int_equal(status_grpc(&err, 8, "Reached maximum capacity of requests handled"),
                     WEIR_BUSY);
}

static void http_answers_map_as_grpc_says(void **state)
{
    (void)state;
    static const struct {
        int http, grpc;
        weir_status status;
    } cases[] = {
        {400, 13, WEIR_REFUSED},     {401, 16, WEIR_BAD_LOGIN},   {403, 7, WEIR_FORBIDDEN},
        {404, 12, WEIR_UNSUPPORTED}, {429, 14, WEIR_BUSY},        {502, 14, WEIR_UNREACHABLE},
        {503, 14, WEIR_UNREACHABLE}, {504, 14, WEIR_UNREACHABLE}, {500, 2, WEIR_REFUSED},
        {408, 14, WEIR_TIMEOUT},     {524, 14, WEIR_UNREACHABLE}, {520, 14, WEIR_UNREACHABLE},
        {200, 2, WEIR_PROTOCOL},     {301, 2, WEIR_PROTOCOL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_int_equal(status_http(&err, cases[i].http, "<html>"), cases[i].grpc);
        assert_int_equal(err.status, cases[i].status);
        assert_int_equal(err.origin, WEIR_ORIGIN_HTTP);
        assert_non_null(strstr(err.message, "<html>"));
    }
}

static void of_a_page_the_words_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *body, *shown;
    } cases[] = {
        {"<html> <head><title>400 No certificate</title></head> <body> <center>x</center> </b",
         "gRPC: 400 No certificate x; is"},
        {"no page: 1 < 2", "gRPC: no page: 1 < 2; is"},
        {"<", "gRPC: <; is"},
        {"", "not gRPC; is"},
        {NULL, "not gRPC; is"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        status_http(&err, 400, cases[i].body);
        assert_non_null(strstr(err.message, cases[i].shown));
    }
}

static void resets_map_as_grpc_says(void **state)
{
    (void)state;
    static const int codes[] = {13, 13, 13, 13, 13, 13, 13, 14, 1, 13, 13, 8, 7, 13};
    for (uint32_t i = 0; i < COUNT(codes); i++) { /* "Errors" in gRPC over HTTP/2 */
        weir_error err = {0};
        assert_int_equal(status_reset(&err, i), codes[i]);
        assert_int_not_equal(err.status, WEIR_OK);
        assert_non_null(strstr(err.message, status_h2_name(i)));
    }
    weir_error err = {0};
    assert_int_equal(status_reset(&err, 0xffffffff), GRPC_INTERNAL);
    assert_non_null(strstr(err.message, "unknown code"));
}

static void a_stream_that_a_proxy_cuts_may_be_opened_again(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {0, 1, 2, 5, 8};
    for (uint32_t code = 0; code < 14; code++) {
        weir_error reset = {0}, cut = {0};
        assert_int_equal(status_cut(&cut, code), status_reset(&reset, code));
        assert_non_null(strstr(cut.message, status_h2_name(code)));
        bool expected = false;
        for (size_t i = 0; i < COUNT(cuts); i++)
            expected = expected || cuts[i] == code;
        assert_int_equal(cut.status, expected ? WEIR_UNREACHABLE : reset.status);
        assert_int_equal(!!strstr(cut.message, "proxies"), expected);
    }
}

static void a_number_that_is_no_status_is_unknown(void **state)
{
    (void)state;
    static const int cases[] = {17, 999, -1};
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_string_equal(status_grpc_name(cases[i]), "UNKNOWN");
        assert_int_equal(status_grpc(&err, cases[i], NULL), WEIR_REFUSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_grpc_status_has_its_meaning),
        cmocka_unit_test(exhausted_by_size_is_the_callers_to_mend),
        cmocka_unit_test(of_a_page_the_words_are_shown),
        cmocka_unit_test(resets_map_as_grpc_says),
        cmocka_unit_test(a_stream_that_a_proxy_cuts_may_be_opened_again),
        cmocka_unit_test(a_number_that_is_no_status_is_unknown),
        cmocka_unit_test(http_answers_map_as_grpc_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
