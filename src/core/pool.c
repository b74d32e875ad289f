/* Threads that run handlers: one queue, threads started when a task finds none idle.
 *
 * All signals are blocked in them, so that a program's handlers run on the program's own threads.
 * Ending is `closing`: threads leave when the queue is empty. pool_free() from outside joins them;
 * from one of them (a handler that closes its own channel) they are detached, and the last to leave
 * releases the pool. */
#include "core/pool.h"

#include "core/error.h"
#include "core/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#define MAX_WAITING 65536

/* What pool_run() makes. */
struct errand {
    struct pool_task task; /* first */
    void (*run)(void *user);
    void *user;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t moved;            /* a task came, or closing                  */
    struct pool_task *first, **last; /* @locked, as everything below        */
    size_t waiting;
    unsigned started, live, idle;
    bool closing, orphan; /* orphan: the last thread releases the pool */
    unsigned most;
    pthread_t ids[];
};

static _Thread_local const struct pool *mine;

struct pool *pool_new(unsigned threads, weir_error *err)
{
    if (error_held(err))
        return NULL;
    unsigned most = threads ? threads : 1;
    struct pool *pool = mem_zalloc(sizeof *pool + most * sizeof(pthread_t));
    if (!pool) {
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->moved, NULL);
    pool->last = &pool->first;
    pool->most = most;
    return pool;
}

static void release(struct pool *pool)
{
    pthread_cond_destroy(&pool->moved);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

/* @locked. The next task; NULL: closing and nothing waits. */
static struct pool_task *next_task(struct pool *pool)
{
    while (!pool->first && !pool->closing) {
        pool->idle++;
        pthread_cond_wait(&pool->moved, &pool->lock);
        pool->idle--;
    }
    struct pool_task *task = pool->first;
    if (task) {
        pool->first = task->next;
        if (!pool->first)
            pool->last = &pool->first;
        pool->waiting--;
    }
    return task;
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    struct pool_task *task;
    mine = pool;
    pthread_mutex_lock(&pool->lock);
    while ((task = next_task(pool)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        task->run(task);
        pthread_mutex_lock(&pool->lock);
    }
    bool last = --pool->live == 0 && pool->orphan;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        release(pool);
    return NULL;
}

/* @locked. */
static void start_thread(struct pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&pool->ids[pool->started], NULL, work, pool) == 0) {
        pool->started++;
        pool->live++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* @locked. */
static weir_status append(struct pool *pool, struct pool_task *task, size_t most)
{
    if (pool->closing)
        return WEIR_STOPPED;
    if (pool->waiting >= most)
        return WEIR_BUSY;
    if (pool->waiting >= pool->idle && pool->started < pool->most)
        start_thread(pool);
    if (pool->started == 0) /* the system gives us no thread at all */
        return WEIR_NO_MEMORY;
    task->next = NULL;
    *pool->last = task;
    pool->last = &task->next;
    pool->waiting++;
    pthread_cond_signal(&pool->moved);
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

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    bool inside = pool_inside(pool);
    pthread_mutex_lock(&pool->lock);
    unsigned started = pool->started; /* none starts any more once closing */
    pool->closing = true;
    pool->orphan = inside;
    for (unsigned i = 0; inside && i < started; i++)
        pthread_detach(pool->ids[i]);
    pthread_cond_broadcast(&pool->moved);
    pthread_mutex_unlock(&pool->lock);
    if (inside)
        return;
    for (unsigned i = 0; i < started; i++)
        pthread_join(pool->ids[i], NULL);
    release(pool);
}
