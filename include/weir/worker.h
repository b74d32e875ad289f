/* weir/worker.h - Camunda 8: take jobs of one type and settle them. A job itself is in job.h. */
#ifndef WEIR_WORKER_H
#define WEIR_WORKER_H

#include <weir/channel.h>
#include <weir/job.h>

typedef struct weir_worker weir_worker;

/** Settle `job` (complete, fail, throw or raise) or keep it before returning; a job left alone is
 *  failed with a message that says so. The job is not yours after the return. */
typedef void weir_job_fn(weir_job *job, void *user);

/* ---- what a program may want to be told ------------------------------------------------ */

typedef enum weir_job_outcome {
    WEIR_JOB_OPEN = 0,
    WEIR_JOB_COMPLETED,
    WEIR_JOB_FAILED,
    WEIR_JOB_THROWN,
    WEIR_JOB_LOST,    /**< the lock ran out, or the gateway took the job away                  */
    WEIR_JOB_RETURNED /**< handed back unstarted, as many tries left as before                 */
} weir_job_outcome;

/** What became of a job at the gateway, not only what the handler wished. */
typedef struct weir_settled {
    int64_t key;
    const char *type;
    weir_job_outcome outcome;
    weir_ms took;      /**< from its arrival to the gateway's answer                            */
    const char *error; /**< of FAILED, THROWN and LOST: why; else NULL                          */
} weir_settled;
typedef void weir_settled_fn(const weir_settled *what, void *user);

typedef enum weir_worker_news {
    WEIR_WORKER_OUTAGE = 1,    /**< jobs cannot be fetched: once for each outage, with the reason */
    WEIR_WORKER_RECOVERED,     /**< they can again                                               */
    WEIR_WORKER_WITHOUT_STREAM /**< the gateway knows no job streams: polling only              */
} weir_worker_news;
typedef void weir_worker_news_fn(weir_worker_news news, const weir_error *why, void *user);

/** A link of the chain around the handler. `before` runs in the order of the list, `after` in the
 *  reverse order of those whose `before` ran. If a `before` settles the job, neither the rest of
 *  the list nor the handler run. Either may be NULL. */
typedef struct weir_middleware {
    weir_job_fn *before, *after;
    void *user;
} weir_middleware;

/** The handler has raised *why, forgot the job, or its completion was called invalid. May settle.
 */
typedef void weir_job_error_fn(weir_job *job, const weir_error *why, void *user);

/* ---- options --------------------------------------------------------------------------- */

typedef enum weir_tenant_filter {
    WEIR_TENANTS_PROVIDED = 0, /**< those of tenant_ids                                         */
    WEIR_TENANTS_ASSIGNED      /**< those the login may see; since 8.9                          */
} weir_tenant_filter;

typedef struct weir_worker_options {
    size_t struct_size;
    const char *type;                   /**< required: the job type                          */
    weir_job_fn *handler;               /**< NULL: take jobs with weir_worker_next()         */
    void *user;                         /**< for all callbacks but middleware                */
    int threads;                        /**< handlers of this worker at once; 1              */
    int max_active;                     /**< jobs in hand or not answered for, at once; 32   */
    weir_ms job_timeout;                /**< the gateway's lock on a job; 5 min              */
    weir_ms max_job_time;               /**< heartbeats end, then the job fails; 12 locks    */
    const char *name;                   /**< "host:pid"                                      */
    const char *const *fetch_variables; /**< NULL-terminated; NULL: all                      */
    const char *const *tenant_ids;      /**< NULL-terminated; NULL: the default tenant       */
    weir_tenant_filter tenant_filter;
    weir_ms poll_interval;  /**< after a poll that brought fewer than asked for; 100 ms       */
    double poll_threshold;  /**< polls when so much of max_active or less is in hand; 0.3    */
    weir_ms long_poll;      /**< the gateway may wait so long for a job; 10 s                */
    weir_ms stream_timeout; /**< a job stream is opened anew after; 1 h                      */
    weir_ms retry_backoff;  /**< of jobs that fail without saying; 0                         */
    weir_ms drain;          /**< running handlers may take so long when stopping; 30 s       */
    weir_ms give_up;        /**< an outage of this length ends the worker; for ever          */
    bool poll_only;         /**< do not open a job stream                                    */
    bool stream_only;       /**< do not poll: jobs that no stream took stay where they are   */
    bool no_heartbeat;      /**< let the lock run out under a slow handler                   */
    const weir_middleware *middleware; /**< ended by {0}; copied                             */
    weir_job_error_fn *on_error;
    weir_settled_fn *on_settled;  /**< on a library thread, one at a time                     */
    weir_worker_news_fn *on_news; /**< likewise                                              */
} weir_worker_options;
#define WEIR_WORKER(...)                                                                           \
    (&(weir_worker_options){.struct_size = sizeof(weir_worker_options), __VA_ARGS__})

/* ---- the worker ------------------------------------------------------------------------ */

WEIR_BEGIN
/** References the channel; NULL with a clear *err stands for weir_channel_from_environment(). A
 *  handler may run before this returns. */
WEIR_API WEIR_MUST_USE weir_worker *weir_worker_open(weir_channel *channel,
                                                     const weir_worker_options *o, weir_error *err);
/** WEIR_OK: weir_worker_stop() was called and all is done. WEIR_NOTHING: it still runs at the
 * limit. Else the failure that ended it, which retrying cannot mend (or that lasted for `give_up`).
 * Except for WEIR_NOTHING all handlers have returned and all outcomes are sent. */
WEIR_API weir_status weir_worker_wait(weir_worker *worker, weir_ms timeout, weir_error *err);
/** Takes nothing new, lets handlers finish within `drain`, sends every outcome and hands the rest
 *  back; what is in hand past `drain` is given up (LOST, and the gateway gets it back). Called
 *  again: at once. Any thread, and signal handlers. */
WEIR_API void weir_worker_stop(weir_worker *worker);
/** Stops, waits as weir_worker_wait() does, and frees; threads that wait in weir_worker_next() or
 *  weir_worker_wait() return. In a callback of the worker it only stops. NULL is fine. */
WEIR_API void weir_worker_close(weir_worker *worker);

/* Without a handler: one job at a time, from any thread, or from an event loop. */

/** The next job, to settle and weir_job_free(). WEIR_NOTHING: none within `timeout`. WEIR_STOPPED,
 *  or what ended the worker. */
WEIR_API weir_status weir_worker_next(weir_worker *worker, weir_job **job, weir_ms timeout,
                                      weir_error *err);
/** Readable while weir_worker_next(.., WEIR_NO_WAIT, ..) would not say WEIR_NOTHING. Watch it with
 *  poll or epoll; do not read it or close it. -1 for NULL or a worker with a handler. */
WEIR_API int weir_worker_fd(weir_worker *worker);

/** Since it was opened. */
typedef struct weir_worker_counters {
    size_t struct_size; /**< set by the caller                                               */
    uint64_t activated, polled, streamed; /**< jobs: all, and how they came                  */
    uint64_t completed, failed, thrown, lost, returned;
    uint64_t polls, empty_polls, failed_polls, streams, heartbeats, repeats;
    uint64_t active;  /**< now: in hand and not answered for                                 */
    uint64_t waiting; /**< now: of these, not yet with a handler                             */
} weir_worker_counters;
WEIR_API weir_status weir_worker_counters_read(weir_worker *worker, weir_worker_counters *out,
                                               weir_error *err);
WEIR_END
#endif
