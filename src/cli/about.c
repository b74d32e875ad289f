/* The commands about the program itself: help, version, completion, man pages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/value.h"

static int show_help(const char *path)
{
    struct str text = {0};
    help_show(&text, &weir_table, path);
    out_add(str_text(&text));
    str_free(&text);
    return 0;
}

int help_run(const struct args *args)
{
    struct str path = {0};
    str_add(&path, strcmp(args->path, "zeebe help") == 0 ? "zeebe" : "");
    for (size_t i = 0; i < args->word_count; i++)
        str_addf(&path, "%s%s", path.len ? " " : "", args->words[i]);
    bool known = table_has(&weir_table, str_text(&path));
    int status = known ? show_help(str_text(&path))
                       : fail_usage("there is no command \"%s\"; see weir --help", str_text(&path));
    str_free(&path);
    return status;
}

int version_run(const struct args *args)
{
    const char *output = args_text(args, "output");
    bool json = (output && strcmp(output, "json") == 0) || args_switch(args, "json");
    if (json)
        out_addf("{\"version\":\"%s\"}\n", weir_version());
    else
        out_addf("weir %s\n", weir_version());
    return 0;
}

static int show_completion(const char *shell)
{
    if (!value_is_choice(shell, "bash|zsh|fish"))
        return fail_usage("completion is made for bash, zsh and fish, not for \"%s\"", shell);
    struct str script = {0};
    completion_script(&script, &weir_table, shell);
    out_add(str_text(&script));
    str_free(&script);
    return 0;
}

int completion_run(const struct args *args)
{
    return show_completion(args->words[0]);
}

int generate_completion_run(const struct args *args)
{
    const char *flag = args_text(args, "shell");
    const char *shell = args->word_count ? args->words[0] : flag ? flag : "bash";
    return show_completion(shell);
}

/* Written beside its place and renamed, so that a build that was cut off leaves no half page. */
static bool write_page(const char *folder, const char *name, const char *text, weir_error *err)
{
    char path[1024], part[1040];
    (void)snprintf(path, sizeof path, "%s/%s.1", folder, name);
    (void)snprintf(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "we");
    bool written = file && fputs(text, file) != EOF;
    written = file && fclose(file) == 0 && written;
    if (written && rename(part, path) == 0)
        return true;
    (void)fail_set_system(err, errno, "cannot write %s", path);
    (void)remove(part);
    return false;
}

static bool write_path(const char *folder, const char *path, weir_error *err)
{
    struct str name = {0}, page = {0};
    man_name(&name, path);
    man_page(&page, &weir_table, path);
    bool ok = write_page(folder, str_text(&name), str_text(&page), err);
    str_free(&name);
    str_free(&page);
    return ok;
}

/* A second path is a page that includes the first. */
static bool write_link(const char *folder, const struct command *command, weir_error *err)
{
    if (!command->also)
        return true;
    struct str name = {0}, first = {0}, page = {0};
    man_name(&name, command->also);
    man_name(&first, command->path);
    str_addf(&page, ".so man1/%s.1\n", str_text(&first));
    bool ok = write_page(folder, str_text(&name), str_text(&page), err);
    str_free(&name);
    str_free(&first);
    str_free(&page);
    return ok;
}

int generate_man_run(const struct args *args)
{
    weir_error err = {0};
    const char *folder = args->words[0];
    bool ok = true;
    for (size_t i = 0; ok && weir_table.sections[i].path; i++)
        ok = write_path(folder, weir_table.sections[i].path, &err);
    const struct command *command;
    for (size_t i = 0; ok && (command = help_command(&weir_table, "", i)); i++)
        ok = write_path(folder, command->path, &err) && write_link(folder, command, &err);
    return ok ? 0 : fail_with(&err);
}
