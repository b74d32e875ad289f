/* Tokens on disk, through the public API: each opening of credentials plays another process. */
#include "integration/credentials_lib.h"

#include "core/file.h"
#include "core/mem.h"
#include "credentials/cache_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[128];

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-tokens-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/weir/credentials", folder);
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

#define CACHED(sandbox) CLIENT(sandbox), .cache_file = path

/* What a process gets and leaves; the caller frees it. */
static weir_token *one_run(const weir_oauth2_options *o)
{
    weir_credentials *c = open_with(o);
    weir_token *token = token_of(c);
    weir_credentials_free(c); /* waits for the writing */
    return token;
}

static bool on_disk(const char *text)
{
    char *all = NULL;
    size_t len = 0;
    assert_int_equal(file_read(path, 1 << 20, "the cache", &all, &len, NULL), WEIR_OK);
    bool found = strstr(all, text) != NULL;
    mem_free(all);
    return found;
}

static void the_next_process_takes_the_token_from_the_disk(void **state)
{
    struct sandbox *sandbox = start_oauth();
    (void)state;
    weir_token *one = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    weir_token *two = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    assert_false(weir_token_from_cache(one));
    assert_true(weir_token_from_cache(two));
    assert_string_equal(weir_token_value(one), weir_token_value(two));
    assert_int_equal(weir_token_expires_at(one), weir_token_expires_at(two));
    assert_int_equal(sandbox_count(sandbox, "token"), 1);
    weir_token *other = one_run(WEIR_OAUTH2(CACHED(sandbox), .audience = "other"));
    assert_false(weir_token_from_cache(other));
    weir_token_free(other);
    weir_token_free(one);
    weir_token_free(two);
    sandbox_stop(sandbox);
}

static void a_refused_token_is_never_taken_from_the_disk_again(void **state)
{
    struct sandbox *sandbox = start_oauth();
    (void)state;
    weir_token *one = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    weir_credentials *c = open_with(WEIR_OAUTH2(CACHED(sandbox)));
    weir_token *two = token_of(c);
    assert_string_equal(weir_token_value(one), weir_token_value(two));
    weir_credentials_reject(c, two);
    weir_token *three = token_of(c);
    assert_string_not_equal(weir_token_value(two), weir_token_value(three));
    assert_false(weir_token_from_cache(three));
    weir_credentials_free(c);
    assert_false(on_disk(weir_token_value(one)));
    weir_token *four = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    assert_string_equal(weir_token_value(three), weir_token_value(four));
    assert_int_equal(sandbox_count(sandbox, "token"), 2);
    weir_token_free(one);
    weir_token_free(two);
    weir_token_free(three);
    weir_token_free(four);
    sandbox_stop(sandbox);
}

/* Nothing can be taken out of it, so this process remembers. */
static void a_refused_token_in_a_file_that_cannot_be_changed_is_not_taken_again(void **state)
{
    struct sandbox *sandbox = start_oauth();
    (void)state;
    weir_token_free(one_run(WEIR_OAUTH2(CACHED(sandbox))));
    char lock_path[160];
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    unlink(lock_path);
    assert_int_equal(mkdir(lock_path, 0700), 0); /* no lock, no writing; root, too */
    weir_credentials *c = open_with(WEIR_OAUTH2(CACHED(sandbox)));
    weir_token *one = token_of(c);
    assert_true(weir_token_from_cache(one));
    weir_credentials_reject(c, one);
    weir_token *two = token_of(c);
    assert_string_not_equal(weir_token_value(one), weir_token_value(two));
    assert_true(on_disk(weir_token_value(one)));
    weir_credentials_free(c);
    weir_token_free(one);
    weir_token_free(two);
    sandbox_stop(sandbox);
}

static void a_refresh_ignores_the_disk_and_replaces_what_is_there(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_error err = {0};
    (void)state;
    weir_token *one = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    weir_credentials *c = open_with(WEIR_OAUTH2(CACHED(sandbox)));
    weir_token *two = weir_credentials_refresh(c, 10000, &err);
    assert_false(weir_token_from_cache(two));
    weir_credentials_free(c);
    assert_true(on_disk(weir_token_value(two)));
    assert_false(on_disk(weir_token_value(one)));
    weir_token_free(one);
    weir_token_free(two);
    sandbox_stop(sandbox);
}

/* The endpoint takes each refresh token that it gave out once: forgetting the newest is losing the
 * login. */
static void a_rotated_refresh_token_survives_the_process(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_error err = {0};
    (void)state;
    weir_token *first =
        one_run(WEIR_OAUTH2(CLIENT(sandbox), .grant = WEIR_GRANT_PASSWORD,
                            .username = TOKEN_USERNAME, .password = TOKEN_PASSWORD));
    const char *given = weir_token_field(first, "refresh_token");
    for (int i = 0; i < 3; i++) {
        weir_credentials *c = open_with(WEIR_OAUTH2(
            CACHED(sandbox), .grant = WEIR_GRANT_REFRESH_TOKEN, .refresh_token = given));
        weir_token *token = weir_credentials_refresh(c, 10000, &err);
        if (!token)
            fail_msg("process %d: %s", i, err.message);
        weir_token_free(token);
        weir_credentials_free(c);
    }
    weir_token_free(first);
    sandbox_stop(sandbox);
}

/* Two processes that hold the same refresh token: who comes second finds the first one's in the
 * file. */
static void who_shares_a_cache_shares_the_rotation(void **state)
{
    struct sandbox *sandbox = start_oauth();
    weir_error err = {0};
    (void)state;
    weir_token *first =
        one_run(WEIR_OAUTH2(CLIENT(sandbox), .grant = WEIR_GRANT_PASSWORD,
                            .username = TOKEN_USERNAME, .password = TOKEN_PASSWORD));
    const weir_oauth2_options *o =
        WEIR_OAUTH2(CACHED(sandbox), .grant = WEIR_GRANT_REFRESH_TOKEN,
                    .refresh_token = weir_token_field(first, "refresh_token"));
    weir_credentials *a = open_with(o), *b = open_with(o);
    for (int i = 0; i < 3; i++) {
        weir_token *of_a = weir_credentials_refresh(a, 10000, &err);
        assert_string_equal(err.message, "");
        weir_token_free(token_of(a)); /* the helper wrote, or will before it reads */
        weir_credentials_free(a);
        a = open_with(o);
        weir_token *of_b = weir_credentials_refresh(b, 10000, &err);
        assert_string_equal(err.message, "");
        weir_credentials_free(b);
        b = open_with(o);
        weir_token_free(of_a);
        weir_token_free(of_b);
    }
    weir_credentials_free(a);
    weir_credentials_free(b);
    weir_token_free(first);
    sandbox_stop(sandbox);
}

/* Leaves a token of 300 s in the file that has `left` s to live. */
static void leave_token(const weir_oauth2_options *o, const char *text, int left)
{
    struct grant *grant = grant_new(o, NULL);
    struct cache *cache = cache_new(path, grant, false);
    struct weir_token_answer answer = {0};
    struct token_moment since = token_moment(clock_system());
    weir_token_set(&answer, text, 0);
    since.boot_ns -= (300 - left) * NS_PER_S;
    since.wall_ns -= (300 - left) * NS_PER_S;
    weir_token *token = token_make(&answer, since, 300, false);
    cache_store(cache, clock_system(), token, NULL);
    weir_token_free(token);
    cache_free(cache);
    grant_free(grant);
}

static void a_stale_token_on_disk_is_replaced_and_serves_when_that_fails(void **state)
{
    struct sandbox *sandbox = start_oauth();
    const weir_oauth2_options *o = WEIR_OAUTH2(CACHED(sandbox));
    weir_error err = {0};
    (void)state;
    leave_token(o, "stale-one", 50);
    weir_token *token = one_run(o);
    assert_int_equal(strncmp(weir_token_value(token), "weir-sandbox-", 13), 0);
    weir_token_free(token);
    leave_token(o, "stale-two", 50);
    sandbox_service_stop(sandbox, "oauth", &err);
    token = one_run(o);
    assert_string_equal(weir_token_value(token), "stale-two");
    weir_token_free(token);
    leave_token(o, "dead", 0);
    weir_credentials *c = open_with(o);
    assert_null(weir_credentials_token(c, 300, &err));
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    weir_credentials_free(c);
    sandbox_stop(sandbox);
}

static void what_zbctl_left_serves_when_the_file_is_named(void **state)
{
    struct sandbox *sandbox = start_oauth();
    char text[512];
    (void)state;
    snprintf(path, sizeof path, "%s/credentials", folder);
    snprintf(text, sizeof text,
             "%s:\n    auth:\n        credentials:\n            accesstoken: of-zbctl\n            "
             "tokentype: Bearer\n            refreshtoken: \"\"\n            expiry: "
             "%d-01-01T00:00:00Z\n",
             TOKEN_CLIENT_ID, 1970 + (int)(clock_wall(clock_system()) / NS_PER_S / 31556952) + 2);
    file_replace(path, text, strlen(text), 0640, "the test's file", NULL);
    weir_token *plain = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    assert_false(weir_token_from_cache(plain));
    file_replace(path, text, strlen(text), 0640, "the test's file", NULL);
    weir_credentials *c = open_with(WEIR_OAUTH2(CACHED(sandbox), .cache_foreign = true));
    weir_token *theirs = token_of(c);
    assert_string_equal(weir_token_value(theirs), "of-zbctl");
    weir_credentials_reject(c, theirs); /* the peer does not know it */
    weir_token *ours = token_of(c);
    assert_false(weir_token_from_cache(ours));
    weir_credentials_free(c);
    assert_false(on_disk("of-zbctl"));
    weir_token_free(plain);
    weir_token_free(theirs);
    weir_token_free(ours);
    sandbox_stop(sandbox);
}

static void a_cache_that_cannot_be_used_does_not_matter(void **state)
{
    struct sandbox *sandbox = start_oauth();
    (void)state;
    snprintf(path, sizeof path, "/proc/weir/credentials");
    weir_token *token = one_run(WEIR_OAUTH2(CACHED(sandbox)));
    assert_false(weir_token_from_cache(token));
    weir_token_free(token);
    sandbox_stop(sandbox);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_next_process_takes_the_token_from_the_disk),
        CASE(a_refused_token_is_never_taken_from_the_disk_again),
        CASE(a_refused_token_in_a_file_that_cannot_be_changed_is_not_taken_again),
        CASE(a_refresh_ignores_the_disk_and_replaces_what_is_there),
        CASE(a_rotated_refresh_token_survives_the_process),
        CASE(who_shares_a_cache_shares_the_rotation),
        CASE(a_stale_token_on_disk_is_replaced_and_serves_when_that_fails),
        CASE(what_zbctl_left_serves_when_the_file_is_named),
        CASE(a_cache_that_cannot_be_used_does_not_matter),
        cmocka_unit_test(no_secret_is_in_any_log),
    };
    return cmocka_run_group_tests(tests, listen_to_everything, NULL);
}
