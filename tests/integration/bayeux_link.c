/* Which way messages go, when the server or the way to it does not allow what was hoped for: a
 * server on a script. */
#include "bayeux_lib.h"
#include "lib/webserver.h"

#include <stdio.h>
#include <string.h>

struct script {
    struct webserver *web;
    const char *types;     /* supportedConnectionTypes */
    const char *handshake; /* another answer to it: a whole one; NULL: a good one */
    pthread_mutex_t lock;
    size_t handshakes, upgrades; /* @locked, as all below */
    bool connected;
    char offered[128]; /* by the last handshake */
};
static struct script k;

/* The members of one message, with its own id. */
static void answer(struct buf *out, const char *request, const char *members)
{
    const char *id = strstr(request, "\"id\":\"");
    char text[24] = "";
    if (id)
        (void)sscanf(id, "\"id\":\"%20[0-9]", text);
    buf_addf(out, "%s{\"successful\":true,\"id\":\"%s\",%s}", out->len ? "," : "[", text, members);
}

static void answer_handshake(struct buf *out, const char *request)
{
    char members[256];
    const char *offered = strstr(request, "\"supportedConnectionTypes\":[");
    pthread_mutex_lock(&k.lock);
    k.handshakes++;
    k.connected = false;
    if (offered)
        (void)snprintf(k.offered, sizeof k.offered, "%.*s", (int)strcspn(offered + 28, "]"),
                       offered + 28);
    pthread_mutex_unlock(&k.lock);
    (void)snprintf(members, sizeof members,
                   "\"channel\":\"/meta/handshake\",\"clientId\":\"c\",\"version\":\"1.0\","
                   "\"supportedConnectionTypes\":[%s],\"advice\":{\"reconnect\":\"retry\","
                   "\"interval\":0,\"timeout\":20000}",
                   k.types);
    answer(out, request, members);
}

/* Only the first connect is answered: the others are held for ever. */
static bool first_connect(void)
{
    pthread_mutex_lock(&k.lock);
    bool first = !k.connected;
    k.connected = true;
    pthread_mutex_unlock(&k.lock);
    return first;
}

static void serve(void *user, const struct webserver_request *request,
                  struct webserver_reply *reply)
{
    struct buf out = BUF_INIT((size_t)4096);
    (void)user;
    if (strncmp(request->head, "GET", 3) == 0) {
        pthread_mutex_lock(&k.lock);
        k.upgrades++;
        pthread_mutex_unlock(&k.lock);
        webserver_say(reply, "404 Not Found", "", "no WebSocket here");
        return;
    }
    if (strstr(request->body, "/meta/handshake") && k.handshake) {
        webserver_say(reply, k.handshake, "", "no");
        return;
    }
    if (strstr(request->body, "/meta/handshake"))
        answer_handshake(&out, request->body);
    if (strstr(request->body, "/meta/connect") && first_connect())
        answer(&out, request->body, "\"channel\":\"/meta/connect\"");
    if (strstr(request->body, "/meta/subscribe"))
        answer(&out, strstr(request->body, "/meta/subscribe"),
               "\"channel\":\"/meta/subscribe\",\"subscription\":\"/a\"");
    if (strstr(request->body, "/meta/disconnect"))
        answer(&out, request->body, "\"channel\":\"/meta/disconnect\"");
    buf_adds(&out, "]");
    if (out.len > 1)
        webserver_say(reply, "200 OK", "Content-Type: application/json\r\n", out.data);
    buf_free(&out);
}

static weir_bayeux *begin(weir_transport transport, const char *types, const char *handshake)
{
    char url[64];
    k = (struct script){.types = types, .handshake = handshake};
    pthread_mutex_init(&k.lock, NULL);
    k.web = webserver_start(NULL, serve, NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", webserver_port(k.web));
    return comet_open(WEIR_BAYEUX(.url = url, .transport = transport, .connection_timeout = 50));
}

static void end(weir_bayeux *b)
{
    weir_bayeux_close(b);
    webserver_stop(k.web);
    pthread_mutex_destroy(&k.lock);
}

static void a_websocket_that_cannot_be_opened_gives_way_to_long_polling(void **state)
{
    (void)state;
    weir_bayeux *b = begin(WEIR_TRANSPORT_AUTO, "\"websocket\",\"long-polling\"", NULL);
    comet_subscribe(b, "/a");
    pthread_mutex_lock(&k.lock);
    assert_int_equal(k.upgrades, 1);
    assert_int_equal(k.handshakes, 2);
    assert_string_equal(k.offered, "\"long-polling\"");
    pthread_mutex_unlock(&k.lock);
    end(b);
}

static void a_server_without_websockets_is_not_asked_for_one(void **state)
{
    (void)state;
    weir_bayeux *b = begin(WEIR_TRANSPORT_AUTO, "\"callback-polling\",\"long-polling\"", NULL);
    comet_subscribe(b, "/a");
    pthread_mutex_lock(&k.lock);
    assert_int_equal(k.upgrades, 0);
    assert_int_equal(k.handshakes, 1);
    assert_non_null(strstr(k.offered, "\"websocket\""));
    pthread_mutex_unlock(&k.lock);
    end(b);
}

static void a_server_that_refuses_long_polling_is_asked_on_a_websocket(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_bayeux *b = begin(WEIR_TRANSPORT_AUTO, "", "400 Unknown Bayeux Transport");
    weir_status status = weir_bayeux_subscribe(b, "/a", 2000, &err);
    assert_true(status != WEIR_OK); /* it has neither */
    pthread_mutex_lock(&k.lock);
    assert_true(k.upgrades >= 1);
    pthread_mutex_unlock(&k.lock);
    end(b);
}

static void what_was_asked_for_is_kept(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = begin(WEIR_TRANSPORT_WEBSOCKET, "\"long-polling\"", NULL);
    assert_true(weir_bayeux_subscribe(b, "/a", 500, &err) != WEIR_OK);
    assert_int_not_equal(weir_bayeux_next(b, &event, LONG_MS, &err), WEIR_OK);
    assert_non_null(strstr(err.message, "404"));
    pthread_mutex_lock(&k.lock);
    assert_int_equal(k.handshakes, 0);
    assert_true(k.upgrades >= 1);
    pthread_mutex_unlock(&k.lock);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_websocket_that_cannot_be_opened_gives_way_to_long_polling),
        cmocka_unit_test(a_server_without_websockets_is_not_asked_for_one),
        cmocka_unit_test(a_server_that_refuses_long_polling_is_asked_on_a_websocket),
        cmocka_unit_test(what_was_asked_for_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
