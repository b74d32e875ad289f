/* core/deadline.h - a point in time to be done by. Public limits become one at the API's
 * edge; below it nothing passes durations, so no layer can wait longer than its caller. */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include <weir/base.h>

struct clock; /* core/clock.h */

struct deadline {
    int64_t at_ns; /* monotonic; INT64_MAX: never */
};

struct deadline deadline_in(const struct clock *clock, weir_ms limit, weir_ms fallback);
weir_ms deadline_left(const struct clock *clock, struct deadline until);
struct deadline deadline_sooner(struct deadline a, struct deadline b);
#endif
