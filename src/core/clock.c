/* The system's clocks and randomness. */
#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t system_mono(const struct clock *self)
{
    (void)self;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t system_boot(const struct clock *self)
{
    (void)self;
    return read_clock(CLOCK_BOOTTIME);
}

static int64_t system_wall(const struct clock *self)
{
    (void)self;
    return read_clock(CLOCK_REALTIME);
}

static void system_random(const struct clock *self, void *out, size_t size)
{
    (void)self;
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* a system without randomness must not sign or pick anything */
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
}

const struct clock *clock_system(void)
{
    static const struct clock system = {system_mono, system_boot, system_wall, system_random};
    return &system;
}

int64_t clock_mono(const struct clock *clock)
{
    return clock->mono_ns(clock);
}

int64_t clock_boot(const struct clock *clock)
{
    return clock->boot_ns(clock);
}

int64_t clock_wall(const struct clock *clock)
{
    return clock->wall_ns(clock);
}

uint64_t clock_random(const struct clock *clock, uint64_t below)
{
    uint64_t value = 0;
    if (below < 2)
        return 0;
    clock->random(clock, &value, sizeof value);
    return value % below; /* the bias is below/2^64: nothing here is a key */
}

void clock_random_bytes(const struct clock *clock, void *out, size_t size)
{
    clock->random(clock, out, size);
}
