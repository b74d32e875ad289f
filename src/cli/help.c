/* Help as people read it. Pure: from the table into a text. */
#include "cli/help.h"

#include <string.h>

#define WIDTH      80
#define FLAG_WIDTH 32

void help_wrap(struct str *out, const char *text, size_t indent)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " \n");
        if (column > 0 && column + 1 + len > WIDTH) {
            str_add(out, "\n");
            column = 0;
        }
        if (len > 0) {
            str_addf(out, "%*s", column == 0 ? (int)indent : 1, "");
            str_add_bytes(out, text, len);
            column += len + (column == 0 ? indent : 1);
        }
        text += len;
        if (*text == '\n') {
            str_add(out, "\n");
            column = 0;
        }
        text += *text != '\0';
    }
    if (column > 0)
        str_add(out, "\n");
}

const struct command *help_command(const struct table *table, const char *path, size_t index)
{
    for (size_t i = 0; table->commands[i]; i++) {
        const struct command *command = table->commands[i];
        if (!command->hidden && table_is_below(command->path, path) && index-- == 0)
            return command;
    }
    return NULL;
}

void help_flag_name(struct str *out, const struct flag *flag)
{
    if (flag->letter)
        str_addf(out, "-%c, ", flag->letter);
    str_addf(out, "--%s", flag->name);
    if (flag->kind == FLAG_OPTIONAL)
        str_addf(out, "[=%s]", flag->value);
    else if (flag->kind != FLAG_SWITCH)
        str_addf(out, " %s", flag->value ? flag->value : "VALUE");
}

static void add_sentence_part(struct str *out, const char *before, const char *text)
{
    if (text)
        str_addf(out, "%s%s", before, text);
}

static void describe(struct str *out, const struct flag *flag)
{
    str_add(out, flag->help);
    if (flag->required)
        str_add(out, "; required");
    if (flag->repeat)
        str_add(out, "; may be repeated");
    add_sentence_part(out, "; default ", flag->fallback);
    char variable[64];
    for (size_t i = 0; flag_variable(flag, i, variable); i++)
        str_addf(out, "%s%s", i == 0 ? " [" : ", ", variable);
    if (flag->env)
        str_add(out, "]");
}

static void show_flag(struct str *out, const struct flag *flag)
{
    struct str name = {0}, text = {0}, wrapped = {0};
    str_add(&name, flag->letter ? "  " : "      ");
    help_flag_name(&name, flag);
    describe(&text, flag);
    help_wrap(&wrapped, str_text(&text), FLAG_WIDTH);
    str_add(out, name.data);
    if (name.len + 2 <= FLAG_WIDTH)
        str_addf(out, "%*s%s", (int)(FLAG_WIDTH - name.len), "", str_text(&wrapped) + FLAG_WIDTH);
    else
        str_addf(out, "\n%s", str_text(&wrapped));
    str_free(&name);
    str_free(&text);
    str_free(&wrapped);
}

static void show_group(struct str *out, const struct flag_group *group)
{
    bool titled = false;
    for (const struct flag *flag = group->flags; flag->name; flag++) {
        if (!flag->help || flag->kind == FLAG_VARIABLE)
            continue;
        if (!titled)
            str_addf(out, "\n%s:\n", group->title);
        titled = true;
        show_flag(out, flag);
    }
}

static void show_variables(struct str *out, const struct command *command)
{
    bool titled = false;
    for (size_t i = 0; command->groups && command->groups[i]; i++)
        for (const struct flag *flag = command->groups[i]->flags; flag->name; flag++) {
            if (flag->kind != FLAG_VARIABLE || !flag->help)
                continue;
            str_add(out,
                    titled ? "" : "\nOnly from the environment (or a file named by NAME_FILE):\n");
            titled = true;
            char variable[64];
            for (size_t at = 0; flag_variable(flag, at, variable); at++)
                str_addf(out, "%s%s", at == 0 ? "      " : ", ", variable);
            str_add(out, "\n");
            help_wrap(out, flag->help, FLAG_WIDTH);
        }
}

static void show_examples(struct str *out, const char *examples)
{
    str_add(out, "\nExamples:\n");
    while (*examples) {
        size_t len = strcspn(examples, "\n");
        str_addf(out, "  %.*s\n", (int)len, examples);
        examples += len + (examples[len] == '\n');
    }
}

static void show_usage(struct str *out, const struct command *command)
{
    str_addf(out, "Usage: weir %s", command->path);
    if (*command->args)
        str_addf(out, " %s", command->args);
    str_add(out, " [flags]");
    if (command->runs_program)
        str_add(out, " [-- CMD [ARG...]]");
    str_add(out, "\n");
    if (command->also)
        str_addf(out, "   or: weir %s\n", command->also);
    str_addf(out, "\n%s.\n", command->summary);
}

static void show_commands(struct str *out, const struct table *table, const char *path)
{
    size_t widest = 0;
    const struct command *command;
    for (size_t i = 0; (command = help_command(table, path, i)); i++)
        widest = strlen(command->path) > widest ? strlen(command->path) : widest;
    str_add(out, "\nCommands:\n");
    for (size_t i = 0; (command = help_command(table, path, i)); i++)
        str_addf(out, "  weir %-*s  %s\n", (int)widest, command->path, command->summary);
}

static void show_section(struct str *out, const struct table *table, const char *path)
{
    const struct section *section = table_section(table, path);
    str_addf(out, "Usage: weir%s%s COMMAND [flags]\n", *path ? " " : "", path);
    if (section) {
        str_addf(out, "\n%s.\n\n", section->summary);
        help_wrap(out, section->about, 0);
    }
    show_commands(out, table, path);
    show_group(out, table->common);
    str_addf(out, "\nMore: weir%s%s COMMAND --help\n", *path ? " " : "", path);
}

static void show_command(struct str *out, const struct table *table, const struct command *command)
{
    show_usage(out, command);
    if (command->about) {
        str_add(out, "\n");
        help_wrap(out, command->about, 0);
    }
    const struct command *below = help_command(table, command->path, 1);
    if (below)
        show_commands(out, table, command->path);
    for (size_t i = 0; command->groups && command->groups[i]; i++)
        show_group(out, command->groups[i]);
    show_group(out, table->common);
    show_variables(out, command);
    if (command->examples)
        show_examples(out, command->examples);
}

void help_show(struct str *out, const struct table *table, const char *path)
{
    const struct command *command = table_command(table, path);
    if (command)
        show_command(out, table, command);
    else
        show_section(out, table, path);
}
