#include "lib/check.h"

#include "core/mem.h"

static void the_nth_allocation_fails_and_only_that(void **state)
{
    (void)state;
    mem_fail_at(2);
    void *first = mem_zalloc(1);
    void *second = mem_zalloc(1);
    void *third = mem_zalloc(1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    assert_true(mem_failed());
    mem_fail_at(0);
    mem_free(first);
    mem_free(third);
}

static void an_array_whose_size_overflows_is_refused(void **state)
{
    (void)state;
    assert_null(mem_array(SIZE_MAX / 2, 3));
}

static void a_copy_is_terminated(void **state)
{
    (void)state;
    char *copy = mem_dup("ab\0c", 3);
    assert_memory_equal(copy, "ab\0\0", 4);
    mem_free(copy);
    assert_null(mem_strdup(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_allocation_fails_and_only_that),
        cmocka_unit_test(an_array_whose_size_overflows_is_refused),
        cmocka_unit_test(a_copy_is_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
