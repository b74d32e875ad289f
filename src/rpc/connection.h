/* rpc/connection.h - one TCP or TLS connection to one address, with its HTTP/2 session. @thread io
 */
#ifndef RPC_CONNECTION_H
#define RPC_CONNECTION_H

#include "rpc/channel.h"

struct connection;
struct lane;

/* The connection tells its lane; all but `ready` and `draining` are followed by its end.
 * `answered`: a call was, at any time, so the server behind it works. */
struct connection_events {
    void (*ready)(struct lane *lane, struct connection *c);
    /* It takes no more calls. */
    void (*draining)(struct lane *lane, struct connection *c, bool answered);
    /* It is gone, and its calls have ended or come back; do not touch it any more. */
    void (*lost)(struct lane *lane, struct connection *c, const weir_error *why, bool answered);
};

/* NULL: *err says why. */
struct connection *connection_open(struct rpc *rpc, struct lane *lane,
                                   const struct connection_events *events,
                                   const struct address *address, weir_error *err);
/* Now, without telling the lane; calls end with `why`. */
void connection_close(struct connection *c, const weir_error *why);
/* Once its calls have ended (at once when there are none). */
void connection_drain(struct connection *c);
size_t connection_room(struct connection *c);
bool connection_start(struct connection *c, struct rpc_call *call);
/* Sends what waits. The connection may be gone afterwards. */
void connection_flush(struct connection *c);
/* The first of the channel's dirty connections, taken off; NULL: none. */
struct connection *connection_next_dirty(struct rpc *rpc);
/* A place in a list of the lane's; emptied by the connection's end. */
struct link *connection_link(struct connection *c);
struct connection *connection_of(struct link *link);
#endif
