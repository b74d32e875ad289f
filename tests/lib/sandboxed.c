#include "lib/sandboxed.h"

#include "lib/check.h"

#include "core/json.h"
#include "core/mem.h"
#include "lib/webclient.h"

#include <sched.h>
#include <string.h>

const weir_bytes no_bytes = {"", 0};
const weir_bytes job_request = {"\x0a\x01t\x18\xe0\xd4\x03\x20\x01", 9};

struct sandbox *sandboxed_start(const struct sandbox_options *options)
{
    weir_error err = {0};
    struct sandbox *sandbox = sandbox_start(options, &err);
    if (!sandbox)
        fail_msg("sandbox_start: %s", err.message);
    return sandbox;
}

struct rpc *sandboxed_open(struct sandbox *sandbox)
{
    return probe_channel(sandbox_value(sandbox, "ZEEBE_ADDRESS"), NULL);
}

void sandboxed_fault(struct sandbox *sandbox, const char *line)
{
    weir_error err = {0};
    if (sandbox_fault(sandbox, line, &err) != WEIR_OK)
        fail_msg("%s: %s", line, err.message);
}

void sandboxed_call(struct probe *p, struct rpc *rpc, const char *path,
                    const struct rpc_call_options *options)
{
    p->say = p->say ? p->say : &no_bytes;
    probe_start(p, rpc, path, options);
    probe_wait(p);
}

int sandboxed_status(struct rpc *rpc, const char *path)
{
    struct probe p = {0};
    sandboxed_call(&p, rpc, path, NULL);
    probe_free(&p);
    return p.grpc_status;
}

char *sandboxed_token(struct sandbox *sandbox)
{
    char *answer = web_ask("POST", sandbox_value(sandbox, "OAUTH_TOKEN_URL"),
                           "application/x-www-form-urlencoded",
                           "grant_type=client_credentials&client_id=sandbox&"
                           "client_secret=sandbox-secret");
    assert_non_null(answer);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    json_t *tree = json_parse(body, strlen(body), "answer", NULL);
    char *token = mem_strdup(json_string_value(json_object_get(tree, "access_token")));
    assert_non_null(token);
    json_decref(tree);
    mem_free(answer);
    return token;
}

void sandboxed_wait(struct sandbox *sandbox, const char *what, uint64_t count)
{
    struct deadline until = probe_in(10000);
    while (sandbox_count(sandbox, what) < count && clock_mono(clock_system()) < until.at_ns)
        sched_yield();
    assert_true(sandbox_count(sandbox, what) >= count);
}

bool sandboxed_logged(struct sandbox *sandbox, const char *words)
{
    char *log = sandbox_requests(sandbox, NULL);
    assert_non_null(log);
    bool found = strstr(log, words) != NULL;
    mem_free(log);
    return found;
}

void sandboxed_wait_log(struct sandbox *sandbox, const char *words)
{
    struct deadline until = probe_in(10000);
    while (!sandboxed_logged(sandbox, words) && clock_mono(clock_system()) < until.at_ns)
        sched_yield();
    if (!sandboxed_logged(sandbox, words))
        fail_msg("waited 10 s for %s in the log", words);
}
