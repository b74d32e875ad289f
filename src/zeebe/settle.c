/* A completion does no harm twice: the second time the gateway says NOT_FOUND. A failure or an
 * error may: after the first one arrived the job may have been activated anew, by anybody, under
 * the same key. So these are repeated only while they provably did not arrive. */
#include "zeebe/settle.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS  5000

void settle_init(struct settle *s, enum settle_kind kind)
{
    *s = (struct settle){.kind = kind,
                         .backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS, 0)};
}

/* The gateway answered, and did not do it. UNSUPPORTED is a proxy's word, of a gateway that is away
 * for a moment: the one that handed the job out knows the command. */
static bool had_no_effect(const struct settle_answer *a)
{
    return a->unprocessed || a->status == WEIR_BUSY || a->status == WEIR_BAD_LOGIN ||
           a->status == WEIR_NO_MEMORY || a->status == WEIR_UNSUPPORTED;
}

/* What an answer says by itself; anything else is worth another try. */
static const struct {
    weir_status status;
    enum settle_step completion, other;
} meanings[] = {
    {WEIR_OK, SETTLE_DONE, SETTLE_DONE},         {WEIR_NOT_FOUND, SETTLE_LOST, SETTLE_LOST},
    {WEIR_INVALID, SETTLE_INVALID, SETTLE_LOST}, {WEIR_CONFLICT, SETTLE_LOST, SETTLE_LOST},
    {WEIR_FORBIDDEN, SETTLE_LOST, SETTLE_LOST},  {WEIR_MISSING, SETTLE_LOST, SETTLE_LOST},
    {WEIR_STOPPED, SETTLE_LOST, SETTLE_LOST},
};

/* What the engine cannot write is refused by it as something unknown, however often one tries. */
static weir_status status_of(const struct settle_answer *a)
{
    return a->kind == WEIR_KIND_MESSAGE_TOO_LARGE ? WEIR_INVALID : a->status;
}

/* An error may be called invalid as a completion may: its variables, its code. */
static enum settle_step meaning(const struct settle *s, weir_status status)
{
    bool completion = s->kind == SETTLE_COMPLETE || s->kind == SETTLE_THROW;
    if (status == WEIR_NOT_FOUND && s->kind == SETTLE_COMPLETE && s->maybe_arrived)
        return SETTLE_DONE;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].status == status)
            return completion ? meanings[i].completion : meanings[i].other;
    }
    return SETTLE_AGAIN;
}

enum settle_step settle_next(struct settle *s, const struct settle_answer *a, weir_ms left,
                             const struct clock *clock, weir_ms *wait)
{
    enum settle_step step = meaning(s, status_of(a));
    if (step != SETTLE_AGAIN)
        return step;
    if (!had_no_effect(a)) {
        s->maybe_arrived = true;
        if (s->kind != SETTLE_COMPLETE)
            return SETTLE_LOST;
    }
    *wait = backoff_next(&s->backoff, clock, a->retry_in);
    return *wait < left ? SETTLE_AGAIN : SETTLE_LOST;
}
