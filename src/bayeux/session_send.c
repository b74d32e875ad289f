/* The messages that go out. Each takes its slot when it is written; a text that cannot be written
 * for lack of memory is a failure like any other, with a pause before it is tried again. */
#include "bayeux/session_private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/log.h"

#include <inttypes.h>
#include <string.h>

#define HOLD_MS    110000 /* a connect is held so long until the server says how long */
#define GOODBYE_MS 2000
#define SLOWEST    4 /* after failures an answer may take so many times as long */
#define EXT_MOST   ((size_t)1024 * 1024)

/* ---- pieces ------------------------------------------------------------------------------- */

static void add_ack(const struct session *s, enum meta meta, struct buf *ext)
{
    if (meta == META_HANDSHAKE && s->set.ack)
        buf_adds(ext, "\"ack\":true");
    else if (meta == META_CONNECT && s->ack_on)
        buf_addf(ext, "\"ack\":%" PRId64, s->ack);
}

/* ,"ext":{...} of the protocol's own extension and the dialect's; nothing, if there is none. */
static void add_ext(struct session *s, enum meta meta, const char *channel, weir_bytes data)
{
    struct buf own = BUF_INIT(EXT_MOST), more = BUF_INIT(EXT_MOST);
    add_ack(s, meta, &own);
    if (s->set.hooks && s->set.hooks->outgoing)
        s->set.hooks->outgoing(s->set.user, meta, channel, data, &more);
    if (own.len || more.len) {
        buf_adds(&s->text, ",\"ext\":{");
        buf_add(&s->text, own.data, own.len);
        buf_adds(&s->text, own.len && more.len ? "," : "");
        buf_add(&s->text, more.data, more.len);
        buf_adds(&s->text, "}");
    }
    s->text.failed = s->text.failed || own.failed || more.failed;
    buf_free(&own);
    buf_free(&more);
}

/* {"channel":"...","id":"7","clientId":"..." */
static uint64_t begin(struct session *s, const char *channel)
{
    uint64_t id = ++s->ids;
    buf_adds(&s->text, "{\"channel\":");
    json_add_string(&s->text, channel, strlen(channel));
    buf_addf(&s->text, ",\"id\":\"%" PRIu64 "\"", id);
    if (s->client_id) {
        buf_adds(&s->text, ",\"clientId\":");
        buf_adds(&s->text, s->client_id);
    }
    return id;
}

static void clear(struct session *s)
{
    buf_free(&s->text);
    s->text = (struct buf)BUF_INIT(SIZE_MAX / 2);
}

static int64_t limit(const struct session *s, int64_t now_ns, int64_t hold_ms)
{
    int64_t times = s->failures < SLOWEST ? 1 + (int64_t)s->failures : SLOWEST;
    return now_ns + (hold_ms + s->set.max_network_delay * times) * NS_PER_MS;
}

static bool post(struct session *s, int which, enum meta meta, int64_t until_ns,
                 struct session_action *out)
{
    struct exchange_slot *slot = &s->slots[which];
    slot->number = ++s->exchanges ? s->exchanges : ++s->exchanges;
    slot->meta = meta;
    slot->last_id = s->ids;
    slot->unanswered = (size_t)(slot->last_id - slot->first_id) + 1;
    slot->len = s->text.len;
    *out = (struct session_action){.kind = SESSION_SEND,
                                   .exchange = slot->number,
                                   .connect = meta == META_CONNECT,
                                   .text = s->text.data,
                                   .len = s->text.len,
                                   .until_ns = until_ns};
    return true;
}

/* ---- one message -------------------------------------------------------------------------- */

/* A request of its own, begun with begin(). */
static bool post_one(struct session *s, int64_t now_ns, int which, enum meta meta, int64_t hold_ms,
                     struct session_action *out)
{
    weir_error why = {0};
    const weir_bytes nothing = {NULL, 0};
    static const char *const channels[] = {[META_HANDSHAKE] = "/meta/handshake",
                                           [META_CONNECT] = "/meta/connect",
                                           [META_DISCONNECT] = "/meta/disconnect"};
    add_ext(s, meta, channels[meta], nothing);
    buf_adds(&s->text, "}]");
    s->slots[which].first_id = s->ids;
    if (buf_finish(&s->text, &why) == WEIR_OK)
        return post(s, which, meta, limit(s, now_ns, hold_ms), out);
    clear(s);
    if (meta == META_DISCONNECT)
        session_left(s);
    else
        session_failed(s, now_ns, VERDICT_RETRY, &why);
    return false;
}

bool send_handshake(struct session *s, int64_t now_ns, struct session_action *out)
{
    clear(s);
    buf_adds(&s->text, "[");
    begin(s, "/meta/handshake");
    buf_adds(&s->text, ",\"version\":\"1.0\",\"minimumVersion\":\"1.0\","
                       "\"supportedConnectionTypes\":[");
    for (const char *const *t = s->set.transports; *t; t++) {
        buf_adds(&s->text, t == s->set.transports ? "" : ",");
        json_add_string(&s->text, *t, strlen(*t));
    }
    buf_adds(&s->text, "]");
    return post_one(s, now_ns, SLOT_COMMAND, META_HANDSHAKE, 0, out);
}

bool send_connect(struct session *s, int64_t now_ns, struct session_action *out)
{
    int64_t hold = s->advice.timeout_ms >= 0 ? s->advice.timeout_ms : HOLD_MS;
    bool at_once = s->zero_hold;
    clear(s);
    buf_adds(&s->text, "[");
    begin(s, "/meta/connect");
    buf_adds(&s->text, ",\"connectionType\":");
    json_add_string(&s->text, s->transport, strlen(s->transport));
    if (at_once)
        buf_adds(&s->text, ",\"advice\":{\"timeout\":0}");
    bool posted = post_one(s, now_ns, SLOT_CONNECT, META_CONNECT, at_once ? 0 : hold, out);
    s->slots[SLOT_CONNECT].at_once = at_once;
    s->slots[SLOT_CONNECT].sent_ns = now_ns;
    return posted;
}

bool send_disconnect(struct session *s, int64_t now_ns, struct session_action *out)
{
    clear(s);
    buf_adds(&s->text, "[");
    begin(s, "/meta/disconnect");
    if (!post_one(s, now_ns, SLOT_COMMAND, META_DISCONNECT, 0, out))
        return false;
    out->until_ns = now_ns + GOODBYE_MS * NS_PER_MS;
    return true;
}

/* ---- commands ----------------------------------------------------------------------------- */

/* Writing a batch: what has no room is taken off again, and waits for the next. */
struct batch_writer {
    struct session *s;
    size_t count, most; /* messages; bytes */
};

static size_t open_message(struct batch_writer *w)
{
    size_t mark = w->s->text.len;
    buf_adds(&w->s->text, w->count ? "," : "[");
    return mark;
}

enum fit { FITS, WAITS, TOO_LARGE, BROKEN };

/* The message since `mark` is written but for its end. */
static enum fit close_message(struct batch_writer *w, size_t mark)
{
    struct buf *text = &w->s->text;
    buf_adds(text, "}");
    if (text->failed)
        return BROKEN;
    size_t len = text->len + 1; /* ] */
    bool fits = len <= w->most || (w->count == 0 && len <= w->s->set.max_request);
    if (fits) {
        w->count++;
        return FITS;
    }
    text->len = mark;
    if (text->data)
        text->data[mark] = '\0';
    w->s->ids--;
    return w->count ? WAITS : TOO_LARGE;
}

static void too_large(weir_error *err, const struct session *s, const char *what,
                      const char *channel)
{
    error_set(err, WEIR_INVALID, "%s '%s': the message is larger than the %zu bytes of a request",
              what, channel, s->set.max_request);
    err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
}

static enum fit write_sub(struct batch_writer *w, struct subscription *sub)
{
    struct session *s = w->s;
    const weir_bytes nothing = {NULL, 0};
    enum meta meta = sub->wanted ? META_SUBSCRIBE : META_UNSUBSCRIBE;
    size_t mark = open_message(w);
    uint64_t id = begin(s, sub->wanted ? "/meta/subscribe" : "/meta/unsubscribe");
    buf_adds(&s->text, ",\"subscription\":");
    json_add_string(&s->text, sub->channel, strlen(sub->channel));
    add_ext(s, meta, sub->channel, nothing);
    enum fit fit = close_message(w, mark);
    if (fit == FITS) {
        sub->id = id;
        sub_phase(s, sub, sub->wanted ? PHASE_ASKED : PHASE_LEAVING);
    }
    return fit;
}

static bool is_due(const struct subscription *sub, int64_t now_ns)
{
    bool unsettled = sub->wanted ? sub->phase == PHASE_OFF : sub->phase == PHASE_ON;
    return unsettled && now_ns >= sub->not_before_ns;
}

static enum fit write_subs(struct batch_writer *w, int64_t now_ns)
{
    struct session *s = w->s;
    enum fit fit = FITS;
    struct subscription *next;
    for (struct subscription *sub = s->unsettled ? s->subs : NULL; sub && fit == FITS; sub = next) {
        next = sub->next;
        if (!is_due(sub, now_ns))
            continue;
        if (w->count && !s->set.batch)
            return WAITS;
        fit = write_sub(w, sub);
        if (fit == TOO_LARGE) {
            weir_error why = {0};
            too_large(&why, s, "subscribing to", sub->channel);
            sub_refused(s, now_ns, sub, VERDICT_REFUSED, &why);
            fit = FITS;
        }
    }
    return fit;
}

static enum fit write_publish(struct batch_writer *w, struct session_ask *ask)
{
    struct session *s = w->s;
    size_t mark = open_message(w);
    uint64_t id = begin(s, ask->channel);
    buf_adds(&s->text, ",\"data\":");
    buf_add(&s->text, ask->data.data, ask->data.len);
    add_ext(s, META_PUBLISH, ask->channel, ask->data);
    enum fit fit = close_message(w, mark);
    if (fit == FITS) {
        ask_unlink(ask);
        ask->id = id;
        asks_add(&s->flying, ask);
    }
    return fit;
}

static enum fit write_publishes(struct batch_writer *w)
{
    struct session *s = w->s;
    enum fit fit = FITS;
    while (s->publishes.first && fit == FITS) {
        struct session_ask *ask = s->publishes.first;
        if (w->count && !s->set.batch)
            return WAITS;
        fit = write_publish(w, ask);
        if (fit == TOO_LARGE) {
            weir_error why = {0};
            too_large(&why, s, "publishing to", ask->channel);
            ask_done(s, ask, &why);
            fit = FITS;
        }
    }
    return fit;
}

/* No memory for the text: what was in it is put back. */
static void take_back(struct session *s, int64_t now_ns)
{
    weir_error why = {0};
    error_no_memory(&why);
    clear(s);
    subs_unanswered(s, false);
    for (struct session_ask *ask; (ask = s->flying.first) != NULL;)
        ask_done(s, ask, &why);
    session_command_failed(s, now_ns, &why);
}

bool send_commands(struct session *s, int64_t now_ns, struct session_action *out)
{
    if (now_ns < s->command_at_ns || (!s->unsettled && !s->publishes.first))
        return false;
    struct batch_writer w = {.s = s, .most = s->max_batch};
    clear(s);
    s->slots[SLOT_COMMAND].first_id = s->ids + 1;
    enum fit fit = write_subs(&w, now_ns);
    if (fit == FITS)
        fit = write_publishes(&w);
    if (fit != BROKEN && w.count > 0)
        buf_adds(&s->text, "]");
    if (fit == BROKEN || s->text.failed) {
        take_back(s, now_ns);
        return false;
    }
    return w.count > 0 && post(s, SLOT_COMMAND, META_SUBSCRIBE, limit(s, now_ns, 0), out);
}
