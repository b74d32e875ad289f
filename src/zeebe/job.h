/* zeebe/job.h - one job's inside, for this folder. A job and all its texts are one block. */
#ifndef ZEEBE_JOB_H
#define ZEEBE_JOB_H

#include "io/timer.h"
#include "rpc/list.h"
#include "zeebe/codec_jobs.h"
#include "zeebe/lease.h"
#include "zeebe/settle.h"

#include <stdatomic.h>
#include <weir/worker.h>

struct errand;

/* Who may begin it. Changes by compare-and-swap only. */
enum job_phase {
    JOB_WAITING,   /* in the inbox. Next: BEGUN (who takes it), CALLED_OFF (the I/O thread) */
    JOB_BEGUN,     /* somebody has it in hand                                               */
    JOB_CALLED_OFF /* nobody is to begin it any more                                      */
};

struct weir_job {
    atomic_int refs;    /* of the memory: the engine's, the inbox's or its holders', of lists  */
    atomic_int holders; /* of those who may still settle it                                    */
    atomic_int phase;   /* enum job_phase                                                      */
    /* A weir_job_outcome. Who moves it from OPEN settles the job, and nobody else does. */
    atomic_int settled;
    _Atomic int64_t lock_until_ns; /* monotonic; 0: it is over                                */
    _Atomic int64_t deadline_ms;   /* since the epoch                                          */
    struct weir_worker *worker;    /* referenced */
    struct job_fields f;
    int64_t arrived_ns;

    _Atomic(weir_json *) variables, headers, attrs; /* made by the first who asks               */
    /* It was settled once. Should the gateway refuse that, the job is open again, but not
     * forgotten: on_error is asked about it, and what follows from that is the teller's. */
    atomic_bool handed;
    _Atomic(char *) reason; /* why a settling was refused: what it fails with if none follows */

    /* Whoever settled it fills these; the I/O thread reads them after it took the job's order. */
    enum settle_kind kind;
    struct buf request;
    char *why; /* of FAILED, THROWN, LOST; NULL: nothing to say */
    struct weir_job *next_order;

    char *words; /* of the gateway, for on_error; set once, before the job is given to the teller */

    struct link link; /* @thread io, as all below: the worker's `jobs` */
    struct timer timer;
    struct lease lease;
    struct settle settle;
    struct errand *errand; /* the call that settles it, or NULL */
    struct errand *beat;   /* the heartbeat under way, or NULL  */
    bool ordered;          /* settled, and the gateway is to be told */
    bool refused_once;     /* on_error was asked about it            */
    weir_ms took;          /* once it is over                        */

    /* @locked by the worker: waits for on_settled; for on_error. It may be over while it waits for
     * the second, so it may be in both lists. */
    struct weir_job *next_told, *next_refused;
    char text[];
};

/* From an ActivatedJob. NULL: WEIR_PROTOCOL or WEIR_NO_MEMORY. Two references: the engine's and the
 * inbox's. */
struct weir_job *job_read(struct weir_worker *worker, weir_bytes wire, weir_error *err);
struct weir_job *job_ref(struct weir_job *job);
void job_unref(struct weir_job *job);
/* Nobody has settled it yet, and it falls to its holders to do so. */
bool job_is_open(const struct weir_job *job);
/* Asks on_error, if there is one and this is not on_error asking itself. */
void job_ask(struct weir_job *job, const weir_error *why);
/* Takes the right to settle. False: somebody has it. */
bool job_claim(struct weir_job *job, weir_job_outcome outcome);
/* Fills what failing it says; `why` is the text, cut where it is too long. Only who claimed it. */
void job_fill_failure(struct weir_job *job, enum settle_kind kind, int32_t retries, weir_ms backoff,
                      const char *why);
/* One try less; not below none. */
int32_t job_retries_less(const struct weir_job *job);
/* Fails what was never settled: with the reason of a refused attempt, or else with `why`. */
void job_fail_forgotten(struct weir_job *job, const char *why);
#endif
