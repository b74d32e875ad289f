/* A program's own source of tokens: one that answers, fails, forgets, blocks, and is closed. */
#include "integration/credentials_lib.h"

#include "credentials/ask.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct own {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool blocks; /* until released */
    int fetches, destroyed, running;
    const char *token, *scheme, *field;
    int expires_in;
    weir_status status;
    const char *words;
    pthread_t thread;
    weir_ms limit;
};

/* cmocka's asserts belong to the test's thread. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

static weir_status fetch(void *user, weir_token_answer *answer, weir_ms limit, weir_error *err)
{
    struct own *own = user;
    pthread_mutex_lock(&own->lock);
    own->fetches++;
    own->running++;
    own->thread = pthread_self();
    own->limit = limit;
    pthread_cond_broadcast(&own->moved);
    while (own->blocks)
        pthread_cond_wait(&own->moved, &own->lock);
    own->running--;
    weir_status status = own->status;
    pthread_mutex_unlock(&own->lock);
    if (own->words) {
        err->status = WEIR_INVALID; /* what is returned counts */
        snprintf(err->message, sizeof err->message, "%s", own->words);
    }
    if (own->token)
        must(weir_token_set(answer, own->token, own->expires_in) == WEIR_OK);
    if (own->scheme)
        must(weir_token_set_type(answer, own->scheme) == WEIR_OK);
    if (own->field)
        must(weir_token_set_field(answer, "instance_url", own->field) == WEIR_OK);
    return status;
}

static void destroy(void *user)
{
    struct own *own = user;
    pthread_mutex_lock(&own->lock);
    must(own->running == 0);
    own->destroyed++;
    pthread_mutex_unlock(&own->lock);
}

static struct own own_with(const char *token)
{
    return (struct own){.lock = PTHREAD_MUTEX_INITIALIZER,
                        .moved = PTHREAD_COND_INITIALIZER,
                        .token = token,
                        .expires_in = 600};
}

static weir_credentials *custom_with(struct own *own, weir_ms timeout)
{
    weir_error err = {0};
    weir_credentials *c = weir_credentials_custom(
        WEIR_TOKEN_SOURCE(.fetch = fetch, .destroy = destroy, .user = own, .timeout = timeout),
        &err);
    if (!c)
        fail_msg("weir_credentials_custom: %s", err.message);
    return c;
}

static void release(struct own *own)
{
    pthread_mutex_lock(&own->lock);
    own->blocks = false;
    pthread_cond_broadcast(&own->moved);
    pthread_mutex_unlock(&own->lock);
}

static int fetches_of(struct own *own)
{
    pthread_mutex_lock(&own->lock);
    int fetches = own->fetches;
    pthread_mutex_unlock(&own->lock);
    return fetches;
}

static void wait_until_it_runs(struct own *own)
{
    pthread_mutex_lock(&own->lock);
    while (!own->running)
        pthread_cond_wait(&own->moved, &own->lock);
    pthread_mutex_unlock(&own->lock);
}

static void a_source_hands_its_token_over(void **state)
{
    struct own own = own_with("T1");
    weir_credentials *c = custom_with(&own, 5000);
    (void)state;
    own.scheme = "DPoP";
    own.field = "https://x";
    assert_int_equal(fetches_of(&own), 0); /* not before the first token is wanted */
    weir_token *token = token_of(c);
    assert_string_equal(weir_token_value(token), "T1");
    assert_string_equal(weir_token_type(token), "DPoP");
    assert_string_equal(weir_token_field(token, "instance_url"), "https://x");
    int64_t now = clock_wall(clock_system()) / NS_PER_S;
    assert_in_range(weir_token_expires_at(token), now + 595, now + 600);
    weir_token_free(token);
    weir_token_free(token_of(c));
    assert_int_equal(fetches_of(&own), 1);
    assert_int_equal(own.limit, 5000);
    assert_false(pthread_equal(own.thread, pthread_self()));
    assert_int_equal(own.destroyed, 0);
    weir_credentials_free(c);
    assert_int_equal(own.destroyed, 1);
}

static void a_long_token_and_no_expiry_are_fine(void **state)
{
    static char text[64 * 1024 + 1];
    struct own own = own_with(text);
    memset(text, 'x', sizeof text - 1);
    own.expires_in = 0;
    weir_credentials *c = custom_with(&own, 5000);
    (void)state;
    weir_token *token = token_of(c);
    assert_int_equal(strlen(weir_token_value(token)), sizeof text - 1);
    int64_t now = clock_wall(clock_system()) / NS_PER_S;
    assert_in_range(weir_token_expires_at(token), now + 295, now + 300);
    weir_token_free(token);
    weir_credentials_free(c);
}

static void a_source_that_forgets_its_token_is_told_so(void **state)
{
    struct own own = own_with(NULL);
    weir_credentials *c = custom_with(&own, 5000);
    weir_error err = {0};
    (void)state;
    assert_null(weir_credentials_token(c, 20000, &err));
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_UNUSABLE);
    assert_non_null(strstr(err.message, "set no token"));
    weir_credentials_free(c);
    assert_int_equal(own.destroyed, 1);
}

static void a_source_that_fails_is_quoted(void **state)
{
    struct own own = own_with(NULL);
    weir_credentials *c = custom_with(&own, 5000);
    weir_error err = {0};
    (void)state;
    own.status = WEIR_BAD_LOGIN;
    own.words = "the vault\nis locked";
    int64_t before = clock_mono(clock_system());
    assert_null(weir_credentials_token(c, 20000, &err));
    assert_in_range(ms_since(before), 0, 10000);
    assert_int_equal(err.status, WEIR_BAD_LOGIN);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_REFUSED);
    assert_string_equal(err.message,
                        "fetching a token from the program's own source: the vault is locked");
    weir_credentials_free(c);
}

static void a_source_that_fails_without_words_is_named(void **state)
{
    struct own own = own_with(NULL);
    weir_credentials *c = custom_with(&own, 5000);
    weir_error err = {0};
    (void)state;
    own.status = WEIR_UNREACHABLE;
    assert_null(weir_credentials_token(c, 1, &err)); /* it is asked again while there is time */
    assert_null(weir_credentials_token(c, 300, &err));
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_UNAVAILABLE);
    assert_non_null(strstr(err.message, "without saying why (WEIR_UNREACHABLE)"));
    weir_credentials_free(c);
}

static void a_source_that_blocks_makes_nobody_wait_beyond_the_limits(void **state)
{
    struct own own = own_with("T1");
    weir_credentials *c = custom_with(&own, 300);
    weir_error err = {0};
    (void)state;
    own.blocks = true;
    int64_t before = clock_mono(clock_system());
    assert_null(weir_credentials_token(c, 50, &err)); /* the caller's limit */
    assert_in_range(ms_since(before), 50, 250 + 3000);
    assert_int_equal(err.status, WEIR_TIMEOUT);
    assert_null(weir_credentials_token(c, 1000, &err)); /* the source's */
    assert_non_null(strstr(err.message, "not answered within 300 ms"));
    assert_int_equal(fetches_of(&own), 1); /* never two at a time */
    release(&own);
    weir_token *token = token_of(c); /* what it brings late is used */
    assert_string_equal(weir_token_value(token), "T1");
    assert_int_equal(fetches_of(&own), 1);
    weir_token_free(token);
    weir_credentials_free(c);
    assert_int_equal(own.destroyed, 1);
}

static void *release_soon(void *user)
{
    struct own *own = user;
    pthread_mutex_lock(&own->lock);
    must(own->destroyed == 0);
    own->blocks = false;
    pthread_cond_broadcast(&own->moved);
    pthread_mutex_unlock(&own->lock);
    return NULL;
}

static void freeing_waits_for_a_running_fetch_and_then_destroys(void **state)
{
    struct own own = own_with("T1");
    weir_credentials *c = custom_with(&own, 10000);
    pthread_t thread;
    (void)state;
    own.blocks = true;
    assert_null(credentials_peek(c));
    wait_until_it_runs(&own);
    pthread_create(&thread, NULL, release_soon, &own);
    weir_credentials_free(c);
    assert_int_equal(own.destroyed, 1);
    pthread_join(thread, NULL);
}

static weir_status fetch_and_free(void *user, weir_token_answer *answer, weir_ms limit,
                                  weir_error *err)
{
    weir_credentials **c = user;
    (void)limit;
    (void)err;
    weir_credentials_free(*c); /* the program's last reference */
    return weir_token_set(answer, "T1", 60);
}

static weir_status fetch_from_itself(void *user, weir_token_answer *answer, weir_ms limit,
                                     weir_error *err)
{
    weir_credentials **c = user;
    (void)answer;
    must(!weir_credentials_token(*c, limit, err)); /* would wait for this very call */
    return err->status;
}

static void a_source_that_asks_itself_is_told_so_at_once(void **state)
{
    weir_error err = {0};
    static weir_credentials *c;
    (void)state;
    c = weir_credentials_custom(WEIR_TOKEN_SOURCE(.fetch = fetch_from_itself, .user = &c), &err);
    int64_t before = clock_mono(clock_system());
    assert_null(weir_credentials_token(c, 20000, &err));
    assert_in_range(ms_since(before), 0, 5000);
    assert_int_equal(err.status, WEIR_INVALID);
    assert_non_null(strstr(err.message, "on the thread that fetches it"));
    weir_credentials_free(c);
}

static pthread_mutex_t gone_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gone_moved = PTHREAD_COND_INITIALIZER;
static int gone;

static void note_gone(void *user)
{
    (void)user;
    pthread_mutex_lock(&gone_lock);
    gone++;
    pthread_cond_signal(&gone_moved);
    pthread_mutex_unlock(&gone_lock);
}

static void a_source_may_free_its_own_credentials(void **state)
{
    weir_error err = {0};
    static weir_credentials *c;
    (void)state;
    c = weir_credentials_custom(
        WEIR_TOKEN_SOURCE(.fetch = fetch_and_free, .destroy = note_gone, .user = &c), &err);
    assert_null(credentials_peek(c));
    pthread_mutex_lock(&gone_lock);
    while (!gone)
        pthread_cond_wait(&gone_moved, &gone_lock);
    pthread_mutex_unlock(&gone_lock);
    assert_int_equal(gone, 1);
}

static void a_source_without_a_function_is_refused(void **state)
{
    weir_error err = {0};
    (void)state;
    assert_null(weir_credentials_custom(WEIR_TOKEN_SOURCE(.leeway_s = 1), &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_non_null(strstr(err.message, "fetch is missing"));
}

static void a_rejected_token_is_replaced_by_the_source(void **state)
{
    struct own own = own_with("T1");
    weir_credentials *c = custom_with(&own, 5000);
    (void)state;
    weir_token *one = token_of(c);
    own.token = "T2";
    weir_credentials_reject(c, one);
    weir_credentials_reject(c, one);
    weir_token *two = token_of(c);
    assert_string_equal(weir_token_value(two), "T2");
    assert_int_equal(fetches_of(&own), 2);
    weir_token_free(one);
    weir_token_free(two);
    weir_credentials_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_hands_its_token_over),
        cmocka_unit_test(a_long_token_and_no_expiry_are_fine),
        cmocka_unit_test(a_source_that_forgets_its_token_is_told_so),
        cmocka_unit_test(a_source_that_fails_is_quoted),
        cmocka_unit_test(a_source_that_fails_without_words_is_named),
        cmocka_unit_test(a_source_that_blocks_makes_nobody_wait_beyond_the_limits),
        cmocka_unit_test(freeing_waits_for_a_running_fetch_and_then_destroys),
        cmocka_unit_test(a_source_that_asks_itself_is_told_so_at_once),
        cmocka_unit_test(a_source_may_free_its_own_credentials),
        cmocka_unit_test(a_source_without_a_function_is_refused),
        cmocka_unit_test(a_rejected_token_is_replaced_by_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
