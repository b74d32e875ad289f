/* Commands about definitions, instances and what happens in them, as data. */
#include "cli/zeebe_flags.h"

/* ---- deploy, delete resource ---------------------------------------------------------------- */

static const struct flag deploy_flags[] = {
    {.name = "resource-names",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "NAME,...",
     .help = "what the resources are called, by position; else by their base names"},
    TENANT_FLAG,
    {0},
};
ZEEBE_GROUPS(deploy);
static const struct zeebe_field deploy_fields[] = {
    {.member = "resources", .add = zeebe_add_resources}, TENANT, {0}};
static const struct zeebe_rpc deploy = {.name = "DeployResource", .fields = deploy_fields};

const struct command command_zeebe_deploy = {
    .path = "zeebe deploy",
    .also = "zeebe deploy resource",
    .args = "PATH...",
    .min_args = 1,
    .max_args = SIZE_MAX,
    .groups = deploy_groups,
    .summary = "Deploy processes, decisions and forms, from files and folders",
    .about =
        "All of them in one request: all are deployed, or none. Of a folder its own files named "
        "*.bpmn, *.dmn and *.form are deployed, in the order of their names; folders below it "
        "are not looked into. A resource is called by its base name: the same file from "
        "another folder is the same resource. Standard input is - with --resource-names.",
    .examples = "weir zeebe deploy order.bpmn\n"
                "weir zeebe deploy processes/ --tenant-id shop -o json\n"
                "# the key of the first process\n"
                "weir zeebe deploy order.bpmn | jq -r .deployments[0].process.processDefinitionKey",
    .run = zeebe_rpc_run,
    .rpc = &deploy,
};

static const struct flag reference_flags[] = {REFERENCE_FLAG, {0}};
ZEEBE_GROUPS(reference);
static const struct zeebe_field delete_fields[] = {
    {.member = "resourceKey", .as = AS_KEY}, REFERENCE, {0}};
static const struct zeebe_rpc delete_resource = {
    .name = "DeleteResource",
    .fields = delete_fields,
    .text = "Deleted resource with key '{resourceKey}'",
};

const struct command command_zeebe_delete_resource = {
    .path = "zeebe delete resource",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = reference_groups,
    .summary = "Delete a process definition, decision or form",
    .examples = "weir zeebe delete resource 2251799813685249",
    .run = zeebe_rpc_run,
    .rpc = &delete_resource,
};

/* ---- create instance --------------------------------------------------------------------------
 */

static const struct flag create_flags[] = {
    VARIABLES_FLAG("the variables that the instance begins with"),
    {.name = "version",
     .kind = FLAG_NUMBER,
     .value = "N",
     .fallback = "-1",
     .help = "the version of the process; -1 is the latest"},
    {.name = "with-result",
     .kind = FLAG_OPTIONAL,
     .repeat = true,
     .value = "NAME,...",
     .help = "wait for the instance's end and print its variables, or only those named"},
    {.name = "start-instruction",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "ELEMENT",
     .help = "begin at this element instead of the start event"},
    {.name = "tags",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "TAG,...",
     .help = "tags of the instance (8.8 and later)"},
    TENANT_FLAG,
    REFERENCE_FLAG,
    {0},
};
ZEEBE_GROUPS(create);
static const struct zeebe_field create_fields[] = {
    {.member = "bpmnProcessId", .as = AS_ID_NOT_KEY},
    {.member = "processDefinitionKey", .as = AS_KEY_NOT_ID},
    {.member = "version", .flag = "version", .as = AS_NUMBER, .otherwise = "-1"},
    VARIABLES,
    {.member = "startInstructions", .flag = "start-instruction", .add = zeebe_add_starts},
    {.member = "tags", .flag = "tags", .as = AS_LIST},
    TENANT,
    REFERENCE,
    {0},
};

static weir_status add_create(struct zeebe_request *request, const struct zeebe_field *field,
                              weir_error *err)
{
    zeebe_add_name(&request->json, field->member);
    return zeebe_add_fields(request, create_fields, err);
}

static const struct zeebe_field result_fields[] = {
    {.member = "request", .add = add_create},
    {.member = "requestTimeout", .add = zeebe_add_wait},
    {.member = "fetchVariables", .flag = "with-result", .as = AS_LIST},
    {0},
};
static const struct zeebe_rpc create_with_result = {
    .name = "CreateProcessInstanceWithResult",
    .fields = result_fields,
};
static const struct zeebe_rpc create = {
    .name = "CreateProcessInstance",
    .fields = create_fields,
    .with_flag = "with-result",
    .with_rpc = &create_with_result,
};

const struct command command_zeebe_create_instance = {
    .path = "zeebe create instance",
    .args = "ID|KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = create_groups,
    .summary = "Start an instance of a process",
    .about = "A number is the key of a process definition, anything else the id of a process. With "
             "--with-result the gateway is asked to wait 90 % of --request-timeout for the "
             "instance's end; what takes longer is status 75, and the instance goes on.",
    .examples = "weir zeebe create instance order --variables '{\"amount\":7}'\n"
                "weir zeebe create instance order --variables @order.json --with-result=total\n"
                "# begin in the middle\n"
                "weir zeebe create instance order --start-instruction ship",
    .run = zeebe_rpc_run,
    .rpc = &create,
};

/* ---- cancel, modify, migrate --------------------------------------------------------------------
 */

static const struct zeebe_field cancel_fields[] = {
    {.member = "processInstanceKey", .as = AS_KEY}, REFERENCE, {0}};
static const struct zeebe_rpc cancel = {
    .name = "CancelProcessInstance",
    .fields = cancel_fields,
    .text = "Canceled process instance with key '{processInstanceKey}'",
};

const struct command command_zeebe_cancel_instance = {
    .path = "zeebe cancel instance",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = reference_groups,
    .summary = "Cancel an instance of a process",
    .examples = "weir zeebe cancel instance 2251799813685251",
    .run = zeebe_rpc_run,
    .rpc = &cancel,
};

static const struct flag modify_flags[] = {
    {.name = "activate",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "ELEMENT[=JSON]",
     .help = "activate this element; the variables are set in the instance"},
    {.name = "terminate",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "KEY",
     .help = "terminate this element instance"},
    {.name = "plan",
     .kind = FLAG_JSON,
     .value = "FILE",
     .help = "activateInstructions, terminateInstructions and moveInstructions as JSON, instead of "
             "these flags"},
    REFERENCE_FLAG,
    {0},
};
ZEEBE_GROUPS(modify);
static const struct zeebe_field modify_fields[] = {
    {.member = "processInstanceKey", .as = AS_KEY},
    {.member = "activateInstructions", .flag = "activate", .add = zeebe_add_activate},
    {.member = "terminateInstructions", .flag = "terminate", .add = zeebe_add_terminate},
    {.member = "", .flag = "plan", .add = zeebe_add_plan},
    REFERENCE,
    {0},
};
static const struct zeebe_rpc modify = {
    .name = "ModifyProcessInstance",
    .fields = modify_fields,
    .text = "Modified process instance with key '{processInstanceKey}'",
    .check = zeebe_check_modify,
};

const struct command command_zeebe_modify_instance = {
    .path = "zeebe modify instance",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = modify_groups,
    .summary = "Move an instance of a process: activate and terminate elements",
    .about =
        "All of it happens at once, or nothing. --plan is the request of ModifyProcessInstance "
        "without its key, in protojson form (weir zeebe call --describe "
        "ModifyProcessInstance); it can say what flags cannot: ancestors, scopes of variables, "
        "moves.",
    .examples =
        "weir zeebe modify instance 2251799813685251 --activate ship --terminate "
        "2251799813685260\n"
        "weir zeebe modify instance 2251799813685251 --activate 'ship={\"carrier\":\"x\"}'\n"
        "weir zeebe modify instance 2251799813685251 --plan plan.json",
    .run = zeebe_rpc_run,
    .rpc = &modify,
};

static const struct flag migrate_flags[] = {
    {.name = "target-definition",
     .kind = FLAG_TEXT,
     .value = "KEY",
     .help = "the process definition to migrate to; required without --plan"},
    {.name = "map",
     .kind = FLAG_TEXT,
     .repeat = true,
     .value = "SOURCE=TARGET",
     .help = "an active element, and what it is in the target; required without --plan"},
    {.name = "plan",
     .kind = FLAG_JSON,
     .value = "FILE",
     .help = "targetProcessDefinitionKey and mappingInstructions as JSON, instead of these flags"},
    REFERENCE_FLAG,
    {0},
};
ZEEBE_GROUPS(migrate);
static const struct zeebe_field migrate_fields[] = {
    {.member = "processInstanceKey", .as = AS_KEY},
    {.member = "migrationPlan", .add = zeebe_add_migration},
    REFERENCE,
    {0},
};
static const struct zeebe_rpc migrate = {
    .name = "MigrateProcessInstance",
    .fields = migrate_fields,
    .text = "Migrated process instance with key '{processInstanceKey}'",
    .check = zeebe_check_migrate,
};

const struct command command_zeebe_migrate_instance = {
    .path = "zeebe migrate instance",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = migrate_groups,
    .summary = "Migrate an instance to another process definition",
    .examples = "weir zeebe migrate instance 2251799813685251 --target-definition 2251799813685300 "
                "\\\n    --map pay=pay --map ship=deliver\n"
                "weir zeebe migrate instance 2251799813685251 --plan plan.json",
    .run = zeebe_rpc_run,
    .rpc = &migrate,
};

/* ---- in an instance ------------------------------------------------------------------------- */

static const struct flag set_flags[] = {
    {.name = "variables",
     .kind = FLAG_JSON,
     .required = true,
     .value = "JSON",
     .help = "the variables to set"},
    {.name = "local", .help = "set them in this scope only; else each where it is defined"},
    REFERENCE_FLAG,
    {0},
};
ZEEBE_GROUPS(set);
static const struct zeebe_field set_fields[] = {
    {.member = "elementInstanceKey", .as = AS_KEY},
    {.member = "variables", .flag = "variables", .as = AS_VARIABLES},
    {.member = "local", .flag = "local", .as = AS_SWITCH},
    REFERENCE,
    {0},
};
static const struct zeebe_rpc set_variables = {
    .name = "SetVariables",
    .fields = set_fields,
    .text = "Set the variables of element instance with key '{elementInstanceKey}' to "
            "'{variables}' with command '{key}'",
};

const struct command command_zeebe_set_variables = {
    .path = "zeebe set variables",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = set_groups,
    .summary = "Set variables of an instance or of an element in it",
    .examples = "weir zeebe set variables 2251799813685251 --variables '{\"paid\":true}'",
    .run = zeebe_rpc_run,
    .rpc = &set_variables,
};

static const struct zeebe_field resolve_fields[] = {
    {.member = "incidentKey", .as = AS_KEY}, REFERENCE, {0}};
static const struct zeebe_rpc resolve = {
    .name = "ResolveIncident",
    .fields = resolve_fields,
    .text = "Resolved an incident of a process instance with key '{incidentKey}'",
};

const struct command command_zeebe_resolve_incident = {
    .path = "zeebe resolve incident",
    .args = "KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = reference_groups,
    .summary = "Resolve an incident, whose cause has been mended",
    .examples = "weir zeebe resolve incident 2251799813685270",
    .run = zeebe_rpc_run,
    .rpc = &resolve,
};

/* ---- evaluate decision --------------------------------------------------------------------------
 */

static const struct flag evaluate_flags[] = {
    VARIABLES_FLAG("what the decision is evaluated with"), TENANT_FLAG, {0}};
ZEEBE_GROUPS(evaluate);
static const struct zeebe_field evaluate_fields[] = {
    {.member = "decisionId", .as = AS_ID_NOT_KEY},
    {.member = "decisionKey", .as = AS_KEY_NOT_ID},
    VARIABLES,
    TENANT,
    {0},
};
static const struct zeebe_rpc evaluate = {.name = "EvaluateDecision", .fields = evaluate_fields};

const struct command command_zeebe_evaluate_decision = {
    .path = "zeebe evaluate decision",
    .args = "ID|KEY",
    .min_args = 1,
    .max_args = 1,
    .groups = evaluate_groups,
    .summary = "Evaluate a decision",
    .about = "A number is the key of a decision, anything else its id.",
    .examples = "weir zeebe evaluate decision discount --variables '{\"amount\":700}' | jq -r "
                ".decisionOutput",
    .run = zeebe_rpc_run,
    .rpc = &evaluate,
};
