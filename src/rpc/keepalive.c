/* See keepalive.h. Bytes of any kind prove that the peer lives, so a busy connection is never
 * pinged. */
#include "rpc/keepalive.h"

#define DOUBT_NS 1000000 /* the loop reads what has arrived before a timer that is set now */

enum keepalive_action keepalive_ask(struct keepalive *k, int64_t now_ns, bool calls,
                                    int64_t *again_ns)
{
    *again_ns = INT64_MAX;
    if (k->time_ns == INT64_MAX)
        return KEEPALIVE_WAIT;
    if (k->pinged_ns) {
        bool over = now_ns - k->pinged_ns >= k->timeout_ns;
        if (over && k->doubted)
            return KEEPALIVE_DEAD;
        k->doubted = over;
        *again_ns = over ? now_ns + DOUBT_NS : k->pinged_ns + k->timeout_ns;
        return KEEPALIVE_WAIT;
    }
    if ((!calls && !k->without_calls) || (k->max_pings > 0 && k->pings >= k->max_pings))
        return KEEPALIVE_WAIT;
    if (now_ns - k->heard_ns < k->time_ns) {
        *again_ns = k->heard_ns + k->time_ns;
        return KEEPALIVE_WAIT;
    }
    k->pinged_ns = now_ns;
    k->pings++;
    *again_ns = now_ns + k->timeout_ns;
    return KEEPALIVE_PING;
}
