/* The programs of examples/, each run on a sandbox as a user would: it says what it must. */
#include "lib/check.h"
#include "lib/sandboxed.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void without_a_gateway_they_say_why(void **state)
{
    static const char *const names[] = {"state", "call", "pending", "handler", "deploy_and_run"};
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
        cmocka_unit_test(without_a_gateway_they_say_why),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
