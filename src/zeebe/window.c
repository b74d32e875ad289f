/* A worker's window. See window.h; the rules in short:
 *
 * Room. A poll asks for all of it. Credit is what the stream may deliver unasked for: a few
 * messages, never more than there is room for when it is given. When a poll and the stream bring
 * all they may, so much is parked as was credit, and no more.
 *
 * Polls. The next one comes when `poll_at` jobs or fewer are in hand:
 * at once if the last one brought as many as were asked for; after `poll_interval`, counted from
 * its start, if it brought fewer; at once if it was empty after having waited for `long_poll`, else
 * after `poll_interval`. With a stream open an empty poll is the rule, and the pause after it
 * grows.
 *
 * Streams. One is open always. What ends after a while, or after having delivered something, is
 * opened again at once, everything else after a backoff of its own. One that is silent while polls
 * bring jobs is taken for dead.
 *
 * Outages. From the first failure until something works. RESOURCE_EXHAUSTED is none before it has
 * lasted for LONG_OUTAGE_MS. The second failure in a row is said, so that a gateway that goes and
 * comes again within a moment makes no noise. */
#include "zeebe/window.h"

#define BACKOFF_FIRST_MS    100
#define BACKOFF_MOST_MS     5000
#define POLL_GOOD_MS        2000
#define LONG_OUTAGE_MS      10000
#define LATE_MS             1000   /* a poll that runs so long on a ready channel works */
#define SILENT_MS           600000 /* of a stream without news                          */
#define SILENT_BESIDE_MS    60000  /* ... while polls bring jobs                        */
#define ASK_LEAST_TOO_LARGE 1

static int64_t later(int64_t now, weir_ms ms)
{
    return ms > (INT64_MAX - now) / NS_PER_MS ? INT64_MAX : now + ms * NS_PER_MS;
}

void window_init(struct window *w, const struct window_settings *settings, int64_t now)
{
    *w = (struct window){
        .set = *settings,
        .poll = settings->polls ? POLL_WAITING : POLL_OFF,
        .stream = settings->streams ? STREAM_WAITING : STREAM_OFF,
        .ask_most = settings->max_active,
        .poll_at_ns = now,
        .stream_at_ns = now,
        .poll_backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS, POLL_GOOD_MS),
        .idle_backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS, 0),
        .stream_backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS, WINDOW_STREAM_GOOD_MS),
    };
}

static size_t in_hand(const struct window *w)
{
    return w->held + w->parked;
}

static size_t room(const struct window *w)
{
    return in_hand(w) < w->set.max_active ? w->set.max_active - in_hand(w) : 0;
}

/* ---- outages ----------------------------------------------------------------------------- */

static void works(struct window *w)
{
    w->login_good = true;
    w->failures = 0;
    w->failing_ns = 0;
}

/* Failures that are the same however often one tries. */
static bool is_hopeless(const struct window *w, const struct window_answer *a)
{
    switch (a->status) {
    case WEIR_INVALID:
        return a->kind != WEIR_KIND_MESSAGE_TOO_LARGE;
    case WEIR_FORBIDDEN:
    case WEIR_MISSING:
        return true;
    case WEIR_UNSUPPORTED: /* from a proxy, while the gateway behind it is away */
    case WEIR_BAD_LOGIN:
    case WEIR_UNTRUSTED:
        return !w->login_good;
    default:
        return false;
    }
}

/* What stood there without an answer, to its limit, has failed since `from`. */
static enum window_verdict failed(struct window *w, const struct window_answer *a, int64_t from,
                                  int64_t now)
{
    if (is_hopeless(w, a))
        return WINDOW_OVER;
    w->unanswered = a->status == WEIR_TIMEOUT;
    if (!w->failing_ns)
        w->failing_ns = w->unanswered ? from : now;
    w->failures++;
    int64_t lasted = now - w->failing_ns;
    if (w->set.give_up != WEIR_FOREVER && lasted >= w->set.give_up * NS_PER_MS)
        return WINDOW_OVER;
    bool outage =
        lasted >= LONG_OUTAGE_MS * NS_PER_MS || (a->status != WEIR_BUSY && w->failures > 1);
    if (w->said || !outage)
        return WINDOW_GOES_ON;
    w->said = true;
    return WINDOW_OUTAGE;
}

/* ---- polls ------------------------------------------------------------------------------- */

static enum window_place place(struct window *w)
{
    bool fits = room(w) > 0;
    if (fits)
        w->held++;
    else
        w->parked++;
    return fits ? WINDOW_TAKE : WINDOW_PARK;
}

enum window_place window_polled(struct window *w)
{
    w->brought++;
    w->polled_since++;
    if (w->brought <= w->asked)
        return place(w);
    w->held++;
    return WINDOW_HAND_BACK;
}

void window_brought_jobs(struct window *w)
{
    works(w);
}

/* When the next one may start after one that went well. */
static int64_t after_poll(struct window *w, int64_t now)
{
    bool waited = now - w->poll_from_ns >= w->set.long_poll * NS_PER_MS / 2;
    bool streaming = w->stream == STREAM_OPEN || w->stream == STREAM_CLOSING;
    if (w->brought > 0) {
        backoff_reset(&w->idle_backoff);
        return w->brought >= w->asked ? now : later(w->poll_from_ns, w->set.poll_interval);
    }
    if (streaming)
        return later(now, w->set.poll_interval + backoff_next(&w->idle_backoff, w->set.clock, 0));
    return w->set.long_poll > 0 && waited ? now : later(now, w->set.poll_interval);
}

enum window_verdict window_poll_ended(struct window *w, const struct window_answer *a, int64_t now)
{
    w->poll = POLL_WAITING;
    if (a->status == WEIR_OK) {
        w->poll_at_ns = after_poll(w, now);
        backoff_good(&w->poll_backoff, w->set.clock);
        w->ask_most = w->ask_most < w->set.max_active / 2 ? w->ask_most * 2 : w->set.max_active;
        works(w);
        return WINDOW_GOES_ON;
    }
    if (a->kind == WEIR_KIND_MESSAGE_TOO_LARGE && w->asked > ASK_LEAST_TOO_LARGE)
        w->ask_most = w->asked / 2;
    w->poll_at_ns = later(now, backoff_next(&w->poll_backoff, w->set.clock, a->retry_in));
    return failed(w, a, w->poll_from_ns, now);
}

static bool may_poll(const struct window *w, int64_t now)
{
    return w->poll == POLL_WAITING && room(w) > 0 && in_hand(w) <= w->set.poll_at &&
           now >= w->poll_at_ns;
}

static size_t start_poll(struct window *w, int64_t now)
{
    size_t free = room(w);
    w->asked = free < w->ask_most ? free : w->ask_most;
    w->brought = 0;
    w->poll = POLL_RUNNING;
    w->poll_from_ns = now;
    return w->asked;
}

/* ---- streams ----------------------------------------------------------------------------- */

static size_t credit_most(const struct window *w)
{
    size_t half = w->set.max_active / 2;
    size_t most = half > WINDOW_CREDIT_MOST ? WINDOW_CREDIT_MOST : half;
    return most > 0 ? most : 1;
}

/* In batches, so that not every message costs an order. */
static size_t grant(struct window *w)
{
    size_t most = credit_most(w);
    size_t free = room(w);
    size_t target = free < most ? free : most;
    if (w->credit > most / 2 || target <= w->credit)
        return 0;
    size_t more = target - w->credit;
    w->credit = target;
    return more;
}

enum window_place window_streamed(struct window *w, int64_t now)
{
    w->credit -= w->credit > 0;
    w->streamed = w->stream_known = true;
    w->stream_last_ns = now;
    w->polled_since = 0;
    works(w);
    return place(w);
}

void window_read_up(struct window *w)
{
    w->unread_ns = 0;
}

bool window_unpark(struct window *w)
{
    if (w->parked == 0 || w->held >= w->set.max_active)
        return false;
    w->parked--;
    w->held++;
    return true;
}

static void reopen_at(struct window *w, bool good, weir_ms hint, int64_t now)
{
    if (good)
        backoff_reset(&w->stream_backoff);
    weir_ms wait = good ? 0 : backoff_next(&w->stream_backoff, w->set.clock, hint);
    w->stream_at_ns = later(now, wait);
}

static bool knows_no_streams(const struct window *w, const struct window_answer *a)
{
    return a->status == WEIR_UNSUPPORTED && !w->stream_known;
}

enum window_verdict window_stream_ended(struct window *w, const struct window_answer *a,
                                        int64_t now)
{
    bool old = now - w->stream_from_ns >= WINDOW_STREAM_GOOD_MS * NS_PER_MS;
    bool ours = w->stream == STREAM_CLOSING || (a->status == WEIR_TIMEOUT && old);
    bool clean = a->status == WEIR_OK || ours;
    w->credit = 0;
    w->stream = STREAM_WAITING;
    w->stream_known |= clean & old;
    if (knows_no_streams(w, a)) {
        w->stream = STREAM_OFF;
        return w->set.polls ? WINDOW_WITHOUT_STREAM : WINDOW_OVER;
    }
    reopen_at(w, clean && (old || w->streamed), a->retry_in, now);
    if (clean)
        return WINDOW_GOES_ON;
    if (is_hopeless(w, a))
        return WINDOW_OVER;
    /* While a poll runs, it says what is wrong. */
    return w->poll == POLL_RUNNING ? WINDOW_GOES_ON : failed(w, a, w->stream_from_ns, now);
}

static void open_stream(struct window *w, int64_t now)
{
    w->stream = STREAM_OPEN;
    w->stream_from_ns = w->stream_last_ns = now;
    w->polled_since = 0;
    w->streamed = false;
    w->credit = 0;
    w->unread_ns = 0;
}

/* When a stream that stays silent is given up. A stream without credit has no say. */
static int64_t silent_at(const struct window *w)
{
    if (w->credit == 0)
        return INT64_MAX;
    return later(w->stream_last_ns, w->polled_since > 0 ? SILENT_BESIDE_MS : SILENT_MS);
}

/* ---- settling ---------------------------------------------------------------------------- */

void window_settled(struct window *w)
{
    w->held -= w->held > 0;
}

/* ---- the plan ---------------------------------------------------------------------------- */

static void plan_stream(struct window *w, struct window_plan *plan, int64_t now)
{
    if (w->stream == STREAM_WAITING && now >= w->stream_at_ns) {
        open_stream(w, now);
        plan->open_stream = true;
    }
    if (w->stream == STREAM_OPEN)
        plan->want = grant(w);
    if (w->stream == STREAM_OPEN && w->credit == 0 && !w->unread_ns)
        w->unread_ns = now;
    if (w->stream == STREAM_OPEN && now >= silent_at(w)) {
        w->stream = STREAM_CLOSING;
        plan->close_stream = true;
    }
}

/* A call that runs for a while on a connection that is there has not failed. */
static void plan_recovery(struct window *w, struct window_plan *plan, int64_t now, bool connected)
{
    bool polls = w->poll == POLL_RUNNING && now >= later(w->poll_from_ns, LATE_MS);
    bool streams = w->poll != POLL_RUNNING && w->stream == STREAM_OPEN &&
                   now >= later(w->stream_from_ns, LATE_MS);
    if (w->failing_ns && connected && !w->unanswered && (polls || streams))
        works(w);
    plan->recovered = w->said && !w->failing_ns;
    if (plan->recovered)
        w->said = false;
}

static void look(struct window_plan *plan, int64_t now, int64_t at)
{
    if (at > now && at < plan->look_at)
        plan->look_at = at;
}

struct window_plan window_plan(struct window *w, int64_t now, bool connected)
{
    struct window_plan plan = {.look_at = INT64_MAX};
    plan_recovery(w, &plan, now, connected);
    plan_stream(w, &plan, now);
    if (may_poll(w, now))
        plan.poll = start_poll(w, now);
    if (w->poll == POLL_WAITING && room(w) > 0 && in_hand(w) <= w->set.poll_at)
        look(&plan, now, w->poll_at_ns);
    if (w->stream == STREAM_WAITING)
        look(&plan, now, w->stream_at_ns);
    if (w->stream == STREAM_OPEN)
        look(&plan, now, silent_at(w));
    if (w->failing_ns && w->poll == POLL_RUNNING)
        look(&plan, now, later(w->poll_from_ns, LATE_MS));
    if (w->failing_ns && w->poll != POLL_RUNNING && w->stream == STREAM_OPEN)
        look(&plan, now, later(w->stream_from_ns, LATE_MS));
    return plan;
}
