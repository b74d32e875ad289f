/* Ways to get a token from an endpoint, and credentials that need none. */
#include "integration/credentials_lib.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void every_way_to_authenticate_works_with_odd_characters(void **state)
{
    static const weir_client_auth ways[] = {WEIR_CLIENT_AUTH_POST, WEIR_CLIENT_AUTH_BASIC,
                                            WEIR_CLIENT_AUTH_JSON};
    struct sandbox *sandbox = start_oauth();
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        weir_credentials *c =
            open_with(WEIR_OAUTH2(.token_url = URL(sandbox), .client_auth = ways[i],
                                  .client_id = TOKEN_ODD_CLIENT_ID, .scope = "a b",
                                  .client_secret = TOKEN_ODD_CLIENT_SECRET));
        weir_token *token = token_of(c);
        assert_string_equal(weir_token_field(token, "scope"), "a b");
        weir_token_free(token);
        weir_credentials_free(c);
    }
    sandbox_stop(sandbox);
}

static void assertions_prove_the_client_and_speak_for_the_user(void **state)
{
    struct sandbox *sandbox = start_oauth();
    const char *key = sandbox_value(sandbox, "OAUTH_PRIVATE_KEY");
    (void)state;
    for (int i = 0; i < 2; i++) { /* the endpoint takes each assertion once */
        weir_credentials *c =
            open_with(WEIR_OAUTH2(.token_url = URL(sandbox), .private_key_file = key,
                                  .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT,
                                  .client_id = TOKEN_CLIENT_ID));
        weir_token_free(token_of(c));
        weir_credentials_free(c);
        c = open_with(WEIR_OAUTH2(.token_url = URL(sandbox), .private_key_file = key,
                                  .grant = WEIR_GRANT_JWT_BEARER, .client_id = TOKEN_CLIENT_ID,
                                  .username = TOKEN_USERNAME));
        weir_token_free(token_of(c));
        weir_credentials_free(c);
    }
    assert_int_equal(sandbox_count(sandbox, "token.issued"), 4);
    sandbox_stop(sandbox);
}

struct rotations {
    pthread_mutex_t lock;
    char last[256];
    int count;
    pthread_t thread;
};

static void note_rotation(const char *refresh_token, void *user)
{
    struct rotations *r = user;
    pthread_mutex_lock(&r->lock);
    snprintf(r->last, sizeof r->last, "%s", refresh_token);
    r->count++;
    r->thread = pthread_self();
    pthread_mutex_unlock(&r->lock);
}

/* The endpoint takes each of its own refresh tokens once. */
static void a_rotated_refresh_token_is_used_next_and_told(void **state)
{
    struct sandbox *sandbox = start_oauth();
    struct rotations r = {.lock = PTHREAD_MUTEX_INITIALIZER};
    weir_error err = {0};
    weir_credentials *c = open_with(WEIR_OAUTH2(.grant = WEIR_GRANT_REFRESH_TOKEN, CLIENT(sandbox),
                                                .refresh_token = TOKEN_REFRESH_TOKEN,
                                                .on_refresh_token = note_rotation, .user = &r));
    (void)state;
    weir_token_free(token_of(c));
    for (int i = 0; i < 3; i++) {
        weir_token *token = weir_credentials_refresh(c, 10000, &err);
        assert_string_equal(err.message, "");
        weir_token_free(token);
    }
    weir_token *newest = token_of(c);
    weir_credentials_free(c); /* and nothing is told after it */
    assert_int_equal(r.count, 4);
    assert_string_equal(r.last, weir_token_field(newest, "refresh_token"));
    assert_false(pthread_equal(r.thread, pthread_self()));
    weir_token_free(newest);
    sandbox_stop(sandbox);
}

static void the_password_grant_brings_a_token(void **state)
{
    struct sandbox *sandbox = start_oauth();
    (void)state;
    weir_credentials *c =
        open_with(WEIR_OAUTH2(.grant = WEIR_GRANT_PASSWORD, CLIENT(sandbox),
                              .username = TOKEN_USERNAME, .password = TOKEN_PASSWORD));
    weir_token_free(token_of(c));
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void tls_is_verified_with_the_given_roots(void **state)
{
    struct sandbox *sandbox = start_with(&(struct sandbox_options){.only = "oauth", .tls = true});
    weir_error err = {0};
    (void)state;
    weir_credentials *c =
        open_with(WEIR_OAUTH2(CLIENT(sandbox), .ca_file = sandbox_value(sandbox, "WEIR_CA_FILE")));
    weir_token_free(token_of(c));
    weir_credentials_free(c);
    c = open_to(sandbox);
    int64_t before = clock_mono(clock_system());
    assert_null(weir_credentials_token(c, 20000, &err));
    assert_in_range(ms_since(before), 0, 10000); /* at once: it will not mend itself */
    assert_int_equal(err.status, WEIR_UNTRUSTED);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void a_broken_ca_file_is_named_when_the_credentials_are_made(void **state)
{
    weir_error err = {0};
    (void)state;
    assert_null(
        weir_credentials_oauth2(WEIR_OAUTH2(.token_url = "https://localhost/", .client_id = "a",
                                            .client_secret = "s", .ca_file = "/no/such/file.pem"),
                                &err));
    assert_non_null(strstr(err.message, "/no/such/file.pem"));
    assert_null(weir_credentials_oauth2(WEIR_OAUTH2(.token_url = "x"), &err)); /* rule 1 */
    assert_non_null(strstr(err.message, "/no/such/file.pem"));
}

static void plaintext_to_elsewhere_is_refused_before_connecting(void **state)
{
    weir_error err = {0};
    (void)state;
    assert_null(weir_credentials_oauth2(
        WEIR_OAUTH2(.token_url = "http://192.0.2.1/token", .client_id = "a", .client_secret = "s"),
        &err));
    assert_int_equal(err.status, WEIR_UNSUPPORTED);
    assert_int_equal(weir_error_exit_status(&err), 78);
}

/* --- fixed -------------------------------------------------------------------------------- */

static void a_fixed_token_stays_as_it_is(void **state)
{
    weir_error err = {0};
    weir_credentials *c = weir_credentials_fixed("abc", &err);
    (void)state;
    weir_token *token = token_of(c);
    assert_string_equal(weir_token_value(token), "abc");
    assert_true(weir_token_expires_at(token) == INT64_MAX);
    weir_credentials_reject(c, token);
    weir_token *again = token_of(c);
    assert_ptr_equal(again, token);
    assert_null(weir_credentials_refresh(c, 1000, &err));
    assert_int_equal(err.status, WEIR_UNSUPPORTED);
    weir_token_free(token);
    weir_token_free(again);
    weir_credentials_free(c);
    err = (weir_error){0};
    assert_null(weir_credentials_fixed("a b", &err));
    assert_int_equal(err.status, WEIR_INVALID);
    err = (weir_error){0};
    assert_null(weir_credentials_fixed(NULL, &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

static void without_credentials_nothing_happens(void **state)
{
    weir_error err = {.status = WEIR_MISSING, .message = "why there are none"};
    (void)state;
    assert_null(weir_credentials_token(NULL, 1000, &err));
    assert_string_equal(err.message, "why there are none");
    assert_null(weir_credentials_refresh(NULL, 1000, &err));
    weir_credentials_reject(NULL, NULL);
    assert_null(weir_credentials_ref(NULL));
    weir_credentials_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_authenticate_works_with_odd_characters),
        cmocka_unit_test(assertions_prove_the_client_and_speak_for_the_user),
        cmocka_unit_test(a_rotated_refresh_token_is_used_next_and_told),
        cmocka_unit_test(the_password_grant_brings_a_token),
        cmocka_unit_test(tls_is_verified_with_the_given_roots),
        cmocka_unit_test(a_broken_ca_file_is_named_when_the_credentials_are_made),
        cmocka_unit_test(plaintext_to_elsewhere_is_refused_before_connecting),
        cmocka_unit_test(a_fixed_token_stays_as_it_is),
        cmocka_unit_test(without_credentials_nothing_happens),
        cmocka_unit_test(no_secret_is_in_any_log),
    };
    return cmocka_run_group_tests(tests, listen_to_everything, NULL);
}
