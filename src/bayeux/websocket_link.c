/* One connection: from the name of the server, or of the proxy, to the end of the last frame.
 *
 * The addresses of a name are tried one after the other. One timer has all there is to wait for:
 * the limit until it is open, then silence: a ping after WEBSOCKET_QUIET_MS without a byte, and
 * after as long again the peer is gone. Whoever does not read what we say, our pongs included, is
 * not read from either. */
#include "bayeux/websocket_farewell.h"
#include "bayeux/websocket_private.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "io/proxy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPEN_MS     60000             /* at most, until it is open */
#define ADDRESS_MS  10000             /* for one address, while there are others */
#define QUOTE_MS    1000              /* for the body of an answer that refuses */
#define UNREAD_MAX  ((size_t)1 << 20) /* bytes that the peer has not taken: then we do not read */
#define REQUEST_MAX ((size_t)256 * 1024)

static const struct clock *clock_of(const struct websocket *ws)
{
    return loop_clock(ws->t.loop);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void drop_stream(struct websocket *ws, int code)
{
    struct stream *stream = ws->stream;
    ws->stream = NULL;
    if (!stream)
        return;
    if (code && ws->state == LINK_OPEN)
        farewell(ws->t.loop, stream);
    else
        stream_close(stream);
}

void websocket_link_clear(struct websocket *ws)
{
    frames_free(ws->frames);
    ws->frames = NULL;
}

void websocket_link_close(struct websocket *ws, int code)
{
    if (code && ws->state == LINK_OPEN)
        frames_close(ws->frames, code, NULL);
    if (!ws->busy) /* else they may be at work */
        websocket_link_clear(ws);
    drop_stream(ws, code);
    resolve_cancel(ws->resolving);
    ws->resolving = NULL;
    timer_cancel(&ws->timer);
    upgrade_clear(&ws->upgrade);
    secret_free_text(ws->authorization);
    ws->authorization = NULL;
    mem_free(ws->addresses);
    ws->addresses = NULL;
    ws->address_count = ws->tried = 0;
    ws->state = LINK_NONE;
}

/* Whatever goes wrong; `goodbye`: the frames have said, or are to say, why. */
static void lose(struct websocket *ws, const weir_error *why, bool goodbye)
{
    weir_error copy = *why;
    websocket_hold(ws);
    websocket_link_close(ws, goodbye ? FRAMES_GOING_AWAY : 0);
    websocket_link_lost(ws, &copy);
    websocket_unhold(ws);
}

static void lose_with_context(struct websocket *ws, const weir_error *how)
{
    weir_error why;
    error_copy(&why, how);
    error_context(&why, "opening a WebSocket to %s", ws->t.shown);
    lose(ws, &why, false);
}

/* ---- open -------------------------------------------------------------------------------- */

static bool on_message(void *user, char *text, size_t len)
{
    struct websocket *ws = user;
    websocket_link_received(ws, text, len);
    return ws->state == LINK_OPEN;
}

static void on_write(void *user, const void *data, size_t len)
{
    const struct websocket *ws = user;
    if (ws->state == LINK_OPEN && ws->stream)
        stream_write(ws->stream, data, len);
}

static void watch(struct websocket *ws, int64_t at_ns)
{
    weir_error why;
    if (timer_set(&ws->timer, at_ns) != WEIR_OK) {
        error_no_memory(&why);
        lose(ws, &why, true);
    }
}

static void look_for_life(struct websocket *ws)
{
    int64_t now = clock_mono(clock_of(ws));
    if (ws->paused) /* who is not read from cannot be heard */
        ws->heard_ns = now;
    int64_t due = ws->heard_ns + ws->quiet_after * NS_PER_MS * (ws->probed ? 2 : 1);
    weir_error why = {0};
    if (now >= due && ws->probed)
        error_set(&why, WEIR_UNREACHABLE,
                  "%s: no sign of life for %" PRId64 " ms, not even an answer to a ping",
                  ws->t.shown, (now - ws->heard_ns) / NS_PER_MS);
    else if (now >= due && frames_ping(ws->frames, &why) == WEIR_OK)
        ws->probed = true;
    if (why.status != WEIR_OK)
        lose(ws, &why, true);
    else
        watch(ws, now < due ? due : now + ws->quiet_after * NS_PER_MS);
}

void websocket_link_pause(struct websocket *ws, bool paused)
{
    bool changed = ws->state == LINK_OPEN && ws->stream && ws->paused != paused;
    if (!changed)
        return;
    ws->paused = paused;
    ws->heard_ns = clock_mono(clock_of(ws));
    ws->probed = false;
    if (paused)
        stream_pause(ws->stream);
    else if (stream_queued(ws->stream) <= UNREAD_MAX)
        stream_resume(ws->stream);
}

weir_status websocket_link_send(struct websocket *ws, const char *text, size_t len, weir_error *err)
{
    weir_status status = frames_send(ws->frames, text, len, err);
    ws->said = ws->said || status == WEIR_OK;
    return status;
}

static void receive(struct websocket *ws, const void *data, size_t len)
{
    weir_error why = {0};
    ws->heard_ns = clock_mono(clock_of(ws));
    ws->probed = false;
    if (frames_receive(ws->frames, data, len, &why) != WEIR_OK && ws->state == LINK_OPEN) {
        error_context(&why, "%s", ws->t.shown);
        lose(ws, &why, true);
    }
    if (ws->stream && stream_queued(ws->stream) > UNREAD_MAX)
        stream_pause(ws->stream);
}

/* ---- the upgrade ------------------------------------------------------------------------- */

static weir_status start_frames(struct websocket *ws, weir_error *err)
{
    const struct frames_options options = {.max_message = ws->t.max_message,
                                           .clock = clock_of(ws),
                                           .message = on_message,
                                           .write = on_write,
                                           .user = ws};
    websocket_link_clear(ws);
    ws->frames = frames_new(&options, err);
    return ws->frames ? WEIR_OK : WEIR_NO_MEMORY;
}

static void keep_cookies(struct websocket *ws, const struct http_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcasecmp(answer->headers[i].name, "Set-Cookie") == 0)
            http_set_cookie(ws->t.http, &ws->t.parts, answer->headers[i].value);
    }
}

static void judge(struct websocket *ws)
{
    char what[512];
    struct http_answer answer = {0};
    weir_error why = {0};
    (void)snprintf(what, sizeof what, "opening a WebSocket to %s", ws->t.shown);
    const struct upgrade_judge by = {ws->key, what, clock_of(ws)};
    weir_status status = upgrade_judge(&ws->upgrade, &by, &answer, &why);
    keep_cookies(ws, &answer);
    upgrade_clear(&ws->upgrade);
    if (status == WEIR_OK)
        status = start_frames(ws, &why);
    if (status != WEIR_OK) {
        lose(ws, &why, false);
        return;
    }
    ws->state = LINK_OPEN;
    ws->paused = false;
    ws->heard_ns = clock_mono(clock_of(ws));
    ws->probed = false;
    watch(ws, ws->heard_ns + ws->quiet_after * NS_PER_MS);
    if (ws->state == LINK_OPEN)
        websocket_link_opened(ws);
}

/* What follows the head is a WebSocket's already. */
static void read_answer(struct websocket *ws, const char *data, size_t len)
{
    size_t used;
    bool had_head = ws->upgrade.status != 0;
    enum upgrade_state state = upgrade_read(&ws->upgrade, data, len, &used);
    if (state == UPGRADE_DONE)
        judge(ws);
    else if (!had_head && ws->upgrade.status)
        watch(ws, clock_mono(clock_of(ws)) + QUOTE_MS * NS_PER_MS);
    if (ws->state == LINK_OPEN && used < len)
        receive(ws, data + used, len - used);
}

static void ask(struct websocket *ws)
{
    struct buf request = BUF_INIT(REQUEST_MAX), cookies = BUF_INIT(REQUEST_MAX / 2);
    const struct url *url = &ws->t.parts;
    char *basic = url->userinfo && !ws->authorization ? proxy_authorization(url->userinfo) : NULL;
    char *line = basic ? transport_authorization(basic) : NULL;
    weir_error why = {0};
    upgrade_key(clock_of(ws), ws->key);
    upgrade_begin(&ws->upgrade);
    http_cookies(ws->t.http, url, &cookies);
    const struct upgrade_request r = {.url = url,
                                      .key = ws->key,
                                      .headers = ws->t.headers,
                                      .header_count = ws->t.header_count,
                                      .authorization = line ? line : ws->authorization,
                                      .cookies = cookies.data};
    upgrade_write(&request, &r);
    secret_free_text(cookies.data);
    secret_free_text(line);
    secret_free_text(basic);
    if (buf_finish(&request, &why) == WEIR_OK)
        stream_write(ws->stream, request.data, request.len);
    secret_free_text(request.data);
    secret_free_text(ws->authorization);
    ws->authorization = NULL;
    ws->state = LINK_UPGRADING;
    if (why.status != WEIR_OK)
        lose(ws, &why, false);
}

/* ---- the stream -------------------------------------------------------------------------- */

static void try_next(struct websocket *ws, const weir_error *last);

static void on_open(void *user)
{
    struct websocket *ws = user;
    mem_free(ws->addresses); /* this one it is */
    ws->addresses = NULL;
    ws->address_count = ws->tried = 0;
    ask(ws);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct websocket *ws = user;
    websocket_hold(ws);
    if (ws->state == LINK_OPEN)
        receive(ws, data, len);
    else if (ws->state == LINK_UPGRADING)
        read_answer(ws, (const char *)data, len);
    websocket_unhold(ws);
}

static void on_drained(void *user)
{
    const struct websocket *ws = user;
    if (!ws->paused)
        stream_resume(ws->stream);
}

static void ended(struct websocket *ws, weir_error *why)
{
    if (ws->state == LINK_CONNECTING) {
        stream_close(ws->stream);
        ws->stream = NULL;
        try_next(ws, why);
        return;
    }
    if (ws->state == LINK_UPGRADING && ws->upgrade.status) {
        judge(ws); /* what there is must do: it cannot be a 101 */
        return;
    }
    if (why->status == WEIR_OK)
        error_set(why, WEIR_UNREACHABLE, "%s closed the connection without a word",
                  stream_peer(ws->stream));
    if (ws->state == LINK_UPGRADING)
        lose_with_context(ws, why);
    else
        lose(ws, why, false);
}

static void on_end(void *user, const weir_error *how)
{
    struct websocket *ws = user;
    weir_error why = *how;
    websocket_hold(ws);
    ended(ws, &why);
    websocket_unhold(ws);
}

static const struct stream_events stream_events = {on_open, on_data, on_drained, on_end};

static struct deadline limit_of_one(const struct websocket *ws)
{
    struct deadline soon = deadline_in(clock_of(ws), ADDRESS_MS, 0);
    return ws->tried + 1 < ws->address_count ? deadline_sooner(ws->until, soon) : ws->until;
}

/* `last`: why the one before could not be. */
static void try_next(struct websocket *ws, const weir_error *last)
{
    weir_error why;
    if (ws->tried == ws->address_count) {
        lose_with_context(ws, last);
        return;
    }
    const struct stream_options options = {.address = &ws->addresses[ws->tried],
                                           .tls = ws->tls,
                                           .server_name = ws->t.parts.host,
                                           .connect_target = ws->target,
                                           .proxy_authorization = ws->proxy_authorization,
                                           .until = limit_of_one(ws),
                                           .events = &stream_events,
                                           .user = ws};
    ws->state = LINK_CONNECTING;
    ws->tried++;
    ws->stream = stream_connect(ws->t.loop, &options, &why);
    if (!ws->stream)
        lose_with_context(ws, &why);
}

static void on_resolved(void *user, const struct address *list, size_t count, const weir_error *err)
{
    struct websocket *ws = user;
    weir_error why = {0};
    ws->resolving = NULL;
    if (err && err->status != WEIR_OK) {
        lose_with_context(ws, err);
        return;
    }
    ws->addresses = mem_dup(list, count * sizeof *list);
    ws->address_count = ws->addresses ? count : 0;
    if (ws->address_count == 0)
        error_no_memory(&why);
    try_next(ws, &why);
}

static void time_is_up(struct websocket *ws)
{
    static const char *const doing[] = {"", "its name is not resolved yet", "not connected yet",
                                        "connected, but the server does not answer", ""};
    weir_error why;
    if (ws->state == LINK_OPEN) {
        look_for_life(ws);
        return;
    }
    if (ws->state == LINK_UPGRADING && ws->upgrade.status) {
        judge(ws);
        return;
    }
    error_set(&why, WEIR_TIMEOUT, "no answer within its time limit: %s", doing[ws->state]);
    lose_with_context(ws, &why);
}

static void on_timer(void *user)
{
    struct websocket *ws = user;
    websocket_hold(ws);
    time_is_up(ws);
    websocket_unhold(ws);
}

weir_status websocket_link_open(struct websocket *ws, weir_error *err)
{
    const struct url *hop = ws->proxy.host ? &ws->proxy : &ws->t.parts;
    struct deadline most = deadline_in(clock_of(ws), OPEN_MS, 0);
    weir_error why = {0};
    ws->until = deadline_sooner(ws->until, most);
    timer_init(&ws->timer, ws->t.loop, on_timer, ws);
    if (timer_set(&ws->timer, ws->until.at_ns) != WEIR_OK)
        return error_no_memory(err);
    ws->resolving = resolve_start(ws->t.loop, hop->host, hop->port, on_resolved, ws, &why);
    if (ws->resolving)
        ws->state = LINK_RESOLVING;
    else
        timer_cancel(&ws->timer);
    return error_copy(err, &why);
}
