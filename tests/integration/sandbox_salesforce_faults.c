/* What goes wrong with the Salesforce-like server, on the wire. */
#include "sandbox_visitor.h"

#include "core/mem.h"
#include "lib/webclient.h"
#include "sandbox/token.h"
#include "sandbox/token_salesforce.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORM "application/x-www-form-urlencoded"

static struct visitor v;

static int setup(void **state)
{
    (void)state;
    struct sandbox_options options = {.only = "salesforce"};
    visitor_begin(&v, sandboxed_start(&options), "/cometd/67.0");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    visitor_end(&v);
    sandbox_stop(v.sandbox);
    return 0;
}

static void fault(const char *line)
{
    sandboxed_fault(v.sandbox, line);
}

static void now(const char *line)
{
    weir_error err = {0};
    if (sandbox_now(v.sandbox, line, &err) != WEIR_OK)
        fail_msg("%s", err.message);
}

static void session(void)
{
    visitor_handshake(&v);
    visitor_connect(&v);
    has(visitor_subscribe(&v, ALPHA, ""), "\"successful\":true");
}

/* ---- cookies ----------------------------------------------------------------------------- */

static void a_cookie_that_is_missing_or_old_leads_to_another_node(void **state)
{
    (void)state;
    session();
    char old[120];
    snprintf(old, sizeof old, "%s", v.stream);
    v.stream[0] = '\0';
    has(visitor_connect(&v), "403::Unknown client");
    has(v.answer, "Set-Cookie: sfdc-stream=");
    has(v.answer, "; Path=/; Expires=");
    assert_string_not_equal(v.stream, old);
    session(); /* with the cookie of that answer */
    now("salesforce reroute");
    has(visitor_connect(&v), "403::Unknown client");
    has(v.answer, "Set-Cookie: sfdc-stream=");
    session();
    has_not(v.answer, "Set-Cookie");
}

static void a_cookie_expires(void **state)
{
    (void)state;
    teardown(NULL);
    struct sandbox_options options = {.only = "salesforce", .salesforce = {.cookie_life = 1}};
    visitor_begin(&v, sandboxed_start(&options), "/cometd/67.0");
    visitor_handshake(&v);
    for (int i = 0; i < 100000 && !strstr(visitor_subscribe(&v, ALPHA, ""), "403::"); i++)
        continue; /* each takes a while, and none is held */
    has(v.answer, "403::Unknown client");
}

/* ---- tokens ------------------------------------------------------------------------------ */

static void an_expired_token_is_refused_in_three_ways(void **state)
{
    (void)state;
    session();
    now("salesforce expire");
    has(visitor_connect(&v), "\"error\":\"401::Authentication invalid\"");
    has(v.answer, "\"reconnect\":\"none\"");
    const char *answer = visitor_ask(&v, "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
                                         "\"supportedConnectionTypes\":[\"long-polling\"]}]");
    has(answer, "\"error\":\"403::Handshake denied\"");
    has(answer, "\"failureReason\":\"401::Authentication invalid\"");
    v.token[0] = '\0';
    has(visitor_ask(&v, "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
                        "\"supportedConnectionTypes\":[\"long-polling\"]}]"),
        "\"failureReason\":\"401::Request requires authentication\"");
}

static void a_token_expires_by_a_fault_and_may_be_called_oauth(void **state)
{
    (void)state;
    session();
    snprintf(v.headers, sizeof v.headers, "Authorization: OAuth %s\r\n", v.token);
    v.token[0] = '\0';
    has(visitor_says(&v,
                     "{\"channel\":\"/meta/connect\",\"clientId\":\"CLIENT\",\"connectionType\":"
                     "\"long-polling\",\"advice\":{\"timeout\":0}}"),
        "\"successful\":true");
    fault("salesforce.connect 1 expire");
    has(visitor_connect(&v), "401::Authentication invalid");
    has(visitor_connect(&v), "401::Authentication invalid");
}

static void expect_token(const char *body, const char *status, const char *words)
{
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/services/oauth2/token", (unsigned)v.port);
    char *answer = web_ask("POST", url, FORM, body);
    assert_non_null(answer);
    has(answer, status);
    has(answer, words);
    has_not(answer, "expires_in");
    mem_free(answer);
}

#define CLIENT_IS "client_id=" TOKEN_CLIENT_ID
#define SECRET_IS "&client_secret=" TOKEN_CLIENT_SECRET

static void the_token_endpoint_speaks_salesforces_words(void **state)
{
    static const struct {
        const char *body, *says;
    } wrong[] = {
        {"grant_type=magic&" CLIENT_IS SECRET_IS, "{\"error\":\"unsupported_grant_type\",\"error_"
                                                  "description\":\"grant type not supported\"}"},
        {"grant_type=password&client_id=nobody" SECRET_IS, "invalid_client_id"},
        {"grant_type=password&" CLIENT_IS "&client_secret=wrong", "invalid client credentials"},
        {"grant_type=password&" CLIENT_IS SECRET_IS "&username=" SALESFORCE_USERNAME
         "&password=" SALESFORCE_PASSWORD,
         "{\"error\":\"invalid_grant\",\"error_description\":\"authentication failure\"}"},
        {"grant_type=refresh_token&" CLIENT_IS "&refresh_token=x", "expired access/refresh token"},
        {"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c",
         "invalid assertion"},
        {"", "unsupported_grant_type"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect_token(wrong[i].body, "HTTP/1.1 400 ", wrong[i].says);
    expect_token("grant_type=client_credentials&" CLIENT_IS SECRET_IS, "200 OK",
                 "\"instance_url\":\"http://127.0.0.1\"");
    expect_token("grant_type=refresh_token&" CLIENT_IS "&refresh_token=" SALESFORCE_REFRESH_TOKEN,
                 "200 OK", "\"refresh_token\":\"5Aep861");
    fault("salesforce.token 1 \"error:invalid_grant:inactive user\"");
    expect_token("grant_type=client_credentials&" CLIENT_IS SECRET_IS, "400", "\"inactive user\"");
    fault("salesforce.token 1 expire");
    expect_token("grant_type=client_credentials&" CLIENT_IS SECRET_IS, "200 OK", "00D");
    assert_int_equal(sandbox_count(v.sandbox, "salesforce.token.issued"), 4);
}

/* ---- requests that are none -------------------------------------------------------------- */

static void requests_that_are_none_are_refused(void **state)
{
    char big[33000] = "[";
    (void)state;
    memset(big + 1, ' ', sizeof big - 3);
    big[sizeof big - 2] = ']';
    big[sizeof big - 1] = '\0';
    visitor_ask(&v, big);
    has(v.answer, "HTTP/1.1 413 ");
    visitor_ask(&v, "nonsense");
    has(v.answer, "HTTP/1.1 400 ");
    visitor_ask(&v, "[]");
    has(v.answer, "HTTP/1.1 400 ");
    has(visitor_ask(&v, "[{\"nothing\":1}]"), "400::Channel name not specified");
}

static void a_version_that_is_none_is_refused_with_or_without_a_message_type(void **state)
{
    static const struct {
        const char *path, *words;
    } rows[] = {
        {"/cometd/37.0", "\"successful\":true"},
        {"/cometd/67.0/handshake", "\"successful\":true"},
        {"/cometd/36.0", "Unsupported API version. Only API versions '37.0' and later"},
        {"/cometd/71.0/handshake", "Unsupported API version"},
        {"/cometd", "API version in the URI is mandatory"},
        {"/cometd/67", "API version in the URI is mandatory"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        v.path = rows[i].path;
        has(visitor_ask(&v, "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
                            "\"supportedConnectionTypes\":[\"long-polling\"]}]"),
            rows[i].words);
    }
}

/* ---- faults of HTTP ---------------------------------------------------------------------- */

static void http_fails_on_order(void **state)
{
    static const struct {
        const char *how, *words;
    } rows[] = {
        {"http:503:7", "HTTP/1.1 503 Service Unavailable"},
        {"http:503:7", "Retry-After: 7"},
        {"html", "HTTP/1.1 200 OK"},
        {"html:503", "<title>Down for Maintenance</title>"},
        {"empty", "Content-Length: 0"},
        {"garbage", "\xff\xfe"},
    };
    (void)state;
    session();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[100];
        snprintf(line, sizeof line, "salesforce.connect 1 %s", rows[i].how);
        fault(line);
        visitor_connect(&v);
        has(v.answer, rows[i].words);
    }
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"still here\"}");
    has(visitor_connect(&v), "still here");
}

static void an_answer_is_cut_in_the_middle_and_its_events_are_gone(void **state)
{
    (void)state;
    session();
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"lost\"}");
    fault("salesforce.connect 1 cut:body");
    const char *body = visitor_connect(&v);
    has(v.answer, "HTTP/1.1 200 OK");
    has_not(body, "\"successful\":true}]");
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"next\"}");
    has_not(visitor_connect(&v), "lost");
}

static void a_connection_is_cut_and_nothing_is_lost(void **state)
{
    (void)state;
    session();
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"kept\"}");
    fault("salesforce.connect 1 cut");
    visitor_connect(&v);
    assert_string_equal(v.answer, "");
    has(visitor_connect(&v), "kept");
}

static void a_request_is_delayed_and_hung(void **state)
{
    (void)state;
    session();
    fault("salesforce.subscribe 1 delay:50ms");
    has(visitor_subscribe(&v, ALPHA, ""), "\"successful\":true");
    fault("salesforce.connect 1 hang");
    int fd = visitor_hold(&v);
    sandboxed_wait_log(v.sandbox, "\"fault\":\"hang\"");
    close(fd);
    sandboxed_wait_log(v.sandbox, "\"status\":\"gone\"");
}

static void what_is_retained_is_lost_on_order(void **state)
{
    char replay[100];
    (void)state;
    session();
    int64_t id = visitor_emit(&v, ALPHA, "{\"Name__c\":\"old\"}");
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"old\"}");
    fault("salesforce.handshake 1 lose");
    session();
    snprintf(replay, sizeof replay, "{\"" ALPHA "\":%lld}", (long long)id);
    has(visitor_subscribe(&v, ALPHA, replay), "you provided was invalid");
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"new\"}");
    now("salesforce forget " ALPHA);
    has_not(visitor_subscribe(&v, ALPHA, "{\"" ALPHA "\":-2}"), "\"Name__c\":\"old\"");
}

static void a_server_that_restarts_knows_no_session_but_what_it_retained(void **state)
{
    weir_error err = {0};
    (void)state;
    session();
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"before\"}");
    int fd = visitor_hold(&v);
    assert_int_equal(sandbox_service_stop(v.sandbox, "salesforce", &err), WEIR_OK);
    close(fd);
    visitor_emit(&v, ALPHA, "{\"Name__c\":\"meanwhile\"}");
    assert_int_equal(sandbox_service_start(v.sandbox, "salesforce", &err), WEIR_OK);
    has(visitor_connect(&v), "403::Unknown client");
    now("salesforce stop");
    now("salesforce start");
    visitor_handshake(&v);
    visitor_connect(&v);
    const char *answer = visitor_subscribe(&v, ALPHA, "{\"" ALPHA "\":-2}");
    has(answer, "before");
    has(answer, "meanwhile");
}

/* ---- publishing -------------------------------------------------------------------------- */

static void events_are_published_over_rest(void **state)
{
    static const struct {
        const char *path, *body, *status, *words;
    } rows[] = {
        {"/services/data/v67.0/sobjects/Alpha__e", "{\"A__c\":1}", "201 Created",
         "\"success\":true,\"errors\":[]}"},
        {"/services/data/v67.0/sobjects/Alpha__e", "{\"A\":1}", "400",
         "\"errorCode\":\"INVALID_FIELD\""},
        {"/services/data/v67.0/sobjects/Alpha__e", "[", "400", "JSON_PARSER_ERROR"},
        {"/services/data/v67.0/sobjects/Account", "{}", "404", "\"errorCode\":\"NOT_FOUND\""},
        {"/services/data/v7.0/sobjects/Alpha__e", "{}", "404", "NOT_FOUND"},
        {"/services/data/v67.0/sobjects/alpha__E", "{}", "404", "NOT_FOUND"},
    };
    (void)state;
    session();
    for (size_t i = 0; i < COUNT(rows); i++) {
        v.path = rows[i].path;
        visitor_ask(&v, rows[i].body);
        has(v.answer, rows[i].status);
        has(v.answer, rows[i].words);
    }
    fault("salesforce.rest 1 \"error:REQUEST_LIMIT_EXCEEDED:TotalRequests Limit exceeded.\"");
    v.path = rows[0].path;
    visitor_ask(&v, "{}");
    has(v.answer, "HTTP/1.1 403 ");
    has(v.answer, "[{\"message\":\"TotalRequests Limit exceeded.\",\"errorCode\":");
    fault("salesforce.rest 1 expire");
    visitor_ask(&v, "{}");
    has(v.answer, "HTTP/1.1 401 ");
    has(v.answer, "INVALID_SESSION_ID");
}

/* ---- the log ----------------------------------------------------------------------------- */

static void the_log_says_what_was_asked_for_and_no_secret(void **state)
{
    (void)state;
    session();
    visitor_subscribe(&v, ALPHA, "{\"" ALPHA "\":-2}");
    fault("salesforce.connect 1 \"bayeux:403::Unknown client\"");
    visitor_connect(&v);
    assert_true(sandboxed_logged(v.sandbox, "\"what\":\"salesforce.subscribe\""));
    assert_true(sandboxed_logged(v.sandbox, "\"subscription\":\"" ALPHA "\""));
    assert_true(sandboxed_logged(v.sandbox, "\"replay\":\"{\\\"" ALPHA "\\\":-2}\""));
    assert_true(sandboxed_logged(v.sandbox, "\"status\":\"403::Unknown client\""));
    assert_true(sandboxed_logged(v.sandbox, "\"authorization\":\"Bearer ***\""));
    assert_false(sandboxed_logged(v.sandbox, v.token));
    assert_false(sandboxed_logged(v.sandbox, v.browser));
    assert_false(sandboxed_logged(v.sandbox, SALESFORCE_PASSWORD));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cookie_that_is_missing_or_old_leads_to_another_node),
        TEST(a_cookie_expires),
        TEST(an_expired_token_is_refused_in_three_ways),
        TEST(a_token_expires_by_a_fault_and_may_be_called_oauth),
        TEST(the_token_endpoint_speaks_salesforces_words),
        TEST(requests_that_are_none_are_refused),
        TEST(a_version_that_is_none_is_refused_with_or_without_a_message_type),
        TEST(http_fails_on_order),
        TEST(an_answer_is_cut_in_the_middle_and_its_events_are_gone),
        TEST(a_connection_is_cut_and_nothing_is_lost),
        TEST(a_request_is_delayed_and_hung),
        TEST(what_is_retained_is_lost_on_order),
        TEST(a_server_that_restarts_knows_no_session_but_what_it_retained),
        TEST(events_are_published_over_rest),
        TEST(the_log_says_what_was_asked_for_and_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
