/* A table of what each RPC's statuses mean, from the gateway's documentation and, where a status
 * has several reasons, from the broker's words. The first row that fits counts. Pure. */
#include "zeebe/kinds.h"

#include <string.h>
#include <strings.h>

enum {
    UNKNOWN = 2,
    INVALID_ARGUMENT = 3,
    DEADLINE_EXCEEDED = 4,
    NOT_FOUND = 5,
    ALREADY_EXISTS = 6,
    RESOURCE_EXHAUSTED = 8,
    FAILED_PRECONDITION = 9
};

static const struct {
    const char *rpcs;  /* blanks around each; NULL: any                      */
    const char *words; /* must be in the message; NULL: whatever it says     */
    int grpc;
    int32_t kind;
} rows[] = {
    {NULL, NULL, RESOURCE_EXHAUSTED, WEIR_KIND_BACK_PRESSURE},

    /* What the gateway let pass and the engine cannot write. */
    {NULL, "EXCEEDED_BATCH_RECORD_SIZE", UNKNOWN, WEIR_KIND_MESSAGE_TOO_LARGE},

    {" ActivateJobs StreamActivatedJobs ", NULL, INVALID_ARGUMENT, WEIR_KIND_INVALID_ACTIVATION},

    /* Tenants and instructions are refused with the same status as variables and resources. */
    {NULL, "tenant", INVALID_ARGUMENT, WEIR_KIND_UNKNOWN},
    {NULL, "instructions but no element found", INVALID_ARGUMENT, WEIR_KIND_UNKNOWN},
    {NULL, "Expected document to be", INVALID_ARGUMENT, WEIR_KIND_INVALID_VARIABLES},
    {NULL, "Invalid JSON", INVALID_ARGUMENT, WEIR_KIND_INVALID_VARIABLES},

    {" CreateProcessInstance CreateProcessInstanceWithResult ", NULL, NOT_FOUND,
     WEIR_KIND_PROCESS_NOT_FOUND},
    {" CreateProcessInstance CreateProcessInstanceWithResult ", NULL, INVALID_ARGUMENT,
     WEIR_KIND_INVALID_VARIABLES},
    {" CreateProcessInstance CreateProcessInstanceWithResult ", NULL, FAILED_PRECONDITION,
     WEIR_KIND_NO_START_EVENT},
    {" CreateProcessInstanceWithResult ", NULL, DEADLINE_EXCEEDED, WEIR_KIND_PROCESS_TIMED_OUT},

    {" CompleteJob FailJob ThrowError UpdateJobTimeout UpdateJobRetries ", NULL, NOT_FOUND,
     WEIR_KIND_JOB_NOT_FOUND},
    {" CompleteJob FailJob ThrowError UpdateJobTimeout ", NULL, FAILED_PRECONDITION,
     WEIR_KIND_JOB_DEACTIVATED},

    {" MigrateProcessInstance ", "process definition", NOT_FOUND, WEIR_KIND_PROCESS_NOT_FOUND},
    {" CancelProcessInstance ModifyProcessInstance MigrateProcessInstance SetVariables ", NULL,
     NOT_FOUND, WEIR_KIND_INSTANCE_NOT_FOUND},
    {" SetVariables ", NULL, INVALID_ARGUMENT, WEIR_KIND_INVALID_VARIABLES},

    {" DeployResource DeployProcess ", NULL, INVALID_ARGUMENT, WEIR_KIND_INVALID_RESOURCE},
    {" EvaluateDecision ", NULL, NOT_FOUND, WEIR_KIND_DECISION_NOT_FOUND}, /* since 8.8 */
    {" EvaluateDecision ", "but no decision found for", INVALID_ARGUMENT,
     WEIR_KIND_DECISION_NOT_FOUND},
    {" PublishMessage ", NULL, ALREADY_EXISTS, WEIR_KIND_MESSAGE_EXISTS},
    {" ResolveIncident ", NULL, NOT_FOUND, WEIR_KIND_INCIDENT_NOT_FOUND},
};

static bool is_among(const char *rpcs, const char *rpc)
{
    size_t len = strlen(rpc);
    for (const char *at = rpcs; (at = strstr(at, rpc)); at += len) {
        if (at[-1] == ' ' && at[len] == ' ')
            return true;
    }
    return false;
}

void kinds_set(weir_error *err, const char *rpc, int grpc_status, const char *words)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows && err->kind == 0; i++) {
        if (rows[i].grpc != grpc_status || (rows[i].rpcs && !is_among(rows[i].rpcs, rpc)) ||
            (rows[i].words && !strcasestr(words, rows[i].words)))
            continue;
        err->kind = rows[i].kind;
        return;
    }
}
