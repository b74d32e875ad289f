/* A connection is a buffer of what came and the one request that is being answered; `struct
 * web_request` is that connection under another name.
 *
 * States of a connection, by its members:
 *   reading        !busy, !leaving   Next: busy, leaving
 *   busy           a request is with the owner; what comes meanwhile waits in the buffer
 *                                    Next: reading, leaving
 *   leaving        the last answer is on its way, input is dropped, the timer runs
 * dropped() is the only way out; inside serve() it only marks, because serve() still reads. */
#include "sandbox/web.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "http/status.h"
#include "io/timer.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define BUFFER_MAX (2 * (WEB_HEAD_MAX + WEB_BODY_MAX)) /* one request, and what follows early */
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define GOODBYE_MS 5000 /* for the client to take the last answer */

struct web_request {
    TAILQ_ENTRY(web_request) link;
    struct web *web;
    struct stream *stream;
    struct timer timer;
    void *user;
    struct buf in;
    struct web_head head;
    bool has_head, busy, serving, leaving, dead;
};

TAILQ_HEAD(connection_list, web_request);

struct web {
    struct web_options options;
    struct listener *listener;
    struct connection_list connections;
    size_t count;
};

static void release(struct web_request *c)
{
    web_head_clear(&c->head);
    if (c->in.data)
        secret_wipe(c->in.data, c->in.cap);
    buf_free(&c->in);
    mem_free(c);
}

/* The connection is over, whatever for. */
static void dropped(struct web_request *c)
{
    if (c->dead)
        return;
    c->dead = true;
    timer_cancel(&c->timer);
    if (c->stream)
        stream_close(c->stream);
    TAILQ_REMOVE(&c->web->connections, c, link);
    c->web->count--;
    if (c->busy)
        c->web->options.events->gone(c->web->options.user, c);
    if (!c->serving)
        release(c);
}

static void on_timer(void *user)
{
    dropped(user);
}

static void wait_at_most(struct web_request *c, weir_ms limit)
{
    if (timer_set_in(&c->timer, limit) != WEIR_OK)
        stream_shutdown(c->stream); /* it goes when the client does */
}

static void leave(struct web_request *c)
{
    c->leaving = true;
    stream_shutdown(c->stream);
    wait_at_most(c, GOODBYE_MS);
}

/* Takes the request out of the buffer; what follows it moves to the front. */
static void consume(struct web_request *c)
{
    size_t used = c->head.len + c->head.body_len;
    c->in.len -= used;
    memmove(c->in.data, c->in.data + used, c->in.len);
    secret_wipe(c->in.data + c->in.len, used);
    web_head_clear(&c->head);
    c->has_head = false;
}

/* `half`: as if the rest of the body had been lost. */
static bool write_part(struct web_request *c, const struct web_answer *answer, bool keep, bool half)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    bool head_only = c->head.method && strcmp(c->head.method, "HEAD") == 0;
    buf_addf(&out, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n",
             answer->status, status_http_phrase(answer->status), answer->body.len);
    if (answer->content_type)
        buf_addf(&out, "Content-Type: %s\r\n", answer->content_type);
    buf_adds(&out, answer->more_headers ? answer->more_headers : "");
    buf_adds(&out, keep ? "\r\n" : "Connection: close\r\n\r\n");
    size_t len = half ? answer->body.len / 2 : answer->body.len;
    buf_add(&out, answer->body.data, head_only ? 0 : len);
    bool good = !out.failed;
    if (good) {
        stream_write(c->stream, out.data, out.len);
        secret_wipe(out.data, out.len);
    }
    buf_free(&out);
    return good;
}

static bool write_answer(struct web_request *c, const struct web_answer *answer, bool keep)
{
    return write_part(c, answer, keep, false);
}

static void refuse(struct web_request *c, int status, const char *why)
{
    struct web_answer answer = {
        .status = status, .content_type = "text/plain", .body = {why, strlen(why)}};
    write_answer(c, &answer, false);
    leave(c);
}

/* Puts a body that came in chunks together in the buffer; as web_body_gather(). */
static int gather(struct web_request *c, const char **why)
{
    size_t wire = 0;
    char *body = c->in.data + c->head.len;
    size_t len = c->in.len - c->head.len;
    int status = web_body_gather(body, len, &c->head.body_len, &wire, why);
    if (status != 200)
        return status;
    memmove(body + c->head.body_len, body + wire, len - wire);
    c->in.len -= wire - c->head.body_len;
    c->head.chunked = false;
    return 200;
}

/* Is the whole request there? Refuses what is none. */
static bool whole(struct web_request *c)
{
    const char *why = "";
    int status = c->has_head ? 200 : web_head_parse(&c->head, c->in.data, c->in.len, &why);
    bool there = false;
    if (status == 200 && c->head.chunked) {
        int gathered = gather(c, &why);
        there = gathered == 200;
        status = gathered ? gathered : 200;
    } else if (status == 200) {
        there = c->in.len >= c->head.len + c->head.body_len;
    }
    if (status != 200) {
        if (status)
            refuse(c, status, why);
        return false;
    }
    if (!c->has_head && !there && c->head.expects_continue)
        stream_write(c->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    c->has_head = true;
    return there;
}

/* Hands over requests as long as they are answered at once. */
static void serve(struct web_request *c)
{
    if (c->serving)
        return;
    c->serving = true;
    while (!c->dead && !c->busy && !c->leaving && whole(c)) {
        c->busy = true;
        c->user = NULL;
        timer_cancel(&c->timer);
        c->web->options.events->request(c->web->options.user, c);
    }
    c->serving = false;
    if (c->dead)
        release(c);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct web_request *c = user;
    if (c->leaving)
        return;
    buf_add(&c->in, data, len);
    if (c->in.failed)
        dropped(c);
    else
        serve(c);
}

static void on_open(void *user)
{
    (void)user; /* the limit set when it was accepted covers the request, too */
}

static void on_drained(void *user)
{
    (void)user;
}

static void on_end(void *user, const weir_error *why)
{
    (void)why;
    dropped(user);
}

static const struct stream_events stream_events = {on_open, on_data, on_drained, on_end};

static void on_accepted(void *user, struct stream *stream)
{
    struct web *web = user;
    struct web_request *c = web->count < WEB_CONNECTIONS_MAX ? mem_zalloc(sizeof *c) : NULL;
    if (!c) {
        stream_close(stream);
        return;
    }
    c->web = web;
    c->stream = stream;
    c->in = (struct buf)BUF_INIT(BUFFER_MAX);
    timer_init(&c->timer, web->options.loop, on_timer, c);
    TAILQ_INSERT_TAIL(&web->connections, c, link);
    web->count++;
    wait_at_most(c, WEB_REQUEST_TIME_MS);
    stream_attach(stream, &stream_events, c);
}

struct web *web_open(const struct web_options *options, weir_error *err)
{
    struct web *web = mem_zalloc(sizeof *web);
    if (!web) {
        error_no_memory(err);
        return NULL;
    }
    web->options = *options;
    web->options.tls = tls_ref(options->tls);
    TAILQ_INIT(&web->connections);
    struct listener_options listen = {.host = "127.0.0.1",
                                      .port = options->port,
                                      .tls = options->tls,
                                      .accepted = on_accepted,
                                      .user = web};
    web->listener = listener_open(options->loop, &listen, err);
    if (web->listener)
        return web;
    web_close(web);
    return NULL;
}

uint16_t web_port(const struct web *web)
{
    return listener_port(web->listener);
}

void web_close(struct web *web)
{
    if (!web)
        return;
    listener_close(web->listener);
    while (!TAILQ_EMPTY(&web->connections))
        dropped(TAILQ_FIRST(&web->connections));
    tls_free(web->options.tls);
    mem_free(web);
}

const struct web_head *web_request_head(const struct web_request *request)
{
    return &request->head;
}

weir_bytes web_request_body(const struct web_request *request)
{
    return (weir_bytes){request->in.data + request->head.len, request->head.body_len};
}

const char *web_request_peer(const struct web_request *request)
{
    return stream_peer(request->stream);
}

void web_request_set_user(struct web_request *request, void *user)
{
    request->user = user;
}

void *web_request_user(const struct web_request *request)
{
    return request->user;
}

void web_answer(struct web_request *request, const struct web_answer *answer)
{
    bool keep = request->head.keep_alive;
    request->busy = false;
    if (!write_answer(request, answer, keep)) {
        dropped(request);
        return;
    }
    consume(request);
    if (!keep) {
        leave(request);
        return;
    }
    wait_at_most(request, WEB_REQUEST_TIME_MS);
    serve(request);
}

void web_answer_half(struct web_request *request, const struct web_answer *answer)
{
    request->busy = false;
    if (write_part(request, answer, true, true))
        leave(request);
    else
        dropped(request);
}

void web_cut(struct web_request *request)
{
    request->busy = false;
    dropped(request);
}

struct stream *web_take(struct web_request *request, struct buf *early)
{
    struct stream *stream = request->stream;
    size_t used = request->head.len + request->head.body_len;
    *early = (struct buf)BUF_INIT(BUFFER_MAX);
    buf_add(early, request->in.data + used, request->in.len - used);
    request->stream = NULL;
    request->busy = false;
    dropped(request);
    return stream;
}
