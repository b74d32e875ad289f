/* bayeux/session.h - a Bayeux session without network, clock, thread or lock: tell it what
 * happened, ask it what to do. Its owner (client.c) has it on the I/O thread. Tests are tables with
 * a virtual clock.
 *
 *   session_...(what happened)   then   session_next() until SESSION_NOTHING   then   wait until
 *   session_wake(), an answer, or a wish of the program.
 *
 * What is out at once are exchanges, numbered from 1, at most two: the /meta/connect, and one for
 * all the rest; on long polling each is a request. An exchange is over when all its messages are
 * answered, or with session_ended() or session_lost(); of one that is over both are ignored. So on
 * long polling session_next() is not asked between the session_received() of an answer and its
 * session_ended(). Replies are matched by "id" whichever way they come. */
#ifndef BAYEUX_SESSION_H
#define BAYEUX_SESSION_H

#include "bayeux/verdict.h"
#include "core/backoff.h"

enum session_state {
    SESSION_IDLE,        /* nobody wants anything.     Next: LOGGING_IN, CLOSED                  */
    SESSION_LOGGING_IN,  /* wants a token.             Next: HANDSHAKING, WAITING, FAILED        */
    SESSION_HANDSHAKING, /* /meta/handshake is out.    Next: CONNECTING, WAITING, LOGGING_IN,
                            FAILED                                                               */
    SESSION_CONNECTING,  /* the first /meta/connect, which the server answers at once.
                                                       Next: CONNECTED, WAITING, LOGGING_IN      */
    SESSION_CONNECTED,   /* long polls, one after the other. Next: WAITING, HANDSHAKING,
                            LOGGING_IN, PAUSING, CLOSING, FAILED                                 */
    SESSION_WAITING,     /* a pause after a failure.   Next: CONNECTING, HANDSHAKING, LOGGING_IN,
                            FAILED (given up), CLOSING                                           */
    SESSION_PAUSING,     /* nobody takes events: /meta/disconnect is out. Next: PAUSED           */
    SESSION_PAUSED,      /* Next: LOGGING_IN when there is room again, CLOSED                    */
    SESSION_CLOSING,     /* /meta/disconnect is out.   Next: CLOSED                              */
    SESSION_CLOSED,      /* final                                                                */
    SESSION_FAILED       /* final; session_reason() says why */
};

/* Something the program asked for; embedded in what its owner keeps for it. */
struct session_ask {
    enum meta meta; /* SUBSCRIBE, UNSUBSCRIBE, PUBLISH, HANDSHAKE (a session is wanted) */
    const char *channel;
    weir_bytes data; /* PUBLISH: JSON */
    /* SUBSCRIBE: an overloaded server and limits are waited for; else they are the answer. */
    bool patient;
    /* the session's from here on */
    struct session_ask *next, *before;
    struct session_asks *list;
    uint64_t id; /* of the message, while it is out */
    const weir_error *why;
    struct batch *reply;
};

/* What dialects add. All are called from within session_ functions; none may call back. */
struct session_hooks {
    /* Appends members of "ext" to an outgoing message: "\"replay\":{...}"; separated by commas.
     * `channel`: the one subscribed, or published to (then with `data`), or the message's own. */
    void (*outgoing)(void *user, enum meta meta, const char *channel, weir_bytes data,
                     struct buf *ext);
    /* NULL: verdict_of_reply(). */
    enum verdict (*judge)(void *user, enum meta meta, const struct message *reply,
                          const char *reconnect, weir_error *err);
    /* A subscription is in force: the first time, or anew. */
    void (*subscribed)(void *user, const char *channel, const struct message *reply);
    /* A handshake succeeded; `reply` is its whole text. */
    void (*opened)(void *user, const struct message *reply);
    /* A connect was answered well: the session lives. */
    void (*alive)(void *user);
};

struct session_options {
    const struct session_hooks *hooks;
    void *user;
    const struct clock *clock;     /* randomness only */
    const char *name;              /* for logs: "bayeux#1"; static, or outlives it; may be NULL  */
    const char *const *transports; /* offered: "long-polling", "websocket"; ended by NULL        */
    bool ack;                      /* offer the acknowledge extension                            */
    bool batch;                    /* several messages in one request                            */
    bool replays; /* what an answer held that was lost on its way comes again with a new session
                     only, because subscriptions say where they left off: so it is made anew     */
    size_t max_request; /* bytes of a request's body, 0: any; Salesforce: 32,768              */
    weir_ms connection_timeout, stall, max_network_delay; /* 0: 10 s, 30 s, 10 s               */
    weir_ms give_up;                                      /* 0, WEIR_FOREVER: never            */
};

/* (src/rpc has session_new(), session_free() and session_why() of its own.) */
struct session;
struct session *session_create(const struct session_options *options, weir_error *err);
void session_destroy(struct session *s);

enum session_action_kind {
    SESSION_NOTHING,
    SESSION_LOGIN,  /* get a token: a new one if `fresh` (the last was refused); session_token() */
    SESSION_SEND,   /* post `text` as exchange `exchange`; session_ended() or session_lost()     */
    SESSION_CANCEL, /* exchange `exchange` is not waited for any more                            */
    SESSION_DONE,   /* `ask` is over: *why OK, or the failure; `reply` of a publication, or NULL.
                       Good until the next call; the ask is the owner's again                    */
    SESSION_NEWS,   /* tell the program: a weir_session_news, `channel`, `why`                   */
    SESSION_RESET,  /* the session is gone: cookies stay, a WebSocket is closed, transports are
                       negotiated anew                                                           */
    SESSION_OVER    /* CLOSED or FAILED: session_reason()    */
};

struct session_action {
    enum session_action_kind kind;
    unsigned exchange;
    bool connect;     /* SEND: it is the /meta/connect, which the server holds                  */
    bool fresh;       /* LOGIN                                                                  */
    const char *text; /* SEND: a JSON array; good until the next call                           */
    size_t len;
    int64_t until_ns; /* SEND: time limit of the answer; the owner fails it then                */
    struct session_ask *ask;
    const struct message *reply;
    int news;
    const char *channel;
    const weir_error *why;
};
void session_next(struct session *s, int64_t now_ns, struct session_action *out);
int64_t session_wake(const struct session *s); /* INT64_MAX: nothing is timed */

/* ---- what happened ----------------------------------------------------------------------- */

/* The program wants this. The ask stays until SESSION_DONE, or session_withdraw(). */
void session_ask(struct session *s, int64_t now_ns, struct session_ask *ask);
/* No answer is wanted any more; a subscription that was asked for is taken back. */
void session_withdraw(struct session *s, int64_t now_ns, struct session_ask *ask);
/* After SESSION_LOGIN: there is a token (or none is needed), or *why not. */
void session_token(struct session *s, int64_t now_ns, const weir_error *why);
/* A message has come in. True: it is an event, for the owner to deliver. */
bool session_received(struct session *s, int64_t now_ns, const struct message *message);
/* Of long polling: this exchange is over, all its messages have been given to session_received().
 * `why` OK, or why there was no answer. `left`: the request may have reached the server; else it
 * surely has not, and a publication may be repeated. */
void session_ended(struct session *s, int64_t now_ns, unsigned exchange, const weir_error *why,
                   bool left);
/* Of a WebSocket: it is gone, with all that was out. `left`: as above, of any. */
void session_lost(struct session *s, int64_t now_ns, const weir_error *why, bool left);
/* From the next handshake on these are offered (not copied; ended by NULL). A session on one that
 * is not among them is given up and negotiated anew. */
void session_transports(struct session *s, int64_t now_ns, const char *const *transports);
void session_time_passed(struct session *s, int64_t now_ns);
/* The owner's queue: `full` no further connect is sent; a queue that stays full for `stall` ends
 * the session in good order, until it is said to be half empty (`full` false, `half` true). */
void session_queue(struct session *s, int64_t now_ns, bool full, bool half_empty);
void session_close(struct session *s, int64_t now_ns);
/* At once, from wherever it is: SESSION_FAILED. For the owner's own failures (a store). */
void session_fail(struct session *s, int64_t now_ns, const weir_error *why);

enum session_state session_state(const struct session *s);
const weir_error *session_reason(const struct session *s);
/* Channels in force or asked for; index from 0, NULL after the last. */
const char *session_subscription(const struct session *s, size_t index);
/* "websocket", "long-polling": what the last handshake settled on; NULL before. */
const char *session_transport(const struct session *s);
bool session_has_worked(const struct session *s); /* a connect has ever succeeded */
#endif
