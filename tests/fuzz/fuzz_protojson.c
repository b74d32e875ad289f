/* Any text as JSON of any message of the gateway (the first byte says which): refused by name, or
 * sent, received and written as JSON that means the same. */
#include "core/mem.h"
#include "zeebe/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ProtobufCMessageDescriptor *type_of(uint8_t which)
{
    size_t count = 0;
    while (codec_method_at(count))
        count++;
    const struct codec_method *method = codec_method_at(which / 2 % count);
    return which % 2 ? method->response : method->request;
}

static void there_and_back(const struct ProtobufCMessageDescriptor *type, const char *text)
{
    weir_error err = {0};
    char *wire[2] = {NULL, NULL};
    size_t len[2] = {0, 0};
    if (codec_json_to_wire(type, text, &wire[0], &len[0], &err) != WEIR_OK)
        abort();
    char *shown = codec_wire_to_json(type, (weir_bytes){wire[0], len[0]}, len[0] % 2, &err);
    if (!shown && err.status != WEIR_PROTOCOL) /* takes too much memory decoded */
        abort();
    if (shown && (codec_json_to_wire(type, shown, &wire[1], &len[1], &err) != WEIR_OK ||
                  len[0] != len[1] || memcmp(wire[0], wire[1], len[0]) != 0))
        abort();
    mem_free(shown);
    mem_free(wire[0]);
    mem_free(wire[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    struct codec_message m;
    if (size == 0)
        return 0;
    const struct ProtobufCMessageDescriptor *type = type_of(data[0]);
    char *text = mem_dup(data + 1, size - 1);
    weir_status status = codec_from_json(&m, type, text, size - 1, &err);
    if (status == WEIR_OK)
        codec_message_free(&m);
    else if (status != WEIR_INVALID || !*err.message)
        abort();
    if (status == WEIR_OK && strlen(text) == size - 1)
        there_and_back(type, text);
    mem_free(text);
    return 0;
}
