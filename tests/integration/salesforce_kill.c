/* kill -9 of a listener at random instants: a child of this process listens with a store in a file
 * and writes down what it got and what it acknowledged; the parent kills it, and starts another.
 * Afterwards every number has been delivered, those of one life in order, and none that the store
 * had as acknowledged a second time. The seed is printed. */
#include "integration/salesforce_lib.h"

#include "core/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVES  12
#define EVENTS 400

static struct desk d;

static int begin(void **state)
{
    (void)state;
    desk_begin(&d, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_end(&d);
    return 0;
}

/* ---- the child: this program again, because a fork has no handles ------------------------- */

static weir_salesforce *open_as_child(char **argv, weir_error *err)
{
    weir_credentials *credentials = weir_credentials_salesforce(NULL, err);
    weir_salesforce *sf = weir_salesforce_open(
        WEIR_SALESFORCE(.credentials = credentials, .replay_file = argv[2], .channel = ORDERS,
                        .manual_ack = strcmp(argv[3], "manual") == 0),
        err);
    weir_credentials_free(credentials);
    return sf;
}

/* "got N" before it is acknowledged, "done N" once that is in the store. */
static int listen_for_ever(char **argv)
{
    weir_error err = {0};
    weir_event *event = NULL;
    bool manual = strcmp(argv[3], "manual") == 0;
    weir_salesforce *sf = open_as_child(argv, &err);
    weir_status status = sf ? WEIR_OK : err.status;
    while (sf && (status == WEIR_OK || weir_error_retryable(&err))) {
        status = weir_salesforce_next(sf, &event, WEIR_FOREVER, &err);
        if (status != WEIR_OK)
            continue;
        dprintf(1, "got %lld\n", (long long)desk_number(event));
        if (manual && weir_salesforce_ack(sf, event, &err) == WEIR_OK)
            dprintf(1, "done %lld\n", (long long)desk_number(event));
        weir_event_free(event);
    }
    dprintf(2, "%s\n", err.message);
    return weir_error_exit_status(&err);
}

/* ---- the parent ---------------------------------------------------------------------------- */

struct book {
    bool got[EVENTS + 1], done[EVENTS + 1];
    int64_t last; /* in this life */
    size_t again;
};

static pid_t start_child(const char *mode, int *out)
{
    int ends[2];
    char self[] = "/proc/self/exe", listen_word[] = "listen", copy[16];
    (void)snprintf(copy, sizeof copy, "%s", mode);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {self, listen_word, d.store, copy, NULL};
        dup2(ends[1], 1);
        execv(self, argv);
        _exit(127);
    }
    assert_true(pid > 0);
    close(ends[1]);
    *out = ends[0];
    return pid;
}

static void note(struct book *book, const char *line)
{
    long long number = 0;
    if (sscanf(line, "got %lld", &number) == 1) {
        assert_in_range(number, 1, EVENTS);
        assert_true(number > book->last);
        assert_false(book->done[number]);
        book->again += book->got[number];
        book->got[number] = true;
        book->last = number;
    } else if (sscanf(line, "done %lld", &number) == 1) {
        for (long long i = 1; i <= number; i++)
            book->done[i] = true;
    }
}

/* Reads whole lines until there have been `lines` of them, or the child is gone. */
static size_t read_lines(FILE *from, struct book *book, size_t lines)
{
    char line[64];
    size_t count = 0;
    while (count < lines && fgets(line, sizeof line, from)) {
        if (strchr(line, '\n'))
            note(book, line);
        count++;
    }
    return count;
}

static void live_once(struct book *book, const char *mode, uint64_t lines)
{
    int out;
    pid_t pid = start_child(mode, &out);
    FILE *from = fdopen(out, "r");
    assert_non_null(from);
    book->last = 0;
    (void)read_lines(from, book, (size_t)lines);
    kill(pid, SIGKILL);
    (void)read_lines(from, book, SIZE_MAX);
    (void)fclose(from);
    waitpid(pid, NULL, 0);
}

static void kill_and_go_on(const char *mode)
{
    static const char *const variables[] = {
        "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET",
        "SALESFORCE_USERNAME",  "SALESFORCE_PASSWORD",  "SALESFORCE_SECURITY_TOKEN"};
    struct book book = {.last = 0};
    weir_error err = {0};
    uint64_t seed = clock_random(clock_system(), 1000000);
    print_message("seed %llu\n", (unsigned long long)seed);
    srandom((unsigned)seed);
    for (size_t i = 0; i < COUNT(variables); i++)
        (void)setenv(variables[i], sandbox_value(d.sandbox, variables[i]), 1);
    weir_salesforce *sf = desk_open(DESK(&d, .replay_file = d.store));
    desk_subscribe(sf, ORDERS, NULL); /* the beginning is in the store */
    weir_salesforce_close(sf);
    int64_t emitted = 0;
    for (int life = 0; life < LIVES; life++) {
        int64_t more = EVENTS / LIVES;
        desk_emit(&d, ORDERS, emitted + 1, more);
        emitted += more;
        live_once(&book, mode, (uint64_t)random() % (EVENTS / LIVES) + 1);
    }
    sf = desk_open(DESK(&d, .replay_file = d.store));
    desk_subscribe(sf, ORDERS, NULL);
    weir_event *event = NULL;
    desk_emit(&d, ORDERS, ++emitted, 1);
    book.last = 0;
    while (book.last < emitted && weir_salesforce_next(sf, &event, LONG_MS, &err) == WEIR_OK) {
        char line[64];
        (void)snprintf(line, sizeof line, "got %lld", (long long)desk_number(event));
        note(&book, line);
        weir_event_free(event);
    }
    weir_salesforce_close(sf);
    for (int64_t i = 1; i <= emitted; i++)
        assert_true(book.got[i]);
}

static void killed_at_any_instant_nothing_is_lost(void **state)
{
    (void)state;
    kill_and_go_on("auto");
}

static void killed_between_delivering_and_acknowledging_only_the_unacknowledged_come_again(
    void **state)
{
    (void)state;
    kill_and_go_on("manual");
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "listen") == 0)
        return listen_for_ever(argv);
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(killed_at_any_instant_nothing_is_lost),
        desk_test(killed_between_delivering_and_acknowledging_only_the_unacknowledged_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
