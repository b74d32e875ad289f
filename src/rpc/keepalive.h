/* rpc/keepalive.h - when to send a PING and when to give a connection up (gRPC proposal A8). Pure:
 * it is told the time and says what to do. */
#ifndef RPC_KEEPALIVE_H
#define RPC_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

struct keepalive {
    int64_t time_ns;    /* of silence before a PING; INT64_MAX: off */
    int64_t timeout_ns; /* for its answer                           */
    bool without_calls; /* also when no call is under way           */
    int64_t heard_ns;   /* the last bytes of the peer               */
    int64_t pinged_ns;  /* 0: no PING is under way                  */
    bool doubted;       /* its time is up; one more look            */
    int64_t max_pings;  /* from one call's start to the next; 0: any */
    int64_t pings;      /* since the last call was started          */
};

enum keepalive_action { KEEPALIVE_WAIT, KEEPALIVE_PING, KEEPALIVE_DEAD };

/* What to do now; *again_ns: when to ask again (INT64_MAX: when a call begins). Anything received
 * after a PING counts as its answer. When its time is up it is asked once more, after what may have
 * arrived meanwhile was read: a process that was suspended must not take its own silence for the
 * peer's. */
enum keepalive_action keepalive_ask(struct keepalive *k, int64_t now_ns, bool calls,
                                    int64_t *again_ns);
static inline void keepalive_heard(struct keepalive *k, int64_t now_ns)
{
    k->heard_ns = now_ns;
    k->pinged_ns = 0;
    k->doubted = false;
}
/* A call was started: the server has heard more than PINGs. */
static inline void keepalive_spoke(struct keepalive *k)
{
    k->pings = 0;
}
#endif
