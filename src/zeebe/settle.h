/* zeebe/settle.h - what the gateway's answer to a settled job means, and whether to say it again.
 * Pure. */
#ifndef ZEEBE_SETTLE_H
#define ZEEBE_SETTLE_H

#include "core/backoff.h"
#include <weir/error.h>

enum settle_kind {
    SETTLE_COMPLETE,
    SETTLE_FAIL,
    SETTLE_THROW,
    SETTLE_RETURN /* a failure with as many tries left: the job was never begun */
};

struct settle {
    enum settle_kind kind;
    bool maybe_arrived; /* an earlier try may have reached the gateway */
    struct backoff backoff;
};

enum settle_step {
    SETTLE_DONE,   /* the gateway has it                                         */
    SETTLE_LOST,   /* it will not have it: the job is somebody else's, or gone   */
    SETTLE_AGAIN,  /* after *wait                                                */
    SETTLE_INVALID /* it was called invalid: fail the job with the gateway's words */
};

struct settle_answer {
    weir_status status;
    bool unprocessed; /* it provably had no effect */
    weir_ms retry_in;
    int32_t kind;
};

void settle_init(struct settle *s, enum settle_kind kind);
/* `left`: of the job's lock. */
enum settle_step settle_next(struct settle *s, const struct settle_answer *a, weir_ms left,
                             const struct clock *clock, weir_ms *wait);
#endif
