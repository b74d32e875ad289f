/* rpc/connection.h - one TCP or TLS connection to one address, with its HTTP/2 session. @thread io
 */
#ifndef RPC_CONNECTION_H
#define RPC_CONNECTION_H

#include "rpc/channel.h"
#include "rpc/share.h"

#define CONNECTION_GOOD_MS 5000 /* who lived this long was a good one */

struct connection;
struct lane;

enum connection_state {
    CONNECTION_CONNECTING, /* TCP, proxy, TLS. Next: GREETING                              */
    CONNECTION_GREETING,   /* preface sent, SETTINGS awaited. Next: READY                  */
    CONNECTION_READY,      /* Next: DRAINING                                               */
    CONNECTION_DRAINING    /* no new calls; closed when the last has ended                 */
};

/* What it was. `good`: it answered a call at any time, or lived for a while. */
struct connection_past {
    enum connection_state state;
    bool good;
};

/* The connection tells its lane; all but `ready` and `draining` are followed by its end. */
struct connection_events {
    void (*ready)(struct lane *lane, struct connection *c);
    /* The server wants no more calls on it. */
    void (*draining)(struct lane *lane, struct connection *c, bool good);
    /* It is gone, and its calls have ended or come back; do not touch it any more. */
    void (*lost)(struct lane *lane, struct connection *c, const weir_error *why,
                 const struct connection_past *past);
};

/* `address` must outlive it. NULL: *err says why. */
struct connection *connection_open(struct rpc *rpc, struct lane *lane,
                                   const struct connection_events *events,
                                   const struct address *address, weir_error *err);
/* Now, without telling the lane; calls end with `why`. */
void connection_close(struct connection *c, const weir_error *why);
/* Once its calls have ended (at once when there are none); the lane is told of its end only. */
void connection_drain(struct connection *c);
struct share connection_share(const struct connection *c);
/* When a call last began or ended on it, or it became ready. */
int64_t connection_used_ns(const struct connection *c);
const struct address *connection_address(const struct connection *c);
bool connection_start(struct connection *c, struct rpc_call *call);
/* Sends what waits. The connection may be gone afterwards. */
void connection_flush(struct connection *c);
/* The first of the channel's dirty connections, taken off; NULL: none. */
struct connection *connection_next_dirty(struct rpc *rpc);
/* A place in a list of the lane's; emptied by the connection's end. */
struct link *connection_link(struct connection *c);
struct connection *connection_of(struct link *link);
#endif
