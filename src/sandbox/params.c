#include "sandbox/params.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"

#include <string.h>

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

char *form_decode(const char *text, size_t len)
{
    char *out = mem_zalloc(len + 1), *to = out;
    for (size_t i = 0; out && i < len; i++) {
        int c = text[i] == '+' ? ' ' : (unsigned char)text[i];
        if (text[i] == '%') {
            int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            c = low < 0 ? 0 : high * 16 + low;
            i += 2;
        }
        if (!c) { /* broken, or a NUL that would cut the text */
            secret_free_text(out);
            return NULL;
        }
        *to++ = (char)c;
    }
    return out;
}

const char *params_get(const struct params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(params->list[i].name, name) == 0)
            return *params->list[i].value ? params->list[i].value : NULL;
    }
    return NULL;
}

void params_clear(struct params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        secret_free_text((char *)(uintptr_t)params->list[i].name);
        secret_free_text((char *)(uintptr_t)params->list[i].value);
    }
    params->count = 0;
}

static bool is_known(const struct params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (params->list[i].name && strcmp(params->list[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Takes both texts over, also when it fails. */
static weir_status add(struct params *out, char *name, char *value, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (!name || !value || !text_is_utf8(name, strlen(name)) || !text_is_utf8(value, strlen(value)))
        status = error_set(err, WEIR_INVALID, "a parameter's encoding is broken");
    else if (out->count == PARAMS_MAX)
        status = error_set(err, WEIR_INVALID, "more than %d parameters", PARAMS_MAX);
    else if (is_known(out, name) && strcmp(name, "resource") != 0) /* RFC 8707, 2 */
        status = error_set(err, WEIR_INVALID, "the parameter %.64s is there twice", name);
    if (status == WEIR_OK) {
        out->list[out->count++] = (struct journal_pair){name, value};
    } else {
        secret_free_text(name);
        secret_free_text(value);
    }
    return status;
}

weir_status params_form(struct params *out, const char *body, size_t len, weir_error *err)
{
    const char *end = body + len;
    weir_status status = WEIR_OK;
    out->count = 0;
    for (const char *at = body; at < end && status == WEIR_OK;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *value = equals ? equals + 1 : stop;
        if (stop > at)
            status = add(out, form_decode(at, (size_t)((equals ? equals : stop) - at)),
                         form_decode(value, (size_t)(stop - value)), err);
        at = stop + 1;
    }
    if (status != WEIR_OK)
        params_clear(out);
    return status;
}

weir_status params_json(struct params *out, const char *body, size_t len, weir_error *err)
{
    const char *name = NULL;
    json_t *member = NULL;
    out->count = 0;
    json_t *tree = json_parse(body, len, "the token request", err);
    if (!tree)
        return WEIR_INVALID;
    weir_status status = WEIR_OK;
    if (!json_is_object(tree))
        status = error_set(err, WEIR_INVALID, "the token request is no JSON object");
    json_object_foreach(tree, name, member)
    {
        if (status == WEIR_OK && !json_is_string(member))
            status = error_set(err, WEIR_INVALID, "the member %.64s is no string", name);
        if (status == WEIR_OK)
            status = add(out, mem_strdup(name), mem_strdup(json_string_value(member)), err);
    }
    json_decref(tree);
    if (status != WEIR_OK)
        params_clear(out);
    return status;
}
