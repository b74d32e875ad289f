/* One enum, one function that changes it. Time passing is settled first thing in every call, so no
 * timer is needed for a token to expire or a pause to end.
 *
 * Three things keep a token endpoint from being hammered: a request is under way at most once; a
 * failed one is followed by a pause that grows; and tokens that peers reject as fast as they are
 * issued are replaced a few times at once, then with growing pauses. */
#include "credentials/machine.h"

#include "core/error.h"
#include "core/log.h"

#define FAILURE_BASE_MS 500
#define FAILURE_CAP_MS  60000
#define NEEDED_CAP_MS   10000 /* of pauses during which there is no token */
#define FINAL_MIN_MS    1000  /* a refused credential is not offered again before         */
#define REJECTIONS_FREE 3     /* tokens in a row that are replaced without a pause         */
#define RECENT_S        60    /* a failure longer ago says nothing about now */
#define YOUNG_S         60    /* a token older than this was good once                     */

static const char *const names[] = {"empty", "fetching", "fresh", "renewing", "holding", "failed"};

void machine_init(struct machine *m, int leeway_s, const char *name)
{
    *m = (struct machine){
        .state = MACHINE_EMPTY,
        .leeway_s = leeway_s,
        .failures = BACKOFF_INIT(FAILURE_BASE_MS, FAILURE_CAP_MS, 0),
        .rejections = BACKOFF_INIT(FAILURE_BASE_MS, FAILURE_CAP_MS, 0),
        .name = name,
    };
}

/* Ends with a token that nobody rejected: those before it were not rejected in a row. */
static void forgive(struct machine *m)
{
    if (m->token)
        m->rejected = 0;
}

static void drop(struct machine *m)
{
    weir_token_free(m->token);
    m->token = NULL;
}

void machine_clear(struct machine *m)
{
    drop(m);
    m->state = MACHINE_EMPTY;
}

static void enter(struct machine *m, enum machine_state state)
{
    if (state != m->state)
        log_at(WEIR_LOG_DEBUG, "auth", "", "%s: %s -> %s", m->name, names[m->state], names[state]);
    m->state = state;
}

static bool pausing(const struct machine *m, const struct clock *clock)
{
    return clock_boot(clock) < m->paused_until_ns;
}

/* Now a token is needed, and the pause was made for when it is not. */
static void end_lazy_pause(struct machine *m, const struct clock *clock)
{
    if (m->state == MACHINE_HOLDING)
        m->paused_until_ns = clock_boot(clock);
}

/* The held token may have expired since the last call. */
static void settle(struct machine *m, const struct clock *clock)
{
    if (!m->token || !token_is_expired(m->token, clock))
        return;
    forgive(m);
    drop(m);
    end_lazy_pause(m, clock);
    if (m->state == MACHINE_RENEWING)
        enter(m, MACHINE_FETCHING);
    else
        enter(m, m->state == MACHINE_HOLDING ? MACHINE_FAILED : MACHINE_EMPTY);
}

static bool under_way(const struct machine *m)
{
    return m->state == MACHINE_FETCHING || m->state == MACHINE_RENEWING;
}

static void start(struct machine *m, bool *fetch)
{
    *fetch = true;
    enter(m, m->token ? MACHINE_RENEWING : MACHINE_FETCHING);
}

/* Waiting is worth it when the pause ends before the caller's limit does. */
static bool worth_waiting(const struct machine *m, const struct clock *clock,
                          const struct machine_wish *wish)
{
    if (m->final || wish->at_once)
        return false;
    int64_t pause_ns = m->paused_until_ns - clock_boot(clock);
    return wish->until.at_ns == INT64_MAX || clock_mono(clock) + pause_ns < wish->until.at_ns;
}

static bool satisfies(const struct machine *m, const struct machine_wish *wish)
{
    if (!m->token)
        return false;
    return !wish->fresh || (m->generation > wish->generation && !weir_token_from_cache(m->token));
}

enum machine_verdict machine_ask(struct machine *m, const struct clock *clock,
                                 const struct machine_wish *wish, weir_token **token,
                                 weir_error *err, bool *fetch)
{
    *token = NULL;
    *fetch = false;
    settle(m, clock);
    bool paused = (m->state == MACHINE_HOLDING || m->state == MACHINE_FAILED) && pausing(m, clock);
    if (satisfies(m, wish)) {
        if (!under_way(m) && !paused && token_is_stale(m->token, clock, m->leeway_s))
            start(m, fetch);
        *token = weir_token_ref(m->token);
        return MACHINE_TAKE;
    }
    if (under_way(m))
        return MACHINE_WAIT;
    if (!paused) {
        start(m, fetch);
        return MACHINE_WAIT;
    }
    if (worth_waiting(m, clock, wish))
        return MACHINE_WAIT;
    error_copy(err, &m->error);
    if (wish->at_once && err)
        err->retry_in_ms = (int32_t)machine_wake(m, clock);
    return MACHINE_FAIL;
}

static void hold(struct machine *m, weir_token *token)
{
    forgive(m);
    drop(m);
    m->token = token;
    if (!weir_token_from_cache(token))
        m->generation++;
}

void machine_got(struct machine *m, const struct clock *clock, weir_token *token)
{
    (void)clock;
    hold(m, token);
    backoff_reset(&m->failures);
    m->error = (weir_error){0};
    enter(m, MACHINE_FRESH);
}

void machine_found(struct machine *m, const struct clock *clock, weir_token *token)
{
    (void)clock;
    hold(m, token);
    enter(m, MACHINE_RENEWING);
}

static void pause_for(struct machine *m, const struct clock *clock, weir_ms ms)
{
    m->paused_until_ns = clock_boot(clock) + ms * NS_PER_MS;
    log_at(WEIR_LOG_DEBUG, "auth", "", "%s: pausing for %lld ms: %s", m->name, (long long)ms,
           m->error.message);
}

void machine_failed(struct machine *m, const struct clock *clock, const weir_error *why, bool final)
{
    weir_ms hint = why->retry_in_ms > 0 ? why->retry_in_ms : 0;
    settle(m, clock);
    m->error = *why;
    m->failed_ns = clock_boot(clock);
    m->final = final;
    if (final && hint < FINAL_MIN_MS)
        hint = FINAL_MIN_MS;
    m->failures.cap = m->token || final ? FAILURE_CAP_MS : NEEDED_CAP_MS;
    pause_for(m, clock, backoff_next(&m->failures, clock, hint));
    enter(m, m->token ? MACHINE_HOLDING : MACHINE_FAILED);
}

/* Tokens that are refused as fast as they are issued. */
static void pause_after_rejections(struct machine *m, const struct clock *clock)
{
    error_set(&m->error, WEIR_BAD_LOGIN,
              "%s: the last %u tokens were refused by the service as soon as they were used; check "
              "audience and scope, and that the service trusts this token endpoint",
              m->name, m->rejected);
    m->final = true;
    pause_for(m, clock, backoff_next(&m->rejections, clock, FINAL_MIN_MS));
    enter(m, MACHINE_FAILED);
}

bool machine_reject(struct machine *m, const struct clock *clock, const weir_token *token)
{
    settle(m, clock);
    if (!token_same(m->token, token))
        return false;
    int64_t born_ns = token_expires_boot(m->token) - token_lifetime_s(m->token) * NS_PER_S;
    bool young = clock_boot(clock) - born_ns < YOUNG_S * NS_PER_S;
    bool from_server = !weir_token_from_cache(m->token);
    if (!young)
        backoff_reset(&m->rejections);
    m->rejected = young && from_server ? m->rejected + 1 : 0;
    drop(m);
    end_lazy_pause(m, clock);
    if (m->state == MACHINE_RENEWING)
        enter(m, MACHINE_FETCHING);
    else if (m->rejected > REJECTIONS_FREE)
        pause_after_rejections(m, clock);
    else
        enter(m, MACHINE_EMPTY);
    return true;
}

void machine_timeout(const struct machine *m, const struct clock *clock, weir_error *err)
{
    bool recent = clock_boot(clock) - m->failed_ns < RECENT_S * NS_PER_S;
    if (m->error.status != WEIR_OK && recent) {
        error_copy(err, &m->error);
        return;
    }
    error_set(err, WEIR_TIMEOUT,
              "%s: no answer within this call's limit; the request goes on and may serve the next",
              m->name);
    if (err)
        err->kind = WEIR_KIND_TOKEN_UNAVAILABLE;
}

weir_ms machine_wake(const struct machine *m, const struct clock *clock)
{
    if (m->state != MACHINE_FAILED && m->state != MACHINE_HOLDING)
        return WEIR_FOREVER;
    int64_t left = m->paused_until_ns - clock_boot(clock);
    return left <= 0 ? 0 : (left + NS_PER_MS - 1) / NS_PER_MS;
}
