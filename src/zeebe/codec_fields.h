/* zeebe/codec_fields.h - what reading and writing JSON share about protobuf-c's fields. */
#ifndef ZEEBE_CODEC_FIELDS_H
#define ZEEBE_CODEC_FIELDS_H

#include "core/buf.h"
#include <protobuf-c/protobuf-c.h>

/* Bytes of one value in a list. */
size_t codec_value_size(ProtobufCType type);
/* "int32", "string", "JobKind": as a .proto file says it. */
const char *codec_type_name(const ProtobufCFieldDescriptor *field);
/* The lowerCamel name of protojson, in quotes. */
void codec_write_name(struct buf *out, const char *name);
/* Whether `text` is the lowerCamel name of a field or the name itself. */
bool codec_is_name(const char *name, const char *text);
#endif
