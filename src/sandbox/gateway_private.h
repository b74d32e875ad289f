/* sandbox/gateway_private.h - a gateway's connections (gateway.c) and their calls (gateway_call.c).
 */
#ifndef SANDBOX_GATEWAY_PRIVATE_H
#define SANDBOX_GATEWAY_PRIVATE_H

#include "io/stream.h"
#include "sandbox/gateway.h"
#include "sandbox/h2.h"

#include <sys/queue.h>

struct codec_method;

struct link {
    TAILQ_ENTRY(link) entry;
    TAILQ_ENTRY(link) touched_entry;
    struct gateway *gateway;
    struct stream *stream;
    struct h2 *h2; /* NULL: waiting or leaving */
    struct fault fault;
    struct timer timer;
    bool open, feeding, doomed;
    bool goaway;  /* as soon as it is open */
    bool touched; /* in the gateway's list of those */
};

TAILQ_HEAD(link_list, link);

struct gateway {
    struct gateway_options options;
    struct listener *listener;
    struct link_list links;
    struct link_list touched; /* the engine has said something on them: settle() is due */
    struct timer due;         /* the next thing that happens in the engine by itself */
    size_t count;
};

struct work {
    struct link *link;
    struct h2_call *call;
    const struct codec_method *method;
    struct turn turn;
    struct timer deadline; /* the client's */
    struct timer over;     /* the end of what it waits for */
    struct waiter waiter;  /* in the engine */
    struct rpc_reply end;  /* when it is over */
    int held;              /* by so many functions: it is not freed */
    bool gone;             /* the call is */
};

/* Sends what there is to say, or lets the connection go; nothing while it is being fed. After
 * whatever is done to calls from outside of h2_feed(). */
void link_settle(struct link *link);
/* link_settle() is due when the engine has finished. */
void link_touch(struct link *link);
bool link_send(void *user, const void *data, size_t len); /* struct h2_events' */
/* What is due in the engine happens, and what is ready goes out. May let connections go. */
void gateway_moves(struct gateway *gateway);
void gateway_tell_time(struct gateway *gateway);

extern const struct h2_events gateway_h2_events;
#endif
