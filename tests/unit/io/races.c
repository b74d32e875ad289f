/* The I/O thread under many threads: starting and ending, posting, and the rest of what timers and
 * names promise. Worth most under TSan. */
#include "lib/check.h"

#include "core/clock.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/timer.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS  200

static void each_on_a_thread(void *(*run)(void *user), void *user)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, user), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void add_one(void *user)
{
    int *sum = user;
    ++*sum;
}

static void *come_and_go(void *user)
{
    (void)user;
    for (int i = 0; i < ROUNDS; i++) {
        int ran = 0;
        struct loop *loop = loop_acquire(NULL);
        loop_call(loop, add_one, &ran);
        if (ran != 1)
            abort();
        loop_release(loop);
    }
    return NULL;
}

static void many_threads_may_start_and_end_the_loop_at_once(void **state)
{
    (void)state;
    each_on_a_thread(come_and_go, NULL);
}

struct sum {
    struct loop *loop;
    int count; /* only the I/O thread touches it */
};

static void *add_many(void *user)
{
    struct sum *sum = user;
    for (int i = 0; i < ROUNDS; i++)
        loop_call(sum->loop, add_one, &sum->count);
    return NULL;
}

static void what_many_threads_post_runs_one_at_a_time(void **state)
{
    (void)state;
    struct sum sum = {loop_acquire(NULL), 0};
    each_on_a_thread(add_many, &sum);
    loop_release(sum.loop);
    assert_int_equal(sum.count, THREADS * ROUNDS);
}

static void give_back(void *user)
{
    loop_release(user);
}

struct farewell {
    struct loop_task task;
    struct loop *loop;
    atomic_bool *over;
    int turns; /* before it */
};

static void say_farewell(struct loop_task *task)
{
    struct farewell *f = (void *)task;
    if (f->turns-- > 0) {
        loop_post(f->loop, task);
        return;
    }
    loop_release(f->loop);
    atomic_store(f->over, true);
    free(f);
}

static void the_last_reference_may_be_given_back_on_the_thread_itself(void **state)
{
    (void)state;
    atomic_bool over;
    for (int i = 0; i < ROUNDS; i++) {
        struct farewell *f = malloc(sizeof *f);
        struct loop *mine = loop_acquire(NULL);
        *f = (struct farewell){{say_farewell, NULL}, loop_ref(mine), &over, i % 4};
        atomic_init(&over, false);
        loop_post(mine, &f->task);
        loop_release(mine); /* either of the two may be the last */
        while (!atomic_load(&over))
            sched_yield();
    }
    struct loop *loop = loop_acquire(NULL);
    loop_call(loop_ref(loop), give_back, loop);
    loop_release(loop);
}

static void read_mask(void *user)
{
    pthread_sigmask(SIG_SETMASK, NULL, user);
}

static void no_signal_is_handled_on_the_thread(void **state)
{
    (void)state;
    sigset_t there, here;
    pthread_sigmask(SIG_SETMASK, NULL, &here);
    struct loop *loop = loop_acquire(NULL);
    loop_call(loop, read_mask, &there);
    loop_release(loop);
    static const int signals[] = {SIGPIPE, SIGINT, SIGTERM, SIGCHLD, SIGALRM, SIGUSR1};
    for (size_t i = 0; i < COUNT(signals); i++) {
        assert_int_equal(sigismember(&there, signals[i]), 1);
        assert_int_equal(sigismember(&here, signals[i]), 0);
    }
}

static void a_child_can_exit_while_its_parent_works(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            weir_error err = {0};
            int told = loop_check_fork(&err) == WEIR_INVALID && !loop_acquire(NULL);
            loop_release(loop);
            _exit(told ? 0 : 1);
        }
        int status = 1, ran = 0;
        loop_call(loop, add_one, &ran);
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        assert_int_equal(ran, 1);
    }
    loop_release(loop);
}

/* ---- timers ------------------------------------------------------------------------------- */

#define TIMERS 500

struct clockwork {
    struct loop *loop;
    struct timer timers[TIMERS], eager;
    int64_t last_ns;
    size_t fired, wanted, eager_turns;
    bool wrong;
    struct loop_task other;
    bool other_ran;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool done;
};

struct tick {
    struct clockwork *all;
    struct timer *timer;
};
static struct tick ticks[TIMERS];

static void finished(struct clockwork *c)
{
    pthread_mutex_lock(&c->lock);
    c->done = true;
    pthread_cond_signal(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

static void wait_done(struct clockwork *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->done)
        pthread_cond_wait(&c->moved, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void on_tick(void *user)
{
    struct tick *tick = user;
    struct clockwork *c = tick->all;
    c->wrong |= tick->timer->at_ns < c->last_ns || tick->timer->at_ns > clock_mono(clock_system());
    c->last_ns = tick->timer->at_ns;
    if (++c->fired == c->wanted)
        finished(c);
}

static void set_all(void *user)
{
    struct clockwork *c = user;
    int64_t now = clock_mono(clock_system());
    for (size_t i = 0; i < TIMERS; i++) {
        ticks[i] = (struct tick){c, &c->timers[i]};
        timer_init(&c->timers[i], c->loop, on_tick, &ticks[i]);
        c->wrong |= timer_set(&c->timers[i], now + (int64_t)(i * 7919 % 5000) * 1000) != WEIR_OK;
    }
    for (size_t i = 0; i < TIMERS; i += 3) /* moved, then some of them cancelled */
        c->wrong |= timer_set(&c->timers[i], now + (int64_t)(i * 31 % 5000) * 1000) != WEIR_OK;
    c->wanted = TIMERS;
    for (size_t i = 0; i < TIMERS; i += 6, c->wanted--)
        timer_cancel(&c->timers[i]);
    timer_cancel(&c->timers[0]);
}

static void many_timers_fire_in_order_however_they_were_moved(void **state)
{
    (void)state;
    static struct clockwork c = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .moved = PTHREAD_COND_INITIALIZER};
    c.loop = loop_acquire(NULL);
    loop_call(c.loop, set_all, &c);
    wait_done(&c);
    loop_release(c.loop);
    assert_false(c.wrong);
    assert_int_equal(c.fired, c.wanted);
}

static void on_other(struct loop_task *task)
{
    struct clockwork *c = (void *)((char *)task - offsetof(struct clockwork, other));
    c->other_ran = true;
}

static void on_eager(void *user)
{
    struct clockwork *c = user;
    c->eager_turns++;
    if (c->other_ran)
        finished(c);
    else
        timer_set(&c->eager, 1);
}

static void start_eager(void *user)
{
    struct clockwork *c = user;
    timer_init(&c->eager, c->loop, on_eager, c);
    timer_set(&c->eager, 1);
    c->other.run = on_other;
    loop_post(c->loop, &c->other);
}

static void a_timer_that_is_always_due_lets_others_run(void **state)
{
    (void)state;
    static struct clockwork c = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .moved = PTHREAD_COND_INITIALIZER};
    c.loop = loop_acquire(NULL);
    loop_call(c.loop, start_eager, &c);
    wait_done(&c);
    loop_release(c.loop);
    assert_true(c.eager_turns > 0);
}

/* ---- names -------------------------------------------------------------------------------- */

static atomic_int answers;

static void on_answer(void *user, const struct address *list, size_t count, const weir_error *err)
{
    (void)user;
    (void)list;
    (void)count;
    (void)err;
    atomic_fetch_add(&answers, 1);
}

static void ask_and_cancel(void *user)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", "no-such-name.invalid"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct resolve *r = resolve_start(user, names[i], 1, on_answer, NULL, NULL);
        assert_non_null(r);
        resolve_cancel(r);
    }
    resolve_cancel(NULL);
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static void a_cancelled_name_is_not_answered_and_leaves_nothing(void **state)
{
    (void)state;
    int before = threads();
    for (int i = 0; i < 20; i++) {
        struct loop *loop = loop_acquire(NULL);
        loop_call(loop, ask_and_cancel, loop);
        loop_release(loop);
    }
    assert_int_equal(atomic_load(&answers), 0);
    while (threads() > before) /* the system's resolver cannot be interrupted */
        sched_yield();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_may_start_and_end_the_loop_at_once),
        cmocka_unit_test(what_many_threads_post_runs_one_at_a_time),
        cmocka_unit_test(the_last_reference_may_be_given_back_on_the_thread_itself),
        cmocka_unit_test(no_signal_is_handled_on_the_thread),
        cmocka_unit_test(a_child_can_exit_while_its_parent_works),
        cmocka_unit_test(many_timers_fire_in_order_however_they_were_moved),
        cmocka_unit_test(a_timer_that_is_always_due_lets_others_run),
        cmocka_unit_test(a_cancelled_name_is_not_answered_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
