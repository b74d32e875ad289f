/* What an HTTP status means, and the words of the error. */
#include "lib/check.h"

#include "http/status.h"

#include <string.h>

static weir_status answered(weir_error *err, int status, const char *type, const char *body)
{
    const struct http_answer answer = {
        .status = status, .body = {body, strlen(body)}, .content_type = type, .retry_after = -1};
    return status_http_answer(err, &answer, "fetching a token");
}

static void every_status_has_its_meaning(void **state)
{
    (void)state;
    const struct {
        int http;
        weir_status status;
    } cases[] = {
        {400, WEIR_INVALID},     {401, WEIR_BAD_LOGIN},   {402, WEIR_REFUSED},
        {403, WEIR_FORBIDDEN},   {404, WEIR_NOT_FOUND},   {405, WEIR_REFUSED},
        {408, WEIR_TIMEOUT},     {409, WEIR_CONFLICT},    {418, WEIR_REFUSED},
        {429, WEIR_BUSY},        {499, WEIR_REFUSED},     {500, WEIR_REFUSED},
        {501, WEIR_REFUSED},     {502, WEIR_UNREACHABLE}, {503, WEIR_UNREACHABLE},
        {504, WEIR_UNREACHABLE}, {599, WEIR_REFUSED},     {100, WEIR_PROTOCOL},
        {101, WEIR_PROTOCOL},    {300, WEIR_REFUSED},     {307, WEIR_REFUSED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_int_equal(answered(&err, cases[i].http, "", ""), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        assert_int_equal(err.origin, WEIR_ORIGIN_HTTP);
        assert_int_equal(err.code, cases[i].http);
    }
    assert_int_equal(answered(NULL, 503, "", ""), WEIR_UNREACHABLE);
}

static void the_error_holds_the_first_words_of_the_body(void **state)
{
    (void)state;
    weir_error err = {0};
    answered(&err, 503, "text/plain", "please\r\n  wait\n");
    assert_string_equal(err.message, "fetching a token: the server answered 503 Service "
                                     "Unavailable: please wait");
    answered(&err, 599, "", "");
    assert_string_equal(err.message, "fetching a token: the server answered 599");
    char much[5000];
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    answered(&err, 400, "text/plain", much);
    assert_in_range(strlen(err.message), 200, 400);
}

static void a_page_for_people_is_left_out(void **state)
{
    (void)state;
    weir_error err = {0};
    answered(&err, 404, "text/html; charset=utf-8", "<html><h1>nginx</h1>");
    assert_null(strstr(err.message, "nginx"));
    answered(&err, 404, "", "<!doctype html>nginx");
    assert_null(strstr(err.message, "nginx"));
}

static void a_redirect_names_its_target_without_what_may_be_secret(void **state)
{
    (void)state;
    weir_error err = {0};
    const struct http_header header = {"location", "https://u:s3cret@new.example/t?code=hush#x"};
    const struct http_answer answer = {
        .status = 302, .body = {"", 0}, .content_type = "", .headers = &header, .header_count = 1};
    assert_int_equal(status_http_answer(&err, &answer, "asking"), WEIR_REFUSED);
    assert_non_null(strstr(err.message, "302 Found"));
    assert_non_null(strstr(err.message, "https://new.example/t"));
    assert_null(strstr(err.message, "hush"));
    assert_null(strstr(err.message, "s3cret"));
}

static void the_peers_wish_is_kept_where_repeating_helps(void **state)
{
    (void)state;
    weir_error err = {0};
    struct http_answer answer = {
        .status = 503, .body = {"", 0}, .content_type = "", .retry_after = 7000};
    status_http_answer(&err, &answer, "asking");
    assert_int_equal(err.retry_in_ms, 7000);
    answer.status = 401;
    status_http_answer(&err, &answer, "asking");
    assert_int_equal(err.retry_in_ms, -1);
    answer.status = 429;
    answer.retry_after = -1;
    status_http_answer(&err, &answer, "asking");
    assert_int_equal(err.retry_in_ms, 0);
}

static void phrases_are_those_of_http(void **state)
{
    (void)state;
    assert_string_equal(status_http_phrase(200), "OK");
    assert_string_equal(status_http_phrase(429), "Too Many Requests");
    assert_string_equal(status_http_phrase(418), "");
    assert_string_equal(status_http_phrase(-1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_meaning),
        cmocka_unit_test(the_error_holds_the_first_words_of_the_body),
        cmocka_unit_test(a_page_for_people_is_left_out),
        cmocka_unit_test(a_redirect_names_its_target_without_what_may_be_secret),
        cmocka_unit_test(the_peers_wish_is_kept_where_repeating_helps),
        cmocka_unit_test(phrases_are_those_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
