/* core/backoff.h - how long to wait before trying again: full jitter (uniform between 0 and a limit
 * that doubles up to a cap), a hint of the peer wins, reset only after things have been good for a
 * while. */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include "core/clock.h"
#include <weir/base.h>

struct backoff {
    weir_ms base, cap;     /* first limit and largest one                             */
    weir_ms good_for;      /* reset after this long without failure (from backoff_good) */
    unsigned failures;     /* saturating                                              */
    int64_t good_since_ns; /* 0: not good now                                         */
};

#define BACKOFF_INIT(base_ms, cap_ms, good_ms)                                                     \
    {                                                                                              \
        (base_ms), (cap_ms), (good_ms), 0, 0                                                       \
    }

/* A failure happened: how long to wait. `hint` > 0 is the peer's wish: at least that long. */
weir_ms backoff_next(struct backoff *b, const struct clock *clock, weir_ms hint);
/* It works (connected, answered); calling it again while it works changes nothing. */
void backoff_good(struct backoff *b, const struct clock *clock);
void backoff_reset(struct backoff *b);
#endif
