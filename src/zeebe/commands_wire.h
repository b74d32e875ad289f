/* zeebe/commands_wire.h - protobuf's encoding (https://protobuf.dev/programming-guides/encoding),
 * as far as requests need it. Fields go to a buf one after the other; failure is the buf's. */
#ifndef ZEEBE_COMMANDS_WIRE_H
#define ZEEBE_COMMANDS_WIRE_H

#include "core/buf.h"

void wire_int(struct buf *out, unsigned number, int64_t value); /* int32, int64, bool, uint64 */
void wire_bytes(struct buf *out, unsigned number, const void *data, size_t len);
/* A message as a field: what is written in between is what it holds. */
size_t wire_open(struct buf *out, unsigned number);
void wire_close(struct buf *out, size_t opened);
#endif
