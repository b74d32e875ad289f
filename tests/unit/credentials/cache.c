/* The credentials file's text: whose tokens are taken from it, and what is left of it after
 * writing. */
#include "unit/credentials/cache_desk.h"

#include "core/mem.h"

#include <stdio.h>
#include <string.h>

/* --- weir's own entries ------------------------------------------------------------------- */

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

/* --- others' entries ---------------------------------------------------------------------- */

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

static void others_tokens_that_expire_in_a_thousand_years_are_used(void **state)
{
    (void)state;
    write_file("me:\n  auth:\n    credentials:\n      accesstoken: T1\n"
               "      expiry: 3020-04-11T11:39:46Z\n",
               0600);
    assert_string_equal(served(WEIR_OAUTH2(PLAIN, .cache_foreign = true)), "T1");
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
        CASE(others_tokens_that_expire_in_a_thousand_years_are_used),
        CASE(others_tokens_are_never_used_for_another_client),
        CASE(the_one_that_lives_longest_serves_and_ours_before_all),
        CASE(others_entries_are_kept_byte_by_byte),
        CASE(a_refused_token_is_taken_out_whoever_put_it_in),
        CASE(a_refresh_token_outlives_its_refused_access_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
