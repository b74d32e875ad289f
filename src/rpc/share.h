/* rpc/share.h - how long-lived calls (polls, job streams) and short ones share connections, so that
 * a short one never waits for a long-lived one to end. Pure.
 *
 * Long-lived calls take at most half of the streams that a server allows on a connection; for more
 * of them another connection is made. Where the server allows one stream only, a long-lived call
 * takes all of a connection, as long as another one is left to the short calls. */
#ifndef RPC_SHARE_H
#define RPC_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* One connection. */
struct share {
    size_t streams; /* MAX_CONCURRENT_STREAMS; 0: it takes no calls            */
    size_t calls;   /* under way, of both kinds; more than `streams` when the server lowered it */
    size_t long_lived; /* of them                                                 */
};

/* Whether a short call will find a stream here some time soon. */
static inline bool share_serves(const struct share *s)
{
    return s->long_lived < s->streams;
}

/* Whether long-lived calls may have one more, now or once short ones have ended. `others`: the
 * connections besides this one that serve short calls. */
static inline bool share_allows(const struct share *s, size_t others)
{
    return s->streams == 1 ? s->long_lived == 0 && others > 0 : s->long_lived < s->streams / 2;
}

/* Whether such a call may start here now. */
static inline bool share_takes(const struct share *s, bool long_lived, size_t others)
{
    return s->calls < s->streams && (!long_lived || share_allows(s, others));
}

/* Whether calls of this kind would wait here for long-lived ones to end: reason for another
 * connection. Never where the server allows no calls at all, since it would not there either. */
static inline bool share_spent(const struct share *s, bool long_lived, size_t others)
{
    return s->streams > 0 && !(long_lived ? share_allows(s, others) : share_serves(s));
}

/* How many more connections like this one `queued` calls of a kind need: all of the short ones get
 * along with one. */
static inline size_t share_lack(const struct share *s, bool long_lived, size_t queued)
{
    size_t each = s->streams / 2 > 0 ? s->streams / 2 : 1;
    return long_lived ? queued / each + (queued % each > 0) : queued > 0;
}
#endif
