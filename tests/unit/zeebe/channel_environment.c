/* Which channel an environment describes, case by case. */
#include "zeebe/channel_environment.h"
#include "lib/check.h"
#include "unit/zeebe/environment.h"

#include <stdio.h>
#include <unistd.h>

#define SAAS "abc.bru-2.zeebe.camunda.io:443"

enum who { NOBODY, CLIENT, TOKEN };

static const struct {
    const char *environment[6];
    const char *target; /* NULL: `status` and `says` */
    bool tls;
    enum who who;
    weir_status status;
    const char *says;
} cases[] = {
    {{NULL}, "localhost:26500", false, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=h"}, "h:26500", true, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=", "ZEEBE_GRPC_ADDRESS=h:1"}, "h:1", true, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=a:1", "ZEEBE_GRPC_ADDRESS=b:1"}, "a:1", true, NOBODY, 0, NULL},
    {{"ZEEBE_GRPC_ADDRESS=http://h"}, "h:26500", false, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=https://localhost"}, "localhost:443", true, NOBODY, 0, NULL},
    {{"ZEEBE_HOST=h"}, "h:26500", true, NOBODY, 0, NULL},
    {{"ZEEBE_PORT=5"}, "localhost:5", false, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=a:1", "ZEEBE_HOST=b", "ZEEBE_PORT=2"}, "b:2", true, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=a:1", "ZEEBE_PORT=2"}, "a:2", true, NOBODY, 0, NULL},
    {{"ZEEBE_ADDRESS=h", "ZEEBE_INSECURE_CONNECTION=true"}, "h:26500", false, NOBODY, 0, NULL},
    {{"ZEEBE_INSECURE_CONNECTION=FALSE"}, "localhost:26500", true, NOBODY, 0, NULL},
    {{"ZEEBE_CA_CERTIFICATE_PATH=/ca.pem"}, "localhost:26500", true, NOBODY, 0, NULL},
    {{"WEIR_CA_FILE=/ca.pem"}, "localhost:26500", false, NOBODY, 0, NULL},

    {{"CAMUNDA_CLUSTER_ID=abc", "ZEEBE_CLIENT_ID=i", "ZEEBE_CLIENT_SECRET=s"},
     SAAS,
     true,
     CLIENT,
     0,
     NULL},
    {{"CAMUNDA_CLUSTER_ID=abc", "CAMUNDA_CLUSTER_REGION=x", "WEIR_ACCESS_TOKEN=t"},
     "abc.x.zeebe.camunda.io:443",
     true,
     TOKEN,
     0,
     NULL},
    {{"CAMUNDA_CLUSTER_ID=abc", "ZEEBE_ADDRESS=h:1"}, "h:1", true, NOBODY, 0, NULL},
    {{"CAMUNDA_CLUSTER_ID=abc", "ZEEBE_PORT=1", "WEIR_ACCESS_TOKEN=t"}, SAAS, true, TOKEN, 0, NULL},
    {{"CAMUNDA_CLIENT_ID=i", "CAMUNDA_CLIENT_SECRET=s", "WEIR_ACCESS_TOKEN=t"},
     "localhost:26500",
     false,
     CLIENT,
     0,
     NULL},
    {{"WEIR_ACCESS_TOKEN=t"}, "localhost:26500", false, TOKEN, 0, NULL},
    {{"WEIR_ACCESS_TOKEN="}, "localhost:26500", false, NOBODY, 0, NULL},

    {{"CAMUNDA_CLUSTER_ID=abc"}, NULL, false, 0, WEIR_MISSING, "CAMUNDA_CLIENT_ID"},
    {{"CAMUNDA_CLIENT_ID=i"}, NULL, false, 0, WEIR_MISSING, "CAMUNDA_CLIENT_SECRET"},
    {{"ZEEBE_CLIENT_SECRET=s"}, NULL, false, 0, WEIR_MISSING, "ZEEBE_CLIENT_ID"},
    {{"CAMUNDA_CLUSTER_ID=a/b"}, NULL, false, 0, WEIR_INVALID, "the cluster id 'a/b'"},
    {{"ZEEBE_PORT=x"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_PORT"},
    {{"ZEEBE_PORT=0"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_PORT"},
    {{"ZEEBE_HOST=h:1"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_HOST"},
    {{"ZEEBE_ADDRESS=ftp://h"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_ADDRESS"},
    {{"ZEEBE_GRPC_ADDRESS=h:x"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_GRPC_ADDRESS"},
    {{"ZEEBE_INSECURE_CONNECTION=maybe"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_INSECURE"},
    {{"WEIR_ALLOW_PLAINTEXT=2"}, NULL, false, 0, WEIR_INVALID, "WEIR_ALLOW_PLAINTEXT"},
    {{"ZEEBE_KEEP_ALIVE=soon"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_KEEP_ALIVE"},
    {{"ZEEBE_KEEP_ALIVE=1y"}, NULL, false, 0, WEIR_INVALID, "ZEEBE_KEEP_ALIVE"},
    {{"ZEEBE_ADDRESS=https://h", "ZEEBE_INSECURE_CONNECTION=true"},
     NULL,
     false,
     0,
     WEIR_UNSUPPORTED,
     "contradict"},
    {{"ZEEBE_ADDRESS=http://h", "ZEEBE_CA_CERTIFICATE_PATH=/ca.pem"},
     NULL,
     false,
     0,
     WEIR_UNSUPPORTED,
     "ZEEBE_CA_CERTIFICATE_PATH"},
    {{"CAMUNDA_CLUSTER_ID=abc", "WEIR_ACCESS_TOKEN=t", "ZEEBE_INSECURE_CONNECTION=1"},
     NULL,
     false,
     0,
     WEIR_UNSUPPORTED,
     "CAMUNDA_CLUSTER_ID"},
};

static enum who who_of(const struct environment *e)
{
    if (e->login.client_id)
        return CLIENT;
    return e->token && *e->token ? TOKEN : NOBODY;
}

static void each_environment_describes_a_channel_or_says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct environment e;
        weir_error err = {0};
        set_environment(cases[i].environment);
        weir_status status = environment_find(&e, &err);
        if (cases[i].target) {
            assert_string_equal(err.message, "");
            assert_string_equal(e.gateway.target, cases[i].target);
            assert_int_equal(e.plaintext, !cases[i].tls);
            assert_int_equal(who_of(&e), cases[i].who);
        } else {
            assert_int_equal(status, cases[i].status);
            if (!strstr(err.message, cases[i].says))
                fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
        }
        environment_clear(&e);
    }
}

static void durations_are_milliseconds_or_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text[2];
        weir_ms ms;
    } durations[] = {{{"ZEEBE_KEEP_ALIVE=30000"}, 30000},
                     {{"ZEEBE_KEEP_ALIVE=45s"}, 45000},
                     {{"ZEEBE_KEEP_ALIVE=1m30s"}, 90000},
                     {{"ZEEBE_KEEP_ALIVE=250ms"}, 250},
                     {{"ZEEBE_KEEP_ALIVE="}, 0}};
    for (size_t i = 0; i < COUNT(durations); i++) {
        struct environment e;
        set_environment(durations[i].text);
        assert_int_equal(environment_find(&e, NULL), WEIR_OK);
        assert_int_equal(e.keepalive, durations[i].ms);
        environment_clear(&e);
    }
}

static void secrets_may_stand_in_files(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-secret-XXXXXX", variable[64];
    struct environment e;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hush\n", 5), 5);
    close(fd);
    snprintf(variable, sizeof variable, "CAMUNDA_CLIENT_SECRET_FILE=%s", path);
    set_environment((const char *const[]){"CAMUNDA_CLIENT_ID=i", variable, NULL});
    assert_int_equal(environment_find(&e, NULL), WEIR_OK);
    assert_string_equal(e.login.client_secret, "hush");
    environment_clear(&e);
    unlink(path);
    weir_error err = {0};
    assert_int_equal(environment_find(&e, &err), WEIR_STORE);
    environment_clear(&e);
}

/* ---- opening -------------------------------------------------------------------------------- */

static void a_token_leaves_this_machine_encrypted_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *environment[5];
        weir_status status;
    } exposures[] = {
        {{"WEIR_ACCESS_TOKEN=t"}, WEIR_OK},
        {{"WEIR_ACCESS_TOKEN=t", "ZEEBE_ADDRESS=http://h"}, WEIR_UNSUPPORTED},
        {{"WEIR_ACCESS_TOKEN=t", "ZEEBE_ADDRESS=http://h", "WEIR_ALLOW_PLAINTEXT=1"}, WEIR_OK},
        {{"ZEEBE_ADDRESS=http://h"}, WEIR_OK},
        {{"ZEEBE_CLIENT_ID=i", "ZEEBE_CLIENT_SECRET=s", "CAMUNDA_OAUTH_URL=https://a/t",
          "ZEEBE_ADDRESS=http://h"},
         WEIR_UNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT(exposures); i++) {
        weir_error err = {0};
        set_environment(exposures[i].environment);
        weir_channel *channel = weir_channel_from_environment(&err);
        assert_int_equal(err.status, exposures[i].status);
        assert_int_equal(channel != NULL, exposures[i].status == WEIR_OK);
        weir_channel_close(channel);
    }
}

static void a_token_endpoint_has_a_default_for_camunda_saas_only(void **state)
{
    (void)state;
    weir_error err = {0};
    set_environment((const char *const[]){"ZEEBE_CLIENT_ID=i", "ZEEBE_CLIENT_SECRET=s",
                                          "ZEEBE_ADDRESS=h:1", NULL});
    assert_null(weir_channel_from_environment(&err));
    assert_int_equal(err.status, WEIR_MISSING);
    assert_non_null(strstr(err.message, "CAMUNDA_OAUTH_URL"));
    err = (weir_error){0};
    setenv("ZEEBE_ADDRESS", SAAS, 1);
    weir_channel *channel = weir_channel_from_environment(&err);
    assert_string_equal(err.message, "");
    weir_channel_close(channel);
    setenv("ZEEBE_ADDRESS", "evilzeebe.camunda.io", 1); /* ends in the same letters */
    assert_null(weir_channel_from_environment(&err));
    assert_int_equal(err.status, WEIR_MISSING);
}

static int restore(void **state)
{
    (void)state;
    no_environment();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_environment_describes_a_channel_or_says_what_is_wrong),
        cmocka_unit_test(durations_are_milliseconds_or_have_units),
        cmocka_unit_test(secrets_may_stand_in_files),
        cmocka_unit_test(a_token_leaves_this_machine_encrypted_or_not_at_all),
        cmocka_unit_test(a_token_endpoint_has_a_default_for_camunda_saas_only),
    };
    return cmocka_run_group_tests(tests, restore, restore);
}
