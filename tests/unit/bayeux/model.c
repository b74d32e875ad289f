#include "model.h"

#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/bayeux.h>

#define HOLD_MS        110000
#define UNNOTICED_MOST (400 * NS_PER_S) /* nothing is wrong for longer without being said */
#define SENDS_MOST     8                /* in one second: connects and handshakes */

static const char *const channels[MODEL_CHANNELS] = {"/c/0", "/c/1", "/c/2",
                                                     "/c/3", "/c/4", "/c/5"};

static uint64_t chance(struct model *m, uint64_t below)
{
    uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static int64_t now(const struct model *m)
{
    return m->clock.mono;
}

static int64_t in_ms(struct model *m, uint64_t most)
{
    return now(m) + (1 + (int64_t)chance(m, most)) * NS_PER_MS;
}

static int index_of(const char *channel)
{
    for (int i = 0; i < MODEL_CHANNELS; i++) {
        if (strcmp(channels[i], channel) == 0)
            return i;
    }
    return -1;
}

/* ---- the server --------------------------------------------------------------------------- */

static void add(struct buf *out, const struct message *q, const char *members)
{
    buf_adds(out, out->len > 1 ? "," : "");
    buf_adds(out, "{\"channel\":");
    buf_add(out, q->channel.data, q->channel.len);
    buf_adds(out, ",\"id\":");
    buf_add(out, q->id.data, q->id.len);
    if (q->subscription.data) {
        buf_adds(out, ",\"subscription\":");
        buf_add(out, q->subscription.data, q->subscription.len);
    }
    buf_addf(out, ",%s}", members);
}

static void handshake(struct model *m, const struct message *q, struct buf *out)
{
    char members[256];
    m->handshakes++;
    if (m->token < m->token_needed) {
        add(out, q,
            chance(m, 2) ? "\"successful\":false,\"error\":\"401::Authentication invalid\""
                         : "\"successful\":false,\"error\":\"401::Request requires "
                           "authentication\",\"advice\":{\"reconnect\":\"none\"}");
        return;
    }
    if (m->limits) {
        add(out, q, "\"successful\":false,\"error\":\"503::Server is too busy\"");
        return;
    }
    m->sessions++;
    m->alive = true;
    m->subs = 0;
    m->expires_ns = m->session_ms ? now(m) + m->session_ms * NS_PER_MS : INT64_MAX;
    snprintf(members, sizeof members,
             "\"successful\":true,\"clientId\":\"s%d\","
             "\"supportedConnectionTypes\":[\"long-polling\"]",
             m->sessions);
    add(out, q, members);
}

/* What is wrong with a message of a session; NULL: nothing. */
static const char *refusal(struct model *m, const struct message *q)
{
    static const char *const unknown[] = {
        "\"successful\":false,\"error\":\"403::Unknown client\",\"advice\":{\"reconnect\":"
        "\"handshake\",\"interval\":0}",
        "\"successful\":false,\"error\":\"403::Unknown "
        "client\",\"advice\":{\"reconnect\":\"none\"}",
        "\"successful\":false,\"error\":\"402::session_unknown\"",
    };
    char id[32];
    snprintf(id, sizeof id, "s%d", m->sessions);
    if (m->token < m->token_needed)
        return "\"successful\":false,\"error\":\"401::Authentication invalid\",\"advice\":"
               "{\"reconnect\":\"none\",\"interval\":0}";
    if (!m->alive || !slice_equals(q->client_id, id))
        return unknown[chance(m, 3)];
    return NULL;
}

static void command(struct model *m, const struct message *q, struct buf *out)
{
    char *channel = slice_text(q->subscription);
    int which = channel ? index_of(channel) : -1;
    bool subscribes = slice_equals(q->channel, "/meta/subscribe");
    if (subscribes && which >= 0)
        m->subs &= ~(1u << which); /* what is refused is not in force */
    if (subscribes && m->limits) {
        add(out, q, "\"successful\":false,\"error\":\"403::Subscription limit exceeded\"");
    } else if (subscribes && m->trouble && chance(m, 40) == 0) {
        add(out, q, "\"successful\":false,\"error\":\"403::Restricted channel\"");
    } else {
        if (which >= 0)
            m->subs = subscribes ? m->subs | 1u << which : m->subs & ~(1u << which);
        add(out, q, "\"successful\":true");
    }
    mem_free(channel);
}

static void events(struct model *m, struct buf *out)
{
    for (int i = 0; i < MODEL_CHANNELS && m->alive; i++) {
        if (m->subs >> i & 1 && m->next_event_ns <= now(m)) {
            buf_adds(out, out->len > 1 ? "," : "");
            buf_addf(out, "{\"channel\":\"%s\",\"data\":{\"n\":%" PRIu64 "}}", channels[i],
                     ++m->events_made);
        }
    }
    if (m->next_event_ns <= now(m))
        m->next_event_ns = now(m) + m->event_every_ms * NS_PER_MS;
}

static void reply_to(struct model *m, const struct message *q, struct buf *out)
{
    const char *why = NULL;
    if (slice_equals(q->channel, "/meta/handshake")) {
        handshake(m, q, out);
        return;
    }
    if ((why = refusal(m, q)) != NULL) {
        add(out, q, why);
    } else if (slice_equals(q->channel, "/meta/connect")) {
        events(m, out);
        add(out, q,
            q->advice.data ? "\"successful\":true,\"advice\":{\"interval\":0,\"timeout\":110000,"
                             "\"reconnect\":\"retry\"}"
                           : "\"successful\":true");
    } else if (slice_equals(q->channel, "/meta/disconnect")) {
        m->alive = false;
        add(out, q, "\"successful\":true");
    } else {
        command(m, q, out);
    }
}

static void serve(struct model *m, const struct model_out *o, struct buf *out)
{
    struct batch *request = batch_new(mem_dup(o->request, o->len), o->len, "the request", NULL);
    assert_non_null(request);
    buf_adds(out, "[");
    if (m->disconnects) {
        buf_adds(out, "{\"channel\":\"/meta/disconnect\"}");
        m->disconnects = false;
        m->alive = false;
    }
    for (size_t i = 0; i < request->count; i++)
        reply_to(m, &request->messages[i], out);
    buf_adds(out, "]");
    batch_free(request);
}

/* ---- the network -------------------------------------------------------------------------- */

static void hear(struct model *m, const struct buf *text)
{
    weir_error err = {0};
    struct batch *batch = batch_new(mem_dup(text->data, text->len), text->len, "x", &err);
    if (!batch)
        fail_msg("%s: %s", err.message, text->data);
    for (size_t i = 0; i < batch->count; i++)
        m->events_heard += session_received(m->session, now(m), &batch->messages[i]);
    batch_free(batch);
}

static enum model_fate fate_of(struct model *m)
{
    if (now(m) < m->down_until_ns)
        return FATE_REFUSED;
    if (now(m) < m->silent_until_ns)
        return FATE_LOST;
    if (!m->trouble || chance(m, 12) > 0)
        return FATE_ANSWER;
    return (enum model_fate)(1 + chance(m, 4));
}

static struct model_out *free_out(struct model *m, bool connect)
{
    struct model_out *found = NULL;
    for (int i = 0; i < 2; i++) {
        assert_false(connect && m->outs[i].number && m->outs[i].connect); /* one connect */
        if (!m->outs[i].number)
            found = &m->outs[i];
    }
    assert_non_null(found); /* two at most */
    return found;
}

/* Connects and handshakes; what the program wants may be much. */
static void count(struct model *m, const struct model_out *o)
{
    if (!o->connect && !strstr(o->request, "/meta/handshake"))
        return;
    int64_t second = now(m) / NS_PER_S;
    m->sends_in_second = second == m->second ? m->sends_in_second + 1 : 1;
    m->second = second;
    assert_true(m->sends_in_second <= SENDS_MOST);
}

static void on_send(struct model *m, const struct session_action *action)
{
    static const int statuses[] = {500, 502, 503, 429, 408, 404};
    struct model_out *o = free_out(m, action->connect);
    *o = (struct model_out){.number = action->exchange,
                            .connect = action->connect,
                            .request = mem_dup(action->text, action->len),
                            .len = action->len,
                            .until_ns = action->until_ns,
                            .fate = fate_of(m),
                            .http = statuses[chance(m, 6)]};
    o->due_ns = in_ms(m, m->trouble ? 2000 : 50);
    bool held = o->connect && !strstr(o->request, "\"timeout\":0");
    if (held && o->fate == FATE_ANSWER)
        o->due_ns = now(m) + HOLD_MS * NS_PER_MS;
    m->connects += action->connect;
    count(m, o);
}

static void over(struct model *m, struct model_out *o, const weir_error *why, bool left)
{
    unsigned number = o->number;
    mem_free(o->request);
    *o = (struct model_out){0};
    session_ended(m->session, now(m), number, why, left);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t due_of(const struct model *m, const struct model_out *o)
{
    int64_t due = o->due_ns;
    if (o->fate == FATE_LOST)
        return o->until_ns;
    if (o->connect && o->fate == FATE_ANSWER) { /* the server has something to say */
        due = sooner(due, m->expires_ns);
        if (m->subs && m->alive)
            due = sooner(due, m->next_event_ns);
    }
    return sooner(due > now(m) ? due : now(m), o->until_ns);
}

static void arrive(struct model *m, struct model_out *o)
{
    weir_error why = {0};
    struct buf text = BUF_INIT((size_t)1000000);
    if (now(m) >= m->expires_ns)
        m->alive = false;
    if (now(m) >= m->token_expires_ns)
        m->token_needed = m->token + 1, m->token_expires_ns = INT64_MAX;
    if (o->fate == FATE_ANSWER || o->fate == FATE_CUT)
        serve(m, o, &text);
    if (o->fate == FATE_ANSWER)
        hear(m, &text);
    else if (o->fate == FATE_LOST)
        error_set(&why, WEIR_TIMEOUT, "no answer");
    else if (o->fate == FATE_HTTP)
        error_peer(&why,
                   o->http == 429   ? WEIR_BUSY
                   : o->http == 404 ? WEIR_NOT_FOUND
                                    : WEIR_UNREACHABLE,
                   WEIR_ORIGIN_HTTP, o->http, "HTTP %d", o->http);
    else
        error_set(&why, WEIR_UNREACHABLE, "no connection");
    over(m, o, &why, o->fate != FATE_REFUSED);
    buf_free(&text);
}

/* ---- what the session does ---------------------------------------------------------------- */

static void on_news(struct model *m, const struct session_action *action)
{
    if (action->news == WEIR_SESSION_OUTAGE) {
        assert_false(m->outage);
        assert_non_null(action->why);
        assert_true(*action->why->message);
        m->outage = true;
        m->outages++;
    } else if (action->news == WEIR_SESSION_RECOVERED) {
        assert_true(m->outage);
        m->outage = false;
    } else if (action->news == WEIR_SESSION_DROPPED) {
        m->dropped++;
    }
}

static void on_cancel(struct model *m, unsigned exchange)
{
    for (int i = 0; i < 2; i++) {
        if (m->outs[i].number == exchange) {
            mem_free(m->outs[i].request);
            m->outs[i] = (struct model_out){0};
        }
    }
}

static void on_done(struct model *m, struct session_ask *ask)
{
    struct model_ask *mine = (struct model_ask *)(void *)ask;
    assert_true(mine->used);
    mine->used = false;
    m->done++;
}

static bool act(struct model *m)
{
    struct session_action action;
    session_next(m->session, now(m), &action);
    switch (action.kind) {
    case SESSION_LOGIN:
        assert_false(m->login_out);
        m->logins += action.fresh;
        m->login_out = true;
        m->login_fresh = action.fresh;
        m->login_due_ns = in_ms(m, 500);
        break;
    case SESSION_SEND:
        on_send(m, &action);
        break;
    case SESSION_CANCEL:
        on_cancel(m, action.exchange);
        break;
    case SESSION_DONE:
        on_done(m, action.ask);
        break;
    case SESSION_NEWS:
        on_news(m, &action);
        break;
    case SESSION_OVER:
        if (session_has_worked(m->session))
            fail_msg("it is over: %s", action.why->message);
        m->over = true; /* before anything has worked, what cannot be mended may be the end */
        break;
    default:
        break;
    }
    return action.kind != SESSION_NOTHING;
}

static unsigned wanted(const struct model *m)
{
    unsigned bits = 0;
    const char *name;
    for (size_t i = 0; (name = session_subscription(m->session, i)) != NULL; i++)
        bits |= 1u << index_of(name);
    return bits;
}

static void check(struct model *m)
{
    bool good = m->alive && (wanted(m) & ~m->subs) == 0;
    bool still = m->full || session_state(m->session) == SESSION_PAUSED; /* the program's doing */
    if (good || still || m->outage || !session_has_worked(m->session))
        m->bad_since_ns = 0;
    else if (!m->bad_since_ns)
        m->bad_since_ns = now(m);
    if (m->bad_since_ns && now(m) - m->bad_since_ns > UNNOTICED_MOST)
        fail_msg("it was deaf for %d s and did not say so, state %d",
                 (int)((now(m) - m->bad_since_ns) / NS_PER_S), (int)session_state(m->session));
}

static void pump(struct model *m)
{
    int most = 1000;
    while (act(m))
        assert_true(--most > 0);
    check(m);
}

/* ---- the program and the faults ----------------------------------------------------------- */

static void ask_for(struct model *m, enum meta meta, int channel)
{
    for (int i = 0; i < MODEL_ASKS; i++) {
        struct model_ask *a = &m->asks[i];
        if (a->used)
            continue;
        *a = (struct model_ask){
            .used = true,
            .ask = {
                .meta = meta, .channel = channels[channel], .data = {"{}", 2}, .patient = true}};
        session_ask(m->session, now(m), &a->ask);
        return;
    }
}

void model_subscribe(struct model *m, int channel)
{
    ask_for(m, META_SUBSCRIBE, channel);
    pump(m);
}

static void wish(struct model *m)
{
    struct model_ask *any = &m->asks[chance(m, MODEL_ASKS)];
    int channel = (int)chance(m, MODEL_CHANNELS);
    switch (chance(m, 8)) {
    case 0:
    case 1:
        ask_for(m, META_SUBSCRIBE, channel);
        break;
    case 2:
        ask_for(m, META_UNSUBSCRIBE, channel);
        break;
    case 3:
    case 4:
        ask_for(m, META_PUBLISH, channel);
        break;
    case 5:
        if (any->used) {
            session_withdraw(m->session, now(m), &any->ask);
            any->used = false;
        }
        break;
    case 6:
        m->full = !m->full;
        session_queue(m->session, now(m), m->full, !m->full);
        break;
    default:
        ask_for(m, META_HANDSHAKE, channel);
        break;
    }
    m->next_wish_ns = in_ms(m, 30000);
}

static void fault(struct model *m)
{
    switch (chance(m, 8)) {
    case 0:
        m->alive = false;
        break;
    case 1:
        m->token_needed = m->token + 1;
        break;
    case 2:
        m->disconnects = true;
        break;
    case 3:
        m->down_until_ns = in_ms(m, 200000);
        break;
    case 4:
        m->silent_until_ns = in_ms(m, 200000);
        break;
    case 5:
        m->limits = !m->limits;
        break;
    default:
        m->expires_ns = in_ms(m, 60000);
        break;
    }
    m->next_fault_ns = in_ms(m, 120000);
}

static void log_in(struct model *m)
{
    weir_error why = {0};
    m->login_out = false;
    if (now(m) < m->down_until_ns)
        error_set(&why, WEIR_UNREACHABLE, "no token endpoint");
    else if (m->login_fresh && m->token < m->token_needed)
        m->token = m->token_needed;
    if (why.status == WEIR_OK)
        m->token_expires_ns = m->token_ms ? now(m) + m->token_ms * NS_PER_MS : INT64_MAX;
    session_token(m->session, now(m), &why);
}

/* ---- time --------------------------------------------------------------------------------- */

static int64_t next_time(const struct model *m)
{
    int64_t at = session_wake(m->session);
    for (int i = 0; i < 2; i++) {
        if (m->outs[i].number)
            at = sooner(at, due_of(m, &m->outs[i]));
    }
    if (m->login_out)
        at = sooner(at, m->login_due_ns);
    if (m->trouble)
        at = sooner(at, sooner(m->next_wish_ns, m->next_fault_ns));
    return at;
}

static void happen(struct model *m)
{
    for (int i = 0; i < 2; i++) {
        if (m->outs[i].number && due_of(m, &m->outs[i]) <= now(m)) {
            arrive(m, &m->outs[i]);
            pump(m);
        }
    }
    if (m->login_out && m->login_due_ns <= now(m))
        log_in(m);
    pump(m);
    if (m->trouble && m->next_wish_ns <= now(m))
        wish(m);
    if (m->trouble && m->next_fault_ns <= now(m))
        fault(m);
    session_time_passed(m->session, now(m));
    pump(m);
}

void model_run(struct model *m, int64_t ms)
{
    int64_t end = now(m) + ms * NS_PER_MS;
    int still = 0;
    pump(m);
    while (now(m) < end && !m->over) {
        int64_t at = sooner(next_time(m), end);
        int64_t step = at > now(m) ? (at - now(m) + NS_PER_MS - 1) / NS_PER_MS : 0;
        still = step ? 0 : still + 1;
        assert_true(still < 100); /* nothing spins */
        vclock_step(&m->clock, step);
        happen(m);
    }
}

void model_calm(struct model *m)
{
    m->trouble = false;
    m->limits = false;
    m->down_until_ns = m->silent_until_ns = 0;
    if (m->full)
        session_queue(m->session, now(m), m->full = false, true);
    model_run(m, 900000);
    if (m->over)
        return;
    assert_int_equal(session_state(m->session), SESSION_CONNECTED);
    assert_true(m->alive);
    assert_int_equal(wanted(m), m->subs);
    assert_false(m->outage);
    for (int i = 0; i < MODEL_ASKS; i++)
        assert_false(m->asks[i].used);
}

void model_begin(struct model *m, uint64_t seed)
{
    static const char *const polling[] = {"long-polling", NULL};
    memset(m, 0, sizeof *m);
    vclock_init(&m->clock);
    m->clock.seed = seed | 1;
    m->random = seed;
    m->expires_ns = m->token_expires_ns = m->next_event_ns = INT64_MAX;
    m->next_wish_ns = m->next_fault_ns = now(m);
    const struct session_options options = {
        .clock = &m->clock.clock, .transports = polling, .batch = seed % 2 == 0, .ack = true};
    m->session = session_create(&options, NULL);
    assert_non_null(m->session);
}

void model_end(struct model *m)
{
    session_destroy(m->session);
    for (int i = 0; i < 2; i++)
        mem_free(m->outs[i].request);
}
