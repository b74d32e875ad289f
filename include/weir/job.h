/* weir/job.h - Camunda 8: one job in hand. What hands jobs out is in worker.h. */
#ifndef WEIR_JOB_H
#define WEIR_JOB_H

#include <weir/json.h>

/** Any thread. Borrowed in a handler until it returns, unless kept; yours from weir_worker_next().
 */
typedef struct weir_job weir_job;

/* ---- what it says --------------------------------------------------------------------- */

WEIR_BEGIN
WEIR_API int64_t weir_job_key(const weir_job *job);
WEIR_API const char *weir_job_type(const weir_job *job);
/** Tries left, this one included. */
WEIR_API int32_t weir_job_retries(const weir_job *job);
/** When the gateway's lock runs out, in ms since the epoch; moves with each heartbeat. */
WEIR_API int64_t weir_job_deadline(const weir_job *job);
/** What is left of the lock by this machine's monotonic clock; 0: it has run out. */
WEIR_API weir_ms weir_job_time_left(const weir_job *job);
/** False once the job is settled, its lock has run out, or the gateway said that it is somebody
 *  else's or gone. */
WEIR_API bool weir_job_is_ours(const weir_job *job);
/** A field of ActivatedJob as text, by its name in gateway.proto: "bpmnProcessId", "elementId",
 *  "processInstanceKey", "tenantId", "variables", "customHeaders", ...; NULL for no such field. */
WEIR_API const char *weir_job_attr(const weir_job *job, const char *name);
WEIR_API const weir_json *weir_job_vars(const weir_job *job);    /**< parsed when first asked for */
WEIR_API const weir_json *weir_job_headers(const weir_job *job); /**< likewise                    */
/** The whole job as compact protojson, to release with weir_free(). */
WEIR_API WEIR_MUST_USE char *weir_job_json(const weir_job *job, weir_error *err);
WEIR_END

/* ---- settling -------------------------------------------------------------------------
 *
 * Settling hands the outcome over and does not wait. The library repeats a completion until the
 * gateway has it or the job's lock has run out, a failure or an error only while it provably did
 * not arrive. `variables` are a JSON object; NULL: none. WEIR_CONFLICT: it is settled already.
 * WEIR_INVALID: the variables are no JSON object, or another argument makes no sense; the job is
 * still to be settled, and if it is not, it fails with this reason. */

#define WEIR_RETRIES_LESS ((int32_t)-1) /**< one less than the job has */
#define WEIR_RETRIES_SAME ((int32_t)-2) /**< as many as the job has    */

typedef struct weir_completion {
    size_t struct_size;
    const char *variables;
    const char *result; /**< a JobResult as protojson, since 8.8; NULL: none                     */
} weir_completion;
#define WEIR_COMPLETION(...)                                                                       \
    (&(weir_completion){.struct_size = sizeof(weir_completion), __VA_ARGS__})

typedef struct weir_failure {
    size_t struct_size;
    int32_t retries;     /**< left; 0: an incident; or one of the two names above                */
    weir_ms backoff;     /**< until it may be activated again; 0: the worker's retry_backoff     */
    const char *message; /**< cut to 8 KiB at a character                                        */
    const char *variables;
} weir_failure;
#define WEIR_FAILURE(...) (&(weir_failure){.struct_size = sizeof(weir_failure), __VA_ARGS__})

typedef struct weir_bpmn_error {
    size_t struct_size;
    const char *code; /**< required */
    const char *message;
    const char *variables;
} weir_bpmn_error;
#define WEIR_BPMN_ERROR(...)                                                                       \
    (&(weir_bpmn_error){.struct_size = sizeof(weir_bpmn_error), __VA_ARGS__})

WEIR_BEGIN
WEIR_API weir_status weir_job_complete(weir_job *job, const char *variables);
/** jansson's pack language: weir_job_completef(job, "{s:b}", "paid", 1) */
WEIR_API weir_status weir_job_completef(weir_job *job, const char *pack_fmt, ...);
WEIR_API weir_status weir_job_complete_with(weir_job *job, const weir_completion *what);
WEIR_API weir_status weir_job_fail(weir_job *job, int32_t retries, weir_ms backoff, const char *fmt,
                                   ...) WEIR_PRINTF(4, 5);
WEIR_API weir_status weir_job_fail_with(weir_job *job, const weir_failure *what);
WEIR_API weir_status weir_job_throw(weir_job *job, const char *code, const char *message);
WEIR_API weir_status weir_job_throw_with(weir_job *job, const weir_bpmn_error *what);
/** Gives the failure to the worker's on_error, which may settle the job; if it does not, or there
 * is none, the job fails with one try less and *why's message. */
WEIR_API weir_status weir_job_raise(weir_job *job, const weir_error *why);
/** The outcome handed over so far; 0: none. A weir_job_outcome (worker.h). */
WEIR_API int weir_job_settled(const weir_job *job);
/** Takes the job along; settle it later on any thread, then weir_job_free() it. */
WEIR_API weir_job *weir_job_keep(weir_job *job);
/** A job that is freed unsettled is failed with a message that says so. NULL is fine. */
WEIR_API void weir_job_free(weir_job *job);
WEIR_END
#endif
