#include "lib/vclock.h"

#include <string.h>

static struct vclock *self_of(const struct clock *clock)
{
    return (struct vclock *)(uintptr_t)clock;
}

static int64_t mono(const struct clock *clock)
{
    return self_of(clock)->mono;
}

static int64_t boot(const struct clock *clock)
{
    return self_of(clock)->boot;
}

static int64_t wall(const struct clock *clock)
{
    return self_of(clock)->wall;
}

static void random_bytes(const struct clock *clock, void *out, size_t size)
{
    struct vclock *v = self_of(clock);
    uint8_t *bytes = out;
    memset(out, 0xff, size);
    for (size_t i = 0; v->seed && i < size; i++) {
        v->seed = v->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(v->seed >> 56);
    }
}

void vclock_init(struct vclock *v)
{
    *v = (struct vclock){{mono, boot, wall, random_bytes}, NS_PER_S, NS_PER_S, 0, 0};
    v->wall = INT64_C(1767225600) * NS_PER_S;
}

void vclock_step(struct vclock *v, int64_t ms)
{
    v->mono += ms * NS_PER_MS;
    vclock_suspend(v, ms);
}

void vclock_suspend(struct vclock *v, int64_t ms)
{
    v->boot += ms * NS_PER_MS;
    v->wall += ms * NS_PER_MS;
}
