#include "zeebe/kinds.h"
#include "lib/check.h"
#include "zeebe/codec.h"

#include <string.h>

static const struct {
    const char *rpc;
    int grpc;
    const char *words;
    int32_t kind;
} cases[] = {
    {"Topology", 8, "", WEIR_KIND_BACK_PRESSURE},
    {"CompleteJob", 5, "", WEIR_KIND_JOB_NOT_FOUND},
    {"FailJob", 9, "", WEIR_KIND_JOB_DEACTIVATED},
    {"ThrowError", 5, "", WEIR_KIND_JOB_NOT_FOUND},
    {"UpdateJobTimeout", 9, "", WEIR_KIND_JOB_DEACTIVATED},
    {"UpdateJobRetries", 5, "", WEIR_KIND_JOB_NOT_FOUND},
    {"UpdateJobRetries", 3, "", WEIR_KIND_UNKNOWN},
    {"CreateProcessInstance", 5, "", WEIR_KIND_PROCESS_NOT_FOUND},
    {"CreateProcessInstance", 9, "", WEIR_KIND_NO_START_EVENT},
    {"CreateProcessInstance", 3, "Expected document to be a root level object, but was 'ARRAY'",
     WEIR_KIND_INVALID_VARIABLES},
    {"CreateProcessInstance", 3, "Expected to handle gRPC request with tenant identifier 'x'",
     WEIR_KIND_UNKNOWN},
    {"CreateProcessInstance", 3,
     "Command 'CREATE' rejected with code 'INVALID_ARGUMENT': Expected to create instance of "
     "process with start instructions but no element found with id 'nowhere'.",
     WEIR_KIND_UNKNOWN},
    {"CreateProcessInstance", 2,
     "Command 'CREATE' rejected with code 'EXCEEDED_BATCH_RECORD_SIZE':",
     WEIR_KIND_MESSAGE_TOO_LARGE},
    {"CompleteJob", 2, "Command 'COMPLETE' rejected with code 'EXCEEDED_BATCH_RECORD_SIZE'",
     WEIR_KIND_MESSAGE_TOO_LARGE},
    {"CreateProcessInstance", 2, "something else", WEIR_KIND_UNKNOWN},
    {"CreateProcessInstance", 4, "", WEIR_KIND_UNKNOWN},
    {"CreateProcessInstanceWithResult", 4, "", WEIR_KIND_PROCESS_TIMED_OUT},
    {"CreateProcessInstanceWithResult", 5, "", WEIR_KIND_PROCESS_NOT_FOUND},
    {"CancelProcessInstance", 5, "", WEIR_KIND_INSTANCE_NOT_FOUND},
    {"MigrateProcessInstance", 5, "Expected to find process definition with key '1'",
     WEIR_KIND_PROCESS_NOT_FOUND},
    {"MigrateProcessInstance", 5, "no such instance", WEIR_KIND_INSTANCE_NOT_FOUND},
    {"DeployResource", 3, "", WEIR_KIND_INVALID_RESOURCE},
    {"EvaluateDecision", 5, "", WEIR_KIND_DECISION_NOT_FOUND},
    {"EvaluateDecision", 3, "Expected to evaluate 'd', but no decision found for id 'd'",
     WEIR_KIND_DECISION_NOT_FOUND},
    {"EvaluateDecision", 3, "something else", WEIR_KIND_UNKNOWN},
    {"PublishMessage", 6, "", WEIR_KIND_MESSAGE_EXISTS},
    {"PublishMessage", 3, "Invalid JSON value", WEIR_KIND_INVALID_VARIABLES},
    {"ResolveIncident", 5, "", WEIR_KIND_INCIDENT_NOT_FOUND},
    {"Topology", 5, "", WEIR_KIND_UNKNOWN},
    {"Job", 5, "", WEIR_KIND_UNKNOWN}, /* part of a name is no name */
};

static void each_rpc_and_status_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {.status = WEIR_REFUSED};
        kinds_set(&err, cases[i].rpc, cases[i].grpc, cases[i].words);
        if (err.kind != cases[i].kind)
            fail_msg("%s %d '%s': kind %d", cases[i].rpc, cases[i].grpc, cases[i].words,
                     (int)err.kind);
    }
}

/* Whatever is not listed has no kind. The gateway's words are none that say more. */
static const struct {
    const char *rpc;
    int grpc;
    int32_t kind;
} known[] = {
    {"ActivateJobs", 3, WEIR_KIND_INVALID_ACTIVATION},
    {"StreamActivatedJobs", 3, WEIR_KIND_INVALID_ACTIVATION},
    {"CancelProcessInstance", 5, WEIR_KIND_INSTANCE_NOT_FOUND},
    {"CompleteJob", 5, WEIR_KIND_JOB_NOT_FOUND},
    {"CompleteJob", 9, WEIR_KIND_JOB_DEACTIVATED},
    {"CreateProcessInstance", 3, WEIR_KIND_INVALID_VARIABLES},
    {"CreateProcessInstance", 5, WEIR_KIND_PROCESS_NOT_FOUND},
    {"CreateProcessInstance", 9, WEIR_KIND_NO_START_EVENT},
    {"CreateProcessInstanceWithResult", 3, WEIR_KIND_INVALID_VARIABLES},
    {"CreateProcessInstanceWithResult", 4, WEIR_KIND_PROCESS_TIMED_OUT},
    {"CreateProcessInstanceWithResult", 5, WEIR_KIND_PROCESS_NOT_FOUND},
    {"CreateProcessInstanceWithResult", 9, WEIR_KIND_NO_START_EVENT},
    {"EvaluateDecision", 5, WEIR_KIND_DECISION_NOT_FOUND},
    {"DeployProcess", 3, WEIR_KIND_INVALID_RESOURCE},
    {"DeployResource", 3, WEIR_KIND_INVALID_RESOURCE},
    {"FailJob", 5, WEIR_KIND_JOB_NOT_FOUND},
    {"FailJob", 9, WEIR_KIND_JOB_DEACTIVATED},
    {"ThrowError", 5, WEIR_KIND_JOB_NOT_FOUND},
    {"ThrowError", 9, WEIR_KIND_JOB_DEACTIVATED},
    {"PublishMessage", 6, WEIR_KIND_MESSAGE_EXISTS},
    {"ResolveIncident", 5, WEIR_KIND_INCIDENT_NOT_FOUND},
    {"SetVariables", 3, WEIR_KIND_INVALID_VARIABLES},
    {"SetVariables", 5, WEIR_KIND_INSTANCE_NOT_FOUND},
    {"UpdateJobRetries", 5, WEIR_KIND_JOB_NOT_FOUND},
    {"UpdateJobTimeout", 5, WEIR_KIND_JOB_NOT_FOUND},
    {"UpdateJobTimeout", 9, WEIR_KIND_JOB_DEACTIVATED},
    {"ModifyProcessInstance", 5, WEIR_KIND_INSTANCE_NOT_FOUND},
    {"MigrateProcessInstance", 5, WEIR_KIND_INSTANCE_NOT_FOUND},
};

static int32_t expected(const char *rpc, int grpc)
{
    if (grpc == 8)
        return WEIR_KIND_BACK_PRESSURE;
    for (size_t i = 0; i < COUNT(known); i++) {
        if (known[i].grpc == grpc && strcmp(known[i].rpc, rpc) == 0)
            return known[i].kind;
    }
    return WEIR_KIND_UNKNOWN;
}

static int32_t kind_of(const char *rpc, int grpc, const char *words)
{
    weir_error err = {.status = WEIR_REFUSED};
    kinds_set(&err, rpc, grpc, words);
    return err.kind;
}

static void every_rpc_with_every_status_means_what_it_should(void **state)
{
    (void)state;
    const struct codec_method *method;
    for (size_t i = 0; (method = codec_method_at(i)); i++) {
        for (int grpc = 1; grpc <= 16; grpc++) {
            int32_t kind = kind_of(method->name, grpc, "because");
            if (kind != expected(method->name, grpc))
                fail_msg("%s %d: kind %d", method->name, grpc, (int)kind);
        }
    }
}

/* The same status has several reasons: these words tell, whatever the RPC. */
static void the_brokers_words_tell_reasons_apart(void **state)
{
    static const char *const variables[] = {
        "Expected document to be a root level object, but was 'ARRAY'",
        "Invalid JSON value: Unexpected character"};
    static const char *const tenants[] = {
        "Expected to handle gRPC request CreateProcessInstance with tenant identifier '<default>', "
        "but multi-tenancy is disabled",
        "but the tenant identifier is invalid"};
    (void)state;
    const struct codec_method *method;
    for (size_t i = 0; (method = codec_method_at(i)); i++) {
        bool jobs = strcmp(method->name, "ActivateJobs") == 0 ||
                    strcmp(method->name, "StreamActivatedJobs") == 0;
        for (size_t w = 0; w < 2; w++) {
            assert_int_equal(kind_of(method->name, 3, variables[w]),
                             jobs ? WEIR_KIND_INVALID_ACTIVATION : WEIR_KIND_INVALID_VARIABLES);
            assert_int_equal(kind_of(method->name, 3, tenants[w]),
                             jobs ? WEIR_KIND_INVALID_ACTIVATION : WEIR_KIND_UNKNOWN);
        }
    }
}

static void a_kind_that_is_known_already_stays(void **state)
{
    (void)state;
    weir_error err = {.status = WEIR_INVALID, .kind = WEIR_KIND_MESSAGE_TOO_LARGE};
    kinds_set(&err, "CompleteJob", 8, "larger than max");
    assert_int_equal(err.kind, WEIR_KIND_MESSAGE_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rpc_and_status_has_its_meaning),
        cmocka_unit_test(every_rpc_with_every_status_means_what_it_should),
        cmocka_unit_test(the_brokers_words_tell_reasons_apart),
        cmocka_unit_test(a_kind_that_is_known_already_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
