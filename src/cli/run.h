/* cli/run.h - a program run from its start to its end: input given, output and the end of its
 * stderr taken. Blocks the calling thread; any number of them at once. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/run_process.h"

enum run_end {
    RUN_EXITED = 0,  /* number: its exit status                          */
    RUN_SIGNALLED,   /* number: the signal                               */
    RUN_NOT_STARTED, /* number: errno                                    */
    RUN_TOO_LONG,    /* it ran into the time limit, and was ended        */
    RUN_TOO_MUCH,    /* it wrote more than the limit, and was ended      */
    RUN_UNWANTED     /* nobody wants its result any more; it was ended   */
};

/* Asked now and then while it runs; false: end it. */
typedef bool run_wanted_fn(void *user);

struct run_job {
    const struct run_command *command;
    char *const *environment; /* added; ended by NULL; may be NULL */
    const char *input;
    size_t input_len;
    size_t output_limit;
    weir_ms time_limit;    /* WEIR_FOREVER: none */
    weir_ms grace;         /* between SIGTERM and SIGKILL, when it has to be ended */
    bool pass_errors;      /* its stderr goes to ours, too, as it comes */
    run_wanted_fn *wanted; /* may be NULL */
    void *user;
};

struct run_result {
    enum run_end end;
    int number;
    struct str output; /* at most the limit; may hold NULs */
    struct str errors; /* the end of its stderr, as UTF-8 text without blanks around it */
};

/* Waits for its end, not for what it left in the background: that is given a second to close the
 * pipes. End with run_result_free(). */
void run_to_end(const struct run_job *job, struct run_result *result);
void run_result_free(struct run_result *result);
/* One line: how it ended. "ended with status 3"; `job` for its limits. */
void run_say_end(const struct run_job *job, const struct run_result *result, struct str *out);
#endif
