/* Bodies that hold no secret: handed over without a copy, as large as they are, within a limit that
 * the error names. */
#include "lib/check.h"

#include "core/limits.h"
#include "core/mem.h"
#include "http/http_private.h"
#include "lib/webserver.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG ((size_t)9 * 1024 * 1024)

static char url[128];
static char big[BIG + 1];

static const char *url_of(const struct webserver *web, const char *path)
{
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", webserver_port(web), path);
    return url;
}

static void say(void *user, const struct webserver_request *request, struct webserver_reply *reply)
{
    (void)user;
    if (strstr(request->head, "/big"))
        webserver_say(reply, "200 OK", "", big);
    else if (strstr(request->head, "/endless"))
        buf_adds(&reply->text, "HTTP/1.1 200 OK\r\nContent-Length: 10485761\r\n\r\nx");
    else if (strstr(request->head, "/empty"))
        webserver_say(reply, "200 OK", "", "");
    else if (strstr(request->head, "/pieces"))
        buf_addf(&reply->text,
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n%.*s\r\n"
                 "3\r\nend\r\n0\r\n\r\n",
                 0x100000, big);
    else if (strstr(request->head, "/liar"))
        buf_adds(&reply->text, "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nshort");
    else
        webserver_say(reply, "200 OK", "", "[]");
    reply->hang_up = strstr(request->head, "/liar") != NULL;
}

struct taken {
    struct fetch f; /* first */
    char *text;
    size_t len;
};

static void take(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct taken *taken = user;
    if (answer)
        taken->text = http_take_body(answer, &taken->len);
    fetch_done(&taken->f, NULL, err);
}

static weir_status fetch_taken(struct taken *taken, struct http *http, const char *path)
{
    const struct http_request request = {.method = "GET",
                                         .url = path,
                                         .no_secret = true,
                                         .larger = "raise max_message",
                                         .until = fetch_in(10000)};
    *taken = (struct taken){.f = FETCH_INIT};
    assert_non_null(http_send(http, &request, take, taken, NULL));
    fetch_wait(&taken->f);
    return taken->f.err.status;
}

static struct http *open_client(unsigned connections)
{
    struct http *http =
        http_open(&(struct http_options){.proxy = WEIR_OMIT, .connections = connections}, NULL);
    assert_non_null(http);
    return http;
}

static void a_body_is_handed_over_whole(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t len;
        const char *end;
    } cases[] = {
        {"/", 2, "[]"}, {"/empty", 0, ""}, {"/big", BIG, "ab"}, {"/pieces", 0x100003, "end"}};
    struct webserver *web = webserver_start(NULL, say, NULL);
    struct http *http = open_client(0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct taken taken;
        assert_int_equal(fetch_taken(&taken, http, url_of(web, cases[i].path)), WEIR_OK);
        assert_int_equal(taken.len, cases[i].len);
        assert_int_equal(strlen(taken.text), cases[i].len);
        assert_string_equal(taken.text + taken.len - strlen(cases[i].end), cases[i].end);
        mem_free(taken.text);
    }
    http_close(http);
    webserver_stop(web);
}

static void one_that_is_too_large_is_refused_before_it_has_come(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, say, NULL);
    struct http *http = open_client(0);
    struct taken taken;
    assert_int_equal(fetch_taken(&taken, http, url_of(web, "/endless")), WEIR_PROTOCOL);
    assert_int_equal(taken.f.err.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
    assert_non_null(
        strstr(taken.f.err.message, "the answer is larger than 10485760 bytes: raise max_message"));
    assert_int_equal(fetch_taken(&taken, http, url_of(web, "/")), WEIR_OK);
    mem_free(taken.text);
    http_close(http);
    webserver_stop(web);
}

static void one_that_is_cut_is_no_answer(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, say, NULL);
    struct http *http = open_client(0);
    struct taken taken;
    assert_int_equal(fetch_taken(&taken, http, url_of(web, "/liar")), WEIR_UNREACHABLE);
    assert_null(taken.text);
    http_close(http);
    webserver_stop(web);
}

static void hold_or_say(void *user, const struct webserver_request *request,
                        struct webserver_reply *reply)
{
    (void)user;
    if (!strstr(request->head, "/hold"))
        webserver_say(reply, "200 OK", "", "[]");
}

static void two_connections_are_not_exceeded(void **state)
{
    (void)state;
    enum { MANY = 20 };
    static struct fetch fetches[MANY];
    struct webserver *web = webserver_start(NULL, say, NULL);
    struct http *http = open_client(2);
    for (size_t i = 0; i < MANY; i++) {
        const struct http_request request = {
            .method = "GET", .url = url_of(web, "/"), .until = fetch_in(20000)};
        fetches[i] = (struct fetch)FETCH_INIT;
        assert_non_null(http_send(http, &request, fetch_done, &fetches[i], NULL));
    }
    for (size_t i = 0; i < MANY; i++) {
        fetch_wait(&fetches[i]);
        assert_string_equal(fetches[i].body, "[]");
    }
    assert_in_range(webserver_connections(web), 1, 2);
    http_close(http);
    webserver_stop(web);
}

/* What an earlier request has told of itself is not taken for this one's. */
static void one_that_waits_for_the_connection_says_so(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, hold_or_say, NULL);
    struct http *http = open_client(1);
    struct fetch held = FETCH_INIT, late = FETCH_INIT;
    struct http_request request = {
        .method = "POST", .url = url_of(web, "/"), .content_type = "a/b", .body = {"x", 1}};
    for (int i = 0; i < 3; i++) /* two handles to use again, at least */
        assert_int_equal(fetch_send(&held, http, &request), WEIR_OK);
    held = (struct fetch)FETCH_INIT;
    request.url = url_of(web, "/hold");
    request.until = fetch_in(60000);
    assert_non_null(http_send(http, &request, fetch_done, &held, NULL));
    assert_true(webserver_wait_requests(web, 4));
    request.until = fetch_in(30);
    assert_non_null(http_send(http, &request, fetch_done, &late, NULL));
    fetch_wait(&late);
    assert_int_equal(late.err.status, WEIR_TIMEOUT);
    assert_non_null(strstr(late.err.message, "all connections to it are in use"));
    http_close(http);
    assert_int_equal(held.err.status, WEIR_STOPPED);
    webserver_stop(web);
}

struct options {
    struct http *http;
    int keepalive, idle, count, patience;
};

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void read_options(uv_handle_t *handle, void *user)
{
    struct options *o = user;
    uv_os_fd_t fd;
    if (handle->type != UV_POLL || uv_fileno(handle, &fd) != 0)
        return;
    o->keepalive = option(fd, SOL_SOCKET, SO_KEEPALIVE);
    o->idle = option(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    o->count = option(fd, IPPROTO_TCP, TCP_KEEPCNT);
    o->patience = option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
}

static void walk(void *user)
{
    struct options *o = user;
    uv_walk(loop_uv(http_loop(o->http)), read_options, o);
}

static void never(void *user, const struct webserver_request *request,
                  struct webserver_reply *reply)
{
    (void)user;
    (void)request;
    (void)reply;
}

static void a_peer_that_is_gone_is_noticed_while_an_answer_is_awaited(void **state)
{
    (void)state;
    struct fetch f = FETCH_INIT;
    struct webserver *web = webserver_start(NULL, never, NULL);
    struct http *http = open_client(0);
    const struct http_request request = {
        .method = "GET", .url = url_of(web, "/"), .until = fetch_in(20000)};
    assert_non_null(http_send(http, &request, fetch_done, &f, NULL));
    assert_true(webserver_wait_requests(web, 1));
    struct options o = {.http = http};
    loop_call(http_loop(http), walk, &o);
    assert_int_equal(o.keepalive, 1);
    assert_int_equal(o.idle, 20);
    assert_int_equal(o.count, 4);
    assert_int_equal(o.patience, 40000);
    http_close(http);
    assert_int_equal(f.err.status, WEIR_STOPPED);
    webserver_stop(web);
}

int main(void)
{
    memset(big, 'a', BIG);
    big[BIG - 1] = 'b';
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_handed_over_whole),
        cmocka_unit_test(one_that_is_too_large_is_refused_before_it_has_come),
        cmocka_unit_test(one_that_is_cut_is_no_answer),
        cmocka_unit_test(two_connections_are_not_exceeded),
        cmocka_unit_test(one_that_waits_for_the_connection_says_so),
        cmocka_unit_test(a_peer_that_is_gone_is_noticed_while_an_answer_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
