/* A job as protojson, which is asked for rarely: through protobuf-c. */
#include "zeebe/codec_jobs.h"

#include "core/error.h"
#include "core/limits.h"
#include "zeebe/codec.h"
#include "zeebe/gateway.pb-c.h"

static char *text(const char *borrowed)
{
    return (char *)(uintptr_t)borrowed; /* protobuf-c's structs know no const */
}

static void fill(GatewayProtocol__ActivatedJob *job, const struct job_fields *f, bool variables)
{
    job->key = f->key;
    job->type = text(f->type);
    job->processinstancekey = f->process_instance_key;
    job->bpmnprocessid = text(f->bpmn_process_id);
    job->processdefinitionversion = f->process_definition_version;
    job->processdefinitionkey = f->process_definition_key;
    job->elementid = text(f->element_id);
    job->elementinstancekey = f->element_instance_key;
    job->customheaders = text(f->custom_headers);
    job->worker = text(f->worker);
    job->retries = f->retries;
    job->deadline = f->deadline;
    job->variables = text(variables ? f->variables : "");
    job->tenantid = text(f->tenant_id);
}

char *codec_job_json(const struct job_fields *f, bool variables, weir_error *err)
{
    struct codec_message m;
    struct buf out = BUF_INIT(LIMIT_PROTOJSON);
    if (codec_unpack(&m, &gateway_protocol__activated_job__descriptor, f->rest, err) != WEIR_OK)
        return NULL;
    GatewayProtocol__ActivatedJob *job = (GatewayProtocol__ActivatedJob *)(void *)m.message;
    fill(job, f, variables);
    weir_status status = codec_to_json(&job->base, true, &out, err);
    if (status == WEIR_OK)
        status = buf_finish(&out, err);
    codec_message_free(&m);
    if (status != WEIR_OK)
        buf_free(&out);
    return out.data;
}
