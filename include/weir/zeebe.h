/* weir/zeebe.h - Camunda 8: questions and commands to the workflow engine's gateway. */
#ifndef WEIR_ZEEBE_H
#define WEIR_ZEEBE_H

#include <weir/channel.h>
#include <weir/json.h>

typedef struct weir_zeebe weir_zeebe;
/** A call under way. Any thread; one thread at a time in next. */
typedef struct weir_call weir_call;

WEIR_BEGIN
/** References the channel; NULL with a clear *err stands for weir_channel_from_environment(). */
WEIR_API WEIR_MUST_USE weir_zeebe *weir_zeebe_new(weir_channel *channel, weir_error *err);
WEIR_API void weir_zeebe_free(weir_zeebe *zeebe);
WEIR_END

/* ---- topology and health ------------------------------------------------------------- */

typedef enum weir_partition_role {
    WEIR_LEADER = 0,
    WEIR_FOLLOWER,
    WEIR_INACTIVE
} weir_partition_role;
typedef enum weir_partition_health {
    WEIR_HEALTHY = 0,
    WEIR_UNHEALTHY,
    WEIR_DEAD
} weir_partition_health;

typedef struct weir_partition {
    int32_t id;
    int32_t role;   /**< a weir_partition_role; newer gateways may send others              */
    int32_t health; /**< a weir_partition_health; likewise                                  */
} weir_partition;

typedef struct weir_broker {
    int32_t node_id, port;
    const char *host, *version;
    const weir_partition *partitions; /**< sorted by id                                     */
    size_t partition_count;
} weir_broker;

/** Immutable; the texts live as long as it does. */
typedef struct weir_topology {
    int32_t cluster_size, partitions_count, replication_factor;
    const char *gateway_version; /**< "" when the gateway does not say                      */
    const char *cluster_id;      /**< "" before 8.9                                         */
    const weir_broker *brokers;  /**< sorted by node id                                     */
    size_t broker_count;
} weir_topology;

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
typedef enum weir_health {
    WEIR_HEALTH_UNKNOWN = 0,
    WEIR_HEALTH_SERVING,
    WEIR_HEALTH_NOT_SERVING,
    WEIR_HEALTH_SERVICE_UNKNOWN
} weir_health;

WEIR_BEGIN
WEIR_API WEIR_MUST_USE weir_topology *weir_zeebe_topology(weir_zeebe *zeebe, weir_ms timeout,
                                                          weir_error *err);
WEIR_API void weir_topology_free(weir_topology *topology);
/** `service` NULL: "gateway_protocol.Gateway". A gateway without the health service is
 *  WEIR_UNSUPPORTED, one that does not know `service` WEIR_NOT_FOUND. */
WEIR_API weir_status weir_zeebe_health(weir_zeebe *zeebe, const char *service, weir_health *health,
                                       weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_topology_start(weir_zeebe *zeebe, weir_ms timeout,
                                                            weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_health_start(weir_zeebe *zeebe, const char *service,
                                                          weir_ms timeout, weir_error *err);
WEIR_END

/* ---- any RPC, from and to JSON -------------------------------------------------------- */

typedef void weir_call_fn(weir_call *call, void *user);

/** `value` has no terminator to rely on; a name that ends in "-bin" carries any bytes. */
typedef struct weir_metadata {
    const char *name;
    weir_bytes value;
} weir_metadata;

typedef struct weir_call_options {
    size_t struct_size;
    const weir_metadata *headers; /**< ended by a NULL name; sent with the request           */
    weir_ms timeout;              /**< of the whole call; 0: the channel's default; WEIR_FOREVER */
    bool compact;                 /**< answers without blanks and line breaks                */
    bool no_retry;                /**< do not repeat what provably had no effect             */
    bool gzip;                    /**< compress the request                                  */
} weir_call_options;
#define WEIR_CALL(...) (&(weir_call_options){.struct_size = sizeof(weir_call_options), __VA_ARGS__})

WEIR_BEGIN
/** Calls "Topology" or "gateway_protocol.Gateway/Topology" with `request`, a JSON object in
 *  protojson form (https://protobuf.dev/programming-guides/json); NULL: {}. Returns the answer as
 *  protojson, to release with weir_free(). Not for the two streaming RPCs: WEIR_INVALID.
 *  WEIR_INVALID also names an unknown field or a value of the wrong type. */
WEIR_API WEIR_MUST_USE char *weir_zeebe_call(weir_zeebe *zeebe, const char *rpc,
                                             const char *request, const weir_call_options *o,
                                             weir_error *err);
/** Starts any RPC and returns at once; the outcome comes from weir_call_next(). */
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_call_start(weir_zeebe *zeebe, const char *rpc,
                                                        const char *request,
                                                        const weir_call_options *o,
                                                        weir_error *err);
/** The next message of the answer, to release with weir_free(). A reader that does not ask stops
 *  the sender. WEIR_STOPPED: the answer ended as it should (*err is clear). WEIR_NOTHING: none
 * within `timeout`. Anything else: how the call failed, from then on at every call. */
WEIR_API weir_status weir_call_next(weir_call *call, char **message, weir_ms timeout,
                                    weir_error *err);
/** For calls with one answer, from any number of threads. WEIR_OK: it is there, for
 *  weir_call_next() and the typed functions below. WEIR_NOTHING: not within `timeout`. Anything
 *  else: how the call failed. */
WEIR_API weir_status weir_call_wait(weir_call *call, weir_ms timeout, weir_error *err);
/* What a call that has ended answered, as often as it is asked for, to free by the asker. Of a call
 * of another RPC, and before the end: WEIR_INVALID; of one that failed: its failure. */
WEIR_API weir_status weir_call_key(weir_call *call, int64_t *key, weir_error *err);
WEIR_API WEIR_MUST_USE weir_topology *weir_call_topology(weir_call *call, weir_error *err);
WEIR_API weir_status weir_call_health(weir_call *call, weir_health *health, weir_error *err);
/** Readable while weir_call_next(.., WEIR_NO_WAIT, ..) would not say WEIR_NOTHING. Watch it; do
 *  not read or close it. */
WEIR_API int weir_call_fd(weir_call *call);
/** Calls `fn` on a library thread each time the descriptor would become readable. Once per call. */
WEIR_API weir_status weir_call_then(weir_call *call, weir_call_fn *fn, void *user, weir_error *err);
/** The call ends with WEIR_STOPPED in *err, unless it has ended already. */
WEIR_API void weir_call_cancel(weir_call *call);
/** Response headers and trailers as received so far, until weir_call_free(); NULL and 0: none yet.
 */
WEIR_API const weir_metadata *weir_call_headers(weir_call *call, size_t *count);
WEIR_API const weir_metadata *weir_call_trailers(weir_call *call, size_t *count);
/** Cancels what has not ended; waits for a running callback, except from within it. */
WEIR_API void weir_call_free(weir_call *call);

/** Every RPC by its full name, ended by NULL; static. */
WEIR_API const char *const *weir_zeebe_rpcs(void);
/** The RPC and its messages in protobuf's language, to release with weir_free(). */
WEIR_API WEIR_MUST_USE char *weir_zeebe_describe(const char *rpc, weir_error *err);
WEIR_END
#endif
