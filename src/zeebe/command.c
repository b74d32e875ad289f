/* A command: an rpc call, and where that provably does no harm another one.
 *
 * The first attempt is made on the caller's thread, so that an ordinary command crosses to the I/O
 * thread and back only once. Everything after it happens on the I/O thread. The caller's thread
 * does not look at the command again once the request is handed over, because it may have ended by
 * then.
 *
 * Repeated is what never reached the server, what it pushed back, and reads whose connection was
 * lost; nothing of which a message has been handed on. All of it within the deadline: what cannot
 * be tried again in time ends with the reason of the last attempt, not with a mere timeout. */
#include "zeebe/command.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "zeebe/kinds.h"

#include <string.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  5000

/* ---- ending ------------------------------------------------------------------------------ */

static void finish(struct command *c, const struct rpc_end *end)
{
    struct rpc_end last = *end;
    c->state = COMMAND_ENDED;
    if (last.error.status != WEIR_OK) {
        kinds_set(&last.error, c->method->name, last.grpc_status, last.message);
        error_context(&last.error, "%s", c->method->name);
    }
    c->events->end(c, &last);
}

static void finish_with(struct command *c, const weir_error *why)
{
    struct rpc_end end = {.error = *why, .message = ""};
    finish(c, &end);
}

/* ---- attempts ---------------------------------------------------------------------------- */

static void on_headers(void *user, const weir_metadata *list, size_t count)
{
    struct command *c = user;
    c->events->headers(c, list, count);
}

static void on_message(void *user, weir_bytes message)
{
    struct command *c = user;
    c->delivered = true;
    c->wanted -= c->wanted > 0;
    c->events->message(c, message);
}

static bool may_repeat(const struct command *c, const struct rpc_end *end)
{
    weir_status status = end->error.status;
    if (c->no_retry || c->delivered || c->stopping)
        return false;
    return status == WEIR_BUSY ||
           (status == WEIR_UNREACHABLE && (end->unprocessed || c->method->reads));
}

static weir_status attempt(struct command *c, weir_error *err);

static void try_again(void *user)
{
    struct command *c = user;
    weir_error why = {0};
    if (attempt(c, &why) != WEIR_OK)
        finish_with(c, &why);
}

/* False: there is no time left for another attempt. */
static bool pause_for(struct command *c, const weir_error *why)
{
    weir_ms wait = backoff_next(&c->backoff, c->channel->clock, why->retry_in_ms);
    weir_ms left = deadline_left(c->channel->clock, c->until);
    if (left != WEIR_FOREVER && wait >= left)
        return false;
    timer_init(&c->timer, c->channel->loop, try_again, c);
    if (timer_set_in(&c->timer, wait) != WEIR_OK)
        return false;
    log_at(WEIR_LOG_DEBUG, "zeebe", c->channel->name, "%s is repeated in %lld ms: %s",
           c->method->name, (long long)wait, why->message);
    c->why = *why;
    c->patient = true;
    c->state = COMMAND_PAUSING;
    return true;
}

/* The limit passed before anything could be sent: then the reason is what kept us from sending. */
static void explain_timeout(const struct command *c, struct rpc_end *end)
{
    weir_error *e = &end->error;
    if (e->status != WEIR_TIMEOUT || !end->unprocessed)
        return;
    if (c->why.status != WEIR_OK)
        *e = c->why;
    else if (rpc_state(c->channel->rpc) != WEIR_CHANNEL_READY) {
        e->status = WEIR_UNREACHABLE;
        e->retry_in_ms = 0;
    }
}

static void on_end(void *user, const struct rpc_end *end)
{
    struct command *c = user;
    rpc_call_free(c->call);
    c->call = NULL;
    if (end->error.status == WEIR_OK || !may_repeat(c, end) || !pause_for(c, &end->error)) {
        struct rpc_end last = *end;
        explain_timeout(c, &last);
        finish(c, &last);
    }
}

static const struct rpc_events with_headers = {on_headers, on_message, on_end};
static const struct rpc_events without_headers = {NULL, on_message, on_end};

/* Once the request is handed over `c` may be gone. */
static weir_status attempt(struct command *c, weir_error *err)
{
    struct rpc_call_options options = {
        .path = c->method->path,
        .until = c->until,
        .metadata = c->headers,
        .metadata_count = c->header_count,
        .gzip = c->gzip,
        .wait_for_ready = c->patient,
        .server_streams = c->method->server_streams,
        .manual = c->manual,
        .want = c->wanted,
        .request = c->request,
    };
    const struct rpc_events *events = c->events->headers ? &with_headers : &without_headers;
    c->state = COMMAND_CALLING;
    return rpc_call_begin(c->channel->rpc, &options, events, c, &c->call, err);
}

weir_status command_start(struct command *c, weir_error *err)
{
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    c->backoff = (struct backoff)BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS, 0);
    return attempt(c, err);
}

/* ---- orders ------------------------------------------------------------------------------ */

void command_want(struct command *c, size_t count)
{
    c->wanted += count;
    if (c->state == COMMAND_CALLING)
        rpc_call_want(c->call, count);
}

void command_stop(struct command *c)
{
    weir_error why = {0};
    c->stopping = true;
    if (c->state == COMMAND_CALLING)
        rpc_call_cancel(c->call);
    else if (c->state == COMMAND_PAUSING) {
        timer_cancel(&c->timer);
        error_set(&why, WEIR_STOPPED, "the call was cancelled here");
        finish_with(c, &why);
    }
}
