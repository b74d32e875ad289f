/* Which gateway, as whom, with TLS or without: flags against environment against defaults. */
#include "cli/zeebe_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/groups.h"
#include "lib/check.h"

static const struct flag_group *const groups[] = {&group_channel, &group_login, &group_cache_zeebe,
                                                  &group_network, NULL};
static const struct command status = {
    .path = "zeebe status", .args = "", .groups = groups, .summary = "s"};
static const struct command *const commands[] = {&status, NULL};
static const struct section sections[] = {{0}};
static const struct table table = {commands, sections, &group_common};

struct run {
    char text[512];
    char *argv[24];
    struct args args;
    struct zeebe_settings settings;
    weir_error err;
};

/* "NAME=VALUE ... --flag value ...": variables, then flags. */
static weir_status find(struct run *run, const char *line)
{
    memset(run, 0, sizeof *run);
    (void)clearenv();
    (void)setenv("HOME", "/home/me", 1);
    (void)snprintf(run->text, sizeof run->text, "%s", line);
    int argc = 0;
    static char zeebe[] = "zeebe", name[] = "status", weir[] = "weir";
    run->argv[argc++] = weir;
    run->argv[argc++] = zeebe;
    run->argv[argc++] = name;
    char *rest = run->text;
    for (char *word; (word = strsep(&rest, " "));) {
        if (*word >= 'A' && *word <= 'Z' && strchr(word, '='))
            (void)putenv(word);
        else if (*word)
            run->argv[argc++] = word;
    }
    struct str complaint = {0};
    if (!args_parse(&run->args, &table, argc, run->argv, &complaint))
        fail_msg("%s: %s", line, complaint.data);
    str_free(&complaint);
    return zeebe_settings_find(&run->settings, &run->args, &run->err);
}

static void done(struct run *run)
{
    zeebe_settings_free(&run->settings);
    args_free(&run->args);
    (void)clearenv();
}

static void the_gateway_and_tls_follow_from_what_is_given(void **state)
{
    (void)state;
    static const struct {
        const char *line, *target;
        bool tls;
        const char *why;
    } cases[] = {
        {"", "localhost:26500", false, "loopback"},
        {"--address gw", "gw:26500", true, "default"},
        {"--address gw:1", "gw:1", true, "default"},
        {"--address grpcs://gw", "gw:443", true, "--address"},
        {"--address https://localhost", "localhost:443", true, "--address"},
        {"--address grpc://gw", "gw:26500", false, "--address"},
        {"--address gw --insecure", "gw:26500", false, "--insecure"},
        {"--insecure=false", "localhost:26500", true, "--insecure"},
        {"--certPath ca.pem", "localhost:26500", true, "--cert-path"},
        {"--ca-file ca.pem", "localhost:26500", true, "--ca-file"},
        {"WEIR_CA_FILE=ca.pem", "localhost:26500", false, "loopback"},
        {"ZEEBE_ADDRESS=a:1 ZEEBE_GRPC_ADDRESS=b:2", "a:1", true, "default"},
        {"ZEEBE_ADDRESS= ZEEBE_GRPC_ADDRESS=http://b:2", "b:2", false, "ZEEBE_GRPC_ADDRESS"},
        {"ZEEBE_ADDRESS=a:1 ZEEBE_HOST=b", "b:1", true, "default"},
        {"ZEEBE_ADDRESS=a:1 ZEEBE_PORT=2", "a:2", true, "default"},
        {"ZEEBE_HOST=b ZEEBE_PORT=2", "b:2", true, "default"},
        {"ZEEBE_HOST=b ZEEBE_PORT=2 --address a:1", "a:1", true, "default"},
        {"ZEEBE_ADDRESS=a:1 --host b", "b:1", true, "default"},
        {"--address a:1 --port 2", "a:2", true, "default"},
        {"ZEEBE_INSECURE_CONNECTION=true --address a", "a:26500", false,
         "ZEEBE_INSECURE_CONNECTION"},
        {"ZEEBE_INSECURE_CONNECTION=true --certPath ca.pem", "localhost:26500", true,
         "--cert-path"},
        {"ZEEBE_CA_CERTIFICATE_PATH=ca.pem --insecure", "localhost:26500", false, "--insecure"},
        {"ZEEBE_ADDRESS=https://a --insecure", "a:443", false, "--insecure"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run run;
        if (find(&run, cases[i].line) != WEIR_OK)
            fail_msg("%s: %s", cases[i].line, run.err.message);
        if (strcmp(run.settings.target, cases[i].target) != 0 || run.settings.tls != cases[i].tls ||
            strcmp(run.settings.tls_why, cases[i].why) != 0)
            fail_msg("%s: %s, %d, %s", cases[i].line, run.settings.target, run.settings.tls,
                     run.settings.tls_why);
        done(&run);
    }
}

#define CLIENT "CAMUNDA_CLIENT_ID=me CAMUNDA_CLIENT_SECRET=s3cret "
#define URL    "CAMUNDA_OAUTH_URL=https://idp/token "

static void the_login_follows_from_what_is_given(void **state)
{
    (void)state;
    static const struct {
        const char *line, *target, *url, *audience;
        enum zeebe_login login;
    } cases[] = {
        {"", "localhost:26500", NULL, NULL, LOGIN_NONE},
        {CLIENT URL, "localhost:26500", "https://idp/token", NULL, LOGIN_OAUTH2},
        {CLIENT URL "ZEEBE_TOKEN_AUDIENCE=z CAMUNDA_TOKEN_AUDIENCE=c", "localhost:26500",
         "https://idp/token", "c", LOGIN_OAUTH2},
        {CLIENT URL "ZEEBE_TOKEN_AUDIENCE=z --audience=", "localhost:26500", "https://idp/token",
         NULL, LOGIN_OAUTH2},
        {CLIENT "--address x.bru-2.zeebe.camunda.io:443", "x.bru-2.zeebe.camunda.io:443",
         "https://login.cloud.camunda.io/oauth/token", "x.bru-2.zeebe.camunda.io", LOGIN_OAUTH2},
        {CLIENT "--cluster-id x", "x.bru-2.zeebe.camunda.io:443",
         "https://login.cloud.camunda.io/oauth/token", "zeebe.camunda.io", LOGIN_CLOUD},
        {CLIENT "CAMUNDA_CLUSTER_ID=x CAMUNDA_CLUSTER_REGION=r", "x.r.zeebe.camunda.io:443",
         "https://login.cloud.camunda.io/oauth/token", "zeebe.camunda.io", LOGIN_CLOUD},
        {CLIENT URL "CAMUNDA_CLUSTER_ID=x ZEEBE_ADDRESS=a:1", "a:1", "https://idp/token", NULL,
         LOGIN_OAUTH2},
        {CLIENT "ZEEBE_ADDRESS=a:1 --cluster-id x", "x.bru-2.zeebe.camunda.io:443",
         "https://login.cloud.camunda.io/oauth/token", "zeebe.camunda.io", LOGIN_CLOUD},
        {"WEIR_ACCESS_TOKEN=t", "localhost:26500", NULL, NULL, LOGIN_TOKEN},
        {"T=t --token-env T", "localhost:26500", NULL, NULL, LOGIN_TOKEN},
        {CLIENT URL "T=t --token-env T", "localhost:26500", "https://idp/token", NULL, LOGIN_TOKEN},
        {CLIENT URL "WEIR_ACCESS_TOKEN=t", "localhost:26500", "https://idp/token", NULL,
         LOGIN_OAUTH2},
        {"WEIR_ACCESS_TOKEN=t --cluster-id x", "x.bru-2.zeebe.camunda.io:443", NULL, NULL,
         LOGIN_TOKEN},
        {URL "--client-id me --client-auth private-key-jwt --private-key k.pem", "localhost:26500",
         "https://idp/token", NULL, LOGIN_OAUTH2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run run;
        if (find(&run, cases[i].line) != WEIR_OK)
            fail_msg("%s: %s", cases[i].line, run.err.message);
        const char *url = zeebe_setting_text(&run.settings, ZEEBE_AUTHZ_URL);
        const char *audience = zeebe_setting_text(&run.settings, ZEEBE_AUDIENCE);
        if (run.settings.login != cases[i].login ||
            strcmp(run.settings.target, cases[i].target) != 0 ||
            strcmp(url ? url : "", cases[i].url ? cases[i].url : "") != 0 ||
            strcmp(audience ? audience : "", cases[i].audience ? cases[i].audience : "") != 0)
            fail_msg("%s: %s %s %s %s", cases[i].line, zeebe_login_name(run.settings.login),
                     run.settings.target, url, audience);
        done(&run);
    }
}

static void what_is_missing_or_contradictory_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        weir_status status;
        const char *named[2];
    } cases[] = {
        {"CAMUNDA_CLIENT_ID=me", WEIR_MISSING, {"CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET"}},
        {"ZEEBE_CLIENT_SECRET=s", WEIR_MISSING, {"CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID"}},
        {CLIENT, WEIR_MISSING, {"CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL"}},
        {"--cluster-id x", WEIR_MISSING, {"CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID"}},
        {"--token-env NO_SUCH", WEIR_MISSING, {"NO_SUCH", "--token-env"}},
        {"--client-cert c.pem", WEIR_MISSING, {"--client-key", "--client-cert"}},
        {CLIENT "--client-auth private-key-jwt", WEIR_MISSING, {"--private-key", "key"}},
        {"--insecure --cert-path ca.pem", WEIR_UNSUPPORTED, {"--insecure", "--cert-path"}},
        {"--insecure --address https://a", WEIR_UNSUPPORTED, {"--insecure", "--address"}},
        {"--address http://a --client-cert c --client-key k",
         WEIR_UNSUPPORTED,
         {"--address", "--client-cert"}},
        {"ZEEBE_ADDRESS=https://a ZEEBE_INSECURE_CONNECTION=true",
         WEIR_UNSUPPORTED,
         {"ZEEBE_ADDRESS", "ZEEBE_INSECURE_CONNECTION"}},
        {"--cluster-id x --address a", WEIR_UNSUPPORTED, {"--cluster-id", "--address"}},
        {CLIENT "--cluster-id x --insecure", WEIR_UNSUPPORTED, {"--cluster-id", "--insecure"}},
        {"T=t --token-env T --client-id me", WEIR_UNSUPPORTED, {"--token-env", "--client-id"}},
        {CLIENT URL "--address grpc://gw", WEIR_UNSUPPORTED, {"gw:26500", "--allow-plaintext"}},
        {"WEIR_ACCESS_TOKEN=t --address gw --insecure",
         WEIR_UNSUPPORTED,
         {"gw:26500", "--allow-plaintext"}},
        {CLIENT "CAMUNDA_OAUTH_URL=http://idp.example/t",
         WEIR_UNSUPPORTED,
         {"http://idp.example/t", "--allow-plaintext"}},
        {"--address a:0", WEIR_INVALID, {"--address", "a:0"}},
        {"--port 70000", WEIR_INVALID, {"--port", "70000"}},
        {"--host a:1", WEIR_INVALID, {"--host", "a:1"}},
        {"ZEEBE_PORT=x", WEIR_INVALID, {"ZEEBE_PORT", "x"}},
        {"ZEEBE_INSECURE_CONNECTION=so", WEIR_INVALID, {"ZEEBE_INSECURE_CONNECTION", "so"}},
        {"ZEEBE_KEEP_ALIVE=soon", WEIR_INVALID, {"ZEEBE_KEEP_ALIVE", "soon"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run run;
        weir_status got = find(&run, cases[i].line);
        if (got != cases[i].status || !strstr(run.err.message, cases[i].named[0]) ||
            !strstr(run.err.message, cases[i].named[1]))
            fail_msg("%s: %s %s", cases[i].line, weir_status_name(got), run.err.message);
        assert_null(strstr(run.err.message, "s3cret"));
        done(&run);
    }
}

static void plaintext_is_for_loopback_or_on_request(void **state)
{
    (void)state;
    static const char *const lines[] = {
        CLIENT "CAMUNDA_OAUTH_URL=http://localhost:1/t",
        CLIENT URL "--address grpc://127.0.0.1:1",
        CLIENT URL "--address grpc://gw --allow-plaintext",
        CLIENT "CAMUNDA_OAUTH_URL=http://idp/t WEIR_ALLOW_PLAINTEXT=1",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct run run;
        if (find(&run, lines[i]) != WEIR_OK)
            fail_msg("%s: %s", lines[i], run.err.message);
        done(&run);
    }
}

static void the_cache_is_where_the_first_of_its_names_says(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "/home/me/.cache/weir/credentials"},
        {"XDG_CACHE_HOME=/x", "/x/weir/credentials"},
        {"ZEEBE_CLIENT_CONFIG_PATH=z", "z"},
        {"ZEEBE_CLIENT_CONFIG_PATH=z CAMUNDA_CLIENT_CONFIG_PATH=c", "c"},
        {"CAMUNDA_CLIENT_CONFIG_PATH=c WEIR_TOKEN_CACHE=w", "w"},
        {"WEIR_TOKEN_CACHE=w --clientCache f", "f"},
        {"WEIR_TOKEN_CACHE=w --cache none", "none"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct run run;
        char line[256];
        (void)snprintf(line, sizeof line, CLIENT URL "%s", cases[i][0]);
        assert_int_equal(find(&run, line), WEIR_OK);
        assert_string_equal(run.settings.at[ZEEBE_CACHE].value, cases[i][1]);
        done(&run);
    }
}

static void a_secret_comes_from_a_file_that_its_variable_names(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-secret-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    (void)fputs("s3cret\n", file);
    (void)fclose(file);
    struct run run;
    char line[256];
    (void)snprintf(line, sizeof line, URL "ZEEBE_CLIENT_ID=me ZEEBE_CLIENT_SECRET_FILE=%s", path);
    assert_int_equal(find(&run, line), WEIR_OK);
    assert_string_equal(run.settings.at[ZEEBE_CLIENT_SECRET].value, "s3cret");
    assert_string_equal(run.settings.at[ZEEBE_CLIENT_SECRET].where, "ZEEBE_CLIENT_SECRET_FILE");
    done(&run);
    (void)snprintf(line, sizeof line, "WEIR_X_FILE=%s --token-env WEIR_X", path);
    assert_int_equal(find(&run, line), WEIR_OK);
    assert_string_equal(run.settings.at[ZEEBE_ACCESS_TOKEN].value, "s3cret");
    done(&run);
    (void)remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gateway_and_tls_follow_from_what_is_given),
        cmocka_unit_test(the_login_follows_from_what_is_given),
        cmocka_unit_test(what_is_missing_or_contradictory_is_named),
        cmocka_unit_test(plaintext_is_for_loopback_or_on_request),
        cmocka_unit_test(the_cache_is_where_the_first_of_its_names_says),
        cmocka_unit_test(a_secret_comes_from_a_file_that_its_variable_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
