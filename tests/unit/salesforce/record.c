/* What a store keeps, as text; and what a program may say where to start. */
#include "lib/check.h"
#include "salesforce/position.h"

#include <string.h>

static weir_status parse(const char *text, struct record *out, weir_error *err)
{
    return record_parse(out, text, strlen(text), err);
}

static void a_record_survives_its_text(void **state)
{
    (void)state;
    static const struct record records[] = {
        {0},
        {.has_position = true, .position = 9007199254740993, .live_ms = 1700000000000},
        {.began = BEGAN_NEW, .began_ms = 1700000000000},
        {.began = BEGAN_NEW, .began_ms = 1700000000000, .has_began_id = true, .began_id = 41},
        {.began = BEGAN_ALL, .live_ms = 1},
        {.began = BEGAN_AFTER, .has_began_id = true, .began_id = INT64_MAX, .live_ms = INT64_MAX},
        {.has_position = true,
         .position = INT64_MAX,
         .began = BEGAN_AFTER,
         .has_began_id = true,
         .began_id = INT64_MAX,
         .began_ms = INT64_MAX,
         .live_ms = INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(records); i++) {
        char text[WEIR_REPLAY_RECORD_SIZE];
        struct record back;
        weir_error err = {0};
        record_format(&records[i], text);
        assert_true(strlen(text) < sizeof text);
        assert_int_equal(parse(text, &back, &err), WEIR_OK);
        assert_int_equal(back.has_position, records[i].has_position);
        assert_int_equal(back.position, records[i].position);
        assert_int_equal(back.began, records[i].began);
        assert_int_equal(back.has_began_id, records[i].has_began_id);
        assert_int_equal(back.began_id, records[i].began_id);
        assert_int_equal(back.began_ms, records[i].began_ms);
        assert_int_equal(back.live_ms, records[i].live_ms);
    }
}

static void a_record_says_only_what_it_knows(void **state)
{
    (void)state;
    char text[WEIR_REPLAY_RECORD_SIZE];
    record_format(&(struct record){.has_position = true, .position = 42}, text);
    assert_string_equal(text, "{\"position\":\"42\"}");
    record_format(&(struct record){.began = BEGAN_NEW, .began_ms = 5, .live_ms = 6}, text);
    assert_string_equal(text, "{\"began\":\"new\",\"beganMs\":5,\"liveMs\":6}");
    record_format(&(struct record){0}, text);
    assert_string_equal(text, "{}");
}

static void records_written_by_hand_are_understood(void **state)
{
    (void)state;
    struct record record;
    weir_error err = {0};
    assert_int_equal(parse(" {\"position\": 42, \"comment\": [1]}\n", &record, &err), WEIR_OK);
    assert_true(record.has_position);
    assert_int_equal(record.position, 42);
    assert_int_equal(parse("{\"position\":\"0\"}", &record, &err), WEIR_OK);
    assert_true(record.has_position);
}

static void a_damaged_record_is_said_to_be(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "record"},
        {"nonsense", "line 1"},
        {"[]", "no JSON object"},
        {"42", "no JSON object"},
        {"{\"position\":\"42\"", "line 1"},
        {"{\"position\":\"-1\"}", "\"position\""},
        {"{\"position\":-2}", "\"position\""},
        {"{\"position\":4.5}", "\"position\""},
        {"{\"position\":null}", "\"position\""},
        {"{\"position\":\"9223372036854775808\"}", "\"position\""},
        {"{\"position\":\"\"}", "\"position\""},
        {"{\"began\":\"later\"}", "\"began\""},
        {"{\"began\":7}", "\"began\""},
        {"{\"began\":\"after\"}", "\"beganId\" is missing"},
        {"{\"beganMs\":\"5\"}", "\"beganMs\""},
        {"{\"liveMs\":-5}", "\"liveMs\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct record record;
        weir_error err = {0};
        assert_int_equal(parse(cases[i].text, &record, &err), WEIR_STORE);
        assert_int_equal(err.status, WEIR_STORE);
        assert_non_null(strstr(err.message, "damaged"));
        assert_non_null(strstr(err.message, cases[i].says));
        assert_false(record.has_position);
    }
}

static void a_program_says_where_to_start(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum from from;
        int64_t id;
    } cases[] = {
        {"new", FROM_NEW, 0},       {"-1", FROM_NEW, 0},
        {"all", FROM_ALL, 0},       {"-2", FROM_ALL, 0},
        {"stored", FROM_STORED, 0}, {"42", FROM_ID, 42},
        {"0", FROM_ID, 0},          {"9223372036854775807", FROM_ID, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum from from = FROM_STORED;
        int64_t id = -7;
        weir_error err = {0};
        assert_int_equal(from_parse(cases[i].text, &from, &id, &err), WEIR_OK);
        assert_int_equal(from, cases[i].from);
        assert_int_equal(id, cases[i].id);
    }
}

static void what_is_no_place_to_start_from_is_invalid(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "newest", "-3",  "4.2",
                                        " 5", "5 ",     "NEW", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        enum from from;
        int64_t id;
        weir_error err = {0};
        assert_int_equal(from_parse(texts[i], &from, &id, &err), WEIR_INVALID);
        assert_non_null(strstr(err.message, "no place to start from: give new, all, stored"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_survives_its_text),
        cmocka_unit_test(a_record_says_only_what_it_knows),
        cmocka_unit_test(records_written_by_hand_are_understood),
        cmocka_unit_test(a_damaged_record_is_said_to_be),
        cmocka_unit_test(a_program_says_where_to_start),
        cmocka_unit_test(what_is_no_place_to_start_from_is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
