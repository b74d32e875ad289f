/* Subscribing and unsubscribing. A wish goes to the store first (the helper), then to the server;
 * who waits for it sleeps until it is in force and its beginning is in the store, or it is gone.
 * Nobody waits for the channel that was named in the options: what goes wrong with it is said by
 * client_take(), in its turn. */
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/shield.h"
#include "salesforce/salesforce_private.h"

#include <string.h>

#define USUAL_MS 10000 /* WEIR_DEFAULT_TIMEOUT */

/* ---- states ------------------------------------------------------------------------------ */

void subscription_gone(struct subscription *sub, const weir_error *why)
{
    error_drop(sub->why);
    sub->why = why ? error_keep(why) : NULL;
    if (sub->state == SUB_PREPARING)
        sub->asking = false; /* the helper will see that nobody wants it */
    sub->state = SUB_GONE;
    sub->expired = false;
    error_drop(sub->gap);
    sub->gap = NULL;
    pthread_cond_broadcast(&sub->sf->moved);
}

struct complaint {
    struct client *client;
    const weir_error *why;
};

static void complain(void *user)
{
    const struct complaint *complaint = user;
    client_complain(complaint->client, complaint->why);
}

void subscription_complain(struct weir_salesforce *sf, const weir_error *why)
{
    struct complaint complaint = {sf->client, why};
    loop_call(client_loop(sf->client), complain, &complaint);
}

/* ---- the server's answer ----------------------------------------------------------------- */

static void on_asked(struct client_ask *ask, const struct message *reply, const weir_error *why)
{
    struct subscription *sub =
        (struct subscription *)(void *)((char *)ask - offsetof(struct subscription, ask));
    struct weir_salesforce *sf = sub->sf;
    (void)reply;
    pthread_mutex_lock(&sf->lock);
    bool failed = why->status != WEIR_OK && sub->state == SUB_ASKING;
    bool quiet = sub->quiet;
    if (failed)
        subscription_gone(sub, why);
    sub->asking = false;
    pthread_cond_broadcast(&sf->moved);
    pthread_mutex_unlock(&sf->lock);
    if (failed && quiet && why->status != WEIR_STOPPED)
        client_complain(sf->client, why);
}

void subscription_ask(struct subscription *sub)
{
    sub->ask = (struct client_ask){
        .meta = META_SUBSCRIBE, .channel = sub->channel, .patient = sub->quiet, .done = on_asked};
    client_ask(sub->sf->client, &sub->ask);
}

/* ---- beginning --------------------------------------------------------------------------- */

/* @locked */
static void begin_without_store(struct subscription *sub)
{
    unsigned version = sub->position.version + 1;
    position_init(&sub->position, sub->channel, sub->from, sub->from_id, NULL);
    sub->position.version = sub->position.saved = version;
    handed_clear(&sub->handed);
    sub->state = SUB_ASKING;
}

/* @locked. True: the server is to be asked by the caller. */
static bool begin(struct subscription *sub, enum from from, int64_t from_id, bool quiet)
{
    struct weir_salesforce *sf = sub->sf;
    sub->from = from;
    sub->from_id = from_id;
    sub->quiet = quiet;
    sub->era++;
    error_drop(sub->why);
    sub->why = NULL;
    sub->asking = true;
    if (sf->store) {
        sub->state = SUB_PREPARING;
        helper_wake(sf);
        return false;
    }
    begin_without_store(sub);
    return true;
}

static weir_status read_from(const struct weir_salesforce *sf, const char *text, enum from *from,
                             int64_t *id, weir_error *err)
{
    *from = sf->store ? FROM_STORED : FROM_NEW;
    *id = 0;
    if (!options_text(text))
        return WEIR_OK;
    weir_status status = from_parse(text, from, id, err);
    if (status == WEIR_OK && *from == FROM_STORED && !sf->store)
        *from = FROM_NEW;
    return status;
}

struct wish {
    const char *channel;
    enum from from;
    int64_t from_id;
    bool quiet;
};

/* @locked. Waits while the one before it is being taken back. NULL: no memory, or it is late. */
static struct subscription *get(struct weir_salesforce *sf, const struct wish *wish,
                                struct deadline until, weir_error *err)
{
    struct subscription *sub = known_get(sf, wish->channel);
    if (!sub) {
        (void)error_no_memory(err);
        return NULL;
    }
    while (sub->state == SUB_GONE && (sub->leaving || sub->asking)) {
        if (clock_mono(sf->clock) >= until.at_ns || sf->closing) {
            (void)error_set(err, WEIR_TIMEOUT, "'%s' is still being given up", wish->channel);
            return NULL;
        }
        helper_wait(sf, until.at_ns);
    }
    return sub;
}

static struct subscription *start(struct weir_salesforce *sf, const struct wish *wish,
                                  struct deadline until, weir_error *err)
{
    if (sf->store && helper_start(sf, err) != WEIR_OK)
        return NULL;
    pthread_mutex_lock(&sf->lock);
    bool ask = false;
    struct subscription *sub = get(sf, wish, until, err);
    if (sub && sub->state == SUB_GONE)
        ask = begin(sub, wish->from, wish->from_id, wish->quiet);
    pthread_mutex_unlock(&sf->lock);
    if (ask)
        subscription_ask(sub);
    return sub;
}

weir_status subscription_open(struct weir_salesforce *sf, const char *channel, const char *from,
                              weir_error *err)
{
    struct wish wish = {.channel = channel, .quiet = true};
    const struct deadline now = {0};
    weir_status status = name_check(channel, NAME_LOOSE, false, err);
    if (status == WEIR_OK)
        status = read_from(sf, from, &wish.from, &wish.from_id, err);
    if (status == WEIR_OK && !start(sf, &wish, now, err))
        status = err->status;
    return status;
}

/* ---- waiting ----------------------------------------------------------------------------- */

/* @locked. It is in force, and its beginning in the store; or it is gone; or the handle is. */
static bool settled(const struct subscription *sub)
{
    const struct weir_salesforce *sf = sub->sf;
    if (sub->state == SUB_GONE || sf->failed || sf->closing)
        return true;
    return sub->state == SUB_IN_FORCE && !(sf->store && sub->position.due);
}

/* @locked */
static weir_status outcome(const struct subscription *sub, weir_error *err)
{
    if (sub->sf->failed)
        return error_copy(err, sub->sf->failed);
    if (sub->state == SUB_IN_FORCE)
        return error_ok(err);
    if (sub->why)
        return error_copy(err, sub->why);
    return error_set(err, WEIR_STOPPED, "the subscription was given up");
}

/* Nobody waits for it any longer. */
static weir_status withdraw(struct subscription *sub, weir_error *err)
{
    struct weir_salesforce *sf = sub->sf;
    pthread_mutex_lock(&sf->lock);
    bool asked = sub->state == SUB_ASKING, prepared = sub->state == SUB_PREPARING;
    if (asked || prepared) {
        (void)error_set(err, WEIR_TIMEOUT, "no answer yet; the subscription to '%s' is withdrawn",
                        sub->channel);
        subscription_gone(sub, err);
        sub->leaving = sub->leaving || asked;
    }
    pthread_mutex_unlock(&sf->lock);
    if (asked)
        client_withdraw(sf->client, &sub->ask);
    pthread_mutex_lock(&sf->lock);
    if (asked)
        sub->asking = sub->leaving = false;
    weir_status status = outcome(sub, err);
    pthread_cond_broadcast(&sf->moved);
    pthread_mutex_unlock(&sf->lock);
    return status;
}

static weir_status wait_for(struct subscription *sub, struct deadline until, weir_error *err)
{
    struct weir_salesforce *sf = sub->sf;
    int shielded = shield_up();
    pthread_mutex_lock(&sf->lock);
    while (!settled(sub) && clock_mono(sf->clock) < until.at_ns)
        helper_wait(sf, until.at_ns);
    bool done = settled(sub);
    weir_status status = done ? outcome(sub, err) : WEIR_TIMEOUT;
    pthread_mutex_unlock(&sf->lock);
    if (!done)
        status = withdraw(sub, err);
    shield_down(shielded);
    return status;
}

static weir_status enter(const struct weir_salesforce *sf, const char *channel, weir_error *err)
{
    if (!sf)
        return error_null(err, "the Salesforce handle");
    weir_status status = loop_check_fork(err);
    if (status == WEIR_OK)
        status = name_check(channel, NAME_LOOSE, false, err);
    if (status == WEIR_OK && client_calls_back(sf->client) && loop_inside(client_loop(sf->client)))
        return error_set(err, WEIR_INVALID, "the I/O thread cannot wait for itself");
    return status;
}

weir_status weir_salesforce_subscribe(weir_salesforce *sf, const char *channel, const char *from,
                                      weir_ms timeout, weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    struct wish wish = {.channel = channel};
    weir_status status = enter(sf, channel, e);
    if (status == WEIR_OK)
        status = read_from(sf, from, &wish.from, &wish.from_id, e);
    if (status != WEIR_OK)
        return status;
    struct deadline until = deadline_in(sf->clock, timeout, USUAL_MS);
    struct subscription *sub = start(sf, &wish, until, e);
    return sub ? wait_for(sub, until, e) : e->status;
}

/* ---- unsubscribing ----------------------------------------------------------------------- */

static weir_status not_subscribed(weir_error *err, const char *channel)
{
    return error_set(err, WEIR_NOT_FOUND, "'%s' is not subscribed", channel);
}

static weir_status give_up(struct subscription *sub, struct deadline until, weir_error *err)
{
    struct weir_salesforce *sf = sub->sf;
    const struct client_ask what = {.meta = META_UNSUBSCRIBE, .channel = sub->channel};
    weir_status status = client_call(sf->client, &what, NULL, until, err);
    if (status != WEIR_OK && status != WEIR_NOT_FOUND)
        return status;
    pthread_mutex_lock(&sf->lock);
    subscription_gone(sub, NULL);
    pthread_mutex_unlock(&sf->lock);
    return error_ok(err);
}

weir_status weir_salesforce_unsubscribe(weir_salesforce *sf, const char *channel, weir_ms timeout,
                                        weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    weir_status status = enter(sf, channel, e);
    if (status != WEIR_OK)
        return status;
    pthread_mutex_lock(&sf->lock);
    struct subscription *sub = known_find(sf, channel, strlen(channel));
    enum subscription_state state = sub ? sub->state : SUB_GONE;
    pthread_mutex_unlock(&sf->lock);
    if (state == SUB_IN_FORCE)
        return give_up(sub, deadline_in(sf->clock, timeout, USUAL_MS), e);
    if (state == SUB_GONE)
        return not_subscribed(e, channel);
    (void)withdraw(sub, &(weir_error){0});
    return error_ok(e);
}

/* One block: pointers, then texts. */
char **weir_salesforce_subscriptions(weir_salesforce *sf, weir_error *err)
{
    size_t count = 0, bytes = 0;
    if (!sf) {
        (void)error_null(err, "the Salesforce handle");
        return NULL;
    }
    pthread_mutex_lock(&sf->lock);
    for (const struct subscription *sub = sf->subscriptions; sub; sub = sub->next) {
        count += sub->state != SUB_GONE;
        bytes += strlen(sub->channel) + 1;
    }
    char **list = mem_zalloc((count + 1) * sizeof *list + bytes);
    char *at = (char *)(list + count + 1);
    for (const struct subscription *sub = sf->subscriptions; list && sub; sub = sub->next) {
        size_t size = strlen(sub->channel) + 1;
        if (sub->state == SUB_GONE)
            continue;
        list[--count] = memcpy(at, sub->channel, size); /* the first is the last there */
        at += size;
    }
    pthread_mutex_unlock(&sf->lock);
    if (list)
        (void)error_ok(err);
    else
        (void)error_no_memory(err);
    return list;
}
