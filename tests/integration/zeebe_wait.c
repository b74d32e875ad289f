/* Typed commands against a server that answers with what it got: waiting for their end, asking what
 * they answered, and the blocking forms. The first fields of some requests and answers are the
 * same: SetVariables answers with the key it was given, CreateProcessInstance with the definition.
 */
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

#define LIMIT   20000
#define WAITERS 4

static struct h2server *server;
static weir_channel *channel;
static weir_zeebe *zeebe;

static int setup(void **state)
{
    const struct h2server_options options = {0};
    char address[64];
    (void)state;
    server = h2server_start(&options);
    snprintf(address, sizeof address, "http://127.0.0.1:%u", (unsigned)h2server_port(server));
    channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), NULL);
    zeebe = weir_zeebe_new(channel, NULL);
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

static weir_call *set(int64_t key)
{
    weir_error err = {0};
    weir_set_variables *what =
        WEIR_SET_VARIABLES(.element_instance_key = key, .variables = "{\"a\":1}");
    weir_call *call = weir_zeebe_set_variables_start(zeebe, what, LIMIT, &err);
    assert_string_equal(err.message, "");
    return call;
}

static weir_call *create(int64_t definition)
{
    weir_error err = {0};
    weir_call *call = weir_zeebe_create_instance_start(
        zeebe, WEIR_CREATE_INSTANCE(.process_definition_key = definition), LIMIT, &err);
    assert_string_equal(err.message, "");
    return call;
}

/* ---- what a call that has ended says --------------------------------------------------------- */

static void check_key(weir_call *call, int64_t expected)
{
    int64_t key = 0;
    weir_error err = {0};
    assert_int_equal(weir_call_key(call, &key, &err), WEIR_OK);
    assert_int_equal(key, expected);
}

static void an_answer_may_be_asked_for_again_and_again(void **state)
{
    weir_error err = {0};
    char *text = NULL;
    (void)state;
    weir_call *call = set(77);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    assert_int_equal(weir_call_wait(call, WEIR_NO_WAIT, &err), WEIR_OK);
    check_key(call, 77);
    check_key(call, 77);
    assert_int_equal(weir_call_next(call, &text, LIMIT, &err), WEIR_OK);
    assert_string_equal(text, "{\"key\":\"77\"}");
    weir_free(text);
    assert_int_equal(weir_call_next(call, &text, LIMIT, &err), WEIR_STOPPED);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    check_key(call, 77);
    weir_call_free(call);
}

static void an_answer_outlives_its_call(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_call *call = create(9);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    weir_instance *one = weir_call_instance(call, &err), *two = weir_call_instance(call, &err);
    assert_string_equal(err.message, "");
    weir_call_free(call);
    assert_int_equal(one->process_definition_key, 9);
    assert_int_equal(one->version, -1);
    assert_int_equal(two->process_definition_key, 9);
    weir_instance_free(one);
    weir_instance_free(two);
}

static void a_topology_and_health_can_be_asked_for_without_waiting(void **state)
{
    weir_error err = {0};
    weir_health health = WEIR_HEALTH_SERVING;
    (void)state;
    weir_call *call = weir_zeebe_topology_start(zeebe, LIMIT, &err);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    weir_topology *topology = weir_call_topology(call, &err);
    assert_non_null(topology);
    assert_int_equal(topology->broker_count, 0);
    weir_topology_free(topology);
    weir_call_free(call);
    call = weir_zeebe_health_start(zeebe, "", LIMIT, &err);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    assert_int_equal(weir_call_health(call, &health, &err), WEIR_OK);
    assert_int_equal(health, WEIR_HEALTH_UNKNOWN);
    weir_call_free(call);
}

static void what_a_call_cannot_say_is_refused(void **state)
{
    weir_error err = {0};
    int64_t key = 0;
    weir_health health;
    (void)state;
    weir_call *call = set(5);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    assert_null(weir_call_instance(call, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_string_equal(err.message, "weir_call_instance(): the answer of SetVariables holds none");
    assert_null(weir_call_deployment(call, &err));
    assert_null(weir_call_deletion(call, &err));
    assert_null(weir_call_decision(call, &err));
    assert_null(weir_call_topology(call, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_int_equal(weir_call_health(call, &health, &err), WEIR_INVALID);
    assert_int_equal(weir_call_key(call, NULL, &err), WEIR_INVALID);
    weir_call_free(call);
    err = (weir_error){0};
    call = weir_zeebe_call_start(zeebe, "ActivateJobs", "{}", NULL, &err);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "weir_call_next() takes it"));
    assert_int_equal(weir_call_key(call, &key, &err), WEIR_INVALID);
    weir_call_free(call);
}

static void a_failed_command_is_asked_in_vain(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_call *call =
        weir_zeebe_complete_job_start(zeebe, WEIR_COMPLETE_JOB(.job_key = 5), LIMIT, &err);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_NOT_FOUND);
    assert_int_equal(err.kind, WEIR_KIND_JOB_NOT_FOUND);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_NOT_FOUND);
    weir_call_free(call);
    /* This server's echo is no answer to it. */
    int64_t key = 0;
    err = (weir_error){0};
    call = weir_zeebe_broadcast_start(zeebe, WEIR_BROADCAST(.name = "s"), LIMIT, &err);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_OK);
    assert_int_equal(weir_call_key(call, &key, &err), WEIR_PROTOCOL);
    assert_int_equal(weir_zeebe_broadcast(zeebe, WEIR_BROADCAST(.name = "s"), &key, LIMIT, &err),
                     WEIR_PROTOCOL);
    weir_call_free(call);
}

/* ---- waiting --------------------------------------------------------------------------------- */

struct waiter {
    weir_call *call;
    pthread_t thread;
    weir_status status;
    int64_t key;
};

static bool one_held(const struct h2server_stats *st, size_t n)
{
    return st->held >= n;
}

static void *wait_for(void *user)
{
    struct waiter *w = user;
    w->status = weir_call_wait(w->call, LIMIT, NULL);
    return NULL;
}

static void before_the_end_there_is_nothing_and_then_everybody_gets_it(void **state)
{
    struct waiter waiters[WAITERS];
    struct pollfd watched;
    weir_error err = {0};
    int64_t key = 0;
    (void)state;
    weir_call *call = weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n"), LIMIT, &err);
    assert_true(h2server_wait(server, one_held, 1));
    assert_int_equal(weir_call_wait(call, WEIR_NO_WAIT, &err), WEIR_NOTHING);
    assert_int_equal(weir_call_wait(call, 5, &err), WEIR_NOTHING);
    assert_string_equal(err.message, "");
    assert_int_equal(weir_call_key(call, &key, &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "PublishMessage has not ended; weir_call_wait() for it"));
    watched = (struct pollfd){weir_call_fd(call), POLLIN, 0};
    assert_int_equal(poll(&watched, 1, 0), 0);
    for (size_t i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){.call = call};
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for, &waiters[i]), 0);
    }
    h2server_release(server);
    for (size_t i = 0; i < WAITERS; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].status, WEIR_OK);
    }
    assert_int_equal(poll(&watched, 1, LIMIT), 1);
    weir_call_free(call);
}

static void a_cancelled_command_is_stopped(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_call *call = weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n"), LIMIT, &err);
    weir_call_cancel(call);
    assert_int_equal(weir_call_wait(call, LIMIT, &err), WEIR_STOPPED);
    assert_non_null(strstr(err.message, "cancelled"));
    weir_call_free(call);
}

struct called {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t times;
    int64_t key;
};

static void on_end(weir_call *call, void *user)
{
    struct called *c = user;
    pthread_mutex_lock(&c->lock);
    assert_int_equal(weir_call_wait(call, WEIR_NO_WAIT, NULL), WEIR_OK);
    assert_int_equal(weir_call_key(call, &c->key, NULL), WEIR_OK);
    c->times++;
    pthread_cond_signal(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

static void a_callback_comes_once_and_may_ask(void **state)
{
    struct called c = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    (void)state;
    weir_call *call = set(11);
    assert_int_equal(weir_call_then(call, on_end, &c, NULL), WEIR_OK);
    pthread_mutex_lock(&c.lock);
    while (!c.times)
        pthread_cond_wait(&c.moved, &c.lock);
    pthread_mutex_unlock(&c.lock);
    assert_int_equal(c.key, 11);
    weir_call_free(call); /* waits for a callback that runs */
    assert_int_equal(c.times, 1);
}

static void many_commands_at_once_keep_their_answers(void **state)
{
    enum { MANY = 200 };
    weir_call *calls[MANY];
    (void)state;
    for (int64_t i = 0; i < MANY; i++)
        calls[i] = set(i + 1);
    for (int64_t i = MANY - 1; i >= 0; i--) {
        assert_int_equal(weir_call_wait(calls[i], LIMIT, NULL), WEIR_OK);
        check_key(calls[i], i + 1);
        weir_call_free(calls[i]);
    }
}

/* ---- blocking -------------------------------------------------------------------------------- */

static void a_command_that_waits_gives_the_same(void **state)
{
    weir_error err = {0};
    int64_t key = 0;
    (void)state;
    weir_set_variables *what = WEIR_SET_VARIABLES(.element_instance_key = 21, .variables = "{}");
    assert_int_equal(weir_zeebe_set_variables(zeebe, what, &key, LIMIT, &err), WEIR_OK);
    assert_int_equal(key, 21);
    assert_int_equal(weir_zeebe_set_variables(zeebe, what, NULL, LIMIT, NULL), WEIR_OK);
    weir_create_instance *create_it = WEIR_CREATE_INSTANCE(.process_definition_key = 3);
    weir_instance *instance = weir_zeebe_create_instance(zeebe, create_it, LIMIT, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(instance->process_definition_key, 3);
    weir_instance_free(instance);
    assert_int_equal(weir_zeebe_fail_job(zeebe, WEIR_FAIL_JOB(.job_key = 1), LIMIT, &err), WEIR_OK);
    assert_int_equal(weir_zeebe_complete_job(zeebe, WEIR_COMPLETE_JOB(.job_key = 1), LIMIT, &err),
                     WEIR_NOT_FOUND);
    assert_string_equal(err.message, "CompleteJob: the server answered NOT_FOUND: no such thing");
    assert_int_equal(weir_zeebe_complete_job(zeebe, WEIR_COMPLETE_JOB(.job_key = 1), LIMIT, NULL),
                     WEIR_NOT_FOUND);
}

/* Nothing was started that could go on. */
static void a_result_from_a_dead_address_has_not_timed_out(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_channel *dead = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = "127.0.0.1:1"), &err);
    weir_zeebe *there = weir_zeebe_new(dead, &err);
    weir_create_instance *what = WEIR_CREATE_INSTANCE(.process_id = "p");
    assert_null(weir_zeebe_create_with_result(there, what, 300, &err));
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    assert_int_equal(err.kind, WEIR_KIND_UNKNOWN);
    weir_zeebe_free(there);
    weir_channel_close(dead);
}

static void a_null_handle_keeps_its_error(void **state)
{
    weir_error err = {.status = WEIR_UNTRUSTED, .message = "the reason"};
    int64_t key = 5;
    weir_health health;
    (void)state;
    assert_int_equal(weir_zeebe_publish(NULL, WEIR_PUBLISH(.name = "n"), &key, LIMIT, &err),
                     WEIR_UNTRUSTED);
    assert_null(weir_zeebe_deploy(NULL, NULL, LIMIT, &err));
    assert_null(weir_zeebe_publish_start(NULL, NULL, LIMIT, &err));
    assert_int_equal(weir_zeebe_health(NULL, NULL, &health, LIMIT, &err), WEIR_UNTRUSTED);
    assert_int_equal(weir_call_wait(NULL, LIMIT, &err), WEIR_UNTRUSTED);
    assert_int_equal(weir_call_key(NULL, &key, &err), WEIR_UNTRUSTED);
    assert_null(weir_call_instance(NULL, &err));
    /* What starts does nothing either when there is an error already. */
    assert_null(weir_zeebe_publish_start(zeebe, WEIR_PUBLISH(.name = "n"), LIMIT, &err));
    assert_string_equal(err.message, "the reason");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_be_asked_for_again_and_again),
        cmocka_unit_test(an_answer_outlives_its_call),
        cmocka_unit_test(a_topology_and_health_can_be_asked_for_without_waiting),
        cmocka_unit_test(what_a_call_cannot_say_is_refused),
        cmocka_unit_test(a_failed_command_is_asked_in_vain),
        cmocka_unit_test(before_the_end_there_is_nothing_and_then_everybody_gets_it),
        cmocka_unit_test(a_cancelled_command_is_stopped),
        cmocka_unit_test(a_callback_comes_once_and_may_ask),
        cmocka_unit_test(many_commands_at_once_keep_their_answers),
        cmocka_unit_test(a_command_that_waits_gives_the_same),
        cmocka_unit_test(a_result_from_a_dead_address_has_not_timed_out),
        cmocka_unit_test(a_null_handle_keeps_its_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
