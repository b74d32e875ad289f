/* Cookies of one client: which are kept, which go where, and when they are gone. */
#include "lib/check.h"

#include "core/limits.h"
#include "http/http_private.h"
#include "lib/webserver.h"

#include <stdio.h>
#include <string.h>

static char url[128];

static const char *url_of(const struct webserver *web, const char *host, const char *path)
{
    (void)snprintf(url, sizeof url, "http://%s:%u%s", host, webserver_port(web), path);
    return url;
}

static struct http *open_client(bool cookies)
{
    struct http *http =
        http_open(&(struct http_options){.proxy = WEIR_OMIT, .cookies = cookies}, NULL);
    assert_non_null(http);
    return http;
}

/* Sets what the test wants, and says back which cookies it was sent. */
struct jar {
    const char *status, *headers;
};

static void say_cookies(void *user, const struct webserver_request *request,
                        struct webserver_reply *reply)
{
    const struct jar *jar = user;
    const char *sent = strstr(request->head, "\r\nCookie: ");
    char body[1024] = "";
    if (sent)
        (void)snprintf(body, sizeof body, "%.*s", (int)strcspn(sent + 10, "\r"), sent + 10);
    webserver_say(reply, jar->status, jar->headers, body);
}

struct scene {
    struct webserver *web;
    struct http *http;
    struct jar jar;
    struct fetch f;
};

static void begin(struct scene *s, bool cookies)
{
    *s = (struct scene){.jar = {"200 OK", ""}};
    s->web = webserver_start(NULL, say_cookies, &s->jar);
    s->http = open_client(cookies);
}

static void end(struct scene *s)
{
    http_close(s->http);
    webserver_stop(s->web);
}

/* An answer with these headers; what was sent is in s->f.body. */
static const char *ask(struct scene *s, const char *path, const char *status, const char *headers)
{
    s->jar = (struct jar){status, headers};
    assert_int_equal(fetch_get(&s->f, s->http, url_of(s->web, "127.0.0.1", path)), WEIR_OK);
    return s->f.body;
}

static void cookies_come_back_where_they_belong(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, true);
    assert_string_equal(ask(&s, "/cometd/64.0", "200 OK",
                            "Set-Cookie: BAYEUX_BROWSER=b1; Path=/cometd/; Secure\r\n"
                            "Set-Cookie: t=1; Path=/cometd/; HttpOnly\r\n"
                            "Set-Cookie: sfdc-stream=s1; path=/; SameSite=None; Secure\r\n"
                            "Set-Cookie: other=o; Domain=.example.com; Path=/\r\n"),
                        "");
    const char *sent = ask(&s, "/cometd/64.0", "200 OK", "");
    assert_non_null(strstr(sent, "BAYEUX_BROWSER=b1"));
    assert_non_null(strstr(sent, "t=1"));
    assert_non_null(strstr(sent, "sfdc-stream=s1"));
    assert_null(strstr(sent, "other"));
    assert_string_equal(ask(&s, "/services", "200 OK", ""), "sfdc-stream=s1");
    end(&s);
}

static void a_cookie_of_an_error_counts_and_replaces_the_old_one(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, true);
    ask(&s, "/", "200 OK", "Set-Cookie: sfdc-stream=old; Path=/\r\n");
    assert_string_equal(ask(&s, "/", "403 Forbidden", "Set-Cookie: sfdc-stream=new; Path=/\r\n"),
                        "sfdc-stream=old");
    assert_string_equal(ask(&s, "/", "302 Found", "Set-Cookie: a=b\r\nLocation: /x\r\n"),
                        "sfdc-stream=new");
    assert_non_null(strstr(ask(&s, "/", "200 OK", ""), "a=b"));
    end(&s);
}

static void what_has_expired_is_not_sent_any_more(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, true);
    ask(&s, "/", "200 OK",
        "Set-Cookie: gone=1; Expires=Thu, 01 Jan 1990 00:00:00 GMT\r\n"
        "Set-Cookie: stays=1; Max-Age=10000\r\nSet-Cookie: short=1; Max-Age=10000\r\n");
    assert_null(strstr(ask(&s, "/", "200 OK", "Set-Cookie: short=1; Max-Age=0\r\n"), "gone"));
    assert_string_equal(ask(&s, "/", "200 OK", ""), "stays=1");
    end(&s);
}

static void a_client_that_did_not_ask_for_them_keeps_none(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, false);
    ask(&s, "/", "200 OK", "Set-Cookie: a=b\r\n");
    assert_string_equal(ask(&s, "/", "200 OK", ""), "");
    end(&s);
}

static void they_outlive_kept_connections(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, true);
    s.http->idle_after = 20;
    ask(&s, "/", "200 OK", "Set-Cookie: a=b\r\n");
    assert_true(webserver_wait_open(s.web, 0));
    assert_string_equal(ask(&s, "/", "200 OK", ""), "a=b");
    end(&s);
}

struct look {
    struct http *http;
    const char *url, *set;
    char cookies[1024];
};

static void look_inside(void *user)
{
    struct look *look = user;
    struct url parts;
    struct buf out = BUF_INIT(sizeof look->cookies);
    assert_int_equal(url_parse(&parts, look->url, "the URL", NULL), WEIR_OK);
    if (look->set)
        http_set_cookie(look->http, &parts, look->set);
    http_cookies(look->http, &parts, &out);
    (void)snprintf(look->cookies, sizeof look->cookies, "%s", out.data ? out.data : "");
    buf_free(&out);
    url_clear(&parts);
}

static const char *cookies_for(struct look *look, struct scene *s, const char *set, const char *to)
{
    *look = (struct look){.http = s->http, .url = to, .set = set};
    loop_call(http_loop(s->http), look_inside, look);
    return look->cookies;
}

static void what_would_be_sent_can_be_read_and_added_to(void **state)
{
    (void)state;
    struct scene s;
    struct look look;
    begin(&s, true);
    ask(&s, "/cometd/", "200 OK",
        "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/cometd\r\n"
        "Set-Cookie: c=3; Path=/other\r\n");
    assert_string_equal(cookies_for(&look, &s, NULL, "http://127.0.0.1:1/cometd/x?y=/"),
                        "b=2; a=1");
    assert_string_equal(cookies_for(&look, &s, NULL, "http://127.0.0.1/cometdx"), "a=1");
    assert_string_equal(cookies_for(&look, &s, NULL, "http://127.0.0.2/cometd"), "");
    assert_string_equal(cookies_for(&look, &s, "w=9; HttpOnly", "http://127.0.0.1/cometd"),
                        "b=2; a=1; w=9");
    assert_string_equal(cookies_for(&look, &s, "w=; Max-Age=0", "http://127.0.0.1/cometd"),
                        "b=2; a=1");
    assert_string_equal(
        cookies_for(&look, &s, "x=1; Domain=evil.example; Path=/", "https://good.example/"), "x=1");
    assert_string_equal(cookies_for(&look, &s, NULL, "https://evil.example/"), "");
    assert_string_equal(cookies_for(&look, &s, "z=1; Secure", "https://good.example/"), "x=1; z=1");
    assert_string_equal(cookies_for(&look, &s, NULL, "http://good.example/"), "x=1");
    assert_non_null(strstr(ask(&s, "/cometd/", "200 OK", ""), "a=1"));
    end(&s);
}

static void a_server_cannot_make_them_grow_without_end(void **state)
{
    (void)state;
    struct scene s;
    struct look look;
    char headers[4096];
    begin(&s, true);
    for (int round = 0; round < 10; round++) {
        int len = 0;
        for (int i = 0; i < 30; i++)
            len += snprintf(headers + len, sizeof headers - (size_t)len, "Set-Cookie: n%d=%d\r\n",
                            round * 30 + i, i);
        ask(&s, "/", "200 OK", headers);
    }
    size_t count = 0;
    const char *sent = cookies_for(&look, &s, NULL, "http://127.0.0.1/");
    for (; *sent; sent++)
        count += *sent == '=';
    assert_in_range(count, 1, LIMIT_COOKIES / 2);
    assert_null(strstr(look.cookies, "n7=")); /* forgotten, and newer ones are kept */
    assert_non_null(strstr(look.cookies, "n2"));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_come_back_where_they_belong),
        cmocka_unit_test(a_cookie_of_an_error_counts_and_replaces_the_old_one),
        cmocka_unit_test(what_has_expired_is_not_sent_any_more),
        cmocka_unit_test(a_client_that_did_not_ask_for_them_keeps_none),
        cmocka_unit_test(they_outlive_kept_connections),
        cmocka_unit_test(what_would_be_sent_can_be_read_and_added_to),
        cmocka_unit_test(a_server_cannot_make_them_grow_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
