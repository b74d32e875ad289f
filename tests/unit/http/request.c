/* What is checked and copied of a request. */
#include "lib/check.h"

#include "http/http_private.h"
#include "lib/torture.h"

#include <stdlib.h>
#include <string.h>

static struct request *made(const struct http_request *from, const char *proxy)
{
    weir_error err = {0};
    struct request *r = request_new(from, proxy, &err);
    assert_string_equal(err.message, "");
    assert_non_null(r);
    return r;
}

static void an_url_is_put_together_from_what_was_read(void **state)
{
    (void)state;
    const struct {
        const char *text, *url, *shown, *peer;
    } cases[] = {
        {"http://h", "http://h:80/", "http://h:80/", "h:80"},
        {"HTTPS://Login.Example/a?q=1#frag", "https://login.example:443/a?q=1",
         "https://login.example:443/a", "login.example:443"},
        {"https://u:p@h:8443?x", "https://u:p@h:8443/?x", "https://h:8443/", "h:8443"},
        {"http://[::1]:81/t", "http://[::1]:81/t", "http://[::1]:81/t", "[::1]:81"},
        {"http://a@b@h/", "http://a@b@h:80/", "http://h:80/", "h:80"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct request *r =
            made(&(struct http_request){.method = "GET", .url = cases[i].text}, WEIR_OMIT);
        assert_string_equal(r->url, cases[i].url);
        assert_string_equal(r->shown, cases[i].shown);
        assert_string_equal(r->peer, cases[i].peer);
        request_free(r);
    }
}

static void what_cannot_be_asked_is_refused_and_nothing_secret_is_quoted(void **state)
{
    (void)state;
    static const char *const injected[] = {"X-A: b\r\nX-s3cret: c", NULL};
    static const char *const nameless[] = {"s3cret", NULL};
    static const char *const blank[] = {"X A: s3cret", NULL};
    const struct {
        struct http_request request;
        const char *words;
    } cases[] = {
        {{.method = "GET", .url = NULL}, "URL"},
        {{.method = "GET", .url = ""}, "URL"},
        {{.method = "GET", .url = "ftp://h/"}, "'ftp'"},
        {{.method = "GET", .url = "file:///etc/passwd"}, "host"},
        {{.method = "GET", .url = "http://u:s3cret@h:x/"}, "port"},
        {{.method = "GET", .url = "http://h/\r\nX: y"}, "URL"},
        {{.method = "GET", .url = "http://a%2eb/"}, "'a%2eb'"},
        {{.method = "GET", .url = "http://a\\b/"}, "host"},
        {{.method = "GE T", .url = "http://h/"}, "method"},
        {{.method = "", .url = "http://h/"}, "method"},
        {{.method = NULL, .url = "http://h/"}, "method"},
        {{.method = "GET", .url = "http://h/", .headers = injected}, "'X-A'"},
        {{.method = "GET", .url = "http://h/", .headers = nameless}, "Name: value"},
        {{.method = "GET", .url = "http://h/", .headers = blank}, "Name: value"},
        {{.method = "GET", .url = "http://h/", .content_type = "a\nb"}, "content type"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_null(request_new(&cases[i].request, WEIR_OMIT, &err));
        assert_int_equal(err.status, WEIR_INVALID);
        if (!strstr(err.message, cases[i].words) || strstr(err.message, "s3cret"))
            fail_msg("%zu: %s", i, err.message);
    }
}

static bool has(const struct request *r, const char *line)
{
    for (const struct curl_slist *node = r->header; node; node = node->next) {
        if (strcmp(node->data, line) == 0)
            return true;
    }
    return false;
}

static void headers_are_what_was_asked_for_and_nothing_made_up(void **state)
{
    (void)state;
    static const char *const lines[] = {"A: b", "Empty:", "Blank:  ", NULL};
    struct http_request from = {.method = "POST", .url = "http://h/", .headers = lines};
    struct request *r = made(&from, WEIR_OMIT);
    assert_true(has(r, "A: b") && has(r, "Empty;") && has(r, "Blank;"));
    assert_true(has(r, "Content-Type: ") && has(r, "Expect:"));
    assert_null(r->body);
    request_free(r);
    from.content_type = "a/b";
    from.body = (weir_bytes){"x\0y", 3};
    r = made(&from, WEIR_OMIT);
    assert_true(has(r, "Content-Type: a/b"));
    assert_int_equal(r->body_len, 3);
    assert_memory_equal(r->body, "x\0y", 3);
    request_free(r);
}

static void a_proxy_and_its_login_are_read_apart(void **state)
{
    (void)state;
    const struct http_request from = {.method = "GET", .url = "https://h/"};
    struct request *r = made(&from, "http://us%40er:p%3Aw:x@proxy.example:3128");
    assert_string_equal(r->proxy.host, "proxy.example");
    assert_int_equal(r->proxy.port, 3128);
    assert_string_equal(r->proxy_user, "us@er");
    assert_string_equal(r->proxy_password, "p:w:x");
    request_free(r);
    r = made(&from, "http://only@proxy.example");
    assert_string_equal(r->proxy_password, "");
    request_free(r);
}

static void the_environments_proxy_depends_on_the_host(void **state)
{
    (void)state;
    setenv("https_proxy", "http://proxy.example:1", 1);
    setenv("no_proxy", "direct.example", 1);
    struct request *r =
        made(&(struct http_request){.method = "GET", .url = "https://h.example/"}, NULL);
    assert_string_equal(r->proxy.host, "proxy.example");
    request_free(r);
    r = made(&(struct http_request){.method = "GET", .url = "https://direct.example/"}, NULL);
    assert_null(r->proxy.host);
    request_free(r);
    setenv("https_proxy", "ftp://proxy.example", 1);
    weir_error err = {0};
    assert_null(request_new(&(struct http_request){.method = "GET", .url = "https://h.example/"},
                            NULL, &err));
    assert_non_null(strstr(err.message, "https_proxy"));
    unsetenv("https_proxy");
    unsetenv("no_proxy");
}

static weir_status copy(void *user, weir_error *err)
{
    static const char *const lines[] = {"A: b", "C: d", NULL};
    const struct http_request from = {.method = "POST",
                                      .url = "https://u:p@h/t?q",
                                      .headers = lines,
                                      .content_type = "a/b",
                                      .body = {"xyz", 3}};
    (void)user;
    struct request *r = request_new(&from, "http://u:p@proxy.example:3128", err);
    request_free(r);
    return r ? WEIR_OK : err->status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(torture(copy, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_url_is_put_together_from_what_was_read),
        cmocka_unit_test(what_cannot_be_asked_is_refused_and_nothing_secret_is_quoted),
        cmocka_unit_test(headers_are_what_was_asked_for_and_nothing_made_up),
        cmocka_unit_test(a_proxy_and_its_login_are_read_apart),
        cmocka_unit_test(the_environments_proxy_depends_on_the_host),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
