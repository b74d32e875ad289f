/* How failures leave the program. Guarantees: exactly one line, whatever the message holds; with
 * -o json that line is the JSON document of the contract. */
#include "cli/fail.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/held.h"
#include "cli/str.h"

static const char *in_area = "";
static bool as_json;

void fail_setup(const char *area, bool json)
{
    in_area = area;
    as_json = json;
}

static void fold(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = ' ';
}

WEIR_PRINTF(3, 0)
static void set_message(weir_error *err, weir_status status, const char *fmt, va_list values)
{
    *err = (weir_error){.status = status, .retry_in_ms = -1};
    (void)vsnprintf(err->message, sizeof err->message, fmt, values);
    fold(err->message);
}

weir_status fail_set(weir_error *err, weir_status status, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    set_message(err, status, fmt, values);
    va_end(values);
    return status;
}

weir_status fail_set_system(weir_error *err, int errnum, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    set_message(err, WEIR_STORE, fmt, values);
    va_end(values);
    err->origin = WEIR_ORIGIN_SYSTEM;
    err->code = errnum;
    size_t len = strlen(err->message);
    (void)snprintf(err->message + len, sizeof err->message - len, ": %s", strerror(errnum));
    return WEIR_STORE;
}

void fail_document(struct str *out, const weir_error *err)
{
    const char *name = weir_status_name(err->status);
    str_add(out, "{\"error\":{\"status\":");
    str_add_json(out, strncmp(name, "WEIR_", 5) == 0 ? name + 5 : name);
    str_add(out, ",\"origin\":");
    str_add_json(out, weir_origin_name(err->origin));
    str_addf(out, ",\"code\":%" PRId32, err->code);
    if (err->kind) {
        str_add(out, ",\"kind\":");
        str_add_json(out, weir_kind_name(err->kind));
    }
    str_addf(out, ",\"retryInMs\":%" PRId32 ",\"message\":", err->retry_in_ms);
    str_add_json(out, err->message);
    str_add(out, "}}");
}

static void print(const weir_error *err)
{
    struct str line = {0};
    if (as_json)
        fail_document(&line, err);
    else
        str_addf(&line, "weir: %s%s%s", in_area, *in_area ? ": " : "", err->message);
    fold(line.data);
    str_add(&line, "\n");
    held_show(err->message);
    (void)fputs(line.data, stderr);
    (void)fflush(stderr);
    str_free(&line);
}

int fail_with(const weir_error *err)
{
    print(err);
    return weir_error_exit_status(err);
}

int fail_usage(const char *fmt, ...)
{
    weir_error err;
    va_list values;
    va_start(values, fmt);
    set_message(&err, WEIR_INVALID, fmt, values);
    va_end(values);
    print(&err);
    return EXIT_USAGE;
}

void fail_note(const char *fmt, ...)
{
    struct str text = {0};
    va_list values;
    str_addf(&text, "weir: %s%s", in_area, *in_area ? ": " : "");
    va_start(values, fmt);
    str_vaddf(&text, fmt, values);
    va_end(values);
    fold(text.data);
    str_add(&text, "\n");
    (void)fputs(text.data, stderr);
    (void)fflush(stderr);
    str_free(&text);
}
