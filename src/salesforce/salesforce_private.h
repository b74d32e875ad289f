/* salesforce/salesforce_private.h - the handle, for the files it is made of.
 *
 * Threads. `lock` guards subscriptions, positions and all that is marked @locked; it is held for a
 * few instructions, never across a call of the client or the store. The I/O thread comes by the
 * dialect's hooks; the program's threads take and acknowledge, and write to the store themselves;
 * one helper thread (while there is a store) claims it, loads, keeps the claim alive, and writes
 * what nobody waits for. Who writes holds `saving` meanwhile, so that nothing older overwrites
 * anything newer. Order: saving, lock; neither is held while the client is called. */
#ifndef SALESFORCE_SALESFORCE_PRIVATE_H
#define SALESFORCE_SALESFORCE_PRIVATE_H

#include "bayeux/client.h"
#include "core/pool.h"
#include "salesforce/position_handed.h"
#include "salesforce/publish.h"
#include "salesforce/store.h"

#include <pthread.h>
#include <weir/salesforce.h>

#define BUCKETS           256
#define STORE_TIMEOUT_MS  10000 /* of one call of a store                           */
#define STORE_SHORTEST_MS 500   /* ... and at least, where connection_timeout is less */
#define RENEW_MS          5000
#define STANDBY_MS        1000 /* between two looks whether the store is free      */
#define SAVE_AGAIN_MS     1000
#define LIVE_MS           30000 /* how often "the session was alive" is written     */

enum subscription_state {
    SUB_GONE,      /* nobody wants it.         Next: PREPARING, ASKING       */
    SUB_PREPARING, /* the store is asked.      Next: ASKING, GONE            */
    SUB_ASKING,    /* the server is asked.     Next: IN_FORCE, GONE          */
    SUB_IN_FORCE   /* and made anew when the session is. Next: GONE           */
};

/* Never freed before the handle: events refer to it. All members @locked, but for the names. */
struct subscription {
    struct subscription *next, *chain; /* of all; of the same bucket                      */
    struct weir_salesforce *sf;
    char *channel; /* as subscribed */
    size_t base;   /* its length up to the '?' */
    enum from from;
    int64_t from_id;
    enum subscription_state state;
    bool asking;           /* the helper or the server has been asked, and may still answer */
    bool quiet;            /* nobody waits: failures are said by client_take() */
    bool leaving;          /* `leave` is out                                   */
    bool said_bare;        /* that its events have no replay id               */
    bool expired;          /* found when it was asked for anew: a gap, and on_gap says FAIL */
    unsigned era;          /* counts what was asked for                        */
    const weir_error *why; /* GONE: the reason, for who waits; or NULL         */
    const weir_error *gap; /* mended, not yet told                             */
    struct position position;
    struct handed handed; /* with manual_ack */
    bool dirty;           /* in sf->dirty      */
    struct subscription *next_dirty;
    bool out; /* in sf->out: asking for the next event acknowledges `out_id` */
    int64_t out_id;
    struct subscription *next_out;
    struct client_ask ask, leave;
};

struct weir_salesforce {
    struct client *client;
    weir_salesforce_options o; /* numbers and functions; its texts are gone */
    char *instance_url, *group;
    char api_version[16];
    struct http *http;
    weir_credentials *credentials;
    const struct clock *clock;
    pthread_mutex_t saving;

    pthread_mutex_t lock;
    pthread_cond_t moved; /* anything below has changed */
    unsigned waiters;     /* in helper_wait() */
    struct subscription *subscriptions, *buckets[BUCKETS];
    struct subscription *recent; /* of the newest event */
    size_t recent_len;           /* of its channel's text there */
    bool said_unknown;           /* that events of no subscription come */
    bool closing;
    const weir_error *failed; /* the owner's own failure; for ever */

    /* taking and acknowledging */
    bool taking; /* a thread is in next or take, without manual_ack */
    struct subscription *out;
    bool out_last;      /* with the last event of its answer */
    bool save_first;    /* a write failed: nothing more is handed out before it is done */
    weir_event **stash; /* taken, but the claim was not good */
    size_t stash_count;

    /* the store */
    weir_replay *store; /* NULL: none */
    struct claim *claim;
    bool leased; /* the claim can be lost */
    struct subscription *dirty;
    bool due;          /* one of them is: answers are held */
    bool save;         /* the helper is to write */
    weir_event **held; /* a reference to each answer that waits, by its first event */
    size_t held_count, held_room;
    struct pool *pool; /* the helper's thread; with `saving` held, as the next */
    bool helping;
    bool waiting;       /* told of WEIR_SESSION_WAITING          */
    bool out_of_touch;  /* told of an outage of the store           */
    int64_t dark_since; /* ... since when; monotonic                 */
    bool session_asked; /* a session is made, so that there is a token */
    const weir_error *session_why;
    struct client_ask session_ask;
    int64_t prepare_at, save_at, renew_at, live_at; /* monotonic */
    int64_t alive_ms; /* wall clock: when a connect was last answered well */
    bool live;        /* the helper is to note that in the records         */
};

/* ---- salesforce_table.c, @locked ---------------------------------------------------------- */

/* NULL: there is none of exactly this text. */
struct subscription *known_find(struct weir_salesforce *sf, const char *channel, size_t len);
/* Finds or makes; NULL: no memory. */
struct subscription *known_get(struct weir_salesforce *sf, const char *channel);
/* The subscription that an event on `channel` (a JSON string) belongs to: of that text, or, where
 * events name the topic without its filter, one with that base. May be GONE. NULL: none. */
struct subscription *known_of_event(struct weir_salesforce *sf, weir_bytes channel);
/* With `sub`, the others that its events belong to as well: start with `other` NULL. */
struct subscription *known_twin(struct subscription *sub, weir_bytes channel,
                                struct subscription *other);
void known_free(struct weir_salesforce *sf);

/* ---- salesforce_save.c --------------------------------------------------------------------- */

/* @locked. The position changed: the store is to know. `soon`: the helper writes. */
void save_note(struct subscription *sub, bool soon);
/* Writes all that the store does not have, and releases what was held for that. Blocks; any thread
 * but the I/O thread. A failure that is there to stay ends the handle. */
weir_status save_now(struct weir_salesforce *sf, struct deadline until, weir_error *err);
/* The same, again and again until `until` while that may help. *err is WEIR_STORE. */
weir_status save_until(struct weir_salesforce *sf, struct deadline until, weir_error *err);
bool save_may_pass(weir_status status);
/* The claim, once there is one; it stays until the handle is closed. */
struct claim *save_claim(struct weir_salesforce *sf);
/* Any thread: ends the handle. */
void save_fail(struct weir_salesforce *sf, const weir_error *why);
/* Any thread. Waits until what is delivered is surely ours. False: not by `until`. */
bool save_wait_claim(struct weir_salesforce *sf, struct deadline until);

/* ---- salesforce_helper.c ------------------------------------------------------------------- */

/* The helper's thread is there; not @locked. */
weir_status helper_start(struct weir_salesforce *sf, weir_error *err);
/* @locked */
void helper_wake(struct weir_salesforce *sf);
/* @locked; until something moved, or that point in time (monotonic). */
void helper_wait(struct weir_salesforce *sf, int64_t until_ns);

/* ---- salesforce_hooks.c --------------------------------------------------------------------- */

extern const struct client_dialect salesforce_dialect;
/* For client_options. */
void hook_handle(void *user, struct client_event *event);
void hook_news(void *user, weir_session_news news, const char *channel, const weir_error *why);
void hook_over(void *user, const weir_error *why);

/* ---- salesforce_take.c ---------------------------------------------------------------------- */

/* These events are the program's now. */
void take_hand_out(struct weir_salesforce *sf, weir_event *const *events, size_t count);
/* @locked. What was handed out is acknowledged. True: it is time to write that. */
bool take_acknowledge(struct weir_salesforce *sf);

/* ---- salesforce_subscribe.c ------------------------------------------------------------------ */

/* @locked: it is over; `why` NULL: nobody asks. */
void subscription_gone(struct subscription *sub, const weir_error *why);
/* The store has been asked (or there is none): the server is. Not @locked. */
void subscription_ask(struct subscription *sub);
/* Of options.channel. */
weir_status subscription_open(struct weir_salesforce *sf, const char *channel, const char *from,
                              weir_error *err);
/* A failure that nobody waits for; any thread but with no lock held. */
void subscription_complain(struct weir_salesforce *sf, const weir_error *why);
#endif
