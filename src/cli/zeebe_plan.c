/* The requests that hold more than flat members: modifying and migrating an instance, and where a
 * new one starts. A plan in a file has the form of the request itself. */
#include <string.h>

#include "cli/fail.h"
#include "cli/json_arg.h"
#include "cli/zeebe_rpc.h"

#include <weir/json.h>

/* "LEFT=RIGHT": the left part to release; *right is NULL where there is no '='. */
static char *split(const char *given, const char **right)
{
    const char *equals = strchr(given, '=');
    *right = equals ? equals + 1 : NULL;
    return copy_or_exit(given, equals ? (size_t)(equals - given) : strlen(given));
}

static weir_status add_member(struct zeebe_request *request, const char *member, const char *text,
                              const char *what, weir_error *err)
{
    zeebe_add_name(&request->json, member);
    return zeebe_add_text(request, text, what, err);
}

/* ---- elements of the lists ------------------------------------------------------------------ */

typedef weir_status add_one_fn(struct zeebe_request *request, const char *given, weir_error *err);

static weir_status add_each(struct zeebe_request *request, const struct zeebe_field *field,
                            add_one_fn *one, weir_error *err)
{
    const char *given;
    weir_status status = WEIR_OK;
    if (!args_has(request->args, field->flag))
        return WEIR_OK;
    zeebe_add_name(&request->json, field->member);
    str_add(&request->json, "[");
    for (size_t i = 0; status == WEIR_OK && (given = args_each(request->args, field->flag, i));
         i++) {
        zeebe_add_name(&request->json, NULL);
        str_add(&request->json, "{");
        status = one(request, given, err);
        str_add(&request->json, "}");
    }
    str_add(&request->json, "]");
    return status;
}

static weir_status add_start(struct zeebe_request *request, const char *given, weir_error *err)
{
    if (!*given)
        return zeebe_usage(request, err, "--start-instruction: no element is named");
    return add_member(request, "elementId", given, "--start-instruction", err);
}

static weir_status add_activate(struct zeebe_request *request, const char *given, weir_error *err)
{
    const char *variables;
    char *element = split(given, &variables);
    weir_status status =
        *element ? add_member(request, "elementId", element, "--activate", err)
                 : zeebe_usage(request, err, "--activate: \"%s\" names no element", given);
    release_memory(element);
    if (status != WEIR_OK || !variables)
        return status;
    str_add(&request->json, ",\"variableInstructions\":[{\"variables\":");
    status = zeebe_add_variables(request, variables, "activate", err);
    str_add(&request->json, "}]");
    return status;
}

static weir_status add_terminate(struct zeebe_request *request, const char *given, weir_error *err)
{
    zeebe_add_name(&request->json, "elementInstanceKey");
    return zeebe_add_key(request, given, "--terminate", err);
}

static weir_status add_mapping(struct zeebe_request *request, const char *given, weir_error *err)
{
    const char *target;
    char *source = split(given, &target);
    weir_status status = WEIR_OK;
    if (!*source || !target || !*target)
        status = zeebe_usage(request, err, "--map: \"%s\" is not SOURCE=TARGET", given);
    if (status == WEIR_OK)
        status = add_member(request, "sourceElementId", source, "--map", err);
    if (status == WEIR_OK)
        status = add_member(request, "targetElementId", target, "--map", err);
    release_memory(source);
    return status;
}

weir_status zeebe_add_starts(struct zeebe_request *request, const struct zeebe_field *field,
                             weir_error *err)
{
    return add_each(request, field, add_start, err);
}

weir_status zeebe_add_activate(struct zeebe_request *request, const struct zeebe_field *field,
                               weir_error *err)
{
    return add_each(request, field, add_activate, err);
}

weir_status zeebe_add_terminate(struct zeebe_request *request, const struct zeebe_field *field,
                                weir_error *err)
{
    return add_each(request, field, add_terminate, err);
}

weir_status zeebe_add_mappings(struct zeebe_request *request, const struct zeebe_field *field,
                               weir_error *err)
{
    return add_each(request, field, add_mapping, err);
}

/* ---- plans ------------------------------------------------------------------------------------
 */

static char *read_plan(const struct zeebe_request *request, weir_error *err)
{
    return json_arg_object("plan", args_text(request->args, "plan"), err);
}

/* What the command line says already, the plan must not say again. */
static weir_status check_members(const struct zeebe_request *request, const char *plan,
                                 weir_error *err)
{
    weir_json *json = weir_json_parse(plan, strlen(plan), err);
    const char *twice = NULL;
    if (!json)
        return err->status;
    if (weir_json_at(json, "/processInstanceKey"))
        twice = "processInstanceKey, which is KEY";
    else if (weir_json_at(json, "/operationReference") &&
             args_has(request->args, "operation-reference"))
        twice = "operationReference, which is --operation-reference";
    weir_json_free(json);
    return twice ? fail_set(err, WEIR_INVALID, "--plan holds %s", twice) : WEIR_OK;
}

weir_status zeebe_add_plan(struct zeebe_request *request, const struct zeebe_field *field,
                           weir_error *err)
{
    (void)field;
    if (!args_has(request->args, "plan"))
        return WEIR_OK;
    char *plan = read_plan(request, err);
    if (!plan)
        return err->status;
    const char *start = strchr(plan, '{') + 1;
    const char *end = strrchr(plan, '}');
    start += strspn(start, " \t\r\n");
    weir_status status = check_members(request, plan, err);
    if (status == WEIR_OK && start < end) {
        zeebe_add_name(&request->json, NULL);
        str_add_bytes(&request->json, start, (size_t)(end - start));
    }
    release_memory(plan);
    return status;
}

static const struct zeebe_field migration[] = {
    {.member = "targetProcessDefinitionKey", .flag = "target-definition", .as = AS_KEY},
    {.member = "mappingInstructions", .flag = "map", .add = zeebe_add_mappings},
    {0},
};

weir_status zeebe_add_migration(struct zeebe_request *request, const struct zeebe_field *field,
                                weir_error *err)
{
    zeebe_add_name(&request->json, field->member);
    if (!args_has(request->args, "plan"))
        return zeebe_add_fields(request, migration, err);
    char *plan = read_plan(request, err);
    if (!plan)
        return err->status;
    str_add(&request->json, plan);
    release_memory(plan);
    return WEIR_OK;
}

/* `flags` ended by NULL: all of them where `all`, else at least one; with --plan none. */
static weir_status check_plan(struct zeebe_request *request, const char *const *flags, bool all,
                              weir_error *err)
{
    const char *given = NULL, *missing = NULL;
    for (size_t i = 0; flags[i]; i++) {
        if (args_has(request->args, flags[i]))
            given = flags[i];
        else if (!missing)
            missing = flags[i];
    }
    bool plan = args_has(request->args, "plan");
    if (plan && given)
        return zeebe_usage(request, err, "--plan and --%s exclude each other", given);
    if (!plan && missing && (all || !given))
        return zeebe_usage(request, err, "--%s is required, or --plan FILE%s", missing,
                           all ? "" : ", or --terminate KEY");
    return WEIR_OK;
}

weir_status zeebe_check_modify(struct zeebe_request *request, const struct zeebe_field *field,
                               weir_error *err)
{
    static const char *const flags[] = {"activate", "terminate", NULL};
    (void)field;
    return check_plan(request, flags, false, err);
}

weir_status zeebe_check_migrate(struct zeebe_request *request, const struct zeebe_field *field,
                                weir_error *err)
{
    static const char *const flags[] = {"target-definition", "map", NULL};
    (void)field;
    return check_plan(request, flags, true, err);
}
