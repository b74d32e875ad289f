/* A callback may end the connection while its frames are at work: `busy` counts the frames of the
 * stack that will look at it again, and the last of them frees it. What came with the request is
 * read in the loop's next turn, because the caller does not have the handle yet. */
#include "sandbox/websocket.h"

#include "bayeux/websocket_farewell.h"
#include "bayeux/websocket_frames.h"
#include "bayeux/websocket_upgrade.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "io/timer.h"

#include <string.h>

#define HEAD_MAX ((size_t)32 * 1024)

struct websocket_end {
    struct loop *loop;
    const struct websocket_events *events;
    void *user;
    struct stream *stream; /* NULL: ended */
    struct frames *frames;
    struct buf early; /* came with the request */
    struct timer timer;
    unsigned busy;
};

static void destroy(struct websocket_end *end)
{
    timer_cancel(&end->timer);
    frames_free(end->frames);
    buf_free(&end->early);
    mem_free(end);
}

static void leave(struct websocket_end *end)
{
    if (--end->busy == 0 && !end->stream)
        destroy(end);
}

/* Nothing more is told; `polite`: what is queued leaves first. */
static void let_go(struct websocket_end *end, bool polite)
{
    struct stream *stream = end->stream;
    end->stream = NULL;
    if (stream && polite)
        farewell(end->loop, stream);
    else if (stream)
        stream_close(stream);
}

static void lose(struct websocket_end *end, const weir_error *why, bool polite)
{
    if (!end->stream)
        return;
    let_go(end, polite);
    end->events->gone(end->user, why);
}

/* ---- frames and bytes -------------------------------------------------------------------- */

static bool on_message(void *user, char *text, size_t len)
{
    struct websocket_end *end = user;
    end->events->message(end->user, text, len);
    mem_free(text);
    return end->stream != NULL;
}

static void on_write(void *user, const void *data, size_t len)
{
    const struct websocket_end *end = user;
    if (end->stream)
        stream_write(end->stream, data, len);
}

static void on_open(void *user)
{
    (void)user;
}

static void receive(struct websocket_end *end, const void *data, size_t len)
{
    weir_error why = {0};
    if (end->stream && frames_receive(end->frames, data, len, &why) != WEIR_OK)
        lose(end, &why, true);
}

static void read_early(void *user)
{
    struct websocket_end *end = user;
    struct buf early = end->early;
    end->early = (struct buf){0};
    timer_cancel(&end->timer);
    end->busy++;
    if (early.len)
        receive(end, early.data, early.len);
    buf_free(&early);
    leave(end);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct websocket_end *end = user;
    end->busy++;
    read_early(end); /* first things first */
    receive(end, data, len);
    leave(end);
}

static void on_end(void *user, const weir_error *why)
{
    struct websocket_end *end = user;
    end->busy++;
    lose(end, why, false);
    leave(end);
}

/* ---- accepting --------------------------------------------------------------------------- */

static bool has(const struct web_head *head, const char *name, const char *word)
{
    const char *value = web_head_find(head, name);
    return value && strcasestr(value, word);
}

bool websocket_wanted(const struct web_request *request)
{
    return has(web_request_head(request), "upgrade", "websocket");
}

static const char *key_of(const struct web_head *head)
{
    void *bytes = NULL;
    size_t len = 0;
    const char *key = web_head_find(head, "sec-websocket-key");
    bool good = key && strlen(key) == UPGRADE_KEY - 1 &&
                base64_decode(key, strlen(key), false, &bytes, &len) && len == 16;
    mem_free(bytes);
    return good ? key : NULL;
}

static struct websocket_end *refuse(struct web_request *request, int status, const char *headers,
                                    const char *text)
{
    const struct web_answer answer = {.status = status,
                                      .content_type = "text/plain",
                                      .more_headers = headers,
                                      .body = {text, strlen(text)}};
    web_answer(request, &answer);
    return NULL;
}

static struct websocket_end *make(struct loop *loop, const struct websocket_events *events,
                                  void *user)
{
    struct websocket_end *end = mem_zalloc(sizeof *end);
    if (!end)
        return NULL;
    const struct frames_options options = {.server = true,
                                           .max_message = WEBSOCKET_MESSAGE_MAX,
                                           .clock = loop_clock(loop),
                                           .message = on_message,
                                           .write = on_write,
                                           .user = end};
    end->loop = loop;
    end->events = events;
    end->user = user;
    timer_init(&end->timer, loop, read_early, end);
    end->frames = frames_new(&options, NULL);
    if (end->frames && timer_set_in(&end->timer, 0) == WEIR_OK)
        return end;
    destroy(end);
    return NULL;
}

static void say_yes(struct buf *out, const char *key, const char *more_headers)
{
    buf_adds(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    upgrade_accept(out, key);
    buf_addf(out, "\r\n%s\r\n", more_headers ? more_headers : "");
}

struct websocket_end *websocket_accept(struct web_request *request, struct loop *loop,
                                       const char *more_headers,
                                       const struct websocket_events *events, void *user)
{
    static const struct stream_events stream_events = {on_open, on_data, NULL, on_end};
    const struct web_head *head = web_request_head(request);
    const char *key = key_of(head);
    if (strcmp(head->method, "GET") != 0 || !has(head, "connection", "upgrade") || !key)
        return refuse(request, 400, NULL, "this is no WebSocket handshake (RFC 6455, 4.2.1)\n");
    if (!has(head, "sec-websocket-version", "13"))
        return refuse(request, 426, "Sec-WebSocket-Version: 13\r\n",
                      "only version 13 of WebSocket is spoken here\n");
    struct buf yes = BUF_INIT(HEAD_MAX);
    struct websocket_end *end = make(loop, events, user);
    say_yes(&yes, key, more_headers);
    if (!end || yes.failed) {
        if (end)
            destroy(end);
        buf_free(&yes);
        web_cut(request);
        return NULL;
    }
    end->stream = web_take(request, &end->early);
    stream_attach(end->stream, &stream_events, end);
    stream_write(end->stream, yes.data, yes.len);
    buf_free(&yes);
    if (end->early.failed)
        stream_shutdown(end->stream); /* no memory: the client sees the end */
    return end;
}

/* ---- the service's side ------------------------------------------------------------------ */

void websocket_end_send(struct websocket_end *end, const char *text, size_t len)
{
    if (end->stream && frames_send(end->frames, text, len, NULL) != WEIR_OK)
        stream_shutdown(end->stream); /* no memory: the client sees the end */
}

static void finish(struct websocket_end *end, bool polite)
{
    end->busy++;
    let_go(end, polite);
    leave(end);
}

void websocket_end_close(struct websocket_end *end, int code, const char *reason)
{
    frames_close(end->frames, code, reason);
    finish(end, true);
}

void websocket_end_cut(struct websocket_end *end)
{
    finish(end, false);
}

const char *websocket_end_peer(const struct websocket_end *end)
{
    return end->stream ? stream_peer(end->stream) : "";
}
