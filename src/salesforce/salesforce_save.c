/* Writing to the store. All that it does not have goes in one transaction, whoever asks for it;
 * `saving` keeps a second writer out, so that the order of writes is the order of what happened.
 *
 * A store that cannot be reached now (Redis) is an outage: answers that wait for a beginning to be
 * written go on waiting, who acknowledges waits as long as it wants to, and it is said once. What
 * is there to stay (a full disk, a damaged file, a lost claim) ends the handle: it could deliver
 * nothing more that can be acknowledged. */
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "salesforce/salesforce_private.h"

#include <string.h>

void save_note(struct subscription *sub, bool soon)
{
    struct weir_salesforce *sf = sub->sf;
    if (!sf->store || !position_unsaved(&sub->position))
        return;
    if (!sub->dirty) {
        sub->dirty = true;
        sub->next_dirty = sf->dirty;
        sf->dirty = sub;
    }
    sf->due = sf->due || sub->position.due;
    if (soon && !sf->save) {
        sf->save = true;
        helper_wake(sf);
    }
}

bool save_may_pass(weir_status status)
{
    return status == WEIR_BUSY || status == WEIR_UNREACHABLE || status == WEIR_TIMEOUT ||
           status == WEIR_NO_MEMORY;
}

void save_fail(struct weir_salesforce *sf, const weir_error *why)
{
    pthread_mutex_lock(&sf->lock);
    bool first = !sf->failed;
    if (first)
        sf->failed = error_keep(why);
    pthread_cond_broadcast(&sf->moved);
    pthread_mutex_unlock(&sf->lock);
    if (first && sf->client)
        client_fail(sf->client, why);
}

struct claim *save_claim(struct weir_salesforce *sf)
{
    pthread_mutex_lock(&sf->lock);
    struct claim *claim = sf->claim;
    pthread_mutex_unlock(&sf->lock);
    return claim;
}

/* ---- what is written --------------------------------------------------------------------- */

struct batch_of_changes {
    struct claim *claim;
    bool leased;
    struct store_change *changes;
    struct record *records;
    struct subscription **subs;
    unsigned *versions;
    size_t count;
    weir_event **held; /* released when it is done; taken over */
    size_t held_count;
};

static void free_changes(struct batch_of_changes *b)
{
    mem_free(b->changes);
    mem_free(b->records);
    mem_free(b->subs);
    mem_free(b->versions);
}

static bool make_room(struct batch_of_changes *b, size_t count)
{
    b->changes = mem_array(count, sizeof *b->changes);
    b->records = mem_array(count, sizeof *b->records);
    b->subs = mem_array(count, sizeof(struct subscription *));
    b->versions = mem_array(count, sizeof *b->versions);
    return b->changes && b->records && b->subs && b->versions;
}

/* @locked */
static bool collect(struct weir_salesforce *sf, struct batch_of_changes *b)
{
    size_t count = 0;
    for (const struct subscription *sub = sf->dirty; sub; sub = sub->next_dirty)
        count++;
    if (count > 0 && !make_room(b, count))
        return false;
    for (struct subscription *sub = sf->dirty; sub; sub = sub->next_dirty) {
        if (!position_unsaved(&sub->position))
            continue;
        b->records[b->count] = sub->position.record;
        b->changes[b->count] =
            (struct store_change){sub->channel, &b->records[b->count], sub->position.anew};
        b->versions[b->count] = sub->position.version;
        b->subs[b->count++] = sub;
    }
    return true;
}

/* @locked. What changed meanwhile stays dirty, and due if it was. */
static void note_saved(struct weir_salesforce *sf, struct batch_of_changes *b)
{
    for (size_t i = 0; i < b->count; i++)
        position_saved(&b->subs[i]->position, b->versions[i]);
    struct subscription *before = sf->dirty;
    sf->dirty = NULL;
    sf->due = false;
    while (before) {
        struct subscription *sub = before;
        before = sub->next_dirty;
        sub->dirty = false;
        save_note(sub, false);
    }
    if (!sf->due) {
        b->held = sf->held;
        b->held_count = sf->held_count;
        sf->held = NULL;
        sf->held_count = sf->held_room = 0;
    }
    if (sf->waiters > 0) /* the helper has nothing to do because something was saved */
        pthread_cond_broadcast(&sf->moved);
}

static void release(struct weir_salesforce *sf, const struct batch_of_changes *b)
{
    for (size_t i = 0; i < b->held_count; i++) {
        if (sf->client)
            client_release(sf->client, client_event_of(b->held[i])->answer);
        weir_event_free(b->held[i]);
    }
    mem_free(b->held);
}

/* ---- writing ----------------------------------------------------------------------------- */

static weir_status lost(struct weir_salesforce *sf, weir_error *err)
{
    char words[sizeof err->message];
    memcpy(words, err->message, sizeof words);
    weir_status status = error_set(
        err, WEIR_STORE, "another listener has taken over the store's positions: %s", words);
    save_fail(sf, err);
    return status;
}

static weir_status conclude(struct weir_salesforce *sf, weir_status status, weir_error *err)
{
    if (status == WEIR_OK || save_may_pass(status))
        return status;
    if (status == WEIR_CONFLICT)
        return lost(sf, err);
    err->status = WEIR_STORE;
    save_fail(sf, err);
    return WEIR_STORE;
}

/* After a pause longer than the lease it is first asked whether it is still ours. */
static weir_status save_changes(struct weir_salesforce *sf, const struct batch_of_changes *b,
                                struct deadline until, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (b->leased && !store_claim_good(sf->store, b->claim))
        status = store_renew(sf->store, b->claim, until, err);
    if (status == WEIR_OK)
        status = store_save(sf->store, b->claim, b->changes, b->count, until, err);
    return status;
}

static weir_status write_all(struct weir_salesforce *sf, struct deadline until, weir_error *err)
{
    struct batch_of_changes b = {0};
    weir_status status = WEIR_OK;
    pthread_mutex_lock(&sf->lock);
    b.claim = sf->claim;
    b.leased = sf->leased;
    bool good = collect(sf, &b);
    sf->save = false;
    pthread_mutex_unlock(&sf->lock);
    if (!good)
        status = error_no_memory(err);
    else if (b.count > 0)
        status = save_changes(sf, &b, until, err);
    if (status == WEIR_OK) {
        pthread_mutex_lock(&sf->lock);
        note_saved(sf, &b);
        pthread_mutex_unlock(&sf->lock);
        release(sf, &b);
    }
    free_changes(&b);
    return conclude(sf, status, err);
}

weir_status save_now(struct weir_salesforce *sf, struct deadline until, weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    if (!sf->store || !save_claim(sf))
        return error_ok(e);
    pthread_mutex_lock(&sf->saving);
    weir_status status = write_all(sf, until, e);
    pthread_mutex_unlock(&sf->saving);
    return status == WEIR_OK ? error_ok(e) : status;
}

/* A pause before the next try. False: there is none. */
static bool pause_for(struct weir_salesforce *sf, struct deadline until)
{
    int64_t now = clock_mono(sf->clock);
    int64_t again = now + SAVE_AGAIN_MS * NS_PER_MS;
    pthread_mutex_lock(&sf->lock);
    if (until.at_ns > now && !sf->closing && !sf->failed)
        helper_wait(sf, again < until.at_ns ? again : until.at_ns);
    bool over = sf->closing || sf->failed || clock_mono(sf->clock) >= until.at_ns;
    pthread_mutex_unlock(&sf->lock);
    return !over;
}

weir_status save_until(struct weir_salesforce *sf, struct deadline until, weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    weir_status status = save_now(sf, deadline_in(sf->clock, STORE_TIMEOUT_MS, 0), e);
    while (save_may_pass(status) && pause_for(sf, until))
        status = save_now(sf, deadline_in(sf->clock, STORE_TIMEOUT_MS, 0), e);
    if (status == WEIR_OK || status == WEIR_NO_MEMORY)
        return status;
    e->retry_in_ms = save_may_pass(status) ? 0 : -1;
    e->status = WEIR_STORE;
    return WEIR_STORE;
}

bool save_wait_claim(struct weir_salesforce *sf, struct deadline until)
{
    pthread_mutex_lock(&sf->lock);
    const struct claim *claim = sf->leased ? sf->claim : NULL;
    bool good = !claim || store_claim_good(sf->store, claim);
    if (!good) {
        sf->renew_at = 0; /* now */
        helper_wake(sf);
    }
    while (!good && !sf->failed && !sf->closing && clock_mono(sf->clock) < until.at_ns) {
        helper_wait(sf, until.at_ns);
        good = store_claim_good(sf->store, claim);
    }
    good = good && !sf->failed;
    pthread_mutex_unlock(&sf->lock);
    return good;
}
