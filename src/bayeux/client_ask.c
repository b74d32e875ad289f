/* From the program to the engine: wishes cross to the I/O thread in tasks of their own; a thread
 * that waits for one has it on its stack and takes it back when it cannot wait any longer. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum { POSTED, ASKED, DONE };

static void finish(struct client_ask *ask, const struct message *reply, const weir_error *why)
{
    struct client *c = ask->client;
    ask->state = DONE;
    ask->done(ask, reply, why); /* `ask` may be gone from here on */
    client_leave(c);
}

/* @io. The owner's reason, or that it was stopped. */
static void refuse(struct client_ask *ask)
{
    struct client *c = ask->client;
    weir_error why;
    pthread_mutex_lock(&c->lock);
    why = c->why;
    pthread_mutex_unlock(&c->lock);
    if (why.status == WEIR_OK)
        error_set(&why, WEIR_STOPPED, "stopped");
    finish(ask, NULL, &why);
}

static void begin(struct loop_task *task)
{
    struct client_ask *ask =
        (struct client_ask *)(void *)((char *)task - offsetof(struct client_ask, task));
    struct client *c = ask->client;
    if (c->ended || c->stopping) {
        refuse(ask);
        return;
    }
    ask->state = ASKED;
    ask->ask = (struct session_ask){
        .meta = ask->meta, .channel = ask->channel, .data = ask->data, .patient = ask->patient};
    session_ask(c->session, client_now(c), &ask->ask);
    client_pump(c);
}

void client_ask(struct client *c, struct client_ask *ask)
{
    ask->client = c;
    ask->state = POSTED;
    ask->task.run = begin;
    client_enter(c);
    loop_post(c->loop, &ask->task);
}

void client_ask_done(struct client *c, const struct session_action *action)
{
    (void)c;
    struct client_ask *ask =
        (struct client_ask *)(void *)((char *)action->ask - offsetof(struct client_ask, ask));
    finish(ask, action->reply, action->why);
}

static void take_back(void *user)
{
    struct client_ask *ask = user;
    struct client *c = ask->client;
    if (ask->state != ASKED) /* DONE; it was posted before this was */
        return;
    ask->state = DONE;
    session_withdraw(c->session, client_now(c), &ask->ask);
    client_pump(c);
    client_leave(c);
}

void client_withdraw(struct client *c, struct client_ask *ask)
{
    loop_call(c->loop, take_back, ask);
}

/* ---- asking and waiting ------------------------------------------------------------------ */

struct call {
    struct client_ask ask; /* first */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool done; /* @locked, as the two below */
    bool answer_wanted;
    char *answer;
    weir_error why;
};

static void on_done(struct client_ask *ask, const struct message *reply, const weir_error *why)
{
    struct call *call = (struct call *)(void *)ask;
    pthread_mutex_lock(&call->lock);
    call->done = true;
    error_copy(&call->why, why);
    if (call->answer_wanted && reply) {
        call->answer = mem_dup(reply->raw.data, reply->raw.len);
        if (!call->answer && why->status == WEIR_OK)
            error_no_memory(&call->why);
    }
    pthread_cond_signal(&call->moved);
    pthread_mutex_unlock(&call->lock);
}

/* False: the limit has passed. */
static bool wait_done(struct call *call, struct deadline until)
{
    const struct timespec at = {(time_t)(until.at_ns / NS_PER_S), (long)(until.at_ns % NS_PER_S)};
    bool forever = until.at_ns == INT64_MAX;
    int late = 0;
    pthread_mutex_lock(&call->lock);
    while (!call->done && !late)
        late = forever ? pthread_cond_wait(&call->moved, &call->lock)
                       : pthread_cond_clockwait(&call->moved, &call->lock, CLOCK_MONOTONIC, &at);
    bool done = call->done;
    pthread_mutex_unlock(&call->lock);
    return done;
}

static weir_status run(struct client *c, struct call *call, struct deadline until, weir_error *err)
{
    client_ask(c, &call->ask);
    bool in_time = wait_done(call, until);
    if (!in_time) {
        client_withdraw(c, &call->ask);
        in_time = call->done; /* it came in that moment */
    }
    if (!in_time)
        return error_set(err, WEIR_TIMEOUT, "no answer of the server yet%s",
                         call->ask.meta == META_SUBSCRIBE ? "; the subscription is withdrawn" : "");
    return call->why.status == WEIR_OK ? error_ok(err) : error_copy(err, &call->why);
}

weir_status client_call(struct client *c, const struct client_ask *what, char **answer,
                        struct deadline until, weir_error *err)
{
    struct call call = {.ask = *what, .answer_wanted = answer != NULL};
    call.ask.done = on_done;
    if (loop_inside(c->loop))
        return error_set(err, WEIR_INVALID, "the I/O thread cannot wait for itself");
    client_enter(c);
    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.moved, NULL);
    int shielded = shield_up();
    weir_status status = run(c, &call, until, err);
    shield_down(shielded);
    pthread_cond_destroy(&call.moved);
    pthread_mutex_destroy(&call.lock);
    client_leave(c);
    if (answer && status == WEIR_OK)
        *answer = call.answer;
    else
        mem_free(call.answer);
    return status;
}

char *client_session_text(struct client *c, struct deadline until, weir_error *err)
{
    const struct client_ask what = {.meta = META_HANDSHAKE};
    if (client_call(c, &what, NULL, until, err) != WEIR_OK)
        return NULL;
    pthread_mutex_lock(&c->lock);
    char *text = c->handshake ? mem_strdup(c->handshake) : NULL;
    pthread_mutex_unlock(&c->lock);
    if (!text)
        error_no_memory(err);
    return text;
}

/* ---- the list of subscriptions -----------------------------------------------------------------
 */

struct listing {
    struct client *client;
    char **list;
};

/* One block: pointers, then texts. */
static void list_all(void *user)
{
    struct listing *l = user;
    const struct session *s = l->client->session;
    size_t count = 0, bytes = 0;
    for (const char *name; (name = session_subscription(s, count)) != NULL; count++)
        bytes += strlen(name) + 1;
    l->list = mem_zalloc((count + 1) * sizeof *l->list + bytes);
    char *at = (char *)(l->list + count + 1);
    for (size_t i = 0; l->list && i < count; i++) {
        const char *name = session_subscription(s, i);
        size_t size = strlen(name) + 1;
        l->list[i] = memcpy(at, name, size);
        at += size;
    }
}

char **client_subscriptions(struct client *c, weir_error *err)
{
    struct listing listing = {c, NULL};
    client_enter(c);
    loop_call(c->loop, list_all, &listing);
    client_leave(c);
    if (listing.list)
        error_ok(err);
    else
        error_no_memory(err);
    return listing.list;
}
