/* `weir sandbox` as a user runs it. The program is $WEIR_BINARY/src/cli/weir. */
#include "lib/check.h"

#include "core/buf.h"
#include "core/mem.h"
#include "lib/webclient.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct outcome {
    char *text; /* stdout and stderr together */
    int status;
};

static int prepare(void **state)
{
    char path[4096];
    const char *binary = getenv("WEIR_BINARY");
    (void)state;
    assert_non_null(binary);
    snprintf(path, sizeof path, "%s/src/cli/weir", binary);
    setenv("WEIR", path, 1);
    unsetenv("WEIR_SANDBOX");
    return 0;
}

/* `command` in a shell, in which $WEIR is the program. */
static struct outcome run(const char *command)
{
    struct buf text = BUF_INIT((size_t)1024 * 1024);
    char piece[4096];
    struct buf line = BUF_INIT(8192);
    buf_addf(&line, "( %s ) 2>&1", command);
    assert_non_null(line.data);
    FILE *shell = popen(line.data, "re");
    assert_non_null(shell);
    for (size_t got; (got = fread(piece, 1, sizeof piece, shell)) > 0;)
        buf_add(&text, piece, got);
    int how = pclose(shell);
    buf_free(&line);
    return (struct outcome){text.data ? text.data : mem_strdup(""), WEXITSTATUS(how)};
}

static void expect(const char *command, int status, const char *words)
{
    struct outcome got = run(command);
    if (got.status != status || (words && !strstr(got.text, words)))
        fail_msg("%s: status %d instead of %d, or not \"%s\" in: %s", command, got.status, status,
                 words ? words : "", got.text);
    mem_free(got.text);
}

static void a_program_gets_the_variables_and_its_status_is_the_sandbox_s(void **state)
{
    (void)state;
    expect("\"$WEIR\" sandbox -- sh -c 'echo $ZEEBE_ADDRESS $CAMUNDA_OAUTH_URL; exit 3'", 3,
           "http://127.0.0.1:");
    expect("\"$WEIR\" sandbox -- sh -c 'kill -9 $$'", 128 + 9, NULL);
    expect("\"$WEIR\" sandbox -- /no/such/program", 127, "/no/such/program");
    expect("\"$WEIR\" sandbox -- /etc/passwd", 126, "/etc/passwd");
    expect("\"$WEIR\" sandbox --", 64, "nothing follows --");
}

static void a_program_does_not_inherit_what_leads_elsewhere(void **state)
{
    (void)state;
    expect("ZEEBE_HOST=h ZEEBE_CLIENT_SECRET=own CAMUNDA_CLIENT_SECRET=own OAUTH_GRANT=password "
           "\"$WEIR\" sandbox -- sh -c 'echo \"[$ZEEBE_HOST$ZEEBE_CLIENT_SECRET$OAUTH_GRANT]"
           "$CAMUNDA_CLIENT_SECRET\"'",
           0, "[]sandbox-secret");
    expect("ZEEBE_HOST=h \"$WEIR\" sandbox --only oauth -- sh -c 'echo \"[$ZEEBE_HOST]\"'", 0,
           "[h]");
}

static void the_program_has_ordinary_signals_and_no_other_descriptors(void **state)
{
    (void)state;
    expect("exec 7</dev/null; \"$WEIR\" sandbox -- sh -c 'test ! -e /proc/self/fd/7 && "
           "grep -E \"Sig(Ign|Blk)\" /proc/self/status'",
           0, "0000000000000000");
}

static void the_folder_is_gone_afterwards_with_all_in_it(void **state)
{
    (void)state;
    expect("dir=$(\"$WEIR\" sandbox --tls -- sh -c 'dirname $WEIR_TOKEN_CACHE; "
           "test -r $WEIR_CA_FILE && mkdir $(dirname $WEIR_TOKEN_CACHE)/deep && "
           "echo x >$(dirname $WEIR_TOKEN_CACHE)/deep/file'); test -n \"$dir\" && "
           "test ! -e \"$dir\" && echo gone",
           0, "gone");
}

static void faults_and_requests_go_through_the_control_endpoint(void **state)
{
    (void)state;
    expect("\"$WEIR\" sandbox -- sh -c '\"$WEIR\" sandbox fault token 2 http:503 --after 1ms && "
           "\"$WEIR\" sandbox fault forget && \"$WEIR\" sandbox requests'",
           0, NULL);
    expect("\"$WEIR\" sandbox -- sh -c '\"$WEIR\" sandbox fault zeebe.Topology 1 status:BUSY'", 65,
           "\"status:BUSY\" names no gRPC status");
    expect("\"$WEIR\" sandbox -- \"$WEIR\" sandbox fault token x cut", 65, "number of requests");
    expect("\"$WEIR\" sandbox -- \"$WEIR\" sandbox fault token 1 'a\"b'", 65, "quotes");
    expect("\"$WEIR\" sandbox fault token", 64, "weir sandbox fault WHAT N HOW");
    expect("\"$WEIR\" sandbox fault token 1 cut", 78, "WEIR_SANDBOX");
    expect("\"$WEIR\" sandbox requests -o json", 78, "\"status\":\"MISSING\"");
    expect("WEIR_SANDBOX=http://127.0.0.1:1/ \"$WEIR\" sandbox requests", 69, "WEIR_SANDBOX");
    expect("WEIR_SANDBOX=nonsense \"$WEIR\" sandbox requests", 65, NULL);
}

/* Its own program is the client here. */
static void every_grant_and_every_way_to_authenticate_gets_a_token(void **state)
{
    static const char *const flags[] = {"",
                                        "--grant password",
                                        "--grant refresh-token",
                                        "--grant jwt-bearer",
                                        "--client-auth basic",
                                        "--client-auth json",
                                        "--client-auth private-key-jwt",
                                        "--for zeebe"};
    char command[300];
    (void)state;
    for (size_t i = 0; i < COUNT(flags); i++) {
        snprintf(command, sizeof command, "\"$WEIR\" sandbox %s -- \"$WEIR\" token %s",
                 i % 2 ? "--tls" : "", flags[i]);
        expect(command, 0, "weir-sandbox-");
    }
    expect("\"$WEIR\" sandbox -- env OAUTH_CLIENT_ID='sandbox+odd client:1' "
           "OAUTH_CLIENT_SECRET='p%rc&nt+ sp=ce:\xc3\xbc/?\"'\\''' \"$WEIR\" token --client-auth "
           "basic",
           0, "weir-sandbox-");
    expect("\"$WEIR\" sandbox -- env OAUTH_CLIENT_SECRET=wrong \"$WEIR\" token", 77, NULL);
}

static void flags_take_effect_and_what_is_wrong_with_them_is_said(void **state)
{
    (void)state;
    expect("\"$WEIR\" sandbox --only zebee -- true", 65, "did you mean zeebe");
    expect("\"$WEIR\" sandbox --port-base 70000 -- true", 65, "--port-base");
    expect("\"$WEIR\" sandbox --log /no/such/folder/log -- true", 74, "/no/such/folder/log");
    expect("\"$WEIR\" sandbox --script /no/such/script -- true", 74, "/no/such/script");
    expect("printf 'token 1 cut\\n\\ntoken 1 cuts\\n' | \"$WEIR\" sandbox --script - -- true", 65,
           "-:3: ");
    expect("printf 'token 1 http:503' | \"$WEIR\" sandbox --script - -- sh -c "
           "'\"$WEIR\" token >/dev/null; \"$WEIR\" sandbox requests'",
           0, "\"fault\":\"http:503\"");
    expect("\"$WEIR\" sandbox --log /dev/stdout -- \"$WEIR\" token", 0, "\"service\":\"token\"");
    expect("\"$WEIR\" sandbox --latency soon -- true", 64, "--latency");
}

static void the_demo_goes_as_it_says(void **state)
{
    (void)state;
    expect("PATH=\"$WEIR_BINARY/src/cli:$PATH\" weir sandbox -- sh "
           "\"$WEIR_SOURCE/scripts/demo-steps\"",
           0, "What happened");
}

/* Starts `weir sandbox FLAG` with its stdout in a pipe. */
static pid_t start(const char *flag, int *from)
{
    int ends[2];
    char program[] = "weir", area[] = "sandbox", extra[64];
    snprintf(extra, sizeof extra, "%s", flag);
    char *argv[] = {program, area, extra, NULL};
    pid_t pid = 0;
    posix_spawn_file_actions_t files;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    assert_int_equal(posix_spawn(&pid, getenv("WEIR"), &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    *from = ends[0];
    return pid;
}

/* Reads until `end` stands there. */
static char *read_to(int fd, const char *end)
{
    struct buf text = BUF_INIT(65536);
    char c = 0;
    while ((!text.data || !strstr(text.data, end)) && read(fd, &c, 1) == 1)
        buf_add(&text, &c, 1);
    assert_non_null(text.data);
    assert_non_null(strstr(text.data, end));
    return text.data;
}

static int end_by(pid_t pid, int number)
{
    int how = 0;
    assert_int_equal(kill(pid, number), 0);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void it_prints_variables_then_ready_and_ends_by_a_signal_with_status_0(void **state)
{
    int from = -1;
    (void)state;
    pid_t pid = start("--latency=1ms", &from);
    char *text = read_to(from, "ready\n");
    assert_non_null(strstr(text, "export CAMUNDA_CLIENT_ID=sandbox\n"));
    const char *url = strstr(text, "export OAUTH_TOKEN_URL=");
    assert_non_null(url);
    assert_int_equal(end_by(pid, SIGTERM), 0);
    uint16_t port = web_port_of(strndupa(url, strcspn(url, "\n")));
    assert_int_equal(web_connect(port), -1);
    mem_free(text);
    close(from);
    pid = start("-ojson", &from);
    text = read_to(from, "}\n");
    assert_int_equal(text[0], '{');
    assert_non_null(strstr(text, "\"CAMUNDA_CLIENT_ID\":\"sandbox\""));
    assert_null(strstr(text, "ready"));
    assert_int_equal(end_by(pid, SIGINT), 0);
    mem_free(text);
    close(from);
}

static void a_signal_to_the_sandbox_reaches_its_program(void **state)
{
    (void)state;
    expect("\"$WEIR\" sandbox -- sh -c 'trap \"exit 7\" TERM; kill -TERM $PPID; "
           "while :; do :; done'",
           7, NULL);
    expect("\"$WEIR\" sandbox -- sh -c 'kill -INT $PPID; while :; do :; done'", 130, NULL);
}

static void ports_begin_where_asked(void **state)
{
    (void)state;
    /* A port that was free a moment ago; the two after it mostly are, too. */
    expect("for try in 1 2 3 4 5; do base=$((20000 + $$ % 10000 + try * 100)); "
           "\"$WEIR\" sandbox --port-base $base -- sh -c "
           "\"test \\$ZEEBE_ADDRESS = 127.0.0.1:$((base + 2)) && echo right\" && break; done",
           0, "right");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_gets_the_variables_and_its_status_is_the_sandbox_s),
        cmocka_unit_test(a_program_does_not_inherit_what_leads_elsewhere),
        cmocka_unit_test(the_program_has_ordinary_signals_and_no_other_descriptors),
        cmocka_unit_test(the_folder_is_gone_afterwards_with_all_in_it),
        cmocka_unit_test(faults_and_requests_go_through_the_control_endpoint),
        cmocka_unit_test(every_grant_and_every_way_to_authenticate_gets_a_token),
        cmocka_unit_test(flags_take_effect_and_what_is_wrong_with_them_is_said),
        cmocka_unit_test(it_prints_variables_then_ready_and_ends_by_a_signal_with_status_0),
        cmocka_unit_test(a_signal_to_the_sandbox_reaches_its_program),
        cmocka_unit_test(ports_begin_where_asked),
        cmocka_unit_test(the_demo_goes_as_it_says),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
