/* Looking things up in a table of commands and flags. Pure; any thread. */
#include "cli/table.h"

#include "cli/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool table_is_below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 && (len == 0 || path[len] == '\0' || path[len] == ' ');
}

const struct section *table_section(const struct table *table, const char *path)
{
    for (const struct section *section = table->sections; section->path; section++)
        if (strcmp(section->path, path) == 0)
            return section;
    return NULL;
}

const struct command *table_command(const struct table *table, const char *path)
{
    for (size_t i = 0; table->commands[i]; i++) {
        const struct command *command = table->commands[i];
        if (strcmp(command->path, path) == 0 || (command->also && strcmp(command->also, path) == 0))
            return command;
    }
    return NULL;
}

bool table_has(const struct table *table, const char *path)
{
    for (size_t i = 0; table->commands[i]; i++) {
        const struct command *command = table->commands[i];
        if (table_is_below(command->path, path) ||
            (command->also && table_is_below(command->also, path)))
            return true;
    }
    return false;
}

const struct flag *flag_next(struct flag_walk *walk)
{
    while (walk->command->groups && walk->command->groups[walk->group]) {
        walk->in = walk->command->groups[walk->group];
        if (walk->in->flags[walk->flag].name)
            return &walk->in->flags[walk->flag++];
        walk->group++;
        walk->flag = 0;
    }
    const struct flag_group *common = walk->table->common;
    if (walk->in != common)
        walk->flag = 0;
    walk->in = common;
    return common && common->flags[walk->flag].name ? &common->flags[walk->flag++] : NULL;
}

void flag_camel(const char *name, char *out, size_t size)
{
    size_t len = 0;
    for (const char *at = name; *at && len + 1 < size; at++) {
        if (*at == '-' && at[1])
            out[len++] = (char)toupper((unsigned char)*++at);
        else
            out[len++] = *at;
    }
    out[len] = '\0';
}

static bool is_called(const char *flag, const char *name, bool camel)
{
    if (!flag)
        return false;
    char spelled[64];
    flag_camel(flag, spelled, sizeof spelled);
    return strcmp(flag, name) == 0 || (camel && strcmp(spelled, name) == 0);
}

const struct flag *flag_find(const struct table *table, const struct command *command,
                             const char *name, bool camel)
{
    const struct flag *second = NULL;
    struct flag_walk walk = {.table = table, .command = command};
    for (const struct flag *flag; (flag = flag_next(&walk));) {
        if (flag->kind == FLAG_VARIABLE)
            continue;
        if (is_called(flag->name, name, camel))
            return flag;
        if (flag->letter && name[0] == flag->letter && name[1] == '\0')
            return flag;
        if (!second && is_called(flag->also, name, true))
            second = flag;
    }
    return second;
}

bool flag_variable(const struct flag *flag, size_t index, char out[64])
{
    const char *at = flag->env ? flag->env : "";
    for (size_t i = 0; i < index && *at; i++) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    (void)snprintf(out, 64, "%.*s", (int)strcspn(at, " "), at);
    return out[0] != '\0';
}

bool flag_takes_value(const struct flag *flag)
{
    return flag->kind != FLAG_SWITCH && flag->kind != FLAG_OPTIONAL;
}

static bool is_choice(const struct flag *flag, const char *value)
{
    return value_is_choice(value, flag->value) ||
           (flag->understood && value_is_choice(value, flag->understood));
}

const char *flag_check(const struct flag *flag, const char *value)
{
    weir_ms ms;
    int64_t number;
    bool on;
    switch (flag->kind) {
    case FLAG_SWITCH:
        return value_switch(value, &on);
    case FLAG_DURATION:
        return value_duration(value, &ms);
    case FLAG_SIZE:
        return value_size(value, &number);
    case FLAG_NUMBER:
        return value_number(value, &number);
    case FLAG_CHOICE:
        return is_choice(flag, value) ? NULL : "is none of";
    case FLAG_VARIABLE:
    case FLAG_OPTIONAL:
    case FLAG_TEXT:
    case FLAG_FILE:
    case FLAG_JSON:
        break;
    }
    return NULL;
}
