/* From flags to what the worker and the handlers want. A value out of range is a wrong command line
 * (64), said before anything is connected, as is anything but one way to handle a job. */
#include "cli/work_options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/amount.h"
#include "cli/fail.h"
#include "cli/json_arg.h"
#include "cli/session.h"
#include "cli/value.h"

#define MOST_HANDLERS 1024
#define MOST_ACTIVE   100000
#define LONGEST       AMOUNT_LONGEST
#define LOCKS         12 /* a handler may run so many times its lock */

/* ---- numbers and durations ---------------------------------------------------------------- */

enum {
    AMOUNT_TIMEOUT = 0,
    AMOUNT_ACTIVE,
    AMOUNT_HANDLERS,
    AMOUNT_INTERVAL,
    AMOUNT_BACKOFF,
    AMOUNT_COUNT,
    AMOUNT_IDLE,
    AMOUNT_DRAIN,
    AMOUNT_HANDLER_TIMEOUT,
    AMOUNT_GIVE_UP,
    AMOUNTS
};

static const struct amount amounts[AMOUNTS] = {
    [AMOUNT_TIMEOUT] = {"timeout", true, 1, LONGEST, 300000},
    [AMOUNT_ACTIVE] = {"max-jobs-active", false, 1, MOST_ACTIVE, 32},
    [AMOUNT_HANDLERS] = {"concurrency", false, 1, MOST_HANDLERS, 4},
    [AMOUNT_INTERVAL] = {"poll-interval", true, 0, 3600000, 100},
    [AMOUNT_BACKOFF] = {"retry-backoff", true, 0, LONGEST, 0},
    [AMOUNT_COUNT] = {"count", false, 1, INT64_MAX, 0},
    [AMOUNT_IDLE] = {"until-idle", true, 0, LONGEST, -1},
    [AMOUNT_DRAIN] = {"drain", true, 0, LONGEST - 60000, 30000},
    [AMOUNT_HANDLER_TIMEOUT] = {"handler-timeout", true, 1, LONGEST, -1},
    [AMOUNT_GIVE_UP] = {"give-up", true, 0, LONGEST, 0},
};

static int read_threshold(double *out, const struct args *args)
{
    const char *text = args_text(args, "poll-threshold");
    char *end = NULL;
    if (!text)
        return 0;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1))
        return fail_usage("--poll-threshold: \"%s\" is no number from 0 to 1", text);
    *out = value > 0 ? value : 1e-9; /* 0 would be the default */
    return 0;
}

/* ---- lists -------------------------------------------------------------------------------- */

static const char *keep(struct work_options *options, const char *text, size_t len)
{
    options->texts =
        memory_or_exit(options->texts, options->text_count + 1, sizeof *options->texts);
    return options->texts[options->text_count++] = copy_or_exit(text, len);
}

/* "a,b", given any number of times; NULL: not given. */
static int read_list(struct work_options *options, const char ***out, const struct args *args,
                     const char *flag)
{
    const char *given;
    size_t count = 0;
    for (size_t i = 0; (given = args_each(args, flag, i)); i++) {
        for (const char *at = given; at;) {
            size_t len = strcspn(at, ",");
            if (len == 0)
                return fail_usage("--%s: \"%s\" has an empty name; the list is a,b", flag, given);
            *out = memory_or_exit((void *)*out, count + 2, sizeof **out);
            (*out)[count++] = keep(options, at, len);
            (*out)[count] = NULL;
            at = at[len] ? at + len + 1 : NULL;
        }
    }
    return 0;
}

/* ---- what handles a job ------------------------------------------------------------------- */

struct way {
    const char *shown, *flag;
    enum work_kind kind;
};

static const struct way ways[] = {{"-- CMD", NULL, WORK_PROCESS},
                                  {"--exec", "exec", WORK_PROCESS},
                                  {"--coprocess", "coprocess", WORK_COPROCESS},
                                  {"--complete", "complete", WORK_CONSTANT}};

static bool is_given(const struct args *args, const struct way *way)
{
    return way->flag ? args_has(args, way->flag) : args->program != NULL;
}

static int find_way(const struct args *args, const struct way **out)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!is_given(args, &ways[i]))
            continue;
        if (*out)
            return fail_usage("%s and %s: one of them handles the jobs, not both", (*out)->shown,
                              ways[i].shown);
        *out = &ways[i];
    }
    if (*out)
        return 0;
    return fail_usage("nothing handles the jobs: give one of -- CMD [ARG...], --exec 'SHELL "
                      "COMMAND' (also --handler), --coprocess 'SHELL COMMAND', --complete "
                      "VARIABLES");
}

static int check_way(const struct work_options *options)
{
    if (options->outcomes && options->kind != WORK_PROCESS)
        return fail_usage("--outcomes is for -- CMD and --exec; a coprocess writes outcomes "
                          "anyway, --complete runs nothing");
    if (options->whole_job && options->kind == WORK_CONSTANT)
        return fail_usage("--whole-job is for programs; --complete runs none");
    const char *shell = options->shell;
    if (shell && shell[strspn(shell, " \t\n")] == '\0')
        return fail_usage("--%s: the command is empty",
                          options->kind == WORK_COPROCESS ? "coprocess" : "exec");
    return 0;
}

static int read_way(struct work_options *options, const struct args *args)
{
    const struct way *way = NULL;
    int status = find_way(args, &way);
    if (status)
        return status;
    options->kind = way->kind;
    if (way->flag && way->kind != WORK_CONSTANT)
        options->shell = args_text(args, way->flag);
    if (options->worker.poll_only && args_switch(args, "stream"))
        return fail_usage("--poll-only and --stream contradict each other; without either a "
                          "stream is opened beside the polls");
    return check_way(options);
}

/* What may fail for other reasons than the command line. */
static int find_handler(struct work_options *options, const struct args *args)
{
    weir_error err = {0};
    const char *secret = args_text(args, "token-env");
    if (options->kind == WORK_CONSTANT)
        options->variables = json_arg_object("complete", args_text(args, "complete"), &err);
    else
        (void)run_find(&options->command, args->program, options->shell, secret, &err);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void read_switches(struct work_options *options, const struct args *args)
{
    bool streams = true;
    const char *zbctl = args_text(args, "stream-enabled");
    if (zbctl)
        (void)value_switch(zbctl, &streams);
    options->outcomes = args_switch(args, "outcomes");
    options->whole_job = args_switch(args, "whole-job");
    options->json = session_json(args);
    options->zbctl = strcmp(args->path, "zeebe create worker") == 0 && !options->json;
    options->worker.poll_only = args_switch(args, "poll-only") || !streams;
    options->worker.no_heartbeat = args_switch(args, "no-heartbeat");
}

static weir_ms or_zero(weir_ms value)
{
    return value ? value : WEIR_ZERO;
}

/* An idle gateway must have time to say so, and one that is silent is to be found out. */
static weir_ms long_poll(weir_ms until_idle, weir_ms give_up)
{
    weir_ms limit = until_idle >= 0 ? until_idle : LONGEST;
    limit = give_up > 0 && give_up < limit ? give_up : limit;
    return limit >= 10000 ? 0 : limit < 200 ? 100 : limit / 2; /* 0: the library's */
}

/* The library's own limits come after ours: the program ends a handler and says why, and has then
 * still the lock to say it to the gateway. That also goes for --drain, which main() keeps when a
 * signal has come; the library's is for a worker that ends because of a failure. What --count
 * leaves in hand is not hurried. */
static void fill_worker(struct work_options *options, const int64_t amount[AMOUNTS])
{
    weir_worker_options *worker = &options->worker;
    weir_ms lock = amount[AMOUNT_TIMEOUT], limit = amount[AMOUNT_HANDLER_TIMEOUT];
    options->handler_timeout = limit > 0 ? limit : lock < LONGEST / LOCKS ? lock * LOCKS : LONGEST;
    options->drain = amount[AMOUNT_DRAIN];
    options->until_idle = amount[AMOUNT_IDLE];
    options->count = amount[AMOUNT_COUNT];
    worker->job_timeout = lock;
    worker->max_job_time = options->handler_timeout + (weir_ms)3 * WORK_GRACE;
    worker->drain = options->count ? WEIR_FOREVER : options->drain + (weir_ms)2 * WORK_GRACE;
    worker->max_active = (int)amount[AMOUNT_ACTIVE];
    worker->threads = (int)amount[AMOUNT_HANDLERS];
    worker->poll_interval = or_zero(amount[AMOUNT_INTERVAL]);
    worker->retry_backoff = amount[AMOUNT_BACKOFF];
    worker->give_up = amount[AMOUNT_GIVE_UP];
    worker->long_poll = long_poll(options->until_idle, worker->give_up);
}

int work_options_read(struct work_options *out, const struct args *args)
{
    int64_t amount[AMOUNTS];
    *out = (struct work_options){.worker.struct_size = sizeof out->worker};
    out->worker.type = args->words[0];
    out->worker.name = args_text(args, "name");
    if (out->worker.type[strspn(out->worker.type, " \t\r\n")] == '\0')
        return fail_usage("TYPE is blank: weir %s TYPE", args->path);
    read_switches(out, args);
    int status = amounts_read(amounts, AMOUNTS, args, amount);
    if (!status)
        status = read_threshold(&out->worker.poll_threshold, args);
    if (!status)
        status = read_list(out, &out->fetch_variables, args, "fetch-variables");
    if (!status)
        status = read_list(out, &out->tenant_ids, args, "tenant-ids");
    if (!status)
        status = read_way(out, args);
    if (status)
        return status;
    fill_worker(out, amount);
    out->worker.fetch_variables = out->fetch_variables;
    out->worker.tenant_ids = out->tenant_ids;
    return find_handler(out, args);
}

void work_options_free(struct work_options *options)
{
    for (size_t i = 0; i < options->text_count; i++)
        release_memory(options->texts[i]);
    release_memory(options->texts);
    release_memory((void *)options->fetch_variables);
    release_memory((void *)options->tenant_ids);
    release_memory(options->variables);
    run_command_free(&options->command);
    *options = (struct work_options){0};
}
