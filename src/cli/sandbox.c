/* `weir sandbox`: starts it and waits, for a signal or for the program it was started for. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/sandbox_child.h"
#include "cli/session.h"
#include "cli/setting.h"
#include "cli/signals.h"
#include "cli/str.h"
#include "cli/value.h"
#include "sandbox/sandbox.h"

/* What would lead a client elsewhere although the sandbox's variable is set. */
static const struct {
    const char *name, *beside;
} misleading[] = {
    {"ZEEBE_HOST", "ZEEBE_ADDRESS"},
    {"ZEEBE_PORT", "ZEEBE_ADDRESS"},
    {"ZEEBE_OVERRIDE_AUTHORITY", "ZEEBE_ADDRESS"},
    {"ZEEBE_CA_CERTIFICATE_PATH", "ZEEBE_ADDRESS"},
    {"CAMUNDA_CLUSTER_ID", "ZEEBE_ADDRESS"},
    {"ZEEBE_GRPC_ADDRESS", "ZEEBE_ADDRESS"},
    {"CAMUNDA_CLIENT_ID", "ZEEBE_ADDRESS"}, /* set by the sandbox, unless it wants no token */
    {"CAMUNDA_CLIENT_ID_FILE", "ZEEBE_ADDRESS"},
    {"CAMUNDA_CLIENT_SECRET", "ZEEBE_ADDRESS"},
    {"CAMUNDA_CLIENT_SECRET_FILE", "ZEEBE_ADDRESS"},
    {"ZEEBE_CLIENT_ID", "ZEEBE_ADDRESS"},
    {"ZEEBE_CLIENT_ID_FILE", "ZEEBE_ADDRESS"},
    {"ZEEBE_CLIENT_SECRET", "ZEEBE_ADDRESS"},
    {"ZEEBE_CLIENT_SECRET_FILE", "ZEEBE_ADDRESS"},
    {"WEIR_ACCESS_TOKEN", "ZEEBE_ADDRESS"},
    {"WEIR_ACCESS_TOKEN_FILE", "ZEEBE_ADDRESS"},
    {"OAUTH_GRANT", "OAUTH_TOKEN_URL"},
    {"SALESFORCE_ACCESS_TOKEN", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_ACCESS_TOKEN_FILE", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_INSTANCE_URL", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_REFRESH_TOKEN", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_REFRESH_TOKEN_FILE", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_PRIVATE_KEY", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_PRIVATE_KEY_FILE", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_CLIENT_SECRET_FILE", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_PASSWORD_FILE", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_SECURITY_TOKEN_FILE", "SALESFORCE_LOGIN_URL"},
    {"SALESFORCE_AUDIENCE", "SALESFORCE_LOGIN_URL"},
};

#define MISLEADING (sizeof misleading / sizeof misleading[0])

static bool misleads(const struct sandbox *sandbox, size_t i)
{
    const char *value = getenv(misleading[i].name);
    return value && *value && sandbox_value(sandbox, misleading[i].beside) &&
           !sandbox_value(sandbox, misleading[i].name);
}

/* ---- starting -------------------------------------------------------------------------- */

static bool wants_oauth(const char *only)
{
    return !only || strstr(only, "oauth") != NULL;
}

static weir_status read_port(const struct args *args, uint16_t *port, weir_error *err)
{
    int64_t number = 0;
    const char *text = args_text(args, "port-base");
    if (!text)
        return WEIR_OK;
    if (value_number(text, &number) || number < 1 || number > UINT16_MAX)
        return fail_set(err, WEIR_INVALID, "--port-base: \"%s\" is no port from 1 to 65535", text);
    *port = (uint16_t)number;
    return WEIR_OK;
}

static weir_status run_script(struct sandbox *sandbox, const char *file, weir_error *err)
{
    size_t len = 0;
    if (!file)
        return WEIR_OK;
    char *text = cli_read_file(file, &len, err);
    if (!text)
        return err->status;
    weir_status status = sandbox_script(sandbox, text, len, file, err);
    release_memory(text);
    return status;
}

#define DEPLOY_MAX 64

/* Texts point into argv. */
static weir_status read_deploy(const struct args *args, const char *files[DEPLOY_MAX + 1],
                               weir_error *err)
{
    size_t count = 0;
    while (count < DEPLOY_MAX && args_each(args, "deploy", count)) {
        files[count] = args_each(args, "deploy", count);
        count++;
    }
    files[count] = NULL;
    if (args_each(args, "deploy", count))
        return fail_set(err, WEIR_INVALID, "--deploy: more than %d files", DEPLOY_MAX);
    return WEIR_OK;
}

static weir_ms duration_of(const struct args *args, const char *flag)
{
    weir_ms ms = 0;
    const char *text = args_text(args, flag);
    if (text)
        (void)value_duration(text, &ms); /* checked when it was parsed */
    return ms;
}

static weir_status read_count(const struct args *args, const char *flag, int64_t *out,
                              weir_error *err)
{
    const char *text = args_text(args, flag);
    if (!text)
        return WEIR_OK;
    if (value_number(text, out) || *out < 1)
        return fail_set(err, WEIR_INVALID, "--%s: \"%s\" is no number from 1 on", flag, text);
    return WEIR_OK;
}

static weir_status read_salesforce(const struct args *args, struct sandbox_salesforce *out,
                                   weir_error *err)
{
    int64_t keep = 0, batch = 0, life = duration_of(args, "token-life");
    out->hold = duration_of(args, "connect-hold");
    out->session_timeout = duration_of(args, "session-timeout");
    out->cookie_life = duration_of(args, "cookie-life");
    out->keep_for = duration_of(args, "retain-for");
    out->token_life_s = (int)(life > INT32_MAX ? INT32_MAX / 1000 : (life + 999) / 1000);
    weir_status status = read_count(args, "retain", &keep, err);
    if (status == WEIR_OK)
        status = read_count(args, "batch", &batch, err);
    if (status == WEIR_OK)
        status = read_count(args, "first-replay-id", &out->first_id, err);
    out->keep = (size_t)keep;
    out->batch_events = (size_t)batch;
    return status;
}

static struct sandbox *start(const struct args *args, weir_error *err)
{
    const char *files[DEPLOY_MAX + 1];
    struct sandbox_options options = {.only = args_text(args, "only"),
                                      .tls = args_switch(args, "tls"),
                                      .log_file = args_text(args, "log")};
    options.require_token = wants_oauth(options.only);
    options.latency = duration_of(args, "latency");
    options.deploy = files;
    if (read_port(args, &options.port_base, err) != WEIR_OK ||
        read_salesforce(args, &options.salesforce, err) != WEIR_OK ||
        read_deploy(args, files, err) != WEIR_OK)
        return NULL;
    struct sandbox *sandbox = sandbox_start(&options, err);
    if (sandbox && run_script(sandbox, args_text(args, "script"), err) != WEIR_OK) {
        sandbox_stop(sandbox);
        return NULL;
    }
    return sandbox;
}

/* ---- telling --------------------------------------------------------------------------- */

/* As a shell reads it back. */
static void add_quoted(struct str *out, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:@%+,=";
    if (*value && value[strspn(value, plain)] == '\0') {
        str_add(out, value);
        return;
    }
    str_add(out, "'");
    for (; *value; value++) {
        if (*value == '\'')
            str_add(out, "'\\''");
        else
            str_add_bytes(out, value, 1);
    }
    str_add(out, "'");
}

static void add_setting(struct str *out, bool json, const char *name, const char *value)
{
    if (json) {
        str_add(out, out->len ? "," : "{");
        str_add_json(out, name);
        str_add(out, ":");
        str_add_json(out, value);
        return;
    }
    str_addf(out, "export %s=", name);
    add_quoted(out, value);
    str_add(out, "\n");
}

static void tell(const struct sandbox *sandbox, bool json)
{
    struct str text = {0};
    const char *name = NULL, *value = NULL;
    for (size_t i = 0; sandbox_setting(sandbox, i, &name, &value); i++)
        add_setting(&text, json, name, value);
    for (size_t i = 0; i < MISLEADING; i++) {
        if (misleads(sandbox, i))
            add_setting(&text, json, misleading[i].name, ""); /* counts as not set */
    }
    str_add(&text, json ? "}\n" : "ready\n");
    out_add(str_text(&text));
    out_flush();
    str_free(&text);
}

/* ---- waiting --------------------------------------------------------------------------- */

/* Until a signal, or until nobody is left who reads what was told. */
static int wait_for_end(int wake)
{
    struct pollfd both[] = {{.fd = wake, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    while (poll(both, 2, -1) < 0 && errno == EINTR)
        ;
    return both[1].revents && !both[0].revents ? 128 + SIGPIPE : 0;
}

static int serve(const struct args *args)
{
    weir_error err = {0};
    int wake = signals_watch();
    if (wake < 0) {
        (void)fail_set_system(&err, errno, "watching for signals");
        return fail_with(&err);
    }
    struct sandbox *sandbox = start(args, &err);
    if (!sandbox)
        return fail_with(&err);
    tell(sandbox, session_json(args));
    int status = wait_for_end(wake);
    sandbox_stop(sandbox);
    return status;
}

static bool set_environment(const struct sandbox *sandbox)
{
    const char *name = NULL, *value = NULL;
    bool good = true;
    setting_forget_secrets(NULL);
    for (size_t i = 0; i < MISLEADING; i++) {
        if (misleads(sandbox, i))
            (void)unsetenv(misleading[i].name);
    }
    for (size_t i = 0; sandbox_setting(sandbox, i, &name, &value); i++)
        good = setenv(name, value, 1) == 0 && good;
    return good;
}

static int run_program(const struct args *args)
{
    int status = 0;
    weir_error err = {0};
    child_prepare();
    struct sandbox *sandbox = start(args, &err);
    if (!sandbox)
        return fail_with(&err);
    if (!set_environment(sandbox)) {
        (void)fail_set_system(&err, errno, "setting the program's environment");
        status = fail_with(&err);
    } else if (!child_run(args->program, &status)) {
        (void)fail_set_system(&err, errno, "running \"%s\"", args->program[0]);
        (void)fail_with(&err);
    }
    sandbox_stop(sandbox);
    return status;
}

int sandbox_run(const struct args *args)
{
    return args->program ? run_program(args) : serve(args);
}
