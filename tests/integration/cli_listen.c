/* The life of a listener, on a source of the test's own: what is printed, what is handed to
 * programs, what is acknowledged by then, and how it ends. Each runs in a process of its own, for
 * it owns signals and standard output. */
#include "cli/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/fail.h"
#include "cli/out.h"
#include "lib/check.h"

#define MOST 64

/* ---- the source
 * ---------------------------------------------------------------------------------- */

/* Shared with the process that listens. */
static struct shared {
    int events;       /* ids 1, 2, ...; odd ones on /a, even ones on /b, unless `one_channel` */
    bool one_channel; /* all on /a */
    int in_an_answer;
    weir_status subscribing; /* what comes of it */
    atomic_int outages;      /* and of so many before it */
    atomic_int given, acks, transactions;
    atomic_int acked[2]; /* the last id */
} * shared;

static int ready_fd;

static const char *channel_of(int id)
{
    return shared->one_channel || id % 2 ? "/a" : "/b";
}

static weir_event *make_event(int id)
{
    char text[16], data[64];
    weir_error err = {0};
    (void)snprintf(text, sizeof text, "%d", id);
    (void)snprintf(data, sizeof data, "{\"n\":%d}", id);
    const char *extensions[] = {"channel", channel_of(id), "replayid", text, NULL};
    weir_event *event =
        weir_event_new(WEIR_EVENT(.id = text, .type = "t", .source = "/s",
                                  .data = {data, strlen(data)}, .extensions = extensions),
                       &err);
    if (!event)
        abort();
    return event;
}

static weir_status subscribe(void *handle, const struct listen_channel *channel, weir_error *err)
{
    (void)handle;
    (void)channel;
    if (atomic_fetch_sub(&shared->outages, 1) > 0) {
        (void)fail_set(err, WEIR_STORE, "the store cannot be reached");
        err->retry_in_ms = 0;
        return WEIR_STORE;
    }
    if (shared->subscribing != WEIR_OK)
        return fail_set(err, shared->subscribing, "no such channel: %s", channel->name);
    return WEIR_OK;
}

static weir_status take(void *handle, weir_event **events, size_t room, size_t *count,
                        weir_error *err)
{
    uint64_t sum;
    (void)handle;
    (void)err;
    *count = 0;
    while (*count < room && *count < (size_t)shared->in_an_answer &&
           atomic_load(&shared->given) < shared->events)
        events[(*count)++] = make_event(atomic_fetch_add(&shared->given, 1) + 1);
    if (*count == 0)
        (void)!read(ready_fd, &sum, sizeof sum);
    return *count ? WEIR_OK : WEIR_NOTHING;
}

static weir_status ack(void *handle, weir_event *const *events, size_t count, weir_error *err)
{
    (void)handle;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        int id = (int)strtol(weir_event_attr(events[i], "replayid"), NULL, 10);
        atomic_store(&shared->acked[strcmp(channel_of(id), "/b") == 0], id);
        (void)atomic_fetch_add(&shared->acks, 1);
    }
    (void)atomic_fetch_add(&shared->transactions, 1);
    return WEIR_OK;
}

static weir_status end(void *handle, weir_error *err)
{
    (void)handle;
    (void)err;
    return WEIR_NOTHING;
}

static int fd(void *handle)
{
    (void)handle;
    return ready_fd;
}

static void stop(void *handle)
{
    (void)handle;
}

/* ---- a listener
 * ------------------------------------------------------------------------------------ */

static struct listen_options options;
static struct listen_channel channels[] = {{"/a", NULL}, {"/b", NULL}};

struct listener {
    pid_t pid;
    int in, out, errors;
};

static int reset(void **state)
{
    (void)state;
    *shared = (struct shared){.events = 6, .in_an_answer = 4};
    options = (struct listen_options){.channels = {channels, 2},
                                      .format = FORMAT_DATA,
                                      .retries = -1,
                                      .until_idle = -1,
                                      .lasts = -1,
                                      .drain = 30000};
    return 0;
}

static void run_program(enum listen_kind kind, const char *shell)
{
    weir_error err = {0};
    options.kind = kind;
    options.shell = shell;
    assert_int_equal(run_find(&options.command, NULL, shell, NULL, &err), WEIR_OK);
}

/* In the new process. */
static void live(void)
{
    const struct listen_source source = {
        .subscribe = subscribe, .take = take, .ack = ack, .end = end, .fd = fd, .stop = stop};
    int status = 0;
    out_setup();
    fail_setup("test", false);
    ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    struct listen *listen = listen_new(&options, &status);
    if (listen)
        status = listen_run(listen, &source);
    listen_free(listen);
    _exit(status);
}

static struct listener start_on(int out_fd)
{
    int in[2], out[2], errors[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out_fd >= 0 ? out_fd : out[1], 1);
        (void)dup2(errors[1], 2);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)close(out[1]);
        live();
    }
    (void)close(in[0]);
    (void)close(out[1]);
    (void)close(errors[1]);
    return (struct listener){pid, in[1], out[0], errors[0]};
}

static struct listener start(void)
{
    return start_on(-1);
}

static void read_all(int *fd_of, char *text, size_t size)
{
    size_t len = 0;
    ssize_t got;
    while (len + 1 < size && (got = read(*fd_of, text + len, size - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    (void)close(*fd_of);
    *fd_of = -1;
}

static char said[8192], printed[256 * 1024];

/* Its end: what it has written is in `printed` and `said`. */
static int ended(struct listener *listener)
{
    int how = 0;
    if (listener->out >= 0)
        read_all(&listener->out, printed, sizeof printed);
    read_all(&listener->errors, said, sizeof said);
    assert_int_equal(waitpid(listener->pid, &how, 0), listener->pid);
    (void)close(listener->in);
    run_command_free(&options.command);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static void reads_line(struct listener *listener, const char *wanted)
{
    char line[256] = "";
    for (size_t len = 0; len + 1 < sizeof line && !strchr(line, '\n'); len++)
        if (read(listener->out, line + len, 1) != 1)
            break;
    assert_string_equal(line, wanted);
}

static void ends_with(struct listener listener, int status, const char *output)
{
    int got = ended(&listener);
    if (got != status)
        fail_msg("ended with %d: %s", got, said);
    if (output)
        assert_string_equal(printed, output);
}

static void acknowledged(int on_a, int on_b)
{
    assert_int_equal(atomic_load(&shared->acked[0]), on_a);
    assert_int_equal(atomic_load(&shared->acked[1]), on_b);
}

/* ---- printing
 * -------------------------------------------------------------------------------------- */

static void lines_are_acknowledged_an_answer_at_a_time(void **state)
{
    (void)state;
    options.until_idle = 0;
    ends_with(start(), 0, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n{\"n\":6}\n");
    acknowledged(5, 6);
    assert_int_equal(atomic_load(&shared->transactions), 2);
    assert_string_equal(said, "");
}

static void a_count_is_exact(void **state)
{
    (void)state;
    options.count = 3;
    ends_with(start(), 0, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    acknowledged(3, 2);
    assert_int_equal(atomic_load(&shared->given), 3);
}

static void it_ends_after_its_time(void **state)
{
    (void)state;
    shared->events = 0;
    options.lasts = 50;
    ends_with(start(), 0, "");
}

static void a_reader_that_leaves_ends_it_and_its_events_come_again(void **state)
{
    (void)state;
    shared->events = 0;
    struct listener listener = start();
    (void)close(listener.out);
    listener.out = -1;
    assert_int_equal(ended(&listener), 141);
    assert_string_equal(said, "");
    assert_int_equal(atomic_load(&shared->acks), 0);
}

static void a_full_disk_is_said_and_acknowledges_nothing(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    ends_with(start_on(full), 74, NULL);
    assert_non_null(strstr(said, "cannot write to standard output"));
    assert_int_equal(atomic_load(&shared->acks), 0);
    (void)close(full);
}

static void what_cannot_be_subscribed_ends_it_with_its_status(void **state)
{
    (void)state;
    shared->events = 0;
    shared->subscribing = WEIR_NOT_FOUND;
    ends_with(start(), 67, "");
    assert_string_equal(said, "weir: test: no such channel: /a\n");
}

static void a_store_that_cannot_be_reached_is_an_outage(void **state)
{
    (void)state;
    shared->outages = 2;
    shared->events = 0; /* none before it is subscribed */
    options.until_idle = 0;
    ends_with(start(), 0, "");
    assert_string_equal(said, "weir: test: not connected, trying again: the store cannot be "
                              "reached\nweir: test: connected again\n");
}

static void such_an_outage_may_be_too_long(void **state)
{
    (void)state;
    shared->events = 0;
    shared->outages = 1000000;
    options.give_up = 1;
    ends_with(start(), 74, "");
    assert_non_null(strstr(said, "weir: test: the store cannot be reached\n"));
}

/* More than the pipe holds, and nobody reads. */
static void a_reader_that_stands_still_does_not_keep_it(void **state)
{
    (void)state;
    shared->events = 1000000;
    options.drain = 50;
    struct listener listener = start();
    reads_line(&listener, "{\"n\":1}\n");
    (void)kill(listener.pid, SIGTERM);
    int how = 0;
    assert_int_equal(waitpid(listener.pid, &how, 0), listener.pid);
    assert_int_equal(WEXITSTATUS(how), 0);
    read_all(&listener.out, printed, sizeof printed);
    (void)close(listener.in);
    (void)close(listener.errors);
    int last = atomic_load(&shared->acked[0]);
    char line[32];
    (void)snprintf(line, sizeof line, "{\"n\":%d}\n", last);
    assert_true(last >= 3);
    assert_non_null(strstr(printed, line)); /* acknowledged: it was written */
}

/* ---- acknowledged on stdin
 * ------------------------------------------------------------------------- */

static void writes(const struct listener *listener, const char *text)
{
    assert_int_equal(write(listener->in, text, strlen(text)), (ssize_t)strlen(text));
}

static void stdin_acknowledges_all_before_it_on_its_channel(void **state)
{
    (void)state;
    options.kind = LISTEN_STDIN;
    options.count = 6;
    struct listener listener = start();
    for (int i = 1; i <= 6; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "{\"n\":%d}\n", i);
        reads_line(&listener, line);
    }
    writes(&listener, "/a 3\n");
    writes(&listener, "rubbish\n/b 99\n7\n");
    writes(&listener, "/b 6\n/a 5\n");
    ends_with(listener, 0, "");
    acknowledged(5, 6);
    assert_non_null(strstr(said, "\"rubbish\" acknowledges nothing"));
    assert_non_null(strstr(said, "/b 99 acknowledges nothing: no such event was delivered"));
    assert_non_null(strstr(said, "7 alone acknowledges nothing"));
}

static void the_end_of_stdin_ends_it(void **state)
{
    (void)state;
    options.kind = LISTEN_STDIN;
    shared->events = 3;
    struct listener listener = start();
    reads_line(&listener, "{\"n\":1}\n");
    reads_line(&listener, "{\"n\":2}\n");
    reads_line(&listener, "{\"n\":3}\n");
    writes(&listener, "/a 1");
    (void)close(listener.in);
    listener.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ends_with(listener, 0, "");
    acknowledged(1, 0);
}

/* ---- a process an event
 * ---------------------------------------------------------------------------- */

static void each_process_gets_its_event_in_order(void **state)
{
    (void)state;
    shared->one_channel = true;
    options.count = 6;
    run_program(LISTEN_PROCESS, "read -r l; echo \"$WEIR_EVENT_CHANNEL $WEIR_EVENT_REPLAY_ID $l\"");
    ends_with(start(), 0,
              "/a 1 {\"n\":1}\n/a 2 {\"n\":2}\n/a 3 {\"n\":3}\n/a 4 {\"n\":4}\n/a 5 {\"n\":5}\n"
              "/a 6 {\"n\":6}\n");
    acknowledged(6, 0);
}

static void a_process_that_fails_is_repeated(void **state)
{
    (void)state;
    shared->one_channel = true;
    options.count = 2;
    run_program(LISTEN_PROCESS, "echo $WEIR_EVENT_REPLAY_ID.$WEIR_EVENT_ATTEMPT; "
                                "test $WEIR_EVENT_REPLAY_ID != 1 || test $WEIR_EVENT_ATTEMPT = 3");
    ends_with(start(), 0, "1.3\n2.1\n");
    acknowledged(2, 0);
    assert_string_equal(said, "weir: test: event 1 of /a: tried again: the program ended with "
                              "status 1\nweir: test: event 1 of /a: handled at try 3\n");
}

static void one_that_always_fails_ends_it_and_acknowledges_nothing_behind_it(void **state)
{
    (void)state;
    shared->one_channel = true;
    options.retries = 1;
    run_program(LISTEN_PROCESS, "echo no >&2; test $WEIR_EVENT_REPLAY_ID != 2");
    ends_with(start(), 75, "");
    acknowledged(1, 0);
    assert_non_null(strstr(said, "event 2 of /a: not handled in 2 tries: the program ended with "
                                 "status 1: no"));
}

static void dead_letters_are_kept_and_the_rest_goes_on(void **state)
{
    char path[] = "/tmp/weir-letters-XXXXXX", text[1024];
    int file = mkstemp(path);
    (void)state;
    assert_int_equal(write(file, "torn", 4), 4);
    shared->one_channel = true;
    options.count = 3;
    options.retries = 0;
    options.dead_letter = path;
    run_program(LISTEN_PROCESS, "test $WEIR_EVENT_REPLAY_ID != 2");
    ends_with(start(), 0, "");
    acknowledged(3, 0);
    (void)lseek(file, 0, SEEK_SET);
    read_all(&file, text, sizeof text);
    assert_true(strncmp(text, "torn\n{\"time\":\"", 14) == 0);
    assert_non_null(strstr(text, "\"channel\":\"/a\",\"replayId\":\"2\",\"id\":\"2\",\"tries\":1,"
                                 "\"error\":\"the program ended with status 1\",\"event\":"
                                 "{\"channel\":\"/a\",\"data\":{\"n\":2}}}\n"));
    (void)unlink(path);
}

/* Told to stop while the second is handled: that ends, the third is not begun. */
/* The signal comes while the second one runs; more may have begun before it is noticed. */
static void what_runs_may_end_and_what_waits_comes_again(void **state)
{
    char expected[64];
    int last = 0, len = 0;
    (void)state;
    shared->one_channel = true;
    run_program(LISTEN_PROCESS,
                "test $WEIR_EVENT_REPLAY_ID != 2 || kill $PPID; echo $WEIR_EVENT_REPLAY_ID");
    ends_with(start(), 0, NULL);
    for (const char *at = printed; *at; at++)
        last += *at == '\n';
    assert_in_range(last, 2, shared->events);
    for (int i = 1; i <= last; i++)
        len += snprintf(expected + len, sizeof expected - (size_t)len, "%d\n", i);
    assert_string_equal(printed, expected);
    acknowledged(last, 0);
}

static void what_does_not_end_is_ended_and_comes_again(void **state)
{
    (void)state;
    shared->one_channel = true;
    options.drain = 50;
    run_program(LISTEN_PROCESS, "kill $PPID; tail -f /dev/null");
    ends_with(start(), 0, "");
    acknowledged(0, 0);
}

/* ---- a coprocess
 * ------------------------------------------------------------------------------------ */

static void a_coprocess_acknowledges_by_lines(void **state)
{
    (void)state;
    options.count = 6;
    run_program(LISTEN_COPROCESS,
                "while read -r l; do n=${l#*:}; n=${n%\\}}; c=a; test $((n % 2)) = 1 || c=b; "
                "echo \"{\\\"channel\\\":\\\"/$c\\\",\\\"replayId\\\":$n}\"; done");
    ends_with(start(), 0, "");
    acknowledged(5, 6);
    assert_string_equal(said, "");
}

/* It dies with 1 and 2 in its hand, having acknowledged none; the next life gets them again. */
static void one_that_dies_is_told_again_what_it_had(void **state)
{
    char path[] = "/tmp/weir-lives-XXXXXX", shell[512], text[256];
    int file = mkstemp(path);
    (void)state;
    shared->one_channel = true;
    options.count = 3;
    (void)snprintf(shell, sizeof shell,
                   "test -s %s && f= || f=1; while read -r l; do echo \"$l\" >>%s; "
                   "test -n \"$f\" && exit 3; n=${l#*:}; n=${n%%\\}}; "
                   "echo \"{\\\"replayId\\\":\\\"$n\\\",\\\"channel\\\":\\\"/a\\\"}\"; done",
                   path, path);
    run_program(LISTEN_COPROCESS, shell);
    ends_with(start(), 0, "");
    acknowledged(3, 0);
    read_all(&file, text, sizeof text);
    assert_string_equal(text, "{\"n\":1}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    assert_non_null(strstr(said, "ended with status 3; it is started again"));
    (void)unlink(path);
}

static void one_that_answers_at_the_end_of_its_input_is_waited_for(void **state)
{
    (void)state;
    shared->one_channel = true;
    options.count = 3;
    run_program(LISTEN_COPROCESS,
                "while read -r l; do :; done; echo '{\"channel\":\"/a\",\"replayId\":3}'");
    ends_with(start(), 0, "");
    acknowledged(3, 0);
}

static void what_a_coprocess_does_not_acknowledge_comes_again(void **state)
{
    (void)state;
    shared->one_channel = true;
    options.count = 3;
    run_program(LISTEN_COPROCESS, "read -r l; echo '{\"channel\":\"/a\",\"replayId\":1}'; cat "
                                  ">/dev/null");
    ends_with(start(), 0, "");
    acknowledged(1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_are_acknowledged_an_answer_at_a_time, reset),
        cmocka_unit_test_setup(a_count_is_exact, reset),
        cmocka_unit_test_setup(it_ends_after_its_time, reset),
        cmocka_unit_test_setup(a_reader_that_leaves_ends_it_and_its_events_come_again, reset),
        cmocka_unit_test_setup(a_full_disk_is_said_and_acknowledges_nothing, reset),
        cmocka_unit_test_setup(what_cannot_be_subscribed_ends_it_with_its_status, reset),
        cmocka_unit_test_setup(a_store_that_cannot_be_reached_is_an_outage, reset),
        cmocka_unit_test_setup(such_an_outage_may_be_too_long, reset),
        cmocka_unit_test_setup(a_reader_that_stands_still_does_not_keep_it, reset),
        cmocka_unit_test_setup(stdin_acknowledges_all_before_it_on_its_channel, reset),
        cmocka_unit_test_setup(the_end_of_stdin_ends_it, reset),
        cmocka_unit_test_setup(each_process_gets_its_event_in_order, reset),
        cmocka_unit_test_setup(a_process_that_fails_is_repeated, reset),
        cmocka_unit_test_setup(one_that_always_fails_ends_it_and_acknowledges_nothing_behind_it,
                               reset),
        cmocka_unit_test_setup(dead_letters_are_kept_and_the_rest_goes_on, reset),
        cmocka_unit_test_setup(what_runs_may_end_and_what_waits_comes_again, reset),
        cmocka_unit_test_setup(what_does_not_end_is_ended_and_comes_again, reset),
        cmocka_unit_test_setup(a_coprocess_acknowledges_by_lines, reset),
        cmocka_unit_test_setup(one_that_dies_is_told_again_what_it_had, reset),
        cmocka_unit_test_setup(one_that_answers_at_the_end_of_its_input_is_waited_for, reset),
        cmocka_unit_test_setup(what_a_coprocess_does_not_acknowledge_comes_again, reset),
    };
    signal(SIGPIPE, SIG_IGN);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
