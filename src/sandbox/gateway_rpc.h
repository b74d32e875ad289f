/* sandbox/gateway_rpc.h - what the gateway answers to a request, as a decision: no network, no
 * timer. What changes something is the engine's (engine.h). */
#ifndef SANDBOX_GATEWAY_RPC_H
#define SANDBOX_GATEWAY_RPC_H

#include <weir/error.h>

#include "sandbox/engine.h"

struct codec_method;

#define GATEWAY_VERSION "8.9.0-sandbox"

/* The RPC a path names; NULL: none that a gateway of this generation has. */
const struct codec_method *gateway_method(const char *path);
/* "zeebe.Topology", "zeebe.Health"; "zeebe" for NULL. */
const char *gateway_what(const struct codec_method *method);

struct gateway_ask {
    struct engine *engine;
    const struct codec_method *method;
    weir_bytes request;
    uint16_t port;         /* the gateway's own */
    struct waiter *waiter; /* zeroed but for what its owner sets; waiter_leave() it in any case */
};

/* Release reply->message in any case. */
void gateway_reply(const struct gateway_ask *ask, struct rpc_reply *reply);
#endif
