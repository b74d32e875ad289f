/* A connection (struct link) holds an HTTP/2 session, a call (struct work) a turn. Order of one
 * call: it arrives whole; log and fault; after latency and delay act(): the fault happens, or
 * token, message and RPC are looked at; then the end, at once or later.
 *
 * h2_feed() and h2_pump() call back into this file, and must not be called from there, nor may the
 * session be freed: while `feeding` a link that has to go is only marked, and settle() lets it go.
 * settle() follows everything that is done to calls from outside of h2_feed().
 *
 * States of a link: waiting (a fault delays it, not attached) -> talking -> leaving (no session any
 * more, the last bytes are on their way) -> gone; or straight to gone. */
#include "sandbox/gateway.h"

#include "core/error.h"
#include "core/mem.h"
#include "io/stream.h"
#include "sandbox/gateway_rpc.h"
#include "sandbox/grpc.h"
#include "sandbox/h2.h"
#include "sandbox/names.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define DEADLINE_EXCEEDED  4
#define RESOURCE_EXHAUSTED 8
#define UNIMPLEMENTED      12
#define UNAUTHENTICATED    16

#define QUEUED_MAX        ((size_t)1024 * 1024) /* bytes a client has not taken: no more until it does */
#define STREAM_QUEUED_MAX ((size_t)32 * 1024) /* a stream of jobs takes no more, as grpc-java */
#define GOODBYE_MS        5000
#define HEADERS_SHOW      128

struct link {
    TAILQ_ENTRY(link) entry;
    TAILQ_ENTRY(link) touched_entry;
    struct gateway *gateway;
    struct stream *stream;
    struct h2 *h2; /* NULL: waiting or leaving */
    struct fault fault;
    struct timer timer;
    bool open, feeding, doomed;
    bool goaway;  /* as soon as it is open */
    bool touched; /* in the gateway's list of those */
};

TAILQ_HEAD(link_list, link);

struct gateway {
    struct gateway_options options;
    struct listener *listener;
    struct link_list links;
    struct link_list touched; /* the engine has said something on them: settle() is due */
    struct timer due;         /* the next thing that happens in the engine by itself */
    size_t count;
};

struct work {
    struct link *link;
    struct h2_call *call;
    const struct codec_method *method;
    struct turn turn;
    struct timer deadline; /* the client's */
    struct timer over;     /* the end of what it waits for */
    struct waiter waiter;  /* in the engine */
    struct rpc_reply end;  /* when it is over */
    bool held, gone;       /* the call may not be freed; it would have been */
};

/* --- links --------------------------------------------------------------------------------- */

/* Never while feeding. */
static void close_link(struct link *link)
{
    struct h2 *h2 = link->h2;
    link->h2 = NULL;
    h2_free(h2);
    timer_cancel(&link->timer);
    stream_close(link->stream);
    if (link->touched)
        TAILQ_REMOVE(&link->gateway->touched, link, touched_entry);
    TAILQ_REMOVE(&link->gateway->links, link, entry);
    link->gateway->count--;
    mem_free(link);
}

static void on_goodbye(void *user)
{
    close_link(user);
}

/* The session is over; what was written still gets out. */
static void leave(struct link *link)
{
    struct h2 *h2 = link->h2;
    link->h2 = NULL;
    h2_free(h2);
    stream_shutdown(link->stream);
    timer_cancel(&link->timer);
    timer_init(&link->timer, link->gateway->options.common->loop, on_goodbye, link);
    if (timer_set_in(&link->timer, GOODBYE_MS) != WEIR_OK)
        close_link(link);
}

static void settle(struct link *link)
{
    if (link->feeding)
        return;
    if (link->doomed)
        close_link(link);
    else if (link->h2 && !h2_pump(link->h2))
        leave(link);
}

/* --- the engine ---------------------------------------------------------------------------- */

static void engine_moves(struct gateway *gateway);

static void on_due(void *user)
{
    engine_moves(user);
}

static void tell_time(struct gateway *gateway)
{
    const struct clock *clock = gateway->options.common->clock;
    engine_set_time(gateway->options.engine, clock_mono(clock), clock_wall(clock));
}

/* What has become ready goes out; what is said on other connections is sent after that, since
 * sending may let connections go. */
static void engine_moves(struct gateway *gateway)
{
    struct link *link = NULL;
    tell_time(gateway);
    engine_pump(gateway->options.engine);
    while ((link = TAILQ_FIRST(&gateway->touched))) {
        TAILQ_REMOVE(&gateway->touched, link, touched_entry);
        link->touched = false;
        settle(link);
    }
    (void)timer_set(&gateway->due, engine_next_due(gateway->options.engine));
}

static void touch(struct link *link)
{
    if (!link->touched)
        TAILQ_INSERT_TAIL(&link->gateway->touched, link, touched_entry);
    link->touched = true;
}

/* --- calls --------------------------------------------------------------------------------- */

static void end_call(struct work *work, int status, const char *text)
{
    timer_cancel(&work->turn.timer);
    timer_cancel(&work->deadline);
    timer_cancel(&work->over);
    waiter_leave(&work->waiter);
    turn_end(&work->turn, grpc_name(status));
    h2_call_end(work->call, status, text);
}

/* Nothing came: a poll ends empty, a result is late. */
static void on_over(void *user)
{
    struct work *work = user;
    struct link *link = work->link;
    end_call(work, work->end.status, work->end.text);
    settle(link);
}

static void on_deadline(void *user)
{
    struct work *work = user;
    struct link *link = work->link;
    end_call(work, DEADLINE_EXCEEDED, "the time the client gave is over");
    settle(link);
}

/* False: there was no memory for it, and the call is gone with all of *work. */
static bool send_message(struct work *work, weir_bytes message)
{
    work->held = true;
    h2_call_message(work->call, message);
    work->held = false;
    if (!work->gone)
        return true;
    mem_free(work);
    return false;
}

static bool deliver(void *user, weir_bytes message, bool last)
{
    struct work *work = user;
    touch(work->link);
    if (message.data && !send_message(work, message))
        return false;
    if (last)
        end_call(work, 0, NULL);
    return true;
}

static bool has_room(void *user)
{
    const struct work *work = user;
    return h2_call_queued(work->call) < STREAM_QUEUED_MAX;
}

/* Something is waited for, until it is over. At once: the engine says what it has first. */
static void wait_for(struct work *work)
{
    struct gateway *gateway = work->link->gateway;
    if (work->end.after == 0) {
        work->held = true;
        engine_pump(gateway->options.engine);
        work->held = false;
        if (work->gone)
            mem_free(work);
        else
            end_call(work, work->end.status, work->end.text);
        return;
    }
    if (timer_set_in(&work->over, work->end.after) != WEIR_OK)
        end_call(work, RESOURCE_EXHAUSTED, "the sandbox is out of memory");
}

static void reply_to(struct work *work, weir_bytes message)
{
    struct gateway *gateway = work->link->gateway;
    struct rpc_reply *reply = &work->end;
    struct gateway_ask ask = {.engine = gateway->options.engine,
                              .method = work->method,
                              .request = message,
                              .port = listener_port(gateway->listener),
                              .waiter = &work->waiter};
    work->waiter = (struct waiter){.deliver = deliver, .has_room = has_room, .user = work};
    tell_time(gateway);
    gateway_reply(&ask, reply);
    char *said = reply->message;
    bool gone = said && !send_message(work, (weir_bytes){said, reply->len});
    mem_free(said);
    if (gone)
        return;
    reply->message = NULL;
    if (reply->waits)
        wait_for(work);
    else
        end_call(work, reply->status, reply->text);
}

static const char *bearer(const struct work *work)
{
    const char *value = h2_call_header(work->call, "authorization");
    bool good = value && strncmp(value, "Bearer ", 7) == 0;
    return good ? value + 7 : NULL;
}

/* NULL: it may; else the real gateway's words. */
static const char *complaint(const struct work *work)
{
    const struct gateway *gateway = work->link->gateway;
    struct tokens *tokens = gateway->options.common->tokens;
    const char *token = bearer(work);
    bool health = strcmp(gateway_what(work->method), "zeebe.Health") == 0;
    bool wanted = gateway->options.require_token && !health;
    bool expire = work->turn.fault.how == FAULT_EXPIRE;
    if (expire && token && tokens)
        tokens_expire(tokens, token);
    if (!wanted && !expire)
        return NULL;
    if (!h2_call_header(work->call, "authorization"))
        return "Expected bearer token at header with key [authorization], but found nothing";
    if (!expire && token && tokens && tokens_look(tokens, token) == TOKEN_VALID)
        return NULL;
    return "Failed to parse bearer token, see cause for details";
}

static void answer(struct work *work)
{
    char text[300];
    weir_bytes message = {NULL, 0};
    void *owned = NULL;
    const char *why = NULL;
    const char *path = h2_call_path(work->call);
    if (!work->method) { /* grpc-java's words */
        (void)snprintf(text, sizeof text, "Method not found: %.200s", path + (*path == '/'));
        end_call(work, UNIMPLEMENTED, text);
        return;
    }
    if ((why = complaint(work)) != NULL) {
        end_call(work, UNAUTHENTICATED, why);
        return;
    }
    int status =
        grpc_read_message(h2_call_body(work->call), h2_call_header(work->call, "grpc-encoding"),
                          &message, &owned, &why);
    if (status)
        end_call(work, status, why);
    else
        reply_to(work, message);
    mem_free(owned);
}

/* --- what may happen instead of an answer ---------------------------------------------------- */

static void fault_status(struct work *work)
{
    const struct fault *fault = &work->turn.fault;
    end_call(work, fault->code, *fault->text ? fault->text : "asked for by a fault");
}

static void fault_http(struct work *work)
{
    timer_cancel(&work->deadline);
    turn_end_number(&work->turn, work->turn.fault.code);
    h2_call_http(work->call, work->turn.fault.code, "<html>asked for by a fault</html>\n");
}

static void fault_cut(struct work *work)
{
    turn_end(&work->turn, "cut");
    work->link->doomed = true;
}

static void fault_hang(struct work *work)
{
    timer_cancel(&work->deadline); /* not even that */
}

static void fault_goaway(struct work *work)
{
    turn_end(&work->turn, "goaway");
    h2_call_goaway(work->call);
}

static void fault_garbage(struct work *work)
{
    static const char garbage[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    if (send_message(work, (weir_bytes){garbage, sizeof garbage - 1}))
        end_call(work, 0, NULL);
}

static void (*const faults[])(struct work *work) = {
    [FAULT_NONE] = answer,     [FAULT_STATUS] = fault_status, [FAULT_HTTP] = fault_http,
    [FAULT_ERROR] = answer,    [FAULT_DELAY] = answer,        [FAULT_CUT] = fault_cut,
    [FAULT_HANG] = fault_hang, [FAULT_GOAWAY] = fault_goaway, [FAULT_GARBAGE] = fault_garbage,
    [FAULT_EXPIRE] = answer,
};

static void act(void *user)
{
    struct work *work = user;
    struct link *link = work->link;
    struct gateway *gateway = link->gateway;
    faults[work->turn.fault.how](work);
    settle(link);
    engine_moves(gateway);
}

/* --- arrivals ------------------------------------------------------------------------------ */

static void begin_deadline(struct work *work)
{
    int64_t ns = 0;
    const struct common *common = work->link->gateway->options.common;
    const char *text = h2_call_header(work->call, "grpc-timeout");
    timer_init(&work->deadline, common->loop, on_deadline, work);
    timer_init(&work->over, common->loop, on_over, work);
    if (!text || !grpc_read_timeout(text, &ns))
        return;
    int64_t now = clock_mono(common->clock);
    (void)timer_set(&work->deadline, ns < INT64_MAX - now ? now + ns : INT64_MAX);
}

static void begin(struct link *link, struct h2_call *call, struct work *work)
{
    struct journal_pair shown[HEADERS_SHOW];
    size_t count = 0, given = 0;
    const struct h2_header *headers = h2_call_headers(call, &given);
    for (size_t i = 0; i < given && count < HEADERS_SHOW; i++) {
        if (headers[i].name[0] != ':')
            shown[count++] = (struct journal_pair){headers[i].name, headers[i].value};
    }
    work->link = link;
    work->call = call;
    work->method = gateway_method(h2_call_path(call));
    h2_call_set_user(call, work);
    struct journal_request entry = {.service = "zeebe",
                                    .what = gateway_what(work->method),
                                    .path = h2_call_path(call),
                                    .peer = stream_peer(link->stream),
                                    .headers = shown,
                                    .header_count = count};
    begin_deadline(work);
    turn_begin(&work->turn, link->gateway->options.common, &entry, act, work);
}

static void on_request(void *user, struct h2_call *call)
{
    const char *method = h2_call_header(call, ":method");
    const char *type = h2_call_header(call, "content-type");
    if (!method || strcmp(method, "POST") != 0) {
        h2_call_http(call, 405, "gRPC is spoken here, by POST\n");
        return;
    }
    if (!type || !grpc_content_type(type)) {
        h2_call_http(call, 415, "application/grpc is spoken here\n");
        return;
    }
    struct work *work = mem_zalloc(sizeof *work);
    if (work)
        begin(user, call, work);
    else
        h2_call_end(call, 8, "the sandbox is out of memory");
}

static void on_closed(void *user, struct h2_call *call)
{
    struct work *work = h2_call_user(call);
    (void)user;
    if (!work)
        return;
    timer_cancel(&work->deadline);
    timer_cancel(&work->over);
    waiter_leave(&work->waiter);
    turn_clear(&work->turn);
    work->gone = true;
    if (!work->held)
        mem_free(work);
}

static bool on_send(void *user, const void *data, size_t len)
{
    struct link *link = user;
    stream_write(link->stream, data, len);
    return stream_queued(link->stream) < QUEUED_MAX;
}

static const struct h2_events h2_events = {on_request, on_closed, on_send};

/* --- connections --------------------------------------------------------------------------- */

/* Not even the calls under way. */
static void on_goaway(void *user)
{
    struct link *link = user;
    link->goaway = true;
    if (!link->h2 || !link->open)
        return;
    h2_goaway(link->h2, 0);
    settle(link);
}

static void on_open(void *user)
{
    struct link *link = user;
    static const char garbage[] = "\x16\x03 this is no HTTP/2 \xff\xff\xff\xff\r\n\r\n";
    if (link->fault.how == FAULT_GARBAGE) {
        stream_write(link->stream, garbage, sizeof garbage - 1);
        leave(link);
        return;
    }
    link->open = true;
    if (link->goaway)
        on_goaway(link);
    else
        settle(link); /* sends our settings */
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct link *link = user;
    if (!link->h2)
        return; /* it hangs, or leaves */
    link->feeding = true;
    bool good = h2_feed(link->h2, data, len);
    link->feeding = false;
    if (good || link->doomed)
        settle(link);
    else
        leave(link);
}

static void on_drained(void *user)
{
    struct link *link = user;
    if (link->h2)
        settle(link);
}

static void on_end(void *user, const weir_error *why)
{
    (void)why;
    close_link(user);
}

static const struct stream_events stream_events = {on_open, on_data, on_drained, on_end};

static struct h2 *new_session(struct link *link)
{
    struct h2_options options = {.events = &h2_events,
                                 .user = link,
                                 .max_concurrent_streams =
                                     link->gateway->options.max_concurrent_streams};
    return h2_new(&options, NULL);
}

static void start_link(void *user)
{
    struct link *link = user;
    bool silent = link->fault.how == FAULT_HANG || link->fault.how == FAULT_GARBAGE;
    link->h2 = silent ? NULL : new_session(link);
    if (silent || link->h2)
        stream_attach(link->stream, &stream_events, link);
    else
        close_link(link);
}

/* cut and goaway after a while: the connection works until then. The others come instead of it. */
static void begin_link(struct link *link)
{
    struct common *common = link->gateway->options.common;
    void (*later)(void *user) = start_link;
    journal_tally(common->journal, "zeebe.connections");
    faults_take(common->faults, "zeebe.connections", &link->fault);
    if (link->fault.how == FAULT_CUT)
        later = on_goodbye;
    if (link->fault.how == FAULT_GOAWAY)
        later = on_goaway;
    bool wait = link->fault.after > 0;
    timer_init(&link->timer, common->loop, later, link);
    if (wait && timer_set_in(&link->timer, link->fault.after) != WEIR_OK)
        wait = false;
    if (!wait)
        later(link); /* cut: the link is gone; goaway: noted */
    if (later == on_goaway || (wait && later == on_goodbye))
        start_link(link);
}

static void on_accepted(void *user, struct stream *stream)
{
    struct gateway *gateway = user;
    bool room = gateway->count < GATEWAY_CONNECTIONS_MAX;
    struct link *link = room ? mem_zalloc(sizeof *link) : NULL;
    if (!link) {
        stream_close(stream);
        return;
    }
    link->gateway = gateway;
    link->stream = stream;
    TAILQ_INSERT_TAIL(&gateway->links, link, entry);
    gateway->count++;
    begin_link(link);
}

struct gateway *gateway_open(const struct gateway_options *options, weir_error *err)
{
    struct gateway *gateway = mem_zalloc(sizeof *gateway);
    if (!gateway) {
        error_no_memory(err);
        return NULL;
    }
    gateway->options = *options;
    gateway->options.tls = tls_ref(options->tls);
    TAILQ_INIT(&gateway->links);
    TAILQ_INIT(&gateway->touched);
    timer_init(&gateway->due, options->common->loop, on_due, gateway);
    struct listener_options listen = {.host = "127.0.0.1",
                                      .port = options->port,
                                      .tls = options->tls,
                                      .accepted = on_accepted,
                                      .user = gateway};
    gateway->listener = listener_open(options->common->loop, &listen, err);
    if (gateway->listener)
        return gateway;
    gateway_close(gateway);
    return NULL;
}

void gateway_close(struct gateway *gateway)
{
    if (!gateway)
        return;
    listener_close(gateway->listener);
    while (!TAILQ_EMPTY(&gateway->links))
        close_link(TAILQ_FIRST(&gateway->links));
    timer_cancel(&gateway->due);
    tls_free(gateway->options.tls);
    mem_free(gateway);
}
