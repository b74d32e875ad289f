/* A growing text. It guarantees: always ended by NUL; memory is wiped before it goes back, because
 * tokens and answers pass through here. One thread at a time. */
#include "cli/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_NO_MEMORY 71

void *memory_or_exit(void *old, size_t count, size_t size)
{
    void *memory = count <= SIZE_MAX / 2 / (size ? size : 1) ? realloc(old, count * size) : NULL;
    if (!memory) {
        (void)fputs("weir: out of memory\n", stderr);
        _Exit(EXIT_NO_MEMORY);
    }
    return memory;
}

char *copy_or_exit(const char *text, size_t len)
{
    char *copy = memory_or_exit(NULL, len + 1, 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void release_memory(void *memory)
{
    free(memory);
}

static void wipe(char *data, size_t len)
{
    if (data)
        explicit_bzero(data, len);
}

/* Not realloc: the old place would keep its text. */
static void make_room(struct str *str, size_t more)
{
    if (str->data && more < str->capacity - str->len)
        return;
    size_t capacity = str->capacity ? str->capacity * 2 : 128;
    while (capacity - str->len <= more)
        capacity *= 2;
    char *data = memory_or_exit(NULL, capacity, 1);
    if (str->data && str->len)
        memcpy(data, str->data, str->len);
    data[str->len] = '\0';
    wipe(str->data, str->capacity);
    free(str->data);
    str->data = data;
    str->capacity = capacity;
}

void str_add_bytes(struct str *str, const char *bytes, size_t len)
{
    make_room(str, len + 1);
    if (len)
        memcpy(str->data + str->len, bytes, len);
    str->len += len;
    str->data[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
    str_add_bytes(str, text, strlen(text));
}

void str_vaddf(struct str *str, const char *fmt, va_list values)
{
    va_list again;
    va_copy(again, values);
    int len = vsnprintf(NULL, 0, fmt, values);
    if (len > 0) {
        make_room(str, (size_t)len + 1);
        (void)vsnprintf(str->data + str->len, (size_t)len + 1, fmt, again);
        str->len += (size_t)len;
    }
    va_end(again);
}

void str_addf(struct str *str, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    str_vaddf(str, fmt, values);
    va_end(values);
}

/* Well-formed UTF-8 by the table of RFC 3629, 4: the first byte decides how many follow, and what
 * the second may be (overlong forms, surrogates and what lies beyond U+10FFFF drop out there). */
struct utf8_row {
    unsigned char first_low, first_high, second_low, second_high;
    size_t len;
};
static const struct utf8_row utf8_rows[] = {
    {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* Bytes of the UTF-8 character at `text` (ended by NUL), 0 when there is none. */
static size_t utf8_len(const unsigned char *text)
{
    const struct utf8_row *row = NULL;
    for (size_t i = 0; !row && i < sizeof utf8_rows / sizeof *utf8_rows; i++)
        if (text[0] >= utf8_rows[i].first_low && text[0] <= utf8_rows[i].first_high)
            row = &utf8_rows[i];
    if (!row || row->len == 1)
        return row ? 1 : 0;
    if (text[1] < row->second_low || text[1] > row->second_high)
        return 0;
    for (size_t i = 2; i < row->len; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return row->len;
}

bool str_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t len = 1;
    for (; *at && len; at += len)
        len = utf8_len(at);
    return len != 0;
}

static void add_escaped(struct str *str, unsigned char c)
{
    static const struct {
        char c;
        const char *text;
    } named[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (c == (unsigned char)named[i].c) {
            str_add(str, named[i].text);
            return;
        }
    str_addf(str, "\\u%04x", (unsigned)c);
}

void str_add_json(struct str *str, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    str_add(str, "\"");
    while (*at) {
        size_t len = utf8_len(at);
        if (len == 0)
            str_add(str, "\xEF\xBF\xBD");
        else if (*at < 0x20 || *at == '"' || *at == '\\' || *at == 0x7F)
            add_escaped(str, *at);
        else
            str_add_bytes(str, (const char *)at, len);
        at += len ? len : 1;
    }
    str_add(str, "\"");
}

/* From a copy that ends with NUL, as utf8_len() wants it. */
void str_add_utf8(struct str *str, const char *bytes, size_t len)
{
    char *copy = copy_or_exit(bytes, len);
    for (size_t at = 0; at < len;) {
        size_t width = copy[at] ? utf8_len((const unsigned char *)copy + at) : 0;
        str_add_bytes(str, width ? copy + at : "\xEF\xBF\xBD", width ? width : 3);
        at += width ? width : 1;
    }
    wipe(copy, len);
    free(copy);
}

const char *str_text(const struct str *str)
{
    return str->data ? str->data : "";
}

void str_clear(struct str *str)
{
    str->len = 0;
    if (str->data)
        str->data[0] = '\0';
}

void str_free(struct str *str)
{
    wipe(str->data, str->capacity);
    free(str->data);
    *str = (struct str){0};
}
