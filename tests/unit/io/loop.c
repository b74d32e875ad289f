/* The I/O thread: it starts, runs what is posted in order, and is joined; timers fire in order;
 * names become addresses; bytes go there and back; a child of fork() is told so. */
#include "lib/check.h"

#include "io/loop.h"
#include "io/resolve.h"
#include "io/stream.h"
#include "io/timer.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};
static struct waiter all = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void reset(void)
{
    pthread_mutex_lock(&all.lock);
    all.count = 0;
    pthread_mutex_unlock(&all.lock);
}

static void bump(void)
{
    pthread_mutex_lock(&all.lock);
    all.count++;
    pthread_cond_broadcast(&all.changed);
    pthread_mutex_unlock(&all.lock);
}

static void wait_for(int count)
{
    pthread_mutex_lock(&all.lock);
    while (all.count < count)
        pthread_cond_wait(&all.changed, &all.lock);
    pthread_mutex_unlock(&all.lock);
}

static int order[64];

static void append(struct loop_task *task)
{
    struct numbered {
        struct loop_task task;
        int number;
    } *n = (void *)task;
    order[all.count] = n->number;
    bump();
}

static void tasks_run_in_the_order_they_were_posted(void **state)
{
    (void)state;
    struct {
        struct loop_task task;
        int number;
    } tasks[20];
    struct loop *loop = loop_acquire(NULL);
    reset();
    for (int i = 0; i < 20; i++) {
        tasks[i].task.run = append;
        tasks[i].number = i;
        loop_post(loop, &tasks[i].task);
    }
    wait_for(20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(order[i], i);
    loop_release(loop);
}

struct later {
    struct loop_task task;
    struct loop *loop;
    int number, again;
};

static void append_later(struct loop_task *task)
{
    struct later *l = (struct later *)task;
    order[all.count] = l->number;
    if (l->again-- > 0)
        loop_soon(l->loop, task);
    bump();
}

static void do_soon(void *user)
{
    struct later *tasks = user;
    loop_soon(tasks[0].loop, &tasks[0].task);
    loop_soon(tasks[0].loop, &tasks[1].task);
    order[all.count] = 0; /* not before this has happened */
    bump();
}

static void what_is_to_be_done_soon_is_done_once_and_in_order_after_what_happens(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    struct later tasks[2] = {{.loop = loop, .number = 1, .again = 2}, {.loop = loop, .number = 2}};
    static const int wanted[] = {0, 1, 2, 1, 1};
    tasks[0].task.run = tasks[1].task.run = append_later;
    reset();
    loop_call(loop, do_soon, tasks);
    wait_for(5); /* also when nothing else wakes the loop */
    for (int i = 0; i < 5; i++)
        assert_int_equal(order[i], wanted[i]);
    loop_release(loop);
}

static struct timer timers[3];

static void fired(void *user)
{
    order[all.count] = *(int *)user;
    bump();
}

/* Points in time, not delays: a thread that is kept waiting between two calls changes nothing. */
static void set_timers(void *user)
{
    static int numbers[3] = {2, 1, 3};
    static const int64_t after_ms[3] = {4, 2, 3};
    int64_t now = clock_mono(loop_clock(user));
    for (int i = 0; i < 3; i++) {
        timer_init(&timers[i], user, fired, &numbers[i]);
        assert_int_equal(timer_set(&timers[i], now + after_ms[i] * NS_PER_MS), WEIR_OK);
    }
    timer_cancel(&timers[2]);
}

static void timers_fire_in_the_order_of_their_times_unless_cancelled(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    reset();
    loop_call(loop, set_timers, loop);
    wait_for(2);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 2);
    loop_release(loop);
}

static void a_new_loop_starts_after_the_last_was_joined(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct loop *loop = loop_acquire(NULL);
        assert_non_null(loop);
        assert_false(loop_inside(loop));
        loop_release(loop);
    }
}

static void a_child_of_fork_is_told(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    pid_t child = fork();
    if (child == 0) {
        weir_error err = {0};
        int told = !loop_acquire(&err) && err.status == WEIR_INVALID && strstr(err.message, "fork");
        loop_release(loop); /* must not hang */
        _exit(told ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    loop_release(loop);
}

/* ---- an echo over TCP --------------------------------------------------------------------- */

struct end {
    struct loop *loop;
    struct listener *listener;
    struct stream *server, *client;
    char got[64];
    size_t len;
    weir_status why;
};

static void nothing(void *user)
{
    (void)user;
}

static void server_data(void *user, const uint8_t *data, size_t len)
{
    struct end *e = user;
    stream_write(e->server, data, len);
}

static void server_end(void *user, const weir_error *why)
{
    struct end *e = user;
    (void)why;
    stream_close(e->server);
    listener_close(e->listener);
    bump();
}

static const struct stream_events server_events = {nothing, server_data, NULL, server_end};

static void accepted(void *user, struct stream *stream)
{
    struct end *e = user;
    e->server = stream;
    stream_attach(stream, &server_events, e);
}

static void client_open(void *user)
{
    struct end *e = user;
    stream_write(e->client, "hello", 5);
}

static void client_data(void *user, const uint8_t *data, size_t len)
{
    struct end *e = user;
    memcpy(e->got + e->len, data, len);
    e->len += len;
    if (e->len == 5)
        stream_close(e->client);
}

static void client_end(void *user, const weir_error *why)
{
    struct end *e = user;
    e->why = why->status;
    stream_close(e->client);
    bump();
}

static const struct stream_events client_events = {client_open, client_data, NULL, client_end};

static void start_echo(void *user)
{
    struct end *e = user;
    struct address to;
    e->listener =
        listener_open(e->loop, &(struct listener_options){"127.0.0.1", 0, NULL, accepted, e}, NULL);
    address_parse("127.0.0.1", listener_port(e->listener), &to);
    struct stream_options o = {
        .address = &to, .until = {INT64_MAX}, .events = &client_events, .user = e};
    e->client = stream_connect(e->loop, &o, NULL);
}

static void bytes_go_there_and_back(void **state)
{
    (void)state;
    struct end e = {.loop = loop_acquire(NULL)};
    reset();
    loop_call(e.loop, start_echo, &e);
    wait_for(1);
    assert_memory_equal(e.got, "hello", 5);
    loop_release(e.loop);
}

static void start_refused(void *user)
{
    struct end *e = user;
    struct address to;
    address_parse("127.0.0.1", 1, &to);
    struct stream_options o = {
        .address = &to, .until = {INT64_MAX}, .events = &client_events, .user = e};
    e->client = stream_connect(e->loop, &o, NULL);
}

static void a_refused_connection_is_unreachable(void **state)
{
    (void)state;
    struct end e = {.loop = loop_acquire(NULL)};
    reset();
    loop_call(e.loop, start_refused, &e);
    wait_for(1);
    assert_int_equal(e.why, WEIR_UNREACHABLE);
    loop_release(e.loop);
}

static size_t resolved;

static void on_resolved(void *user, const struct address *list, size_t count, const weir_error *err)
{
    (void)user;
    (void)list;
    resolved = err ? 0 : count;
    bump();
}

static void resolve_localhost(void *user)
{
    assert_non_null(resolve_start(user, "localhost", 80, on_resolved, NULL, NULL));
}

static void localhost_is_both_loopback_addresses(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    reset();
    loop_call(loop, resolve_localhost, loop);
    wait_for(1);
    assert_int_equal(resolved, 2);
    assert_true(host_is_loopback("a.localhost."));
    assert_true(host_is_loopback("127.3.2.1"));
    assert_false(host_is_loopback("notlocalhost"));
    loop_release(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_in_the_order_they_were_posted),
        cmocka_unit_test(what_is_to_be_done_soon_is_done_once_and_in_order_after_what_happens),
        cmocka_unit_test(timers_fire_in_the_order_of_their_times_unless_cancelled),
        cmocka_unit_test(a_new_loop_starts_after_the_last_was_joined),
        cmocka_unit_test(a_child_of_fork_is_told),
        cmocka_unit_test(bytes_go_there_and_back),
        cmocka_unit_test(a_refused_connection_is_unreachable),
        cmocka_unit_test(localhost_is_both_loopback_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
