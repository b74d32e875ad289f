/* From command lines to requests: every command of the real table, member by member. */
#include "cli/zeebe_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/groups.h"
#include "lib/check.h"

struct line {
    struct args args;
    struct zeebe_request request;
    weir_error err;
    char *argv[32];
    char text[512];
};

/* Words are separated by blanks; what is understood is built. */
static weir_status build(struct line *line, const char *command)
{
    *line = (struct line){0};
    struct str complaint = {0};
    int argc = 0;
    (void)snprintf(line->text, sizeof line->text, "weir zeebe %s", command);
    for (char *rest = line->text, *word; (word = strsep(&rest, " "));)
        line->argv[argc++] = word;
    if (!args_parse(&line->args, &weir_table, argc, line->argv, &complaint))
        fail_msg("%s: %s", command, str_text(&complaint));
    str_free(&complaint);
    return zeebe_request_build(&line->request, &line->args, &line->err);
}

static void end(struct line *line)
{
    zeebe_request_free(&line->request);
    args_free(&line->args);
}

struct sent {
    const char *command, *rpc, *json;
};

static void check_sent(const struct sent *sent, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct line line;
        if (build(&line, sent[i].command) != WEIR_OK)
            fail_msg("%s: %s", sent[i].command, line.err.message);
        assert_string_equal(zeebe_rpc_of(&line.args)->name, sent[i].rpc);
        assert_string_equal(str_text(&line.request.json), sent[i].json);
        end(&line);
    }
}

static void commands_about_instances_become_requests(void **state)
{
    (void)state;
    static const struct sent sent[] = {
        {"create instance order", "CreateProcessInstance",
         "{\"bpmnProcessId\":\"order\",\"version\":-1,\"variables\":\"{}\"}"},
        {"create instance 2251799813685249 --variables {\"a\":1} --version 3 --tenant-id t "
         "--operation-reference 18446744073709551615 --tags x,y --tags z --start-instruction a "
         "--start-instruction b",
         "CreateProcessInstance",
         "{\"processDefinitionKey\":\"2251799813685249\",\"version\":3,\"variables\":\"{\\\"a\\\":"
         "1}\","
         "\"startInstructions\":[{\"elementId\":\"a\"},{\"elementId\":\"b\"}],\"tags\":[\"x\","
         "\"y\",\"z\"],"
         "\"tenantId\":\"t\",\"operationReference\":\"18446744073709551615\"}"},
        {"create instance order --withResult", "CreateProcessInstanceWithResult",
         "{\"request\":{\"bpmnProcessId\":\"order\",\"version\":-1,\"variables\":\"{}\"},"
         "\"requestTimeout\":\"9000\"}"},
        {"create instance --with-result=a,b order --request-timeout 1m",
         "CreateProcessInstanceWithResult",
         "{\"request\":{\"bpmnProcessId\":\"order\",\"version\":-1,\"variables\":\"{}\"},"
         "\"requestTimeout\":\"54000\",\"fetchVariables\":[\"a\",\"b\"]}"},
        {"cancel instance 5 --operation-reference 007", "CancelProcessInstance",
         "{\"processInstanceKey\":\"5\",\"operationReference\":\"7\"}"},
        {"cancel instance \"9223372036854775807\"", "CancelProcessInstance",
         "{\"processInstanceKey\":\"9223372036854775807\"}"},
        {"modify instance 5 --activate a={\"x\":1} --activate b --terminate 7",
         "ModifyProcessInstance",
         "{\"processInstanceKey\":\"5\",\"activateInstructions\":[{\"elementId\":\"a\","
         "\"variableInstructions\":[{\"variables\":\"{\\\"x\\\":1}\"}]},{\"elementId\":\"b\"}],"
         "\"terminateInstructions\":[{\"elementInstanceKey\":\"7\"}]}"},
        {"modify instance 5 --plan {\"moveInstructions\":[]} --operation-reference 1",
         "ModifyProcessInstance",
         "{\"processInstanceKey\":\"5\",\"moveInstructions\":[],\"operationReference\":\"1\"}"},
        {"modify instance 5 --plan {}", "ModifyProcessInstance", "{\"processInstanceKey\":\"5\"}"},
        {"migrate instance 5 --target-definition 6 --map a=b --map c=d=e", "MigrateProcessInstance",
         "{\"processInstanceKey\":\"5\",\"migrationPlan\":{\"targetProcessDefinitionKey\":\"6\","
         "\"mappingInstructions\":[{\"sourceElementId\":\"a\",\"targetElementId\":\"b\"},"
         "{\"sourceElementId\":\"c\",\"targetElementId\":\"d=e\"}]}}"},
        {"migrate instance 5 --plan {\"targetProcessDefinitionKey\":6}", "MigrateProcessInstance",
         "{\"processInstanceKey\":\"5\",\"migrationPlan\":{\"targetProcessDefinitionKey\":6}}"},
        {"set variables 5 --variables {} --local", "SetVariables",
         "{\"elementInstanceKey\":\"5\",\"variables\":\"{}\",\"local\":true}"},
        {"set variables 5 --variables {} --local=false", "SetVariables",
         "{\"elementInstanceKey\":\"5\",\"variables\":\"{}\"}"},
        {"resolve incident 5", "ResolveIncident", "{\"incidentKey\":\"5\"}"},
        {"evaluate decision discount --tenant-id t", "EvaluateDecision",
         "{\"decisionId\":\"discount\",\"variables\":\"{}\",\"tenantId\":\"t\"}"},
        {"evaluate decision 7", "EvaluateDecision", "{\"decisionKey\":\"7\",\"variables\":\"{}\"}"},
        {"delete resource 5", "DeleteResource", "{\"resourceKey\":\"5\"}"},
    };
    check_sent(sent, sizeof sent / sizeof *sent);
}

static void commands_about_jobs_and_messages_become_requests(void **state)
{
    (void)state;
    static const struct sent sent[] = {
        {"activate jobs pay", "ActivateJobs",
         "{\"type\":\"pay\",\"worker\":\"weir\",\"timeout\":\"300000\",\"maxJobsToActivate\":1,"
         "\"requestTimeout\":\"9000\"}"},
        {"activate jobs pay --maxJobsToActivate 7 --timeout 1m --variables a,b --worker me "
         "--tenant-ids t,,u --long-poll 0",
         "ActivateJobs",
         "{\"type\":\"pay\",\"worker\":\"me\",\"timeout\":\"60000\",\"maxJobsToActivate\":7,"
         "\"fetchVariable\":[\"a\",\"b\"],\"requestTimeout\":\"-1\",\"tenantIds\":[\"t\",\"u\"]}"},
        {"complete job 5 --variables {\"q\":\"\\\"\"}", "CompleteJob",
         "{\"jobKey\":\"5\",\"variables\":\"{\\\"q\\\":\\\"\\\\\\\"\\\"}\"}"},
        {"fail job 5 --retries 2 --retryBackoff 5s --errorMessage \"}", "FailJob",
         "{\"jobKey\":\"5\",\"retries\":2,\"errorMessage\":\"\\\"}\",\"retryBackOff\":\"5000\","
         "\"variables\":\"{}\"}"},
        {"throwError job 5 --errorCode C", "ThrowError",
         "{\"jobKey\":\"5\",\"errorCode\":\"C\",\"variables\":\"{}\"}"},
        {"throw-error job 5 --error-code C --error-message m", "ThrowError",
         "{\"jobKey\":\"5\",\"errorCode\":\"C\",\"errorMessage\":\"m\",\"variables\":\"{}\"}"},
        {"update retries 5 --retries -1", "UpdateJobRetries", "{\"jobKey\":\"5\",\"retries\":-1}"},
        {"update timeout 5 --timeout 10000", "UpdateJobTimeout",
         "{\"jobKey\":\"5\",\"timeout\":\"10000\"}"},
        {"publish message paid --correlationKey 7 --messageId m --ttl 1h --tenant-id t",
         "PublishMessage",
         "{\"name\":\"paid\",\"correlationKey\":\"7\",\"timeToLive\":\"3600000\",\"messageId\":"
         "\"m\","
         "\"variables\":\"{}\",\"tenantId\":\"t\"}"},
        {"publish message paid --correlation-key=", "PublishMessage",
         "{\"name\":\"paid\",\"correlationKey\":\"\",\"timeToLive\":\"5000\",\"variables\":\"{}"
         "\"}"},
        {"broadcast signal s --variables {}", "BroadcastSignal",
         "{\"signalName\":\"s\",\"variables\":\"{}\"}"},
    };
    check_sent(sent, sizeof sent / sizeof *sent);
}

static void what_the_gateway_may_wait_fits_into_the_limit(void **state)
{
    (void)state;
    static const struct {
        const char *flags, *wait;
        weir_ms limit;
    } known[] = {
        {"--request-timeout 10s --long-poll 60s", "9000", 10000},
        {"--request-timeout 60s --long-poll 20s", "20000", 60000},
        {"--long-poll 60s", "60000", 70000},
        {"--request-timeout 0", "2147483647", WEIR_FOREVER},
        {"--request-timeout 0 --long-poll 1h", "3600000", WEIR_FOREVER},
        {"--request-timeout 1s", "500", 1000},
        {"--request-timeout 600ms", "300", 600},
        {"--request-timeout 1ms", "1", 1},
        {"--long-poll 0", "-1", 10000},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct line line;
        char command[128], wanted[64];
        (void)snprintf(command, sizeof command, "activate jobs t %s", known[i].flags);
        (void)snprintf(wanted, sizeof wanted, "\"requestTimeout\":\"%s\"", known[i].wait);
        assert_int_equal(build(&line, command), WEIR_OK);
        if (!strstr(line.request.json.data, wanted))
            fail_msg("%s: no %s in %s", known[i].flags, wanted, line.request.json.data);
        assert_true(line.request.timeout == known[i].limit || known[i].wait[0] == '-');
        end(&line);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        bool usage;
        const char *message;
    } known[] = {
        {"cancel instance abc", true, "KEY: \"abc\" is no key"},
        {"cancel instance 0", true, "KEY: \"0\" is no key"},
        {"cancel instance 9223372036854775808", true, "KEY: \"9223372036854775808\" is no key"},
        {"cancel instance 99999999999999999999999999", true, "is no key"},
        {"cancel instance \"\"", true, "is no key"},
        {"cancel instance 5 --operation-reference -1", true, "--operation-reference: \"-1\""},
        {"cancel instance 5 --operation-reference 18446744073709551616", true, "from 0 to 1844674"},
        {"create instance ", true, "ID|KEY is empty"},
        {"create instance x --version 2147483648", true, "does not fit into 32 bits"},
        {"create instance x --start-instruction ", true, "--start-instruction: no element"},
        {"create instance x --variables [1]", false,
         "--variables: line 1, column 1: a JSON object"},
        {"create instance x --variables {\"a\":}", false,
         "--variables: JSON: no valid JSON at line"},
        {"create instance x --variables ", false,
         "--variables: line 1, column 1: nothing is there"},
        {"create instance x --variables @/nowhere/at/all", false, "--variables: cannot read"},
        {"create instance \xff", true, "ID|KEY is not UTF-8"},
        {"modify instance 5", true, "--activate is required, or --plan FILE, or --terminate KEY"},
        {"modify instance 5 --plan {} --terminate 7", true, "--plan and --terminate exclude"},
        {"modify instance 5 --activate ={}", true, "--activate: \"={}\" names no element"},
        {"modify instance 5 --activate a=1", false, "--activate: line 1, column 1"},
        {"modify instance 5 --terminate a", true, "--terminate: \"a\" is no key"},
        {"modify instance 5 --plan []", false, "--plan: line 1, column 1"},
        {"migrate instance 5 --map a=b", true, "--target-definition is required, or --plan FILE"},
        {"migrate instance 5 --target-definition 6", true, "--map is required, or --plan FILE"},
        {"migrate instance 5 --target-definition 6 --map a=", true, "is not SOURCE=TARGET"},
        {"migrate instance 5 --target-definition x --map a=b", true, "--target-definition: \"x\""},
        {"deploy /nowhere/at/all.bpmn", false, "cannot read /nowhere/at/all.bpmn: No such file"},
        {"deploy ", true, "PATH is empty"},
        {"deploy -", true, "standard input needs a name: --resource-names"},
        {"deploy a/x.bpmn b/x.bpmn", true, "a/x.bpmn and b/x.bpmn would both be the resource"},
        {"deploy a.bpmn --resource-names x,y", true, "more names than resources (1)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct line line;
        if (build(&line, known[i].command) == WEIR_OK)
            fail_msg("%s was understood: %s", known[i].command, str_text(&line.request.json));
        if (!strstr(line.err.message, known[i].message) || line.request.usage != known[i].usage)
            fail_msg("%s: %s", known[i].command, line.err.message);
        end(&line);
    }
}

/* ---- deploying --------------------------------------------------------------------------- */

static void put(const char *folder, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void take_away(const char *folder, const char *const *names)
{
    char path[128];
    for (size_t i = 0; names[i]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void a_folder_is_its_resources_in_the_order_of_their_names(void **state)
{
    (void)state;
    static const char *const names[] = {"b.bpmn", "a.form", "c.dmn", "notes.txt", ".hidden.bpmn",
                                        "bpmn",   "x.BPMN", ".bpmn", NULL};
    char folder[] = "/tmp/weir-deploy-XXXXXX", command[128];
    struct line line;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; names[i]; i++)
        put(folder, names[i], "hi!");
    (void)snprintf(command, sizeof command, "deploy %s/ --tenant-id t", folder);
    assert_int_equal(build(&line, command), WEIR_OK);
    assert_string_equal(str_text(&line.request.json),
                        "{\"resources\":[{\"name\":\"a.form\",\"content\":\"aGkh\"},"
                        "{\"name\":\"b.bpmn\",\"content\":\"aGkh\"},"
                        "{\"name\":\"c.dmn\",\"content\":\"aGkh\"}],\"tenantId\":\"t\"}");
    end(&line);
    (void)snprintf(command, sizeof command, "deploy resource %s/b.bpmn %s --resource-names z",
                   folder, folder);
    assert_int_equal(build(&line, command), WEIR_OK);
    assert_non_null(strstr(str_text(&line.request.json), "[{\"name\":\"z\""));
    end(&line);
    take_away(folder, names);
}

static void a_folder_without_resources_is_said(void **state)
{
    (void)state;
    static const char *const names[] = {"notes.txt", NULL};
    char folder[] = "/tmp/weir-deploy-XXXXXX", command[128];
    struct line line;
    assert_non_null(mkdtemp(folder));
    put(folder, names[0], "");
    (void)snprintf(command, sizeof command, "deploy %s", folder);
    assert_int_equal(build(&line, command), WEIR_INVALID);
    assert_non_null(strstr(line.err.message, "has no file named *.bpmn, *.dmn or *.form"));
    end(&line);
    take_away(folder, names);
}

/* ---- what is printed ------------------------------------------------------------------------ */

static void texts_are_zbctls(void **state)
{
    (void)state;
    static const struct {
        const char *command, *answer, *text;
    } known[] = {
        {"cancel instance 5", "{}", "Canceled process instance with key '5'"},
        {"complete job 5 --variables {\"a\":1}", "{}",
         "Completed job with key '5' and variables '{\"a\":1}'"},
        {"fail job 1 --retries 2 --retry-backoff 90s", "{}",
         "Failed job with key '1' and set remaining retries to '2' and variables '{}' with retry "
         "backoff '1m30s'"},
        {"fail job 1 --retries 0", "{}",
         "Failed job with key '1' and set remaining retries to '0' and variables '{}' with retry "
         "backoff '0s'"},
        {"throw-error job 5 --error-code C", "{}", "Threw error with code 'C' on job with key 5"},
        {"update retries 5 --retries 4", "{}", "Updated the retries of job with key '5' to '4'"},
        {"update timeout 5 --timeout 10s", "{}",
         "Updated the timeout of job with key '5' to '10000'"},
        {"set variables 5 --variables {\"a\":1}", "{\"key\": \"3\"}",
         "Set the variables of element instance with key '5' to '{\"a\":1}' with command '3'"},
        {"resolve incident 5", "{}", "Resolved an incident of a process instance with key '5'"},
        {"delete resource 5", "{}", "Deleted resource with key '5'"},
        {"modify instance 5 --plan {}", "{}", "Modified process instance with key '5'"},
        {"migrate instance 5 --plan {}", "{}", "Migrated process instance with key '5'"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct line line;
        struct str text = {0};
        assert_int_equal(build(&line, known[i].command), WEIR_OK);
        zeebe_rpc_text(&text, zeebe_rpc_of(&line.args), str_text(&line.request.json),
                       known[i].answer);
        assert_string_equal(str_text(&text), known[i].text);
        str_free(&text);
        end(&line);
    }
}

static void the_jobs_of_all_messages_are_one_document(void **state)
{
    (void)state;
    static const char *const messages[][4] = {
        {NULL},
        {"{\n  \"jobs\": []\n}", NULL},
        {"{\n  \"jobs\": [\n    {\n      \"key\": \"1\"\n    }\n  ]\n}", "{\n  \"jobs\": []\n}",
         "{\n  \"jobs\": [\n    {\n      \"key\": \"]\"\n    },\n    {\n      \"key\": \"[\"\n    "
         "}\n  ]\n}",
         NULL},
    };
    static const char *const wanted[] = {
        "{\n  \"jobs\": []\n}\n",
        "{\n  \"jobs\": []\n}\n",
        "{\n  \"jobs\": [\n    {\n      \"key\": \"1\"\n    },\n    {\n      \"key\": \"]\"\n    "
        "},\n"
        "    {\n      \"key\": \"[\"\n    }\n  ]\n}\n",
    };
    const struct zeebe_rpc *rpc = table_command(&weir_table, "zeebe activate jobs")->rpc;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct str all = {0}, text = {0};
        for (size_t k = 0; messages[i][k]; k++)
            zeebe_merge(&all, messages[i][k]);
        zeebe_merged_text(&text, rpc, &all);
        assert_string_equal(str_text(&text), wanted[i]);
        str_free(&all);
        str_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_about_instances_become_requests),
        cmocka_unit_test(commands_about_jobs_and_messages_become_requests),
        cmocka_unit_test(what_the_gateway_may_wait_fits_into_the_limit),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_folder_is_its_resources_in_the_order_of_their_names),
        cmocka_unit_test(a_folder_without_resources_is_said),
        cmocka_unit_test(texts_are_zbctls),
        cmocka_unit_test(the_jobs_of_all_messages_are_one_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
