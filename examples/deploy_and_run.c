/* Deploys a file, runs the first process in it to its end, and prints what it leaves behind:
 *   deploy_and_run hello.bpmn '{"name": "weir"}' */
#include <inttypes.h>
#include <stdio.h>
#include <weir/weir.h>

static const char *first_process(const weir_deployment *deployment)
{
    for (size_t i = 0; deployment && i < deployment->count; i++) {
        const weir_deployed *item = &deployment->items[i];
        printf("deployed %s, version %" PRId32 ", from %s\n", item->id, item->version,
               item->resource_name);
        if (item->type == WEIR_DEPLOYED_PROCESS)
            return item->id;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    weir_error err = {0};
    const char *const files[] = {argc > 1 ? argv[1] : "hello.bpmn", NULL};
    weir_instance *instance = NULL;
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err);
    weir_deployment *deployment =
        weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.files = files), WEIR_DEFAULT_TIMEOUT, &err);
    const char *id = first_process(deployment);
    if (id)
        instance = weir_zeebe_create_with_result(
            zeebe, WEIR_CREATE_INSTANCE(.process_id = id, .variables = argc > 2 ? argv[2] : NULL),
            60000, &err);
    if (instance)
        printf("instance %" PRId64 " ended with %s\n", instance->key, instance->variables);
    weir_instance_free(instance);
    weir_deployment_free(deployment);
    weir_zeebe_free(zeebe);
    return weir_error_exit(&err, "deploy_and_run");
}
