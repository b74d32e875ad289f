/* weir/resources.h - Camunda 8: what is deployed (processes, decisions, forms), and decisions. How
 * commands are given is in commands.h. */
#ifndef WEIR_RESOURCES_H
#define WEIR_RESOURCES_H

#include <weir/zeebe.h>

/* ---- deploying --------------------------------------------------------------------------- */

/** The ending of its name says what it is: .bpmn, .dmn, .form. */
typedef struct weir_resource {
    const char *name;
    weir_bytes content;
} weir_resource;

/** All that is given is deployed together or not at all. Two of one name are WEIR_INVALID. */
typedef struct weir_deploy {
    size_t struct_size;
    const char *const *files;       /**< paths, ended by NULL; named by their last part      */
    const weir_resource *resources; /**< ended by {0}                                        */
    const char *folder;             /**< its .bpmn, .dmn and .form files, not those below it */
    const char *tenant_id;
} weir_deploy;
#define WEIR_DEPLOY(...) (&(weir_deploy){.struct_size = sizeof(weir_deploy), __VA_ARGS__})

typedef enum weir_deployed_type {
    WEIR_DEPLOYED_UNKNOWN = 0, /**< something that a newer gateway knows                       */
    WEIR_DEPLOYED_PROCESS,
    WEIR_DEPLOYED_DECISION,
    WEIR_DEPLOYED_REQUIREMENTS, /**< a decision requirements graph                            */
    WEIR_DEPLOYED_FORM
} weir_deployed_type;

typedef struct weir_deployed {
    weir_deployed_type type;
    int32_t version;
    int64_t key;
    const char *id;
    const char *name;            /**< of decisions and requirements; else ""                   */
    const char *resource_name;   /**< "" of decisions                                          */
    const char *requirements_id; /**< of decisions; else ""                                  */
    int64_t requirements_key;    /**< of decisions; else 0                                   */
    const char *tenant_id;
} weir_deployed;

/** Immutable; the texts live as long as it does. */
typedef struct weir_deployment {
    int64_t key;
    const char *tenant_id;
    const weir_deployed *items; /**< in the gateway's order                                  */
    size_t count;
} weir_deployment;

typedef struct weir_delete_resource {
    size_t struct_size;
    int64_t resource_key; /**< required: of a process, decision requirements or a form       */
    int64_t operation_reference;
    bool delete_history; /**< since 8.9                                                      */
} weir_delete_resource;
#define WEIR_DELETE_RESOURCE(...)                                                                  \
    (&(weir_delete_resource){.struct_size = sizeof(weir_delete_resource), __VA_ARGS__})

/** Immutable; the texts live as long as it does. */
typedef struct weir_deletion {
    const char *resource_key;        /**< "" before 8.9                                      */
    const char *batch_operation_key; /**< that deletes the history; NULL: none               */
    int32_t batch_operation_type;    /**< a BatchOperationTypeEnum of gateway.proto          */
} weir_deletion;

WEIR_BEGIN
/** WEIR_STORE: a file could not be read, which code (an errno) and message say. WEIR_INVALID with
 *  kind INVALID_RESOURCE: the broker does not accept what is in one. */
WEIR_API WEIR_MUST_USE weir_deployment *weir_zeebe_deploy(weir_zeebe *zeebe,
                                                          const weir_deploy *what, weir_ms timeout,
                                                          weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_deploy_start(weir_zeebe *zeebe,
                                                          const weir_deploy *what, weir_ms timeout,
                                                          weir_error *err);
WEIR_API WEIR_MUST_USE weir_deployment *weir_call_deployment(weir_call *call, weir_error *err);
WEIR_API void weir_deployment_free(weir_deployment *deployment);

WEIR_API WEIR_MUST_USE weir_deletion *weir_zeebe_delete_resource(weir_zeebe *zeebe,
                                                                 const weir_delete_resource *what,
                                                                 weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_delete_resource_start(weir_zeebe *zeebe,
                                                                   const weir_delete_resource *what,
                                                                   weir_ms timeout,
                                                                   weir_error *err);
WEIR_API WEIR_MUST_USE weir_deletion *weir_call_deletion(weir_call *call, weir_error *err);
WEIR_API void weir_deletion_free(weir_deletion *deletion);
WEIR_END

/* ---- decisions --------------------------------------------------------------------------- */

typedef struct weir_evaluate {
    size_t struct_size;
    const char *decision_id; /**< the DMN id, or ...                                         */
    int64_t decision_key;    /**< ... the key                                                */
    const char *variables;
    const char *tenant_id;
} weir_evaluate;
#define WEIR_EVALUATE(...) (&(weir_evaluate){.struct_size = sizeof(weir_evaluate), __VA_ARGS__})

/** An input or an output; `value` is JSON. */
typedef struct weir_decision_value {
    const char *id, *name, *value;
} weir_decision_value;

typedef struct weir_matched_rule {
    const char *id;
    int32_t index; /**< from 1                                                               */
    const weir_decision_value *outputs;
    size_t output_count;
} weir_matched_rule;

typedef struct weir_evaluated {
    int64_t key;
    const char *id, *name;
    int32_t version;
    const char *type;   /**< "DECISION_TABLE", "LITERAL_EXPRESSION", ...                      */
    const char *output; /**< JSON                                                            */
    const char *tenant_id;
    const char *instance_key; /**< of this evaluation; "" before 8.8                         */
    const weir_decision_value *inputs;
    size_t input_count;
    const weir_matched_rule *rules;
    size_t rule_count;
} weir_evaluated;

/** Immutable; the texts live as long as it does. */
typedef struct weir_decision {
    int64_t key;
    const char *id, *name;
    int32_t version;
    const char *output; /**< JSON; what the decision says                                    */
    const char *requirements_id;
    int64_t requirements_key;
    const char *failed_id;       /**< of the decision that could not be evaluated; "": none  */
    const char *failure_message; /**< why; "": it was evaluated                              */
    const char *tenant_id;
    int64_t instance_key;            /**< since 8.5                                          */
    int64_t evaluation_key;          /**< since 8.8                                          */
    const weir_evaluated *evaluated; /**< it and those that it needs, in order of evaluation */
    size_t evaluated_count;
} weir_decision;

WEIR_BEGIN
/** A decision that fails is an answer, with a failure_message. */
WEIR_API WEIR_MUST_USE weir_decision *weir_zeebe_evaluate(weir_zeebe *zeebe,
                                                          const weir_evaluate *what,
                                                          weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_evaluate_start(weir_zeebe *zeebe,
                                                            const weir_evaluate *what,
                                                            weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_decision *weir_call_decision(weir_call *call, weir_error *err);
WEIR_API void weir_decision_free(weir_decision *decision);
WEIR_END
#endif
