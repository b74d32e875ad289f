/* What the server sends on a call's stream: headers, messages, trailers. @thread io
 *
 * A message that lies whole in what was just read is handed on from there, without a copy. Only
 * what is cut or not wanted yet goes to `hold`, whose size the stream's window bounds: bytes that
 * nobody wants do not open it again. The end waits until every message before it is delivered. */
#include "rpc/call.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"
#include "rpc/channel.h"
#include "rpc/frame.h"
#include "rpc/session.h"
#include "rpc/status.h"

#include <string.h>

#define BODY_SHOWN    200              /* bytes of an HTTP answer that is no gRPC       */
#define MESSAGE_SHOWN (8 * 1024)       /* of grpc-message                               */
#define OPEN_STEP     (RPC_WINDOW / 8) /* bytes taken before the window is opened again */

void call_inbound_free(struct rpc_call *call)
{
    metadata_clear(&call->head);
    metadata_clear(&call->tail.extra);
    mem_free(call->tail.message);
    buf_free(&call->hold);
}

/* ---- headers ----------------------------------------------------------------------------- */

static bool is(weir_bytes text, const char *wanted, size_t len)
{
    return text.len == len && memcmp(text.data, wanted, len) == 0;
}
#define IS(text, literal) is(text, literal, sizeof(literal) - 1)

static int small_number(weir_bytes text, int fallback)
{
    int number = 0;
    const char *at = text.data;
    if (text.len == 0 || text.len > 3)
        return fallback;
    for (size_t i = 0; i < text.len; i++) {
        if (at[i] < '0' || at[i] > '9')
            return fallback;
        number = number * 10 + (at[i] - '0');
    }
    return number;
}

static bool decode_message(struct rpc_call *call, weir_bytes value)
{
    struct buf text = BUF_INIT(MESSAGE_SHOWN);
    size_t len = value.len < MESSAGE_SHOWN / 2 ? value.len : MESSAGE_SHOWN / 2;
    percent_decode(&text, value.data, len);
    mem_free(call->tail.message);
    call->tail.message = text.data;
    return !text.failed;
}

static bool is_grpc_type(weir_bytes value)
{
    static const char type[] = "application/grpc";
    const char *text = value.data;
    size_t len = sizeof type - 1;
    return value.len >= len && memcmp(text, type, len) == 0 &&
           (value.len == len || text[len] == '+' || text[len] == ';');
}

/* What the engine itself reads; false: it is for the program alone. */
static bool known_header(struct rpc_call *call, weir_bytes name, weir_bytes value, bool *ok)
{
    if (IS(name, ":status")) {
        call->http_status = small_number(value, 0);
        return true;
    }
    if (IS(name, "grpc-status")) {
        int status = small_number(value, GRPC_UNKNOWN);
        call->tail.grpc_status = status > 16 ? GRPC_UNKNOWN : status;
        return true;
    }
    if (IS(name, "grpc-message")) {
        *ok = decode_message(call, value);
        return true;
    }
    if (IS(name, "content-type"))
        call->grpc = is_grpc_type(value);
    else if (IS(name, "grpc-encoding"))
        call->gzip_in = IS(value, "gzip");
    return false;
}

bool call_header(struct rpc_call *call, weir_bytes name, weir_bytes value, bool last)
{
    bool ok = true;
    if (call->state != CALL_OPEN || known_header(call, name, value, &ok))
        return ok;
    if (last || call->headers_done)
        return IS(name, "content-type") || metadata_add(&call->tail.extra, name, value);
    return !call->events->headers || metadata_add(&call->head, name, value);
}

void call_headers_done(struct rpc_call *call, bool last)
{
    if (call->state != CALL_OPEN)
        return;
    if (!call->headers_done && call->http_status < 200) { /* 1xx: the answer is still to come */
        metadata_clear(&call->head);
        return;
    }
    if (!call->headers_done) {
        call->headers_done = true;
        call->grpc =
            call->grpc && call->http_status == 200; /* else a proxy's page, whatever it says */
        call->committed = true;
        if (!last && call->grpc && call->events->headers)
            call->events->headers(call->user, call->head.list, call->head.count);
    }
    if (last)
        call_remote_closed(call);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void finish_without_status(struct rpc_call *call)
{
    weir_error why = {0};
    struct buf text = BUF_INIT(4 * BODY_SHOWN);
    int grpc_status = GRPC_UNKNOWN;
    if (call->grpc && call->server_streams) {
        grpc_status = GRPC_UNAVAILABLE;
        error_peer(&why, WEIR_UNREACHABLE, WEIR_ORIGIN_GRPC, grpc_status,
                   "the stream ended without a grpc-status, as if a proxy had cut it");
    } else if (call->grpc) {
        error_peer(&why, WEIR_PROTOCOL, WEIR_ORIGIN_GRPC, grpc_status,
                   "the server ended the answer without a grpc-status");
    } else {
        text_fold(&text, call->hold.data ? call->hold.data : "", call->hold.len, BODY_SHOWN);
        grpc_status = status_http(&why, call->http_status, text.data);
    }
    call_end(call, &why, grpc_status, false);
    buf_free(&text);
}

static void finish_failed(struct rpc_call *call, int status)
{
    weir_error why = {0};
    status_grpc(&why, status, call->tail.message);
    call_end(call, &why, status, false);
}

static void finish(struct rpc_call *call)
{
    static const weir_error fine;
    int status = call->tail.grpc_status;
    if (status < 0)
        finish_without_status(call);
    else if (status != GRPC_OK)
        finish_failed(call, status);
    else if (call->hold.len > call->hold_at)
        call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL, "the server's last message is cut short");
    else if (!call->server_streams && call->messages != 1)
        call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL, "the server answered OK without a message");
    else
        call_end(call, &fine, GRPC_OK, false);
}

void call_remote_closed(struct rpc_call *call)
{
    if (call->state != CALL_OPEN)
        return;
    call->remote_closed = true;
    call_deliver(call);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void hand_over(struct rpc_call *call, const void *data, size_t len)
{
    if (!call->server_streams && call->messages > 0) {
        call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL,
                  "the server sent more than one message to a call that has one answer");
        return;
    }
    call->messages++;
    if (call->wanted != SIZE_MAX)
        call->wanted--;
    tally_add(&call->rpc->tally.messages_received, 1);
    call->events->message(call->user, (weir_bytes){data, len});
}

static void unpack(struct rpc_call *call, const uint8_t *data, size_t len)
{
    weir_error why = {0};
    int64_t max = call->rpc->args.max_receive;
    struct buf text = BUF_INIT(max < 0 ? INT32_MAX : (size_t)max);
    if (!call->gzip_in) {
        call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL,
                  "the server compressed a message with something that is not gzip");
        return;
    }
    if (frame_gunzip(&text, data, len, &why) == WEIR_OK)
        hand_over(call, text.data ? text.data : "", text.len);
    else
        call_end(call, &why, why.status == WEIR_PROTOCOL ? GRPC_INTERNAL : GRPC_RESOURCE_EXHAUSTED,
                 false);
    buf_free(&text);
}

static bool acceptable(struct rpc_call *call, const uint8_t *at, struct frame *f)
{
    int64_t max = call->rpc->args.max_receive;
    if (!frame_read(at, f)) {
        call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL, "the server's answer is not gRPC messages");
        return false;
    }
    if (max < 0 || (int64_t)f->len <= max)
        return true;
    weir_error why = {0};
    error_peer(&why, WEIR_INVALID, WEIR_ORIGIN_GRPC, GRPC_RESOURCE_EXHAUSTED,
               "the server's message has %u bytes, more than the limit of %lld; raise "
               "grpc.max_receive_message_length",
               (unsigned)f->len, (long long)max);
    why.kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    call_end(call, &why, GRPC_RESOURCE_EXHAUSTED, false);
    return false;
}

/* Hands on the whole messages at `data` that are wanted; returns how many bytes they take. */
static size_t deliver_from(struct rpc_call *call, const uint8_t *data, size_t len)
{
    struct frame f;
    size_t at = 0;
    while (call->state == CALL_OPEN && call->wanted > 0 && len - at >= FRAME_PREFIX &&
           acceptable(call, data + at, &f) && len - at - FRAME_PREFIX >= f.len) {
        at += FRAME_PREFIX;
        if (f.compressed)
            unpack(call, data + at, f.len);
        else
            hand_over(call, data + at, f.len);
        at += f.len;
    }
    return at;
}

static void keep(struct rpc_call *call, const uint8_t *data, size_t len)
{
    struct buf *hold = &call->hold;
    if (len == 0 || call->state != CALL_OPEN)
        return;
    if (call->hold_at > 0 && call->hold_at >= hold->len / 2) { /* moves each byte once at most */
        memmove(hold->data, hold->data + call->hold_at, hold->len - call->hold_at);
        hold->len -= call->hold_at;
        call->hold_at = 0;
    }
    buf_add(hold, data, len);
    if (hold->failed)
        call_fail(call, WEIR_NO_MEMORY, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

static void open_window(struct rpc_call *call)
{
    if (!call->session || call->remote_closed || call->state != CALL_OPEN)
        return;
    size_t left = call->wanted > 0 ? 0 : call->hold.len - call->hold_at;
    size_t taken = call->unconsumed > left ? call->unconsumed - left : 0;
    if (taken < OPEN_STEP)
        return;
    session_consumed(call->session, call, taken);
    call->unconsumed -= taken;
}

/* Whether a whole message lies in `hold`. */
static bool has_message(const struct rpc_call *call)
{
    struct frame f;
    size_t left = call->hold.len - call->hold_at;
    return left >= FRAME_PREFIX &&
           (!frame_read((const uint8_t *)call->hold.data + call->hold_at, &f) ||
            left - FRAME_PREFIX >= f.len);
}

void call_deliver(struct rpc_call *call)
{
    if (call->state != CALL_OPEN)
        return;
    if (call->grpc && call->hold.len > call->hold_at)
        call->hold_at += deliver_from(call, (const uint8_t *)call->hold.data + call->hold_at,
                                      call->hold.len - call->hold_at);
    if (call->hold_at == call->hold.len && call->state == CALL_OPEN) {
        buf_free(&call->hold);
        call->hold_at = 0;
    }
    if (call->remote_closed && call->state == CALL_OPEN && !(call->grpc && has_message(call)))
        finish(call);
    open_window(call);
}

void call_data(struct rpc_call *call, const uint8_t *data, size_t len)
{
    if (call->state != CALL_OPEN)
        return;
    if (!call->grpc) {
        size_t room = call->hold.len < BODY_SHOWN ? BODY_SHOWN - call->hold.len : 0;
        call->unconsumed += len;
        keep(call, data, len < room ? len : room);
        open_window(call);
        return;
    }
    call->unconsumed += len;
    if (call->hold.len > call->hold_at) {
        keep(call, data, len);
        call_deliver(call);
        return;
    }
    size_t took = deliver_from(call, data, len);
    keep(call, data + took, len - took);
    open_window(call);
}
