/* weir/error.h - one way to fail.
 *
 * Every function that can fail takes `weir_error *err` last; NULL means "I only need the
 * status". The struct is yours, usually on the stack and set up as `weir_error err = {0}`:
 * no heap, no thread-local state, so it may be copied, kept and passed between threads.
 *
 * Three rules let straight-line code get by with one check, at its end:
 *  1. What opens or makes a handle does nothing when *err already holds an error.
 *  2. What is given a NULL handle does nothing, and keeps the error that explains the NULL.
 *  3. Any other call sets *err anew: cleared on success, filled on failure.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <weir/base.h>

/** What went wrong, named after what the caller can do about it. Values are ABI: append. */
typedef enum weir_status {
    WEIR_OK = 0,
    WEIR_INVALID,     /**< the caller's mistake: a bad argument, option or JSON text         */
    WEIR_NO_MEMORY,   /**< an allocation failed                                             */
    WEIR_NOTHING,     /**< nothing to deliver within the limit; not a failure, *err is clear */
    WEIR_TIMEOUT,     /**< a command's limit passed; whether it took effect is unknown       */
    WEIR_STOPPED,     /**< stop or cancel was asked for                                     */
    WEIR_UNREACHABLE, /**< no connection: DNS, TCP, TLS, HTTP 502/503/504, UNAVAILABLE      */
    WEIR_BUSY,        /**< the peer pushes back: HTTP 429, RESOURCE_EXHAUSTED               */
    WEIR_UNTRUSTED,   /**< the peer's certificate or signature did not verify               */
    WEIR_BAD_LOGIN,   /**< credentials refused: HTTP 401, invalid_client, UNAUTHENTICATED   */
    WEIR_FORBIDDEN,   /**< known, but not allowed: HTTP 403, PERMISSION_DENIED              */
    WEIR_NOT_FOUND,   /**< no such job, process, channel, topic                             */
    WEIR_CONFLICT,    /**< already done or in another state: ALREADY_EXISTS, a settled job  */
    WEIR_REFUSED,     /**< understood and declined for another reason; see message          */
    WEIR_PROTOCOL,    /**< the peer said something this protocol does not allow             */
    WEIR_GAP,         /**< events were lost: the stored replay id is no longer retained     */
    WEIR_STORE,       /**< a store or file could not be read or written                     */
    WEIR_UNSUPPORTED, /**< not in this build, or not by this server                         */
    WEIR_MISSING,     /**< a required setting is nowhere; the message names the variables   */
    WEIR_BUG          /**< an invariant of this library broke; please report                */
} weir_status;

/** Whose numbering `weir_error.code` follows. */
typedef enum weir_origin {
    WEIR_ORIGIN_WEIR = 0, /**< code is unused    */
    WEIR_ORIGIN_SYSTEM,   /**< errno             */
    WEIR_ORIGIN_HTTP,     /**< HTTP status       */
    WEIR_ORIGIN_GRPC,     /**< gRPC status       */
    WEIR_ORIGIN_BAYEUX,   /**< Bayeux error code */
    WEIR_ORIGIN_TLS       /**< OpenSSL reason    */
} weir_origin;

/** What the peer meant, where its status alone is ambiguous. Values are ABI: append. */
typedef enum weir_kind {
    WEIR_KIND_UNKNOWN = 0,
    WEIR_KIND_BACK_PRESSURE,      /**< the broker is overloaded                            */
    WEIR_KIND_MESSAGE_TOO_LARGE,  /**< a message exceeds a size limit, ours or the peer's  */
    WEIR_KIND_JOB_NOT_FOUND,      /**< no such job, or it is settled already               */
    WEIR_KIND_JOB_DEACTIVATED,    /**< the job is not activated (any more)                 */
    WEIR_KIND_PROCESS_NOT_FOUND,  /**< no such process definition                          */
    WEIR_KIND_NO_START_EVENT,     /**< the process has no none start event                 */
    WEIR_KIND_PROCESS_TIMED_OUT,  /**< no result within the request timeout; it goes on    */
    WEIR_KIND_INSTANCE_NOT_FOUND, /**< no such process instance                            */
    WEIR_KIND_INVALID_VARIABLES,  /**< the variables are no JSON object                    */
    WEIR_KIND_INVALID_RESOURCE,   /**< what was deployed does not validate                 */
    WEIR_KIND_DECISION_NOT_FOUND, /**< no such decision                                    */
    WEIR_KIND_MESSAGE_EXISTS,     /**< a message with this id is still alive               */
    WEIR_KIND_INCIDENT_NOT_FOUND, /**< no such incident                                    */
    WEIR_KIND_REPLAY_GAP,         /**< the replay id is no longer retained                 */
    WEIR_KIND_TOKEN_REFUSED,      /**< the token endpoint refused the credentials          */
    WEIR_KIND_TOKEN_UNAVAILABLE,  /**< the token endpoint could not be reached or is down  */
    WEIR_KIND_TOKEN_UNUSABLE,     /**< the token endpoint's answer holds no token          */
    WEIR_KIND_INVALID_ACTIVATION  /**< jobs asked for with arguments that make no sense    */
} weir_kind;

typedef struct weir_error {
    weir_status status;
    weir_origin origin;
    int32_t code;        /**< the peer's own number, for logs and rare decisions             */
    int32_t retry_in_ms; /**< -1 no use retrying, 0 retry when you like, >0 the peer's wish  */
    int32_t kind;        /**< a weir_kind                                                    */
    uint32_t reserved[3];
    char message[1024]; /**< one line, never a secret; "" when status is OK                  */
} weir_error;

WEIR_BEGIN
/** "WEIR_GAP"; "WEIR_BUG" for a number that is none. */
WEIR_API const char *weir_status_name(weir_status status);
/** "job_not_found"; "" for UNKNOWN. */
WEIR_API const char *weir_kind_name(int32_t kind);
/** "weir", "system", "http", "grpc", "bayeux", "tls". */
WEIR_API const char *weir_origin_name(weir_origin origin);
/** True when trying again later may help. */
WEIR_API bool weir_error_retryable(const weir_error *err);
WEIR_API void weir_error_clear(weir_error *err);
/** The exit status that fits: 0 for OK, NOTHING and STOPPED, else a <sysexits.h> value. */
WEIR_API int weir_error_exit_status(const weir_error *err);
/** For the end of main(): prints "who: message" to stderr unless *err is OK or STOPPED and
 *  returns weir_error_exit_status(). */
WEIR_API int weir_error_exit(const weir_error *err, const char *who);
WEIR_END
#endif
