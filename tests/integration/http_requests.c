/* Requests as they go over the wire, and what comes back. */
#include "lib/check.h"

#include "core/mem.h"
#include "http/http_private.h"
#include "lib/webserver.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/log.h>
#include <zlib.h>

static char url[128];

static const char *url_of(const struct webserver *web, const char *path)
{
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", webserver_port(web), path);
    return url;
}

static struct http *open_client(void)
{
    weir_error err = {0};
    struct http *http = http_open(&(struct http_options){.proxy = WEIR_OMIT, .part = "auth"}, &err);
    assert_string_equal(err.message, "");
    return http;
}

static atomic_int threads_seen; /* the most, while a request was answered */

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* Says back what it got: the request line and the head in X-Seen, the body. */
static void echo(void *user, const struct webserver_request *request, struct webserver_reply *reply)
{
    char headers[4096];
    char line[100] = "";
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(request->head, "\r"), request->head);
    (void)snprintf(headers, sizeof headers, "X-Seen: %s\r\nContent-Type: text/plain\r\n", line);
    int threads = count_threads();
    if (threads > atomic_load(&threads_seen))
        atomic_store(&threads_seen, threads);
    if (user)
        (void)snprintf(user, 4096, "%s", request->head);
    webserver_say(reply, "200 OK", headers, request->body);
}

static void a_request_arrives_as_it_was_asked_for(void **state)
{
    (void)state;
    static char head[4096];
    static const char *const headers[] = {"Authorization: Bearer x", "X-Empty:", NULL};
    struct webserver *web = webserver_start(NULL, echo, head);
    struct http *http = open_client();
    struct fetch f;
    const struct http_request post = {.method = "POST",
                                      .url = url_of(web, "/token?a=b"),
                                      .headers = headers,
                                      .content_type = "application/x-www-form-urlencoded",
                                      .body = {"grant=x", 7}};
    assert_int_equal(fetch_send(&f, http, &post), WEIR_OK);
    assert_int_equal(f.status, 200);
    assert_string_equal(f.body, "grant=x");
    assert_string_equal(f.seen, "POST /token?a=b HTTP/1.1");
    assert_string_equal(f.content_type, "text/plain");
    assert_int_equal(f.retry_after, -1);
    assert_non_null(strstr(head, "\r\nAuthorization: Bearer x\r\n"));
    assert_non_null(strstr(head, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(head, "\r\nUser-Agent: weir/"));
    assert_non_null(strstr(head, "\r\nAccept-Encoding: gzip, deflate\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strstr(head, "Expect"));
    http_close(http);
    webserver_stop(web);
}

static void every_method_frames_its_body_as_http_wants(void **state)
{
    (void)state;
    static char head[4096];
    const struct {
        const char *method;
        weir_bytes body;
        const char *type, *line, *length; /* NULL: there must be none */
    } cases[] = {
        {"GET", {NULL, 0}, NULL, "GET / HTTP/1.1", NULL},
        {"HEAD", {NULL, 0}, NULL, "HEAD / HTTP/1.1", NULL},
        {"DELETE", {NULL, 0}, NULL, "DELETE / HTTP/1.1", NULL},
        {"OPTIONS", {NULL, 0}, NULL, "OPTIONS / HTTP/1.1", NULL},
        {"POST", {NULL, 0}, NULL, "POST / HTTP/1.1", "\r\nContent-Length: 0\r\n"},
        {"POST", {"", 0}, "a/b", "POST / HTTP/1.1", "\r\nContent-Length: 0\r\n"},
        {"PUT", {"xy", 2}, "a/b", "PUT / HTTP/1.1", "\r\nContent-Length: 2\r\n"},
        {"PATCH", {"xyz", 3}, "a/b", "PATCH / HTTP/1.1", "\r\nContent-Length: 3\r\n"},
        {"DELETE", {"x", 1}, "a/b", "DELETE / HTTP/1.1", "\r\nContent-Length: 1\r\n"},
        {"REPORT", {"x", 1}, "a/b", "REPORT / HTTP/1.1", "\r\nContent-Length: 1\r\n"},
    };
    struct webserver *web = webserver_start(NULL, echo, head);
    struct http *http = open_client();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fetch f;
        const struct http_request request = {.method = cases[i].method,
                                             .url = url_of(web, ""),
                                             .content_type = cases[i].type,
                                             .body = cases[i].body};
        assert_int_equal(fetch_send(&f, http, &request), WEIR_OK);
        assert_string_equal(f.seen, cases[i].line);
        assert_int_equal(f.body_len, cases[i].body.len);
        const char *length = strstr(head, "\r\nContent-Length:");
        if (cases[i].length)
            assert_non_null(strstr(head, cases[i].length));
        else
            assert_null(length);
        assert_true(!strstr(head, "Content-Type") == !cases[i].type);
    }
    http_close(http);
    webserver_stop(web);
}

static void a_connection_is_kept_for_the_next_request(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, echo, NULL);
    struct http *http = open_client();
    struct fetch f;
    for (int i = 0; i < 5; i++)
        assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
    assert_int_equal(webserver_requests(web), 5);
    assert_int_equal(webserver_connections(web), 1);
    http_close(http);
    assert_true(webserver_wait_open(web, 0)); /* and closed with the client */
    webserver_stop(web);
}

static void kept_connections_are_closed_when_nothing_was_asked_for_a_while(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, echo, NULL);
    struct http *http = open_client();
    struct fetch f;
    http->idle_after = 20;
    for (size_t i = 1; i <= 2; i++) {
        assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
        assert_true(webserver_wait_open(web, 0));
        assert_int_equal(webserver_connections(web), i);
    }
    http_close(http);
    webserver_stop(web);
}

struct rumour {
    struct http *http;
    const char *text;
};

static void believe(void *user)
{
    const struct rumour *rumour = user;
    mem_free(rumour->http->known);
    rumour->http->known = mem_strdup(rumour->text);
    rumour->http->known_until_ns = INT64_MAX;
}

/* These names are nobody's: only what was resolved before can lead to the server. */
static void libcurl_resolves_no_names_itself(void **state)
{
    (void)state;
    static const char *const names[] = {"login.invalid", "login.invalid.", "a-b.c_d.invalid"};
    struct webserver *web = webserver_start(NULL, echo, NULL);
    for (size_t i = 0; i < COUNT(names); i++) {
        char known[64], named[64];
        struct http *http = open_client();
        struct fetch f;
        (void)snprintf(known, sizeof known, "%s:%u:127.0.0.1", names[i], webserver_port(web));
        (void)snprintf(named, sizeof named, "http://%s:%u/", names[i], webserver_port(web));
        struct rumour rumour = {http, known};
        loop_call(http_loop(http), believe, &rumour);
        if (fetch_get(&f, http, named) != WEIR_OK)
            fail_msg("%s", f.err.message);
        http_close(http);
    }
    webserver_stop(web);
}

#define MANY 200

static void many_requests_share_few_connections(void **state)
{
    (void)state;
    static struct fetch fetches[MANY];
    struct webserver *web = webserver_start(NULL, echo, NULL);
    struct http *http = open_client();
    for (size_t i = 0; i < MANY; i++) {
        char body[32];
        fetches[i] = (struct fetch)FETCH_INIT;
        (void)snprintf(body, sizeof body, "number %zu", i);
        const struct http_request request = {.method = "POST",
                                             .url = url_of(web, "/"),
                                             .content_type = "text/plain",
                                             .body = {body, strlen(body)},
                                             .until = fetch_in(20000)};
        assert_non_null(http_send(http, &request, fetch_done, &fetches[i], NULL));
    }
    for (size_t i = 0; i < MANY; i++) {
        char body[32];
        (void)snprintf(body, sizeof body, "number %zu", i);
        fetch_wait(&fetches[i]);
        assert_string_equal(fetches[i].err.message, "");
        assert_string_equal(fetches[i].body, body);
        assert_int_equal(fetches[i].dones, 1);
    }
    assert_in_range(webserver_connections(web), 1, 8);
    http_close(http);
    webserver_stop(web);
}

static void say_chunked(void *user, const struct webserver_request *request,
                        struct webserver_reply *reply)
{
    (void)user;
    (void)request;
    buf_adds(&reply->text, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\n"
                           "Transfer-Encoding: chunked\r\nRetry-After: 3\r\n\r\n"
                           "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n");
}

static void any_status_is_an_answer_and_chunks_are_put_together(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, say_chunked, NULL);
    struct http *http = open_client();
    struct fetch f;
    for (int i = 0; i < 2; i++) { /* the connection stays in step */
        assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
        assert_int_equal(f.status, 401);
        assert_string_equal(f.body, "hello world");
        assert_int_equal(f.headers, 2);
        assert_int_equal(f.retry_after, 3000);
    }
    assert_int_equal(webserver_connections(web), 1);
    http_close(http);
    webserver_stop(web);
}

static void zip(struct webserver_reply *reply, const void *data, size_t len)
{
    static uint8_t out[64 * 1024];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = sizeof out;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_addf(&reply->text,
             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
             z.total_out);
    buf_add(&reply->text, out, z.total_out);
    deflateEnd(&z);
}

static void say_zipped(void *user, const struct webserver_request *request,
                       struct webserver_reply *reply)
{
    static char much[16 * 1024 * 1024];
    (void)user;
    if (strstr(request->head, "/bomb"))
        zip(reply, much, sizeof much);
    else if (strstr(request->head, "/broken"))
        webserver_say(reply, "200 OK", "Content-Encoding: gzip\r\n", "this is no gzip");
    else
        zip(reply, "hello", 5);
}

static void gzip_is_unpacked_and_a_bomb_is_not(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, say_zipped, NULL);
    struct http *http = open_client();
    struct fetch f;
    assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
    assert_string_equal(f.body, "hello");
    assert_int_equal(fetch_get(&f, http, url_of(web, "/bomb")), WEIR_PROTOCOL);
    assert_non_null(strstr(f.err.message, "larger than 10485760 bytes"));
    assert_int_equal(fetch_get(&f, http, url_of(web, "/broken")), WEIR_PROTOCOL);
    http_close(http);
    webserver_stop(web);
}

static void a_name_of_this_machine_needs_no_thread(void **state)
{
    (void)state;
    char local[64];
    struct webserver *web = webserver_start(NULL, echo, NULL);
    int before = count_threads(); /* ours and the loop's */
    struct http *http = open_client();
    struct fetch f;
    atomic_store(&threads_seen, 0);
    (void)snprintf(local, sizeof local, "http://localhost:%u/", webserver_port(web));
    for (int i = 0; i < 3; i++)
        assert_int_equal(fetch_get(&f, http, local), WEIR_OK);
    assert_string_equal(f.seen, "GET / HTTP/1.1");
    assert_int_equal(atomic_load(&threads_seen), before);
    http_close(http);
    webserver_stop(web);
}

static void remember(const weir_log_record *record, void *user)
{
    struct buf *all = user;
    buf_addf(all, "%s|%s\n", record->part, record->message);
}

static void the_log_says_what_happened_and_nothing_secret(void **state)
{
    (void)state;
    static const char *const headers[] = {"Authorization: Bearer s3cret-token", NULL};
    struct buf all = BUF_INIT((size_t)64 * 1024);
    char secretly[128];
    struct webserver *web = webserver_start(NULL, echo, NULL);
    struct http *http = open_client();
    struct fetch f;
    weir_log_to(remember, &all, WEIR_LOG_TRACE);
    (void)snprintf(secretly, sizeof secretly, "http://user:s3cret@127.0.0.1:%u/t?code=s3cret",
                   webserver_port(web));
    const struct http_request request = {.method = "POST",
                                         .url = secretly,
                                         .headers = headers,
                                         .content_type = "a/b",
                                         .body = {"s3cret", 6}};
    assert_int_equal(fetch_send(&f, http, &request), WEIR_OK);
    (void)snprintf(secretly, sizeof secretly, "http://user:s3cret@127.0.0.1:1/t?code=s3cret");
    assert_int_equal(fetch_send(&f, http, &request), WEIR_UNREACHABLE);
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    assert_non_null(strstr(all.data, "auth|POST http://127.0.0.1:"));
    assert_non_null(strstr(all.data, "/t: 200 in "));
    assert_non_null(strstr(all.data, "/t: WEIR_UNREACHABLE after "));
    assert_null(strstr(all.data, "s3cret"));
    assert_null(strstr(f.err.message, "s3cret"));
    buf_free(&all);
    http_close(http);
    webserver_stop(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_as_it_was_asked_for),
        cmocka_unit_test(every_method_frames_its_body_as_http_wants),
        cmocka_unit_test(a_connection_is_kept_for_the_next_request),
        cmocka_unit_test(kept_connections_are_closed_when_nothing_was_asked_for_a_while),
        cmocka_unit_test(libcurl_resolves_no_names_itself),
        cmocka_unit_test(many_requests_share_few_connections),
        cmocka_unit_test(any_status_is_an_answer_and_chunks_are_put_together),
        cmocka_unit_test(gzip_is_unpacked_and_a_bomb_is_not),
        cmocka_unit_test(a_name_of_this_machine_needs_no_thread),
        cmocka_unit_test(the_log_says_what_happened_and_nothing_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
