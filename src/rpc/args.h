/* rpc/args.h - channel arguments by their published gRPC names. */
#ifndef RPC_ARGS_H
#define RPC_ARGS_H

#include <weir/channel.h>

struct rpc_args {
    int64_t keepalive_time_ms, keepalive_timeout_ms; /* INT32_MAX: never */
    int64_t keepalive_without_calls;
    int64_t ping_timeout_ms;        /* a second word for keepalive_timeout_ms: the shorter holds */
    int64_t max_pings_without_data; /* 0: as many as keepalive wants */
    int64_t max_receive, max_send;  /* bytes of a message; -1: no limit of its own */
    int64_t max_metadata;           /* of received headers or trailers, in bytes */
    int64_t absolute_max_metadata;  /* as given, or -1: already part of max_metadata */
    int64_t initial_backoff_ms, min_backoff_ms, max_backoff_ms;
    int64_t idle_timeout_ms;
    int64_t enable_retries; /* 0: no call is repeated, not even one the server refused unseen */
    int64_t enable_http_proxy;
    const char *primary_user_agent, *secondary_user_agent; /* borrowed from the arguments */
    const char *authority, *target_name_override, *lb_policy, *http_proxy;
};

/* Fills the defaults, then what `args` (ended by a NULL name, or NULL) says; the first of two
 * entries counts. WEIR_UNSUPPORTED names an unknown argument and the nearest known one,
 * WEIR_INVALID a wrong kind or value. */
weir_status args_read(struct rpc_args *out, const weir_channel_arg *args, weir_error *err);
#endif
