/* Programs that weir runs: what they get, what is taken from them, and that they end. */
#include "cli/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "lib/check.h"

#define LONG 60000

static struct run_command command;

static void find(const char *shell)
{
    weir_error err = {0};
    assert_int_equal(run_find(&command, NULL, shell, NULL, &err), WEIR_OK);
}

/* Of a shell command. */
static struct run_job job_of(const char *shell, const char *input)
{
    find(shell);
    return (struct run_job){.command = &command,
                            .input = input,
                            .input_len = strlen(input),
                            .output_limit = 4 * 1024 * 1024,
                            .time_limit = LONG,
                            .grace = LONG};
}

static void done(struct run_result *result)
{
    run_result_free(result);
    run_command_free(&command);
}

static void expect(const char *shell, const char *input, int status, const char *out,
                   const char *errors)
{
    struct run_result result;
    struct run_job job = job_of(shell, input);
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_EXITED);
    assert_string_equal(str_text(&result.output), out);
    assert_string_equal(str_text(&result.errors), errors);
    assert_int_equal(result.number, status);
    done(&result);
}

static void input_goes_in_and_output_comes_out(void **state)
{
    (void)state;
    expect("cat", "{\"a\":1}", 0, "{\"a\":1}", "");
    expect("cat; echo oh >&2; exit 3", "x", 3, "x", "oh");
    expect("exit 0", "nobody reads this", 0, "", "");
    expect("exec 0<&-; echo done", "", 0, "done\n", "");
}

/* Both pipes are full before the other side reads. */
static void a_megabyte_each_way_does_not_stand_still(void **state)
{
    (void)state;
    static char much[1024 * 1024 + 1];
    struct run_result result;
    memset(much, 'x', sizeof much - 1);
    struct run_job job = job_of("head -c 1000000 /dev/zero | tr '\\0' e >&2; cat", much);
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_EXITED);
    assert_int_equal(result.output.len, sizeof much - 1);
    assert_int_equal(result.errors.len, 8 * 1024);
    done(&result);
    job = job_of("true", much);
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_EXITED);
    assert_int_equal(result.number, 0);
    done(&result);
}

static void it_gets_ordinary_signals_three_descriptors_and_its_own_group(void **state)
{
    (void)state;
    sigset_t all, before;
    int stray = dup(1); /* one that is not closed on exec */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    expect("ls /proc/self/fd | tr '\\n' ' '", "", 0, "0 1 2 3 ", ""); /* 3: ls reads the folder */
    /* Signals 32 and 33 are the C library's own; posix_spawn() has them ignored. */
    expect(
        "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n' | sed s/180000000/000000000/",
        "", 0, "SigBlk:0000000000000000SigIgn:0000000000000000", "");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(stray);
}

static void a_signal_that_ends_it_is_told(void **state)
{
    (void)state;
    struct run_result result;
    struct str how = {0};
    struct run_job job = job_of("echo out; echo err >&2; kill -KILL $$", "");
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_SIGNALLED);
    assert_int_equal(result.number, SIGKILL);
    run_say_end(&job, &result, &how);
    assert_string_equal(how.data, "was ended by signal 9 (Killed)");
    str_free(&how);
    done(&result);
}

static void secrets_stay_here(void **state)
{
    (void)state;
    weir_error err = {0};
    struct run_result result;
    setenv("CAMUNDA_CLIENT_SECRET", "s3cret", 1);
    setenv("ZEEBE_CLIENT_SECRET_FILE", "/s3cret", 1);
    setenv("SALESFORCE_PASSWORD", "s3cret", 1);
    setenv("OAUTH_PRIVATE_KEY", "s3cret", 1);
    setenv("MY_TOKEN", "s3cret", 1);
    setenv("MY_TOKEN_FILE", "s3cret", 1);
    setenv("ZEEBE_ADDRESS", "here", 1);
    setenv("MY_TOKENS", "kept", 1);
    assert_int_equal(
        run_find(&command, NULL, "env; echo \"$ADDED $ZEEBE_ADDRESS\"", "MY_TOKEN", &err), WEIR_OK);
    char added[] = "ADDED=yes", replaced[] = "ZEEBE_ADDRESS=there";
    char *more[] = {added, replaced, NULL};
    struct run_job job = {.command = &command,
                          .environment = more,
                          .output_limit = 1 << 20,
                          .time_limit = LONG,
                          .grace = LONG};
    run_to_end(&job, &result);
    assert_null(strstr(result.output.data, "s3cret"));
    assert_null(strstr(result.output.data, "SECRET"));
    assert_non_null(strstr(result.output.data, "MY_TOKENS=kept"));
    assert_non_null(strstr(result.output.data, "yes there\n"));
    done(&result);
    assert_string_equal(getenv("CAMUNDA_CLIENT_SECRET"), "s3cret");
}

static void what_is_not_there_is_said_before_it_is_run(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
    } cases[] = {
        {"no-such-program-anywhere",
         "cannot start \"no-such-program-anywhere\": No such file or directory"},
        {"/no/such/program", "cannot start \"/no/such/program\": No such file or directory"},
        {"/etc/passwd", "cannot start \"/etc/passwd\": Permission denied"},
        {"/", "cannot start \"/\": Permission denied"},
        {"", "cannot start \"\": No such file or directory"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        char *name = copy_or_exit(cases[i].name, strlen(cases[i].name));
        char *argv[] = {name, NULL};
        assert_int_equal(run_find(&command, argv, NULL, NULL, &err), WEIR_STORE);
        assert_string_equal(err.message, cases[i].message);
        run_command_free(&command);
        release_memory(name);
    }
}

static void a_program_is_found_in_path_and_run_without_a_shell(void **state)
{
    (void)state;
    weir_error err = {0};
    struct run_result result;
    char name[] = "printf", format[] = "%s|", one[] = "a b", two[] = "$HOME;";
    char *argv[] = {name, format, one, two, NULL};
    assert_int_equal(run_find(&command, argv, NULL, NULL, &err), WEIR_OK);
    struct run_job job = {
        .command = &command, .output_limit = 100, .time_limit = LONG, .grace = LONG};
    run_to_end(&job, &result);
    assert_string_equal(result.output.data, "a b|$HOME;|");
    done(&result);
}

static void one_that_was_taken_away_later_is_said_when_it_is_run(void **state)
{
    (void)state;
    struct run_result result;
    struct str how = {0};
    struct run_job job = job_of("true", "");
    char *found = command.path;
    char gone[] = "/no/such/program";
    command.path = gone;
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_NOT_STARTED);
    assert_int_equal(result.number, ENOENT);
    run_say_end(&job, &result, &how);
    assert_string_equal(how.data, "cannot be started: No such file or directory");
    str_free(&how);
    command.path = found;
    done(&result);
}

static void the_time_limit_ends_it_and_all_it_has_started(void **state)
{
    (void)state;
    struct run_result result;
    struct str how = {0};
    struct run_job job = job_of("tail -f /dev/null & wait; echo never", "");
    job.time_limit = 100;
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_TOO_LONG);
    assert_string_equal(str_text(&result.output), "");
    run_say_end(&job, &result, &how);
    assert_string_equal(how.data, "did not end within 100ms, and was ended");
    str_free(&how);
    done(&result);
}

static void one_that_does_not_heed_sigterm_is_killed(void **state)
{
    (void)state;
    struct run_result result;
    struct run_job job = job_of("trap '' TERM; tail -f /dev/null & wait; wait", "");
    job.time_limit = 100;
    job.grace = 100;
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_TOO_LONG);
    done(&result);
}

static void a_flood_is_ended_at_the_limit(void **state)
{
    (void)state;
    struct run_result result;
    struct str how = {0};
    struct run_job job = job_of("yes", "");
    job.output_limit = 100000;
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_TOO_MUCH);
    assert_int_equal(result.output.len, 100000);
    run_say_end(&job, &result, &how);
    assert_string_equal(how.data,
                        "wrote more than 100000 bytes to its standard output, and was ended");
    str_free(&how);
    done(&result);
    job = job_of("head -c 100000 /dev/zero", "");
    job.output_limit = 100000;
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_EXITED); /* the limit itself is no flood */
    done(&result);
}

static bool once(void *user)
{
    int *asked = user;
    return ++*asked < 2;
}

static void what_nobody_wants_any_more_is_ended(void **state)
{
    (void)state;
    int asked = 0;
    struct run_result result;
    struct run_job job = job_of("exec tail -f /dev/null", "");
    job.wanted = once;
    job.user = &asked;
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_UNWANTED);
    done(&result);
}

/* It holds the pipes, and would for a minute. */
static void what_it_leaves_in_the_background_is_not_waited_for(void **state)
{
    (void)state;
    struct run_result result;
    struct run_job job = job_of("tail -f /dev/null & echo $!", "");
    weir_ms start = clock_now();
    run_to_end(&job, &result);
    assert_int_equal(result.end, RUN_EXITED);
    assert_true(clock_now() - start < LONG);
    pid_t left = (pid_t)strtol(result.output.data, NULL, 10);
    assert_int_equal(kill(left, SIGKILL), 0); /* and it was left alone */
    done(&result);
}

static void all_that_runs_can_be_ended_at_once(void **state)
{
    (void)state;
    struct run_process process;
    int how = 0;
    char byte;
    find("echo x; exec tail -f /dev/null");
    assert_int_equal(run_start(&process, &command, NULL), 0);
    while (read(process.out, &byte, 1) < 0)
        assert_int_equal(errno, EAGAIN);
    run_end_all();
    while (!run_collect(&process, false, &how))
        ;
    assert_int_equal(how, -SIGTERM);
    run_end_all(); /* it is not signalled again */
    run_close(&process);
    run_command_free(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_goes_in_and_output_comes_out),
        cmocka_unit_test(a_megabyte_each_way_does_not_stand_still),
        cmocka_unit_test(it_gets_ordinary_signals_three_descriptors_and_its_own_group),
        cmocka_unit_test(a_signal_that_ends_it_is_told),
        cmocka_unit_test(secrets_stay_here),
        cmocka_unit_test(what_is_not_there_is_said_before_it_is_run),
        cmocka_unit_test(a_program_is_found_in_path_and_run_without_a_shell),
        cmocka_unit_test(one_that_was_taken_away_later_is_said_when_it_is_run),
        cmocka_unit_test(the_time_limit_ends_it_and_all_it_has_started),
        cmocka_unit_test(one_that_does_not_heed_sigterm_is_killed),
        cmocka_unit_test(a_flood_is_ended_at_the_limit),
        cmocka_unit_test(what_nobody_wants_any_more_is_ended),
        cmocka_unit_test(what_it_leaves_in_the_background_is_not_waited_for),
        cmocka_unit_test(all_that_runs_can_be_ended_at_once),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program has it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
