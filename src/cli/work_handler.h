/* cli/work_handler.h - one job, handled: by a process, by the coprocess, or by nothing. */
#ifndef CLI_WORK_HANDLER_H
#define CLI_WORK_HANDLER_H

#include <stdatomic.h>

#include "cli/coprocess_jobs.h"
#include "cli/work_options.h"

/* What on_settled sees as the message of a job that was taken but not begun. */
#define WORK_HANDED_BACK "handed back: the worker is stopping"

/* Settles the job, unless it is not ours any more. Blocks; any number of threads. Not for
 * WORK_COPROCESS. Once *hurry is true what runs is ended, and its job handed back. */
void work_handle(const struct work_options *options, weir_job *job, const atomic_bool *hurry);
/* Hands the job back, with as many retries as it has. */
void work_return(weir_job *job);

/* A coprocess's jobs: those of the worker. */
struct work_source {
    const struct work_options *options;
    weir_worker *worker;
    const atomic_bool *hurry;
    bool (*may_begin)(void *user); /* one more job; false: it is handed back */
    void *user;
};
struct coprocess_source work_source(struct work_source *source);
#endif
