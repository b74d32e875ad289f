/* What becomes of a failure.
 *
 * Pauses: full jitter between 0 and 1 s, 2 s, ... 30 s, or what the server wishes, and short ones
 * as long as that may save the session; minutes where a limit or an overloaded server is the cause.
 * A lost session is made anew at once, and a refused token replaced at once, but only once until
 * the session has been good for GOOD_MS: so neither can turn into a loop.
 *
 * Outages: from the first failure until session_check() finds that the last connect succeeded and
 * every wanted subscription is in force. After connection_timeout it is said, once.
 *
 * The end: before anything has ever worked, what retrying cannot mend; and an outage of give_up. */
#include "bayeux/session_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

#include <weir/bayeux.h>

#include <string.h>

#define GOOD_NS    (10 * NS_PER_S)
#define KEEP_MS    10000 /* a server keeps a session so long without a connect (CometD's default) */
#define SHORT_NS   (250 * NS_PER_MS)
#define LATER_MS   60000 /* a limit is looked at again after one minute to five */
#define LATER_MORE 240000
#define LONGEST_MS 3600000 /* no server's wish is longer */

static weir_ms wish_of(const weir_error *why)
{
    weir_ms wish = why->retry_in_ms > 0 ? why->retry_in_ms : 0;
    return wish < LONGEST_MS ? wish : LONGEST_MS;
}

int64_t session_later(struct session *s, const weir_error *why)
{
    weir_ms wish = wish_of(why);
    weir_ms more = (weir_ms)clock_random(s->set.clock, LATER_MORE + 1);
    return (wish > 0 ? wish : LATER_MS + more) * NS_PER_MS;
}

/* ---- outages ------------------------------------------------------------------------------ */

void session_note(struct session *s, int64_t now_ns, const weir_error *why, const char *channel)
{
    error_copy(&s->cause, why);
    mem_free(s->cause_channel);
    s->cause_channel = mem_strdup(channel);
    if (!s->failing_ns)
        s->failing_ns = now_ns;
    log_at(WEIR_LOG_INFO, "bayeux", s->set.name, "%s", why->message);
}

static bool gives_up(const struct session *s)
{
    return s->set.give_up > 0;
}

void session_pass_outage(struct session *s, int64_t now_ns)
{
    if (!s->failing_ns || session_is_ending(s))
        return;
    int64_t lasted = now_ns - s->failing_ns;
    if (gives_up(s) && lasted >= s->set.give_up * NS_PER_MS) {
        session_end(s, SESSION_FAILED, &s->cause);
    } else if (!s->outage_said && lasted >= s->set.connection_timeout * NS_PER_MS) {
        s->outage_said = true;
        session_say(s, WEIR_SESSION_OUTAGE);
    }
}

int64_t session_wake_outage(const struct session *s)
{
    int64_t at = INT64_MAX;
    if (!s->failing_ns || session_is_ending(s))
        return at;
    if (!s->outage_said)
        at = s->failing_ns + s->set.connection_timeout * NS_PER_MS;
    int64_t end = gives_up(s) ? s->failing_ns + s->set.give_up * NS_PER_MS : INT64_MAX;
    return at < end ? at : end;
}

void session_check(struct session *s)
{
    if (!s->failing_ns || s->state != SESSION_CONNECTED || !s->connected_ok || s->gone ||
        s->missing > 0)
        return;
    s->failing_ns = 0;
    mem_free(s->cause_channel);
    s->cause_channel = NULL;
    if (s->outage_said)
        session_say(s, WEIR_SESSION_RECOVERED);
    s->outage_said = false;
}

/* ---- pauses ------------------------------------------------------------------------------- */

/* Since it came to work the session was good for long enough to forget what was before. */
static void forget(struct session *s, int64_t now_ns)
{
    if (!s->opened_ns || now_ns - s->opened_ns < GOOD_NS)
        return;
    backoff_reset(&s->backoff);
    s->failures = 0;
    s->spent_handshake = false;
    s->spent_login = false;
}

static void pause_for(struct session *s, int64_t now_ns, enum then then, int64_t ns)
{
    s->then = then;
    s->wait_until_ns = now_ns + ns;
    session_enter(s, SESSION_WAITING);
}

static int64_t next_pause(struct session *s, const weir_error *why)
{
    return backoff_next(&s->backoff, s->set.clock, wish_of(why)) * NS_PER_MS;
}

/* A server forgets a session without a connect. While it can still be saved, each pause is at most
 * a quarter of the time that is left. */
static int64_t pause_before(const struct session *s, enum then then, int64_t now_ns,
                            int64_t pause_ns)
{
    int64_t keep_ms = s->advice.max_interval_ms > 0 ? s->advice.max_interval_ms : KEEP_MS;
    int64_t left_ns = keep_ms * NS_PER_MS - (now_ns - s->lost_ns);
    int64_t most_ns = left_ns / 4 > SHORT_NS ? left_ns / 4 : SHORT_NS;
    return then == THEN_CONNECT && left_ns > 0 && pause_ns > most_ns ? most_ns : pause_ns;
}

static void shake_hands_again(struct session *s, int64_t now_ns, const weir_error *why)
{
    session_drop(s, why);
    if (!s->spent_handshake) {
        s->spent_handshake = true;
        session_enter(s, SESSION_HANDSHAKING);
    } else {
        pause_for(s, now_ns, THEN_HANDSHAKE, next_pause(s, why));
    }
}

static void log_in_again(struct session *s, int64_t now_ns, const weir_error *why)
{
    session_drop(s, why);
    if (!s->spent_login) {
        s->spent_login = true;
        session_log_in(s, true);
    } else if (!s->worked) { /* the fresh one, too */
        session_end(s, SESSION_FAILED, why);
    } else {
        s->fresh = true;
        pause_for(s, now_ns, THEN_LOGIN, next_pause(s, why));
    }
}

/* The step that failed; as the server wishes, if it does. */
static void same_again(struct session *s, int64_t now_ns, const weir_error *why)
{
    enum then then = s->client_id ? THEN_CONNECT : THEN_HANDSHAKE;
    int64_t pause_ns = next_pause(s, why);
    if (s->state == SESSION_LOGGING_IN)
        then = THEN_LOGIN;
    if (wish_of(why) == 0)
        pause_ns = pause_before(s, then, now_ns, pause_ns);
    pause_for(s, now_ns, then, pause_ns);
}

/* Retrying does not mend it: the end, unless it has worked; then a new session may. */
static void refused(struct session *s, int64_t now_ns, const weir_error *why)
{
    enum then then = s->state == SESSION_LOGGING_IN ? THEN_LOGIN : THEN_HANDSHAKE;
    if (!s->worked) {
        session_end(s, SESSION_FAILED, why);
        return;
    }
    session_drop(s, why);
    pause_for(s, now_ns, then, next_pause(s, why));
}

void session_failed(struct session *s, int64_t now_ns, enum verdict verdict, const weir_error *why)
{
    if (session_is_ending(s))
        return;
    forget(s, now_ns);
    session_note(s, now_ns, why, NULL);
    s->failures++;
    s->opened_ns = 0;
    s->lost_ns = s->lost_ns ? s->lost_ns : now_ns;
    s->connected_ok = false;
    switch (verdict) {
    case VERDICT_HANDSHAKE:
        shake_hands_again(s, now_ns, why);
        break;
    case VERDICT_LOGIN:
        log_in_again(s, now_ns, why);
        break;
    case VERDICT_LATER:
        pause_for(s, now_ns, s->state == SESSION_LOGGING_IN ? THEN_LOGIN : THEN_HANDSHAKE,
                  session_later(s, why));
        session_drop(s, why);
        break;
    case VERDICT_REFUSED:
        refused(s, now_ns, why);
        break;
    default:
        same_again(s, now_ns, why);
    }
}

/* A refused token explains the others, and a limit a lost session. */
static int weight(enum verdict verdict)
{
    return verdict == VERDICT_LOGIN ? 2 : verdict == VERDICT_LATER ? 1 : 0;
}

void session_fails(struct session *s, enum verdict verdict, const weir_error *why)
{
    if (s->broken && weight(verdict) <= weight(s->verdict))
        return;
    s->broken = true;
    s->verdict = verdict;
    error_copy(&s->broken_why, why);
}

void session_settle(struct session *s, int64_t now_ns)
{
    static const weir_error left = {.status = WEIR_UNREACHABLE,
                                    .message = "the server has ended the session"};
    if (!s->broken && !s->gone)
        return;
    bool broken = s->broken, gone = s->gone && s->client_id;
    weir_error why = s->broken_why;
    s->broken = false;
    s->gone = false;
    if (gone && (!broken || weight(s->verdict) == 0)) {
        s->verdict = VERDICT_HANDSHAKE;
        why = broken ? why : left;
        broken = true;
    }
    if (broken)
        session_failed(s, now_ns, s->verdict, &why);
}

void session_command_failed(struct session *s, int64_t now_ns, const weir_error *why)
{
    session_note(s, now_ns, why, NULL);
    s->command_at_ns =
        now_ns + backoff_next(&s->command_backoff, s->set.clock, wish_of(why)) * NS_PER_MS;
}
