/* The credentials file: whose tokens are taken from it, and what is left of it after writing. */
#include "lib/check.h"
#include "lib/vclock.h"

#include "core/file.h"
#include "core/mem.h"
#include "credentials/cache_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/log.h>

#include <fcntl.h>

static char folder[64], path[128];
static struct vclock now; /* 2026-01-01T00:00:00Z */
static char warnings[4096];

static void keep_warning(const weir_log_record *record, void *user)
{
    (void)user;
    if (record->level > WEIR_LOG_WARN)
        return;
    size_t len = strlen(warnings);
    snprintf(warnings + len, sizeof warnings - len, "%s\n", record->message);
}

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-cache-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/credentials", folder);
    vclock_init(&now);
    warnings[0] = '\0';
    weir_log_to(keep_warning, NULL, WEIR_LOG_TRACE);
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* --- a cache and what it says -------------------------------------------------------------------
 */

#define PLAIN                                                                                      \
    .token_url = "https://login.example/t", .client_id = "me", .client_secret = "s",               \
    .audience = "zeebe.example"

struct desk {
    struct grant *grant;
    struct cache *cache;
};

static struct desk desk_of(const weir_oauth2_options *o)
{
    weir_error err = {0};
    struct desk desk = {grant_new(o, &err), NULL};
    if (!desk.grant)
        fail_msg("grant_new: %s", err.message);
    desk.cache = cache_new(path, desk.grant, o->cache_foreign);
    assert_non_null(desk.cache);
    return desk;
}

static void leave(struct desk *desk)
{
    cache_free(desk->cache);
    grant_free(desk->grant);
}

/* The token that serves, or "". */
static const char *loaded(struct desk *desk)
{
    static char out[256];
    struct cache_found found;
    cache_load(desk->cache, &now.clock, &found);
    weir_token *token = cache_token(&found, &now.clock);
    snprintf(out, sizeof out, "%s", token ? weir_token_value(token) : "");
    if (token) {
        assert_true(weir_token_from_cache(token));
        assert_false(token_is_expired(token, &now.clock));
    }
    weir_token_free(token);
    cache_found_clear(&found);
    return out;
}

static const char *served(const weir_oauth2_options *o)
{
    struct desk desk = desk_of(o);
    const char *out = loaded(&desk);
    leave(&desk);
    return out;
}

static weir_token *token_called(const char *text, int lifetime)
{
    struct weir_token_answer answer = {0};
    assert_int_equal(weir_token_set(&answer, text, 0), WEIR_OK);
    assert_int_equal(weir_token_set_field(&answer, "instance_url", "https://in: \"st\" #1"),
                     WEIR_OK);
    assert_int_equal(weir_token_set_field(&answer, "refresh_token", "not among the fields"),
                     WEIR_OK);
    return token_make(&answer, token_moment(&now.clock), lifetime, false);
}

static void store_as(struct desk *desk, const char *text, int lifetime, const char *refresh)
{
    weir_token *token = token_called(text, lifetime);
    struct secret *secret = refresh ? secret_new(refresh, strlen(refresh)) : NULL;
    cache_store(desk->cache, &now.clock, token, secret);
    secret_free(secret);
    weir_token_free(token);
}

static void store(const weir_oauth2_options *o, const char *text)
{
    struct desk desk = desk_of(o);
    store_as(&desk, text, 300, NULL);
    leave(&desk);
}

static void forget(const weir_oauth2_options *o, const char *text)
{
    struct desk desk = desk_of(o);
    weir_token *token = token_called(text, 300);
    cache_forget(desk.cache, token);
    weir_token_free(token);
    leave(&desk);
}

static char *contents(void)
{
    char *text = NULL;
    size_t len = 0;
    weir_error err = {0};
    if (file_read(path, 1 << 20, "the cache", &text, &len, &err) != WEIR_OK)
        fail_msg("%s", err.message);
    return text;
}

static void write_file(const char *text, unsigned mode)
{
    weir_error err = {0};
    if (file_replace(path, text, strlen(text), mode, "the test's file", &err) != WEIR_OK)
        fail_msg("%s", err.message);
    assert_int_equal(chmod(path, mode), 0);
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    return st.st_mode & 07777;
}

static bool holds(const char *text)
{
    char *all = contents();
    bool found = strstr(all, text) != NULL;
    mem_free(all);
    return found;
}

/* --- weir's own entries
 * --------------------------------------------------------------------------- */

static void what_was_stored_serves_the_same_request(void **state)
{
    struct desk desk = desk_of(WEIR_OAUTH2(PLAIN));
    struct cache_found found;
    (void)state;
    store_as(&desk, "T1", 300, NULL);
    vclock_step(&now, 100 * 1000);
    cache_load(desk.cache, &now.clock, &found);
    assert_true(found.own);
    weir_token *token = cache_token(&found, &now.clock);
    assert_string_equal(weir_token_value(token), "T1");
    assert_string_equal(weir_token_type(token), "Bearer");
    assert_string_equal(weir_token_field(token, "instance_url"), "https://in: \"st\" #1");
    assert_null(weir_token_field(token, "refresh_token"));
    assert_int_equal(weir_token_expires_at(token), 1767225600 + 300);
    assert_false(token_is_stale(token, &now.clock, 60));
    vclock_step(&now, 141 * 1000);
    assert_true(token_is_stale(token, &now.clock, 60));
    vclock_step(&now, 59 * 1000);
    assert_true(token_is_expired(token, &now.clock));
    weir_token_free(token);
    cache_found_clear(&found);
    assert_string_equal(loaded(&desk), "");
    leave(&desk);
    assert_string_equal(warnings, "");
}

static void any_other_request_is_not_served(void **state)
{
    const weir_param params[] = {{"tenant", "x"}, {NULL, NULL}};
    (void)state;
    store(WEIR_OAUTH2(PLAIN, .scope = "a"), "T1");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "a")), "T1");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "b")), "");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "a", .resource = "r")), "");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "a", .params = params)), "");
    assert_string_equal(
        served(WEIR_OAUTH2(.token_url = "https://login.example/t", .client_id = "you",
                           .client_secret = "s", .scope = "a", .audience = "zeebe.example")),
        "");
    assert_string_equal(
        served(WEIR_OAUTH2(.token_url = "https://other.example/t", .client_id = "me",
                           .client_secret = "s", .scope = "a", .audience = "zeebe.example")),
        "");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "a", .grant = WEIR_GRANT_PASSWORD,
                                           .username = "u", .password = "p")),
                        "");
}

static void the_password_grant_is_told_apart_by_user(void **state)
{
    (void)state;
    store(WEIR_OAUTH2(PLAIN, .grant = WEIR_GRANT_PASSWORD, .username = "u", .password = "p"), "T1");
    assert_string_equal(
        served(WEIR_OAUTH2(PLAIN, .grant = WEIR_GRANT_PASSWORD, .username = "u", .password = "q")),
        "T1");
    assert_string_equal(
        served(WEIR_OAUTH2(PLAIN, .grant = WEIR_GRANT_PASSWORD, .username = "v", .password = "p")),
        "");
}

static void an_entry_that_was_edited_to_another_client_serves_nobody(void **state)
{
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    char *text = contents();
    char *at = strstr(text, "\"client_id\": \"me\"");
    assert_non_null(at);
    memcpy(at, "\"client_id\": \"it\"", 17);
    write_file(text, 0600);
    mem_free(text);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
}

static void a_clock_set_back_makes_entries_useless(void **state)
{
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    now.wall -= 120 * NS_PER_S;
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
}

static void dead_entries_of_our_own_go_with_the_next_writing(void **state)
{
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    vclock_step(&now, 301 * 1000);
    store(WEIR_OAUTH2(PLAIN, .scope = "b"), "T2");
    assert_false(holds("T1"));
    store(WEIR_OAUTH2(PLAIN, .scope = "c"), "T3");
    assert_true(holds("T2"));
}

static void a_rotated_refresh_token_serves_those_it_descends_from(void **state)
{
    struct cache_found found;
    struct desk desk =
        desk_of(WEIR_OAUTH2(PLAIN, .grant = WEIR_GRANT_REFRESH_TOKEN, .refresh_token = "r0"));
    (void)state;
    store_as(&desk, "T1", 300, "r1");
    vclock_step(&now, 100000 * 1000);
    cache_load(desk.cache, &now.clock, &found);
    assert_null(found.answer.token);
    assert_string_equal(secret_reveal(found.refresh_token), "r1");
    cache_found_clear(&found);
    leave(&desk);
    desk = desk_of(WEIR_OAUTH2(PLAIN, .grant = WEIR_GRANT_REFRESH_TOKEN, .refresh_token = "q0"));
    cache_load(desk.cache, &now.clock, &found);
    assert_null(found.refresh_token);
    cache_found_clear(&found);
    leave(&desk);
    assert_false(holds("r0"));
    assert_false(holds("q0"));
}

/* --- others' entries -----------------------------------------------------------------------------
 */

/* As zbctl 8.4 writes it. */
#define ZBCTL(token, expiry)                                                                       \
    "zeebe.example:\n    auth:\n        credentials:\n            accesstoken: " token             \
    "\n            tokentype: Bearer\n            refreshtoken: \"\"\n            expiry: " expiry \
    "\n"
/* As the Java client does. */
#define JAVA(key, token, expiry)                                                                   \
    "---\n" key ":\n  auth:\n    credentials:\n      accessToken: \"" token                        \
    "\"\n      tokenType: \"Bearer\"\n      expiry: \"" expiry "\"\n      scope: \"all\"\n"
#define LATER "2026-01-01T01:00:00.123456789+00:30"

static void others_forms_are_read_from_a_file_that_was_named(void **state)
{
    static const char *const forms[] = {
        ZBCTL("T1", LATER),
        ZBCTL("T1", "2026-01-01T00:10:00Z"),
        JAVA("zeebe.example", "T1", LATER),
        JAVA("me", "T1", LATER),
        JAVA("\"me\"", "T1", "1767229200.000000000"),
        JAVA("'me'", "T1", LATER),
        "# by hand\r\nme: # the client\r\n  auth:\r\n    credentials: # all\r\n      access_token: "
        "'T1' # x\r\n      expiry: " LATER "\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        write_file(forms[i], 0600);
        if (strcmp(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "T1") != 0)
            fail_msg("not read: %s", forms[i]);
        assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
    }
    assert_string_equal(warnings, "");
}

static void others_tokens_of_unknown_or_passed_expiry_are_never_used(void **state)
{
    static const char *const expiries[] = {"0001-01-01T00:00:00Z",
                                           "2025-12-31T23:59:59Z",
                                           "2026-01-01T00:00:00Z",
                                           "3020-04-11T11:39:46Z",
                                           "\"\"",
                                           "null",
                                           "never",
                                           "0"};
    char text[512];
    (void)state;
    for (size_t i = 0; i < COUNT(expiries); i++) {
        snprintf(text, sizeof text,
                 "me:\n  auth:\n    credentials:\n      accesstoken: T1\n      expiry: %s\n",
                 expiries[i]);
        write_file(text, 0600);
        if (*served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)))
            fail_msg("expiry %s", expiries[i]);
    }
    write_file("me:\n  auth:\n    credentials:\n      accesstoken: T1\n", 0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
}

/* {"azp":"me","aud":["zeebe.example","x"]}, {"client_id":"you"}, {"aud":"elsewhere"} */
#define JWT_OURS  "e30.eyJhenAiOiJtZSIsImF1ZCI6WyJ6ZWViZS5leGFtcGxlIiwieCJdfQ.s"
#define JWT_YOURS "e30.eyJjbGllbnRfaWQiOiJ5b3UifQ.s"
#define JWT_ELSE  "e30.eyJhdWQiOiJlbHNld2hlcmUifQ.s"

static void others_tokens_are_never_used_for_another_client(void **state)
{
    (void)state;
    write_file(JAVA("you", "T1", LATER), 0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
    write_file(ZBCTL(JWT_OURS, LATER), 0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), JWT_OURS);
    write_file(ZBCTL(JWT_YOURS, LATER), 0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
    write_file(JAVA("me", JWT_ELSE, LATER), 0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
    write_file(ZBCTL("T1", LATER), 0600); /* what they write comes from client credentials */
    assert_string_equal(
        served(WEIR_OAUTH2(PLAIN, .cache_foreign = true, .grant = WEIR_GRANT_PASSWORD,
                           .username = "u", .password = "p")),
        "");
}

static void the_one_that_lives_longest_serves_and_ours_before_all(void **state)
{
    (void)state;
    write_file(ZBCTL("T1", "2026-01-01T00:10:00Z") "me:\n  auth:\n    credentials:\n      "
                                                   "accessToken: T2\n      expiry: " LATER "\n",
               0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "T2");
    store(WEIR_OAUTH2(PLAIN), "T3");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "T3");
}

static void others_entries_are_kept_byte_by_byte(void **state)
{
    static const char text[] = "# made by hand\n---\n# of zbctl\n" ZBCTL(
        "T1", LATER) "\"x y\":\n  list:\n    - 1\n    - {a: b}\n  text: |\n    any: thing\n\n"
                     "last: [1, 2]"; /* unfinished line */
    (void)state;
    write_file(text, 0644);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
    assert_non_null(strstr(warnings, "line 18")); /* the flow list at the top */
    warnings[0] = '\0';
    write_file(
        "# by hand\n---\n# of zbctl\n" ZBCTL("T1", LATER) "\"x y\":\n  list:\n    - 1\n    - "
                                                          "{a: b}\n  text: |\n    any: "
                                                          "thing\n\nlast: 1",
        0644);
    char *before = contents();
    store(WEIR_OAUTH2(PLAIN), "T2");
    char *after = contents();
    assert_int_equal(strncmp(after, before, strlen(before)), 0);
    assert_int_equal(strncmp(after + strlen(before), "\n\"weir:", 7), 0);
    mem_free(before);
    mem_free(after);
    store(WEIR_OAUTH2(PLAIN), "T3");
    assert_false(holds("T2"));
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T3");
    assert_string_equal(warnings, "");
}

static void a_refused_token_is_taken_out_whoever_put_it_in(void **state)
{
    (void)state;
    write_file(ZBCTL("T1", LATER) "other:\n  auth: 1\n", 0600);
    forget(WEIR_OAUTH2(PLAIN), "T9");
    assert_true(holds("T1"));
    forget(WEIR_OAUTH2(PLAIN), "T1");
    assert_false(holds("T1"));
    assert_true(holds("other:\n  auth: 1\n"));
    store(WEIR_OAUTH2(PLAIN), "T2");
    forget(WEIR_OAUTH2(PLAIN), "T1");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T2");
    forget(WEIR_OAUTH2(PLAIN), "T2");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
}

static void a_refresh_token_outlives_its_refused_access_token(void **state)
{
    struct cache_found found;
    struct desk desk =
        desk_of(WEIR_OAUTH2(PLAIN, .grant = WEIR_GRANT_REFRESH_TOKEN, .refresh_token = "r0"));
    weir_token *refused = token_called("T1", 300);
    (void)state;
    store_as(&desk, "T1", 300, "r1");
    cache_forget(desk.cache, refused);
    cache_load(desk.cache, &now.clock, &found);
    assert_null(found.answer.token);
    assert_string_equal(secret_reveal(found.refresh_token), "r1");
    assert_int_equal(found.issued_at, 1767225600);
    cache_found_clear(&found);
    weir_token_free(refused);
    leave(&desk);
}

/* --- the file
 * -------------------------------------------------------------------------------------- */

static void the_file_is_for_our_eyes_in_a_folder_for_our_eyes(void **state)
{
    char deep[160], outer[160];
    (void)state;
    mode_t before = umask(0);
    snprintf(outer, sizeof outer, "%s/a", folder);
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    snprintf(path, sizeof path, "%s/a/b/credentials", folder);
    store(WEIR_OAUTH2(PLAIN), "T1");
    umask(before);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(deep), 0700);
    assert_int_equal(mode_of(outer), 0700);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T1");
}

static void a_file_that_others_can_read_is_read_and_then_closed_to_them(void **state)
{
    (void)state;
    write_file(ZBCTL("T1", LATER), 0644); /* zbctl's is 0640 */
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "T1");
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_int_equal(mode_of(path), 0600);
}

static void a_file_that_others_can_write_is_neither_believed_nor_touched(void **state)
{
    (void)state;
    write_file(ZBCTL("T1", LATER), 0666);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
    assert_non_null(strstr(warnings, "others may write to it (mode 0666; chmod 600 it)"));
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_false(holds("T2"));
    assert_int_equal(mode_of(path), 0666);
}

static void a_broken_file_is_a_warning_and_put_aside(void **state)
{
    static const char *const broken[] = {
        "no yaml",     "{\"json\": 1}",     "- list\n",  "a: b: c\n",  "\ttab: 1\n",
        "a: \"open\n", "a: 1\n...\nb: 2\n", "a: &x 1\n", "\xff\xfe\n", "a: 1\n---\nb: 2\n"};
    char aside[160];
    (void)state;
    snprintf(aside, sizeof aside, "%s.broken", path);
    for (size_t i = 0; i < COUNT(broken); i++) {
        warnings[0] = '\0';
        write_file(broken[i], 0600);
        assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "");
        if (!strstr(warnings, "is none of a credentials file; no token is taken from it"))
            fail_msg("%s: %s", broken[i], warnings);
        store(WEIR_OAUTH2(PLAIN), "T1");
        assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T1");
        assert_int_equal(access(aside, F_OK), 0);
        unlink(aside);
    }
}

static void what_cannot_be_written_is_one_warning_and_no_failure(void **state)
{
    struct desk desk;
    (void)state;
    snprintf(path, sizeof path, "/proc/weir/credentials");
    desk = desk_of(WEIR_OAUTH2(PLAIN));
    for (int i = 0; i < 3; i++)
        store_as(&desk, "T1", 300, NULL);
    assert_string_equal(loaded(&desk), "");
    leave(&desk);
    const char *first = strstr(warnings, "cannot make its folder '/proc/weir'");
    assert_non_null(first);
    assert_null(strstr(first + 1, "cannot make"));
    snprintf(path, sizeof path, "%s", folder); /* a folder */
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "");
    assert_non_null(strstr(warnings, "not a regular file"));
}

static void nothing_is_made_to_forget_something(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/none/credentials", folder);
    forget(WEIR_OAUTH2(PLAIN), "T1");
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(access(path, F_OK), -1);
    assert_string_equal(warnings, "");
}

static void nothing_is_left_lying_about(void **state)
{
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    store(WEIR_OAUTH2(PLAIN), "T2");
    DIR *all = opendir(folder);
    for (struct dirent *one; (one = readdir(all)) != NULL;) {
        if (strcmp(one->d_name, "credentials") != 0 && strcmp(one->d_name, "credentials.lock") != 0)
            assert_int_equal(one->d_name[0], '.');
    }
    closedir(all);
}

static void a_lock_that_is_never_given_back_is_waited_for_two_seconds(void **state)
{
    char lock_path[160];
    (void)state;
    store(WEIR_OAUTH2(PLAIN), "T1");
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    int fd = open(lock_path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    int64_t before = clock_mono(clock_system());
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_in_range(clock_mono(clock_system()) - before, 1900 * NS_PER_MS, 20 * NS_PER_S);
    assert_non_null(strstr(warnings, "another process has held its lock"));
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T1"); /* reading needs none */
    close(fd);
    store(WEIR_OAUTH2(PLAIN), "T2");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN)), "T2");
}

#define ROUNDS 40

static void write_rounds(const char *scope)
{
    char text[32];
    for (int i = 1; i <= ROUNDS; i++) {
        snprintf(text, sizeof text, "%s-%d", scope, i);
        store(WEIR_OAUTH2(PLAIN, .scope = scope), text);
    }
}

static void two_processes_share_a_cache_and_lose_nothing(void **state)
{
    int ended = 0;
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_rounds("child");
        _exit(0);
    }
    write_rounds("parent");
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "child")), "child-40");
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .scope = "parent")), "parent-40");
    assert_string_equal(warnings, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_stored_serves_the_same_request),
        CASE(any_other_request_is_not_served),
        CASE(the_password_grant_is_told_apart_by_user),
        CASE(an_entry_that_was_edited_to_another_client_serves_nobody),
        CASE(a_clock_set_back_makes_entries_useless),
        CASE(dead_entries_of_our_own_go_with_the_next_writing),
        CASE(a_rotated_refresh_token_serves_those_it_descends_from),
        CASE(others_forms_are_read_from_a_file_that_was_named),
        CASE(others_tokens_of_unknown_or_passed_expiry_are_never_used),
        CASE(others_tokens_are_never_used_for_another_client),
        CASE(the_one_that_lives_longest_serves_and_ours_before_all),
        CASE(others_entries_are_kept_byte_by_byte),
        CASE(a_refused_token_is_taken_out_whoever_put_it_in),
        CASE(a_refresh_token_outlives_its_refused_access_token),
        CASE(the_file_is_for_our_eyes_in_a_folder_for_our_eyes),
        CASE(a_file_that_others_can_read_is_read_and_then_closed_to_them),
        CASE(a_file_that_others_can_write_is_neither_believed_nor_touched),
        CASE(a_broken_file_is_a_warning_and_put_aside),
        CASE(what_cannot_be_written_is_one_warning_and_no_failure),
        CASE(nothing_is_made_to_forget_something),
        CASE(nothing_is_left_lying_about),
        CASE(a_lock_that_is_never_given_back_is_waited_for_two_seconds),
        CASE(two_processes_share_a_cache_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
