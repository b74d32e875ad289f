/* salesforce/store.h - where records are kept; what the kinds of weir_replay have in common.
 *
 * Calls block (disk, network) for at most the `until` they are given, and come from the program's
 * threads or a handle's helper thread, never from the I/O thread. One call at a time is inside a
 * store; others wait outside, for as long as their own `until`.
 *
 * What a failure means: WEIR_CONFLICT, the claim is somebody else's; WEIR_BUSY, WEIR_UNREACHABLE,
 * WEIR_TIMEOUT, it may be tried again, and a save may have happened; WEIR_NO_MEMORY; anything else
 * is there to stay. */
#ifndef SALESFORCE_STORE_H
#define SALESFORCE_STORE_H

#include "core/deadline.h"
#include "salesforce/position.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* One listener's right to write: of an organisation and group. */
struct claim {
    char *organisation, *group;
    char token[33];                /* of this owner: 128 random bits in hex */
    _Atomic int64_t good_until_ns; /* boot clock; INT64_MAX: as long as it is held */
    void *kind;                    /* the store's own */
    struct claim *next;            /* of the same store */
};

struct store_change {
    const char *channel;
    const struct record *record;
    bool anew; /* the beginning changed: the position may go back. Else one that would is left as it
                  is, and all else of the record is written */
};

struct store_kind {
    const char *name; /* "sqlite" */
    /* Sets good_until_ns if it is not INT64_MAX. Two of one store never ask for the same
     * organisation and group. WEIR_CONFLICT: another listener has it (words for people in *err). */
    weir_status (*claim)(weir_replay *store, struct claim *claim, struct deadline until,
                         weir_error *err);
    /* Every 5 s. WEIR_CONFLICT: it has been lost. Anything else: try again while it is good. NULL:
     * it is never lost. */
    weir_status (*renew)(weir_replay *store, struct claim *claim, struct deadline until,
                         weir_error *err);
    /* NULL: there is nothing to do. */
    void (*release)(weir_replay *store, struct claim *claim, struct deadline until);
    /* WEIR_NOTHING: there is none. */
    weir_status (*load)(weir_replay *store, const struct claim *claim, const char *channel,
                        struct record *out, struct deadline until, weir_error *err);
    /* All or none, in one transaction. WEIR_CONFLICT: the claim is not good any more, and nothing
     * was written. */
    weir_status (*save)(weir_replay *store, const struct claim *claim,
                        const struct store_change *changes, size_t count, struct deadline until,
                        weir_error *err);
    void (*free)(weir_replay *store); /* store_clear() and what is its own */
};

struct weir_replay { /* first member of each kind */
    const struct store_kind *kind;
    atomic_size_t refs;
    const struct clock *clock;
    char *what; /* for errors: "the store 'replay.db'", "the store at redis.example:6379" */
    pthread_mutex_t lock;
    pthread_cond_t left;
    pid_t process;        /* a child of fork() must not use it          */
    bool entered;         /* @locked: a call is inside                  */
    struct claim *claims; /* those that are held; for who is inside     */
};

/* For the kinds: `size` bytes that begin with a weir_replay; `what` is taken over, NULL is want of
 * memory. */
weir_replay *store_new(const struct store_kind *kind, size_t size, char *what, weir_error *err);
void store_clear(weir_replay *store);
/* What `kept` is after `change`: positions never go back. */
void store_merge(struct record *kept, const struct store_change *change);

weir_status store_claim(weir_replay *store, const char *organisation, const char *group,
                        struct deadline until, struct claim **out, weir_error *err);
weir_status store_renew(weir_replay *store, struct claim *claim, struct deadline until,
                        weir_error *err);
void store_release(weir_replay *store, struct claim *claim, struct deadline until); /* frees it */
/* Whether what is delivered now is surely this owner's: false after a pause longer than the lease,
 * until it has been renewed. Any thread, never blocks. */
bool store_claim_good(weir_replay *store, const struct claim *claim);
weir_status store_load(weir_replay *store, const struct claim *claim, const char *channel,
                       struct record *out, struct deadline until, weir_error *err);
weir_status store_save(weir_replay *store, const struct claim *claim,
                       const struct store_change *changes, size_t count, struct deadline until,
                       weir_error *err);
#endif
