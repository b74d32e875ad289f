/* weir's public API as a client of the benchmark.
 *
 * Usage: weir_client MODE ADDRESS IN_FLIGHT WARM_UP COUNT
 *   calls      weir_zeebe_call(), JSON in and out, from one thread, one at a time
 *   typed      weir_zeebe_topology(), one at a time
 *   callbacks  weir_zeebe_call_start() and weir_call_then(), JSON in and out, IN_FLIGHT at a time
 *   window     weir_zeebe_call_start() and weir_call_next() in the same order, IN_FLIGHT at a time
 *   stream     weir_call_next() on the messages of one call, each as JSON
 *   first      one weir_zeebe_call(); first-typed: one weir_zeebe_topology()
 * Prints what meter.h says, or "first". */
#include "meter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

#define MOST_IN_FLIGHT 1024

struct run {
    weir_zeebe *zeebe;
    struct meter meter;
    int in_flight;
    int64_t started; /* with `lock`, as what follows and the meter */
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "weir: %s\n", what);
    exit(1);
}

static void check(const char *answer, const char *wanted, const weir_error *err)
{
    need(answer, err->message);
    need(strstr(answer, wanted), "not the answer");
}

/* ---- one at a time ----------------------------------------------------------------------- */

static void call(struct run *r)
{
    weir_error err = {0};
    char *answer = weir_zeebe_call(r->zeebe, "Topology", "{}", NULL, &err);
    check(answer, "8.8.0", &err);
    weir_free(answer);
}

static void typed_call(struct run *r)
{
    weir_error err = {0};
    weir_topology *topology = weir_zeebe_topology(r->zeebe, WEIR_DEFAULT_TIMEOUT, &err);
    need(topology, err.message);
    check(topology->broker_count == 1 ? topology->brokers[0].version : NULL, "8.8.0", &err);
    weir_topology_free(topology);
}

static void repeat(struct run *r, void (*one)(struct run *r))
{
    while (r->meter.done < meter_wanted(&r->meter)) {
        one(r);
        meter_one(&r->meter);
    }
}

static void calls(struct run *r)
{
    repeat(r, call);
}

static void typed(struct run *r)
{
    repeat(r, typed_call);
}

static void first(struct run *r)
{
    call(r);
    puts("first");
}

static void first_typed(struct run *r)
{
    typed_call(r);
    puts("first");
}

/* ---- many at a time ---------------------------------------------------------------------- */

static void on_ready(weir_call *call, void *user);

static void start(struct run *r)
{
    weir_error err = {0};
    weir_call *call = weir_zeebe_call_start(r->zeebe, "Topology", "{}", NULL, &err);
    need(call, err.message);
    need(weir_call_then(call, on_ready, r, &err) == WEIR_OK, err.message);
}

/* True: another one may start. */
static bool count(struct run *r)
{
    pthread_mutex_lock(&r->lock);
    meter_one(&r->meter);
    bool more = r->started < meter_wanted(&r->meter);
    r->started += more;
    if (r->meter.done == meter_wanted(&r->meter)) {
        r->is_over = true;
        pthread_cond_signal(&r->over);
    }
    pthread_mutex_unlock(&r->lock);
    return more;
}

static void on_ready(weir_call *call, void *user)
{
    struct run *r = user;
    weir_error err = {0};
    char *answer = NULL;
    weir_status status;
    while ((status = weir_call_next(call, &answer, WEIR_NO_WAIT, &err)) == WEIR_OK) {
        check(answer, "8.8.0", &err);
        weir_free(answer);
    }
    if (status == WEIR_NOTHING)
        return;
    need(status == WEIR_STOPPED && err.status == WEIR_OK, err.message);
    weir_call_free(call);
    if (count(r))
        start(r);
}

static void callbacks(struct run *r)
{
    r->started = r->in_flight;
    for (int i = 0; i < r->in_flight; i++)
        start(r);
    pthread_mutex_lock(&r->lock);
    while (!r->is_over)
        pthread_cond_wait(&r->over, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* ---- many at a time, taken in order -------------------------------------------------------- */

static weir_call *start_one(struct run *r)
{
    weir_error err = {0};
    weir_call *call = weir_zeebe_call_start(r->zeebe, "Topology", "{}", NULL, &err);
    need(call, err.message);
    return call;
}

static void finish_one(struct run *r, weir_call *call)
{
    weir_error err = {0};
    char *answer = NULL;
    need(weir_call_next(call, &answer, WEIR_FOREVER, &err) == WEIR_OK, err.message);
    check(answer, "8.8.0", &err);
    weir_free(answer);
    need(weir_call_next(call, &answer, WEIR_FOREVER, &err) == WEIR_STOPPED, err.message);
    weir_call_free(call);
    meter_one(&r->meter);
}

static void window(struct run *r)
{
    weir_call *calls[MOST_IN_FLIGHT];
    int64_t total = meter_wanted(&r->meter);
    need(r->in_flight > 0 && r->in_flight <= MOST_IN_FLIGHT, "too many in flight");
    for (int64_t i = 0; i < total + r->in_flight; i++) {
        weir_call **call = &calls[i % r->in_flight];
        if (i >= r->in_flight)
            finish_one(r, *call);
        if (i < total)
            *call = start_one(r);
    }
}

/* ---- a stream ---------------------------------------------------------------------------- */

static void stream(struct run *r)
{
    weir_error err = {0};
    char request[128];
    char *job = NULL;
    weir_status status;
    (void)snprintf(request, sizeof request,
                   "{\"type\":\"bench\",\"worker\":\"bench\",\"timeout\":%" PRId64 "}",
                   meter_wanted(&r->meter));
    weir_call *call =
        weir_zeebe_call_start(r->zeebe, "StreamActivatedJobs", request,
                              WEIR_CALL(.timeout = WEIR_FOREVER, .compact = true), &err);
    need(call, err.message);
    while ((status = weir_call_next(call, &job, WEIR_FOREVER, &err)) == WEIR_OK) {
        check(job, "\"retries\":3", &err);
        weir_free(job);
        meter_one(&r->meter);
    }
    need(status == WEIR_STOPPED && err.status == WEIR_OK, err.message);
    need(r->meter.done == meter_wanted(&r->meter), "the stream was cut short");
    weir_call_free(call);
}

/* ------------------------------------------------------------------------------------------ */

static const struct mode {
    const char *name;
    void (*run)(struct run *r);
} modes[] = {{"calls", calls},   {"typed", typed}, {"callbacks", callbacks},    {"window", window},
             {"stream", stream}, {"first", first}, {"first-typed", first_typed}};

static void run_mode(struct run *r, const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].name, name) == 0) {
            modes[i].run(r);
            return;
        }
    }
    need(false, "no such mode");
}

int main(int argc, char **argv)
{
    weir_error err = {0};
    need(argc == 6, "usage: weir_client MODE ADDRESS IN_FLIGHT WARM_UP COUNT");
    weir_channel *channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = argv[2]), &err);
    need(channel, err.message);
    struct run r = {
        .zeebe = weir_zeebe_new(channel, &err),
        .meter = {.warm_up = strtoll(argv[4], NULL, 10), .count = strtoll(argv[5], NULL, 10)},
        .in_flight = (int)strtol(argv[3], NULL, 10),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .over = PTHREAD_COND_INITIALIZER};
    need(r.zeebe, err.message);
    run_mode(&r, argv[1]);
    fflush(stdout);
    weir_zeebe_free(r.zeebe);
    weir_channel_close(channel);
    return 0;
}
