/* salesforce/position.h - where one subscription stands: what to ask the server for when it
 * subscribes (again), which events are the program's, and what a store must know. Pure.
 *
 * Replay ids are integers of 64 bits here, ascending on their channel, not contiguous. Instants are
 * milliseconds since the epoch; 0: unknown. */
#ifndef SALESFORCE_POSITION_H
#define SALESFORCE_POSITION_H

#include "core/buf.h"

#include <weir/replay.h>

/* What a store keeps of a subscription. As text (weir_replay_ops, files):
 * {"position":"42","began":"new"|"all"|"after","beganId":"41","beganMs":1700000000000,"liveMs":...}
 * with members left out that say nothing. */
enum began {
    BEGAN_NOWHERE, /* nothing is known */
    BEGAN_NEW,  /* at an instant: began_ms (server's clock); began_id: the first event, once seen */
    BEGAN_ALL,  /* with all there was */
    BEGAN_AFTER /* after the event began_id */
};
struct record {
    bool has_position, has_began_id;
    int64_t position; /* last acknowledged; never goes back while the beginning stays the same */
    enum began began; /* until the first acknowledgement a restart fetches all from there */
    int64_t began_id, began_ms;
    int64_t live_ms; /* when the session was last known to be alive; wall clock */
};

/* WEIR_STORE: it is none, or says what cannot be. Unknown members are passed over. */
weir_status record_parse(struct record *out, const char *text, size_t len, weir_error *err);
/* `text` holds WEIR_REPLAY_RECORD_SIZE bytes. */
void record_format(const struct record *record, char *text);

enum from { FROM_NEW, FROM_ALL, FROM_STORED, FROM_ID };
/* "new", "-1", "all", "-2", "stored", "42". WEIR_INVALID: none of these. */
weir_status from_parse(const char *text, enum from *from, int64_t *id, weir_error *err);

/* In place of a replay id. */
#define ASK_NEW (-1)
#define ASK_ALL (-2)

struct position {
    struct record record; /* as the store has it, or will once it is saved */
    bool begun;           /* the beginning stands in `record`                                    */
    bool due;             /* the store must be told before anything more is delivered */
    bool anew;            /* ... and its position may go back then: the beginning is another one  */
    unsigned version;     /* of `record`; the store has `saved` */
    unsigned saved;
    bool delivered_any;
    int64_t first, delivered; /* lowest and highest id handed to the queue since it began       */
    int64_t asked;            /* by the last position_ask() */
    int64_t drop_before_id, drop_before_ms; /* while a replay of ALL is sifted; 0: nothing */
    bool gap_mended;                        /* ALL or NEW instead: not yet told to the program    */
    int64_t retention_ms;                   /* 72 h; 24 h for /topic and /u */
};

/* `stored` NULL: no store has a record. Other beginnings than STORED replace what it says, once the
 * server has agreed. */
void position_init(struct position *p, const char *channel, enum from from, int64_t from_id,
                   const struct record *stored);
/* What the next /meta/subscribe asks for: ASK_NEW, ASK_ALL, or an id. */
int64_t position_ask(struct position *p);
/* Before subscribing: is the last live session longer ago than the server keeps events? */
bool position_expired(const struct position *p, int64_t now_ms);
/* The subscription is in force; `server_ms` is the server's clock, rounded down. */
void position_subscribed(struct position *p, int64_t server_ms, int64_t now_ms);
/* The server no longer has what was asked for, or it expired: start over with all or with new
 * ones. What was delivered before cannot be acknowledged any more. */
void position_mend(struct position *p, bool all);
/* Whether position_event() needs to know when the event was created. */
static inline bool position_sifts_by_time(const struct position *p)
{
    return p->drop_before_ms != 0;
}
/* An event has arrived. False: it is older than asked for, or has been delivered. */
bool position_event(struct position *p, bool has_id, int64_t id, int64_t created_ms);
/* Acknowledged; false: it was already, or it was never delivered. */
bool position_ack(struct position *p, int64_t id);
/* The session of this subscription was alive at `now_ms`. */
void position_live(struct position *p, int64_t now_ms);

static inline bool position_unsaved(const struct position *p)
{
    return p->version != p->saved;
}
/* The store has `record` as it was at `version`. */
void position_saved(struct position *p, unsigned version);
#endif
