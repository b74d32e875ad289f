/* io/timer.h - many timers on one libuv timer: embedded, no allocation, cancelled at once.
 * Everything here is @thread io. */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include "core/deadline.h"
#include "io/loop.h"

struct timer {
    void (*fire)(void *user);
    void *user;
    int64_t at_ns; /* monotonic */
    size_t slot;   /* place in the heap + 1; 0: not set */
    struct loop *loop;
};

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(void *user), void *user);
/* Sets or moves. INT64_MAX cancels. WEIR_NO_MEMORY when the heap cannot grow. */
weir_status timer_set(struct timer *timer, int64_t at_ns);
weir_status timer_set_in(struct timer *timer, weir_ms delay);
void timer_cancel(struct timer *timer); /* fine when not set */
#endif
