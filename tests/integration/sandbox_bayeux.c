/* The plain CometD server on the wire: long polling and WebSocket, and one beside the other. */
#include "sandbox_visitor.h"

#include "core/mem.h"
#include "lib/webclient.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static struct visitor v;

static int setup(void **state)
{
    (void)state;
    struct sandbox_options options = {.only = "salesforce"};
    visitor_begin(&v, sandboxed_start(&options), "/bayeux");
    v.token[0] = '\0'; /* it wants none */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    visitor_end(&v);
    sandbox_stop(v.sandbox);
    return 0;
}

static void emit(const char *channel, const char *data)
{
    weir_error err = {0};
    struct sandbox_emission emission = {.service = "bayeux", .channel = channel, .data = data};
    if (sandbox_emit(v.sandbox, &emission, NULL, &err) != WEIR_OK)
        fail_msg("%s", err.message);
}

/* ---- a WebSocket, as little of it as will do ----------------------------------------------- */

static int dial(void)
{
    char request[300];
    int fd = web_connect(v.port);
    assert_true(fd >= 0);
    snprintf(request, sizeof request,
             "GET /bayeux HTTP/1.1\r\nHost: localhost:%u\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             (unsigned)v.port);
    web_send(fd, request);
    char *answer = web_read(fd, "\r\n\r\n");
    has(answer, "HTTP/1.1 101 ");
    has(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    mem_free(answer);
    return fd;
}

/* A text frame, masked with nothing but zeros. */
static void frame(int fd, const char *text)
{
    unsigned char head[8] = {0x81, 0x80 | 126};
    char body[2000];
    size_t len = 0;
    for (; *text && len + sizeof v.client < sizeof body; text++) {
        bool here = strncmp(text, "CLIENT", 6) == 0;
        if (here)
            len += (size_t)snprintf(body + len, sizeof body - len, "%s", v.client);
        else
            body[len++] = *text;
        text += here ? 5 : 0;
    }
    size_t extra = len < 126 ? 0 : 2; /* RFC 6455, 5.2: as short as can be */
    if (extra) {
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
    } else {
        head[1] = (unsigned char)(0x80 | len);
    }
    assert_int_equal(send(fd, head, 6 + extra, MSG_NOSIGNAL), 6 + extra);
    assert_int_equal(send(fd, body, len, MSG_NOSIGNAL), len);
}

/* So many bytes; false: it has been closed. */
static bool take(int fd, void *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&one, 1, DEADLINE_MS), 1);
        ssize_t some = recv(fd, (char *)out + got, len - got, 0);
        if (some <= 0)
            return false;
        got += (size_t)some;
    }
    return true;
}

/* The next text frame; "" when it is the end. */
static const char *next(int fd)
{
    static char text[70000];
    unsigned char head[2], more[2];
    if (!take(fd, head, 2) || head[0] != 0x81)
        return "";
    size_t len = head[1];
    if (len == 126) {
        assert_true(take(fd, more, 2));
        len = (size_t)more[0] << 8 | more[1];
    }
    assert_true(len < sizeof text);
    assert_true(take(fd, text, len));
    text[len] = '\0';
    return text;
}

static void shake_hands(int fd, const char *more)
{
    char text[300];
    snprintf(text, sizeof text,
             "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
             "\"supportedConnectionTypes\":[\"websocket\"]%s}]",
             more);
    frame(fd, text);
    const char *answer = next(fd);
    has(answer, "\"supportedConnectionTypes\":[\"websocket\",\"long-polling\"]");
    const char *id = strstr(answer, "\"clientId\":\"") + 12;
    snprintf(v.client, sizeof v.client, "%.*s", (int)strcspn(id, "\""), id);
}

#define WS_CONNECT                                                                                 \
    "[{\"channel\":\"/meta/connect\",\"clientId\":\"CLIENT\",\"connectionType\":\"websocket\"}]"

static void events_are_pushed_over_a_websocket(void **state)
{
    (void)state;
    int fd = dial();
    shake_hands(fd, "");
    frame(fd, WS_CONNECT);
    has(next(fd), "\"advice\":{\"interval\":0,\"timeout\":30000,\"reconnect\":\"retry\"}");
    frame(fd, WS_CONNECT); /* held */
    frame(fd, "[{\"channel\":\"/meta/subscribe\",\"clientId\":\"CLIENT\",\"subscription\":"
              "\"/a/**\"}]");
    has(next(fd), "\"successful\":true");
    emit("/a/b/c", "{\"n\":1}");
    assert_string_equal(next(fd), "[{\"channel\":\"/a/b/c\",\"data\":{\"n\":1}}]");
    frame(fd, "[{\"channel\":\"/a/x\",\"clientId\":\"CLIENT\",\"data\":2}]");
    has(next(fd), "\"data\":2");
    close(fd);
    sandboxed_wait_log(v.sandbox, "\"status\":\"gone\""); /* the connect */
    assert_int_equal(sandbox_count(v.sandbox, "bayeux.websocket"), 1);
}

static void what_is_not_acknowledged_comes_again_over_another_socket(void **state)
{
    (void)state;
    int fd = dial();
    shake_hands(fd, ",\"ext\":{\"ack\":true}");
    frame(fd, WS_CONNECT);
    has(next(fd), "\"ext\":{\"ack\":0}");
    frame(fd,
          "[{\"channel\":\"/meta/subscribe\",\"clientId\":\"CLIENT\",\"subscription\":\"/a\"}]");
    has(next(fd), "\"successful\":true");
    frame(fd, WS_CONNECT);
    emit("/a", "1");
    has(next(fd), "\"data\":1");
    close(fd);
    fd = dial();
    frame(fd, "[{\"channel\":\"/meta/connect\",\"clientId\":\"CLIENT\",\"connectionType\":"
              "\"websocket\",\"ext\":{\"ack\":0}}]");
    has(next(fd), "\"data\":1");
    close(fd);
}

static void long_polling_goes_on_where_a_websocket_ended(void **state)
{
    (void)state;
    int fd = dial();
    shake_hands(fd, "");
    frame(fd, WS_CONNECT);
    has(next(fd), "\"successful\":true");
    close(fd);
    has(visitor_subscribe(&v, "/a", ""), "\"successful\":true");
    emit("/a", "7");
    has(visitor_connect(&v), "\"data\":7");
}

static void a_websocket_fails_on_order(void **state)
{
    static const char *const hows[] = {"cut", "cut:body", "http:503"};
    (void)state;
    for (size_t i = 0; i < COUNT(hows); i++) {
        char line[80];
        int fd = dial();
        snprintf(line, sizeof line, "bayeux.handshake 1 %s", hows[i]);
        sandboxed_fault(v.sandbox, line);
        frame(fd, "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
                  "\"supportedConnectionTypes\":[\"websocket\"]}]");
        assert_string_equal(next(fd), "");
        close(fd);
    }
    int fd = dial();
    sandboxed_fault(v.sandbox, "bayeux.handshake 1 html");
    frame(fd, "[{\"channel\":\"/meta/handshake\"}]");
    has(next(fd), "<html>");
    frame(fd, "nonsense");
    assert_string_equal(next(fd), "");
    close(fd);
}

static void sockets_end_with_the_service(void **state)
{
    weir_error err = {0};
    (void)state;
    int fd = dial();
    shake_hands(fd, "");
    frame(fd, WS_CONNECT);
    has(next(fd), "\"successful\":true");
    frame(fd, WS_CONNECT);
    sandboxed_wait(v.sandbox, "bayeux.connect", 2);
    assert_int_equal(sandbox_service_stop(v.sandbox, "salesforce", &err), WEIR_OK);
    assert_string_equal(next(fd), "");
    close(fd);
}

static void long_polling_has_cookies_and_all(void **state)
{
    (void)state;
    visitor_handshake(&v);
    has(v.answer, "Set-Cookie: BAYEUX_BROWSER=");
    has(v.answer, "; Path=/; HttpOnly");
    has(v.answer, "\"advice\":{\"interval\":0,\"timeout\":30000,\"reconnect\":\"retry\"}");
    visitor_connect(&v);
    has(visitor_subscribe(&v, "/a/*", ""), "\"successful\":true");
    int fd = visitor_hold(&v);
    sandboxed_wait(v.sandbox, "bayeux.connect", 2);
    emit("/a/b", "\"text\"");
    char *answer = web_read(fd, "\"successful\":true}]");
    has(answer, "\"data\":\"text\"");
    mem_free(answer);
    close(fd);
    v.path = "/bayeux/handshake"; /* as CometD's clients do it */
    visitor_handshake(&v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_pushed_over_a_websocket),
        TEST(what_is_not_acknowledged_comes_again_over_another_socket),
        TEST(long_polling_goes_on_where_a_websocket_ended),
        TEST(a_websocket_fails_on_order),
        TEST(sockets_end_with_the_service),
        TEST(long_polling_has_cookies_and_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
