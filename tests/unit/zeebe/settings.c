/* The eight getters, case by case; an empty variable counts as unset everywhere. */
#include "lib/check.h"
#include "unit/zeebe/environment.h"

#include <weir/weir.h>

enum getter { ADDRESS, OAUTH_URL, CLIENT_ID, CLIENT_SECRET, CLUSTER_ID, REGION, AUDIENCE };

static const char *get(enum getter getter, const char *fallback, weir_error *err)
{
    switch (getter) {
    case ADDRESS:
        return weir_setting_zeebe_address(fallback);
    case OAUTH_URL:
        return weir_setting_oauth_url(fallback, err);
    case CLIENT_ID:
        return weir_setting_client_id(err);
    case CLIENT_SECRET:
        return weir_setting_client_secret(err);
    case CLUSTER_ID:
        return weir_setting_cluster_id(err);
    case REGION:
        return weir_setting_cluster_region(fallback, err);
    default:
        return weir_setting_token_audience(fallback, err);
    }
}

static const struct {
    const char *environment[3];
    enum getter getter;
    const char *fallback, *value; /* value NULL: `missing` is in the message */
    const char *missing;
} cases[] = {
    {{NULL}, ADDRESS, NULL, "localhost:26500", NULL},
    {{NULL}, ADDRESS, "fallback:1", "fallback:1", NULL},
    {{NULL}, ADDRESS, "", "localhost:26500", NULL},
    {{"ZEEBE_ADDRESS=env:2"}, ADDRESS, "fallback:1", "env:2", NULL},
    {{"ZEEBE_ADDRESS="}, ADDRESS, "fallback:1", "fallback:1", NULL},

    {{"CAMUNDA_OAUTH_URL=c", "ZEEBE_AUTHORIZATION_SERVER_URL=z"}, OAUTH_URL, "f", "c", NULL},
    {{"CAMUNDA_OAUTH_URL=", "ZEEBE_AUTHORIZATION_SERVER_URL=z"}, OAUTH_URL, "f", "z", NULL},
    {{"ZEEBE_AUTHORIZATION_SERVER_URL="}, OAUTH_URL, "f", "f", NULL},
    {{"ZEEBE_AUTHORIZATION_SERVER_URL="},
     OAUTH_URL,
     NULL,
     NULL,
     "no CAMUNDA_OAUTH_URL or ZEEBE_AUTHORIZATION_SERVER_URL provided"},

    {{"CAMUNDA_CLIENT_ID=c", "ZEEBE_CLIENT_ID=z"}, CLIENT_ID, NULL, "c", NULL},
    {{"CAMUNDA_CLIENT_ID=", "ZEEBE_CLIENT_ID=z"}, CLIENT_ID, NULL, "z", NULL},
    {{"ZEEBE_CLIENT_ID="}, CLIENT_ID, NULL, NULL, "no CAMUNDA_CLIENT_ID or ZEEBE_CLIENT_ID"},

    {{"CAMUNDA_CLIENT_SECRET=c"}, CLIENT_SECRET, NULL, "c", NULL},
    {{"ZEEBE_CLIENT_SECRET=z"}, CLIENT_SECRET, NULL, "z", NULL},
    {{NULL}, CLIENT_SECRET, NULL, NULL, "no CAMUNDA_CLIENT_SECRET or ZEEBE_CLIENT_SECRET provided"},

    {{"CAMUNDA_CLUSTER_ID=abc"}, CLUSTER_ID, NULL, "abc", NULL},
    {{"CAMUNDA_CLUSTER_ID="}, CLUSTER_ID, NULL, NULL, "no CAMUNDA_CLUSTER_ID provided"},

    {{"CAMUNDA_CLUSTER_REGION=jfk-1"}, REGION, "bru-2", "jfk-1", NULL},
    {{NULL}, REGION, "bru-2", "bru-2", NULL},
    {{NULL}, REGION, NULL, NULL, "no CAMUNDA_CLUSTER_REGION provided"},

    {{"CAMUNDA_TOKEN_AUDIENCE=c", "ZEEBE_TOKEN_AUDIENCE=z"}, AUDIENCE, "f", "c", NULL},
    {{"ZEEBE_TOKEN_AUDIENCE=z"}, AUDIENCE, "f", "z", NULL},
    {{NULL}, AUDIENCE, "f", "f", NULL},
    {{NULL}, AUDIENCE, NULL, NULL, "no CAMUNDA_TOKEN_AUDIENCE or ZEEBE_TOKEN_AUDIENCE provided"},
};

static void each_getter_takes_the_first_that_is_not_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        set_environment(cases[i].environment);
        const char *value = get(cases[i].getter, cases[i].fallback, &err);
        if (cases[i].value) {
            assert_string_equal(value, cases[i].value);
            assert_int_equal(err.status, WEIR_OK);
        } else {
            assert_null(value);
            assert_int_equal(err.status, WEIR_MISSING);
            assert_non_null(strstr(err.message, cases[i].missing));
        }
    }
}

static void a_getter_that_succeeds_clears_the_error(void **state)
{
    (void)state;
    weir_error err = {0};
    no_environment();
    assert_null(weir_setting_client_id(&err));
    assert_non_null(weir_setting_cluster_region("bru-2", &err));
    assert_int_equal(err.status, WEIR_OK);
}

static void a_cluster_has_an_address(void **state)
{
    (void)state;
    static const struct {
        const char *id, *region, *address;
        weir_status status;
    } addresses[] = {
        {"abc-1", "bru-2", "abc-1.bru-2.zeebe.camunda.io:443", WEIR_OK},
        {NULL, "bru-2", NULL, WEIR_MISSING},
        {"abc", NULL, NULL, WEIR_MISSING},
        {"", "bru-2", NULL, WEIR_MISSING},
        {"abc", "", NULL, WEIR_MISSING},
        {"evil.example/", "bru-2", NULL, WEIR_INVALID},
        {"abc", "x:1@evil.example", NULL, WEIR_INVALID},
    };
    for (size_t i = 0; i < COUNT(addresses); i++) {
        weir_error err = {0};
        char *address = weir_setting_camunda_address(addresses[i].id, addresses[i].region, &err);
        assert_int_equal(err.status, addresses[i].status);
        if (addresses[i].address)
            assert_string_equal(address, addresses[i].address);
        else
            assert_null(address);
        weir_free(address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_getter_takes_the_first_that_is_not_empty),
        cmocka_unit_test(a_getter_that_succeeds_clears_the_error),
        cmocka_unit_test(a_cluster_has_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
