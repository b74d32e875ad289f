/* nghttp2 keeps the protocol; this file keeps the calls. A call's answer is a byte string that
 * grows (messages with their prefix) and that nghttp2 takes from as flow control allows; trailers
 * follow its end. nghttp2's callbacks only record: what must be sent is sent by pump(), never from
 * within a callback. */
#include "sandbox/h2.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define HEADERS_MAX     128
#define BODY_MAX        (LIMIT_GRPC_MESSAGE + 5)
#define ANSWER_MAX      ((size_t)64 * 1024 * 1024) /* waiting to be sent on one call */
#define STATUS_TEXT_MAX 1024
#define STREAMS_DEFAULT 100

struct h2_call {
    TAILQ_ENTRY(h2_call) link;
    struct h2 *h2;
    void *user;
    int32_t stream;
    struct h2_header headers[HEADERS_MAX];
    size_t header_count, header_bytes;
    struct buf body;
    bool announced;
    bool too_much;         /* headers or body beyond their limits */
    bool answering, ended; /* headers are sent; nothing more will be said */
    struct buf out;
    size_t taken; /* of out */
    int status;
    char text[STATUS_TEXT_MAX];
    bool trailers; /* follow the body: gRPC, not plain HTTP */
};

TAILQ_HEAD(call_list, h2_call);

struct h2 {
    struct h2_options options;
    nghttp2_session *session;
    struct call_list calls;
    int32_t newest; /* the last call that was announced */
    int32_t last;   /* none after this one is            */
    bool busy;      /* nghttp2 is on the stack, or pump() is */
};

static nghttp2_nv pair(const char *name, const char *value)
{
    union {
        const char *text;
        uint8_t *bytes;
    } n = {name}, v = {value};
    return (nghttp2_nv){n.bytes, v.bytes, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static bool pump(struct h2 *h2)
{
    const uint8_t *data = NULL;
    if (h2->busy)
        return true;
    h2->busy = true;
    ssize_t len = 0;
    bool more = true;
    while (more && (len = nghttp2_session_mem_send(h2->session, &data)) > 0)
        more = h2->options.events->send(h2->options.user, data, (size_t)len);
    h2->busy = false;
    return len >= 0 &&
           (nghttp2_session_want_read(h2->session) || nghttp2_session_want_write(h2->session));
}

/* --- answers ------------------------------------------------------------------------------- */

static void submit_trailers(struct h2_call *call)
{
    char number[4];
    struct buf text = BUF_INIT(3 * STATUS_TEXT_MAX + 1);
    (void)snprintf(number, sizeof number, "%d", call->status % 100);
    percent_encode(&text, call->text, strlen(call->text));
    bool says = call->text[0] && text.data;
    nghttp2_nv list[] = {pair("grpc-status", number), pair("grpc-message", says ? text.data : "")};
    if (call->answering)
        nghttp2_submit_trailer(call->h2->session, call->stream, list, says ? 2 : 1);
    buf_free(&text);
}

/* nghttp2_data_source_read_callback's, which are not ours to choose. */
#define READ_PARAMETERS                                                                            \
    nghttp2_session *session, int32_t stream, uint8_t *to, size_t size, uint32_t *flags,           \
        nghttp2_data_source *source, void *user

static ssize_t read_answer(READ_PARAMETERS)
{
    struct h2_call *call = source->ptr;
    size_t left = call->out.len - call->taken, take = left < size ? left : size;
    (void)session;
    (void)stream;
    (void)user;
    if (take)
        memcpy(to, call->out.data + call->taken, take);
    call->taken += take;
    if (take < left)
        return (ssize_t)take;
    call->out.len = call->taken = 0; /* all taken: begin anew */
    if (!call->ended)
        return take ? (ssize_t)take : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (call->trailers) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(call);
    }
    return (ssize_t)take;
}

static void begin_answer(struct h2_call *call, const nghttp2_nv *list, size_t count)
{
    nghttp2_data_provider provider = {{.ptr = call}, read_answer};
    call->answering = true;
    if (nghttp2_submit_response(call->h2->session, call->stream, list, count, &provider) != 0)
        nghttp2_submit_rst_stream(call->h2->session, NGHTTP2_FLAG_NONE, call->stream,
                                  NGHTTP2_INTERNAL_ERROR);
}

static void resume(struct h2_call *call)
{
    struct h2 *h2 = call->h2;
    nghttp2_session_resume_data(h2->session, call->stream);
    pump(h2);
}

void h2_call_message(struct h2_call *call, weir_bytes message)
{
    const unsigned char prefix[5] = {0, (unsigned char)(message.len >> 24),
                                     (unsigned char)(message.len >> 16),
                                     (unsigned char)(message.len >> 8), (unsigned char)message.len};
    if (call->ended)
        return;
    buf_add(&call->out, prefix, sizeof prefix);
    buf_add(&call->out, message.data, message.len);
    if (call->out.failed) {
        h2_call_reset(call, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    const nghttp2_nv list[] = {pair(":status", "200"), pair("content-type", "application/grpc"),
                               pair("grpc-accept-encoding", "identity,gzip")};
    call->trailers = true;
    if (!call->answering)
        begin_answer(call, list, 3);
    resume(call);
}

/* Nothing was sent yet: headers and trailers are one block (Trailers-Only). */
static void submit_trailers_only(struct h2_call *call)
{
    char number[4];
    struct buf text = BUF_INIT(3 * STATUS_TEXT_MAX + 1);
    (void)snprintf(number, sizeof number, "%d", call->status % 100);
    percent_encode(&text, call->text, strlen(call->text));
    bool says = call->text[0] && text.data;
    nghttp2_nv list[] = {pair(":status", "200"), pair("content-type", "application/grpc"),
                         pair("grpc-accept-encoding", "identity,gzip"), pair("grpc-status", number),
                         pair("grpc-message", says ? text.data : "")};
    call->answering = true;
    nghttp2_submit_response(call->h2->session, call->stream, list, says ? 5 : 4, NULL);
    buf_free(&text);
    pump(call->h2);
}

void h2_call_end(struct h2_call *call, int grpc_status, const char *text)
{
    if (call->ended)
        return;
    call->ended = true;
    call->status = grpc_status;
    (void)snprintf(call->text, sizeof call->text, "%s", text ? text : "");
    if (call->answering)
        resume(call);
    else
        submit_trailers_only(call);
}

void h2_call_http(struct h2_call *call, int status, const char *body)
{
    char number[8];
    if (call->ended || call->answering)
        return;
    call->ended = true;
    (void)snprintf(number, sizeof number, "%d", status % 1000);
    const nghttp2_nv list[] = {pair(":status", number), pair("content-type", "text/html")};
    buf_adds(&call->out, body ? body : "");
    begin_answer(call, list, 2);
    pump(call->h2);
}

void h2_call_reset(struct h2_call *call, uint32_t code)
{
    call->ended = true;
    nghttp2_submit_rst_stream(call->h2->session, NGHTTP2_FLAG_NONE, call->stream, code);
    pump(call->h2);
}

/* --- requests ------------------------------------------------------------------------------ */

static void free_call(struct h2_call *call)
{
    if (call->announced)
        call->h2->options.events->closed(call->h2->options.user, call);
    TAILQ_REMOVE(&call->h2->calls, call, link);
    for (size_t i = 0; i < call->header_count; i++) {
        mem_free((void *)(uintptr_t)call->headers[i].name);
        mem_free((void *)(uintptr_t)call->headers[i].value);
    }
    buf_free(&call->body);
    buf_free(&call->out);
    mem_free(call);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_call *call = mem_zalloc(sizeof *call);
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream */
    call->h2 = h2;
    call->stream = frame->hd.stream_id;
    call->body = (struct buf)BUF_INIT(BODY_MAX);
    call->out = (struct buf)BUF_INIT(ANSWER_MAX);
    TAILQ_INSERT_TAIL(&h2->calls, call, link);
    nghttp2_session_set_stream_user_data(session, call->stream, call);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name_buf,
                     nghttp2_rcbuf *value_buf, uint8_t flags, void *user)
{
    nghttp2_vec name = nghttp2_rcbuf_get_buf(name_buf), value = nghttp2_rcbuf_get_buf(value_buf);
    struct h2_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)user;
    if (!call)
        return 0;
    call->header_bytes += name.len + value.len + 32;
    if (call->header_bytes > LIMIT_GRPC_METADATA || call->header_count == HEADERS_MAX) {
        call->too_much = true;
        return 0;
    }
    struct h2_header *header = &call->headers[call->header_count];
    header->name = mem_dup(name.base, name.len);
    header->value = mem_dup(value.base, value.len);
    header->len = value.len;
    call->header_count++; /* also when memory ran out: both may be freed */
    return header->name && header->value ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user)
{
    struct h2_call *call = nghttp2_session_get_stream_user_data(session, stream);
    (void)flags;
    (void)user;
    if (call && !call->too_much) {
        buf_add(&call->body, data, len);
        call->too_much = call->body.failed;
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct h2_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!call || !request || call->announced || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (call->stream > h2->last)
        return 0; /* the GOAWAY says that it was not taken, and closes it */
    if (call->too_much) {
        h2_call_end(call, 8, "gRPC message exceeds maximum size 4194304");
        return 0;
    }
    call->announced = true;
    h2->newest = call->stream;
    h2->options.events->request(h2->options.user, call);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    struct h2_call *call = nghttp2_session_get_stream_user_data(session, stream);
    (void)code;
    (void)user;
    if (call) {
        nghttp2_session_set_stream_user_data(session, stream, NULL);
        free_call(call);
    }
    return 0;
}

static int start_session(struct h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return -1;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    int failed = nghttp2_session_server_new(&h2->session, callbacks, h2);
    nghttp2_session_callbacks_del(callbacks);
    uint32_t streams = h2->options.max_concurrent_streams;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams ? streams : STREAMS_DEFAULT},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_GRPC_METADATA_SOFT},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_GRPC_WINDOW},
    };
    if (!failed)
        failed = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, 3);
    if (!failed)
        failed = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                                       LIMIT_GRPC_WINDOW);
    return failed;
}

struct h2 *h2_new(const struct h2_options *options, weir_error *err)
{
    struct h2 *h2 = mem_zalloc(sizeof *h2);
    if (h2) {
        h2->options = *options;
        h2->last = INT32_MAX;
        TAILQ_INIT(&h2->calls);
        if (start_session(h2) == 0)
            return h2;
        h2_free(h2);
    }
    error_no_memory(err);
    return NULL;
}

void h2_free(struct h2 *h2)
{
    if (!h2)
        return;
    h2->busy = true; /* nothing is sent any more */
    while (!TAILQ_EMPTY(&h2->calls))
        free_call(TAILQ_FIRST(&h2->calls));
    nghttp2_session_del(h2->session);
    mem_free(h2);
}

bool h2_feed(struct h2 *h2, const void *data, size_t len)
{
    h2->busy = true;
    ssize_t taken = nghttp2_session_mem_recv(h2->session, data, len);
    h2->busy = false;
    return pump(h2) && taken == (ssize_t)len;
}

bool h2_pump(struct h2 *h2)
{
    return pump(h2);
}

void h2_goaway(struct h2 *h2, int32_t last)
{
    h2->last = last;
    nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
    pump(h2);
}

void h2_call_goaway(struct h2_call *call)
{
    struct h2 *h2 = call->h2;
    int32_t last = call->stream > 2 ? call->stream - 2 : 0;
    if (h2->newest <= call->stream) {
        h2_goaway(h2, last);
        return;
    }
    h2_goaway(h2, h2->newest);
    h2_call_reset(call, H2_REFUSED_STREAM);
}

size_t h2_calls(const struct h2 *h2)
{
    size_t count = 0;
    const struct h2_call *call = NULL;
    TAILQ_FOREACH(call, &h2->calls, link)
    count++;
    return count;
}

const char *h2_call_path(const struct h2_call *call)
{
    const char *path = h2_call_header(call, ":path");
    return path ? path : "";
}

const struct h2_header *h2_call_headers(const struct h2_call *call, size_t *count)
{
    *count = call->header_count;
    return call->headers;
}

const char *h2_call_header(const struct h2_call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++) {
        if (strcmp(call->headers[i].name, name) == 0)
            return call->headers[i].value;
    }
    return NULL;
}

weir_bytes h2_call_body(const struct h2_call *call)
{
    return (weir_bytes){call->body.data, call->body.len};
}

size_t h2_call_queued(const struct h2_call *call)
{
    return call->out.len - call->taken;
}

void h2_call_set_user(struct h2_call *call, void *user)
{
    call->user = user;
}

void *h2_call_user(const struct h2_call *call)
{
    return call->user;
}
