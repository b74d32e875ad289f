/* Tokens from the sandbox's endpoint, through the public API. */
#include "lib/check.h"

#include "core/clock.h"
#include "core/mem.h"
#include "credentials/ask.h"
#include "sandbox/sandbox.h"
#include "sandbox/token.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/log.h>

#define URL(sandbox) sandbox_value(sandbox, "OAUTH_TOKEN_URL")

static struct sandbox *start(const struct sandbox_options *options)
{
    weir_error err = {0};
    struct sandbox *sandbox = sandbox_start(options, &err);
    if (!sandbox)
        fail_msg("sandbox_start: %s", err.message);
    return sandbox;
}

static struct sandbox *start_oauth(void)
{
    return start(&(struct sandbox_options){.only = "oauth"});
}

static void fault(struct sandbox *sandbox, const char *line)
{
    weir_error err = {0};
    if (sandbox_fault(sandbox, line, &err) != WEIR_OK)
        fail_msg("%s: %s", line, err.message);
}

static weir_credentials *open_with(const weir_oauth2_options *o)
{
    weir_error err = {0};
    weir_credentials *c = weir_credentials_oauth2(o, &err);
    if (!c)
        fail_msg("weir_credentials_oauth2: %s", err.message);
    return c;
}

static weir_credentials *open_to(struct sandbox *sandbox)
{
    return open_with(WEIR_OAUTH2(.token_url = URL(sandbox), .client_id = TOKEN_CLIENT_ID,
                                 .client_secret = TOKEN_CLIENT_SECRET));
}

static weir_token *token_of(weir_credentials *c)
{
    weir_error err = {0};
    weir_token *token = weir_credentials_token(c, 10000, &err);
    if (!token)
        fail_msg("weir_credentials_token: %s", err.message);
    return token;
}

static void a_token_is_fetched_once_and_then_at_hand(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_to(sandbox);
    (void)state;
    assert_null(credentials_peek(c));
    weir_token *one = token_of(c), *two = credentials_peek(c);
    assert_ptr_equal(one, two);
    assert_int_equal(strncmp(weir_token_value(one), "weir-sandbox-", 13), 0);
    assert_string_equal(weir_token_type(one), "Bearer");
    assert_false(weir_token_from_cache(one));
    int64_t now = clock_wall(clock_system()) / NS_PER_S;
    assert_in_range(weir_token_expires_at(one), now + 290, now + 300);
    weir_token_free(one);
    weir_token_free(two);
    weir_credentials_free(c);
    assert_int_equal(sandbox_count(sandbox, "token"), 1);
    sandbox_stop(sandbox);
}

/* --- many threads ---------------------------------------------------------------------------- */

#define THREADS 200

struct crowd {
    weir_credentials *credentials;
    pthread_barrier_t together;
    weir_token *reject; /* by each thread, first */
    weir_token *first;  /* what all must get; NULL: not known yet */
    atomic_int good, same;
};

static void *one_of_many(void *user)
{
    struct crowd *crowd = user;
    weir_error err = {0};
    pthread_barrier_wait(&crowd->together);
    if (crowd->reject)
        weir_credentials_reject(crowd->credentials, crowd->reject);
    weir_token *token = weir_credentials_token(crowd->credentials, 20000, &err);
    atomic_fetch_add(&crowd->good, token != NULL);
    atomic_fetch_add(&crowd->same, token && token != crowd->reject);
    weir_token_free(token);
    return NULL;
}

static void run_crowd(struct crowd *crowd)
{
    pthread_t threads[THREADS];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, (size_t)256 * 1024);
    pthread_barrier_init(&crowd->together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], &small, one_of_many, crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd->together);
    pthread_attr_destroy(&small);
    assert_int_equal(crowd->good, THREADS);
    assert_int_equal(crowd->same, THREADS);
}

static void two_hundred_threads_ask_one_fetch(void **state)
{
    struct sandbox *sandbox = start_oauth();
    struct crowd crowd = {.credentials = open_to(sandbox)};
    (void)state;
    fault(sandbox, "token 1 delay:100ms");
    run_crowd(&crowd);
    assert_int_equal(sandbox_count(sandbox, "token"), 1);
    weir_credentials_free(crowd.credentials);
    sandbox_stop(sandbox);
}

static void a_burst_of_401_one_fetch(void **state)
{
    struct sandbox *sandbox = start_oauth();
    struct crowd crowd = {.credentials = open_to(sandbox)};
    (void)state;
    crowd.reject = token_of(crowd.credentials);
    run_crowd(&crowd);
    assert_int_equal(sandbox_count(sandbox, "token"), 2);
    weir_token_free(crowd.reject);
    weir_credentials_free(crowd.credentials);
    sandbox_stop(sandbox);
}

/* --- refused, down, hanging ------------------------------------------------------------------- */

static void refused_credentials_say_so_at_once(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_error err = {0};
    (void)state;
    weir_credentials *c = open_with(WEIR_OAUTH2(.token_url = URL(sandbox), .client_id = "sandbox",
                                                .client_secret = "not-the-secret"));
    for (int i = 0; i < 20; i++) {
        int64_t before = clock_mono(clock_system());
        assert_null(weir_credentials_token(c, 10000, &err));
        assert_in_range(clock_mono(clock_system()) - before, 0, 3 * NS_PER_S);
        assert_int_equal(err.status, WEIR_BAD_LOGIN);
        assert_int_equal(err.kind, WEIR_KIND_TOKEN_REFUSED);
        assert_int_equal(err.code, 401);
        assert_non_null(strstr(err.message, "invalid_client"));
        assert_non_null(strstr(err.message, "no such client, or not its secret"));
        assert_null(strstr(err.message, "not-the-secret"));
    }
    assert_in_range(sandbox_count(sandbox, "token"), 1, 2);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_fetched_once_and_then_at_hand),
        cmocka_unit_test(two_hundred_threads_ask_one_fetch),
        cmocka_unit_test(a_burst_of_401_one_fetch),
        cmocka_unit_test(refused_credentials_say_so_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
