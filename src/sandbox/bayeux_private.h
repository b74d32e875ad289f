/* sandbox/bayeux_private.h - what bayeux_server.c, bayeux_meta.c and bayeux_topics.c share. */
#ifndef SANDBOX_BAYEUX_PRIVATE_H
#define SANDBOX_BAYEUX_PRIVATE_H

#include "sandbox/bayeux_server.h"
#include "sandbox/heap.h"
#include "sandbox/table.h"

#define SESSION_ID_MAX 48
#define NAME_MAX_LEN   512

struct queued {
    struct bayeux_event *event;
    uint64_t batch; /* with acknowledgements: the answer it went with; 0: not sent yet */
};

/* Used from `head` on; the first `sent` are in the client's hand and not acknowledged. */
struct event_queue {
    struct queued *items;
    size_t head, count, cap, sent;
};

LIST_HEAD(subscription_list, subscription);

struct topic {
    struct table_node node; /* by name; first */
    struct subscription_list list;
    char *name;
};

struct subscription {
    LIST_ENTRY(subscription) of_topic;
    LIST_ENTRY(subscription) of_session;
    struct topic *topic;
    struct bayeux_session *session;
    char *filter; /* what follows the '?'; NULL: none */
};

struct bayeux_session {
    struct heap_node due; /* first: when the connect ends, or the session */
    struct table_node node;
    TAILQ_ENTRY(bayeux_session) link;
    TAILQ_ENTRY(bayeux_session) waits; /* in `ready` */
    bool is_ready;
    char id[SESSION_ID_MAX];
    char browser[BAYEUX_COOKIE_MAX];
    bool acks, connected, full;
    struct bayeux_sink *sink; /* of the newest message that named it */
    uint64_t batch;
    struct event_queue queue;
    struct exchange *held;
    uint64_t seen; /* the publication it was given last: none comes twice */
    struct subscription_list subscriptions;
};

TAILQ_HEAD(session_list, bayeux_session);
TAILQ_HEAD(exchange_list, exchange);

struct bayeux_server {
    struct bayeux_server_options options;
    struct table sessions, topics;
    struct session_list list, ready;
    struct exchange_list answers;
    struct heap due;
    size_t queued, subscriptions;
    int64_t order;
    uint64_t publications;
    size_t queued_max;
    struct exchange *asking; /* whose messages are being handled */
    bool flushing;
};

/* One message and the exchange it is answered with. */
struct asked {
    struct bayeux_server *server;
    struct exchange *exchange;
    const json_t *message;
    const char *channel; /* "" when it has none */
    size_t index, count;
    struct buf *out; /* replies, separated by commas */
};

enum message_kind {
    MESSAGE_HANDSHAKE,
    MESSAGE_CONNECT,
    MESSAGE_SUBSCRIBE,
    MESSAGE_UNSUBSCRIBE,
    MESSAGE_DISCONNECT,
    MESSAGE_OTHER_META,
    MESSAGE_PUBLISH
};
enum message_kind bayeux_kind(const char *channel);

/* ---- bayeux_server.c ---- */
struct bayeux_session *bayeux_session_new(struct bayeux_server *server, struct exchange *exchange);
struct bayeux_session *bayeux_session_find(struct bayeux_server *server, const char *id);
void bayeux_session_end(struct bayeux_server *server, struct bayeux_session *session);
/* It ends so long from now, unless something else is set. */
void bayeux_session_due(struct bayeux_server *server, struct bayeux_session *session,
                        weir_ms delay);
/* False: there is no room, and the session should go. */
bool bayeux_session_push(struct bayeux_server *server, struct bayeux_session *session,
                         struct bayeux_event *event);
void bayeux_session_acknowledge(struct bayeux_server *server, struct bayeux_session *session,
                                uint64_t batch);
bool bayeux_session_has_events(const struct bayeux_session *session);
/* Events of the queue as messages, each followed by a comma. */
void bayeux_session_write_events(struct bayeux_server *server, struct bayeux_session *session,
                                 struct buf *out);
/* Its held connect is answered as soon as nobody is in the middle of something. */
void bayeux_session_wake(struct bayeux_server *server, struct bayeux_session *session);
/* The connect that is held, if one is, is answered. */
void bayeux_session_answer(struct bayeux_server *server, struct bayeux_session *session);
/* The answer is complete; `done` comes in time. */
void exchange_finish(struct bayeux_server *server, struct exchange *exchange);
bool bayeux_is_salesforce(const struct bayeux_server *server);
weir_ms bayeux_hold(const struct bayeux_server *server);
weir_ms bayeux_timeout(const struct bayeux_server *server);

/* ---- bayeux_meta.c ---- */
void message_handle(struct asked *asked);
/* The reply to a connect; `id` as JSON or NULL. */
void connect_reply(struct buf *out, const struct bayeux_session *session, const char *id,
                   const char *advice);
const char *unknown_client(const struct bayeux_server *server);

/* ---- bayeux_topics.c ---- */
/* NULL, or the error. `text` is where one may be made; of ERROR_MAX bytes. */
#define ERROR_MAX 1024
const char *topics_subscribe(struct asked *asked, struct bayeux_session *session,
                             const char *channel, char *text);
bool topics_unsubscribe(struct bayeux_server *server, struct bayeux_session *session,
                        const char *channel);
void topics_publish(struct bayeux_server *server, const char *channel, struct bayeux_event *event);
void topics_leave(struct bayeux_server *server, struct bayeux_session *session);
#endif
