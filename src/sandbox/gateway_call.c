/* One call: it arrives whole; log and fault; after latency and delay act(): the fault happens, or
 * token, message and RPC are looked at; then the end, at once or later. A stream begins before a
 * fault that comes later.
 *
 * A call may be gone when h2_call_message() returns, and is as likely as not when h2_call_end()
 * does: whoever says more after that holds the work. */
#include "sandbox/gateway_private.h"

#include "core/mem.h"
#include "sandbox/gateway_rpc.h"
#include "sandbox/grpc.h"
#include "sandbox/names.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <string.h>

#define DEADLINE_EXCEEDED  4
#define RESOURCE_EXHAUSTED 8
#define UNIMPLEMENTED      12
#define UNAUTHENTICATED    16

#define STREAM_QUEUED_MAX ((size_t)256 * 1024) /* waiting on a stream of jobs: it takes no more */
#define HEADERS_SHOW      128

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
    link_settle(link);
}

static void on_deadline(void *user)
{
    struct work *work = user;
    struct link *link = work->link;
    end_call(work, DEADLINE_EXCEEDED, "the time the client gave is over");
    link_settle(link);
}

/* False: the call is gone, and so is *work unless somebody else holds it. */
static bool let_go(struct work *work)
{
    work->held--;
    if (!work->gone)
        return true;
    if (!work->held)
        mem_free(work);
    return false;
}

/* False: there was no memory for it; as let_go(). */
static bool send_message(struct work *work, weir_bytes message)
{
    work->held++;
    h2_call_message(work->call, message);
    return let_go(work);
}

static bool deliver(void *user, weir_bytes message, bool last)
{
    struct work *work = user;
    link_touch(work->link);
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
        work->held++;
        engine_pump(gateway->options.engine);
        if (let_go(work))
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
    gateway_tell_time(gateway);
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
    timer_cancel(&work->over);
    waiter_leave(&work->waiter);
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
    link_settle(link);
    gateway_moves(gateway);
}

/* A fault that comes later happens in the middle of a stream, which begins at once. */
static bool begins_before_its_fault(const struct work *work)
{
    static const bool in_the_middle[] = {
        [FAULT_STATUS] = true, [FAULT_CUT] = true,     [FAULT_HANG] = true,
        [FAULT_GOAWAY] = true, [FAULT_GARBAGE] = true, [FAULT_EXPIRE] = false};
    const struct fault *fault = &work->turn.fault;
    return work->method && work->method->server_streams && fault->after > 0 &&
           in_the_middle[fault->how];
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
    work->held++;
    turn_begin(&work->turn, link->gateway->options.common, &entry, act, work);
    if (!let_go(work) || !begins_before_its_fault(work))
        return;
    answer(work);
    gateway_moves(link->gateway);
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

const struct h2_events gateway_h2_events = {on_request, on_closed, link_send};
