/* A byte stream on libuv.
 *
 * One mechanism for ending: whatever goes wrong fills `why`, and `end` is called exactly once, from
 * the loop, never from within stream_write() and its like. After stream_close() nothing is called.
 * The memory lives until libuv has let the handle go, so every callback may look at `closing` after
 * it called out. */
#include "io/stream_private.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#define QUEUE_MAX                                                                                  \
    ((size_t)256 * 1024 * 1024) /* above what flow control and the callers' limits allow */

static void release(struct stream *s)
{
    if (--s->holds > 0)
        return;
    SSL_free(s->ssl);
    tls_free(s->tls);
    mem_free(s->server_name);
    mem_free(s->connect_target);
    secret_free_text(s->proxy_request);
    buf_free(&s->proxy_answer);
    buf_free(&s->queue);
    buf_free(&s->flying);
    loop_release(s->loop);
    mem_free(s);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void stream_end(struct stream *s)
{
    if (s->state == STREAM_ENDED)
        return;
    s->state = STREAM_ENDED;
    timer_cancel(&s->timer);
    if (s->reading)
        uv_read_stop(&s->uv.stream);
    s->reading = false;
    if (!s->closing && s->events)
        s->events->end(s->user, &s->why);
}

static void run_later(struct loop_task *task)
{
    struct stream *s = (struct stream *)((char *)task - offsetof(struct stream, task));
    s->posted = false;
    if (!s->closing && s->failing)
        stream_end(s);
    else if (!s->closing && s->ssl)
        stream_tls_more(s);
    release(s);
}

static void post(struct stream *s)
{
    if (s->posted || s->closing || s->state == STREAM_ENDED)
        return;
    s->posted = true;
    s->holds++;
    loop_post(s->loop, &s->task);
}

void stream_fail_later(struct stream *s)
{
    s->failing = true;
    post(s);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void flush_queue(struct stream *s);

static void on_shutdown(uv_shutdown_t *request, int status)
{
    (void)request;
    (void)status; /* what a broken connection means comes through reading */
}

static void maybe_shutdown(struct stream *s)
{
    if (!s->want_shutdown || s->writing || s->half_closed)
        return;
    s->half_closed = true;
    uv_shutdown(&s->shutdown, &s->uv.stream, on_shutdown);
}

static void lost(struct stream *s, int uv_error, const char *doing)
{
    if (s->why.status == WEIR_OK)
        error_peer(&s->why, WEIR_UNREACHABLE, WEIR_ORIGIN_SYSTEM, -uv_error, "%s %s: %s", doing,
                   s->peer, strerror(-uv_error));
}

/* The peer has reset the connection, but what it said before (the TLS alert that tells why, a
 * GOAWAY) may still wait to be read. */
static void broken(struct stream *s, int uv_error)
{
    bool last_words = s->reading && (uv_error == UV_EPIPE || uv_error == UV_ECONNRESET);
    uv_os_fd_t fd;
    lost(s, uv_error, "writing to");
    s->half_closed = true;
    if (!last_words || uv_fileno(&s->uv.handle, &fd) != 0)
        stream_fail_later(s);
    else /* what has arrived can still be read, then comes the end, surely */
        shutdown(fd, SHUT_RDWR);
}

static void on_written(uv_write_t *request, int status)
{
    struct stream *s = request->data;
    s->writing = false;
    buf_free(&s->flying);
    if (s->closing)
        return;
    if (status < 0) {
        broken(s, status);
        return;
    }
    if (s->queue.len > 0) {
        flush_queue(s);
        return;
    }
    maybe_shutdown(s);
    if (s->state == STREAM_OPEN && s->events->drained)
        s->events->drained(s->user);
}

static void flush_queue(struct stream *s)
{
    s->flying = s->queue;
    s->queue = (struct buf)BUF_INIT(QUEUE_MAX);
    s->writing = true;
    s->write.data = s;
    uv_buf_t buf = uv_buf_init(s->flying.data, (unsigned)s->flying.len);
    int bad = uv_write(&s->write, &s->uv.stream, &buf, 1, on_written);
    if (bad) {
        s->writing = false;
        broken(s, bad);
    }
}

/* What the socket takes at once; false when it is broken. */
static bool send_now(struct stream *s, const void *data, size_t len, size_t *taken)
{
    *taken = 0;
    if (s->writing || s->queue.len > 0)
        return true;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
    int put = uv_try_write(&s->uv.stream, &buf, 1);
    if (put < 0 && put != UV_EAGAIN) {
        broken(s, put);
        return false;
    }
    *taken = put > 0 ? (size_t)put : 0;
    return true;
}

void stream_send_raw(struct stream *s, const void *data, size_t len)
{
    size_t taken;
    if (s->state == STREAM_ENDED || s->closing || s->half_closed || len == 0)
        return;
    if (!send_now(s, data, len, &taken) || taken == len)
        return;
    buf_add(&s->queue, (const char *)data + taken, len - taken);
    if (buf_finish(&s->queue, &s->why) != WEIR_OK)
        stream_fail_later(s);
    else if (!s->writing)
        flush_queue(s);
}

void stream_write(struct stream *stream, const void *data, size_t len)
{
    if (stream->state != STREAM_OPEN)
        return;
    if (stream->ssl)
        stream_tls_write(stream, data, len);
    else
        stream_send_raw(stream, data, len);
}

size_t stream_queued(const struct stream *stream)
{
    return stream->queue.len + stream->flying.len;
}

void stream_shutdown(struct stream *stream)
{
    if (stream->state != STREAM_OPEN || stream->want_shutdown)
        return;
    if (stream->ssl)
        stream_tls_close_notify(stream);
    stream->want_shutdown = true;
    maybe_shutdown(stream);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *s = handle->data;
    (void)suggested;
    *buf = uv_buf_init(s->loop->read_buffer, LOOP_READ_SIZE);
}

/* libuv 1.44 calls it an end when the last bytes and a reset come in one event (uv__stream_io(): a
 * POLLHUP after a partial read); the socket knows better. */
static int really(const struct stream *s, int uv_error)
{
    uv_os_fd_t fd;
    int error = 0;
    socklen_t size = sizeof error;
    if (uv_error != UV_EOF || uv_fileno(&s->uv.handle, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error == 0)
        return uv_error;
    return -error;
}

static void ended_by_peer(struct stream *s, int uv_error)
{
    static const char *const doing[] = {
        [STREAM_CONNECTING] = "connecting to",
        [STREAM_PROXYING] = "asking the proxy at",
        [STREAM_SHAKING] = "the TLS handshake with",
        [STREAM_OPEN] = "reading from",
        [STREAM_ENDED] = "reading from",
    };
    if (s->ssl && s->state == STREAM_OPEN)
        stream_tls_more(s); /* a pause may have left something */
    if (s->closing || s->paused || s->state == STREAM_ENDED)
        return; /* paused: the end is read again when it resumes */
    bool orderly = uv_error == UV_EOF && s->state == STREAM_OPEN;
    if (s->why.status == WEIR_OK && !orderly && uv_error == UV_EOF)
        error_peer(&s->why, WEIR_UNREACHABLE, WEIR_ORIGIN_SYSTEM, ECONNRESET,
                   "%s %s: the peer closed the connection", doing[s->state], s->peer);
    else if (!orderly)
        lost(s, uv_error, doing[s->state]);
    stream_end(s);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct stream *s = stream->data;
    if (s->closing || got == 0)
        return;
    if (got < 0) {
        ended_by_peer(s, really(s, (int)got));
        return;
    }
    const uint8_t *data = (const uint8_t *)buf->base;
    if (s->state == STREAM_PROXYING)
        stream_proxy_data(s, data, (size_t)got);
    else if (s->ssl)
        stream_tls_data(s, data, (size_t)got);
    else
        stream_receive_plain(s, data, (size_t)got);
}

void stream_start_reading(struct stream *s)
{
    if (s->reading || s->paused || s->closing || s->state == STREAM_ENDED)
        return;
    s->reading = uv_read_start(&s->uv.stream, on_room, on_read) == 0;
}

void stream_receive_plain(struct stream *s, const uint8_t *data, size_t len)
{
    if (s->state == STREAM_OPEN && len > 0)
        s->events->data(s->user, data, len);
}

void stream_pause(struct stream *stream)
{
    stream->paused = true;
    if (stream->reading)
        uv_read_stop(&stream->uv.stream);
    stream->reading = false;
}

void stream_resume(struct stream *stream)
{
    stream->paused = false;
    stream_start_reading(stream);
    if (stream->ssl && stream->state == STREAM_OPEN && stream_tls_pending(stream))
        post(stream);
}

/* ---- opening ----------------------------------------------------------------------------- */

void stream_opened(struct stream *s)
{
    s->state = STREAM_OPEN;
    timer_cancel(&s->timer);
    s->events->open(s->user);
}

void stream_begin_tls(struct stream *s)
{
    stream_start_reading(s);
    if (!s->tls) {
        stream_opened(s);
        return;
    }
    s->state = STREAM_SHAKING;
    if (stream_tls_start(s) != WEIR_OK)
        stream_end(s);
}

static const char *connecting(const struct stream *s)
{
    return s->connect_target ? "connecting to the proxy" : "connecting to";
}

static void on_connected(uv_connect_t *request, int status)
{
    struct stream *s = request->data;
    if (s->closing || s->state == STREAM_ENDED)
        return;
    if (status < 0) {
        lost(s, status, connecting(s));
        stream_end(s);
        return;
    }
    if (s->uv.handle.type == UV_TCP) {
        uv_tcp_nodelay(&s->uv.tcp, 1);
        uv_tcp_keepalive(&s->uv.tcp, 1, 60);
    }
    if (s->connect_target) {
        stream_start_reading(s);
        stream_proxy_start(s);
    } else {
        stream_begin_tls(s);
    }
}

static void on_deadline(void *user)
{
    struct stream *s = user;
    const char *const doing[] = {connecting(s), "waiting for the proxy at",
                                 "the TLS handshake with"};
    if (s->state < STREAM_OPEN && s->why.status == WEIR_OK)
        error_peer(&s->why, WEIR_UNREACHABLE, WEIR_ORIGIN_SYSTEM, ETIMEDOUT,
                   "%s %s: no answer within the time limit", doing[s->state], s->peer);
    stream_end(s);
}

struct stream *stream_make(struct loop *loop, weir_error *err)
{
    struct stream *s = mem_zalloc(sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->loop = loop_ref(loop);
    s->holds = 1;
    s->task.run = run_later;
    s->queue = (struct buf)BUF_INIT(QUEUE_MAX);
    s->flying = (struct buf)BUF_INIT(QUEUE_MAX);
    s->proxy_answer = (struct buf)BUF_INIT(STREAM_PROXY_HEADER + LOOP_READ_SIZE);
    timer_init(&s->timer, loop, on_deadline, s);
    return s;
}

static int connect_now(struct stream *s, const struct address *address)
{
    s->connect.data = s;
    if (address->sa.ss_family == AF_UNIX) {
        const struct sockaddr_un *un = (const void *)&address->sa;
        uv_pipe_init(loop_uv(s->loop), &s->uv.pipe, 0);
        s->uv.handle.data = s;
        uv_pipe_connect(&s->connect, &s->uv.pipe, un->sun_path, on_connected);
        return 0;
    }
    uv_tcp_init(loop_uv(s->loop), &s->uv.tcp);
    s->uv.handle.data = s;
    return uv_tcp_connect(&s->connect, &s->uv.tcp, (const struct sockaddr *)&address->sa,
                          on_connected);
}

/* The CONNECT request (RFC 9110, 9.3.6), made now so that it cannot fail later. */
static char *connect_request(const struct stream_options *o)
{
    struct buf text = BUF_INIT((size_t)24 * 1024);
    const char *credentials = o->proxy_authorization;
    buf_reserve(&text,
                2 * strlen(o->connect_target) + (credentials ? strlen(credentials) : 0) + 64);
    buf_addf(&text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", o->connect_target, o->connect_target);
    if (credentials)
        buf_addf(&text, "Proxy-Authorization: %s\r\n", credentials);
    buf_adds(&text, "\r\n");
    return text.data;
}

/* "host." is the same host, but no certificate says it so (RFC 6066, 3). */
static void cut_root_dot(char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len > 1 && name[len - 1] == '.')
        name[len - 1] = '\0';
}

static bool copy_options(struct stream *s, const struct stream_options *o)
{
    s->events = o->events;
    s->user = o->user;
    s->until = o->until;
    s->tls = tls_ref(o->tls);
    s->server_name = mem_strdup(o->server_name);
    cut_root_dot(s->server_name);
    s->connect_target = mem_strdup(o->connect_target);
    s->proxy_request = o->connect_target ? connect_request(o) : NULL;
    address_text(o->address, s->peer, sizeof s->peer);
    return (s->server_name || !o->server_name) && (s->connect_target || !o->connect_target) &&
           (s->proxy_request || !o->connect_target);
}

struct stream *stream_connect(struct loop *loop, const struct stream_options *options,
                              weir_error *err)
{
    struct stream *s = stream_make(loop, err);
    if (!s)
        return NULL;
    if (!copy_options(s, options) || timer_set(&s->timer, options->until.at_ns) != WEIR_OK) {
        error_no_memory(err);
        release(s);
        return NULL;
    }
    int bad = connect_now(s, options->address);
    if (bad) { /* no route, no descriptor: told like any other failure, later */
        lost(s, bad, connecting(s));
        stream_fail_later(s);
    }
    return s;
}

void stream_close(struct stream *stream)
{
    if (!stream || stream->closing)
        return;
    stream->closing = true;
    timer_cancel(&stream->timer);
    uv_close(&stream->uv.handle, on_closed);
}

const char *stream_peer(const struct stream *stream)
{
    return stream->peer;
}

void stream_attach(struct stream *stream, const struct stream_events *events, void *user)
{
    stream->events = events;
    stream->user = user;
    if (stream->state == STREAM_CONNECTING)
        stream_begin_tls(stream);
}
