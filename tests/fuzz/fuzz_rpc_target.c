/* Any text as a target: refused with a line of words, or understood completely. */
#include "core/limits.h"
#include "rpc/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool whole(const struct target *t)
{
    bool named = t->host && t->host[0] && t->port > 0 && t->count == 0;
    bool listed = !t->host && t->addresses && t->count > 0 && t->count <= LIMIT_ADDRESSES;
    return (named || listed) && t->authority && t->authority[0] && t->server_name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2048] = "";
    struct target t;
    weir_error err = {0};
    if (size >= sizeof text)
        return 0;
    if (size)
        memcpy(text, data, size);
    weir_status status = target_parse(&t, text, &err);
    if (status == WEIR_OK ? !whole(&t) : t.host || t.addresses || t.authority)
        abort();
    if (status != WEIR_OK && (!err.message[0] || strchr(err.message, '\n')))
        abort();
    target_clear(&t);
    return 0;
}
