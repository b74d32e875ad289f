/* weir/job_commands.h - Camunda 8: jobs by their key, without a worker. How commands are given is
 * in commands.h; what a worker does with a job in hand is in job.h. */
#ifndef WEIR_JOB_COMMANDS_H
#define WEIR_JOB_COMMANDS_H

#include <weir/zeebe.h>

typedef struct weir_complete_job {
    size_t struct_size;
    int64_t job_key; /**< required                                                           */
    const char *variables;
    const char *result; /**< a JobResult as protojson, since 8.8                             */
} weir_complete_job;
#define WEIR_COMPLETE_JOB(...)                                                                     \
    (&(weir_complete_job){.struct_size = sizeof(weir_complete_job), __VA_ARGS__})

typedef struct weir_fail_job {
    size_t struct_size;
    int64_t job_key; /**< required                                                           */
    int32_t retries; /**< left; 0: an incident                                               */
    weir_ms backoff; /**< until it may be activated again                                    */
    const char *message;
    const char *variables; /**< since 8.2                                                    */
} weir_fail_job;
#define WEIR_FAIL_JOB(...) (&(weir_fail_job){.struct_size = sizeof(weir_fail_job), __VA_ARGS__})

typedef struct weir_throw_error {
    size_t struct_size;
    int64_t job_key;  /**< required                                                          */
    const char *code; /**< required: of a BPMN error; one that nothing catches is an incident */
    const char *message;
    const char *variables; /**< since 8.2                                                    */
} weir_throw_error;
#define WEIR_THROW_ERROR(...)                                                                      \
    (&(weir_throw_error){.struct_size = sizeof(weir_throw_error), __VA_ARGS__})

typedef struct weir_update_retries {
    size_t struct_size;
    int64_t job_key; /**< required                                                           */
    int32_t retries; /**< required: 1 or more                                                */
    int64_t operation_reference;
} weir_update_retries;
#define WEIR_UPDATE_RETRIES(...)                                                                   \
    (&(weir_update_retries){.struct_size = sizeof(weir_update_retries), __VA_ARGS__})

/** Since 8.4. */
typedef struct weir_update_timeout {
    size_t struct_size;
    int64_t job_key;     /**< required                                                       */
    weir_ms job_timeout; /**< required: the lock, from now; WEIR_ZERO: it runs out at once    */
    int64_t operation_reference;
} weir_update_timeout;
#define WEIR_UPDATE_TIMEOUT(...)                                                                   \
    (&(weir_update_timeout){.struct_size = sizeof(weir_update_timeout), __VA_ARGS__})

WEIR_BEGIN
WEIR_API weir_status weir_zeebe_complete_job(weir_zeebe *zeebe, const weir_complete_job *what,
                                             weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_complete_job_start(weir_zeebe *zeebe,
                                                                const weir_complete_job *what,
                                                                weir_ms timeout, weir_error *err);
WEIR_API weir_status weir_zeebe_fail_job(weir_zeebe *zeebe, const weir_fail_job *what,
                                         weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_fail_job_start(weir_zeebe *zeebe,
                                                            const weir_fail_job *what,
                                                            weir_ms timeout, weir_error *err);
WEIR_API weir_status weir_zeebe_throw_error(weir_zeebe *zeebe, const weir_throw_error *what,
                                            weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_throw_error_start(weir_zeebe *zeebe,
                                                               const weir_throw_error *what,
                                                               weir_ms timeout, weir_error *err);
WEIR_API weir_status weir_zeebe_update_retries(weir_zeebe *zeebe, const weir_update_retries *what,
                                               weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_update_retries_start(weir_zeebe *zeebe,
                                                                  const weir_update_retries *what,
                                                                  weir_ms timeout, weir_error *err);
WEIR_API weir_status weir_zeebe_update_timeout(weir_zeebe *zeebe, const weir_update_timeout *what,
                                               weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_update_timeout_start(weir_zeebe *zeebe,
                                                                  const weir_update_timeout *what,
                                                                  weir_ms timeout, weir_error *err);
WEIR_END
#endif
