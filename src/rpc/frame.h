/* rpc/frame.h - the five bytes before every gRPC message, and its compression
 * ("Length-Prefixed-Message"). */
#ifndef RPC_FRAME_H
#define RPC_FRAME_H

#include "core/buf.h"

#define FRAME_PREFIX 5

void frame_write(uint8_t out[FRAME_PREFIX], bool compressed, uint32_t len);
/* What stands before a message. */
struct frame {
    bool compressed;
    uint32_t len;
};
/* False: no gRPC message begins like this. */
bool frame_read(const uint8_t in[FRAME_PREFIX], struct frame *out);

weir_status frame_gzip(struct buf *out, const void *data, size_t len, weir_error *err);
/* `out` names the largest result: a message that unpacks to more is WEIR_BUSY with
 * WEIR_KIND_MESSAGE_TOO_LARGE, what is no gzip WEIR_PROTOCOL. */
weir_status frame_gunzip(struct buf *out, const void *data, size_t len, weir_error *err);
#endif
