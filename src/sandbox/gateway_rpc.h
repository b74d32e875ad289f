/* sandbox/gateway_rpc.h - what the gateway answers to a request, as a decision: no network, no
 * timer. Pure. */
#ifndef SANDBOX_GATEWAY_RPC_H
#define SANDBOX_GATEWAY_RPC_H

#include <weir/error.h>

struct codec_method;

#define GATEWAY_VERSION "8.9.0-sandbox"

struct rpc_reply {
    int status; /* gRPC; 0: OK */
    char text[200];
    char *message; /* to send first; mem_free(); NULL: none */
    size_t len;
    weir_ms after; /* the end comes so much later; WEIR_FOREVER: when the client or its deadline
                      ends it */
};

/* The RPC a path names; NULL: none that a gateway of this generation has. */
const struct codec_method *gateway_method(const char *path);
/* "zeebe.Topology", "zeebe.Health"; "zeebe" for NULL. */
const char *gateway_what(const struct codec_method *method);
/* `port` is the gateway's own. Release reply->message in any case. */
void gateway_reply(const struct codec_method *method, weir_bytes request, uint16_t port,
                   struct rpc_reply *reply);
#endif
