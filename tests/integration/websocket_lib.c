#include "websocket_lib.h"

#include "bayeux/websocket_upgrade.h"
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

struct guest {
    TAILQ_ENTRY(guest) link;
    struct wsserver *server;
    struct websocket_end *end;
    struct stream *raw;
};

TAILQ_HEAD(guest_list, guest);

struct wsserver {
    struct loop *loop;
    struct web *web;
    struct tls *tls;
    uint16_t port;
    struct guest_list guests;
    struct wsscript script;
    char head[8192]; /* "name: value\n"... */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct wsserver_stats stats; /* @locked */
};

static void count(struct wsserver *s, size_t *what, int by)
{
    pthread_mutex_lock(&s->lock);
    *what += (size_t)by;
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
}

static void drop(struct guest *g)
{
    struct wsserver *s = g->server;
    TAILQ_REMOVE(&s->guests, g, link);
    free(g);
    count(s, &s->stats.open, -1);
}

static void on_gone(void *user, const weir_error *why)
{
    struct guest *g = user;
    struct wsserver *s = g->server;
    pthread_mutex_lock(&s->lock);
    (void)snprintf(s->stats.why, sizeof s->stats.why, "%s", why->message);
    pthread_mutex_unlock(&s->lock);
    drop(g);
    count(s, &s->stats.gone, 1);
}

static void note(struct wsserver *s, const char *text)
{
    pthread_mutex_lock(&s->lock);
    if (s->stats.messages == 0)
        (void)snprintf(s->stats.first, sizeof s->stats.first, "%s", text);
    (void)snprintf(s->stats.last, sizeof s->stats.last, "%s", text);
    pthread_mutex_unlock(&s->lock);
    count(s, &s->stats.messages, 1);
}

static void on_message(void *user, const char *text, size_t len)
{
    struct guest *g = user;
    struct wsserver *s = g->server;
    struct buf reply = BUF_INIT((size_t)4 * 1024 * 1024);
    note(s, text);
    if (s->script.close_code || s->script.cut) {
        struct websocket_end *end = g->end;
        if (s->script.cut)
            websocket_end_cut(end);
        else
            websocket_end_close(end, s->script.close_code, "as told");
        drop(g);
        count(s, &s->stats.gone, 1);
        return;
    }
    buf_adds(&reply, "[{\"channel\":\"/echo\",\"data\":");
    buf_add(&reply, text, len);
    buf_adds(&reply, "}]");
    if (!s->script.mute)
        websocket_end_send(g->end, reply.data, reply.len);
    buf_free(&reply);
}

/* ---- by hand ---- */

static void on_raw_open(void *user)
{
    (void)user;
}

static void on_raw_data(void *user, const uint8_t *data, size_t len)
{
    (void)user;
    (void)data;
    (void)len;
}

static void on_raw_end(void *user, const weir_error *why)
{
    struct guest *g = user;
    (void)why;
    stream_close(g->raw);
    struct wsserver *s = g->server;
    drop(g);
    count(s, &s->stats.gone, 1);
}

static void upgrade_by_hand(struct guest *g, struct web_request *request)
{
    static const struct stream_events events = {on_raw_open, on_raw_data, NULL, on_raw_end};
    struct wsserver *s = g->server;
    struct buf out = BUF_INIT((size_t)16 * 1024 * 1024), early;
    buf_adds(&out, "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: ");
    upgrade_accept(&out, web_head_find(web_request_head(request), "sec-websocket-key"));
    buf_adds(&out, "\r\n\r\n");
    buf_add(&out, s->script.raw, s->script.raw_len);
    g->raw = web_take(request, &early);
    stream_attach(g->raw, &events, g);
    stream_write(g->raw, out.data, out.len);
    buf_free(&out);
    buf_free(&early);
}

static void refuse(struct wsserver *s, struct web_request *request)
{
    struct buf early;
    struct stream *stream = web_take(request, &early);
    stream_write(stream, s->script.refuse, strlen(s->script.refuse));
    buf_free(&early);
    struct guest *g = calloc(1, sizeof *g);
    static const struct stream_events events = {on_raw_open, on_raw_data, NULL, on_raw_end};
    *g = (struct guest){.server = s, .raw = stream};
    TAILQ_INSERT_TAIL(&s->guests, g, link);
    count(s, &s->stats.open, 1);
    stream_attach(stream, &events, g);
    stream_shutdown(stream);
}

/* ---- the server ---- */

static void keep_head(struct wsserver *s, const struct web_head *head)
{
    size_t len = 0;
    s->head[0] = '\0';
    for (size_t i = 0; i < head->header_count; i++)
        len += (size_t)snprintf(s->head + len, sizeof s->head - len, "%s: %s\n",
                                head->headers[i].name, head->headers[i].value);
}

static void on_request(void *user, struct web_request *request)
{
    static const struct websocket_events events = {on_message, on_gone};
    struct wsserver *s = user;
    assert_true(websocket_wanted(request));
    keep_head(s, web_request_head(request));
    if (s->script.hold) {
        count(s, &s->stats.upgrades, 1);
        return;
    }
    if (s->script.refuse) {
        refuse(s, request);
        count(s, &s->stats.upgrades, 1);
        return;
    }
    struct guest *g = calloc(1, sizeof *g);
    g->server = s;
    if (s->script.raw_upgrade)
        upgrade_by_hand(g, request);
    else
        g->end = websocket_accept(request, s->loop, s->script.headers, &events, g);
    if (!g->end && !g->raw) { /* no memory */
        free(g);
        return;
    }
    TAILQ_INSERT_TAIL(&s->guests, g, link);
    count(s, &s->stats.open, 1);
    count(s, &s->stats.upgrades, 1);
}

static void on_left(void *user, struct web_request *request)
{
    (void)user;
    (void)request;
}

static void open_now(void *user)
{
    static const struct web_events events = {on_request, on_left};
    struct wsserver *s = user;
    const struct web_options options = {
        .loop = s->loop, .tls = s->tls, .events = &events, .user = s};
    s->web = web_open(&options, NULL);
}

static void close_now(void *user)
{
    struct wsserver *s = user;
    struct guest *g;
    while ((g = TAILQ_FIRST(&s->guests)) != NULL) {
        if (g->end)
            websocket_end_cut(g->end);
        else
            stream_close(g->raw);
        drop(g);
    }
    web_close(s->web);
}

struct wsserver *wsserver_start(struct tls *tls)
{
    struct wsserver *s = calloc(1, sizeof *s);
    *s = (struct wsserver){
        .tls = tls, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    TAILQ_INIT(&s->guests);
    s->loop = loop_acquire(NULL);
    loop_call(s->loop, open_now, s);
    assert_non_null(s->web);
    s->port = web_port(s->web);
    return s;
}

void wsserver_stop(struct wsserver *s)
{
    loop_call(s->loop, close_now, s);
    loop_release(s->loop);
    free(s);
}

uint16_t wsserver_port(const struct wsserver *s)
{
    return s->port;
}

struct order {
    struct wsserver *s;
    const void *what;
    char *out;
    size_t size;
};

static void set_script(void *user)
{
    const struct order *order = user;
    order->s->script = *(const struct wsscript *)order->what;
}

void wsserver_script(struct wsserver *s, const struct wsscript *script)
{
    struct order order = {.s = s, .what = script};
    loop_call(s->loop, set_script, &order);
}

static void find_header(void *user)
{
    const struct order *order = user;
    char name[80];
    (void)snprintf(name, sizeof name, "%s: ", (const char *)order->what);
    const char *found = strstr(order->s->head, name);
    int len = found ? (int)strcspn(found + strlen(name), "\n") : 0;
    (void)snprintf(order->out, order->size, "%.*s", len, found ? found + strlen(name) : "");
}

void wsserver_header(struct wsserver *s, const char *name, char *out, size_t size)
{
    struct order order = {s, name, out, size};
    loop_call(s->loop, find_header, &order);
}

static void push(void *user)
{
    const struct order *order = user;
    struct guest *g;
    TAILQ_FOREACH(g, &order->s->guests, link)
    websocket_end_send(g->end, order->what, strlen(order->what));
}

void wsserver_push(struct wsserver *s, const char *text)
{
    struct order order = {.s = s, .what = text};
    loop_call(s->loop, push, &order);
}

struct wsserver_stats wsserver_stats(struct wsserver *s)
{
    pthread_mutex_lock(&s->lock);
    struct wsserver_stats stats = s->stats;
    pthread_mutex_unlock(&s->lock);
    return stats;
}

static bool wait_for(struct wsserver *s, const size_t *what, size_t n)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&s->lock);
    while (late == 0 && *what < n)
        late = pthread_cond_timedwait(&s->moved, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
    return late == 0;
}

bool wsserver_wait_gone(struct wsserver *s, size_t n)
{
    return wait_for(s, &s->stats.gone, n);
}

bool wsserver_wait_upgrades(struct wsserver *s, size_t n)
{
    return wait_for(s, &s->stats.upgrades, n);
}

bool wsserver_wait_messages(struct wsserver *s, size_t n)
{
    return wait_for(s, &s->stats.messages, n);
}
