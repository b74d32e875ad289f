/* The one I/O thread.
 *
 * There is at most one loop at a time. The first loop_acquire() makes it, the last loop_release()
 * takes it out of the way of later acquirers, tells the thread to end and joins it. Work reaches
 * the thread as intrusive tasks: posting allocates nothing, costs one short lock, and wakes the
 * thread only when the queue was empty.
 *
 * For some calls a caller's thread runs the loop instead of the I/O thread: loan.c.
 *
 * A child of fork() has no I/O thread. A fork handler marks it, so that asking costs no system
 * call; the mark is looked at before any loop's lock is touched, because the child may have
 * inherited a locked one. */
#include "io/loop_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/shield.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

static pthread_mutex_t global = PTHREAD_MUTEX_INITIALIZER;
static struct loop *instance; /* @locked by global */
static atomic_bool running;   /* there is one */
static atomic_bool stale;     /* this is a child of a process that had one */
static _Thread_local struct loop *inside;

/* The child must not inherit `global` as some other thread held it. */
static void before_fork(void)
{
    pthread_mutex_lock(&global);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&global);
}

static void after_fork_in_child(void)
{
    if (atomic_load(&running))
        atomic_store(&stale, true);
    log_after_fork();
    pthread_mutex_unlock(&global);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static bool is_child(void)
{
    return atomic_load_explicit(&stale, memory_order_relaxed);
}

weir_status loop_check_fork(weir_error *err)
{
    if (!is_child())
        return WEIR_OK;
    return error_set(err, WEIR_INVALID,
                     "this process is a child of fork() and cannot use handles of its parent: open "
                     "them after fork(), or "
                     "call exec()");
}

bool loop_may_open(weir_error *err)
{
    return !error_held(err) && loop_check_fork(err) == WEIR_OK;
}

static void run_tasks(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_task *task = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    while (task) {
        struct loop_task *next = task->next; /* run() may post the task again */
        task->run(task);
        task = next;
    }
}

/* ---- bells ------------------------------------------------------------------------------- */

void loop_bell_hang(struct loop *loop, struct loop_bell *bell)
{
    bell->older = loop->bells;
    bell->newer = NULL;
    if (loop->bells)
        loop->bells->newer = bell;
    loop->bells = bell;
    if (atomic_load(&bell->pulled)) /* before it hung */
        loop_bell_pull(loop, bell);
}

void loop_bell_take_down(struct loop *loop, struct loop_bell *bell)
{
    if (bell->newer)
        bell->newer->older = bell->older;
    else
        loop->bells = bell->older;
    if (bell->older)
        bell->older->newer = bell->newer;
    bell->older = bell->newer = NULL;
}

void loop_bell_pull(struct loop *loop, struct loop_bell *bell)
{
    int kept = errno; /* of what a signal interrupted */
    atomic_store(&bell->pulled, true);
    atomic_store(&loop->pulled, true);
    uv_async_send(&loop->wake);
    errno = kept;
}

/* Who pulls sets the bell's mark before the loop's, so what is cleared here is seen below. */
static void ring_bells(struct loop *loop)
{
    if (!atomic_load_explicit(&loop->pulled, memory_order_relaxed))
        return;
    atomic_store(&loop->pulled, false);
    struct loop_bell *bell = loop->bells;
    while (bell) {
        struct loop_bell *older = bell->older; /* ring() may take its own down */
        if (atomic_exchange(&bell->pulled, false))
            bell->ring(bell);
        bell = older;
    }
}

/* ---- the thread -------------------------------------------------------------------------- */

/* Tasks that were posted before the stop have run when this closes the loop's own handles. */
void loop_attend(struct loop *loop)
{
    run_tasks(loop);
    ring_bells(loop);
    if (atomic_load(&loop->stopping) && !uv_is_closing((uv_handle_t *)&loop->wake)) {
        uv_close((uv_handle_t *)&loop->wake, NULL);
        uv_close((uv_handle_t *)&loop->timer, NULL);
        uv_close((uv_handle_t *)&loop->idle, NULL);
    }
}

static void on_wake(uv_async_t *wake)
{
    loop_attend(wake->data);
}

void loop_enter(struct loop *loop)
{
    inside = loop;
}

static void destroy(struct loop *loop)
{
    uv_loop_close(&loop->uv);
    pthread_cond_destroy(&loop->summons);
    pthread_cond_destroy(&loop->granted);
    pthread_mutex_destroy(&loop->lock);
    mem_free(loop->heap);
    mem_free(loop);
}

static void *thread_main(void *user)
{
    struct loop *loop = user;
    inside = loop;
    while (uv_run(&loop->uv, UV_RUN_ONCE)) {
        if (atomic_load_explicit(&loop->wish, memory_order_relaxed))
            loop_lend(loop);
    }
    inside = NULL;
    if (atomic_load(&loop->detached))
        destroy(loop);
    return NULL;
}

static int start_thread(struct loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&loop->thread, NULL, thread_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        pthread_setname_np(loop->thread, "weir-io");
    return failed;
}

static void abandon(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    destroy(loop);
}

static void init_locks(struct loop *loop)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&loop->summons, &attributes);
    pthread_cond_init(&loop->granted, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&loop->lock, NULL);
}

static struct loop *make(weir_error *err)
{
    struct loop *loop = mem_zalloc(sizeof *loop);
    if (!loop || uv_loop_init(&loop->uv)) {
        mem_free(loop);
        error_no_memory(err);
        return NULL;
    }
    init_locks(loop);
    loop->last = &loop->first;
    loop->soon_last = &loop->soon;
    loop->idle.data = loop;
    loop->wake.data = loop;
    loop->timer.data = loop;
    int bad = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (bad) {
        error_system(err, WEIR_UNSUPPORTED, -bad,
                     "the I/O thread's wake-up descriptor cannot be made");
        destroy(loop);
        return NULL;
    }
    uv_timer_init(&loop->uv, &loop->timer);
    uv_idle_init(&loop->uv, &loop->idle);
    bad = start_thread(loop);
    if (bad) {
        error_system(err, WEIR_NO_MEMORY, bad, "the I/O thread cannot be started");
        abandon(loop);
        return NULL;
    }
    return loop;
}

struct loop *loop_acquire(weir_error *err)
{
    if (loop_check_fork(err) != WEIR_OK)
        return NULL;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks); /* not under `global`, which the handlers lock */
    pthread_mutex_lock(&global);
    if (!instance) {
        instance = make(err);
        atomic_store(&running, instance != NULL);
    }
    if (instance)
        instance->refs++;
    struct loop *loop = instance;
    pthread_mutex_unlock(&global);
    return loop;
}

struct loop *loop_ref(struct loop *loop)
{
    pthread_mutex_lock(&global);
    loop->refs++;
    pthread_mutex_unlock(&global);
    return loop;
}

/* A write, often with a lock of the caller's in hand. */
static void wake(struct loop *loop)
{
    int shielded = shield_up();
    uv_async_send(&loop->wake);
    shield_down(shielded);
}

static void stop(struct loop *loop)
{
    bool self = inside == loop;
    pthread_t thread = loop->thread;
    atomic_store(&loop->detached, self);
    pthread_mutex_lock(&loop->lock);
    atomic_store(&loop->stopping, true);
    bool summoned = loop_summon(loop);
    pthread_mutex_unlock(&loop->lock);
    if (!summoned)
        wake(loop);
    if (self) {
        pthread_detach(thread);
        return;
    }
    int shielded = shield_up();
    pthread_join(thread, NULL);
    shield_down(shielded);
    destroy(loop);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    task->next = NULL;
    pthread_mutex_lock(&loop->lock);
    bool idle = !loop->first;
    *loop->last = task;
    loop->last = &task->next;
    bool summoned = idle && loop_summon(loop);
    pthread_mutex_unlock(&loop->lock);
    if (idle && !summoned)
        wake(loop);
}

/* Idle handles run before the prepare handles, which are rpc's turns, and keep the loop from
 * waiting. */
static void on_idle(uv_idle_t *idle)
{
    struct loop *loop = idle->data;
    struct loop_task *task = loop->soon;
    loop->soon = NULL;
    loop->soon_last = &loop->soon;
    uv_idle_stop(idle);
    while (task) {
        struct loop_task *next = task->next; /* run() may ask for it again */
        task->run(task);
        task = next;
    }
}

void loop_soon(struct loop *loop, struct loop_task *task)
{
    task->next = NULL;
    *loop->soon_last = task;
    loop->soon_last = &task->next;
    uv_idle_start(&loop->idle, on_idle);
}

struct errand {
    struct loop_task task;
    void (*run)(void *user);
    void *user;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool ran;
};

static void run_errand(struct loop_task *task)
{
    struct errand *errand = (struct errand *)(void *)task;
    errand->run(errand->user);
    pthread_mutex_lock(&errand->lock);
    errand->ran = true;
    pthread_cond_signal(&errand->done);
    pthread_mutex_unlock(&errand->lock);
}

void loop_call(struct loop *loop, void (*run)(void *user), void *user)
{
    if (inside == loop) {
        run(user);
        return;
    }
    struct errand errand = {{run_errand, NULL},       run,  user, PTHREAD_MUTEX_INITIALIZER,
                            PTHREAD_COND_INITIALIZER, false};
    int shielded = shield_up(); /* the errand lies on our stack */
    loop_post(loop, &errand.task);
    pthread_mutex_lock(&errand.lock);
    while (!errand.ran)
        pthread_cond_wait(&errand.done, &errand.lock);
    pthread_mutex_unlock(&errand.lock);
    shield_down(shielded);
}

static void nothing(void *user)
{
    (void)user;
}

/* What was closed before gives its references back at the end of the loop's turn. Waiting for the
 * next turn makes the caller's the last one, so that the thread is joined and not left to end
 * while the process does (OpenSSL's own cleaning up at exit would race with it). */
static void settle(struct loop *loop)
{
    pthread_mutex_lock(&global);
    bool others = loop->refs > 1;
    pthread_mutex_unlock(&global);
    if (others)
        loop_call(loop, nothing, NULL);
}

void loop_release(struct loop *loop)
{
    if (!loop || is_child())
        return;
    if (inside != loop)
        settle(loop);
    pthread_mutex_lock(&global);
    bool last = --loop->refs == 0;
    if (last && loop == instance) {
        instance = NULL;
        atomic_store(&running, false);
    }
    pthread_mutex_unlock(&global);
    if (last)
        stop(loop);
}

bool loop_inside(const struct loop *loop)
{
    return inside == loop;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

const struct clock *loop_clock(const struct loop *loop)
{
    (void)loop;
    return clock_system();
}
