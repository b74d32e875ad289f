#include "lib/check.h"

#include "core/lazy.h"

#include <string.h>

static double (*cosine)(double);
static void (*missing)(void);

static void a_library_is_loaded_and_its_functions_work(void **state)
{
    (void)state;
    const struct lazy_symbol symbols[] = {{"cos", (void (**)(void)) & cosine}, {0}};
    weir_error err = {0};
    assert_int_equal(lazy_load("libm.so.6", "libc6", symbols, &err), WEIR_OK);
    assert_true(cosine(0) > 0.99);
}

static void what_is_missing_is_named_with_its_package(void **state)
{
    (void)state;
    const struct lazy_symbol symbols[] = {{"no_such_function", &missing}, {0}};
    weir_error err = {0};
    assert_int_equal(lazy_load("libnosuch.so.4", "libnosuch4", symbols, &err), WEIR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "libnosuch.so.4"));
    assert_non_null(strstr(err.message, "install the package libnosuch4"));
    assert_int_equal(lazy_load("libm.so.6", "libc6", symbols, &err), WEIR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no_such_function"));
    assert_null(missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_is_loaded_and_its_functions_work),
        cmocka_unit_test(what_is_missing_is_named_with_its_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
