/* The n-th allocation fails while a sandbox starts, serves and stops: it says that there is no
 * memory, or it works; it always stops, and (under ASan) nothing is left. */
#include "lib/check.h"

#include "core/mem.h"
#include "core/secret.h"
#include "lib/sandboxed.h"
#include "lib/torture.h"
#include "lib/webclient.h"
#include "sandbox/fault.h"
#include "sandbox/gateway_rpc.h"
#include "sandbox/params.h"
#include "sandbox/token.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <string.h>

static const char request[] = "POST /oauth/token HTTP/1.0\r\nContent-Length: 76\r\n"
                              "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                              "grant_type=client_credentials&client_id=sandbox&"
                              "client_secret=sandbox-secret";

/* A login, a handshake in each dialect, an event for nobody, REST without a token. */
static void stream(struct sandbox *sandbox)
{
    static const char hands[] = "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\","
                                "\"supportedConnectionTypes\":[\"long-polling\"]},"
                                "{\"channel\":\"/meta/connect\",\"clientId\":\"x\"}]";
    static const struct {
        const char *path, *type, *body;
    } asked[] = {
        {"/services/oauth2/token", "application/x-www-form-urlencoded",
         "grant_type=client_credentials&client_id=sandbox&client_secret=sandbox-secret"},
        {"/cometd/67.0", "application/json", hands},
        {"/bayeux", "application/json", hands},
        {"/services/data/v67.0/sobjects/A__e", "application/json", "{}"},
    };
    struct sandbox_emission emission = {.channel = "/data/AChangeEvent", .count = 2};
    const char *base = sandbox_value(sandbox, "SALESFORCE_LOGIN_URL");
    (void)sandbox_emit(sandbox, &emission, NULL, NULL);
    for (size_t i = 0; i < COUNT(asked); i++) {
        char text[600];
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.0\r\nAccept-Encoding: gzip\r\nContent-Type: %s\r\n"
                 "Cookie: BAYEUX_BROWSER=a; sfdc-stream=1.f.1\r\nContent-Length: %zu\r\n\r\n%s",
                 asked[i].path, asked[i].type, strlen(asked[i].body), asked[i].body);
        mem_free(web_talk(web_port_of(base), text, SIZE_MAX));
    }
    (void)sandbox_now(sandbox, "salesforce forget /data/AChangeEvent", NULL);
    (void)sandbox_now(sandbox, "bayeux kill", NULL);
}

static void use(struct sandbox *sandbox)
{
    struct probe calls[2] = {{.say = &no_bytes}, {.say = &no_bytes}};
    struct rpc_call_options options = {.until = probe_in(3000)};
    struct rpc_options to = {.target = sandbox_value(sandbox, "ZEEBE_ADDRESS"),
                             .plaintext = true,
                             .proxy = WEIR_OMIT,
                             .name = "torture"};
    (void)sandbox_fault(sandbox, "token 1 http:503", NULL);
    mem_free(web_talk(web_port_of(sandbox_value(sandbox, "OAUTH_TOKEN_URL")), request, SIZE_MAX));
    mem_free(web_talk(web_port_of(sandbox_value(sandbox, "OAUTH_TOKEN_URL")), request, SIZE_MAX));
    stream(sandbox);
    struct rpc *rpc = rpc_open(&to, NULL);
    for (size_t i = 0; rpc && i < COUNT(calls); i++) {
        probe_start(&calls[i], rpc, i ? HEALTH : TOPOLOGY, &options);
        probe_wait(&calls[i]);
        assert_int_equal(calls[i].ends, calls[i].call ? 1 : 0);
        probe_free(&calls[i]);
    }
    rpc_close(rpc);
    mem_free(sandbox_requests(sandbox, NULL));
    (void)sandbox_service_stop(sandbox, "zeebe", NULL);
    (void)sandbox_service_start(sandbox, "zeebe", NULL);
}

static void run(const struct sandbox_options *options)
{
    weir_error err = {0};
    struct sandbox *sandbox = sandbox_start(options, &err);
    if (!sandbox) {
        if (err.status != WEIR_NO_MEMORY)
            fail_msg("%s: %s", weir_status_name(err.status), err.message);
        return;
    }
    if (!options->tls)
        use(sandbox);
    sandbox_stop(sandbox);
}

static void whole(const struct sandbox_options *options)
{
    long n = 0;
    do {
        mem_fail_at(++n);
        run(options);
    } while (mem_failed() && n < 5000);
    mem_fail_at(0);
    assert_true(n > 20);
    assert_true(n < 5000);
}

static void a_sandbox_survives_any_failed_allocation(void **state)
{
    (void)state;
    whole(&(struct sandbox_options){.token_expires_in = 60});
}

static void a_start_with_tls_survives_any_failed_allocation(void **state)
{
    (void)state;
    whole(&(struct sandbox_options){.tls = true, .log_file = "/dev/null"});
}

/* --- what needs no thread: nothing is left, too ---------------------------------------------- */

static weir_status tokens(void *user, weir_error *err)
{
    const char *form = user;
    struct tokens_options options = {
        .clock = clock_system(), .endpoint = "http://h/", .expires_in = 1, .jwt = true};
    struct tokens *tokens = tokens_new(&options, err);
    if (!tokens)
        return err->status;
    struct token_request asked = {"application/x-www-form-urlencoded", NULL, form, strlen(form)};
    struct params params;
    struct token_answer answer;
    tokens_ask(tokens, &asked, &params, &answer);
    bool issued = answer.issued;
    secret_free_text(answer.body);
    params_clear(&params);
    tokens_free(tokens);
    *err = (weir_error){.status = issued ? WEIR_OK : WEIR_NO_MEMORY};
    return err->status;
}

static void a_token_request_gives_all_back(void **state)
{
    static char form[] = "grant_type=password&username=sandbox-user&password=sandbox-password&"
                         "client_id=sandbox&client_secret=sandbox-secret&scope=a";
    (void)state;
    torture(tokens, form);
}

static weir_status script(void *user, weir_error *err)
{
    static const char text[] = "token 1 cut\nzeebe all http:503\n";
    (void)user;
    struct faults *faults = faults_new();
    if (!faults) {
        *err = (weir_error){.status = WEIR_NO_MEMORY};
        return WEIR_NO_MEMORY;
    }
    weir_status status = faults_add_script(faults, text, sizeof text - 1, "script", err);
    faults_free(faults);
    return status;
}

static void a_script_gives_all_back(void **state)
{
    (void)state;
    torture(script, NULL);
}

static weir_status topology(void *user, weir_error *err)
{
    struct rpc_reply reply;
    (void)user;
    const struct gateway_ask asked = {.method = gateway_method(TOPOLOGY), .request = no_bytes};
    gateway_reply(&asked, &reply);
    *err = (weir_error){.status = reply.message ? WEIR_OK : WEIR_NO_MEMORY};
    mem_free(reply.message);
    return err->status;
}

static void a_reply_gives_all_back(void **state)
{
    (void)state;
    torture(topology, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_request_gives_all_back),
        cmocka_unit_test(a_script_gives_all_back),
        cmocka_unit_test(a_reply_gives_all_back),
        cmocka_unit_test(a_sandbox_survives_any_failed_allocation),
        cmocka_unit_test(a_start_with_tls_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
