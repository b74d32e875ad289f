#include "sandbox/settings.h"

#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 4608

void settings_add(struct settings *settings, const char *name, const char *fmt, ...)
{
    va_list values;
    char value[VALUE_MAX] = "";
    va_start(values, fmt);
    int len = vsnprintf(value, sizeof value, fmt, values);
    va_end(values);
    bool fits = len >= 0 && len < VALUE_MAX && settings->count < SETTINGS_MAX;
    char *copy = fits ? mem_strdup(value) : NULL;
    if (!copy) {
        settings->failed = true;
        return;
    }
    settings->list[settings->count].name = name;
    settings->list[settings->count++].value = copy;
}

const char *settings_get(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->list[i].name, name) == 0)
            return settings->list[i].value;
    }
    return NULL;
}

void settings_clear(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        mem_free(settings->list[i].value);
    *settings = (struct settings){.count = 0};
}
