/* sandbox/grpc.h - what gRPC puts into HTTP/2 (its PROTOCOL-HTTP2.md), read as a server. Pure. */
#ifndef SANDBOX_GRPC_H
#define SANDBOX_GRPC_H

#include <weir/error.h>

/* The one message of a unary request. 0, or the gRPC status to refuse it with and why. `encoding`
 * is grpc-encoding, or NULL. *out is borrowed from `body`, or *owned has to be mem_free()d. */
int grpc_read_message(weir_bytes body, const char *encoding, weir_bytes *out, void **owned,
                      const char **why);
/* "100m" to nanoseconds, at most INT64_MAX; false: not what grpc-timeout may hold. */
bool grpc_read_timeout(const char *text, int64_t *ns);
/* "application/grpc", "application/grpc+proto", "application/grpc;..." */
bool grpc_content_type(const char *text);
#endif
