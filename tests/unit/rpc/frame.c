#include "rpc/frame.h"

#include "lib/check.h"

#include <string.h>

static void the_prefix_is_a_flag_and_a_big_endian_length(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_PREFIX];
    struct frame f;
    frame_write(bytes, true, 0x01020304);
    assert_memory_equal(bytes, "\1\1\2\3\4", 5);
    assert_true(frame_read(bytes, &f));
    assert_true(f.compressed);
    assert_int_equal(f.len, 0x01020304);
    assert_false(frame_read((const uint8_t *)"\2\0\0\0\0", &f));
}

static void gzip_there_and_back(void **state)
{
    (void)state;
    static char text[100000];
    for (size_t size = 0; size <= sizeof text; size += 9999) {
        struct buf packed = BUF_INIT(1 << 20);
        struct buf again = BUF_INIT(1 << 20);
        for (size_t i = 0; i < size; i++)
            text[i] = (char)(i * 7 % 251);
        assert_int_equal(frame_gzip(&packed, text, size, NULL), WEIR_OK);
        assert_int_equal(frame_gunzip(&again, packed.data, packed.len, NULL), WEIR_OK);
        assert_int_equal(again.len, size);
        if (size)
            assert_memory_equal(again.data, text, size);
        buf_free(&packed);
        buf_free(&again);
    }
}

static void a_bomb_costs_no_more_than_the_limit(void **state)
{
    (void)state;
    static char zeros[1 << 20];
    weir_error err = {0};
    struct buf packed = BUF_INIT(1 << 20);
    struct buf small = BUF_INIT(10000);
    assert_int_equal(frame_gzip(&packed, zeros, sizeof zeros, NULL), WEIR_OK);
    assert_int_equal(frame_gunzip(&small, packed.data, packed.len, &err), WEIR_BUSY);
    assert_int_equal(err.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
    buf_free(&packed);
    buf_free(&small);
}

static void what_is_no_gzip_is_refused(void **state)
{
    (void)state;
    struct buf packed = BUF_INIT(1 << 20);
    assert_int_equal(frame_gzip(&packed, "hello", 5, NULL), WEIR_OK);
    for (size_t len = 0; len < packed.len; len++) { /* cut anywhere */
        struct buf out = BUF_INIT(1000);
        assert_int_equal(frame_gunzip(&out, packed.data, len, NULL), WEIR_PROTOCOL);
        buf_free(&out);
    }
    struct buf out = BUF_INIT(1000);
    buf_add(&packed, "x", 1); /* something after the end */
    assert_int_equal(frame_gunzip(&out, packed.data, packed.len, NULL), WEIR_PROTOCOL);
    buf_free(&out);
    buf_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prefix_is_a_flag_and_a_big_endian_length),
        cmocka_unit_test(gzip_there_and_back),
        cmocka_unit_test(a_bomb_costs_no_more_than_the_limit),
        cmocka_unit_test(what_is_no_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
