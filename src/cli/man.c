/* Man pages, in the macros of man(7). Pure: from the table into roff. */
#include <string.h>

#include "cli/help.h"

/* Exit statuses, the same for every command. */
static const char *const statuses[][2] = {
    {"0", "Done."},
    {"1", "A check found faults (doctor, probe)."},
    {"64", "The command line is wrong."},
    {"65", "Bad data was given."},
    {"67", "The peer answered and said no."},
    {"69", "The peer cannot be reached."},
    {"70", "A defect in weir; please report."},
    {"71", "Out of memory."},
    {"73, 74", "A file cannot be created, read or written."},
    {"75", "The peer is busy, or the time is up."},
    {"76", "The peer broke the protocol, or its certificate does not verify."},
    {"77", "The credentials were refused, or do not suffice."},
    {"78", "A required setting is missing or contradictory, or not supported."},
    {"130, 143", "Interrupted by SIGINT or SIGTERM."},
    {"141", "Standard output was closed."},
};

/* Text that no macro or escape may be made of (groff_char(7): a bare - is a hyphen). */
static void add_text(struct str *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            str_add(out, "\\&");
        line_start = *text == '\n';
        if (*text == '\\')
            str_add(out, "\\e");
        else if (*text == '-')
            str_add(out, "\\-");
        else if (*text == '~')
            str_add(out, "\\(ti");
        else if (*text == '^')
            str_add(out, "\\(ha");
        else if (*text == '\'')
            str_add(out, "\\(aq");
        else
            str_add_bytes(out, text, 1);
    }
}

/* Paragraphs separated by empty lines. */
static void add_paragraphs(struct str *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        char *paragraph = copy_or_exit(text, len);
        add_text(out, paragraph);
        str_add(out, "\n");
        release_memory(paragraph);
        text += len;
        text += strspn(text, "\n");
        if (*text)
            str_add(out, ".PP\n");
    }
}

void man_name(struct str *out, const char *path)
{
    str_add(out, *path ? "weir-" : "weir");
    for (; *path; path++)
        str_addf(out, "%c", *path == ' ' ? '-' : *path);
}

static void add_upper(struct str *out, const char *text)
{
    for (; *text; text++) {
        char upper = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        str_addf(out, "%s%c", upper == '-' ? "\\" : "", upper);
    }
}

static void add_name(struct str *out, const char *path)
{
    struct str name = {0};
    man_name(&name, path);
    add_text(out, str_text(&name));
    str_free(&name);
}

static void add_head(struct str *out, const char *path, const char *also, const char *summary)
{
    struct str name = {0};
    man_name(&name, path);
    str_add(out, ".\\\" Made by weir generate man.\n.TH ");
    add_upper(out, str_text(&name));
    str_addf(out, " 1 \"\" \"weir %s\" \"weir manual\"\n.nh\n.SH NAME\n", weir_version());
    add_name(out, path);
    if (also) {
        str_add(out, ", ");
        add_name(out, also);
    }
    str_add(out, " \\- ");
    add_text(out, summary);
    str_add(out, "\n");
    str_free(&name);
}

static void add_synopsis(struct str *out, const char *path, const struct command *command)
{
    str_addf(out, ".SH SYNOPSIS\n.B weir%s", *path ? " " : "");
    add_text(out, path);
    str_add(out, "\n.RI \"");
    add_text(out, command ? command->args : "COMMAND");
    str_addf(out, "%s\" [ flags ]", command && !*command->args ? "" : " ");
    str_add(out, command && command->runs_program ? "\n[\\-\\- CMD [ARG...]]\n" : "\n");
}

static void add_flag(struct str *out, const struct flag *flag)
{
    str_add(out, ".TP\n.BR \"");
    if (flag->letter)
        str_addf(out, "\\-%c\" \", \" \"", flag->letter);
    str_add(out, "\\-\\-");
    add_text(out, flag->name);
    str_add(out, "\"");
    if (flag->kind != FLAG_SWITCH) {
        bool optional = flag->kind == FLAG_OPTIONAL;
        str_add(out, optional ? " \"[=" : " \" ");
        add_text(out, flag->value ? flag->value : "VALUE");
        str_add(out, optional ? "]\"" : "\"");
    }
    str_add(out, "\n");
    add_text(out, flag->help);
    str_add(out, flag->required ? "; required" : "");
    str_add(out, flag->repeat ? "; may be repeated" : "");
    if (flag->fallback) {
        str_add(out, "; default ");
        add_text(out, flag->fallback);
    }
    str_add(out, ".\n");
    if (flag->env) {
        str_add(out, "Environment: ");
        char variable[64];
        for (size_t i = 0; flag_variable(flag, i, variable); i++)
            str_addf(out, "%s%s", i ? ", " : "", variable);
        str_add(out, ".\n");
    }
}

static void add_group(struct str *out, const struct flag_group *group)
{
    bool titled = false;
    for (const struct flag *flag = group->flags; flag->name; flag++) {
        if (!flag->help || flag->kind == FLAG_VARIABLE)
            continue;
        if (!titled)
            str_addf(out, ".SS %s\n", group->title);
        titled = true;
        add_flag(out, flag);
    }
}

static void add_variables(struct str *out, const struct command *command)
{
    bool titled = false;
    for (size_t i = 0; command->groups && command->groups[i]; i++)
        for (const struct flag *flag = command->groups[i]->flags; flag->name; flag++) {
            if (flag->kind != FLAG_VARIABLE || !flag->help)
                continue;
            if (!titled)
                str_add(out, ".SH ENVIRONMENT\nSecrets come from these variables, or from the "
                             "file that the same name with _FILE names.\n");
            titled = true;
            char variable[64];
            str_add(out, ".TP\n.B \"");
            for (size_t at = 0; flag_variable(flag, at, variable); at++)
                str_addf(out, "%s%s", at ? ", " : "", variable);
            str_add(out, "\"\n");
            add_text(out, flag->help);
            str_add(out, ".\n");
        }
}

static void add_commands(struct str *out, const struct table *table, const char *path)
{
    const struct command *command;
    str_add(out, ".SH COMMANDS\n");
    for (size_t i = 0; (command = help_command(table, path, i)); i++) {
        if (strcmp(command->path, path) == 0)
            continue;
        str_add(out, ".TP\n.B \"weir ");
        add_text(out, command->path);
        str_add(out, "\"\n");
        add_text(out, command->summary);
        str_add(out, ".\n");
    }
}

static void add_statuses(struct str *out)
{
    str_add(out, ".SH \"EXIT STATUS\"\n");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        str_addf(out, ".TP\n.B \"%s\"\n", statuses[i][0]);
        add_text(out, statuses[i][1]);
        str_add(out, "\n");
    }
}

static void add_examples(struct str *out, const char *examples)
{
    str_add(out, ".SH EXAMPLES\n.nf\n");
    add_text(out, examples);
    str_add(out, "\n.fi\n");
}

/* The page above, and those right below. */
static void add_see_also(struct str *out, const struct table *table, const char *path)
{
    str_add(out, ".SH \"SEE ALSO\"\n.BR weir (1)");
    const struct command *command;
    for (size_t i = 0; (command = help_command(table, "", i)); i++) {
        char area[32] = "";
        size_t len = strcspn(path, " ");
        memcpy(area, path, len < 31 ? len : 31);
        if (strcmp(command->path, path) == 0 || (*path && !table_is_below(command->path, area)))
            continue;
        str_add(out, ",\n.BR ");
        add_name(out, command->path);
        str_add(out, " (1)");
    }
    str_add(out, "\n");
}

static void add_description(struct str *out, const char *summary, const char *about)
{
    str_add(out, ".SH DESCRIPTION\n");
    add_text(out, summary);
    str_add(out, ".\n");
    if (about) {
        str_add(out, ".PP\n");
        add_paragraphs(out, about);
    }
}

static void add_options(struct str *out, const struct table *table, const struct command *command)
{
    str_add(out, ".SH OPTIONS\n");
    for (size_t i = 0; command && command->groups && command->groups[i]; i++)
        add_group(out, command->groups[i]);
    add_group(out, table->common);
    if (command)
        add_variables(out, command);
}

void man_page(struct str *out, const struct table *table, const char *path)
{
    const struct command *command = table_command(table, path);
    const struct section *section = table_section(table, path);
    const char *summary = command ? command->summary : section->summary;
    add_head(out, path, command ? command->also : NULL, summary);
    add_synopsis(out, path, command);
    add_description(out, summary, command ? command->about : section->about);
    if (!command || help_command(table, path, 1))
        add_commands(out, table, path);
    add_options(out, table, command);
    add_statuses(out);
    if (command && command->examples)
        add_examples(out, command->examples);
    add_see_also(out, table, path);
}
