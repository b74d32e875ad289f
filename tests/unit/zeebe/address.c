#include "zeebe/address.h"
#include "lib/check.h"

#include <string.h>

static const struct {
    const char *text, *target, *host;
    int port;
    enum gateway_security security;
    bool local;
} good[] = {
    {"localhost", "localhost:26500", "localhost", 26500, GATEWAY_UNSAID, true},
    {"gateway:1", "gateway:1", "gateway", 1, GATEWAY_UNSAID, false},
    {"127.0.0.1", "127.0.0.1:26500", "127.0.0.1", 26500, GATEWAY_UNSAID, true},
    {"[::1]:5", "[::1]:5", "::1", 5, GATEWAY_UNSAID, true},
    {"::1", "[::1]:26500", "::1", 26500, GATEWAY_UNSAID, true},
    {"grpc://h", "h:26500", "h", 26500, GATEWAY_PLAINTEXT, false},
    {"http://h:9/", "h:9", "h", 9, GATEWAY_PLAINTEXT, false},
    {"grpcs://h", "h:443", "h", 443, GATEWAY_TLS, false},
    {"https://h", "h:443", "h", 443, GATEWAY_TLS, false},
    {"HTTPS://H:26500", "h:26500", "h", 26500, GATEWAY_TLS, false},
    {"dns:///h:7", "h:7", "h", 7, GATEWAY_UNSAID, false},
    {"dns:h:7", "h:7", "h", 7, GATEWAY_UNSAID, false},
    {"unix:/run/zeebe.sock", "unix:/run/zeebe.sock", NULL, 0, GATEWAY_UNSAID, true},
    {"ipv4:127.0.0.1:1,127.0.0.2:1", "ipv4:127.0.0.1:1,127.0.0.2:1", NULL, 0, GATEWAY_UNSAID, true},
    {"ipv4:127.0.0.1:1,10.0.0.1:1", "ipv4:127.0.0.1:1,10.0.0.1:1", NULL, 0, GATEWAY_UNSAID, false},
    {"ipv6:[::1]:5", "ipv6:[::1]:5", NULL, 0, GATEWAY_UNSAID, true},
    {"dns:///unix", "dns:///unix:26500", "unix", 26500, GATEWAY_UNSAID, false},
};

static const struct {
    const char *text, *says;
} bad[] = {
    {"ftp://h", "ftp://"},
    {"https://h/path", "has a path"},
    {"https://user:pass@h", "credentials are options of their own"},
    {"h:0", "grpc_address"},
    {"h:99999", "grpc_address"},
    {":26500", "grpc_address"},
    {"h h", "grpc_address"},
    {"https://", "grpc_address"},
    {"user@h", "'@'"},
};

static void what_is_an_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct gateway g;
        weir_error err = {0};
        assert_int_equal(gateway_parse(&g, good[i].text, "grpc_address", &err), WEIR_OK);
        assert_string_equal(g.target, good[i].target);
        if (good[i].host)
            assert_string_equal(g.host, good[i].host);
        else
            assert_null(g.host);
        assert_int_equal(g.port, good[i].port);
        assert_int_equal(g.security, good[i].security);
        assert_int_equal(g.local, good[i].local);
        gateway_clear(&g);
    }
}

static void what_is_none_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct gateway g;
        weir_error err = {0};
        assert_int_equal(gateway_parse(&g, bad[i].text, "grpc_address", &err), WEIR_INVALID);
        if (!strstr(err.message, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.message, bad[i].says);
        assert_null(strstr(err.message, "pass"));
        assert_null(g.target);
    }
}

static void parts_are_replaced(void **state)
{
    (void)state;
    struct gateway g;
    weir_error err = {0};
    assert_int_equal(gateway_parse(&g, "https://localhost", "a", &err), WEIR_OK);
    assert_int_equal(gateway_replace(&g, "example.org", 0, "ZEEBE_HOST", &err), WEIR_OK);
    assert_string_equal(g.target, "example.org:443");
    assert_false(g.local);
    assert_int_equal(gateway_replace(&g, NULL, 5, "ZEEBE_PORT", &err), WEIR_OK);
    assert_string_equal(g.target, "example.org:5");
    assert_int_equal(gateway_replace(&g, "h:1", 0, "ZEEBE_HOST", &err), WEIR_INVALID);
    assert_string_equal(g.target, "example.org:5");
    gateway_clear(&g);
    assert_int_equal(gateway_parse(&g, "unix:/x", "a", &err), WEIR_OK);
    assert_int_equal(gateway_replace(&g, "h", 0, "ZEEBE_HOST", &err), WEIR_INVALID);
    gateway_clear(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_address),
        cmocka_unit_test(what_is_none_is_refused_by_name),
        cmocka_unit_test(parts_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
