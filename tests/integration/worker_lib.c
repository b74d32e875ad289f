#include "integration/worker_lib.h"

#include "core/clock.h"
#include "unit/zeebe/environment.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_MS 20000

void world_begin(struct world *w, const struct sandbox_options *options)
{
    const struct sandbox_options plain = {.only = "zeebe"};
    weir_error err = {0};
    no_environment();
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    w->sandbox = sandboxed_start(options ? options : &plain);
    w->channel = weir_channel_insecure(
        WEIR_CHANNEL(.grpc_address = sandbox_value(w->sandbox, "ZEEBE_ADDRESS")), &err);
    w->zeebe = weir_zeebe_new(w->channel, &err);
    assert_string_equal(err.message, "");
    world_deploy(w, "pay");
}

void world_end(struct world *w)
{
    weir_zeebe_free(w->zeebe);
    weir_channel_close(w->channel);
    sandbox_stop(w->sandbox);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
}

void world_deploy(struct world *w, const char *type)
{
    char xml[1600];
    weir_error err = {0};
    int len = snprintf(
        xml, sizeof xml,
        "<?xml version=\"1.0\"?><bpmn:definitions "
        "xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" "
        "xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" targetNamespace=\"t\">"
        "<bpmn:process id=\"p-%s\" isExecutable=\"true\"><bpmn:startEvent id=\"s\"/>"
        "<bpmn:sequenceFlow id=\"a\" sourceRef=\"s\" targetRef=\"task\"/>"
        "<bpmn:serviceTask id=\"task\"><bpmn:extensionElements>"
        "<zeebe:taskDefinition type=\"%s\" retries=\"3\"/>"
        "<zeebe:taskHeaders><zeebe:header key=\"colour\" value=\"red\"/></zeebe:taskHeaders>"
        "</bpmn:extensionElements></bpmn:serviceTask>"
        "<bpmn:sequenceFlow id=\"b\" sourceRef=\"task\" targetRef=\"e\"/>"
        "<bpmn:endEvent id=\"e\"/></bpmn:process></bpmn:definitions>",
        type, type);
    const weir_resource resources[] = {{"p.bpmn", {xml, (size_t)len}}, {0}};
    weir_deployment *deployment =
        weir_zeebe_deploy(w->zeebe, WEIR_DEPLOY(.resources = resources), LIMIT_MS, &err);
    assert_string_equal(err.message, "");
    weir_deployment_free(deployment);
}

void world_create(struct world *w, const char *type, size_t count)
{
    char id[64];
    snprintf(id, sizeof id, "p-%s", type);
    for (size_t i = 0; i < count; i++) {
        weir_error err = {0};
        weir_instance *instance = weir_zeebe_create_instance(
            w->zeebe, WEIR_CREATE_INSTANCE(.process_id = id, .variables = "{\"order\":17}"),
            LIMIT_MS, &err);
        assert_string_equal(err.message, "");
        weir_instance_free(instance);
    }
}

/* ---- the book ---------------------------------------------------------------------------- */

static void lock(struct world *w)
{
    pthread_mutex_lock(&w->lock);
}

static void unlock(struct world *w)
{
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static void note(struct world *w, const char *error)
{
    if (error)
        snprintf(w->error, sizeof w->error, "%s", error);
}

void world_settled(const weir_settled *what, void *user)
{
    struct world *w = user;
    assert_in_range(what->outcome, WEIR_JOB_COMPLETED, WEIR_JOB_RETURNED);
    assert_true(what->took >= 0);
    lock(w);
    w->outcomes[what->outcome]++;
    note(w, what->error);
    unlock(w);
}

void world_news(weir_worker_news news, const weir_error *why, void *user)
{
    struct world *w = user;
    lock(w);
    w->news[news]++;
    note(w, why->status == WEIR_OK ? NULL : why->message);
    unlock(w);
}

/* @locked. Waits until *number is at least `count`. */
static void wait_number(struct world *w, const size_t *number, size_t count, const char *what)
{
    int64_t at = clock_mono(clock_system()) + LIMIT_MS * NS_PER_MS;
    const struct timespec until = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
    int late = 0;
    while (*number < count && !late)
        late = pthread_cond_clockwait(&w->moved, &w->lock, CLOCK_MONOTONIC, &until);
    if (*number < count)
        fail_msg("%s: %zu, not %zu; last error: %s", what, *number, count, w->error);
}

void world_wait_outcomes(struct world *w, weir_job_outcome outcome, size_t count)
{
    lock(w);
    wait_number(w, &w->outcomes[outcome], count, "outcomes");
    unlock(w);
}

void world_wait_news(struct world *w, weir_worker_news news, size_t count)
{
    lock(w);
    wait_number(w, &w->news[news], count, "news");
    unlock(w);
}

void world_wait_inside(struct world *w, size_t count)
{
    lock(w);
    wait_number(w, &w->inside, count, "handlers inside");
    unlock(w);
}

size_t world_outcomes(struct world *w, weir_job_outcome outcome)
{
    lock(w);
    size_t count = w->outcomes[outcome];
    unlock(w);
    return count;
}

/* ---- handlers ---------------------------------------------------------------------------- */

void world_handler(weir_job *job, void *user)
{
    struct world *w = user;
    lock(w);
    w->handled++;
    unlock(w);
    assert_int_equal(weir_job_completef(job, "{s:b}", "paid", 1), WEIR_OK);
}

void world_hold(weir_job *job, void *user)
{
    struct world *w = user;
    lock(w);
    w->handled++;
    w->inside++;
    w->most_inside = w->inside > w->most_inside ? w->inside : w->most_inside;
    pthread_cond_broadcast(&w->moved);
    while (!w->open)
        pthread_cond_wait(&w->moved, &w->lock);
    w->inside--;
    unlock(w);
    (void)weir_job_complete(job, NULL);
}

void world_open(struct world *w)
{
    lock(w);
    w->open = true;
    unlock(w);
}

/* ---- workers ----------------------------------------------------------------------------- */

weir_worker *world_worker(struct world *w, const weir_worker_options *o)
{
    weir_error err = {0};
    weir_worker *worker = weir_worker_open(w->channel, o, &err);
    if (!worker)
        fail_msg("%s", err.message);
    return worker;
}

void world_finish(weir_worker *worker)
{
    weir_error err = {0};
    weir_worker_stop(worker);
    weir_status status = weir_worker_wait(worker, LIMIT_MS, &err);
    if (status != WEIR_OK)
        fail_msg("%s: %s", weir_status_name(status), err.message);
    assert_int_equal(world_counters(worker).active, 0);
    weir_worker_close(worker);
}

weir_job *world_next(weir_worker *worker)
{
    weir_job *job = NULL;
    weir_error err = {0};
    weir_status status = weir_worker_next(worker, &job, LIMIT_MS, &err);
    if (status != WEIR_OK)
        fail_msg("next: %s: %s", weir_status_name(status), err.message);
    return job;
}

weir_worker_counters world_counters(weir_worker *worker)
{
    weir_error err = {0};
    weir_worker_counters counters = {.struct_size = sizeof counters};
    assert_int_equal(weir_worker_counters_read(worker, &counters, &err), WEIR_OK);
    return counters;
}
