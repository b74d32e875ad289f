/* weir/modify.h - Camunda 8: changing process instances that run. How commands are given is in
 * commands.h. */
#ifndef WEIR_MODIFY_H
#define WEIR_MODIFY_H

#include <weir/zeebe.h>

/* ---- modifying -------------------------------------------------------------------------- */

typedef struct weir_scoped_variables {
    const char *variables; /**< required                                                     */
    const char *scope_id;  /**< the element to put them in; NULL: the process instance       */
} weir_scoped_variables;

typedef struct weir_activate_element {
    const char *element_id; /**< required                                                    */
    int64_t ancestor_key;   /**< the scope's element instance; 0: the broker chooses         */
    const weir_scoped_variables *variables;
} weir_activate_element;

/** By key, or all of an element by its id (since 8.9). */
typedef struct weir_terminate_element {
    int64_t element_instance_key;
    const char *element_id;
} weir_terminate_element;

/** Since 8.9. From one element instance, or from all of an element, to another element. */
typedef struct weir_move_element {
    int64_t source_key;
    const char *source_id;
    const char *target_id; /**< required                                                     */
    const weir_scoped_variables *variables;
    int64_t ancestor_key;         /**< the scope's element instance; 0: the broker chooses   */
    bool infer_ancestor;          /**< inferAncestorScopeFromSourceHierarchy                 */
    bool source_parent_as_parent; /**< useSourceParentKeyAsAncestorScopeKey                  */
} weir_move_element;

typedef struct weir_modify_instance {
    size_t struct_size;
    int64_t instance_key; /**< required                                                      */
    const weir_activate_element *activate;
    const weir_terminate_element *terminate;
    const weir_move_element *move;
    int64_t operation_reference;
} weir_modify_instance;
#define WEIR_MODIFY_INSTANCE(...)                                                                  \
    (&(weir_modify_instance){.struct_size = sizeof(weir_modify_instance), __VA_ARGS__})

/* ---- migrating -------------------------------------------------------------------------- */

typedef struct weir_element_mapping {
    const char *source_id, *target_id; /**< both required                                    */
} weir_element_mapping;

/** Since 8.4. */
typedef struct weir_migrate_instance {
    size_t struct_size;
    int64_t instance_key;                  /**< required                                     */
    int64_t target_process_definition_key; /**< required                                     */
    const weir_element_mapping *mappings;  /**< of every active element                      */
    int64_t operation_reference;
} weir_migrate_instance;
#define WEIR_MIGRATE_INSTANCE(...)                                                                 \
    (&(weir_migrate_instance){.struct_size = sizeof(weir_migrate_instance), __VA_ARGS__})

WEIR_BEGIN
WEIR_API weir_status weir_zeebe_modify_instance(weir_zeebe *zeebe, const weir_modify_instance *what,
                                                weir_ms timeout, weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_modify_instance_start(weir_zeebe *zeebe,
                                                                   const weir_modify_instance *what,
                                                                   weir_ms timeout,
                                                                   weir_error *err);
WEIR_API weir_status weir_zeebe_migrate_instance(weir_zeebe *zeebe,
                                                 const weir_migrate_instance *what, weir_ms timeout,
                                                 weir_error *err);
WEIR_API WEIR_MUST_USE weir_call *weir_zeebe_migrate_instance_start(
    weir_zeebe *zeebe, const weir_migrate_instance *what, weir_ms timeout, weir_error *err);
WEIR_END
#endif
