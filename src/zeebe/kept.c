/* Metadata copied whole: the entries, then their text, in one block. A program may send its own
 * authorization, and servers set cookies: it is wiped. */
#include "zeebe/pending.h"

#include "core/mem.h"
#include "core/secret.h"

#include <string.h>

static char *put(char *at, const void *data, size_t len)
{
    if (len)
        memcpy(at, data, len);
    at[len] = '\0';
    return at + len + 1;
}

struct kept *kept_copy(const weir_metadata *list, size_t count, struct kept *older)
{
    struct kept *kept;
    size_t size = sizeof *kept + count * sizeof kept->list[0];
    for (size_t i = 0; i < count; i++)
        size += strlen(list[i].name) + list[i].value.len + 2;
    kept = mem_zalloc(size);
    if (!kept)
        return NULL;
    char *at = (char *)&kept->list[count];
    kept->older = older;
    kept->count = count;
    kept->size = size;
    for (size_t i = 0; i < count; i++) {
        kept->list[i].name = at;
        at = put(at, list[i].name, strlen(list[i].name));
        kept->list[i].value = (weir_bytes){at, list[i].value.len};
        at = put(at, list[i].value.data, list[i].value.len);
    }
    return kept;
}

void kept_free(struct kept *kept)
{
    while (kept) {
        struct kept *older = kept->older;
        secret_wipe(kept, kept->size);
        mem_free(kept);
        kept = older;
    }
}
