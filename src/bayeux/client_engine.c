/* The engine: it tells the session what happened, and does what the session wants done. Everything
 * is on the I/O thread.
 *
 * Pumping is not nested: what happens while an action is carried out only leaves more actions for
 * the pump that is at work. The end comes once, from there: SESSION_OVER, whatever led to it. A
 * goodbye that is not answered is cut short by a timer of its own. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <string.h>

int64_t client_now(const struct client *c)
{
    return clock_mono(c->clock);
}

struct loop *client_loop(struct client *c)
{
    return c->loop;
}

int64_t client_server_ms(const struct client *c)
{
    return c->date_s * 1000;
}

const weir_token *client_token(const struct client *c)
{
    return c->token;
}

/* ---- the session's hooks: the dialect's, and what the client wants to know itself -------- */

static void on_outgoing(void *user, enum meta meta, const char *channel, weir_bytes data,
                        struct buf *ext)
{
    struct client *c = user;
    const struct session_hooks *hooks = &c->set.dialect->session;
    atomic_uint_fast64_t *counter = meta == META_HANDSHAKE   ? &c->tally.handshakes
                                    : meta == META_CONNECT   ? &c->tally.connects
                                    : meta == META_SUBSCRIBE ? &c->tally.subscribes
                                                             : NULL;
    if (counter)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    if (hooks->outgoing)
        hooks->outgoing(c->set.user, meta, channel, data, ext);
    if (c->extension_count)
        client_ext_outgoing(c, meta, channel, data, ext);
}

static enum verdict on_judge(void *user, enum meta meta, const struct message *reply,
                             const char *reconnect, weir_error *err)
{
    struct client *c = user;
    return c->set.dialect->session.judge(c->set.user, meta, reply, reconnect, err);
}

static void on_subscribed(void *user, const char *channel, const struct message *reply)
{
    struct client *c = user;
    if (c->set.dialect->session.subscribed)
        c->set.dialect->session.subscribed(c->set.user, channel, reply);
}

static void on_opened(void *user, const struct message *reply)
{
    struct client *c = user;
    char *text = mem_dup(reply->raw.data, reply->raw.len);
    pthread_mutex_lock(&c->lock);
    char *before = c->handshake;
    c->handshake = text ? text : before;
    pthread_mutex_unlock(&c->lock);
    if (text)
        mem_free(before);
    client_link_opened(c);
    if (c->set.dialect->session.opened)
        c->set.dialect->session.opened(c->set.user, reply);
}

static void on_alive(void *user)
{
    struct client *c = user;
    if (c->set.dialect->session.alive)
        c->set.dialect->session.alive(c->set.user);
}

static const struct session_hooks hooks = {on_outgoing, NULL, on_subscribed, on_opened, on_alive};
static const struct session_hooks judging = {on_outgoing, on_judge, on_subscribed, on_opened,
                                             on_alive};

/* ---- the end ----------------------------------------------------------------------------- */

static void set_over(struct client *c, const weir_error *why)
{
    pthread_mutex_lock(&c->lock);
    c->over = true;
    error_copy(&c->why, why);
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

static void end(struct client *c)
{
    static const weir_error stopped = {
        .status = WEIR_STOPPED, .retry_in_ms = -1, .message = "stopped"};
    const weir_error *why = session_reason(c->session);
    bool failed = !c->stopping && why && why->status != WEIR_OK;
    c->ended = true;
    client_login_cancel(c);
    client_link_close(c);
    timer_cancel(&c->timer);
    timer_cancel(&c->goodbye);
    loop_bell_take_down(c->loop, &c->bell);
    client_queue_stop(c, failed ? why : &stopped);
    if (failed)
        log_at(WEIR_LOG_ERROR, c->set.dialect->part, c->name, "over: %s", why->message);
    if (c->set.over)
        c->set.over(c->set.user, failed ? why : &stopped);
    static const weir_error well = {.status = WEIR_OK, .retry_in_ms = -1};
    set_over(c, failed ? why : &well);
    client_leave(c);
}

void client_end_now(struct client *c, const weir_error *why)
{
    session_fail(c->session, client_now(c), why);
    client_pump(c);
}

static void on_goodbye(void *user)
{
    static const weir_error late = {.status = WEIR_STOPPED,
                                    .retry_in_ms = -1,
                                    .message = "the server has not answered the goodbye in time"};
    client_end_now(user, &late);
}

void client_ring(struct loop_bell *bell)
{
    struct client *c = (struct client *)(void *)((char *)bell - offsetof(struct client, bell));
    static const weir_error stopped = {
        .status = WEIR_STOPPED, .retry_in_ms = -1, .message = "stopped"};
    if (c->ended || c->stopping)
        return;
    c->stopping = true;
    client_queue_stop(c, &stopped);
    session_close(c->session, client_now(c));
    if (timer_set_in(&c->goodbye, CLIENT_GOODBYE_MS) != WEIR_OK)
        session_fail(c->session, client_now(c), &stopped);
    client_pump(c);
}

static void on_fail(struct loop_task *task)
{
    struct client *c = (struct client *)(void *)((char *)task - offsetof(struct client, fail));
    weir_error why;
    pthread_mutex_lock(&c->lock);
    why = c->owner_why;
    pthread_mutex_unlock(&c->lock);
    if (!c->ended)
        client_end_now(c, &why);
    client_leave(c);
}

void client_fail(struct client *c, const weir_error *why)
{
    if (atomic_exchange(&c->fail_posted, true))
        return; /* the first reason is the reason */
    pthread_mutex_lock(&c->lock);
    error_copy(&c->owner_why, why);
    pthread_mutex_unlock(&c->lock);
    client_enter(c);
    loop_post(c->loop, &c->fail);
}

/* ---- news -------------------------------------------------------------------------------- */

static void complain_of(struct client *c, const char *channel, const weir_error *why)
{
    weir_error said = *why;
    said.retry_in_ms = -1; /* not mended by itself */
    if (channel && !strstr(said.message, channel))
        error_context(&said, "%s", channel);
    client_note(c, &said, false);
}

void client_complain(struct client *c, const weir_error *why)
{
    complain_of(c, NULL, why);
}

void client_outage(struct client *c, const weir_error *why)
{
    weir_error said = *why;
    if (said.retry_in_ms < 0)
        said.retry_in_ms = 0;
    client_note(c, &said, true);
}

static void hear(struct client *c, const struct session_action *action)
{
    weir_session_news news = (weir_session_news)action->news;
    if (news == WEIR_SESSION_OUTAGE) {
        atomic_fetch_add(&c->tally.outages, 1);
        client_outage(c, action->why);
    }
    if (news == WEIR_SESSION_RECOVERED)
        client_outage_over(c);
    if (news == WEIR_SESSION_DROPPED && action->why)
        complain_of(c, action->channel, action->why);
    client_news(c, news, action->channel, action->why);
    if (news == WEIR_SESSION_PAUSED)
        client_queue_tell(c);
}

/* ---- pumping -----------------------------------------------------------------------------------
 */

static void act(struct client *c, const struct session_action *action)
{
    switch (action->kind) {
    case SESSION_LOGIN:
        client_login(c, action->fresh);
        break;
    case SESSION_SEND:
        client_link_send(c, action);
        break;
    case SESSION_CANCEL:
        client_link_cancel(c, action->exchange);
        break;
    case SESSION_DONE:
        client_ask_done(c, action);
        break;
    case SESSION_NEWS:
        hear(c, action);
        break;
    case SESSION_RESET:
        client_link_reset(c);
        break;
    case SESSION_OVER:
        end(c);
        break;
    case SESSION_NOTHING:
        break;
    }
}

void client_pump(struct client *c)
{
    struct session_action action = {.kind = SESSION_RESET};
    if (c->pumping || c->ended)
        return;
    c->pumping = true;
    client_enter(c); /* the end gives the engine's away */
    while (!c->ended && action.kind != SESSION_NOTHING) {
        session_next(c->session, client_now(c), &action);
        act(c, &action);
    }
    c->pumping = false;
    if (!c->ended && c->link.paused) /* the session may be on its way out */
        client_link_flow(c);
    if (!c->ended && timer_set(&c->timer, session_wake(c->session)) != WEIR_OK) {
        weir_error why;
        error_no_memory(&why);
        client_end_now(c, &why); /* nobody would wake it */
    }
    client_leave(c);
}

static void on_time(void *user)
{
    struct client *c = user;
    session_time_passed(c->session, client_now(c));
    client_pump(c);
}

/* ---- beginning --------------------------------------------------------------------------- */

void client_engine_start(struct loop_task *task)
{
    struct client *c = (struct client *)(void *)((char *)task - offsetof(struct client, start));
    loop_bell_hang(c->loop, &c->bell);
}

weir_status client_engine_init(struct client *c, weir_error *err)
{
    const weir_bayeux_options *o = &c->set.o;
    timer_init(&c->timer, c->loop, on_time, c);
    timer_init(&c->goodbye, c->loop, on_goodbye, c);
    c->bell.ring = client_ring;
    c->start.run = client_engine_start;
    c->room.run = client_room;
    c->release.run = client_released;
    c->fail.run = on_fail;
    c->waiting_last = &c->waiting;
    client_link_init(c);
    const struct session_options options = {
        .hooks = c->set.dialect->session.judge ? &judging : &hooks,
        .user = c,
        .clock = c->clock,
        .name = c->name,
        .transports = c->link.offered,
        .ack = !o->no_ack_extension,
        .batch = !o->no_wire_batch,
        .replays = c->set.dialect->replays,
        .max_request = c->set.dialect->max_request,
        .connection_timeout = o->connection_timeout,
        .stall = o->stall,
        .max_network_delay = o->max_network_delay,
        .give_up = o->give_up,
    };
    c->session = session_create(&options, err);
    return c->session ? WEIR_OK : WEIR_NO_MEMORY;
}

void client_engine_free(struct client *c)
{
    session_destroy(c->session);
    client_origin_free(c->origin);
    mem_free(c->url);
    mem_free(c->handshake);
    weir_token_free(c->token);
}
