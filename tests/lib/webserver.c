#include "lib/webserver.h"

#include "core/clock.h"
#include "io/stream.h"
#include "lib/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct visit { /* one connection */
    struct webserver *web;
    struct visit *next, **from;
    struct stream *stream;
    struct buf in;
    struct webserver_reply reply;
    size_t number;
    bool leaving;
};

struct webserver {
    struct loop *loop;
    struct listener *listener;
    struct visit *visits;
    struct tls *tls;
    webserver_fn *answer;
    void *user;
    uint16_t port;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t requests, connections, open; /* @locked */
};

static size_t count(struct webserver *w, size_t *what, int by)
{
    pthread_mutex_lock(&w->lock);
    size_t now = *what += (size_t)by;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    return now;
}

static void leave(struct visit *v)
{
    struct webserver *w = v->web;
    *v->from = v->next;
    if (v->next)
        v->next->from = v->from;
    stream_close(v->stream);
    buf_free(&v->in);
    buf_free(&v->reply.text);
    buf_free(&v->reply.again);
    free(v);
    count(w, &w->open, -1);
}

static void on_end(void *user, const weir_error *why)
{
    (void)why;
    leave(user);
}

static void on_drained(void *user)
{
    struct visit *v = user;
    if (!v->reply.for_ever || v->leaving)
        return;
    for (int i = 0; i < 10000 && stream_queued(v->stream) == 0; i++) /* until the socket is full */
        stream_write(v->stream, v->reply.again.data, v->reply.again.len);
}

/* The bytes of a whole request at the beginning of `text`, and where its body begins; 0: not yet.
 */
static size_t whole(const char *text, size_t len, size_t *body)
{
    const char *end = strstr(text, "\r\n\r\n");
    if (!end)
        return 0;
    const char *length = strcasestr(text, "\r\ncontent-length:");
    *body = (size_t)(end - text) + 4;
    size_t more = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return *body + more <= len ? *body + more : 0;
}

static void serve(struct visit *v, size_t body, size_t len)
{
    struct webserver *w = v->web;
    char *head = strndup(v->in.data, body), *rest = strndup(v->in.data + body, len - body);
    struct webserver_request request = {.head = head,
                                        .body = rest,
                                        .body_len = len - body,
                                        .number = count(w, &w->requests, 1),
                                        .connection = v->number};
    buf_free(&v->reply.text);
    w->answer(w->user, &request, &v->reply);
    free(head);
    free(rest);
    if (v->reply.text.len)
        stream_write(v->stream, v->reply.text.data, v->reply.text.len);
    v->leaving = v->reply.hang_up;
    if (v->leaving)
        stream_shutdown(v->stream);
    else
        on_drained(v);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct visit *v = user;
    size_t body, size;
    buf_add(&v->in, data, len);
    while (!v->leaving && v->in.len && (size = whole(v->in.data, v->in.len, &body)) != 0) {
        serve(v, body, size);
        memmove(v->in.data, v->in.data + size, v->in.len - size + 1);
        v->in.len -= size;
    }
}

static void on_open(void *user)
{
    (void)user;
}

static void on_accepted(void *user, struct stream *stream)
{
    static const struct stream_events events = {
        .open = on_open, .data = on_data, .drained = on_drained, .end = on_end};
    struct webserver *w = user;
    struct visit *v = calloc(1, sizeof *v);
    *v = (struct visit){.web = w, .stream = stream, .in = BUF_INIT((size_t)64 * 1024 * 1024)};
    v->reply.text.max = v->reply.again.max = (size_t)64 * 1024 * 1024;
    v->next = w->visits;
    v->from = &w->visits;
    if (v->next)
        v->next->from = &v->next;
    w->visits = v;
    count(w, &w->open, 1);
    v->number = count(w, &w->connections, 1);
    stream_attach(stream, &events, v);
}

static void listen_now(void *user)
{
    struct webserver *w = user;
    const struct listener_options options = {
        .host = "127.0.0.1", .tls = w->tls, .accepted = on_accepted, .user = w};
    w->listener = listener_open(w->loop, &options, NULL);
}

static void stop_now(void *user)
{
    struct webserver *w = user;
    while (w->visits)
        leave(w->visits);
    listener_close(w->listener);
}

struct webserver *webserver_start(struct tls *tls, webserver_fn *answer, void *user)
{
    struct webserver *w = calloc(1, sizeof *w);
    w->loop = loop_acquire(NULL);
    w->tls = tls;
    w->answer = answer;
    w->user = user;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    loop_call(w->loop, listen_now, w);
    assert_non_null(w->listener);
    w->port = listener_port(w->listener);
    return w;
}

void webserver_stop(struct webserver *w)
{
    loop_call(w->loop, stop_now, w);
    loop_release(w->loop);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

uint16_t webserver_port(const struct webserver *w)
{
    return w->port;
}

static size_t read_count(const struct webserver *w, const size_t *what)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&w->lock;
    pthread_mutex_lock(lock);
    size_t now = *what;
    pthread_mutex_unlock(lock);
    return now;
}

size_t webserver_requests(const struct webserver *w)
{
    return read_count(w, &w->requests);
}

size_t webserver_connections(const struct webserver *w)
{
    return read_count(w, &w->connections);
}

static struct timespec in_seconds(time_t seconds)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += seconds;
    return at;
}

static bool wait_count(struct webserver *w, const size_t *what, size_t n, bool at_least)
{
    struct timespec until = in_seconds(10);
    int late = 0;
    pthread_mutex_lock(&w->lock);
    while (late == 0 && (at_least ? *what < n : *what != n))
        late = pthread_cond_timedwait(&w->moved, &w->lock, &until);
    pthread_mutex_unlock(&w->lock);
    return late == 0;
}

bool webserver_wait_requests(struct webserver *w, size_t n)
{
    return wait_count(w, &w->requests, n, true);
}

bool webserver_wait_open(struct webserver *w, size_t n)
{
    return wait_count(w, &w->open, n, false);
}

void webserver_say(struct webserver_reply *reply, const char *status, const char *headers,
                   const char *body)
{
    buf_addf(&reply->text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
             strlen(body), body);
}

/* ---- the client's side ------------------------------------------------------------------- */

static void note(struct fetch *f, const struct http_answer *answer)
{
    const char *seen = http_header(answer, "x-seen");
    f->status = answer->status;
    f->body_len = answer->body.len;
    f->headers = answer->header_count;
    f->retry_after = answer->retry_after;
    (void)snprintf(f->body, sizeof f->body, "%s", (const char *)answer->body.data);
    (void)snprintf(f->content_type, sizeof f->content_type, "%s", answer->content_type);
    (void)snprintf(f->seen, sizeof f->seen, "%s", seen ? seen : "");
}

void fetch_done(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct fetch *f = user;
    pthread_mutex_lock(&f->lock);
    if (answer)
        note(f, answer);
    f->err = *err;
    pthread_mutex_unlock(&f->lock);
    if (f->at_done)
        f->at_done(f);
    pthread_mutex_lock(&f->lock);
    f->dones++;
    pthread_cond_signal(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

void fetch_wait(struct fetch *f)
{
    struct timespec until = in_seconds(20);
    int late = 0;
    pthread_mutex_lock(&f->lock);
    while (late == 0 && f->dones == 0)
        late = pthread_cond_timedwait(&f->moved, &f->lock, &until);
    pthread_mutex_unlock(&f->lock);
    if (late)
        fail_msg("no answer and no error within 20 s");
}

struct deadline fetch_in(weir_ms ms)
{
    return deadline_in(clock_system(), ms, 0);
}

weir_status fetch_send(struct fetch *f, struct http *http, const struct http_request *request)
{
    struct http_request copy = *request;
    *f = (struct fetch)FETCH_INIT;
    if (copy.until.at_ns == 0)
        copy.until = fetch_in(10000);
    if (http_send(http, &copy, fetch_done, f, &f->err))
        fetch_wait(f);
    return f->err.status;
}

weir_status fetch_get(struct fetch *f, struct http *http, const char *url)
{
    const struct http_request request = {.method = "GET", .url = url};
    return fetch_send(f, http, &request);
}
