/* From settings to the options of a token request, and what is said of it at a command's end. */
#include "cli/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/held.h"
#include "lib/check.h"

static struct setting from(enum setting_from origin, const char *value)
{
    struct setting setting = {.from = origin};
    setting.value = copy_or_exit(value, strlen(value));
    return setting;
}

static void a_key_is_a_file_or_in_a_variable_pem_text_and_read_only_if_needed(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    struct setting flag = from(FROM_FLAG, "key.pem"), path = from(FROM_ENVIRONMENT, "key.pem"),
                   text = from(FROM_ENVIRONMENT, pem), none = {0};
    weir_oauth2_options bearer = {.grant = WEIR_GRANT_JWT_BEARER},
                        client = {.client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT}, other = {0};
    weir_oauth2_options options = bearer;
    login_set_key(&options, &none);
    assert_null(options.private_key);
    assert_null(options.private_key_file);
    login_set_key(&options, &flag);
    assert_string_equal(options.private_key_file, "key.pem");
    options = client;
    login_set_key(&options, &path);
    assert_string_equal(options.private_key_file, "key.pem");
    options = client;
    login_set_key(&options, &text);
    assert_string_equal(options.private_key, pem);
    assert_null(options.private_key_file);
    login_set_key(&other, &path);
    assert_null(other.private_key_file);
    setting_free(&flag);
    setting_free(&path);
    setting_free(&text);
}

static void durations_become_seconds_rounded_up_and_none_is_a_real_zero(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int seconds;
    } cases[] = {{"1ms", 1},  {"1s", 1},        {"1001", 2},
                 {"5m", 300}, {"0", WEIR_ZERO}, {"2000000h", INT32_MAX}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct setting setting = from(FROM_FLAG, cases[i].text);
        assert_int_equal(login_seconds(&setting, 60), cases[i].seconds);
        setting_free(&setting);
    }
    assert_int_equal(login_seconds(&(struct setting){0}, 60), 60);
}

static void the_ways_to_authenticate_have_the_names_of_the_flag(void **state)
{
    (void)state;
    assert_int_equal(login_client_auth(NULL), WEIR_CLIENT_AUTH_POST);
    assert_int_equal(login_client_auth("body"), WEIR_CLIENT_AUTH_POST);
    assert_int_equal(login_client_auth("basic"), WEIR_CLIENT_AUTH_BASIC);
    assert_int_equal(login_client_auth("json"), WEIR_CLIENT_AUTH_JSON);
    assert_int_equal(login_client_auth("private-key-jwt"), WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT);
}

static void without_a_home_there_is_no_cache(void **state)
{
    (void)state;
    (void)unsetenv("HOME");
    (void)unsetenv("XDG_CACHE_HOME");
    struct setting cache = {0};
    login_default_cache(&cache);
    assert_string_equal(cache.value, "none");
    weir_oauth2_options options = {0};
    login_set_cache(&options, &cache);
    assert_null(options.cache_file);
    setting_free(&cache);
}

static void what_others_keep_serves_only_from_a_file_that_was_named(void **state)
{
    (void)state;
    static const struct {
        enum setting_from from;
        bool foreign;
    } cases[] = {{FROM_DEFAULT, false}, {FROM_ENVIRONMENT, true}, {FROM_FLAG, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct setting cache = from(cases[i].from, "file");
        weir_oauth2_options options = {0};
        login_set_cache(&options, &cache);
        assert_string_equal(options.cache_file, "file");
        assert_int_equal(options.cache_foreign, cases[i].foreign);
        setting_free(&cache);
    }
}

/* What `run` writes to stderr. */
static void captured(void (*run)(void), char *out, size_t size)
{
    int saved = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    run();
    (void)fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

static void hold_three_and_fail_with_the_first(void)
{
    assert_true(held_add("weir: a: warn: no connection\n", "no connection", true));
    assert_true(held_add("weir: a: warn: no connection\n", "no connection", true));
    assert_true(held_add("weir: a: warn: no cache\n", "no cache", false));
    held_show("Topology: no connection; check the address");
    held_show("");
}

static void a_held_warning_is_said_once_and_not_beside_the_error_that_repeats_it(void **state)
{
    (void)state;
    char text[256];
    captured(hold_three_and_fail_with_the_first, text, sizeof text);
    assert_string_equal(text, "weir: a: warn: no cache\n");
}

static void hold_many(void)
{
    char message[16];
    size_t held = 0;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(message, sizeof message, "%d\n", i);
        held += held_add(message, message, false);
    }
    assert_true(held > 0 && held < 100);
    held_show("");
}

static void there_is_a_limit_to_what_is_held(void **state)
{
    (void)state;
    char text[1024];
    captured(hold_many, text, sizeof text);
    assert_memory_equal(text, "0\n1\n2\n", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_a_file_or_in_a_variable_pem_text_and_read_only_if_needed),
        cmocka_unit_test(durations_become_seconds_rounded_up_and_none_is_a_real_zero),
        cmocka_unit_test(the_ways_to_authenticate_have_the_names_of_the_flag),
        cmocka_unit_test(without_a_home_there_is_no_cache),
        cmocka_unit_test(what_others_keep_serves_only_from_a_file_that_was_named),
        cmocka_unit_test(a_held_warning_is_said_once_and_not_beside_the_error_that_repeats_it),
        cmocka_unit_test(there_is_a_limit_to_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
