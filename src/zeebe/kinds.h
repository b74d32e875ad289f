/* zeebe/kinds.h - what the gateway meant, where its status alone is ambiguous. */
#ifndef ZEEBE_KINDS_H
#define ZEEBE_KINDS_H

#include <weir/error.h>

/* Sets err->kind from the RPC's name ("CompleteJob"), the gRPC status and the gateway's words,
 * unless it is set already. */
void kinds_set(weir_error *err, const char *rpc, int grpc_status, const char *words);
#endif
