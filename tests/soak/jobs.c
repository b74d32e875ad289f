/* Jobs under everything at once: instances are created as fast as two steps are worked on, by
 * handlers, by threads that take jobs themselves and settle them at once, later or elsewhere, and
 * by workers that come and go, while the gateway pushes back, cuts, stops and starts. Usage:
 * soak_jobs [SECONDS [SEED [JOBS]]]: for so long, and until so many jobs have been handled.
 *
 * What must hold: each instance that the gateway says it has created is worked on, both steps; a
 * step is handled more often than once only when a lock ran out; when the chaos is over the gateway
 * has no job left; memory does not grow with the jobs; nothing is left behind. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "sandbox/sandbox.h"
#include <weir/weir.h>

#define STEPS       2
#define INSTANCES   2000000
#define UNDER_WAY   64   /* calls that create, of one thread     */
#define AHEAD       2000 /* instances that wait to be worked on  */
#define CREATORS    2
#define TAKERS      2
#define LOCK_MS     4000
#define QUIET_S     90 /* without any progress: something is lost */
#define BLOCKS_MOST 400000
#define GROWTH_MOST (64 * 1024)

enum { CREATED = 1 }; /* the gateway said so */

struct soak {
    struct sandbox *sandbox;
    weir_channel *channel;
    int64_t until_ns;
    uint64_t seed;
    unsigned long goal;
    atomic_bool creating, working;
    atomic_ulong next, created, unknown, handled[STEPS], extra, kept, refused, passing;
    atomic_ulong outcomes[WEIR_JOB_RETURNED + 1];
    atomic_int complaints;
    long most_blocks, rss_early_kb, rss_late_kb;
    atomic_uchar *state;        /* of each instance */
    atomic_uchar *times[STEPS]; /* how often each was handled */
};

static struct soak soak;

static const char *const types[STEPS] = {"soak-first", "soak-second"};

static const char process[] =
    "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'"
    " xmlns:zeebe='http://camunda.org/schema/zeebe/1.0' targetNamespace='weir'>"
    "<process id='soak' isExecutable='true'><startEvent id='s'/>"
    "<sequenceFlow id='f1' sourceRef='s' targetRef='a'/>"
    "<serviceTask id='a'><extensionElements>"
    "<zeebe:taskDefinition type='soak-first' retries='1000000'/></extensionElements></serviceTask>"
    "<sequenceFlow id='f2' sourceRef='a' targetRef='b'/>"
    "<serviceTask id='b'><extensionElements>"
    "<zeebe:taskDefinition type='soak-second' retries='1000000'/></extensionElements></serviceTask>"
    "<sequenceFlow id='f3' sourceRef='b' targetRef='e'/><endEvent id='e'/></process></definitions>";

static uint64_t chance(uint64_t *random, uint64_t below)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

static void complain(const char *what, const weir_error *err)
{
    if (atomic_fetch_add(&soak.complaints, 1) < 20)
        printf("FAIL %s: %s: %s\n", what, weir_status_name(err->status), err->message);
}

static int64_t now_ns(void)
{
    return clock_mono(clock_system());
}

/* Waits without a clock of its own, by asking for what nobody sends. */
static void let_pass(weir_ms ms)
{
    weir_error err = {0};
    int64_t end = now_ns() + ms * NS_PER_MS;
    while (now_ns() < end)
        (void)weir_channel_wait(soak.channel, weir_channel_state_now(soak.channel), 20, &err);
}

static bool time_left(void)
{
    return now_ns() < soak.until_ns || atomic_load(&soak.handled[STEPS - 1]) * STEPS < soak.goal;
}

/* ---- instances -------------------------------------------------------------------------- */

static weir_call *create(weir_zeebe *zeebe, unsigned long number)
{
    char variables[64];
    weir_error err = {0};
    (void)snprintf(variables, sizeof variables, "{\"n\":%lu}", number);
    weir_call *call = weir_zeebe_create_instance_start(
        zeebe, WEIR_CREATE_INSTANCE(.process_id = "soak", .variables = variables), 10000, &err);
    if (!call)
        complain("an instance was not begun", &err);
    return call;
}

static void take_answer(weir_call *call, unsigned long number)
{
    weir_error err = {0};
    if (!call)
        return;
    weir_status status = weir_call_wait(call, WEIR_FOREVER, &err);
    weir_instance *instance = status == WEIR_OK ? weir_call_instance(call, &err) : NULL;
    if (instance) {
        atomic_store(&soak.state[number], CREATED);
        atomic_fetch_add(&soak.created, 1);
    } else {
        atomic_fetch_add(&soak.unknown, 1); /* it may run, or not */
        if (status == WEIR_BUG || status == WEIR_NO_MEMORY || status == WEIR_INVALID)
            complain("creating", &err);
    }
    weir_instance_free(instance);
    weir_call_free(call);
}

static bool far_ahead(void)
{
    unsigned long begun = atomic_load(&soak.next);
    unsigned long done = atomic_load(&soak.handled[STEPS - 1]) + atomic_load(&soak.unknown);
    return begun > done && begun - done > AHEAD;
}

static void *run_creator(void *user)
{
    weir_call *calls[UNDER_WAY] = {NULL};
    unsigned long numbers[UNDER_WAY] = {0};
    weir_error err = {0};
    weir_zeebe *zeebe = weir_zeebe_new(user, &err);
    for (size_t i = 0; atomic_load(&soak.creating); i = (i + 1) % UNDER_WAY) {
        take_answer(calls[i], numbers[i]);
        calls[i] = NULL;
        if (far_ahead()) {
            let_pass(5);
            continue;
        }
        numbers[i] = atomic_fetch_add(&soak.next, 1);
        if (numbers[i] < INSTANCES)
            calls[i] = create(zeebe, numbers[i]);
    }
    for (size_t i = 0; i < UNDER_WAY; i++)
        take_answer(calls[i], numbers[i]);
    weir_zeebe_free(zeebe);
    return NULL;
}

/* ---- work ------------------------------------------------------------------------------- */

static void count(const weir_job *job, size_t step)
{
    int64_t number = weir_json_int(weir_job_vars(job), "/n", -1);
    weir_error err = {0};
    if (number < 0 || number >= INSTANCES) {
        complain("a job without its variable", &err);
        return;
    }
    if (atomic_fetch_add(&soak.times[step][number], 1) > 0)
        atomic_fetch_add(&soak.extra, 1);
    else
        atomic_fetch_add(&soak.handled[step], 1);
}

/* One in a hundred is handed back, without having been handled. */
static bool pass_on(weir_job *job, uint64_t luck)
{
    if (luck > 0)
        return false;
    if (weir_job_fail(job, WEIR_RETRIES_SAME, 1, "passed on") == WEIR_OK)
        atomic_fetch_add(&soak.passing, 1);
    return true;
}

static void settle(weir_job *job)
{
    if (weir_job_complete(job, "{\"ok\":true}") != WEIR_OK)
        atomic_fetch_add(&soak.refused, 1); /* its lock has run out */
}

static void handle(weir_job *job, void *user)
{
    static atomic_ulong turn;
    size_t step = *(const size_t *)user;
    uint64_t random = soak.seed + atomic_fetch_add(&turn, 1);
    if (pass_on(job, chance(&random, 100)))
        return;
    count(job, step);
    settle(job);
}

static void on_settled(const weir_settled *what, void *user)
{
    (void)user;
    atomic_fetch_add(&soak.outcomes[what->outcome], 1);
    if (what->took < 0 || (what->outcome == WEIR_JOB_LOST && !what->error)) {
        weir_error err = {0};
        complain("an outcome that says nothing", &err);
    }
}

static weir_worker *open_worker(size_t step, weir_job_fn *handler, int threads, int max_active)
{
    static const size_t steps[STEPS] = {0, 1};
    weir_error err = {0};
    weir_worker *worker =
        weir_worker_open(soak.channel,
                         WEIR_WORKER(.type = types[step], .handler = handler,
                                     .user = (void *)(uintptr_t)&steps[step], .threads = threads,
                                     .max_active = max_active, .job_timeout = LOCK_MS,
                                     .long_poll = 1000, .on_settled = on_settled, .drain = 5000),
                         &err);
    if (!worker)
        complain("a worker did not open", &err);
    return worker;
}

/* Jobs taken one by one; some are kept for a while. */
static void *run_taker(void *user)
{
    weir_worker *worker = user;
    weir_job *job = NULL, *held = NULL;
    weir_error err = {0};
    uint64_t random = soak.seed + 77;
    while (atomic_load(&soak.working)) {
        weir_status status = weir_worker_next(worker, &job, 200, &err);
        if (status == WEIR_OK && !pass_on(job, chance(&random, 100))) {
            count(job, STEPS - 1);
            if (held)
                settle(held);
            weir_job_free(held);
            held = job;
            continue;
        }
        if (status == WEIR_OK)
            weir_job_free(job);
        else if (status != WEIR_NOTHING)
            complain("taking a job", &err);
        if (held)
            settle(held);
        weir_job_free(held);
        held = NULL;
    }
    if (held)
        settle(held);
    weir_job_free(held);
    return NULL;
}

static void *run_passers(void *user)
{
    uint64_t random = soak.seed + 99;
    (void)user;
    while (atomic_load(&soak.creating)) {
        weir_worker *worker = open_worker(chance(&random, STEPS), handle, 2, 16);
        let_pass((weir_ms)chance(&random, 400));
        if (chance(&random, 2))
            weir_worker_stop(worker);
        weir_worker_close(worker);
    }
    return NULL;
}

/* ---- chaos ------------------------------------------------------------------------------ */

static const char *const faults[] = {
    "zeebe 1 cut",
    "zeebe 1 goaway",
    "zeebe.CompleteJob 5 status:UNAVAILABLE",
    "zeebe.CompleteJob 3 cut",
    "zeebe.CompleteJob 20 delay:50ms",
    "zeebe.CompleteJob 10 status:RESOURCE_EXHAUSTED",
    "zeebe.ActivateJobs 2 status:RESOURCE_EXHAUSTED",
    "zeebe.ActivateJobs 1 cut --after 20ms",
    "zeebe.ActivateJobs 1 http:503",
    "zeebe.StreamActivatedJobs 1 cut --after 100ms",
    "zeebe.StreamActivatedJobs 1 status:UNAVAILABLE",
    "zeebe.CreateProcessInstance 5 status:RESOURCE_EXHAUSTED",
    "zeebe.FailJob 1 cut",
    "zeebe 1 garbage",
};

static long resident_kb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file)
        (void)fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void watch_memory(void)
{
    long blocks = mem_live();
    if (blocks > soak.most_blocks)
        soak.most_blocks = blocks;
    soak.rss_late_kb = resident_kb();
    if (!soak.rss_early_kb && atomic_load(&soak.handled[STEPS - 1]) * STEPS > soak.goal / 5)
        soak.rss_early_kb = soak.rss_late_kb;
}

/* More faults than calls to meet them would stop everything: now and then the rest is forgotten. */
static void spread_chaos(uint64_t *random)
{
    while (time_left()) {
        weir_error err = {0};
        if (chance(random, 10) == 0)
            (void)sandbox_fault(soak.sandbox, "forget zeebe", &err);
        if (chance(random, 20) == 0) {
            if (sandbox_service_stop(soak.sandbox, "zeebe", &err) != WEIR_OK)
                complain("stopping the gateway", &err);
            let_pass((weir_ms)chance(random, 200));
            if (sandbox_service_start(soak.sandbox, "zeebe", &err) != WEIR_OK)
                complain("starting the gateway", &err);
        } else {
            const char *line = faults[chance(random, sizeof faults / sizeof faults[0])];
            if (sandbox_fault(soak.sandbox, line, &err) != WEIR_OK)
                complain(line, &err);
        }
        let_pass((weir_ms)chance(random, 300));
        watch_memory();
    }
}

/* ---- the end ---------------------------------------------------------------------------- */

static unsigned long missing(size_t step)
{
    unsigned long begun = atomic_load(&soak.next), count = 0;
    for (unsigned long i = 0; i < begun && i < INSTANCES; i++)
        count += atomic_load(&soak.state[i]) == CREATED && atomic_load(&soak.times[step][i]) == 0;
    return count;
}

static unsigned long progress(void)
{
    unsigned long sum = atomic_load(&soak.extra);
    for (size_t i = 0; i < STEPS; i++)
        sum += atomic_load(&soak.handled[i]);
    for (size_t i = 0; i <= WEIR_JOB_RETURNED; i++)
        sum += atomic_load(&soak.outcomes[i]);
    return sum;
}

/* Without faults every instance ends, soon after the last lock that somebody left behind. */
static void let_all_end(weir_worker *const *workers, size_t count)
{
    unsigned long last = progress();
    int64_t moved_ns = now_ns(), quiet_ns = (LOCK_MS + 3000) * NS_PER_MS;
    uint64_t active = 1;
    while (now_ns() - moved_ns < QUIET_S * NS_PER_S) {
        let_pass(200);
        weir_worker_counters counters = {.struct_size = sizeof counters};
        weir_error err = {0};
        active = 0;
        for (size_t i = 0; i < count; i++) {
            (void)weir_worker_counters_read(workers[i], &counters, &err);
            active += counters.active;
        }
        if (progress() != last) {
            last = progress();
            moved_ns = now_ns();
        } else if (active == 0 && missing(0) + missing(1) == 0 && now_ns() - moved_ns > quiet_ns) {
            return;
        }
    }
    weir_error err = {.status = WEIR_TIMEOUT};
    (void)snprintf(err.message, sizeof err.message, "%lu and %lu never came, %llu are in hand",
                   missing(0), missing(1), (unsigned long long)active);
    complain("lost", &err);
}

static void nothing_is_left(size_t step)
{
    char request[160];
    weir_error err = {0};
    char *message = NULL;
    weir_zeebe *zeebe = weir_zeebe_new(soak.channel, &err);
    (void)snprintf(request, sizeof request,
                   "{\"type\":\"%s\",\"worker\":\"last\",\"timeout\":1000,\"maxJobsToActivate\":10,"
                   "\"requestTimeout\":-1}",
                   types[step]);
    weir_call *call = weir_zeebe_call_start(zeebe, "ActivateJobs", request, NULL, &err);
    if (weir_call_next(call, &message, 10000, &err) != WEIR_STOPPED)
        complain(message ? message : "looking for what is left", &err);
    weir_free(message);
    weir_call_free(call);
    weir_zeebe_free(zeebe);
}

static void judge(void)
{
    weir_error err = {0};
    unsigned long lost = atomic_load(&soak.outcomes[WEIR_JOB_LOST]);
    if (atomic_load(&soak.extra) > lost + atomic_load(&soak.refused))
        complain("more jobs were handled twice than locks ran out", &err);
    if (soak.most_blocks > BLOCKS_MOST)
        complain("too much memory in use at once", &err);
    if (getenv("WEIR_SOAK_FLAT") && soak.rss_late_kb > soak.rss_early_kb + GROWTH_MOST)
        complain("memory grows with the jobs", &err);
    if (atomic_load(&soak.handled[STEPS - 1]) == 0)
        complain("not one instance ended", &err);
}

static void report(double seconds)
{
    static const char *const names[] = {"", "completed", "failed", "thrown", "lost", "returned"};
    printf("%lu instances (%lu unsure), %lu jobs in %.0f s;", atomic_load(&soak.created),
           atomic_load(&soak.unknown),
           atomic_load(&soak.handled[0]) + atomic_load(&soak.handled[1]), seconds);
    for (int i = 1; i <= WEIR_JOB_RETURNED; i++)
        printf(" %s %lu", names[i], atomic_load(&soak.outcomes[i]));
    printf("; twice %lu; at most %ld blocks; resident %ld, then %ld KiB\n",
           atomic_load(&soak.extra), soak.most_blocks, soak.rss_early_kb, soak.rss_late_kb);
}

static void work(void)
{
    pthread_t creators[CREATORS], takers[TAKERS], passers;
    uint64_t random = soak.seed;
    weir_worker *workers[] = {open_worker(0, handle, 4, 64), open_worker(1, handle, 2, 32),
                              open_worker(1, NULL, 0, 64)};
    atomic_store(&soak.creating, true);
    atomic_store(&soak.working, true);
    for (size_t i = 0; i < CREATORS; i++)
        (void)pthread_create(&creators[i], NULL, run_creator, soak.channel);
    for (size_t i = 0; i < TAKERS; i++)
        (void)pthread_create(&takers[i], NULL, run_taker, workers[2]);
    (void)pthread_create(&passers, NULL, run_passers, NULL);
    spread_chaos(&random);
    weir_error err = {0};
    (void)sandbox_fault(soak.sandbox, "forget zeebe", &err);
    atomic_store(&soak.creating, false);
    for (size_t i = 0; i < CREATORS; i++)
        (void)pthread_join(creators[i], NULL);
    (void)pthread_join(passers, NULL);
    let_all_end(workers, sizeof workers / sizeof *workers);
    atomic_store(&soak.working, false);
    for (size_t i = 0; i < TAKERS; i++)
        (void)pthread_join(takers[i], NULL);
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
        weir_worker_close(workers[i]);
    for (size_t i = 0; i < STEPS; i++)
        nothing_is_left(i);
}

static bool begin(weir_error *err)
{
    const struct sandbox_options options = {.only = "zeebe"};
    soak.sandbox = sandbox_start(&options, err);
    if (!soak.sandbox)
        return false;
    /* A gateway that goes every few seconds would else be left alone for longer and longer. */
    static const weir_channel_arg args[] = {{"grpc.initial_reconnect_backoff_ms", .number = 20},
                                            {"grpc.min_reconnect_backoff_ms", .number = 200},
                                            {"grpc.max_reconnect_backoff_ms", .number = 200},
                                            {0}};
    soak.channel = weir_channel_insecure(
        WEIR_CHANNEL(.grpc_address = sandbox_value(soak.sandbox, "ZEEBE_ADDRESS"), .args = args),
        err);
    weir_zeebe *zeebe = weir_zeebe_new(soak.channel, err);
    const weir_resource resources[] = {{"soak.bpmn", {process, sizeof process - 1}}, {0}};
    weir_deployment_free(
        weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.resources = resources), WEIR_DEFAULT_TIMEOUT, err));
    weir_zeebe_free(zeebe);
    return err->status == WEIR_OK;
}

int main(int argc, char **argv)
{
    static const struct sandbox_options none;
    weir_error err = {0};
    int seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 60;
    soak.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)clock_wall(clock_system());
    soak.goal = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    printf("soak_jobs: %d s, seed %llu, %lu jobs\n", seconds, (unsigned long long)soak.seed,
           soak.goal);
    (void)fflush(stdout);
    soak.state = calloc(INSTANCES, sizeof *soak.state);
    for (size_t i = 0; i < STEPS; i++)
        soak.times[i] = calloc(INSTANCES, sizeof *soak.times[i]);
    if (!soak.state || !soak.times[0] || !soak.times[1])
        return 2;
    sandbox_stop(sandbox_start(&none, NULL)); /* what libuv makes once */
    mem_count(1);
    if (!begin(&err))
        return weir_error_exit(&err, "soak_jobs");
    int64_t began_ns = now_ns();
    soak.until_ns = began_ns + seconds * NS_PER_S;
    work();
    weir_channel_close(soak.channel);
    sandbox_stop(soak.sandbox);
    report((double)(now_ns() - began_ns) / 1e9);
    judge();
    if (mem_live() != 0) {
        printf("FAIL left behind: %ld allocations\n", mem_live());
        atomic_fetch_add(&soak.complaints, 1);
    }
    free(soak.state);
    free(soak.times[0]);
    free(soak.times[1]);
    return atomic_load(&soak.complaints) ? 1 : 0;
}
