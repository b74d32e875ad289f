/* Bytes to messages and back, in an arena: one chain of blocks for a message, released at once.
 * protobuf-c asks for memory for every text and list; that is what the arena is for.
 *
 * Thread: any; nothing is shared. */
#include "zeebe/codec.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"
#include <string.h>

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void release(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

void codec_message_free(struct codec_message *m)
{
    arena_free(&m->arena);
    m->message = NULL;
}

weir_status codec_unpack(struct codec_message *out, const struct ProtobufCMessageDescriptor *type,
                         weir_bytes wire, weir_error *err)
{
    *out = (struct codec_message){.message = NULL};
    if (wire.len > SIZE_MAX / LIMIT_DECODED_FACTOR - LIMIT_DECODED_EXTRA)
        return error_set(err, WEIR_PROTOCOL, "%s: a message of %zu bytes", type->name, wire.len);
    arena_init(&out->arena, wire.len * LIMIT_DECODED_FACTOR + LIMIT_DECODED_EXTRA);
    ProtobufCAllocator allocator = {allocate, release, &out->arena};
    static const uint8_t none[1] = {0};
    const uint8_t *data = wire.data ? wire.data : none;
    out->message = protobuf_c_message_unpack(type, &allocator, wire.len, data);
    if (out->message)
        return error_ok(err);
    bool full = out->arena.full, starved = out->arena.starved;
    codec_message_free(out);
    if (starved)
        return error_no_memory(err);
    return error_set(err, WEIR_PROTOCOL,
                     full ? "%s: %zu bytes would take too much memory decoded"
                          : "%s: the %zu bytes received are no such message",
                     type->name, wire.len);
}

weir_status codec_pack(const struct ProtobufCMessage *message, char **wire, size_t *len,
                       weir_error *err)
{
    *len = protobuf_c_message_get_packed_size(message);
    *wire = mem_zalloc(*len + 1);
    if (!*wire)
        return error_no_memory(err);
    protobuf_c_message_pack(message, (uint8_t *)*wire);
    return error_ok(err);
}

weir_status codec_json_to_wire(const struct ProtobufCMessageDescriptor *type, const char *text,
                               char **wire, size_t *len, weir_error *err)
{
    struct codec_message m;
    *wire = NULL;
    weir_status status = codec_from_json(&m, type, text, text ? strlen(text) : 0, err);
    if (status == WEIR_OK)
        status = codec_pack(m.message, wire, len, err);
    codec_message_free(&m);
    return status;
}

char *codec_wire_to_json(const struct ProtobufCMessageDescriptor *type, weir_bytes wire,
                         bool compact, weir_error *err)
{
    struct codec_message m;
    struct buf text = BUF_INIT(LIMIT_PROTOJSON);
    weir_status status = codec_unpack(&m, type, wire, err);
    if (status == WEIR_OK)
        status = codec_to_json(m.message, compact, &text, err);
    codec_message_free(&m);
    if (status == WEIR_OK)
        return text.data;
    buf_free(&text);
    return NULL;
}

weir_status codec_job_result(const char *text, char **wire, size_t *len, weir_error *err)
{
    return codec_json_to_wire(&gateway_protocol__job_result__descriptor, text, wire, len, err);
}
