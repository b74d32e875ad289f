/* rpc/queue.h - the calls of a channel that wait for a connection with room, and which they get.
 * @thread io */
#ifndef RPC_QUEUE_H
#define RPC_QUEUE_H

#include "rpc/channel.h"

void queue_init(struct rpc *rpc);
/* A call is ready to begin, or comes back. */
void queue_add(struct rpc *rpc, struct rpc_call *call, bool again);
void queue_left(struct rpc *rpc, struct rpc_call *call); /* it waits no longer */
/* Starts what finds room. True: something did. */
bool queue_dispatch(struct rpc *rpc);
/* For what found none: further connections, or the end of calls that do not wait for better times.
 */
void queue_review(struct rpc *rpc);
/* For a message: the last failure to connect, or what is being waited for. */
const char *queue_trouble(const struct rpc *rpc);
#endif
