/* A call's life on the I/O thread.
 *
 * One rule keeps this simple: callbacks into the program never come back into the engine. Whatever
 * a callback asks for (and whatever other threads ask for) becomes an order in the channel's
 * mailbox, obeyed before the loop waits again. So nothing changes under the feet of a function that
 * called out.
 *
 * References: the owner's, the engine's (from the start until the call has ended and its stream is
 * closed), and the mailbox's while it lies there. A call whose request provably was not processed
 * goes back to the queue as it was: its messages are kept until the server answers. */
#include "rpc/call.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "rpc/channel.h"
#include "rpc/queue.h"
#include "rpc/session.h"
#include "rpc/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPEATS_MAX 5
#define KEPT_MAX    (256 * 1024) /* bytes of a client stream that are kept to be sent again */

void call_message_free(struct call_message *m)
{
    if (!m->inside)
        mem_free(m);
}

static void free_messages(struct call_message *from, const struct call_message *until)
{
    while (from != until) {
        struct call_message *next = from->next;
        call_message_free(from);
        from = next;
    }
}

void call_discard(struct rpc_call *call)
{
    if (call->secret)
        secret_wipe(call->text, call->text_size);
    mem_free(call);
}

void call_unref(struct rpc_call *call)
{
    if (atomic_fetch_sub(&call->refs, 1) != 1)
        return;
    struct rpc *rpc = call->rpc;
    free_messages(call->orders.first, NULL);
    free_messages(call->out_first, NULL);
    call_inbound_free(call);
    call_discard(call);
    channel_unhold(rpc);
}

void call_settle(struct rpc_call *call)
{
    if (call->state != CALL_ENDED || call->session || !call->engaged)
        return;
    call->engaged = false;
    call_unref(call);
}

/* ---- ending ------------------------------------------------------------------------------ */

static bool is_over(const struct rpc_call *call)
{
    return call->remote_closed && call->fin && !call->out_at;
}

/* Most calls end well and without another word: nothing as large as an error is filled for them. */
static void tell_end(struct rpc_call *call, const weir_error *why, int grpc_status,
                     bool unprocessed)
{
    static const struct rpc_end well = {.message = ""};
    const struct call_trailers *tail = &call->tail;
    if (why->status == WEIR_OK && grpc_status == GRPC_OK && tail->extra.count == 0 &&
        !tail->message) {
        call->events->end(call->user, &well);
        return;
    }
    struct rpc_end end = {.error = *why,
                          .grpc_status = grpc_status,
                          .unprocessed = unprocessed,
                          .message = tail->message ? tail->message : "",
                          .trailers = tail->extra.list,
                          .trailer_count = tail->extra.count};
    call->events->end(call->user, &end);
}

void call_end(struct rpc_call *call, const weir_error *why, int grpc_status, bool unprocessed)
{
    if (call->state == CALL_ENDED)
        return;
    if (call->state == CALL_WAITING)
        queue_left(call->rpc, call);
    if (!call->session)
        list_remove(&call->link);
    else if (!is_over(call))
        session_reset(call->session, call, NGHTTP2_CANCEL);
    call->state = CALL_ENDED;
    timer_cancel(&call->timer);
    channel_call_over(call->rpc, why->status == WEIR_OK);
    tell_end(call, why, grpc_status, unprocessed);
    call_settle(call);
}

void call_fail(struct rpc_call *call, weir_status status, int grpc_status, const char *fmt, ...)
{
    char text[512];
    weir_error why = {0};
    va_list args;
    if (call->state == CALL_ENDED)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    error_peer(&why, status, WEIR_ORIGIN_GRPC, grpc_status, "%s", text);
    call_end(call, &why, grpc_status, false);
}

static void never_sent(struct rpc_call *call)
{
    weir_error why = {0};
    error_peer(&why, WEIR_TIMEOUT, WEIR_ORIGIN_GRPC, GRPC_DEADLINE_EXCEEDED,
               "the time limit passed before the call could be sent to %s: %s",
               call->rpc->target_text, queue_trouble(call->rpc));
    call_end(call, &why, GRPC_DEADLINE_EXCEEDED, true);
}

static void out_of_time(void *user)
{
    struct rpc_call *call = user;
    const struct rpc *rpc = call->rpc;
    if (call->state != CALL_OPEN)
        never_sent(call);
    else
        call_fail(call, WEIR_TIMEOUT, GRPC_DEADLINE_EXCEEDED,
                  "no %s from %s within the time limit; whether the call took effect is unknown",
                  call->headers_done ? "end of the answer" : "answer", rpc->target_text);
}

/* ---- orders ------------------------------------------------------------------------------ */

static void take_messages(struct rpc_call *call, struct call_orders *orders)
{
    if (!orders->first)
        return;
    if (call->out_last)
        call->out_last->next = orders->first;
    else
        call->out_first = orders->first;
    for (struct call_message *m = orders->first; m; m = m->next) {
        call->out_bytes += m->len;
        tally_add(&call->rpc->tally.messages_sent, 1);
    }
    call->out_last = orders->last;
    if (!call->out_at)
        call->out_at = orders->first;
    orders->first = orders->last = NULL;
}

static void meet(struct rpc_call *call)
{
    struct rpc *rpc = call->rpc;
    timer_init(&call->timer, rpc->loop, out_of_time, call);
    list_append(&rpc->parked, &call->link);
    channel_call_begun(rpc);
    if (timer_set(&call->timer, call->until.at_ns) != WEIR_OK)
        call_fail(call, WEIR_NO_MEMORY, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    else if (clock_mono(rpc->clock) >= call->until.at_ns)
        out_of_time(call); /* now: an answer might come before the timer's turn */
}

static void send_more(struct rpc_call *call)
{
    if (call->state == CALL_FRESH && (call->client_streams || call->out_first)) {
        list_remove(&call->link);
        queue_add(call->rpc, call, false);
    } else if (call->state == CALL_OPEN && call->session && (call->out_at || call->fin)) {
        session_resume(call->session, call);
    }
}

void call_obey(struct rpc_call *call, struct call_orders *orders)
{
    if (call->state == CALL_FRESH && !list_linked(&call->link))
        meet(call);
    if (call->state == CALL_ENDED) {
        free_messages(orders->first, NULL);
        return;
    }
    take_messages(call, orders);
    call->fin = call->fin || orders->end_sending;
    if (orders->cancel) {
        call_fail(call, WEIR_STOPPED, GRPC_CANCELLED, "the call was cancelled here");
        return;
    }
    if (orders->want && call->wanted != SIZE_MAX)
        call->wanted += orders->want;
    send_more(call);
    if (orders->want)
        call_deliver(call);
}

/* ---- sending ----------------------------------------------------------------------------- */

void call_stamp(struct rpc_call *call)
{
    call->state = CALL_OPEN;
    call->nv_count = call->nv_fixed;
    if (call->until.at_ns == INT64_MAX)
        return;
    metadata_timeout(call->until.at_ns - clock_mono(call->rpc->clock), call->timeout);
    nghttp2_nv *nv = &call->nv[call->nv_count++];
    nv->value = (uint8_t *)call->timeout;
    nv->valuelen = strlen(call->timeout);
}

static void drop_sent(struct rpc_call *call)
{
    for (const struct call_message *m = call->out_first; m != call->out_at; m = m->next)
        call->out_bytes -= m->len;
    free_messages(call->out_first, call->out_at);
    call->out_first = call->out_at;
    if (!call->out_at)
        call->out_last = NULL;
}

ssize_t call_read(struct rpc_call *call, uint8_t *out, size_t max, uint32_t *flags)
{
    size_t len = 0;
    if (call->state == CALL_ENDED)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    while (call->out_at && len < max) {
        const struct call_message *m = call->out_at;
        size_t left = m->len - call->out_offset;
        size_t part = left < max - len ? left : max - len;
        memcpy(out + len, m->data + call->out_offset, part);
        len += part;
        call->out_offset += part;
        if (part == left) {
            call->out_at = m->next;
            call->out_offset = 0;
        }
    }
    if (call->client_streams && (call->committed || call->out_bytes > KEPT_MAX)) {
        call->committed = true;
        drop_sent(call);
    }
    if (!call->out_at && call->fin)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (len == 0) {
        call->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)len;
}

/* ---- the stream's end -------------------------------------------------------------------- */

/* Back to the queue, when the server has done nothing for it. */
static bool repeat(struct rpc_call *call)
{
    if (call->committed || call->repeats == REPEATS_MAX || !call->rpc->args.enable_retries)
        return false;
    call->repeats++;
    call->out_at = call->out_first;
    call->out_offset = 0;
    call->remote_closed = false;
    tally_add(&call->rpc->tally.repeats, 1);
    queue_add(call->rpc, call, true);
    return true;
}

void call_closed(struct rpc_call *call, uint32_t code)
{
    weir_error why = {0};
    if (call->state == CALL_ENDED) {
        call_settle(call);
        return;
    }
    if (call->remote_closed) { /* all is received; the rest waits to be wanted */
        list_append(&call->rpc->parked, &call->link);
        return;
    }
    bool refused = code == NGHTTP2_REFUSED_STREAM && !call->committed;
    if (refused && repeat(call))
        return;
    call->remote_closed = true;
    /* The server watches the same deadline and may be the first to see it pass. */
    if (code == NGHTTP2_CANCEL && clock_mono(call->rpc->clock) >= call->until.at_ns) {
        out_of_time(call);
        return;
    }
    int status = call->server_streams ? status_cut(&why, code) : status_reset(&why, code);
    call_end(call, &why, status, refused);
}

void call_lost(struct rpc_call *call, const weir_error *reason)
{
    weir_error why = {0};
    bool unprocessed = !call->sent && !call->committed;
    if (call->state == CALL_ENDED) {
        call_settle(call);
        return;
    }
    if (call->remote_closed) {
        list_append(&call->rpc->parked, &call->link);
        return;
    }
    if (reason->status == WEIR_STOPPED) {
        call_end(call, reason, GRPC_CANCELLED, unprocessed);
        return;
    }
    if (unprocessed && repeat(call))
        return;
    weir_status status = reason->status == WEIR_OK ? WEIR_UNREACHABLE : reason->status;
    error_peer(&why, status, WEIR_ORIGIN_GRPC, GRPC_UNAVAILABLE,
               "the connection to %s was lost: %s", call->rpc->target_text,
               reason->status != WEIR_OK ? reason->message
               : call->headers_done ? "the server or a proxy before it closed it in the middle "
                                      "of the answer"
                                    : "the server closed it before it answered");
    call_end(call, &why, GRPC_UNAVAILABLE, unprocessed);
}
