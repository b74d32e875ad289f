#include "core/deadline.h"

#include "core/clock.h"

struct deadline deadline_in(const struct clock *clock, weir_ms limit, weir_ms fallback)
{
    if (limit == WEIR_DEFAULT_TIMEOUT)
        limit = fallback;
    if (limit < 0)
        return (struct deadline){INT64_MAX};
    int64_t now = clock_mono(clock);
    if (limit > (INT64_MAX - now) / NS_PER_MS)
        return (struct deadline){INT64_MAX};
    return (struct deadline){now + limit * NS_PER_MS};
}

weir_ms deadline_left(const struct clock *clock, struct deadline until)
{
    if (until.at_ns == INT64_MAX)
        return WEIR_FOREVER;
    int64_t left = until.at_ns - clock_mono(clock);
    return left <= 0 ? 0 : (left + NS_PER_MS - 1) / NS_PER_MS;
}

struct deadline deadline_sooner(struct deadline a, struct deadline b)
{
    return a.at_ns < b.at_ns ? a : b;
}
