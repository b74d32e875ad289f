/* The programs of examples/, each run on a sandbox as a user would: it says what it must. */
#include "lib/check.h"
#include "lib/sandboxed.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/weir.h>

extern char **environ;

static struct sandbox *sandbox;

static int setup(void **state)
{
    const struct sandbox_options options = {.require_token = true};
    const char *name, *value;
    (void)state;
    if (chdir(getenv("WEIR_SOURCE")) != 0) /* what is deployed is named from there */
        return -1;
    sandbox = sandboxed_start(&options);
    for (size_t i = 0; sandbox_setting(sandbox, i, &name, &value); i++)
        setenv(name, value, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sandbox_stop(sandbox);
    return 0;
}

/* Its exit status; what it says goes to `said`. */
static int run(const char *name, char *const *words, char *said, size_t size)
{
    char path[512];
    int ends[2], status = 0;
    pid_t child;
    posix_spawn_file_actions_t actions;
    snprintf(path, sizeof path, "%s/examples/%s", getenv("WEIR_BINARY"), name);
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&child, path, &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    size_t len = fread(said, 1, size - 1, stream);
    said[len] = '\0';
    fclose(stream);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct {
    const char *words[4];
    int status;
    const char *says;
} runs[] = {
    {{"state"}, 0, "partition 1: leader\nthe gateway is serving\n"},
    {{"call", "Topology"}, 0, "\"clusterSize\": 1"},
    {{"call", "ActivateJobs",
      "{\"type\": \"x\", \"timeout\": 1, \"maxJobsToActivate\": 1, \"requestTimeout\": -1}"},
     0,
     ""},
    {{"call", "CompleteJob", "{\"jobKye\": 1}"}, 65, "jobKye"},
    {{"call", "Topologie"}, 65, "did you mean Topology?"},
    {{"pending"}, 0, "call 7: answered"},
    {{"deploy_and_run", "examples/hello.bpmn", "{\"name\":\"weir\"}"},
     0,
     "ended with {\"name\":\"weir\"}"},
    {{"deploy_and_run", "examples/hello.bpmn", "{\"name\""},
     65,
     "variables: no valid JSON at line 1"},
    {{"deploy_and_run", "/nowhere.bpmn"}, 74, "the resource: cannot open '/nowhere.bpmn'"},
    {{"handler"}, 0, "{\"status\":\"SERVING\"}"},
};

static void every_example_does_what_it_says(void **state)
{
    char said[4096];
    (void)state;
    for (size_t i = 0; i < COUNT(runs); i++) {
        int status =
            run(runs[i].words[0], (char *const *)(uintptr_t)runs[i].words, said, sizeof said);
        if (status != runs[i].status || !strstr(said, runs[i].says))
            fail_msg("%s %s: status %d, said: %s", runs[i].words[0],
                     runs[i].words[1] ? runs[i].words[1] : "", status, said);
    }
}

/* ---- a worker and an event loop, on one process ---------------------------------------------- */

struct running {
    pid_t pid;
    int in; /* what it reads */
};

static void start(struct running *r, const char *name)
{
    char path[512];
    int ends[2];
    char *words[] = {(char *)(uintptr_t)name, NULL};
    posix_spawn_file_actions_t actions;
    snprintf(path, sizeof path, "%s/examples/%s", getenv("WEIR_BINARY"), name);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    assert_int_equal(posix_spawn(&r->pid, path, &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    r->in = ends[1];
}

static void expect_end(const struct running *r)
{
    int status = -1;
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    assert_int_equal(status, 0);
}

static void an_order_is_charged_packed_and_shipped(void **state)
{
    static const char *const files[] = {"examples/order.bpmn", NULL};
    struct running worker, loop;
    weir_error err = {0};
    (void)state;
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err);
    weir_deployment_free(
        weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.files = files), WEIR_DEFAULT_TIMEOUT, &err));
    assert_string_equal(err.message, "");
    start(&worker, "worker");
    start(&loop, "loop");
    assert_int_equal(write(loop.in, "o-1\n", 4), 4); /* a message that waits for its order */
    weir_instance *order = weir_zeebe_create_with_result(
        zeebe,
        WEIR_CREATE_INSTANCE(.process_id = "order",
                             .variables = "{\"orderId\":\"o-1\",\"order\":{\"total\":12.5}}"),
        20000, &err);
    assert_string_equal(err.message, "");
    assert_non_null(strstr(order->variables, "\"charged\":12.5"));
    assert_non_null(strstr(order->variables, "\"packed\":true"));
    weir_instance_free(order);
    weir_zeebe_free(zeebe);
    close(loop.in);
    expect_end(&loop);
    assert_int_equal(kill(worker.pid, SIGINT), 0);
    expect_end(&worker);
    close(worker.in);
}

static void without_a_gateway_they_say_why(void **state)
{
    static const char *const names[] = {"state",   "call",           "pending", "worker",
                                        "handler", "deploy_and_run", "loop"};
    char said[4096];
    (void)state;
    setenv("ZEEBE_ADDRESS", "http://", 1);
    for (size_t i = 0; i < COUNT(names); i++) {
        char *words[] = {(char *)(uintptr_t)names[i], NULL};
        assert_int_equal(run(names[i], words, said, sizeof said), 65);
        assert_non_null(strstr(said, "ZEEBE_ADDRESS"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_does_what_it_says),
        cmocka_unit_test(an_order_is_charged_packed_and_shipped),
        cmocka_unit_test(without_a_gateway_they_say_why),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
