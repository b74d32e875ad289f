/* cli/coprocess_host.h - a coprocess with its process: started, fed, read, ended and started again,
 * by one thread of its own. Any number of threads hand it a job each and wait for the outcome. */
#ifndef CLI_COPROCESS_HOST_H
#define CLI_COPROCESS_HOST_H

#include "cli/run.h"
#include "cli/work_outcome.h"

struct coprocess_host;

struct coprocess_options {
    const struct run_command *command; /* outlives the host */
    const char *name;                  /* for messages: the command as it was given */
    weir_ms time_limit;                /* of a job */
    weir_ms grace;                     /* between its stdin's end, SIGTERM and SIGKILL */
};

/* Starts the thread, which starts the process. NULL: *err. */
struct coprocess_host *coprocess_start(const struct coprocess_options *options, weir_error *err);
/* Waits for the outcome of a job: `line` is the job as JSON. False: `wanted` said that nobody wants
 * it any more. End with work_outcome_free(). */
bool coprocess_handle(struct coprocess_host *host, int64_t key, const char *line,
                      run_wanted_fn *wanted, void *user, struct work_outcome *outcome);
/* No thread may be in coprocess_handle() any more. Its stdin ends, then it is told, then killed;
 * waits for that. NULL is fine. */
void coprocess_stop(struct coprocess_host *host);
#endif
