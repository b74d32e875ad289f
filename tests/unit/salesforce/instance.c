/* Where an organisation's servers are, and whose they are. */
#include "core/mem.h"
#include "credentials/token.h"
#include "lib/check.h"
#include "salesforce/salesforce_instance.h"

#include <stdlib.h>
#include <string.h>

static weir_token *token_with(const char *name, const char *value)
{
    struct weir_token_answer answer = {0};
    assert_int_equal(weir_token_set(&answer, "t", 0), WEIR_OK);
    if (name)
        assert_int_equal(weir_token_set_field(&answer, name, value), WEIR_OK);
    weir_token *token = token_make(&answer, token_moment(clock_system()), 0, false);
    assert_non_null(token);
    token_answer_clear(&answer);
    return token;
}

static void the_program_then_the_token_then_the_environment_say_where(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_token *token = token_with("instance_url", "https://token.example/");
    weir_token *bare = token_with(NULL, NULL);
    (void)setenv("SALESFORCE_INSTANCE_URL", "https://environment.example", 1);
    char *url = instance_url("https://program.example//", token, false, &err);
    assert_string_equal(url, "https://program.example");
    mem_free(url);
    url = instance_url(NULL, token, false, &err);
    assert_string_equal(url, "https://token.example");
    mem_free(url);
    url = instance_url(NULL, bare, false, &err);
    assert_string_equal(url, "https://environment.example");
    mem_free(url);
    (void)unsetenv("SALESFORCE_INSTANCE_URL");
    assert_null(instance_url(NULL, bare, false, &err));
    assert_int_equal(err.status, WEIR_MISSING);
    assert_non_null(strstr(err.message, "SALESFORCE_INSTANCE_URL"));
    weir_token_free(token);
    weir_token_free(bare);
}

static void an_instance_is_a_host_that_may_have_the_token(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool allow;
        weir_status status;
    } rows[] = {
        {"https://acme.my.salesforce.com:8443", false, WEIR_OK},
        {"http://127.0.0.1:8080", false, WEIR_OK},
        {"http://localhost", false, WEIR_OK},
        {"http://acme.example", false, WEIR_UNSUPPORTED},
        {"http://acme.example", true, WEIR_OK},
        {"ftp://acme.example", true, WEIR_INVALID},
        {"https://acme.example/path", false, WEIR_INVALID},
        {"https://user@acme.example", false, WEIR_INVALID},
        {"acme.example", false, WEIR_INVALID},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        char *url = instance_url(rows[i].url, NULL, rows[i].allow, &err);
        assert_int_equal(err.status, rows[i].status);
        assert_int_equal(url != NULL, rows[i].status == WEIR_OK);
        mem_free(url);
    }
}

static void an_api_version_is_two_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *given, *version; /* NULL: invalid */
    } rows[] = {{NULL, "67.0"},   {"", "67.0"},    {"45.0", "45.0"}, {"100.0", "100.0"},
                {"v67.0", NULL},  {"67", NULL},    {"67.1", NULL},   {".0", NULL},
                {"67.0/x", NULL}, {"1234.0", NULL}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *version = NULL;
        weir_error err = {0};
        weir_status status = instance_version(rows[i].given, &version, &err);
        assert_int_equal(status, rows[i].version ? WEIR_OK : WEIR_INVALID);
        if (rows[i].version)
            assert_string_equal(version, rows[i].version);
    }
}

static void an_organisation_has_one_name_however_it_is_spelled(void **state)
{
    (void)state;
    static const struct {
        const char *id, *organisation;
    } rows[] = {
        {"https://login.salesforce.com/id/00D50000000IZ3Z/00550000001fg5O", "00D50000000IZ3Z"},
        {"https://login.salesforce.com/id/00D50000000IZ3ZEAW/00550000001fg5OAAQ",
         "00D50000000IZ3Z"},
        {"https://login.salesforce.com/id/00D50000000IZ3ZEAW", "00D50000000IZ3Z"},
        {"https://login.salesforce.com/id/short/005", "acme.example"},
        {"https://login.salesforce.com/id/00D5000000 IZ3Z/005", "acme.example"},
        {"nonsense", "acme.example"},
        {NULL, "acme.example"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_token *token = token_with(rows[i].id ? "id" : NULL, rows[i].id);
        char *organisation = instance_organisation(token, "https://ACME.example:8443");
        assert_string_equal(organisation, rows[i].organisation);
        mem_free(organisation);
        weir_token_free(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_then_the_token_then_the_environment_say_where),
        cmocka_unit_test(an_instance_is_a_host_that_may_have_the_token),
        cmocka_unit_test(an_api_version_is_two_numbers),
        cmocka_unit_test(an_organisation_has_one_name_however_it_is_spelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
