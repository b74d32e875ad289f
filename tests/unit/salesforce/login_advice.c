/* What is said beside Salesforce's own words when it refuses. */
#include "core/clock.h"
#include "core/error.h"
#include "lib/check.h"
#include "salesforce/login.h"

#include <string.h>

#define NOON INT64_C(1767268800) /* 2026-01-01T12:00:00Z */

static const struct http_header noon[] = {{"Date", "Thu, 01 Jan 2026 12:00:00 GMT"}};
static const struct http_answer dated = {.status = 400, .headers = noon, .header_count = 1};
static const struct http_answer undated = {.status = 400};

static void refusals_that_everybody_meets_are_explained(void **state)
{
    (void)state;
    static const struct {
        weir_grant grant;
        const char *url, *words, *advice; /* NULL: none */
    } rows[] = {
        {WEIR_GRANT_CLIENT_CREDENTIALS, "https://x.my.salesforce.com/services/oauth2/token",
         "invalid_grant: request not supported on this domain", "My Domain"},
        {WEIR_GRANT_CLIENT_CREDENTIALS, "https://x.my.salesforce.com/t",
         "invalid_grant: no client credentials user enabled", "run as"},
        {WEIR_GRANT_CLIENT_CREDENTIALS, "https://login.salesforce.com/t", "invalid_client: x",
         "My Domain only"},
        {WEIR_GRANT_CLIENT_CREDENTIALS, "https://x.my.salesforce.com/t", "invalid_client: x", NULL},
        {WEIR_GRANT_JWT_BEARER, "https://login.salesforce.com/t",
         "invalid_grant: audience is invalid", "login URL"},
        {WEIR_GRANT_JWT_BEARER, "https://login.salesforce.com/t",
         "invalid_grant: user hasn't approved this consumer", "approve the app"},
        {WEIR_GRANT_PASSWORD, "https://login.salesforce.com/t",
         "invalid_grant: authentication failure", "security token"},
        {WEIR_GRANT_REFRESH_TOKEN, "https://login.salesforce.com/t",
         "invalid_grant: authentication failure", NULL},
        {WEIR_GRANT_REFRESH_TOKEN, "https://login.salesforce.com/t",
         "API_DISABLED_FOR_ORG: API is not enabled for this Organization or Partner",
         "no API access"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const weir_oauth2_options asked = {.grant = rows[i].grant, .token_url = rows[i].url};
        weir_error err = {0};
        error_peer(&err, WEIR_BAD_LOGIN, WEIR_ORIGIN_HTTP, 400, "%s", rows[i].words);
        login_advice(&asked, &undated, &err);
        assert_int_equal(strncmp(err.message, rows[i].words, strlen(rows[i].words)), 0);
        if (rows[i].advice)
            assert_non_null(strstr(err.message + strlen(rows[i].words), rows[i].advice));
        else
            assert_string_equal(err.message, rows[i].words);
        assert_int_equal(err.status, WEIR_BAD_LOGIN);
        assert_int_equal(err.code, 400);
    }
}

static void a_server_in_trouble_is_given_no_advice(void **state)
{
    (void)state;
    const weir_oauth2_options asked = {.token_url = "https://login.salesforce.com/t"};
    weir_error err = {0};
    error_peer(&err, WEIR_UNREACHABLE, WEIR_ORIGIN_HTTP, 503, "503");
    login_advice(&asked, &dated, &err);
    assert_string_equal(err.message, "503");
}

static void a_clock_far_off_is_said_with_how_far(void **state)
{
    (void)state;
    static const struct {
        int64_t off_s;
        const char *words; /* NULL: near enough */
    } rows[] = {
        {0, NULL},
        {60, NULL},
        {-60, NULL},
        {90, "this machine's clock is 90 seconds fast"},
        {-720, "this machine's clock is 12 minutes slow"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char words[96] = "";
        bool off =
            login_clock_is_off(&dated, (NOON + rows[i].off_s) * NS_PER_S, words, sizeof words);
        assert_int_equal(off, rows[i].words != NULL);
        assert_string_equal(words, rows[i].words ? rows[i].words : "");
        assert_false(login_clock_is_off(&undated, (NOON + 9999) * NS_PER_S, words, sizeof words));
    }
}

static void an_assertion_refused_by_a_server_of_another_time_blames_the_clock(void **state)
{
    (void)state;
    static const struct http_header old[] = {{"Date", "Thu, 01 Jan 1998 12:00:00 GMT"}};
    const struct http_answer answer = {.status = 400, .headers = old, .header_count = 1};
    const weir_oauth2_options asked = {.grant = WEIR_GRANT_JWT_BEARER, .token_url = "https://x/"};
    weir_error err = {0};
    error_set(&err, WEIR_BAD_LOGIN, "invalid_grant: expired authorization code");
    login_advice(&asked, &answer, &err);
    assert_non_null(strstr(err.message, "minutes fast: set it right"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_that_everybody_meets_are_explained),
        cmocka_unit_test(a_server_in_trouble_is_given_no_advice),
        cmocka_unit_test(a_clock_far_off_is_said_with_how_far),
        cmocka_unit_test(an_assertion_refused_by_a_server_of_another_time_blames_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
