/* Which proxy: the environment's variables, NO_PROXY, and what is refused. */
#include "lib/check.h"

#include "io/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                        "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                        "no_proxy",    "NO_PROXY",   "REQUEST_METHOD"};

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

/* The proxy's host, "" for none; fails the test on an error. */
static const char *host_for(const char *option, const char *host, uint16_t port, bool tls)
{
    static char text[256];
    struct url url;
    weir_error err = {0};
    assert_int_equal(proxy_for(option, host, port, tls, &url, &err), WEIR_OK);
    snprintf(text, sizeof text, "%s", url.host ? url.host : "");
    url_clear(&url);
    return text;
}

static void lower_case_wins_and_the_scheme_of_the_target_chooses(void **state)
{
    (void)state;
    setenv("ALL_PROXY", "http://all", 1);
    assert_string_equal(host_for(NULL, "example.org", 443, true), "all");
    setenv("HTTPS_PROXY", "upper:3128", 1);
    setenv("http_proxy", "http://plain:3128/", 1);
    assert_string_equal(host_for(NULL, "example.org", 443, true), "upper");
    setenv("https_proxy", "http://lower:3128", 1);
    assert_string_equal(host_for(NULL, "example.org", 443, true), "lower");
    assert_string_equal(host_for(NULL, "example.org", 80, false), "plain");
    setenv("https_proxy", "", 1);
    assert_string_equal(host_for(NULL, "example.org", 443, true), "upper");
}

static void a_cgi_request_cannot_choose_the_proxy(void **state)
{
    (void)state;
    setenv("HTTP_PROXY", "http://attacker", 1);
    assert_string_equal(host_for(NULL, "example.org", 80, false), "attacker");
    setenv("REQUEST_METHOD", "GET", 1);
    assert_string_equal(host_for(NULL, "example.org", 80, false), "");
}

static void an_option_beats_the_environment(void **state)
{
    (void)state;
    setenv("https_proxy", "http://environment", 1);
    setenv("no_proxy", "*", 1);
    assert_string_equal(host_for("http://option", "example.org", 443, true), "option");
    assert_string_equal(host_for("http://option", "localhost", 443, true), "option");
    unsetenv("no_proxy");
    assert_string_equal(host_for(WEIR_OMIT, "example.org", 443, true), "");
    assert_string_equal(host_for("", "example.org", 443, true), "");
}

static void this_machine_is_never_asked_for_through_a_proxy(void **state)
{
    (void)state;
    static const char *const here[] = {"localhost", "LOCALHOST.", "a.localhost",
                                       "127.0.0.1", "127.3.2.1",  "::1"};
    setenv("ALL_PROXY", "http://all", 1);
    for (size_t i = 0; i < COUNT(here); i++)
        assert_string_equal(host_for(NULL, here[i], 26500, false), "");
}

static void no_proxy_means_what_it_means_to_curl(void **state)
{
    (void)state;
    static const struct {
        const char *list, *host;
        bool direct;
    } cases[] = {
        {"example.org", "example.org", true},
        {"example.org", "EXAMPLE.ORG.", true},
        {"example.org", "www.example.org", true},
        {"example.org", "notexample.org", false},
        {".example.org", "www.example.org", true},
        {".example.org", "example.org", true},
        {"*.example.org", "www.example.org", true},
        {"example.org.", "www.example.org", true},
        {"www.example.org", "example.org", false},
        {"a.b, example.org", "example.org", true},
        {"a.b example.org", "example.org", true},
        {" ,, ,", "example.org", false},
        {"*", "example.org", true},
        {"a.b,*", "10.0.0.1", true},
        {"example.org:26500", "example.org", true},
        {"example.org:26501", "example.org", false},
        {"example.org:none", "example.org", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1:26500", "10.0.0.1", true},
        {"10.0.0.1:1", "10.0.0.1", false},
        {"10.0.0.1", "10.0.0.11", false},
        {"0.0.1", "10.0.0.1", false},
        {"10.0.0.0/8", "10.200.3.4", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.128.0.0/9", "10.127.0.1", false},
        {"10.128.0.0/9", "10.129.0.1", true},
        {"10.0.0.0/33", "10.0.0.1", false},
        {"10.0.0.0/", "10.0.0.1", false},
        {"0.0.0.0/0", "10.0.0.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:1::5", true},
        {"2001:db8::/32", "2001:db9::5", false},
        {"2001:db8::1", "2001:0db8::0001", true},
        {"[2001:db8::1]", "2001:db8::1", true},
        {"[2001:db8::1]:26500", "2001:db8::1", true},
        {"[2001:db8::1]:26501", "2001:db8::1", false},
        {"[", "example.org", false},
        {"]:1", "example.org", false},
        {":1", "example.org", false},
    };
    setenv("ALL_PROXY", "http://all", 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        setenv("NO_PROXY", cases[i].list, 1);
        const char *got = host_for(NULL, cases[i].host, 26500, true);
        if (strcmp(got, cases[i].direct ? "" : "all") != 0)
            fail_msg("NO_PROXY='%s' for %s: '%s'", cases[i].list, cases[i].host, got);
    }
}

static void a_proxy_has_a_port_and_perhaps_a_login(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(proxy_for("user:p%40ss@proxy:3128", "h", 1, true, &url, NULL), 0);
    assert_non_null(url.host);
    assert_int_equal(url.port, 3128);
    assert_string_equal(url.userinfo, "user:p%40ss");
    url_clear(&url);
    assert_int_equal(proxy_for("http://[::1]", "h", 1, true, &url, NULL), 0);
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 80);
    url_clear(&url);
}

static void what_is_no_proxy_is_refused_by_its_variable_without_its_secret(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://user:s3cret@proxy:99999", "socks5://user:s3cret@p:1",
                                      "http://user:s3cret@", "https://user:s3cret@proxy:1"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct url url;
        weir_error err = {0};
        setenv("HTTPS_PROXY", bad[i], 1);
        assert_int_equal(proxy_for(NULL, "example.org", 443, true, &url, &err), WEIR_INVALID);
        assert_null(url.host);
        assert_non_null(strstr(err.message, "HTTPS_PROXY"));
        assert_null(strstr(err.message, "s3cret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lower_case_wins_and_the_scheme_of_the_target_chooses, clean),
        cmocka_unit_test_setup(a_cgi_request_cannot_choose_the_proxy, clean),
        cmocka_unit_test_setup(an_option_beats_the_environment, clean),
        cmocka_unit_test_setup(this_machine_is_never_asked_for_through_a_proxy, clean),
        cmocka_unit_test_setup(no_proxy_means_what_it_means_to_curl, clean),
        cmocka_unit_test_setup(a_proxy_has_a_port_and_perhaps_a_login, clean),
        cmocka_unit_test_setup(what_is_no_proxy_is_refused_by_its_variable_without_its_secret,
                               clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
