/* cli/run_process.h - a program that weir runs: started, told, and waited for.
 *
 * It gets ordinary signals, no descriptors but 0, 1, 2 (pipes, all three), an environment without
 * weir's secrets, and a process group of its own: what a shell starts is told with it, and a
 * terminal's Ctrl-C reaches weir alone, which lets it finish. Any thread; a process belongs to one
 * at a time. */
#ifndef CLI_RUN_PROCESS_H
#define CLI_RUN_PROCESS_H

#include <sys/types.h>

#include "cli/str.h"

#include <weir/error.h>

/* What is to be run, found once; read by any number of threads. */
struct run_command {
    char **argv;        /* ended by NULL */
    char *path;         /* of argv[0] */
    char **environment; /* ended by NULL; the texts are environ's */
    size_t environment_count;
    char **shell; /* argv of a shell command, to be freed; else NULL */
};

/* Either argv (of `-- CMD`, to outlive *out) or a command of the shell. `secret` (may be NULL) is a
 * further variable that is not inherited. WEIR_STORE: there is no such program, or it must not be
 * run. Once, before threads are started. */
weir_status run_find(struct run_command *out, char **argv, const char *shell, const char *secret,
                     weir_error *err);
void run_command_free(struct run_command *command);

struct run_process {
    pid_t pid;  /* 0: not running */
    int ended;  /* a descriptor that is readable when it has ended; -1: there is none */
    int in;     /* its stdin, to write; nonblocking, as the others; -1: closed */
    int out;    /* its stdout, to read */
    int errors; /* its stderr, to read */
};
#define RUN_NO_PROCESS ((struct run_process){.ended = -1, .in = -1, .out = -1, .errors = -1})

/* `more`: "NAME=VALUE", ended by NULL, added to its environment; may be NULL. 0, or errno. */
int run_start(struct run_process *process, const struct run_command *command, char *const *more);
/* A signal to it and all it has started; nothing once it was collected. */
void run_signal(const struct run_process *process, int number);
/* Has it ended? Then its exit status, or minus the signal's number, is in *how, what is left of its
 * group is killed if `all`, and only the pipes are still open. Does not wait. */
bool run_collect(struct run_process *process, bool all, int *how);
/* Closes what is open; it must have been collected. */
void run_close(struct run_process *process);
void run_close_fd(int *fd);

/* weir is about to end at once: SIGTERM to all that still runs. For signal handlers, too. */
void run_end_all(void);
#endif
