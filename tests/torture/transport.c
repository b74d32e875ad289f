/* The n-th allocation fails, n = 1, 2, ... until none does, of a Bayeux transport and its server
 * together: every message ends in an answer or an error, and nothing is left behind. */
#include "lib/check.h"

#include "core/mem.h"
#include "integration/websocket_lib.h"
#include "lib/torture.h"
#include "lib/transported.h"
#include "lib/webserver.h"

#include <stdio.h>
#include <string.h>

#define REPLY "[{\"channel\":\"/echo\",\"data\":[{\"channel\":\"/a\"}]}]"

static char url[128];

static void say(void *user, const struct webserver_request *request, struct webserver_reply *reply)
{
    (void)user;
    (void)request;
    webserver_say(reply, "200 OK", "Set-Cookie: a=b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                  REPLY);
}

/* ---- making one -------------------------------------------------------------------------- */

static struct http *http;

static weir_status make_one(void *user, weir_error *err)
{
    static const struct transport_events events = {NULL, NULL, NULL};
    static const char *const headers[] = {"A: b", "C: d", NULL};
    const bool *websocket = user;
    const struct transport_options o = {.loop = http_loop(http),
                                        .http = http,
                                        .url = "https://user:pw@host.example/cometd?a=b",
                                        .headers = headers,
                                        .proxy = "http://u:p@127.0.0.1:3128",
                                        .name = "bayeux#1",
                                        .events = &events};
    struct transport *t =
        *websocket ? transport_websocket(&o, err) : transport_long_polling(&o, err);
    transport_close(t);
    return err->status;
}

static void any_allocation_of_making_one_may_fail(void **state)
{
    (void)state;
    http = http_open(&(struct http_options){.proxy = WEIR_OMIT, .cookies = true}, NULL);
    for (int websocket = 0; websocket < 2; websocket++) {
        bool which = websocket;
        assert_true(torture(make_one, &which) > 5);
    }
    http_close(http);
}

/* ---- a message and its answer ------------------------------------------------------------ */

static bool nth(bool websocket, long n)
{
    struct transported t;
    transported_open(&t, &(struct transported_options){.websocket = websocket, .url = url});
    mem_fail_at(n);
    weir_status status = transported_send_until(&t, 1, "[{\"channel\":\"/a\"}]", 300);
    if (status == WEIR_OK)
        transported_wait_either(&t);
    transported_close(&t);
    bool failed = mem_failed();
    mem_fail_at(0);
    if (status == WEIR_OK && t.batches == 0)
        assert_true(t.ended > 0 && t.ends[0].why.message[0]);
    if (t.batches > 0)
        assert_string_equal(t.text, REPLY);
    return failed;
}

static void any_allocation_of_a_post_may_fail(void **state)
{
    (void)state;
    long n = 1;
    for (bool failed = true; failed && n < 300; n++) {
        struct webserver *web = webserver_start(NULL, say, NULL);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", webserver_port(web));
        failed = nth(false, n);
        webserver_stop(web);
    }
    assert_in_range(n, 15, 299);
}

static void any_allocation_of_a_websocket_may_fail(void **state)
{
    (void)state;
    long n = 1;
    for (bool failed = true; failed && n < 300; n++) {
        struct wsserver *server = wsserver_start(NULL);
        (void)snprintf(url, sizeof url, "http://localhost:%u/", wsserver_port(server));
        failed = nth(true, n);
        wsserver_stop(server);
    }
    assert_in_range(n, 15, 299);
}

/* ---- nothing is left behind -------------------------------------------------------------- */

static void nothing(void *user)
{
    (void)user;
}

/* What was closed is freed at the end of the loop's pass: the second call comes after that. */
static void let_go(struct loop *loop)
{
    loop_call(loop, nothing, NULL);
    loop_call(loop, nothing, NULL);
}

static void what_was_used_is_given_back(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    struct webserver *web = webserver_start(NULL, say, NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", webserver_port(web));
    long left = 0;
    for (int i = 0; i < 3; i++) { /* the server's own are made the first time */
        mem_count(1);
        assert_false(nth(false, 0));
        assert_true(webserver_wait_open(web, 0));
        let_go(loop);
        left = mem_live();
        mem_count(0);
    }
    assert_true(left <= 0);
    webserver_stop(web);
    loop_release(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_of_making_one_may_fail),
        cmocka_unit_test(any_allocation_of_a_post_may_fail),
        cmocka_unit_test(any_allocation_of_a_websocket_may_fail),
        cmocka_unit_test(what_was_used_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
