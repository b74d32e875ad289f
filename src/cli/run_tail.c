/* The last bytes of a stream in fixed room. */
#include "cli/run_tail.h"

#include <string.h>

void run_tail_add(struct run_tail *tail, const char *bytes, size_t len)
{
    if (len > RUN_TAIL) {
        bytes += len - RUN_TAIL;
        len = RUN_TAIL;
        tail->cut = true;
    }
    if (len > RUN_TAIL - tail->len) {
        size_t kept = RUN_TAIL - len;
        memmove(tail->data, tail->data + tail->len - kept, kept);
        tail->len = kept;
        tail->cut = true;
    }
    if (len)
        memcpy(tail->data + tail->len, bytes, len);
    tail->len += len;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

/* Where a character begins: what was cut may have begun in the middle of one. */
static size_t first_character(const struct run_tail *tail)
{
    size_t at = 0;
    while (tail->cut && at < 3 && at < tail->len && ((unsigned char)tail->data[at] & 0xC0) == 0x80)
        at++;
    return at;
}

void run_tail_text(const struct run_tail *tail, struct str *out)
{
    size_t start = first_character(tail), end = tail->len;
    while (end > start && is_blank(tail->data[end - 1]))
        end--;
    while (start < end && is_blank(tail->data[start]))
        start++;
    str_add_utf8(out, tail->data + start, end - start);
}
