#include "sandbox/names.h"

#include <stddef.h>
#include <string.h>

/* "zeebe.connections" are connections, "zeebe.Health" is grpc.health.v1.Health/Check. */
static const char *const requests[] = {"token",
                                       "zeebe",
                                       "zeebe.connections",
                                       "zeebe.Health",
                                       "zeebe.ActivateJobs",
                                       "zeebe.BroadcastSignal",
                                       "zeebe.CancelProcessInstance",
                                       "zeebe.CompleteJob",
                                       "zeebe.CreateProcessInstance",
                                       "zeebe.CreateProcessInstanceWithResult",
                                       "zeebe.DeleteResource",
                                       "zeebe.DeployProcess",
                                       "zeebe.DeployResource",
                                       "zeebe.EvaluateConditional",
                                       "zeebe.EvaluateDecision",
                                       "zeebe.FailJob",
                                       "zeebe.MigrateProcessInstance",
                                       "zeebe.ModifyProcessInstance",
                                       "zeebe.PublishMessage",
                                       "zeebe.ResolveIncident",
                                       "zeebe.SetVariables",
                                       "zeebe.StreamActivatedJobs",
                                       "zeebe.ThrowError",
                                       "zeebe.Topology",
                                       "zeebe.UpdateJobRetries",
                                       "zeebe.UpdateJobTimeout",
                                       "salesforce",
                                       "salesforce.token",
                                       "salesforce.rest",
                                       "salesforce.handshake",
                                       "salesforce.connect",
                                       "salesforce.subscribe",
                                       "salesforce.unsubscribe",
                                       "salesforce.disconnect",
                                       "salesforce.publish",
                                       "bayeux",
                                       "bayeux.handshake",
                                       "bayeux.connect",
                                       "bayeux.subscribe",
                                       "bayeux.unsubscribe",
                                       "bayeux.disconnect",
                                       "bayeux.publish",
                                       NULL};

static const char *const grpc[] = {"OK",
                                   "CANCELLED",
                                   "UNKNOWN",
                                   "INVALID_ARGUMENT",
                                   "DEADLINE_EXCEEDED",
                                   "NOT_FOUND",
                                   "ALREADY_EXISTS",
                                   "PERMISSION_DENIED",
                                   "RESOURCE_EXHAUSTED",
                                   "FAILED_PRECONDITION",
                                   "ABORTED",
                                   "OUT_OF_RANGE",
                                   "UNIMPLEMENTED",
                                   "INTERNAL",
                                   "UNAVAILABLE",
                                   "DATA_LOSS",
                                   "UNAUTHENTICATED",
                                   NULL};

static const char *const oauth[] = {"invalid_request",
                                    "invalid_client",
                                    "invalid_grant",
                                    "unauthorized_client",
                                    "unsupported_grant_type",
                                    "invalid_scope",
                                    "access_denied",
                                    "server_error",
                                    "temporarily_unavailable",
                                    "invalid_client_id",
                                    "invalid_client_credentials",
                                    "inactive_user",
                                    "inactive_org",
                                    "rate_limit_exceeded",
                                    NULL};

const char *const *names_of_requests(void)
{
    return requests;
}

const char *const *names_of_grpc(void)
{
    return grpc;
}

int grpc_code(const char *name)
{
    for (int i = 0; grpc[i]; i++) {
        if (strcmp(grpc[i], name) == 0)
            return i;
    }
    return -1;
}

const char *grpc_name(int code)
{
    return code >= 0 && code <= 16 ? grpc[code] : "UNKNOWN";
}

const char *const *names_of_oauth(void)
{
    return oauth;
}
