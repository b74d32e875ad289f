/* rpc/status.h - gRPC status, HTTP status and HTTP/2 error codes to weir_error. */
#ifndef RPC_STATUS_H
#define RPC_STATUS_H

#include <weir/error.h>

enum {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14
};

const char *status_grpc_name(int grpc_status); /* "NOT_FOUND"; "UNKNOWN" for what is none */
/* What the server's trailers say; `message` is percent-decoded or NULL. */
weir_status status_grpc(weir_error *err, int grpc_status, const char *message);
/* An HTTP answer without a grpc-status: the mapping of gRPC's "HTTP to gRPC Status Code Mapping".
 * `body`: its first bytes. Returns the gRPC status. */
int status_http(weir_error *err, int http_status, const char *body);
/* RST_STREAM's code (gRPC over HTTP/2, "Errors"). Returns the gRPC status. */
int status_reset(weir_error *err, uint32_t code);
/* The same for a stream of messages, which proxies cut when they find it too silent or too old, and
 * each of them with another code: it may be opened again. */
int status_cut(weir_error *err, uint32_t code);
const char *status_h2_name(uint32_t code); /* "ENHANCE_YOUR_CALM" */
#endif
