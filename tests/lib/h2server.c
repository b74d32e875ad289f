/* One thread, poll(), one nghttp2 session a connection. Commands are flags under the lock and a
 * byte in a pipe. */
#include "lib/h2server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 96
#define FLOOD_MESSAGE   1024

enum kind { ECHO, HOLD, FLOOD, MISSING, HTTP, REFUSE, GZIP, BURST };

#define BURST_MESSAGES 5

struct request {
    struct request *next;
    int32_t stream;
    enum kind kind;
    uint8_t *body;
    size_t len, sent;
    bool ended, answered;
};

struct link_to {
    int fd;
    nghttp2_session *session;
    struct h2server *server;
    size_t slot;
    struct request *requests; /* newest first */
    size_t holding;
};

struct orders {
    bool release, goaway, limit;
    int hearing; /* -1: none any more; 1: again */
    size_t keep, goaway_links, cut_links;
};

struct h2server {
    int listener, wake[2];
    uint16_t port;
    uint32_t max_streams;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool stop, frozen, echo_jobs;
    bool deaf; /* the thread's own, as the next */
    size_t refused;
    struct orders orders;
    struct h2server_stats stats;
    struct link_to *links[CONNECTIONS_MAX];
};

static struct request *request_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

#define BODY_PARAMETERS                                                                            \
    nghttp2_session *session, int32_t stream, uint8_t *out, size_t max, uint32_t *flags,           \
        nghttp2_data_source *source, void *user

static void submit_trailers(nghttp2_session *session, int32_t stream)
{
    nghttp2_nv trailer = {(uint8_t *)"grpc-status", (uint8_t *)"0", 11, 1, NGHTTP2_NV_FLAG_NONE};
    nghttp2_submit_trailer(session, stream, &trailer, 1);
}

static ssize_t read_echo(BODY_PARAMETERS)
{
    struct request *r = source->ptr;
    (void)user;
    size_t left = r->len - r->sent;
    size_t part = left < max ? left : max;
    if (part)
        memcpy(out, r->body + r->sent, part);
    r->sent += part;
    if (r->sent == r->len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(session, stream);
    }
    return (ssize_t)part;
}

/* A gRPC message whose first field is a text of 'x': an ActivatedJob with a long type. */
static uint8_t flood_byte(size_t at)
{
    static const uint8_t begin[] = {0, 0, 0, FLOOD_MESSAGE >> 8, 0, 0x12, 0xfd, 0x07};
    size_t in = at % (5 + FLOOD_MESSAGE);
    return in < sizeof begin ? begin[in] : 'x';
}

static ssize_t read_flood(BODY_PARAMETERS)
{
    struct link_to *l = user;
    struct request *r = source->ptr;
    (void)session, (void)stream, (void)flags;
    for (size_t i = 0; i < max; i++) /* cut wherever the window ends */
        out[i] = flood_byte(r->sent++);
    pthread_mutex_lock(&l->server->lock);
    l->server->stats.flood_bytes += max;
    pthread_cond_broadcast(&l->server->moved);
    pthread_mutex_unlock(&l->server->lock);
    return (ssize_t)max;
}

static ssize_t read_burst(BODY_PARAMETERS)
{
    struct request *r = source->ptr;
    const bool echo = ((struct link_to *)user)->server->echo_jobs;
    size_t len = 0, all = BURST_MESSAGES * (echo ? r->len : 5 + FLOOD_MESSAGE);
    for (; len < max && r->sent < all; r->sent++)
        out[len++] = echo ? r->body[r->sent % r->len] : flood_byte(r->sent);
    if (r->sent == all) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(session, stream);
    }
    return (ssize_t)len;
}

#define NV(name, value)                                                                            \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value),  \
            NGHTTP2_NV_FLAG_NONE                                                                   \
    }

static void answer_text(struct link_to *l, struct request *r)
{
    nghttp2_nv missing[] = {NV(":status", "200"), NV("content-type", "application/grpc"),
                            NV("grpc-status", "5"), NV("grpc-message", "no such%20thing"),
                            NV("x-why", "gone")};
    nghttp2_nv http[] = {NV(":status", "503"), NV("content-type", "text/html")};
    if (r->kind == MISSING)
        nghttp2_submit_response(l->session, r->stream, missing, 5, NULL);
    else
        nghttp2_submit_response(l->session, r->stream, http, 2, NULL);
}

static void answer(struct link_to *l, struct request *r)
{
    nghttp2_nv ok[] = {NV(":status", "200"), NV("content-type", "application/grpc"),
                       NV("grpc-encoding", "gzip")};
    nghttp2_data_provider body = {{.ptr = r}, read_echo};
    if (r->kind == FLOOD)
        body.read_callback = read_flood;
    else if (r->kind == BURST)
        body.read_callback = read_burst;
    r->answered = true;
    if (r->kind == MISSING || r->kind == HTTP)
        answer_text(l, r);
    else if (r->kind == REFUSE && l->server->refused++ < 2)
        nghttp2_submit_rst_stream(l->session, 0, r->stream, NGHTTP2_REFUSED_STREAM);
    else
        nghttp2_submit_response(l->session, r->stream, ok, r->kind == GZIP ? 3 : 2, &body);
}

/* ---- what arrives ------------------------------------------------------------------------ */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct link_to *l = user;
    struct request *r = calloc(1, sizeof *r);
    r->stream = frame->hd.stream_id;
    r->next = l->requests;
    l->requests = r;
    nghttp2_session_set_stream_user_data(session, r->stream, r);
    pthread_mutex_lock(&l->server->lock);
    struct h2server_stats *st = &l->server->stats;
    st->requests++;
    st->open++;
    st->most_open = st->open > st->most_open ? st->open : st->most_open;
    pthread_cond_broadcast(&l->server->moved);
    pthread_mutex_unlock(&l->server->lock);
    return 0;
}

#define GATEWAY "/gateway_protocol.Gateway/"

static const struct {
    const char *path;
    enum kind kind;
} paths[] = {
    {"/t/hold", HOLD},
    {"/t/flood", FLOOD},
    {"/t/missing", MISSING},
    {"/t/http", HTTP},
    {"/t/refuse", REFUSE},
    {"/t/gzip", GZIP},
    {GATEWAY "PublishMessage", HOLD},
    {GATEWAY "StreamActivatedJobs", FLOOD},
    {GATEWAY "CompleteJob", MISSING},
    {GATEWAY "CancelProcessInstance", HTTP},
    {GATEWAY "DeleteResource", REFUSE},
    {GATEWAY "ActivateJobs", BURST},
};

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct request *r = request_of(session, frame->hd.stream_id);
    (void)flags, (void)user;
    if (strcmp((const char *)nghttp2_rcbuf_get_buf(name).base, ":path") != 0)
        return 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (strcmp((const char *)nghttp2_rcbuf_get_buf(value).base, paths[i].path) == 0)
            r->kind = paths[i].kind;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user)
{
    struct request *r = request_of(session, stream);
    (void)flags, (void)user;
    r->body = realloc(r->body, r->len + len);
    memcpy(r->body + r->len, data, len);
    r->len += len;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct link_to *l = user;
    bool request = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    struct request *r = request ? request_of(session, frame->hd.stream_id) : NULL;
    if (!r || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    r->ended = true;
    if (r->kind != HOLD) {
        answer(l, r);
        return 0;
    }
    pthread_mutex_lock(&l->server->lock);
    struct h2server_stats *st = &l->server->stats;
    st->held++;
    l->holding++;
    st->most_held = l->holding > st->most_held ? l->holding : st->most_held;
    pthread_cond_broadcast(&l->server->moved);
    pthread_mutex_unlock(&l->server->lock);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    struct link_to *l = user;
    struct request **at = &l->requests;
    (void)session, (void)code;
    while (*at && (*at)->stream != stream)
        at = &(*at)->next;
    struct request *r = *at;
    if (!r)
        return 0;
    *at = r->next;
    l->holding -= r->kind == HOLD && r->ended;
    free(r->body);
    free(r);
    pthread_mutex_lock(&l->server->lock);
    l->server->stats.open--;
    pthread_cond_broadcast(&l->server->moved);
    pthread_mutex_unlock(&l->server->lock);
    return 0;
}

/* ---- connections ------------------------------------------------------------------------- */

static void submit_settings(struct link_to *l)
{
    pthread_mutex_lock(&l->server->lock);
    nghttp2_settings_entry limit = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                    l->server->max_streams};
    pthread_mutex_unlock(&l->server->lock);
    nghttp2_submit_settings(l->session, 0, &limit, 1);
}

static struct link_to *link_new(struct h2server *s, int fd)
{
    struct link_to *l = calloc(1, sizeof *l);
    nghttp2_session_callbacks *c;
    l->fd = fd;
    l->server = s;
    nghttp2_session_callbacks_new(&c);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    nghttp2_session_server_new(&l->session, c, l);
    nghttp2_session_callbacks_del(c);
    submit_settings(l);
    return l;
}

static void link_free(struct link_to *l)
{
    pthread_mutex_lock(&l->server->lock);
    while (l->requests) {
        struct request *next = l->requests->next;
        free(l->requests->body);
        free(l->requests);
        l->requests = next;
        l->server->stats.open--;
    }
    l->server->links[l->slot] = NULL;
    l->server->stats.links--;
    pthread_cond_broadcast(&l->server->moved);
    pthread_mutex_unlock(&l->server->lock);
    nghttp2_session_del(l->session);
    close(l->fd);
    free(l);
}

static bool link_write(struct link_to *l)
{
    const uint8_t *data;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(l->session, &data)) > 0) {
        for (ssize_t sent = 0; sent < len;) { /* blocking: the client always reads */
            ssize_t n = send(l->fd, data + sent, (size_t)(len - sent), MSG_NOSIGNAL);
            if (n <= 0)
                return false;
            sent += n;
        }
    }
    return len == 0;
}

static bool link_read(struct link_to *l)
{
    uint8_t data[16384];
    ssize_t len = recv(l->fd, data, sizeof data, 0);
    if (len <= 0)
        return false;
    return nghttp2_session_mem_recv(l->session, data, (size_t)len) == len;
}

static void link_release(struct link_to *l)
{
    for (struct request *r = l->requests; r; r = r->next) {
        if (r->kind == HOLD && r->ended && !r->answered)
            answer(l, r);
    }
}

static int32_t kept_stream(const struct link_to *l, size_t keep)
{
    size_t all = 0;
    for (const struct request *r = l->requests; r; r = r->next)
        all++;
    const struct request *r = l->requests; /* newest first */
    for (size_t skip = all > keep ? all - keep : 0; r && skip > 0; skip--)
        r = r->next;
    return r ? r->stream : 0;
}

static void accept_one(struct h2server *s)
{
    int one = 1;
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (size_t i = 0; i < CONNECTIONS_MAX && !s->deaf; i++) {
        if (!s->links[i]) {
            s->links[i] = link_new(s, fd);
            s->links[i]->slot = i;
            pthread_mutex_lock(&s->lock);
            s->stats.connections++;
            s->stats.links++;
            pthread_cond_broadcast(&s->moved);
            pthread_mutex_unlock(&s->lock);
            return;
        }
    }
    close(fd);
}

static void obey_on(struct link_to *l, const struct orders *o)
{
    if (o->goaway || l->slot < o->goaway_links)
        nghttp2_submit_goaway(l->session, 0, kept_stream(l, o->goaway ? o->keep : SIZE_MAX),
                              NGHTTP2_NO_ERROR, NULL, 0);
    if (o->limit)
        submit_settings(l);
    if (o->release)
        link_release(l);
    if (l->slot < o->cut_links)
        link_free(l);
}

static void obey(struct h2server *s)
{
    char byte;
    while (read(s->wake[0], &byte, 1) == 1) {
    }
    pthread_mutex_lock(&s->lock);
    struct orders orders = s->orders;
    s->orders = (struct orders){0};
    pthread_mutex_unlock(&s->lock);
    s->deaf = orders.hearing ? orders.hearing < 0 : s->deaf;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->links[i])
            obey_on(s->links[i], &orders);
    }
}

static void serve(struct h2server *s, const struct pollfd *polled, const size_t *which, size_t n)
{
    if (polled[0].revents)
        obey(s);
    if (polled[1].revents)
        accept_one(s);
    for (size_t i = 2; i < n; i++) {
        if (polled[i].revents && s->links[which[i]] && !link_read(s->links[which[i]]))
            link_free(s->links[which[i]]);
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->links[i] && !link_write(s->links[i]))
            link_free(s->links[i]);
    }
}

static void *run(void *user)
{
    struct h2server *s = user;
    for (;;) {
        struct pollfd polled[CONNECTIONS_MAX + 2] = {{s->wake[0], POLLIN, 0},
                                                     {s->listener, POLLIN, 0}};
        size_t which[CONNECTIONS_MAX + 2];
        size_t n = 2;
        pthread_mutex_lock(&s->lock);
        bool stop = s->stop;
        bool frozen = s->frozen;
        pthread_mutex_unlock(&s->lock);
        if (stop)
            return NULL;
        for (size_t i = 0; i < CONNECTIONS_MAX && !frozen; i++) {
            if (s->links[i]) {
                which[n] = i;
                polled[n++] = (struct pollfd){s->links[i]->fd, POLLIN, 0};
            }
        }
        if (poll(polled, frozen ? 1 : n, -1) > 0)
            serve(s, polled, which, frozen ? 1 : n);
    }
}

/* ---- the door ---------------------------------------------------------------------------- */

static int listen_on(const struct h2server_options *o, uint16_t *port)
{
    int one = 1;
    bool six = o->host && strchr(o->host, ':');
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    inet_pton(AF_INET, o->host ? o->host : "127.0.0.1", &in.sin_addr);
    inet_pton(AF_INET6, six ? o->host : "::1", &in6.sin6_addr);
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = six ? sizeof in6 : sizeof in;
    struct sockaddr *sa = six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, sa, len) || listen(fd, 64) || getsockname(fd, sa, &len)) {
        close(fd);
        return -1;
    }
    *port = ntohs(six ? in6.sin6_port : in.sin_port);
    return fd;
}

struct h2server *h2server_start(const struct h2server_options *options)
{
    struct h2server *s = calloc(1, sizeof *s);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->moved, &attributes);
    pthread_mutex_init(&s->lock, NULL);
    if (!options->no_streams)
        s->max_streams = options->max_streams ? options->max_streams : 1000;
    s->echo_jobs = options->echo_jobs;
    s->listener = listen_on(options, &s->port);
    if (s->listener < 0 || pipe2(s->wake, O_NONBLOCK | O_CLOEXEC) ||
        pthread_create(&s->thread, NULL, run, s)) {
        free(s);
        return NULL;
    }
    return s;
}

static void wake(struct h2server *s)
{
    pthread_mutex_unlock(&s->lock);
    if (write(s->wake[1], "", 1) < 0 && errno != EAGAIN)
        abort();
}

void h2server_stop(struct h2server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    wake(s);
    pthread_join(s->thread, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->links[i])
            link_free(s->links[i]);
    }
    close(s->listener);
    close(s->wake[0]);
    close(s->wake[1]);
    free(s);
}

uint16_t h2server_port(const struct h2server *s)
{
    return s->port;
}

void h2server_release(struct h2server *s)
{
    pthread_mutex_lock(&s->lock);
    s->orders.release = true;
    wake(s);
}

void h2server_freeze(struct h2server *s)
{
    pthread_mutex_lock(&s->lock);
    s->frozen = true;
    wake(s);
}

void h2server_goaway(struct h2server *s, size_t keep)
{
    pthread_mutex_lock(&s->lock);
    s->orders.goaway = true;
    s->orders.keep = keep;
    wake(s);
}

void h2server_goaway_first(struct h2server *s, size_t count)
{
    pthread_mutex_lock(&s->lock);
    s->orders.goaway_links = count;
    wake(s);
}

void h2server_cut_first(struct h2server *s, size_t count)
{
    pthread_mutex_lock(&s->lock);
    s->orders.cut_links = count;
    wake(s);
}

void h2server_limit(struct h2server *s, uint32_t max_streams)
{
    pthread_mutex_lock(&s->lock);
    s->max_streams = max_streams;
    s->orders.limit = true;
    wake(s);
}

void h2server_deafen(struct h2server *s, bool deaf)
{
    pthread_mutex_lock(&s->lock);
    s->orders.hearing = deaf ? -1 : 1;
    wake(s);
}

struct h2server_stats h2server_stats(struct h2server *s)
{
    pthread_mutex_lock(&s->lock);
    struct h2server_stats stats = s->stats;
    pthread_mutex_unlock(&s->lock);
    return stats;
}

bool h2server_wait(struct h2server *s, bool (*holds)(const struct h2server_stats *st, size_t n),
                   size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 30;
    int bad = 0;
    pthread_mutex_lock(&s->lock);
    while (!holds(&s->stats, n) && bad == 0)
        bad = pthread_cond_timedwait(&s->moved, &s->lock, &until);
    bool ok = holds(&s->stats, n);
    pthread_mutex_unlock(&s->lock);
    return ok;
}
