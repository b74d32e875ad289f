/* weir/salesforce.h - Salesforce Streaming API: durable event subscriptions.
 *
 * No event is lost between subscribing and acknowledging, whatever ends in between: connection,
 * session, token, process. After a crash only unacknowledged events come again; the events of a
 * channel come in order. */
#ifndef WEIR_SALESFORCE_H
#define WEIR_SALESFORCE_H

#include <weir/bayeux.h>
#include <weir/replay.h>

typedef struct weir_salesforce weir_salesforce;

/* ---- logging in ------------------------------------------------------------------------ */

/** Fields left NULL are read from SALESFORCE_... variables (docs/guide/salesforce.md); the grant is
 *  chosen by what is there: a ready token, a refresh token, a private key, a password, else client
 *  credentials. */
typedef struct weir_salesforce_login {
    size_t struct_size;
    const char *login_url; /**< SALESFORCE_LOGIN_URL; "https://login.salesforce.com"; a My Domain */
    bool sandbox;          /**< https://test.salesforce.com                                       */
    const char *client_id, *client_secret; /**< of the connected or external client app   */
    const char *username, *password, *security_token; /**< the last is appended to the password   */
    const char *refresh_token;
    const char *private_key, *private_key_file; /**< PEM, RSA: JWT bearer for `username`          */
    const char *audience;                       /**< of the assertion; `login_url`                */
    const char *access_token, *instance_url;    /**< a ready token, and whose it is               */
    const char *grant; /**< "password", "refresh-token", "jwt-bearer", "client-credentials"       */
    const weir_oauth2_options *more; /**< what else a token request may say: token_url, scope,
                                          client_auth, params, leeway_s                           */
    const char *cache_file;          /**< tokens kept on disk, shared with others      */
    weir_ms timeout;                 /**< of one token request; 10 s                   */
    const weir_tls_options *tls;
    const char *proxy;
    bool allow_plaintext; /**< http to other than loopback                                        */
    weir_refresh_token_fn *on_refresh_token; /**< a rotated refresh token: keep it                */
    void *user;
} weir_salesforce_login;
#define WEIR_SALESFORCE_LOGIN(...)                                                                 \
    (&(weir_salesforce_login){.struct_size = sizeof(weir_salesforce_login), __VA_ARGS__})

/* ---- subscribing ----------------------------------------------------------------------- */

/* Where a subscription starts; else a replay id, in decimal: what comes after that event. */
#define WEIR_REPLAY_NEW    "new"    /**< only events from now on                                 */
#define WEIR_REPLAY_ALL    "all"    /**< everything the server still retains                     */
#define WEIR_REPLAY_STORED "stored" /**< after the last acknowledged; where it began; else NEW */

/** When events were lost: the server no longer has the position (or `NEW` was interrupted for
 *  longer than it keeps events). */
typedef enum weir_on_gap {
    WEIR_ON_GAP_FAIL = 0, /**< WEIR_GAP from the subscribing call or `next`; nothing is changed  */
    WEIR_ON_GAP_ALL,      /**< go on with everything the server still has                        */
    WEIR_ON_GAP_NEW       /**< go on with what comes from now on                                 */
} weir_on_gap;

typedef struct weir_salesforce_options {
    size_t struct_size;
    weir_credentials *credentials; /**< referenced; NULL with a clear *err:
                                        weir_credentials_salesforce(NULL)                        */
    const char *instance_url; /**< default: what the token says, then SALESFORCE_INSTANCE_URL */
    const char *api_version;  /**< "NN.0"; SALESFORCE_API_VERSION; "67.0"                   */
    const char *channel;      /**< subscribed while opening; what goes wrong comes from next */
    const char *from;         /**< of `channel`; STORED with a store, else NEW              */
    weir_replay *replay;      /**< referenced; or ...                                       */
    const char *replay_file;  /**< ... weir_replay_open() of this; neither: memory          */
    const char *group;        /**< keeps independent listeners on one store apart           */
    weir_on_gap on_gap;
    bool standby;    /**< wait while another listener has the store, instead of failing          */
    bool manual_ack; /**< else asking for the next event acknowledges the last                   */
    size_t max_queued;          /**< events held before reading pauses; 1024                     */
    size_t max_message;         /**< bytes of one answer; 10 MiB                                 */
    weir_ms connection_timeout; /**< when being out of touch is an outage; 10 s                  */
    weir_ms stall;              /**< a full queue closes the session after; 30 s                 */
    weir_ms max_network_delay;  /**< an answer may be late by; 10 s                              */
    weir_ms give_up;            /**< an outage of this length ends the handle; for ever          */
    const weir_tls_options *tls;
    const char *proxy;
    bool allow_plaintext;
    weir_event_fn *handler; /**< NULL: take events with weir_salesforce_next(). Its return
                                 acknowledges, unless manual_ack                                 */
    weir_session_news_fn *on_news;
    void *user;
} weir_salesforce_options;
#define WEIR_SALESFORCE(...)                                                                       \
    (&(weir_salesforce_options){.struct_size = sizeof(weir_salesforce_options), __VA_ARGS__})

WEIR_BEGIN
/** NULL options: all from the environment. WEIR_MISSING names the variables that are nowhere. */
WEIR_API WEIR_MUST_USE weir_credentials *weir_credentials_salesforce(const weir_salesforce_login *o,
                                                                     weir_error *err);
/** Returns at once. WEIR_INVALID names the option that is wrong. */
WEIR_API WEIR_MUST_USE weir_salesforce *weir_salesforce_open(const weir_salesforce_options *o,
                                                             weir_error *err);
/** Returns when the server has agreed. `from` NULL: STORED with a store, else NEW. WEIR_INVALID: no
 *  name of a channel, no replay id; WEIR_GAP; WEIR_STORE: the store cannot be read, or another
 *  listener has it; else the server's own words. WEIR_TIMEOUT: no answer yet; withdrawn. */
WEIR_API weir_status weir_salesforce_subscribe(weir_salesforce *sf, const char *channel,
                                               const char *from, weir_ms timeout, weir_error *err);
/** Events that have arrived before are still delivered. WEIR_NOT_FOUND: not subscribed. */
WEIR_API weir_status weir_salesforce_unsubscribe(weir_salesforce *sf, const char *channel,
                                                 weir_ms timeout, weir_error *err);
/** The channels subscribed, NULL-terminated, in one block to weir_free(). */
WEIR_API WEIR_MUST_USE char **weir_salesforce_subscriptions(weir_salesforce *sf, weir_error *err);

/** The next event, yours to free; see weir_bayeux_next() for failures. Attributes: "channel",
 *  "replayid", "id" (EventUuid, else CHANNEL/REPLAYID), "type" ("com.salesforce.event", ".change",
 *  ".topic", ".generic"), "time", "source" (instance URL and channel). Unless manual_ack is set,
 * the event before is acknowledged first: in the store at the latest when the last event of the
 * answer it came in is. Stopping and closing acknowledge none. Two threads in it without
 * manual_ack: WEIR_CONFLICT. */
WEIR_API weir_status weir_salesforce_next(weir_salesforce *sf, weir_event **event, weir_ms timeout,
                                          weir_error *err);
/** As weir_salesforce_next(), but up to `room` events that came in one answer of the server. */
WEIR_API weir_status weir_salesforce_take(weir_salesforce *sf, weir_event **events, size_t room,
                                          size_t *count, weir_ms timeout, weir_error *err);
/** With manual_ack: `event` and all before it on its channel are done. In the store on return. */
WEIR_API weir_status weir_salesforce_ack(weir_salesforce *sf, const weir_event *event,
                                         weir_error *err);
/** The same for several at once, in one transaction. */
WEIR_API weir_status weir_salesforce_ack_all(weir_salesforce *sf, weir_event *const *events,
                                             size_t count, weir_error *err);
/** The same by name. WEIR_INVALID: that event was not delivered on that channel. */
WEIR_API weir_status weir_salesforce_ack_id(weir_salesforce *sf, const char *channel,
                                            const char *replay_id, weir_error *err);
WEIR_API int weir_salesforce_fd(weir_salesforce *sf); /* as weir_bayeux_fd() */
WEIR_API weir_status weir_salesforce_wait(weir_salesforce *sf, weir_ms timeout, weir_error *err);
WEIR_API void weir_salesforce_stop(weir_salesforce *sf); /* as weir_bayeux_stop() */
/** As weir_bayeux_close(), and gives the store back. */
WEIR_API void weir_salesforce_close(weir_salesforce *sf);

/** Publishes a platform event over REST: `name` is "Order__e" or "/event/Order__e", `json` its
 *  fields. Needs no session. *answer, unless NULL, is the server's answer, weir_free(). Not
 * repeated when it may have arrived. Errors are the server's own words, its errorCode among them.
 */
WEIR_API weir_status weir_salesforce_publish(weir_salesforce *sf, const char *name,
                                             const char *json, char **answer, weir_ms timeout,
                                             weir_error *err);
/** The server's reply to the newest handshake as JSON text, weir_free(); logs in and shakes hands
 *  first if there is no session. */
WEIR_API WEIR_MUST_USE char *weir_salesforce_session(weir_salesforce *sf, weir_ms timeout,
                                                     weir_error *err);
WEIR_API weir_status weir_salesforce_counters_read(weir_salesforce *sf, weir_session_counters *out,
                                                   weir_error *err);
WEIR_END
#endif
