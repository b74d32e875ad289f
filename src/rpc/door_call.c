/* rpc.h's call functions, for any thread. The request's headers are laid out here, on the caller's
 * thread; the I/O thread only hands pointers on. Orders go into the call under the channel's lock,
 * and the call into the channel's mailbox; the first one wakes the I/O thread. */
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"
#include "rpc/channel.h"
#include "rpc/frame.h"

#include <string.h>

#define HEADERS_MOST 11 /* of the engine's own, grpc-timeout included */

/* Where the strings of a call's headers go. */
struct pen {
    nghttp2_nv *nv;
    size_t count;
    char *at;
};

static void put(struct pen *pen, const char *name, const char *value, size_t len)
{
    pen->nv[pen->count++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name,
        .value = (uint8_t *)(uintptr_t)value,
        .namelen = strlen(name),
        .valuelen = len,
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
    };
}

static const char *copy(struct pen *pen, const void *data, size_t len)
{
    char *at = pen->at;
    if (len)
        memcpy(at, data, len);
    at[len] = '\0';
    pen->at += len + 1;
    return at;
}

static size_t text_size(const struct rpc_call_options *o)
{
    size_t size = strlen(o->path) + 1;
    for (size_t i = 0; i < o->metadata_count; i++)
        size += strlen(o->metadata[i].name) + o->metadata[i].value.len / 3 * 4 + 8;
    return size + o->metadata_count;
}

/* In the order of gRPC over HTTP/2, "Requests". */
static void write_own_headers(struct pen *pen, struct rpc *rpc, const struct rpc_call_options *o)
{
    size_t path_len = strlen(o->path);
    put(pen, ":method", "POST", 4);
    put(pen, ":scheme", rpc->tls ? "https" : "http", rpc->tls ? 5 : 4);
    put(pen, ":path", copy(pen, o->path, path_len), path_len);
    put(pen, ":authority", rpc->authority, strlen(rpc->authority));
    put(pen, "te", "trailers", 8);
    put(pen, "content-type", "application/grpc", 16);
    if (o->gzip)
        put(pen, "grpc-encoding", "gzip", 4);
    put(pen, "grpc-accept-encoding", "identity,gzip", 13);
    put(pen, "user-agent", rpc->user_agent, strlen(rpc->user_agent));
}

static bool write_metadata(struct pen *pen, const weir_metadata *entry)
{
    size_t name_len = strlen(entry->name);
    const char *name = copy(pen, entry->name, name_len);
    if (!metadata_is_binary(name, name_len)) {
        put(pen, name, copy(pen, entry->value.data, entry->value.len), entry->value.len);
        return true;
    }
    struct buf text = BUF_INIT(entry->value.len / 3 * 4 + 8);
    base64_add(&text, entry->value.data, entry->value.len, false);
    if (!text.failed)
        put(pen, name, copy(pen, text.data, text.len), text.len);
    bool ok = !text.failed;
    buf_free(&text);
    return ok;
}

static bool write_headers(struct rpc_call *call, const struct rpc_call_options *o)
{
    struct pen pen = {.nv = call->nv};
    pen.at = (char *)(call->nv + HEADERS_MOST + o->metadata_count);
    call->text = pen.at;
    call->text_size = text_size(o);
    write_own_headers(&pen, call->rpc, o);
    for (size_t i = 0; i < o->metadata_count; i++) {
        call->secret = call->secret || strcmp(o->metadata[i].name, "authorization") == 0;
        if (!write_metadata(&pen, &o->metadata[i]))
            return false;
    }
    call->nv_fixed = pen.count;
    put(&pen, "grpc-timeout", call->timeout, 0);
    return true;
}

static weir_status check(const struct rpc_call_options *o, weir_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < o->metadata_count; i++) {
        if (metadata_check(&o->metadata[i], err) != WEIR_OK)
            return WEIR_INVALID;
        size += metadata_size(&o->metadata[i]);
        if (size > LIMIT_GRPC_METADATA_SENT)
            return error_set(err, WEIR_INVALID,
                             "the call's metadata has more than %d KiB, names included; servers "
                             "take 8 to 16",
                             LIMIT_GRPC_METADATA_SENT / 1024);
    }
    return loop_check_fork(err);
}

static size_t hold_max(const struct rpc *rpc)
{
    int64_t most = rpc->args.max_receive;
    return (most < 0 ? (size_t)UINT32_MAX : (size_t)most) + 2 * (size_t)RPC_WINDOW;
}

/* Of the call, its headers and their text. */
static size_t size_before_message(const struct rpc_call_options *o)
{
    const size_t align = _Alignof(struct call_message);
    size_t headers = HEADERS_MOST + o->metadata_count;
    size_t size = sizeof(struct rpc_call) + headers * sizeof(nghttp2_nv) + text_size(o);
    return (size + align - 1) / align * align;
}

/* With `after` bytes behind it, for a message. */
static struct rpc_call *make(struct rpc *rpc, const struct rpc_call_options *o,
                             const struct rpc_events *events, void *user, size_t after)
{
    size_t fixed = size_before_message(o);
    struct rpc_call *call = mem_realloc(NULL, fixed + after);
    if (!call)
        return NULL;
    memset(call, 0, sizeof *call); /* the rest is written as it is needed */
    call->rpc = rpc;
    atomic_store(&call->refs, 2);
    call->engaged = true;
    call->events = events;
    call->user = user;
    call->until = o->until;
    call->long_lived = o->long_lived;
    call->wait_for_ready = o->wait_for_ready;
    call->server_streams = o->server_streams;
    call->client_streams = o->client_streams;
    call->manual = o->manual;
    call->gzip = o->gzip;
    call->wanted = o->manual ? o->want : SIZE_MAX;
    call->tail.grpc_status = -1;
    call->hold = (struct buf)BUF_INIT(hold_max(rpc));
    if (!write_headers(call, o)) {
        call_discard(call);
        return NULL;
    }
    return call;
}

/* @locked: into the mailbox. */
static void drop_in(struct rpc_call *call)
{
    struct rpc *rpc = call->rpc;
    if (!call->changed) {
        call->changed = true;
        call->next_changed = NULL;
        *rpc->changed_last = call;
        rpc->changed_last = &call->next_changed;
        atomic_fetch_add(&call->refs, 1);
    }
}

static void mail(struct rpc_call *call, bool wake)
{
    drop_in(call);
    if (wake)
        channel_call_attention(call->rpc);
}

struct rpc_call *rpc_call_start(struct rpc *rpc, const struct rpc_call_options *options,
                                const struct rpc_events *events, void *user, weir_error *err)
{
    if (!rpc) {
        error_null(err, "the channel");
        return NULL;
    }
    if (check(options, err) != WEIR_OK)
        return NULL;
    struct rpc_call *call = make(rpc, options, events, user, 0);
    if (!call) {
        error_no_memory(err);
        return NULL;
    }
    channel_hold(rpc);
    pthread_mutex_lock(&rpc->lock);
    bool closed = rpc->closed;
    if (!closed) /* a request with one message begins with that: one wake-up, not two */
        mail(call, options->client_streams);
    pthread_mutex_unlock(&rpc->lock);
    if (closed) {
        call_unref(call);
        call_unref(call);
        error_set(err, WEIR_STOPPED, "the channel is closed");
        return NULL;
    }
    error_ok(err);
    return call;
}

static void fill(struct call_message *m, bool compressed, const void *data, size_t len)
{
    m->len = FRAME_PREFIX + len;
    frame_write(m->data, compressed, (uint32_t)len);
    if (len)
        memcpy(m->data + FRAME_PREFIX, data, len);
}

static struct call_message *pack(const struct rpc_call *call, weir_bytes message, weir_error *err)
{
    struct buf packed = BUF_INIT(UINT32_MAX);
    if (call->gzip && frame_gzip(&packed, message.data, message.len, err) != WEIR_OK) {
        buf_free(&packed);
        return NULL;
    }
    size_t len = call->gzip ? packed.len : message.len;
    struct call_message *m = mem_zalloc(sizeof *m + FRAME_PREFIX + len);
    if (m)
        fill(m, call->gzip, call->gzip ? packed.data : message.data, len);
    else
        error_no_memory(err);
    buf_free(&packed);
    return m;
}

static weir_status check_size(const struct rpc *rpc, size_t len, weir_error *err)
{
    int64_t most = rpc->args.max_send;
    if (len <= UINT32_MAX && (most < 0 || (int64_t)len <= most))
        return WEIR_OK;
    error_set(err, WEIR_INVALID, "the message has %zu bytes, more than the limit of %lld", len,
              most < 0 ? (long long)UINT32_MAX : (long long)most);
    if (err)
        err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    return WEIR_INVALID;
}

/* @locked, unless nobody knows the call yet. */
static void add_message(struct rpc_call *call, struct call_message *m)
{
    struct call_orders *orders = &call->orders;
    if (orders->last)
        orders->last->next = m;
    else
        orders->first = m;
    orders->last = m;
    orders->end_sending = orders->end_sending || !call->client_streams;
}

/* A call and its message, in one block where that is possible. */
static struct rpc_call *make_with_message(struct rpc *rpc, const struct rpc_call_options *o,
                                          const struct rpc_events *events, void *user,
                                          weir_error *err)
{
    size_t len = o->request.len;
    size_t room = o->gzip ? 0 : sizeof(struct call_message) + FRAME_PREFIX + len;
    struct rpc_call *call = make(rpc, o, events, user, room);
    struct call_message *m = NULL;
    if (!call) {
        error_no_memory(err);
    } else if (o->gzip) {
        m = pack(call, o->request, err);
    } else {
        m = (struct call_message *)(void *)((char *)call + size_before_message(o));
        *m = (struct call_message){.inside = true};
        fill(m, false, o->request.data, len);
    }
    if (m) {
        add_message(call, m);
        return call;
    }
    if (call)
        call_discard(call);
    return NULL;
}

weir_status rpc_call_begin(struct rpc *rpc, const struct rpc_call_options *options,
                           const struct rpc_events *events, void *user, struct rpc_call **call,
                           weir_error *err)
{
    if (!rpc)
        return error_null(err, "the channel");
    weir_status status = check(options, err);
    if (status != WEIR_OK)
        return status;
    status = check_size(rpc, options->request.len, err);
    if (status != WEIR_OK)
        return status;
    struct rpc_call *made = make_with_message(rpc, options, events, user, err);
    if (!made)
        return WEIR_NO_MEMORY;
    error_ok(err); /* once handed in, the call's end may use *err */
    channel_hold(rpc);
    pthread_mutex_lock(&rpc->lock);
    bool closed = rpc->closed;
    bool post = false;
    if (!closed) {
        *call = made;
        drop_in(made);
        post = channel_wants_post(rpc);
    }
    pthread_mutex_unlock(&rpc->lock);
    if (post)
        channel_post(rpc);
    if (!closed)
        return WEIR_OK;
    call_unref(made);
    call_unref(made);
    return error_set(err, WEIR_STOPPED, "the channel is closed");
}

weir_status rpc_call_send(struct rpc_call *call, weir_bytes message, weir_error *err)
{
    if (!call)
        return error_null(err, "the call");
    if (check_size(call->rpc, message.len, err) != WEIR_OK)
        return WEIR_INVALID;
    struct rpc *rpc = call->rpc;
    struct call_message *m = pack(call, message, err);
    if (!m)
        return WEIR_NO_MEMORY;
    pthread_mutex_lock(&rpc->lock);
    bool closed = rpc->closed;
    if (!closed) {
        add_message(call, m);
        drop_in(call);
        channel_call_attention(rpc);
    }
    pthread_mutex_unlock(&rpc->lock);
    if (!closed)
        return error_ok(err);
    mem_free(m);
    return error_set(err, WEIR_STOPPED, "the channel is closed");
}

static void order(struct rpc_call *call, bool end_sending, bool cancel, size_t want)
{
    if (!call)
        return;
    struct rpc *rpc = call->rpc;
    struct call_orders *orders = &call->orders;
    pthread_mutex_lock(&rpc->lock);
    if (!rpc->closed) {
        orders->end_sending = orders->end_sending || end_sending;
        orders->cancel = orders->cancel || cancel;
        orders->want += want < SIZE_MAX / 2 - orders->want ? want : 0;
        mail(call, true);
    }
    pthread_mutex_unlock(&rpc->lock);
}

void rpc_call_end_sending(struct rpc_call *call)
{
    order(call, true, false, 0);
}

void rpc_call_want(struct rpc_call *call, size_t count)
{
    order(call, false, false, count);
}

void rpc_call_cancel(struct rpc_call *call)
{
    order(call, false, true, 0);
}

void rpc_call_free(struct rpc_call *call)
{
    if (call)
        call_unref(call);
}
