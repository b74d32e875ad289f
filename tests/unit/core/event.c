#include "lib/check.h"

#include "core/error.h"
#include "core/event.h"

#include <pthread.h>
#include <string.h>
#include <weir/event.h>

static weir_event *parsed(const char *text, weir_error *err)
{
    return weir_event_parse(text, strlen(text), err);
}

static void an_event_goes_through_structured_mode_unchanged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"replayid\":12,"
        "\"big\":true,\"x\":\"12\",\"time\":\"2026-01-02T03:04:05.678Z\",\"data\":{\"k\":"
        "9223372036854775807}}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
        "\"datacontenttype\":\"text/plain; charset=utf-8\",\"data\":\"a \\\"b\\\"\\u000a\"}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
        "\"datacontenttype\":\"application/octet-stream\",\"data_base64\":\"AAH/\"}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":null}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        weir_error err = {0};
        weir_event *event = parsed(texts[i], &err);
        if (!event)
            fail_msg("%zu: %s", i, err.message);
        char *text = weir_event_format(event, &err);
        assert_string_equal(text, texts[i]);
        weir_free(text);
        weir_event_free(event);
    }
}

static void what_is_no_event_is_refused_by_name(void **state)
{
    (void)state;
#define CORE "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\""
    static const struct {
        const char *text, *words;
        weir_status status;
    } cases[] = {
        {"[]", "a JSON object", WEIR_INVALID},
        {"{}", "'specversion' is missing", WEIR_INVALID},
        {"{\"specversion\":\"0.3\"}", "'0.3'", WEIR_UNSUPPORTED},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\"}", "'source'", WEIR_INVALID},
        {"{\"specversion\":\"1.0\",\"id\":\"\"}", "'id' is empty", WEIR_INVALID},
        {"{\"specversion\":\"1.0\",\"id\":1}", "'id' must be a string", WEIR_INVALID},
        {"{" CORE ",\"Upper\":\"x\"}", "'Upper' is no attribute name", WEIR_INVALID},
        {"{" CORE ",\"a_b\":\"x\"}", "'a_b'", WEIR_INVALID},
        {"{" CORE ",\"x\":[]}", "'x' must be a string, an integer or a boolean", WEIR_INVALID},
        {"{" CORE ",\"x\":1.5}", "'x' must be", WEIR_INVALID},
        {"{" CORE ",\"x\":\"a\\nb\"}", "control character", WEIR_INVALID},
        {"{" CORE ",\"time\":\"yesterday\"}", "RFC 3339", WEIR_INVALID},
        {"{" CORE ",\"time\":\"2026-13-01T00:00:00Z\"}", "RFC 3339", WEIR_INVALID},
        {"{" CORE ",\"data\":1,\"data_base64\":\"\"}", "both", WEIR_INVALID},
        {"{" CORE ",\"data_base64\":\"*\"}", "not base64", WEIR_INVALID},
        {"{" CORE ",\"data_base64\":7}", "must be a string", WEIR_INVALID},
        {"{" CORE, "ends too early", WEIR_INVALID},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_null(parsed(cases[i].text, &err));
        assert_int_equal(err.status, cases[i].status);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' is not in: %s", cases[i].words, err.message);
    }
}

static void an_event_made_here_has_what_it_was_given(void **state)
{
    (void)state;
    weir_error err = {0};
    const char *const extensions[] = {"userid", "u", "hub", "chat", NULL};
    weir_event *event =
        weir_event_new(WEIR_EVENT(.id = "7", .type = "t", .source = "/s", .subject = "about",
                                  .data = {"{\"a\":[1,2]}", 11}, .extensions = extensions),
                       &err);
    assert_non_null(event);
    assert_string_equal(weir_event_attr(event, "id"), "7");
    assert_string_equal(weir_event_attr(event, "specversion"), "1.0");
    assert_string_equal(weir_event_attr(event, "userid"), "u");
    assert_string_equal(weir_event_attr(event, "datacontenttype"), "application/json");
    assert_null(weir_event_attr(event, "time"));
    assert_int_equal(weir_event_data(event).len, 11);
    assert_string_equal(weir_event_text(event), "{\"a\":[1,2]}");
    assert_int_equal(weir_json_int(weir_event_json(event), "/a/1", 0), 2);
    weir_event *second = weir_event_ref(event);
    weir_event_free(event);
    assert_string_equal(weir_event_attr(second, "subject"), "about");
    weir_event_free(second);
    weir_event_free(NULL);
}

static void making_an_event_names_what_is_wrong(void **state)
{
    (void)state;
    weir_error err = {0};
    const char *const twice[] = {"id", "again", NULL};
    const char *const no_value[] = {"hub", NULL};
    assert_null(weir_event_new(WEIR_EVENT(.id = "7", .type = "t"), &err));
    assert_non_null(strstr(err.message, "'source' is missing"));
    assert_null(weir_event_new(WEIR_EVENT(.id = "7", .type = "t", .source = "s"), &err));
    assert_non_null(strstr(err.message, "'source' is missing")); /* rule 1: kept */
    weir_error_clear(&err);
    assert_null(weir_event_new(
        WEIR_EVENT(.id = "7", .type = "t", .source = "s", .extensions = twice), &err));
    assert_non_null(strstr(err.message, "'id' is given twice"));
    weir_error_clear(&err);
    assert_null(weir_event_new(
        WEIR_EVENT(.id = "7", .type = "t", .source = "s", .extensions = no_value), &err));
    assert_non_null(strstr(err.message, "'hub' has no value"));
}

static void data_that_is_no_text_is_bytes(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = weir_event_new(
        WEIR_EVENT(.id = "7", .type = "t", .source = "s", .data = {"\x00\xff", 2}), &err);
    assert_string_equal(weir_event_text(event), "");
    assert_null(weir_event_json(event));
    assert_null(weir_event_json(event));
    char *text = weir_event_format(event, &err);
    assert_non_null(strstr(text, "\"data_base64\":\"AP8=\""));
    weir_free(text);
    weir_event_free(event);
}

static void *ask(void *argument)
{
    const weir_event *event = argument;
    return weir_json_int(weir_event_json(event), "/a", 0) == 5 ? argument : NULL;
}

static void many_threads_may_ask_for_the_json_at_once(void **state)
{
    (void)state;
    pthread_t threads[8];
    weir_error err = {0};
    weir_event *event = parsed("{" CORE ",\"data\":{\"a\":5}}", &err);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, ask, event);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *same = NULL;
        pthread_join(threads[i], &same);
        assert_ptr_equal(same, event);
    }
    weir_event_free(event);
}

/* ---- slices ------------------------------------------------------------------------------ */

struct answer {
    struct event_slice events[2];
    atomic_size_t refs, asked;
};
static struct answer answer;

static size_t which(const weir_event *slice)
{
    return (const struct event_slice *)(const void *)slice == &answer.events[1];
}

static void take_one(const weir_event *slice)
{
    (void)slice;
    atomic_fetch_add(&answer.refs, 1);
}

static void drop_one(weir_event *slice)
{
    (void)slice;
    if (atomic_fetch_sub(&answer.refs, 1) > 1)
        return;
    event_slice_clear(&answer.events[0]);
    event_slice_clear(&answer.events[1]);
    memset(answer.events, 0, sizeof answer.events);
}

static weir_status describe(const weir_event *slice, weir_event *into, weir_error *err)
{
    atomic_fetch_add(&answer.asked, 1);
    event_set(into, "id", which(slice) ? "1" : "0", ATTR_TEXT, err);
    event_set(into, "source", "/s", ATTR_TEXT, err);
    event_set(into, "type", "t", ATTR_TEXT, err);
    event_set(into, "replayid", "7", ATTR_NUMBER, err);
    return event_set(into, "channel", "/c", ATTR_ASIDE, err);
}

static const char whole[] = "{\"data\":{\"a\":5}},{\"data\":[]}";

static weir_bytes data(const weir_event *slice)
{
    return which(slice) ? (weir_bytes){whole + 26, 2} : (weir_bytes){whole + 8, 7};
}

static weir_bytes original(const weir_event *slice)
{
    return which(slice) ? (weir_bytes){whole + 17, 12} : (weir_bytes){whole, 16};
}

static weir_event *slice_at(size_t i)
{
    static const struct event_kind kind = {take_one, drop_one, describe, data, original};
    atomic_fetch_add(&answer.refs, 1);
    answer.events[i] = (struct event_slice){.kind = &kind};
    return (weir_event *)(void *)&answer.events[i];
}

static void a_slice_says_what_it_is_when_it_is_asked(void **state)
{
    (void)state;
    weir_error err = {0};
    answer.asked = 0;
    weir_event *first = slice_at(0);
    weir_event *second = slice_at(1);
    assert_int_equal(weir_event_data(second).len, 2);
    assert_string_equal(weir_event_text(first), "{\"a\":5}");
    assert_ptr_equal(weir_event_text(first), weir_event_text(first));
    assert_int_equal(weir_json_int(weir_event_json(first), "/a", 0), 5);
    assert_memory_equal(weir_event_original(second).data, "{\"data\":[]}", 11);
    assert_int_equal(atomic_load(&answer.asked), 0);
    assert_string_equal(weir_event_attr(second, "id"), "1");
    assert_string_equal(weir_event_attr(second, "channel"), "/c");
    assert_null(weir_event_attr(second, "subject"));
    assert_int_equal(atomic_load(&answer.asked), 1);
    char *text = weir_event_format(first, &err);
    assert_string_equal(text, "{\"specversion\":\"1.0\",\"id\":\"0\",\"source\":\"/s\",\"type\":"
                              "\"t\",\"replayid\":7,\"data\":{\"a\":5}}");
    weir_free(text);
    weir_event *more = weir_event_ref(first);
    weir_event_free(first);
    weir_event_free(second);
    assert_string_equal(weir_event_attr(more, "id"), "0");
    weir_event_free(more);
    assert_int_equal(atomic_load(&answer.refs), 0);
}

static void *ask_a_slice(void *argument)
{
    const weir_event *event = argument;
    bool good = weir_json_int(weir_event_json(event), "/a", 0) == 5 &&
                strcmp(weir_event_attr(event, "id"), "0") == 0 &&
                strcmp(weir_event_text(event), "{\"a\":5}") == 0;
    return good ? argument : NULL;
}

static void many_threads_may_ask_a_slice_at_once(void **state)
{
    (void)state;
    pthread_t threads[8];
    weir_event *event = slice_at(0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, ask_a_slice, event);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *same = NULL;
        pthread_join(threads[i], &same);
        assert_ptr_equal(same, event);
    }
    weir_event_free(event);
}

static void what_is_whole_has_no_original(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = parsed("{" CORE "}", &err);
    assert_null(weir_event_original(event).data);
    assert_null(weir_event_original(NULL).data);
    weir_event_free(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_goes_through_structured_mode_unchanged),
        cmocka_unit_test(what_is_no_event_is_refused_by_name),
        cmocka_unit_test(an_event_made_here_has_what_it_was_given),
        cmocka_unit_test(making_an_event_names_what_is_wrong),
        cmocka_unit_test(data_that_is_no_text_is_bytes),
        cmocka_unit_test(many_threads_may_ask_for_the_json_at_once),
        cmocka_unit_test(a_slice_says_what_it_is_when_it_is_asked),
        cmocka_unit_test(many_threads_may_ask_a_slice_at_once),
        cmocka_unit_test(what_is_whole_has_no_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
