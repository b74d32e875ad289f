/* rpc/lane.h - what gRPC calls a subchannel: some addresses of which one is connected to, more than
 * once where long-lived calls need it (rpc/share.h). With pick_first a channel has one lane with
 * all addresses, with round_robin a lane for each. @thread io */
#ifndef RPC_LANE_H
#define RPC_LANE_H

#include "rpc/channel.h"

struct lane;

struct lane *lane_new(struct rpc *rpc, const struct address *addresses, size_t count);
/* Connections close at once; calls end with `why`. */
void lane_free(struct lane *lane, const weir_error *why);
/* Lets running calls finish; the lane frees itself with the last one. */
void lane_retire(struct lane *lane);
struct lane *lane_of_retired(struct link *link);

/* CONNECTING after a failure still counts as TRANSIENT_FAILURE until it succeeds (gRPC proposal
 * A62), so that calls keep failing fast while a dead gateway is retried. */
weir_channel_state lane_state(const struct lane *lane);
/* Whether lane_connect() would do something: idle, or failed and it is time to try again. */
bool lane_wants(const struct lane *lane);
void lane_connect(struct lane *lane);
void lane_rest(struct lane *lane); /* drains its connections: IDLE */
/* OK, or why it has no connection: each address that was tried and what became of it; or why it
 * has no more of them. */
const weir_error *lane_why(const struct lane *lane);
/* A connection that may start a call now. NULL: not ready, or there is no room. */
struct connection *lane_pick(const struct lane *lane, bool long_lived);
/* So many calls found no room anywhere: makes further connections if they would have to wait for
 * long-lived ones to end. */
void lane_grow(struct lane *lane, bool long_lived, size_t queued);
/* Why such a call can neither start on this lane nor count on further connections; NULL: it may
 * wait. */
const weir_error *lane_refusal(const struct lane *lane, bool long_lived);
bool lane_same(const struct lane *lane, const struct address *addresses, size_t count);
#endif
