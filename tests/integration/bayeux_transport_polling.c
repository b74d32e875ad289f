/* Bayeux over long polling: what a POST is, what counts as an answer, and what every other end
 * means. */
#include "lib/check.h"

#include "lib/faultproxy.h"
#include "lib/transported.h"
#include "lib/webserver.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define REPLY "[{\"channel\":\"/meta/connect\",\"successful\":true,\"id\":\"1\"}]"
#define UNKNOWN                                                                                    \
    "[{\"channel\":\"/meta/connect\",\"successful\":false,\"error\":\"403::Unknown client\"}]"
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

#define SAYS(what, with, text)                                                                     \
    {                                                                                              \
        .status = (what), .headers = (with), .body = (text)                                        \
    }

static char url[160];

/* What the server says; it keeps what it was asked. */
struct script {
    const char *status, *headers, *body;
    bool cut, never, zipped;
    char head[4096], text[4096];
};

static void say_zipped(const struct script *s, struct webserver_reply *reply)
{
    uint8_t out[4096];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)s->body, .avail_in = (uInt)strlen(s->body)};
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

static void answer(void *user, const struct webserver_request *request,
                   struct webserver_reply *reply)
{
    struct script *s = user;
    (void)snprintf(s->head, sizeof s->head, "%s", request->head);
    (void)snprintf(s->text, sizeof s->text, "%s", request->body);
    if (s->never)
        return;
    if (s->zipped) {
        say_zipped(s, reply);
        return;
    }
    webserver_say(reply, s->status, s->headers, s->body);
    if (!s->cut)
        return;
    reply->text.len -= strlen(s->body) / 2;
    reply->hang_up = true;
}

struct scene {
    struct script script;
    struct webserver *web;
    struct transported t;
};

static void begin_with(struct scene *s, const struct script *script,
                       const struct transported_options *options)
{
    struct transported_options o = *options;
    s->script = *script;
    s->web = webserver_start(NULL, answer, &s->script);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/cometd/64.0", webserver_port(s->web));
    o.url = o.url ? o.url : url;
    transported_open(&s->t, &o);
}

static void begin(struct scene *s, const struct script *script)
{
    begin_with(s, script, &(struct transported_options){0});
}

static void end(struct scene *s)
{
    transported_close(&s->t);
    webserver_stop(s->web);
}

static void a_message_is_posted_as_it_is_and_its_answer_taken_apart(void **state)
{
    (void)state;
    static const char *const headers[] = {"X-Mine: 1", NULL};
    struct scene s;
    begin_with(&s, &(struct script)SAYS("200 OK", DATE, REPLY),
               &(struct transported_options){.headers = headers});
    assert_int_equal(transported_send(&s.t, 7, "[{\"channel\":\"/meta/connect\"}]", "OAuth t0k"),
                     WEIR_OK);
    const struct transported_end *over = transported_wait_ended(&s.t, 1);
    assert_int_equal(over->exchange, 7);
    assert_string_equal(over->why.message, "");
    assert_true(over->left);
    assert_int_equal(s.t.messages, 1);
    assert_string_equal(s.t.text, REPLY);
    assert_int_equal(s.t.date_s, 784111777);
    assert_string_equal(s.script.text, "[{\"channel\":\"/meta/connect\"}]");
    assert_int_equal(strncmp(s.script.head, "POST /cometd/64.0 HTTP/1.1\r\n", 28), 0);
    assert_non_null(strstr(s.script.head, "\r\nContent-Type: application/json;charset=UTF-8\r\n"));
    assert_non_null(strstr(s.script.head, "\r\nAuthorization: OAuth t0k\r\n"));
    assert_non_null(strstr(s.script.head, "\r\nX-Mine: 1\r\n"));
    assert_null(strstr(s.script.head, "Expect"));
    end(&s);
}

static void each_request_has_its_own_authorization(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct script)SAYS("200 OK", "", REPLY));
    assert_int_equal(transported_send(&s.t, 1, "[]", "Bearer one"), WEIR_OK);
    transported_wait_ended(&s.t, 1);
    assert_int_equal(transported_send(&s.t, 2, "[]", "Bearer two"), WEIR_OK);
    transported_wait_ended(&s.t, 2);
    assert_non_null(strstr(s.script.head, "\r\nAuthorization: Bearer two\r\n"));
    assert_int_equal(transported_send(&s.t, 3, "[]", NULL), WEIR_OK);
    transported_wait_ended(&s.t, 3);
    assert_null(strstr(s.script.head, "Authorization"));
    assert_int_equal(webserver_connections(s.web), 1);
    end(&s);
}

static void messages_of_an_error_are_received_and_its_cookie_kept(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct script)SAYS("403 Forbidden", "Set-Cookie: sfdc-stream=new; Path=/\r\n",
                                   UNKNOWN));
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    const struct transported_end *over = transported_wait_ended(&s.t, 1);
    assert_int_equal(s.t.messages, 1);
    assert_string_equal(s.t.text, UNKNOWN);
    assert_int_equal(over->why.status, WEIR_FORBIDDEN);
    assert_int_equal(over->why.code, 403);
    s.script.status = "200 OK";
    assert_int_equal(transported_send(&s.t, 2, "[]", NULL), WEIR_OK);
    transported_wait_ended(&s.t, 2);
    assert_non_null(strstr(s.script.head, "\r\nCookie: sfdc-stream=new\r\n"));
    end(&s);
}

static void a_packed_answer_is_unpacked(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct script){.body = REPLY, .zipped = true});
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    assert_int_equal(transported_wait_ended(&s.t, 1)->why.status, WEIR_OK);
    assert_string_equal(s.t.text, REPLY);
    end(&s);
}

static void every_other_answer_is_a_failure_that_says_what_it_is(void **state)
{
    (void)state;
    static const struct {
        struct script script;
        weir_status status;
        int32_t code, retry_in_ms; /* -2: any */
        weir_kind kind;
        const char *says;
    } cases[] = {
        {SAYS("401 Unauthorized", "", "[{\"errorCode\":\"INVALID_SESSION_ID\"}]"), WEIR_BAD_LOGIN,
         401, -2, WEIR_KIND_UNKNOWN, "INVALID_SESSION_ID"},
        {SAYS("403 Forbidden", "", "no access"), WEIR_FORBIDDEN, 403, -1, WEIR_KIND_UNKNOWN,
         "no access"},
        {SAYS("404 Not Found", "", ""), WEIR_NOT_FOUND, 404, -1, WEIR_KIND_UNKNOWN,
         "404 Not Found"},
        {SAYS("408 Request Timeout", "", ""), WEIR_TIMEOUT, 408, -2, WEIR_KIND_UNKNOWN, "408"},
        {SAYS("413 X", "", "Maximum Request Size Exceeded"), WEIR_REFUSED, 413, -2,
         WEIR_KIND_MESSAGE_TOO_LARGE, "Maximum Request Size"},
        {SAYS("429 X", "Retry-After: 9\r\n", ""), WEIR_BUSY, 429, 9000, WEIR_KIND_UNKNOWN, "429"},
        {SAYS("503 X", "Retry-After: 7\r\n", "<html>busy</html>"), WEIR_UNREACHABLE, 503, 7000,
         WEIR_KIND_UNKNOWN, "503 Service Unavailable"},
        {SAYS("500 X", "", ""), WEIR_REFUSED, 500, -2, WEIR_KIND_UNKNOWN, "500"},
        {SAYS("302 Found", "Location: https://other.example/cometd?sid=s3cret\r\n", ""),
         WEIR_REFUSED, 302, -2, WEIR_KIND_UNKNOWN,
         "it is now at https://other.example/cometd: use"},
        {SAYS("200 OK", "Content-Type: text/html\r\n", "<html><body>Maintenance</body></html>"),
         WEIR_PROTOCOL, 0, -2, WEIR_KIND_UNKNOWN, "HTML page"},
        {SAYS("200 OK", "", ""), WEIR_PROTOCOL, 0, -2, WEIR_KIND_UNKNOWN, "empty"},
        {SAYS("204 No Content", "", ""), WEIR_PROTOCOL, 0, -2, WEIR_KIND_UNKNOWN, "empty"},
        {SAYS("200 OK", "", "{\"a\":1}"), WEIR_PROTOCOL, 0, -2, WEIR_KIND_UNKNOWN, "no Bayeux"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene s;
        begin(&s, &cases[i].script);
        assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
        const struct transported_end *over = transported_wait_ended(&s.t, 1);
        assert_int_equal(over->why.status, cases[i].status);
        assert_int_equal(over->why.code, cases[i].code);
        assert_int_equal(over->why.kind, cases[i].kind);
        if (cases[i].retry_in_ms != -2)
            assert_int_equal(over->why.retry_in_ms, cases[i].retry_in_ms);
        if (!strstr(over->why.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", over->why.message, cases[i].says);
        assert_non_null(strstr(over->why.message, "/cometd/64.0"));
        assert_null(strstr(over->why.message, "s3cret"));
        assert_int_equal(s.t.batches, 0);
        end(&s);
    }
}

static void an_answer_that_is_cut_or_too_large_is_none(void **state)
{
    (void)state;
    struct scene s;
    begin_with(&s, &(struct script){.status = "200 OK", .headers = "", .body = REPLY, .cut = true},
               &(struct transported_options){.max_message = 100});
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    const struct transported_end *over = transported_wait_ended(&s.t, 1);
    assert_int_equal(over->why.status, WEIR_UNREACHABLE);
    assert_true(over->left);
    s.script = (struct script){.status = "200 OK", .headers = "", .body = UNKNOWN UNKNOWN};
    assert_int_equal(transported_send(&s.t, 2, "[]", NULL), WEIR_OK);
    over = transported_wait_ended(&s.t, 2);
    assert_int_equal(over->why.status, WEIR_PROTOCOL);
    assert_int_equal(over->why.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
    assert_non_null(strstr(over->why.message, "larger than 100 bytes: raise max_message"));
    assert_int_equal(s.t.batches, 0);
    end(&s);
}

static void a_limit_ends_a_held_request_and_a_cancelled_one_says_nothing(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct script){.never = true});
    assert_int_equal(transported_send_until(&s.t, 1, "[]", 30), WEIR_OK);
    const struct transported_end *over = transported_wait_ended(&s.t, 1);
    assert_int_equal(over->why.status, WEIR_TIMEOUT);
    assert_int_equal(transported_send(&s.t, 2, "[]", NULL), WEIR_OK);
    transported_cancel(&s.t, 2);
    transported_cancel(&s.t, 2);
    assert_int_equal(transported_send_until(&s.t, 3, "[]", 30), WEIR_OK);
    assert_int_equal(transported_wait_ended(&s.t, 2)->exchange, 3);
    assert_int_equal(s.t.ended, 2);
    end(&s);
}

static void what_has_not_left_is_told_from_what_may_have_arrived(void **state)
{
    (void)state;
    struct scene s;
    struct transported_options refused = {.url = "http://127.0.0.1:1/cometd"};
    begin_with(&s, &(struct script){.never = true}, &refused);
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    const struct transported_end *over = transported_wait_ended(&s.t, 1);
    assert_int_equal(over->why.status, WEIR_UNREACHABLE);
    assert_false(over->left);
    end(&s);

    begin(&s, &(struct script){.never = true});
    struct faultproxy *proxy = faultproxy_start(webserver_port(s.web));
    struct transported t;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/cometd", faultproxy_port(proxy));
    transported_open(&t, &(struct transported_options){.url = url});
    assert_int_equal(transported_send(&t, 1, "[]", NULL), WEIR_OK);
    assert_true(webserver_wait_requests(s.web, 1));
    faultproxy_cut(proxy);
    over = transported_wait_ended(&t, 1);
    assert_int_equal(over->why.status, WEIR_UNREACHABLE);
    assert_true(over->left);
    transported_close(&t);
    faultproxy_stop(proxy);
    end(&s);
}

static void it_may_be_closed_and_used_from_its_own_callbacks(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct script)SAYS("200 OK", "", REPLY));
    s.t.cycle = true;
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    assert_int_equal(transported_wait_ended(&s.t, 2)->exchange, 99);
    s.t.close_at_received = true;
    assert_int_equal(transported_send(&s.t, 2, "[]", NULL), WEIR_OK);
    transported_wait_batches(&s.t, 3);
    transported_settle(&s.t);
    assert_int_equal(s.t.ended, 2); /* no callback after it was closed */
    end(&s);

    begin(&s, &(struct script)SAYS("200 OK", "", REPLY));
    s.t.close_at_end = true;
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    transported_wait_ended(&s.t, 1);
    end(&s);

    begin(&s, &(struct script){.never = true});
    assert_int_equal(transported_send(&s.t, 1, "[]", NULL), WEIR_OK);
    assert_true(webserver_wait_requests(s.web, 1));
    transported_close_only(&s.t);
    transported_settle(&s.t);
    assert_int_equal(s.t.ended, 0);
    end(&s);
}

static void urls_and_headers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"ftp://h/", "h", "http://", ""};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct transported t;
        weir_error err = {0};
        assert_int_equal(
            transported_try_open(&t, &(struct transported_options){.url = bad[i]}, &err),
            WEIR_INVALID);
        assert_true(err.message[0]);
        transported_close(&t);
    }
    struct transported t;
    transported_open(&t, &(struct transported_options){.url = "http://127.0.0.1:1/"});
    assert_int_equal(transported_send(&t, 1, "[]", "Bearer a\r\nX: y"), WEIR_INVALID);
    transported_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_posted_as_it_is_and_its_answer_taken_apart),
        cmocka_unit_test(each_request_has_its_own_authorization),
        cmocka_unit_test(messages_of_an_error_are_received_and_its_cookie_kept),
        cmocka_unit_test(a_packed_answer_is_unpacked),
        cmocka_unit_test(every_other_answer_is_a_failure_that_says_what_it_is),
        cmocka_unit_test(an_answer_that_is_cut_or_too_large_is_none),
        cmocka_unit_test(a_limit_ends_a_held_request_and_a_cancelled_one_says_nothing),
        cmocka_unit_test(what_has_not_left_is_told_from_what_may_have_arrived),
        cmocka_unit_test(it_may_be_closed_and_used_from_its_own_callbacks),
        cmocka_unit_test(urls_and_headers_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
