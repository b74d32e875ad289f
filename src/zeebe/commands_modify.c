/* Commands that change running instances: lists of instructions. Thread: any. */
#include "zeebe/commands_send.h"

#include "core/error.h"
#include "zeebe/commands_wire.h"

static const struct field variables_rows[] = {
    {FIELD_VARIABLES, 1, FIELD_AT(weir_scoped_variables, variables), .required = true},
    {FIELD_TEXT, 2, FIELD_AT(weir_scoped_variables, scope_id)},
};
static const struct fields variables_fields = FIELDS_OF(weir_scoped_variables, variables_rows);

static const struct field activate_rows[] = {
    {FIELD_TEXT, 1, FIELD_AT(weir_activate_element, element_id), .required = true},
    {FIELD_INT64, 2, FIELD_AT(weir_activate_element, ancestor_key)},
    {FIELD_LIST, 3, FIELD_AT(weir_activate_element, variables), .inner = &variables_fields},
};
static const struct fields activate_fields = FIELDS_OF(weir_activate_element, activate_rows);

static const struct field terminate_rows[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_terminate_element, element_instance_key)},
    {FIELD_TEXT, 2, FIELD_AT(weir_terminate_element, element_id)},
};
static const struct fields terminate_fields = FIELDS_OF(weir_terminate_element, terminate_rows);

static const struct field move_rows[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_move_element, source_key)},
    {FIELD_TEXT, 2, FIELD_AT(weir_move_element, source_id)},
    {FIELD_TEXT, 3, FIELD_AT(weir_move_element, target_id), .required = true},
    {FIELD_LIST, 4, FIELD_AT(weir_move_element, variables), .inner = &variables_fields},
    {FIELD_INT64, 5, FIELD_AT(weir_move_element, ancestor_key)},
    {FIELD_BOOL, 6, FIELD_AT(weir_move_element, infer_ancestor)},
    {FIELD_BOOL, 7, FIELD_AT(weir_move_element, source_parent_as_parent)},
};
static const struct fields move_fields = FIELDS_OF(weir_move_element, move_rows);

static const struct field modify_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_modify_instance, instance_key), .required = true},
    {FIELD_LIST, 2, FIELD_AT(weir_modify_instance, activate), .inner = &activate_fields},
    {FIELD_LIST, 3, FIELD_AT(weir_modify_instance, terminate), .inner = &terminate_fields},
    {FIELD_INT64, 4, FIELD_AT(weir_modify_instance, operation_reference)},
    {FIELD_LIST, 5, FIELD_AT(weir_modify_instance, move), .inner = &move_fields},
};

static weir_status check_modify(const union command_options *o, const char *who, weir_error *err)
{
    return o->modify.activate || o->modify.terminate || o->modify.move
               ? WEIR_OK
               : error_set(err, WEIR_INVALID,
                           "%s(): there is nothing to activate, to terminate or to move", who);
}

static const struct command_spec modify = {CODEC_MODIFY_PROCESS_INSTANCE,
                                           "weir_zeebe_modify_instance",
                                           "WEIR_MODIFY_INSTANCE",
                                           FIELDS_OF(weir_modify_instance, modify_fields),
                                           check_modify,
                                           NULL};

weir_status weir_zeebe_modify_instance(weir_zeebe *zeebe, const weir_modify_instance *what,
                                       weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &modify, what, timeout, err);
}

weir_call *weir_zeebe_modify_instance_start(weir_zeebe *zeebe, const weir_modify_instance *what,
                                            weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &modify, what, timeout, err);
}

/* ---- migrating ----------------------------------------------------------------------------- */

static const struct field mapping_rows[] = {
    {FIELD_TEXT, 1, FIELD_AT(weir_element_mapping, source_id), .required = true},
    {FIELD_TEXT, 2, FIELD_AT(weir_element_mapping, target_id), .required = true},
};
static const struct fields mapping_fields = FIELDS_OF(weir_element_mapping, mapping_rows);

/* The request, and the plan inside of it. */
static const struct field migrate_rows[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_migrate_instance, instance_key), .required = true},
    {FIELD_INT64, 3, FIELD_AT(weir_migrate_instance, operation_reference)},
};
static const struct field plan_rows[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_migrate_instance, target_process_definition_key),
     .required = true},
    {FIELD_LIST, 2, FIELD_AT(weir_migrate_instance, mappings), .inner = &mapping_fields},
};

static weir_status write_migration(struct request *r, weir_error *err)
{
    const struct fields plan = FIELDS_OF(weir_migrate_instance, plan_rows);
    const char *who = r->spec->who;
    weir_status status = fields_write(&r->wire, &r->spec->fields, &r->options, who, err);
    if (status != WEIR_OK)
        return status;
    size_t opened = wire_open(&r->wire, 2);
    status = fields_write(&r->wire, &plan, &r->options, who, err);
    wire_close(&r->wire, opened);
    return status;
}

static const struct command_spec migrate = {CODEC_MIGRATE_PROCESS_INSTANCE,
                                            "weir_zeebe_migrate_instance",
                                            "WEIR_MIGRATE_INSTANCE",
                                            FIELDS_OF(weir_migrate_instance, migrate_rows),
                                            NULL,
                                            write_migration};

weir_status weir_zeebe_migrate_instance(weir_zeebe *zeebe, const weir_migrate_instance *what,
                                        weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &migrate, what, timeout, err);
}

weir_call *weir_zeebe_migrate_instance_start(weir_zeebe *zeebe, const weir_migrate_instance *what,
                                             weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &migrate, what, timeout, err);
}
