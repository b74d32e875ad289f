/* What token endpoints answer, good and bad. */
#include "lib/check.h"

#include "core/secret.h"
#include "credentials/answer.h"
#include "credentials/cache_time.h"

#include <stdio.h>
#include <string.h>

#define WHAT "fetching a token from https://login.example/token"

static weir_status read_answer(const char *body, struct weir_token_answer *out, weir_error *err)
{
    *err = (weir_error){0};
    return answer_read(out, body, strlen(body), WHAT, err);
}

static void a_lifetime_is_what_it_says_or_the_default(void **state)
{
    static const struct {
        const char *expires_in;
        int64_t lifetime;
    } rows[] = {
        {"3600", 3600},
        {"\"3600\"", 3600}, /* Entra ID's older endpoint */
        {"300.0", 300},
        {"86400", 86400},
        {"5", 5},
        {"315360000", 315360000},
        {"4", 77}, /* tiny: every call would fetch */
        {"1", 77},
        {"0", 77},
        {"-1", 77},
        {"\"\"", 77},
        {"\"soon\"", 77},
        {"\"3600s\"", 77},
        {"\"99999999999999999999\"", 77},
        {"null", 77},
        {"true", 77},
        {"[3600]", 77},
        {"{}", 77},
        {"315360001", 77}, /* absurd */
        {"9223372036854775807", 77},
        {"1e300", 77},
        {"-1e300", 77},
        {NULL, 77},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weir_token_answer answer;
        weir_error err;
        char body[256];
        if (rows[i].expires_in)
            snprintf(body, sizeof body, "{\"access_token\":\"T\",\"expires_in\":%s}",
                     rows[i].expires_in);
        else
            snprintf(body, sizeof body, "{\"access_token\":\"T\"}");
        assert_int_equal(read_answer(body, &answer, &err), WEIR_OK);
        if (token_lifetime(answer.expires_in, 77) != rows[i].lifetime)
            fail_msg("expires_in %s: %lld", rows[i].expires_in,
                     (long long)token_lifetime(answer.expires_in, 77));
        token_answer_clear(&answer);
    }
}

static void everything_else_in_the_answer_is_a_field(void **state)
{
    struct weir_token_answer answer;
    weir_error err;
    (void)state;
    assert_int_equal(
        read_answer("{\"access_token\":\"T\",\"token_type\":\"bearer\",\"expires_in\":60,"
                    "\"instance_url\":\"https://x\",\"scope\":\"a b\",\"n\":12,\"no\":null,"
                    "\"list\":[1, \"x\"]}",
                    &answer, &err),
        WEIR_OK);
    weir_token *token = token_make(&answer, (struct token_moment){0, 0}, 60, false);
    assert_string_equal(weir_token_value(token), "T");
    assert_string_equal(weir_token_type(token), "Bearer");
    assert_string_equal(weir_token_field(token, "instance_url"), "https://x");
    assert_string_equal(weir_token_field(token, "scope"), "a b");
    assert_string_equal(weir_token_field(token, "n"), "12");
    assert_string_equal(weir_token_field(token, "list"), "[1,\"x\"]");
    assert_null(weir_token_field(token, "no"));
    assert_null(weir_token_field(token, "access_token"));
    weir_token_free(token);
}

static void an_answer_without_a_usable_token_is_a_protocol_error(void **state)
{
    static const char *const bodies[] = {
        "",
        "<html>Sign in</html>",
        "[]",
        "\"T\"",
        "{}",
        "{\"accessToken\":\"T\"}",
        "{\"access_token\":\"\"}",
        "{\"access_token\":null}",
        "{\"access_token\":{\"secret\":\"T\"}}",
        "{\"access_token\":\"a b\"}",
        "{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
        "{\"access_token\":\"t\\u00fcr\"}",
        "{\"access_token\":\"T\",\"access_token\":\"U\"}",
        "{\"access_token\":\"T\",\"token_type\":\"Bea rer\"}",
        "{\"access_token\":\"T\",\"token_type\":7}",
        "{\"access_token\":\"T\"",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct weir_token_answer answer;
        weir_error err;
        if (read_answer(bodies[i], &answer, &err) != WEIR_PROTOCOL)
            fail_msg("%s: %s", bodies[i], weir_status_name(err.status));
        assert_int_equal(err.kind, WEIR_KIND_TOKEN_UNUSABLE);
        assert_int_equal(strncmp(err.message, WHAT ": ", sizeof WHAT + 1), 0);
        assert_null(answer.token);
    }
}

static void an_endless_token_is_refused(void **state)
{
    static char body[80 * 1024];
    struct weir_token_answer answer;
    weir_error err;
    (void)state;
    memset(body, 'a', sizeof body - 1);
    memcpy(body, "{\"access_token\":\"", 17);
    memcpy(body + sizeof body - 3, "\"}", 3);
    assert_int_equal(read_answer(body, &answer, &err), WEIR_PROTOCOL);
}

static void an_error_document_counts_whatever_the_status(void **state)
{
    struct weir_token_answer answer;
    weir_error err;
    (void)state;
    assert_int_equal(
        read_answer("{\"error\":\"invalid_grant\",\"error_description\":\"no\"}", &answer, &err),
        WEIR_BAD_LOGIN);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_REFUSED);
}

/* --- refusals ----------------------------------------------------------------------------- */

static weir_error refusal(int status, const char *body, weir_ms retry_after)
{
    weir_error err = {0};
    struct http_answer answer = {.status = status,
                                 .body = {body, strlen(body)},
                                 .retry_after = retry_after,
                                 .content_type = "application/json"};
    answer_refusal(&answer, WHAT, &err);
    return err;
}

static void each_refusal_has_its_status_and_kind(void **state)
{
    static const struct {
        int http;
        const char *error;
        weir_status status;
        weir_kind kind;
    } rows[] = {
        {401, "invalid_client", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {400, "invalid_client", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {400, "invalid_grant", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {400, "unauthorized_client", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {403, "access_denied", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {400, "invalid_client_id", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED}, /* Salesforce */
        {400, "inactive_user", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {401, "something_new", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {401, NULL, WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {403, NULL, WEIR_FORBIDDEN, WEIR_KIND_TOKEN_REFUSED},
        {400, "invalid_request", WEIR_INVALID, WEIR_KIND_TOKEN_REFUSED},
        {400, "invalid_scope", WEIR_INVALID, WEIR_KIND_TOKEN_REFUSED},
        {400, "unsupported_grant_type", WEIR_UNSUPPORTED, WEIR_KIND_TOKEN_REFUSED},
        {400, "something_new", WEIR_INVALID, WEIR_KIND_TOKEN_REFUSED},
        {404, NULL, WEIR_NOT_FOUND, WEIR_KIND_TOKEN_UNAVAILABLE},
        {429, NULL, WEIR_BUSY, WEIR_KIND_TOKEN_UNAVAILABLE},
        {400, "rate_limit_exceeded", WEIR_BUSY, WEIR_KIND_TOKEN_UNAVAILABLE},
        {500, NULL, WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
        {500, "server_error", WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
        {502, NULL, WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
        {503, "temporarily_unavailable", WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
        {504, NULL, WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
        {302, NULL, WEIR_REFUSED, WEIR_KIND_TOKEN_UNUSABLE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char body[256] = "";
        if (rows[i].error)
            snprintf(body, sizeof body, "{\"error\":\"%s\",\"error_description\":\"so it is\"}",
                     rows[i].error);
        weir_error err = refusal(rows[i].http, body, -1);
        if (err.status != rows[i].status || err.kind != (int32_t)rows[i].kind)
            fail_msg("%d %s: %s, kind %s", rows[i].http, body, weir_status_name(err.status),
                     weir_kind_name(err.kind));
        assert_int_equal(err.code, rows[i].http);
        assert_int_equal(err.origin, WEIR_ORIGIN_HTTP);
        bool down = rows[i].kind == WEIR_KIND_TOKEN_UNAVAILABLE && rows[i].http != 404;
        assert_int_equal(answer_is_final(&err), !down);
        assert_int_equal(weir_error_retryable(&err), down);
        if (rows[i].error) {
            assert_non_null(strstr(err.message, rows[i].error));
            assert_non_null(strstr(err.message, "so it is"));
        }
    }
}

static void a_wish_to_wait_is_kept(void **state)
{
    (void)state;
    assert_int_equal(refusal(503, "", 7000).retry_in_ms, 7000);
    assert_int_equal(refusal(429, "{\"error\":\"slow_down\"}", 1500).retry_in_ms, 1500);
    assert_int_equal(refusal(429, "", INT64_MAX).retry_in_ms, INT32_MAX);
    assert_int_equal(refusal(401, "", 7000).retry_in_ms, -1);
}

static void a_servers_words_are_folded_and_cut(void **state)
{
    char body[5000];
    (void)state;
    size_t len = (size_t)snprintf(
        body, sizeof body, "{\"error\":\"invalid_client\",\"error_description\":\"a\\nb\\u0007 ");
    memset(body + len, 'x', 4000);
    memcpy(body + len + 4000, "\"}", 3);
    weir_error err = refusal(401, body, -1);
    assert_non_null(strstr(err.message, "invalid_client: a b"));
    assert_null(strpbrk(err.message, "\n\a"));
    assert_true(strlen(err.message) < 700);
    assert_non_null(strstr(err.message, "check client_id"));
}

/* --- tokens and times --------------------------------------------------------------------- */

static void what_no_header_can_hold_is_no_token(void **state)
{
    struct weir_token_answer answer = {0};
    (void)state;
    assert_int_equal(weir_token_set(&answer, NULL, 1), WEIR_INVALID);
    assert_int_equal(weir_token_set(&answer, "", 1), WEIR_INVALID);
    assert_int_equal(weir_token_set(&answer, "a\nb", 1), WEIR_INVALID);
    assert_int_equal(weir_token_set(NULL, "a", 1), WEIR_INVALID);
    assert_int_equal(weir_token_set_type(&answer, "Basic x"), WEIR_INVALID);
    assert_int_equal(weir_token_set_type(&answer, ""), WEIR_INVALID);
    assert_int_equal(weir_token_set_type(&answer, "DPoP"), WEIR_OK);
    assert_int_equal(weir_token_set_field(&answer, "", "x"), WEIR_INVALID);
    assert_int_equal(weir_token_set_field(&answer, "x", NULL), WEIR_INVALID);
    assert_int_equal(weir_token_set(&answer, "a", 1), WEIR_OK);
    assert_int_equal(weir_token_set(&answer, "b", 9), WEIR_OK); /* the last one counts */
    weir_token *token = token_make(&answer, (struct token_moment){0, 0}, 9, false);
    assert_string_equal(weir_token_value(token), "b");
    assert_string_equal(weir_token_type(token), "DPoP");
    assert_int_equal(weir_token_expires_at(token), 9);
    weir_token_free(token);
    weir_token_free(NULL);
    assert_null(weir_token_value(NULL));
}

static void times_of_every_writer_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: not a time */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-01T00:00:00Z", 1767225600},
        {"2024-02-29T12:34:56.123456789Z", 1709210096},
        {"2024-02-29T14:34:56.1+02:00", 1709210096},
        {"2024-02-29t04:34:56-08:00", 1709210096},
        {"1767225600.5", 1767225600},
        {"1767225600", 1767225600},
        {"0001-01-01T00:00:00Z", -62135596800},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"2023-02-29T00:00:00Z", -1},
        {"2024-13-01T00:00:00Z", -1},
        {"2024-01-01T24:00:00Z", -1},
        {"2024-01-01T00:00:00", -1},
        {"2024-01-01T00:00:00.Z", -1},
        {"2024-01-01T00:00:00Zx", -1},
        {"2024-01-01", -1},
        {"", -1},
        {"soon", -1},
        {"99999999999999999999", -1},
        {"-5", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = -1;
        bool good = cache_time_parse(rows[i].text, &seconds);
        if (good != (rows[i].seconds != -1) || (good && seconds != rows[i].seconds))
            fail_msg("%s: %lld", rows[i].text, (long long)seconds);
    }
}

static void a_time_written_is_read_back(void **state)
{
    char text[CACHE_TIME_SIZE];
    (void)state;
    for (int64_t t = 0; t < INT64_C(253402300799); t += INT64_C(86400) * 13 + 3661) {
        int64_t back = -1;
        cache_time_format(t, text);
        assert_true(cache_time_parse(text, &back));
        assert_int_equal(back, t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lifetime_is_what_it_says_or_the_default),
        cmocka_unit_test(everything_else_in_the_answer_is_a_field),
        cmocka_unit_test(an_answer_without_a_usable_token_is_a_protocol_error),
        cmocka_unit_test(an_endless_token_is_refused),
        cmocka_unit_test(an_error_document_counts_whatever_the_status),
        cmocka_unit_test(each_refusal_has_its_status_and_kind),
        cmocka_unit_test(a_wish_to_wait_is_kept),
        cmocka_unit_test(a_servers_words_are_folded_and_cut),
        cmocka_unit_test(what_no_header_can_hold_is_no_token),
        cmocka_unit_test(times_of_every_writer_are_read),
        cmocka_unit_test(a_time_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
