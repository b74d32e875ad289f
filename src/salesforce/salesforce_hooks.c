/* What Salesforce adds to a Bayeux client, and where a subscription's position meets what happens:
 * what to ask for when it is made (anew), what a refusal means, when it is in force, which events
 * are the program's. All but hook_handle() and hook_news() is on the I/O thread, and asks nothing
 * that could block. */
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"
#include "salesforce/dialect.h"
#include "salesforce/salesforce_instance.h"
#include "salesforce/salesforce_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_REQUEST 32768

static int64_t wall_ms(const struct weir_salesforce *sf)
{
    return clock_wall(sf->clock) / NS_PER_MS;
}

static weir_status endpoint(void *user, const weir_token *token, struct client_endpoint *out,
                            weir_error *err)
{
    struct weir_salesforce *sf = user;
    out->source = instance_url(sf->instance_url, token, sf->o.allow_plaintext, err);
    if (!out->source)
        return err->status;
    struct buf url = BUF_INIT((size_t)64 * 1024);
    buf_addf(&url, "%s/cometd/%s", out->source, sf->api_version);
    weir_status status = buf_finish(&url, err);
    out->url = url.data;
    return status;
}

/* ---- asking for a subscription ----------------------------------------------------------- */

/* @locked. It is made anew: has it been away for too long? */
static void look_at_clock(struct subscription *sub)
{
    struct weir_salesforce *sf = sub->sf;
    struct position *p = &sub->position;
    weir_error why = {0};
    if (sub->state != SUB_IN_FORCE)
        return;
    if (p->record.live_ms < sf->alive_ms)
        position_live(p, sf->alive_ms);
    if (!position_expired(p, wall_ms(sf)))
        return;
    (void)dialect_gap(&why, sub->channel, position_ask(p), p->retention_ms);
    error_drop(sub->gap);
    sub->gap = error_keep(&why);
    if (sf->o.on_gap == WEIR_ON_GAP_FAIL)
        sub->expired = true;
    else
        position_mend(p, sf->o.on_gap == WEIR_ON_GAP_ALL);
}

static void on_outgoing(void *user, enum meta meta, const char *channel, weir_bytes data,
                        struct buf *ext)
{
    struct weir_salesforce *sf = user;
    int64_t ask = ASK_NEW;
    (void)data;
    if (meta == META_SUBSCRIBE) {
        pthread_mutex_lock(&sf->lock);
        struct subscription *sub = known_find(sf, channel, strlen(channel));
        if (sub) {
            look_at_clock(sub);
            ask = position_ask(&sub->position);
        }
        pthread_mutex_unlock(&sf->lock);
    }
    dialect_outgoing(meta, channel, ask, ext);
}

/* ---- refusals ---------------------------------------------------------------------------- */

/* @locked */
static enum verdict subscription_refused(struct weir_salesforce *sf, const char *channel,
                                         enum verdict verdict, const weir_error *err)
{
    struct subscription *sub = known_find(sf, channel, strlen(channel));
    if (!sub || verdict != VERDICT_REFUSED)
        return verdict;
    bool gap = err->kind == WEIR_KIND_REPLAY_GAP && sub->position.asked >= 0;
    if (gap && sf->o.on_gap != WEIR_ON_GAP_FAIL) {
        error_drop(sub->gap);
        sub->gap = error_keep(err);
        position_mend(&sub->position, sf->o.on_gap == WEIR_ON_GAP_ALL);
        return VERDICT_AGAIN;
    }
    if (sub->state == SUB_IN_FORCE)
        subscription_gone(sub, err); /* the client says so */
    return verdict;
}

static enum verdict on_judge(void *user, enum meta meta, const struct message *reply,
                             const char *reconnect, weir_error *err)
{
    struct weir_salesforce *sf = user;
    const weir_token *token = client_token(sf->client);
    enum verdict verdict = dialect_judge(meta, reply, reconnect, err);
    if (verdict == VERDICT_LOGIN && token && weir_token_expires_at(token) == INT64_MAX) {
        (void)error_append(err, "; the access token was given ready, and cannot be renewed");
        return VERDICT_REFUSED;
    }
    char *channel = meta == META_SUBSCRIBE ? slice_text(reply->subscription) : NULL;
    if (channel) {
        pthread_mutex_lock(&sf->lock);
        verdict = subscription_refused(sf, channel, verdict, err);
        pthread_mutex_unlock(&sf->lock);
    }
    mem_free(channel);
    return verdict;
}

/* ---- in force ---------------------------------------------------------------------------- */

static void on_left(struct client_ask *ask, const struct message *reply, const weir_error *why)
{
    struct subscription *sub =
        (struct subscription *)(void *)((char *)ask - offsetof(struct subscription, leave));
    (void)reply;
    (void)why;
    pthread_mutex_lock(&sub->sf->lock);
    sub->leaving = false;
    pthread_cond_broadcast(&sub->sf->moved);
    pthread_mutex_unlock(&sub->sf->lock);
}

static void leave(struct subscription *sub, const weir_error *why)
{
    client_complain(sub->sf->client, why);
    sub->leave =
        (struct client_ask){.meta = META_UNSUBSCRIBE, .channel = sub->channel, .done = on_left};
    client_ask(sub->sf->client, &sub->leave);
}

/* @locked. True: the server took it, and we do not. */
static bool is_expired(struct subscription *sub, const weir_error **gap)
{
    *gap = sub->gap;
    if (sub->expired) {
        sub->gap = NULL;
        sub->leaving = true;
        subscription_gone(sub, *gap);
        return true;
    }
    if (sub->position.gap_mended)
        sub->gap = NULL;
    else
        *gap = NULL;
    sub->position.gap_mended = false;
    return false;
}

static void on_subscribed(void *user, const char *channel, const struct message *reply)
{
    struct weir_salesforce *sf = user;
    const weir_error *gap = NULL;
    bool expired = false;
    int64_t now = wall_ms(sf), server = client_server_ms(sf->client);
    (void)reply;
    pthread_mutex_lock(&sf->lock);
    struct subscription *sub = known_find(sf, channel, strlen(channel));
    if (sub && (sub->state == SUB_ASKING || sub->state == SUB_IN_FORCE)) {
        expired = is_expired(sub, &gap);
        if (!expired) {
            sub->state = SUB_IN_FORCE;
            position_subscribed(&sub->position, server ? server : now, now);
            save_note(sub, true);
        }
    }
    pthread_cond_broadcast(&sf->moved);
    pthread_mutex_unlock(&sf->lock);
    if (expired)
        leave(sub, gap);
    else if (gap)
        client_news(sf->client, WEIR_SESSION_GAP, channel, gap);
    error_drop(gap);
}

static void on_alive(void *user)
{
    struct weir_salesforce *sf = user;
    int64_t now = clock_mono(sf->clock);
    pthread_mutex_lock(&sf->lock);
    sf->alive_ms = wall_ms(sf);
    if (sf->store && sf->live_at <= now) {
        sf->live_at = now + LIVE_MS * NS_PER_MS;
        sf->live = true;
        helper_wake(sf);
    }
    pthread_mutex_unlock(&sf->lock);
}

/* ---- events ------------------------------------------------------------------------------ */

/* @locked */
static bool offer(struct subscription *sub, const struct message *message, bool has_id, int64_t id)
{
    bool sifts = has_id && position_sifts_by_time(&sub->position) && !sub->position.delivered_any;
    int64_t created = sifts ? dialect_created_ms(message) : 0;
    bool wanted = position_event(&sub->position, has_id, id, created);
    if (position_unsaved(&sub->position))
        save_note(sub, false);
    return wanted;
}

static void say_strange(const struct weir_salesforce *sf, weir_bytes channel, const char *what)
{
    struct buf words = BUF_INIT((size_t)512);
    text_fold(&words, channel.data, channel.len, 200);
    log_at(WEIR_LOG_WARN, "salesforce", client_name(sf->client), "%s on %s", what,
           words.data ? words.data : "a channel");
    buf_free(&words);
}

/* @locked */
static bool deliver(struct weir_salesforce *sf, struct client_event *event, const char **strange)
{
    const struct message *message = event->message;
    struct subscription *sub = known_of_event(sf, message->channel);
    int64_t id = 0;
    bool has_id = slice_int(message->replay_id, &id) && id >= 0;
    event->tag = has_id ? sub : NULL;
    event->number = has_id ? id : event->number;
    if (!sub) {
        *strange = sf->said_unknown ? NULL : "an event that was not subscribed to has come";
        sf->said_unknown = true;
        return true;
    }
    if (sub->state == SUB_GONE)
        return false;
    if (!has_id && !sub->said_bare) {
        *strange = "an event without a replay id has come, so it cannot be acknowledged,";
        sub->said_bare = true;
    }
    bool wanted = offer(sub, message, has_id, id);
    for (struct subscription *twin = NULL;
         (twin = known_twin(sub, message->channel, twin)) != NULL;)
        wanted = offer(twin, message, has_id, id) || wanted;
    return wanted;
}

static bool on_event(void *user, struct client_event *event)
{
    struct weir_salesforce *sf = user;
    const char *strange = NULL;
    pthread_mutex_lock(&sf->lock);
    bool wanted = deliver(sf, event, &strange);
    pthread_mutex_unlock(&sf->lock);
    if (strange)
        say_strange(sf, event->message->channel, strange);
    return wanted;
}

/* @locked. False: no memory. */
static bool hold(struct weir_salesforce *sf, struct client_answer *answer)
{
    if (sf->held_count == sf->held_room) {
        size_t room = sf->held_room ? sf->held_room * 2 : 8;
        weir_event **held = mem_realloc(sf->held, room * sizeof *held);
        if (!held)
            return false;
        sf->held = held;
        sf->held_room = room;
    }
    sf->held[sf->held_count++] = weir_event_ref(client_event_as(&answer->events[0]));
    sf->save = true;
    helper_wake(sf);
    return true;
}

/* A beginning must be in the store before the first event after it is delivered. */
static bool on_pass(void *user, struct client_answer *answer)
{
    struct weir_salesforce *sf = user;
    weir_error why = {0};
    if (!sf->store)
        return true;
    pthread_mutex_lock(&sf->lock);
    bool pass = !sf->due && !sf->failed;
    bool good = pass || sf->failed || hold(sf, answer);
    pthread_mutex_unlock(&sf->lock);
    if (!good)
        (void)error_no_memory(&why);
    if (!good)
        save_fail(sf, &why);
    return pass;
}

/* ---- what an event says ------------------------------------------------------------------ */

static weir_status set_replay_id(const struct client_event *event, weir_event *into,
                                 weir_error *err)
{
    char text[24];
    if (!event->tag)
        return WEIR_OK;
    (void)snprintf(text, sizeof text, "%" PRId64, event->number);
    return event_set(into, "replayid", text, ATTR_TEXT, err);
}

static weir_status set_time(const struct client_event *event, weir_event *into, weir_error *err)
{
    char text[STAMP_SIZE];
    int64_t ms = dialect_created_ms(event->message);
    if (ms == 0)
        return WEIR_OK;
    stamp_format(ms, text);
    return event_set(into, "time", text, ATTR_TEXT, err);
}

static char *identity(const struct client_event *event, const char *channel)
{
    char *uuid = dialect_uuid(event->message);
    if (uuid || !event->tag)
        return uuid;
    struct buf id = BUF_INIT((size_t)64 * 1024);
    buf_addf(&id, "%s/%" PRId64, channel, event->number);
    return id.data;
}

static weir_status describe(const struct client_event *event, weir_event *into, weir_error *err)
{
    char *channel = slice_text(event->message->channel);
    if (!channel)
        return error_no_memory(err);
    char *id = identity(event, channel);
    weir_status status = set_replay_id(event, into, err);
    if (status == WEIR_OK)
        status = set_time(event, into, err);
    if (status == WEIR_OK)
        status = client_describe(event, into, dialect_type(channel, strlen(channel)), id, err);
    mem_free(channel);
    mem_free(id);
    return status;
}

/* ---- the program's functions ------------------------------------------------------------- */

void hook_handle(void *user, struct client_event *event)
{
    struct weir_salesforce *sf = user;
    const struct deadline never = {INT64_MAX};
    weir_event *as = client_event_as(event);
    bool last = event->last; /* the handler may keep it; the answer stays either way */
    if (!save_wait_claim(sf, never))
        return;
    take_hand_out(sf, &as, 1);
    sf->o.handler(as, sf->o.user);
    if (sf->o.manual_ack)
        return;
    pthread_mutex_lock(&sf->lock);
    (void)take_acknowledge(sf);
    pthread_mutex_unlock(&sf->lock);
    if (last)
        (void)save_until(sf, never, NULL);
}

void hook_news(void *user, weir_session_news news, const char *channel, const weir_error *why)
{
    const struct weir_salesforce *sf = user;
    sf->o.on_news(news, channel, why, sf->o.user);
}

static const char *const transports[] = {"long-polling", NULL};

const struct client_dialect salesforce_dialect = {
    .part = "salesforce",
    .grammar = NAME_LOOSE,
    .sticky_token = true,
    .replays = true,
    .max_request = MAX_REQUEST,
    .transports = transports,
    .session = {on_outgoing, on_judge, on_subscribed, NULL, on_alive},
    .endpoint = endpoint,
    .event = on_event,
    .pass = on_pass,
    .describe = describe,
};
