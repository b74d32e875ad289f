#include "core/backoff.h"

#include <limits.h>

static weir_ms limit_of(const struct backoff *b)
{
    weir_ms limit = b->base > 0 ? b->base : 1;
    for (unsigned i = 1; i < b->failures && limit < b->cap; i++)
        limit = limit > b->cap / 2 ? b->cap : limit * 2;
    return limit < b->cap ? limit : b->cap;
}

weir_ms backoff_next(struct backoff *b, const struct clock *clock, weir_ms hint)
{
    if (b->good_since_ns && clock_mono(clock) - b->good_since_ns >= b->good_for * NS_PER_MS)
        b->failures = 0;
    b->good_since_ns = 0;
    if (b->failures < UINT_MAX)
        b->failures++;
    weir_ms wait = (weir_ms)clock_random(clock, (uint64_t)limit_of(b) + 1);
    return hint > wait ? hint : wait;
}

void backoff_good(struct backoff *b, const struct clock *clock)
{
    if (!b->good_since_ns)
        b->good_since_ns = clock_mono(clock);
}

void backoff_reset(struct backoff *b)
{
    b->failures = 0;
    b->good_since_ns = 0;
}
