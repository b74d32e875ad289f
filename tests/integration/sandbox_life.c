/* Starting, stopping, coming back; TLS; many threads; the end in the middle of everything. */
#include "lib/check.h"

#include "core/mem.h"
#include "http/http.h"
#include "lib/sandboxed.h"
#include "lib/webclient.h"
#include "sandbox/pki.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct rpc_call_options patient = {.wait_for_ready = true,
                                                .until = {.at_ns = INT64_MAX}};

static void a_service_comes_back_on_its_port(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe lost = {.say = &job_request}, back = {0};
    struct rpc_call_options stream = {.server_streams = true, .until = probe_in(20000)};
    uint16_t oauth = web_port_of(sandbox_value(sandbox, "OAUTH_TOKEN_URL"));
    weir_error err = {0};
    (void)state;
    probe_start(&lost, rpc, STREAM, &stream);
    sandboxed_wait(sandbox, "zeebe.StreamActivatedJobs", 1);
    assert_int_equal(sandbox_service_stop(sandbox, "zeebe", &err), WEIR_OK);
    probe_wait(&lost);
    assert_int_equal(lost.error.status, WEIR_UNREACHABLE);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 14);
    assert_int_equal(sandbox_service_stop(sandbox, "oauth", &err), WEIR_OK);
    assert_int_equal(web_connect(oauth), -1);
    assert_int_equal(sandbox_service_stop(sandbox, "oauth", &err), WEIR_OK); /* as before */
    assert_int_equal(sandbox_service_start(sandbox, "oauth", &err), WEIR_OK);
    assert_int_equal(sandbox_service_start(sandbox, "zeebe", &err), WEIR_OK);
    assert_int_equal(sandbox_service_start(sandbox, "zeebe", &err), WEIR_OK);
    char *token = sandboxed_token(sandbox);
    sandboxed_call(&back, rpc, TOPOLOGY, &patient);
    assert_string_equal(back.error.message, "");
    assert_int_equal(sandbox_service_start(sandbox, "zebee", &err), WEIR_INVALID);
    mem_free(token);
    probe_free(&lost);
    probe_free(&back);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void a_token_outlives_its_endpoint(void **state)
{
    char value[256];
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.require_token = true});
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe p = {0};
    (void)state;
    char *token = sandboxed_token(sandbox);
    assert_int_equal(sandbox_service_stop(sandbox, "oauth", NULL), WEIR_OK);
    snprintf(value, sizeof value, "Bearer %s", token);
    weir_metadata metadata = {"authorization", {value, strlen(value)}};
    struct rpc_call_options options = {.metadata = &metadata, .metadata_count = 1};
    sandboxed_call(&p, rpc, TOPOLOGY, &options);
    assert_string_equal(p.error.message, "");
    mem_free(token);
    probe_free(&p);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void a_port_in_use_is_said_and_nothing_is_left(void **state)
{
    struct sandbox *first = sandboxed_start(NULL);
    weir_error err = {0};
    uint16_t taken = web_port_of(sandbox_value(first, "WEIR_SANDBOX"));
    size_t before = probe_descriptors();
    (void)state;
    struct sandbox_options options = {.port_base = taken};
    assert_null(sandbox_start(&options, &err));
    assert_int_equal(err.status, WEIR_CONFLICT);
    assert_non_null(strstr(err.message, "127.0.0.1:"));
    probe_wait_descriptors(before);
    sandbox_stop(first);
}

/* libuv takes no further connection until the one it announced is accepted. */
static void a_connection_there_is_no_memory_for_is_closed_and_the_next_one_served(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    uint16_t port = web_port_of(sandbox_value(sandbox, "OAUTH_TOKEN_URL"));
    char byte = 0;
    (void)state;
    mem_fail_at(1);
    int fd = web_connect(port);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    assert_int_equal(mem_failed(), 1);
    mem_fail_at(0);
    char *token = sandboxed_token(sandbox);
    mem_free(token);
    close(fd);
    sandbox_stop(sandbox);
}

static void the_folder_is_private_and_goes_with_it(void **state)
{
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.tls = true});
    char *ca = mem_strdup(sandbox_value(sandbox, "WEIR_CA_FILE"));
    (void)state;
    assert_int_equal(access(ca, R_OK), 0);
    assert_non_null(strstr(sandbox_value(sandbox, "WEIR_TOKEN_CACHE"), "/credentials"));
    sandbox_stop(sandbox);
    assert_int_not_equal(access(ca, F_OK), 0);
    mem_free(ca);
}

/* --- TLS ----------------------------------------------------------------------------------- */

/* A Topology call over TLS. */
static weir_status secure_call(struct sandbox *sandbox, const weir_tls_options *tls,
                               weir_error *err)
{
    const char *address = sandbox_value(sandbox, "ZEEBE_ADDRESS") + strlen("grpcs://");
    struct rpc_options options = {
        .target = address, .tls = tls, .proxy = WEIR_OMIT, .name = "test"};
    *err = (weir_error){.status = WEIR_OK}; /* what opens keeps an error that is held */
    struct rpc *rpc = rpc_open(&options, err);
    struct probe p = {0};
    if (!rpc)
        return err->status;
    sandboxed_call(&p, rpc, TOPOLOGY, NULL);
    *err = p.error;
    probe_free(&p);
    rpc_close(rpc);
    return err->status;
}

static void tls_is_trusted_with_the_exported_authority_only(void **state)
{
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.tls = true});
    weir_error err = {0};
    weir_tls_options ours = {.struct_size = sizeof ours,
                             .root_certificates_file = sandbox_value(sandbox, "WEIR_CA_FILE")};
    (void)state;
    assert_string_equal(sandbox_value(sandbox, "ZEEBE_INSECURE_CONNECTION"), "false");
    assert_int_equal(secure_call(sandbox, &ours, &err), WEIR_OK);
    assert_int_equal(secure_call(sandbox, NULL, &err), WEIR_UNTRUSTED);
    sandbox_stop(sandbox);
}

static void client_certificates_are_demanded_when_an_authority_for_them_is_given(void **state)
{
    char dir[] = "/tmp/weir-sandbox-life-XXXXXX", *ca = NULL;
    struct pki_request ask = {"client", NULL, true, PKI_VALID};
    struct pki_cert cert = {0};
    struct pki_paths files = {0};
    weir_error err = {0};
    (void)state;
    assert_non_null(mkdtemp(dir));
    struct pki *clients = pki_new("clients", NULL);
    assert_int_equal(pki_write_ca(clients, dir, &ca, NULL), WEIR_OK);
    assert_int_equal(pki_issue(clients, &ask, &cert, NULL), WEIR_OK);
    assert_int_equal(pki_write(&cert, dir, "client", &files, NULL), WEIR_OK);
    struct sandbox *sandbox =
        sandboxed_start(&(struct sandbox_options){.tls = true, .client_ca_file = ca});
    weir_tls_options tls = {.struct_size = sizeof tls,
                            .root_certificates_file = sandbox_value(sandbox, "WEIR_CA_FILE")};
    assert_int_not_equal(secure_call(sandbox, &tls, &err), WEIR_OK);
    tls.certificate_chain_file = files.chain;
    tls.private_key_file = files.key;
    if (secure_call(sandbox, &tls, &err) != WEIR_OK)
        fail_msg("with a certificate: %s", err.message);
    assert_null(sandbox_start(&(struct sandbox_options){.client_ca_file = ca}, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    sandbox_stop(sandbox);
    unlink(ca);
    unlink(files.chain);
    unlink(files.key);
    rmdir(dir);
    mem_free(ca);
    pki_paths_clear(&files);
    pki_cert_clear(&cert);
    pki_free(clients);
}

struct heard {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool done;
    int status;
};

static void on_answer(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct heard *heard = user;
    (void)err;
    pthread_mutex_lock(&heard->lock);
    heard->done = true;
    heard->status = answer ? answer->status : -1;
    pthread_cond_signal(&heard->moved);
    pthread_mutex_unlock(&heard->lock);
}

static void the_token_endpoint_is_encrypted_too(void **state)
{
    static const char form[] = "grant_type=client_credentials&client_id=sandbox&"
                               "client_secret=sandbox-secret";
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.tls = true});
    weir_tls_options tls = {.struct_size = sizeof tls,
                            .root_certificates_file = sandbox_value(sandbox, "WEIR_CA_FILE")};
    struct http_options options = {.tls = &tls, .proxy = WEIR_OMIT, .part = "test"};
    struct heard heard = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    (void)state;
    struct http *http = http_open(&options, NULL);
    struct http_request request = {.method = "POST",
                                   .url = sandbox_value(sandbox, "OAUTH_TOKEN_URL"),
                                   .content_type = "application/x-www-form-urlencoded",
                                   .body = {form, sizeof form - 1},
                                   .until = probe_in(10000)};
    assert_int_equal(strncmp(request.url, "https://", 8), 0);
    assert_non_null(http_send(http, &request, on_answer, &heard, NULL));
    pthread_mutex_lock(&heard.lock);
    while (!heard.done)
        pthread_cond_wait(&heard.moved, &heard.lock);
    pthread_mutex_unlock(&heard.lock);
    assert_int_equal(heard.status, 200);
    http_close(http);
    sandbox_stop(sandbox);
}

/* --- all at once --------------------------------------------------------------------------- */

#define CALLS 24

static void it_stops_in_the_middle_of_everything(void **state)
{
    static const char *const lines[] = {"zeebe.Topology 4 hang", "zeebe.Topology 4 delay:1h",
                                        "token 1 hang", "token 1 delay:1h",
                                        "zeebe.connections 1 hang"};
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.latency = 1});
    struct rpc *rpc = sandboxed_open(sandbox), *other = sandboxed_open(sandbox);
    struct probe calls[CALLS] = {{.ends = 0}};
    struct rpc_call_options stream = {.server_streams = true, .until = probe_in(20000)};
    uint16_t port = web_port_of(sandbox_value(sandbox, "OAUTH_TOKEN_URL"));
    int fds[3];
    (void)state;
    assert_int_equal(sandboxed_status(rpc, HEALTH), 0);
    for (size_t i = 0; i < COUNT(lines); i++)
        sandboxed_fault(sandbox, lines[i]);
    for (size_t i = 0; i < CALLS; i++) {
        calls[i].say = i % 3 ? &no_bytes : &job_request;
        probe_start(&calls[i], i % 8 == 7 ? other : rpc, i % 3 ? TOPOLOGY : STREAM,
                    i % 3 ? NULL : &stream);
    }
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = web_connect(port);
        web_send(fds[i], i < 2 ? "POST /oauth/token HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
                               : "POST /oauth/tok");
    }
    sandboxed_wait(sandbox, "token", 2);
    sandboxed_wait(sandbox, "zeebe.connections", 2);
    sandbox_stop(sandbox);
    rpc_close(rpc);
    rpc_close(other);
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(calls[i].ends, 1);
        probe_free(&calls[i]);
    }
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
}

static void *restart(void *user)
{
    for (int i = 0; i < 10; i++) {
        sandbox_service_stop(user, i % 2 ? "zeebe" : "oauth", NULL);
        sandbox_service_start(user, "zeebe", NULL);
        sandbox_service_start(user, "oauth", NULL);
    }
    return NULL;
}

static void *meddle(void *user)
{
    for (int i = 0; i < 50; i++) {
        sandbox_fault(user, "zeebe.Health 1 status:INTERNAL", NULL);
        char *log = sandbox_requests(user, NULL);
        mem_free(log);
        sandbox_count(user, "zeebe");
    }
    sandbox_fault(user, "forget", NULL);
    return NULL;
}

static void *call_on(void *user)
{
    for (int i = 0; i < 30; i++)
        (void)sandboxed_status(user, TOPOLOGY); /* any status: the gateway comes and goes */
    return NULL;
}

static void threads_may_do_what_they_like_with_it(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe last = {0};
    pthread_t threads[4];
    (void)state;
    pthread_create(&threads[0], NULL, restart, sandbox);
    pthread_create(&threads[1], NULL, restart, sandbox);
    pthread_create(&threads[2], NULL, meddle, sandbox);
    pthread_create(&threads[3], NULL, call_on, rpc);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    sandboxed_call(&last, rpc, TOPOLOGY, &patient);
    assert_string_equal(last.error.message, "");
    probe_free(&last);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void max_concurrent_streams_are_those_asked_for(void **state)
{
    struct sandbox *sandbox =
        sandboxed_start(&(struct sandbox_options){.max_concurrent_streams = 2});
    struct rpc *rpc = sandboxed_open(sandbox);
    struct rpc_call_options stream = {.server_streams = true, .until = probe_in(20000)};
    struct probe held[2] = {{.say = &job_request}, {.say = &job_request}},
                 third = {.say = &no_bytes};
    (void)state;
    assert_int_equal(sandboxed_status(rpc, HEALTH), 0); /* its SETTINGS are known from now on */
    for (size_t i = 0; i < COUNT(held); i++)
        probe_start(&held[i], rpc, STREAM, &stream);
    sandboxed_wait(sandbox, "zeebe.StreamActivatedJobs", 2);
    probe_start(&third, rpc, TOPOLOGY, &(struct rpc_call_options){.until = probe_in(20000)});
    rpc_call_cancel(held[0].call);
    probe_wait(&third);
    assert_string_equal(third.error.message, "");
    rpc_call_cancel(held[1].call);
    probe_wait(&held[1]);
    probe_free(&held[0]);
    probe_free(&held[1]);
    probe_free(&third);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void nothing_is_left_when_all_have_stopped(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL); /* what OpenSSL and the system open once */
    sandbox_stop(sandbox);
    size_t before = probe_descriptors();
    (void)state;
    for (int i = 0; i < 5; i++) {
        sandbox = sandboxed_start(&(struct sandbox_options){.tls = i % 2});
        sandbox_stop(sandbox);
    }
    probe_wait_descriptors(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_comes_back_on_its_port),
        cmocka_unit_test(a_token_outlives_its_endpoint),
        cmocka_unit_test(a_port_in_use_is_said_and_nothing_is_left),
        cmocka_unit_test(a_connection_there_is_no_memory_for_is_closed_and_the_next_one_served),
        cmocka_unit_test(the_folder_is_private_and_goes_with_it),
        cmocka_unit_test(tls_is_trusted_with_the_exported_authority_only),
        cmocka_unit_test(client_certificates_are_demanded_when_an_authority_for_them_is_given),
        cmocka_unit_test(the_token_endpoint_is_encrypted_too),
        cmocka_unit_test(it_stops_in_the_middle_of_everything),
        cmocka_unit_test(threads_may_do_what_they_like_with_it),
        cmocka_unit_test(max_concurrent_streams_are_those_asked_for),
        cmocka_unit_test(nothing_is_left_when_all_have_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
