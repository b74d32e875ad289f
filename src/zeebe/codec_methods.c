/* The RPCs of the gateway and of the health service, and finding them by name. Protobuf-c's own
 * service descriptions do not say which RPCs stream, so this is a table of ours; a test compares it
 * with the .proto files.
 *
 * Thread: any; everything is constant. */
#include "core/error.h"
#include "core/text.h"
#include "zeebe/codec.h"
#include "zeebe/gateway.pb-c.h"
#include "zeebe/health.pb-c.h"
#include <string.h>

#define GATEWAY(rpc, in, out, streams, reads)                                                      \
    {                                                                                              \
        "/gateway_protocol.Gateway/" rpc, rpc, &gateway_protocol__##in##__descriptor,              \
            &gateway_protocol__##out##__descriptor, streams, reads                                 \
    }
#define HEALTH(rpc, streams)                                                                       \
    {                                                                                              \
        "/grpc.health.v1.Health/" rpc, rpc, &grpc__health__v1__health_check_request__descriptor,   \
            &grpc__health__v1__health_check_response__descriptor, streams, true                    \
    }

static const struct codec_method methods[] = {
    [CODEC_ACTIVATE_JOBS] =
        GATEWAY("ActivateJobs", activate_jobs_request, activate_jobs_response, true, false),
    [CODEC_STREAM_ACTIVATED_JOBS] =
        GATEWAY("StreamActivatedJobs", stream_activated_jobs_request, activated_job, true, false),
    [CODEC_CANCEL_PROCESS_INSTANCE] =
        GATEWAY("CancelProcessInstance", cancel_process_instance_request,
                cancel_process_instance_response, false, false),
    [CODEC_COMPLETE_JOB] =
        GATEWAY("CompleteJob", complete_job_request, complete_job_response, false, false),
    [CODEC_CREATE_PROCESS_INSTANCE] =
        GATEWAY("CreateProcessInstance", create_process_instance_request,
                create_process_instance_response, false, false),
    [CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT] =
        GATEWAY("CreateProcessInstanceWithResult", create_process_instance_with_result_request,
                create_process_instance_with_result_response, false, false),
    [CODEC_EVALUATE_DECISION] = GATEWAY("EvaluateDecision", evaluate_decision_request,
                                        evaluate_decision_response, false, false),
    [CODEC_DEPLOY_PROCESS] =
        GATEWAY("DeployProcess", deploy_process_request, deploy_process_response, false, false),
    [CODEC_DEPLOY_RESOURCE] =
        GATEWAY("DeployResource", deploy_resource_request, deploy_resource_response, false, false),
    [CODEC_FAIL_JOB] = GATEWAY("FailJob", fail_job_request, fail_job_response, false, false),
    [CODEC_THROW_ERROR] =
        GATEWAY("ThrowError", throw_error_request, throw_error_response, false, false),
    [CODEC_PUBLISH_MESSAGE] =
        GATEWAY("PublishMessage", publish_message_request, publish_message_response, false, false),
    [CODEC_RESOLVE_INCIDENT] = GATEWAY("ResolveIncident", resolve_incident_request,
                                       resolve_incident_response, false, false),
    [CODEC_SET_VARIABLES] =
        GATEWAY("SetVariables", set_variables_request, set_variables_response, false, false),
    [CODEC_TOPOLOGY] = GATEWAY("Topology", topology_request, topology_response, false, true),
    [CODEC_UPDATE_JOB_RETRIES] = GATEWAY("UpdateJobRetries", update_job_retries_request,
                                         update_job_retries_response, false, false),
    [CODEC_MODIFY_PROCESS_INSTANCE] =
        GATEWAY("ModifyProcessInstance", modify_process_instance_request,
                modify_process_instance_response, false, false),
    [CODEC_MIGRATE_PROCESS_INSTANCE] =
        GATEWAY("MigrateProcessInstance", migrate_process_instance_request,
                migrate_process_instance_response, false, false),
    [CODEC_UPDATE_JOB_TIMEOUT] = GATEWAY("UpdateJobTimeout", update_job_timeout_request,
                                         update_job_timeout_response, false, false),
    [CODEC_DELETE_RESOURCE] =
        GATEWAY("DeleteResource", delete_resource_request, delete_resource_response, false, false),
    [CODEC_BROADCAST_SIGNAL] = GATEWAY("BroadcastSignal", broadcast_signal_request,
                                       broadcast_signal_response, false, false),
    [CODEC_EVALUATE_CONDITIONAL] = GATEWAY("EvaluateConditional", evaluate_conditional_request,
                                           evaluate_conditional_response, false, false),
    [CODEC_CHECK] = HEALTH("Check", false),
    [CODEC_WATCH] = HEALTH("Watch", true),
};
#define METHODS         (sizeof methods / sizeof methods[0])
#define GATEWAY_METHODS (METHODS - 2)

const struct codec_method *codec_method(enum codec_rpc rpc)
{
    return &methods[rpc];
}

const struct codec_method *codec_method_at(size_t index)
{
    return index < METHODS ? &methods[index] : NULL;
}

const char *const *codec_method_names(void)
{
    static const char *const names[] = {
        "gateway_protocol.Gateway/ActivateJobs",
        "gateway_protocol.Gateway/StreamActivatedJobs",
        "gateway_protocol.Gateway/CancelProcessInstance",
        "gateway_protocol.Gateway/CompleteJob",
        "gateway_protocol.Gateway/CreateProcessInstance",
        "gateway_protocol.Gateway/CreateProcessInstanceWithResult",
        "gateway_protocol.Gateway/EvaluateDecision",
        "gateway_protocol.Gateway/DeployProcess",
        "gateway_protocol.Gateway/DeployResource",
        "gateway_protocol.Gateway/FailJob",
        "gateway_protocol.Gateway/ThrowError",
        "gateway_protocol.Gateway/PublishMessage",
        "gateway_protocol.Gateway/ResolveIncident",
        "gateway_protocol.Gateway/SetVariables",
        "gateway_protocol.Gateway/Topology",
        "gateway_protocol.Gateway/UpdateJobRetries",
        "gateway_protocol.Gateway/ModifyProcessInstance",
        "gateway_protocol.Gateway/MigrateProcessInstance",
        "gateway_protocol.Gateway/UpdateJobTimeout",
        "gateway_protocol.Gateway/DeleteResource",
        "gateway_protocol.Gateway/BroadcastSignal",
        "gateway_protocol.Gateway/EvaluateConditional",
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
        NULL,
    };
    return names;
}

static bool same_full_name(const char *full, const char *rpc)
{
    const char *slash = strchr(full, '/');
    size_t service = (size_t)(slash - full);
    return strncmp(full, rpc, service) == 0 && (rpc[service] == '/' || rpc[service] == '.') &&
           strcmp(slash + 1, rpc + service + 1) == 0;
}

static const char *nearest(const char *rpc)
{
    const char *shorts[GATEWAY_METHODS + 1] = {NULL};
    for (size_t i = 0; i < GATEWAY_METHODS; i++)
        shorts[i] = methods[i].name;
    const char *near = text_nearest(rpc, shorts);
    return near ? near : text_nearest(rpc, codec_method_names());
}

const struct codec_method *codec_method_find(const char *rpc, weir_error *err)
{
    if (!rpc || !*rpc) {
        error_set(err, WEIR_INVALID, "the name of the RPC is missing");
        return NULL;
    }
    const char *name = *rpc == '/' ? rpc + 1 : rpc;
    for (size_t i = 0; i < METHODS; i++)
        if ((i < GATEWAY_METHODS && strcmp(methods[i].name, name) == 0) ||
            same_full_name(methods[i].path + 1, name))
            return &methods[i];
    const char *near = nearest(name);
    if (near)
        error_set(err, WEIR_INVALID, "there is no RPC \"%.100s\"; did you mean %s?", name, near);
    else
        error_set(err, WEIR_INVALID, "there is no RPC \"%.100s\"", name);
    return NULL;
}
