#include "lib/transported.h"

#include "lib/check.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- what comes back; @thread io ---- */

static void close_inside(struct transported *t)
{
    transport_close(t->transport);
    t->transport = NULL;
}

static void on_received(void *user, struct batch *batch, int64_t date_s)
{
    struct transported *t = user;
    pthread_mutex_lock(&t->lock);
    t->batches++;
    t->either++;
    t->messages += batch->count;
    t->text_len = batch->len;
    t->date_s = date_s;
    (void)snprintf(t->text, sizeof t->text, "%s", batch->text);
    if (t->close_at_received)
        close_inside(t);
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

static void send_again(struct transported *t)
{
    const struct transport_message m = {.exchange = 99,
                                        .text = "[]",
                                        .len = 2,
                                        .until = deadline_in(loop_clock(t->loop), 10000, 0)};
    t->cycle = false;
    if (transport_send(t->transport, &m, NULL) != WEIR_OK)
        close_inside(t);
}

static void note_end(struct transported *t, unsigned exchange, const weir_error *why, bool left)
{
    pthread_mutex_lock(&t->lock);
    if (t->ended < TRANSPORTED_MAX)
        t->ends[t->ended] = (struct transported_end){exchange, *why, left};
    t->ended++;
    t->either++;
    if (t->cycle)
        send_again(t);
    if (t->close_at_end)
        close_inside(t);
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

static void on_ended(void *user, unsigned exchange, const weir_error *why, bool left)
{
    note_end(user, exchange, why, left);
}

static void on_lost(void *user, const weir_error *why, bool left)
{
    note_end(user, 0, why, left);
}

/* ---- on the I/O thread ---- */

struct order {
    struct transported *t;
    const struct transported_options *options;
    struct transport_message message;
    weir_status status;
    weir_error *err;
};

static void make(void *user)
{
    static const struct transport_events events = {on_received, on_ended, on_lost};
    struct order *order = user;
    const struct transported_options *o = order->options;
    struct transported *t = order->t;
    const struct transport_options options = {.loop = t->loop,
                                              .http = t->http,
                                              .url = o->url,
                                              .headers = o->headers,
                                              .proxy = o->proxy ? o->proxy : WEIR_OMIT,
                                              .tls = o->tls,
                                              .max_message = o->max_message,
                                              .name = "bayeux#1",
                                              .events = &events,
                                              .user = t};
    t->transport = o->websocket ? transport_websocket(&options, order->err)
                                : transport_long_polling(&options, order->err);
}

static void send_now(void *user)
{
    struct order *order = user;
    order->status = transport_send(order->t->transport, &order->message, NULL);
}

static void cancel_now(void *user)
{
    const struct order *order = user;
    transport_cancel(order->t->transport, order->message.exchange);
}

static void close_now(void *user)
{
    close_inside(user);
}

static void nothing(void *user)
{
    (void)user;
}

/* ---- the test's side ---- */

weir_status transported_try_open(struct transported *t, const struct transported_options *o,
                                 weir_error *err)
{
    struct order order = {.t = t, .options = o, .err = err};
    *t = (struct transported){.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    t->http = http_open(&(struct http_options){.tls = o->tls,
                                               .proxy = o->proxy ? o->proxy : WEIR_OMIT,
                                               .part = "bayeux",
                                               .cookies = true,
                                               .connections = 2},
                        err);
    assert_non_null(t->http);
    t->loop = http_loop(t->http);
    loop_call(t->loop, make, &order);
    return t->transport ? WEIR_OK : err->status;
}

void transported_open(struct transported *t, const struct transported_options *o)
{
    weir_error err = {0};
    if (transported_try_open(t, o, &err) != WEIR_OK)
        fail_msg("%s", err.message);
}

void transported_close_only(struct transported *t)
{
    loop_call(t->loop, close_now, t);
}

void transported_close(struct transported *t)
{
    transported_close_only(t);
    http_close(t->http);
}

static weir_status send_order(struct order *order)
{
    loop_call(order->t->loop, send_now, order);
    return order->status;
}

weir_status transported_send(struct transported *t, unsigned exchange, const char *text,
                             const char *authorization)
{
    struct order order = {.t = t,
                          .message = {.exchange = exchange,
                                      .text = text,
                                      .len = strlen(text),
                                      .until = deadline_in(clock_system(), 10000, 0),
                                      .authorization = authorization}};
    return send_order(&order);
}

weir_status transported_send_until(struct transported *t, unsigned exchange, const char *text,
                                   weir_ms limit)
{
    struct order order = {.t = t,
                          .message = {.exchange = exchange,
                                      .text = text,
                                      .len = strlen(text),
                                      .until = deadline_in(clock_system(), limit, 0)}};
    return send_order(&order);
}

void transported_cancel(struct transported *t, unsigned exchange)
{
    struct order order = {.t = t, .message = {.exchange = exchange}};
    loop_call(t->loop, cancel_now, &order);
}

void transported_settle(struct transported *t)
{
    loop_call(t->loop, nothing, NULL);
}

static void wait_for(struct transported *t, const size_t *what, size_t n, const char *name)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&t->lock);
    while (late == 0 && *what < n)
        late = pthread_cond_timedwait(&t->moved, &t->lock, &until);
    pthread_mutex_unlock(&t->lock);
    if (late)
        fail_msg("%zu of %zu %s within 20 s", *what, n, name);
}

void transported_wait_batches(struct transported *t, size_t n)
{
    wait_for(t, &t->batches, n, "answers");
}

const struct transported_end *transported_wait_ended(struct transported *t, size_t n)
{
    wait_for(t, &t->ended, n, "ends");
    return &t->ends[n - 1];
}

void transported_wait_either(struct transported *t)
{
    wait_for(t, &t->either, 1, "answers or ends");
}
