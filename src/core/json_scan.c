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
    const char *failed;                        /* where, once `at` is NULL                 */
    size_t depth, least;                       /* open brackets; those that were open before */
    bool object;                               /* the innermost one is an object             */
    uint64_t objects[JSON_MAX_DEPTH / 64 + 1]; /* a bit for each level                       */
};

/* ---- strings ------------------------------------------------------------------------------ */

/* What compilers leave out of line costs a fifth. */
#define ALWAYS_INLINE __attribute__((always_inline))

#define EACH(byte) (UINT64_MAX / 255 * (byte))

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LITTLE_ENDIAN_OF(word) __builtin_bswap64(word)
#else
#define LITTLE_ENDIAN_OF(word) (word)
#endif

/* The highest bit of each byte that is a quote, a backslash, a control character or not ASCII.
 * Subtracting from each byte borrows, and sets that bit, where it is smaller; the first one set is
 * right, those behind it may owe theirs to a borrow. */
static inline ALWAYS_INLINE uint64_t specials(const char *at)
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
static inline ALWAYS_INLINE const char *plain(const char *at, const char *end)
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

/* Past a backslash and its escape, or what is not ASCII; NULL: neither, or broken. Kept out of the
 * way of the many strings that have none. */
static __attribute__((noinline)) const char *special(const char *at, const char *end,
                                                     const char **failed)
{
    const char *from = at;
    bool ok = false;
    if (*at == '\\') {
        ok = escape(&at, end);
    } else if ((unsigned char)*at >= 0x80) {
        size_t step = text_utf8_step(at, (size_t)(end - at));
        ok = step > 0;
        at = from + step;
    }
    *failed = at;
    return ok ? at : NULL;
}

/* Behind the closing quote of a string that `at` is in; NULL: *failed is where it is wrong. */
static inline ALWAYS_INLINE const char *rest_of_string(const char *at, const char *end,
                                                       const char **failed)
{
    while (at) {
        at = plain(at, end);
        if (at == end)
            break;
        if (*at == '"')
            return at + 1;
        at = special(at, end, failed);
    }
    *failed = at ? at : *failed;
    return NULL;
}

/* ---- other values ------------------------------------------------------------------------- */

static inline bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline ALWAYS_INLINE const char *blanks(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' && blank(*at))
        at++;
    return at;
}

static const char *digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static bool is(const char *at, const char *end, char c)
{
    return at < end && *at == c;
}

/* At least one digit from `at` on; NULL: *failed is where it is missing. */
static const char *some_digits(const char *at, const char *end, const char **failed)
{
    const char *behind = digits(at, end);
    *failed = at;
    return behind > at ? behind : NULL;
}

static const char *number(const char *at, const char *end, const char **failed)
{
    at += is(at, end, '-');
    at = is(at, end, '0') ? at + 1 : some_digits(at, end, failed);
    if (at && is(at, end, '.'))
        at = some_digits(at + 1, end, failed);
    if (!at || (!is(at, end, 'e') && !is(at, end, 'E')))
        return at;
    at++;
    at += is(at, end, '-') || is(at, end, '+');
    return some_digits(at, end, failed);
}

static const char *word(const char *at, const char *end, const char *what, const char **failed)
{
    for (; *what; what++, at++) {
        if (!is(at, end, *what)) {
            *failed = at;
            return NULL;
        }
    }
    return at;
}

static inline ALWAYS_INLINE const char *simple(const char *at, const char *end, const char **failed)
{
    switch (at < end ? *at : '\0') {
    case '"':
        return rest_of_string(at + 1, end, failed);
    case 't':
        return word(at, end, "true", failed);
    case 'f':
        return word(at, end, "false", failed);
    case 'n':
        return word(at, end, "null", failed);
    default:
        return number(at, end, failed);
    }
}

/* ---- structure ---------------------------------------------------------------------------- */

static inline ALWAYS_INLINE bool fail_at(struct scan *s, const char *at)
{
    s->at = NULL;
    s->failed = at;
    return false;
}

static inline ALWAYS_INLINE bool open_bracket(struct scan *s)
{
    if (s->depth == JSON_MAX_DEPTH)
        return fail_at(s, s->at);
    s->depth++;
    s->object = *s->at++ == '{';
    uint64_t bit = UINT64_C(1) << (s->depth % 64);
    uint64_t *word64 = &s->objects[s->depth / 64];
    *word64 = s->object ? *word64 | bit : *word64 & ~bit;
    return true;
}

static inline ALWAYS_INLINE void close_bracket(struct scan *s)
{
    s->at++;
    s->depth--;
    s->object = s->depth > s->least && (s->objects[s->depth / 64] >> (s->depth % 64) & 1) != 0;
}

/* `"name" :`, where an object is open. */
static inline ALWAYS_INLINE bool name(struct scan *s)
{
    const char *at = blanks(s->at, s->end);
    if (s->object) {
        if (at == s->end || *at != '"')
            return fail_at(s, at);
        at = rest_of_string(at + 1, s->end, &s->failed);
        if (!at)
            return fail_at(s, s->failed);
        at = blanks(at, s->end);
        if (at == s->end || *at != ':')
            return fail_at(s, at);
        at = blanks(at + 1, s->end);
    }
    s->at = at;
    return true;
}

/* After a value: brackets that close, then a comma. */
static inline ALWAYS_INLINE bool after(struct scan *s)
{
    while (s->depth > s->least) {
        s->at = blanks(s->at, s->end);
        char c = s->at < s->end ? *s->at : '\0';
        if (c == ',') {
            s->at++;
            return name(s);
        }
        if (c != (s->object ? '}' : ']'))
            return fail_at(s, s->at);
        close_bracket(s);
    }
    return true;
}

static inline ALWAYS_INLINE bool value(struct scan *s)
{
    if (s->at == s->end || (*s->at != '{' && *s->at != '[')) {
        s->at = simple(s->at, s->end, &s->failed);
        return s->at && after(s);
    }
    if (!open_bracket(s))
        return false;
    s->at = blanks(s->at, s->end);
    if (s->at == s->end || *s->at != (s->object ? '}' : ']'))
        return name(s);
    close_bracket(s);
    return after(s);
}

/* ---- the door ----------------------------------------------------------------------------- */

const char *json_skip_blanks(const char *at, const char *end)
{
    return blanks(at, end);
}

const char *json_skip_string(const char *at, const char *end, const char **failed)
{
    const char *unused = at;
    failed = failed ? failed : &unused;
    *failed = at;
    return at < end && *at == '"' ? rest_of_string(at + 1, end, failed) : NULL;
}

const char *json_skip_value(const char *at, const char *end, size_t depth, const char **failed)
{
    struct scan s;
    s.at = at;
    s.end = end;
    s.failed = at;
    s.depth = s.least = depth;
    s.object = false;
    s.objects[0] = 0;
    bool ok = true;
    do
        ok = value(&s);
    while (ok && s.depth > depth);
    if (failed && !ok)
        *failed = s.failed;
    return ok ? s.at : NULL;
}
