/* weir_credentials_salesforce() against a token endpoint that answers as Salesforce does. */
#include "core/clock.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "lib/check.h"
#include "lib/webserver.h"
#include "sandbox/token_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/salesforce.h>

#define GOOD                                                                                       \
    "{\"access_token\":\"00D!AQ\",\"instance_url\":\"https://acme.my.salesforce.com\","            \
    "\"id\":\"https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA\","            \
    "\"token_type\":\"Bearer\",\"issued_at\":\"1700000000000\",\"signature\":\"c2ln\"}"

struct login_server {
    struct webserver *web;
    const char *status, *body;
    char url[64], token_url[128];
    char asked[4096]; /* the last request's body */
    char head[1024];
};

static void answer(void *user, const struct webserver_request *request,
                   struct webserver_reply *reply)
{
    struct login_server *s = user;
    (void)snprintf(s->asked, sizeof s->asked, "%s", request->body);
    (void)snprintf(s->head, sizeof s->head, "%s", request->head);
    webserver_say(reply, s->status, "Content-Type: application/json;charset=UTF-8\r\n", s->body);
}

static const char *const variables[] = {
    "SALESFORCE_LOGIN_URL",       "SALESFORCE_CLIENT_ID",    "SALESFORCE_CLIENT_SECRET",
    "SALESFORCE_USERNAME",        "SALESFORCE_PASSWORD",     "SALESFORCE_SECURITY_TOKEN",
    "SALESFORCE_REFRESH_TOKEN",   "SALESFORCE_PRIVATE_KEY",  "SALESFORCE_AUDIENCE",
    "SALESFORCE_ACCESS_TOKEN",    "SALESFORCE_INSTANCE_URL", "SALESFORCE_PASSWORD_FILE",
    "SALESFORCE_PRIVATE_KEY_FILE"};

static int start(void **state)
{
    static struct login_server s;
    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < COUNT(variables); i++)
        (void)unsetenv(variables[i]);
    s.status = "200 OK";
    s.body = GOOD;
    s.web = webserver_start(NULL, answer, &s);
    (void)snprintf(s.url, sizeof s.url, "http://127.0.0.1:%u/", (unsigned)webserver_port(s.web));
    *state = &s;
    return s.web ? 0 : -1;
}

static int stop(void **state)
{
    struct login_server *s = *state;
    webserver_stop(s->web);
    return 0;
}

static weir_token *token_of(weir_credentials *credentials, weir_error *err)
{
    weir_token *token = weir_credentials_token(credentials, 10000, err);
    weir_credentials_free(credentials);
    return token;
}

static void expect_form(const struct login_server *s, const char *form)
{
    assert_string_equal(s->asked, form);
    assert_non_null(strstr(s->head, "POST /services/oauth2/token HTTP/1.1"));
}

static void a_password_login_appends_the_security_token(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    weir_token *token =
        token_of(weir_credentials_salesforce(
                     WEIR_SALESFORCE_LOGIN(.login_url = s->url, .client_id = "ck&=1",
                                           .client_secret = "cs", .username = "u@x.com",
                                           .password = "p w", .security_token = "TOK"),
                     &err),
                 &err);
    assert_non_null(token);
    expect_form(s, "grant_type=password&username=u%40x.com&password=p+wTOK&client_id=ck%26%3D1&"
                   "client_secret=cs");
    assert_string_equal(weir_token_value(token), "00D!AQ");
    assert_string_equal(weir_token_field(token, "instance_url"), "https://acme.my.salesforce.com");
    weir_token_free(token);
}

static void everything_may_come_from_the_environment(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    (void)setenv("SALESFORCE_LOGIN_URL", s->url, 1);
    (void)setenv("SALESFORCE_CLIENT_ID", "id", 1);
    (void)setenv("SALESFORCE_CLIENT_SECRET", "cs", 1);
    weir_token *token = token_of(weir_credentials_salesforce(NULL, &err), &err);
    expect_form(s, "grant_type=client_credentials&client_id=id&client_secret=cs");
    weir_token_free(token);
    (void)setenv("SALESFORCE_USERNAME", "u", 1);
    (void)setenv("SALESFORCE_PASSWORD", "p", 1);
    token = token_of(weir_credentials_salesforce(NULL, &err), &err);
    expect_form(s, "grant_type=password&username=u&password=p&client_id=id&client_secret=cs");
    weir_token_free(token);
    (void)setenv("SALESFORCE_REFRESH_TOKEN", "r", 1);
    token = token_of(weir_credentials_salesforce(NULL, &err), &err);
    expect_form(s, "grant_type=refresh_token&refresh_token=r&client_id=id&client_secret=cs");
    weir_token_free(token);
}

static void what_is_given_decides_before_the_environment(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    (void)setenv("SALESFORCE_ACCESS_TOKEN", "ready", 1);
    (void)setenv("SALESFORCE_INSTANCE_URL", "https://other", 1);
    (void)setenv("SALESFORCE_REFRESH_TOKEN", "r", 1);
    weir_token *token = token_of(
        weir_credentials_salesforce(
            WEIR_SALESFORCE_LOGIN(.login_url = s->url, .client_id = "id", .client_secret = "cs",
                                  .username = "u", .password = "p", .security_token = WEIR_OMIT),
            &err),
        &err);
    expect_form(s, "grant_type=password&username=u&password=p&client_id=id&client_secret=cs");
    weir_token_free(token);
    token = token_of(weir_credentials_salesforce(
                         WEIR_SALESFORCE_LOGIN(.login_url = s->url, .grant = "refresh-token",
                                               .client_id = "id", .client_secret = WEIR_OMIT),
                         &err),
                     &err);
    expect_form(s, "grant_type=refresh_token&refresh_token=r&client_id=id");
    weir_token_free(token);
}

static void a_ready_token_brings_its_instance(void **state)
{
    (void)state;
    weir_error err = {0};
    (void)setenv("SALESFORCE_ACCESS_TOKEN", "ready", 1);
    assert_null(weir_credentials_salesforce(NULL, &err));
    assert_int_equal(err.status, WEIR_MISSING);
    assert_non_null(strstr(err.message, "SALESFORCE_INSTANCE_URL"));
    weir_error_clear(&err);
    (void)setenv("SALESFORCE_INSTANCE_URL", "https://acme.my.salesforce.com", 1);
    weir_token *token = token_of(weir_credentials_salesforce(NULL, &err), &err);
    assert_string_equal(weir_token_value(token), "ready");
    assert_string_equal(weir_token_field(token, "instance_url"), "https://acme.my.salesforce.com");
    assert_true(weir_token_expires_at(token) == INT64_MAX);
    weir_token_free(token);
}

static void a_token_without_a_lifetime_is_taken_for_two_hours(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    weir_token *token = token_of(
        weir_credentials_salesforce(
            WEIR_SALESFORCE_LOGIN(.login_url = s->url, .client_id = "id", .client_secret = "cs"),
            &err),
        &err);
    int64_t now = clock_wall(clock_system()) / NS_PER_S;
    assert_in_range(weir_token_expires_at(token), now + 7190, now + 7201);
    weir_token_free(token);
}

/* header.{"iss":...}.signature: the part in the middle. */
static void read_claims(const char *form, char *out, size_t size)
{
    void *claims = NULL;
    size_t len = 0;
    const char *assertion = strstr(form, "assertion=");
    assert_non_null(assertion);
    const char *from = strchr(assertion, '.');
    assert_non_null(from);
    const char *to = strchr(from + 1, '.');
    assert_non_null(to);
    assert_true(base64_decode(from + 1, (size_t)(to - from - 1), true, &claims, &len));
    (void)snprintf(out, size, "%.*s", (int)len, (char *)claims);
    mem_free(claims);
}

static void a_private_key_signs_for_the_user_and_the_login_url(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    char claims[1024], audience[100];
    char *pem = NULL;
    struct clients *clients = clients_new(
        &(struct tokens_options){.clock = clock_system(), .endpoint = "https://x/"}, &pem, &err);
    assert_non_null(clients);
    weir_token *token =
        token_of(weir_credentials_salesforce(
                     WEIR_SALESFORCE_LOGIN(.login_url = s->url, .client_id = "3MVG9",
                                           .username = "u@x.com", .private_key = pem),
                     &err),
                 &err);
    assert_non_null(token);
    clients_free(clients);
    secret_free_text(pem);
    read_claims(s->asked, claims, sizeof claims);
    (void)snprintf(audience, sizeof audience, "\"aud\":\"%.*s\"", (int)strlen(s->url) - 1, s->url);
    assert_non_null(strstr(claims, "\"iss\":\"3MVG9\""));
    assert_non_null(strstr(claims, "\"sub\":\"u@x.com\""));
    assert_non_null(strstr(claims, audience));
    weir_token_free(token);
}

static void what_is_nowhere_is_named(void **state)
{
    (void)state;
    static const struct {
        weir_salesforce_login o;
        weir_status status;
        const char *words;
    } rows[] = {
        {{.client_id = NULL}, WEIR_MISSING, "SALESFORCE_CLIENT_ID"},
        {{.client_id = "id"}, WEIR_MISSING, "SALESFORCE_CLIENT_SECRET"},
        {{.client_id = "id", .password = "p"}, WEIR_MISSING, "SALESFORCE_USERNAME"},
        {{.client_id = "id", .grant = "password", .username = "u"},
         WEIR_MISSING,
         "SALESFORCE_PASSWORD"},
        {{.client_id = "id", .private_key = "x"}, WEIR_MISSING, "SALESFORCE_USERNAME"},
        {{.client_id = "id", .grant = "jwt-bearer"}, WEIR_MISSING, "SALESFORCE_PRIVATE_KEY"},
        {{.client_id = "id", .grant = "refresh-token"}, WEIR_MISSING, "SALESFORCE_REFRESH_TOKEN"},
        {{.client_id = "id", .grant = "saml"}, WEIR_INVALID, "'saml'"},
        {{.sandbox = true, .login_url = "https://x"}, WEIR_INVALID, "contradict"},
        {{.client_id = "id", .private_key = "-----BEGIN NOTHING", .username = "u"},
         WEIR_INVALID,
         "private_key"},
        {{.client_id = "id", .client_secret = "s", .login_url = "http://login.example"},
         WEIR_UNSUPPORTED,
         "plaintext"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        weir_salesforce_login o = rows[i].o;
        o.struct_size = sizeof o;
        assert_null(weir_credentials_salesforce(&o, &err));
        if (err.status != rows[i].status || !strstr(err.message, rows[i].words))
            print_error("row %zu: %s: %s\n", i, weir_status_name(err.status), err.message);
        assert_int_equal(err.status, rows[i].status);
        assert_non_null(strstr(err.message, rows[i].words));
    }
}

static void refusals_are_in_salesforces_own_words(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    s->status = "400 Bad Request";
    s->body = "{\"error\":\"invalid_grant\",\"error_description\":\"authentication failure\"}";
    assert_null(token_of(
        weir_credentials_salesforce(WEIR_SALESFORCE_LOGIN(.login_url = s->url, .client_id = "id",
                                                          .client_secret = "cs", .username = "u",
                                                          .password = "pass-s3cret"),
                                    &err),
        &err));
    assert_int_equal(err.status, WEIR_BAD_LOGIN);
    assert_non_null(strstr(err.message, "invalid_grant: authentication failure"));
    assert_non_null(strstr(err.message, "security token"));
    assert_null(strstr(err.message, "pass-s3cret"));
    assert_int_equal(webserver_requests(s->web), 1);
}

static void a_page_instead_of_json_is_no_token(void **state)
{
    struct login_server *s = *state;
    weir_error err = {0};
    s->body = "<html><head><title>Login | Salesforce</title>";
    assert_null(token_of(
        weir_credentials_salesforce(
            WEIR_SALESFORCE_LOGIN(.login_url = s->url, .client_id = "id", .client_secret = "cs"),
            &err),
        &err));
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_non_null(strstr(err.message, "no JSON"));
}

int main(void)
{
#define login_test(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        login_test(a_password_login_appends_the_security_token),
        login_test(everything_may_come_from_the_environment),
        login_test(what_is_given_decides_before_the_environment),
        login_test(a_ready_token_brings_its_instance),
        login_test(a_token_without_a_lifetime_is_taken_for_two_hours),
        login_test(a_private_key_signs_for_the_user_and_the_login_url),
        login_test(what_is_nowhere_is_named),
        login_test(refusals_are_in_salesforces_own_words),
        login_test(a_page_instead_of_json_is_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
