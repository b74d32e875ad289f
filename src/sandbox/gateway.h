/* sandbox/gateway.h - the Zeebe gateway on the network: connections (h2.h), calls, tokens, faults.
 * What an RPC answers is gateway_rpc.h's. @thread io */
#ifndef SANDBOX_GATEWAY_H
#define SANDBOX_GATEWAY_H

#include "io/tls.h"
#include "sandbox/engine.h"
#include "sandbox/service.h"

#define GATEWAY_CONNECTIONS_MAX 1024

struct gateway;

struct gateway_options {
    struct common *common; /* borrowed */
    struct engine *engine; /* borrowed; it outlives gateways, as a broker does */
    uint16_t port;
    struct tls *tls;                 /* with ALPN h2; NULL: plaintext */
    bool require_token;              /* but for the health service, as the real gateway does it */
    unsigned max_concurrent_streams; /* 0: 100 */
};

struct gateway *gateway_open(const struct gateway_options *options, weir_error *err);
/* Closes the listener and, without a word, every connection. */
void gateway_close(struct gateway *gateway);
#endif
