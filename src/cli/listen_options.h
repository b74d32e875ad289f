/* cli/listen_options.h - `weir salesforce listen` and `weir bayeux listen`: what the command line
 * asks for, but for logging in and stores. */
#ifndef CLI_LISTEN_OPTIONS_H
#define CLI_LISTEN_OPTIONS_H

#include "cli/listen_channels.h"
#include "cli/listen_line.h"
#include "cli/run_process.h"

/* Between SIGTERM and SIGKILL for a program that has to end. */
#define LISTEN_GRACE 5000
/* What a program may write for one event. */
#define LISTEN_OUTPUT (4 * 1024 * 1024)

enum listen_kind {
    LISTEN_PRINT = 0, /* a line an event; done when it is written          */
    LISTEN_STDIN,     /* a line an event; done when stdin says so          */
    LISTEN_PROCESS,   /* a process an event; done when it ends with 0      */
    LISTEN_COPROCESS  /* one process; done when it says so                 */
};

struct listen_options {
    enum listen_kind kind;
    enum listen_format format;
    struct listen_channels channels;
    struct run_command command; /* LISTEN_PROCESS, LISTEN_COPROCESS */
    const char *shell;          /* its text, when a shell runs it */
    const char *dead_letter;
    int64_t retries; /* -1: for ever */
    int64_t count;   /* 0: without end */
    int64_t max_queued;
    weir_ms until_idle, lasts; /* -1: for ever */
    weir_ms drain, give_up;    /* 0: never gives up */
    weir_ms connection_timeout;
};

/* Checks everything that needs no server. The channels begin with the word `first`. 0, or the exit
 * status: it has been said. End with listen_options_free() in any case. */
int listen_options_read(struct listen_options *out, const struct args *args, size_t first);
void listen_options_free(struct listen_options *options);
#endif
