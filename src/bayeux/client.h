/* bayeux/client.h - the driver of a Bayeux session: what weir_bayeux and weir_salesforce are thin
 * faces of. It joins the session's mind (session.h), the transports, the credentials and the queue
 * that the program takes events from.
 *
 * Threads: functions are for any thread unless marked. Hooks marked @io come on the I/O thread (or
 * on one that has borrowed the loop), must not block and may call client_ functions that are not
 * blocking. No hook is called any more once client_close() has returned true.
 *
 * Answers, not events, go through the queue: an answer of the server is queued whole, in the order
 * of arrival, never split or dropped; while `max_queued` events wait no further connect is sent. */
#ifndef BAYEUX_CLIENT_H
#define BAYEUX_CLIENT_H

#include "bayeux/names.h"
#include "bayeux/session.h"
#include "core/deadline.h"
#include "core/event.h"
#include "io/loop.h"
#include <weir/bayeux.h>

struct client;

/* ---- events ------------------------------------------------------------------------------ */

/* One event of an answer; a weir_event to the program (client_event_of()). All events of an answer
 * are one block that holds the answer; a reference to one is a reference to all. */
struct client_event {
    struct event_slice slice; /* first: it is a weir_event */
    struct client_answer *answer;
    const struct message *message; /* in answer->batch */
    void *tag;                     /* the dialect's: a subscription. Not to be followed when the
                                      handle may be gone (describe) */
    int64_t number;                /* the dialect's: a replay id. Otherwise a running number  */
    bool last; /* the last of its answer that is delivered; valid once the answer is passed on */
};

struct client_item { /* of the queue; the client's own */
    struct client_item *next;
    bool notice; /* a notice, not an answer */
};
struct client_answer {
    struct client_item item; /* first; the client's own, as the next three */
    atomic_size_t refs;
    bool held;
    atomic_bool released;
    struct batch *batch;
    struct client_origin *origin;
    int64_t date_s;      /* the answer's Date header; 0: it has none */
    size_t count, taken; /* events that are delivered; of these, handed over */
    struct client_event events[];
};

/* Where events come from: outlives the handle, immutable. */
struct client_origin {
    atomic_size_t refs;
    const struct client_dialect *dialect;
    char *url;       /* what `source` begins with: the endpoint's, or what `endpoint` said */
    char unique[17]; /* of this handle, for ids of events that have none */
};

/* The client's event that a weir_event is; NULL: it is no event of a client. And back. */
struct client_event *client_event_of(const weir_event *event);
weir_event *client_event_as(struct client_event *event);

/* ---- what a dialect adds ----------------------------------------------------------------- */

/* Where to go with this token; both texts are core/mem and become the client's. */
struct client_endpoint {
    char *url;    /* requests go there */
    char *source; /* what events' "source" begins with; NULL: as url */
};

struct client_dialect { /* static */
    const char *part;   /* "bayeux", "salesforce": logs, and handles' names: "salesforce#1" */
    enum name_grammar grammar;
    /* The session keeps the token it shook hands with until that is refused; else each request
     * carries the newest. */
    bool sticky_token;
    bool replays;                  /* session_options.replays */
    size_t max_request;            /* bytes of a request's body; 0: no limit of its own */
    const char *const *transports; /* offered, ended by NULL; NULL: by options.transport      */
    /* All of `session` are @io, with options.user; members may be NULL. */
    struct session_hooks session;
    /* @io. A login is done (token NULL: without credentials). A failure is the login's. NULL: the
     * URL of the options. */
    weir_status (*endpoint)(void *user, const weir_token *token, struct client_endpoint *out,
                            weir_error *err);
    /* @io. False: not delivered (counted as dropped). May fill tag and number. NULL: all are. */
    bool (*event)(void *user, struct client_event *event);
    /* @io. The events of an answer are about to be queued (answer->count of them, at least one).
     * False: hold it, and what comes after it, until client_release(). NULL: all pass. */
    bool (*pass)(void *user, struct client_answer *answer);
    /* Fills an event's attributes when somebody asks: any thread, once, perhaps long after the
     * handle is gone, so it uses the event's message, number and origin only. client_describe()
     * does what all have in common. */
    weir_status (*describe)(const struct client_event *event, weir_event *into, weir_error *err);
};

/* Sets id, source, type, time, "channel" (not part of structured mode) and datacontenttype. `id`
 * NULL: the message's, or one of our own making. */
weir_status client_describe(const struct client_event *event, weir_event *into, const char *type,
                            const char *id, weir_error *err);

/* ---- opening and closing ----------------------------------------------------------------- */

struct client_options {
    const struct client_dialect *dialect;
    void *user;            /* of all hooks */
    weir_bayeux_options o; /* as the program gave them, read by options_read(); numbers may be 0
                              for their defaults. `url` NULL: `endpoint` says it. handler, on_news
                              and user in it are not used: the two hooks below are */
    /* On a thread of the handle's own, one call at a time, in order; the event is borrowed. NULL:
     * events are taken by client_take(). */
    void (*handle)(void *user, struct client_event *event);
    /* On a library thread (not @io), one call at a time. May be NULL. */
    void (*news)(void *user, weir_session_news news, const char *channel, const weir_error *why);
    /* @io, once: the session is over (closed or failed): nothing more comes. May be NULL. */
    void (*over)(void *user, const weir_error *why);
};

/* Returns at once, nothing is sent. WEIR_INVALID names the option that is wrong. */
struct client *client_open(const struct client_options *options, weir_error *err);
/* Ends the session in good order; events that have arrived can still be taken, then WEIR_STOPPED.
 * Any thread, and signal handlers. */
void client_stop(struct client *client);
/* Stops, waits for the goodbye (2 s at most), for callbacks that run, and frees. False: called in a
 * callback of the handle (handle, news) or on the I/O thread, it has only stopped. NULL is fine. */
bool client_close(struct client *client);
/* Is this thread in a callback of the handle, or the I/O thread? */
bool client_calls_back(const struct client *client);
/* Until the session is over and, with a handler, what has arrived is handled: WEIR_OK after a stop,
 * else why; WEIR_NOTHING: it lives at the limit. */
weir_status client_wait(struct client *client, struct deadline until, weir_error *err);
/* The owner's own failure, for ever: a store that is lost. What is held is dropped; what is queued
 * can still be taken. */
void client_fail(struct client *client, const weir_error *why);

struct loop *client_loop(struct client *client);      /* borrowed */
const char *client_name(const struct client *client); /* "salesforce#1" */
/* @io. The server's clock by the newest answer, ms since the epoch (whole seconds); 0: unknown. */
int64_t client_server_ms(const struct client *client);
/* @io. The token the session uses; NULL: none. Borrowed. */
const weir_token *client_token(const struct client *client);

/* ---- asking ------------------------------------------------------------------------------ */

/* A wish, embedded in what it is about or on a waiting thread's stack. Fill the first members. */
struct client_ask {
    enum meta meta; /* SUBSCRIBE, UNSUBSCRIBE, PUBLISH, HANDSHAKE (a session is wanted) */
    const char *channel;
    weir_bytes data; /* PUBLISH: JSON */
    bool patient;    /* SUBSCRIBE: wait through limits and overload; else they are the answer */
    /* @io, exactly once, unless it is withdrawn. `reply` may be NULL; both are borrowed. The ask
     * is no longer used by the client when this is called. */
    void (*done)(struct client_ask *ask, const struct message *reply, const weir_error *why);
    /* the client's from here on */
    struct session_ask ask;
    struct client *client;
    struct loop_task task;
    int state;
};

/* Returns at once; what is wrong comes by `done`. Names are checked before by client_check(). */
void client_ask(struct client *client, struct client_ask *ask);
/* Returns when `done` cannot come any more (it may have come); the wish is taken back. Not @io. */
void client_withdraw(struct client *client, struct client_ask *ask);
/* Asks and waits; of `what` the members that are to be filled, without `done`. WEIR_TIMEOUT:
 * withdrawn. `answer` unless NULL: the reply's text, core/mem. */
weir_status client_call(struct client *client, const struct client_ask *what, char **answer,
                        struct deadline until, weir_error *err);
/* The reply to the newest handshake, core/mem; asks for a session if there is none. */
char *client_session_text(struct client *client, struct deadline until, weir_error *err);
/* The channels subscribed, as weir_bayeux_subscriptions(). */
char **client_subscriptions(struct client *client, weir_error *err);

/* ---- taking ------------------------------------------------------------------------------ */

/* Up to `room` events of one answer, in order; each is a reference of the caller's, and a
 * client_event (client_event_of()). Otherwise as weir_bayeux_next(); count is 0 then. */
weir_status client_take(struct client *client, weir_event **events, size_t room, size_t *count,
                        struct deadline until, weir_error *err);
int client_fd(struct client *client);

/* An answer that `pass` held may be queued. In any order; they are queued in that of arrival. */
void client_release(struct client *client, struct client_answer *answer);

/* ---- saying ------------------------------------------------------------------------------ */

/* News of the owner's, in order with the session's. `channel` and `why` are copied. */
void client_news(struct client *client, weir_session_news news, const char *channel,
                 const weir_error *why);
/* @io. Said once by client_take(), in order with the events, and not the end: a channel that is no
 * longer subscribed. */
void client_complain(struct client *client, const weir_error *why);
/* @io. An outage of the owner's own: said once by client_take() as one that is being mended, unless
 * it is over by then. */
void client_outage(struct client *client, const weir_error *why);
void client_outage_over(struct client *client);
void client_counters(struct client *client, weir_session_counters *out);
#endif
