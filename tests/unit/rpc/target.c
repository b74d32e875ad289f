#include "rpc/target.h"

#include "lib/check.h"

#include <string.h>

static void every_form_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *authority;
        uint16_t port;
        size_t addresses;
    } cases[] = {
        {"gateway:26500", "gateway", "gateway:26500", 26500, 0},
        {"gateway", "gateway", "gateway:443", 443, 0},
        {"[::1]:26500", "::1", "[::1]:26500", 26500, 0},
        {"dns:///gateway:1", "gateway", "gateway:1", 1, 0},
        {"dns:gateway:1", "gateway", "gateway:1", 1, 0},
        {"ipv4:127.0.0.1:1,127.0.0.2:2", NULL, "127.0.0.1:1", 0, 2},
        {"ipv6:[::1]:5", NULL, "[::1]:5", 0, 1},
        {"unix:/tmp/x", NULL, "localhost", 0, 1},
        {"unix:///tmp/x", NULL, "localhost", 0, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target t;
        weir_error err = {0};
        target_parse(&t, cases[i].text, &err);
        assert_string_equal(err.message, "");
        assert_string_equal(t.host ? t.host : "-", cases[i].host ? cases[i].host : "-");
        assert_string_equal(t.authority, cases[i].authority);
        assert_int_equal(t.port, cases[i].port);
        assert_int_equal(t.count, cases[i].addresses);
        target_clear(&t);
    }
}

static void what_is_no_target_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",       ":1",           "host:0",         "host:99999",         "https://host:443",
        "ipv4:x", "ipv4:[::1]:1", "ipv6:1.2.3.4:5", "dns://8.8.8.8/host", "unix:",
        "ipv4:",  "[::1",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target t;
        weir_error err = {0};
        assert_int_not_equal(target_parse(&t, cases[i], &err), WEIR_OK);
        assert_true(err.status == WEIR_INVALID || err.status == WEIR_UNSUPPORTED);
        assert_true(strlen(err.message) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_understood),
        cmocka_unit_test(what_is_no_target_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
