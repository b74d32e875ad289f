/* weir's Bayeux client on a server of other makers, which is steered by its second port.
 * Usage: peer_bayeux PREFIX URL auto|long-polling|websocket CONTROL_PORT [FEATURE...]
 *
 * FEATURES of the server: "service" (echoes on /service/echo), "refuses" (subscriptions below
 * /forbidden), "read-only" (publications below /readonly), "disconnects" (unsolicited),
 * "lossy=PORT" (the URL is a proxy's that loses answers, and PORT steers it: only that is tried
 * then). Prints "ok NAME" or "FAIL NAME: why". */
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/bayeux.h>
#include <weir/json.h>

#include "steer.h"

#define SOON 20000

static const char *prefix;
static const char *url;
static weir_transport transport;
static int control;
static int failures;
static bool reported; /* the scenario that runs has failed already */

/* ---- outcomes ---------------------------------------------------------------------------- */

static void scenario(const char *name, void (*run)(const char *name))
{
    reported = false;
    run(name);
    if (!reported)
        printf("ok %s %s\n", prefix, name);
    (void)fflush(stdout);
}

__attribute__((format(printf, 3, 4))) static bool need(bool good, const char *name, const char *fmt,
                                                       ...)
{
    va_list args;
    if (good || reported)
        return good;
    reported = true;
    failures++;
    printf("FAIL %s %s: ", prefix, name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    return false;
}

/* ---- the server's side ------------------------------------------------------------------- */

static void publish(const char *channel, int from, int count, int pad)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/publish?channel=%s&from=%d&count=%d&pad=%d", channel, from,
                   count, pad);
    (void)steer(control, path);
}

static bool server_has(const char *name, const char *channel, long subscribers)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/subscribers?channel=%s", channel);
    return need(steer_until(control, path, subscribers), name, "the server has no subscription");
}

/* ---- ours -------------------------------------------------------------------------------- */

/* What was news, and how often. */
static struct {
    pthread_mutex_t lock;
    int count[WEIR_SESSION_LOGGED_IN + 1];
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void news(weir_session_news what, const char *channel, const weir_error *why, void *user)
{
    (void)channel, (void)why, (void)user;
    pthread_mutex_lock(&told.lock);
    told.count[what]++;
    pthread_mutex_unlock(&told.lock);
}

static int times(weir_session_news what)
{
    pthread_mutex_lock(&told.lock);
    int count = told.count[what];
    pthread_mutex_unlock(&told.lock);
    return count;
}

static weir_bayeux *opened(const char *name, const char *channel)
{
    weir_error err = {0};
    memset(told.count, 0, sizeof told.count);
    weir_bayeux *client =
        weir_bayeux_open(WEIR_BAYEUX(.url = url, .transport = transport, .on_news = news), &err);
    weir_status status = weir_bayeux_subscribe(client, channel, SOON, &err);
    if (need(status == WEIR_OK, name, "subscribing to %s: %s", channel, err.message))
        return client;
    weir_bayeux_close(client);
    return NULL;
}

/* The next event; an outage that is said is being mended. NULL: the scenario has failed. */
static weir_event *next(const char *name, weir_bayeux *client)
{
    weir_error err = {0};
    weir_event *event = NULL;
    for (int outages = 0; outages < 3; outages++) {
        weir_status status = weir_bayeux_next(client, &event, SOON, &err);
        if (status == WEIR_OK)
            return event;
        if (status == WEIR_NOTHING || !weir_error_retryable(&err))
            break;
    }
    (void)need(false, name, "no event: %s", err.message[0] ? err.message : "none came");
    return NULL;
}

/* Events `from` to `to`, each once and in order, and all on `channel`. */
static void expect(const char *name, weir_bayeux *client, const char *channel, int from, int to)
{
    for (int n = from; n <= to && !reported; n++) {
        weir_event *event = next(name, client);
        if (!event)
            return;
        long long got = weir_json_int(weir_event_json(event), "/n", -1);
        const char *on = weir_event_attr(event, "channel");
        (void)need(got == n, name, "%lld came where %d was due", got, n);
        (void)need(on && strcmp(on, channel) == 0, name, "it came on %s", on ? on : "no channel");
        weir_event_free(event);
    }
}

/* ---- scenarios --------------------------------------------------------------------------- */

static void ten_thousand(const char *name)
{
    weir_bayeux *client = opened(name, "/numbers/many");
    publish("/numbers/many", 1, 10000, 100);
    expect(name, client, "/numbers/many", 1, 10000);
    weir_bayeux_close(client);
}

static void wildcards(const char *name)
{
    weir_error err = {0};
    weir_bayeux *client = opened(name, "/wild/*");
    (void)need(weir_bayeux_subscribe(client, "/deep/**", SOON, &err) == WEIR_OK, name, "%s",
               err.message);
    publish("/wild/one/two", 90, 1, 0); /* not ours */
    publish("/wild/one", 1, 1, 0);
    expect(name, client, "/wild/one", 1, 1);
    publish("/deep/one/two/three", 2, 1, 0);
    expect(name, client, "/deep/one/two/three", 2, 2);
    weir_bayeux_close(client);
}

static void unsubscribes(const char *name)
{
    weir_error err = {0};
    weir_bayeux *client = opened(name, "/leave/one");
    (void)need(weir_bayeux_subscribe(client, "/leave/two", SOON, &err) == WEIR_OK, name, "%s",
               err.message);
    (void)need(weir_bayeux_unsubscribe(client, "/leave/one", SOON, &err) == WEIR_OK, name, "%s",
               err.message);
    publish("/leave/one", 90, 1, 0);
    publish("/leave/two", 1, 1, 0);
    expect(name, client, "/leave/two", 1, 1);
    weir_bayeux_close(client);
}

static void publishes(const char *name)
{
    weir_error err = {0};
    char *answer = NULL;
    weir_bayeux *client = opened(name, "/chat/room");
    weir_status status =
        weir_bayeux_publish(client, "/chat/room", "{\"n\": 1}", &answer, SOON, &err);
    (void)need(status == WEIR_OK, name, "%s", err.message);
    weir_json *reply = answer ? weir_json_parse(answer, strlen(answer), NULL) : NULL;
    (void)need(weir_json_bool(reply, "/successful", false), name, "the answer is %s",
               answer ? answer : "none");
    expect(name, client, "/chat/room", 1, 1);
    weir_json_free(reply);
    weir_free(answer);
    weir_bayeux_close(client);
}

static void services(const char *name)
{
    weir_error err = {0};
    weir_bayeux *client = opened(name, "/beside/the/service");
    (void)need(weir_bayeux_publish(client, "/service/echo", "{\"n\": 7}", NULL, SOON, &err) ==
                   WEIR_OK,
               name, "%s", err.message);
    expect(name, client, "/service/echo", 7, 7);
    weir_bayeux_close(client);
}

static void refuses(const char *name)
{
    weir_error err = {0};
    weir_bayeux *client = opened(name, "/beside/the/forbidden");
    weir_status status = weir_bayeux_subscribe(client, "/forbidden/fruit", SOON, &err);
    (void)need(status == WEIR_FORBIDDEN, name, "status %d, \"%s\"", (int)status, err.message);
    (void)need(strstr(err.message, "403") != NULL, name, "not the server's words: %s", err.message);
    publish("/beside/the/forbidden", 1, 1, 0);
    expect(name, client, "/beside/the/forbidden", 1, 1);
    weir_bayeux_close(client);
}

static void read_only(const char *name)
{
    weir_error err = {0};
    weir_bayeux *client = opened(name, "/beside/the/readonly");
    weir_status status = weir_bayeux_publish(client, "/readonly/board", "{}", NULL, SOON, &err);
    (void)need(status != WEIR_OK && strstr(err.message, "403"), name, "status %d, \"%s\"",
               (int)status, err.message);
    weir_bayeux_close(client);
}

static void big(const char *name)
{
    const int size = 5000000;
    weir_bayeux *client = opened(name, "/big/one");
    publish("/big/one", 1, 1, size);
    weir_event *event = client ? next(name, client) : NULL;
    if (event)
        (void)need(weir_event_data(event).len > (size_t)size, name, "only %zu bytes came",
                   weir_event_data(event).len);
    weir_event_free(event);
    publish("/big/one", 2, 1, 0);
    expect(name, client, "/big/one", 2, 2);
    weir_bayeux_close(client);
}

static void session_lost(const char *name, const char *channel, const char *blow)
{
    weir_bayeux *client = opened(name, channel);
    publish(channel, 1, 10, 0);
    expect(name, client, channel, 1, 10);
    for (int round = 2; round <= 4 && !reported; round++) {
        int before = times(WEIR_SESSION_OPENED);
        (void)steer(control, blow);
        for (int i = 0; i < 400 && times(WEIR_SESSION_OPENED) == before; i++)
            (void)poll(NULL, 0, 50);
        if (!need(times(WEIR_SESSION_OPENED) > before, name, "no new handshake") ||
            !server_has(name, channel, 1))
            break;
        publish(channel, round * 10 - 9, 10, 0);
        expect(name, client, channel, round * 10 - 9, round * 10);
    }
    weir_bayeux_close(client);
}

static void dropped(const char *name)
{
    session_lost(name, "/lost/dropped", "/drop");
}

static void disconnected(const char *name)
{
    session_lost(name, "/lost/disconnected", "/disconnect");
}

static void restarted(const char *name)
{
    weir_bayeux *client = opened(name, "/again/and/again");
    for (int round = 1; round <= 2 && !reported; round++) {
        publish("/again/and/again", round * 10 - 9, 10, 0);
        expect(name, client, "/again/and/again", round * 10 - 9, round * 10);
        (void)steer(control, "/down");
        (void)steer(control, "/up");
        (void)server_has(name, "/again/and/again", 1);
    }
    publish("/again/and/again", 21, 10, 0);
    expect(name, client, "/again/and/again", 21, 30);
    weir_bayeux_close(client);
}

/* ---- what is lost on the way ---------------------------------------------------------------- */

static int lossy;

static void lost_and_sent_again(const char *name)
{
    char path[32];
    weir_bayeux *client = opened(name, "/lossy/numbers");
    for (int round = 0; round < 10 && !reported; round++) {
        (void)snprintf(path, sizeof path, "/lose?n=%d", round % 2 + 1);
        long before = steer(lossy, "/lost");
        (void)steer(lossy, path);
        publish("/lossy/numbers", round * 20 + 1, 20, 0);
        expect(name, client, "/lossy/numbers", round * 20 + 1, round * 20 + 20);
        (void)need(steer(lossy, "/lost") > before, name, "nothing was lost on the way");
        (void)steer(lossy, "/lose?n=0");
    }
    weir_bayeux_close(client);
}

/* ---- main ---------------------------------------------------------------------------------- */

static bool has(char **features, const char *name)
{
    for (; *features; features++) {
        if (strncmp(*features, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

static weir_transport named(const char *name)
{
    if (strcmp(name, "websocket") == 0)
        return WEIR_TRANSPORT_WEBSOCKET;
    return strcmp(name, "auto") == 0 ? WEIR_TRANSPORT_AUTO : WEIR_TRANSPORT_LONG_POLLING;
}

static void all(char **features)
{
    scenario("10,000 numbered events, none lost, none twice, in order", ten_thousand);
    scenario("wildcards", wildcards);
    scenario("no more events after unsubscribing", unsubscribes);
    scenario("what is published comes back", publishes);
    if (has(features, "service"))
        scenario("a service channel answers", services);
    if (has(features, "refuses"))
        scenario("a refused subscription is FORBIDDEN, in the server's words", refuses);
    if (has(features, "read-only"))
        scenario("a refused publication, in the server's words", read_only);
    scenario("a message of 5 MB", big);
    scenario("a session that the server drops is made anew", dropped);
    if (has(features, "disconnects"))
        scenario("an unsolicited disconnect is followed by a handshake", disconnected);
    scenario("the server is started anew, twice", restarted);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 64;
    prefix = argv[1];
    url = argv[2];
    transport = named(argv[3]);
    control = (int)strtol(argv[4], NULL, 10);
    if (argc > 5 && strncmp(argv[5], "lossy=", 6) == 0) {
        lossy = (int)strtol(argv[5] + 6, NULL, 10);
        scenario("what is lost on the way comes again, acknowledged", lost_and_sent_again);
    } else {
        all(argv + 5);
    }
    return failures ? 1 : 0;
}
