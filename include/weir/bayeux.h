/* weir/bayeux.h - a Bayeux 1.0 (CometD) client for any server; salesforce.h builds on it.
 *
 * A handle shakes hands with the server when it first has something to say or to hear, and keeps a
 * session from then on: lost connections, lost sessions and expired tokens are mended inside, and
 * subscriptions are made anew. Any thread may use it. */
#ifndef WEIR_BAYEUX_H
#define WEIR_BAYEUX_H

#include <weir/credentials.h>
#include <weir/event.h>

typedef struct weir_bayeux weir_bayeux;

typedef enum weir_transport {
    WEIR_TRANSPORT_AUTO = 0,     /**< WebSocket where the server and the way to it allow it */
    WEIR_TRANSPORT_LONG_POLLING, /**< HTTP/1.1 POST; at most two connections                */
    WEIR_TRANSPORT_WEBSOCKET     /**< RFC 6455, also for the handshake                      */
} weir_transport;

/* ---- what a program may want to be told ------------------------------------------------ */

typedef enum weir_session_news {
    WEIR_SESSION_OPENED =
        1,                  /**< a handshake succeeded: the first one, or a session was made anew */
    WEIR_SESSION_OUTAGE,    /**< out of touch for connection_timeout, with the reason: once       */
    WEIR_SESSION_RECOVERED, /**< in touch again after an OUTAGE                                   */
    WEIR_SESSION_PAUSED,    /**< nobody takes events: the session was closed in good order        */
    WEIR_SESSION_RESUMED,   /**< they do again                                                    */
    WEIR_SESSION_SUBSCRIBED, /**< `channel`: at first, and after each new handshake */
    WEIR_SESSION_DROPPED,  /**< `channel`: the server refused it when it was subscribed anew      */
    WEIR_SESSION_GAP,      /**< `channel`: events were lost, and on_gap said to go on             */
    WEIR_SESSION_WAITING,  /**< another listener has the store; waiting for its turn             */
    WEIR_SESSION_LOGGED_IN /**< a new token was taken into use after the old one was refused     */
} weir_session_news;
/** On a library thread, one call at a time. `channel` and `why` may be NULL; borrowed. */
typedef void weir_session_news_fn(weir_session_news news, const char *channel,
                                  const weir_error *why, void *user);
/** On a library thread; the event is borrowed. */
typedef void weir_event_fn(const weir_event *event, void *user);

/* ---- extensions of one's own (Bayeux 1.0, "ext") ----------------------------------------- */

typedef struct weir_bayeux_ext weir_bayeux_ext;
typedef struct weir_bayeux_extension {
    /* Both on the I/O thread, or on one of the program's that waits in this library. */
    /** Before a message goes out; of it, `message` has channel, subscription and data. Adds members
     *  with weir_bayeux_ext_set(). May be NULL. */
    void (*outgoing)(const weir_json *message, weir_bayeux_ext *ext, void *user);
    /** When `message` has come in; false: an event is not delivered. May be NULL. */
    bool (*incoming)(const weir_json *message, void *user);
    void *user;
} weir_bayeux_extension;

/* ---- options --------------------------------------------------------------------------- */

typedef struct weir_bayeux_options {
    size_t struct_size;
    const char *url;               /**< required: the server's Bayeux endpoint, http or https */
    weir_transport transport;      /**< AUTO                                                 */
    weir_credentials *credentials; /**< referenced; sent as Authorization                    */
    const char *const *headers;    /**< "Name: value", NULL-terminated, on every request     */
    const weir_bayeux_extension *extensions; /**< ended by {0}; copied                           */
    bool no_ack_extension;       /**< do not offer CometD's acknowledge extension          */
    bool no_wire_batch;          /**< every message in a request of its own                */
    size_t max_queued;           /**< events held before reading pauses; 1024              */
    size_t max_message;          /**< bytes of one answer; 10 MiB                          */
    weir_ms connection_timeout;  /**< when being out of touch is an outage; 10 s           */
    weir_ms stall;               /**< a full queue closes the session after; 30 s          */
    weir_ms max_network_delay;   /**< an answer may be late by; 10 s                       */
    weir_ms give_up;             /**< an outage of this length ends the handle; for ever   */
    const weir_tls_options *tls; /**< default: the system's trust store                    */
    const char *proxy;           /**< URL; default: HTTPS_PROXY and the like; WEIR_OMIT    */
    bool allow_plaintext;        /**< send tokens over http to other than loopback         */
    weir_event_fn *handler;      /**< NULL: take events with weir_bayeux_next()            */
    weir_session_news_fn *on_news;
    void *user;
} weir_bayeux_options;
#define WEIR_BAYEUX(...)                                                                           \
    (&(weir_bayeux_options){.struct_size = sizeof(weir_bayeux_options), __VA_ARGS__})

/* ---- the client ------------------------------------------------------------------------ */

WEIR_BEGIN
/** Returns at once: nothing is sent yet. WEIR_INVALID names the option that is wrong. */
WEIR_API WEIR_MUST_USE weir_bayeux *weir_bayeux_open(const weir_bayeux_options *o, weir_error *err);
/** Returns when the server has agreed. Last segments * and ** are wildcards. WEIR_INVALID: no name
 *  of a channel; WEIR_NOT_FOUND, WEIR_FORBIDDEN and so on: the server's own words; WEIR_TIMEOUT: no
 *  answer yet, and the subscription is withdrawn. Subscribing twice is no error. */
WEIR_API weir_status weir_bayeux_subscribe(weir_bayeux *client, const char *channel,
                                           weir_ms timeout, weir_error *err);
/** Events that have arrived before are still delivered. WEIR_NOT_FOUND: not subscribed. */
WEIR_API weir_status weir_bayeux_unsubscribe(weir_bayeux *client, const char *channel,
                                             weir_ms timeout, weir_error *err);
/** The channels subscribed, NULL-terminated, in one block to weir_free(). */
WEIR_API WEIR_MUST_USE char **weir_bayeux_subscriptions(weir_bayeux *client, weir_error *err);
/** `json` is the event's data. Returns when the server has answered; on a "/service/" channel its
 *  answer may be an event there. *answer, unless NULL, is its reply as JSON text; weir_free(). */
WEIR_API weir_status weir_bayeux_publish(weir_bayeux *client, const char *channel, const char *json,
                                         char **answer, weir_ms timeout, weir_error *err);
/** The server's reply to the newest handshake as JSON text, weir_free(); shakes hands first if
 * there is no session. */
WEIR_API WEIR_MUST_USE char *weir_bayeux_session(weir_bayeux *client, weir_ms timeout,
                                                 weir_error *err);

/** The next event, to weir_event_free(). Attributes: "channel", "id", "source" and what the message
 *  holds. WEIR_NOTHING: none within `timeout`. WEIR_STOPPED: weir_bayeux_stop() was called, and all
 *  are taken. Else a failure. weir_error_retryable(err): it is being mended, and is said once for
 *  each outage; go on asking. Otherwise, where it is about one channel (the message names it), that
 *  is no longer subscribed, said once; what has ended the handle comes again and again. */
WEIR_API weir_status weir_bayeux_next(weir_bayeux *client, weir_event **event, weir_ms timeout,
                                      weir_error *err);
/** As weir_bayeux_next(), but up to `room` events that came in one answer of the server. */
WEIR_API weir_status weir_bayeux_take(weir_bayeux *client, weir_event **events, size_t room,
                                      size_t *count, weir_ms timeout, weir_error *err);
/** Readable while weir_bayeux_next(.., WEIR_NO_WAIT, ..) would not say WEIR_NOTHING. Watch it; do
 *  not read or close it. -1 for NULL, or with a handler. */
WEIR_API int weir_bayeux_fd(weir_bayeux *client);
/** Waits until the handle has ended: WEIR_OK after weir_bayeux_stop(), else why. WEIR_NOTHING: it
 *  lives at the limit. */
WEIR_API weir_status weir_bayeux_wait(weir_bayeux *client, weir_ms timeout, weir_error *err);
/** Ends the session in good order; events that have arrived can still be taken. Any thread, and
 *  signal handlers. */
WEIR_API void weir_bayeux_stop(weir_bayeux *client);
/** Stops, tells the server (for at most 2 s), and frees. In a callback of the handle it only stops.
 *  NULL is fine. */
WEIR_API void weir_bayeux_close(weir_bayeux *client);

/* Inside an extension's `outgoing`: `json` becomes the member `name` of "ext". */
WEIR_API weir_status weir_bayeux_ext_set(weir_bayeux_ext *ext, const char *name, const char *json);

/** Since it was opened. */
typedef struct weir_session_counters {
    size_t struct_size;       /**< set by the caller                                              */
    uint64_t events, dropped; /**< delivered; not delivered (older than asked for, filtered) */
    uint64_t answers, bytes;  /**< answers of the server with events, and their length       */
    uint64_t handshakes, connects, subscribes, logins, failures, outages;
    uint64_t queued;      /**< now: events that nobody has taken                              */
    uint64_t most_queued; /**< ever                                                          */
} weir_session_counters;
WEIR_API weir_status weir_bayeux_counters_read(weir_bayeux *client, weir_session_counters *out,
                                               weir_error *err);
WEIR_END
#endif
