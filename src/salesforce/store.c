/* What all stores have in common: references, one call inside at a time, claims.
 *
 * "Inside" is a flag under a mutex and not the mutex itself, because a call may take seconds (a
 * disk, a network) and those who wait for it have limits of their own. */
#include "salesforce/store.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

weir_replay *store_new(const struct store_kind *kind, size_t size, char *what, weir_error *err)
{
    weir_replay *store = what ? mem_zalloc(size) : NULL;
    if (!store) {
        mem_free(what);
        error_no_memory(err);
        return NULL;
    }
    store->kind = kind;
    store->clock = clock_system();
    store->what = what;
    store->process = getpid();
    atomic_init(&store->refs, 1);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->left, NULL);
    return store;
}

void store_clear(weir_replay *store)
{
    pthread_cond_destroy(&store->left);
    pthread_mutex_destroy(&store->lock);
    mem_free(store->what);
    mem_free(store);
}

weir_replay *weir_replay_ref(weir_replay *store)
{
    if (store)
        atomic_fetch_add_explicit(&store->refs, 1, memory_order_relaxed);
    return store;
}

void weir_replay_free(weir_replay *store)
{
    if (!store || atomic_fetch_sub(&store->refs, 1) > 1)
        return;
    if (store->process != getpid()) /* its files and connections are the parent's */
        return;
    int shielded = shield_up();
    store->kind->free(store);
    shield_down(shielded);
}

weir_replay *weir_replay_open(const char *path_or_url, weir_error *err)
{
    if (error_held(err))
        return NULL;
    bool url = path_or_url && (strncmp(path_or_url, "redis://", 8) == 0 ||
                               strncmp(path_or_url, "rediss://", 9) == 0);
    return url ? weir_replay_redis(path_or_url, err) : weir_replay_sqlite(path_or_url, err);
}

void store_merge(struct record *kept, const struct store_change *change)
{
    const struct record *is = change->record;
    bool back =
        !change->anew && kept->has_position && (!is->has_position || is->position < kept->position);
    int64_t position = kept->position;
    *kept = *is;
    if (back) {
        kept->has_position = true;
        kept->position = position;
    }
}

/* --- one at a time ------------------------------------------------------------------------ */

/* False: `until` has passed. */
static bool wait_outside(weir_replay *store, struct deadline until)
{
    struct timespec at = {until.at_ns / NS_PER_S, (long)(until.at_ns % NS_PER_S)};
    if (until.at_ns == INT64_MAX)
        return pthread_cond_wait(&store->left, &store->lock) == 0;
    return pthread_cond_clockwait(&store->left, &store->lock, CLOCK_MONOTONIC, &at) == 0;
}

static weir_status enter(weir_replay *store, struct deadline until, weir_error *err)
{
    bool waits = true;
    if (store->process != getpid())
        return error_set(err, WEIR_INVALID,
                         "%s: it was opened before fork(); the child must open its own",
                         store->what);
    pthread_mutex_lock(&store->lock);
    while (store->entered && waits)
        waits = wait_outside(store, until);
    bool mine = !store->entered;
    store->entered = true;
    pthread_mutex_unlock(&store->lock);
    if (mine)
        return WEIR_OK;
    return error_set(err, WEIR_TIMEOUT, "%s: another thread's call has not ended in time",
                     store->what);
}

static void leave(weir_replay *store)
{
    pthread_mutex_lock(&store->lock);
    store->entered = false;
    pthread_cond_signal(&store->left);
    pthread_mutex_unlock(&store->lock);
}

/* --- claims ------------------------------------------------------------------------------- */

static void claim_free(struct claim *claim)
{
    mem_free(claim->organisation);
    mem_free(claim->group);
    mem_free(claim);
}

static struct claim *claim_new(weir_replay *store, const char *organisation, const char *group)
{
    unsigned char random[16];
    struct claim *claim = mem_zalloc(sizeof *claim);
    if (!claim)
        return NULL;
    claim->organisation = mem_strdup(organisation);
    claim->group = mem_strdup(group);
    atomic_init(&claim->good_until_ns, INT64_MAX);
    clock_random_bytes(store->clock, random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(claim->token + 2 * i, 3, "%02x", random[i]);
    if (claim->organisation && claim->group)
        return claim;
    claim_free(claim);
    return NULL;
}

/* Only for who is inside. */
static bool held_here(const weir_replay *store, const struct claim *claim)
{
    for (const struct claim *c = store->claims; c; c = c->next) {
        if (strcmp(c->organisation, claim->organisation) == 0 &&
            strcmp(c->group, claim->group) == 0)
            return true;
    }
    return false;
}

static weir_status claim_inside(weir_replay *store, struct claim *claim, struct deadline until,
                                weir_error *err)
{
    if (held_here(store, claim))
        return error_set(err, WEIR_CONFLICT,
                         "%s: another listener of this process has it for organisation %s, group "
                         "'%s'; end that one, or give this one a group of its own",
                         store->what, claim->organisation, claim->group);
    weir_status status = store->kind->claim(store, claim, until, err);
    if (status != WEIR_OK)
        return status;
    claim->next = store->claims;
    store->claims = claim;
    return error_ok(err);
}

weir_status store_claim(weir_replay *store, const char *organisation, const char *group,
                        struct deadline until, struct claim **out, weir_error *err)
{
    *out = NULL;
    struct claim *claim = claim_new(store, organisation, group);
    if (!claim)
        return error_no_memory(err);
    weir_status status = enter(store, until, err);
    if (status == WEIR_OK) {
        status = claim_inside(store, claim, until, err);
        leave(store);
    }
    if (status == WEIR_OK)
        *out = claim;
    else
        claim_free(claim);
    return status;
}

weir_status store_renew(weir_replay *store, struct claim *claim, struct deadline until,
                        weir_error *err)
{
    if (!store->kind->renew)
        return error_ok(err);
    weir_status status = enter(store, until, err);
    if (status != WEIR_OK)
        return status;
    status = store->kind->renew(store, claim, until, err);
    leave(store);
    return status == WEIR_OK ? error_ok(err) : status;
}

void store_release(weir_replay *store, struct claim *claim, struct deadline until)
{
    if (!claim)
        return;
    if (enter(store, (struct deadline){INT64_MAX}, NULL) != WEIR_OK) /* who is inside has a limit */
        return;                                                      /* a fork's child */
    struct claim **at = &store->claims;
    while (*at && *at != claim)
        at = &(*at)->next;
    if (*at)
        *at = claim->next;
    if (store->kind->release)
        store->kind->release(store, claim, until);
    leave(store);
    claim_free(claim);
}

bool store_claim_good(weir_replay *store, const struct claim *claim)
{
    int64_t good_until = atomic_load(&claim->good_until_ns);
    return good_until == INT64_MAX || clock_boot(store->clock) < good_until;
}

/* --- records ------------------------------------------------------------------------------ */

weir_status store_load(weir_replay *store, const struct claim *claim, const char *channel,
                       struct record *out, struct deadline until, weir_error *err)
{
    *out = (struct record){0};
    weir_status status = enter(store, until, err);
    if (status != WEIR_OK)
        return status;
    status = store->kind->load(store, claim, channel, out, until, err);
    leave(store);
    if (status == WEIR_OK || status == WEIR_NOTHING)
        error_ok(err);
    return status;
}

weir_status store_save(weir_replay *store, const struct claim *claim,
                       const struct store_change *changes, size_t count, struct deadline until,
                       weir_error *err)
{
    if (count == 0)
        return error_ok(err);
    weir_status status = enter(store, until, err);
    if (status != WEIR_OK)
        return status;
    status = store->kind->save(store, claim, changes, count, until, err);
    leave(store);
    return status == WEIR_OK ? error_ok(err) : status;
}
