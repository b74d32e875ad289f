/* Salesforce's words: what failed replies mean, what is asked for, what events say. */
#include "salesforce/dialect.h"
#include "core/mem.h"
#include "lib/check.h"

#include <stdio.h>
#include <string.h>

static struct batch *batch_of(const char *text)
{
    weir_error err = {0};
    struct batch *batch = batch_new(mem_strdup(text), strlen(text), "the answer", &err);
    assert_non_null(batch);
    assert_int_equal(batch->count, 1);
    return batch;
}

#define H            META_HANDSHAKE
#define C            META_CONNECT
#define S            META_SUBSCRIBE
#define REASON(text) ",\"ext\":{\"sfdc\":{\"failureReason\":\"" text "\"}}"
#define TOO_BUSY     "503::Server is too busy. Please try your request again later."

/* `rest`: what follows "channel" and "successful". */
static const struct {
    enum meta meta;
    const char *rest, *reconnect;
    enum verdict verdict;
    weir_status status;
    const char *says;
} rows[] = {
    /* 401 and its disguises */
    {C, "\"error\":\"401::Authentication invalid\"", "none", VERDICT_LOGIN, WEIR_BAD_LOGIN,
     "the connect: 401::Authentication invalid"},
    {H, "\"error\":\"403::Handshake denied\"" REASON("401::Authentication invalid"), "none",
     VERDICT_LOGIN, WEIR_BAD_LOGIN, "401::Authentication invalid (403::Handshake denied)"},
    {H, "\"error\":\"403::Handshake denied\"" REASON("401::Request requires authentication"),
     "none", VERDICT_LOGIN, WEIR_BAD_LOGIN, "401::Request requires authentication"},
    /* sessions */
    {C, "\"error\":\"403::Unknown client\"", "none", VERDICT_HANDSHAKE, WEIR_UNREACHABLE,
     "Unknown client"},
    {S, "\"error\":\"403::Unknown client\"", "none", VERDICT_HANDSHAKE, WEIR_UNREACHABLE,
     "Unknown client"},
    {S, "\"error\":\"403::Client has not completed handshake\"", NULL, VERDICT_HANDSHAKE,
     WEIR_UNREACHABLE, "handshake"},
    /* minutes */
    {H, "\"error\":\"401::Authentication invalid\"" REASON(TOO_BUSY), "none", VERDICT_LATER,
     WEIR_BUSY, TOO_BUSY},
    {H,
     "\"error\":\"403::Handshake denied\"" REASON("403::Organization concurrent user limit "
                                                  "exceeded"),
     "none", VERDICT_LATER, WEIR_BUSY, "concurrent user limit"},
    {C, "\"error\":\"403::Organization total events daily limit exceeded\"", "none", VERDICT_LATER,
     WEIR_BUSY, "daily limit"},
    {C, "\"error\":\"" TOO_BUSY "\"", "none", VERDICT_LATER, WEIR_BUSY, "503"},
    /* no use */
    {H, "\"error\":\"403::Handshake denied\"", "none", VERDICT_REFUSED, WEIR_FORBIDDEN,
     "the handshake: 403::Handshake denied"},
    {H, "\"error\":\"403::Handshake denied\"" REASON("for reasons of its own"), "none",
     VERDICT_REFUSED, WEIR_FORBIDDEN, "Handshake denied (for reasons of its own)"},
    {S, "\"subscription\":\"/event/X__e\",\"error\":\"404::Unknown channel\"", "retry",
     VERDICT_REFUSED, WEIR_NOT_FOUND, "'/event/X__e': 404::Unknown channel"},
    {S, "\"error\":\"403:/event/X__e:Restricted channel: x\"", "none", VERDICT_REFUSED,
     WEIR_FORBIDDEN, "Restricted channel"},
    {S, "\"error\":\"403:denied_by_security_policy:create_denied\"", "none", VERDICT_REFUSED,
     WEIR_FORBIDDEN, "create_denied"},
    {S, "\"error\":\"400::The channel you requested to subscribe to {/topic/T} does not exist\"",
     "none", VERDICT_REFUSED, WEIR_INVALID, "does not exist"},
    /* the replay extension */
    {S,
     "\"subscription\":\"/event/X__e\",\"error\":\"400::The replayId {42} you provided was "
     "invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new "
     "events.\"",
     "none", VERDICT_REFUSED, WEIR_GAP,
     "subscribing to '/event/X__e': 400::The replayId {42} you provided was invalid"},
    {S,
     "\"error\":\"400::The replayId for channel {/topic/T} wasn't found using the provided replay "
     "ID map {}. Please provide a valid replayId\"",
     "none", VERDICT_REFUSED, WEIR_BUG, "wasn't found"},
    {S, "\"error\":\"\"", "none", VERDICT_REFUSED, WEIR_REFUSED, "subscribing"},
    {S, "\"x\":1", "none", VERDICT_REFUSED, WEIR_REFUSED, "does not say why"},
};

static void failed_replies_mean_what_salesforce_means(void **state)
{
    (void)state;
    static const char *const names[] = {
        [H] = "/meta/handshake", [C] = "/meta/connect", [S] = "/meta/subscribe"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[700];
        (void)snprintf(text, sizeof text, "[{\"channel\":\"%s\",\"successful\":false,%s}]",
                       names[rows[i].meta], rows[i].rest);
        struct batch *batch = batch_of(text);
        weir_error err = {0};
        enum verdict verdict =
            dialect_judge(rows[i].meta, &batch->messages[0], rows[i].reconnect, &err);
        if (verdict != rows[i].verdict || err.status != rows[i].status ||
            !strstr(err.message, rows[i].says))
            print_error("row %zu: verdict %d, status %s: %s\n", i, (int)verdict,
                        weir_status_name(err.status), err.message);
        assert_int_equal(verdict, rows[i].verdict);
        assert_int_equal(err.status, rows[i].status);
        assert_non_null(strstr(err.message, rows[i].says));
        assert_int_equal(err.kind == WEIR_KIND_REPLAY_GAP, rows[i].status == WEIR_GAP);
        batch_free(batch);
    }
}

static void subscriptions_ask_by_their_base_channel(void **state)
{
    (void)state;
    static const struct {
        enum meta meta;
        const char *channel;
        int64_t ask;
        const char *ext;
    } cases[] = {
        {META_HANDSHAKE, NULL, 0, "\"replay\":true"},
        {META_SUBSCRIBE, "/event/X__e", -1, "\"replay\":{\"/event/X__e\":-1}"},
        {META_SUBSCRIBE, "/topic/T?Region='EMEA'", 9007199254740993,
         "\"replay\":{\"/topic/T\":9007199254740993}"},
        {META_SUBSCRIBE, "/topic/T\"x", -2, "\"replay\":{\"/topic/T\\\"x\":-2}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf ext = BUF_INIT(1000);
        dialect_outgoing(cases[i].meta, cases[i].channel, cases[i].ask, &ext);
        assert_string_equal(ext.data, cases[i].ext);
        buf_free(&ext);
    }
    struct buf ext = BUF_INIT(1000);
    dialect_outgoing(META_CONNECT, NULL, 0, &ext);
    dialect_outgoing(META_UNSUBSCRIBE, "/event/X__e", 0, &ext);
    assert_int_equal(ext.len, 0);
    buf_free(&ext);
}

static void an_expired_position_is_a_gap_that_names_channel_and_id(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_int_equal(dialect_gap(&err, "/u/N", 42, 24 * INT64_C(3600000)), WEIR_GAP);
    assert_non_null(strstr(err.message, "'/u/N' after replay id 42"));
    assert_non_null(strstr(err.message, "24 hours"));
    assert_int_equal(err.kind, WEIR_KIND_REPLAY_GAP);
    assert_false(weir_error_retryable(&err));
    assert_int_equal(weir_error_exit_status(&err), 67);
    dialect_gap(&err, "/u/N", -2, 1);
    assert_non_null(strstr(err.message, "after its beginning"));
}

static void types_follow_the_channel(void **state)
{
    (void)state;
    static const struct {
        const char *channel, *type;
    } cases[] = {{"/event/X__e", "com.salesforce.event"},
                 {"/event/LoginEventStream", "com.salesforce.event"},
                 {"/data/ChangeEvents", "com.salesforce.change"},
                 {"/data/X__chn", "com.salesforce.change"},
                 {"/topic/T", "com.salesforce.topic"},
                 {"/u/N", "com.salesforce.generic"},
                 {"/u", "com.salesforce.event"}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(dialect_type(cases[i].channel, strlen(cases[i].channel)),
                            cases[i].type);
}

static void events_say_when_they_were_created(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        int64_t ms;
    } cases[] = {
        {"{\"event\":{\"createdDate\":\"2026-01-01T00:00:01.500Z\",\"replayId\":1},\"sobject\":{}}",
         1767225601500},
        {"{\"event\":{\"createdDate\":\"2026-01-01T00:00:01.500+0000\"},\"payload\":\"text\"}",
         1767225601500},
        {"{\"payload\":{\"CreatedDate\":\"2026-01-01T00:00:01Z\"},\"event\":{\"replayId\":1}}",
         1767225601000},
        {"{\"payload\":{\"ChangeEventHeader\":{\"commitTimestamp\":1767225601500},"
         "\"CreatedDate\":\"2020-01-01T00:00:00Z\"},\"event\":{\"replayId\":1}}",
         1767225601500},
        {"{\"event\":{\"replayId\":1}}", 0},
        {"{\"payload\":{\"CreatedDate\":5}}", 0},
        {"\"text\"", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[400];
        (void)snprintf(text, sizeof text, "{\"channel\":\"/u/N\",\"data\":%s}", cases[i].data);
        struct batch *batch = batch_of(text);
        assert_int_equal(dialect_created_ms(&batch->messages[0]), cases[i].ms);
        batch_free(batch);
    }
}

static void events_have_an_identity(void **state)
{
    (void)state;
    struct batch *batch =
        batch_of("{\"channel\":\"/event/X\",\"data\":{\"event\":{\"EventUuid\":\"ab-c\"}}}");
    char *uuid = dialect_uuid(&batch->messages[0]);
    assert_string_equal(uuid, "ab-c");
    mem_free(uuid);
    batch_free(batch);
    batch = batch_of("{\"channel\":\"/event/X\",\"data\":{\"event\":{\"EventUuid\":\"\"}}}");
    assert_null(dialect_uuid(&batch->messages[0]));
    batch_free(batch);
}

static void instants_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00.001Z", 1},
        {"2000-02-29T23:59:59Z", 951868799000},
        {"2026-03-01T00:00:00Z", 1772323200000},
        {"2024-12-31T23:59:59.999999Z", 1735689599999},
        {"2024-12-31T23:59:59.9Z", 1735689599900},
        {"2025-01-01T01:00:00.000+0100", 1735689600000},
        {"2024-12-31T18:30:00-05:30", 1735689600000},
        {"2025-01-01t00:00:00z", 1735689600000},
        {"2025-01-01T00:00:00", 0},
        {"2025-01-01", 0},
        {"2025-13-01T00:00:00Z", 0},
        {"2025-00-01T00:00:00Z", 0},
        {"2025-01-01T24:00:00Z", 0},
        {"2025-01-01T00:00:00.Z", 0},
        {"2025-01-01T00:00:00Zx", 0},
        {"2025-01-01T00:00:00+1", 0},
        {"1969-12-31T23:59:59Z", 0},
        {"", 0},
        {"yesterday", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(stamp_parse(cases[i].text, strlen(cases[i].text)), cases[i].ms);
}

static void instants_are_written_as_they_are_read(void **state)
{
    (void)state;
    char text[STAMP_SIZE];
    stamp_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    stamp_format(951868799000, text);
    assert_string_equal(text, "2000-02-29T23:59:59.000Z");
    for (int64_t ms = 1; ms < INT64_C(200000000000000); ms = ms * 3 / 2 + 86399999) {
        stamp_format(ms, text);
        assert_int_equal(stamp_parse(text, strlen(text)), ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_replies_mean_what_salesforce_means),
        cmocka_unit_test(subscriptions_ask_by_their_base_channel),
        cmocka_unit_test(an_expired_position_is_a_gap_that_names_channel_and_id),
        cmocka_unit_test(types_follow_the_channel),
        cmocka_unit_test(events_say_when_they_were_created),
        cmocka_unit_test(events_have_an_identity),
        cmocka_unit_test(instants_are_read_exactly),
        cmocka_unit_test(instants_are_written_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
