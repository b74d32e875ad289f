/* zeebe/pending.h - the inside of a pending call, for this folder: a command whose answers wait in
 * an inbox. */
#ifndef ZEEBE_PENDING_H
#define ZEEBE_PENDING_H

#include "core/inbox.h"
#include "zeebe/command.h"

/* At most so many messages of a stream, or about so many bytes of them, wait for their reader. */
#define PENDING_MESSAGES_MOST 32
#define PENDING_BYTES_MOST    (256 * 1024)

/* Received metadata, copied whole into one block. */
struct kept {
    struct kept *older;
    size_t count, size;   /* entries; bytes of all of it */
    weir_metadata list[]; /* then the text */
};

struct pending_item {
    size_t len;
    char data[];
};

enum pending_callback {
    CALLBACK_NONE,   /* nobody wants to be called. Next: QUIET                       */
    CALLBACK_QUIET,  /* nothing new. Next: QUEUED                                    */
    CALLBACK_QUEUED, /* waits in the pool. Next: RUNNING                             */
    CALLBACK_RUNNING /* Next: QUEUED, QUIET                                          */
};

struct weir_call {
    struct command command; /* first; its events come to pending_events */
    /* The owner's, the engine's until the end, and one for each place a task of it waits in. */
    atomic_int refs;
    weir_channel *channel; /* until weir_call_free() */
    struct inbox *inbox;
    char *wire;
    struct kept *request_headers;
    bool compact;
    const weir_error *broken; /* kept: an answer could not be read, what next says from then on */

    struct pending_item *answer; /* of a unary call; @thread io until the end, then constant */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool ended, freed;     /* @locked, as everything below */
    bool given;            /* weir_call_next() has had the answer */
    bool orphan;           /* whoever ends it closes the channel */
    bool posted, cancel;   /* of the task */
    struct loop_task task; /* orders for the I/O thread */
    size_t queued, asked;  /* messages in the inbox; asked for and not received */
    size_t last_len;       /* of the last message; SIZE_MAX: none yet */
    struct kept *headers, *trailers;
    enum pending_callback callback;
    struct pool_task callback_task;
    struct pool *pool;
    weir_call_fn *fn;
    void *user;
    bool again, taken, end_seen; /* news while it ran; it took something; it saw the end */
};

extern const struct command_events pending_events;

/* `plan` is set up but for its events; `wire`, its request, is the call's from here on. NULL:
 * nothing was started. */
weir_call *pending_start(const struct command *plan, char *wire, bool compact, weir_error *err);
/* Waits for the end. WEIR_OK: it went well; WEIR_NOTHING: not yet, *err is clear; else its failure.
 */
weir_status pending_wait(struct weir_call *call, weir_ms timeout, weir_error *err);
void pending_unref(struct weir_call *call);
/* @locked. How many more messages should be asked for. */
size_t pending_room(const struct weir_call *call);
/* @locked. The I/O thread will look at the orders. */
void pending_attend(struct weir_call *call);
/* @locked. There is something to take: tells whoever wants to be called. */
void pending_notify(struct weir_call *call);
/* @locked. Waits until no callback runs but the one that asks. */
void pending_wait_callback(struct weir_call *call);

struct kept *kept_copy(const weir_metadata *list, size_t count, struct kept *older);
void kept_free(struct kept *kept);
#endif
