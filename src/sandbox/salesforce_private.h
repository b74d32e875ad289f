/* sandbox/salesforce_private.h - what salesforce.c, salesforce_visit.c and salesforce_rest.c share.
 */
#ifndef SANDBOX_SALESFORCE_PRIVATE_H
#define SANDBOX_SALESFORCE_PRIVATE_H

#include "sandbox/bayeux_server.h"
#include "sandbox/salesforce.h"
#include "sandbox/web.h"

#include <zlib.h>

#define HEADERS_MAX 1024

TAILQ_HEAD(socket_list, socket);
TAILQ_HEAD(visit_list, visit);

struct salesforce {
    struct salesforce_options options;
    struct common *common;
    struct sflog *log;
    uint16_t port;
    struct web *web; /* NULL: closed, as are the next two */
    struct bayeux_server *cometd, *bayeux;
    struct timer timer;         /* for what is due in either */
    struct socket_list sockets; /* WebSockets of plain CometD */
    unsigned node;              /* cookies of other nodes lead elsewhere */
    z_stream zip;
    bool zip_ready;
};

/* A WebSocket. */
struct socket {
    struct bayeux_sink sink; /* first */
    TAILQ_ENTRY(socket) link;
    struct visit_list visits;
    struct salesforce *sf;
    struct websocket_end *end;
};

/* One request: messages for a Bayeux server, or a single thing called salesforce.token or .rest. */
struct visit {
    struct salesforce *sf;
    struct web_request *request; /* NULL: it came over `socket` */
    struct socket *socket;
    TAILQ_ENTRY(visit) link; /* of the socket's */
    struct timer timer;
    void (*act)(struct visit *visit); /* what is done unless a fault says otherwise */
    struct fault fault;               /* what happens to the request as a whole     */
    size_t count;
    struct fault *faults; /* one a message */
    struct journal_entry **entries;
    bool *ended;

    struct bayeux_server *server; /* NULL: not Bayeux */
    json_t *messages;
    struct exchange exchange;
    char browser[BAYEUX_COOKIE_MAX];
    char cookies[HEADERS_MAX]; /* Set-Cookie headers */
};

/* ---- salesforce.c ---- */
/* After anything was asked of a Bayeux server. */
void salesforce_rearm(struct salesforce *sf);
/* "http://localhost:40000", as the client calls this server. */
void salesforce_base(const struct visit *visit, char *out, size_t size);
/* The token of "Bearer TOKEN" or "OAuth TOKEN"; NULL: none. */
const char *salesforce_token_of(const struct visit *visit);
/* NULL, or why not: "401::Authentication invalid". */
const char *salesforce_check_token(const struct visit *visit);

/* ---- salesforce_visit.c ---- */
/* With room for the faults of `count` messages. NULL: no memory, the request is cut. */
struct visit *visit_new(struct salesforce *sf, struct web_request *request, size_t count);
/* Message `index` is entered into the log and gets its fault. */
void visit_enter(struct visit *visit, size_t index, struct journal_request *entry);
/* All are entered: when it is time, the fault happens, or act(). */
void visit_begin(struct visit *visit);
void visit_outcome(struct visit *visit, size_t index, const char *outcome);
/* Answers, and frees. */
void visit_finish(struct visit *visit, const struct web_answer *answer);
void visit_say(struct visit *visit, int status, const char *text);
void visit_json(struct visit *visit, int status, const char *text);
void visit_cut(struct visit *visit);
void visit_gone(struct visit *visit);

/* ---- salesforce_bayeux.c ---- */
void salesforce_take_messages(struct salesforce *sf, struct web_request *request, bool plain);
/* Takes `messages` over. Of plain CometD; `request` or `socket` is NULL. */
void salesforce_begin_messages(struct salesforce *sf, struct web_request *request,
                               struct socket *socket, json_t *messages, bool plain);

/* One or several, and not too many. */
bool salesforce_are_messages(const json_t *messages);

/* ---- salesforce_socket.c ---- */
/* A request for a WebSocket. */
void salesforce_take_socket(struct salesforce *sf, struct web_request *request);
void socket_say(struct socket *socket, weir_bytes text);
const char *socket_peer(const struct socket *socket);
/* It is gone, with all that was asked over it. */
void socket_cut(struct socket *socket);
void socket_fail(struct socket *socket); /* ... and says that there was trouble */

/* ---- salesforce_rest.c ---- */
void salesforce_take_token(struct salesforce *sf, struct web_request *request);
void salesforce_take_rest(struct salesforce *sf, struct web_request *request);
#endif
