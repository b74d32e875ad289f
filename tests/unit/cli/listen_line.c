/* Events as lines. */
#include "cli/listen_line.h"

#include <string.h>

#include "lib/check.h"

static weir_event *with_data(const char *data, const char *type)
{
    static const char *const extensions[] = {"channel", "/event/A__e", "replayid", "7", NULL};
    weir_error err = {0};
    weir_event *event = weir_event_new(
        WEIR_EVENT(.id = "u", .type = "com.salesforce.event", .source = "https://x/event/A__e",
                   .content_type = type, .data = {data, strlen(data)}, .extensions = extensions),
        &err);
    assert_non_null(event);
    return event;
}

static void shows(const char *data, const char *type, enum listen_format format, const char *wanted)
{
    weir_event *event = with_data(data, type);
    struct str room = {0};
    weir_error err = {0};
    weir_bytes line = listen_line(event, format, &room, &err);
    assert_non_null(line.data);
    assert_int_equal(line.len, strlen(wanted));
    assert_memory_equal(line.data, wanted, line.len);
    str_free(&room);
    weir_event_free(event);
}

static void the_data_is_shown_as_it_came_but_on_one_line(void **state)
{
    (void)state;
    shows("{\"a\": 1.10}", NULL, FORMAT_DATA, "{\"a\": 1.10}");
    shows("{\r\n\"a\": 1\n}", NULL, FORMAT_DATA, "{  \"a\": 1 }");
    shows("9007199254740993", NULL, FORMAT_DATA, "9007199254740993");
}

static void the_payload_is_what_the_publisher_sent(void **state)
{
    (void)state;
    shows("{\"schema\":\"s\",\"payload\":{\"N__c\":1.10,\"x\":[\"}\"]},\"event\":{\"replayId\":7}}",
          NULL, FORMAT_PAYLOAD, "{\"N__c\":1.10,\"x\":[\"}\"]}");
    shows("{\"event\":{\"payload\":1},\"payload\":\"a \\\" text\"}", NULL, FORMAT_PAYLOAD,
          "\"a \\\" text\"");
    shows("{\"event\":{},\"sobject\":{\"Id\":\"1\"}}", NULL, FORMAT_PAYLOAD, "{\"Id\":\"1\"}");
    shows("{\"event\":{}}", NULL, FORMAT_PAYLOAD, "{\"event\":{}}");
    shows("[1]", NULL, FORMAT_PAYLOAD, "[1]");
}

static void a_message_without_an_original_is_made_of_channel_and_data(void **state)
{
    (void)state;
    shows("{\n}", NULL, FORMAT_MESSAGE, "{\"channel\":\"/event/A__e\",\"data\":{ }}");
}

static void what_is_no_json_becomes_a_string(void **state)
{
    (void)state;
    shows("two\nlines", "text/plain", FORMAT_DATA, "\"two\\nlines\"");
}

static void a_cloud_event_says_what_it_is(void **state)
{
    weir_event *event = with_data("{\"a\":1}", NULL);
    struct str room = {0};
    weir_error err = {0};
    (void)state;
    weir_bytes line = listen_line(event, FORMAT_CLOUDEVENT, &room, &err);
    weir_json *json = weir_json_parse(line.data, line.len, &err);
    assert_non_null(json);
    assert_string_equal(weir_json_str(json, "/specversion", ""), "1.0");
    assert_string_equal(weir_json_str(json, "/id", ""), "u");
    assert_string_equal(weir_json_str(json, "/replayid", ""), "7");
    assert_int_equal(weir_json_int(json, "/data/a", 0), 1);
    assert_null(memchr(line.data, '\n', line.len));
    weir_json_free(json);
    str_free(&room);
    weir_event_free(event);
}

static void member(const char *text, const char *name, const char *wanted)
{
    weir_bytes got = listen_json_member((weir_bytes){text, strlen(text)}, name);
    if (!wanted) {
        assert_null(got.data);
        return;
    }
    assert_non_null(got.data);
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void a_member_is_found_where_it_stands(void **state)
{
    (void)state;
    member("{\"a\":1,\"b\" : [1, {\"a\":2}] , \"c\":\"}\\\\\"}", "b", "[1, {\"a\":2}]");
    member("{\"a\":1,\"b\":2,\"c\":\"}\\\\\"}", "c", "\"}\\\\\"");
    member(" { \"a\" : -1.5e3 } ", "a", "-1.5e3");
    member("{\"x\":{\"a\":1}}", "a", NULL);
    member("{}", "a", NULL);
    member("", "a", NULL);
    member("[\"a\",1]", "a", NULL);
}

/* Whatever is thrown at it, it stays inside the text. */
static void broken_text_does_no_harm(void **state)
{
    static const char whole[] = "{\"a\":{\"b\":[\"\\\"\",null]},\"c\":1}";
    (void)state;
    for (size_t len = 0; len < sizeof whole; len++) {
        char *part = copy_or_exit(whole, len);
        (void)listen_json_member((weir_bytes){part, len}, "c");
        release_memory(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_data_is_shown_as_it_came_but_on_one_line),
        cmocka_unit_test(the_payload_is_what_the_publisher_sent),
        cmocka_unit_test(a_message_without_an_original_is_made_of_channel_and_data),
        cmocka_unit_test(what_is_no_json_becomes_a_string),
        cmocka_unit_test(a_cloud_event_says_what_it_is),
        cmocka_unit_test(a_member_is_found_where_it_stands),
        cmocka_unit_test(broken_text_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
