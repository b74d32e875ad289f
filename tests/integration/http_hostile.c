/* Servers that do not behave: each request ends, in time, with an error that says why. */
#include "lib/check.h"

#include "lib/webserver.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char url[128];
static struct http *http;

static const char *url_of(const struct webserver *web, const char *path)
{
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", webserver_port(web), path);
    return url;
}

static int open_client(void **state)
{
    (void)state;
    http = http_open(&(struct http_options){.proxy = WEIR_OMIT}, NULL);
    return http ? 0 : -1;
}

static int close_client(void **state)
{
    (void)state;
    http_close(http);
    return 0;
}

/* Answers of a server that then falls silent, hangs up, or goes on for ever. */
struct story {
    const char *title, *text, *again;
    bool hang_up;
    weir_status status;
    const char *words;
};

static void tell(void *user, const struct webserver_request *request, struct webserver_reply *reply)
{
    const struct story *story = user;
    (void)request;
    buf_adds(&reply->text, story->text);
    reply->hang_up = story->hang_up;
    reply->for_ever = story->again != NULL;
    buf_free(&reply->again);
    for (int i = 0; story->again && i < 500; i++)
        buf_adds(&reply->again, story->again);
}

static void run(const struct story *story)
{
    struct webserver *web = webserver_start(NULL, tell, (void *)(uintptr_t)story);
    struct fetch f;
    const struct http_request request = {.method = "POST",
                                         .url = url_of(web, "/"),
                                         .content_type = "a/b",
                                         .body = {"x", 1},
                                         .max_answer = 100000,
                                         .until =
                                             fetch_in(story->status == WEIR_TIMEOUT ? 300 : 10000)};
    weir_status status = fetch_send(&f, http, &request);
    if (status != story->status || !strstr(f.err.message, story->words))
        fail_msg("%s: %s '%s'", story->title, weir_status_name(status), f.err.message);
    assert_int_equal(f.dones, 1);
    if (status != WEIR_OK) { /* the address is named */
        char peer[32];
        (void)snprintf(peer, sizeof peer, "127.0.0.1:%u", webserver_port(web));
        assert_non_null(strstr(f.err.message, peer));
    }
    bool broken = status == WEIR_PROTOCOL || status == WEIR_TIMEOUT;
    if (broken && !webserver_wait_open(web, 0))
        fail_msg("%s: the connection is kept", story->title);
    webserver_stop(web);
}

#define OK_200 "HTTP/1.1 200 OK\r\n"

static void a_bad_answer_is_an_error_that_says_why(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {"hangs up", "", NULL, true, WEIR_UNREACHABLE, "without an answer"},
        {"cut in the headers", OK_200 "X: y", NULL, true, WEIR_UNREACHABLE, "headers"},
        {"cut in the body", OK_200 "Content-Length: 10\r\n\r\nhello", NULL, true, WEIR_UNREACHABLE,
         "cut within the answer"},
        {"cut in a chunk", OK_200 "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", NULL, true,
         WEIR_UNREACHABLE, "cut within the answer"},
        {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", NULL, true, WEIR_PROTOCOL, "HTTP/1"},
        {"bad chunk", OK_200 "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", NULL, true,
         WEIR_UNREACHABLE, ""},
        {"strange status", "HTTP/1.1 999 What\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
         NULL, true, WEIR_PROTOCOL, "999"},
        {"endless headers", OK_200, "X-More: xxxxxxxxxxxxxxxxxxxx\r\n", false, WEIR_PROTOCOL,
         "headers are larger than 65536 bytes"},
        {"endless hints", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n",
         false, WEIR_PROTOCOL, "headers are larger"},
        {"endless trailers", OK_200 "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X-T: xxxxxxxx\r\n",
         false, WEIR_PROTOCOL, "headers are larger"},
        {"endless body", OK_200 "\r\n", "much", false, WEIR_PROTOCOL, "larger than 100000 bytes"},
        {"huge body", OK_200 "Content-Length: 99999999999\r\n\r\n", "much", false, WEIR_PROTOCOL,
         "larger than 100000 bytes"},
        {"silent", "", NULL, false, WEIR_TIMEOUT, "the server does not answer"},
        {"silent in the headers", OK_200 "X", NULL, false, WEIR_TIMEOUT,
         "the answer is not complete"},
        {"silent in the body", OK_200 "Content-Length: 10\r\n\r\nhello", NULL, false, WEIR_TIMEOUT,
         "the answer is not complete"},
    };
    for (size_t i = 0; i < COUNT(stories); i++)
        run(&stories[i]);
}

static void a_body_without_a_length_ends_with_its_connection(void **state)
{
    (void)state;
    static const struct story story = {
        "until the end", OK_200 "\r\nhello", NULL, true, WEIR_OK, ""};
    struct webserver *web = webserver_start(NULL, tell, (void *)(uintptr_t)&story);
    struct fetch f;
    assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
    assert_string_equal(f.body, "hello");
    webserver_stop(web);
}

static void redirect(void *user, const struct webserver_request *request,
                     struct webserver_reply *reply)
{
    (void)request;
    webserver_say(reply, "302 Found", user, "");
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
    (void)state;
    char location[128];
    struct webserver *web = webserver_start(NULL, redirect, location);
    struct fetch f;
    (void)snprintf(location, sizeof location, "Location: http://127.0.0.1:%u/b\r\n",
                   webserver_port(web));
    assert_int_equal(fetch_get(&f, http, url_of(web, "/a")), WEIR_OK);
    assert_int_equal(f.status, 302);
    assert_int_equal(webserver_requests(web), 1);
    webserver_stop(web);
}

static void who_is_not_there_is_unreachable(void **state)
{
    (void)state;
    struct fetch f;
    assert_int_equal(fetch_get(&f, http, "http://127.0.0.1:1/"), WEIR_UNREACHABLE);
    assert_non_null(strstr(f.err.message, "127.0.0.1:1"));
    assert_int_equal(f.err.origin, WEIR_ORIGIN_SYSTEM);
    assert_true(weir_error_retryable(&f.err));
    assert_int_equal(fetch_get(&f, http, "http://no-such-host.invalid/"), WEIR_UNREACHABLE);
    assert_non_null(strstr(f.err.message, "no-such-host.invalid"));
}

static void a_deadline_that_is_over_is_a_timeout_and_no_request(void **state)
{
    (void)state;
    static const struct story story = {"", OK_200 "\r\n", NULL, true, WEIR_OK, ""};
    struct webserver *web = webserver_start(NULL, tell, (void *)(uintptr_t)&story);
    struct fetch f;
    const struct http_request request = {
        .method = "GET", .url = url_of(web, "/"), .until = fetch_in(0)};
    assert_int_equal(fetch_send(&f, http, &request), WEIR_TIMEOUT);
    assert_int_equal(webserver_connections(web), 0);
    webserver_stop(web);
}

/* On a busy machine it may take several limits until one is spent on what is to be named. */
static void expect_timeout_words(struct fetch *f, const char *where, const char *words)
{
    bool named = false;
    for (weir_ms limit = 200; limit < 20000 && !named; limit *= 2) {
        const struct http_request request = {
            .method = "GET", .url = where, .until = fetch_in(limit)};
        assert_int_equal(fetch_send(f, http, &request), WEIR_TIMEOUT);
        named = strstr(f->err.message, words);
    }
    if (!named)
        fail_msg("'%s' instead of '%s'", f->err.message, words);
}

/* A listener whose queue is full: Linux drops what comes then. */
static void who_takes_no_connection_is_a_timeout_that_says_so(void **state)
{
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fds[4];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&in, len);
    }
    struct fetch f;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(in.sin_port));
    expect_timeout_words(&f, url, "not connected yet");
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    close(listener);
}

static void who_waits_for_a_connection_in_vain_is_told(void **state)
{
    (void)state;
    static const struct story silent = {"silent", "", NULL, false, WEIR_TIMEOUT, ""};
    struct webserver *web = webserver_start(NULL, tell, (void *)(uintptr_t)&silent);
    struct fetch held[8], late;
    for (size_t i = 0; i < COUNT(held); i++) {
        const struct http_request request = {
            .method = "GET", .url = url_of(web, "/"), .until = fetch_in(60000)};
        held[i] = (struct fetch)FETCH_INIT;
        assert_non_null(http_send(http, &request, fetch_done, &held[i], NULL));
    }
    assert_true(webserver_wait_requests(web, COUNT(held)));
    expect_timeout_words(&late, url_of(web, "/"), "all connections to it are in use");
    webserver_stop(web);
    for (size_t i = 0; i < COUNT(held); i++)
        fetch_wait(&held[i]);
}

/* The second request on a connection finds it dead. */
static void die_at_the_second(void *user, const struct webserver_request *request,
                              struct webserver_reply *reply)
{
    size_t *on_first = user;
    if (request->connection == 1 && ++*on_first == 2)
        reply->hang_up = true;
    else
        webserver_say(reply, "200 OK", "", "");
}

static weir_status second(const char *method, const char *type, size_t *requests)
{
    size_t on_first = 0;
    struct webserver *web = webserver_start(NULL, die_at_the_second, &on_first);
    struct fetch f;
    const struct http_request request = {.method = method,
                                         .url = url_of(web, "/"),
                                         .content_type = type,
                                         .body = {"grant", type ? 5 : 0}};
    assert_int_equal(fetch_send(&f, http, &request), WEIR_OK);
    weir_status status = fetch_send(&f, http, &request);
    *requests = webserver_requests(web);
    webserver_stop(web);
    return status;
}

static void a_post_that_may_have_arrived_is_not_repeated_in_silence(void **state)
{
    (void)state;
    size_t requests;
    static const char *const methods[] = {"POST", "PUT", "REPORT"};
    for (size_t i = 0; i < COUNT(methods); i++) {
        assert_int_equal(second(methods[i], "a/b", &requests), WEIR_UNREACHABLE);
        assert_int_equal(requests, 2);
    }
    assert_int_equal(second("POST", NULL, &requests), WEIR_UNREACHABLE);
    assert_int_equal(requests, 2);
    assert_int_equal(second("GET", NULL, &requests), WEIR_OK);
    assert_int_equal(requests, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_answer_is_an_error_that_says_why),
        cmocka_unit_test(a_body_without_a_length_ends_with_its_connection),
        cmocka_unit_test(a_redirect_is_an_answer_and_is_not_followed),
        cmocka_unit_test(who_is_not_there_is_unreachable),
        cmocka_unit_test(a_deadline_that_is_over_is_a_timeout_and_no_request),
        cmocka_unit_test(who_takes_no_connection_is_a_timeout_that_says_so),
        cmocka_unit_test(who_waits_for_a_connection_in_vain_is_told),
        cmocka_unit_test(a_post_that_may_have_arrived_is_not_repeated_in_silence),
    };
    return cmocka_run_group_tests(tests, open_client, close_client);
}
