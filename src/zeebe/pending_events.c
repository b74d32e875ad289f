/* A pending call on the I/O thread: what arrives goes to the inbox, orders go to the command.
 *
 * A stream's reader stops its sender: messages are asked for only as far as PENDING_MESSAGES_MOST
 * and PENDING_BYTES_MOST (judged by the size of the last one) allow, half of that at a time, so
 * that neither side wakes the other for each message. A unary answer is held back until its status
 * is known, and both are handed over at once. */
#include "zeebe/pending.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

size_t pending_room(const struct weir_call *call)
{
    size_t most = 1; /* until the first shows how large they are */
    size_t have = call->queued + call->asked;
    if (call->last_len != SIZE_MAX)
        most = PENDING_BYTES_MOST / (call->last_len + 1);
    if (most > PENDING_MESSAGES_MOST)
        most = PENDING_MESSAGES_MOST;
    if (most == 0)
        most = 1;
    return have <= most / 2 ? most - have : 0;
}

/* ---- orders ------------------------------------------------------------------------------ */

static void obey(struct loop_task *task)
{
    struct weir_call *call =
        (struct weir_call *)(void *)((char *)task - offsetof(struct weir_call, task));
    pthread_mutex_lock(&call->lock);
    bool cancel = call->cancel;
    bool ended = call->ended;
    size_t more = ended || cancel || !call->command.manual ? 0 : pending_room(call);
    call->asked += more;
    call->posted = call->cancel = false;
    pthread_mutex_unlock(&call->lock);
    if (cancel && !ended)
        command_stop(&call->command);
    else if (more)
        command_want(&call->command, more);
    pending_unref(call);
}

void pending_attend(struct weir_call *call)
{
    if (call->posted || call->ended)
        return;
    call->posted = true;
    call->task.run = obey;
    atomic_fetch_add(&call->refs, 1);
    loop_post(call->command.channel->loop, &call->task);
}

/* ---- events ------------------------------------------------------------------------------ */

static void on_headers(struct command *c, const weir_metadata *list, size_t count)
{
    struct weir_call *call = c->user;
    struct kept *kept = kept_copy(list, count, NULL);
    if (!kept)
        return; /* no memory: as if none had been sent */
    pthread_mutex_lock(&call->lock);
    kept->older = call->headers; /* of an attempt that was repeated; may be in use */
    call->headers = kept;
    pthread_mutex_unlock(&call->lock);
}

static struct pending_item *copy_of(weir_bytes message)
{
    struct pending_item *item = mem_zalloc(sizeof *item + message.len + 1);
    if (!item)
        return NULL;
    item->len = message.len;
    if (message.len)
        memcpy(item->data, message.data, message.len);
    return item;
}

/* @locked */
static void deliver(struct weir_call *call, struct pending_item *item)
{
    if (inbox_put(call->inbox, item) == WEIR_OK)
        call->queued++;
    else
        mem_free(item);
}

static void starve(struct weir_call *call)
{
    weir_error why = {0};
    error_no_memory(&why);
    inbox_fail(call->inbox, &why); /* the first reason is the reason */
    command_stop(&call->command);
}

static void on_message(struct command *c, weir_bytes message)
{
    struct weir_call *call = c->user;
    struct pending_item *item = copy_of(message);
    if (!item) {
        starve(call);
        return;
    }
    if (!c->manual) {
        mem_free(call->answer);
        call->answer = item;
        return;
    }
    pthread_mutex_lock(&call->lock);
    call->asked--;
    call->last_len = message.len;
    deliver(call, item);
    size_t more = pending_room(call);
    call->asked += more;
    pending_notify(call);
    pthread_mutex_unlock(&call->lock);
    if (more)
        command_want(c, more);
}

/* All in one hold of the lock: who frees the call sees either nothing of the end or all of it. */
static void on_end(struct command *c, const struct rpc_end *end)
{
    struct weir_call *call = c->user;
    static const weir_error well = {.status = WEIR_STOPPED, .retry_in_ms = -1};
    const weir_error *why = end->error.status == WEIR_OK ? &well : &end->error;
    pthread_mutex_lock(&call->lock);
    call->trailers = kept_copy(end->trailers, end->trailer_count, NULL);
    inbox_fail(call->inbox, why);
    call->ended = true;
    pending_notify(call);
    weir_channel *orphan = call->orphan ? call->channel : NULL;
    pthread_cond_broadcast(&call->moved);
    pthread_mutex_unlock(&call->lock);
    weir_channel_close(orphan);
    pending_unref(call);
}

const struct command_events pending_events = {on_headers, on_message, on_end};
