/* Which way messages go.
 *
 * AUTO begins with long polling, which gets through everywhere, and offers both. Once the server
 * has agreed to a WebSocket, what follows goes there; a server that knows no long polling (it
 * answers the handshake with HTTP 400) is asked on the socket instead. A WebSocket that cannot be
 * opened, or dies twice before it has brought anything, is not offered any more. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"

#include <string.h>

#define SOCKET_TRIES 2

static weir_transport mode(const struct client *c)
{
    return c->set.dialect->transports ? WEIR_TRANSPORT_LONG_POLLING : c->set.o.transport;
}

static void offer(struct client *c, bool socket)
{
    struct client_link *link = &c->link;
    size_t count = 0;
    if (socket)
        link->offered[count++] = "websocket";
    if (mode(c) != WEIR_TRANSPORT_WEBSOCKET)
        link->offered[count++] = "long-polling";
    link->offered[count] = NULL;
}

/* ---- limits on the socket ---------------------------------------------------------------- */

static void set_alarm(struct client *c)
{
    struct client_link *link = &c->link;
    int64_t at = INT64_MAX;
    for (size_t i = 0; i < sizeof link->out / sizeof *link->out; i++) {
        if (link->out[i].exchange && link->out[i].until_ns < at)
            at = link->out[i].until_ns;
    }
    if (timer_set(&link->late, link->paused ? INT64_MAX : at) != WEIR_OK)
        log_at(WEIR_LOG_WARN, c->set.dialect->part, c->name, "no memory to watch the time");
}

/* Of one that is answered the session does not want to know. */
static void on_late(void *user)
{
    struct client *c = user;
    weir_error why;
    int64_t now = client_now(c);
    error_set(&why, WEIR_UNREACHABLE, "the server has not answered on the WebSocket in time");
    for (size_t i = 0; i < sizeof c->link.out / sizeof *c->link.out; i++) {
        unsigned exchange = c->link.out[i].exchange;
        if (!exchange || c->link.out[i].until_ns > now)
            continue;
        c->link.out[i].exchange = 0;
        session_ended(c->session, now, exchange, &why, true);
    }
    set_alarm(c);
    client_pump(c);
}

static void watch(struct client *c, const struct session_action *action)
{
    size_t i = action->connect ? 1 : 0;
    c->link.out[i].exchange = action->exchange;
    c->link.out[i].until_ns = action->until_ns;
    set_alarm(c);
}

static void forget_limits(struct client *c)
{
    timer_cancel(&c->link.late);
    memset(c->link.out, 0, sizeof c->link.out);
    c->link.paused = false;
}

/* What was out while nothing was read gets the time anew that an answer may be late by. */
static void resume(struct client *c)
{
    int64_t least = deadline_in(c->clock, c->set.o.max_network_delay, 0).at_ns;
    for (size_t i = 0; i < sizeof c->link.out / sizeof *c->link.out; i++) {
        if (c->link.out[i].until_ns < least)
            c->link.out[i].until_ns = least;
    }
    set_alarm(c);
}

void client_link_flow(struct client *c)
{
    struct client_link *link = &c->link;
    bool full = atomic_load(&c->queued) >= c->set.o.max_queued;
    bool paused = link->socket && full && session_state(c->session) == SESSION_CONNECTED;
    if (paused == link->paused)
        return;
    link->paused = paused;
    if (link->socket)
        transport_pause(link->socket, paused);
    if (paused)
        set_alarm(c);
    else
        resume(c);
}

/* ---- the socket's fate ------------------------------------------------------------------- */

/* AUTO only: everything goes by long polling from here on. */
static void give_up_socket(struct client *c, const weir_error *why)
{
    c->link.socket_given_up = true;
    c->link.socket_wanted = false;
    offer(c, false);
    log_at(WEIR_LOG_WARN, c->set.dialect->part, c->name,
           "no WebSocket to this server, going on with long polling: %s", why->message);
    session_transports(c->session, client_now(c), c->link.offered);
}

static bool may_fall_back(const struct client *c)
{
    return mode(c) == WEIR_TRANSPORT_AUTO && !c->link.socket_given_up;
}

static void on_lost(void *user, const weir_error *why, bool left)
{
    struct client *c = user;
    struct client_link *link = &c->link;
    bool fruitless = !link->socket_worked;
    link->socket_worked = false;
    link->socket_failures = fruitless ? link->socket_failures + 1 : 0;
    forget_limits(c);
    atomic_fetch_add(&c->tally.failures, 1);
    session_lost(c->session, client_now(c), why, left);
    if (fruitless && may_fall_back(c) &&
        (!link->socket_ever || link->socket_failures >= SOCKET_TRIES))
        give_up_socket(c, why);
    client_pump(c);
}

/* ---- in ---------------------------------------------------------------------------------- */

static void arrived(struct client *c, struct batch *batch, int64_t date_s)
{
    if (date_s > 0)
        c->date_s = date_s;
    client_received(c, batch, date_s);
}

static void on_polled(void *user, struct batch *batch, int64_t date_s)
{
    arrived(user, batch, date_s); /* on_ended() follows */
}

static void on_pushed(void *user, struct batch *batch, int64_t date_s)
{
    struct client *c = user;
    c->link.socket_worked = c->link.socket_ever = true;
    client_enter(c); /* without memory for what has arrived it is over before the pump */
    arrived(c, batch, date_s);
    client_pump(c);
    client_leave(c);
}

/* A server without long polling says so by HTTP 400: it may have the other way. */
static bool try_socket(struct client *c, unsigned exchange, const weir_error *why,
                       weir_error *instead)
{
    if (exchange != c->link.handshake || !may_fall_back(c) || c->link.socket_wanted ||
        why->origin != WEIR_ORIGIN_HTTP || why->code != 400)
        return false;
    c->link.socket_wanted = true;
    log_at(WEIR_LOG_INFO, c->set.dialect->part, c->name,
           "no long polling at this server, trying a WebSocket: %s", why->message);
    error_set(instead, WEIR_UNREACHABLE, "%s", why->message);
    return true;
}

static void on_ended(void *user, unsigned exchange, const weir_error *why, bool left)
{
    struct client *c = user;
    weir_error instead;
    if (why->status != WEIR_OK)
        atomic_fetch_add(&c->tally.failures, 1);
    if (try_socket(c, exchange, why, &instead))
        why = &instead;
    if (exchange == c->link.handshake)
        c->link.handshake = 0;
    session_ended(c->session, client_now(c), exchange, why, left);
    client_pump(c);
}

static const struct transport_events polling_events = {on_polled, on_ended, on_lost};
static const struct transport_events socket_events = {on_pushed, on_ended, on_lost};

/* ---- out --------------------------------------------------------------------------------- */

static struct transport *make(struct client *c, bool socket, weir_error *err)
{
    const struct transport_options options = {
        .loop = c->loop,
        .http = c->http,
        .url = c->url,
        .headers = c->headers,
        .proxy = c->set.o.proxy,
        .tls = c->set.o.tls,
        .max_message = c->set.o.max_message,
        .name = c->name,
        .events = socket ? &socket_events : &polling_events,
        .user = c,
    };
    return socket ? transport_websocket(&options, err) : transport_long_polling(&options, err);
}

static struct transport *pick(struct client *c, weir_error *err)
{
    struct client_link *link = &c->link;
    struct transport **place = link->socket_wanted ? &link->socket : &link->polling;
    if (!*place)
        *place = make(c, link->socket_wanted, err);
    return *place;
}

/* Nothing went out. */
static void failed(struct client *c, const struct session_action *action, const weir_error *why)
{
    bool socket = c->link.socket_wanted;
    atomic_fetch_add(&c->tally.failures, 1);
    if (socket && mode(c) == WEIR_TRANSPORT_WEBSOCKET && why->status == WEIR_UNSUPPORTED)
        session_fail(c->session, client_now(c), why);
    else if (socket)
        session_lost(c->session, client_now(c), why, false);
    else
        session_ended(c->session, client_now(c), action->exchange, why, false);
    if (socket && may_fall_back(c))
        give_up_socket(c, why);
}

void client_link_send(struct client *c, const struct session_action *action)
{
    weir_error why = {0};
    struct transport *t = pick(c, &why);
    char *authorization = t ? client_authorization(c, &why) : NULL;
    weir_status status = why.status;
    if (session_state(c->session) == SESSION_HANDSHAKING)
        c->link.handshake = action->exchange;
    if (status == WEIR_OK) {
        const struct transport_message message = {
            .exchange = action->exchange,
            .text = action->text,
            .len = action->len,
            .until = {action->until_ns},
            .authorization = authorization,
            .held = action->connect,
        };
        status = transport_send(t, &message, &why);
    }
    secret_free_text(authorization);
    if (status != WEIR_OK)
        failed(c, action, &why);
    else if (t == c->link.socket)
        watch(c, action);
}

void client_link_cancel(struct client *c, unsigned exchange)
{
    if (c->link.polling)
        transport_cancel(c->link.polling, exchange);
    if (c->link.socket)
        transport_cancel(c->link.socket, exchange);
}

/* ---- beginning, and beginning anew ------------------------------------------------------- */

void client_link_init(struct client *c)
{
    timer_init(&c->link.late, c->loop, on_late, c);
    offer(c, mode(c) != WEIR_TRANSPORT_LONG_POLLING);
    c->link.socket_wanted = mode(c) == WEIR_TRANSPORT_WEBSOCKET;
}

static void close_socket(struct client *c)
{
    transport_close(c->link.socket);
    c->link.socket = NULL;
    c->link.socket_worked = false;
    forget_limits(c);
}

void client_link_reset(struct client *c)
{
    close_socket(c);
    if (mode(c) == WEIR_TRANSPORT_AUTO) /* one that has worked is asked first */
        c->link.socket_wanted = c->link.socket_ever && !c->link.socket_given_up;
}

void client_link_opened(struct client *c)
{
    const char *agreed = session_transport(c->session);
    if (mode(c) == WEIR_TRANSPORT_AUTO && agreed)
        c->link.socket_wanted = strcmp(agreed, "websocket") == 0;
}

void client_link_close(struct client *c)
{
    close_socket(c);
    transport_close(c->link.polling);
    c->link.polling = NULL;
}

void client_link_moved(struct client *c)
{
    client_link_close(c);
}
