/* cli/coprocess_jobs.h - a coprocess that works on jobs: its host fetches them from a source and
 * says what became of them. */
#ifndef CLI_COPROCESS_JOBS_H
#define CLI_COPROCESS_JOBS_H

#include "cli/coprocess_host.h"
#include "cli/work_outcome.h"

enum coprocess_taken { COPROCESS_JOB, COPROCESS_NO_JOB, COPROCESS_NO_MORE };

/* Where jobs come from and go to; called on the host's thread, until coprocess_stop() returns. */
struct coprocess_source {
    int fd; /* readable when take() should be asked again */
    /* A job of this key, as JSON without its line's end, to be freed with weir_free(). */
    enum coprocess_taken (*take)(void *user, int64_t *key, void **job, char **line);
    /* Asked now and then; false: its outcome is not waited for. */
    bool (*wanted)(void *user, void *job);
    /* Once for each job that was taken. `outcome` is borrowed; NULL: it was not wanted any more. */
    void (*done)(void *user, void *job, const struct work_outcome *outcome);
    void *user;
};

struct coprocess_jobs_options {
    const struct run_command *command; /* outlives the host */
    const char *name;                  /* for messages: the command as it was given */
    weir_ms time_limit;                /* of a job */
    weir_ms grace;                     /* between its stdin's end, SIGTERM and SIGKILL */
    size_t most;                       /* jobs at once */
    struct coprocess_source source;
};

/* NULL: *err. When it is stopped (coprocess_stop()), jobs in its hand fail, those it was not told
 * of are done without an outcome. */
struct coprocess_host *coprocess_jobs_start(const struct coprocess_jobs_options *options,
                                            weir_error *err);
#endif
