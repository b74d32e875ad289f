/* One HTTP/2 connection's client side.
 *
 * Windows are opened by hand: the connection's as bytes arrive, so that a slow reader of one stream
 * stops nobody else; a stream's as its call takes what came (session_consumed). nghttp2 keeps
 * pointers into a call's memory from session_start() until the stream is closed, therefore a call
 * stays on the session until then, even after it has ended.
 *
 * Nothing in here may free the session: callbacks into calls only post orders (call.c). */
#include "rpc/session.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"
#include "rpc/status.h"

#include <string.h>

#define CONNECTION_WINDOW (16 * 1024 * 1024)
#define CONTINUATIONS_MAX 8 /* of one header block; newer nghttp2 has this limit, too */
#define FRAME_HEADER      9
#define IDLE_FRAMES_MAX   2000 /* without news for a call, within ...              */
#define IDLE_PERIOD_NS    (10 * NS_PER_S)
#define IDLE_FRAME_WEIGHT 256 /* bytes that count as a frame                     */
#define ACKS_MAX          200 /* answers to PING and SETTINGS that wait to leave  */
#define SETTINGS_MAX      64  /* entries of one SETTINGS frame                    */
/* What may still come of a call that was cancelled: its window, and the frames' headers. */
#define LATE_DATA      ((int64_t)LIMIT_GRPC_WINDOW / 4 * 5)
#define LATE_DATA_MOST (16 * LATE_DATA)

struct session {
    nghttp2_session *h2;
    struct session_options o;
    struct link calls;
    size_t open, open_long; /* calls; the long-lived ones of them */
    bool settled, refusing;
    size_t block; /* bytes of the header block that is being received */
    unsigned continuations;
    size_t idle_frames;
    bool news;       /* in what is being fed */
    int64_t unnamed; /* bytes that were fed less those of announced frames */
    bool answered;   /* a call, at any time */
    int64_t idle_since_ns;
    weir_error why;
};

static void count(_Atomic uint64_t *counter, size_t more)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

static struct rpc_call *call_of(nghttp2_session *h2, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(h2, stream);
}

static int break_off(struct session *s, const char *what)
{
    if (s->why.status == WEIR_OK)
        error_peer(&s->why, WEIR_PROTOCOL, WEIR_ORIGIN_GRPC, GRPC_INTERNAL,
                   "the server broke HTTP/2: %s; the connection was closed", what);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A frame that brings no call further. They are normal, but not in floods. */
static int count_idle(struct session *s, size_t frames)
{
    s->idle_frames += frames;
    if (s->idle_frames <= IDLE_FRAMES_MAX)
        return 0;
    int64_t now = clock_mono(s->o.clock);
    bool flood = s->idle_since_ns && now - s->idle_since_ns < IDLE_PERIOD_NS;
    s->idle_since_ns = now;
    s->idle_frames = 0;
    return flood ? break_off(s, "a flood of frames that say nothing") : 0;
}

static void had_news(struct session *s)
{
    s->idle_frames = 0;
    s->news = true;
}

static int on_begin_frame(nghttp2_session *h2, const nghttp2_frame_hd *hd, void *user)
{
    struct session *s = user;
    (void)h2;
    s->unnamed -= (int64_t)(FRAME_HEADER + hd->length);
    if (hd->type == NGHTTP2_CONTINUATION && ++s->continuations > CONTINUATIONS_MAX)
        return break_off(s, "endless CONTINUATION frames");
    if (hd->type == NGHTTP2_HEADERS)
        s->continuations = 0;
    /* What is padded may hold nothing else; if it does, on_data() forgets the count. */
    if (hd->type == NGHTTP2_DATA && hd->length > 0 && !(hd->flags & NGHTTP2_FLAG_PADDED))
        return 0;
    return count_idle(s, 1);
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct session *s = user;
    (void)h2;
    (void)frame;
    s->block = 0;
    return 0;
}

static weir_bytes bytes_of(nghttp2_rcbuf *rc)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(rc);
    return (weir_bytes){v.base, v.len};
}

/* RFC 9113, 6.5.2: a field counts with 32 bytes on top. */
static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct session *s = user;
    struct rpc_call *call = call_of(h2, frame->hd.stream_id);
    (void)flags;
    if (!call)
        return 0;
    weir_bytes n = bytes_of(name);
    weir_bytes v = bytes_of(value);
    s->block += n.len + v.len + 32;
    if (s->block > s->o.max_metadata) {
        call_fail(call, WEIR_PROTOCOL, GRPC_RESOURCE_EXHAUSTED,
                  "the server's headers are larger than %u bytes; raise grpc.max_metadata_size if "
                  "that is right",
                  (unsigned)s->o.max_metadata);
        return s->block > (size_t)s->o.max_metadata + LIMIT_GRPC_METADATA
                   ? break_off(s, "endless headers")
                   : 0;
    }
    if (!call_header(call, n, v, frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        call_fail(call, WEIR_NO_MEMORY, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    return 0;
}

static int on_goaway(struct session *s, const nghttp2_goaway *frame)
{
    char debug[128];
    size_t len = frame->opaque_data_len < sizeof debug ? frame->opaque_data_len : sizeof debug - 1;
    if (len)
        memcpy(debug, frame->opaque_data, len);
    debug[len] = '\0';
    bool pings =
        frame->error_code == NGHTTP2_ENHANCE_YOUR_CALM && strcmp(debug, "too_many_pings") == 0;
    if (frame->error_code != NGHTTP2_NO_ERROR && s->why.status == WEIR_OK)
        error_peer(&s->why, WEIR_UNREACHABLE, WEIR_ORIGIN_GRPC, GRPC_UNAVAILABLE,
                   "the server ended the connection: GOAWAY %s%s%s",
                   status_h2_name(frame->error_code), len ? ": " : "", debug);
    s->refusing = true;
    s->o.events->goaway(s->o.user, frame->error_code, pings, debug);
    return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct session *s = user;
    struct rpc_call *call;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        call = call_of(h2, frame->hd.stream_id);
        if (!call)
            return 0;
        call_headers_done(call, frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
        if (call->headers_done) { /* not for 1xx */
            had_news(s);
            s->answered = true;
        }
        return 0;
    case NGHTTP2_DATA:
        call = frame->hd.flags & NGHTTP2_FLAG_END_STREAM ? call_of(h2, frame->hd.stream_id) : NULL;
        if (call)
            call_remote_closed(call);
        return 0;
    case NGHTTP2_SETTINGS:
        if (!s->settled && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
            s->settled = true;
            s->o.events->settled(s->o.user);
        }
        return 0;
    case NGHTTP2_GOAWAY:
        return on_goaway(s, &frame->goaway);
    default:
        return 0;
    }
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user)
{
    struct session *s = user;
    struct rpc_call *call = call_of(h2, stream);
    (void)flags;
    had_news(s);
    nghttp2_session_consume_connection(h2, len);
    if (call)
        call_data(call, data, len);
    return 0;
}

static int on_invalid(nghttp2_session *h2, const nghttp2_frame *frame, int error, void *user)
{
    struct session *s = user;
    struct rpc_call *call = frame->hd.stream_id ? call_of(h2, frame->hd.stream_id) : NULL;
    if (call) {
        call->violated = true;
        call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL, "the server broke HTTP/2 on this call: %s",
                  nghttp2_strerror(error));
    } else {
        break_off(s, nghttp2_strerror(error));
    }
    return 0;
}

static int on_error(nghttp2_session *h2, int error, const char *text, size_t len, void *user)
{
    struct session *s = user;
    (void)h2;
    (void)len;
    /* The others come through on_invalid() as well, which knows whose fault it was. */
    if (error == NGHTTP2_ERR_SETTINGS_EXPECTED)
        break_off(s, text);
    return 0;
}

/* A GOAWAY with an error is nghttp2's verdict on the peer. */
static void on_verdict(struct session *s, const nghttp2_goaway *frame)
{
    char text[128];
    size_t len = frame->opaque_data_len < sizeof text ? frame->opaque_data_len : sizeof text - 1;
    if (len)
        memcpy(text, frame->opaque_data, len);
    text[len] = '\0';
    if (frame->error_code != NGHTTP2_NO_ERROR)
        break_off(s, len ? text : status_h2_name(frame->error_code));
}

/* A reset of ours that the call did not ask for: nghttp2 found something wrong with the stream. */
static void on_reset_sent(struct rpc_call *call, uint32_t code)
{
    if (!call || call->state != CALL_OPEN)
        return;
    call_fail(call, WEIR_PROTOCOL, GRPC_INTERNAL, "the server broke HTTP/2 on this call: %s",
              status_h2_name(code));
}

static int on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct rpc_call *call;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        on_reset_sent(call_of(h2, frame->hd.stream_id), frame->rst_stream.error_code);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        on_verdict(user, &frame->goaway);
    if (frame->hd.type == NGHTTP2_HEADERS && (call = call_of(h2, frame->hd.stream_id)))
        call->sent = true;
    return 0;
}

static void take_off(struct session *s, struct rpc_call *call)
{
    list_remove(&call->link);
    call->session = NULL;
    s->open--;
    s->open_long -= call->long_lived;
}

static int on_closed(nghttp2_session *h2, int32_t stream, uint32_t code, void *user)
{
    struct session *s = user;
    struct rpc_call *call = call_of(h2, stream);
    if (!call)
        return 0;
    nghttp2_session_set_stream_user_data(h2, stream, NULL);
    take_off(s, call);
    call_closed(call, code);
    s->o.events->room(s->o.user);
    return 0;
}

/* nghttp2_data_source_read_callback's, which are not ours to choose. */
#define READ_PARAMETERS                                                                            \
    nghttp2_session *h2, int32_t stream, uint8_t *out, size_t max, uint32_t *flags,                \
        nghttp2_data_source *source, void *user

static ssize_t on_read(READ_PARAMETERS)
{
    struct session *s = user;
    (void)h2;
    (void)stream;
    ssize_t len = call_read(source->ptr, out, max, flags);
    if (len > 0)
        s->idle_frames =
            0; /* a server with a small window answers each frame with WINDOW_UPDATEs */
    return len;
}

static nghttp2_session_callbacks *callbacks(void)
{
    nghttp2_session_callbacks *c = NULL;
    if (nghttp2_session_callbacks_new(&c))
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid);
    nghttp2_session_callbacks_set_error_callback2(c, on_error);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_closed);
    return c;
}

/* grpc-message may end in a blank: brokers say "rejected with code 'X': " when there is no reason.
 * nghttp2 refuses that since 1.50. */
#if NGHTTP2_VERSION_NUM >= 0x013200
static void allow_blanks(nghttp2_option *o)
{
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(o, 1);
}
#else
static void allow_blanks(nghttp2_option *o)
{
    (void)o;
}
#endif

static nghttp2_option *limits(void)
{
    nghttp2_option *o = NULL;
    if (nghttp2_option_new(&o))
        return NULL;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_outbound_ack(o, ACKS_MAX);
    nghttp2_option_set_max_settings(o, SETTINGS_MAX);
    nghttp2_option_set_max_send_header_block_length(o, LIMIT_GRPC_METADATA_SENT * 2);
    allow_blanks(o);
    return o;
}

static int greet(struct session *s)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, s->o.window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, s->o.max_metadata},
    };
    int bad = nghttp2_submit_settings(s->h2, NGHTTP2_FLAG_NONE, settings,
                                      sizeof settings / sizeof *settings);
    return bad ? bad
               : nghttp2_session_set_local_window_size(s->h2, NGHTTP2_FLAG_NONE, 0,
                                                       CONNECTION_WINDOW);
}

struct session *session_new(const struct session_options *options, weir_error *err)
{
    struct session *s = mem_zalloc(sizeof *s);
    nghttp2_session_callbacks *c = callbacks();
    nghttp2_option *o = limits();
    if (s) {
        s->o = *options;
        list_init(&s->calls);
    }
    if (!s || !c || !o || nghttp2_session_client_new2(&s->h2, c, s, o) || greet(s)) {
        error_no_memory(err);
        session_free(s);
        s = NULL;
    }
    nghttp2_session_callbacks_del(c);
    nghttp2_option_del(o);
    return s;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    nghttp2_session_del(s->h2);
    mem_free(s);
}

void session_lose(struct session *s, const weir_error *why)
{
    while (!list_empty(&s->calls)) {
        struct rpc_call *call = LIST_ENTRY(s->calls.next, struct rpc_call, link);
        nghttp2_session_set_stream_user_data(s->h2, call->stream, NULL);
        take_off(s, call);
        call_lost(call, why);
    }
}

static void speaks_http1(weir_error *err, const char *text, size_t len)
{
    struct buf line = BUF_INIT(256);
    const char *end = memchr(text, '\r', len);
    text_fold(&line, text, end ? (size_t)(end - text) : len, 80);
    error_peer(err, WEIR_PROTOCOL, WEIR_ORIGIN_GRPC, GRPC_UNAVAILABLE,
               "the server answers \"%s\", not HTTP/2; is this a gRPC port, and does it want TLS?",
               line.data ? line.data : "HTTP/1");
    buf_free(&line);
}

/* In place of its SETTINGS: a web server, or a port that wants TLS. */
static bool other_protocol(struct session *s, const uint8_t *data, size_t len)
{
    if (len >= 7 && memcmp(data, "HTTP/1.", 7) == 0)
        speaks_http1(&s->why, (const char *)data, len);
    else if (len >= 3 && data[0] == 0x15 && data[1] == 3)
        error_peer(&s->why, WEIR_PROTOCOL, WEIR_ORIGIN_GRPC, GRPC_UNAVAILABLE,
                   "the server answers with a TLS alert, not HTTP/2; does it want TLS?");
    return s->why.status != WEIR_OK;
}

bool session_feed(struct session *s, const uint8_t *data, size_t len)
{
    count(s->o.bytes_in, len);
    s->news = false;
    s->unnamed += (int64_t)len;
    if (!s->settled && other_protocol(s, data, len))
        return false;
    ssize_t took = nghttp2_session_mem_recv(s->h2, data, len);
    if (took < 0)
        break_off(s, nghttp2_strerror((int)took));
    /* Neither frames of unknown types nor those of streams that are closed are announced: what
     * they weigh counts. */
    size_t weight = s->unnamed > 0 ? (size_t)s->unnamed / IDLE_FRAME_WEIGHT : 0;
    s->unnamed -= (int64_t)(weight * IDLE_FRAME_WEIGHT);
    return took >= 0 && (s->news || count_idle(s, weight) == 0);
}

ssize_t session_pull(struct session *s, const uint8_t **data)
{
    ssize_t len = nghttp2_session_mem_send(s->h2, data);
    if (len > 0)
        count(s->o.bytes_out, (size_t)len);
    if (len < 0)
        break_off(s, nghttp2_strerror((int)len));
    return len;
}

bool session_over(struct session *s)
{
    return !nghttp2_session_want_read(s->h2) && !nghttp2_session_want_write(s->h2);
}

const weir_error *session_why(const struct session *s)
{
    return &s->why;
}

static void wake(struct session *s)
{
    s->o.events->wake(s->o.user);
}

bool session_answered(const struct session *s)
{
    return s->answered;
}

struct share session_share(const struct session *s)
{
    bool closed = s->refusing || !s->settled;
    return (struct share){
        .streams = closed ? 0
                          : nghttp2_session_get_remote_settings(
                                s->h2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
        .calls = s->open,
        .long_lived = s->open_long,
    };
}

size_t session_calls(const struct session *s)
{
    return s->open;
}

bool session_start(struct session *s, struct rpc_call *call)
{
    nghttp2_data_provider body = {.source = {.ptr = call}, .read_callback = on_read};
    call_stamp(call);
    int32_t stream = nghttp2_submit_request(s->h2, NULL, call->nv, call->nv_count, &body, call);
    if (stream < 0) {
        s->refusing = true; /* no more stream numbers, or no memory: another connection may do */
        return false;
    }
    call->stream = stream;
    call->session = s;
    call->sent = call->deferred = false;
    list_append(&s->calls, &call->link);
    s->open++;
    s->open_long += call->long_lived;
    wake(s);
    return true;
}

void session_resume(struct session *s, struct rpc_call *call)
{
    if (call->deferred) {
        call->deferred = false;
        nghttp2_session_resume_data(s->h2, call->stream);
        wake(s);
    }
}

void session_reset(struct session *s, struct rpc_call *call, uint32_t code)
{
    nghttp2_submit_rst_stream(s->h2, NGHTTP2_FLAG_NONE, call->stream, code);
    if (s->unnamed > -LATE_DATA_MOST)
        s->unnamed -= LATE_DATA;
    wake(s);
}

void session_consumed(struct session *s, struct rpc_call *call, size_t len)
{
    nghttp2_session_consume_stream(s->h2, call->stream, len);
    wake(s);
}

void session_ping(struct session *s)
{
    nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, NULL);
    wake(s);
}

void session_goodbye(struct session *s)
{
    nghttp2_submit_goaway(s->h2, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    wake(s);
}
