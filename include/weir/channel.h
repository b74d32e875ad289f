/* weir/channel.h - a gRPC channel to a Camunda 8 (Zeebe) gateway.
 *
 * Four ways to open one. They take the same parameters, read the same environment variables
 * and fill the same defaults as the channels Python users know (see settings.h for the exact
 * order); a client or a worker then takes the channel, and any number of them may share it.
 *
 * A channel connects when the first call is made and reconnects by itself. It is reference
 * counted and may be used from any thread.
 */
#ifndef WEIR_CHANNEL_H
#define WEIR_CHANNEL_H

#include <weir/credentials.h>

typedef struct weir_channel weir_channel;

/** A gRPC channel argument by its published name: {"grpc.keepalive_time_ms", .number = 60000}.
 *  Published names that only servers or other transports have are accepted and do nothing; a
 *  name gRPC never published is WEIR_UNSUPPORTED, a value of the wrong kind WEIR_INVALID. The
 *  first of two entries with the same name counts. The guide lists those that take effect. */
typedef struct weir_channel_arg {
    const char *name;
    const char *text; /**< for arguments that are strings */
    int64_t number;   /**< for arguments that are numbers */
} weir_channel_arg;

typedef struct weir_channel_options {
    size_t struct_size;
    const char *grpc_address;         /**< ZEEBE_ADDRESS; "localhost:26500"             */
    const weir_tls_options *tls;      /**< not for the insecure channel                 */
    const weir_channel_arg *args;     /**< ended by a NULL name; 45 s keepalive is added
                                           unless grpc.keepalive_time_ms is among them  */
    const char *proxy;                /**< HTTP CONNECT proxy, "http://host:port"; default
                                           HTTPS_PROXY and NO_PROXY; WEIR_OMIT: none    */
    weir_ms default_timeout;          /**< of commands; 10 s                            */
    bool allow_plaintext_credentials; /**< a token over plaintext beyond loopback       */
    bool plaintext;                   /**< with own credentials: no TLS; loopback only, unless
                                           allow_plaintext_credentials is set, too      */
} weir_channel_options;
#define WEIR_CHANNEL(...)                                                                          \
    (&(weir_channel_options){.struct_size = sizeof(weir_channel_options), __VA_ARGS__})

/** A member left NULL is read from the environment; WEIR_OMIT leaves an optional one out. */
typedef struct weir_oauth2_channel_options {
    size_t struct_size;
    const char *grpc_address;         /**< ZEEBE_ADDRESS; CAMUNDA_CLUSTER_ID and
                                           _REGION; "localhost:26500"                   */
    const char *client_id;            /**< CAMUNDA_CLIENT_ID, ZEEBE_CLIENT_ID           */
    const char *client_secret;        /**< CAMUNDA_CLIENT_SECRET, ZEEBE_CLIENT_SECRET   */
    const char *authorization_server; /**< CAMUNDA_OAUTH_URL, ZEEBE_AUTHORIZATION_SERVER_URL;
                                           an address of Camunda SaaS has its own       */
    const char *scope;                /**< CAMUNDA_TOKEN_SCOPE, ZEEBE_TOKEN_SCOPE; optional  */
    const char *audience;             /**< CAMUNDA_TOKEN_AUDIENCE, ZEEBE_TOKEN_AUDIENCE;
                                           optional; of Camunda SaaS the address's host */
    const weir_tls_options *tls;
    const weir_channel_arg *args;
    const weir_tls_options *token_tls;          /**< for the token endpoint                       */
    const char *resource;                       /**< optional                                     */
    weir_client_auth client_auth;               /**< POST                                         */
    const char *cache_file;                     /**< tokens kept on disk; none by default         */
    const char *proxy;                          /**< as above, for both connections               */
    int leeway_s;                               /**< 60                                           */
    int expire_in_s;                            /**< used when the answer has no expires_in       */
    weir_ms default_timeout;                    /**< of commands; 10 s                            */
    bool plaintext;                             /**< no TLS to the gateway: loopback only, unless */
    bool allow_plaintext_credentials;           /**< ... this is set, too                         */
    const char *private_key, *private_key_file; /**< PEM; with client_auth PRIVATE_KEY_JWT */
    const char *key_id;                         /**< "kid" of its assertions              */
} weir_oauth2_channel_options;
#define WEIR_OAUTH2_CHANNEL(...)                                                                   \
    (&(weir_oauth2_channel_options){.struct_size = sizeof(weir_oauth2_channel_options),            \
                                    __VA_ARGS__})

typedef struct weir_cloud_channel_options {
    size_t struct_size;
    const char *client_id, *client_secret; /**< as above                                     */
    const char *cluster_id;                /**< CAMUNDA_CLUSTER_ID                           */
    const char *region;                    /**< CAMUNDA_CLUSTER_REGION; "bru-2"              */
    const char *authorization_server;      /**< ...; "https://login.cloud.camunda.io/oauth/token" */
    const char *scope;
    const char *audience; /**< ...; "zeebe.camunda.io"                      */
    const weir_tls_options *tls;
    const weir_channel_arg *args;
    const weir_tls_options *token_tls;
    const char *cache_file, *proxy;
    int leeway_s, expire_in_s;
    weir_ms default_timeout;
} weir_cloud_channel_options;
#define WEIR_CLOUD_CHANNEL(...)                                                                    \
    (&(weir_cloud_channel_options){.struct_size = sizeof(weir_cloud_channel_options), __VA_ARGS__})

typedef enum weir_channel_state {
    WEIR_CHANNEL_IDLE = 0,
    WEIR_CHANNEL_CONNECTING,
    WEIR_CHANNEL_READY,
    WEIR_CHANNEL_TRANSIENT_FAILURE,
    WEIR_CHANNEL_SHUTDOWN
} weir_channel_state;

WEIR_BEGIN
WEIR_API WEIR_MUST_USE weir_channel *weir_channel_insecure(const weir_channel_options *o,
                                                           weir_error *err);
WEIR_API WEIR_MUST_USE weir_channel *weir_channel_secure(const weir_channel_options *o,
                                                         weir_error *err);
WEIR_API WEIR_MUST_USE weir_channel *weir_channel_oauth2_client_credentials(
    const weir_oauth2_channel_options *o, weir_error *err);
WEIR_API WEIR_MUST_USE weir_channel *weir_channel_camunda_cloud(const weir_cloud_channel_options *o,
                                                                weir_error *err);
/** A channel, secure unless `plaintext`, with your own source of tokens (another OAuth2 flow, a
 *  file, a broker). */
WEIR_API WEIR_MUST_USE weir_channel *weir_channel_with_credentials(const weir_channel_options *o,
                                                                   weir_credentials *credentials,
                                                                   weir_error *err);
/** Whichever of the above the environment describes; the guide's page "channels" has the rules. */
WEIR_API WEIR_MUST_USE weir_channel *weir_channel_from_environment(weir_error *err);
WEIR_API void weir_channel_close(weir_channel *channel); /* drops one reference */

WEIR_API weir_channel_state weir_channel_state_now(weir_channel *channel);
/** Returns once the state differs from `last`, or WEIR_NOTHING at the limit. */
WEIR_API weir_status weir_channel_wait(weir_channel *channel, weir_channel_state last,
                                       weir_ms timeout, weir_error *err);
/** Starts connecting an idle channel without a call. */
WEIR_API weir_status weir_channel_connect(weir_channel *channel, weir_error *err);
WEIR_API weir_channel *weir_channel_ref(weir_channel *channel);

/** What has happened on the channel since it was opened. */
typedef struct weir_channel_counters {
    size_t struct_size; /**< set by the caller                                               */
    uint64_t calls_started, calls_ok, calls_failed;
    uint64_t messages_sent, messages_received;
    uint64_t bytes_sent, bytes_received; /**< on the wire, after TLS                         */
    uint64_t connects, connect_failures, goaways, keepalive_timeouts;
    uint64_t transparent_retries; /**< calls repeated that no server had processed           */
    uint64_t active_calls, queued_calls; /**< now                                            */
} weir_channel_counters;
WEIR_API weir_status weir_channel_counters_read(weir_channel *channel, weir_channel_counters *out,
                                                weir_error *err);
WEIR_END
#endif
