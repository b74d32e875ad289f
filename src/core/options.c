/* Option structs of any age, and the environment behind them. */
#include "core/options.h"

#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRUCT_SIZE_MOST 4096 /* beyond it is what was never set, and no memory to look at */

static bool all_zero(const unsigned char *at, size_t size)
{
    while (size > 0 && at[size - 1] == 0)
        size--;
    return size == 0;
}

weir_status options_read(void *out, size_t size, const void *in, const char *macro, weir_error *err)
{
    memset(out, 0, size);
    if (!in)
        return WEIR_OK;
    size_t given;
    memcpy(&given, in, sizeof given);
    if (given < sizeof given)
        return error_set(err, WEIR_INVALID,
                         "options without struct_size: fill them through %s(...)", macro);
    if (given > STRUCT_SIZE_MOST)
        return error_set(err, WEIR_INVALID,
                         "options with struct_size %zu, which none has: fill them through %s(...)",
                         given, macro);
    if (given > size && !all_zero((const unsigned char *)in + size, given - size))
        return error_set(
            err, WEIR_UNSUPPORTED,
            "%s: an option is set that this library (%s) does not know; install a newer one", macro,
            weir_version());
    memcpy(out, in, given < size ? given : size);
    return WEIR_OK;
}

int64_t options_number(int64_t value, int64_t fallback)
{
    if (value == WEIR_ZERO)
        return 0;
    return value ? value : fallback;
}

weir_status options_limit(weir_ms value, weir_ms usual, const char *option, weir_ms *limit,
                          weir_error *err)
{
    *limit = value == WEIR_DEFAULT_TIMEOUT ? usual : options_number(value, usual);
    if (*limit >= WEIR_FOREVER)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s %lld: no number of milliseconds, and no WEIR_FOREVER",
                     option, (long long)value);
}

const char *options_text(const char *text)
{
    return text && text != WEIR_OMIT && *text ? text : NULL;
}

static const char *env(const char *name)
{
    return options_text(getenv(name));
}

const char *options_env(const char *first, ...)
{
    const char *value = NULL;
    va_list names;
    va_start(names, first);
    for (const char *name = first; name && !value; name = va_arg(names, const char *))
        value = env(name);
    va_end(names);
    return value;
}

weir_status options_secret_env(const char *name, char **value, weir_error *err)
{
    *value = NULL;
    const char *direct = env(name);
    if (direct) {
        *value = mem_strdup(direct);
        return *value ? WEIR_OK : error_no_memory(err);
    }
    char file_name[128];
    (void)snprintf(file_name, sizeof file_name, "%s_FILE", name);
    const char *path = env(file_name);
    if (!path)
        return WEIR_OK;
    size_t len = 0;
    weir_status status = file_read(path, LIMIT_ENV_FILE, file_name, value, &len, err);
    if (status != WEIR_OK)
        return status;
    if (memchr(*value, '\0', len)) {
        secret_wipe(*value, len);
        mem_free(*value);
        *value = NULL;
        return error_set(err, WEIR_INVALID, "%s: %s holds a NUL byte; it should be text", file_name,
                         path);
    }
    if (len > 0 && (*value)[len - 1] == '\n')
        (*value)[--len] = '\0';
    if (len > 0 && (*value)[len - 1] == '\r')
        (*value)[--len] = '\0';
    return WEIR_OK;
}
