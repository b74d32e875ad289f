/* Metadata to and from text. Pure; any thread. */
#include "cli/metadata.h"

#include <ctype.h>
#include <string.h>

#include "cli/base64.h"
#include "cli/fail.h"

static bool is_binary(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, "-bin") == 0;
}

bool metadata_is_secret(const char *name)
{
    static const char *const secrets[] = {"authorization", "proxy-authorization", "cookie",
                                          "set-cookie", "x-api-key"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strcmp(name, secrets[i]) == 0)
            return true;
    return false;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* gRPC over HTTP/2: names of lower-case letters, digits, '_', '-' and '.'. */
static bool take_name(struct str *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        if (!islower((unsigned char)c) && !isdigit((unsigned char)c) && !strchr("_-.", c))
            return false;
        str_add_bytes(out, &c, 1);
    }
    return len > 0;
}

/* Of a list's entry: the name, a NUL, the value. */
static weir_status take_header(struct str *out, const char *given, size_t *value_at,
                               weir_error *err)
{
    const char *colon = strchr(given, ':');
    size_t len = colon ? (size_t)(colon - given) : 0;
    if (!take_name(out, given, len))
        return fail_set(err, WEIR_INVALID,
                        "--header: \"%.*s\" is not 'name: value' with a name of letters, digits, "
                        "'_', '-' and '.'",
                        (int)(colon ? len : strlen(given)), given);
    str_add_bytes(out, "", 1);
    *value_at = out->len;
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if (is_binary(out->data)) {
        if (!cli_base64_decode(out, value))
            return fail_set(err, WEIR_INVALID, "--header: the value of %s is no base64", out->data);
        return WEIR_OK;
    }
    for (const char *at = value; *at; at++)
        if (*at < 0x20 || *at > 0x7E)
            return fail_set(err, WEIR_INVALID,
                            "--header: the value of %s holds more than printable ASCII; name it "
                            "%s-bin and write base64",
                            out->data, out->data);
    str_add(out, value);
    return WEIR_OK;
}

weir_status headers_read(struct headers *out, const struct args *args, weir_error *err)
{
    *out = (struct headers){0};
    while (args_each(args, "header", out->count))
        out->count++;
    out->list = memory_or_exit(NULL, out->count + 1, sizeof *out->list);
    out->texts = memory_or_exit(NULL, out->count + 1, sizeof *out->texts);
    memset(out->list, 0, (out->count + 1) * sizeof *out->list);
    memset(out->texts, 0, (out->count + 1) * sizeof *out->texts);
    for (size_t i = 0; i < out->count; i++) {
        size_t value_at = 0;
        struct str *text = &out->texts[i];
        if (take_header(text, args_each(args, "header", i), &value_at, err) != WEIR_OK)
            return err->status;
        out->list[i].name = text->data;
        out->list[i].value = (weir_bytes){text->data + value_at, text->len - value_at};
    }
    return WEIR_OK;
}

void headers_free(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        str_free(&headers->texts[i]);
    release_memory(headers->texts);
    release_memory(headers->list);
    *headers = (struct headers){0};
}

bool headers_have(const struct headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strcmp(headers->list[i].name, name) == 0)
            return true;
    return false;
}

bool headers_have_secret(const struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        if (metadata_is_secret(headers->list[i].name))
            return true;
    return false;
}

/* ---- showing ------------------------------------------------------------------------------ */

static void add_printable(struct str *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c == 0x7F)
            str_addf(out, "\\x%02x", c);
        else
            str_add_bytes(out, bytes + i, 1);
    }
}

void metadata_show(struct str *out, const weir_metadata *list, size_t count)
{
    if (count == 0)
        str_add(out, "(empty)\n");
    for (size_t i = 0; i < count; i++) {
        str_addf(out, "%s: ", list[i].name);
        if (metadata_is_secret(list[i].name))
            str_add(out, "***");
        else if (is_binary(list[i].name))
            cli_base64_encode(out, list[i].value.data, list[i].value.len);
        else
            add_printable(out, list[i].value.data, list[i].value.len);
        str_add(out, "\n");
    }
}
