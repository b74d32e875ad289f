/* Events to the program, and back as acknowledgements. Asking for the next one
 * acknowledges the last, in memory; the store is written when the last event of
 * an answer of the server is acknowledged, so once an answer, however many
 * events it has. Nothing more is handed out before that is done.
 *
 * With a store that is leased (Redis) events are handed out only while the
 * lease is surely ours: a process that was stopped for longer keeps what it has
 * in hand until the lease is renewed. */
#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "salesforce/salesforce_private.h"

#include <string.h>

#define USUAL_MS   10000 /* WEIR_DEFAULT_TIMEOUT */
#define GOODBYE_MS 5000  /* for what is to be written when a handle has been stopped */

/* ---- acknowledging
 * ----------------------------------------------------------------------- */

/* @locked */
static void acknowledge_one(struct subscription *sub, int64_t id)
{
    if (position_ack(&sub->position, id))
        save_note(sub, false);
    handed_done(&sub->handed, id);
}

bool take_acknowledge(struct weir_salesforce *sf)
{
    bool last = sf->out_last;
    while (sf->out) {
        struct subscription *sub = sf->out;
        sf->out = sub->next_out;
        sub->out = false;
        acknowledge_one(sub, sub->out_id);
    }
    sf->out_last = false;
    return last && sf->dirty;
}

/* @locked. False: no memory to remember it by name; it can be acknowledged all
 * the same. */
static void hand_one(struct subscription *sub, int64_t id)
{
    struct weir_salesforce *sf = sub->sf;
    if (sf->o.manual_ack) {
        (void)handed_add(&sub->handed, id);
        return;
    }
    if (!sub->out) {
        sub->out = true;
        sub->next_out = sf->out;
        sf->out = sub;
    }
    sub->out_id = id;
}

/* @locked */
static void hand_out(struct weir_salesforce *sf, weir_event *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct client_event *event = client_event_of(events[i]);
        struct subscription *sub = event->tag;
        sf->out_last = sf->out_last || event->last;
        if (!sub)
            continue;
        hand_one(sub, event->number);
        for (struct subscription *twin = NULL;
             (twin = known_twin(sub, event->message->channel, twin)) != NULL;)
            hand_one(twin, event->number);
    }
}

void take_hand_out(struct weir_salesforce *sf, weir_event *const *events, size_t count)
{
    pthread_mutex_lock(&sf->lock);
    hand_out(sf, events, count);
    pthread_mutex_unlock(&sf->lock);
}

/* ---- taking
 * ------------------------------------------------------------------------------
 */

/* What was asked for before is acknowledged now. *careful: there is a lease to
 * look at, or something was put aside. */
static weir_status begin(struct weir_salesforce *sf, bool *careful, struct deadline until,
                         weir_error *err)
{
    pthread_mutex_lock(&sf->lock);
    bool busy = sf->taking && !sf->o.manual_ack;
    const weir_error *failed = sf->failed;
    if (!busy) {
        sf->taking = true;
        bool save = !sf->o.manual_ack && take_acknowledge(sf);
        sf->save_first = sf->save_first || save;
    }
    bool save = sf->save_first && !busy;
    *careful = (sf->store && sf->store->kind->renew) || sf->stash_count > 0;
    pthread_mutex_unlock(&sf->lock);
    if (busy)
        return error_set(err, WEIR_CONFLICT,
                         "two threads ask for the next event at once: each would "
                         "acknowledge the "
                         "other's (set manual_ack)");
    if (failed)
        return error_copy(err, failed);
    if (!save)
        return WEIR_OK;
    weir_status status = save_until(sf, until, err);
    pthread_mutex_lock(&sf->lock);
    sf->save_first = sf->save_first && status != WEIR_OK;
    pthread_mutex_unlock(&sf->lock);
    return status;
}

/* These are the program's now, and it may ask for more. */
static void end(struct weir_salesforce *sf, weir_event *const *events, size_t count)
{
    pthread_mutex_lock(&sf->lock);
    hand_out(sf, events, count);
    sf->taking = false;
    pthread_mutex_unlock(&sf->lock);
}

/* What has been taken and may not be handed out yet. */
static void put_aside(struct weir_salesforce *sf, weir_event **events, size_t *count)
{
    size_t all = sf->stash_count + *count;
    weir_event **stash = mem_realloc(sf->stash, all * sizeof(weir_event *));
    for (size_t i = 0; i < *count; i++) {
        if (stash)
            stash[sf->stash_count + i] = events[i];
        else
            weir_event_free(events[i]); /* unacknowledged: it comes again after a restart */
    }
    if (stash) {
        sf->stash = stash;
        sf->stash_count = all;
    }
    *count = 0;
}

static bool take_aside(struct weir_salesforce *sf, weir_event **events, size_t room, size_t *count)
{
    pthread_mutex_lock(&sf->lock);
    *count = sf->stash_count < room ? sf->stash_count : room;
    if (*count > 0) {
        memcpy(events, sf->stash, *count * sizeof(weir_event *));
        sf->stash_count -= *count;
        memmove(sf->stash, sf->stash + *count, sf->stash_count * sizeof(weir_event *));
    }
    pthread_mutex_unlock(&sf->lock);
    return *count > 0;
}

/* Where a lease must be surely ours before anything is handed out. */
static weir_status take_carefully(struct weir_salesforce *sf, weir_event **events, size_t room,
                                  size_t *count, struct deadline until, weir_error *err)
{
    weir_status status = error_ok(err);
    if (!save_wait_claim(sf, until))
        return WEIR_NOTHING;
    if (!take_aside(sf, events, room, count))
        status = client_take(sf->client, events, room, count, until, err);
    if (*count == 0 || save_wait_claim(sf, until))
        return status;
    pthread_mutex_lock(&sf->lock);
    put_aside(sf, events, count);
    pthread_mutex_unlock(&sf->lock);
    (void)error_ok(err);
    return WEIR_NOTHING;
}

/* The handle has ended by itself, or it was stopped: what was acknowledged is
 * written. */
static weir_status conclude(struct weir_salesforce *sf, weir_status status, weir_error *err)
{
    if (status != WEIR_STOPPED)
        return status;
    weir_error why = {0};
    weir_status saved = save_until(sf, deadline_in(sf->clock, GOODBYE_MS, 0), &why);
    return saved == WEIR_OK ? status : error_copy(err, &why);
}

static weir_status check(const struct weir_salesforce *sf, bool place, weir_error *err)
{
    if (!sf)
        return error_null(err, "the Salesforce handle");
    weir_status status = loop_check_fork(err);
    if (status == WEIR_OK && !place)
        return error_set(err, WEIR_INVALID, "there is no room for an event");
    if (status == WEIR_OK && sf->o.handler)
        return error_set(err, WEIR_INVALID, "this handle gives its events to a handler");
    return status;
}

weir_status weir_salesforce_take(weir_salesforce *sf, weir_event **events, size_t room,
                                 size_t *count, weir_ms timeout, weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    if (count)
        *count = 0;
    weir_status status = check(sf, events && room && count, e);
    if (status != WEIR_OK || !events || !count)
        return status;
    struct deadline until = deadline_in(sf->clock, timeout, USUAL_MS);
    bool careful;
    status = begin(sf, &careful, until, e);
    if (status == WEIR_CONFLICT)
        return status;
    if (status == WEIR_OK && careful)
        status = take_carefully(sf, events, room, count, until, e);
    else if (status == WEIR_OK)
        status = client_take(sf->client, events, room, count, until, e);
    status = conclude(sf, status, e);
    end(sf, events, *count);
    return status;
}

weir_status weir_salesforce_next(weir_salesforce *sf, weir_event **event, weir_ms timeout,
                                 weir_error *err)
{
    size_t count;
    if (event)
        *event = NULL;
    return weir_salesforce_take(sf, event, 1, &count, timeout, err);
}

/* ---- acknowledging by hand
 * --------------------------------------------------------------- */

static weir_status check_ack(const struct weir_salesforce *sf, weir_error *err)
{
    if (!sf)
        return error_null(err, "the Salesforce handle");
    return loop_check_fork(err);
}

/* @locked. One of another handle is not to be looked at. */
static bool is_ours(const struct weir_salesforce *sf, const struct subscription *tag)
{
    const struct subscription *sub = sf->recent == tag ? tag : sf->subscriptions;
    while (sub && sub != tag)
        sub = sub->next;
    return sub != NULL;
}

/* @locked */
static weir_status acknowledge_event(struct weir_salesforce *sf, const weir_event *given,
                                     weir_error *err)
{
    const struct client_event *event = client_event_of(given);
    if (!event || event->answer->origin->dialect != &salesforce_dialect)
        return error_set(err, WEIR_INVALID,
                         "an event that no Salesforce handle delivered cannot be acknowledged");
    struct subscription *sub = event->tag;
    if (!sub)
        return WEIR_OK; /* it has no replay id */
    if (!is_ours(sf, sub))
        return error_set(err, WEIR_INVALID,
                         "an event of another handle cannot be acknowledged here");
    acknowledge_one(sub, event->number);
    for (struct subscription *twin = NULL;
         (twin = known_twin(sub, event->message->channel, twin)) != NULL;)
        acknowledge_one(twin, event->number);
    return WEIR_OK;
}

static weir_status write_now(struct weir_salesforce *sf, weir_error *err)
{
    return save_until(sf, deadline_in(sf->clock, STORE_TIMEOUT_MS, 0), err);
}

weir_status weir_salesforce_ack_all(weir_salesforce *sf, weir_event *const *events, size_t count,
                                    weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    weir_status status = check_ack(sf, e);
    if (status == WEIR_OK && count > 0 && !events)
        return error_set(e, WEIR_INVALID, "weir_salesforce_ack_all(): `events` is NULL");
    if (status != WEIR_OK)
        return status;
    pthread_mutex_lock(&sf->lock);
    for (size_t i = 0; i < count && status == WEIR_OK; i++)
        status = acknowledge_event(sf, events[i], e);
    pthread_mutex_unlock(&sf->lock);
    weir_status saved = write_now(sf, status == WEIR_OK ? e : NULL);
    return status == WEIR_OK ? saved : status;
}

weir_status weir_salesforce_ack(weir_salesforce *sf, const weir_event *event, weir_error *err)
{
    weir_event *one = (weir_event *)(uintptr_t)event; /* it is only read */
    return weir_salesforce_ack_all(sf, &one, 1, err);
}

static weir_status not_delivered(weir_error *err, const char *channel, const char *id)
{
    struct buf shown = BUF_INIT((size_t)1024);
    buf_adds(&shown, "no event '");
    text_fold(&shown, id, strlen(id), 100);
    buf_adds(&shown, "' was delivered on '");
    text_fold(&shown, channel, strlen(channel), 300);
    buf_adds(&shown, "'");
    (void)error_set(err, WEIR_INVALID, "%s", shown.data ? shown.data : "no such event");
    buf_free(&shown);
    return WEIR_INVALID;
}

/* @locked. By the name it was subscribed by, or as events name it. */
static struct subscription *find(struct weir_salesforce *sf, const char *channel)
{
    struct subscription *sub = known_find(sf, channel, strlen(channel));
    if (sub && sub->state != SUB_GONE)
        return sub;
    for (sub = sf->subscriptions; sub; sub = sub->next) {
        if (sub->state != SUB_GONE && sub->base == strlen(channel) &&
            strncmp(sub->channel, channel, sub->base) == 0)
            return sub;
    }
    return NULL;
}

/* @locked */
static bool acknowledge_id(struct weir_salesforce *sf, const char *channel, int64_t id)
{
    int64_t found = 0;
    struct subscription *sub = find(sf, channel);
    if (!sub)
        return false;
    const struct record *record = &sub->position.record;
    if (handed_find(&sub->handed, id, &found))
        acknowledge_one(sub, found);
    else if (!record->has_position || id > record->position)
        return false; /* else it was acknowledged before */
    return true;
}

weir_status weir_salesforce_ack_id(weir_salesforce *sf, const char *channel, const char *replay_id,
                                   weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    int64_t id = 0;
    weir_status status = check_ack(sf, e);
    if (status != WEIR_OK)
        return status;
    if (!channel || !replay_id)
        return error_set(e, WEIR_INVALID, "weir_salesforce_ack_id(): channel or id is NULL");
    if (!sf->o.manual_ack)
        return error_set(e, WEIR_INVALID, "acknowledging by name needs manual_ack");
    if (!text_number(replay_id, 0, INT64_MAX, &id))
        return not_delivered(e, channel, replay_id);
    pthread_mutex_lock(&sf->lock);
    bool good = acknowledge_id(sf, channel, id);
    pthread_mutex_unlock(&sf->lock);
    return good ? write_now(sf, e) : not_delivered(e, channel, replay_id);
}
