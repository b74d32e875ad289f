/* The upgrade: what is asked, and which answers are one. */
#include "lib/check.h"

#include "bayeux/websocket_upgrade.h"
#include "lib/vclock.h"

#include <stdio.h>
#include <string.h>

#define KEY    "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, 1.3 */
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define GOOD                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, "           \
    "Upgrade\r\n" ACCEPT

static void a_key_is_answered_as_the_rfc_says(void **state)
{
    (void)state;
    struct buf accept = BUF_INIT((size_t)64);
    char key[UPGRADE_KEY], other[UPGRADE_KEY];
    upgrade_accept(&accept, KEY);
    assert_string_equal(accept.data, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    buf_free(&accept);
    upgrade_key(clock_system(), key);
    upgrade_key(clock_system(), other);
    assert_int_equal(strlen(key), 24);
    assert_string_not_equal(key, other);
}

static void the_request_has_all_that_the_rfc_asks_for(void **state)
{
    (void)state;
    char mine[] = "X-Mine: 1";
    char *headers[] = {mine};
    struct url url;
    struct buf out = BUF_INIT((size_t)4096);
    assert_int_equal(url_parse(&url, "https://[::1]:8443/cometd?a=b", "the URL", NULL), WEIR_OK);
    const struct upgrade_request r = {.url = &url,
                                      .key = KEY,
                                      .headers = headers,
                                      .header_count = 1,
                                      .authorization = "Authorization: Bearer t",
                                      .cookies = "a=1; b=2"};
    upgrade_write(&out, &r);
    char wanted[1024];
    (void)snprintf(wanted, sizeof wanted,
                   "GET /cometd?a=b HTTP/1.1\r\nHost: [::1]:8443\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                   "Sec-WebSocket-Version: 13\r\nUser-Agent: weir/%s\r\nCookie: a=1; b=2\r\n"
                   "X-Mine: 1\r\nAuthorization: Bearer t\r\n\r\n",
                   weir_version());
    assert_string_equal(out.data, wanted);
    buf_free(&out);
    url_clear(&url);
    assert_int_equal(url_parse(&url, "http://h/", "the URL", NULL), WEIR_OK);
    url.port = url_port(&url, 80);
    const struct upgrade_request bare = {.url = &url, .key = KEY};
    out = (struct buf)BUF_INIT((size_t)4096);
    upgrade_write(&out, &bare);
    assert_non_null(strstr(out.data, "\r\nHost: h\r\n"));
    assert_null(strstr(out.data, "Cookie"));
    buf_free(&out);
    url_clear(&url);
}

/* Fed in pieces; what is left over goes to *rest. */
static weir_status read_all(const char *text, size_t piece, const char **rest, weir_error *err)
{
    struct vclock clock;
    struct upgrade u = {0};
    struct http_answer answer;
    size_t at = 0, len = strlen(text);
    enum upgrade_state state = UPGRADE_MORE;
    vclock_init(&clock);
    upgrade_begin(&u);
    while (at < len && state == UPGRADE_MORE) {
        size_t used = 0, more = len - at < piece ? len - at : piece;
        state = upgrade_read(&u, text + at, more, &used);
        assert_true(used <= more);
        at += used;
    }
    *rest = text + at;
    const struct upgrade_judge by = {KEY, "opening", &clock.clock};
    weir_status status = upgrade_judge(&u, &by, &answer, err);
    upgrade_clear(&u);
    return status;
}

static const size_t pieces[] = {1, 2, 3, 7, 100000};

static void what_follows_a_101_is_not_touched(void **state)
{
    (void)state;
    static const char *const good[] = {
        GOOD "\r\n\x81\x01x", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" GOOD "\r\n\x81\x01x"};
    for (size_t i = 0; i < COUNT(good) * COUNT(pieces); i++) {
        const char *rest;
        weir_error err = {0};
        assert_int_equal(read_all(good[i / COUNT(pieces)], pieces[i % COUNT(pieces)], &rest, &err),
                         WEIR_OK);
        assert_string_equal(rest, "\x81\x01x");
    }
}

static void every_other_answer_is_refused_and_explained(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        weir_status status;
        const char *says;
    } cases[] = {
        {"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", WEIR_PROTOCOL,
         "no upgrade to a WebSocket"},
        {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n" ACCEPT "\r\n", WEIR_PROTOCOL, "no upgrade"},
        {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n\r\n",
         WEIR_PROTOCOL, "does not fit our key"},
        {GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", WEIR_PROTOCOL, "not offered"},
        {GOOD "Sec-WebSocket-Protocol: chat\r\n\r\n", WEIR_PROTOCOL, "not offered"},
        {"HTTP/1.1 401 X\r\nContent-Length: 8\r\n\r\nno token", WEIR_BAD_LOGIN,
         "401 Unauthorized: no token"},
        {"HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthere\r\n0\r\n\r\n",
         WEIR_NOT_FOUND, "Not Found: there"},
        {"HTTP/1.1 404 X\r\nContent-Length: 100000\r\n\r\na long page", WEIR_NOT_FOUND,
         "Not Found: a long page"},
        {"HTTP/1.1 503 X\r\nRetry-After: 3\r\n\r\n", WEIR_UNREACHABLE, "503"},
        {"HTTP/1.1 302 X\r\nLocation: https://x/y?z\r\n\r\n", WEIR_REFUSED, "now at https://x/y:"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", WEIR_UNSUPPORTED,
         "200 OK instead of 101"},
        {"SSH-2.0-OpenSSH\r\n", WEIR_PROTOCOL, "does not speak HTTP"},
        {"HTTP/2 101 X\r\n\r\n", WEIR_PROTOCOL, "does not speak HTTP"},
        {"HTTP/1.1 1x1 X\r\n\r\n", WEIR_PROTOCOL, "does not speak HTTP"},
        {"HTTP/1.1 101", WEIR_PROTOCOL, "does not speak HTTP"},
    };
    for (size_t i = 0; i < COUNT(cases) * COUNT(pieces); i++) {
        const char *rest;
        weir_error err = {0};
        size_t n = i / COUNT(pieces);
        assert_int_equal(read_all(cases[n].text, pieces[i % COUNT(pieces)], &rest, &err),
                         cases[n].status);
        if (!strstr(err.message, cases[n].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[n].says);
        if (cases[n].status == WEIR_UNREACHABLE)
            assert_int_equal(err.retry_in_ms, 3000);
    }
}

static void an_endless_head_is_given_up(void **state)
{
    (void)state;
    struct upgrade u = {0};
    size_t used, fed = 0;
    static const char line[] = "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    upgrade_begin(&u);
    assert_int_equal(upgrade_read(&u, "HTTP/1.1 101 X\r\n", 16, &used), UPGRADE_MORE);
    while (upgrade_read(&u, line, sizeof line - 1, &used) == UPGRADE_MORE)
        fed += used;
    assert_in_range(fed, 1000, 100 * 1024);
    upgrade_clear(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_answered_as_the_rfc_says),
        cmocka_unit_test(the_request_has_all_that_the_rfc_asks_for),
        cmocka_unit_test(what_follows_a_101_is_not_touched),
        cmocka_unit_test(every_other_answer_is_refused_and_explained),
        cmocka_unit_test(an_endless_head_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
