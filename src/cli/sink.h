/* cli/sink.h - standard output for events: whole lines, written at once, by one thread at a time;
 * a reader that stands still is waited for, as long as nothing says to stop. */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include <weir/base.h>

#define SINK_PIECES 512 /* in one write, at most */

struct sink {
    int fd;
    bool own;      /* opened anew, and not blocking */
    bool in_parts; /* a pipe that blocks: only what surely fits is written at once */
    pthread_mutex_t lock;
    atomic_int failed; /* errno; 0: none */
    atomic_bool abandoned;
    int stop_fd;               /* readable: it is to end */
    _Atomic(weir_ms) stop_at;  /* or this time has come; INT64_MAX */
    _Atomic(weir_ms) patience; /* and then so long is waited for the reader */
};

/* `stop_fd` may be -1. */
void sink_open(struct sink *sink, int stop_fd);
void sink_close(struct sink *sink);
/* All of the pieces, which are changed. 0, or errno: EPIPE, ENOSPC, ...; ECANCELED: the reader
 * stood still until the end, or the sink was abandoned. What has failed once fails always. Any
 * thread. */
int sink_write(struct sink *sink, struct iovec *pieces, size_t count);
/* Nothing more is written, and who waits does not. */
void sink_abandon(struct sink *sink);
#endif
