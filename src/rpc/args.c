/* The published channel arguments (grpc/impl/channel_arg_names.h of gRPC 1.6x): those that take
 * effect here, and those that only servers or other transports have, which are accepted. */
#include "rpc/args.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/text.h"

#include <inttypes.h>
#include <string.h>

enum kind { NUMBER, TEXT };

static const struct known {
    const char *name;
    enum kind kind;
    size_t at; /* in struct rpc_args */
    int64_t low, high;
} effective[] = {
    {"grpc.client_idle_timeout_ms", NUMBER, offsetof(struct rpc_args, idle_timeout_ms), 0,
     INT32_MAX},
    {"grpc.default_authority", TEXT, offsetof(struct rpc_args, authority), 0, 0},
    {"grpc.enable_http_proxy", NUMBER, offsetof(struct rpc_args, enable_http_proxy), 0, 1},
    {"grpc.enable_retries", NUMBER, offsetof(struct rpc_args, enable_retries), 0, 1},
    {"grpc.http2.max_pings_without_data", NUMBER, offsetof(struct rpc_args, max_pings_without_data),
     0, INT32_MAX},
    {"grpc.http2.ping_timeout_ms", NUMBER, offsetof(struct rpc_args, ping_timeout_ms), 0,
     INT32_MAX},
    {"grpc.http_proxy", TEXT, offsetof(struct rpc_args, http_proxy), 0, 0},
    {"grpc.initial_reconnect_backoff_ms", NUMBER, offsetof(struct rpc_args, initial_backoff_ms), 1,
     INT32_MAX},
    {"grpc.keepalive_permit_without_calls", NUMBER,
     offsetof(struct rpc_args, keepalive_without_calls), 0, 1},
    {"grpc.keepalive_time_ms", NUMBER, offsetof(struct rpc_args, keepalive_time_ms), 1, INT32_MAX},
    {"grpc.keepalive_timeout_ms", NUMBER, offsetof(struct rpc_args, keepalive_timeout_ms), 0,
     INT32_MAX},
    {"grpc.lb_policy_name", TEXT, offsetof(struct rpc_args, lb_policy), 0, 0},
    {"grpc.max_metadata_size", NUMBER, offsetof(struct rpc_args, max_metadata), 0, INT32_MAX},
    {"grpc.absolute_max_metadata_size", NUMBER, offsetof(struct rpc_args, absolute_max_metadata), 0,
     INT32_MAX},
    {"grpc.max_receive_message_length", NUMBER, offsetof(struct rpc_args, max_receive), -1,
     INT32_MAX},
    {"grpc.max_message_length", NUMBER, offsetof(struct rpc_args, max_receive), -1, INT32_MAX},
    {"grpc.max_reconnect_backoff_ms", NUMBER, offsetof(struct rpc_args, max_backoff_ms), 1,
     INT32_MAX},
    {"grpc.max_send_message_length", NUMBER, offsetof(struct rpc_args, max_send), -1, INT32_MAX},
    {"grpc.min_reconnect_backoff_ms", NUMBER, offsetof(struct rpc_args, min_backoff_ms), 1,
     INT32_MAX},
    {"grpc.primary_user_agent", TEXT, offsetof(struct rpc_args, primary_user_agent), 0, 0},
    {"grpc.secondary_user_agent", TEXT, offsetof(struct rpc_args, secondary_user_agent), 0, 0},
    {"grpc.ssl_target_name_override", TEXT, offsetof(struct rpc_args, target_name_override), 0, 0},
};

static const char *const ineffective[] = {
    "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config",
    "grpc.address_http_proxy",
    "grpc.address_http_proxy_enabled_addresses",
    "grpc.address_is_backend",
    "grpc.authorization_policy_provider",
    "grpc.census",
    "grpc.channel_id",
    "grpc.channel_pooling_domain",
    "grpc.channel_trace.max_event_memory_per_node",
    "grpc.channelz.channel_node",
    "grpc.channelz_max_orphaned_nodes",
    "grpc.client_channel_factory",
    "grpc.compression_enabled_algorithms_bitset",
    "grpc.default_compression_algorithm",
    "grpc.default_compression_level",
    "grpc.disable_client_authority_filter",
    "grpc.dns_ares_query_timeout",
    "grpc.dns_enable_srv_queries",
    "grpc.dns_min_time_between_resolutions_ms",
    "grpc.dscp",
    "grpc.enable_channelz",
    "grpc.enable_deadline_checking",
    "grpc.event_engine_use_memory_allocator_factory",
    "grpc.expand_wildcard_addrs",
    "grpc.experimental.enable_hedging",
    "grpc.experimental.grpclb_channel_args",
    "grpc.experimental.http2.enable_preferred_frame_size",
    "grpc.experimental.server_config_change_drain_grace_time_ms",
    "grpc.experimental.stats_plugins",
    "grpc.experimental.tcp_max_read_chunk_size",
    "grpc.experimental.tcp_min_read_chunk_size",
    "grpc.experimental.tcp_read_chunk_size",
    "grpc.experimental.tcp_tx_zerocopy_enabled",
    "grpc.experimental.tcp_tx_zerocopy_max_simultaneous_sends",
    "grpc.experimental.tcp_tx_zerocopy_send_bytes_threshold",
    "grpc.grpclb_call_timeout_ms",
    "grpc.grpclb_fallback_timeout_ms",
    "grpc.grpclb_subchannel_cache_interval_ms",
    "grpc.happy_eyeballs_connection_attempt_delay_ms",
    "grpc.health_check_service_interface",
    "grpc.http2.bdp_probe",
    "grpc.http2.hpack_table_size.decoder",
    "grpc.http2.hpack_table_size.encoder",
    "grpc.http2.initial_sequence_number",
    "grpc.http2.lookahead_bytes",
    "grpc.http2.max_frame_size",
    "grpc.http2.max_ping_strikes",
    "grpc.http2.min_ping_interval_without_data_ms",
    "grpc.http2.min_time_between_pings_ms",
    "grpc.http2.true_binary",
    "grpc.http2.write_buffer_size",
    "grpc.http2_scheme",
    "grpc.inhibit_health_checking",
    "grpc.internal.security_connector",
    "grpc.lb.ring_hash.ring_size_cap",
    "grpc.loadreporting",
    "grpc.loas_overlay_factory",
    "grpc.max_allowed_incoming_connections",
    "grpc.max_channel_trace_event_memory_per_node",
    "grpc.max_concurrent_streams",
    "grpc.max_connection_age_grace_ms",
    "grpc.max_connection_age_ms",
    "grpc.max_connection_idle_ms",
    "grpc.minimal_stack",
    "grpc.mobile_log_context",
    "grpc.optimization_target",
    "grpc.per_message_compression",
    "grpc.per_message_decompression",
    "grpc.per_rpc_retry_buffer_size",
    "grpc.pollset_set",
    "grpc.priority_failover_timeout_ms",
    "grpc.priority_ring_hash",
    "grpc.rate_limit_period_ms",
    "grpc.resource_quota",
    "grpc.security_frame_allowed",
    "grpc.server_call_metric_recording",
    "grpc.server_config_change_drain_grace_time_ms",
    "grpc.server_handshake_timeout_ms",
    "grpc.server_max_pending_requests",
    "grpc.server_max_pending_requests_hard_limit",
    "grpc.server_max_unrequested_time_in_server_ms",
    "grpc.server_uri",
    "grpc.service_config",
    "grpc.service_config_disable_resolution",
    "grpc.so_reuseport",
    "grpc.socket_factory",
    "grpc.socket_mutator",
    "grpc.ssl_session_cache",
    "grpc.surface_user_agent",
    "grpc.tcp_max_read_chunk_size",
    "grpc.tcp_min_read_chunk_size",
    "grpc.tcp_read_chunk_size",
    "grpc.tcp_receive_buffer_size",
    "grpc.testing.fixed_reconnect_backoff_ms",
    "grpc.tsi.max_frame_size",
    "grpc.use_cronet_packet_coalescing",
    "grpc.use_local_subchannel_pool",
    "grpc.workaround.cronet_compression",
    "grpc.xds_bootstrap",
};

#define EFFECTIVE   (sizeof effective / sizeof *effective)
#define INEFFECTIVE (sizeof ineffective / sizeof *ineffective)

static weir_status unknown(const char *name, weir_error *err)
{
    const char *names[EFFECTIVE + INEFFECTIVE + 1];
    size_t count = 0;
    for (size_t i = 0; i < EFFECTIVE; i++)
        names[count++] = effective[i].name;
    for (size_t i = 0; i < INEFFECTIVE; i++)
        names[count++] = ineffective[i];
    names[count] = NULL;
    const char *nearest = text_nearest(name, names);
    return error_set(err, WEIR_UNSUPPORTED, "gRPC has no channel argument '%s'%s%s%s", name,
                     nearest ? "; is '" : "", nearest ? nearest : "", nearest ? "' meant?" : "");
}

static weir_status take(struct rpc_args *out, const struct known *known,
                        const weir_channel_arg *arg, weir_error *err)
{
    char *place = (char *)out + known->at;
    if (known->kind == TEXT) {
        if (!arg->text)
            return error_set(err, WEIR_INVALID, "the channel argument %s is a text", arg->name);
        memcpy(place, &arg->text, sizeof arg->text);
        return WEIR_OK;
    }
    if (arg->text)
        return error_set(err, WEIR_INVALID, "the channel argument %s is a number, not '%s'",
                         arg->name, arg->text);
    if (arg->number < known->low || arg->number > known->high)
        return error_set(err, WEIR_INVALID,
                         "the channel argument %s is %" PRId64 ", not between %" PRId64
                         " and %" PRId64,
                         arg->name, arg->number, known->low, known->high);
    memcpy(place, &arg->number, sizeof arg->number);
    return WEIR_OK;
}

static bool earlier(const weir_channel_arg *args, const weir_channel_arg *arg)
{
    for (; args != arg; args++) {
        if (strcmp(args->name, arg->name) == 0)
            return true;
    }
    return false;
}

static bool accepted(const char *name)
{
    for (size_t i = 0; i < INEFFECTIVE; i++) {
        if (strcmp(ineffective[i], name) == 0)
            return true;
    }
    return false;
}

static weir_status read_one(struct rpc_args *out, const weir_channel_arg *arg, weir_error *err)
{
    for (size_t i = 0; i < EFFECTIVE; i++) {
        if (strcmp(effective[i].name, arg->name) == 0)
            return take(out, &effective[i], arg, err);
    }
    return accepted(arg->name) ? WEIR_OK : unknown(arg->name, err);
}

static weir_status check(const struct rpc_args *a, weir_error *err)
{
    static const char *const policies[] = {"pick_first", "round_robin", NULL};
    static const char in_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-._~!$&'()*+,;=:[]%";
    const char *authority = a->authority ? a->authority : "";
    if (authority[strspn(authority, in_names)])
        return error_set(err, WEIR_INVALID, "grpc.default_authority is '%.80s': no HOST[:PORT]",
                         authority);
    for (size_t i = 0; policies[i]; i++) {
        if (strcmp(policies[i], a->lb_policy) == 0)
            return WEIR_OK;
    }
    return error_set(err, WEIR_UNSUPPORTED,
                     "grpc.lb_policy_name is '%s'; pick_first and round_robin are known",
                     a->lb_policy);
}

/* Pairs of names for one thing. The larger of the metadata limits is the hard one, in gRPC as here;
 * a PING is late when either of its time limits has passed. */
static void settle(struct rpc_args *a)
{
    if (a->absolute_max_metadata > a->max_metadata)
        a->max_metadata = a->absolute_max_metadata;
    if (a->max_metadata < 0)
        a->max_metadata = LIMIT_GRPC_METADATA_SOFT;
    if (a->ping_timeout_ms < a->keepalive_timeout_ms)
        a->keepalive_timeout_ms = a->ping_timeout_ms;
}

weir_status args_read(struct rpc_args *out, const weir_channel_arg *args, weir_error *err)
{
    *out = (struct rpc_args){
        .keepalive_time_ms = INT32_MAX,
        .keepalive_timeout_ms = 20000,
        .max_receive = LIMIT_GRPC_MESSAGE,
        .max_send = -1,
        .max_metadata = -1,
        .absolute_max_metadata = -1,
        .ping_timeout_ms = INT32_MAX,
        .initial_backoff_ms = 1000,
        .min_backoff_ms = 20000,
        .max_backoff_ms = 120000,
        .idle_timeout_ms = 30 * 60 * 1000,
        .enable_retries = 1,
        .enable_http_proxy = 1,
        .lb_policy = "pick_first",
    };
    for (const weir_channel_arg *arg = args; arg && arg->name; arg++) {
        weir_status status = earlier(args, arg) ? WEIR_OK : read_one(out, arg, err);
        if (status != WEIR_OK)
            return status;
    }
    settle(out);
    return check(out, err);
}
