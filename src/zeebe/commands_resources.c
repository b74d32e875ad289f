/* Decisions, and what is deployed. Deploying reads files first (commands_files.c): a file that
 * cannot be read is told before anything is sent. Thread: any. */
#include "zeebe/commands_files.h"
#include "zeebe/commands_send.h"
#include "zeebe/commands_wire.h"

#include "core/error.h"
#include "core/options.h"

/* ---- deploying ----------------------------------------------------------------------------- */

static const struct field deploy_fields[] = {
    {FIELD_TEXT, 2, FIELD_AT(weir_deploy, tenant_id)},
};

static void write_resource(struct buf *wire, const struct named_file *file)
{
    size_t opened = wire_open(wire, 1);
    wire_bytes(wire, 1, file->name, strlen(file->name));
    wire_bytes(wire, 2, file->data, file->len);
    wire_close(wire, opened);
}

static weir_status write_deployment(struct request *r, weir_error *err)
{
    struct named_files files = {0};
    weir_status status = files_gather(&files, &r->options.deploy, err);
    if (status == WEIR_OK)
        buf_reserve(&r->wire, files.bytes);
    for (size_t i = 0; status == WEIR_OK && i < files.count; i++)
        write_resource(&r->wire, &files.list[i]);
    files_free(&files);
    if (status != WEIR_OK) {
        error_context(err, "%s()", r->spec->who);
        return status;
    }
    return fields_write(&r->wire, &r->spec->fields, &r->options, r->spec->who, err);
}

static const struct command_spec deploy = {CODEC_DEPLOY_RESOURCE,
                                           "weir_zeebe_deploy",
                                           "WEIR_DEPLOY",
                                           FIELDS_OF(weir_deploy, deploy_fields),
                                           NULL,
                                           write_deployment};

weir_deployment *weir_zeebe_deploy(weir_zeebe *zeebe, const weir_deploy *what, weir_ms timeout,
                                   weir_error *err)
{
    return send_for(zeebe, &deploy, what, codec_deployment, timeout, err);
}

weir_call *weir_zeebe_deploy_start(weir_zeebe *zeebe, const weir_deploy *what, weir_ms timeout,
                                   weir_error *err)
{
    return send_start(zeebe, &deploy, what, timeout, err);
}

void weir_deployment_free(weir_deployment *deployment)
{
    codec_result_free(deployment);
}

/* ---- deleting ------------------------------------------------------------------------------ */

static const struct field delete_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_delete_resource, resource_key), .required = true},
    {FIELD_INT64, 2, FIELD_AT(weir_delete_resource, operation_reference)},
    {FIELD_BOOL, 3, FIELD_AT(weir_delete_resource, delete_history)},
};
static const struct command_spec delete_resource = {CODEC_DELETE_RESOURCE,
                                                    "weir_zeebe_delete_resource",
                                                    "WEIR_DELETE_RESOURCE",
                                                    FIELDS_OF(weir_delete_resource, delete_fields),
                                                    NULL,
                                                    NULL};

weir_deletion *weir_zeebe_delete_resource(weir_zeebe *zeebe, const weir_delete_resource *what,
                                          weir_ms timeout, weir_error *err)
{
    return send_for(zeebe, &delete_resource, what, codec_deletion, timeout, err);
}

weir_call *weir_zeebe_delete_resource_start(weir_zeebe *zeebe, const weir_delete_resource *what,
                                            weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &delete_resource, what, timeout, err);
}

void weir_deletion_free(weir_deletion *deletion)
{
    codec_result_free(deletion);
}

/* ---- decisions ----------------------------------------------------------------------------- */

static const struct field evaluate_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_evaluate, decision_key)},
    {FIELD_TEXT, 2, FIELD_AT(weir_evaluate, decision_id)},
    {FIELD_VARIABLES, 3, FIELD_AT(weir_evaluate, variables)},
    {FIELD_TEXT, 4, FIELD_AT(weir_evaluate, tenant_id)},
};

static weir_status check_evaluate(const union command_options *o, const char *who, weir_error *err)
{
    bool id = options_text(o->evaluate.decision_id) != NULL, key = o->evaluate.decision_key != 0;
    if (id != key)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID,
                     id ? "%s(): give decision_id or decision_key, not both"
                        : "%s(): decision_id is missing",
                     who);
}

static const struct command_spec evaluate = {
    CODEC_EVALUATE_DECISION, "weir_zeebe_evaluate",
    "WEIR_EVALUATE",         FIELDS_OF(weir_evaluate, evaluate_fields),
    check_evaluate,          NULL};

weir_decision *weir_zeebe_evaluate(weir_zeebe *zeebe, const weir_evaluate *what, weir_ms timeout,
                                   weir_error *err)
{
    return send_for(zeebe, &evaluate, what, codec_decision, timeout, err);
}

weir_call *weir_zeebe_evaluate_start(weir_zeebe *zeebe, const weir_evaluate *what, weir_ms timeout,
                                     weir_error *err)
{
    return send_start(zeebe, &evaluate, what, timeout, err);
}

void weir_decision_free(weir_decision *decision)
{
    codec_result_free(decision);
}
