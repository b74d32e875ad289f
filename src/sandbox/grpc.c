#include "sandbox/grpc.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>
#include <zlib.h>

#define INVALID_ARGUMENT   3
#define RESOURCE_EXHAUSTED 8
#define UNIMPLEMENTED      12
#define INTERNAL           13

#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for the gzip format */

/* All of it, into LIMIT_GRPC_MESSAGE bytes at most. */
static int inflate_all(z_stream *stream, unsigned char *out, size_t size, size_t *len)
{
    stream->next_out = out;
    stream->avail_out = (uInt)size;
    int result = inflate(stream, Z_FINISH);
    *len = size - stream->avail_out;
    return result;
}

static int gunzip(weir_bytes packed, weir_bytes *out, void **owned, const char **why)
{
    z_stream stream = {0};
    size_t len = 0;
    union {
        const void *data;
        unsigned char *bytes;
    } in = {packed.data};
    unsigned char *room = mem_zalloc(LIMIT_GRPC_MESSAGE);
    *why = "the sandbox is out of memory";
    if (!room || inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        mem_free(room);
        return RESOURCE_EXHAUSTED;
    }
    stream.next_in = in.bytes;
    stream.avail_in = (uInt)packed.len;
    int result = inflate_all(&stream, room, LIMIT_GRPC_MESSAGE, &len);
    bool full = result == Z_BUF_ERROR && len == LIMIT_GRPC_MESSAGE;
    inflateEnd(&stream);
    if (result == Z_STREAM_END) {
        *owned = room;
        *out = (weir_bytes){room, len};
        return 0;
    }
    mem_free(room);
    *why = full ? "gRPC message exceeds maximum size 4194304" : "the message is not gzip";
    return full ? RESOURCE_EXHAUSTED : INTERNAL;
}

int grpc_read_message(weir_bytes body, const char *encoding, weir_bytes *out, void **owned,
                      const char **why)
{
    const unsigned char *bytes = body.data;
    *owned = NULL;
    *why = "the request holds no whole message";
    if (body.len < 5)
        return INTERNAL;
    size_t len = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
    *why = "gRPC message exceeds maximum size 4194304";
    if (len > LIMIT_GRPC_MESSAGE)
        return RESOURCE_EXHAUSTED;
    *why = "the request does not hold exactly one message";
    if (len != body.len - 5)
        return INTERNAL;
    *out = (weir_bytes){bytes + 5, len};
    if (bytes[0] == 0)
        return 0;
    *why = "the message's compressed flag is neither 0 nor 1, or there is no grpc-encoding";
    if (bytes[0] > 1 || !encoding || strcmp(encoding, "identity") == 0)
        return INTERNAL;
    *why = "Can't find decompressor for this grpc-encoding; there is gzip";
    if (strcmp(encoding, "gzip") != 0)
        return UNIMPLEMENTED;
    return gunzip(*out, out, owned, why);
}

bool grpc_read_timeout(const char *text, int64_t *ns)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {{'n', 1},          {'u', 1000},        {'m', 1000000},
                 {'S', 1000000000}, {'M', 60000000000}, {'H', 3600000000000}};
    char digits[9] = "";
    int64_t number = 0;
    size_t len = strlen(text);
    if (len < 2 || len > sizeof digits)
        return false;
    memcpy(digits, text, len - 1);
    if (!text_number(digits, 0, 99999999, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].unit != text[len - 1])
            continue;
        *ns = number > INT64_MAX / units[i].ns ? INT64_MAX : number * units[i].ns;
        return true;
    }
    return false;
}

bool grpc_content_type(const char *text)
{
    static const char type[] = "application/grpc";
    size_t len = sizeof type - 1;
    return text && strncmp(text, type, len) == 0 && (!text[len] || strchr("+;", text[len]));
}
