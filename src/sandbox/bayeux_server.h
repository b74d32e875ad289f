/* sandbox/bayeux_server.h - the server's side of Bayeux 1.0, as CometD speaks it and as Salesforce
 * does: sessions, subscriptions, queues, connects that are held. Pure: no network, time and
 * randomness from the clock it is given; bayeux_server_pass() makes happen what is due. One thread
 * at a time.
 *
 * An exchange is what came in one HTTP request or one frame: messages, and one answer to all of
 * them, at once or later. An exchange that is answered holds no reference to the server. */
#ifndef SANDBOX_BAYEUX_SERVER_H
#define SANDBOX_BAYEUX_SERVER_H

#include "core/buf.h"
#include "core/clock.h"
#include "core/json.h"
#include "sandbox/fault.h"
#include "sandbox/salesforce_log.h"

#include <sys/queue.h>

#define BAYEUX_SESSIONS_MAX      2000
#define BAYEUX_QUEUED_MAX        ((size_t)4 * 1000 * 1000) /* of all sessions */
#define BAYEUX_SUBSCRIPTIONS_MAX 200000                    /* of all sessions */
#define BAYEUX_MESSAGES_MAX      1024                      /* of one exchange */
#define BAYEUX_ANSWER_MAX        ((size_t)64 * 1024 * 1024)
#define BAYEUX_COOKIE_MAX        64

struct bayeux_server;
struct bayeux_session;

struct bayeux_server_options {
    const struct clock *clock;
    struct sflog *log;       /* borrowed; not NULL: Salesforce's dialect                      */
    weir_ms hold;            /* of a connect; 0: 110 s (CometD: 30 s)                         */
    weir_ms session_timeout; /* without a connect; 0: 40 s (CometD: 10 s)                     */
    size_t batch_events;     /* of one answer; 0: no limit                                    */
    size_t batch_bytes;      /* likewise; 0: 512 KiB                                          */
    size_t sessions_max;     /* 0: BAYEUX_SESSIONS_MAX                                        */
    size_t queued_max; /* events queued for all sessions; 0: BAYEUX_QUEUED_MAX                */
    const char *const *channels; /* Salesforce: those there are, by NULL; NULL: any           */
};

/* Where events go that are not asked for: a WebSocket. */
struct bayeux_sink {
    void (*push)(struct bayeux_sink *sink, const struct buf *events); /* a JSON array */
};

enum exchange_state { EXCHANGE_NEW, EXCHANGE_HELD, EXCHANGE_READY, EXCHANGE_OVER };

struct exchange {
    /* What is known of the request. */
    const char *browser; /* BAYEUX_BROWSER; NULL: no such cookie. Borrowed by bayeux_server_ask() */
    const char *denied;  /* static; NULL, or why nothing is done: "401::Authentication invalid"   */
    bool elsewhere;      /* it has come to a node that knows no sessions                          */
    struct bayeux_sink *sink; /* over a WebSocket: its sessions' events go there; NULL: HTTP      */
    const struct fault *faults; /* one a message; NULL: none. Borrowed by bayeux_server_ask()     */
    /* What became of each message, "OK" or its error; NULL: nobody wants to know. */
    void (*outcome)(struct exchange *exchange, size_t message, const char *error);
    /* `body` is the answer. Once, last; also from within bayeux_server_ask(). body.failed: there is
     * no memory for one. It may ask the server again. */
    void (*done)(struct exchange *exchange);

    struct buf body;                     /* JSON; the owner frees it */
    char browser_set[BAYEUX_COOKIE_MAX]; /* to be set as BAYEUX_BROWSER; "": nothing          */

    /* The server's own. */
    TAILQ_ENTRY(exchange) link;
    struct bayeux_server *server;
    struct bayeux_session *session;
    enum exchange_state state;
    char *held_id; /* of the connect that is held, as JSON */
    size_t held_message;
    bool held_first;
};

struct bayeux_server *bayeux_server_new(const struct bayeux_server_options *options);
/* Exchanges that are held are forgotten: there is no answer. */
void bayeux_server_free(struct bayeux_server *server);
/* `messages`: an array or one object. */
void bayeux_server_ask(struct bayeux_server *server, struct exchange *exchange,
                       const json_t *messages);
/* The client has left: no `done`. Fine when it is answered. */
void bayeux_server_gone(struct exchange *exchange);
/* The WebSocket has ended; its sessions wait for another connect. */
void bayeux_server_forget_sink(struct bayeux_server *server, const struct bayeux_sink *sink);
/* To all who have subscribed to `channel`; a reference is taken where it is wanted. */
void bayeux_server_publish(struct bayeux_server *server, const char *channel,
                           struct bayeux_event *event);
/* What is due by now happens. */
void bayeux_server_pass(struct bayeux_server *server);
int64_t bayeux_server_next(const struct bayeux_server *server); /* INT64_MAX: nothing ever */
size_t bayeux_server_sessions(const struct bayeux_server *server);

/* What can happen to all sessions at once; connects that are held are answered. */
enum bayeux_blow {
    BAYEUX_KILL,      /* gone: "403::Unknown client" (402)                      */
    BAYEUX_DISCONNECT /* an unsolicited /meta/disconnect, then gone             */
};
void bayeux_server_strike(struct bayeux_server *server, enum bayeux_blow blow);
#endif
