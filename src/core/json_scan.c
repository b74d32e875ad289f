/* Stepping over JSON text: variables pass through to a gateway, and events to a program, as they
 * are; a tree of them would cost more than all the rest of a command or an event.
 *
 * Most of most texts are strings, which are read eight bytes at a time: a word in which no byte is
 * a quote, a backslash, a control character or beyond ASCII is stepped over, and of any other word
 * the first such byte is known at once. Around them is a loop over values with a bit for each open
 * bracket; nothing recurses.
 *
 * Thread: any. */
#include "core/json_scan.h"

#include "core/json.h"
#include "core/text.h"

#include <stdint.h>
#include <string.h>

struct scan {
    const char *at, *end;
    size_t depth, least;                       /* open brackets; those that were open before */
    bool object;                               /* the innermost one is an object             */
    uint64_t objects[JSON_MAX_DEPTH / 64 + 1]; /* a bit for each level                       */
};

/* ---- strings ------------------------------------------------------------------------------ */

#define EACH(byte) (UINT64_MAX / 255 * (byte))

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LITTLE_ENDIAN_OF(word) __builtin_bswap64(word)
#else
#define LITTLE_ENDIAN_OF(word) (word)
#endif

/* The highest bit of each byte that is a quote, a backslash, a control character or not ASCII.
 * Subtracting from each byte borrows, and sets that bit, where it is smaller; the first one set is
 * right, those behind it may owe theirs to a borrow. */
static inline uint64_t specials(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    eight = LITTLE_ENDIAN_OF(eight);
    uint64_t quotes = (eight ^ EACH('"')) - EACH(1);
    uint64_t escapes = (eight ^ EACH('\\')) - EACH(1);
    uint64_t controls = eight - EACH(0x20);
    return (eight | quotes | escapes | controls) & EACH(0x80);
}

/* The first byte that is special, or the end. */
static inline const char *plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t found = specials(at);
        if (found)
            return at + __builtin_ctzll(found) / 8;
        at += 8;
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\')
        at++;
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After "\u". -1: not four digits; *at is where they end. */
static int hex4(const char **at, const char *end)
{
    int value = 0;
    for (int i = 0; i < 4; i++, ++*at) {
        int digit = *at < end ? hex_digit(**at) : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* After "\u". A surrogate must be followed by the other half. */
static bool unicode(const char **at, const char *end)
{
    int first = hex4(at, end);
    if (first < 0xd800 || first > 0xdfff)
        return first >= 0;
    if (first >= 0xdc00)
        return false;
    for (const char *c = "\\u"; *c; c++, ++*at) {
        if (*at == end || **at != *c)
            return false;
    }
    int second = hex4(at, end);
    return second >= 0xdc00 && second <= 0xdfff;
}

static bool escape(const char **at, const char *end)
{
    if (++*at == end)
        return false;
    char c = *(*at)++;
    return c == 'u' ? unicode(at, end) : c && strchr("\"\\/bfnrt", c) != NULL;
}

/* A backslash or what is not ASCII; false: neither, or broken. */
static bool special(const char **at, const char *end)
{
    if (**at == '\\')
        return escape(at, end);
    if ((unsigned char)**at < 0x80)
        return false;
    size_t step = text_utf8_step(*at, (size_t)(end - *at));
    *at += step;
    return step > 0;
}

/* Past the closing quote; NULL: *at is where it is wrong. */
static inline const char *rest_of_string(const char **at, const char *end)
{
    for (;;) {
        *at = plain(*at, end);
        if (*at == end)
            return NULL;
        if (**at == '"')
            return *at + 1;
        if (!special(at, end))
            return NULL;
    }
}

/* ---- other values ------------------------------------------------------------------------- */

static inline bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline void blanks(struct scan *s)
{
    while (s->at < s->end && (unsigned char)*s->at <= ' ' && blank(*s->at))
        s->at++;
}

static inline bool take(struct scan *s, char c)
{
    bool is = s->at < s->end && *s->at == c;
    s->at += is;
    return is;
}

static inline bool string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    const char *behind = rest_of_string(&s->at, s->end);
    s->at = behind ? behind : s->at;
    return behind != NULL;
}

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
    for (; *what; what++) {
        if (!take(s, *what))
            return false;
    }
    return true;
}

static bool simple(struct scan *s)
{
    switch (s->at < s->end ? *s->at : '\0') {
    case '"':
        return string(s);
    case 't':
        return word(s, "true");
    case 'f':
        return word(s, "false");
    case 'n':
        return word(s, "null");
    default:
        return number(s);
    }
}

/* ---- structure ---------------------------------------------------------------------------- */

static bool is_object(const struct scan *s)
{
    return s->objects[s->depth / 64] >> (s->depth % 64) & 1;
}

static bool open_bracket(struct scan *s)
{
    if (s->depth == JSON_MAX_DEPTH)
        return false;
    s->depth++;
    s->object = *s->at++ == '{';
    uint64_t bit = UINT64_C(1) << (s->depth % 64);
    uint64_t *word64 = &s->objects[s->depth / 64];
    *word64 = s->object ? *word64 | bit : *word64 & ~bit;
    return true;
}

static bool close_bracket(struct scan *s)
{
    if (s->depth == s->least || !take(s, s->object ? '}' : ']'))
        return false;
    s->depth--;
    s->object = s->depth > s->least && is_object(s);
    return true;
}

/* `"name" :`, where an object is open. */
static inline bool name(struct scan *s)
{
    blanks(s);
    if (!s->object)
        return true;
    if (!string(s))
        return false;
    blanks(s);
    bool ok = take(s, ':');
    blanks(s);
    return ok;
}

/* After a value: brackets that close, then a comma. */
static inline bool after(struct scan *s)
{
    while (s->depth > s->least) {
        blanks(s);
        if (take(s, ','))
            return name(s);
        if (!close_bracket(s))
            return false;
    }
    return true;
}

static inline bool value(struct scan *s)
{
    if (s->at == s->end || (*s->at != '{' && *s->at != '['))
        return simple(s) && after(s);
    if (!open_bracket(s))
        return false;
    blanks(s);
    return close_bracket(s) ? after(s) : name(s);
}

/* ---- the door ----------------------------------------------------------------------------- */

const char *json_skip_blanks(const char *at, const char *end)
{
    while (at < end && blank(*at))
        at++;
    return at;
}

const char *json_skip_string(const char *at, const char *end, const char **failed)
{
    const char *from = at;
    const char *behind = NULL;
    if (at < end && *at == '"') {
        from++;
        behind = rest_of_string(&from, end);
    }
    if (failed && !behind)
        *failed = from;
    return behind;
}

const char *json_skip_value(const char *at, const char *end, size_t depth, const char **failed)
{
    struct scan s;
    s.at = at;
    s.end = end;
    s.depth = s.least = depth;
    s.object = false;
    s.objects[0] = 0;
    bool ok = true;
    do
        ok = value(&s);
    while (ok && s.depth > depth);
    if (failed && !ok)
        *failed = s.at;
    return ok ? s.at : NULL;
}
