/* meter.h - what a client of the benchmark says about itself: its CPU between the end of the
 * warm-up and the end of the work, user and system, of all its threads. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>

struct meter {
    int64_t warm_up, count, done, since_ns;
};

/* One more is done. The last one prints "CPU_NS_EACH RSS_KB THREADS". */
void meter_one(struct meter *meter);
int64_t meter_wanted(const struct meter *meter);
#endif
