/* What is to be done next. First what has been decided is said (what is not waited for any more, a
 * session that is gone, asks that are over, news), then what the state wants is sent; the end comes
 * last. Each call gives one action. */
#include "bayeux/session_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <weir/bayeux.h>

static bool say_cancelled(struct session *s, struct session_action *out)
{
    for (int i = 0; i < SLOT_COUNT; i++) {
        struct exchange_slot *slot = &s->slots[i];
        if (slot->cancelled) {
            *out = (struct session_action){.kind = SESSION_CANCEL, .exchange = slot->cancelled};
            slot->cancelled = 0;
            return true;
        }
    }
    if (!s->reset)
        return false;
    s->reset = false;
    *out = (struct session_action){.kind = SESSION_RESET};
    return true;
}

static bool say_done(struct session *s, struct session_action *out)
{
    static const weir_error fine = {.status = WEIR_OK};
    struct session_ask *ask = s->done.first;
    if (!ask)
        return false;
    ask_unlink(ask);
    s->said = ask->why;
    s->said_reply = ask->reply;
    *out = (struct session_action){
        .kind = SESSION_DONE,
        .ask = ask,
        .why = ask->why ? ask->why : &fine,
        .reply = ask->reply ? ask->reply->messages : NULL,
    };
    return true;
}

static bool say_dropped(struct session *s, struct session_action *out)
{
    struct subscription *sub = s->gone_subs;
    if (!sub)
        return false;
    s->gone_subs = sub->next;
    sub->next = NULL;
    s->said_sub = sub;
    *out = (struct session_action){.kind = SESSION_NEWS,
                                   .news = WEIR_SESSION_DROPPED,
                                   .channel = sub->channel,
                                   .why = sub->why};
    return true;
}

static bool say_subscribed(struct session *s, struct session_action *out)
{
    struct subscription *sub = s->to_say ? s->subs : NULL;
    while (sub && !sub->say_subscribed)
        sub = sub->next;
    if (!sub)
        return false;
    sub->say_subscribed = false;
    s->to_say--;
    *out = (struct session_action){
        .kind = SESSION_NEWS, .news = WEIR_SESSION_SUBSCRIBED, .channel = sub->channel};
    return true;
}

/* In the order in which they can happen. */
static bool say_news(struct session *s, struct session_action *out)
{
    static const int order[] = {WEIR_SESSION_PAUSED, WEIR_SESSION_RESUMED, WEIR_SESSION_OPENED,
                                WEIR_SESSION_OUTAGE, WEIR_SESSION_RECOVERED};
    for (size_t i = 0; s->news && i < sizeof order / sizeof *order; i++) {
        if (s->news & 1u << order[i]) {
            s->news &= ~(1u << order[i]);
            bool outage = order[i] == WEIR_SESSION_OUTAGE;
            *out = (struct session_action){.kind = SESSION_NEWS,
                                           .news = order[i],
                                           .channel = outage ? s->cause_channel : NULL,
                                           .why = outage ? &s->cause : NULL};
            return true;
        }
    }
    return false;
}

/* ---- sending ------------------------------------------------------------------------------ */

static bool log_in(struct session *s, struct session_action *out)
{
    if (s->login_out)
        return false;
    s->login_out = true;
    *out = (struct session_action){.kind = SESSION_LOGIN, .fresh = s->fresh};
    return true;
}

static bool may_connect(const struct session *s, int64_t now_ns)
{
    return !s->slots[SLOT_CONNECT].number && !s->full && now_ns >= s->connect_at_ns;
}

/* Commands first: what they ask for may come with the connect that follows. */
static bool talk(struct session *s, int64_t now_ns, struct session_action *out)
{
    if (s->state == SESSION_CONNECTED && !s->slots[SLOT_COMMAND].number &&
        send_commands(s, now_ns, out))
        return true;
    return may_connect(s, now_ns) && send_connect(s, now_ns, out);
}

/* With a command out, the connect's place is taken: never more than two at once. */
static bool part(struct session *s, int64_t now_ns, struct session_action *out)
{
    struct exchange_slot *command = &s->slots[SLOT_COMMAND];
    if (command->number && command->meta == META_DISCONNECT)
        return false;
    if (command->number) {
        static const weir_error ending = {.status = WEIR_UNREACHABLE,
                                          .message = "the session was closed before the server "
                                                     "answered"};
        slot_cancel(command);
        subs_unanswered(s, true);
        asks_done(s, &s->flying, &ending);
        return say_cancelled(s, out);
    }
    return send_disconnect(s, now_ns, out);
}

static bool act(struct session *s, int64_t now_ns, struct session_action *out)
{
    switch (s->state) {
    case SESSION_LOGGING_IN:
        return log_in(s, out);
    case SESSION_HANDSHAKING:
        return !s->slots[SLOT_COMMAND].number && send_handshake(s, now_ns, out);
    case SESSION_CONNECTING:
    case SESSION_CONNECTED:
        return talk(s, now_ns, out);
    case SESSION_PAUSING:
    case SESSION_CLOSING:
        return part(s, now_ns, out);
    default:
        return false;
    }
}

static bool say(struct session *s, struct session_action *out)
{
    return say_cancelled(s, out) || say_done(s, out) || say_dropped(s, out) || say_news(s, out) ||
           say_subscribed(s, out);
}

static bool say_over(struct session *s, struct session_action *out)
{
    if (!session_is_over(s) || s->over_said)
        return false;
    s->over_said = true;
    *out = (struct session_action){.kind = SESSION_OVER, .why = &s->why};
    return true;
}

static void drop_said(struct session *s)
{
    error_drop(s->said);
    s->said = NULL;
    batch_free(s->said_reply);
    s->said_reply = NULL;
    sub_drop(s->said_sub);
    s->said_sub = NULL;
}

void session_next(struct session *s, int64_t now_ns, struct session_action *out)
{
    drop_said(s);
    session_settle(s, now_ns);
    session_pass(s, now_ns);
    session_check(s);
    if (say(s, out) || act(s, now_ns, out) || say(s, out) || say_over(s, out))
        return;
    *out = (struct session_action){.kind = SESSION_NOTHING};
}
