/* Many jobs, and what became of each. Usage, with ADDRESS alone or with the OAuth2 client of the
 * environment (ZEEBE_CLIENT_ID and so on):
 *
 *   peer_burst create ADDRESS KIND COUNT [TENANT]  starts so many of burst/burst.bpmn, whose jobs
 *                                           are of the type KIND; prints their keys
 *   peer_burst gone ADDRESS                 of the keys on stdin, each must have ended
 *   peer_burst work ADDRESS KIND JOURNAL [NAME=VALUE...]  a worker until SIGTERM: max, threads,
 *                                           lock, pause, drain (ms), poll_only, stream_only,
 * tenant; gate: a file that must exist before more than `before` jobs are handled
 *
 * The journal has a line for each start of a handler, written before anything else happens, and
 * one for what became of a job: so it says the truth when the worker is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

#include <weir/channel.h>
#include <weir/error.h>
#include <weir/worker.h>
#include <weir/zeebe.h>

#define AT_ONCE     32
#define LIMIT_MS    60000
#define KEY_MAX     32
#define COUNT_MAX   5000
#define GATE_MS     50
#define GATE_MAX_MS 120000

static weir_channel *channel;

static int64_t wall_ms(void)
{
    return clock_wall(clock_system()) / NS_PER_MS;
}

/* ---- many calls, some at once --------------------------------------------------------------- */

/* Sets `request` for the call with this number. */
typedef void request_fn(size_t number, char *request, size_t size, void *user);
/* `answer` NULL: it failed with *err. */
typedef void answer_fn(size_t number, const char *answer, const weir_error *err, void *user);

struct batch {
    const char *rpc;
    request_fn *request;
    answer_fn *answer;
    void *user;
};

static void finish_call(const struct batch *b, size_t number, weir_call *call)
{
    weir_error err = {0};
    char *answer = NULL;
    weir_call_next(call, &answer, LIMIT_MS, &err);
    b->answer(number, answer, &err, b->user);
    weir_free(answer);
    weir_call_free(call);
}

static void run_batch(weir_zeebe *zeebe, const struct batch *b, size_t count)
{
    weir_call *calls[AT_ONCE];
    for (size_t begun = 0, done = 0; done < count; done++) {
        for (; begun < count && begun - done < AT_ONCE; begun++) {
            char request[512];
            b->request(begun, request, sizeof request, b->user);
            calls[begun % AT_ONCE] = weir_zeebe_call_start(
                zeebe, b->rpc, request, WEIR_CALL(.timeout = LIMIT_MS, .compact = true), NULL);
        }
        finish_call(b, done, calls[done % AT_ONCE]);
    }
}

/* ---- create --------------------------------------------------------------------------------- */

static int failures;

static void create_request(size_t number, char *request, size_t size, void *user)
{
    char *const *args = user; /* KIND, COUNT, TENANT */
    snprintf(request, size,
             "{\"bpmnProcessId\": \"burst\", \"version\": -1, \"tenantId\": \"%s\", "
             "\"variables\": \"{\\\"kind\\\": \\\"%s\\\", \\\"number\\\": %zu}\"}",
             args[2] ? args[2] : "", args[0], number);
}

static void created(size_t number, const char *answer, const weir_error *err, void *user)
{
    (void)user;
    weir_json *json = answer ? weir_json_parse(answer, strlen(answer), NULL) : NULL;
    if (json)
        printf("%s\n", weir_json_str(json, "/processInstanceKey", ""));
    else
        fprintf(stderr, "%zu: %s\n", number, err->message);
    failures += !json;
    weir_json_free(json);
}

static void create(weir_zeebe *zeebe, char **args)
{
    run_batch(zeebe, &(struct batch){"CreateProcessInstance", create_request, created, args},
              (size_t)strtoul(args[1], NULL, 10));
}

/* ---- gone: an instance that has ended has no variables to set ------------------------------- */

static char keys[COUNT_MAX][KEY_MAX];

static void touch_request(size_t number, char *request, size_t size, void *user)
{
    (void)user;
    snprintf(request, size, "{\"elementInstanceKey\": \"%s\", \"variables\": \"{}\"}",
             keys[number]);
}

static void touched(size_t number, const char *answer, const weir_error *err, void *user)
{
    (void)user;
    if (err->status == WEIR_NOT_FOUND && err->kind == WEIR_KIND_INSTANCE_NOT_FOUND)
        return;
    failures++;
    printf("%s: %s\n", keys[number], answer ? "has not ended" : err->message);
}

static void gone(weir_zeebe *zeebe)
{
    size_t count = 0;
    while (count < COUNT_MAX && fgets(keys[count], KEY_MAX, stdin)) {
        keys[count][strcspn(keys[count], "\n")] = '\0';
        count++;
    }
    run_batch(zeebe, &(struct batch){"SetVariables", touch_request, touched, NULL}, count);
    printf("%zu instances, %d not as they should be\n", count, failures);
    failures += count == 0;
}

/* ---- work ----------------------------------------------------------------------------------- */

static weir_worker *worker;
static int journal;
static weir_ms pause_ms;
static long before_gate; /* so many are handled before the gate is open; 0: there is no gate */
static const char *gate; /* open once this file exists */
static atomic_long begun;

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    weir_worker_stop(worker);
    errno = saved;
}

static void note(const char *line, int len)
{
    if (write(journal, line, (size_t)len) != len)
        abort(); /* a journal that is not written proves nothing */
}

static void wait_for_gate(void)
{
    for (int tries = 0; access(gate, F_OK) != 0 && tries < GATE_MAX_MS / GATE_MS; tries++)
        poll(NULL, 0, GATE_MS);
}

static void handle(weir_job *job, void *user)
{
    (void)user;
    char line[128];
    int len =
        snprintf(line, sizeof line, "start %lld %lld %lld %lld\n", (long long)weir_job_key(job),
                 (long long)weir_json_int(weir_job_vars(job), "/number", -1), (long long)wall_ms(),
                 (long long)weir_job_deadline(job));
    note(line, len);
    if (atomic_fetch_add(&begun, 1) >= before_gate && before_gate)
        wait_for_gate();
    poll(NULL, 0, (int)pause_ms); /* the handler's work */
    weir_job_complete(job, NULL);
}

static void on_settled(const weir_settled *what, void *user)
{
    static const char *const names[] = {"open",   "completed", "failed",
                                        "thrown", "lost",      "returned"};
    (void)user;
    char line[512];
    int len = snprintf(line, sizeof line, "%s %lld %lld %.300s\n", names[what->outcome],
                       (long long)what->key, (long long)wall_ms(), what->error ? what->error : "");
    note(line, len);
}

static void on_news(weir_worker_news news, const weir_error *why, void *user)
{
    (void)user;
    fprintf(stderr, "news %d: %s\n", (int)news, why ? why->message : "");
}

static const char *text_setting(char **args, const char *name)
{
    size_t len = strlen(name);
    for (; *args; args++) {
        if (strncmp(*args, name, len) == 0 && (*args)[len] == '=')
            return *args + len + 1;
    }
    return NULL;
}

static long setting(char **args, const char *name, long otherwise)
{
    const char *text = text_setting(args, name);
    return text ? strtol(text, NULL, 10) : otherwise;
}

static void print_counters(void)
{
    weir_worker_counters n = {.struct_size = sizeof n};
    weir_worker_counters_read(worker, &n, NULL);
    printf("{\"polled\": %llu, \"streamed\": %llu, \"completed\": %llu, \"lost\": %llu, "
           "\"returned\": %llu, \"failed\": %llu, \"polls\": %llu, \"failed_polls\": %llu, "
           "\"streams\": %llu, \"heartbeats\": %llu, \"repeats\": %llu}\n",
           (unsigned long long)n.polled, (unsigned long long)n.streamed,
           (unsigned long long)n.completed, (unsigned long long)n.lost,
           (unsigned long long)n.returned, (unsigned long long)n.failed,
           (unsigned long long)n.polls, (unsigned long long)n.failed_polls,
           (unsigned long long)n.streams, (unsigned long long)n.heartbeats,
           (unsigned long long)n.repeats);
}

static void work(char **args, weir_error *err)
{
    const char *tenants[] = {text_setting(args, "tenant"), NULL};
    journal = open(args[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    pause_ms = setting(args, "pause", 0);
    gate = text_setting(args, "gate");
    before_gate = gate ? setting(args, "before", 1) : 0;
    worker = weir_worker_open(channel,
                              WEIR_WORKER(.type = args[0], .handler = handle,
                                          .on_settled = on_settled, .on_news = on_news,
                                          .max_active = (int)setting(args, "max", 32),
                                          .threads = (int)setting(args, "threads", 1),
                                          .job_timeout = setting(args, "lock", 30000),
                                          .drain = setting(args, "drain", 30000),
                                          .poll_only = setting(args, "poll_only", 0) != 0,
                                          .stream_only = setting(args, "stream_only", 0) != 0,
                                          .tenant_ids = *tenants ? tenants : NULL),
                              err);
    signal(SIGTERM, on_signal);
    if (err->status == WEIR_OK)
        weir_worker_wait(worker, WEIR_FOREVER, err);
    print_counters();
    weir_worker_close(worker);
    close(journal);
}

/* ---- the program ---------------------------------------------------------------------------- */

static weir_channel *open_channel(const char *address, weir_error *err)
{
    if (!getenv("ZEEBE_CLIENT_ID"))
        return weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), err);
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = address, .plaintext = true), err);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 64;
    weir_error err = {0};
    channel = open_channel(argv[2], &err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    if (!zeebe)
        return weir_error_exit(&err, "burst");
    if (strcmp(argv[1], "create") == 0 && argc > 4)
        create(zeebe, argv + 3);
    else if (strcmp(argv[1], "gone") == 0)
        gone(zeebe);
    else if (strcmp(argv[1], "work") == 0 && argc > 4)
        work(argv + 3, &err);
    else
        failures = 1;
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    return failures ? 1 : weir_error_exit(&err, "burst");
}
