/* Commands to process instances, messages and signals: their tables, and a line for each function.
 * Thread: any. */
#include "zeebe/commands_send.h"

#include "core/error.h"
#include "core/options.h"
#include "zeebe/commands_wire.h"

#define MESSAGE_LIFE_MS 60000
#define LONGEST_RESULT_MS                                                                          \
    ((weir_ms)24 * 3600 * 1000) /* asked of the gateway when we wait for ever */

/* ---- creating ------------------------------------------------------------------------------ */

static const struct field create_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_create_instance, process_definition_key)},
    {FIELD_TEXT, 2, FIELD_AT(weir_create_instance, process_id)},
    {FIELD_INT32, 3, FIELD_AT(weir_create_instance, version), .usual = -1},
    {FIELD_VARIABLES, 4, FIELD_AT(weir_create_instance, variables)},
    {FIELD_IDS, 5, FIELD_AT(weir_create_instance, start_elements), .depth = 1},
    {FIELD_TEXT, 6, FIELD_AT(weir_create_instance, tenant_id)},
    {FIELD_INT64, 7, FIELD_AT(weir_create_instance, operation_reference)},
    {FIELD_IDS, 8, FIELD_AT(weir_create_instance, terminate_after), .depth = 2},
    {FIELD_TEXTS, 9, FIELD_AT(weir_create_instance, tags)},
    {FIELD_TEXT, 10, FIELD_AT(weir_create_instance, business_id), .present = true},
};
static const struct field result_fields[] = {
    {FIELD_INT64, 2, FIELD_AT(weir_create_instance, request_timeout)},
    {FIELD_TEXTS, 3, FIELD_AT(weir_create_instance, fetch_variables)},
};

static weir_status check_definition(const weir_create_instance *o, const char *who, weir_error *err)
{
    bool id = options_text(o->process_id) != NULL, key = o->process_definition_key != 0;
    if (!id && !key)
        return error_set(err, WEIR_INVALID, "%s(): process_id is missing", who);
    if (id && key)
        return error_set(err, WEIR_INVALID,
                         "%s(): give process_id or process_definition_key, not both", who);
    if (key && o->version)
        return error_set(err, WEIR_INVALID,
                         "%s(): version belongs to process_id; a process_definition_key is of one "
                         "version already",
                         who);
    return WEIR_OK;
}

static weir_status check_create(const union command_options *o, const char *who, weir_error *err)
{
    if (!o->create.fetch_variables && !o->create.request_timeout)
        return check_definition(&o->create, who, err);
    return error_set(err, WEIR_INVALID,
                     "%s(): fetch_variables and request_timeout are for "
                     "weir_zeebe_create_with_result()",
                     who);
}

static weir_status check_with_result(const union command_options *o, const char *who,
                                     weir_error *err)
{
    return check_definition(&o->create, who, err);
}

static const struct command_spec create = {
    CODEC_CREATE_PROCESS_INSTANCE, "weir_zeebe_create_instance", "WEIR_CREATE_INSTANCE",
    FIELDS_OF(weir_create_instance, create_fields), .check = check_create};

/* The gateway gives up a little before we do, so that it is its answer which says so. */
static void set_limits(struct request *r)
{
    weir_create_instance *o = &r->options.create;
    const struct clock *clock = r->channel->clock;
    weir_ms usual = r->channel->default_timeout;
    if (o->request_timeout > 0 && r->timeout == WEIR_DEFAULT_TIMEOUT && usual >= 0)
        r->until = deadline_in(clock, o->request_timeout + usual, WEIR_FOREVER);
    if (o->request_timeout)
        return;
    weir_ms left = deadline_left(clock, r->until);
    o->request_timeout =
        left == WEIR_FOREVER || left > LONGEST_RESULT_MS ? LONGEST_RESULT_MS : left - left / 10;
    if (o->request_timeout == 0)
        o->request_timeout = 1; /* 0 would be the gateway's default */
}

static weir_status write_with_result(struct request *r, weir_error *err)
{
    const struct fields more = FIELDS_OF(weir_create_instance, result_fields);
    set_limits(r);
    size_t opened = wire_open(&r->wire, 1);
    weir_status status = fields_write(&r->wire, &r->spec->fields, &r->options, r->spec->who, err);
    wire_close(&r->wire, opened);
    return status == WEIR_OK ? fields_write(&r->wire, &more, &r->options, r->spec->who, err)
                             : status;
}

static const struct command_spec with_result = {CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT,
                                                "weir_zeebe_create_with_result",
                                                "WEIR_CREATE_INSTANCE",
                                                FIELDS_OF(weir_create_instance, create_fields),
                                                check_with_result,
                                                write_with_result};

weir_instance *weir_zeebe_create_instance(weir_zeebe *zeebe, const weir_create_instance *what,
                                          weir_ms timeout, weir_error *err)
{
    return send_for(zeebe, &create, what, codec_instance, timeout, err);
}

weir_call *weir_zeebe_create_instance_start(weir_zeebe *zeebe, const weir_create_instance *what,
                                            weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &create, what, timeout, err);
}

weir_instance *weir_zeebe_create_with_result(weir_zeebe *zeebe, const weir_create_instance *what,
                                             weir_ms timeout, weir_error *err)
{
    return send_for(zeebe, &with_result, what, codec_instance, timeout, err);
}

weir_call *weir_zeebe_create_with_result_start(weir_zeebe *zeebe, const weir_create_instance *what,
                                               weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &with_result, what, timeout, err);
}

void weir_instance_free(weir_instance *instance)
{
    codec_result_free(instance);
}

/* ---- of a running instance ----------------------------------------------------------------- */

static const struct field cancel_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_cancel_instance, instance_key), .required = true},
    {FIELD_INT64, 2, FIELD_AT(weir_cancel_instance, operation_reference)},
};
static const struct command_spec cancel = {CODEC_CANCEL_PROCESS_INSTANCE,
                                           "weir_zeebe_cancel_instance",
                                           "WEIR_CANCEL_INSTANCE",
                                           FIELDS_OF(weir_cancel_instance, cancel_fields),
                                           NULL,
                                           NULL};

weir_status weir_zeebe_cancel_instance(weir_zeebe *zeebe, const weir_cancel_instance *what,
                                       weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &cancel, what, timeout, err);
}

weir_call *weir_zeebe_cancel_instance_start(weir_zeebe *zeebe, const weir_cancel_instance *what,
                                            weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &cancel, what, timeout, err);
}

static const struct field set_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_set_variables, element_instance_key), .required = true},
    {FIELD_VARIABLES, 2, FIELD_AT(weir_set_variables, variables), .required = true},
    {FIELD_BOOL, 3, FIELD_AT(weir_set_variables, local)},
    {FIELD_INT64, 4, FIELD_AT(weir_set_variables, operation_reference)},
};
static const struct command_spec set_variables = {CODEC_SET_VARIABLES,
                                                  "weir_zeebe_set_variables",
                                                  "WEIR_SET_VARIABLES",
                                                  FIELDS_OF(weir_set_variables, set_fields),
                                                  NULL,
                                                  NULL};

weir_status weir_zeebe_set_variables(weir_zeebe *zeebe, const weir_set_variables *what,
                                     int64_t *key, weir_ms timeout, weir_error *err)
{
    return send_for_key(zeebe, &set_variables, what, key, timeout, err);
}

weir_call *weir_zeebe_set_variables_start(weir_zeebe *zeebe, const weir_set_variables *what,
                                          weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &set_variables, what, timeout, err);
}

static const struct field resolve_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_resolve_incident, incident_key), .required = true},
    {FIELD_INT64, 2, FIELD_AT(weir_resolve_incident, operation_reference)},
};
static const struct command_spec resolve = {CODEC_RESOLVE_INCIDENT,
                                            "weir_zeebe_resolve_incident",
                                            "WEIR_RESOLVE_INCIDENT",
                                            FIELDS_OF(weir_resolve_incident, resolve_fields),
                                            NULL,
                                            NULL};

weir_status weir_zeebe_resolve_incident(weir_zeebe *zeebe, const weir_resolve_incident *what,
                                        weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &resolve, what, timeout, err);
}

weir_call *weir_zeebe_resolve_incident_start(weir_zeebe *zeebe, const weir_resolve_incident *what,
                                             weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &resolve, what, timeout, err);
}

/* ---- messages and signals ------------------------------------------------------------------ */

static const struct field publish_fields[] = {
    {FIELD_TEXT, 1, FIELD_AT(weir_publish, name), .required = true},
    {FIELD_TEXT, 2, FIELD_AT(weir_publish, correlation_key)},
    {FIELD_INT64, 3, FIELD_AT(weir_publish, time_to_live), .usual = MESSAGE_LIFE_MS},
    {FIELD_TEXT, 4, FIELD_AT(weir_publish, message_id)},
    {FIELD_VARIABLES, 5, FIELD_AT(weir_publish, variables)},
    {FIELD_TEXT, 6, FIELD_AT(weir_publish, tenant_id)},
};
static const struct command_spec publish = {CODEC_PUBLISH_MESSAGE,
                                            "weir_zeebe_publish",
                                            "WEIR_PUBLISH",
                                            FIELDS_OF(weir_publish, publish_fields),
                                            NULL,
                                            NULL};

weir_status weir_zeebe_publish(weir_zeebe *zeebe, const weir_publish *what, int64_t *key,
                               weir_ms timeout, weir_error *err)
{
    return send_for_key(zeebe, &publish, what, key, timeout, err);
}

weir_call *weir_zeebe_publish_start(weir_zeebe *zeebe, const weir_publish *what, weir_ms timeout,
                                    weir_error *err)
{
    return send_start(zeebe, &publish, what, timeout, err);
}

static const struct field broadcast_fields[] = {
    {FIELD_TEXT, 1, FIELD_AT(weir_broadcast, name), .required = true},
    {FIELD_VARIABLES, 2, FIELD_AT(weir_broadcast, variables)},
    {FIELD_TEXT, 3, FIELD_AT(weir_broadcast, tenant_id)},
};
static const struct command_spec broadcast = {CODEC_BROADCAST_SIGNAL,
                                              "weir_zeebe_broadcast",
                                              "WEIR_BROADCAST",
                                              FIELDS_OF(weir_broadcast, broadcast_fields),
                                              NULL,
                                              NULL};

weir_status weir_zeebe_broadcast(weir_zeebe *zeebe, const weir_broadcast *what, int64_t *key,
                                 weir_ms timeout, weir_error *err)
{
    return send_for_key(zeebe, &broadcast, what, key, timeout, err);
}

weir_call *weir_zeebe_broadcast_start(weir_zeebe *zeebe, const weir_broadcast *what,
                                      weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &broadcast, what, timeout, err);
}
