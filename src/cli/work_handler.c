/* What a handler is given, and what is made of what it gives back. Messages go to the gateway,
 * where others read them: they hold what the handler said on stderr, never the command it was. */
#include "cli/work_handler.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MESSAGE (8 * 1024) /* the library cuts longer ones, at the wrong end for us */

/* ---- settling ----------------------------------------------------------------------------- */

/* What was wrong with it stays in the library, which fails the job with that reason; a job that is
 * not ours any more is reported lost. */
static void settle(weir_job *job, const struct work_outcome *outcome)
{
    if (outcome->verdict == WORK_COMPLETE)
        (void)weir_job_complete(job, outcome->variables);
    else if (outcome->verdict == WORK_FAIL)
        (void)weir_job_fail_with(
            job, WEIR_FAILURE(.retries = outcome->retries, .backoff = outcome->backoff,
                              .message = outcome->message, .variables = outcome->variables));
    else if (outcome->verdict == WORK_THROW)
        (void)weir_job_throw_with(job, WEIR_BPMN_ERROR(.code = outcome->code,
                                                       .message = outcome->message,
                                                       .variables = outcome->variables));
}

void work_return(weir_job *job)
{
    (void)weir_job_fail_with(
        job, WEIR_FAILURE(.retries = WEIR_RETRIES_SAME, .message = WORK_HANDED_BACK));
}

struct handling {
    const struct work_options *options;
    weir_job *job;
    const atomic_bool *hurry;
};

static bool is_wanted(void *user)
{
    const struct handling *handling = user;
    return !atomic_load(handling->hurry) && weir_job_is_ours(handling->job);
}

/* Its handler was ended, or is not waited for. Of a job that is lost the library sends nothing any
 * more, but says why. */
static void hand_back(const struct handling *handling, struct work_outcome *outcome)
{
    bool stopping = atomic_load(handling->hurry);
    work_outcome_fail(outcome, WEIR_RETRIES_SAME, "%s",
                      stopping ? WORK_HANDED_BACK : "the job was lost while its handler ran");
}

/* ---- what zbctl says ---------------------------------------------------------------------- */

/* As Go's log package has it. */
static void add_local_time(struct str *line)
{
    struct timespec now = {0};
    struct tm local = {0};
    char text[32];
    (void)timespec_get(&now, TIME_UTC);
    (void)localtime_r(&now.tv_sec, &local);
    (void)strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", &local);
    str_add(line, text);
}

static void say_as_zbctl(const weir_job *job, const char *what, const char *more)
{
    struct str line = {0};
    add_local_time(&line);
    str_addf(&line, " %s %" PRId64 " %s\n", what, weir_job_key(job), more);
    (void)fputs(line.data, stderr);
    (void)fflush(stderr);
    str_free(&line);
}

static void say_activated(const struct work_options *options, const weir_job *job,
                          const char *variables)
{
    struct str more = {0};
    if (!options->zbctl)
        return;
    str_addf(&more, "with variables %s", variables);
    say_as_zbctl(job, "Activated job", more.data);
    str_free(&more);
}

static void say_settled(const struct work_options *options, const weir_job *job,
                        const struct work_outcome *outcome)
{
    struct str more = {0};
    if (!options->zbctl)
        return;
    if (outcome->verdict == WORK_COMPLETE) {
        str_addf(&more, "with variables %s", outcome->variables ? outcome->variables : "{}");
        say_as_zbctl(job, "Handler completed job", more.data);
    } else {
        say_as_zbctl(job, "Command failed to handle job", outcome->message ? outcome->message : "");
    }
    str_free(&more);
}

/* ---- a process a job ---------------------------------------------------------------------- */

static const struct {
    const char *name, *attr; /* attr NULL: not a text of the job's */
} of_environment[] = {{"TYPE", "type"},
                      {"PROCESS_INSTANCE_KEY", "processInstanceKey"},
                      {"BPMN_PROCESS_ID", "bpmnProcessId"},
                      {"PROCESS_DEFINITION_KEY", "processDefinitionKey"},
                      {"ELEMENT_ID", "elementId"},
                      {"ELEMENT_INSTANCE_KEY", "elementInstanceKey"},
                      {"TENANT_ID", "tenantId"},
                      {"CUSTOM_HEADERS", "customHeaders"}};

#define TEXTS (sizeof of_environment / sizeof *of_environment)

struct environment {
    char *entries[TEXTS + 4];
    size_t count;
};

static void add_entry(struct environment *env, const char *name, const char *value)
{
    struct str entry = {0};
    str_addf(&entry, "WEIR_JOB_%s=%s", name, value ? value : "");
    env->entries[env->count++] = copy_or_exit(entry.data, entry.len);
    str_free(&entry);
}

static void add_number(struct environment *env, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    add_entry(env, name, text);
}

static void make_environment(struct environment *env, const weir_job *job)
{
    *env = (struct environment){0};
    add_number(env, "KEY", weir_job_key(job));
    add_number(env, "RETRIES", weir_job_retries(job));
    add_number(env, "DEADLINE", weir_job_deadline(job));
    for (size_t i = 0; i < TEXTS; i++)
        add_entry(env, of_environment[i].name, weir_job_attr(job, of_environment[i].attr));
}

static void free_environment(struct environment *env)
{
    for (size_t i = 0; i < env->count; i++)
        release_memory(env->entries[i]);
}

static bool is_blank(const struct str *text)
{
    return strspn(str_text(text), " \t\r\n") == text->len;
}

/* The end of what it said, so that all of the message fits. */
static const char *end_of(const struct str *text, size_t most)
{
    const char *at = str_text(text);
    if (text->len > most)
        at += text->len - most;
    while (((unsigned char)*at & 0xC0) == 0x80)
        at++;
    return at;
}

/* Its own words where it ended by itself; else first what became of it. */
static void make_failure(const struct run_job *run, const struct run_result *result,
                         struct work_outcome *outcome)
{
    struct str how = {0};
    bool said = result->errors.len > 0;
    run_say_end(run, result, &how);
    if (said && result->end == RUN_EXITED)
        work_outcome_fail(outcome, WEIR_RETRIES_LESS, "%s", end_of(&result->errors, MESSAGE));
    else
        work_outcome_fail(outcome, WEIR_RETRIES_LESS, "the handler %s%s%s", how.data,
                          said ? ": " : "", end_of(&result->errors, MESSAGE - how.len - 64));
    str_free(&how);
}

static void take_outcome(const struct run_result *result, int64_t key, struct work_outcome *outcome)
{
    struct str why = {0};
    if (is_blank(&result->output))
        work_outcome_fail(outcome, WEIR_RETRIES_LESS,
                          "the handler ended with status 0, but wrote no outcome");
    else if (!work_outcome_read(outcome, result->output.data, result->output.len, &why))
        work_outcome_fail(outcome, WEIR_RETRIES_LESS, "the handler's outcome %s", str_text(&why));
    else if (outcome->key && outcome->key != key)
        work_outcome_fail(outcome, WEIR_RETRIES_LESS,
                          "the handler's outcome is of another job: %" PRId64, outcome->key);
    str_free(&why);
}

static void take_variables(const struct run_result *result, struct work_outcome *outcome)
{
    char room[512];
    if (is_blank(&result->output)) {
        *outcome =
            (struct work_outcome){.verdict = WORK_COMPLETE, .variables = copy_or_exit("{}", 2)};
        return;
    }
    const char *wrong = work_object_complaint(result->output.data, result->output.len, room);
    if (wrong)
        work_outcome_fail(outcome, WEIR_RETRIES_LESS,
                          "the handler's output is no JSON object, as variables are: %s", wrong);
    else
        *outcome = (struct work_outcome){.verdict = WORK_COMPLETE,
                                         .variables =
                                             copy_or_exit(result->output.data, result->output.len)};
}

static void make_outcome(const struct handling *handling, const struct run_job *run,
                         const struct run_result *result, struct work_outcome *outcome)
{
    if (result->end == RUN_UNWANTED)
        hand_back(handling, outcome);
    else if (result->end != RUN_EXITED || result->number != 0)
        make_failure(run, result, outcome);
    else if (handling->options->outcomes)
        take_outcome(result, weir_job_key(handling->job), outcome);
    else
        take_variables(result, outcome);
}

static void by_process(struct handling *handling, const char *input, struct work_outcome *outcome)
{
    struct environment env;
    struct run_result result;
    make_environment(&env, handling->job);
    const struct run_job run = {.command = &handling->options->command,
                                .environment = env.entries,
                                .input = input,
                                .input_len = strlen(input),
                                .output_limit = WORK_OUTPUT,
                                .time_limit = handling->options->handler_timeout,
                                .grace = WORK_GRACE,
                                .wanted = is_wanted,
                                .user = handling};
    run_to_end(&run, &result);
    make_outcome(handling, &run, &result, outcome);
    run_result_free(&result);
    free_environment(&env);
}

/* ---- a job
 * ------------------------------------------------------------------------------------------------
 */

static void with_whole_job(struct handling *handling, struct work_outcome *outcome)
{
    weir_error err = {0};
    char *json = weir_job_json(handling->job, &err);
    if (json)
        by_process(handling, json, outcome);
    else
        work_outcome_fail(outcome, WEIR_RETRIES_LESS, "%s", err.message);
    weir_free(json);
}

static void complete_with(const char *variables, struct work_outcome *outcome)
{
    *outcome = (struct work_outcome){.verdict = WORK_COMPLETE,
                                     .variables = copy_or_exit(variables, strlen(variables))};
}

static const char *variables_of(const weir_job *job)
{
    const char *variables = weir_job_attr(job, "variables");
    return variables && *variables ? variables : "{}";
}

void work_handle(const struct work_options *options, weir_job *job, const atomic_bool *hurry)
{
    struct work_outcome outcome = {0};
    struct handling handling = {options, job, hurry};
    const char *variables = variables_of(job);
    say_activated(options, job, variables);
    if (options->kind == WORK_CONSTANT)
        complete_with(options->variables, &outcome);
    else if (options->whole_job)
        with_whole_job(&handling, &outcome);
    else
        by_process(&handling, variables, &outcome);
    say_settled(options, job, &outcome);
    settle(job, &outcome);
    work_outcome_free(&outcome);
}

/* ---- a coprocess's jobs
 * ------------------------------------------------------------------------------------------------
 */

static void finish(const struct work_source *source, weir_job *job,
                   const struct work_outcome *outcome)
{
    say_settled(source->options, job, outcome);
    settle(job, outcome);
    weir_job_free(job);
}

/* As a line; NULL: it has failed, because it cannot be one. */
static char *begin(const struct work_source *source, weir_job *job)
{
    weir_error err = {0};
    struct work_outcome outcome = {0};
    char *line = weir_job_json(job, &err);
    say_activated(source->options, job, variables_of(job));
    if (line)
        return line;
    work_outcome_fail(&outcome, WEIR_RETRIES_LESS, "%s", err.message);
    finish(source, job, &outcome);
    work_outcome_free(&outcome);
    return NULL;
}

static enum coprocess_taken take(void *user, int64_t *key, void **taken, char **line)
{
    const struct work_source *source = user;
    weir_job *job = NULL;
    weir_error err = {0};
    weir_status status;
    while ((status = weir_worker_next(source->worker, &job, WEIR_NO_WAIT, &err)) == WEIR_OK) {
        if (!source->may_begin(source->user)) {
            work_return(job);
            weir_job_free(job);
            continue;
        }
        *key = weir_job_key(job);
        *taken = job;
        *line = begin(source, job);
        if (*line)
            return COPROCESS_JOB;
    }
    return status == WEIR_NOTHING ? COPROCESS_NO_JOB : COPROCESS_NO_MORE;
}

static bool is_job_wanted(void *user, void *job)
{
    const struct work_source *source = user;
    return !atomic_load(source->hurry) && weir_job_is_ours(job);
}

static void done(void *user, void *job, const struct work_outcome *outcome)
{
    const struct work_source *source = user;
    const struct handling handling = {source->options, job, source->hurry};
    struct work_outcome handed_back = {0};
    if (!outcome)
        hand_back(&handling, &handed_back);
    finish(source, job, outcome ? outcome : &handed_back);
    work_outcome_free(&handed_back);
}

struct coprocess_source work_source(struct work_source *source)
{
    return (struct coprocess_source){
        .fd = weir_worker_fd(source->worker),
        .take = take,
        .wanted = is_job_wanted,
        .done = done,
        .user = source,
    };
}
