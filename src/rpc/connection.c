/* One connection: from the socket over preface and SETTINGS to ready, draining and gone.
 *
 * Calls start only after the server's SETTINGS, as gRPC's connectivity semantics ask: what accepts
 * TCP but speaks no HTTP/2 never looks ready, and its limit on streams is known from the first
 * call. What has to be sent is collected until the channel's turn and leaves in one write. A
 * connection is freed only from callbacks of its stream or timer, from flush and from close: never
 * from within its session. */
#include "rpc/connection.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "io/stream.h"
#include "rpc/keepalive.h"
#include "rpc/session.h"
#include "rpc/status.h"

#include <string.h>

#define SEND_AHEAD (256 * 1024) /* bytes that may wait for the socket */

struct connection {
    struct rpc *rpc;
    struct lane *lane;
    const struct connection_events *events;
    const struct address *address;
    enum connection_state state;
    struct stream *stream;
    struct session *session;
    struct link dirty;
    struct timer timer; /* greeting, keepalive */
    struct keepalive keepalive;
    int64_t ready_ns, used_ns;
    struct link link;      /* the lane's */
    struct deadline until; /* for all up to READY */
};

static void move(struct connection *c, enum connection_state to)
{
    static const char *const names[] = {"connecting", "greeting", "ready", "draining"};
    log_at(WEIR_LOG_DEBUG, "rpc", c->rpc->name, "connection to %s: %s -> %s",
           stream_peer(c->stream), names[c->state], names[to]);
    c->state = to;
}

static void set_dirty(struct connection *c)
{
    if (!list_linked(&c->dirty))
        list_append(&c->rpc->dirty, &c->dirty);
    channel_turn_soon(c->rpc);
}

struct link *connection_link(struct connection *c)
{
    return &c->link;
}

struct connection *connection_of(struct link *link)
{
    return LIST_ENTRY(link, struct connection, link);
}

struct connection *connection_next_dirty(struct rpc *rpc)
{
    if (list_empty(&rpc->dirty))
        return NULL;
    struct connection *c = LIST_ENTRY(rpc->dirty.next, struct connection, dirty);
    list_remove(&c->dirty);
    return c;
}

/* ---- the end ----------------------------------------------------------------------------- */

void connection_close(struct connection *c, const weir_error *why)
{
    timer_cancel(&c->timer);
    if (c->session) {
        session_lose(c->session, why);
        session_free(c->session);
    }
    list_remove(&c->dirty);
    list_remove(&c->link);
    stream_close(c->stream);
    mem_free(c);
}

static bool is_good(const struct connection *c)
{
    int64_t good_at = c->ready_ns + CONNECTION_GOOD_MS * NS_PER_MS;
    return c->session &&
           (session_answered(c->session) || (c->ready_ns && clock_mono(c->rpc->clock) >= good_at));
}

/* What the session knows explains more than how the socket ended. */
static void lose(struct connection *c, const weir_error *how)
{
    struct rpc *rpc = c->rpc;
    struct lane *lane = c->lane;
    const struct connection_events *events = c->events;
    struct connection_past past = {c->state, is_good(c)};
    weir_error why = *how;
    if (c->session && session_why(c->session)->status != WEIR_OK)
        why = *session_why(c->session);
    if (why.status == WEIR_OK && c->state == CONNECTION_GREETING)
        error_peer(&why, WEIR_UNREACHABLE, WEIR_ORIGIN_SYSTEM, 0,
                   "%s took the connection and closed it without a word; is the gateway up behind "
                   "it, and is this a %s gRPC port?",
                   stream_peer(c->stream), rpc->tls ? "TLS" : "plaintext");
    log_at(WEIR_LOG_DEBUG, "rpc", rpc->name, "connection to %s ended: %s", stream_peer(c->stream),
           why.status == WEIR_OK ? "closed" : why.message);
    connection_close(c, &why);
    events->lost(lane, c, &why, &past);
}

static void lose_quietly(struct connection *c)
{
    weir_error ok = {0};
    lose(c, &ok);
}

/* ---- keepalive --------------------------------------------------------------------------- */

static void look_after(struct connection *c)
{
    int64_t again;
    weir_error why = {0};
    bool calls = session_calls(c->session) > 0;
    switch (keepalive_ask(&c->keepalive, clock_mono(c->rpc->clock), calls, &again)) {
    case KEEPALIVE_DEAD:
        tally_add(&c->rpc->tally.keepalive_timeouts, 1);
        error_peer(&why, WEIR_UNREACHABLE, WEIR_ORIGIN_GRPC, GRPC_UNAVAILABLE,
                   "%s is silent: no answer to a keepalive ping within %lld ms",
                   stream_peer(c->stream), (long long)c->rpc->args.keepalive_timeout_ms);
        lose(c, &why);
        return;
    case KEEPALIVE_PING:
        session_ping(c->session);
        break;
    case KEEPALIVE_WAIT:
        break;
    }
    timer_set(&c->timer, again);
}

static void on_timer(void *user)
{
    struct connection *c = user;
    weir_error why = {0};
    if (c->state >= CONNECTION_READY) {
        look_after(c);
        return;
    }
    error_peer(&why, WEIR_UNREACHABLE, WEIR_ORIGIN_GRPC, GRPC_UNAVAILABLE,
               "%s took the connection, but sent no HTTP/2 SETTINGS in time",
               stream_peer(c->stream));
    lose(c, &why);
}

static int64_t forever_if_max(int64_t ms)
{
    return ms == INT32_MAX ? INT64_MAX : ms * NS_PER_MS;
}

/* ---- the session's news ------------------------------------------------------------------ */

static void on_settled(void *user)
{
    struct connection *c = user;
    if (c->state != CONNECTION_GREETING)
        return;
    move(c, CONNECTION_READY);
    timer_cancel(&c->timer);
    tally_add(&c->rpc->tally.connects, 1);
    c->ready_ns = c->used_ns = clock_mono(c->rpc->clock);
    c->events->ready(c->lane, c);
    if (c->keepalive.time_ns != INT64_MAX)
        timer_set(&c->timer, clock_mono(c->rpc->clock) + c->keepalive.time_ns);
}

static void drain_for_peer(struct connection *c)
{
    if (c->state != CONNECTION_READY)
        return;
    connection_drain(c);
    c->events->draining(c->lane, c, is_good(c));
}

static void on_goaway(void *user, uint32_t code, bool too_many_pings, const char *debug)
{
    struct connection *c = user;
    log_at(code ? WEIR_LOG_WARN : WEIR_LOG_INFO, "rpc", c->rpc->name, "%s sends GOAWAY %s %s",
           stream_peer(c->stream), status_h2_name(code), debug);
    tally_add(&c->rpc->tally.goaways, 1);
    if (too_many_pings && c->rpc->args.keepalive_time_ms < INT32_MAX / 2)
        c->rpc->args.keepalive_time_ms *= 2; /* gRPC proposal A8 */
    drain_for_peer(c);
}

/* To the resolution of the loop's time, which costs nothing. */
static void note_use(struct connection *c)
{
    c->used_ns = (int64_t)uv_now(loop_uv(c->rpc->loop)) * NS_PER_MS;
}

static void on_room(void *user)
{
    struct connection *c = user;
    note_use(c);
    if (channel_queued(c->rpc) == 0)
        return;
    c->rpc->roomy = true;
    channel_turn_soon(c->rpc);
}

static void on_wake(void *user)
{
    set_dirty(user);
}

static const struct session_events session_news = {on_settled, on_goaway, on_room, on_wake};

/* ---- the stream's news ------------------------------------------------------------------- */

static void on_open(void *user)
{
    struct connection *c = user;
    struct rpc *rpc = c->rpc;
    weir_error why = {0};
    struct session_options options = {
        .events = &session_news,
        .user = c,
        .clock = rpc->clock,
        .window = RPC_WINDOW,
        .max_metadata = (uint32_t)rpc->args.max_metadata,
        .bytes_in = &rpc->tally.bytes_in,
        .bytes_out = &rpc->tally.bytes_out,
    };
    c->session = session_new(&options, &why);
    if (!c->session || timer_set(&c->timer, c->until.at_ns) != WEIR_OK) {
        error_no_memory(&why);
        lose(c, &why);
        return;
    }
    move(c, CONNECTION_GREETING);
    keepalive_heard(&c->keepalive, clock_mono(rpc->clock));
    set_dirty(c);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct connection *c = user;
    if (c->keepalive.time_ns != INT64_MAX)
        keepalive_heard(&c->keepalive, (int64_t)uv_now(loop_uv(c->rpc->loop)) * NS_PER_MS);
    if (!session_feed(c->session, data, len)) {
        lose_quietly(c);
        return;
    }
    set_dirty(c);
}

static void on_drained(void *user)
{
    set_dirty(user);
}

static void on_end(void *user, const weir_error *why)
{
    lose(user, why);
}

static const struct stream_events stream_news = {on_open, on_data, on_drained, on_end};

/* ---- sending ----------------------------------------------------------------------------- */

/* Collects frames into the channel's buffer and gives them to the socket in one piece. False: the
 * session broke. */
static bool send_all(struct connection *c)
{
    uint8_t *out = c->rpc->out;
    const uint8_t *data;
    size_t len = 0;
    ssize_t got = 0;
    while (stream_queued(c->stream) < SEND_AHEAD && (got = session_pull(c->session, &data)) > 0) {
        size_t more = (size_t)got;
        if (more > RPC_OUT_BUFFER - len) {
            stream_write(c->stream, out, len);
            len = 0;
        }
        if (more > RPC_OUT_BUFFER) {
            stream_write(c->stream, data, more);
            continue;
        }
        memcpy(out + len, data, more);
        len += more;
    }
    stream_write(c->stream, out, len);
    return got >= 0;
}

void connection_flush(struct connection *c)
{
    if (!c->session)
        return;
    bool sound = send_all(c);
    bool drained = c->state == CONNECTION_DRAINING && session_calls(c->session) == 0;
    if (!sound || drained || session_over(c->session)) {
        stream_shutdown(c->stream);
        lose_quietly(c);
    }
}

/* ---- the lane's side --------------------------------------------------------------------- */

struct connection *connection_open(struct rpc *rpc, struct lane *lane,
                                   const struct connection_events *events,
                                   const struct address *address, weir_error *err)
{
    struct connection *c = mem_zalloc(sizeof *c);
    if (!c) {
        error_no_memory(err);
        return NULL;
    }
    c->rpc = rpc;
    c->lane = lane;
    c->events = events;
    c->address = address;
    c->keepalive = (struct keepalive){
        .time_ns = forever_if_max(rpc->args.keepalive_time_ms),
        .timeout_ns = forever_if_max(rpc->args.keepalive_timeout_ms),
        .without_calls = rpc->args.keepalive_without_calls,
        .max_pings = rpc->args.max_pings_without_data,
    };
    timer_init(&c->timer, rpc->loop, on_timer, c);
    c->until = deadline_in(rpc->clock, rpc->args.min_backoff_ms, 0);
    struct stream_options options = {
        .address = address,
        .tls = rpc->tls,
        .server_name = rpc->server_name,
        .connect_target = rpc->proxy_target,
        .proxy_authorization = rpc->proxy_authorization,
        .until = c->until,
        .events = &stream_news,
        .user = c,
    };
    c->stream = stream_connect(rpc->loop, &options, err);
    if (!c->stream) {
        mem_free(c);
        return NULL;
    }
    return c;
}

void connection_drain(struct connection *c)
{
    if (c->state != CONNECTION_READY)
        return;
    move(c, CONNECTION_DRAINING);
    set_dirty(c);
}

struct share connection_share(const struct connection *c)
{
    return c->state == CONNECTION_READY ? session_share(c->session) : (struct share){0};
}

int64_t connection_used_ns(const struct connection *c)
{
    return c->used_ns;
}

const struct address *connection_address(const struct connection *c)
{
    return c->address;
}

bool connection_start(struct connection *c, struct rpc_call *call)
{
    if (!session_start(c->session, call)) {
        drain_for_peer(c);
        return false;
    }
    note_use(c);
    keepalive_spoke(&c->keepalive);
    if (c->keepalive.time_ns != INT64_MAX && !c->timer.slot)
        timer_set(&c->timer, clock_mono(c->rpc->clock) + c->keepalive.time_ns);
    return true;
}
