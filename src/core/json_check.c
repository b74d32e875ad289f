/* Whether a text is a JSON object (RFC 8259), without building anything: variables pass through to
 * the gateway as they are, and a tree of them would cost more than all the rest of a command.
 *
 * A scanner with a bit for each open bracket. It only says yes or no. What is no object goes
 * through json_parse() once more, for its words and the place; that is the rare case. Names that
 * occur twice and numbers of any size are JSON, and left to the peer.
 *
 * Thread: any. */
#include "core/json.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/text.h"

#include <stdint.h>
#include <string.h>

struct scan {
    const char *at, *end;
    size_t depth;
    unsigned char objects[JSON_MAX_DEPTH / 8 + 1]; /* a bit for each level */
};

static bool is_object(const struct scan *s)
{
    return s->objects[s->depth / 8] >> (s->depth % 8) & 1;
}

static bool open_bracket(struct scan *s)
{
    bool object = *s->at++ == '{';
    if (++s->depth > JSON_MAX_DEPTH)
        return false;
    unsigned char bit = (unsigned char)(1u << (s->depth % 8));
    s->objects[s->depth / 8] &= (unsigned char)~bit;
    s->objects[s->depth / 8] |= object ? bit : 0;
    return true;
}

static void blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool next_is(const struct scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

static bool take(struct scan *s, char c)
{
    bool is = next_is(s, c);
    s->at += is;
    return is;
}

/* ---- texts -------------------------------------------------------------------------------- */

static int hex4(const struct scan *s)
{
    int value = 0;
    if (s->end - s->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = s->at[i] ? strchr(digits, s->at[i]) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (int)((digit - digits) % 16);
    }
    return value;
}

/* After "\u". A surrogate must be followed by the other half. */
static bool unicode(struct scan *s)
{
    int first = hex4(s);
    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
        return false;
    s->at += 4;
    if (first < 0xd800 || first > 0xdfff)
        return true;
    if (!take(s, '\\') || !take(s, 'u'))
        return false;
    int second = hex4(s);
    s->at += 4;
    return second >= 0xdc00 && second <= 0xdfff;
}

static bool escape(struct scan *s)
{
    s->at++;
    if (s->at >= s->end)
        return false;
    char c = *s->at++;
    return c == 'u' ? unicode(s) : c && strchr("\"\\/bfnrt", c) != NULL;
}

#define EACH(byte) (UINT64_MAX / 255 * (byte))

/* Is one of these eight bytes a quote, an escape, a control character or not ASCII? Subtracting
 * from each byte borrows, and sets its highest bit, where it is smaller. */
static bool is_special(uint64_t eight)
{
    uint64_t quotes = (eight ^ EACH('"')) - EACH(1);
    uint64_t escapes = (eight ^ EACH('\\')) - EACH(1);
    uint64_t controls = eight - EACH(0x20);
    return ((eight | quotes | escapes | controls) & EACH(0x80)) != 0;
}

/* Steps over what is nothing special, eight bytes at a time: most of most texts. What comes next is
 * for a second look, one by one. */
static void plain(struct scan *s)
{
    uint64_t eight;
    while ((size_t)(s->end - s->at) >= sizeof eight) {
        memcpy(&eight, s->at, sizeof eight);
        if (is_special(eight))
            return;
        s->at += sizeof eight;
    }
}

static bool string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    bool ok = true;
    plain(s);
    while (ok && s->at < s->end && *s->at != '"') {
        unsigned char c = (unsigned char)*s->at;
        if (c == '\\') {
            ok = escape(s);
        } else if (c < 0x80) {
            ok = c >= 0x20;
            s->at++;
        } else {
            size_t step = text_utf8_step(s->at, (size_t)(s->end - s->at));
            ok = step > 0;
            s->at += step;
        }
    }
    return ok && take(s, '"');
}

/* ---- other values ------------------------------------------------------------------------- */

static bool digits(struct scan *s)
{
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first;
}

static bool number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !digits(s))
        return false;
    if (take(s, '.') && !digits(s))
        return false;
    if (!take(s, 'e') && !take(s, 'E'))
        return true;
    if (!take(s, '-'))
        take(s, '+');
    return digits(s);
}

static bool word(struct scan *s, const char *what)
{
    size_t len = strlen(what);
    bool is = (size_t)(s->end - s->at) >= len && memcmp(s->at, what, len) == 0;
    s->at += is ? len : 0;
    return is;
}

static bool plain_value(struct scan *s)
{
    if (next_is(s, '"'))
        return string(s);
    return word(s, "true") || word(s, "false") || word(s, "null") || number(s);
}

/* ---- structure ---------------------------------------------------------------------------- */

/* `"name" :`, where an object is open. */
static bool name(struct scan *s)
{
    blanks(s);
    if (!is_object(s))
        return true;
    if (!string(s))
        return false;
    blanks(s);
    bool ok = take(s, ':');
    blanks(s);
    return ok;
}

/* After a value: brackets that close, then a comma. */
static bool after(struct scan *s)
{
    blanks(s);
    while (s->depth > 0 && take(s, is_object(s) ? '}' : ']')) {
        s->depth--;
        blanks(s);
    }
    return s->depth == 0 || (take(s, ',') && name(s));
}

static bool value(struct scan *s)
{
    if (!next_is(s, '{') && !next_is(s, '['))
        return plain_value(s) && after(s);
    if (!open_bracket(s))
        return false;
    blanks(s);
    return next_is(s, is_object(s) ? '}' : ']') ? after(s) : name(s);
}

bool json_is_object_text(const char *text, size_t len)
{
    struct scan s = {.at = text, .end = text + len};
    blanks(&s);
    if (!next_is(&s, '{'))
        return false;
    bool ok = true;
    do
        ok = value(&s);
    while (ok && s.depth > 0);
    return ok && s.at == s.end;
}

weir_status json_check_object(const char *text, size_t len, const char *what, weir_error *err)
{
    if (json_is_object_text(text, len))
        return error_ok(err);
    weir_error why = {0};
    json_t *tree = json_parse(text, len, what, &why);
    bool object = json_is_object(tree);
    json_decref(tree);
    if (object) /* only what json_parse() reads more leniently, which is nothing */
        return error_ok(err);
    if (why.status != WEIR_OK)
        return error_copy(err, &why);
    return error_set(err, WEIR_INVALID,
                     "%s: a JSON object was expected at line 1, column 1; it is another value",
                     what);
}
