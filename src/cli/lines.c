/* Lines, put together. Memory is bounded by the longest line that is allowed. */
#include "cli/lines.h"

#include <string.h>

bool lines_read(struct lines *lines, const char *bytes, size_t len, lines_fn *fn, void *user)
{
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        if (lines->partial.len + part > lines->most) {
            str_clear(&lines->partial);
            return false;
        }
        str_add_bytes(&lines->partial, bytes, part);
        if (!end)
            return true;
        fn(user, str_text(&lines->partial), lines->partial.len);
        str_clear(&lines->partial);
        bytes += part + 1;
        len -= part + 1;
    }
    return true;
}

void lines_end(struct lines *lines, lines_fn *fn, void *user)
{
    if (lines->partial.len > 0)
        fn(user, lines->partial.data, lines->partial.len);
    str_clear(&lines->partial);
}

void lines_free(struct lines *lines)
{
    str_free(&lines->partial);
}
