/* What the headers promise for every function: the rules of errors, limits of time, what is
 * nobody's value, and a child of fork(). */
#include "lib/check.h"
#include "lib/h2server.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <weir/weir.h>

static struct h2server *server;
static char address[64];
static weir_channel *channel;
static weir_zeebe *zeebe;

static int setup(void **state)
{
    struct h2server_options options = {0};
    weir_error err = {0};
    (void)state;
    server = h2server_start(&options);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)h2server_port(server));
    channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), &err);
    zeebe = weir_zeebe_new(channel, &err);
    return zeebe ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    h2server_stop(server);
    return 0;
}

/* ---- errors ------------------------------------------------------------------------------ */

static weir_error held(void)
{
    weir_error err = {.status = WEIR_CONFLICT, .message = "an earlier one"};
    return err;
}

static void what_makes_a_handle_does_nothing_when_an_error_is_held(void **state)
{
    (void)state;
    static const char event[] =
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\",\"source\":\"s\"}";
    weir_error err = held();
    assert_null(weir_zeebe_call_start(zeebe, "Topology", NULL, NULL, &err));
    assert_null(weir_event_parse(event, sizeof event - 1, &err));
    assert_null(weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), &err));
    assert_null(weir_credentials_fixed("x", &err));
    assert_int_equal(err.status, WEIR_CONFLICT);
    assert_string_equal(err.message, "an earlier one");
}

/* ---- limits of time ---------------------------------------------------------------------- */

static void zero_as_the_limit_of_a_call_is_no_time_at_all(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_null(weir_zeebe_call(zeebe, "Topology", NULL, WEIR_CALL(.timeout = WEIR_ZERO), &err));
    assert_true(err.status == WEIR_TIMEOUT || err.status == WEIR_UNREACHABLE);
}

static weir_status never(void *user, weir_token_answer *answer, weir_ms limit, weir_error *err)
{
    (void)user;
    (void)answer;
    (void)limit;
    (void)err;
    return WEIR_BUG;
}

static void a_limit_that_is_none_is_refused(void **state)
{
    (void)state;
    static const weir_ms wrong[] = {-3, -1000, INT64_MIN};
    weir_error err = {0};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        err = (weir_error){0};
        assert_null(weir_channel_insecure(
            WEIR_CHANNEL(.grpc_address = address, .default_timeout = wrong[i]), &err));
        assert_int_equal(err.status, WEIR_INVALID);
        assert_non_null(strstr(err.message, "default_timeout"));
    }
    err = (weir_error){0}; /* a fetch without end would keep the next from ever being made */
    assert_null(
        weir_credentials_custom(WEIR_TOKEN_SOURCE(.fetch = never, .timeout = WEIR_FOREVER), &err));
    assert_int_equal(err.status, WEIR_INVALID);
    err = (weir_error){0};
    assert_null(
        weir_credentials_oauth2(WEIR_OAUTH2(.token_url = "https://x.example/", .client_id = "i",
                                            .client_secret = "s", .timeout = WEIR_FOREVER),
                                &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

/* ---- metadata ---------------------------------------------------------------------------- */

static void metadata_that_cannot_be_sent_is_refused_here(void **state)
{
    (void)state;
    static char large[200 * 1024];
    weir_error err = {0};
    memset(large, 'a', sizeof large);
    const weir_metadata too_large[] = {{"x", {large, sizeof large}}, {0}};
    const weir_metadata without[] = {{"x", {NULL, 5}}, {0}};
    assert_null(weir_zeebe_call(zeebe, "Topology", NULL, WEIR_CALL(.headers = too_large), &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_non_null(strstr(err.message, "metadata"));
    assert_null(weir_zeebe_call(zeebe, "Topology", NULL, WEIR_CALL(.headers = without), &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

/* How often `text`, which is given with every byte flipped, stands in what was allocated. Large
 * mappings are a sanitizer's. */
static int copies_within(FILE *memory, unsigned long from, unsigned long to, const char *flipped)
{
    static char page[1 << 16];
    size_t len = strlen(flipped);
    int found = 0;
    for (unsigned long at = from; at < to; at += sizeof page - 64) {
        size_t want = to - at < sizeof page ? to - at : sizeof page;
        ssize_t got = pread(fileno(memory), page, want, (off_t)at);
        for (ssize_t i = 0; i + (ssize_t)len <= got; i++) {
            size_t same = 0;
            while (same < len && (page[i + (ssize_t)same] ^ 0x55) == flipped[same])
                same++;
            found += same == len;
        }
        memset(page, 0, sizeof page);
    }
    return found;
}

static int copies_in_memory(const char *flipped)
{
    char line[512], rights[8];
    unsigned long from, to, inode;
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    FILE *memory = fopen("/proc/self/mem", "r");
    while (fgets(line, sizeof line, maps)) {
        bool known = sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, rights, &inode) == 4;
        bool ours =
            known && strncmp(rights, "rw", 2) == 0 && inode == 0 && !strstr(line, "[stack]");
        if (ours && to - from <= 64UL << 20)
            found += copies_within(memory, from, to, flipped);
    }
    (void)fclose(memory);
    (void)fclose(maps);
    return found;
}

/* Nobody is there to get it, so that none of the copies is a server's. */
static void call_with_flipped(const char *flipped)
{
    char value[64] = "";
    char *message = NULL;
    weir_error err = {0};
    size_t len = strlen(flipped);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)(flipped[i] ^ 0x55);
    const weir_metadata headers[] = {{"authorization", {value, len}}, {0}};
    weir_channel *nowhere =
        weir_channel_insecure(WEIR_CHANNEL(.grpc_address = "127.0.0.1:1"), &err);
    weir_zeebe *z = weir_zeebe_new(nowhere, &err);
    weir_call *call = weir_zeebe_call_start(z, "PublishMessage", NULL,
                                            WEIR_CALL(.headers = headers, .timeout = 300), &err);
    explicit_bzero(value, sizeof value);
    assert_int_equal(weir_call_next(call, &message, 5000, &err), WEIR_UNREACHABLE);
    assert_true(copies_in_memory(flipped) > 0); /* it is found while it is there */
    weir_call_free(call);
    weir_zeebe_free(z);
    weir_channel_close(nowhere);
}

static void a_programs_own_authorization_is_wiped_with_its_call(void **state)
{
    (void)state;
    static const char flipped[] = "\x17\x30\x34\x27\x30\x27\x75\x3d\x34\x3b\x31\x78\x38\x34\x31\x30"
                                  "\x6a\x60\x63\x67\x6d\x64\x22\x2d\x2c\x2f\x24\x25\x26\x21";
    call_with_flipped(flipped);
    assert_int_equal(copies_in_memory(flipped), 0);
}

/* ---- counters ---------------------------------------------------------------------------- */

static weir_channel_counters counters(void)
{
    weir_error err = {0};
    weir_channel_counters c = {.struct_size = sizeof c};
    assert_int_equal(weir_channel_counters_read(channel, &c, &err), WEIR_OK);
    return c;
}

static void the_first_call_counts_as_active_before_any_has_ended(void **state)
{
    (void)state;
    char *message = NULL;
    weir_error err = {0};
    weir_call *call = weir_zeebe_call_start(zeebe, "StreamActivatedJobs", "{\"type\":\"forever\"}",
                                            WEIR_CALL(.timeout = WEIR_FOREVER), &err);
    assert_non_null(call);
    while (counters().calls_started == 0)
        weir_call_next(call, &message, 1, &err), weir_free(message);
    assert_int_equal(counters().active_calls,
                     counters().calls_started - counters().calls_ok - counters().calls_failed);
    weir_call_free(call);
    assert_int_equal(counters().active_calls, 0);
}

/* ---- a cancelled thread ------------------------------------------------------------------ */

static bool one_is_held(const struct h2server_stats *now, size_t n)
{
    return now->held >= n;
}

/* By the last of these calls this thread runs the loop itself. */
static void *call_and_be_held(void *unused)
{
    weir_error err = {0};
    for (int i = 0; i < 20; i++)
        weir_topology_free(weir_zeebe_topology(zeebe, 5000, &err));
    weir_free(weir_zeebe_call(zeebe, "PublishMessage", NULL, WEIR_CALL(.timeout = 30000), &err));
    return unused;
}

static void *wait_for_a_change(void *unused)
{
    weir_error err = {0};
    weir_channel_wait(channel, weir_channel_state_now(channel), 300, &err);
    return unused;
}

static void *wait_for_an_answer(void *unused)
{
    weir_error err = {0};
    char *message = NULL;
    weir_call *call =
        weir_zeebe_call_start(zeebe, "PublishMessage", NULL, WEIR_CALL(.timeout = 30000), &err);
    weir_call_next(call, &message, WEIR_FOREVER, &err);
    weir_free(message);
    weir_call_free(call);
    return unused;
}

static void a_cancelled_thread_leaves_nothing_locked_behind(void **state)
{
    (void)state;
    void *(*const waits[])(void *unused) = {call_and_be_held, wait_for_a_change,
                                            wait_for_an_answer};
    for (size_t i = 0; i < COUNT(waits); i++) {
        pthread_t thread;
        weir_error err = {0};
        size_t before = h2server_stats(server).held;
        assert_int_equal(pthread_create(&thread, NULL, waits[i], NULL), 0);
        if (waits[i] != wait_for_a_change)
            assert_true(h2server_wait(server, one_is_held, before + 1));
        pthread_cancel(thread);
        h2server_release(server); /* what cannot be cancelled goes on and ends */
        pthread_join(thread, NULL);
        weir_topology_free(weir_zeebe_topology(zeebe, 5000, &err));
        assert_string_equal(err.message, "");
        assert_int_equal(weir_channel_wait(channel, WEIR_CHANNEL_SHUTDOWN, 0, &err), WEIR_OK);
    }
}

/* ---- a child of fork() ------------------------------------------------------------------- */

static sem_t entered, leave;

static void dwell(const weir_log_record *record, void *user)
{
    (void)record;
    if (user && sem_trywait(user) == 0) { /* the first time */
        sem_post(&entered);
        while (sem_wait(&leave))
            continue;
    }
}

static void *say_something(void *unused)
{
    weir_error err = {0};
    weir_channel *other = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), &err);
    weir_zeebe *z = weir_zeebe_new(other, &err);
    weir_topology_free(weir_zeebe_topology(z, 5000, &err));
    weir_zeebe_free(z);
    weir_channel_close(other);
    return unused;
}

/* Nothing may be touched that a thread of the parent may have held. What is wrong with the options
 * is not found out, which shows that nobody looked at them. */
static int open_in_child(void)
{
    weir_error err = {0};
    int wrong =
        weir_channel_secure(
            WEIR_CHANNEL(.grpc_address = "h:1", .tls = WEIR_TLS(.root_certificates_file = "/none")),
            &err) != NULL;
    wrong += strstr(err.message, "fork()") == NULL;
    err = (weir_error){0};
    wrong += weir_credentials_fixed("", &err) != NULL || !strstr(err.message, "fork()");
    err = (weir_error){0};
    wrong += weir_credentials_custom(NULL, &err) != NULL || !strstr(err.message, "fork()");
    err = (weir_error){0};
    wrong += weir_credentials_oauth2(NULL, &err) != NULL || !strstr(err.message, "fork()");
    err = (weir_error){0};
    wrong += weir_channel_from_environment(&err) != NULL || !strstr(err.message, "fork()");
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    return wrong;
}

static void a_forks_child_may_ask_whatever_its_parent_was_doing(void **state)
{
    (void)state;
    static sem_t once;
    pthread_t talker;
    int status = -1;
    sem_init(&once, 0, 1);
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    weir_log_to(dwell, &once, WEIR_LOG_TRACE);
    pthread_create(&talker, NULL, say_something, NULL);
    while (sem_wait(&entered))
        continue;
    pid_t child = fork(); /* while a thread holds the log's lock */
    if (child == 0) {
        alarm(10);
        _exit(open_in_child());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    sem_post(&leave);
    pthread_join(talker, NULL);
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_counts_as_active_before_any_has_ended),
        cmocka_unit_test(what_makes_a_handle_does_nothing_when_an_error_is_held),
        cmocka_unit_test(zero_as_the_limit_of_a_call_is_no_time_at_all),
        cmocka_unit_test(a_limit_that_is_none_is_refused),
        cmocka_unit_test(metadata_that_cannot_be_sent_is_refused_here),
        cmocka_unit_test(a_programs_own_authorization_is_wiped_with_its_call),
        cmocka_unit_test(a_cancelled_thread_leaves_nothing_locked_behind),
        cmocka_unit_test(a_forks_child_may_ask_whatever_its_parent_was_doing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
