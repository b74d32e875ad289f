/* Reading a JSON value by RFC 6901 JSON Pointer. Nothing is allocated, nothing fails: what is not
 * there gives the caller's fallback. */
#include "core/json.h"

#include <string.h>

/* The next character of a reference token and how long it is written; 0: "~" without 0 or 1. */
static size_t unescape(const char *token, size_t len, char *out)
{
    *out = token[0];
    if (token[0] != '~')
        return 1;
    if (len < 2 || (token[1] != '0' && token[1] != '1'))
        return 0;
    *out = token[1] == '0' ? '~' : '/';
    return 2;
}

static bool names(const char *token, size_t len, const char *key)
{
    char c;
    for (size_t i = 0; i < len; key++) {
        size_t step = unescape(token + i, len - i, &c);
        if (!step || !*key || *key != c)
            return false;
        i += step;
    }
    return *key == '\0';
}

static json_t *member(json_t *object, const char *token, size_t len)
{
    char key[256];
    size_t used = 0;
    for (size_t i = 0; i < len && used < sizeof key - 1;) {
        size_t step = unescape(token + i, len - i, &key[used++]);
        if (!step)
            return NULL;
        i += step;
    }
    if (used < sizeof key - 1) {
        key[used] = '\0';
        return json_object_get(object, key);
    }
    void *at = json_object_iter(object); /* a name this long is worth no copy */
    while (at && !names(token, len, json_object_iter_key(at)))
        at = json_object_iter_next(object, at);
    return at ? json_object_iter_value(at) : NULL;
}

/* RFC 6901, 4: digits without a leading zero; "-" is the element after the last: never there. */
static json_t *element(json_t *array, const char *token, size_t len)
{
    size_t index = 0;
    if (len == 0 || len > 9 || (len > 1 && token[0] == '0'))
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (token[i] < '0' || token[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(token[i] - '0');
    }
    return json_array_get(array, index);
}

static json_t *at(const weir_json *value, const char *pointer)
{
    json_t *found = json_of(value);
    while (found && pointer && *pointer) {
        if (*pointer != '/')
            return NULL;
        const char *token = pointer + 1;
        size_t len = strcspn(token, "/");
        found = json_is_array(found) ? element(found, token, len) : member(found, token, len);
        pointer = token + len;
    }
    return found;
}

const weir_json *weir_json_at(const weir_json *value, const char *pointer)
{
    return json_wrap(at(value, pointer));
}

const char *weir_json_str(const weir_json *value, const char *pointer, const char *fallback)
{
    const char *text = json_string_value(at(value, pointer));
    return text ? text : fallback;
}

int64_t weir_json_int(const weir_json *value, const char *pointer, int64_t fallback)
{
    const json_t *found = at(value, pointer);
    return json_is_integer(found) ? json_integer_value(found) : fallback;
}

double weir_json_num(const weir_json *value, const char *pointer, double fallback)
{
    const json_t *found = at(value, pointer);
    return json_is_number(found) ? json_number_value(found) : fallback;
}

bool weir_json_bool(const weir_json *value, const char *pointer, bool fallback)
{
    const json_t *found = at(value, pointer);
    return json_is_boolean(found) ? json_is_true(found) : fallback;
}

size_t weir_json_len(const weir_json *value, const char *pointer)
{
    const json_t *found = at(value, pointer);
    if (json_is_array(found))
        return json_array_size(found);
    return json_is_object(found) ? json_object_size(found) : json_string_length(found);
}
