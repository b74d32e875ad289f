/* There are two queues, because short calls must not stand behind long-lived ones that wait for
 * another connection. Long-lived calls choose first: they may have half of a connection at most, so
 * short ones always find the other half, and a flood of these cannot keep a poll waiting. */
#include "rpc/queue.h"

#include "core/error.h"
#include "rpc/connection.h"
#include "rpc/lane.h"
#include "rpc/status.h"

void queue_init(struct rpc *rpc)
{
    list_init(&rpc->waiting[false].calls);
    list_init(&rpc->waiting[true].calls);
}

static void count(struct rpc *rpc, struct queue *queue, bool more)
{
    queue->count = more ? queue->count + 1 : queue->count - 1;
    atomic_store_explicit(&rpc->tally.queued, channel_queued(rpc), memory_order_relaxed);
}

void queue_add(struct rpc *rpc, struct rpc_call *call, bool again)
{
    struct queue *queue = &rpc->waiting[call->long_lived];
    call->state = CALL_WAITING;
    if (again)
        list_prepend(&queue->calls, &call->link);
    else
        list_append(&queue->calls, &call->link);
    count(rpc, queue, true);
    if (queue->count > LIMIT_GRPC_QUEUED_CALLS && !again)
        call_fail(call, WEIR_BUSY, GRPC_RESOURCE_EXHAUSTED,
                  "%d calls wait for a connection to %s already", LIMIT_GRPC_QUEUED_CALLS,
                  rpc->target_text);
    channel_turn_soon(rpc);
}

void queue_left(struct rpc *rpc, struct rpc_call *call)
{
    list_remove(&call->link);
    count(rpc, &rpc->waiting[call->long_lived], false);
}

const char *queue_trouble(const struct rpc *rpc)
{
    if (rpc->why.status != WEIR_OK)
        return rpc->why.message;
    for (size_t i = 0; i < rpc->lane_count; i++) {
        const weir_error *why = lane_why(rpc->lanes[i]);
        if (why->status != WEIR_OK)
            return why->message;
    }
    return rpc->state == WEIR_CHANNEL_READY
               ? "the server's limit of concurrent streams is taken up by other calls"
               : "the connection is still being made";
}

/* ---- starting ---------------------------------------------------------------------------- */

static struct connection *pick(struct rpc *rpc, bool long_lived)
{
    for (size_t i = 0; i < rpc->lane_count; i++) {
        size_t at = (rpc->next_lane + i) % rpc->lane_count;
        struct connection *c = lane_pick(rpc->lanes[at], long_lived);
        if (c) {
            rpc->next_lane = at + 1;
            return c;
        }
    }
    return NULL;
}

static bool dispatch(struct rpc *rpc, bool long_lived)
{
    struct queue *queue = &rpc->waiting[long_lived];
    struct connection *c;
    bool any = false;
    while (queue->count > 0 && (c = pick(rpc, long_lived))) {
        struct rpc_call *call = LIST_ENTRY(queue->calls.next, struct rpc_call, link);
        queue_left(rpc, call);
        if (!connection_start(c, call))
            queue_add(rpc, call, true);
        any = true;
    }
    return any;
}

bool queue_dispatch(struct rpc *rpc)
{
    bool any = dispatch(rpc, true);
    return dispatch(rpc, false) || any;
}

/* ---- what found no room ------------------------------------------------------------------ */

/* Calls that do not wait for better times end with the reason why nothing connects. */
static void fail_waiting(struct queue *queue, const weir_error *why)
{
    struct link *at = queue->calls.next;
    while (at != &queue->calls) {
        struct rpc_call *call = LIST_ENTRY(at, struct rpc_call, link);
        at = at->next;
        if (!call->wait_for_ready)
            call_end(call, why, GRPC_UNAVAILABLE, true);
    }
}

static void fail_all(struct rpc *rpc)
{
    const weir_error *why = &rpc->why;
    for (size_t i = 0; i < rpc->lane_count && why->status == WEIR_OK; i++)
        why = lane_why(rpc->lanes[i]);
    fail_waiting(&rpc->waiting[false], why);
    fail_waiting(&rpc->waiting[true], why);
}

/* Every ready lane is asked for more connections; when all of them fail to get any, there is no
 * use in waiting. */
static void grow(struct rpc *rpc, bool long_lived)
{
    struct queue *queue = &rpc->waiting[long_lived];
    const weir_error *why = NULL;
    size_t refusing = 0, each = rpc->lane_count ? queue->count / rpc->lane_count + 1 : 0;
    for (size_t i = 0; i < rpc->lane_count && queue->count > 0; i++) {
        lane_grow(rpc->lanes[i], long_lived, each < queue->count ? each : queue->count);
        const weir_error *refusal = lane_refusal(rpc->lanes[i], long_lived);
        why = refusal ? refusal : why;
        refusing += refusal || lane_state(rpc->lanes[i]) != WEIR_CHANNEL_READY;
    }
    if (why && refusing == rpc->lane_count)
        fail_waiting(queue, why);
}

void queue_review(struct rpc *rpc)
{
    if (rpc->state == WEIR_CHANNEL_TRANSIENT_FAILURE) {
        fail_all(rpc);
    } else {
        grow(rpc, true);
        grow(rpc, false);
    }
}
