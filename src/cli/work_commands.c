/* `weir zeebe work`, as data. */
#include "cli/commands.h"
#include "cli/groups.h"

static const struct flag handler[] = {
    {.name = "exec",
     .also = "handler",
     .kind = FLAG_TEXT,
     .value = "'SHELL COMMAND'",
     .help = "a process a job, by /bin/sh; without a shell: -- CMD [ARG...] (also --handler)"},
    {.name = "coprocess",
     .kind = FLAG_TEXT,
     .value = "'SHELL COMMAND'",
     .help = "one long-lived process: jobs as JSON lines in, outcomes as JSON lines out"},
    {.name = "complete",
     .kind = FLAG_JSON,
     .value = "VARIABLES",
     .help = "complete every job with these variables, a JSON object, and run nothing"},
    {.name = "outcomes", .help = "what a process writes is an outcome object, not variables"},
    {.name = "whole-job", .help = "a process gets the whole job as protojson, not its variables"},
    {.name = "handler-timeout",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "12 times --timeout",
     .help = "a handler may take so long; then it is ended and its job failed"},
    {0},
};
static const struct flag_group handler_group = {"What handles a job: exactly one of", handler};

static const struct flag work[] = {
    {.name = "name",
     .kind = FLAG_TEXT,
     .value = "NAME",
     .fallback = "HOST:PID",
     .help = "what the gateway calls this worker"},
    {.name = "timeout",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "5m",
     .help = "the lock: nobody else gets a job for so long; extended while its handler runs"},
    {.name = "max-jobs-active",
     .kind = FLAG_NUMBER,
     .value = "N",
     .fallback = "32",
     .help = "jobs held at once, those that wait for a handler included"},
    {.name = "concurrency",
     .kind = FLAG_NUMBER,
     .value = "N",
     .fallback = "4",
     .help = "jobs handled at once"},
    {.name = "poll-interval",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "100ms",
     .help = "between polls that brought jobs"},
    {.name = "poll-threshold",
     .kind = FLAG_TEXT,
     .value = "0..1",
     .fallback = "0.3",
     .help = "polls when so much of --max-jobs-active, or less, is in hand"},
    {.name = "poll-only", .help = "do not open a job stream"},
    {.name = "stream", .help = "open a job stream beside the polls, as is done anyway"},
    {.name = "stream-enabled"},
    {.name = "fetch-variables",
     .kind = FLAG_TEXT,
     .value = "A,B",
     .repeat = true,
     .help = "only these variables of a job; default all"},
    {.name = "tenant-ids",
     .kind = FLAG_TEXT,
     .value = "A,B",
     .repeat = true,
     .help = "jobs of these tenants; default the default tenant's"},
    {.name = "retry-backoff",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "0",
     .help = "a failed job may be activated again only after, unless its outcome says"},
    {.name = "no-heartbeat", .help = "let the lock run out under a slow handler"},
    {.name = "count", .kind = FLAG_NUMBER, .value = "N", .help = "end after N jobs"},
    {.name = "until-idle",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "end when there was no job for so long"},
    {.name = "drain",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "30s",
     .help = "after SIGINT or SIGTERM, handlers may take so long to end"},
    {.name = "give-up",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "end when no jobs could be fetched for so long; default: keep trying"},
    {0},
};
static const struct flag_group work_group = {"Jobs", work};

static const struct flag_group *const work_groups[] = {
    &handler_group, &work_group, &group_channel, &group_login, &group_cache_zeebe,
    &group_network, NULL};

const struct command command_zeebe_work = {
    .path = "zeebe work",
    .also = "zeebe create worker",
    .args = "TYPE",
    .min_args = 1,
    .max_args = 1,
    .groups = work_groups,
    .summary = "Work on the jobs of a type with programs",
    .about =
        "For -- CMD and --exec a process is started for each job. Its standard input is the job's "
        "variables; WEIR_JOB_KEY, _TYPE, _RETRIES, _DEADLINE (ms since the epoch), "
        "_PROCESS_INSTANCE_KEY, _BPMN_PROCESS_ID, _PROCESS_DEFINITION_KEY, _ELEMENT_ID, "
        "_ELEMENT_INSTANCE_KEY, _TENANT_ID and _CUSTOM_HEADERS (JSON) are in its environment. "
        "Status 0 completes the job with its standard output as variables (nothing: {}). Any other "
        "status fails it with one retry less and the end of its standard error as message, and so "
        "does output that is no JSON object.\n"
        "\n"
        "With --outcomes, and for every line of a coprocess, the output is one of "
        "{\"key\": \"5\", \"complete\": {VARIABLES}} and "
        "{\"key\": \"5\", \"fail\": {\"retries\": 2, \"retryBackoff\": \"5s\", "
        "\"errorMessage\": \"...\", \"variables\": {}}} and "
        "{\"key\": \"5\", \"throw\": {\"errorCode\": \"C\", \"errorMessage\": \"...\", "
        "\"variables\": {}}}. A coprocess gets each job as a JSON line, at most --concurrency at "
        "once, and answers in any order. It is started again when it ends; a job in its hand then "
        "fails, the first time with as many retries as before.\n"
        "\n"
        "The lock of a job is extended while its handler runs, up to --handler-timeout. A handler "
        "that has to end gets SIGTERM, five seconds later SIGKILL, and so does all it has started. "
        "Programs do not inherit weir's secrets.\n"
        "\n"
        "SIGINT or SIGTERM takes no new jobs, lets handlers end for --drain, hands the other jobs "
        "back and ends with status 0; a second signal ends at once. An outage is said once, and "
        "once that it is over. With -o json each settled job is a JSON line: key, type, outcome "
        "(completed, failed, thrown, lost, returned), ms, error.",
    .examples = "# a program: variables in, variables out\n"
                "weir zeebe work charge-card -- ./charge-card\n"
                "# a shell command; ends when there was nothing to do for 10 seconds\n"
                "weir zeebe work resize --until-idle 10s --exec 'jq \"{width: (.width / 2)}\"'\n"
                "# one process for all jobs, eight at a time\n"
                "weir zeebe work score --concurrency 8 --coprocess 'python3 score.py'\n"
                "# a load test: complete a thousand jobs, a JSON line each\n"
                "weir zeebe work ping --count 1000 --complete '{}' -o json",
    .runs_program = true,
    .run = zeebe_work_run,
};
