/* Bayeux over a WebSocket: opening, speaking, and every way to end, against the sandbox's server
 * and one that says what the test wants. */
#include "lib/check.h"

#include "bayeux/websocket_private.h"
#include "core/mem.h"
#include "lib/faultproxy.h"
#include "lib/transported.h"
#include "lib/tunnel.h"
#include "sandbox/pki.h"
#include "websocket_lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO       "[{\"channel\":\"/meta/connect\"}]"
#define BYTES(text) (text), sizeof(text) - 1

static char url[160];

struct scene {
    struct wsserver *server;
    struct transported t;
};

static const char *url_of(const struct wsserver *server, const char *scheme)
{
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u/cometd", scheme, wsserver_port(server));
    return url;
}

static void begin_with(struct scene *s, const struct wsscript *script,
                       const struct transported_options *options)
{
    struct transported_options o = *options;
    s->server = wsserver_start(NULL);
    wsserver_script(s->server, script);
    o.websocket = true;
    o.url = o.url ? o.url : url_of(s->server, "http");
    transported_open(&s->t, &o);
}

static void begin(struct scene *s, const struct wsscript *script)
{
    begin_with(s, script, &(struct transported_options){0});
}

static void end(struct scene *s)
{
    transported_close(&s->t);
    wsserver_stop(s->server);
}

static void say(struct scene *s, unsigned exchange)
{
    assert_int_equal(transported_send(&s->t, exchange, HELLO, NULL), WEIR_OK);
}

static const struct transported_end *lost(struct scene *s, size_t n)
{
    const struct transported_end *over = transported_wait_ended(&s->t, n);
    assert_int_equal(over->exchange, 0);
    assert_true(over->why.status != WEIR_OK);
    return over;
}

static void must_say(const struct transported_end *over, const char *words)
{
    if (!strstr(over->why.message, words))
        fail_msg("'%s' does not say '%s'", over->why.message, words);
}

static void messages_go_and_come(void **state)
{
    (void)state;
    static const char *const schemes[] = {"http", "ws"};
    for (size_t i = 0; i < COUNT(schemes); i++) {
        struct scene s;
        s.server = wsserver_start(NULL);
        transported_open(&s.t, &(struct transported_options){.websocket = true,
                                                             .url = url_of(s.server, schemes[i])});
        say(&s, 1);
        transported_wait_batches(&s.t, 1);
        assert_string_equal(s.t.text, "[{\"channel\":\"/echo\",\"data\":" HELLO "}]");
        say(&s, 2);
        transported_wait_batches(&s.t, 2);
        wsserver_push(s.server,
                      "[{\"channel\":\"/a\",\"data\":1},{\"channel\":\"/a\",\"data\":2}]");
        transported_wait_batches(&s.t, 3);
        assert_int_equal(s.t.messages, 4);
        assert_int_equal(s.t.ended, 0);
        assert_int_equal(wsserver_stats(s.server).upgrades, 1);
        end(&s);
    }
}

static void what_is_sent_before_it_is_open_leaves_in_order(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct wsscript){0});
    assert_int_equal(transported_send(&s.t, 1, "[1]", NULL), WEIR_OK);
    for (unsigned i = 2; i < 10; i++)
        assert_int_equal(transported_send(&s.t, i, "[2]", NULL), WEIR_OK);
    assert_int_equal(transported_send(&s.t, 10, "[3]", NULL), WEIR_OK);
    transported_wait_batches(&s.t, 10);
    assert_string_equal(wsserver_stats(s.server).first, "[1]");
    assert_string_equal(wsserver_stats(s.server).last, "[3]");
    end(&s);
}

static void one_that_is_cancelled_before_it_is_open_does_not_leave(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct wsscript){.hold = true});
    say(&s, 1);
    assert_int_equal(transported_send(&s.t, 2, "[2]", NULL), WEIR_OK);
    assert_true(wsserver_wait_upgrades(s.server, 1));
    transported_cancel(&s.t, 2);
    transported_cancel(&s.t, 7);
    const struct waiting_list *waiting = &((struct websocket *)s.t.transport)->waiting;
    assert_int_equal(TAILQ_FIRST(waiting)->exchange, 1);
    assert_null(TAILQ_NEXT(TAILQ_FIRST(waiting), link));
    end(&s);
}

static void the_upgrade_carries_login_headers_and_cookies(void **state)
{
    (void)state;
    static const char *const headers[] = {"X-Mine: 1", NULL};
    struct scene s;
    char value[200];
    begin_with(
        &s, &(struct wsscript){.headers = "Set-Cookie: lb=node2; Path=/\r\n", .close_code = 1001},
        &(struct transported_options){.headers = headers});
    assert_int_equal(transported_send(&s.t, 1, HELLO, "Bearer t0k"), WEIR_OK);
    lost(&s, 1);
    wsserver_header(s.server, "authorization", value, sizeof value);
    assert_string_equal(value, "Bearer t0k");
    wsserver_header(s.server, "x-mine", value, sizeof value);
    assert_string_equal(value, "1");
    wsserver_header(s.server, "cookie", value, sizeof value);
    assert_string_equal(value, "");
    say(&s, 2); /* opens it again */
    lost(&s, 2);
    wsserver_header(s.server, "cookie", value, sizeof value);
    assert_string_equal(value, "lb=node2");
    wsserver_header(s.server, "authorization", value, sizeof value);
    assert_string_equal(value, "");
    assert_int_equal(transported_send(&s.t, 3, HELLO, "Bearer a\r\nX: y"), WEIR_INVALID);
    end(&s);
}

static void a_server_that_closes_says_why_and_the_next_message_opens_anew(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct wsscript){.close_code = 1012});
    say(&s, 1);
    const struct transported_end *over = lost(&s, 1);
    assert_int_equal(over->why.status, WEIR_UNREACHABLE);
    assert_true(over->left);
    must_say(over, "1012 restarting: as told");
    must_say(over, "/cometd");
    wsserver_script(s.server, &(struct wsscript){.cut = true});
    say(&s, 2);
    over = lost(&s, 2);
    assert_int_equal(over->why.status, WEIR_UNREACHABLE);
    assert_true(over->left);
    wsserver_script(s.server, &(struct wsscript){0});
    say(&s, 3);
    transported_wait_batches(&s.t, 1);
    assert_int_equal(wsserver_stats(s.server).upgrades, 3);
    end(&s);
}

static void a_goodbye_reaches_the_server(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct wsscript){0});
    say(&s, 1);
    transported_wait_batches(&s.t, 1);
    transported_close_only(&s.t);
    assert_true(wsserver_wait_gone(s.server, 1));
    assert_non_null(strstr(wsserver_stats(s.server).why, "1000 normal closure"));
    assert_int_equal(s.t.ended, 0);
    end(&s);
}

static void what_is_no_upgrade_is_told_and_nothing_has_left(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        weir_status status;
        int32_t code;
        const char *says;
    } cases[] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 8\r\n\r\nno token", WEIR_BAD_LOGIN, 401,
         "401 Unauthorized: no token"},
        {"HTTP/1.1 404 Not Found\r\n\r\nnothing here", WEIR_NOT_FOUND, 404, "nothing here"},
        {"HTTP/1.1 503 X\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", WEIR_UNREACHABLE, 503,
         "503"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", WEIR_UNSUPPORTED, 200, "no WebSocket"},
        {"HTTP/1.1 302 Found\r\nLocation: http://x/y\r\nContent-Length: 0\r\n\r\n", WEIR_REFUSED,
         302, "http://x/y"},
        {"", WEIR_UNREACHABLE, 0, "without a word"},
        {"HTTP/1.1 200 ", WEIR_UNREACHABLE, 0, "without a word"},
        {"SSH-2.0-OpenSSH\r\n", WEIR_PROTOCOL, 0, "does not speak HTTP"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene s;
        begin(&s, &(struct wsscript){.refuse = cases[i].answer});
        say(&s, 1);
        const struct transported_end *over = lost(&s, 1);
        must_say(over, cases[i].says);
        must_say(over, "opening a WebSocket to http://127.0.0.1:");
        assert_int_equal(over->why.status, cases[i].status);
        assert_int_equal(over->why.code, cases[i].code);
        assert_false(over->left);
        end(&s);
    }
}

static void a_connection_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    static const char *const nowhere[] = {"http://127.0.0.1:1/", "http://localhost:1/"};
    struct scene s;
    for (size_t i = 0; i < COUNT(nowhere); i++) {
        begin_with(&s, &(struct wsscript){0}, &(struct transported_options){.url = nowhere[i]});
        say(&s, 1);
        const struct transported_end *over = lost(&s, 1);
        assert_int_equal(over->why.status, WEIR_UNREACHABLE);
        assert_false(over->left);
        end(&s);
    }
    begin(&s, &(struct wsscript){.hold = true});
    assert_int_equal(transported_send_until(&s.t, 1, HELLO, 30), WEIR_OK);
    const struct transported_end *over = lost(&s, 1);
    assert_int_equal(over->why.status, WEIR_TIMEOUT);
    assert_false(over->left);
    end(&s);
}

static void what_a_server_must_not_say_ends_it(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        size_t len;
        weir_kind kind;
        const char *says;
    } cases[] = {
        {BYTES("\x82\x01x"), WEIR_KIND_UNKNOWN, "binary data"},
        {BYTES("\x81\x02\xc3("), WEIR_KIND_UNKNOWN, "no UTF-8"},
        {BYTES("\x81\x05hello"), WEIR_KIND_UNKNOWN, "no JSON"},
        {BYTES("\x81\x7e\x03\xe8x"), WEIR_KIND_MESSAGE_TOO_LARGE, "larger than 100 bytes: raise"},
        {BYTES("\x81\x82\0\0\0\0[]"), WEIR_KIND_UNKNOWN, "masked"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene s;
        begin_with(
            &s,
            &(struct wsscript){.raw_upgrade = true, .raw = cases[i].raw, .raw_len = cases[i].len},
            &(struct transported_options){.max_message = 100});
        say(&s, 1);
        const struct transported_end *over = lost(&s, 1);
        assert_int_equal(over->why.status, WEIR_PROTOCOL);
        assert_int_equal(over->why.kind, cases[i].kind);
        must_say(over, cases[i].says);
        assert_true(wsserver_wait_gone(s.server, 1)); /* and the connection is closed */
        end(&s);
    }
}

/* Between the two, something that fails. */
struct faulty {
    struct scene s;
    struct faultproxy *proxy;
};

static void begin_faulty(struct faulty *f)
{
    f->s.server = wsserver_start(NULL);
    f->proxy = faultproxy_start(wsserver_port(f->s.server));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/cometd", faultproxy_port(f->proxy));
    transported_open(&f->s.t, &(struct transported_options){.websocket = true, .url = url});
    say(&f->s, 1);
    transported_wait_batches(&f->s.t, 1);
}

static void hurry(void *user)
{
    struct websocket *ws = user;
    ws->quiet_after = 100;
    timer_set_in(&ws->timer, 0);
}

static void be_impatient(struct faulty *f)
{
    loop_call(f->s.t.loop, hurry, f->s.t.transport);
}

static void end_faulty(struct faulty *f)
{
    transported_close(&f->s.t);
    faultproxy_stop(f->proxy);
    wsserver_stop(f->s.server);
}

static void a_quiet_server_is_asked_whether_it_lives(void **state)
{
    (void)state;
    struct faulty f;
    begin_faulty(&f);
    struct faultproxy_stats before = faultproxy_stats(f.proxy);
    be_impatient(&f);
    assert_true(faultproxy_wait_bytes(f.proxy, before.to_server + before.to_client + 6));
    end_faulty(&f);

    begin_faulty(&f);
    faultproxy_freeze(f.proxy, true);
    be_impatient(&f);
    const struct transported_end *over = lost(&f.s, 1);
    assert_int_equal(over->why.status, WEIR_UNREACHABLE);
    must_say(over, "no sign of life for");
    faultproxy_freeze(f.proxy, false);
    end_faulty(&f);
}

static void a_broken_connection_is_noticed(void **state)
{
    (void)state;
    struct faulty f;
    begin_faulty(&f);
    faultproxy_cut(f.proxy);
    assert_int_equal(lost(&f.s, 1)->why.status, WEIR_UNREACHABLE);
    end_faulty(&f);

    begin_faulty(&f);
    faultproxy_half_close(f.proxy);
    must_say(lost(&f.s, 1), "without a word");
    end_faulty(&f);

    begin_faulty(&f);
    faultproxy_garble(f.proxy, 3);
    wsserver_push(f.s.server, "[]");
    assert_int_equal(lost(&f.s, 1)->why.status, WEIR_PROTOCOL);
    end_faulty(&f);
}

static void a_message_in_slow_pieces_is_one_message(void **state)
{
    (void)state;
    struct faulty f;
    begin_faulty(&f);
    faultproxy_throttle(f.proxy, 20000);
    char big[4000] = "[{\"channel\":\"/a\",\"data\":\"";
    memset(big + strlen(big), 'x', 3950 - strlen(big));
    memcpy(big + 3950, "\"}]", 4);
    wsserver_push(f.s.server, big);
    transported_wait_batches(&f.s.t, 2);
    assert_int_equal(f.s.t.text_len, strlen(big));
    end_faulty(&f);
}

static void it_may_be_closed_and_used_from_its_own_callbacks(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, &(struct wsscript){0});
    s.t.close_at_received = true;
    say(&s, 1);
    transported_wait_batches(&s.t, 1);
    transported_settle(&s.t);
    assert_int_equal(s.t.ended, 0);
    end(&s);

    begin(&s, &(struct wsscript){.close_code = 1011});
    s.t.close_at_end = true;
    say(&s, 1);
    lost(&s, 1);
    end(&s);

    begin(&s, &(struct wsscript){.close_code = 1011});
    s.t.cycle = true; /* it is opened once more, from within `lost` */
    say(&s, 1);
    lost(&s, 2);
    assert_int_equal(wsserver_stats(s.server).messages, 2);
    end(&s);

    begin(&s, &(struct wsscript){.hold = true});
    say(&s, 1);
    assert_true(wsserver_wait_upgrades(s.server, 1));
    transported_close_only(&s.t);
    transported_settle(&s.t);
    assert_int_equal(s.t.ended, 0);
    end(&s);
}

/* ---- TLS and proxies --------------------------------------------------------------------- */

static void over_tls_and_through_a_proxy(void **state)
{
    (void)state;
    char dir[] = "/tmp/weir-websocket-XXXXXX";
    char proxy[64];
    struct pki_cert cert;
    struct pki_paths files;
    const struct pki_request request = {.name = "s", .sans = "IP:127.0.0.1"};
    struct pki *pki = pki_new("weir tests", NULL);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_issue(pki, &request, &cert, NULL), WEIR_OK);
    assert_int_equal(pki_write(&cert, dir, "s", &files, NULL), WEIR_OK);
    struct tls *tls = tls_server(files.chain, files.key, NULL, NULL, NULL);
    struct wsserver *server = wsserver_start(tls);
    for (int through = 0; through < 2; through++) {
        struct tunnel *tunnel = through ? tunnel_start("HTTP/1.1 200 OK") : NULL;
        struct transported t;
        if (through)
            (void)snprintf(proxy, sizeof proxy, "http://u:p@127.0.0.1:%u", tunnel_port(tunnel));
        transported_open(
            &t, &(struct transported_options){.websocket = true,
                                              .url = url_of(server, "https"),
                                              .proxy = through ? proxy : NULL,
                                              .tls = WEIR_TLS(.root_certificates = pki_ca(pki))});
        assert_int_equal(transported_send(&t, 1, HELLO, "Bearer x"), WEIR_OK);
        transported_wait_batches(&t, 1);
        transported_close(&t);
        if (!through)
            continue;
        tunnel_join(tunnel);
        assert_non_null(strstr(tunnel_request(tunnel), "Proxy-Authorization: Basic dTpw"));
        tunnel_free(tunnel);
    }
    struct transported t; /* nobody has vouched for it */
    transported_open(
        &t, &(struct transported_options){.websocket = true, .url = url_of(server, "https")});
    assert_int_equal(transported_send(&t, 1, HELLO, "Bearer x"), WEIR_OK);
    assert_int_equal(transported_wait_ended(&t, 1)->why.status, WEIR_UNTRUSTED);
    transported_close(&t);
    wsserver_stop(server);
    tls_free(tls);
    unlink(files.chain);
    unlink(files.key);
    pki_paths_clear(&files);
    pki_cert_clear(&cert);
    pki_free(pki);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_and_come),
        cmocka_unit_test(what_is_sent_before_it_is_open_leaves_in_order),
        cmocka_unit_test(one_that_is_cancelled_before_it_is_open_does_not_leave),
        cmocka_unit_test(the_upgrade_carries_login_headers_and_cookies),
        cmocka_unit_test(a_server_that_closes_says_why_and_the_next_message_opens_anew),
        cmocka_unit_test(a_goodbye_reaches_the_server),
        cmocka_unit_test(what_is_no_upgrade_is_told_and_nothing_has_left),
        cmocka_unit_test(a_connection_that_cannot_be_made_is_told),
        cmocka_unit_test(what_a_server_must_not_say_ends_it),
        cmocka_unit_test(a_quiet_server_is_asked_whether_it_lives),
        cmocka_unit_test(a_broken_connection_is_noticed),
        cmocka_unit_test(a_message_in_slow_pieces_is_one_message),
        cmocka_unit_test(it_may_be_closed_and_used_from_its_own_callbacks),
        cmocka_unit_test(over_tls_and_through_a_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
