/* weir: the program. Parses the command line, sets up errors and signals, runs one command. */
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/held.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/signals.h"

static int show_help(const struct args *args)
{
    struct str text = {0};
    help_show(&text, &weir_table, args->path ? args->path : "");
    out_add(str_text(&text));
    str_free(&text);
    return 0;
}

static int run(struct args *args)
{
    if (args->version)
        return version_run(args);
    if (args->help)
        return show_help(args);
    weir_error err = {0};
    if (cli_start(args, &err) != WEIR_OK)
        return fail_with(&err);
    return args->command->run(args);
}

int main(int argc, char **argv)
{
    struct args args;
    struct str complaint = {0};
    static char area[32];
    out_setup();
    signals_end_at_once();
    bool json = args_want_json(argc, argv);
    bool understood = args_parse(&args, &weir_table, argc, argv, &complaint);
    fail_setup(args_area(&args, area), json);
    int status = understood ? run(&args) : fail_usage("%s", str_text(&complaint));
    out_flush();
    held_show("");
    str_free(&complaint);
    args_free(&args);
    return status;
}
