/* Any bytes as a Redis server's answer: what is taken lies inside them, and more bytes never make
 * another answer of it. */
#include "core/mem.h"
#include "salesforce/resp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_lie_in(const struct resp_value *value, const char *data, size_t size)
{
    if (value->type != RESP_TEXT && value->type != RESP_ERROR)
        return;
    if (value->text < data || value->len > size || value->text + value->len > data + size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct resp out;
    struct resp again;
    size_t used = 0;
    size_t less = 0;
    char *text = mem_dup(data, size);
    enum resp_state state = resp_parse(text, size, &out, &used);
    if (used > size || out.count > RESP_ITEMS)
        abort();
    if (state == RESP_READY) {
        must_lie_in(&out.is, text, size);
        for (size_t i = 0; i < out.count; i++)
            must_lie_in(&out.items[i], text, size);
        if (resp_parse(text, used, &again, &less) != RESP_READY || less != used)
            abort();
        if (used > 0 && resp_parse(text, used - 1, &again, &less) != RESP_MORE)
            abort();
    }
    mem_free(text);
    return 0;
}
