/* Metadata both ways. Binary values are base64 on the wire, sent without padding and read with or
 * without it (gRPC over HTTP/2, "Custom-Metadata"). */
#include "rpc/metadata.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>

/* What the transport sends itself, or HTTP/2 forbids (RFC 9113, 8.2.2). */
static const char *const reserved[] = {
    "te",         "content-type",     "user-agent",        "host",    "connection",
    "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
};

bool metadata_is_binary(const char *name, size_t len)
{
    return len >= 4 && memcmp(name + len - 4, "-bin", 4) == 0;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static weir_status check_name(const char *name, weir_error *err)
{
    if (!*name)
        return error_set(err, WEIR_INVALID, "a metadata name is empty");
    for (const char *at = name; *at; at++) {
        if (!name_char(*at))
            return error_set(err, WEIR_INVALID,
                             "metadata name '%s': only a-z, 0-9, '-', '_' and '.' may stand in it",
                             name);
    }
    if (strncmp(name, "grpc-", 5) == 0)
        return error_set(err, WEIR_INVALID, "metadata name '%s': names with grpc- are gRPC's own",
                         name);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcmp(name, reserved[i]) == 0)
            return error_set(err, WEIR_INVALID, "metadata name '%s' belongs to the transport",
                             name);
    }
    return WEIR_OK;
}

weir_status metadata_check(const weir_metadata *entry, weir_error *err)
{
    const char *name = entry->name;
    const unsigned char *value = entry->value.data;
    if (check_name(name, err) != WEIR_OK)
        return WEIR_INVALID;
    if (!value && entry->value.len > 0)
        return error_set(err, WEIR_INVALID, "the value of metadata '%s' is NULL, with a length",
                         name);
    if (metadata_is_binary(name, strlen(name)))
        return WEIR_OK;
    for (size_t i = 0; i < entry->value.len; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e)
            return error_set(err, WEIR_INVALID,
                             "the value of metadata '%s' has a byte outside printable ASCII at %zu;"
                             " a name that ends in -bin carries any bytes",
                             name, i);
    }
    return WEIR_OK;
}

size_t metadata_size(const weir_metadata *entry)
{
    size_t name_len = strlen(entry->name);
    size_t len = entry->value.len;
    return name_len + (metadata_is_binary(entry->name, name_len) ? len / 3 * 4 + 4 : len) + 32;
}

static bool make_room(struct metadata *m)
{
    if (m->count < m->cap)
        return true;
    size_t cap = m->cap ? m->cap * 2 : 8;
    weir_metadata *grown = mem_realloc(m->list, cap * sizeof *grown);
    if (!grown)
        return false;
    m->list = grown;
    m->cap = cap;
    return true;
}

static void *copy_value(weir_bytes name, weir_bytes value, size_t *len)
{
    void *decoded;
    *len = value.len;
    if (metadata_is_binary(name.data, name.len) &&
        base64_decode(value.data, value.len, false, &decoded, len))
        return decoded;
    *len = value.len;
    return mem_dup(value.data, value.len);
}

static bool add_one(struct metadata *m, weir_bytes name, weir_bytes value)
{
    size_t len = 0;
    if (!make_room(m))
        return false;
    char *name_copy = mem_dup(name.data, name.len);
    void *value_copy = copy_value(name, value, &len);
    if (!name_copy || !value_copy) {
        mem_free(name_copy);
        mem_free(value_copy);
        return false;
    }
    m->list[m->count++] = (weir_metadata){name_copy, {value_copy, len}};
    return true;
}

/* A proxy may have joined several binary values with commas, which base64 has no use for ("Custom-
 * Metadata": they must be split before they are decoded). */
bool metadata_add(struct metadata *m, weir_bytes name, weir_bytes value)
{
    const char *at = value.data;
    size_t left = value.len;
    const char *comma;
    while (metadata_is_binary(name.data, name.len) && left > 0 && (comma = memchr(at, ',', left))) {
        size_t len = (size_t)(comma - at);
        if (!add_one(m, name, (weir_bytes){at, len}))
            return false;
        at += len + 1;
        left -= len + 1;
        while (left > 0 && *at == ' ')
            at++, left--;
    }
    return add_one(m, name, (weir_bytes){at, left});
}

void metadata_clear(struct metadata *m)
{
    for (size_t i = 0; i < m->count; i++) {
        mem_free((char *)(uintptr_t)m->list[i].name);
        mem_free((void *)(uintptr_t)m->list[i].value.data);
    }
    mem_free(m->list);
    *m = (struct metadata){0};
}

/* Rounded up. */
static int64_t three_digits(int64_t n)
{
    int64_t unit = 1;
    while (n >= 1000 * unit)
        unit *= 10;
    return (n + unit - 1) / unit * unit;
}

static void write_digits(char *out, int64_t n, char unit)
{
    char digits[20];
    size_t count = 0;
    for (; n > 0; n /= 10)
        digits[count++] = (char)('0' + n % 10);
    while (count > 0)
        *out++ = digits[--count];
    *out++ = unit;
    *out = '\0';
}

/* Every call has one, so it is written by hand, with two divisions and no printf. */
void metadata_timeout(int64_t left_ns, char out[16])
{
    static const struct {
        char name;
        int64_t ns;
    } units[] = {{'n', 1},
                 {'u', 1000},
                 {'m', INT64_C(1000000)},
                 {'S', INT64_C(1000000000)},
                 {'M', INT64_C(60000000000)},
                 {'H', INT64_C(3600000000000)}};
    int64_t left = left_ns > 0 ? left_ns : 1;
    size_t i = 0;
    while (i < 5 && left > 99900 * units[i].ns) /* five digits; the next unit keeps three */
        i++;
    int64_t n = left / units[i].ns;
    write_digits(out, three_digits(n + (n * units[i].ns != left)), units[i].name);
}
