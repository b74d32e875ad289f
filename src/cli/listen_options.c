/* From flags to what a listener does with events. A flag that would do nothing is a mistake (64),
 * said before anything is connected. */
#include "cli/listen_options.h"

#include <string.h>

#include "cli/amount.h"
#include "cli/fail.h"

enum {
    AMOUNT_COUNT = 0,
    AMOUNT_IDLE,
    AMOUNT_FOR,
    AMOUNT_DRAIN,
    AMOUNT_GIVE_UP,
    AMOUNT_CONNECTION,
    AMOUNT_QUEUED,
    AMOUNT_RETRIES,
    AMOUNTS
};

static const struct amount amounts[AMOUNTS] = {
    [AMOUNT_COUNT] = {"count", false, 1, INT64_MAX, 0},
    [AMOUNT_IDLE] = {"until-idle", true, 0, AMOUNT_LONGEST, -1},
    [AMOUNT_FOR] = {"for", true, 0, AMOUNT_LONGEST, -1},
    [AMOUNT_DRAIN] = {"drain", true, 0, AMOUNT_LONGEST, 30000},
    [AMOUNT_GIVE_UP] = {"give-up", true, 0, AMOUNT_LONGEST, 0},
    [AMOUNT_CONNECTION] = {"connection-timeout", true, 1, AMOUNT_LONGEST, 0},
    [AMOUNT_QUEUED] = {"max-queued", false, 1, 1000000, 0},
    [AMOUNT_RETRIES] = {"retries", false, 0, 1000000000, -1},
};

static void take_amounts(struct listen_options *out, const int64_t amount[AMOUNTS])
{
    out->count = amount[AMOUNT_COUNT];
    out->until_idle = amount[AMOUNT_IDLE];
    out->lasts = amount[AMOUNT_FOR];
    out->drain = amount[AMOUNT_DRAIN];
    out->give_up = amount[AMOUNT_GIVE_UP];
    out->connection_timeout = amount[AMOUNT_CONNECTION];
    out->max_queued = amount[AMOUNT_QUEUED];
    out->retries = amount[AMOUNT_RETRIES];
}

/* ---- who handles the events --------------------------------------------------------------------
 */

struct way {
    const char *shown, *flag;
    enum listen_kind kind;
};

static const struct way ways[] = {{"-- CMD", NULL, LISTEN_PROCESS},
                                  {"--exec", "exec", LISTEN_PROCESS},
                                  {"--coprocess", "coprocess", LISTEN_COPROCESS},
                                  {"--ack stdin", "ack", LISTEN_STDIN}};

static bool is_given(const struct args *args, const struct way *way)
{
    if (!way->flag)
        return args->program != NULL;
    const char *text = args_text(args, way->flag);
    return text && (way->kind != LISTEN_STDIN || strcmp(text, "stdin") == 0);
}

static int find_way(const struct args *args, const struct way **out)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!is_given(args, &ways[i]))
            continue;
        if (*out)
            return fail_usage("%s and %s: one of them acknowledges the events, not both",
                              (*out)->shown, ways[i].shown);
        *out = &ways[i];
    }
    return 0;
}

static bool is_empty(const char *shell)
{
    return shell && shell[strspn(shell, " \t\n")] == '\0';
}

/* --ack auto beside a program says what is so anyway. */
static int check_way(const struct listen_options *options, const struct args *args)
{
    bool process = options->kind == LISTEN_PROCESS;
    if (is_empty(options->shell))
        return fail_usage("--%s: the command is empty", process ? "exec" : "coprocess");
    if (args_has(args, "retries") && !process)
        return fail_usage("--retries is for -- CMD and --exec");
    if (options->dead_letter && !process)
        return fail_usage("--dead-letter is for -- CMD and --exec");
    if (options->dead_letter && options->retries < 0)
        return fail_usage("--dead-letter does nothing without --retries N: an event is repeated "
                          "for ever");
    return 0;
}

static int read_way(struct listen_options *options, const struct args *args)
{
    const struct way *way = NULL;
    int status = find_way(args, &way);
    if (status)
        return status;
    options->kind = way ? way->kind : LISTEN_PRINT;
    if (way && way->flag && way->kind != LISTEN_STDIN)
        options->shell = args_text(args, way->flag);
    options->dead_letter = args_text(args, "dead-letter");
    options->format = listen_format_by_name(args_text(args, "format"));
    return check_way(options, args);
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

/* What may fail for other reasons than the command line. */
static int find_program(struct listen_options *options, const struct args *args)
{
    weir_error err = {0};
    if (options->kind != LISTEN_PROCESS && options->kind != LISTEN_COPROCESS)
        return 0;
    (void)run_find(&options->command, args->program, options->shell, args_text(args, "token-env"),
                   &err);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}

int listen_options_read(struct listen_options *out, const struct args *args, size_t first)
{
    int64_t amount[AMOUNTS];
    weir_error err = {0};
    *out = (struct listen_options){0};
    int status = amounts_read(amounts, AMOUNTS, args, amount);
    if (status)
        return status;
    take_amounts(out, amount);
    status = read_way(out, args);
    if (status)
        return status;
    if (listen_channels_read(&out->channels, args, first, &err) != WEIR_OK)
        return fail_with(&err);
    status = listen_channels_replay(&out->channels, args);
    return status ? status : find_program(out, args);
}

void listen_options_free(struct listen_options *options)
{
    listen_channels_free(&options->channels);
    run_command_free(&options->command);
    *options = (struct listen_options){0};
}
