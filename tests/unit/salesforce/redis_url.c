/* URLs of Redis servers, and what a server's refusals mean. */
#include "lib/check.h"

#include "salesforce/redis_url.h"

#include <string.h>
#include <weir/replay.h>

static const struct row {
    const char *url, *host, *user, *password;
    unsigned port;
    long db;
    bool tls;
} rows[] = {
    {"redis://h", "h", NULL, NULL, 6379, 0, false},
    {"redis://h/", "h", NULL, NULL, 6379, 0, false},
    {"REDIS://H:1/15", "h", NULL, NULL, 1, 15, false},
    {"redis://[::1]:7/2", "::1", NULL, NULL, 7, 2, false},
    {"rediss://h:6380", "h", NULL, NULL, 6380, 0, true},
    {"redis://u@h", "h", "u", NULL, 6379, 0, false},
    {"redis://:p@localhost", "localhost", NULL, "p", 6379, 0, false},
    {"redis://u:@127.0.0.1", "127.0.0.1", "u", "", 6379, 0, false},
    {"rediss://u%40x:p%3A%2f@h", "h", "u@x", "p:/", 6379, 0, true},
    {"redis://u:a:b@[::1]", "::1", "u", "a:b", 6379, 0, false},
};

static void texts_equal(const struct secret *secret, const char *wanted)
{
    if (wanted)
        assert_string_equal(secret_reveal(secret), wanted);
    else
        assert_null(secret);
}

static void a_url_is_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct redis_url url;
        weir_error err = {0};
        if (redis_url_parse(&url, rows[i].url, &err) != WEIR_OK)
            print_message("%s: %s\n", rows[i].url, err.message);
        assert_int_equal(err.status, WEIR_OK);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.db, rows[i].db);
        assert_int_equal(url.tls, rows[i].tls);
        texts_equal(url.user, rows[i].user);
        texts_equal(url.password, rows[i].password);
        redis_url_clear(&url);
    }
}

static void what_is_no_url_is_invalid_and_shows_no_secret(void **state)
{
    static const char *const urls[] = {"redis://",
                                       "redis://h:0",
                                       "redis://h:x",
                                       "redis://h/x",
                                       "redis://h/-1",
                                       "redis://h/1/2",
                                       "redis://h/1?a=b",
                                       "redis://h?a",
                                       "redis://h/0x1",
                                       "http://h",
                                       "redis:h",
                                       "redis://:hunter2@h:x",
                                       "rediss://h/99999999999",
                                       "redis://:hunter2@",
                                       "redis://:hunter2@h/x"};
    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct redis_url url;
        weir_error err = {0};
        assert_int_equal(redis_url_parse(&url, urls[i], &err), WEIR_INVALID);
        assert_null(strstr(err.message, "hunter2"));
        assert_null(url.host);
    }
}

static void a_password_goes_in_plaintext_to_this_machine_only(void **state)
{
    static const char *const urls[] = {"redis://:hunter2@redis.example",
                                       "redis://u:hunter2@10.0.0.1", "redis://u:@redis.example"};
    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        weir_error err = {0};
        assert_null(weir_replay_open(urls[i], &err));
        assert_int_equal(err.status, WEIR_UNSUPPORTED);
        assert_non_null(strstr(err.message, "rediss://"));
        assert_null(strstr(err.message, "hunter2"));
    }
}

static void a_store_is_opened_without_its_server(void **state)
{
    weir_error err = {0};
    (void)state;
    weir_replay *store = weir_replay_redis("redis://h.invalid/1", &err);
    assert_non_null(store);
    weir_replay_free(store);
    store = weir_replay_open("rediss://:p@h.invalid", &err);
    assert_non_null(store);
    weir_replay_free(store);
    assert_null(weir_replay_redis(NULL, &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

static void refusals_have_their_status(void **state)
{
    static const struct {
        const char *text;
        weir_status status;
    } refusals[] = {
        {"NOAUTH Authentication required.", WEIR_BAD_LOGIN},
        {"WRONGPASS invalid username-password pair or user is disabled.", WEIR_BAD_LOGIN},
        {"ERR invalid password", WEIR_BAD_LOGIN},
        {"ERR AUTH <password> called without any password configured for the default user.",
         WEIR_BAD_LOGIN},
        {"ERR Client sent AUTH, but no password is set", WEIR_BAD_LOGIN},
        {"NOPERM this user has no permissions to run the 'eval' command", WEIR_FORBIDDEN},
        {"DENIED Redis is running in protected mode", WEIR_FORBIDDEN},
        {"READONLY You can't write against a read only replica.", WEIR_UNREACHABLE},
        {"ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You "
         "can't write against a read only replica.",
         WEIR_UNREACHABLE},
        {"LOADING Redis is loading the dataset in memory", WEIR_UNREACHABLE},
        {"MASTERDOWN Link with MASTER is down", WEIR_UNREACHABLE},
        {"CLUSTERDOWN Hash slot not served", WEIR_UNREACHABLE},
        {"ERR max number of clients reached", WEIR_UNREACHABLE},
        {"OOM command not allowed when used memory > 'maxmemory'.", WEIR_BUSY},
        {"ERR Error running script: @user_script: 5: -OOM command not allowed", WEIR_BUSY},
        {"BUSY Redis is busy running a script.", WEIR_BUSY},
        {"MISCONF Redis is configured to save RDB snapshots", WEIR_BUSY},
        {"MOVED 3999 127.0.0.1:6381", WEIR_UNSUPPORTED},
        {"ASK 3999 127.0.0.1:6381", WEIR_UNSUPPORTED},
        {"ERR unknown command `EVAL`", WEIR_UNSUPPORTED},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", WEIR_STORE},
        {"ERR DB index is out of range", WEIR_INVALID},
        {"ERR something new", WEIR_STORE},
        {"BUSYGROUP of another command", WEIR_STORE},
        {"", WEIR_STORE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        weir_error err = {0};
        const struct resp_value value = {
            .type = RESP_ERROR, .text = refusals[i].text, .len = strlen(refusals[i].text)};
        if (redis_refusal(&value, "the store", &err) != refusals[i].status)
            print_message("%s: %s\n", refusals[i].text, err.message);
        assert_int_equal(err.status, refusals[i].status);
        assert_non_null(strstr(err.message, refusals[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_is_no_url_is_invalid_and_shows_no_secret),
        cmocka_unit_test(a_password_goes_in_plaintext_to_this_machine_only),
        cmocka_unit_test(a_store_is_opened_without_its_server),
        cmocka_unit_test(refusals_have_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
