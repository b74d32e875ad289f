/* zeebe/lease.h - a job's lock: when to have it extended, and when to let go. Pure.
 *
 * The lock runs from when the job arrived here, by this machine's monotonic clock, so that no clock
 * but one is compared with itself; by the gateway's it began a moment earlier. */
#ifndef ZEEBE_LEASE_H
#define ZEEBE_LEASE_H

#include "core/clock.h"
#include <weir/base.h>

struct lease {
    int64_t lock_ns;    /* how long a lock lasts                     */
    int64_t until_ns;   /* when this one runs out                    */
    int64_t give_up_ns; /* the job fails then, done or not           */
    bool heartbeat;     /* locks are extended                        */
};

enum lease_step {
    LEASE_WAIT,   /* look again at *at                                               */
    LEASE_BEAT,   /* ask for a full lock again; lease_beaten() follows               */
    LEASE_DROP,   /* it waited here until its lock ran out: nobody is to begin it    */
    LEASE_GIVE_UP /* its time is over: fail it                                       */
};

/* How much the gateway's clock and this machine's differ, as jobs that came quickly show. */
struct lease_clock {
    int64_t least_ms;
    bool known;
};
/* How long ago (ns) a job was locked whose lock of `lock` ends at `deadline_ms` by the gateway's
 * clock, and which may have lain unread here since `unread_ns` (0: it came at once). */
int64_t lease_age(struct lease_clock *c, int64_t deadline_ms, weir_ms lock, int64_t now,
                  int64_t unread_ns);

void lease_init(struct lease *l, weir_ms lock, weir_ms most, bool heartbeat, int64_t now);
/* `begun`: somebody has it in hand. */
enum lease_step lease_look(const struct lease *l, bool begun, int64_t now, int64_t *at);
/* The gateway's answer to a heartbeat sent at `sent`; false: ask again. @return when to look. */
int64_t lease_beaten(struct lease *l, bool extended, int64_t sent, int64_t now);
#endif
