/* Jobs as bytes: what protobuf-c writes is read, what is written protobuf-c reads. */
#include "zeebe/codec_jobs.h"

#include "core/mem.h"
#include "lib/check.h"
#include "zeebe/codec.h"

#include <string.h>

static const char whole_job[] =
    "{\"key\":\"2251799813685281\",\"type\":\"pay\",\"processInstanceKey\":\"7\","
    "\"bpmnProcessId\":\"order\",\"processDefinitionVersion\":3,\"processDefinitionKey\":\"8\","
    "\"elementId\":\"task\",\"elementInstanceKey\":\"9\",\"customHeaders\":\"{\\\"a\\\":\\\"b\\\"}"
    "\","
    "\"worker\":\"w\",\"retries\":2,\"deadline\":\"1700000000000\",\"variables\":\"{\\\"x\\\":1}\","
    "\"tenantId\":\"<default>\",\"userTask\":{\"assignee\":\"ann\",\"candidateGroups\":[],"
    "\"candidateUsers\":[\"u\"],\"changedAttributes\":[]},\"kind\":\"TASK_LISTENER\","
    "\"listenerEventType\":\"CREATING\",\"tags\":[\"t1\",\"t2\"]}";

/* The bytes of `json`, as a message of the RPC. */
static weir_bytes wire_of(const char *rpc, bool request, const char *json)
{
    weir_error err = {0};
    const struct codec_method *method = codec_method_find(rpc, &err);
    weir_bytes wire = {NULL, 0};
    char *data = NULL;
    assert_non_null(method);
    if (codec_json_to_wire(request ? method->request : method->response, json, &data, &wire.len,
                           &err) != WEIR_OK)
        fail_msg("%s", err.message);
    wire.data = data;
    return wire;
}

static void every_field_of_a_job_is_read_and_written_back(void **state)
{
    struct job_fields f;
    weir_error err = {0};
    (void)state;
    weir_bytes wire = wire_of("StreamActivatedJobs", false, whole_job);
    size_t room = codec_job_room(wire);
    assert_int_not_equal(room, SIZE_MAX);
    char *texts = mem_zalloc(room);
    codec_job_read(wire, &f, texts);
    assert_true(f.key == INT64_C(2251799813685281));
    assert_int_equal(f.retries, 2);
    assert_int_equal(f.process_definition_version, 3);
    assert_string_equal(f.variables, "{\"x\":1}");
    assert_int_equal(f.variables_len, 7);
    assert_string_equal(f.custom_headers, "{\"a\":\"b\"}");
    char *json = codec_job_json(&f, true, &err);
    assert_string_equal(json, whole_job);
    mem_free(json);
    mem_free(texts);
    mem_free((void *)(uintptr_t)wire.data);
}

static void a_job_without_anything_has_empty_texts(void **state)
{
    struct job_fields f;
    (void)state;
    assert_int_equal(codec_job_room((weir_bytes){"", 0}), 0);
    codec_job_read((weir_bytes){"", 0}, &f, NULL);
    assert_int_equal(f.key, 0);
    assert_string_equal(f.type, "");
    assert_string_equal(f.variables, "");
    assert_int_equal(f.rest.len, 0);
}

static void unknown_fields_are_skipped_and_the_last_of_two_counts(void **state)
{
    static const char wire[] = "\x08\x05"        /* key 5                             */
                               "\xaa\x01\x03lea" /* 21, a text: the lease token of 8.10 */
                               "\xb5\x01"
                               "abcd" /* 22, four bytes                     */
                               "\x12\x01"
                               "a" /* type "a"                           */
                               "\x12\x02"
                               "bc"; /* type "bc"                          */
    struct job_fields f;
    char room[64];
    weir_bytes bytes = {wire, sizeof wire - 1};
    (void)state;
    assert_in_range(codec_job_room(bytes), 1, sizeof room);
    codec_job_read(bytes, &f, room);
    assert_int_equal(f.key, 5);
    assert_string_equal(f.type, "bc");
}

static void a_job_cut_anywhere_is_none_or_a_shorter_one(void **state)
{
    (void)state;
    weir_bytes wire = wire_of("StreamActivatedJobs", false, whole_job);
    for (size_t len = 0; len < wire.len; len++) {
        char *cut = mem_dup(wire.data, len); /* of exactly that size, for the sanitizers */
        size_t room = codec_job_room((weir_bytes){cut, len});
        if (room != SIZE_MAX) {
            struct job_fields f;
            char *texts = mem_zalloc(room);
            codec_job_read((weir_bytes){cut, len}, &f, texts);
            assert_true(strlen(f.variables) <= 7);
            mem_free(texts);
        }
        mem_free(cut);
    }
    mem_free((void *)(uintptr_t)wire.data);
}

static void a_field_of_the_wrong_type_makes_it_none(void **state)
{
    static const char *const wrong[] = {
        "\x0a\x01x", /* the key as a text                   */
        "\x10\x01",  /* the type as a number                */
        "\x0b",      /* a group, which proto3 does not have */
        "\x02",      /* field 0                             */
        "\x12\x05xx" /* a text that ends too early          */
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(codec_job_room((weir_bytes){wrong[i], strlen(wrong[i])}), SIZE_MAX);
}

static void the_jobs_of_an_answer_come_one_by_one(void **state)
{
    weir_bytes job;
    size_t at = 0;
    int64_t sum = 0;
    (void)state;
    weir_bytes wire = wire_of("ActivateJobs", false,
                              "{\"jobs\":[{\"key\":1},{\"key\":2,\"type\":\"a\"},{\"key\":4}]}");
    while (codec_jobs_next(wire, &at, &job) == CODEC_MORE) {
        struct job_fields f;
        char room[16];
        assert_in_range(codec_job_room(job), 0, sizeof room);
        codec_job_read(job, &f, room);
        sum += f.key;
    }
    assert_int_equal(sum, 7);
    assert_int_equal(at, wire.len);
    at = 0;
    assert_int_equal(codec_jobs_next((weir_bytes){"\x0a\x7f", 2}, &at, &job), CODEC_BROKEN);
    at = 0;
    assert_int_equal(codec_jobs_next((weir_bytes){"\x08\x01", 2}, &at, &job), CODEC_BROKEN);
    mem_free((void *)(uintptr_t)wire.data);
}

/* ---- what is sent ------------------------------------------------------------------------ */

static void expect_request(const char *rpc, struct buf *made, const char *json)
{
    weir_error err = {0};
    const struct codec_method *method = codec_method_find(rpc, &err);
    assert_non_null(method);
    assert_false(made->failed);
    char *text =
        codec_wire_to_json(method->request, (weir_bytes){made->data, made->len}, true, &err);
    assert_non_null(text);
    assert_string_equal(text, json);
    mem_free(text);
    buf_free(made);
}

static void activations_say_what_protobuf_reads(void **state)
{
    static const char *const variables[] = {"a", "b", NULL};
    static const char *const tenants[] = {"<default>", NULL};
    const struct activation a = {"pay", "w", 60000, variables, tenants, 1};
    struct buf out = BUF_INIT(1000);
    (void)state;
    codec_activate(&out, &a, 32, -1);
    expect_request("ActivateJobs", &out,
                   "{\"type\":\"pay\",\"worker\":\"w\",\"timeout\":\"60000\","
                   "\"maxJobsToActivate\":32,\"fetchVariable\":[\"a\",\"b\"],"
                   "\"requestTimeout\":\"-1\",\"tenantIds\":[\"<default>\"],"
                   "\"tenantFilter\":\"ASSIGNED\"}");
    codec_stream(&out, &a);
    expect_request("StreamActivatedJobs", &out,
                   "{\"type\":\"pay\",\"worker\":\"w\",\"timeout\":\"60000\","
                   "\"fetchVariable\":[\"a\",\"b\"],\"tenantIds\":[\"<default>\"],"
                   "\"tenantFilter\":\"ASSIGNED\"}");
}

static void settlings_say_what_protobuf_reads(void **state)
{
    struct buf out = BUF_INIT(1000);
    weir_bytes result = wire_of("CompleteJob", true, "{\"result\":{\"denied\":true}}");
    (void)state;
    codec_complete(&out, 300, "{}", (weir_bytes){(const char *)result.data + 2, result.len - 2});
    expect_request("CompleteJob", &out,
                   "{\"jobKey\":\"300\",\"variables\":\"{}\",\"result\":{\"denied\":true,"
                   "\"activateElements\":[]}}");
    codec_complete(&out, 1, NULL, (weir_bytes){NULL, 0});
    expect_request("CompleteJob", &out, "{\"jobKey\":\"1\",\"variables\":\"\"}");
    codec_fail(&out, 2, 0, 5000, "why", NULL);
    expect_request("FailJob", &out,
                   "{\"jobKey\":\"2\",\"retries\":0,\"errorMessage\":\"why\","
                   "\"retryBackOff\":\"5000\",\"variables\":\"\"}");
    codec_throw(&out, 3, "C", NULL, "{\"a\":1}");
    expect_request("ThrowError", &out,
                   "{\"jobKey\":\"3\",\"errorCode\":\"C\",\"errorMessage\":\"\","
                   "\"variables\":\"{\\\"a\\\":1}\"}");
    codec_timeout(&out, 4, 60000);
    expect_request("UpdateJobTimeout", &out, "{\"jobKey\":\"4\",\"timeout\":\"60000\"}");
    mem_free((void *)(uintptr_t)result.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_job_is_read_and_written_back),
        cmocka_unit_test(a_job_without_anything_has_empty_texts),
        cmocka_unit_test(unknown_fields_are_skipped_and_the_last_of_two_counts),
        cmocka_unit_test(a_job_cut_anywhere_is_none_or_a_shorter_one),
        cmocka_unit_test(a_field_of_the_wrong_type_makes_it_none),
        cmocka_unit_test(the_jobs_of_an_answer_come_one_by_one),
        cmocka_unit_test(activations_say_what_protobuf_reads),
        cmocka_unit_test(settlings_say_what_protobuf_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
