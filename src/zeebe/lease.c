/* A lock is extended at half its time, so that one lost heartbeat does no harm; after a failed one
 * the next comes when half of what is left has passed. A job that waits is looked at in the same
 * way, because somebody may begin it just before its lock runs out. */
#include "zeebe/lease.h"

/* No look comes sooner after another; for short locks an eighth of them. */
#define RUSH_NS  NS_PER_S
#define LEAST_NS (10 * NS_PER_MS)

static int64_t add(int64_t at, weir_ms ms)
{
    return ms > (INT64_MAX - at) / NS_PER_MS ? INT64_MAX : at + ms * NS_PER_MS;
}

/* The two clocks are never compared, only how their difference changes: what is more than the least
 * that was seen is time on the way. It counts only while something may have lain unread, so that
 * brokers whose clocks disagree do no harm. */
int64_t lease_age(struct lease_clock *c, int64_t deadline_ms, weir_ms lock, int64_t now,
                  int64_t unread_ns)
{
    if (deadline_ms <= 0 || lock > deadline_ms) /* it does not say */
        return 0;
    int64_t differ = now / NS_PER_MS - (deadline_ms - lock);
    if (!c->known || differ < c->least_ms)
        c->least_ms = differ;
    c->known = true;
    int64_t lain = unread_ns ? (now - unread_ns) / NS_PER_MS : 0;
    int64_t late = differ - c->least_ms;
    return (late < lain ? late : lain) * NS_PER_MS;
}

void lease_init(struct lease *l, weir_ms lock, weir_ms most, bool heartbeat, int64_t now)
{
    l->until_ns = add(now, lock);
    l->lock_ns = l->until_ns - now;
    l->give_up_ns = add(now, most);
    l->heartbeat = heartbeat;
}

static int64_t half_way(const struct lease *l, int64_t now)
{
    int64_t left = l->until_ns - now;
    int64_t least = l->lock_ns / 8 < RUSH_NS ? l->lock_ns / 8 : RUSH_NS;
    if (least < LEAST_NS)
        least = LEAST_NS;
    return now + (left / 2 > least ? left / 2 : least);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum lease_step lease_look(const struct lease *l, bool begun, int64_t now, int64_t *at)
{
    int64_t half = l->until_ns - l->lock_ns / 2;
    if (now >= l->give_up_ns)
        return begun ? LEASE_GIVE_UP : LEASE_DROP;
    if (!begun && now >= l->until_ns)
        return LEASE_DROP;
    if (!begun) {
        *at = sooner(now < half ? half : sooner(half_way(l, now), l->until_ns), l->give_up_ns);
        return LEASE_WAIT;
    }
    if (l->heartbeat && now >= half)
        return LEASE_BEAT;
    *at = l->heartbeat ? sooner(half, l->give_up_ns) : l->give_up_ns;
    return LEASE_WAIT;
}

int64_t lease_beaten(struct lease *l, bool extended, int64_t sent, int64_t now)
{
    if (extended) {
        l->until_ns = sent + l->lock_ns;
        return sooner(l->until_ns - l->lock_ns / 2, l->give_up_ns);
    }
    return sooner(half_way(l, now), l->give_up_ns);
}
