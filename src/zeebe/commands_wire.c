/* Varints, and texts with their length before them. Messages inside of messages are small: their
 * length is put in its place once it is known, and what follows moves up. */
#include "zeebe/commands_wire.h"

#include <string.h>

#define VARINT_MOST 10

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

static size_t varint(unsigned char *out, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        out[len++] = (unsigned char)(value | 0x80);
    out[len++] = (unsigned char)value;
    return len;
}

static void tag(struct buf *out, unsigned number, unsigned type, uint64_t value)
{
    unsigned char bytes[2 * VARINT_MOST];
    size_t len = varint(bytes, (uint64_t)number << 3 | type);
    len += varint(bytes + len, value);
    buf_add(out, bytes, len);
}

void wire_int(struct buf *out, unsigned number, int64_t value)
{
    tag(out, number, WIRE_VARINT, (uint64_t)value);
}

void wire_bytes(struct buf *out, unsigned number, const void *data, size_t len)
{
    tag(out, number, WIRE_LENGTH, len);
    buf_add(out, data, len);
}

size_t wire_open(struct buf *out, unsigned number)
{
    tag(out, number, WIRE_LENGTH, 0); /* one byte for the length, for now */
    return out->len;
}

void wire_close(struct buf *out, size_t opened)
{
    unsigned char bytes[VARINT_MOST];
    if (out->failed)
        return;
    size_t held = out->len - opened;
    size_t len = varint(bytes, held);
    buf_add(out, bytes, len - 1); /* room */
    if (out->failed)
        return;
    if (len > 1)
        memmove(out->data + opened + len - 1, out->data + opened, held);
    memcpy(out->data + opened - 1, bytes, len);
}
