/* The helper: one thread that may wait for the store. A subscription begins here: the organisation
 * is found out (from a token), the store is claimed for it, where the subscription left off is
 * read; only then is the server asked. Then it keeps the claim alive, and writes what nobody waits
 * for: beginnings, and now and then that the session lives.
 *
 * A token is waited for only briefly. When there is trouble the session is asked for instead:
 * it knows how to wait for a token endpoint, when to give up, and whom to tell. */
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "salesforce/dialect.h"
#include "salesforce/salesforce_instance.h"
#include "salesforce/salesforce_private.h"

#include <time.h>

#define TOKEN_MS 1000

static int64_t now_of(const struct weir_salesforce *sf)
{
    return clock_mono(sf->clock);
}

/* No longer than the program wants to be kept in the dark about an outage. */
static struct deadline store_limit(const struct weir_salesforce *sf)
{
    weir_ms limit = STORE_TIMEOUT_MS, dark = sf->o.connection_timeout;
    if (dark > 0 && dark < limit)
        limit = dark < STORE_SHORTEST_MS ? STORE_SHORTEST_MS : dark;
    return deadline_in(sf->clock, limit, STORE_TIMEOUT_MS);
}

void helper_wake(struct weir_salesforce *sf)
{
    pthread_cond_broadcast(&sf->moved);
}

static void wait_until(struct weir_salesforce *sf, int64_t until_ns)
{
    if (until_ns == INT64_MAX) {
        pthread_cond_wait(&sf->moved, &sf->lock);
        return;
    }
    const struct timespec at = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    (void)pthread_cond_clockwait(&sf->moved, &sf->lock, CLOCK_MONOTONIC, &at);
}

void helper_wait(struct weir_salesforce *sf, int64_t until_ns)
{
    sf->waiters++;
    wait_until(sf, until_ns);
    sf->waiters--;
}

/* ---- telling ----------------------------------------------------------------------------- */

struct telling {
    struct client *client;
    const weir_error *why; /* NULL: it is over */
};

static void tell(void *user)
{
    const struct telling *t = user;
    if (t->why)
        client_outage(t->client, t->why);
    else
        client_outage_over(t->client);
}

/* @locked. Has the store been out of touch for longer than the program waits? */
static bool too_long(const struct weir_salesforce *sf)
{
    return sf->o.give_up > 0 && now_of(sf) - sf->dark_since >= sf->o.give_up * NS_PER_MS;
}

/* An outage of the store, once, and its end; one that lasts for give_up ends the handle. */
static void tell_outage(struct weir_salesforce *sf, const weir_error *why)
{
    struct telling t = {sf->client, why};
    pthread_mutex_lock(&sf->lock);
    bool news = sf->out_of_touch != (why != NULL);
    if (news)
        sf->dark_since = now_of(sf);
    bool over = why && !news && too_long(sf);
    sf->out_of_touch = why != NULL;
    pthread_mutex_unlock(&sf->lock);
    if (over) {
        weir_error end = *why;
        end.status = WEIR_STORE;
        end.retry_in_ms = -1;
        save_fail(sf, &end);
    }
    if (!news)
        return;
    loop_call(client_loop(sf->client), tell, &t);
    client_news(sf->client, why ? WEIR_SESSION_OUTAGE : WEIR_SESSION_RECOVERED, NULL, why);
}

/* ---- the claim --------------------------------------------------------------------------- */

static void on_session(struct client_ask *ask, const struct message *reply, const weir_error *why)
{
    struct weir_salesforce *sf =
        (struct weir_salesforce *)(void *)((char *)ask -
                                           offsetof(struct weir_salesforce, session_ask));
    (void)reply;
    pthread_mutex_lock(&sf->lock);
    sf->session_asked = false;
    if (why->status != WEIR_OK && !sf->session_why)
        sf->session_why = error_keep(why);
    helper_wake(sf);
    pthread_mutex_unlock(&sf->lock);
}

/* WEIR_NOTHING: wait for it. */
static weir_status ask_session(struct weir_salesforce *sf, weir_error *err)
{
    pthread_mutex_lock(&sf->lock);
    const weir_error *failed = sf->session_why;
    sf->session_why = NULL;
    bool ask = !failed && !sf->session_asked;
    sf->session_asked = sf->session_asked || ask;
    pthread_mutex_unlock(&sf->lock);
    if (ask) {
        sf->session_ask = (struct client_ask){.meta = META_HANDSHAKE, .done = on_session};
        client_ask(sf->client, &sf->session_ask);
    }
    if (failed)
        error_copy(err, failed);
    error_drop(failed);
    return failed ? err->status : WEIR_NOTHING;
}

static weir_status find_organisation(struct weir_salesforce *sf, char **out, weir_error *err)
{
    weir_token *token = weir_credentials_token(sf->credentials, TOKEN_MS, err);
    if (!token)
        return ask_session(sf, err);
    char *url = instance_url(sf->instance_url, token, sf->o.allow_plaintext, err);
    *out = url ? instance_organisation(token, url) : NULL;
    weir_token_free(token);
    weir_status status = *out ? WEIR_OK : url ? error_no_memory(err) : err->status;
    mem_free(url);
    return status;
}

/* A store that cannot be asked now is an outage. WEIR_NOTHING: later; else it is the end. */
static weir_status put_off(struct weir_salesforce *sf, weir_error *err)
{
    weir_status status = err->status;
    if (status == WEIR_OK || status == WEIR_NO_MEMORY)
        return status;
    if (!save_may_pass(status)) {
        err->status = WEIR_STORE;
        return WEIR_STORE;
    }
    pthread_mutex_lock(&sf->lock);
    sf->prepare_at = now_of(sf) + SAVE_AGAIN_MS * NS_PER_MS;
    pthread_mutex_unlock(&sf->lock);
    tell_outage(sf, err);
    return WEIR_NOTHING;
}

/* WEIR_NOTHING: later. */
static weir_status stand_by(struct weir_salesforce *sf, weir_error *err)
{
    if (!sf->o.standby) {
        err->status = WEIR_STORE;
        return WEIR_STORE;
    }
    pthread_mutex_lock(&sf->lock);
    bool first = !sf->waiting;
    sf->waiting = true;
    sf->prepare_at = now_of(sf) + STANDBY_MS * NS_PER_MS;
    pthread_mutex_unlock(&sf->lock);
    if (first)
        client_news(sf->client, WEIR_SESSION_WAITING, NULL, err);
    return WEIR_NOTHING;
}

static weir_status claim(struct weir_salesforce *sf, weir_error *err)
{
    char *organisation = NULL;
    struct claim *got = NULL;
    weir_status status = find_organisation(sf, &organisation, err);
    if (status != WEIR_OK)
        return status;
    status = store_claim(sf->store, organisation, sf->group ? sf->group : "", store_limit(sf), &got,
                         err);
    mem_free(organisation);
    if (status == WEIR_CONFLICT)
        return stand_by(sf, err);
    if (status != WEIR_OK)
        return put_off(sf, err);
    pthread_mutex_lock(&sf->lock);
    sf->claim = got;
    sf->leased = sf->store->kind->renew != NULL;
    sf->renew_at = now_of(sf) + RENEW_MS * NS_PER_MS;
    pthread_mutex_unlock(&sf->lock);
    return WEIR_OK;
}

static void renew(struct weir_salesforce *sf)
{
    weir_error err = {0};
    weir_status status = store_renew(sf->store, sf->claim, store_limit(sf), &err);
    if (status == WEIR_CONFLICT) {
        weir_error why = {0};
        (void)error_set(&why, WEIR_STORE,
                        "another listener has taken over the store's positions: %s", err.message);
        save_fail(sf, &why);
        return;
    }
    bool good = store_claim_good(sf->store, sf->claim);
    pthread_mutex_lock(&sf->lock);
    sf->renew_at = now_of(sf) + (status == WEIR_OK ? RENEW_MS : SAVE_AGAIN_MS) * NS_PER_MS;
    helper_wake(sf);
    pthread_mutex_unlock(&sf->lock);
    if (good)
        tell_outage(sf, NULL);
    else
        tell_outage(sf, &err);
}

/* ---- a beginning ------------------------------------------------------------------------- */

/* @locked. WEIR_GAP: it may not go on. */
static weir_status begin(struct subscription *sub, const struct record *stored, weir_error *err)
{
    struct weir_salesforce *sf = sub->sf;
    struct position *p = &sub->position;
    unsigned version = p->version + 1;
    position_init(p, sub->channel, sub->from, sub->from_id, stored);
    p->version = p->saved = version;
    handed_clear(&sub->handed);
    if (!position_expired(p, clock_wall(sf->clock) / NS_PER_MS))
        return WEIR_OK;
    weir_status status = dialect_gap(err, sub->channel, position_ask(p), p->retention_ms);
    if (sf->o.on_gap == WEIR_ON_GAP_FAIL)
        return status;
    sub->gap = error_keep(err);
    position_mend(p, sf->o.on_gap == WEIR_ON_GAP_ALL);
    return WEIR_OK;
}

static weir_status load(struct subscription *sub, struct record *record, bool *there,
                        weir_error *err)
{
    struct weir_salesforce *sf = sub->sf;
    weir_status status = save_now(sf, store_limit(sf), err); /* it may be its own */
    if (status == WEIR_OK)
        status = store_load(sf->store, sf->claim, sub->channel, record, store_limit(sf), err);
    *there = status == WEIR_OK;
    if (status != WEIR_OK && status != WEIR_NOTHING)
        return put_off(sf, err);
    tell_outage(sf, NULL);
    return WEIR_OK;
}

struct outcome {
    bool ask, complain;
};

/* @locked. `status`: of all that the store was asked. */
static struct outcome go_on(struct subscription *sub, unsigned era, const struct record *stored,
                            weir_status status, weir_error *err)
{
    struct outcome outcome = {false, false};
    if (sub->era != era || sub->state != SUB_PREPARING)
        return outcome; /* nobody wants it any more */
    if (status == WEIR_OK)
        status = begin(sub, stored, err);
    if (status == WEIR_OK) {
        sub->state = SUB_ASKING;
        outcome.ask = true;
    } else {
        outcome.complain = sub->quiet;
        subscription_gone(sub, err);
    }
    return outcome;
}

static void prepare(struct subscription *sub, unsigned era)
{
    struct weir_salesforce *sf = sub->sf;
    struct record record;
    bool there = false;
    weir_error err = {0};
    weir_status status = save_claim(sf) ? WEIR_OK : claim(sf, &err);
    if (status == WEIR_OK)
        status = load(sub, &record, &there, &err);
    if (status == WEIR_NOTHING)
        return;
    pthread_mutex_lock(&sf->lock);
    struct outcome outcome = go_on(sub, era, there ? &record : NULL, status, &err);
    pthread_mutex_unlock(&sf->lock);
    if (outcome.ask)
        subscription_ask(sub);
    else if (outcome.complain)
        subscription_complain(sf, &err);
}

/* ---- the thread -------------------------------------------------------------------------- */

/* @locked */
static void note_alive(struct weir_salesforce *sf)
{
    sf->live = false;
    for (struct subscription *sub = sf->subscriptions; sub; sub = sub->next) {
        if (sub->state != SUB_IN_FORCE || sub->position.record.live_ms >= sf->alive_ms)
            continue;
        position_live(&sub->position, sf->alive_ms);
        save_note(sub, true);
    }
}

static void save(struct weir_salesforce *sf)
{
    weir_error err = {0};
    weir_status status = save_now(sf, store_limit(sf), &err);
    if (status == WEIR_OK) {
        tell_outage(sf, NULL);
        return;
    }
    if (!save_may_pass(status))
        return;
    pthread_mutex_lock(&sf->lock);
    sf->save = true;
    sf->save_at = now_of(sf) + SAVE_AGAIN_MS * NS_PER_MS;
    pthread_mutex_unlock(&sf->lock);
    tell_outage(sf, &err);
}

static struct subscription *first_preparing(struct weir_salesforce *sf)
{
    struct subscription *found = NULL; /* the oldest is the last */
    for (struct subscription *sub = sf->subscriptions; sub; sub = sub->next) {
        if (sub->state == SUB_PREPARING)
            found = sub;
    }
    return sf->session_asked ? NULL : found;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* @locked; unlocks meanwhile. INT64_MIN: something was done; else when there will be something to
 * do. */
static int64_t work(struct weir_salesforce *sf)
{
    int64_t now = clock_mono(sf->clock);
    struct subscription *sub = first_preparing(sf);
    int64_t renew_at = sf->claim && sf->leased ? sf->renew_at : INT64_MAX;
    int64_t prepare_at = sub ? sf->prepare_at : INT64_MAX;
    int64_t save_at = sf->save ? sf->save_at : INT64_MAX;
    unsigned era = sub ? sub->era : 0;
    if (renew_at > now && prepare_at > now && save_at > now)
        return sooner(renew_at, sooner(prepare_at, save_at));
    pthread_mutex_unlock(&sf->lock);
    if (renew_at <= now)
        renew(sf);
    else if (sub && prepare_at <= now)
        prepare(sub, era);
    else
        save(sf);
    pthread_mutex_lock(&sf->lock);
    return INT64_MIN;
}

static void run(void *user)
{
    struct weir_salesforce *sf = user;
    pthread_mutex_lock(&sf->lock);
    while (!sf->closing && !sf->failed) {
        if (sf->live)
            note_alive(sf);
        int64_t wake = work(sf);
        if (wake != INT64_MIN)
            wait_until(sf, wake);
    }
    pthread_mutex_unlock(&sf->lock);
}

weir_status helper_start(struct weir_salesforce *sf, weir_error *err)
{
    weir_status status = WEIR_OK;
    pthread_mutex_lock(&sf->saving);
    if (!sf->pool)
        sf->pool = pool_new(1, err);
    if (!sf->pool)
        status = WEIR_NO_MEMORY;
    else if (!sf->helping)
        status = pool_run(sf->pool, run, sf);
    sf->helping = sf->helping || status == WEIR_OK;
    pthread_mutex_unlock(&sf->saving);
    return status == WEIR_OK ? status
                             : error_set(err, WEIR_NO_MEMORY, "no thread for the store can be had");
}
