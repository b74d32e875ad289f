/* A pending call, as the program sees it: one inbox behind next(), the descriptor and the callback.
 *
 * References: the owner's, the engine's until the command has ended, and one for each queue that a
 * task of it waits in. weir_call_free() waits for the end, which it asks for, so that the channel's
 * reference is given back on the program's own thread; only on the I/O thread itself it cannot, and
 * leaves that to whoever ends the call. */
#include "zeebe/pending.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/shield.h"
#include "zeebe/zeebe.h"

#include <string.h>

/* ---- memory ------------------------------------------------------------------------------ */

static void drop(void *item)
{
    mem_free(item);
}

void pending_unref(struct weir_call *call)
{
    if (atomic_fetch_sub(&call->refs, 1) != 1)
        return;
    inbox_free(call->inbox);
    mem_free(call->answer);
    error_drop(call->broken);
    kept_free(call->request_headers);
    kept_free(call->headers);
    kept_free(call->trailers);
    mem_free(call->wire);
    pthread_cond_destroy(&call->moved);
    pthread_mutex_destroy(&call->lock);
    mem_free(call);
}

static struct weir_call *new_call(const struct command *plan, weir_error *err)
{
    bool streams = plan->method->server_streams;
    struct weir_call *call = mem_zalloc(sizeof *call);
    struct inbox *inbox =
        call ? inbox_new(plan->channel->clock, streams ? PENDING_MESSAGES_MOST : 1, drop) : NULL;
    if (!inbox) {
        mem_free(call);
        error_no_memory(err);
        return NULL;
    }
    atomic_store(&call->refs, 1);
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->moved, NULL);
    call->inbox = inbox;
    call->last_len = SIZE_MAX;
    call->command = *plan;
    return call;
}

/* ---- starting ---------------------------------------------------------------------------- */

static weir_status keep_headers(struct weir_call *call, weir_error *err)
{
    struct command *c = &call->command;
    if (c->header_count == 0)
        return WEIR_OK;
    call->request_headers = kept_copy(c->headers, c->header_count, NULL);
    if (!call->request_headers)
        return error_no_memory(err);
    c->headers = call->request_headers->list;
    return WEIR_OK;
}

static weir_status start(struct weir_call *call, weir_error *err)
{
    struct command *c = &call->command;
    if (keep_headers(call, err) != WEIR_OK)
        return WEIR_NO_MEMORY;
    c->events = &pending_events;
    c->user = call;
    c->manual = c->method->server_streams;
    call->asked = c->wanted = c->manual ? 1 : 0;
    atomic_fetch_add(&call->refs, 1); /* the engine's */
    weir_status status = command_start(c, err);
    if (status != WEIR_OK)
        pending_unref(call);
    return status;
}

weir_call *pending_start(const struct command *plan, char *wire, bool compact, weir_error *err)
{
    struct weir_call *call = new_call(plan, err);
    if (!call) {
        mem_free(wire);
        return NULL;
    }
    weir_channel *channel = weir_channel_ref(plan->channel);
    call->channel = channel;
    call->wire = wire;
    call->compact = compact;
    if (start(call, err) == WEIR_OK)
        return call;
    pending_unref(call);
    weir_channel_close(channel);
    return NULL;
}

static weir_call *start_json(struct command *plan, const char *request, bool compact,
                             weir_error *err)
{
    char *wire = NULL;
    size_t len = 0;
    if (codec_json_to_wire(plan->method->request, request, &wire, &len, err) != WEIR_OK)
        return NULL;
    plan->request = (weir_bytes){wire, len};
    return pending_start(plan, wire, compact, err);
}

weir_call *weir_zeebe_call_start(weir_zeebe *zeebe, const char *rpc, const char *request,
                                 const weir_call_options *o, weir_error *err)
{
    weir_call_options options;
    struct command plan = {0};
    weir_call *call = NULL;
    if (zeebe_check(zeebe, err) != WEIR_OK || error_held(err) ||
        options_read(&options, sizeof options, o, "WEIR_CALL", err) != WEIR_OK)
        return NULL;
    weir_channel *channel = weir_channel_ref(zeebe->channel);
    if (zeebe_prepare(&plan, channel, rpc, &options, err) == WEIR_OK)
        call = start_json(&plan, request, options.compact, err);
    weir_channel_close(channel);
    return call;
}

/* ---- taking ------------------------------------------------------------------------------ */

static void took(struct weir_call *call, bool message)
{
    pthread_mutex_lock(&call->lock);
    if (message) {
        call->queued--;
        call->taken = true;
        if (call->command.manual && pending_room(call) > 0)
            pending_attend(call);
    } else {
        call->end_seen = true;
    }
    pthread_mutex_unlock(&call->lock);
}

static weir_status read_item(struct weir_call *call, const struct pending_item *item,
                             char **message, weir_error *err)
{
    weir_bytes wire = {item->data, item->len};
    weir_error why = {0};
    *message = codec_wire_to_json(call->command.method->response, wire, call->compact, &why);
    if (*message)
        return error_ok(err);
    error_context(&why, "%s", call->command.method->name);
    weir_call_cancel(call);
    call->broken = error_keep(&why);
    return error_copy(err, &why);
}

/* The answer of a unary call that ended well, once; then, and of a stream, NULL. */
static const struct pending_item *give(struct weir_call *call)
{
    pthread_mutex_lock(&call->lock);
    const struct pending_item *answer = call->given ? NULL : call->answer;
    call->given = true;
    call->taken = answer != NULL;
    call->end_seen = !answer;
    pthread_mutex_unlock(&call->lock);
    return answer;
}

static struct deadline limit_of(const struct weir_call *call, weir_ms timeout)
{
    const weir_channel *channel = call->command.channel;
    weir_ms limit = loop_inside(channel->loop) ? WEIR_NO_WAIT : timeout;
    return deadline_in(channel->clock, limit, channel->default_timeout);
}

/* The answer's proper end; anything else is how the call failed. */
static bool ended_well(weir_status status, const weir_error *why)
{
    return status == WEIR_STOPPED && !*why->message;
}

static weir_status next(struct weir_call *call, char **message, weir_ms timeout, weir_error *err)
{
    void *item = NULL;
    weir_error why = {0};
    weir_status status = inbox_take(call->inbox, &item, limit_of(call, timeout), &why);
    if (status == WEIR_NOTHING)
        return error_ok(err), WEIR_NOTHING;
    if (status == WEIR_OK) {
        took(call, true);
        status = read_item(call, item, message, err);
        mem_free(item);
        return status;
    }
    if (!ended_well(status, &why)) {
        took(call, false);
        return error_copy(err, &why);
    }
    const struct pending_item *answer = give(call);
    if (answer)
        return read_item(call, answer, message, err);
    return error_ok(err), WEIR_STOPPED;
}

weir_status weir_call_next(weir_call *call, char **message, weir_ms timeout, weir_error *err)
{
    if (message)
        *message = NULL;
    if (!call)
        return error_null(err, "the call");
    if (!message)
        return error_set(err, WEIR_INVALID, "weir_call_next(): `message` is NULL");
    if (loop_check_fork(err) != WEIR_OK)
        return WEIR_INVALID;
    if (call->broken)
        return error_copy(err, call->broken);
    return next(call, message, timeout, err);
}

weir_status pending_wait(struct weir_call *call, weir_ms timeout, weir_error *err)
{
    void *item = NULL;
    weir_error why = {0};
    weir_status status = inbox_take(call->inbox, &item, limit_of(call, timeout), &why);
    if (status == WEIR_NOTHING || ended_well(status, &why))
        return error_ok(err), status == WEIR_NOTHING ? WEIR_NOTHING : WEIR_OK;
    return error_copy(err, &why);
}

int weir_call_fd(weir_call *call)
{
    return call && loop_check_fork(NULL) == WEIR_OK ? inbox_fd(call->inbox) : -1;
}

/* ---- looking ----------------------------------------------------------------------------- */

static const weir_metadata *look(weir_call *call, struct kept *const *which, size_t *count)
{
    pthread_mutex_lock(&call->lock);
    const struct kept *kept = *which;
    pthread_mutex_unlock(&call->lock);
    if (count)
        *count = kept ? kept->count : 0;
    return kept ? kept->list : NULL;
}

const weir_metadata *weir_call_headers(weir_call *call, size_t *count)
{
    if (count)
        *count = 0;
    return call && loop_check_fork(NULL) == WEIR_OK ? look(call, &call->headers, count) : NULL;
}

const weir_metadata *weir_call_trailers(weir_call *call, size_t *count)
{
    if (count)
        *count = 0;
    return call && loop_check_fork(NULL) == WEIR_OK ? look(call, &call->trailers, count) : NULL;
}

/* ---- ending ------------------------------------------------------------------------------ */

void weir_call_cancel(weir_call *call)
{
    if (!call || loop_check_fork(NULL) != WEIR_OK)
        return;
    pthread_mutex_lock(&call->lock);
    call->cancel = true;
    pending_attend(call);
    pthread_mutex_unlock(&call->lock);
}

void weir_call_free(weir_call *call)
{
    if (!call || loop_check_fork(NULL) != WEIR_OK)
        return;
    weir_channel *channel = call->channel;
    pthread_mutex_lock(&call->lock);
    call->freed = call->cancel = true;
    pending_attend(call);
    if (loop_inside(channel->loop)) {
        call->orphan = !call->ended;
    } else {
        int shielded = shield_up();
        while (!call->ended)
            pthread_cond_wait(&call->moved, &call->lock);
        pending_wait_callback(call);
        shield_down(shielded);
    }
    bool mine = !call->orphan;
    pthread_mutex_unlock(&call->lock);
    if (mine)
        weir_channel_close(channel);
    pending_unref(call);
}
