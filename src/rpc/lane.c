/* One connection out of several addresses, kept alive.
 *
 * Addresses are tried in order; the next one starts when one failed, or after 250 ms of silence
 * (RFC 8305, 5), so that a dead address delays a living one by a quarter of a second at most. The
 * first whose server sends SETTINGS wins, the others are closed. When all have failed the lane says
 * what became of each, waits (core/backoff.h) and tries again.
 *
 * A connection that was lost soon after it was made, without having answered a call, twice in a row
 * counts as a failure. Any other loss leaves the lane idle, and it connects again at once when a
 * call wants it: proxies end connections after so many requests or a few idle seconds. */
#include "rpc/lane.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "rpc/connection.h"
#include "rpc/status.h"

#include <string.h>

#define STAGGER_MS  250
#define GOOD_FOR_MS 5000 /* a connection that lived this long was a good one, too */

enum lane_state {
    LANE_IDLE,       /* Next: CONNECTING                            */
    LANE_CONNECTING, /* Next: READY, FAILED                         */
    LANE_READY,      /* Next: IDLE (lost, drained), FAILED          */
    LANE_FAILED      /* waits to try again. Next: CONNECTING        */
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
    struct connection *ready;
    struct link drains;       /* connections that finish their calls */
    struct link retired_link; /* in the channel's `retired` */
    bool due;                 /* FAILED, and it is time to try again */
    int64_t ready_since_ns;
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

/* ---- racing ------------------------------------------------------------------------------ */

static const struct connection_events connection_news;

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

static void on_ready(struct lane *lane, struct connection *c)
{
    stop_racing(lane, c);
    close_racers(lane);
    timer_cancel(&lane->timer);
    lane->ready = c;
    lane->ready_since_ns = clock_mono(lane->rpc->clock);
    lane->failing = false;
    lane->why = (weir_error){0};
    backoff_good(&lane->backoff, lane->rpc->clock);
    move(lane, LANE_READY);
    channel_lane_moved(lane->rpc);
}

/* ---- losing ------------------------------------------------------------------------------ */

static void lost_ready(struct lane *lane, const weir_error *why, bool answered)
{
    int64_t lived = clock_mono(lane->rpc->clock) - lane->ready_since_ns;
    lane->ready = NULL;
    if (answered || lived >= GOOD_FOR_MS * NS_PER_MS)
        lane->short_lives = 0;
    else
        lane->short_lives++;
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
    list_remove(&lane->retired_link);
    buf_free(&lane->trouble);
    mem_free(lane->addresses);
    mem_free(lane);
}

static void on_draining(struct lane *lane, struct connection *c, bool answered)
{
    weir_error ok = {0};
    bool was_ready = c == lane->ready;
    list_append(&lane->drains, connection_link(c));
    if (was_ready && lane->retired)
        lane->ready = NULL;
    else if (was_ready)
        lost_ready(lane, &ok, answered);
}

static void on_lost(struct lane *lane, struct connection *c, const weir_error *why, bool answered)
{
    if (c == lane->ready) {
        lost_ready(lane, why, answered);
    } else if (stop_racing(lane, c)) {
        note(lane, why);
        try_next(lane);
    } else if (lane->retired && list_empty(&lane->drains)) {
        free_lane(lane);
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
    list_init(&lane->drains);
    lane->backoff = (struct backoff)BACKOFF_INIT(rpc->args.initial_backoff_ms,
                                                 rpc->args.max_backoff_ms, GOOD_FOR_MS);
    timer_init(&lane->timer, rpc->loop, on_timer, lane);
    if (!lane->addresses) {
        mem_free(lane);
        return NULL;
    }
    return lane;
}

void lane_free(struct lane *lane, const weir_error *why)
{
    close_racers(lane);
    if (lane->ready)
        connection_close(lane->ready, why);
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
    if (lane->ready)
        connection_drain(lane->ready);
    else if (list_empty(&lane->drains))
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
    if (lane->ready)
        connection_drain(lane->ready);
}

const weir_error *lane_why(const struct lane *lane)
{
    return &lane->why;
}

struct connection *lane_connection(const struct lane *lane)
{
    return lane->state == LANE_READY ? lane->ready : NULL;
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
