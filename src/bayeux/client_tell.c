/* What the program is told on threads of the library: events, one after the other, on a thread that
 * does nothing else; and news, on another, that starts with the first of them. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"

static _Thread_local const struct client *within; /* whose callback this thread is in */

bool client_calls_back(const struct client *c)
{
    return within == c || loop_inside(c->loop);
}

/* ---- events ------------------------------------------------------------------------------ */

static void handle_all(struct pool_task *task)
{
    struct client *c =
        (struct client *)(void *)((char *)task - offsetof(struct client, handle_task));
    const struct deadline never = {INT64_MAX};
    bool more = true;
    within = c;
    while (more) {
        weir_event *event = NULL;
        size_t count = 0;
        bool notice = false;
        (void)client_take_one(c, &event, &count, &notice, never);
        if (count) {
            c->set.handle(c->set.user, client_event_of(event));
            weir_event_free(event);
        }
        more = count || notice; /* notices are news as well */
    }
    within = NULL;
    pthread_mutex_lock(&c->lock);
    c->handled = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

/* ---- news -------------------------------------------------------------------------------- */

static const char *const words[] = {
    [WEIR_SESSION_OPENED] = "opened",       [WEIR_SESSION_OUTAGE] = "outage",
    [WEIR_SESSION_RECOVERED] = "recovered", [WEIR_SESSION_PAUSED] = "paused",
    [WEIR_SESSION_RESUMED] = "resumed",     [WEIR_SESSION_SUBSCRIBED] = "subscribed",
    [WEIR_SESSION_DROPPED] = "dropped",     [WEIR_SESSION_GAP] = "gap",
    [WEIR_SESSION_WAITING] = "waiting",     [WEIR_SESSION_LOGGED_IN] = "logged in anew",
};

static void note_in_log(const struct client *c, weir_session_news news, const char *channel,
                        const weir_error *why)
{
    bool bad = why && why->status != WEIR_OK;
    log_at(bad ? WEIR_LOG_WARN : WEIR_LOG_INFO, c->set.dialect->part, c->name, "%s%s%s%s%s",
           words[news], channel ? " " : "", channel ? channel : "", bad ? ": " : "",
           bad ? why->message : "");
}

static struct client_tiding *next_tiding(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    struct client_tiding *t = c->tidings;
    if (t && !(c->tidings = t->next))
        c->tidings_last = &c->tidings;
    if (!t)
        c->telling = false;
    pthread_mutex_unlock(&c->lock);
    return t;
}

static void tell_all(struct pool_task *task)
{
    struct client *c = (struct client *)(void *)((char *)task - offsetof(struct client, tell_task));
    struct client_tiding *t;
    within = c;
    while ((t = next_tiding(c)) != NULL) {
        c->set.news(c->set.user, t->news, t->channel, t->why.status == WEIR_OK ? NULL : &t->why);
        mem_free(t->channel);
        mem_free(t);
    }
    within = NULL;
    client_leave(c);
}

static void post_tiding(struct client *c, struct client_tiding *t)
{
    pthread_mutex_lock(&c->lock);
    *c->tidings_last = t;
    c->tidings_last = &t->next;
    bool call = !c->telling;
    c->telling = true;
    pthread_mutex_unlock(&c->lock);
    if (!call)
        return;
    client_enter(c);
    if (pool_post(c->tellers, &c->tell_task) == WEIR_OK)
        return;
    pthread_mutex_lock(&c->lock);
    c->telling = false; /* no thread can be had: told with the next */
    pthread_mutex_unlock(&c->lock);
    client_leave(c);
}

void client_news(struct client *c, weir_session_news news, const char *channel,
                 const weir_error *why)
{
    note_in_log(c, news, channel, why);
    struct client_tiding *t = c->set.news ? mem_zalloc(sizeof *t) : NULL;
    if (!t)
        return;
    t->news = news;
    t->channel = mem_strdup(channel);
    if (why)
        error_copy(&t->why, why);
    post_tiding(c, t);
}

/* ---- threads -----------------------------------------------------------------------------------
 */

weir_status client_tell_init(struct client *c, weir_error *err)
{
    c->tidings_last = &c->tidings;
    c->handle_task.run = handle_all;
    c->tell_task.run = tell_all;
    c->handled = !c->set.handle;
    if (c->set.handle && !(c->handlers = pool_new(1, err)))
        return WEIR_NO_MEMORY;
    if (c->set.news && !(c->tellers = pool_new(1, err)))
        return WEIR_NO_MEMORY;
    return WEIR_OK;
}

weir_status client_tell_start(struct client *c, weir_error *err)
{
    if (!c->handlers || pool_post(c->handlers, &c->handle_task) == WEIR_OK)
        return WEIR_OK;
    return error_set(err, WEIR_NO_MEMORY, "no thread can be started for the handler");
}

void client_tell_free(struct client *c)
{
    if (c->handlers)
        pool_free(c->handlers);
    if (c->tellers)
        pool_free(c->tellers);
    while (c->tidings) {
        struct client_tiding *next = c->tidings->next;
        mem_free(c->tidings->channel);
        mem_free(c->tidings);
        c->tidings = next;
    }
}
