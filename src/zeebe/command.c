/* A command: a token where one is needed, an rpc call, and where that provably does no harm another
 * one.
 *
 * The first attempt is made on the caller's thread when a token is at hand or none is needed, so
 * that an ordinary command crosses to the I/O thread and back only once. Everything else happens on
 * the I/O thread. The caller's thread does not look at the command again once the request is handed
 * over, because it may have ended by then.
 *
 * Repeated is what never reached the server, what it pushed back, and reads whose connection was
 * lost; nothing of which a message has been handed on. A refused token is rejected and the call
 * repeated once with a new one. All of it within the deadline: what cannot be tried again in time
 * ends with the reason of the last attempt, not with a mere timeout. */
#include "zeebe/command.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "zeebe/kinds.h"

#include <stdio.h>
#include <string.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  5000
#define UNAVAILABLE      14
#define UNAUTHENTICATED  16
#define HEADERS_FEW      8

static weir_status attempt(struct command *c, weir_error *err);

/* ---- ending ------------------------------------------------------------------------------ */

static void drop_tokens(struct command *c)
{
    weir_token_free(c->token);
    weir_token_free(c->refused);
    c->token = c->refused = NULL;
}

/* What a refused login should make the reader do depends on what we sent. */
static void advise(const struct command *c, weir_error *err)
{
    const char *advice = NULL;
    if (!c->channel->credentials && c->header_count == 0)
        advice = "this channel has no credentials; give it some";
    else if (c->renewed)
        advice = "a new token was refused, too";
    if (!advice)
        return;
    weir_error plain = *err;
    error_peer(err, plain.status, plain.origin, plain.code, "%.900s; %s", plain.message, advice);
    err->kind = plain.kind;
}

static void finish(struct command *c, const struct rpc_end *end)
{
    const weir_error *why = c->why; /* end->message may be its text */
    c->why = NULL;
    c->state = COMMAND_ENDED;
    drop_tokens(c);
    c->events->end(c, end);
    error_drop(why);
}

static void finish_failed(struct command *c, struct rpc_end *end)
{
    if (end->grpc_status == UNAUTHENTICATED)
        advise(c, &end->error);
    kinds_set(&end->error, c->method->name, end->grpc_status, end->message);
    error_context(&end->error, "%s", c->method->name);
    finish(c, end);
}

static void finish_with(struct command *c, const weir_error *why)
{
    struct rpc_end end = {.error = *why, .message = ""};
    finish_failed(c, &end);
}

static void finish_stopped(struct command *c)
{
    weir_error why = {0};
    error_set(&why, WEIR_STOPPED, "the call was cancelled here");
    finish_with(c, &why);
}

/* ---- trying again ------------------------------------------------------------------------ */

/* A stream that may be opened anew after messages of it were handed on: what it delivers is not
 * asked for by number. ActivateJobs is none, because it would activate more than was asked for. */
static bool can_reopen(const struct codec_method *method)
{
    return method->server_streams &&
           (method->reads || strcmp(method->name, "StreamActivatedJobs") == 0);
}

static bool may_repeat(const struct command *c, const struct rpc_end *end)
{
    weir_status status = end->error.status;
    if (c->no_retry || c->delivered || c->stopping)
        return false;
    return status == WEIR_BUSY ||
           (status == WEIR_UNREACHABLE && (end->unprocessed || c->method->reads));
}

static void remember(struct command *c, const weir_error *why)
{
    error_drop(c->why);
    c->why = error_keep(why);
}

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
    remember(c, why);
    c->patient = true;
    c->state = COMMAND_PAUSING;
    return true;
}

/* The gateway refused our token: forget it, and call again with another, once. */
static bool renew(struct command *c, const struct rpc_end *end)
{
    if (end->grpc_status != UNAUTHENTICATED || !c->token)
        return false;
    weir_credentials_reject(c->channel->credentials, c->token);
    bool again = !c->renewed && !c->stopping && (!c->delivered || can_reopen(c->method));
    if (!again)
        return false;
    weir_token_free(c->refused);
    c->refused = c->token;
    c->token = NULL;
    c->renewed = true;
    remember(c, &end->error);
    log_at(WEIR_LOG_INFO, "zeebe", c->channel->name, "%s: the token was refused; getting a new one",
           c->method->name);
    if (c->delivered) /* a gateway that refuses every token must not be asked without end */
        return pause_for(c, &end->error);
    try_again(c);
    return true;
}

/* The limit passed before anything could be sent, or while what only reads was tried again: then
 * the reason is what kept us from an answer before. */
static void explain_timeout(const struct command *c, struct rpc_end *end)
{
    weir_error *e = &end->error;
    if (e->status != WEIR_TIMEOUT || !(end->unprocessed || c->method->reads))
        return;
    if (c->why) {
        *e = *c->why;
        end->grpc_status = e->origin == WEIR_ORIGIN_GRPC ? e->code : UNAVAILABLE;
        end->message = c->why->message;
    } else if (end->unprocessed && rpc_state(c->channel->rpc) != WEIR_CHANNEL_READY) {
        e->status = WEIR_UNREACHABLE;
        end->grpc_status = UNAVAILABLE;
        e->retry_in_ms = 0;
    }
}

/* ---- what the call says ------------------------------------------------------------------ */

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
    if (can_reopen(c->method)) /* this token was good: when it expires there may be another */
        c->renewed = false;
    c->events->message(c, message);
}

static void on_end(void *user, const struct rpc_end *end)
{
    struct command *c = user;
    rpc_call_free(c->call);
    c->call = NULL;
    if (end->error.status == WEIR_OK) {
        finish(c, end);
    } else if (!renew(c, end) && !(may_repeat(c, end) && pause_for(c, &end->error))) {
        struct rpc_end last = *end;
        explain_timeout(c, &last);
        finish_failed(c, &last);
    }
}

/* ---- sending ----------------------------------------------------------------------------- */

static const struct rpc_events with_headers = {on_headers, on_message, on_end};
static const struct rpc_events without_headers = {NULL, on_message, on_end};

/* Once the request is handed over `c` may be gone. */
static weir_status begin(struct command *c, const weir_metadata *headers, size_t count,
                         weir_error *err)
{
    struct rpc_call_options options = {
        .path = c->method->path,
        .until = c->until,
        .metadata = headers,
        .metadata_count = count,
        .gzip = c->gzip,
        .long_lived = c->long_lived || c->method->server_streams,
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

static char *authorization(const weir_token *token, size_t *len)
{
    const char *type = weir_token_type(token);
    const char *value = weir_token_value(token);
    size_t size = strlen(type) + strlen(value) + 2;
    char *text = mem_zalloc(size);
    if (text)
        (void)snprintf(text, size, "%s %s", type, value);
    *len = size - 1;
    return text;
}

static weir_status send_with_token(struct command *c, weir_error *err)
{
    weir_metadata few[HEADERS_FEW] = {{0}};
    size_t count = c->header_count, len = 0;
    bool many = count >= HEADERS_FEW;
    weir_metadata *list = many ? mem_array(count + 1, sizeof *list) : few;
    char *text = list ? authorization(c->token, &len) : NULL;
    weir_status status = WEIR_NO_MEMORY;
    if (text) {
        if (count)
            memcpy(list, c->headers, count * sizeof *list);
        list[count] = (weir_metadata){"authorization", {text, len}};
        status = begin(c, list, count + 1, err);
    } else {
        error_no_memory(err);
    }
    secret_free_text(text);
    if (many)
        mem_free(list);
    return status;
}

/* ---- tokens ------------------------------------------------------------------------------ */

/* A program's own authorization goes before ours. */
static bool needs_token(const struct command *c)
{
    for (size_t i = 0; c->channel->credentials && i < c->header_count; i++) {
        if (strcmp(c->headers[i].name, "authorization") == 0)
            return false;
    }
    return c->channel->credentials != NULL;
}

static bool same_token(const weir_token *a, const weir_token *b)
{
    return a && b && strcmp(weir_token_value(a), weir_token_value(b)) == 0;
}

static weir_status use_token(struct command *c, weir_token *token, weir_error *err)
{
    bool useless = same_token(token, c->refused); /* a fixed one */
    weir_token_free(c->token);
    c->token = token;
    if (!useless)
        return send_with_token(c, err);
    c->renewed = false; /* it is no new one */
    return error_copy(err, c->why);
}

/* A failure to get a token stays what it is: it says nothing about the gateway. */
static void fail_login(struct command *c, const weir_error *why)
{
    finish_with(c, why);
}

static void on_token(void *user, weir_token *token, const weir_error *err)
{
    struct command *c = user;
    weir_error why = {0};
    c->ask = NULL;
    if (!token)
        fail_login(c, err);
    else if (use_token(c, token, &why) != WEIR_OK)
        finish_with(c, &why);
}

static void ask(struct loop_task *task)
{
    struct command *c = (struct command *)(void *)((char *)task - offsetof(struct command, task));
    weir_error why = {0};
    c->posted = false;
    if (c->stopping) {
        finish_stopped(c);
        return;
    }
    bool at_once = c->no_retry && !c->patient;
    c->ask = credentials_ask(c->channel->credentials, c->until, at_once, on_token, c, &why);
    if (!c->ask)
        fail_login(c, &why);
}

static weir_status attempt(struct command *c, weir_error *err)
{
    if (!needs_token(c))
        return begin(c, c->headers, c->header_count, err);
    weir_token *token = credentials_peek(c->channel->credentials);
    if (token)
        return use_token(c, token, err);
    c->state = COMMAND_LOGGING_IN;
    c->posted = true;
    c->task.run = ask;
    error_ok(err); /* now, because the end may use *err */
    loop_post(c->channel->loop, &c->task);
    return WEIR_OK;
}

/* ---- from outside ------------------------------------------------------------------------ */

weir_status command_start(struct command *c, weir_error *err)
{
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    c->backoff = (struct backoff)BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS, 0);
    weir_status status = attempt(c, err);
    if (status != WEIR_OK)
        drop_tokens(c);
    return status;
}

void command_want(struct command *c, size_t count)
{
    c->wanted += count;
    if (c->state == COMMAND_CALLING)
        rpc_call_want(c->call, count);
}

void command_stop(struct command *c)
{
    c->stopping = true;
    if (c->state == COMMAND_CALLING) {
        rpc_call_cancel(c->call);
    } else if (c->state == COMMAND_PAUSING) {
        timer_cancel(&c->timer);
        finish_stopped(c);
    } else if (c->state == COMMAND_LOGGING_IN && !c->posted) { /* else ask() sees to it */
        credentials_ask_cancel(c->ask);
        c->ask = NULL;
        finish_stopped(c);
    }
}
