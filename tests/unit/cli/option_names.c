/* Errors of the library in the words of the command line. */
#include "cli/option_names.h"

#include <stdio.h>
#include <string.h>

#include "lib/check.h"

static void options_are_called_as_they_were_given(void **state)
{
    (void)state;
    static const struct option_name names[] = {
        {"token_url", "CAMUNDA_OAUTH_URL"}, {"client_id", NULL}, {NULL, NULL}};
    static const char *const known[][2] = {
        {"token_url: the scheme 'ftp' is none", "CAMUNDA_OAUTH_URL: the scheme 'ftp' is none"},
        {"token_url holds a user name: credentials go into client_id and client_secret",
         "CAMUNDA_OAUTH_URL holds a user name: credentials go into --client-id and the client's "
         "secret"},
        {"weir_credentials_oauth2: private_key or private_key_file is missing",
         "--private-key is missing"},
        {"the root certificates (tls.root_certificates) a.pem: none",
         "the root certificates (--ca-file) a.pem: none"},
        {"allow it explicitly (allow_plaintext)", "allow it explicitly (--allow-plaintext)"},
        {"my_token_url and token_urls stay", "my_token_url and token_urls stay"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        weir_error err = {.status = WEIR_INVALID};
        (void)snprintf(err.message, sizeof err.message, "%s", known[i][0]);
        option_names_replace(&err, names);
        assert_string_equal(err.message, known[i][1]);
        assert_int_equal(err.status, WEIR_INVALID);
    }
}

static void a_message_that_grows_too_long_is_cut(void **state)
{
    (void)state;
    static const struct option_name names[] = {{"a", "bb"}, {NULL, NULL}};
    weir_error err = {0};
    for (size_t i = 0; i + 2 < sizeof err.message; i += 2)
        memcpy(err.message + i, "a ", 2);
    option_names_replace(&err, names);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_memory_equal(err.message, "bb bb ", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_called_as_they_were_given),
        cmocka_unit_test(a_message_that_grows_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
