#include "bayeux/message.h"
#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "lib/check.h"

#include <stdlib.h>
#include <string.h>

static struct batch *read_text(const char *text, size_t len, weir_error *err)
{
    return batch_new(mem_dup(text, len), len, "https://a.example/cometd", err);
}

static struct batch *good(const char *text)
{
    weir_error err = {0};
    struct batch *batch = read_text(text, strlen(text), &err);
    if (!batch)
        fail_msg("%s: %s", text, err.message);
    return batch;
}

static void same(weir_bytes slice, const char *text)
{
    if (!text) {
        assert_null(slice.data);
        return;
    }
    assert_non_null(slice.data);
    assert_int_equal(slice.len, strlen(text));
    assert_memory_equal(slice.data, text, slice.len);
}

static void a_message_is_its_members(void **state)
{
    (void)state;
    static const char one[] =
        "{\"channel\":\"/a\",\"id\":\"7\",\"clientId\":\"c\",\"subscription\":[\"/x\"],"
        "\"successful\" : true ,\"error\":\"403::no\",\"advice\":{\"reconnect\":\"none\"},"
        "\"ext\":{\"data\":{\"event\":{\"replayId\":1}}},\"other\":[{\"id\":1}],"
        "\"data\":{\"id\":\"inner\",\"event\":{\"replayId\":9007199254740993,\"id\":0}}}";
    struct batch *batch = good(one);
    assert_int_equal(batch->count, 1);
    const struct message *m = batch->messages;
    same(m->raw, one);
    same(m->channel, "\"/a\"");
    same(m->id, "\"7\"");
    same(m->client_id, "\"c\"");
    same(m->subscription, "[\"/x\"]");
    same(m->successful, "true");
    same(m->error, "\"403::no\"");
    same(m->advice, "{\"reconnect\":\"none\"}");
    same(m->ext, "{\"data\":{\"event\":{\"replayId\":1}}}");
    same(m->data, "{\"id\":\"inner\",\"event\":{\"replayId\":9007199254740993,\"id\":0}}");
    same(m->replay_id, "9007199254740993");
    batch_free(batch);
}

static void an_answer_is_an_array_or_a_single_message(void **state)
{
    (void)state;
    struct batch *batch =
        good(" [ {\"channel\":\"/a\"} ,\n{\"channel\":\"/b\",\"data\":\"\"}\t] \r\n");
    assert_int_equal(batch->count, 2);
    same(batch->messages[1].raw, "{\"channel\":\"/b\",\"data\":\"\"}");
    same(batch->messages[0].data, NULL);
    struct batch *again = batch_ref(batch);
    batch_free(batch);
    same(again->messages[1].data, "\"\"");
    batch_free(again);
    batch = good("[]");
    assert_int_equal(batch->count, 0);
    batch_free(batch);
    batch = good("{\"channel\":\"/meta/connect\"}");
    assert_int_equal(batch->count, 1);
    batch_free(batch);
}

static void many_messages_are_all_there(void **state)
{
    (void)state;
    struct buf text = BUF_INIT((size_t)1000000);
    buf_adds(&text, "[");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, "%s{\"channel\":\"/%d\",\"data\":{\"event\":{\"replayId\":%d}}}",
                 i ? "," : "", i, i);
    buf_adds(&text, "]");
    struct batch *batch = good(text.data);
    assert_int_equal(batch->count, 1000);
    for (int i = 0; i < 1000; i++) {
        int64_t id = -1;
        assert_true(slice_int(batch->messages[i].replay_id, &id));
        assert_int_equal(id, i);
    }
    batch_free(batch);
    buf_free(&text);
}

static void names_may_be_written_with_escapes(void **state)
{
    (void)state;
    struct batch *batch = good("{\"\\u0063hannel\":\"/a\",\"d\\u0061ta\":{\"ev\\u0065nt\":"
                               "{\"r\\u0065playId\":5}},\"i\\\"d\":1}");
    same(batch->messages[0].channel, "\"/a\"");
    same(batch->messages[0].replay_id, "5");
    same(batch->messages[0].id, NULL);
    batch_free(batch);
}

static void a_replay_id_is_found_in_its_place_only(void **state)
{
    (void)state;
    static const char *const without[] = {
        "{\"channel\":\"/a\",\"event\":{\"replayId\":1}}",
        "{\"channel\":\"/a\",\"data\":{\"replayId\":1}}",
        "{\"channel\":\"/a\",\"data\":{\"payload\":{\"event\":{\"replayId\":1}}}}",
        "{\"channel\":\"/a\",\"data\":{\"event\":[{\"replayId\":1}]}}",
        "{\"channel\":\"/a\",\"data\":{\"event\":{\"x\":{\"replayId\":1}}}}",
        "{\"channel\":\"/a\",\"data\":[{\"event\":{\"replayId\":1}}]}",
        "{\"channel\":\"/a\",\"data\":{\"event\":\"replayId\"}}",
    };
    for (size_t i = 0; i < COUNT(without); i++) {
        struct batch *batch = good(without[i]);
        same(batch->messages[0].replay_id, NULL);
        batch_free(batch);
    }
}

static const struct {
    const char *text, *says;
    bool may_pass;
} refused[] = {
    {"", "the answer is empty", true},
    {" \n", "the answer is empty", true},
    {"<html><body>Error</body></html>", "is an HTML page", false},
    {"\n <!DOCTYPE html>", "is an HTML page", false},
    {"Service Unavailable", "no JSON: Service Unavailable", false},
    {"\xef\xbb\xbf[]", "no JSON", false},
    {"[", "cut off after 1 bytes", true},
    {"[{\"channel\":\"/a\"}", "cut off after 17 bytes", true},
    {"[{\"channel\":\"/a\",\"data\":{\"a\":\"b", "cut off after", true},
    {"[{\"channel\":\"/a\",\"data\":tr", "cut off after", true},
    {"{\"channel\":\"/a\",\"data\":{\"event\":{\"replayId\":", "cut off after", true},
    {"[{\"channel\":\"/a\"},]", "no valid JSON at byte 19", false},
    {"[{\"channel\":\"/a\"} {}]", "no valid JSON at byte 19 of 21", false},
    {"[{\"channel\":\"/a\"}] x", "no valid JSON at byte 20", false},
    {"{\"channel\":\"/a\",}", "no valid JSON at byte 17", false},
    {"{\"channel\":\"/a\" \"b\":1}", "no valid JSON", false},
    {"{\"channel\":\"/a\",\"x\":01}", "no valid JSON", false},
    {"{\"channel\":\"/a\",\"x\":\"\xff\"}", "no valid JSON at byte 22", false},
    {"{\"channel\":\"/a\",\"x\":\"\n\"}", "no valid JSON at byte 22", false},
    {"{\"channel\":\"/a\",\"data\":{\"x\":\"\\ud800\"}}", "no valid JSON", false},
    {"{\"channel\":\"/a\",\"channel\":\"/b\"}", "a member's name occurs twice", false},
    {"{\"channel\":\"/a\",\"ch\\u0061nnel\":\"/b\"}", "a member's name occurs twice", false},
    {"{\"channel\":\"/a\",\"data\":1,\"data\":2}", "a member's name occurs twice", false},
    {"{\"channel\":\"/a\",\"data\":{\"event\":1,\"event\":{}}}", "occurs twice", false},
    {"{\"channel\":\"/a\",\"data\":{\"event\":{\"replayId\":1,\"replayId\":2}}}", "twice", false},
    {"{}", "JSON that is no Bayeux message: {}", false},
    {"[[]]", "JSON that is no Bayeux message: [[]]", false},
    {"[{\"errorCode\":\"API_DISABLED_FOR_ORG\"}]", "message: [{\"errorCode\":\"API_DIS", false},
    {"{\"channel\":7}", "JSON that is no Bayeux message", false},
    {"\"/a\"", "no JSON|no Bayeux message", false},
    {"null", "no Bayeux message", false},
};

static bool says_one_of(const char *message, const char *words)
{
    const char *bar = strchr(words, '|');
    char first[128] = "";
    if (!bar)
        return strstr(message, words) != NULL;
    memcpy(first, words, (size_t)(bar - words));
    return strstr(message, first) || strstr(message, bar + 1);
}

static void what_is_no_answer_is_said_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        weir_error err = {0};
        assert_null(read_text(refused[i].text, strlen(refused[i].text), &err));
        if (!says_one_of(err.message, refused[i].says))
            fail_msg("%s: %s", refused[i].text, err.message);
        assert_int_equal(err.status, WEIR_PROTOCOL);
        assert_non_null(strstr(err.message, "https://a.example/cometd: "));
        if (weir_error_retryable(&err) != refused[i].may_pass)
            fail_msg("%s: retryable: %d", err.message, err.retry_in_ms);
    }
}

static void a_nul_is_no_json_and_no_answer_is_empty(void **state)
{
    (void)state;
    weir_error err = {0};
    static const char nul[] = "{\"channel\":\"/a\"}\0";
    assert_null(read_text(nul, sizeof nul - 1, &err));
    assert_int_equal(err.status, WEIR_PROTOCOL);
    assert_null(batch_new(NULL, 0, "x", &err));
    assert_string_equal(err.message, "x: the answer is empty");
    assert_null(batch_new(NULL, 0, "x", NULL));
    batch_free(NULL);
}

/* `around` brackets around the innermost. */
static bool is_read(size_t around)
{
    char *text = mem_zalloc(2 * around + 64);
    strcpy(text, "{\"channel\":\"/a\",\"x\":");
    size_t at = strlen(text);
    memset(text + at, '[', around);
    memset(text + at + around, ']', around);
    text[at + 2 * around] = '}';
    struct batch *batch = batch_new(text, at + 2 * around + 1, "x", NULL);
    bool read = batch != NULL;
    batch_free(batch);
    return read;
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    assert_true(is_read(JSON_MAX_DEPTH - 1));
    assert_false(is_read(JSON_MAX_DEPTH));
    assert_false(is_read(100000));
}

static weir_bytes of(const char *text)
{
    return (weir_bytes){text, strlen(text)};
}

static void strings_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"\"\"", ""},
        {"\"/a/b\"", "/a/b"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\\uD83D\\ude00!\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"},
        {"\"\\u0000\"", NULL},
        {"7", NULL},
        {"null", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = slice_text(of(rows[i].json));
        if (rows[i].text) {
            assert_string_equal(text, rows[i].text);
            assert_true(slice_equals(of(rows[i].json), rows[i].text));
            assert_false(slice_equals(of(rows[i].json), "other"));
        } else {
            assert_null(text);
        }
        mem_free(text);
    }
    assert_null(slice_text((weir_bytes){NULL, 0}));
    assert_false(slice_is_string((weir_bytes){NULL, 0}));
    assert_false(slice_equals(of("\"ab\""), "a"));
    assert_false(slice_equals(of("\"\\n\""), "\\n"));
}

static void numbers_are_exact(void **state)
{
    (void)state;
    int64_t n = 5;
    assert_true(slice_int(of("9007199254740993"), &n));
    assert_true(n == INT64_C(9007199254740993));
    assert_true(slice_int(of("-9223372036854775808"), &n));
    assert_true(n == INT64_MIN);
    assert_true(slice_int(of("\"42\""), &n));
    assert_int_equal(n, 42);
    static const char *const none[] = {
        "9223372036854775808", "1.5", "1e3", "\"\"", "\"x\"", "null", "[1]", "true", "\"-\""};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(slice_int(of(none[i]), &n));
    assert_false(slice_int((weir_bytes){NULL, 0}, &n));
    assert_int_equal(n, 42);
    assert_true(slice_bool(of("true"), false));
    assert_false(slice_bool(of("false"), true));
    assert_true(slice_bool(of("1"), true));
    assert_false(slice_bool((weir_bytes){NULL, 0}, false));
}

static void members_are_found_by_their_path(void **state)
{
    (void)state;
    weir_bytes value =
        of("{ \"a\" : {\"x\":[1,{\"b\":2}], \"\\u0062\": {\"c\":\"}\"} }, \"n\":null}");
    same(slice_member(value, (const char *const[]){"a", "b", "c", NULL}), "\"}\"");
    same(slice_member(value, (const char *const[]){"n", NULL}), "null");
    same(slice_member(value, (const char *const[]){"a", "c", NULL}), NULL);
    same(slice_member(value, (const char *const[]){"n", "c", NULL}), NULL);
    same(slice_member(of("{}"), (const char *const[]){"a", NULL}), NULL);
    same(slice_member((weir_bytes){NULL, 0}, (const char *const[]){"a", NULL}), NULL);
}

static void elements_come_one_after_the_other(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"[ \"a\" , [1,2],{\"b\":[]} ]", "\"a\"|[1,2]|{\"b\":[]}|"},
        {"[]", ""},
        {"[ ]", ""},
        {"[1]", "1|"},
        {"\"x\"", "\"x\"|"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf seen = BUF_INIT((size_t)1000);
        size_t at = 0;
        weir_bytes element;
        buf_adds(&seen, "");
        while (slice_element(of(rows[i][0]), &at, &element)) {
            buf_add(&seen, element.data, element.len);
            buf_adds(&seen, "|");
        }
        assert_string_equal(seen.data ? seen.data : "", rows[i][1]);
        buf_free(&seen);
    }
    size_t at = 0;
    weir_bytes none;
    assert_false(slice_element((weir_bytes){NULL, 0}, &at, &none));
}

/* Strings of every length, with what ends them or breaks them in every place of a word. */
static void every_place_in_a_word_is_looked_at(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at <= len; at++) {
            char text[128];
            size_t n =
                (size_t)snprintf(text, sizeof text, "{\"channel\":\"/%0*d\"}", (int)len + 1, 0);
            size_t place = 13 + at;
            struct batch *batch = read_text(text, n, NULL);
            assert_non_null(batch);
            batch_free(batch);
            for (const char *bad = "\x01\x1f\xff\x80\\\""; *bad; bad++) {
                text[place] = *bad;
                assert_null(read_text(text, n, NULL));
            }
            text[place] = '\0';
            assert_null(read_text(text, n, NULL));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_its_members),
        cmocka_unit_test(an_answer_is_an_array_or_a_single_message),
        cmocka_unit_test(many_messages_are_all_there),
        cmocka_unit_test(names_may_be_written_with_escapes),
        cmocka_unit_test(a_replay_id_is_found_in_its_place_only),
        cmocka_unit_test(what_is_no_answer_is_said_in_words),
        cmocka_unit_test(a_nul_is_no_json_and_no_answer_is_empty),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(members_are_found_by_their_path),
        cmocka_unit_test(elements_come_one_after_the_other),
        cmocka_unit_test(every_place_in_a_word_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
