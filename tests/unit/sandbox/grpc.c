#include "lib/check.h"

#include "core/limits.h"
#include "core/mem.h"
#include "sandbox/grpc.h"

#include <string.h>
#include <zlib.h>

static const struct {
    const char *text;
    int64_t ns; /* -1: refused */
} timeouts[] = {
    {"100m", 100000000},
    {"1H", INT64_C(3600000000000)},
    {"2M", INT64_C(120000000000)},
    {"3S", INT64_C(3000000000)},
    {"4u", 4000},
    {"5n", 5},
    {"0S", 0},
    {"99999999H", INT64_MAX},
    {"", -1},
    {"m", -1},
    {"10", -1},
    {"123456789m", -1},
    {"1s", -1},
    {"-1S", -1},
    {"1.5S", -1},
    {" 1S", -1},
};

static void a_timeout_is_read_as_grpc_writes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(timeouts); i++) {
        int64_t ns = -7;
        bool good = grpc_read_timeout(timeouts[i].text, &ns);
        if (good != (timeouts[i].ns >= 0) || (good && ns != timeouts[i].ns))
            fail_msg("\"%s\": %d, %lld", timeouts[i].text, good, (long long)ns);
    }
}

static void only_grpc_is_grpc(void **state)
{
    (void)state;
    assert_true(grpc_content_type("application/grpc"));
    assert_true(grpc_content_type("application/grpc+proto"));
    assert_true(grpc_content_type("application/grpc;charset=utf-8"));
    assert_false(grpc_content_type("application/grpc-web"));
    assert_false(grpc_content_type("application/json"));
    assert_false(grpc_content_type(NULL));
}

static int read_body(const void *body, size_t len, const char *encoding, char *text)
{
    weir_bytes out = {NULL, 0};
    void *owned = NULL;
    const char *why = NULL;
    int status = grpc_read_message((weir_bytes){body, len}, encoding, &out, &owned, &why);
    if (status == 0 && text) {
        memcpy(text, out.data, out.len);
        text[out.len] = '\0';
    }
    mem_free(owned);
    return status;
}

static void a_body_holds_exactly_one_message(void **state)
{
    (void)state;
    char text[16];
    assert_int_equal(read_body("\0\0\0\0\2hi", 7, NULL, text), 0);
    assert_string_equal(text, "hi");
    assert_int_equal(read_body("\0\0\0\0\0", 5, NULL, text), 0);
    assert_string_equal(text, "");
    assert_int_equal(read_body("", 0, NULL, NULL), 13);
    assert_int_equal(read_body("\0\0\0\0\2h", 6, NULL, NULL), 13);
    assert_int_equal(read_body("\0\0\0\0\1hi", 7, NULL, NULL), 13);
    assert_int_equal(read_body("\0\xff\xff\xff\xff", 5, NULL, NULL), 8);
    assert_int_equal(read_body("\2\0\0\0\2hi", 7, "gzip", NULL), 13);
    assert_int_equal(read_body("\1\0\0\0\2hi", 7, NULL, NULL), 13);
    assert_int_equal(read_body("\1\0\0\0\2hi", 7, "gzip", NULL), 13);
    assert_int_equal(read_body("\1\0\0\0\2hi", 7, "deflate", NULL), 12);
}

static size_t gzip(const void *data, size_t len, unsigned char *out, size_t size)
{
    z_stream stream = {0};
    union {
        const void *data;
        unsigned char *bytes;
    } in = {data};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = in.bytes;
    stream.avail_in = (uInt)len;
    stream.next_out = out + 5;
    stream.avail_out = (uInt)(size - 5);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed = size - 5 - stream.avail_out;
    deflateEnd(&stream);
    out[0] = 1;
    out[1] = 0;
    out[2] = (unsigned char)(packed >> 16);
    out[3] = (unsigned char)(packed >> 8);
    out[4] = (unsigned char)packed;
    return packed + 5;
}

static void a_compressed_message_is_unpacked(void **state)
{
    (void)state;
    unsigned char packed[256];
    char text[64];
    size_t len = gzip("hello, hello, hello", 19, packed, sizeof packed);
    assert_int_equal(read_body(packed, len, "gzip", text), 0);
    assert_string_equal(text, "hello, hello, hello");
    packed[20] ^= 0x55;
    assert_int_equal(read_body(packed, len, "gzip", NULL), 13);
}

static void a_bomb_is_refused(void **state)
{
    (void)state;
    static unsigned char packed[64 * 1024];
    size_t size = 2 * LIMIT_GRPC_MESSAGE;
    void *zeros = mem_zalloc(size);
    assert_non_null(zeros);
    assert_int_equal(read_body(packed, gzip(zeros, size, packed, sizeof packed), "gzip", NULL), 8);
    mem_free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timeout_is_read_as_grpc_writes_it),
        cmocka_unit_test(only_grpc_is_grpc),
        cmocka_unit_test(a_body_holds_exactly_one_message),
        cmocka_unit_test(a_compressed_message_is_unpacked),
        cmocka_unit_test(a_bomb_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
