/* The token endpoint and the control endpoint on the wire, and what a script does to them. */
#include "lib/check.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "lib/sandboxed.h"
#include "lib/webclient.h"
#include "sandbox/control_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FORM "application/x-www-form-urlencoded"
#define GOOD "grant_type=client_credentials&client_id=sandbox&client_secret=sandbox-secret"

static struct sandbox *sandbox;
static const char *url;
static uint16_t port;

static int setup(void **state)
{
    (void)state;
    sandbox = sandboxed_start(NULL);
    url = sandbox_value(sandbox, "OAUTH_TOKEN_URL");
    port = web_port_of(url);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sandbox_stop(sandbox);
    return 0;
}

/* An answer begins with `status` and holds `words`. */
static void expect(char *answer, const char *status, const char *words)
{
    assert_non_null(answer);
    if (strncmp(answer, status, strlen(status)) != 0 || (words && !strstr(answer, words)))
        fail_msg("expected %s and \"%s\", got: %s", status, words ? words : "", answer);
    mem_free(answer);
}

static void post(const char *body, const char *status, const char *words)
{
    expect(web_ask("POST", url, FORM, body), status, words);
}

static void a_token_is_issued_to_who_proves_who_it_is(void **state)
{
    (void)state;
    post(GOOD, "HTTP/1.1 200 OK", "\"access_token\":\"weir-sandbox-");
    post(GOOD "x", "HTTP/1.1 401 ", "invalid_client");
    post("grant_type=magic", "HTTP/1.1 400 ", "unsupported_grant_type");
    expect(web_ask("POST", url, "text/plain", GOOD), "HTTP/1.1 400 ", "invalid_request");
    expect(web_ask("POST", url, "application/json",
                   "{\"grant_type\":\"client_credentials\",\"client_id\":\"sandbox\","
                   "\"client_secret\":\"sandbox-secret\"}"),
           "HTTP/1.1 200 ", "\"expires_in\":300");
    expect(web_ask("GET", url, NULL, NULL), "HTTP/1.1 405 ", "Allow: POST\r\n");
    assert_int_equal(sandbox_count(sandbox, "token"), 6);
    assert_int_equal(sandbox_count(sandbox, "token.issued"), 2);
}

static void other_paths_are_not_found(void **state)
{
    char other[80];
    (void)state;
    snprintf(other, sizeof other, "http://127.0.0.1:%u/oauth/tokens", (unsigned)port);
    expect(web_ask("POST", other, FORM, GOOD), "HTTP/1.1 404 ", "/oauth/token");
    assert_int_equal(sandbox_count(sandbox, "token"), 0);
}

static void the_log_shows_the_request_and_no_secret(void **state)
{
    static const char *const never[] = {"sandbox-secret", "cGFzcw", "my-password", "my-refresh",
                                        "weir-sandbox-"};
    (void)state;
    post(GOOD "&password=my-password&refresh_token=my-refresh", "HTTP/1.1 200 ", NULL);
    expect(web_talk(port,
                    "POST /oauth/token HTTP/1.1\r\nAuthorization: Basic cGFzcw==\r\n"
                    "Connection: close\r\nContent-Length: 0\r\n\r\n",
                    SIZE_MAX),
           "HTTP/1.1 400 ", NULL);
    char *log = sandbox_requests(sandbox, NULL);
    for (size_t i = 0; i < COUNT(never); i++)
        assert_null(strstr(log, never[i]));
    assert_non_null(strstr(log, "\"authorization\":\"Basic ***\""));
    assert_non_null(strstr(log, "\"client_secret\":\"***\""));
    assert_non_null(strstr(log, "\"client_id\":\"sandbox\""));
    mem_free(log);
}

static void the_log_file_has_the_same_lines(void **state)
{
    char file[] = "/tmp/weir-sandbox-log-XXXXXX", text[4096] = "";
    (void)state;
    int fd = mkstemp(file);
    struct sandbox *logging = sandboxed_start(&(struct sandbox_options){.log_file = file});
    char *token = sandboxed_token(logging);
    char *log = sandbox_requests(logging, NULL);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, log);
    assert_null(strstr(text, token));
    mem_free(token);
    mem_free(log);
    sandbox_stop(logging);
    close(fd);
    unlink(file);
}

/* --- faults -------------------------------------------------------------------------------- */

static void an_http_status_comes_with_retry_after_and_uses_nothing_up(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "token 1 http:429:7");
    post(GOOD, "HTTP/1.1 429 ", "Retry-After: 7\r\n");
    assert_int_equal(sandbox_count(sandbox, "token.issued"), 0);
    post(GOOD, "HTTP/1.1 200 ", NULL);
}

static void an_error_is_that_of_oauth2(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "token 1 error:invalid_client");
    sandboxed_fault(sandbox, "token 1 error:temporarily_unavailable");
    post(GOOD, "HTTP/1.1 401 ", "WWW-Authenticate: Basic");
    post(GOOD, "HTTP/1.1 503 ", "\"error\":\"temporarily_unavailable\"");
}

static void garbage_is_no_json(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "token 1 garbage");
    post(GOOD, "HTTP/1.1 200 ", "\xff\xfe");
}

static void a_cut_is_an_end_without_an_answer(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "token 1 cut --after 20ms");
    char *answer = web_ask("POST", url, FORM, GOOD);
    assert_string_equal(answer, "");
    assert_true(sandboxed_logged(sandbox, "\"status\":\"cut\""));
    mem_free(answer);
}

static void a_hang_lasts_until_the_client_leaves(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "token 1 hang");
    int fd = web_connect(port);
    web_send(fd, "POST /oauth/token HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    sandboxed_wait_log(sandbox, "\"pending\"");
    post(GOOD, "HTTP/1.1 200 ", NULL);
    close(fd);
    sandboxed_wait_log(sandbox, "\"gone\"");
}

static void a_delay_is_an_ordinary_answer_later(void **state)
{
    (void)state;
    sandboxed_fault(sandbox, "token 1 delay:80ms");
    int64_t began = clock_mono(clock_system());
    post(GOOD, "HTTP/1.1 200 ", NULL);
    assert_true(clock_mono(clock_system()) - began >= 80 * NS_PER_MS);
}

static void an_expired_token_is_one_the_gateway_refuses(void **state)
{
    char value[256];
    struct sandbox *strict = sandboxed_start(&(struct sandbox_options){.require_token = true});
    struct rpc *rpc = sandboxed_open(strict);
    struct probe p = {0};
    (void)state;
    sandboxed_fault(strict, "token 1 expire");
    char *token = sandboxed_token(strict);
    snprintf(value, sizeof value, "Bearer %s", token);
    weir_metadata metadata = {"authorization", {value, strlen(value)}};
    struct rpc_call_options options = {.metadata = &metadata, .metadata_count = 1};
    sandboxed_call(&p, rpc, TOPOLOGY, &options);
    assert_int_equal(p.grpc_status, 16);
    probe_free(&p);
    mem_free(token);
    rpc_close(rpc);
    sandbox_stop(strict);
}

/* --- HTTP ---------------------------------------------------------------------------------- */

static void a_connection_is_kept_for_the_next_request(void **state)
{
    static const char asked[] =
        "POST /oauth/token HTTP/1.1\r\nContent-Type: " FORM "\r\nContent-Length: 76\r\n\r\n" GOOD;
    (void)state;
    assert_int_equal(strlen(GOOD), 76);
    sandboxed_fault(sandbox, "token 1 delay:30ms");
    int fd = web_connect(port);
    web_send(fd, asked);
    expect(web_read(fd, "}"), "HTTP/1.1 200 ", "Bearer");
    assert_int_equal(sandbox_count(sandbox, "token"), 1);
    web_send(fd, asked); /* two at once, and a third that is not whole */
    web_send(fd, asked);
    web_send(fd, "POST /oauth");
    char *two = web_read(fd, "}HTTP/1.1 200 OK\r\n");
    mem_free(two);
    web_send(fd, "/token HTTP/1.0\r\n\r\n");
    expect(web_read(fd, "more"), "", "HTTP/1.1 400 "); /* until it closes: HTTP/1.0 */
    close(fd);
}

static void a_client_that_asks_before_it_sends_the_body_is_told_to(void **state)
{
    int fd = web_connect(port);
    (void)state;
    web_send(fd, "POST /oauth/token HTTP/1.1\r\nContent-Type: " FORM
                 "\r\nExpect: 100-continue\r\nContent-Length: 76\r\n\r\n");
    expect(web_read(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n", NULL);
    web_send(fd, GOOD);
    expect(web_read(fd, "}"), "HTTP/1.1 200 ", "Bearer");
    close(fd);
}

static void what_is_no_request_is_refused_and_the_connection_closed(void **state)
{
    static const char *const stories[][2] = {
        {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
        {"POST /oauth/token HTTP/2.0\r\n\r\n", "HTTP/1.1 505 "},
        {"POST /oauth/token HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "HTTP/1.1 413 "},
        {"POST /oauth/token HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 411 "},
        {"POST /oauth/token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "HTTP/1.1 400 "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++)
        expect(web_talk(port, stories[i][0], SIZE_MAX), stories[i][1], "Connection: close");
    assert_int_equal(sandbox_count(sandbox, "token"), 0);
}

static void a_head_without_end_is_refused(void **state)
{
    struct buf text = BUF_INIT(200000);
    (void)state;
    buf_adds(&text, "POST / HTTP/1.1\r\n");
    for (int i = 0; i < 3000; i++)
        buf_adds(&text, "X-Header: 1\r\n");
    /* Its reset may overtake the answer when there is more to read. */
    char *answer = web_talk(port, text.data, SIZE_MAX);
    assert_true(!*answer || strstr(answer, "HTTP/1.1 431 "));
    mem_free(answer);
    buf_free(&text);
    post(GOOD, "HTTP/1.1 200 ", NULL);
}

/* --- control ------------------------------------------------------------------------------- */

static void orders_are_taken_from_who_knows_the_url(void **state)
{
    const char *control = sandbox_value(sandbox, "WEIR_SANDBOX");
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/fault", control);
    expect(web_ask("POST", path, "text/plain", "token 1 http:503\ntoken 1 http:500\n"),
           "HTTP/1.1 204 ", NULL);
    post(GOOD, "HTTP/1.1 503 ", NULL);
    post(GOOD, "HTTP/1.1 500 ", NULL);
    expect(web_ask("POST", path, "text/plain", "token 1 htp:503"), "HTTP/1.1 400 ",
           "did you mean http");
    expect(web_ask("GET", path, NULL, NULL), "HTTP/1.1 405 ", NULL);
    snprintf(path, sizeof path, "%s/requests", control);
    expect(web_ask("GET", path, NULL, NULL), "HTTP/1.1 200 ", "\"fault\":\"http:503\"");
    snprintf(path, sizeof path, "http://127.0.0.1:%u/requests", (unsigned)web_port_of(control));
    expect(web_ask("GET", path, NULL, NULL), "HTTP/1.1 404 ", NULL);
}

static void the_control_client_says_what_the_sandbox_says(void **state)
{
    const char *control = sandbox_value(sandbox, "WEIR_SANDBOX");
    weir_error err = {0};
    (void)state;
    assert_int_equal(control_fault(control, "token 1 http:503", 10000, &err), WEIR_OK);
    post(GOOD, "HTTP/1.1 503 ", NULL);
    char *log = control_requests(control, 10000, &err);
    assert_non_null(strstr(log, "\"status\":503"));
    mem_free(log);
    assert_int_equal(control_fault(control, "tokn 1 cut", 10000, &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "did you mean token"));
    assert_int_equal(control_fault("http://127.0.0.1:1/", "token 1 cut", 10000, &err),
                     WEIR_UNREACHABLE);
    assert_null(control_requests("nonsense", 10000, &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_token_is_issued_to_who_proves_who_it_is),
        EACH(other_paths_are_not_found),
        EACH(the_log_shows_the_request_and_no_secret),
        EACH(the_log_file_has_the_same_lines),
        EACH(an_http_status_comes_with_retry_after_and_uses_nothing_up),
        EACH(an_error_is_that_of_oauth2),
        EACH(garbage_is_no_json),
        EACH(a_cut_is_an_end_without_an_answer),
        EACH(a_hang_lasts_until_the_client_leaves),
        EACH(a_delay_is_an_ordinary_answer_later),
        EACH(an_expired_token_is_one_the_gateway_refuses),
        EACH(a_connection_is_kept_for_the_next_request),
        EACH(a_client_that_asks_before_it_sends_the_body_is_told_to),
        EACH(what_is_no_request_is_refused_and_the_connection_closed),
        EACH(a_head_without_end_is_refused),
        EACH(orders_are_taken_from_who_knows_the_url),
        EACH(the_control_client_says_what_the_sandbox_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
