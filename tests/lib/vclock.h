/* lib/vclock.h - a clock that moves only when a test says so, and randomness that repeats. */
#ifndef LIB_VCLOCK_H
#define LIB_VCLOCK_H

#include "core/clock.h"

struct vclock {
    struct clock clock; /* first: what the code under test is given */
    int64_t mono, boot, wall;
    uint64_t seed; /* 0: every random number is the largest possible */
};

void vclock_init(struct vclock *v);                /* monotonic 1 s, wall 2026-01-01T00:00:00Z */
void vclock_step(struct vclock *v, int64_t ms);    /* all three                                */
void vclock_suspend(struct vclock *v, int64_t ms); /* boot and wall only                    */
#endif
