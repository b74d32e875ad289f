/* Requests as they go over the wire, and what comes back. */
#include "lib/check.h"

#include "lib/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char url[128];

static const char *url_of(const struct web *web, const char *path)
{
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", web_port(web), path);
    return url;
}

static struct http *open_client(void)
{
    weir_error err = {0};
    struct http *http = http_open(&(struct http_options){.proxy = WEIR_OMIT, .part = "auth"}, &err);
    assert_string_equal(err.message, "");
    return http;
}

/* Says back what it got: the request line and the head in X-Seen, the body. */
static void echo(void *user, const struct web_request *request, struct web_reply *reply)
{
    char headers[4096];
    char line[100] = "";
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(request->head, "\r"), request->head);
    (void)snprintf(headers, sizeof headers, "X-Seen: %s\r\nContent-Type: text/plain\r\n", line);
    if (user)
        (void)snprintf(user, 4096, "%s", request->head);
    web_say(reply, "200 OK", headers, request->body);
}

static void a_request_arrives_as_it_was_asked_for(void **state)
{
    (void)state;
    static char head[4096];
    static const char *const headers[] = {"Authorization: Bearer x", "X-Empty:", NULL};
    struct web *web = web_start(NULL, echo, head);
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
    assert_non_null(strstr(head, "\r\nAccept-Encoding: gzip\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strstr(head, "Expect"));
    http_close(http);
    web_stop(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_as_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
