/* sandbox/settings.h - the variables that point clients at a sandbox. Any thread. */
#ifndef SANDBOX_SETTINGS_H
#define SANDBOX_SETTINGS_H

#include <weir/error.h>

#define SETTINGS_MAX 40

struct settings {
    struct {
        const char *name; /* static */
        char *value;
    } list[SETTINGS_MAX];
    size_t count;
    bool failed; /* memory ran out: at least one is missing */
};

void settings_add(struct settings *settings, const char *name, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
const char *settings_get(const struct settings *settings, const char *name); /* NULL: none */
void settings_clear(struct settings *settings);
#endif
