/* Reading slices of a batch: JSON that has been checked, so that only what is looked for needs
 * care. Thread: any. */
#include "bayeux/message.h"

#include "core/json_scan.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>

bool slice_is_string(weir_bytes value)
{
    const char *text = value.data;
    return text && value.len >= 2 && *text == '"';
}

/* ---- texts -------------------------------------------------------------------------------- */

static void add_character(struct buf *out, uint32_t c)
{
    char utf8[4];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        utf8[i] = (char)(0x80 | (c & 0x3f));
    utf8[0] = (char)(c | marks[len]);
    buf_add(out, utf8, len);
}

static uint32_t hex4(const char *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = (char)(at[i] | 0x20);
        value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

/* `at` is behind "\u"; returns what is behind the escape, both halves of a pair. */
static const char *unicode(struct buf *out, const char *at)
{
    uint32_t c = hex4(at);
    if (c < 0xd800 || c > 0xdfff) {
        add_character(out, c);
        return at + 4;
    }
    add_character(out, 0x10000 + ((c - 0xd800) << 10) + (hex4(at + 6) - 0xdc00));
    return at + 10;
}

static void decode(struct buf *out, const char *at, const char *end)
{
    static const char written[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        buf_add(out, at, (size_t)((escape ? escape : end) - at));
        if (!escape)
            return;
        at = escape + 2;
        const char *which = strchr(written, escape[1]);
        if (which)
            buf_add(out, &meant[which - written], 1);
        else
            at = unicode(out, at);
    }
}

bool slice_equals(weir_bytes value, const char *text)
{
    size_t len = strlen(text);
    if (!slice_is_string(value))
        return false;
    const char *inside = (const char *)value.data + 1;
    if (value.len - 2 == len)
        return memcmp(inside, text, len) == 0 && !memchr(inside, '\\', len);
    if (value.len - 2 < len || !memchr(inside, '\\', value.len - 2))
        return false;
    struct buf decoded = BUF_INIT(value.len);
    decode(&decoded, inside, inside + value.len - 2);
    bool equal = decoded.len == len && decoded.data && memcmp(decoded.data, text, len) == 0;
    buf_free(&decoded);
    return equal;
}

char *slice_text(weir_bytes value)
{
    if (!slice_is_string(value))
        return NULL;
    struct buf out = BUF_INIT(value.len + 1);
    buf_reserve(&out, value.len);
    const char *inside = (const char *)value.data + 1;
    decode(&out, inside, inside + value.len - 2);
    buf_add(&out, "", 0);
    if (out.failed || !out.data || memchr(out.data, '\0', out.len))
        buf_free(&out);
    return out.data;
}

/* ---- other values ------------------------------------------------------------------------- */

bool slice_bool(weir_bytes value, bool fallback)
{
    if (value.len == 4 && memcmp(value.data, "true", 4) == 0)
        return true;
    if (value.len == 5 && memcmp(value.data, "false", 5) == 0)
        return false;
    return fallback;
}

bool slice_int(weir_bytes value, int64_t *out)
{
    char digits[24]; /* -9223372036854775808 has 20 */
    bool quoted = slice_is_string(value);
    size_t len = quoted ? value.len - 2 : value.len;
    if (!value.data || len == 0 || len >= sizeof digits)
        return false;
    memcpy(digits, (const char *)value.data + quoted, len);
    digits[len] = '\0';
    return text_number(digits, INT64_MIN, INT64_MAX, out);
}

/* ---- inside objects and arrays ------------------------------------------------------------ */

static const char *past(const char *at, const char *end, char c)
{
    at = json_skip_blanks(at, end);
    return at < end && *at == c ? at + 1 : NULL;
}

static weir_bytes member(weir_bytes object, const char *name)
{
    const char *at = object.data;
    const char *end = at ? at + object.len : at;
    at = at ? past(at, end, '{') : NULL;
    while (at) {
        const char *from = json_skip_blanks(at, end);
        at = json_skip_string(from, end, NULL);
        bool is = at && slice_equals((weir_bytes){from, (size_t)(at - from)}, name);
        at = at ? past(at, end, ':') : NULL;
        from = at ? json_skip_blanks(at, end) : NULL;
        at = from ? json_skip_value(from, end, 0, NULL) : NULL;
        if (at && is)
            return (weir_bytes){from, (size_t)(at - from)};
        at = at ? past(at, end, ',') : NULL;
    }
    return (weir_bytes){NULL, 0};
}

weir_bytes slice_member(weir_bytes value, const char *const *path)
{
    for (; *path && value.data; path++)
        value = member(value, *path);
    return value;
}

bool slice_element(weir_bytes value, size_t *at, weir_bytes *out)
{
    const char *text = value.data;
    const char *end = text ? text + value.len : text;
    if (!text || *at >= value.len)
        return false;
    if (*text != '[') {
        *out = value;
        *at = value.len;
        return true;
    }
    const char *from = json_skip_blanks(text + (*at ? *at : 1), end);
    const char *behind = json_skip_value(from, end, 0, NULL);
    if (!behind) /* it was empty */
        return false;
    *out = (weir_bytes){from, (size_t)(behind - from)};
    behind = json_skip_blanks(behind, end);
    *at = (size_t)(behind - text) + 1; /* the comma, or the end */
    return true;
}
