/* Threads that run handlers: one queue, and as few threads awake as keep it short.
 *
 * Waking a thread costs more than most handlers take, and threads that share a lock wake each other
 * again. So at most `width` threads run tasks at once: one, until a task has waited for TICK_MS
 * while the queue was never empty; then one more, up to the limit. One idle thread, the guard,
 * looks after that while there are tasks. `width` shrinks when the queue is empty after a short
 * task. So handlers that block get a thread each after a few milliseconds, and those that do not
 * share one.
 *
 * All signals are blocked in them, so that a program's handlers run on the program's own threads.
 * Ending is `closing`: threads leave when the queue is empty. pool_free() from outside joins them;
 * from one of them (a handler that closes its own channel) they are detached, and the last to leave
 * releases the pool. */
#include "core/pool.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#define MAX_WAITING 65536
#define TICK_MS     2
#define SHORT_NS    (200 * INT64_C(1000))

/* What pool_run() makes. */
struct errand {
    struct pool_task task; /* first */
    void (*run)(void *user);
    void *user;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t moved, tick;      /* for idle threads; for the guard            */
    struct pool_task *first, **last; /* @locked, as everything below               */
    size_t waiting;
    unsigned most, started, live;
    unsigned width, active;   /* may run tasks at once; do so                      */
    unsigned idle, called;    /* wait for `moved`; are on their way, woken or new  */
    bool guard;               /* a thread waits for `tick`                         */
    uint64_t posted, emptied; /* how often                                         */
    bool closing, orphan;     /* orphan: the last thread releases the pool         */
    unsigned room;            /* for `ids`                                         */
    pthread_t *ids;
};

static _Thread_local const struct pool *mine;

struct pool *pool_new(unsigned threads, weir_error *err)
{
    if (error_held(err))
        return NULL;
    unsigned most = threads ? threads : 1;
    struct pool *pool = mem_zalloc(sizeof *pool);
    if (pool)
        pool->ids = mem_array(most, sizeof *pool->ids);
    if (!pool || !pool->ids) {
        mem_free(pool);
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->moved, NULL);
    pthread_cond_init(&pool->tick, NULL);
    pool->last = &pool->first;
    pool->most = pool->room = most;
    pool->width = 1;
    return pool;
}

/* Room is made for as many as there may ever be: `ids` of threads that run must stay. */
weir_status pool_resize(struct pool *pool, int more, weir_error *err)
{
    pthread_mutex_lock(&pool->lock);
    unsigned most = more < 0 ? pool->most - (unsigned)-more : pool->most + (unsigned)more;
    unsigned room = pool->room;
    while (room < most)
        room *= 2;
    pthread_t *ids = room > pool->room ? mem_realloc(pool->ids, room * sizeof *ids) : pool->ids;
    if (ids) {
        pool->ids = ids;
        pool->room = room;
        pool->most = most;
    }
    pthread_mutex_unlock(&pool->lock);
    return ids ? WEIR_OK : error_no_memory(err);
}

static void release(struct pool *pool)
{
    pthread_cond_destroy(&pool->moved);
    pthread_cond_destroy(&pool->tick);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool->ids);
    mem_free(pool);
}

static void *work(void *argument);

/* @locked. False: the system gives us none. */
static bool start_thread(struct pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool made = pthread_create(&pool->ids[pool->started], NULL, work, pool) == 0;
    if (made) {
        pthread_setname_np(pool->ids[pool->started], "weir-handler");
        if (pool->orphan)
            pthread_detach(pool->ids[pool->started]);
        pool->started++;
        pool->live++;
        pool->called++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return made;
}

/* @locked. Another thread comes; false: there is none. */
static bool call_one(struct pool *pool)
{
    if (pool->idle > pool->called) {
        pool->called++;
        pthread_cond_signal(&pool->moved);
        return true;
    }
    return pool->started < pool->most && start_thread(pool);
}

/* @locked. There is a task: sees to it that somebody takes it, now or when it has waited. */
static void look_after(struct pool *pool)
{
    bool now = pool->active + pool->called < pool->width;
    if (now && pool->guard && pool->idle <= pool->called)
        pthread_cond_signal(&pool->tick);
    else if (now || (!pool->guard && pool->called == 0 && pool->width < pool->most))
        call_one(pool);
}

/* @locked. Stays as long as there is something to do, or leaves to do it. */
static void stand_guard(struct pool *pool)
{
    bool busy = true;
    pool->guard = true;
    while (busy && !pool->closing && pool->active >= pool->width) {
        uint64_t emptied = pool->emptied, posted = pool->posted;
        int64_t at = clock_mono(clock_system()) + TICK_MS * NS_PER_MS;
        struct timespec until = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
        int timed = pthread_cond_clockwait(&pool->tick, &pool->lock, CLOCK_MONOTONIC, &until);
        if (timed == ETIMEDOUT && pool->first && pool->emptied == emptied)
            pool->width = pool->active < pool->most ? pool->active + 1 : pool->most;
        busy = pool->first || pool->posted != posted;
    }
    pool->guard = false;
}

/* @locked */
static void stand_idle(struct pool *pool)
{
    pool->idle++;
    pthread_cond_wait(&pool->moved, &pool->lock);
    pool->idle--;
    pool->called -= pool->called > 0;
}

/* @locked. The next task; NULL: closing and nothing waits. */
static struct pool_task *next_task(struct pool *pool)
{
    while (!pool->closing && !(pool->first && pool->active < pool->width)) {
        if (pool->first && !pool->guard)
            stand_guard(pool);
        else
            stand_idle(pool);
    }
    struct pool_task *task = pool->first;
    if (!task)
        return NULL;
    pool->first = task->next;
    pool->waiting--;
    pool->active++;
    if (pool->first) {
        look_after(pool);
    } else {
        pool->last = &pool->first;
        pool->emptied++;
    }
    return task;
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    struct pool_task *task;
    mine = pool;
    pthread_mutex_lock(&pool->lock);
    pool->called -= pool->called > 0;
    while ((task = next_task(pool)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        int64_t began = clock_mono(clock_system());
        task->run(task);
        bool was_short = clock_mono(clock_system()) - began < SHORT_NS;
        pthread_mutex_lock(&pool->lock);
        pool->active--;
        if (!pool->first && was_short && pool->width > 1)
            pool->width--;
    }
    bool last = --pool->live == 0 && pool->orphan;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        release(pool);
    return NULL;
}

/* @locked. */
static weir_status append(struct pool *pool, struct pool_task *task, size_t most)
{
    if (pool->closing)
        return WEIR_STOPPED;
    if (pool->waiting >= most)
        return WEIR_BUSY;
    if (pool->started == 0 && !start_thread(pool)) /* the system gives us no thread at all */
        return WEIR_NO_MEMORY;
    task->next = NULL;
    *pool->last = task;
    pool->last = &task->next;
    pool->waiting++;
    pool->posted++;
    look_after(pool);
    return WEIR_OK;
}

weir_status pool_post(struct pool *pool, struct pool_task *task)
{
    pthread_mutex_lock(&pool->lock);
    weir_status status = append(pool, task, SIZE_MAX);
    pthread_mutex_unlock(&pool->lock);
    return status;
}

static void run_errand(struct pool_task *task)
{
    struct errand *errand = (struct errand *)(void *)task;
    errand->run(errand->user);
    mem_free(errand);
}

weir_status pool_run(struct pool *pool, void (*run)(void *user), void *user)
{
    struct errand *errand = mem_zalloc(sizeof *errand);
    if (!errand)
        return WEIR_NO_MEMORY;
    *errand = (struct errand){{NULL, run_errand}, run, user};
    pthread_mutex_lock(&pool->lock);
    weir_status status = append(pool, &errand->task, MAX_WAITING);
    pthread_mutex_unlock(&pool->lock);
    if (status != WEIR_OK)
        mem_free(errand);
    return status;
}

bool pool_inside(const struct pool *pool)
{
    return pool && mine == pool;
}

/* Threads may still be started while the queue empties: tasks that wait for each other need them.
 * Each is started before the one that starts it ends. */
static void join_all(struct pool *pool)
{
    for (unsigned i = 0;; i++) {
        pthread_mutex_lock(&pool->lock);
        bool more = i < pool->started;
        pthread_t id = pool->ids[more ? i : 0];
        pthread_mutex_unlock(&pool->lock);
        if (!more)
            return;
        pthread_join(id, NULL);
    }
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    bool inside = pool_inside(pool);
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pool->orphan = inside;
    for (unsigned i = 0; inside && i < pool->started; i++)
        pthread_detach(pool->ids[i]);
    pthread_cond_broadcast(&pool->moved);
    pthread_cond_broadcast(&pool->tick);
    pthread_mutex_unlock(&pool->lock);
    if (inside)
        return;
    int shielded = shield_up();
    join_all(pool);
    shield_down(shielded);
    release(pool);
}
