/* The life of a session: states, and what passes with time. What is in other files is listed in
 * session_private.h.
 *
 * Two things are kept apart: the state, which says what is being done about being in touch, and the
 * session at the server (client_id), which may outlive a lost connection. Whoever drops the latter
 * puts every subscription back to "not in force", so that nothing that must be made anew can be
 * forgotten; and only session_check(), which looks at both, says that all is well again. */
#include "bayeux/session_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <weir/bayeux.h>

#include <string.h>

#define TIMEOUT_MS   10000 /* of what has no other default */
#define STALL_MS     30000
#define GONE_MS      40000 /* a server keeps a session nobody asks for so long, unless it says */
#define REQUEST_MOST (1024 * 1024)

static const char *const names[] = {
    [SESSION_IDLE] = "idle",
    [SESSION_LOGGING_IN] = "logging in",
    [SESSION_HANDSHAKING] = "handshaking",
    [SESSION_CONNECTING] = "connecting",
    [SESSION_CONNECTED] = "connected",
    [SESSION_WAITING] = "waiting",
    [SESSION_PAUSING] = "pausing",
    [SESSION_PAUSED] = "paused",
    [SESSION_CLOSING] = "closing",
    [SESSION_CLOSED] = "closed",
    [SESSION_FAILED] = "failed",
};

/* ---- states ------------------------------------------------------------------------------- */

void session_enter(struct session *s, enum session_state state)
{
    if (s->state == state)
        return;
    log_at(WEIR_LOG_DEBUG, "bayeux", s->set.name, "%s -> %s", names[s->state], names[state]);
    s->state = state;
}

bool session_is_over(const struct session *s)
{
    return s->state == SESSION_CLOSED || s->state == SESSION_FAILED;
}

bool session_is_ending(const struct session *s)
{
    return s->state == SESSION_PAUSING || s->state == SESSION_PAUSED ||
           s->state == SESSION_CLOSING || session_is_over(s);
}

void session_say(struct session *s, int news)
{
    s->news |= 1u << news;
}

void session_drop(struct session *s, const weir_error *why)
{
    for (int i = 0; i < SLOT_COUNT; i++)
        slot_cancel(&s->slots[i]);
    s->reset = s->reset || s->client_id;
    mem_free(s->client_id);
    s->client_id = NULL;
    s->gone = false;
    s->broken = false;
    s->connected_ok = false;
    s->connect_at_ns = 0;
    s->command_at_ns = 0;
    s->advice.reconnect[0] = '\0';
    subs_reset(s);
    asks_done(s, &s->flying, why);
}

void session_log_in(struct session *s, bool fresh)
{
    s->fresh = fresh;
    s->login_out = false;
    session_enter(s, SESSION_LOGGING_IN);
}

void session_end(struct session *s, enum session_state how, const weir_error *why)
{
    if (session_is_over(s))
        return;
    error_copy(&s->why, why);
    if (how == SESSION_FAILED) {
        s->why.retry_in_ms = -1; /* whatever might have mended itself: nobody tries any more */
        why = &s->why;
    }
    session_enter(s, how);
    session_drop(s, why);
    asks_done(s, &s->handshakes, why);
    asks_done(s, &s->publishes, why);
    for (struct subscription *sub = s->subs; sub; sub = sub->next)
        asks_done(s, &sub->asks, why);
}

static void resume(struct session *s)
{
    if (s->state != SESSION_PAUSED || s->full || !s->half_empty)
        return;
    session_say(s, WEIR_SESSION_RESUMED);
    session_log_in(s, false);
}

void session_left(struct session *s)
{
    static const weir_error stopped = {
        .status = WEIR_STOPPED, .retry_in_ms = -1, .message = "stopped"};
    static const weir_error paused = {.status = WEIR_UNREACHABLE,
                                      .message = "the session was closed: nobody takes its events"};
    if (s->state == SESSION_CLOSING) {
        session_end(s, SESSION_CLOSED, &stopped);
    } else if (s->state == SESSION_PAUSING) {
        session_drop(s, &paused);
        session_enter(s, SESSION_PAUSED);
        session_say(s, WEIR_SESSION_PAUSED);
        resume(s); /* the program may have come to in the meantime */
    }
}

/* ---- making one --------------------------------------------------------------------------- */

struct session *session_create(const struct session_options *options, weir_error *err)
{
    struct session *s = mem_zalloc(sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->set = *options;
    if (s->set.connection_timeout <= 0)
        s->set.connection_timeout = TIMEOUT_MS;
    if (s->set.max_network_delay <= 0)
        s->set.max_network_delay = TIMEOUT_MS;
    if (s->set.stall <= 0)
        s->set.stall = STALL_MS;
    if (s->set.max_request == 0)
        s->set.max_request = REQUEST_MOST;
    s->max_batch = s->set.max_request;
    s->advice = (struct advice){"", -1, -1, -1};
    s->backoff = s->command_backoff = (struct backoff)BACKOFF_INIT(1000, 30000, 0);
    s->text = (struct buf)BUF_INIT(SIZE_MAX / 2);
    s->subs_end = &s->subs;
    error_ok(err);
    return s;
}

void session_destroy(struct session *s)
{
    if (!s)
        return;
    static const weir_error stopped = {.status = WEIR_STOPPED, .retry_in_ms = -1};
    session_end(s, SESSION_CLOSED, &stopped);
    struct session_ask *ask;
    while ((ask = s->done.first) != NULL) { /* nobody asks any more */
        ask_unlink(ask);
        error_drop(ask->why);
        batch_free(ask->reply);
    }
    error_drop(s->said);
    batch_free(s->said_reply);
    subs_free(s);
    buf_free(&s->text);
    mem_free(s->cause_channel);
    mem_free(s);
}

/* ---- what the owner says ------------------------------------------------------------------ */

void session_close(struct session *s, int64_t now_ns)
{
    (void)now_ns;
    if (session_is_over(s) || s->state == SESSION_CLOSING)
        return;
    bool at_server = s->client_id && s->state != SESSION_PAUSED;
    session_enter(s, SESSION_CLOSING);
    if (!at_server)
        session_left(s);
}

void session_fail(struct session *s, int64_t now_ns, const weir_error *why)
{
    (void)now_ns;
    session_end(s, SESSION_FAILED, why);
}

static bool is_offered(const struct session *s, const char *transport)
{
    for (const char *const *t = s->set.transports; *t; t++) {
        if (strcmp(*t, transport) == 0)
            return true;
    }
    return false;
}

void session_transports(struct session *s, int64_t now_ns, const char *const *transports)
{
    static const weir_error changed = {.status = WEIR_UNREACHABLE,
                                       .message = "its transport is not to be used any more"};
    (void)now_ns;
    s->set.transports = transports;
    if (session_is_ending(s) || !s->client_id || is_offered(s, s->transport))
        return;
    session_drop(s, &changed);
    session_enter(s, SESSION_HANDSHAKING);
}

void session_queue(struct session *s, int64_t now_ns, bool full, bool half_empty)
{
    if (full && !s->full)
        s->full_ns = now_ns;
    s->full = full;
    s->half_empty = half_empty;
    resume(s);
}

void session_token(struct session *s, int64_t now_ns, const weir_error *why)
{
    if (s->state != SESSION_LOGGING_IN)
        return;
    s->login_out = false;
    if (!why || why->status == WEIR_OK) {
        s->fresh = false;
        session_enter(s, SESSION_HANDSHAKING);
        return;
    }
    enum verdict verdict = verdict_of_failure(META_HANDSHAKE, why);
    if (verdict == VERDICT_LOGIN)
        verdict = VERDICT_REFUSED; /* another token is what was asked for */
    session_failed(s, now_ns, verdict, why);
}

/* ---- time --------------------------------------------------------------------------------- */

static bool stalls(const struct session *s)
{
    return s->full && (s->state == SESSION_CONNECTING || s->state == SESSION_CONNECTED);
}

/* Whether the server will have forgotten the session in the meantime. */
static bool too_late(const struct session *s, int64_t now_ns)
{
    int64_t kept = s->advice.max_interval_ms > 0 ? s->advice.max_interval_ms : GONE_MS;
    return s->lost_ns && now_ns - s->lost_ns > kept * NS_PER_MS;
}

static void go_on(struct session *s, int64_t now_ns)
{
    static const weir_error late = {.status = WEIR_UNREACHABLE,
                                    .message = "the session was out of touch for too long"};
    if (s->then == THEN_LOGIN) {
        session_log_in(s, s->fresh);
    } else if (s->then == THEN_CONNECT && s->client_id && !too_late(s, now_ns)) {
        s->zero_hold = true;
        session_enter(s, SESSION_CONNECTING);
    } else {
        session_drop(s, &late);
        session_enter(s, SESSION_HANDSHAKING);
    }
}

void session_pass(struct session *s, int64_t now_ns)
{
    if (session_is_over(s))
        return;
    if (s->state == SESSION_WAITING && now_ns >= s->wait_until_ns)
        go_on(s, now_ns);
    if (stalls(s) && now_ns - s->full_ns >= s->set.stall * NS_PER_MS)
        session_enter(s, SESSION_PAUSING);
    session_pass_outage(s, now_ns);
}

void session_time_passed(struct session *s, int64_t now_ns)
{
    session_pass(s, now_ns);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t session_wake(const struct session *s)
{
    int64_t at = INT64_MAX;
    if (session_is_over(s) || s->state == SESSION_CLOSING || s->state == SESSION_PAUSED)
        return at;
    if (s->state == SESSION_WAITING)
        at = s->wait_until_ns;
    if (stalls(s))
        at = sooner(at, s->full_ns + s->set.stall * NS_PER_MS);
    bool connects = s->state == SESSION_CONNECTING || s->state == SESSION_CONNECTED;
    if (connects && !s->full && !s->slots[SLOT_CONNECT].number)
        at = sooner(at, s->connect_at_ns);
    if (s->state == SESSION_CONNECTED && !s->slots[SLOT_COMMAND].number)
        at = sooner(at, subs_wake(s));
    return sooner(at, session_wake_outage(s));
}

/* ---- what is known ------------------------------------------------------------------------ */

enum session_state session_state(const struct session *s)
{
    return s->state;
}

const weir_error *session_reason(const struct session *s)
{
    return &s->why;
}

const char *session_transport(const struct session *s)
{
    return s->transport;
}

bool session_has_worked(const struct session *s)
{
    return s->worked;
}
