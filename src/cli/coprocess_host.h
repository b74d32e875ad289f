/* cli/coprocess_host.h - a long-lived process: started, fed, read, ended and started again, by one
 * thread of its own. What is said on its pipes is a protocol's affair: that of jobs
 * (coprocess_jobs.h) or that of events (listen_coprocess.h). */
#ifndef CLI_COPROCESS_HOST_H
#define CLI_COPROCESS_HOST_H

#include <sys/uio.h>

#include "cli/run.h"

struct coprocess_host;

/* All called on the host's thread, from coprocess_start() until coprocess_stop() returns. */
struct coprocess_protocol {
    /* Readable when fill() should be asked again. */
    int fd;
    /* Is there room for more than it has? */
    bool (*has_room)(void *user);
    /* Takes what there is, as long as it has room. */
    void (*fill)(void *user);
    /* What is to be written next, `most` pieces at most. @return how many; 0: nothing. */
    size_t (*next)(void *user, struct iovec *pieces, size_t most);
    void (*wrote)(void *user, size_t len);
    /* What the process wrote. NULL, or why it has to be ended. */
    const char *(*read)(void *user, const char *bytes, size_t len);
    /* When look() is wanted; INT64_MAX: never. Called after every change, too. */
    weir_ms (*until)(void *user);
    const char *(*look)(void *user, weir_ms now); /* as read() */
    /* Has it done anything in this life? */
    bool (*has_settled)(void *user);
    /* It has died, `how` says in which way. Had it done anything in this life? */
    bool (*died)(void *user, const char *how);
    /* It was asked to finish, has ended with status 0 or with nothing left to be told, and is not
     * started again. May be NULL. */
    void (*finished)(void *user);
    /* The thread ends: nothing is called any more. Frees `user`. */
    void (*ended)(void *user);
    void *user;
};

struct coprocess_options {
    const struct run_command *command; /* outlives the host */
    const char *name;                  /* for messages: the command as it was given */
    weir_ms grace;                     /* between its stdin's end, SIGTERM and SIGKILL */
    struct coprocess_protocol protocol;
};

/* Starts the thread, which starts the process. NULL: *err, and the protocol was told that it
 * ended. */
struct coprocess_host *coprocess_start(const struct coprocess_options *options, weir_error *err);
/* There will be no more to say: once all is written its stdin ends, and it may take its time. If it
 * then fails with something still to be told, it is started again. */
void coprocess_finish(struct coprocess_host *host);
/* Takes no more. The process's stdin ends, then it is told, then killed; waits for that. NULL is
 * fine. */
void coprocess_stop(struct coprocess_host *host);
#endif
