/* A channel under everything at once: threads that call, stream, watch descriptors, are called
 * back, cancel, are cancelled, fork, close and reopen, while the gateway and the token endpoint
 * fail, stop, start and forget tokens at random; with TLS when the seed is odd. Usage: soak_channel
 * [SECONDS [SEED]]. What must hold: every call ends, with a status that is no bug; when the chaos
 * is over everything works again; then nothing is left: no thread, descriptor or allocation; and no
 * error ever held a secret. */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "sandbox/sandbox.h"
#include <weir/weir.h>

#define CALLERS 8

struct soak {
    struct sandbox *sandbox;
    weir_channel *shared;
    int64_t until_ns;
    uint64_t seed;
    atomic_ulong calls, good, statuses[WEIR_BUG + 1];
    atomic_int complaints;
};

struct caller {
    struct soak *soak;
    pthread_t thread;
    uint64_t random;
};

static uint64_t chance(uint64_t *state, uint64_t below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

static bool time_left(const struct soak *soak)
{
    return clock_mono(clock_system()) < soak->until_ns;
}

static void complain(struct soak *soak, const char *what, const weir_error *err)
{
    if (atomic_fetch_add(&soak->complaints, 1) < 20)
        printf("FAIL %s: %s: %s\n", what, weir_status_name(err->status), err->message);
}

static void note(struct soak *soak, const weir_error *err)
{
    const char *secret = sandbox_value(soak->sandbox, "CAMUNDA_CLIENT_SECRET");
    atomic_fetch_add(&soak->calls, 1);
    atomic_fetch_add(&soak->statuses[err->status], 1);
    if (err->status == WEIR_OK)
        atomic_fetch_add(&soak->good, 1);
    else if (!err->message[0])
        complain(soak, "an error without words", err);
    if (err->status == WEIR_BUG || err->status == WEIR_NO_MEMORY || err->status == WEIR_MISSING)
        complain(soak, "this must not happen", err);
    if (strstr(err->message, secret) || strstr(err->message, "weir-sandbox-"))
        complain(soak, "a secret in an error", err);
}

static weir_channel *open_channel(struct soak *soak, weir_error *err)
{
    static const weir_channel_arg args[] = {{"grpc.initial_reconnect_backoff_ms", .number = 20},
                                            {"grpc.min_reconnect_backoff_ms", .number = 200},
                                            {"grpc.max_reconnect_backoff_ms", .number = 200},
                                            {0}};
    struct sandbox *s = soak->sandbox;
    bool tls = soak->seed % 2;
    const weir_tls_options *trust =
        tls ? WEIR_TLS(.root_certificates_file = sandbox_value(s, "WEIR_CA_FILE")) : NULL;
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = sandbox_value(s, "ZEEBE_ADDRESS"),
                            .client_id = sandbox_value(s, "CAMUNDA_CLIENT_ID"),
                            .client_secret = sandbox_value(s, "CAMUNDA_CLIENT_SECRET"),
                            .authorization_server = sandbox_value(s, "CAMUNDA_OAUTH_URL"),
                            .plaintext = !tls, .tls = trust, .token_tls = trust, .proxy = WEIR_OMIT,
                            .args = args),
        err);
}

static void ask_topology(struct caller *c, weir_zeebe *zeebe)
{
    weir_error err = {0};
    weir_topology *topology =
        weir_zeebe_topology(zeebe, 1 + (weir_ms)chance(&c->random, 2000), &err);
    if (topology && topology->broker_count == 0)
        complain(c->soak, "a topology without brokers", &err);
    note(c->soak, &err);
    weir_topology_free(topology);
}

static void call_json(struct caller *c, weir_zeebe *zeebe)
{
    weir_error err = {0};
    char *answer = weir_zeebe_call(zeebe, "Topology", NULL, WEIR_CALL(.timeout = 2000), &err);
    if (answer && !strstr(answer, "gatewayVersion"))
        complain(c->soak, "an answer without the version", &err);
    note(c->soak, &err);
    weir_free(answer);
}

/* Starts a stream that stays quiet, reads for a while, and leaves it by cancelling or freeing. */
static void leave_stream(struct caller *c, weir_zeebe *zeebe)
{
    weir_error err = {0};
    weir_call *call = weir_zeebe_call_start(
        zeebe, "ActivateJobs",
        "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":1,"
        "\"requestTimeout\":300}",
        WEIR_CALL(.timeout = 1000), &err);
    char *message = NULL;
    if (chance(&c->random, 2))
        (void)weir_call_next(call, &message, (weir_ms)chance(&c->random, 400), &err);
    weir_free(message);
    if (chance(&c->random, 2))
        weir_call_cancel(call);
    weir_call_free(call);
    note(c->soak, &err);
}

static weir_call *start_something(struct caller *c, weir_zeebe *zeebe, weir_error *err)
{
    if (chance(&c->random, 2))
        return weir_zeebe_call_start(zeebe, "Topology", NULL, WEIR_CALL(.timeout = 1000), err);
    return weir_zeebe_call_start(zeebe, "ActivateJobs",
                                 "{\"type\":\"t\",\"worker\":\"w\",\"timeout\":1000,"
                                 "\"maxJobsToActivate\":1,\"requestTimeout\":200}",
                                 WEIR_CALL(.timeout = 1000), err);
}

/* What is readable has something to say, and the end comes within the call's limit. */
static void watch_descriptor(struct caller *c, weir_zeebe *zeebe)
{
    weir_error err = {0};
    weir_call *call = start_something(c, zeebe, &err);
    struct pollfd watched = {.fd = weir_call_fd(call), .events = POLLIN};
    weir_status status = call ? WEIR_OK : err.status;
    while (status == WEIR_OK) {
        char *message = NULL;
        if (poll(&watched, 1, 20000) != 1)
            complain(c->soak, "the descriptor misses the end", &err);
        status = weir_call_next(call, &message, WEIR_NO_WAIT, &err);
        if (status == WEIR_NOTHING)
            complain(c->soak, "the descriptor is readable for nothing", &err);
        weir_free(message);
    }
    note(c->soak, &err);
    weir_call_free(call);
}

struct called {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool over, frees;
    weir_zeebe *zeebe; /* to call from within, or NULL */
};

static void take_all(weir_call *call, void *user)
{
    struct called *told = user;
    char *message = NULL;
    weir_error err = {0};
    weir_status status = WEIR_OK;
    while (status == WEIR_OK) {
        status = weir_call_next(call, &message, WEIR_NO_WAIT, &err);
        weir_free(message);
    }
    if (told->zeebe)
        weir_topology_free(weir_zeebe_topology(told->zeebe, 200, &err));
    if (status == WEIR_NOTHING)
        return;
    if (told->frees)
        weir_call_free(call);
    pthread_mutex_lock(&told->lock);
    told->over = true;
    pthread_cond_signal(&told->moved);
    pthread_mutex_unlock(&told->lock);
}

/* Freed within the callback, after it, or while it may be running. */
static void be_called(struct caller *c, weir_zeebe *zeebe)
{
    weir_error err = {0};
    struct called told = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    bool waits = chance(&c->random, 3) > 0;
    told.frees = waits && chance(&c->random, 2);
    told.zeebe = chance(&c->random, 2) ? zeebe : NULL;
    weir_call *call = start_something(c, zeebe, &err);
    if (call && weir_call_then(call, take_all, &told, &err) != WEIR_OK)
        complain(c->soak, "no callback", &err);
    pthread_mutex_lock(&told.lock);
    while (call && waits && !told.over)
        pthread_cond_wait(&told.moved, &told.lock);
    pthread_mutex_unlock(&told.lock);
    if (!told.frees)
        weir_call_free(call);
    note(c->soak, &err);
}

static void *ask_once(void *user)
{
    struct caller *c = user;
    weir_error err = {0};
    weir_zeebe *zeebe = weir_zeebe_new(c->soak->shared, &err);
    ask_topology(c, zeebe);
    weir_zeebe_free(zeebe);
    return NULL;
}

/* A thread that comes for one call and goes, sometimes because it is told to. */
static void brief_thread(struct caller *c)
{
    pthread_t thread;
    struct caller other = {.soak = c->soak, .random = c->random + 1};
    if (pthread_create(&thread, NULL, ask_once, &other) != 0)
        return;
    if (chance(&c->random, 2))
        pthread_cancel(thread);
    pthread_join(thread, NULL);
}

/* The child is told that it must not, and never waits for a lock that a thread held. */
static void fork_child(struct caller *c)
{
    weir_error err = {0};
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        weir_channel *channel = open_channel(c->soak, &err);
        bool told = !channel && err.status == WEIR_INVALID;
        (void)weir_channel_wait(c->soak->shared, WEIR_CHANNEL_SHUTDOWN, 1000, &err);
        _exit(told && weir_channel_state_now(c->soak->shared) == WEIR_CHANNEL_SHUTDOWN ? 0 : 1);
    }
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0))
        complain(c->soak, "a fork's child was not told, or hung", &err);
}

static void own_channel(struct caller *c)
{
    weir_error err = {0};
    weir_channel *channel = open_channel(c->soak, &err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    weir_call *call = weir_zeebe_call_start(zeebe, "Topology", NULL, NULL, &err);
    weir_channel_close(channel);
    if (chance(&c->random, 2))
        ask_topology(c, zeebe);
    weir_zeebe_free(zeebe);
    weir_call_free(call);
    note(c->soak, &err);
}

static void *run_caller(void *user)
{
    struct caller *c = user;
    weir_error err = {0};
    weir_zeebe *zeebe = weir_zeebe_new(c->soak->shared, &err);
    while (time_left(c->soak)) {
        uint64_t what = chance(&c->random, 30);
        if (what < 9)
            ask_topology(c, zeebe);
        else if (what < 15)
            call_json(c, zeebe);
        else if (what < 18)
            leave_stream(c, zeebe);
        else if (what < 20)
            own_channel(c);
        else if (what < 24)
            watch_descriptor(c, zeebe);
        else if (what < 28)
            be_called(c, zeebe);
        else if (what < 29)
            brief_thread(c);
        else
            fork_child(c);
    }
    weir_zeebe_free(zeebe);
    return NULL;
}

static const char *const faults[] = {
    "zeebe 1 cut",
    "zeebe 2 cut --after 20ms",
    "zeebe 1 goaway",
    "zeebe 1 hang",
    "zeebe 3 status:UNAVAILABLE",
    "zeebe 2 status:RESOURCE_EXHAUSTED",
    "zeebe 1 garbage",
    "zeebe 3 delay:100ms",
    "zeebe 2 http:503",
    "zeebe 1 expire",
    "token 2 http:503",
    "token 1 http:429:1",
    "token 1 cut",
    "token 1 delay:200ms",
    "token 1 garbage",
    "token 1 error:temporarily_unavailable",
    "token 1 expire",
};

/* Waits for a random while by asking for something nobody sends. */
static void let_pass(struct soak *soak, uint64_t *random)
{
    weir_channel_state state = WEIR_CHANNEL_IDLE;
    weir_error err = {0};
    int64_t end = clock_mono(clock_system()) + (int64_t)chance(random, 200) * NS_PER_MS;
    while (clock_mono(clock_system()) < end) {
        state = weir_channel_state_now(soak->shared);
        (void)weir_channel_wait(soak->shared, state, 20, &err);
    }
}

static void spread_chaos(struct soak *soak, uint64_t *random)
{
    static const char *const services[] = {"zeebe", "oauth"};
    while (time_left(soak)) {
        weir_error err = {0};
        if (chance(random, 10) == 0) {
            const char *service = services[chance(random, 2)];
            if (sandbox_service_stop(soak->sandbox, service, &err) != WEIR_OK)
                complain(soak, "stopping a service", &err);
            let_pass(soak, random);
            if (sandbox_service_start(soak->sandbox, service, &err) != WEIR_OK)
                complain(soak, "starting a service", &err);
        } else {
            const char *line = faults[chance(random, sizeof faults / sizeof faults[0])];
            if (sandbox_fault(soak->sandbox, line, &err) != WEIR_OK)
                complain(soak, line, &err);
            let_pass(soak, random);
        }
    }
}

static void must_work_again(struct soak *soak)
{
    weir_error err = {0};
    (void)sandbox_fault(soak->sandbox, "forget zeebe", &err);
    (void)sandbox_fault(soak->sandbox, "forget token", &err);
    weir_zeebe *zeebe = weir_zeebe_new(soak->shared, &err);
    weir_topology *topology = NULL;
    /* The first calls may meet a connection, a token or a pause that the chaos left behind. */
    int64_t end = clock_mono(clock_system()) + 30 * NS_PER_S;
    while (!topology && clock_mono(clock_system()) < end)
        topology = weir_zeebe_topology(zeebe, 5000, &err);
    if (!topology)
        complain(soak, "nothing works after the chaos", &err);
    weir_topology_free(topology);
    weir_zeebe_free(zeebe);
}

static int entries(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static void run(struct soak *soak)
{
    struct caller callers[CALLERS];
    uint64_t random = soak->seed;
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.soak = soak, .random = soak->seed + 1000 * (i + 1)};
        if (pthread_create(&callers[i].thread, NULL, run_caller, &callers[i]) != 0)
            exit(2);
    }
    spread_chaos(soak, &random);
    for (size_t i = 0; i < CALLERS; i++)
        (void)pthread_join(callers[i].thread, NULL);
    must_work_again(soak);
}

static void report(const struct soak *soak)
{
    printf("%lu calls, %lu good;", soak->calls, soak->good);
    for (int i = 1; i <= WEIR_BUG; i++)
        if (soak->statuses[i])
            printf(" %s %lu", weir_status_name((weir_status)i), soak->statuses[i]);
    printf("\n");
}

/* What libuv makes once for the process, and never gives back, is there before we count. */
static void warm_up(void)
{
    const struct sandbox_options none = {0};
    sandbox_stop(sandbox_start(&none, NULL));
}

int main(int argc, char **argv)
{
    static struct soak soak;
    weir_error err = {0};
    int seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 60;
    soak.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)clock_wall(clock_system());
    printf("soak_channel: %d s, seed %llu\n", seconds, (unsigned long long)soak.seed);
    (void)fflush(stdout);
    warm_up();
    int files = entries("/proc/self/fd"), threads = entries("/proc/self/task");
    mem_count(1);
    const struct sandbox_options options = {
        .require_token = true, .token_expires_in = 2, .tls = soak.seed % 2};
    soak.sandbox = sandbox_start(&options, &err);
    soak.shared = soak.sandbox ? open_channel(&soak, &err) : NULL;
    if (!soak.shared)
        return weir_error_exit(&err, "soak_channel");
    soak.until_ns = clock_mono(clock_system()) + seconds * NS_PER_S;
    run(&soak);
    weir_channel_close(soak.shared);
    sandbox_stop(soak.sandbox);
    report(&soak);
    if (entries("/proc/self/task") != threads || entries("/proc/self/fd") != files ||
        mem_live() != 0) {
        printf("FAIL left behind: %d threads, %d descriptors, %ld allocations\n",
               entries("/proc/self/task") - threads, entries("/proc/self/fd") - files, mem_live());
        atomic_fetch_add(&soak.complaints, 1);
    }
    if (soak.calls == 0 || soak.good == 0) {
        printf("FAIL not one good call\n");
        atomic_fetch_add(&soak.complaints, 1);
    }
    return atomic_load(&soak.complaints) ? 1 : 0;
}
