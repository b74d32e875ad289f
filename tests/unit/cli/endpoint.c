/* Addresses as people write them. */
#include "cli/endpoint.h"

#include <string.h>

#include "lib/check.h"

static void an_address_is_a_host_and_perhaps_a_port_and_a_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
        enum endpoint_scheme scheme;
    } cases[] = {
        {"localhost", "localhost", 0, SCHEME_NONE},
        {"localhost:26500", "localhost", 26500, SCHEME_NONE},
        {"gw.example:1", "gw.example", 1, SCHEME_NONE},
        {"grpc://gw.example", "gw.example", 0, SCHEME_PLAIN},
        {"http://gw.example:80/", "gw.example", 80, SCHEME_PLAIN},
        {"grpcs://gw.example:8443", "gw.example", 8443, SCHEME_TLS},
        {"HTTPS://gw.example", "gw.example", 0, SCHEME_TLS},
        {"[::1]:65535", "::1", 65535, SCHEME_NONE},
        {"[2001:db8::1]", "2001:db8::1", 0, SCHEME_NONE},
        {"::1", "::1", 0, SCHEME_NONE},
        {"grpc://[::1]:5", "::1", 5, SCHEME_PLAIN},
        {"dns:gw.example:1", "gw.example", 1, SCHEME_NONE},
        {"dns:///gw.example", "gw.example", 0, SCHEME_NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct endpoint endpoint;
        weir_error err = {0};
        if (endpoint_parse(&endpoint, cases[i].text, "--address", &err) != WEIR_OK)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_string_equal(endpoint.host, cases[i].host);
        assert_int_equal(endpoint.port, cases[i].port);
        assert_int_equal(endpoint.scheme, cases[i].scheme);
    }
}

static void what_is_no_address_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          ":26500",  "host:",     "host:0",      "host:65536", "host:99999999",
        "host:1x",   "host:-1", "[::1",      "[host]:1",    "::g",        "ftp://host",
        "dns://9/h", "ho st:1", "host/path", "https://a/b", "host?x",     "user@host:1",
        "grpc://",   "[::1]x",  "host:1:2",  "https://",    "\"host\"",   "host\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct endpoint endpoint;
        weir_error err = {0};
        if (endpoint_parse(&endpoint, texts[i], "--address", &err) != WEIR_INVALID)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_memory_equal(err.message, "--address: ", 11);
    }
}

static void what_has_no_host_stays_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool local;
    } cases[] = {
        {"unix:/run/gateway", true},
        {"ipv4:127.0.0.1:1,127.0.0.2", true},
        {"ipv4:127.0.0.1:1,192.0.2.1:1", false},
        {"ipv6:[::1]:5", true},
        {"ipv6:[2001:db8::1]:5", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct endpoint endpoint;
        weir_error err = {0};
        char target[280];
        assert_int_equal(endpoint_parse(&endpoint, cases[i].text, "--address", &err), WEIR_OK);
        endpoint_target(&endpoint, target);
        assert_string_equal(target, cases[i].text);
        assert_int_equal(endpoint_is_local(&endpoint), cases[i].local);
    }
}

static void a_password_in_an_address_is_not_quoted(void **state)
{
    (void)state;
    struct endpoint endpoint;
    weir_error err = {0};
    assert_int_equal(endpoint_parse(&endpoint, "https://me:hunter2@gw:1", "X", &err), WEIR_INVALID);
    assert_null(strstr(err.message, "hunter2"));
    assert_non_null(strstr(err.message, "https://***@gw:1"));
}

static void loopback_is_what_leaves_no_machine(void **state)
{
    (void)state;
    static const char *const inside[] = {"localhost", "LOCALHOST.", "a.localhost",     "127.0.0.1",
                                         "127.9.9.9", "::1",        "::ffff:127.0.0.1"};
    static const char *const outside[] = {
        "localhost.example", "xlocalhost",        "128.0.0.1", "0.0.0.0", "::2",
        "example",           "127.0.0.1.example", ""};
    for (size_t i = 0; i < COUNT(inside); i++)
        if (!endpoint_is_loopback(inside[i]))
            fail_msg("%s", inside[i]);
    for (size_t i = 0; i < COUNT(outside); i++)
        if (endpoint_is_loopback(outside[i]))
            fail_msg("%s", outside[i]);
}

static void a_domain_is_itself_and_what_is_below(void **state)
{
    (void)state;
    assert_true(endpoint_is_under("a.bru-2.zeebe.camunda.io", "zeebe.camunda.io"));
    assert_true(endpoint_is_under("Zeebe.Camunda.IO.", "zeebe.camunda.io"));
    assert_false(endpoint_is_under("evilzeebe.camunda.io", "zeebe.camunda.io"));
    assert_false(endpoint_is_under("zeebe.camunda.io.example", "zeebe.camunda.io"));
    assert_false(endpoint_is_under("io", "zeebe.camunda.io"));
}

static void http_to_another_machine_exposes(void **state)
{
    (void)state;
    static const char *const exposing[] = {"http://idp.example/token", "HTTP://10.0.0.1:80",
                                           "http://localhost@idp.example/x",
                                           "http://[2001:db8::1]/t"};
    static const char *const safe[] = {"https://idp.example/token", "http://localhost:8080/token",
                                       "http://127.0.0.1/", "http://[::1]:1/t?a=b", "nonsense"};
    for (size_t i = 0; i < COUNT(exposing); i++)
        if (!endpoint_url_exposes(exposing[i]))
            fail_msg("%s", exposing[i]);
    for (size_t i = 0; i < COUNT(safe); i++)
        if (endpoint_url_exposes(safe[i]))
            fail_msg("%s", safe[i]);
}

static void a_target_has_brackets_where_it_needs_them(void **state)
{
    (void)state;
    char out[280];
    endpoint_target(&(struct endpoint){.host = "::1", .port = 5}, out);
    assert_string_equal(out, "[::1]:5");
    endpoint_target(&(struct endpoint){.host = "gw", .port = 26500}, out);
    assert_string_equal(out, "gw:26500");
    endpoint_target(&(struct endpoint){.host = "unix", .port = 26500}, out);
    assert_string_equal(out, "dns:///unix:26500");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_host_and_perhaps_a_port_and_a_scheme),
        cmocka_unit_test(what_is_no_address_is_refused_by_name),
        cmocka_unit_test(what_has_no_host_stays_as_it_is),
        cmocka_unit_test(a_password_in_an_address_is_not_quoted),
        cmocka_unit_test(loopback_is_what_leaves_no_machine),
        cmocka_unit_test(a_domain_is_itself_and_what_is_below),
        cmocka_unit_test(http_to_another_machine_exposes),
        cmocka_unit_test(a_target_has_brackets_where_it_needs_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
