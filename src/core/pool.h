/* core/pool.h - threads that run handlers. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <weir/error.h>

struct pool;

struct pool_task {
    struct pool_task *next;
    void (*run)(struct pool_task *task);
};

/* Threads start with the first task each needs, `threads` at most; all signals are blocked in them.
 */
struct pool *pool_new(unsigned threads, weir_error *err);
/* So many threads more, or with a negative number less, may be needed: of several that share it,
 * each says what it needs. What has been started stays. */
weir_status pool_resize(struct pool *pool, int more, weir_error *err);
/* Any thread. At most `limit` tasks wait (set at pool_new: 65,536): beyond it WEIR_BUSY. */
weir_status pool_run(struct pool *pool, void (*run)(void *user), void *user);
/* As pool_run(), but the task is embedded in what the work is about: nothing is allocated, any
 * number may wait. It may be posted again once `run` has been entered. */
weir_status pool_post(struct pool *pool, struct pool_task *task);
bool pool_inside(const struct pool *pool); /* is this one of its threads? */
/* Runs what waits, then joins. From one of its own threads: the rest ends by itself. */
void pool_free(struct pool *pool);
#endif
