/* core/clock.h - time and randomness, injectable. The library uses clock_system(); tests bring a
 * virtual one (tests/lib/vclock.h). Nothing else in the library asks the system for the time. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

struct clock {
    int64_t (*mono_ns)(const struct clock *self); /* never steps back; stands still in suspend */
    int64_t (*boot_ns)(const struct clock *self); /* as mono, but counts suspend               */
    int64_t (*wall_ns)(const struct clock *self); /* since the epoch; may step                 */
    void (*random)(const struct clock *self, void *out, size_t size);
};

const struct clock *clock_system(void);
int64_t clock_mono(const struct clock *clock);
int64_t clock_boot(const struct clock *clock);
int64_t clock_wall(const struct clock *clock);
uint64_t clock_random(const struct clock *clock, uint64_t below); /* uniform in [0, below) */
void clock_random_bytes(const struct clock *clock, void *out, size_t size);
#endif
