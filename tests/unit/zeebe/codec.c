/* protojson by the case: what is accepted, what it means, what is refused and how it is named. */
#include "lib/check.h"

#include "core/mem.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <string.h>
#include <weir/zeebe.h>

/* Request of the RPC from JSON, and what it is as JSON again; NULL: refused, and why. */
static const struct {
    const char *rpc, *in, *out, *refused;
} cases[] = {
    {"CompleteJob", "{}", "{\"jobKey\":\"0\",\"variables\":\"\"}", NULL},
    {"CompleteJob", NULL, "{\"jobKey\":\"0\",\"variables\":\"\"}", NULL},
    {"CompleteJob", "{\"jobKey\":\"9007199254740993\"}",
     "{\"jobKey\":\"9007199254740993\",\"variables\":\"\"}", NULL},
    {"CompleteJob", "{\"jobKey\":9007199254740993}",
     "{\"jobKey\":\"9007199254740993\",\"variables\":\"\"}", NULL},
    {"CompleteJob", "{\"jobKey\":-9223372036854775808}",
     "{\"jobKey\":\"-9223372036854775808\",\"variables\":\"\"}", NULL},
    {"CompleteJob", "{\"job_key\":1}", NULL, "job_key"},
    {"CompleteJob", "{\"jobKey\":null,\"variables\":null}", "{\"jobKey\":\"0\",\"variables\":\"\"}",
     NULL},
    {"CompleteJob", "{\"result\":{\"denied\":false}}", /* optional: shown when it is set */
     "{\"jobKey\":\"0\",\"variables\":\"\",\"result\":{\"denied\":false,\"activateElements\":[]}}",
     NULL},
    {"ActivateJobs", "{\"tenantFilter\":\"ASSIGNED\",\"maxJobsToActivate\":1e2}",
     "{\"type\":\"\",\"worker\":\"\",\"timeout\":\"0\",\"maxJobsToActivate\":100,"
     "\"fetchVariable\":[],\"requestTimeout\":\"0\",\"tenantIds\":[],\"tenantFilter\":"
     "\"ASSIGNED\"}",
     NULL},
    {"DeployResource", "{\"resources\":[{\"name\":\"a\",\"content\":\"AP8=\"}]}",
     "{\"resources\":[{\"name\":\"a\",\"content\":\"AP8=\"}],\"tenantId\":\"\"}", NULL},
    {"DeployResource", "{\"resources\":[{\"content\":\"_-8\"}]}", /* the URL alphabet, unpadded */
     "{\"resources\":[{\"name\":\"\",\"content\":\"/+8=\"}],\"tenantId\":\"\"}", NULL},

    {"CompleteJob", "{\"jobKey\":1.5}", NULL, "jobKey"},
    {"CompleteJob", "{\"jobKey\":\"1x\"}", NULL, "jobKey"},
    {"CompleteJob", "{\"jobKey\":9223372036854775808}", NULL, "64 bits"},
    {"CompleteJob", "{\"jobKey\":true}", NULL, "jobKey"},
    {"CompleteJob", "{\"jobKye\":1}", NULL, "jobKye"},
    {"CompleteJob", "{\"variables\":{\"a\":1}}", NULL, "variables"},
    {"CompleteJob", "{\"jobKey\":1} x", NULL, "line 1"},
    {"CompleteJob", "[1]", NULL, "object"},
    {"FailJob", "{\"retries\":2147483648}", NULL, "retries"},
    {"FailJob", "{\"retries\":1,\"retries\":2}", NULL, "occurs twice"},
    {"ActivateJobs", "{\"tenantFilter\":\"OTHERS\"}", NULL, "tenantFilter"},
    {"DeployResource", "{\"resources\":{}}", NULL, "resources"},
    {"DeployResource", "{\"resources\":[{\"content\":\"*\"}]}", NULL, "resources[0].content"},
    {"CreateProcessInstance", "{\"startInstructions\":[{\"elementId\":1}]}", NULL,
     "startInstructions[0].elementId"},
};

static void accepted(const struct codec_method *method, const char *in, const char *out)
{
    weir_error err = {0};
    char *wire = NULL;
    size_t len = 0;
    if (codec_json_to_wire(method->request, in, &wire, &len, &err) != WEIR_OK)
        fail_msg("%s: %s", in, err.message);
    char *again = codec_wire_to_json(method->request, (weir_bytes){wire, len}, true, &err);
    if (!again || strcmp(again, out) != 0)
        fail_msg("%s became %s", in, again ? again : err.message);
    mem_free(again);
    mem_free(wire);
}

static void each_text_means_a_message_or_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct codec_method *method = codec_method_find(cases[i].rpc, NULL);
        weir_error err = {0};
        char *wire = NULL;
        size_t len = 0;
        if (cases[i].out) {
            accepted(method, cases[i].in, cases[i].out);
            continue;
        }
        weir_status status = codec_json_to_wire(method->request, cases[i].in, &wire, &len, &err);
        if (status != WEIR_INVALID || !strstr(err.message, cases[i].refused))
            fail_msg("%s: %d '%s' does not name %s", cases[i].in, (int)status, err.message,
                     cases[i].refused);
    }
}

static void text_for_people_is_indented_by_two(void **state)
{
    (void)state;
    static const char wire[] = {0x0a, 0x02, 0x08, 0x01}; /* brokers[0].nodeId = 1 */
    char *text = codec_wire_to_json(codec_method_find("Topology", NULL)->response,
                                    (weir_bytes){wire, sizeof wire}, false, NULL);
    static const char begin[] = "{\n  \"brokers\": [\n    {\n      \"nodeId\": 1,\n";
    assert_memory_equal(text, begin, sizeof begin - 1);
    mem_free(text);
}

static void what_a_newer_gateway_says_is_read_as_far_as_it_is_known(void **state)
{
    (void)state;
    /* jobKey = 5, and fields 90 (number), 91 (bytes), 92 and 93 (fixed) that nobody knows */
    static const unsigned char wire[] = {0x08, 0x05, 0xd0, 0x05, 0x01, 0xda, 0x05, 0x01, 'x',
                                         0xe5, 0x05, 1,    2,    3,    4,    0xe9, 0x05, 1,
                                         2,    3,    4,    5,    6,    7,    8};
    char *text = codec_wire_to_json(codec_method_find("CompleteJob", NULL)->request,
                                    (weir_bytes){wire, sizeof wire}, true, NULL);
    assert_string_equal(text, "{\"jobKey\":\"5\",\"variables\":\"\"}");
    mem_free(text);
    /* An enum's unknown value is a number. */
    static const char health[] = {0x08, 0x2a};
    text = codec_wire_to_json(codec_method_find("grpc.health.v1.Health/Check", NULL)->response,
                              (weir_bytes){health, sizeof health}, true, NULL);
    assert_string_equal(text, "{\"status\":42}");
    mem_free(text);
}

static void a_message_cannot_take_much_more_memory_than_it_has_bytes(void **state)
{
    (void)state;
    enum { COUNT_OF_JOBS = 2 * 1024 * 1024 };
    char *wire = mem_zalloc(2 * (size_t)COUNT_OF_JOBS);
    for (size_t i = 0; i < COUNT_OF_JOBS; i++)
        wire[2 * i] = 0x0a; /* jobs[i], empty: two bytes that are a struct of 200 */
    weir_error err = {0};
    struct codec_message m;
    weir_status status = codec_unpack(&m, codec_method_find("ActivateJobs", NULL)->response,
                                      (weir_bytes){wire, 2 * (size_t)COUNT_OF_JOBS}, &err);
    assert_int_equal(status, WEIR_PROTOCOL);
    assert_non_null(strstr(err.message, "too much memory"));
    mem_free(wire);
}

static void every_rpc_is_found_by_its_names(void **state)
{
    (void)state;
    const char *const *names = weir_zeebe_rpcs();
    size_t count = 0;
    for (; names[count]; count++) {
        const struct codec_method *method = codec_method_find(names[count], NULL);
        assert_non_null(method);
        assert_string_equal(method->path + 1, names[count]);
        assert_ptr_equal(method, codec_method_at(count));
        char *text = weir_zeebe_describe(names[count], NULL);
        assert_non_null(strstr(text, method->name));
        weir_free(text);
    }
    assert_int_equal(count, 24);
    assert_null(codec_method_at(count));
    assert_ptr_equal(codec_method_find("/gateway_protocol.Gateway/Topology", NULL),
                     codec_method_find("gateway_protocol.Gateway.Topology", NULL));
    weir_error err = {0};
    assert_null(weir_zeebe_describe("Nothing", &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_means_a_message_or_is_refused_by_name),
        cmocka_unit_test(text_for_people_is_indented_by_two),
        cmocka_unit_test(what_a_newer_gateway_says_is_read_as_far_as_it_is_known),
        cmocka_unit_test(a_message_cannot_take_much_more_memory_than_it_has_bytes),
        cmocka_unit_test(every_rpc_is_found_by_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
