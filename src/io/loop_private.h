/* io/loop_private.h - the loop's inside, for loop.c, timer.c and stream.c only. */
#ifndef IO_LOOP_PRIVATE_H
#define IO_LOOP_PRIVATE_H

#include "io/loop.h"
#include "io/timer.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOOP_READ_SIZE (64 * 1024)

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t timer;
    pthread_t thread;
    size_t refs; /* @locked by the one lock over all loops */
    atomic_bool stopping;
    atomic_bool detached; /* the thread frees the loop itself */

    pthread_mutex_t lock;
    struct loop_task *first; /* @locked */
    struct loop_task **last; /* @locked */

    struct timer **heap; /* @thread io, as all below */
    size_t timers, heap_cap;
    int64_t armed_ns;                 /* when `timer` will fire; 0: not */
    bool firing;                      /* timers are being called */
    char read_buffer[LOOP_READ_SIZE]; /* one for all streams: a read is handed on before the next */
    char plain_buffer[LOOP_READ_SIZE / 2]; /* what TLS makes of it */
};
#endif
