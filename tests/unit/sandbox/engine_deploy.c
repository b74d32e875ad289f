/* Resources: what is taken, what is refused. */
#include "broker.h"

#include "core/mem.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

static struct broker b;

static int set_up(void **state)
{
    (void)state;
    broker_begin(&b, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_end(&b);
    return 0;
}

/* ---- resources ---- */

static char *resource(const char *name, const char *content)
{
    struct buf json = BUF_INIT((size_t)1024 * 1024);
    buf_addf(&json, "{\"resources\":[{\"name\":\"%s\",\"content\":\"", name);
    base64_add(&json, content, strlen(content), true);
    buf_adds(&json, "\"}]}");
    return json.data;
}

static void deploy(const char *name, const char *content, const char *beginning)
{
    char *json = resource(name, content);
    expect(broker_ask(&b, "DeployResource", json), beginning);
    mem_free(json);
}

static void versions_count_what_differs(void **state)
{
    char *one = bpmn_around("p", LINE(JOB("x", "t"))), *two = bpmn_around("p", LINE(JOB("x", "u")));
    (void)state;
    deploy(
        "a.bpmn", one,
        "{\"key\":\"2251799813685249\",\"deployments\":[{\"process\":{\"bpmnProcessId\":\"p\","
        "\"version\":1,\"processDefinitionKey\":\"2251799813685250\",\"resourceName\":\"a.bpmn\","
        "\"tenantId\":\"<default>\"}}],\"tenantId\":\"<default>\"}");
    deploy("a.bpmn", one,
           "{\"key\":\"2251799813685251\",\"deployments\":[{\"process\":{\"bpmnProcessId\":\"p\","
           "\"version\":1,\"processDefinitionKey\":\"2251799813685250\"");
    deploy("b.bpmn", one,
           "{\"key\":\"2251799813685252\",\"deployments\":[{\"process\":{\"bpmnProcessId\":\"p\","
           "\"version\":2,\"processDefinitionKey\":\"2251799813685253\"");
    deploy("b.bpmn", two,
           "{\"key\":\"2251799813685254\",\"deployments\":[{\"process\":{\"bpmnProcessId\":\"p\","
           "\"version\":3,");
    mem_free(one);
    mem_free(two);
}

static void what_cannot_be_deployed_is_named(void **state)
{
    static const char refused[] =
        "INVALID_ARGUMENT: Command 'CREATE' rejected with code 'INVALID_ARGUMENT': Expected to "
        "deploy new resources, but encountered the following errors:";
    static const struct {
        const char *name, *content, *report;
    } stories[] = {
        {"a.txt", "x", "\n'a.txt': unknown resource type"},
        {"a.bpmn", "<a/>", "\n'a.bpmn': line 1: it is no BPMN"},
        {"a.dmn", "<a/>", "\n'a.dmn': the sandbox does not interpret decisions (DMN)"},
        {"a.form", "{bad", "\n'a.form': Failed to parse form JSON. 'a.form': "},
        {"a.form", "{}", "\nExpected the form id to be present, but none given"},
        {"a.form", "{\"id\":\"\"}", "\nExpected the form id to be filled, but it is blank"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        deploy(stories[i].name, stories[i].content, refused);
        expect(b.answer + strlen(refused), stories[i].report);
    }
    expect(broker_ask(&b, "DeployResource", "{}"),
           "INVALID_ARGUMENT: Command 'CREATE' rejected with code 'INVALID_ARGUMENT': Expected to "
           "deploy at least one resource, but none given");
    expect(
        broker_ask(&b, "DeployResource", "{\"tenantId\":\"x\"}"),
        "INVALID_ARGUMENT: Expected to handle gRPC request DeployResource with tenant identifier "
        "'x', but multi-tenancy is disabled");
    char *twice =
        bpmn_around("p", START_EVENT "</process><process id='p' isExecutable='true'>" START_EVENT);
    deploy("a.bpmn", twice, refused);
    expect(b.answer + strlen(refused),
           "\nDuplicated process id in resources 'a.bpmn' and 'a.bpmn'");
    mem_free(twice);
    expect(broker_ask(&b, "CreateProcessInstance", "{\"bpmnProcessId\":\"p\",\"version\":-1}"),
           "NOT_FOUND"); /* all or nothing */
}

static void a_form_is_taken_for_its_id(void **state)
{
    (void)state;
    deploy(
        "f.form", "{\"id\":\"F\"}",
        "{\"key\":\"2251799813685249\",\"deployments\":[{\"form\":{\"formId\":\"F\",\"version\":1,"
        "\"formKey\":\"2251799813685250\",\"resourceName\":\"f.form\",\"tenantId\":"
        "\"<default>\"}}]");
    deploy("f.form", "{\"id\":\"F\"}",
           "{\"key\":\"2251799813685251\",\"deployments\":[{\"form\":{"
           "\"formId\":\"F\",\"version\":1,");
    deploy(
        "f.form", "{\"id\":\"F\",\"a\":1}",
        "{\"key\":\"2251799813685252\",\"deployments\":[{\"form\":{\"formId\":\"F\",\"version\":2,"
        "\"formKey\":\"2251799813685253\"");
    expect(broker_askf(&b, "DeleteResource", "{\"resourceKey\":%lld}", (long long)KEY(5)),
           "{\"resourceKey\":\"2251799813685253\"");
}

static void the_old_deployment_is_still_there(void **state)
{
    char *file = bpmn_around("p", LINE(JOB("x", "t")));
    struct buf json = BUF_INIT(10000);
    (void)state;
    buf_adds(&json, "{\"processes\":[{\"name\":\"a.bpmn\",\"definition\":\"");
    base64_add(&json, file, strlen(file), true);
    buf_adds(&json, "\"}]}");
    assert_string_equal(broker_ask(&b, "DeployProcess", json.data),
                        "{\"key\":\"2251799813685249\",\"processes\":[{\"bpmnProcessId\":\"p\","
                        "\"version\":1,\"processDefinitionKey\":\"2251799813685250\","
                        "\"resourceName\":\"a.bpmn\",\"tenantId\":\"<default>\"}]}");
    expect(broker_ask(&b, "DeployProcess", "{}"), "INVALID_ARGUMENT");
    buf_free(&json);
    mem_free(file);
}

static void what_runs_is_not_deleted(void **state)
{
    (void)state;
    broker_deploy_task(&b);
    int64_t instance = broker_instance(&b, "p", "");
    expect(broker_askf(&b, "DeleteResource", "{\"resourceKey\":%lld}", (long long)KEY(2)),
           "FAILED_PRECONDITION: Command 'DELETE' rejected with code 'INVALID_STATE': Expected to "
           "delete resource with key `2251799813685250` but there are still running instances");
    assert_string_equal(broker_askf(&b, "CancelProcessInstance", "{\"processInstanceKey\":%lld}",
                                    (long long)instance),
                        "{}");
    expect(broker_askf(&b, "DeleteResource", "{\"resourceKey\":%lld}", (long long)KEY(2)),
           "{\"resourceKey\":\"2251799813685250\"");
    expect(
        broker_askf(&b, "DeleteResource", "{\"resourceKey\":%lld}", (long long)KEY(2)),
        "NOT_FOUND: Command 'DELETE' rejected with code 'NOT_FOUND': Expected to delete resource "
        "but no resource found with key `2251799813685250`");
    expect(broker_ask(&b, "CreateProcessInstance", "{\"bpmnProcessId\":\"p\",\"version\":-1}"),
           "NOT_FOUND");
    broker_deploy_task(&b); /* a version number is never used twice */
    expect(broker_ask(&b, "CreateProcessInstance", "{\"bpmnProcessId\":\"p\",\"version\":2}"), "{");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(versions_count_what_differs), CASE(what_cannot_be_deployed_is_named),
        CASE(a_form_is_taken_for_its_id),  CASE(the_old_deployment_is_still_there),
        CASE(what_runs_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
