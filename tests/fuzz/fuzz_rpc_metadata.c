/* Lines "name:value" as received metadata and as a caller's: what may be sent is received as it
 * was, and each comma makes at most one entry more. */
#include "core/buf.h"
#include "core/text.h"
#include "rpc/metadata.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t commas(weir_bytes value)
{
    size_t count = 0;
    for (size_t i = 0; i < value.len; i++)
        count += ((const char *)value.data)[i] == ',';
    return count;
}

static void receive(struct metadata *m, weir_bytes name, weir_bytes value)
{
    size_t before = m->count;
    if (!metadata_add(m, name, value) || m->count == before ||
        m->count - before > commas(value) + 1)
        abort();
    for (size_t i = before; i < m->count; i++) {
        if (memcmp(m->list[i].name, name.data, name.len) != 0 || !m->list[i].value.data)
            abort();
    }
}

/* As it goes over the wire. */
static void send_and_receive(const char *name, weir_bytes value)
{
    const weir_metadata entry = {name, value};
    weir_error err = {0};
    struct metadata m = {0};
    struct buf wire = BUF_INIT(1 << 20);
    if (metadata_check(&entry, &err) != WEIR_OK) {
        if (!err.message[0])
            abort();
        return;
    }
    if (metadata_is_binary(name, strlen(name)))
        base64_add(&wire, value.data, value.len, false);
    else
        buf_add(&wire, value.data, value.len);
    receive(&m, (weir_bytes){name, strlen(name)},
            (weir_bytes){wire.data ? wire.data : "", wire.len});
    if (m.count != 1 || m.list[0].value.len != value.len ||
        (value.len && memcmp(m.list[0].value.data, value.data, value.len) != 0))
        abort();
    metadata_clear(&m);
    buf_free(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct metadata m = {0};
    const uint8_t *end = data + size;
    while (data < end) {
        const uint8_t *stop = memchr(data, '\n', (size_t)(end - data));
        stop = stop ? stop : end;
        const uint8_t *colon = memchr(data, ':', (size_t)(stop - data));
        if (colon) {
            char name[256] = "";
            size_t len = (size_t)(colon - data);
            weir_bytes value = {colon + 1, (size_t)(stop - colon - 1)};
            receive(&m, (weir_bytes){data, len}, value);
            memcpy(name, data, len < sizeof name ? len : sizeof name - 1);
            send_and_receive(name, value);
        }
        data = stop + 1;
    }
    metadata_clear(&m);
    return 0;
}
