/* Tokens and repetition, on the sandbox's token endpoint and gateway: what is fetched, how often,
 * and what a program is told. */
#include "lib/check.h"
#include "lib/sandboxed.h"
#include "sandbox/pki.h"
#include "unit/zeebe/environment.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <weir/weir.h>

enum face { BLOCKING, DESCRIPTOR, CALLBACK, FACES };

struct world {
    struct sandbox *sandbox;
    weir_channel *channel;
    weir_zeebe *zeebe;
};

static void open_as(struct world *w, const char *secret)
{
    weir_error err = {0};
    w->channel = weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = sandbox_value(w->sandbox, "ZEEBE_ADDRESS"),
                            .plaintext = true, .client_id = "sandbox", .client_secret = secret,
                            .authorization_server = sandbox_value(w->sandbox, "CAMUNDA_OAUTH_URL")),
        &err);
    w->zeebe = weir_zeebe_new(w->channel, &err);
    assert_string_equal(err.message, "");
}

static void begin(struct world *w)
{
    const struct sandbox_options options = {.require_token = true};
    no_environment();
    w->sandbox = sandboxed_start(&options);
    open_as(w, "sandbox-secret");
}

static void close_world(struct world *w)
{
    weir_zeebe_free(w->zeebe);
    weir_channel_close(w->channel);
}

static void end(struct world *w)
{
    close_world(w);
    sandbox_stop(w->sandbox);
}

static weir_status topology(struct world *w, weir_ms timeout, weir_error *err)
{
    weir_topology_free(weir_zeebe_topology(w->zeebe, timeout, err));
    return err->status;
}

/* ---- faces --------------------------------------------------------------------------------- */

struct outcome {
    weir_call *call;
    atomic_bool over;
    weir_status status;
    size_t messages;
    weir_error err;
};

static bool take(struct outcome *o, weir_ms timeout)
{
    char *message = NULL;
    weir_status status = weir_call_next(o->call, &message, timeout, &o->err);
    o->messages += status == WEIR_OK;
    weir_free(message);
    if (status != WEIR_OK && status != WEIR_NOTHING) {
        o->status = status;
        atomic_store(&o->over, true);
    }
    return status == WEIR_OK;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;

static void on_news(weir_call *call, void *user)
{
    struct outcome *o = user;
    (void)call;
    while (!atomic_load(&o->over) && take(o, WEIR_NO_WAIT)) {
    }
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static void finish(struct outcome *o, enum face face)
{
    struct pollfd watched = {.events = POLLIN};
    if (face == CALLBACK) {
        pthread_mutex_lock(&lock);
        while (!atomic_load(&o->over))
            pthread_cond_wait(&moved, &lock);
        pthread_mutex_unlock(&lock);
    }
    while (!atomic_load(&o->over)) {
        if (face == DESCRIPTOR) {
            watched.fd = weir_call_fd(o->call);
            assert_int_equal(poll(&watched, 1, 20000), 1);
        }
        take(o, face == DESCRIPTOR ? WEIR_NO_WAIT : 20000);
    }
}

static const char job_stream[] = "{\"type\":\"t\",\"timeout\":60000}";

static void launch(struct outcome *o, struct world *w, const char *rpc, weir_ms timeout,
                   enum face face)
{
    weir_error err = {0};
    *o = (struct outcome){.status = WEIR_OK};
    const char *request = strcmp(rpc, "StreamActivatedJobs") == 0 ? job_stream : NULL;
    o->call = weir_zeebe_call_start(w->zeebe, rpc, request, WEIR_CALL(.timeout = timeout), &err);
    assert_string_equal(err.message, "");
    if (face == CALLBACK)
        assert_int_equal(weir_call_then(o->call, on_news, o, &err), WEIR_OK);
}

/* ---- tokens --------------------------------------------------------------------------------- */

static void one_token_serves_many_calls(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    begin(&w);
    for (int i = 0; i < 5; i++)
        assert_int_equal(topology(&w, 5000, &err), WEIR_OK);
    assert_int_equal(sandbox_count(w.sandbox, "token"), 1);
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.Topology"), 5);
    end(&w);
}

static void burst_of_401_causes_one_fetch(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct world w;
        weir_error err = {0};
        struct outcome calls[32];
        begin(&w);
        assert_int_equal(topology(&w, 5000, &err), WEIR_OK);
        sandboxed_fault(w.sandbox, "zeebe.Topology 1 expire");
        for (size_t i = 0; i < COUNT(calls); i++)
            launch(&calls[i], &w, "Topology", 10000, face);
        for (size_t i = 0; i < COUNT(calls); i++) {
            finish(&calls[i], face);
            assert_string_equal(calls[i].err.message, "");
            assert_int_equal(calls[i].messages, 1);
            weir_call_free(calls[i].call);
        }
        assert_int_equal(sandbox_count(w.sandbox, "token"), 2);
        end(&w);
    }
}

static void a_token_that_expires_during_a_stream_is_replaced_and_the_stream_goes_on(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct world w;
        weir_error err = {0};
        struct outcome stream;
        begin(&w);
        sandboxed_fault(w.sandbox, "zeebe.StreamActivatedJobs 1 expire --after 50ms");
        launch(&stream, &w, "StreamActivatedJobs", WEIR_FOREVER, face);
        sandboxed_wait(w.sandbox, "zeebe.StreamActivatedJobs", 2);
        assert_int_equal(topology(&w, 5000, &err), WEIR_OK);
        assert_int_equal(sandbox_count(w.sandbox, "token"), 2);
        assert_false(atomic_load(&stream.over));
        weir_call_cancel(stream.call);
        finish(&stream, face);
        assert_int_equal(stream.status, WEIR_STOPPED);
        weir_call_free(stream.call);
        end(&w);
    }
}

static void refused_credentials_say_so_at_once(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    begin(&w);
    close_world(&w);
    open_as(&w, "wrong");
    assert_int_equal(topology(&w, WEIR_FOREVER, &err), WEIR_BAD_LOGIN);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_REFUSED);
    assert_non_null(strstr(err.message, "Topology: fetching a token from http:"));
    assert_null(strstr(err.message, "wrong"));
    assert_int_equal(sandbox_count(w.sandbox, "zeebe"), 0);
    end(&w);
}

static void a_token_endpoint_that_is_down_is_not_the_gateway(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct world w;
        struct outcome call;
        begin(&w);
        assert_int_equal(sandbox_service_stop(w.sandbox, "oauth", NULL), WEIR_OK);
        launch(&call, &w, "Topology", 300, face);
        finish(&call, face);
        assert_int_equal(call.status, WEIR_UNREACHABLE);
        assert_int_equal(call.err.kind, WEIR_KIND_TOKEN_UNAVAILABLE);
        assert_non_null(strstr(call.err.message, "fetching a token"));
        weir_call_free(call.call);
        assert_int_equal(sandbox_service_start(w.sandbox, "oauth", NULL), WEIR_OK);
        end(&w);
    }
}

static void a_token_endpoint_that_hangs_keeps_nobody_beyond_his_limit(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    struct outcome call;
    begin(&w);
    sandboxed_fault(w.sandbox, "token 1 hang");
    assert_int_not_equal(topology(&w, 200, &err), WEIR_OK);
    assert_non_null(strstr(err.message, "fetching a token"));
    launch(&call, &w, "Topology", WEIR_FOREVER, BLOCKING); /* joins the same fetch */
    weir_call_cancel(call.call);
    finish(&call, BLOCKING);
    assert_int_equal(call.status, WEIR_STOPPED);
    weir_call_free(call.call);
    end(&w);
}

static void a_gateway_that_refuses_every_token_is_asked_twice(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    begin(&w);
    sandboxed_fault(w.sandbox, "zeebe.Topology all status:UNAUTHENTICATED:\"not you\"");
    assert_int_equal(topology(&w, 10000, &err), WEIR_BAD_LOGIN);
    assert_non_null(strstr(err.message, "not you"));
    assert_non_null(strstr(err.message, "a new token was refused, too"));
    assert_int_equal(err.code, 16);
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.Topology"), 2);
    assert_int_equal(sandbox_count(w.sandbox, "token"), 2);
    end(&w);
}

static void a_fixed_token_that_is_refused_is_not_sent_again(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    begin(&w);
    close_world(&w);
    weir_credentials *credentials = weir_credentials_fixed("stale", &err);
    w.channel = weir_channel_with_credentials(
        WEIR_CHANNEL(.grpc_address = sandbox_value(w.sandbox, "ZEEBE_ADDRESS"), .plaintext = true),
        credentials, &err);
    weir_credentials_free(credentials);
    w.zeebe = weir_zeebe_new(w.channel, &err);
    assert_int_equal(topology(&w, 10000, &err), WEIR_BAD_LOGIN);
    assert_non_null(strstr(err.message, "Failed to parse bearer token"));
    assert_int_equal(sandbox_count(w.sandbox, "zeebe.Topology"), 1);
    end(&w);
}

static void who_brings_no_credentials_is_told_so(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    begin(&w);
    close_world(&w);
    w.channel = weir_channel_insecure(
        WEIR_CHANNEL(.grpc_address = sandbox_value(w.sandbox, "ZEEBE_ADDRESS")), &err);
    w.zeebe = weir_zeebe_new(w.channel, &err);
    assert_int_equal(topology(&w, 10000, &err), WEIR_BAD_LOGIN);
    assert_non_null(strstr(err.message, "no credentials"));
    /* A header of the program's own is as good as credentials. */
    char *token = sandboxed_token(w.sandbox), value[512];
    int len = snprintf(value, sizeof value, "Bearer %s", token);
    weir_free(token);
    const weir_metadata headers[] = {{"authorization", {value, (size_t)len}}, {0}};
    char *answer = weir_zeebe_call(w.zeebe, "Topology", NULL, WEIR_CALL(.headers = headers), &err);
    assert_string_equal(err.message, "");
    weir_free(answer);
    end(&w);
}

static void the_environment_of_a_sandbox_with_tls_is_enough(void **state)
{
    (void)state;
    const struct sandbox_options options = {.require_token = true, .tls = true};
    weir_error err = {0};
    const char *name, *value;
    struct sandbox *sandbox = sandboxed_start(&options);
    no_environment();
    for (size_t i = 0; sandbox_setting(sandbox, i, &name, &value); i++)
        setenv(name, value, 1);
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err);
    weir_topology *topology = weir_zeebe_topology(zeebe, 10000, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(topology->broker_count, 1);
    assert_int_equal(topology->brokers[0].partition_count, 1);
    assert_int_equal(topology->brokers[0].partitions[0].role, WEIR_LEADER);
    weir_topology_free(topology);
    unsetenv("ZEEBE_CA_CERTIFICATE_PATH"); /* a CA we do not know */
    setenv("WEIR_CA_FILE", "", 1);
    weir_zeebe *stranger = weir_zeebe_new(NULL, &err);
    assert_null(weir_zeebe_topology(stranger, WEIR_FOREVER, &err));
    assert_int_equal(err.status, WEIR_UNTRUSTED);
    weir_zeebe_free(stranger);
    weir_zeebe_free(zeebe);
    no_environment();
    for (size_t i = 0; sandbox_setting(sandbox, i, &name, &value); i++)
        unsetenv(name);
    sandbox_stop(sandbox);
}

static void a_client_certificate_opens_a_gateway_that_demands_one(void **state)
{
    (void)state;
    char dir[] = "/tmp/weir-zeebe-mutual-XXXXXX", *ca = NULL, both[9000];
    struct pki_request ask = {"client", NULL, true, PKI_VALID};
    struct pki_cert cert = {0};
    weir_error err = {0};
    struct pki *clients = pki_new("clients", NULL);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_write_ca(clients, dir, &ca, NULL), WEIR_OK);
    assert_int_equal(pki_issue(clients, &ask, &cert, NULL), WEIR_OK);
    struct sandbox *sandbox = sandboxed_start(
        &(struct sandbox_options){.only = "zeebe", .tls = true, .client_ca_file = ca});
    snprintf(both, sizeof both, "%s%s", cert.key, cert.chain);
    const char *roots = sandbox_value(sandbox, "ZEEBE_CA_CERTIFICATE_PATH");
    const weir_tls_options *ways[] = {
        WEIR_TLS(.root_certificates_file = roots, .private_key = cert.key,
                 .certificate_chain = cert.chain),
        WEIR_TLS(.root_certificates_file = roots, .private_key = both),
        WEIR_TLS(.root_certificates_file = roots),
    };
    for (size_t i = 0; i < COUNT(ways); i++) {
        err = (weir_error){0};
        struct world w = {.sandbox = sandbox};
        w.channel = weir_channel_secure(
            WEIR_CHANNEL(.grpc_address = sandbox_value(sandbox, "ZEEBE_ADDRESS"), .tls = ways[i]),
            &err);
        w.zeebe = weir_zeebe_new(w.channel, &err);
        weir_status status = topology(&w, 2000, &err);
        if (i < 2)
            assert_string_equal(err.message, "");
        else
            assert_int_not_equal(status, WEIR_OK);
        close_world(&w);
    }
    sandbox_stop(sandbox);
    unlink(ca);
    rmdir(dir);
    weir_free(ca);
    pki_cert_clear(&cert);
    pki_free(clients);
}

/* ---- health --------------------------------------------------------------------------------- */

static void health_says_how_a_service_is(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    weir_health health = WEIR_HEALTH_UNKNOWN;
    begin(&w);
    assert_int_equal(weir_zeebe_health(w.zeebe, NULL, &health, 5000, &err), WEIR_OK);
    assert_int_equal(health, WEIR_HEALTH_SERVING);
    assert_int_equal(weir_zeebe_health(w.zeebe, "other", &health, 5000, &err), WEIR_NOT_FOUND);
    assert_int_equal(weir_zeebe_health(w.zeebe, NULL, NULL, 5000, &err), WEIR_INVALID);
    sandboxed_fault(w.sandbox, "zeebe.Health 1 status:UNIMPLEMENTED");
    assert_int_equal(weir_zeebe_health(w.zeebe, NULL, &health, 5000, &err), WEIR_UNSUPPORTED);
    end(&w);
}

/* ---- repetition ------------------------------------------------------------------------------ */

static const struct {
    const char *fault, *rpc;
    bool no_retry;
    weir_status status;
    int count;
} repetitions[] = {
    {"zeebe.Topology 2 status:UNAVAILABLE", "Topology", false, WEIR_OK, 3},
    {"zeebe.Topology 1 cut", "Topology", false, WEIR_OK, 2},
    {"zeebe.Topology 1 status:RESOURCE_EXHAUSTED", "Topology", false, WEIR_OK, 2},
    {"zeebe.Topology 1 http:503", "Topology", false, WEIR_OK, 2},
    {"zeebe.Topology 1 status:UNAVAILABLE", "Topology", true, WEIR_UNREACHABLE, 1},
    {"zeebe.Topology 1 status:INTERNAL", "Topology", false, WEIR_REFUSED, 1},
    {"zeebe.Topology 1 garbage", "Topology", false, WEIR_PROTOCOL, 1},
    {"zeebe.Topology 1 status:RESOURCE_EXHAUSTED:\"message larger than max\"", "Topology", false,
     WEIR_INVALID, 1},
    /* It may have completed the job. */
    {"zeebe.CompleteJob 1 status:UNAVAILABLE", "CompleteJob", false, WEIR_UNREACHABLE, 1},
    {"zeebe.CompleteJob 1 cut", "CompleteJob", false, WEIR_UNREACHABLE, 1},
    /* It has not: the second attempt tells that there is no such job. */
    {"zeebe.CompleteJob 1 status:RESOURCE_EXHAUSTED", "CompleteJob", false, WEIR_NOT_FOUND, 2},
    {"zeebe.CompleteJob 1 goaway", "CompleteJob", false, WEIR_NOT_FOUND, 2},
};

static void only_what_does_no_harm_is_repeated(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(repetitions); i++) {
        struct world w;
        weir_error err = {0};
        char what[64];
        begin(&w);
        sandboxed_fault(w.sandbox, repetitions[i].fault);
        char *answer =
            weir_zeebe_call(w.zeebe, repetitions[i].rpc, NULL,
                            WEIR_CALL(.timeout = 10000, .no_retry = repetitions[i].no_retry), &err);
        weir_free(answer);
        snprintf(what, sizeof what, "zeebe.%s", repetitions[i].rpc);
        int count = (int)sandbox_count(w.sandbox, what);
        if (err.status != repetitions[i].status || count != repetitions[i].count)
            fail_msg("%s: %s after %d: %s", repetitions[i].fault, weir_status_name(err.status),
                     count, err.message);
        end(&w);
    }
}

/* With limits that grow until there was time for a second attempt, however busy the machine. */
static void repeat_in_vain(struct world *w, weir_error *err)
{
    int attempts = 0;
    for (weir_ms limit = 400; limit < 20000 && attempts < 2; limit *= 2) {
        int before = (int)sandbox_count(w->sandbox, "zeebe.Topology");
        topology(w, limit, err);
        attempts = (int)sandbox_count(w->sandbox, "zeebe.Topology") - before;
    }
    assert_true(attempts > 1);
}

static void what_cannot_be_repeated_in_time_ends_with_its_own_reason(void **state)
{
    (void)state;
    struct world w;
    weir_error err = {0};
    begin(&w);
    sandboxed_fault(w.sandbox, "zeebe.Topology all status:UNAVAILABLE:\"no leader\"");
    repeat_in_vain(&w, &err);
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    assert_non_null(strstr(err.message, "no leader"));
    sandboxed_fault(w.sandbox, "forget zeebe");
    sandboxed_fault(w.sandbox, "zeebe.Topology all status:RESOURCE_EXHAUSTED:\"busy\"");
    repeat_in_vain(&w, &err);
    assert_int_equal(err.status, WEIR_BUSY);
    assert_int_equal(err.kind, WEIR_KIND_BACK_PRESSURE);
    end(&w);
}

/* ---- the end of everything --------------------------------------------------------------------
 */

static atomic_bool stop;

static void *ask_without_end(void *user)
{
    struct world *w = user;
    weir_error err = {0};
    weir_channel *channel = weir_channel_ref(w->channel);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    while (!atomic_load(&stop)) {
        weir_topology_free(weir_zeebe_topology(zeebe, 200, &err));
        weir_call *call = weir_zeebe_call_start(zeebe, "Topology", NULL, NULL, &err);
        weir_call_free(call);
    }
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    return NULL;
}

static void ignore(weir_call *call, void *user)
{
    (void)call;
    (void)user;
}

static void close_during_everything(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct world w;
        pthread_t threads[4];
        weir_call *calls[12];
        begin(&w);
        sandboxed_fault(w.sandbox, "zeebe.Topology 5 status:UNAVAILABLE");
        sandboxed_fault(w.sandbox, "zeebe.Topology 5 expire");
        sandboxed_fault(w.sandbox, "zeebe.Topology 3 delay:20ms");
        sandboxed_fault(w.sandbox, "token 1 delay:10ms");
        atomic_store(&stop, false);
        for (size_t i = 0; i < COUNT(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask_without_end, &w), 0);
        for (size_t i = 0; i < COUNT(calls); i++) {
            calls[i] = weir_zeebe_call_start(w.zeebe, i % 3 ? "Topology" : "StreamActivatedJobs",
                                             i % 3 ? NULL : job_stream, NULL, NULL);
            assert_non_null(calls[i]);
            if (i % 2)
                assert_int_equal(weir_call_then(calls[i], ignore, NULL, NULL), WEIR_OK);
        }
        sandboxed_wait(w.sandbox, "zeebe.Topology", 3 * (uint64_t)round);
        weir_zeebe_free(w.zeebe); /* calls of it go on */
        assert_int_equal(sandbox_service_stop(w.sandbox, "zeebe", NULL), WEIR_OK);
        for (size_t i = 0; i < COUNT(calls); i++)
            weir_call_free(calls[i]);
        atomic_store(&stop, true);
        for (size_t i = 0; i < COUNT(threads); i++)
            pthread_join(threads[i], NULL);
        weir_channel_close(w.channel);
        sandbox_stop(w.sandbox);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_serves_many_calls),
        cmocka_unit_test(burst_of_401_causes_one_fetch),
        cmocka_unit_test(a_token_that_expires_during_a_stream_is_replaced_and_the_stream_goes_on),
        cmocka_unit_test(refused_credentials_say_so_at_once),
        cmocka_unit_test(a_token_endpoint_that_is_down_is_not_the_gateway),
        cmocka_unit_test(a_token_endpoint_that_hangs_keeps_nobody_beyond_his_limit),
        cmocka_unit_test(a_gateway_that_refuses_every_token_is_asked_twice),
        cmocka_unit_test(a_fixed_token_that_is_refused_is_not_sent_again),
        cmocka_unit_test(who_brings_no_credentials_is_told_so),
        cmocka_unit_test(the_environment_of_a_sandbox_with_tls_is_enough),
        cmocka_unit_test(a_client_certificate_opens_a_gateway_that_demands_one),
        cmocka_unit_test(health_says_how_a_service_is),
        cmocka_unit_test(only_what_does_no_harm_is_repeated),
        cmocka_unit_test(what_cannot_be_repeated_in_time_ends_with_its_own_reason),
        cmocka_unit_test(close_during_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
