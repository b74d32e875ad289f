#include "core/text.h"

#include "core/mem.h"

#include <openssl/evp.h>
#include <string.h>

static const char standard_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *out, const uint8_t *in, size_t len, const char *alphabet,
                   bool padded)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (have > 2 ? in[i + 2] : 0);
        char four[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                        alphabet[group >> 6 & 63], alphabet[group & 63]};
        for (size_t k = have + 1; k < 4; k++)
            four[k] = '=';
        buf_add(out, four, padded ? 4 : have + 1);
    }
}

void base64_add(struct buf *out, const void *data, size_t len, bool padded)
{
    encode(out, data, len, standard_alphabet, padded);
}

void base64_sha1_add(struct buf *out, const void *data, size_t len)
{
    uint8_t digest[20];
    if (EVP_Digest(data, len, digest, NULL, EVP_sha1(), NULL) == 1)
        base64_add(out, digest, sizeof digest, true);
    else
        out->failed = true;
}

void base64url_add(struct buf *out, const void *data, size_t len)
{
    encode(out, data, len, url_alphabet, false);
}

static int digit_of(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* Fills `out` and returns true when every character is a digit and the last group is whole. */
static bool decode(const char *text, size_t len, bool url, uint8_t *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = digit_of(text[i], url);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 1)
            *out++ = (uint8_t)(bits >> 4);
        else if (i % 4 == 2)
            *out++ = (uint8_t)(bits >> 2);
        else if (i % 4 == 3)
            *out++ = (uint8_t)bits;
    }
    size_t rest = len % 4;
    return rest != 1 && (rest != 2 || !(bits & 15)) && (rest != 3 || !(bits & 3));
}

bool base64_decode(const char *text, size_t len, bool url, void **out, size_t *out_len)
{
    size_t bare = len;
    while (bare > 0 && len - bare < 2 && text[bare - 1] == '=')
        bare--;
    *out = NULL;
    *out_len = 0;
    if (bare < len && len % 4 != 0)
        return false;
    *out = mem_dup("", 0);
    *out_len = bare / 4 * 3 + (bare % 4 ? bare % 4 - 1 : 0);
    void *grown = *out ? mem_realloc(*out, *out_len + 1) : NULL;
    if (!grown || !decode(text, bare, url, grown)) {
        mem_free(grown ? grown : *out);
        *out = NULL;
        *out_len = grown ? 0 : SIZE_MAX;
        return false;
    }
    ((char *)grown)[*out_len] = '\0';
    *out = grown;
    return true;
}

static bool unreserved(char c, const char *also)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr(also, c));
}

static void hex(struct buf *out, char c)
{
    buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
}

void form_add(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (unreserved(*text, "*-._"))
            buf_add(out, text, 1);
        else if (*text == ' ')
            buf_adds(out, "+");
        else
            hex(out, *text);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void percent_decode(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        int value = low >= 0 ? high * 16 + low : text[i];
        char c = (char)value;
        buf_add(out, &c, 1);
        i += low >= 0 ? 2 : 0;
    }
}

void percent_encode(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 0x20 && text[i] <= 0x7e && text[i] != '%')
            buf_add(out, text + i, 1);
        else
            hex(out, text[i]);
    }
}

/* RFC 3629, 4: by the first byte, how many follow and what the second may be. */
static const struct utf8_row {
    unsigned char first, last, size, low, high;
} utf8[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct utf8_row *row_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
        if (first >= utf8[i].first && first <= utf8[i].last)
            return &utf8[i];
    }
    return NULL;
}

static size_t step_by_table(const unsigned char *s, size_t len)
{
    const struct utf8_row *row = row_of(s[0]);
    if (!row || row->size > len)
        return 0;
    if (row->size > 1 && (s[1] < row->low || s[1] > row->high))
        return 0;
    for (size_t i = 2; i < row->size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return row->size;
}

size_t text_utf8_step(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len >= 2 && s[0] >= 0xc2 && s[0] <= 0xdf) /* most of Europe needs no table */
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    return len ? step_by_table(s, len) : 0;
}

/* How many of the first bytes are surely ASCII; it looks at eight at a time. */
static size_t ascii_run(const char *text, size_t len)
{
    uint64_t eight;
    size_t i = 0;
    for (; len - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, text + i, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return i;
}

bool text_is_utf8(const char *text, size_t len)
{
    for (size_t i = ascii_run(text, len); i < len;) {
        size_t step = text_utf8_step(text + i, len - i);
        if (!step)
            return false;
        i += step;
    }
    return true;
}

void text_fold(struct buf *out, const char *text, size_t len, size_t max)
{
    const unsigned char *s = (const unsigned char *)text;
    bool blank = true; /* leading blanks go */
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t step = text_utf8_step(text + i, len - i);
        bool control = !step || s[i] <= 0x20 || s[i] == 0x7f;
        size_t size = control ? 1 : step;
        if (used + size > max)
            break;
        if (!control || !blank) {
            buf_add(out, control ? " " : text + i, size);
            used += size;
        }
        blank = control;
        i += step ? step : 1;
    }
}

bool text_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    bool negative = *text == '-';
    uint64_t value = 0;
    const char *p = text + negative;
    if (!*p)
        return false;
    for (; *p; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*p < '0' || *p > '9' || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + negative)
        return false;
    int64_t number = negative ? (int64_t)(0 - value) : (int64_t)value;
    if (number < low || number > high)
        return false;
    *out = number;
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal_nocase(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

#define NEAR_MAX 64

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein distance, case ignored; texts of NEAR_MAX characters at most. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAR_MAX + 1];
    size_t len = strlen(b);
    for (size_t i = 0; i <= len; i++)
        row[i] = i;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < len; k++) {
            size_t changed = diagonal + (lower(a[i]) != lower(b[k]));
            diagonal = row[k + 1];
            row[k + 1] = smallest(changed, row[k] + 1, row[k + 1] + 1);
        }
    }
    return row[len];
}

const char *text_nearest(const char *text, const char *const *names)
{
    size_t len = strlen(text);
    size_t best = len / 3 + 1;
    const char *nearest = NULL;
    for (; len <= NEAR_MAX && *names; names++) {
        size_t d = strlen(*names) <= NEAR_MAX ? distance(text, *names) : SIZE_MAX;
        if (d < best || (d == best && !nearest)) {
            best = d;
            nearest = *names;
        }
    }
    return nearest;
}
