/* The messages that come in. A reply is matched with what is out by its id, or, from servers that
 * leave ids out, by its channel; what matches nothing belongs to a session that is no more, and is
 * passed over. What a failed reply means for the session is acted upon when the whole answer has
 * been read (session_settle()): it may hold a disconnect, a refused token and events, in any order.
 */
#include "bayeux/session_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <weir/bayeux.h>

#include <inttypes.h>
#include <string.h>

#define INTERVAL_MOST_MS INT64_C(3600000)
#define HASTY_MOST       5
#define HASTY_STEP_NS    (200 * NS_PER_MS)

/* ---- slots -------------------------------------------------------------------------------- */

void slot_free(struct exchange_slot *slot)
{
    slot->number = 0;
    slot->unanswered = 0;
}

void slot_cancel(struct exchange_slot *slot)
{
    if (slot->number)
        slot->cancelled = slot->number;
    slot_free(slot);
}

static bool slot_holds(const struct exchange_slot *slot, uint64_t id)
{
    return slot->number && id >= slot->first_id && id <= slot->last_id;
}

/* One message less; the exchange is over with the last. */
static void slot_answered(struct exchange_slot *slot)
{
    if (slot->unanswered > 0 && --slot->unanswered == 0)
        slot_free(slot);
}

/* ---- advice ------------------------------------------------------------------------------- */

static void merge_number(weir_bytes advice, const char *name, int64_t *into)
{
    int64_t value;
    if (slice_int(slice_member(advice, (const char *const[]){name, NULL}), &value))
        *into = value;
}

/* Member by member: what is not said stays in force. Only a session's own messages say how to go
 * on. */
static void merge(struct advice *into, weir_bytes advice, bool reconnect)
{
    merge_number(advice, "timeout", &into->timeout_ms);
    merge_number(advice, "interval", &into->interval_ms);
    merge_number(advice, "maxInterval", &into->max_interval_ms);
    char *how = slice_text(slice_member(advice, (const char *const[]){"reconnect", NULL}));
    if (how && reconnect && strlen(how) < sizeof into->reconnect)
        memcpy(into->reconnect, how, strlen(how) + 1);
    mem_free(how);
}

static void heed(struct session *s, const struct message *m, bool reconnect)
{
    if (!m->advice.data)
        return;
    merge(&s->advice, m->advice, reconnect);
    if (s->transport)
        merge(&s->advice, slice_member(m->advice, (const char *const[]){s->transport, NULL}),
              reconnect);
}

static int64_t interval_ns(const struct session *s)
{
    int64_t ms = s->advice.interval_ms > 0 ? s->advice.interval_ms : 0;
    return (ms < INTERVAL_MOST_MS ? ms : INTERVAL_MOST_MS) * NS_PER_MS;
}

/* ---- success or not ----------------------------------------------------------------------- */

/* False: *verdict says what to do, *why what it was. */
static bool succeeded(struct session *s, enum meta meta, const struct message *m,
                      enum verdict *verdict, weir_error *why)
{
    const char *reconnect = s->advice.reconnect[0] ? s->advice.reconnect : NULL;
    if (slice_bool(m->successful, false))
        return true;
    if (!m->successful.data) {
        char what[256];
        verdict_what(meta, m, what, sizeof what);
        error_set(why, WEIR_PROTOCOL, "%s: the reply does not say whether it was successful", what);
        *verdict = VERDICT_REFUSED;
    } else if (s->set.hooks && s->set.hooks->judge) {
        *verdict = s->set.hooks->judge(s->set.user, meta, m, reconnect, why);
    } else {
        *verdict = verdict_of_reply(meta, m, reconnect, why);
    }
    return false;
}

/* ---- /meta/handshake ---------------------------------------------------------------------- */

static bool lists(weir_bytes types, const char *transport)
{
    size_t at = 0;
    weir_bytes element;
    while (slice_element(types, &at, &element)) {
        if (slice_equals(element, transport))
            return true;
    }
    return false;
}

/* The first that is offered and the server has; one that says nothing has all. */
static const char *choose(const struct session *s, const struct message *m)
{
    weir_bytes types =
        slice_member(m->raw, (const char *const[]){"supportedConnectionTypes", NULL});
    for (const char *const *t = s->set.transports; *t; t++) {
        if (!types.data || lists(types, *t))
            return *t;
    }
    return NULL;
}

static bool acknowledges(const struct session *s, const struct message *m)
{
    weir_bytes ack = slice_member(m->ext, (const char *const[]){"ack", NULL});
    weir_bytes enabled = slice_member(ack, (const char *const[]){"enabled", NULL});
    return s->set.ack && (slice_bool(ack, false) || slice_bool(enabled, false));
}

static void open_session(struct session *s, int64_t now_ns, const struct message *m)
{
    static const weir_error fine = {.status = WEIR_OK};
    s->ack_on = acknowledges(s, m);
    s->ack = -1;
    s->zero_hold = true;
    s->connect_at_ns = now_ns + interval_ns(s);
    s->opened_ns = 0;
    session_enter(s, SESSION_CONNECTING);
    if (s->set.hooks && s->set.hooks->opened)
        s->set.hooks->opened(s->set.user, m);
    session_say(s, WEIR_SESSION_OPENED);
    asks_done(s, &s->handshakes, &fine);
}

static void handshaken(struct session *s, int64_t now_ns, const struct message *m)
{
    weir_error why = {0};
    const char *transport = choose(s, m);
    if (!transport) {
        error_set(&why, WEIR_UNSUPPORTED,
                  "the handshake: the server has none of the transports that are offered");
        session_fails(s, VERDICT_REFUSED, &why);
    } else if (!slice_is_string(m->client_id) || m->client_id.len <= 2) {
        error_set(&why, WEIR_PROTOCOL, "the handshake: the reply has no clientId");
        session_fails(s, VERDICT_REFUSED, &why);
    } else if (!(s->client_id = mem_dup(m->client_id.data, m->client_id.len))) {
        error_no_memory(&why);
        session_fails(s, VERDICT_RETRY, &why);
    } else {
        s->transport = transport;
        heed(s, m, true); /* what is said for this transport */
        open_session(s, now_ns, m);
    }
}

static void on_handshake(struct session *s, int64_t now_ns, const struct message *m)
{
    weir_error why = {0};
    enum verdict verdict;
    slot_answered(&s->slots[SLOT_COMMAND]);
    if (succeeded(s, META_HANDSHAKE, m, &verdict, &why))
        handshaken(s, now_ns, m);
    else
        session_fails(s, verdict, &why);
}

/* ---- /meta/connect ------------------------------------------------------------------------ */

/* What a successful reply may say all the same: not to come back, or not like this. */
static void heed_parting(struct session *s, const struct message *m)
{
    struct advice own = {"", -1, 0, -1};
    weir_error why = {0};
    merge(&own, m->advice, true);
    merge(&own, slice_member(m->advice, (const char *const[]){s->transport, NULL}), true);
    bool none = strcmp(own.reconnect, "none") == 0 || own.interval_ms < 0;
    if (!none && strcmp(own.reconnect, "handshake") != 0)
        return;
    error_set(&why, WEIR_UNREACHABLE, "the connect: the server advises %s",
              none ? "not to connect again" : "a new handshake");
    session_fails(s, none ? VERDICT_REFUSED : VERDICT_HANDSHAKE, &why);
}

/* A server that holds nothing would be asked as fast as it answers: it gets breathing spaces. */
static int64_t breathing_space_ns(struct session *s, int64_t now_ns)
{
    const struct exchange_slot *slot = &s->slots[SLOT_CONNECT];
    bool hasty = !slot->at_once && !s->heard_event && now_ns - slot->sent_ns < NS_PER_S;
    s->hasty = hasty ? s->hasty + 1 : 0;
    s->heard_event = false;
    unsigned beyond = s->hasty > HASTY_MOST ? s->hasty - HASTY_MOST : 0;
    return (beyond < 10 ? beyond : 10) * HASTY_STEP_NS;
}

static void connected(struct session *s, int64_t now_ns, const struct message *m)
{
    int64_t pause = breathing_space_ns(s, now_ns);
    s->worked = true;
    s->connected_ok = true;
    s->failures = 0;
    s->lost_ns = 0;
    s->zero_hold = false;
    s->connect_at_ns = now_ns + (interval_ns(s) > pause ? interval_ns(s) : pause);
    if (!s->opened_ns)
        s->opened_ns = now_ns;
    if (s->ack_on && m->ext.data)
        slice_int(slice_member(m->ext, (const char *const[]){"ack", NULL}), &s->ack);
    if (s->state == SESSION_CONNECTING)
        session_enter(s, SESSION_CONNECTED);
    if (m->advice.data)
        heed_parting(s, m);
}

static void on_connect(struct session *s, int64_t now_ns, const struct message *m)
{
    weir_error why = {0};
    enum verdict verdict;
    slot_answered(&s->slots[SLOT_CONNECT]);
    if (succeeded(s, META_CONNECT, m, &verdict, &why)) {
        if (s->set.hooks && s->set.hooks->alive)
            s->set.hooks->alive(s->set.user);
        connected(s, now_ns, m);
    } else {
        s->connected_ok = false;
        session_fails(s, verdict, &why);
    }
}

static void on_disconnect(struct session *s)
{
    struct exchange_slot *slot = &s->slots[SLOT_COMMAND];
    if (slot->number && slot->meta == META_DISCONNECT) {
        slot_free(slot);
        session_left(s);
    } else if (s->client_id) {
        s->gone = true;
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static void command_answered(struct session *s)
{
    slot_answered(&s->slots[SLOT_COMMAND]);
    backoff_reset(&s->command_backoff);
}

/* A batch that was too large as a whole comes in halves. */
static bool halve(struct session *s, const struct exchange_slot *slot, const weir_error *why)
{
    if (why->code != 413 || slot->last_id == slot->first_id)
        return false;
    s->max_batch = slot->len / 2 > 0 ? slot->len / 2 : 1;
    return true;
}

static void on_subscription(struct session *s, int64_t now_ns, enum meta meta,
                            const struct message *m, struct subscription *sub)
{
    weir_error why = {0};
    enum verdict verdict;
    struct exchange_slot slot = s->slots[SLOT_COMMAND];
    bool concerns_session = false;
    command_answered(s);
    if (succeeded(s, meta, m, &verdict, &why)) {
        if (meta == META_SUBSCRIBE)
            sub_subscribed(s, sub, m);
        else
            sub_left(s, sub);
    } else if (halve(s, &slot, &why)) {
        sub_phase(s, sub, meta == META_SUBSCRIBE ? PHASE_OFF : PHASE_ON);
    } else if (meta == META_SUBSCRIBE) {
        concerns_session = !sub_refused(s, now_ns, sub, verdict, &why);
    } else {
        concerns_session = !sub_stays(s, sub, verdict, &why);
    }
    if (concerns_session)
        session_fails(s, verdict, &why);
}

static void requeue(struct session *s, struct session_ask *ask)
{
    ask_unlink(ask);
    asks_add(&s->publishes, ask);
}

/* The program keeps a copy: its reply outlives the answer it came in. */
static void published(struct session *s, const struct message *m, struct session_ask *ask)
{
    static const weir_error fine = {.status = WEIR_OK};
    ask->reply = batch_new(mem_dup(m->raw.data, m->raw.len), m->raw.len, "the reply", NULL);
    ask_done(s, ask, &fine);
}

static void on_publish(struct session *s, const struct message *m, struct session_ask *ask)
{
    weir_error why = {0};
    enum verdict verdict;
    command_answered(s);
    if (succeeded(s, META_PUBLISH, m, &verdict, &why)) {
        published(s, m, ask);
    } else if (verdict == VERDICT_HANDSHAKE || verdict == VERDICT_LOGIN) {
        requeue(s, ask); /* it surely was not published */
        session_fails(s, verdict, &why);
    } else {
        ask_done(s, ask, &why);
    }
}

/* ---- matching ----------------------------------------------------------------------------- */

static enum meta meta_of(const struct message *m)
{
    static const char *const metas[] = {
        [META_HANDSHAKE] = "/meta/handshake",     [META_CONNECT] = "/meta/connect",
        [META_DISCONNECT] = "/meta/disconnect",   [META_SUBSCRIBE] = "/meta/subscribe",
        [META_UNSUBSCRIBE] = "/meta/unsubscribe",
    };
    for (enum meta meta = META_HANDSHAKE; meta <= META_UNSUBSCRIBE; meta++) {
        if (slice_equals(m->channel, metas[meta]))
            return meta;
    }
    return META_NONE;
}

static bool id_of(const struct message *m, uint64_t *id)
{
    int64_t value;
    if (!slice_int(m->id, &value) || value <= 0)
        return false;
    *id = (uint64_t)value;
    return true;
}

static struct session_ask *flying_of(struct session *s, const struct message *m)
{
    uint64_t id = 0;
    bool by_id = id_of(m, &id);
    struct session_ask *ask = s->flying.first;
    if (m->id.data && !by_id)
        return NULL;
    while (ask && (by_id ? ask->id != id : !slice_equals(m->channel, ask->channel)))
        ask = ask->next;
    return ask;
}

static struct subscription *sub_of(struct session *s, enum meta meta, const struct message *m)
{
    uint64_t id = 0;
    enum phase phase = meta == META_SUBSCRIBE ? PHASE_ASKED : PHASE_LEAVING;
    struct subscription *sub = s->subs;
    if (id_of(m, &id)) {
        sub = sub_by_id(s, id);
        return sub && sub->phase == phase ? sub : NULL;
    }
    while (sub &&
           (m->id.data || sub->phase != phase || !slice_equals(m->subscription, sub->channel)))
        sub = sub->next;
    return sub;
}

/* Is this the reply to what is out in the slot, which is one message? */
static bool replies(const struct exchange_slot *slot, enum meta meta, const struct message *m)
{
    uint64_t id = 0;
    if (!slot->number || slot->meta != meta)
        return false;
    return m->id.data ? id_of(m, &id) && slot_holds(slot, id) : true;
}

static void stray(const struct session *s, const struct message *m)
{
    if (log_wants(WEIR_LOG_DEBUG))
        log_at(WEIR_LOG_DEBUG, "bayeux", s->set.name,
               "a message is passed over, it replies to nothing: channel %.*s",
               (int)(m->channel.len < 200 ? m->channel.len : 200), (const char *)m->channel.data);
}

static void on_meta(struct session *s, int64_t now_ns, enum meta meta, const struct message *m)
{
    struct subscription *sub = NULL;
    bool of_session = meta == META_HANDSHAKE || meta == META_CONNECT;
    int which = meta == META_CONNECT ? SLOT_CONNECT : SLOT_COMMAND;
    bool known = meta == META_DISCONNECT || replies(&s->slots[which], meta, m);
    if (meta == META_SUBSCRIBE || meta == META_UNSUBSCRIBE)
        known = (sub = sub_of(s, meta, m)) != NULL;
    if (!known) {
        stray(s, m);
        return;
    }
    heed(s, m, of_session);
    if (meta == META_HANDSHAKE)
        on_handshake(s, now_ns, m);
    else if (meta == META_CONNECT)
        on_connect(s, now_ns, m);
    else if (meta == META_DISCONNECT)
        on_disconnect(s);
    else
        on_subscription(s, now_ns, meta, m, sub);
}

/* "/meta/..., also with its slashes escaped. */
static bool may_be_meta(const struct message *m)
{
    const char *channel = m->channel.data;
    return m->channel.len > 6 &&
           (memcmp(channel, "\"/meta/", 7) == 0 || channel[1] == '\\' || memchr(channel, '\\', 7));
}

/* An event; one on a service channel may be the answer to what was published there. */
static bool on_event(struct session *s, const struct message *m)
{
    s->heard_event = true;
    if (m->advice.data)
        heed(s, m, false);
    if (m->id.data && m->data.data && s->flying.first &&
        strncmp((const char *)m->channel.data, "\"/service/", 10) == 0) {
        struct session_ask *ask = flying_of(s, m);
        if (ask) {
            slot_answered(&s->slots[SLOT_COMMAND]);
            published(s, m, ask);
        }
    }
    return m->data.data != NULL;
}

bool session_received(struct session *s, int64_t now_ns, const struct message *m)
{
    enum meta meta = may_be_meta(m) ? meta_of(m) : META_NONE;
    if (session_is_over(s))
        return meta == META_NONE && !m->successful.data && m->data.data;
    if (meta != META_NONE) {
        on_meta(s, now_ns, meta, m);
        return false;
    }
    if (!m->successful.data)
        return on_event(s, m);
    struct session_ask *ask = flying_of(s, m);
    if (ask)
        on_publish(s, m, ask);
    else
        stray(s, m);
    return false;
}

/* ---- exchanges that end ------------------------------------------------------------------- */

static void flying_failed(struct session *s, const weir_error *why, bool repeat)
{
    struct session_ask *ask;
    while ((ask = s->flying.first) != NULL) {
        if (repeat)
            requeue(s, ask);
        else
            ask_done(s, ask, why);
    }
}

/* The one message of a request is too large for the server. */
static void refuse_only(struct session *s, int64_t now_ns, uint64_t id, const weir_error *why)
{
    struct subscription *sub = sub_by_id(s, id);
    weir_error large = *why;
    large.kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    if (sub && sub->phase == PHASE_ASKED)
        sub_refused(s, now_ns, sub, VERDICT_REFUSED, &large);
    else
        subs_unanswered(s, false);
    flying_failed(s, &large, false);
}

static void commands_failed(struct session *s, int64_t now_ns, const struct exchange_slot *slot,
                            const weir_error *why, bool left)
{
    enum verdict verdict = verdict_of_failure(META_SUBSCRIBE, why);
    if (halve(s, slot, why)) {
        subs_unanswered(s, false);
        flying_failed(s, why, true);
        return;
    }
    if (why->code == 413 && why->origin == WEIR_ORIGIN_HTTP) {
        refuse_only(s, now_ns, slot->first_id, why);
        return;
    }
    subs_unanswered(s, left && verdict != VERDICT_LOGIN);
    flying_failed(s, why, !left || verdict == VERDICT_LOGIN);
    if (verdict == VERDICT_LOGIN)
        session_fails(s, verdict, why);
    else
        session_command_failed(s, now_ns, why);
}

/* The server may have sent events that nobody has got; not if it turned the request away. */
static bool may_have_lost(const struct session *s, const struct exchange_slot *slot,
                          const weir_error *why, bool left)
{
    bool refused = why->origin == WEIR_ORIGIN_HTTP &&
                   ((why->code >= 400 && why->code < 500) || why->code == 503);
    bool of_session = slot->meta == META_CONNECT || slot->meta == META_SUBSCRIBE;
    return s->set.replays && left && of_session && !refused && s->client_id;
}

void slot_failed(struct session *s, int64_t now_ns, int which, const weir_error *why, bool left)
{
    struct exchange_slot slot = s->slots[which];
    weir_error none = {0};
    slot_free(&s->slots[which]);
    if (why->status == WEIR_OK) {
        char what[64];
        verdict_what(slot.meta, NULL, what, sizeof what);
        error_set(&none, WEIR_PROTOCOL, "%s: the server's answer holds no reply to it", what);
        none.retry_in_ms = 0;
        why = &none;
    }
    if (slot.meta == META_DISCONNECT) {
        session_left(s);
    } else if (slot.meta == META_SUBSCRIBE) {
        commands_failed(s, now_ns, &slot, why, left);
    } else {
        s->connected_ok = false;
        session_fails(s, verdict_of_failure(slot.meta, why), why);
    }
    if (may_have_lost(s, &slot, why, left) && (!s->broken || s->verdict == VERDICT_RETRY)) {
        s->broken = false;
        session_fails(s, VERDICT_HANDSHAKE, why);
    }
}

void session_ended(struct session *s, int64_t now_ns, unsigned exchange, const weir_error *why,
                   bool left)
{
    static const weir_error fine = {.status = WEIR_OK};
    for (int i = 0; i < SLOT_COUNT && exchange; i++) {
        if (s->slots[i].number == exchange)
            slot_failed(s, now_ns, i, why ? why : &fine, left);
    }
}

void session_lost(struct session *s, int64_t now_ns, const weir_error *why, bool left)
{
    for (int i = 0; i < SLOT_COUNT; i++) {
        if (s->slots[i].number)
            slot_failed(s, now_ns, i, why, left);
    }
}
