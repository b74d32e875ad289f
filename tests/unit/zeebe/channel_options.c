/* What constructors accept, fill in, and refuse before anything is sent. */
#include "lib/check.h"
#include "unit/zeebe/environment.h"

#include <weir/weir.h>

#define URL "https://auth.example/token"

static weir_channel *insecure(weir_error *err)
{
    return weir_channel_insecure(WEIR_CHANNEL(.grpc_address = "https://h"), err);
}

static weir_channel *secure(weir_error *err)
{
    return weir_channel_secure(WEIR_CHANNEL(.grpc_address = "http://h"), err);
}

static weir_channel *insecure_tls(weir_error *err)
{
    return weir_channel_insecure(WEIR_CHANNEL(.tls = WEIR_TLS(.root_certificates = "x")), err);
}

static weir_channel *key_without_chain(weir_error *err)
{
    return weir_channel_secure(
        WEIR_CHANNEL(.tls = WEIR_TLS(.private_key = "-----BEGIN PRIVATE KEY-----\n"
                                                    "-----END PRIVATE KEY-----\n")),
        err);
}

static weir_channel *chain_without_key(weir_error *err)
{
    return weir_channel_secure(WEIR_CHANNEL(.tls = WEIR_TLS(.certificate_chain = "x")), err);
}

static weir_channel *unknown_argument(weir_error *err)
{
    return weir_channel_insecure(
        WEIR_CHANNEL(.args = (weir_channel_arg[]){{"grpc.keepalive_time", .number = 1}, {0}}), err);
}

static weir_channel *no_secret(weir_error *err)
{
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.client_id = "i", .authorization_server = URL), err);
}

static weir_channel *no_url(weir_error *err)
{
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.client_id = "i", .client_secret = "s"), err);
}

static weir_channel *plaintext_abroad(weir_error *err)
{
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = "h:1", .plaintext = true, .client_id = "i",
                            .client_secret = "s", .authorization_server = URL),
        err);
}

static weir_channel *plaintext_through_a_proxy(weir_error *err)
{
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = "localhost:1", .plaintext = true,
                            .proxy = "http://proxy.example:3128", .client_id = "i",
                            .client_secret = "s", .authorization_server = URL),
        err);
}

static weir_channel *plaintext_https(weir_error *err)
{
    return weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = "https://localhost", .plaintext = true), err);
}

static weir_channel *no_cluster(weir_error *err)
{
    return weir_channel_camunda_cloud(WEIR_CLOUD_CHANNEL(.client_id = "i", .client_secret = "s"),
                                      err);
}

static weir_channel *no_credentials(weir_error *err)
{
    return weir_channel_with_credentials(WEIR_CHANNEL(.grpc_address = "h"), NULL, err);
}

static weir_channel *no_macro(weir_error *err)
{
    static const weir_channel_options bare = {.grpc_address = "h"};
    return weir_channel_secure(&bare, err);
}

static const struct {
    weir_channel *(*open)(weir_error *err);
    weir_status status;
    const char *says;
} refused[] = {
    {insecure, WEIR_INVALID, "asks for TLS"},
    {secure, WEIR_INVALID, "asks for plaintext"},
    {insecure_tls, WEIR_INVALID, ".tls"},
    {key_without_chain, WEIR_INVALID, "certificate_chain"},
    {chain_without_key, WEIR_INVALID, "private_key"},
    {unknown_argument, WEIR_UNSUPPORTED, "grpc.keepalive_time_ms"},
    {no_secret, WEIR_MISSING, "CAMUNDA_CLIENT_SECRET"},
    {no_url, WEIR_MISSING, "CAMUNDA_OAUTH_URL"},
    {plaintext_abroad, WEIR_UNSUPPORTED, "unencrypted"},
    {plaintext_through_a_proxy, WEIR_UNSUPPORTED, "unencrypted"},
    {plaintext_https, WEIR_INVALID, "asks for TLS"},
    {no_cluster, WEIR_MISSING, "CAMUNDA_CLUSTER_ID"},
    {no_credentials, WEIR_INVALID, "credentials"},
    {no_macro, WEIR_INVALID, "WEIR_CHANNEL"},
};

static void what_cannot_be_is_refused_with_its_reason(void **state)
{
    (void)state;
    no_environment();
    for (size_t i = 0; i < COUNT(refused); i++) {
        weir_error err = {0};
        assert_null(refused[i].open(&err));
        assert_int_equal(err.status, refused[i].status);
        if (!strstr(err.message, refused[i].says))
            fail_msg("%zu: '%s' does not say '%s'", i, err.message, refused[i].says);
    }
}

static void an_error_that_is_held_is_kept_and_nothing_is_opened(void **state)
{
    (void)state;
    weir_error err = {.status = WEIR_BUSY, .message = "before"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_null(refused[i].open(&err));
        assert_int_equal(err.status, WEIR_BUSY);
        assert_string_equal(err.message, "before");
    }
    assert_null(weir_channel_from_environment(&err));
    assert_null(weir_zeebe_new(NULL, &err));
    assert_string_equal(err.message, "before");
}

static void what_is_complete_opens_without_a_connection(void **state)
{
    (void)state;
    weir_error err = {0};
    set_environment((const char *const[]){"CAMUNDA_CLIENT_ID=i", "CAMUNDA_CLIENT_SECRET=s",
                                          "CAMUNDA_CLUSTER_ID=abc", NULL});
    weir_channel *cloud = weir_channel_camunda_cloud(NULL, &err);
    /* The cluster of the environment, with its token endpoint. */
    weir_channel *oauth2 = weir_channel_oauth2_client_credentials(NULL, &err);
    weir_channel *local = weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = "grpc://localhost", .authorization_server = URL,
                            .audience = WEIR_OMIT),
        &err);
    assert_string_equal(err.message, "");
    assert_int_equal(weir_channel_state_now(cloud), WEIR_CHANNEL_IDLE);
    assert_int_equal(weir_channel_state_now(oauth2), WEIR_CHANNEL_IDLE);
    assert_int_equal(weir_channel_state_now(local), WEIR_CHANNEL_IDLE);
    assert_int_equal(weir_channel_wait(local, WEIR_CHANNEL_IDLE, 1, &err), WEIR_NOTHING);
    assert_int_equal(weir_channel_wait(local, WEIR_CHANNEL_READY, WEIR_FOREVER, &err), WEIR_OK);
    weir_channel *again = weir_channel_ref(local);
    weir_channel_close(local);
    assert_int_equal(weir_channel_state_now(again), WEIR_CHANNEL_IDLE);
    weir_channel_close(again);
    weir_channel_close(oauth2);
    weir_channel_close(cloud);
    no_environment();
}

static void counters_fit_the_struct_of_the_caller(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_channel *channel = weir_channel_insecure(NULL, &err);
    struct {
        weir_channel_counters counters;
        uint64_t guard;
    } all = {{.struct_size = sizeof all.counters}, 7};
    assert_int_equal(weir_channel_counters_read(channel, &all.counters, &err), WEIR_OK);
    assert_int_equal(all.counters.struct_size, sizeof all.counters);
    assert_int_equal(all.counters.calls_started, 0);
    all.counters.calls_ok = 5; /* an older, shorter struct is not written beyond its end */
    all.counters.struct_size = sizeof(size_t) + sizeof(uint64_t);
    assert_int_equal(weir_channel_counters_read(channel, &all.counters, &err), WEIR_OK);
    assert_int_equal(all.counters.calls_ok, 5);
    assert_int_equal(all.guard, 7);
    all.counters.struct_size = 0;
    assert_int_equal(weir_channel_counters_read(channel, &all.counters, &err), WEIR_INVALID);
    assert_int_equal(weir_channel_counters_read(channel, NULL, &err), WEIR_INVALID);
    weir_channel_close(channel);
    assert_int_equal(weir_channel_state_now(NULL), WEIR_CHANNEL_SHUTDOWN);
    weir_channel_close(NULL);
    assert_null(weir_channel_ref(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_is_refused_with_its_reason),
        cmocka_unit_test(an_error_that_is_held_is_kept_and_nothing_is_opened),
        cmocka_unit_test(what_is_complete_opens_without_a_connection),
        cmocka_unit_test(counters_fit_the_struct_of_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
