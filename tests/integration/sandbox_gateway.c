/* The gateway of the sandbox, asked by the library's own gRPC. */
#include "lib/check.h"

#include "core/clock.h"
#include "core/mem.h"
#include "lib/rawserver.h"
#include "lib/sandboxed.h"
#include "lib/webclient.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char *json_of_reply(const struct probe *p, const char *rpc)
{
    const struct codec_method *method = codec_method_find(rpc, NULL);
    char *text =
        codec_wire_to_json(method->response, (weir_bytes){p->whole, p->whole_len}, true, NULL);
    assert_non_null(text);
    return text;
}

static void topology_names_one_broker_that_leads(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe p = {0};
    char port[32];
    (void)state;
    sandboxed_call(&p, rpc, TOPOLOGY, NULL);
    assert_string_equal(p.error.message, "");
    char *json = json_of_reply(&p, "Topology");
    assert_non_null(strstr(json, "\"clusterSize\":1"));
    assert_non_null(strstr(json, "\"gatewayVersion\":\"8.9.0-sandbox\""));
    assert_non_null(strstr(json, "\"role\":\"LEADER\""));
    snprintf(port, sizeof port, "\"port\":%u",
             (unsigned)web_port_of(sandbox_value(sandbox, "ZEEBE_ADDRESS")));
    assert_non_null(strstr(json, port));
    mem_free(json);
    probe_free(&p);
    rpc_close(rpc);
    assert_int_equal(sandbox_count(sandbox, "zeebe.Topology"), 1);
    assert_int_equal(sandbox_count(sandbox, "zeebe"), 1);
    assert_int_equal(sandbox_count(sandbox, "zeebe.connections"), 1);
    sandbox_stop(sandbox);
}

static void health_serves_what_it_knows(void **state)
{
    static const weir_bytes gateway = {"\x0a\x18gateway_protocol.Gateway", 26};
    static const weir_bytes other = {"\x0a\x05other", 7};
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe all = {0}, one = {.say = &gateway}, none = {.say = &other};
    (void)state;
    sandboxed_call(&all, rpc, HEALTH, NULL);
    sandboxed_call(&one, rpc, HEALTH, NULL);
    sandboxed_call(&none, rpc, HEALTH, NULL);
    char *json = json_of_reply(&all, "grpc.health.v1.Health/Check");
    assert_non_null(strstr(json, "\"SERVING\""));
    assert_string_equal(one.error.message, "");
    assert_int_equal(none.grpc_status, 5);
    mem_free(json);
    probe_free(&all);
    probe_free(&one);
    probe_free(&none);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void what_it_does_not_know_is_unimplemented_by_name(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe unknown = {0}, broken = {0};
    static const weir_bytes garbage = {"\xff\xff\xff", 3};
    (void)state;
    sandboxed_call(&unknown, rpc, "/gateway_protocol.Gateway/Nope", NULL);
    assert_int_equal(unknown.grpc_status, 12);
    assert_string_equal(unknown.words, "Method not found: gateway_protocol.Gateway/Nope");
    broken.say = &garbage;
    sandboxed_call(&broken, rpc, TOPOLOGY, NULL);
    assert_int_equal(broken.grpc_status, 13);
    probe_free(&unknown);
    probe_free(&broken);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

/* requestTimeout is field 6. */
static void activate_jobs_answers_empty_after_the_request_s_timeout(void **state)
{
    static const weir_bytes wait = {"\x0a\x01t\x18\x0a\x20\x01\x30\x96\x01", 10}; /* 150 ms */
    static const weir_bytes at_once = {
        "\x0a\x01t\x18\x0a\x20\x01\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 18}; /* -1 */
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct rpc_call_options stream = {.server_streams = true};
    struct probe slow = {.say = &wait}, quick = {.say = &at_once};
    (void)state;
    int64_t began = clock_mono(clock_system());
    sandboxed_call(&quick, rpc, ACTIVATE, &stream);
    assert_string_equal(quick.error.message, "");
    sandboxed_call(&slow, rpc, ACTIVATE, &stream);
    assert_true(clock_mono(clock_system()) - began >= 150 * NS_PER_MS);
    assert_string_equal(slow.error.message, "");
    assert_int_equal(slow.messages, 0);
    probe_free(&slow);
    probe_free(&quick);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void a_stream_of_jobs_stays_open_until_its_deadline(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    struct rpc *rpc = sandboxed_open(sandbox);
    struct rpc_call_options stream = {.server_streams = true, .until = probe_in(200)};
    struct rpc_call_options endless = {.server_streams = true};
    struct probe timed = {.say = &job_request}, cancelled = {.say = &job_request};
    (void)state;
    sandboxed_call(&timed, rpc, STREAM, &stream);
    assert_int_equal(timed.error.status, WEIR_TIMEOUT);
    probe_start(&cancelled, rpc, STREAM, &endless);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0);
    assert_int_equal(cancelled.ends, 0);
    rpc_call_cancel(cancelled.call);
    probe_wait(&cancelled);
    assert_int_equal(cancelled.error.status, WEIR_STOPPED);
    assert_int_equal(sandboxed_status(rpc, TOPOLOGY), 0); /* behind the RST_STREAM */
    char *log = sandbox_requests(sandbox, NULL);
    assert_non_null(strstr(log, "\"gone\""));
    assert_null(strstr(log, "\"pending\""));
    mem_free(log);
    probe_free(&timed);
    probe_free(&cancelled);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

/* --- what this library's client would not send ------------------------------------------------ */

static int dial(struct sandbox *sandbox)
{
    int fd = web_connect(web_port_of(sandbox_value(sandbox, "ZEEBE_ADDRESS")));
    assert_true(fd >= 0);
    return fd;
}

static void send_all(int fd, const struct buf *bytes)
{
    assert_false(bytes->failed);
    assert_int_equal(send(fd, bytes->data, bytes->len, MSG_NOSIGNAL), bytes->len);
}

/* A call on stream 1 with an empty message; `timeout` NULL: none. */
static int raw_call(struct sandbox *sandbox, const char *method, const char *type,
                    const char *timeout)
{
    struct buf bytes = BUF_INIT(4096), block = BUF_INIT(2048);
    int fd = dial(sandbox);
    raw_header(&block, ":method", method);
    raw_header(&block, ":scheme", "http");
    raw_header(&block, ":path", STREAM);
    raw_header(&block, ":authority", "localhost");
    raw_header(&block, "content-type", type);
    if (timeout)
        raw_header(&block, "grpc-timeout", timeout);
    buf_adds(&bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    raw_frame(&bytes, 4, 0, 0, "", 0);
    raw_headers(&bytes, 4, &block);
    raw_frame(&bytes, 0, 1, 1, "\0\0\0\0\x09\x0a\x01t\x18\xe0\xd4\x03\x20\x01", 14);
    send_all(fd, &bytes);
    buf_free(&bytes);
    buf_free(&block);
    return fd;
}

static void a_call_s_time_is_kept_by_the_gateway_too(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    (void)state;
    int fd = raw_call(sandbox, "POST", "application/grpc", "50m");
    sandboxed_wait_log(sandbox, "\"status\":\"DEADLINE_EXCEEDED\"");
    close(fd);
    fd = raw_call(sandbox, "POST", "application/grpc", NULL);
    sandboxed_wait_log(sandbox, "\"pending\"");
    close(fd);
    sandboxed_wait_log(sandbox, "\"gone\"");
    sandbox_stop(sandbox);
}

static bool is_answered_with(int fd, const char *words)
{
    char *answer = NULL;
    bool found = false;
    struct buf all = BUF_INIT(65536);
    char byte;
    while (!found && recv(fd, &byte, 1, 0) == 1) {
        buf_add(&all, &byte, 1);
        answer = memmem(all.data, all.len, words, strlen(words));
        found = answer != NULL;
    }
    buf_free(&all);
    close(fd);
    return found;
}

static void what_is_no_grpc_is_answered_by_http(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    (void)state;
    assert_true(is_answered_with(raw_call(sandbox, "POST", "text/plain", NULL),
                                 "application/grpc is spoken here"));
    assert_true(is_answered_with(raw_call(sandbox, "PUT", "application/grpc", NULL),
                                 "gRPC is spoken here, by POST"));
    assert_int_equal(sandbox_count(sandbox, "zeebe"), 0);
    sandbox_stop(sandbox);
}

static void what_is_no_http2_is_hung_up_on(void **state)
{
    struct sandbox *sandbox = sandboxed_start(NULL);
    int fd = dial(sandbox);
    struct buf bytes = BUF_INIT(200);
    (void)state;
    buf_adds(&bytes, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    send_all(fd, &bytes);
    assert_false(is_answered_with(fd, "HTTP/1.1 200")); /* and it comes to an end */
    buf_free(&bytes);
    sandbox_stop(sandbox);
}

/* --- tokens -------------------------------------------------------------------------------- */

static void call_with_token(struct probe *p, struct rpc *rpc, const char *token)
{
    char value[256];
    snprintf(value, sizeof value, "Bearer %s", token);
    weir_metadata metadata = {"authorization", {value, strlen(value)}};
    struct rpc_call_options options = {.metadata = &metadata, .metadata_count = 1};
    sandboxed_call(p, rpc, TOPOLOGY, &options);
}

static void a_gateway_that_wants_a_token_says_so_in_the_real_one_s_words(void **state)
{
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.require_token = true});
    struct rpc *rpc = sandboxed_open(sandbox);
    struct probe none = {0}, wrong = {0}, right = {0}, expired = {0};
    (void)state;
    sandboxed_call(&none, rpc, TOPOLOGY, NULL);
    assert_int_equal(none.grpc_status, 16);
    assert_string_equal(none.words, "Expected bearer token at header with key [authorization], "
                                    "but found nothing");
    call_with_token(&wrong, rpc, "made-up");
    assert_int_equal(wrong.grpc_status, 16);
    assert_string_equal(wrong.words, "Failed to parse bearer token, see cause for details");
    char *token = sandboxed_token(sandbox);
    call_with_token(&right, rpc, token);
    assert_string_equal(right.error.message, "");
    sandboxed_fault(sandbox, "zeebe.Topology 1 expire");
    call_with_token(&expired, rpc, token);
    assert_int_equal(expired.grpc_status, 16);
    struct probe still = {0};
    call_with_token(&still, rpc, token);
    assert_int_equal(still.grpc_status, 16);
    assert_int_equal(sandboxed_status(rpc, HEALTH), 0); /* wants no token */
    char *log = sandbox_requests(sandbox, NULL);
    assert_null(strstr(log, token));
    assert_null(strstr(log, "made-up"));
    assert_null(strstr(log, "sandbox-secret"));
    assert_non_null(strstr(log, "\"authorization\":\"Bearer ***\""));
    assert_int_equal(sandbox_count(sandbox, "token"), 1);
    assert_int_equal(sandbox_count(sandbox, "token.issued"), 1);
    mem_free(log);
    mem_free(token);
    probe_free(&none);
    probe_free(&wrong);
    probe_free(&right);
    probe_free(&expired);
    probe_free(&still);
    rpc_close(rpc);
    sandbox_stop(sandbox);
}

static void a_gateway_that_wants_tokens_nobody_issues_is_refused(void **state)
{
    weir_error err = {0};
    struct sandbox_options options = {.only = "zeebe", .require_token = true};
    (void)state;
    assert_null(sandbox_start(&options, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_null(sandbox_start(&(struct sandbox_options){.only = "zebee"}, &err));
    assert_non_null(strstr(err.message, "did you mean zeebe"));
    assert_null(sandbox_start(&(struct sandbox_options){.log_file = "/nowhere/log"}, &err));
    assert_int_equal(err.status, WEIR_STORE);
}

static void only_what_was_asked_for_is_there(void **state)
{
    struct sandbox *sandbox = sandboxed_start(&(struct sandbox_options){.only = "oauth"});
    weir_error err = {0};
    (void)state;
    assert_null(sandbox_value(sandbox, "ZEEBE_ADDRESS"));
    assert_null(sandbox_value(sandbox, "CAMUNDA_CLIENT_ID"));
    assert_non_null(sandbox_value(sandbox, "OAUTH_TOKEN_URL"));
    assert_int_equal(sandbox_service_stop(sandbox, "zeebe", &err), WEIR_INVALID);
    assert_non_null(strstr(err.message, "without zeebe"));
    sandbox_stop(sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topology_names_one_broker_that_leads),
        cmocka_unit_test(health_serves_what_it_knows),
        cmocka_unit_test(what_it_does_not_know_is_unimplemented_by_name),
        cmocka_unit_test(activate_jobs_answers_empty_after_the_request_s_timeout),
        cmocka_unit_test(a_stream_of_jobs_stays_open_until_its_deadline),
        cmocka_unit_test(a_call_s_time_is_kept_by_the_gateway_too),
        cmocka_unit_test(what_is_no_grpc_is_answered_by_http),
        cmocka_unit_test(what_is_no_http2_is_hung_up_on),
        cmocka_unit_test(a_gateway_that_wants_a_token_says_so_in_the_real_one_s_words),
        cmocka_unit_test(a_gateway_that_wants_tokens_nobody_issues_is_refused),
        cmocka_unit_test(only_what_was_asked_for_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
