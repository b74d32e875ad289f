/* One connection out of several addresses, kept alive.
 *
 * Addresses are tried in order; the next one starts when one failed, or after 250 ms of silence
 * (RFC 8305, 5), so that a dead address delays a living one by a quarter of a second at most. The
 * first whose server sends SETTINGS wins, the others are closed. When all have failed the lane says
 * what became of each, waits (core/backoff.h) and tries again.
 *
 * A ready lane makes further connections to the address it has got, up to a limit and a few at a
 * time, when calls would have to wait for long-lived ones to end. All of its connections are alike:
 * one that is lost or drained takes only its own calls along, and the lane stays ready as long as
 * there is another. The oldest are filled first, so that those no longer needed fall idle; these
 * are closed after a while. Where further ones cannot be had, those who asked are told so, and the
 * next attempt waits (backoff of its own).
 *
 * A connection that was lost soon after it was made, without having answered a call, twice in a row
 * counts as a failure. Any other loss leaves the lane idle, and it connects again at once when a
 * call wants it: proxies end connections after so many requests or a few idle seconds. */
#include "rpc/lane.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "rpc/connection.h"

#include <string.h>

#define STAGGER_MS   250
#define GROW_AT_ONCE 4
#define SPARE_MS     30000 /* a connection more than needed is closed after so long without calls */

enum lane_state {
    LANE_IDLE,       /* Next: CONNECTING                            */
    LANE_CONNECTING, /* Next: READY, FAILED                         */
    LANE_READY,      /* Next: IDLE (lost, drained), FAILED          */
    LANE_FAILED      /* waits to try again. Next: CONNECTING        */
};

/* Connections beyond the first. */
struct growth {
    struct link making; /* those that are not ready yet */
    unsigned short_lives;
    bool paused;
    struct backoff backoff;
    struct timer pause, spare;
    weir_error why; /* of the last attempt, if it failed */
};

struct lane {
    struct rpc *rpc;
    enum lane_state state;
    bool failing; /* since the last time it was ready */
    bool retired;
    struct address *addresses;
    size_t count, next;
    struct connection *racing[LIMIT_ADDRESSES];
    size_t racers;
    struct link ready;  /* connections that take calls, the oldest first */
    struct link drains; /* connections that finish their calls */
    struct growth growth;
    struct link retired_link; /* in the channel's `retired` */
    bool due;                 /* FAILED, and it is time to try again */
    unsigned short_lives;
    struct backoff backoff;
    struct timer timer; /* the next address, or the next round */
    struct buf trouble; /* of this round: "address: why; ..." */
    weir_error worst;
    weir_error why;
};

static void move(struct lane *lane, enum lane_state to)
{
    static const char *const names[] = {"idle", "connecting", "ready", "failed"};
    if (lane->state == to)
        return;
    log_at(WEIR_LOG_DEBUG, "rpc", lane->rpc->name, "lane: %s -> %s", names[lane->state], names[to]);
    lane->state = to;
}

static const struct connection_events connection_news;

static void close_racers(struct lane *lane)
{
    weir_error ok = {0};
    while (lane->racers > 0)
        connection_close(lane->racing[--lane->racers], &ok);
}

static bool stop_racing(struct lane *lane, const struct connection *c)
{
    for (size_t i = 0; i < lane->racers; i++) {
        if (lane->racing[i] == c) {
            lane->racing[i] = lane->racing[--lane->racers];
            return true;
        }
    }
    return false;
}

static void drain(struct lane *lane, struct connection *c)
{
    list_remove(connection_link(c));
    list_append(&lane->drains, connection_link(c));
    connection_drain(c);
}

static void drain_ready(struct lane *lane)
{
    while (!list_empty(&lane->ready))
        drain(lane, connection_of(lane->ready.next));
}

/* ---- failing ----------------------------------------------------------------------------- */

/* Which of several reasons the caller should hear of: a certificate before a refused connection. */
static int weight(weir_status status)
{
    static const weir_status order[] = {WEIR_UNREACHABLE, WEIR_PROTOCOL, WEIR_UNTRUSTED};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (order[i] == status)
            return (int)i;
    }
    return 0;
}

static void note(struct lane *lane, const weir_error *why)
{
    buf_addf(&lane->trouble, "%s%s", lane->trouble.len ? "; " : "",
             why->status == WEIR_OK ? "the peer closed the connection" : why->message);
    if (lane->worst.status == WEIR_OK || weight(why->status) > weight(lane->worst.status))
        lane->worst = *why;
    if (lane->worst.status == WEIR_OK)
        lane->worst.status = WEIR_UNREACHABLE;
}

static void fail(struct lane *lane)
{
    const struct rpc *rpc = lane->rpc;
    error_peer(&lane->why, lane->worst.status, lane->worst.origin, lane->worst.code,
               "no connection to %s: %s%s", rpc->target_text,
               lane->trouble.data ? lane->trouble.data : lane->worst.message,
               lane->worst.status == WEIR_UNREACHABLE
                   ? "; check the address and that the gateway runs"
                   : "");
    log_at(WEIR_LOG_WARN, "rpc", rpc->name, "%s", lane->why.message);
    tally_add(&lane->rpc->tally.connect_failures, 1);
    lane->failing = true;
    move(lane, LANE_FAILED);
    lane->due = timer_set_in(&lane->timer, backoff_next(&lane->backoff, rpc->clock, 0)) != WEIR_OK;
    channel_lane_moved(lane->rpc);
}

/* ---- further connections ----------------------------------------------------------------- */

/* How many ready connections serve short calls. */
static size_t serving(const struct lane *lane)
{
    size_t count = 0;
    for (struct link *at = lane->ready.next; at != &lane->ready; at = at->next) {
        struct share share = connection_share(connection_of(at));
        count += share_serves(&share);
    }
    return count;
}

static size_t others(const struct share *share, size_t serving)
{
    return serving - (share_serves(share) ? 1 : 0);
}

struct connection *lane_pick(const struct lane *lane, bool long_lived)
{
    size_t all = long_lived ? serving(lane) : 0;
    for (struct link *at = lane->ready.next; at != &lane->ready; at = at->next) {
        struct connection *c = connection_of(at);
        struct share share = connection_share(c);
        if (share_takes(&share, long_lived, long_lived ? others(&share, all) : 0))
            return c;
    }
    return NULL;
}

/* Whether such calls would wait on every connection for long-lived ones to end. */
static bool spent(const struct lane *lane, bool long_lived)
{
    size_t all = serving(lane);
    for (struct link *at = lane->ready.next; at != &lane->ready; at = at->next) {
        struct share share = connection_share(connection_of(at));
        if (!share_spent(&share, long_lived, others(&share, all)))
            return false;
    }
    return lane->state == LANE_READY;
}

static void pause_growth(struct lane *lane)
{
    struct growth *g = &lane->growth;
    weir_ms wait = backoff_next(&g->backoff, lane->rpc->clock, 0);
    g->paused = timer_set_in(&g->pause, wait) == WEIR_OK;
}

static void on_pause_over(void *user)
{
    struct lane *lane = user;
    lane->growth.paused = false;
    channel_lane_moved(lane->rpc);
}

static void growth_failed(struct lane *lane, const weir_error *why)
{
    struct rpc *rpc = lane->rpc;
    struct growth *g = &lane->growth;
    error_peer(&g->why, why->status == WEIR_OK ? WEIR_UNREACHABLE : why->status, why->origin,
               why->code, "no further connection to %s: %s", rpc->target_text,
               why->status == WEIR_OK ? "the peer closed it" : why->message);
    log_at(WEIR_LOG_WARN, "rpc", rpc->name, "%s", g->why.message);
    tally_add(&rpc->tally.connect_failures, 1);
    pause_growth(lane);
    channel_lane_moved(rpc);
}

static bool make_another(struct lane *lane)
{
    weir_error why = {0};
    const struct connection *first = connection_of(lane->ready.next);
    struct connection *c =
        connection_open(lane->rpc, lane, &connection_news, connection_address(first), &why);
    if (c)
        list_append(&lane->growth.making, connection_link(c));
    else
        growth_failed(lane, &why);
    return c != NULL;
}

void lane_grow(struct lane *lane, bool long_lived, size_t queued)
{
    struct growth *g = &lane->growth;
    if (g->paused || !spent(lane, long_lived))
        return;
    struct share share = connection_share(connection_of(lane->ready.next));
    size_t making = list_count(&g->making);
    size_t all = making + list_count(&lane->ready) + list_count(&lane->drains);
    size_t lack = share_lack(&share, long_lived, queued);
    size_t most = lack < GROW_AT_ONCE ? lack : GROW_AT_ONCE;
    for (; making < most && all < LIMIT_GRPC_CONNECTIONS && make_another(lane); making++)
        all++;
}

const weir_error *lane_refusal(const struct lane *lane, bool long_lived)
{
    const weir_error *why = &lane->growth.why;
    return why->status != WEIR_OK && spent(lane, long_lived) ? why : NULL;
}

static weir_ms spare_time(const struct lane *lane)
{
    int64_t idle = lane->rpc->args.idle_timeout_ms;
    return idle < SPARE_MS ? idle : SPARE_MS;
}

/* Closes connections that had no call for a while, from the youngest to the oldest, as long as
 * another one serves short calls. */
static void on_spare(void *user)
{
    struct lane *lane = user;
    size_t all = serving(lane);
    int64_t now = clock_mono(lane->rpc->clock);
    int64_t again = now + spare_time(lane) * NS_PER_MS;
    struct link *before;
    for (struct link *at = lane->ready.prev; at != &lane->ready; at = before) {
        struct connection *c = connection_of(at);
        struct share share = connection_share(c);
        int64_t end = connection_used_ns(c) + spare_time(lane) * NS_PER_MS;
        before = at->prev;
        if (share.calls > 0 || others(&share, all) == 0)
            continue;
        if (end <= now) {
            drain(lane, c);
            all -= share_serves(&share);
        } else if (end < again) {
            again = end;
        }
    }
    if (lane->ready.next != lane->ready.prev)
        timer_set(&lane->growth.spare, again);
}

static void grown(struct lane *lane)
{
    struct growth *g = &lane->growth;
    g->why = (weir_error){0};
    backoff_good(&g->backoff, lane->rpc->clock);
    if (!g->spare.slot)
        timer_set_in(&g->spare, spare_time(lane));
}

/* One of several is gone. */
static void shrunk(struct lane *lane, bool good)
{
    struct growth *g = &lane->growth;
    g->short_lives = good ? 0 : g->short_lives + 1;
    if (g->short_lives >= 2 && !g->paused)
        pause_growth(lane);
}

static void stop_growing(struct lane *lane)
{
    struct growth *g = &lane->growth;
    weir_error ok = {0};
    while (!list_empty(&g->making))
        connection_close(connection_of(g->making.next), &ok);
    timer_cancel(&g->pause);
    timer_cancel(&g->spare);
    g->paused = false;
    g->short_lives = 0;
    g->why = ok;
}

static void growth_init(struct lane *lane)
{
    struct rpc *rpc = lane->rpc;
    struct growth *g = &lane->growth;
    list_init(&g->making);
    g->backoff = (struct backoff)BACKOFF_INIT(rpc->args.initial_backoff_ms,
                                              rpc->args.max_backoff_ms, CONNECTION_GOOD_MS);
    timer_init(&g->pause, rpc->loop, on_pause_over, lane);
    timer_init(&g->spare, rpc->loop, on_spare, lane);
}

/* ---- racing ------------------------------------------------------------------------------ */

static void try_next(struct lane *lane)
{
    weir_error why = {0};
    while (lane->next < lane->count) {
        struct connection *c = connection_open(lane->rpc, lane, &connection_news,
                                               &lane->addresses[lane->next++], &why);
        if (c) {
            lane->racing[lane->racers++] = c;
            timer_set_in(&lane->timer, STAGGER_MS);
            return;
        }
        note(lane, &why);
    }
    timer_cancel(&lane->timer);
    if (lane->racers == 0)
        fail(lane);
}

static void begin_round(struct lane *lane)
{
    lane->next = 0;
    lane->due = false;
    lane->worst = (weir_error){0};
    buf_free(&lane->trouble);
    lane->trouble = (struct buf)BUF_INIT(8 * 1024);
    move(lane, LANE_CONNECTING);
    channel_lane_moved(lane->rpc);
    try_next(lane);
}

static void on_timer(void *user)
{
    struct lane *lane = user;
    if (lane->state == LANE_CONNECTING)
        try_next(lane);
    else if (lane->state == LANE_FAILED)
        lane->due = true;
    channel_lane_moved(lane->rpc);
}

static void become_ready(struct lane *lane)
{
    close_racers(lane);
    timer_cancel(&lane->timer);
    lane->failing = false;
    lane->why = (weir_error){0};
    backoff_good(&lane->backoff, lane->rpc->clock);
    move(lane, LANE_READY);
}

/* One of the racers, or one that was being made besides. */
static void on_ready(struct lane *lane, struct connection *c)
{
    struct link *link = connection_link(c);
    if (!stop_racing(lane, c))
        grown(lane);
    list_remove(link);
    list_append(&lane->ready, link);
    if (lane->state != LANE_READY)
        become_ready(lane);
    channel_lane_moved(lane->rpc);
}

/* ---- losing ------------------------------------------------------------------------------ */

static void lost_ready(struct lane *lane, const weir_error *why, bool good)
{
    if (!list_empty(&lane->ready)) {
        shrunk(lane, good);
        channel_lane_moved(lane->rpc);
        return;
    }
    stop_growing(lane);
    lane->short_lives = good ? 0 : lane->short_lives + 1;
    if (lane->short_lives >= 2) {
        lane->worst = (weir_error){0};
        buf_free(&lane->trouble);
        lane->trouble = (struct buf)BUF_INIT(8 * 1024);
        note(lane, why);
        fail(lane);
        return;
    }
    move(lane, LANE_IDLE);
    channel_lane_moved(lane->rpc);
}

static void free_lane(struct lane *lane)
{
    timer_cancel(&lane->timer);
    stop_growing(lane);
    list_remove(&lane->retired_link);
    buf_free(&lane->trouble);
    mem_free(lane->addresses);
    mem_free(lane);
}

static void on_draining(struct lane *lane, struct connection *c, bool good)
{
    weir_error ok = {0};
    list_remove(connection_link(c));
    list_append(&lane->drains, connection_link(c));
    lost_ready(lane, &ok, good);
}

static void on_lost(struct lane *lane, struct connection *c, const weir_error *why,
                    const struct connection_past *past)
{
    if (past->state == CONNECTION_READY) {
        lost_ready(lane, why, past->good);
    } else if (past->state == CONNECTION_DRAINING) {
        if (lane->retired && list_empty(&lane->drains))
            free_lane(lane);
    } else if (stop_racing(lane, c)) {
        note(lane, why);
        try_next(lane);
    } else {
        growth_failed(lane, why);
    }
}

static const struct connection_events connection_news = {on_ready, on_draining, on_lost};

/* ---- the channel's side ------------------------------------------------------------------ */

struct lane *lane_new(struct rpc *rpc, const struct address *addresses, size_t count)
{
    struct lane *lane = mem_zalloc(sizeof *lane);
    if (!lane)
        return NULL;
    lane->rpc = rpc;
    lane->count = count < LIMIT_ADDRESSES ? count : LIMIT_ADDRESSES;
    lane->addresses = mem_dup(addresses, lane->count * sizeof *addresses);
    list_init(&lane->ready);
    list_init(&lane->drains);
    lane->backoff = (struct backoff)BACKOFF_INIT(rpc->args.initial_backoff_ms,
                                                 rpc->args.max_backoff_ms, CONNECTION_GOOD_MS);
    timer_init(&lane->timer, rpc->loop, on_timer, lane);
    growth_init(lane);
    if (!lane->addresses) {
        mem_free(lane);
        return NULL;
    }
    return lane;
}

void lane_free(struct lane *lane, const weir_error *why)
{
    close_racers(lane);
    while (!list_empty(&lane->ready))
        connection_close(connection_of(lane->ready.next), why);
    while (!list_empty(&lane->drains))
        connection_close(connection_of(lane->drains.next), why);
    free_lane(lane);
}

void lane_retire(struct lane *lane)
{
    close_racers(lane);
    timer_cancel(&lane->timer);
    lane->retired = true;
    list_append(&lane->rpc->retired, &lane->retired_link);
    stop_growing(lane);
    drain_ready(lane);
    if (list_empty(&lane->drains))
        free_lane(lane);
}

weir_channel_state lane_state(const struct lane *lane)
{
    static const weir_channel_state states[] = {
        WEIR_CHANNEL_IDLE,
        WEIR_CHANNEL_CONNECTING,
        WEIR_CHANNEL_READY,
        WEIR_CHANNEL_TRANSIENT_FAILURE,
    };
    return lane->failing ? WEIR_CHANNEL_TRANSIENT_FAILURE : states[lane->state];
}

bool lane_wants(const struct lane *lane)
{
    return lane->state == LANE_IDLE || (lane->state == LANE_FAILED && lane->due);
}

void lane_connect(struct lane *lane)
{
    if (lane_wants(lane))
        begin_round(lane);
}

struct lane *lane_of_retired(struct link *link)
{
    return LIST_ENTRY(link, struct lane, retired_link);
}

void lane_rest(struct lane *lane)
{
    if (lane->state != LANE_READY)
        return;
    stop_growing(lane);
    drain_ready(lane);
    move(lane, LANE_IDLE);
    channel_lane_moved(lane->rpc);
}

const weir_error *lane_why(const struct lane *lane)
{
    return lane->why.status != WEIR_OK ? &lane->why : &lane->growth.why;
}

bool lane_same(const struct lane *lane, const struct address *addresses, size_t count)
{
    if (lane->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (lane->addresses[i].len != addresses[i].len ||
            memcmp(&lane->addresses[i].sa, &addresses[i].sa, addresses[i].len) != 0)
            return false;
    }
    return true;
}
