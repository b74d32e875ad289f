/* cli/help.h - help, man pages and completion: three ways to show the table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/str.h"
#include "cli/table.h"

/* Help for a command or for what lies below a path ("" is everything). */
void help_show(struct str *out, const struct table *table, const char *path);
/* `text`, broken at blanks so that lines with their indent end at column 80; an empty line in the
 * text stays one. Ends with a line's end. */
void help_wrap(struct str *out, const char *text, size_t indent);
/* A flag as help shows it: "-o, --output text|json". */
void help_flag_name(struct str *out, const struct flag *flag);
/* Of the path's commands, those a reader should see one after the other: `index` counts up. NULL
 * after the last. A command's second path is not another command. */
const struct command *help_command(const struct table *table, const char *path, size_t index);

/* The man page of a command or section, in the man(7) macros. */
void man_page(struct str *out, const struct table *table, const char *path);
/* "weir-zeebe-call" */
void man_name(struct str *out, const char *path);

/* The completion script for "bash", "zsh" or "fish". */
void completion_script(struct str *out, const struct table *table, const char *shell);
#endif
