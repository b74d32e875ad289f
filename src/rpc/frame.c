/* gRPC's message prefix and gzip. Unpacking goes piece by piece, so that a bomb costs no more than
 * the limit of the buffer it goes to. */
#include "rpc/frame.h"

#include "core/error.h"

#include <zlib.h>

#define GZIP_BITS (15 + 16) /* the largest window, gzip wrapping (zlib.h, deflateInit2) */
#define PIECE     8192

void frame_write(uint8_t out[FRAME_PREFIX], bool compressed, uint32_t len)
{
    out[0] = compressed ? 1 : 0;
    out[1] = (uint8_t)(len >> 24);
    out[2] = (uint8_t)(len >> 16);
    out[3] = (uint8_t)(len >> 8);
    out[4] = (uint8_t)len;
}

bool frame_read(const uint8_t in[FRAME_PREFIX], struct frame *out)
{
    out->compressed = in[0] == 1;
    out->len =
        (uint32_t)in[1] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 8 | (uint32_t)in[4];
    return in[0] <= 1;
}

static weir_status pump(z_stream *z, struct buf *out, int (*step)(z_stream *, int), int *last)
{
    unsigned char piece[PIECE];
    do {
        z->next_out = piece;
        z->avail_out = sizeof piece;
        *last = step(z, Z_FINISH);
        buf_add(out, piece, sizeof piece - z->avail_out);
    } while ((*last == Z_OK || *last == Z_BUF_ERROR) && z->avail_out == 0 && !out->failed);
    return WEIR_OK;
}

weir_status frame_gzip(struct buf *out, const void *data, size_t len, weir_error *err)
{
    z_stream z = {0};
    int last = Z_MEM_ERROR;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return error_no_memory(err);
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)len;
    pump(&z, out, deflate, &last);
    deflateEnd(&z);
    return last == Z_STREAM_END ? buf_finish(out, err) : error_no_memory(err);
}

weir_status frame_gunzip(struct buf *out, const void *data, size_t len, weir_error *err)
{
    z_stream z = {0};
    int last = Z_MEM_ERROR;
    if (inflateInit2(&z, GZIP_BITS) != Z_OK)
        return error_no_memory(err);
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)len;
    pump(&z, out, inflate, &last);
    inflateEnd(&z);
    if (out->failed) {
        error_set(err, WEIR_BUSY, "a message unpacks to more than %zu bytes", out->max);
        if (err)
            err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
        return WEIR_BUSY;
    }
    if (last == Z_STREAM_END && z.avail_in == 0)
        return WEIR_OK;
    return error_set(err, WEIR_PROTOCOL, "a message that says it is gzip is not");
}
