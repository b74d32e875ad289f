/* The ids that a program has in hand. */
#include "lib/check.h"
#include "salesforce/position_handed.h"

static void an_id_is_known_until_it_is_done(void **state)
{
    (void)state;
    struct handed h = {0};
    int64_t found = 0;
    assert_false(handed_find(&h, 5, &found));
    for (int64_t id = 10; id <= 1000; id += 10)
        assert_true(handed_add(&h, id));
    assert_true(handed_find(&h, 10, &found));
    assert_true(handed_find(&h, 1000, &found));
    assert_int_equal(found, 1000);
    assert_false(handed_find(&h, 15, &found));
    assert_false(handed_find(&h, 9, &found));
    assert_false(handed_find(&h, 1001, &found));
    handed_done(&h, 500);
    assert_false(handed_find(&h, 500, &found));
    assert_true(handed_find(&h, 510, &found));
    handed_done(&h, 400); /* nothing is undone */
    assert_true(handed_find(&h, 510, &found));
    handed_clear(&h);
}

static void a_program_that_never_acknowledges_does_not_make_it_grow(void **state)
{
    (void)state;
    struct handed h = {0};
    int64_t found = 0;
    for (int64_t id = 1; id <= 10 * HANDED_MOST; id++)
        assert_true(handed_add(&h, id));
    assert_true(h.count <= HANDED_MOST);
    assert_true(handed_find(&h, 1, &found));
    assert_int_equal(found, 1);
    assert_true(handed_find(&h, 10 * HANDED_MOST, &found));
    assert_int_equal(found, 10 * HANDED_MOST);
    assert_true(handed_find(&h, 1000, &found)); /* forgotten: one before it, never one after */
    assert_in_range(found, 1, 1000);
    assert_false(handed_find(&h, 10 * HANDED_MOST + 1, &found));
    handed_done(&h, 10 * HANDED_MOST);
    assert_int_equal(h.count, 0);
    handed_clear(&h);
}

static void the_room_of_what_is_done_is_used_again(void **state)
{
    (void)state;
    struct handed h = {0};
    for (int64_t id = 1; id <= 100000; id++) {
        assert_true(handed_add(&h, id));
        if (id > 10)
            handed_done(&h, id - 10);
    }
    assert_int_equal(h.count, 10);
    assert_in_range(h.room, 10, 64);
    handed_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_known_until_it_is_done),
        cmocka_unit_test(a_program_that_never_acknowledges_does_not_make_it_grow),
        cmocka_unit_test(the_room_of_what_is_done_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
