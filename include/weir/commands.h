/* weir/commands.h - Camunda 8: commands to the workflow engine. Resources and decisions are in
 * resources.h; what holds for every call is in zeebe.h.
 *
 * Each command takes its options and a limit for all of it, and comes twice: one function waits for
 * the answer, the other, ..._start(), returns at once with a weir_call to wait for, to watch, to be
 * called back by or to cancel.
 *
 * In options, texts that are NULL and numbers that are 0 are left out, or stand for the default
 * that is named; WEIR_ZERO is a number that is really 0. `variables` are a JSON object: anything
 * else is WEIR_INVALID with line and column, kind INVALID_VARIABLES, before anything is sent. Lists
 * of texts end with NULL, other lists with {0}. */
#ifndef WEIR_COMMANDS_H
#define WEIR_COMMANDS_H

#include <weir/zeebe.h>

/* ---- process instances ------------------------------------------------------------------ */

typedef struct weir_create_instance {
    size_t struct_size;
    const char *process_id;         /**< the BPMN id, or ...                                 */
    int64_t process_definition_key; /**< ... the key                                         */
    int32_t version;                /**< of process_id; 0: the latest                        */
    const char *variables;
    const char *tenant_id;
    int64_t operation_reference;        /**< since 8.6                                      */
    const char *const *start_elements;  /**< ids to start at, not the start event; since 8.1 */
    const char *const *terminate_after; /**< ids after which the instance ends; since 8.8   */
    const char *const *tags;            /**< since 8.8                                      */
    const char *business_id;            /**< since 8.9                                      */
    const char *const *fetch_variables; /**< with result: the names to give; NULL: all      */
    weir_ms request_timeout; /**< with result: the gateway's own limit; 0: 90 % of `timeout` */
} weir_create_instance;
#define WEIR_CREATE_INSTANCE(...)                                                                  \
    (&(weir_create_instance){.struct_size = sizeof(weir_create_instance), __VA_ARGS__})

/** Immutable; the texts live as long as it does. */
typedef struct weir_instance {
    int64_t key, process_definition_key;
    const char *process_id;
    int32_t version;
    const char *variables; /**< the result, a JSON object; NULL: none was asked for          */
    const char *tenant_id;
    const char *const *tags; /**< ended by NULL                                              */
    const char *business_id; /**< NULL: none                                                 */
} weir_instance;

typedef struct weir_cancel_instance {
    size_t struct_size;
    int64_t instance_key; /**< required                                                      */
    int64_t operation_reference;
} weir_cancel_instance;
#define WEIR_CANCEL_INSTANCE(...)                                                                  \
    (&(weir_cancel_instance){.struct_size = sizeof(weir_cancel_instance), __VA_ARGS__})

typedef struct weir_set_variables {
    size_t struct_size;
    int64_t element_instance_key; /**< required: of a process instance or an element of it   */
    const char *variables;        /**< required                                              */
    bool local;                   /**< exactly there, not where they are declared            */
    int64_t operation_reference;
} weir_set_variables;
#define WEIR_SET_VARIABLES(...)                                                                    \
    (&(weir_set_variables){.struct_size = sizeof(weir_set_variables), __VA_ARGS__})

typedef struct weir_resolve_incident {
    size_t struct_size;
    int64_t incident_key; /**< required                                                      */
    int64_t operation_reference;
} weir_resolve_incident;
#define WEIR_RESOLVE_INCIDENT(...)                                                                 \
    (&(weir_resolve_incident){.struct_size = sizeof(weir_resolve_incident), __VA_ARGS__})

WEIR_BEGIN
WEIR_API WEIR_MUST_USE weir_instance *weir_zeebe_create_instance(weir_zeebe *zeebe,
                                                                 const weir_create_instance *what,
                                                                 weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_create_instance_start(weir_zeebe *zeebe,
                                                                   const weir_create_instance *what,
                                                                   weir_ms timeout,
                                                                   weir_error *err);
/** Waits for the end of the instance, too. If that is not reached in time: WEIR_TIMEOUT, kind
 *  PROCESS_TIMED_OUT, and the instance goes on. With a request_timeout, WEIR_DEFAULT_TIMEOUT is
 *  that and the channel's own on top. */
WEIR_API WEIR_MUST_USE weir_instance *weir_zeebe_create_with_result(
    weir_zeebe *zeebe, const weir_create_instance *what, weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_create_with_result_start(
    weir_zeebe *zeebe, const weir_create_instance *what, weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_instance *weir_call_instance(weir_call *call, weir_error *err);
WEIR_API void weir_instance_free(weir_instance *instance);

WEIR_API weir_status weir_zeebe_cancel_instance(weir_zeebe *zeebe, const weir_cancel_instance *what,
                                                weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_cancel_instance_start(weir_zeebe *zeebe,
                                                                   const weir_cancel_instance *what,
                                                                   weir_ms timeout,
                                                                   weir_error *err);
/** `key`: of the command; NULL is fine. */
WEIR_API weir_status weir_zeebe_set_variables(weir_zeebe *zeebe, const weir_set_variables *what,
                                              int64_t *key, weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_set_variables_start(weir_zeebe *zeebe,
                                                                 const weir_set_variables *what,
                                                                 weir_ms timeout, weir_error *err);
WEIR_API weir_status weir_zeebe_resolve_incident(weir_zeebe *zeebe,
                                                 const weir_resolve_incident *what, weir_ms timeout,
                                                 weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_resolve_incident_start(
    weir_zeebe *zeebe, const weir_resolve_incident *what, weir_ms timeout, weir_error *err);
WEIR_END

/* ---- messages and signals --------------------------------------------------------------- */

typedef struct weir_publish {
    size_t struct_size;
    const char *name; /**< required                                                          */
    const char *correlation_key;
    const char *message_id; /**< while a message with this id lives, another is WEIR_CONFLICT */
    weir_ms time_to_live;   /**< how long it may wait to be correlated; 60 s                 */
    const char *variables;
    const char *tenant_id;
} weir_publish;
#define WEIR_PUBLISH(...) (&(weir_publish){.struct_size = sizeof(weir_publish), __VA_ARGS__})

typedef struct weir_broadcast {
    size_t struct_size;
    const char *name; /**< required                                                          */
    const char *variables;
    const char *tenant_id;
} weir_broadcast;
#define WEIR_BROADCAST(...) (&(weir_broadcast){.struct_size = sizeof(weir_broadcast), __VA_ARGS__})

WEIR_BEGIN
/** `key`: of the message; NULL is fine. */
WEIR_API weir_status weir_zeebe_publish(weir_zeebe *zeebe, const weir_publish *what, int64_t *key,
                                        weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_publish_start(weir_zeebe *zeebe,
                                                           const weir_publish *what,
                                                           weir_ms timeout, weir_error *err);
/** `key`: of the signal; NULL is fine. */
WEIR_API weir_status weir_zeebe_broadcast(weir_zeebe *zeebe, const weir_broadcast *what,
                                          int64_t *key, weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_broadcast_start(weir_zeebe *zeebe,
                                                             const weir_broadcast *what,
                                                             weir_ms timeout, weir_error *err);
WEIR_END
#endif
