/* cli/work_handler.h - one job, handled: by a process, by the coprocess, or by nothing. */
#ifndef CLI_WORK_HANDLER_H
#define CLI_WORK_HANDLER_H

#include <stdatomic.h>

#include "cli/coprocess_host.h"
#include "cli/work_options.h"

/* What on_settled sees as the message of a job that was taken but not begun. */
#define WORK_HANDED_BACK "handed back: the worker is stopping"

/* Settles the job, unless it is not ours any more. Blocks; any number of threads. `coprocess` for
 * WORK_COPROCESS only. Once *hurry is true what runs is ended, and its job handed back. */
void work_handle(const struct work_options *options, struct coprocess_host *coprocess,
                 weir_job *job, const atomic_bool *hurry);
/* Hands the outcome to the library. */
void work_settle(weir_job *job, const struct work_outcome *outcome);
#endif
