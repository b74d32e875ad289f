/* Commands about jobs, messages and signals, as data. */
#include "cli/zeebe_flags.h"

/* ---- activate jobs --------------------------------------------------------------------------- */

static const struct flag activate_flags[] = {
    {.name = "max-jobs",
     .also = "max-jobs-to-activate",
     .kind = FLAG_NUMBER,
     .value = "N",
     .fallback = "1",
     .help = "how many jobs at most (also --max-jobs-to-activate)"},
    {.name = "timeout",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "5m",
     .help = "how long the jobs are yours before others may have them"},
    {.name = "variables",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "NAME,...",
     .help = "only these variables; default all"},
    {.name = "worker",
     .kind = FLAG_TEXT,
     .value = "NAME",
     .fallback = "weir",
     .help = "who asks, for the records"},
    {.name = "long-poll",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "how long the gateway may wait for a job; default 90 % of --request-timeout; 0: not "
             "at all"},
    {.name = "tenant-ids",
     .also = "tenant-id",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "ID,...",
     .help = "the tenants whose jobs are wanted"},
    {0},
};
ZEEBE_GROUPS(activate);
static const struct zeebe_field activate_fields[] = {
    {.member = "type"},
    {.member = "worker", .flag = "worker", .otherwise = "weir"},
    {.member = "timeout", .flag = "timeout", .as = AS_DURATION, .otherwise = "5m"},
    {.member = "maxJobsToActivate", .flag = "max-jobs", .as = AS_NUMBER, .otherwise = "1"},
    {.member = "fetchVariable", .flag = "variables", .as = AS_LIST},
    {.member = "requestTimeout", .add = zeebe_add_wait},
    {.member = "tenantIds", .flag = "tenant-ids", .as = AS_LIST},
    {0},
};
static const struct zeebe_rpc activate = {
    .name = "ActivateJobs", .fields = activate_fields, .merged = "jobs"};

const struct command command_zeebe_activate_jobs = {
    .path = "zeebe activate jobs",
    .args = "TYPE",
    .min_args = 1,
    .max_args = 1,
    .groups = activate_groups,
    .summary = "Take jobs of a type, to complete or fail them later",
    .about = "Prints one document {\"jobs\":[...]}, with all that the gateway sent. No job is an "
             "answer, "
             "too: {\"jobs\":[]} and status 0. When the call fails after jobs have come, they are "
             "printed all the same, beside the error.\n"
             "\n"
             "--long-poll alone makes the command's limit 10 s longer than itself; beside "
             "--request-timeout at most 90 % of it count.",
    .examples = "weir zeebe activate jobs pay --max-jobs 10 --timeout 1m\n"
                "# one job, if there is one now\n"
                "weir zeebe activate jobs pay --long-poll 0 | jq -r '.jobs[].key'\n"
                "# wait an hour for one\n"
                "weir zeebe activate jobs pay --long-poll 1h",
    .run = zeebe_rpc_run,
    .rpc = &activate,
};

/* ---- complete, fail, throw error ----------------------------------------------------------------
 */

static const struct flag complete_flags[] = {VARIABLES_FLAG("the job's result"), {0}};
ZEEBE_GROUPS(complete);
static const struct zeebe_field complete_fields[] = {
    {.member = "jobKey", .as = AS_KEY}, VARIABLES, {0}};
static const struct zeebe_rpc complete = {
    .name = "CompleteJob",
    .fields = complete_fields,
    .text = "Completed job with key '{jobKey}' and variables '{variables}'",
};

const struct command command_zeebe_complete_job = {
    .path = "zeebe complete job",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = complete_groups,
    .summary = "Complete a job",
    .examples = "weir zeebe complete job 2251799813685260 --variables '{\"paid\":true}'",
    .run = zeebe_rpc_run,
    .rpc = &complete,
};

static const struct flag fail_flags[] = {
    {.name = "retries",
     .kind = FLAG_NUMBER,
     .required = true,
     .value = "N",
     .help = "how often it may still be tried; 0 makes an incident"},
    {.name = "retry-backoff",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "0",
     .help = "how long nobody may have it"},
    {.name = "error-message", .kind = FLAG_TEXT, .value = "TEXT", .help = "what went wrong"},
    VARIABLES_FLAG("variables to set beside the failure"),
    {0},
};
ZEEBE_GROUPS(fail);
static const struct zeebe_field fail_fields[] = {
    {.member = "jobKey", .as = AS_KEY},
    {.member = "retries", .flag = "retries", .as = AS_NUMBER},
    {.member = "errorMessage", .flag = "error-message"},
    {.member = "retryBackOff", .flag = "retry-backoff", .as = AS_DURATION, .otherwise = "0"},
    VARIABLES,
    {0},
};
static const struct zeebe_rpc fail = {
    .name = "FailJob",
    .fields = fail_fields,
    .text = "Failed job with key '{jobKey}' and set remaining retries to '{retries}' and variables "
            "'{variables}' with retry backoff '{go:retryBackOff}'",
};

const struct command command_zeebe_fail_job = {
    .path = "zeebe fail job",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = fail_groups,
    .summary = "Say that a job failed, and how often it may still be tried",
    .examples = "weir zeebe fail job 2251799813685260 --retries 2 --retry-backoff 30s \\\n"
                "    --error-message 'the bank does not answer'",
    .run = zeebe_rpc_run,
    .rpc = &fail,
};

static const struct flag throw_flags[] = {
    {.name = "error-code",
     .kind = FLAG_TEXT,
     .required = true,
     .value = "CODE",
     .help = "the code that an error event of the process catches"},
    {.name = "error-message", .kind = FLAG_TEXT, .value = "TEXT", .help = "what happened"},
    VARIABLES_FLAG("variables for where the error is caught"),
    {0},
};
ZEEBE_GROUPS(throw);
static const struct zeebe_field throw_fields[] = {
    {.member = "jobKey", .as = AS_KEY},
    {.member = "errorCode", .flag = "error-code"},
    {.member = "errorMessage", .flag = "error-message"},
    VARIABLES,
    {0},
};
static const struct zeebe_rpc throw_error = {
    .name = "ThrowError",
    .fields = throw_fields,
    .text = "Threw error with code '{errorCode}' on job with key {jobKey}",
};

const struct command command_zeebe_throw_error = {
    .path = "zeebe throw-error job",
    .also = "zeebe throwError job",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = throw_groups,
    .summary = "Throw a business error from a job, for the process to catch",
    .examples = "weir zeebe throw-error job 2251799813685260 --error-code CARD_EXPIRED",
    .run = zeebe_rpc_run,
    .rpc = &throw_error,
};

/* ---- update retries, update timeout ------------------------------------------------------- */

static const struct flag retries_flags[] = {
    {.name = "retries",
     .kind = FLAG_NUMBER,
     .required = true,
     .value = "N",
     .help = "how often it may be tried"},
    REFERENCE_FLAG,
    {0},
};
ZEEBE_GROUPS(retries);
static const struct zeebe_field retries_fields[] = {
    {.member = "jobKey", .as = AS_KEY},
    {.member = "retries", .flag = "retries", .as = AS_NUMBER},
    REFERENCE,
    {0},
};
static const struct zeebe_rpc update_retries = {
    .name = "UpdateJobRetries",
    .fields = retries_fields,
    .text = "Updated the retries of job with key '{jobKey}' to '{retries}'",
};

const struct command command_zeebe_update_retries = {
    .path = "zeebe update retries",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = retries_groups,
    .summary = "Set how often a job may be tried",
    .examples = "weir zeebe update retries 2251799813685260 --retries 3",
    .run = zeebe_rpc_run,
    .rpc = &update_retries,
};

static const struct flag timeout_flags[] = {
    {.name = "timeout",
     .kind = FLAG_DURATION,
     .required = true,
     .value = "DURATION",
     .help = "how long, from now on, the job is its worker's"},
    REFERENCE_FLAG,
    {0},
};
ZEEBE_GROUPS(timeout);
static const struct zeebe_field timeout_fields[] = {
    {.member = "jobKey", .as = AS_KEY},
    {.member = "timeout", .flag = "timeout", .as = AS_DURATION},
    REFERENCE,
    {0},
};
static const struct zeebe_rpc update_timeout = {
    .name = "UpdateJobTimeout",
    .fields = timeout_fields,
    .text = "Updated the timeout of job with key '{jobKey}' to '{timeout}'",
};

const struct command command_zeebe_update_timeout = {
    .path = "zeebe update timeout",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = timeout_groups,
    .summary = "Set how long an activated job is its worker's",
    .examples = "weir zeebe update timeout 2251799813685260 --timeout 10m",
    .run = zeebe_rpc_run,
    .rpc = &update_timeout,
};

/* ---- publish message, broadcast signal ---------------------------------------------------- */

static const struct flag publish_flags[] = {
    {.name = "correlation-key",
     .kind = FLAG_TEXT,
     .required = true,
     .value = "TEXT",
     .help = "which instance it is for; '' for one that starts an instance"},
    {.name = "message-id",
     .kind = FLAG_TEXT,
     .value = "ID",
     .help = "a second message of the same id, name and key is refused while the first lives"},
    {.name = "ttl",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "5s",
     .help = "how long it waits for somebody who wants it"},
    VARIABLES_FLAG("what the message carries"),
    TENANT_FLAG,
    {0},
};
ZEEBE_GROUPS(publish);
static const struct zeebe_field publish_fields[] = {
    {.member = "name"},
    {.member = "correlationKey", .flag = "correlation-key"},
    {.member = "timeToLive", .flag = "ttl", .as = AS_DURATION, .otherwise = "5s"},
    {.member = "messageId", .flag = "message-id"},
    VARIABLES,
    TENANT,
    {0},
};
static const struct zeebe_rpc publish = {.name = "PublishMessage", .fields = publish_fields};

const struct command command_zeebe_publish_message = {
    .path = "zeebe publish message",
    .args = "NAME",
    .min_args = 1,
    .max_args = 1,
    .groups = publish_groups,
    .summary = "Publish a message",
    .examples = "weir zeebe publish message paid --correlation-key 7 --ttl 1h --variables "
                "'{\"amount\":7}'",
    .run = zeebe_rpc_run,
    .rpc = &publish,
};

static const struct flag signal_flags[] = {
    VARIABLES_FLAG("what the signal carries"), TENANT_FLAG, {0}};
ZEEBE_GROUPS(signal);
static const struct zeebe_field signal_fields[] = {
    {.member = "signalName"}, VARIABLES, TENANT, {0}};
static const struct zeebe_rpc broadcast = {.name = "BroadcastSignal", .fields = signal_fields};

const struct command command_zeebe_broadcast_signal = {
    .path = "zeebe broadcast signal",
    .args = "NAME",
    .min_args = 1,
    .max_args = 1,
    .groups = signal_groups,
    .summary = "Broadcast a signal",
    .examples = "weir zeebe broadcast signal closing-time",
    .run = zeebe_rpc_run,
    .rpc = &broadcast,
};
