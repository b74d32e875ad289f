/* What the program asked for. A subscription is a channel with two sides: whether it is wanted, and
 * what the server has been told (its phase). Whatever happens changes one side only, and the
 * messages that go out are what makes them agree again (send_commands()); so a subscription that is
 * wanted is never forgotten, in whichever order things happen. */
#include "bayeux/session_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <weir/bayeux.h>

#include <string.h>

#define AGAINS_MOST 3

static const weir_error fine = {.status = WEIR_OK};

/* ---- asks --------------------------------------------------------------------------------- */

void asks_add(struct session_asks *list, struct session_ask *ask)
{
    ask->list = list;
    ask->next = NULL;
    ask->before = list->last;
    if (list->last)
        list->last->next = ask;
    else
        list->first = ask;
    list->last = ask;
}

void ask_unlink(struct session_ask *ask)
{
    struct session_asks *list = ask->list;
    if (!list)
        return;
    if (ask->before)
        ask->before->next = ask->next;
    else
        list->first = ask->next;
    if (ask->next)
        ask->next->before = ask->before;
    else
        list->last = ask->before;
    ask->list = NULL;
}

void ask_done(struct session *s, struct session_ask *ask, const weir_error *why)
{
    ask_unlink(ask);
    ask->why = error_keep(why);
    asks_add(&s->done, ask);
}

void asks_done(struct session *s, struct session_asks *list, const weir_error *why)
{
    while (list->first)
        ask_done(s, list->first, why);
}

/* ---- the two sides of a subscription -------------------------------------------------------- */

static bool is_missing(const struct subscription *sub)
{
    return sub->wanted && sub->phase != PHASE_ON;
}

static bool is_unsettled(const struct subscription *sub)
{
    return sub->wanted ? sub->phase == PHASE_OFF : sub->phase == PHASE_ON;
}

static void set(struct session *s, struct subscription *sub, bool wanted, enum phase phase)
{
    s->missing -= is_missing(sub);
    s->unsettled -= is_unsettled(sub);
    sub->wanted = wanted;
    sub->phase = phase;
    s->missing += is_missing(sub);
    s->unsettled += is_unsettled(sub);
}

void sub_phase(struct session *s, struct subscription *sub, enum phase phase)
{
    set(s, sub, sub->wanted, phase);
}

static void want(struct session *s, struct subscription *sub, bool wanted)
{
    set(s, sub, wanted, sub->phase);
}

static struct subscription *find(const struct session *s, const char *channel)
{
    struct subscription *sub = s->subs;
    while (sub && strcmp(sub->channel, channel) != 0)
        sub = sub->next;
    return sub;
}

struct subscription *sub_by_id(struct session *s, uint64_t id)
{
    struct subscription *sub = s->subs;
    while (sub && (sub->id != id || (sub->phase != PHASE_ASKED && sub->phase != PHASE_LEAVING)))
        sub = sub->next;
    return sub;
}

static struct subscription *add(struct session *s, const char *channel)
{
    struct subscription *sub = mem_zalloc(sizeof *sub);
    char *copy = mem_strdup(channel);
    if (!sub || !copy) {
        mem_free(sub);
        mem_free(copy);
        return NULL;
    }
    sub->channel = copy;
    *s->subs_end = sub;
    s->subs_end = &sub->next;
    return sub;
}

void sub_drop(struct subscription *sub)
{
    if (!sub)
        return;
    mem_free(sub->channel);
    error_drop(sub->why);
    mem_free(sub);
}

static void unlink_sub(struct session *s, struct subscription *sub)
{
    struct subscription **at = &s->subs;
    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    if (s->subs_end == &sub->next)
        s->subs_end = at;
    sub->next = NULL;
}

/* Not ours any more. `why`: to be told as DROPPED; NULL: nobody is. */
void sub_gone(struct session *s, struct subscription *sub, const weir_error *why)
{
    s->to_say -= sub->say_subscribed;
    set(s, sub, false, PHASE_OFF);
    unlink_sub(s, sub);
    if (!why) {
        sub_drop(sub);
        return;
    }
    sub->why = error_keep(why);
    struct subscription **at = &s->gone_subs;
    while (*at)
        at = &(*at)->next;
    *at = sub;
}

/* What nobody wants and the server does not have. True: it is gone. */
static bool settle(struct session *s, struct subscription *sub)
{
    if (sub->wanted || sub->phase != PHASE_OFF)
        return false;
    if (sub->maybe) {
        sub_phase(s, sub, PHASE_ON); /* as far as we know: it is left */
        return false;
    }
    asks_done(s, &sub->asks, &fine);
    sub_gone(s, sub, NULL);
    return true;
}

/* It was to be left, and is wanted again in the meantime: it never was away, as far as we know. */
static bool still_on(struct session *s, struct subscription *sub)
{
    if (!sub->wanted || sub->phase != PHASE_ON)
        return false;
    if (sub->maybe)
        sub_phase(s, sub, PHASE_OFF); /* to be on the safe side: it is subscribed anew */
    else
        asks_done(s, &sub->asks, &fine);
    return true;
}

void subs_reset(struct session *s)
{
    for (struct subscription *sub = s->subs, *next; sub; sub = next) {
        next = sub->next;
        sub_phase(s, sub, PHASE_OFF);
        sub->agains = 0;
        sub->maybe = false;
        settle(s, sub);
    }
}

void subs_unanswered(struct session *s, bool left)
{
    for (struct subscription *sub = s->subs, *next; sub; sub = next) {
        next = sub->next;
        if (sub->phase == PHASE_ASKED) {
            sub->maybe = sub->maybe || left;
            sub_phase(s, sub, PHASE_OFF);
            settle(s, sub);
        } else if (sub->phase == PHASE_LEAVING) {
            sub->maybe = sub->maybe || left;
            sub_phase(s, sub, PHASE_ON);
            still_on(s, sub);
        }
    }
}

int64_t subs_wake(const struct session *s)
{
    int64_t at = s->publishes.first ? s->command_at_ns : INT64_MAX;
    const struct subscription *sub = s->unsettled ? s->subs : NULL;
    for (; sub; sub = sub->next) {
        int64_t then =
            sub->not_before_ns > s->command_at_ns ? sub->not_before_ns : s->command_at_ns;
        if (is_unsettled(sub) && then < at)
            at = then;
    }
    return at;
}

void subs_free(struct session *s)
{
    struct subscription **lists[] = {&s->subs, &s->gone_subs, &s->said_sub};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        while (*lists[i]) {
            struct subscription *sub = *lists[i];
            *lists[i] = sub->next;
            sub_drop(sub);
        }
    }
}

/* ---- answers ------------------------------------------------------------------------------ */

void sub_subscribed(struct session *s, struct subscription *sub, const struct message *reply)
{
    sub_phase(s, sub, PHASE_ON);
    sub->agains = 0;
    sub->maybe = false;
    sub->not_before_ns = 0;
    if (!sub->wanted)
        return;
    sub->worked = true;
    if (s->set.hooks && s->set.hooks->subscribed)
        s->set.hooks->subscribed(s->set.user, sub->channel, reply);
    asks_done(s, &sub->asks, &fine);
    s->to_say += !sub->say_subscribed;
    sub->say_subscribed = true;
}

static void impatient_done(struct session *s, struct subscription *sub, const weir_error *why)
{
    for (struct session_ask *ask = sub->asks.first, *next; ask; ask = next) {
        next = ask->next;
        if (!ask->patient)
            ask_done(s, ask, why);
    }
}

static void put_off(struct session *s, int64_t now_ns, struct subscription *sub,
                    const weir_error *why)
{
    impatient_done(s, sub, why);
    if (!sub->worked && !sub->asks.first) {
        sub_gone(s, sub, NULL);
        return;
    }
    sub->not_before_ns = now_ns + session_later(s, why);
    session_note(s, now_ns, why, sub->channel);
}

bool sub_refused(struct session *s, int64_t now_ns, struct subscription *sub, enum verdict verdict,
                 const weir_error *why)
{
    sub->maybe = false;
    sub_phase(s, sub, PHASE_OFF);
    if (settle(s, sub))
        return true;
    switch (verdict) {
    case VERDICT_HANDSHAKE:
    case VERDICT_LOGIN:
        return false;
    case VERDICT_LATER:
    case VERDICT_RETRY:
        put_off(s, now_ns, sub, why);
        return true;
    case VERDICT_AGAIN:
        if (sub->agains++ < AGAINS_MOST)
            return true;
        break;
    default:
        break;
    }
    log_at(WEIR_LOG_WARN, "bayeux", s->set.name, "%s", why->message);
    asks_done(s, &sub->asks, why);
    sub_gone(s, sub, sub->worked ? why : NULL);
    return true;
}

void sub_left(struct session *s, struct subscription *sub)
{
    sub->maybe = false;
    sub_phase(s, sub, PHASE_OFF);
    settle(s, sub); /* unless it is wanted again */
}

/* An unsubscription was refused: it is still in force, and the program is told so. False: the
 * session is concerned. */
bool sub_stays(struct session *s, struct subscription *sub, enum verdict verdict,
               const weir_error *why)
{
    sub->maybe = false;
    sub_phase(s, sub, PHASE_ON);
    if (verdict == VERDICT_HANDSHAKE || verdict == VERDICT_LOGIN)
        return false;
    if (still_on(s, sub))
        return true;
    bool asked = sub->asks.first != NULL;
    asks_done(s, &sub->asks, why);
    if (asked)
        want(s, sub, true);
    else
        sub_gone(s, sub, NULL);
    return true;
}

/* ---- what is asked for -------------------------------------------------------------------- */

static void ask_subscribe(struct session *s, struct session_ask *ask)
{
    static const weir_error no_memory = {.status = WEIR_NO_MEMORY, .message = "out of memory"};
    struct subscription *sub = find(s, ask->channel);
    sub = sub ? sub : add(s, ask->channel);
    if (!sub) {
        ask_done(s, ask, &no_memory);
        return;
    }
    if (sub->wanted && sub->worked) { /* the server has agreed; what becomes of it is news */
        ask_done(s, ask, &fine);
        return;
    }
    if (!sub->wanted)
        asks_done(s, &sub->asks, &fine); /* those who wanted it gone: it was, for a moment */
    want(s, sub, true);
    asks_add(&sub->asks, ask);
    still_on(s, sub);
}

static void ask_unsubscribe(struct session *s, struct session_ask *ask)
{
    weir_error why = {0};
    struct subscription *sub = find(s, ask->channel);
    if (!sub || !sub->wanted) {
        error_set(&why, WEIR_NOT_FOUND, "'%s' is not subscribed", ask->channel);
        ask_done(s, ask, &why);
        return;
    }
    error_set(&why, WEIR_STOPPED, "'%s' was unsubscribed in the meantime", ask->channel);
    asks_done(s, &sub->asks, &why);
    want(s, sub, false);
    sub->worked = false;
    asks_add(&sub->asks, ask);
    settle(s, sub);
}

static bool is_kept(const struct session *s, const char *channel)
{
    const struct subscription *sub = find(s, channel);
    return sub && sub->wanted && sub->worked;
}

/* There is no session until the program takes events again: which it may not do before it has an
 * answer. */
static bool is_paused(const struct session *s, const struct session_ask *ask)
{
    if (s->state != SESSION_PAUSING && s->state != SESSION_PAUSED)
        return false;
    if (ask->meta == META_SUBSCRIBE)
        return !ask->patient && !is_kept(s, ask->channel);
    return ask->meta != META_UNSUBSCRIBE;
}

static void route(struct session *s, struct session_ask *ask)
{
    if (ask->meta == META_SUBSCRIBE)
        ask_subscribe(s, ask);
    else if (ask->meta == META_UNSUBSCRIBE)
        ask_unsubscribe(s, ask);
    else if (ask->meta == META_PUBLISH)
        asks_add(&s->publishes, ask);
    else if (s->client_id)
        ask_done(s, ask, &fine);
    else
        asks_add(&s->handshakes, ask);
}

void session_ask(struct session *s, int64_t now_ns, struct session_ask *ask)
{
    static const weir_error paused = {
        .status = WEIR_BUSY,
        .message = "the session was closed because nobody takes its events: take some"};
    static const weir_error stopped = {
        .status = WEIR_STOPPED, .retry_in_ms = -1, .message = "stopped"};
    (void)now_ns;
    ask->list = NULL;
    ask->id = 0;
    ask->why = NULL;
    ask->reply = NULL;
    if (session_is_over(s) || s->state == SESSION_CLOSING) {
        ask_done(s, ask, s->why.status == WEIR_OK ? &stopped : &s->why);
        return;
    }
    if (is_paused(s, ask)) {
        ask_done(s, ask, &paused);
        return;
    }
    if (s->state == SESSION_IDLE)
        session_log_in(s, false);
    route(s, ask);
}

/* A publication whose reply nobody waits for any more: neither for its exchange, if there is
 * nothing else in it. */
static void forget_reply(struct session *s, const struct session_ask *ask)
{
    struct exchange_slot *slot = &s->slots[SLOT_COMMAND];
    if (slot->number && ask->id >= slot->first_id && ask->id <= slot->last_id &&
        --slot->unanswered == 0)
        slot_cancel(slot);
}

void session_withdraw(struct session *s, int64_t now_ns, struct session_ask *ask)
{
    (void)now_ns;
    struct session_asks *list = ask->list;
    if (!list)
        return;
    ask_unlink(ask);
    if (list == &s->done) {
        error_drop(ask->why);
        batch_free(ask->reply);
    } else if (list == &s->flying) {
        forget_reply(s, ask);
    } else if (ask->meta == META_SUBSCRIBE && !list->first) {
        struct subscription *sub = find(s, ask->channel);
        if (sub && sub->wanted && !sub->worked) {
            want(s, sub, false);
            settle(s, sub);
        }
    }
}

const char *session_subscription(const struct session *s, size_t index)
{
    const struct subscription *sub = s->subs;
    for (; sub; sub = sub->next) {
        if (sub->wanted && index-- == 0)
            return sub->channel;
    }
    return NULL;
}
