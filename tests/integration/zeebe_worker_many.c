/* A thousand idle workers in one process: what they cost. Their gateway is another process, so that
 * only their own memory and threads are counted. */
#include "core/clock.h"
#include "integration/worker_lib.h"
#include "unit/zeebe/environment.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS    1000
#define BYTES_MOST 20000

/* The child: a sandbox until its standard input ends; says where it is. */
static void be_the_gateway(int say, int listen)
{
    char address[128], byte;
    const struct sandbox_options options = {.only = "zeebe", .max_concurrent_streams = 4 * WORKERS};
    struct sandbox *sandbox = sandbox_start(&options, NULL);
    snprintf(address, sizeof address, "%s\n",
             sandbox ? sandbox_value(sandbox, "ZEEBE_ADDRESS") : "");
    if (write(say, address, strlen(address)) < 0)
        _exit(1);
    while (read(listen, &byte, 1) > 0) {
    }
    sandbox_stop(sandbox);
    _exit(0);
}

struct child {
    pid_t pid;
    int hold;
    char address[128];
};

/* Before anything here has a thread. */
static void fork_gateway(struct child *c)
{
    int say[2], hold[2];
    assert_int_equal(pipe(say) + pipe(hold), 0);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0) {
        close(say[0]);
        close(hold[1]);
        be_the_gateway(say[1], hold[0]);
    }
    close(say[1]);
    close(hold[0]);
    c->hold = hold[1];
    FILE *stream = fdopen(say[0], "r");
    assert_non_null(fgets(c->address, sizeof c->address, stream));
    c->address[strcspn(c->address, "\n")] = '\0';
    fclose(stream);
    assert_true(*c->address);
}

static void end_gateway(struct child *c)
{
    int status = 0;
    close(c->hold);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    assert_int_equal(status, 0);
}

static size_t threads(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void *nothing(void *user)
{
    return user;
}

/* With the thread that a sanitizer starts beside a program's first. */
static size_t threads_before(void)
{
    pthread_t first;
    assert_int_equal(pthread_create(&first, NULL, nothing, NULL), 0);
    assert_int_equal(pthread_join(first, NULL), 0);
    return threads();
}

static uint64_t open_calls(weir_channel *channel)
{
    weir_error err = {0};
    weir_channel_counters c = {.struct_size = sizeof c};
    assert_int_equal(weir_channel_counters_read(channel, &c, &err), WEIR_OK);
    return c.calls_started;
}

static void handler(weir_job *job, void *user)
{
    (void)job, (void)user;
}

static void a_thousand_idle_workers_are_one_thread_and_little_memory(void **state)
{
    static weir_worker *workers[WORKERS];
    struct child gateway;
    weir_error err = {0};
    char type[32];
    (void)state;
    no_environment();
    fork_gateway(&gateway);
    size_t before = threads_before();
    weir_channel *channel =
        weir_channel_insecure(WEIR_CHANNEL(.grpc_address = gateway.address), &err);
    assert_int_equal(weir_channel_connect(channel, &err), WEIR_OK);
    for (weir_channel_state now; (now = weir_channel_state_now(channel)) != WEIR_CHANNEL_READY;)
        weir_channel_wait(channel, now, 20000, &err);
    size_t bytes = mallinfo2().uordblks;
    for (int i = 0; i < WORKERS; i++) {
        snprintf(type, sizeof type, "type-%d", i);
        workers[i] = weir_worker_open(
            channel, WEIR_WORKER(.type = type, .handler = handler, .threads = 4), &err);
        assert_string_equal(err.message, "");
    }
    int64_t until = clock_mono(clock_system()) + 60 * NS_PER_S;
    while (open_calls(channel) < 2 * WORKERS && clock_mono(clock_system()) < until)
        sched_yield();
    assert_true(open_calls(channel) >= 2 * WORKERS); /* a poll and a stream each */
    size_t more = mallinfo2().uordblks - bytes;      /* 0 with a sanitizer's allocator */
    print_message("%zu bytes a worker\n", more / WORKERS);
    assert_in_range(more / WORKERS, 0, BYTES_MOST);
    assert_in_range(threads(), 0, before + 1);
    for (int i = 0; i < WORKERS; i++)
        weir_worker_stop(workers[i]);
    for (int i = 0; i < WORKERS; i++)
        weir_worker_close(workers[i]);
    weir_channel_close(channel);
    end_gateway(&gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_idle_workers_are_one_thread_and_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
