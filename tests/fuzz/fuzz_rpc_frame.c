/* Any bytes as a compressed message: never more than the limit comes out, and what gzip made comes
 * back. The first byte says how large the limit is. */
#include "rpc/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(const uint8_t *data, size_t size, size_t most)
{
    struct buf out = BUF_INIT(most);
    weir_error err = {0};
    weir_status status = frame_gunzip(&out, data, size, &err);
    bool known = status == WEIR_OK || status == WEIR_PROTOCOL ||
                 (status == WEIR_BUSY && err.kind == WEIR_KIND_MESSAGE_TOO_LARGE);
    if (!known || out.len > most || (status != WEIR_OK && !err.message[0]))
        abort();
    buf_free(&out);
}

static void there_and_back(const uint8_t *data, size_t size)
{
    struct buf packed = BUF_INIT(1 << 20);
    struct buf again = BUF_INIT(size);
    if (frame_gzip(&packed, data, size, NULL) != WEIR_OK ||
        frame_gunzip(&again, packed.data, packed.len, NULL) != WEIR_OK || again.len != size ||
        (size && memcmp(again.data, data, size) != 0))
        abort();
    buf_free(&packed);
    buf_free(&again);
}

static void prefix(const uint8_t *data)
{
    uint8_t again[FRAME_PREFIX];
    struct frame f;
    if (!frame_read(data, &f))
        return;
    frame_write(again, f.compressed, f.len);
    if (memcmp(data, again, FRAME_PREFIX) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16)
        return 0;
    unpack(data + 1, size - 1, (size_t)1 << (data[0] % 18));
    there_and_back(data, size);
    if (size >= FRAME_PREFIX)
        prefix(data);
    return 0;
}
