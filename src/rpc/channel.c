/* The channel on the I/O thread: the mailbox, the lanes, names, states.
 *
 * All of it happens in turns. A turn runs (as a libuv prepare handle) after the events of one pass
 * of the loop and before the loop waits: it obeys the mailbox, starts what can start, and sends
 * what all that produced in one write per connection. A hundred calls posted by other threads cost
 * one wake-up; a call started from a callback costs none. */
#include "rpc/channel.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "io/tls.h"
#include "rpc/connection.h"
#include "rpc/lane.h"
#include "rpc/queue.h"
#include "rpc/status.h"

#include <string.h>

#define ROUNDS_MAX      16 /* in one turn, then other channels get theirs */
#define RESOLVE_EVERY_S 2  /* a name is not asked for more often */

/* ---- memory ------------------------------------------------------------------------------ */

void channel_hold(struct rpc *rpc)
{
    atomic_fetch_add(&rpc->holds, 1);
}

void channel_unhold(struct rpc *rpc)
{
    if (atomic_fetch_sub(&rpc->holds, 1) != 1)
        return;
    target_clear(&rpc->target);
    url_clear(&rpc->proxy);
    tls_free(rpc->tls);
    mem_free(rpc->name);
    mem_free(rpc->target_text);
    mem_free(rpc->authority);
    mem_free(rpc->user_agent);
    mem_free(rpc->server_name);
    mem_free(rpc->lb_policy);
    mem_free(rpc->proxy_target);
    secret_free_text(rpc->proxy_authorization);
    pthread_cond_destroy(&rpc->moved);
    pthread_mutex_destroy(&rpc->lock);
    mem_free(rpc);
}

/* ---- how many calls there are ------------------------------------------------------------- */

static void start_idle_timer(struct rpc *rpc)
{
    rpc->last_over_ns = (int64_t)uv_now(loop_uv(rpc->loop)) * NS_PER_MS;
    if (!rpc->idle.slot && rpc->args.idle_timeout_ms < INT32_MAX)
        timer_set_in(&rpc->idle, rpc->args.idle_timeout_ms);
}

static void count_active(struct rpc *rpc, bool more)
{
    rpc->active = more ? rpc->active + 1 : rpc->active - 1;
    atomic_store_explicit(&rpc->tally.active, rpc->active, memory_order_relaxed);
}

void channel_call_begun(struct rpc *rpc)
{
    count_active(rpc, true);
    tally_add(&rpc->tally.calls_started, 1);
    if (rpc->active == 1)
        loop_count_busy(rpc->loop, +1);
}

void channel_call_over(struct rpc *rpc, bool ok)
{
    tally_add(ok ? &rpc->tally.calls_ok : &rpc->tally.calls_failed, 1);
    count_active(rpc, false);
    if (rpc->active == 0) {
        loop_count_busy(rpc->loop, -1);
        start_idle_timer(rpc);
    }
}

/* ---- names and lanes --------------------------------------------------------------------- */

static void free_lanes(struct rpc *rpc, const weir_error *why)
{
    for (size_t i = 0; i < rpc->lane_count; i++)
        lane_free(rpc->lanes[i], why);
    mem_free(rpc->lanes);
    rpc->lanes = NULL;
    rpc->lane_count = 0;
}

static bool round_robin(const struct rpc *rpc)
{
    return strcmp(rpc->lb_policy, "round_robin") == 0;
}

/* The lane that has just these addresses already, or a new one. */
static struct lane *lane_for(struct rpc *rpc, const struct address *list, size_t count)
{
    for (size_t i = 0; i < rpc->lane_count; i++) {
        struct lane *lane = rpc->lanes[i];
        if (lane && lane_same(lane, list, count)) {
            rpc->lanes[i] = NULL;
            return lane;
        }
    }
    return lane_new(rpc, list, count);
}

static weir_status set_lanes(struct rpc *rpc, const struct address *list, size_t count,
                             weir_error *err)
{
    size_t lanes = round_robin(rpc) ? count : 1;
    size_t made = 0;
    struct lane **fresh = mem_array(lanes, sizeof *fresh);
    for (; fresh && made < lanes; made++) {
        fresh[made] = lanes == 1 && !round_robin(rpc) ? lane_for(rpc, list, count)
                                                      : lane_for(rpc, &list[made], 1);
        if (!fresh[made])
            break;
    }
    for (size_t i = 0; i < rpc->lane_count; i++) {
        if (rpc->lanes[i])
            lane_retire(rpc->lanes[i]);
    }
    mem_free(rpc->lanes);
    rpc->lanes = fresh;
    rpc->lane_count = made;
    return fresh && made == lanes ? WEIR_OK : error_no_memory(err);
}

static void connect_lanes(struct rpc *rpc)
{
    for (size_t i = 0; i < rpc->lane_count; i++)
        lane_connect(rpc->lanes[i]);
}

static void no_addresses(struct rpc *rpc, const weir_error *why)
{
    rpc->why = *why;
    log_at(WEIR_LOG_WARN, "rpc", rpc->name, "%s", why->message);
    tally_add(&rpc->tally.connect_failures, 1);
    timer_set_in(&rpc->retry, backoff_next(&rpc->backoff, rpc->clock, 0));
    channel_turn_soon(rpc);
}

static void on_addresses(struct rpc *rpc, const struct address *list, size_t count)
{
    weir_error why = {0};
    if (set_lanes(rpc, list, count, &why) != WEIR_OK) {
        no_addresses(rpc, &why);
        return;
    }
    rpc->why = (weir_error){0};
    backoff_reset(&rpc->backoff);
    connect_lanes(rpc);
    channel_turn_soon(rpc);
}

static void on_resolved(void *user, const struct address *list, size_t count, const weir_error *err)
{
    struct rpc *rpc = user;
    weir_error why = {0};
    rpc->resolving = NULL;
    rpc->resolved_ns = clock_mono(rpc->clock);
    if (err && err->status != WEIR_OK) {
        error_peer(&why, err->status, err->origin, err->code, "no connection to %s: %s",
                   rpc->target_text, err->message);
        if (rpc->lane_count == 0)
            no_addresses(rpc, &why);
        else
            connect_lanes(rpc); /* the former addresses may still be right */
        return;
    }
    on_addresses(rpc, list, count);
}

static const char *host_to_resolve(const struct rpc *rpc, uint16_t *port)
{
    *port = rpc->proxied ? url_port(&rpc->proxy, 80) : rpc->target.port;
    return rpc->proxied ? rpc->proxy.host : rpc->target.host;
}

static void resolve(struct rpc *rpc)
{
    weir_error why = {0};
    uint16_t port;
    const char *host = host_to_resolve(rpc, &port);
    if (!host) {
        on_addresses(rpc, rpc->target.addresses, rpc->target.count);
        return;
    }
    rpc->resolving = resolve_start(rpc->loop, host, port, on_resolved, rpc, &why);
    if (!rpc->resolving)
        no_addresses(rpc, &why);
}

/* Idle lanes, and failed ones whose time has come, connect; their name is asked for again before.
 */
static void connect_idle(struct rpc *rpc)
{
    size_t wanting = 0;
    for (size_t i = 0; i < rpc->lane_count; i++)
        wanting += lane_wants(rpc->lanes[i]);
    if (rpc->resolving || rpc->retry.slot || (rpc->lane_count > 0 && wanting == 0))
        return;
    bool stale = clock_mono(rpc->clock) - rpc->resolved_ns > RESOLVE_EVERY_S * NS_PER_S;
    rpc->awake = true;
    start_idle_timer(rpc);
    if (rpc->lane_count == 0 || (rpc->target.host && stale))
        resolve(rpc);
    else
        connect_lanes(rpc);
}

static void on_retry(void *user)
{
    channel_turn_soon(user);
}

static void on_idle(void *user)
{
    struct rpc *rpc = user;
    int64_t end = rpc->last_over_ns + rpc->args.idle_timeout_ms * NS_PER_MS;
    if (rpc->active > 0)
        return; /* the last call's end sets it again */
    if (clock_mono(rpc->clock) < end) {
        timer_set(&rpc->idle, end);
        return;
    }
    rpc->awake = false;
    for (size_t i = 0; i < rpc->lane_count; i++)
        lane_rest(rpc->lanes[i]);
}

/* ---- states ------------------------------------------------------------------------------ */

/* gRPC Connectivity Semantics: the best of the lanes' states. */
static weir_channel_state state_of(const struct rpc *rpc)
{
    static const int rank[] = {[WEIR_CHANNEL_READY] = 4,
                               [WEIR_CHANNEL_CONNECTING] = 3,
                               [WEIR_CHANNEL_IDLE] = 2,
                               [WEIR_CHANNEL_TRANSIENT_FAILURE] = 1};
    weir_channel_state best = WEIR_CHANNEL_TRANSIENT_FAILURE;
    if (rpc->lane_count == 0) {
        if (rpc->why.status != WEIR_OK)
            return WEIR_CHANNEL_TRANSIENT_FAILURE;
        return rpc->resolving ? WEIR_CHANNEL_CONNECTING : WEIR_CHANNEL_IDLE;
    }
    for (size_t i = 0; i < rpc->lane_count; i++) {
        weir_channel_state state = lane_state(rpc->lanes[i]);
        if (rank[state] > rank[best])
            best = state;
    }
    return best == WEIR_CHANNEL_IDLE && rpc->resolving ? WEIR_CHANNEL_CONNECTING : best;
}

static void publish(struct rpc *rpc, weir_channel_state state)
{
    static const char *const names[] = {"idle", "connecting", "ready", "transient failure",
                                        "shutdown"};
    if (state == rpc->state)
        return;
    log_at(WEIR_LOG_DEBUG, "rpc", rpc->name, "channel: %s -> %s", names[rpc->state], names[state]);
    pthread_mutex_lock(&rpc->lock);
    rpc->state = state;
    pthread_cond_broadcast(&rpc->moved);
    pthread_mutex_unlock(&rpc->lock);
}

static bool failed_and_due(const struct rpc *rpc)
{
    for (size_t i = 0; i < rpc->lane_count; i++) {
        if (lane_wants(rpc->lanes[i]) &&
            (round_robin(rpc) || lane_state(rpc->lanes[i]) == WEIR_CHANNEL_TRANSIENT_FAILURE))
            return true;
    }
    return rpc->lane_count == 0 && rpc->why.status != WEIR_OK;
}

static bool review(struct rpc *rpc)
{
    if (channel_queued(rpc) > 0 || rpc->connect_now || (rpc->awake && failed_and_due(rpc)))
        connect_idle(rpc);
    rpc->connect_now = false;
    bool any = queue_dispatch(rpc);
    publish(rpc, state_of(rpc));
    if (channel_queued(rpc) > 0)
        queue_review(rpc);
    return any;
}

/* ---- turns ------------------------------------------------------------------------------- */

static struct rpc_call *next_changed(struct rpc *rpc, struct call_orders *orders)
{
    pthread_mutex_lock(&rpc->lock);
    struct rpc_call *call = rpc->changed_first;
    if (call) {
        rpc->changed_first = call->next_changed;
        if (!rpc->changed_first)
            rpc->changed_last = &rpc->changed_first;
        call->changed = false;
        *orders = call->orders;
        call->orders = (struct call_orders){0};
    }
    rpc->connect_now = rpc->connect_now || rpc->connect_wanted;
    rpc->connect_wanted = false;
    pthread_mutex_unlock(&rpc->lock);
    return call;
}

bool channel_obey(struct rpc *rpc)
{
    struct call_orders orders;
    struct rpc_call *call;
    bool any = false;
    while ((call = next_changed(rpc, &orders))) {
        call_obey(call, &orders);
        call_unref(call);
        any = true;
    }
    return any;
}

static bool mailbox_empty(struct rpc *rpc)
{
    pthread_mutex_lock(&rpc->lock);
    bool empty = !rpc->changed_first && !rpc->connect_wanted;
    pthread_mutex_unlock(&rpc->lock);
    return empty;
}

static bool must_stop(struct rpc *rpc)
{
    pthread_mutex_lock(&rpc->lock);
    bool stop = rpc->stop_posted;
    pthread_mutex_unlock(&rpc->lock);
    return stop;
}

static void on_turn(uv_prepare_t *turn)
{
    struct rpc *rpc = turn->data;
    struct connection *c;
    bool more = true;
    for (int i = 0; more && i < ROUNDS_MAX; i++) {
        rpc->roomy = false;
        channel_obey(rpc);
        more = review(rpc);
        while ((c = connection_next_dirty(rpc)))
            connection_flush(c);
        more = !mailbox_empty(rpc) || !list_empty(&rpc->dirty) || rpc->roomy ||
               (more && channel_queued(rpc) > 0);
    }
    if (must_stop(rpc)) {
        struct loop *loop = rpc->loop;
        channel_stop(rpc);
        loop_release(loop);
        return;
    }
    uv_prepare_stop(turn);
    rpc->turning = false;
    if (more) {
        pthread_mutex_lock(&rpc->lock);
        channel_call_attention(rpc);
        pthread_mutex_unlock(&rpc->lock);
    }
}

void channel_turn_soon(struct rpc *rpc)
{
    if (rpc->turning || uv_is_closing((uv_handle_t *)&rpc->turn))
        return;
    rpc->turning = true;
    uv_prepare_start(&rpc->turn, on_turn);
}

void channel_lane_moved(struct rpc *rpc)
{
    channel_turn_soon(rpc);
}

static void run_task(struct loop_task *task)
{
    struct rpc *rpc = (struct rpc *)(void *)((char *)task - offsetof(struct rpc, task));
    pthread_mutex_lock(&rpc->lock);
    rpc->posted = false;
    bool stopped = rpc->stopped;
    pthread_mutex_unlock(&rpc->lock);
    if (!stopped)
        channel_turn_soon(rpc);
    channel_unhold(rpc);
}

/* @locked. True: channel_post() must follow once the lock is released. */
bool channel_wants_post(struct rpc *rpc)
{
    if (rpc->posted || rpc->stopped)
        return false;
    if (loop_inside(rpc->loop)) {
        channel_turn_soon(rpc);
        return false;
    }
    rpc->posted = true;
    channel_hold(rpc);
    return true;
}

/* Waking the I/O thread with the channel's lock in hand would make it wait for that lock first. */
void channel_post(struct rpc *rpc)
{
    loop_post(rpc->loop, &rpc->task);
}

/* For those who may hold no reference to the channel any more: once `stopped` is set nobody posts
 * to a loop that may be gone. The loop's own lock is taken inside, never the other way round. */
void channel_call_attention(struct rpc *rpc)
{
    if (channel_wants_post(rpc))
        channel_post(rpc);
}

/* ---- beginning and end ------------------------------------------------------------------- */

void channel_init(struct rpc *rpc)
{
    rpc->task.run = run_task;
    list_init(&rpc->parked);
    queue_init(rpc);
    list_init(&rpc->dirty);
    list_init(&rpc->retired);
    rpc->backoff =
        (struct backoff)BACKOFF_INIT(rpc->args.initial_backoff_ms, rpc->args.max_backoff_ms, 5000);
    timer_init(&rpc->retry, rpc->loop, on_retry, rpc);
    timer_init(&rpc->idle, rpc->loop, on_idle, rpc);
    uv_prepare_init(loop_uv(rpc->loop), &rpc->turn);
    rpc->turn.data = rpc;
    rpc->resolved_ns = INT64_MIN / 2;
}

static void end_all(struct link *list)
{
    while (!list_empty(list))
        call_fail(LIST_ENTRY(list->next, struct rpc_call, link), WEIR_STOPPED, GRPC_CANCELLED,
                  "the channel was closed");
}

static void on_turn_closed(uv_handle_t *handle)
{
    channel_unhold(handle->data);
}

void channel_stop(struct rpc *rpc)
{
    weir_error why = {0};
    pthread_mutex_lock(&rpc->lock);
    rpc->closed = rpc->stopped = true;
    pthread_mutex_unlock(&rpc->lock);
    channel_obey(rpc);
    error_set(&why, WEIR_STOPPED, "the channel was closed");
    resolve_cancel(rpc->resolving);
    rpc->resolving = NULL;
    timer_cancel(&rpc->retry);
    free_lanes(rpc, &why);
    while (!list_empty(&rpc->retired))
        lane_free(lane_of_retired(rpc->retired.next), &why);
    end_all(&rpc->waiting[true].calls);
    end_all(&rpc->waiting[false].calls);
    end_all(&rpc->parked);
    timer_cancel(&rpc->idle);
    publish(rpc, WEIR_CHANNEL_SHUTDOWN);
    uv_prepare_stop(&rpc->turn);
    uv_close((uv_handle_t *)&rpc->turn, on_turn_closed);
}
