/* cli/work_options.h - `weir zeebe work`: what the command line asks for. */
#ifndef CLI_WORK_OPTIONS_H
#define CLI_WORK_OPTIONS_H

#include "cli/parse.h"
#include "cli/run_process.h"

#include <weir/worker.h>

/* Between SIGTERM and SIGKILL for a handler that has to end. */
#define WORK_GRACE 5000
/* A job's variables, as a handler may write them: what a gateway takes in one message by default.
 */
#define WORK_OUTPUT (4 * 1024 * 1024)

enum work_kind { WORK_PROCESS = 1, WORK_COPROCESS, WORK_CONSTANT };

struct work_options {
    enum work_kind kind;
    struct run_command command; /* WORK_PROCESS, WORK_COPROCESS */
    const char *shell;          /* its text, when a shell runs it */
    char *variables;            /* WORK_CONSTANT */
    bool outcomes, whole_job, json;
    bool zbctl; /* `create worker`: says what zbctl says */
    weir_ms handler_timeout, drain;
    weir_ms until_idle; /* -1: never */
    int64_t count;      /* 0: without end */
    weir_worker_options worker;
    const char **fetch_variables, **tenant_ids; /* what `worker` points to */
    char **texts;                               /* and what those point to */
    size_t text_count;
};

/* Checks everything that needs no gateway. 0, or the exit status: it has been said. End with
 * work_options_free() in any case. */
int work_options_read(struct work_options *out, const struct args *args);
void work_options_free(struct work_options *options);
#endif
