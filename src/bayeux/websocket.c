/* Bayeux over a WebSocket: every message is a text frame, and what comes back belongs to no
 * exchange in particular. The connection is opened by the first message, and by the first one after
 * it was lost; messages wait until it is open. It goes as a whole, with all exchanges.
 *
 * A callback may close the transport: `busy` counts the frames that will look at it again, and the
 * last of them frees it. */
#include "bayeux/websocket_private.h"
#include "bayeux/wslay.h"
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "io/proxy.h"

#include <stdio.h>
#include <string.h>

static struct websocket *websocket_of(struct transport *t)
{
    return (struct websocket *)(void *)t;
}

static void drop_waiting(struct websocket *ws)
{
    struct waiting *w;
    while ((w = TAILQ_FIRST(&ws->waiting)) != NULL) {
        TAILQ_REMOVE(&ws->waiting, w, link);
        mem_free(w);
    }
}

static void destroy(struct websocket *ws)
{
    websocket_link_close(ws, 0);
    frames_free(ws->frames);
    drop_waiting(ws);
    tls_free(ws->tls);
    url_clear(&ws->proxy);
    mem_free(ws->target);
    secret_free_text(ws->proxy_authorization);
    transport_clear(&ws->t);
    mem_free(ws);
}

void websocket_hold(struct websocket *ws)
{
    ws->busy++;
}

void websocket_unhold(struct websocket *ws)
{
    if (--ws->busy > 0)
        return;
    if (ws->closed)
        destroy(ws);
    else if (ws->state != LINK_OPEN)
        websocket_link_clear(ws);
}

/* ---- what the link tells ----------------------------------------------------------------- */

void websocket_link_opened(struct websocket *ws)
{
    weir_error why = {0};
    struct waiting *w;
    log_at(WEIR_LOG_DEBUG, "bayeux", ws->t.name, "%s: a WebSocket is open", ws->t.shown);
    while (why.status == WEIR_OK && (w = TAILQ_FIRST(&ws->waiting)) != NULL) {
        TAILQ_REMOVE(&ws->waiting, w, link);
        (void)websocket_link_send(ws, w->text, w->len, &why);
        mem_free(w);
    }
    if (why.status == WEIR_OK)
        return;
    websocket_link_close(ws, FRAMES_GOING_AWAY);
    websocket_link_lost(ws, &why);
}

void websocket_link_received(struct websocket *ws, char *text, size_t len)
{
    weir_error why = {0};
    struct batch *batch = batch_new(text, len, ws->t.shown, &why);
    if (batch) {
        ws->t.events->received(ws->t.user, batch, 0);
        batch_free(batch);
        return;
    }
    websocket_link_close(ws, FRAMES_GOING_AWAY);
    websocket_link_lost(ws, &why);
}

void websocket_link_lost(struct websocket *ws, const weir_error *why)
{
    bool left = ws->said;
    if (ws->closed)
        return;
    log_at(WEIR_LOG_DEBUG, "bayeux", ws->t.name, "the WebSocket is lost: %s", why->message);
    ws->said = false;
    drop_waiting(ws);
    ws->t.events->lost(ws->t.user, why, left);
}

/* ---- what is asked for ------------------------------------------------------------------- */

static struct waiting *wait_for_it(struct websocket *ws, const struct transport_message *m)
{
    struct waiting *w = mem_zalloc(sizeof *w + m->len);
    if (!w)
        return NULL;
    w->exchange = m->exchange;
    w->len = m->len;
    memcpy(w->text, m->text, m->len);
    TAILQ_INSERT_TAIL(&ws->waiting, w, link);
    return w;
}

static weir_status open_for(struct websocket *ws, const struct transport_message *m,
                            weir_error *err)
{
    secret_free_text(ws->authorization);
    ws->authorization = m->authorization ? transport_authorization(m->authorization) : NULL;
    if (m->authorization && !ws->authorization)
        return error_no_memory(err);
    ws->until = m->until;
    weir_status status = ws->authorization ? http_check_header(ws->authorization, err) : WEIR_OK;
    return status == WEIR_OK ? websocket_link_open(ws, err) : status;
}

static weir_status send_message(struct transport *t, const struct transport_message *m,
                                weir_error *err)
{
    struct websocket *ws = websocket_of(t);
    if (ws->state == LINK_OPEN)
        return websocket_link_send(ws, m->text, m->len, err);
    struct waiting *w = wait_for_it(ws, m);
    if (!w)
        return error_no_memory(err);
    weir_status status = ws->state == LINK_NONE ? open_for(ws, m, err) : error_ok(err);
    if (status == WEIR_OK)
        return status;
    TAILQ_REMOVE(&ws->waiting, w, link);
    mem_free(w);
    return status;
}

static void cancel(struct transport *t, unsigned exchange)
{
    struct websocket *ws = websocket_of(t);
    struct waiting *w = TAILQ_FIRST(&ws->waiting);
    while (w && w->exchange != exchange)
        w = TAILQ_NEXT(w, link);
    if (!w)
        return; /* it has left: its answer is not waited for */
    TAILQ_REMOVE(&ws->waiting, w, link);
    mem_free(w);
}

static void pause_it(struct transport *t, bool paused)
{
    websocket_link_pause(websocket_of(t), paused);
}

static void close_it(struct transport *t)
{
    struct websocket *ws = websocket_of(t);
    if (ws->closed)
        return;
    ws->closed = true;
    websocket_hold(ws);
    websocket_link_close(ws, FRAMES_NORMAL);
    websocket_unhold(ws);
}

/* ---- making one -------------------------------------------------------------------------- */

static char *host_port(const struct url *url)
{
    struct buf text = BUF_INIT((size_t)512);
    buf_addf(&text, url->ipv6 ? "[%s]:%u" : "%s:%u", url->host, url->port);
    return text.data;
}

static weir_status find_way(struct websocket *ws, const struct transport_options *o,
                            weir_error *err)
{
    const struct url *u = &ws->t.parts;
    bool secure = strcmp(u->scheme, "https") == 0;
    weir_status status = proxy_for(o->proxy, u->host, u->port, secure, &ws->proxy, err);
    if (status == WEIR_OK && ws->proxy.host) {
        ws->target = host_port(u);
        if (ws->proxy.userinfo)
            ws->proxy_authorization = proxy_authorization(ws->proxy.userinfo);
        if (!ws->target || (ws->proxy.userinfo && !ws->proxy_authorization))
            return error_no_memory(err);
    }
    if (status == WEIR_OK && secure) {
        ws->tls = tls_client(o->tls, NULL, err);
        status = ws->tls ? WEIR_OK : WEIR_INVALID;
    }
    return status;
}

struct transport *transport_websocket(const struct transport_options *o, weir_error *err)
{
    static const struct transport_kind kind = {send_message, cancel, close_it, pause_it};
    weir_error why = {0};
    struct websocket *ws = mem_zalloc(sizeof *ws);
    if (!ws) {
        error_no_memory(err);
        return NULL;
    }
    TAILQ_INIT(&ws->waiting);
    ws->quiet_after = WEBSOCKET_QUIET_MS;
    if (transport_init(&ws->t, &kind, o, &why) == WEIR_OK && wslay_load(&why) == WEIR_OK &&
        find_way(ws, o, &why) == WEIR_OK)
        return &ws->t;
    destroy(ws);
    error_copy(err, &why);
    return NULL;
}
