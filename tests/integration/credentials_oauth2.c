/* Tokens from the sandbox's endpoint, through the public API. */
#include "integration/credentials_lib.h"

#include "credentials/ask.h"
#include "io/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

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

/* --- many threads ------------------------------------------------------------------------- */

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

/* --- refused, down, hanging --------------------------------------------------------------- */

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

struct patient {
    weir_credentials *credentials;
    weir_ms limit;
    int64_t took;
    weir_error err;
    bool got;
};

static void *wait_with_limit(void *user)
{
    struct patient *p = user;
    int64_t before = clock_mono(clock_system());
    weir_token *token = weir_credentials_token(p->credentials, p->limit, &p->err);
    p->took = ms_since(before);
    p->got = token != NULL;
    weir_token_free(token);
    return NULL;
}

static void token_endpoint_hangs_and_each_caller_has_its_own_limit(void **state)
{
    struct sandbox *sandbox = start_oauth();
    struct patient patients[] = {
        {.limit = WEIR_NO_WAIT}, {.limit = 50}, {.limit = 300}, {.limit = 700}};
    pthread_t threads[COUNT(patients)];
    weir_credentials *c = open_with(WEIR_OAUTH2(CLIENT(sandbox), .timeout = 60000));
    (void)state;
    fault(sandbox, "token 9 hang");
    for (size_t i = 0; i < COUNT(patients); i++) {
        patients[i].credentials = c;
        pthread_create(&threads[i], NULL, wait_with_limit, &patients[i]);
    }
    for (size_t i = 0; i < COUNT(patients); i++) {
        pthread_join(threads[i], NULL);
        assert_false(patients[i].got);
        assert_int_equal(patients[i].err.status, WEIR_TIMEOUT);
        assert_int_equal(patients[i].err.kind, WEIR_KIND_TOKEN_UNAVAILABLE);
        assert_in_range(patients[i].took, patients[i].limit, patients[i].limit + 5000);
    }
    assert_in_range(sandbox_count(sandbox, "token"), 0, 1);
    int64_t before = clock_mono(clock_system());
    weir_credentials_free(c); /* and nobody waits for the endpoint */
    assert_in_range(ms_since(before), 0, 5000);
    sandbox_stop(sandbox);
}

static void a_request_that_takes_too_long_is_a_timeout_and_another_follows(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_with(WEIR_OAUTH2(CLIENT(sandbox), .timeout = 200));
    (void)state;
    fault(sandbox, "token 1 hang");
    weir_token_free(token_of(c));
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void a_dead_endpoint_is_unreachable_and_comes_back(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_to(sandbox);
    weir_error err = {0};
    pthread_t thread;
    struct patient patient = {.credentials = c, .limit = 30000};
    (void)state;
    assert_int_equal(sandbox_service_stop(sandbox, "oauth", &err), WEIR_OK);
    int64_t before = clock_mono(clock_system());
    assert_null(weir_credentials_token(c, 700, &err));
    assert_in_range(ms_since(before), 0, 5000);
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_UNAVAILABLE);
    assert_non_null(strstr(err.message, "fetching a token from http://127.0.0.1:"));
    pthread_create(&thread, NULL, wait_with_limit, &patient);
    assert_int_equal(sandbox_service_start(sandbox, "oauth", &err), WEIR_OK);
    pthread_join(thread, NULL);
    assert_string_equal(patient.err.message, "");
    assert_true(patient.got);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void token_endpoint_down_while_the_token_is_valid(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_to(sandbox);
    weir_token *token = token_of(c);
    weir_error err = {0};
    (void)state;
    sandbox_service_stop(sandbox, "oauth", &err);
    assert_null(weir_credentials_refresh(c, 300, &err));
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    for (int i = 0; i < 100; i++) {
        weir_token *again = weir_credentials_token(c, WEIR_NO_WAIT, &err);
        assert_ptr_equal(again, token);
        assert_int_equal(err.status, WEIR_OK);
        weir_token_free(again);
    }
    weir_token_free(token);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void a_refresh_brings_another_token_and_the_others_keep_theirs(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_to(sandbox);
    weir_token *one = token_of(c);
    weir_error err = {0};
    (void)state;
    weir_token *two = weir_credentials_refresh(c, 10000, &err);
    assert_non_null(two);
    assert_string_not_equal(weir_token_value(one), weir_token_value(two));
    weir_token *three = token_of(c);
    assert_ptr_equal(two, three);
    weir_credentials_reject(c, one); /* long gone: nothing happens */
    weir_token *four = token_of(c);
    assert_ptr_equal(two, four);
    assert_int_equal(sandbox_count(sandbox, "token"), 2);
    weir_token_free(one);
    weir_token_free(two);
    weir_token_free(three);
    weir_token_free(four);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void each_answer_has_its_status(void **state)
{
    static const struct {
        const char *fault;
        weir_status status;
        weir_kind kind;
    } rows[] = {
        {"token 9 garbage", WEIR_PROTOCOL, WEIR_KIND_TOKEN_UNUSABLE},
        {"token 9 http:403", WEIR_FORBIDDEN, WEIR_KIND_TOKEN_REFUSED},
        {"token 9 http:404", WEIR_NOT_FOUND, WEIR_KIND_TOKEN_UNAVAILABLE},
        {"token 9 http:500", WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
        {"token 9 http:429", WEIR_BUSY, WEIR_KIND_TOKEN_UNAVAILABLE},
        {"token 9 error:invalid_scope", WEIR_INVALID, WEIR_KIND_TOKEN_REFUSED},
        {"token 9 error:access_denied", WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
        {"token 9 cut", WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sandbox *sandbox = start_oauth();
        weir_credentials *c = open_to(sandbox);
        weir_error err = {0};
        fault(sandbox, rows[i].fault);
        assert_null(weir_credentials_token(c, 1000, &err));
        if (err.status != rows[i].status || err.kind != (int32_t)rows[i].kind)
            fail_msg("%s: %s (%s): %s", rows[i].fault, weir_status_name(err.status),
                     weir_kind_name(err.kind), err.message);
        weir_credentials_free(c);
        sandbox_stop(sandbox);
    }
}

static void a_wish_to_wait_is_granted(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_to(sandbox);
    (void)state;
    fault(sandbox, "token 1 http:503:1"); /* Retry-After: 1 */
    int64_t before = clock_mono(clock_system());
    weir_token_free(token_of(c));
    assert_in_range(ms_since(before), 990, 9000);
    assert_int_equal(sandbox_count(sandbox, "token"), 2);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

/* --- asking without waiting --------------------------------------------------------------- */

struct answered {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int times;
    weir_status status;
    struct token_ask *ask;
};

static void on_token(void *user, weir_token *token, const weir_error *err)
{
    struct answered *a = user;
    pthread_mutex_lock(&a->lock);
    a->times++;
    a->status = err ? err->status : WEIR_OK;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->lock);
    weir_token_free(token);
}

static void cancel(void *user)
{
    credentials_ask_cancel(((struct answered *)user)->ask);
}

static void an_ask_is_answered_once_or_not_at_all_when_cancelled(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_credentials *c = open_to(sandbox);
    struct answered a = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct answered never = a;
    weir_error err = {0};
    struct loop *loop = loop_acquire(&err);
    struct deadline until = deadline_in(clock_system(), 10000, 0);
    (void)state;
    fault(sandbox, "token 1 delay:100ms");
    a.ask = credentials_ask(c, until, false, on_token, &a, &err);
    for (int i = 0; i < 10; i++) {
        never.ask = credentials_ask(c, until, false, on_token, &never, &err);
        loop_call(loop, cancel, &never);
    }
    weir_credentials_free(c); /* the ask holds it */
    pthread_mutex_lock(&a.lock);
    while (!a.times)
        pthread_cond_wait(&a.moved, &a.lock);
    pthread_mutex_unlock(&a.lock);
    loop_release(loop);
    assert_int_equal(a.times, 1);
    assert_int_equal(a.status, WEIR_OK);
    assert_int_equal(never.times, 0);
    sandbox_stop(sandbox);
}

/* --- closing ------------------------------------------------------------------------------ */

static void *ask_and_leave(void *user)
{
    weir_credentials *c = user;
    for (int i = 0; i < 5; i++) {
        weir_token *token = weir_credentials_token(c, i, NULL);
        weir_credentials_reject(c, token);
        weir_token_free(token);
    }
    weir_credentials_free(c);
    return NULL;
}

static void close_during_everything(void **state)
{
    struct sandbox *sandbox = start_oauth();
    (void)state;
    fault(sandbox, "token 20 delay:3ms");
    for (int round = 0; round < 40; round++) {
        pthread_t threads[4];
        weir_credentials *c = open_to(sandbox);
        for (size_t i = 0; i < COUNT(threads); i++)
            pthread_create(&threads[i], NULL, ask_and_leave, weir_credentials_ref(c));
        weir_credentials_free(c);
        for (size_t i = 0; i < COUNT(threads); i++)
            pthread_join(threads[i], NULL);
    }
    sandbox_stop(sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_fetched_once_and_then_at_hand),
        cmocka_unit_test(two_hundred_threads_ask_one_fetch),
        cmocka_unit_test(a_burst_of_401_one_fetch),
        cmocka_unit_test(refused_credentials_say_so_at_once),
        cmocka_unit_test(token_endpoint_hangs_and_each_caller_has_its_own_limit),
        cmocka_unit_test(a_request_that_takes_too_long_is_a_timeout_and_another_follows),
        cmocka_unit_test(a_dead_endpoint_is_unreachable_and_comes_back),
        cmocka_unit_test(token_endpoint_down_while_the_token_is_valid),
        cmocka_unit_test(a_refresh_brings_another_token_and_the_others_keep_theirs),
        cmocka_unit_test(each_answer_has_its_status),
        cmocka_unit_test(a_wish_to_wait_is_granted),
        cmocka_unit_test(an_ask_is_answered_once_or_not_at_all_when_cancelled),
        cmocka_unit_test(close_during_everything),
        cmocka_unit_test(no_secret_is_in_any_log),
    };
    return cmocka_run_group_tests(tests, listen_to_everything, NULL);
}
