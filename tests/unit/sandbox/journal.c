#include "lib/check.h"

#include "core/mem.h"
#include "lib/vclock.h"
#include "sandbox/journal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct vclock now;

static int set_up(void **state)
{
    weir_error err = {0};
    vclock_init(&now);
    *state = journal_new(&now.clock, NULL, &err);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    journal_free(*state);
    return 0;
}

static struct journal_entry *begin(struct journal *journal, const char *what)
{
    return journal_begin(journal, &(struct journal_request){.service = "zeebe", .what = what});
}

static char *text_of(struct journal *journal)
{
    weir_error err = {0};
    char *text = journal_text(journal, &err);
    if (!text)
        fail_msg("%s", err.message);
    return text;
}

static void a_line_says_all_about_a_request(void **state)
{
    const struct journal_pair headers[] = {{"te", "trailers"}, {"user-agent", "a \"b\"\n"}};
    struct journal_entry *entry = journal_begin(
        *state, &(struct journal_request){.service = "zeebe",
                                          .what = "zeebe.Topology",
                                          .path = "/gateway_protocol.Gateway/Topology",
                                          .peer = "127.0.0.1:1",
                                          .fault = "delay:5000ms",
                                          .headers = headers,
                                          .header_count = 2});
    vclock_step(&now, 5001);
    journal_end(*state, entry, "OK");
    char *text = text_of(*state);
    assert_string_equal(text, "{\"number\":1,\"time\":\"2026-01-01T00:00:00.000Z\","
                              "\"service\":\"zeebe\",\"what\":\"zeebe.Topology\","
                              "\"path\":\"/gateway_protocol.Gateway/Topology\","
                              "\"peer\":\"127.0.0.1:1\",\"fault\":\"delay:5000ms\","
                              "\"headers\":{\"te\":\"trailers\",\"user-agent\":\"a "
                              "\\\"b\\\"\\u000a\"},\"status\":\"OK\",\"ms\":5001}\n");
    weir_free(text);
}

static void credentials_never_get_in(void **state)
{
    const struct journal_pair headers[] = {{"Authorization", "Bearer s3cret"},
                                           {"authorization", "s3cret"},
                                           {"proxy-authorization", "Basic s3cret"},
                                           {"cookie", "sid=s3cret"}};
    const struct journal_pair form[] = {{"client_secret", "s3cret"}, {"password", "s3cret"},
                                        {"refresh_token", "s3cret"}, {"client_assertion", "s3cret"},
                                        {"assertion", "s3cret"},     {"scope", "all"}};
    struct journal_entry *entry =
        journal_begin(*state, &(struct journal_request){.service = "token",
                                                        .what = "token",
                                                        .headers = headers,
                                                        .header_count = COUNT(headers),
                                                        .form = form,
                                                        .form_count = COUNT(form)});
    journal_end(*state, entry, "200");
    char *text = text_of(*state);
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "\"Authorization\":\"Bearer ***\",\"authorization\":\"***\""));
    assert_non_null(strstr(text, "\"scope\":\"all\"},\"status\":200,"));
    weir_free(text);
}

static void what_is_not_answered_yet_is_pending(void **state)
{
    struct journal_entry *first = begin(*state, "zeebe.Topology");
    struct journal_entry *second = begin(*state, "zeebe.Topology");
    journal_end(*state, second, "cut");
    char *text = text_of(*state);
    char *line = strchr(text, '\n');
    assert_non_null(strstr(text, "\"status\":\"pending\"}\n"));
    assert_true(strstr(text, "\"pending\"") < line);
    assert_non_null(strstr(line, "\"status\":\"cut\",\"ms\":0}\n"));
    weir_free(text);
    journal_end(*state, first, "OK");
}

static void requests_are_counted_by_kind_and_service(void **state)
{
    journal_end(*state, begin(*state, "zeebe.Topology"), "OK");
    journal_end(*state, begin(*state, "zeebe.Health"), "OK");
    journal_tally(*state, "zeebe.connections");
    assert_int_equal(journal_count(*state, "zeebe"), 2);
    assert_int_equal(journal_count(*state, "zeebe.Topology"), 1);
    assert_int_equal(journal_count(*state, "zeebe.connections"), 1);
    assert_int_equal(journal_count(*state, "token"), 0);
}

static void a_peer_cannot_make_it_grow_without_end(void **state)
{
    static char long_value[32 * 1024];
    memset(long_value, 'x', sizeof long_value - 1);
    const struct journal_pair header = {"x-long", long_value};
    struct journal_request request = {
        .service = "zeebe", .what = "zeebe", .headers = &header, .header_count = 1};
    struct journal_entry *held = journal_begin(*state, &request);
    for (int i = 0; i < 1000; i++)
        journal_end(*state, journal_begin(*state, &request), "OK");
    char *text = text_of(*state);
    assert_true(strlen(text) <= JOURNAL_MAX_BYTES + 1024);
    assert_ptr_equal(strstr(text, "{\"number\":1,"), text);
    assert_non_null(strstr(text, "{\"number\":1001,"));
    assert_null(strstr(text, "{\"number\":2,"));
    weir_free(text);
    journal_end(*state, held, "OK");
    char name[16];
    for (int i = 0; i < 2 * JOURNAL_MAX_NAMES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        journal_tally(*state, name);
    }
    assert_int_equal(journal_count(*state, "n1"), 1);
    assert_int_equal(journal_count(*state, name), 0);
}

static void bytes_that_are_no_text_still_make_json(void **state)
{
    const struct journal_pair header = {"x", "\xff\xfe\"\\\x01"};
    journal_end(*state,
                journal_begin(*state, &(struct journal_request){.service = "zeebe",
                                                                .what = "zeebe",
                                                                .headers = &header,
                                                                .header_count = 1}),
                "OK");
    char *text = text_of(*state);
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        fail_msg("%s", text);
    const char *x = json_string_value(json_object_get(json_object_get(value, "headers"), "x"));
    assert_string_equal(x, "\xc3\xbf\xc3\xbe\"\\\x01");
    json_decref(value);
    weir_free(text);
}

static void a_file_gets_each_line_when_it_is_done(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-journal-XXXXXX", read_back[1024] = {0};
    weir_error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct journal *journal = journal_new(&now.clock, path, &err);
    assert_non_null(journal);
    struct journal_entry *entry = begin(journal, "zeebe.Topology");
    assert_int_equal(read(fd, read_back, sizeof read_back), 0);
    journal_end(journal, entry, "OK");
    char *text = text_of(journal);
    assert_int_equal(read(fd, read_back, sizeof read_back - 1), strlen(text));
    assert_string_equal(read_back, text);
    weir_free(text);
    journal_free(journal);
    close(fd);
    unlink(path);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_null(journal_new(&now.clock, "/proc/nonexistent/log", &err));
    assert_int_equal(err.status, WEIR_STORE);
    assert_non_null(strstr(err.message, "\"/proc/nonexistent/log\""));
}

static void no_memory_costs_a_line_and_nothing_else(void **state)
{
    for (long n = 1;; n++) {
        mem_fail_at(n);
        struct journal_entry *entry = begin(*state, "zeebe.Topology");
        journal_end(*state, entry, "OK");
        weir_free(journal_text(*state, NULL));
        int failed = mem_failed();
        mem_fail_at(0);
        if (!failed)
            break;
    }
    assert_true(journal_count(*state, "zeebe.Topology") > 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_says_all_about_a_request),
        TEST(credentials_never_get_in),
        TEST(what_is_not_answered_yet_is_pending),
        TEST(requests_are_counted_by_kind_and_service),
        TEST(a_peer_cannot_make_it_grow_without_end),
        TEST(bytes_that_are_no_text_still_make_json),
        TEST(a_file_gets_each_line_when_it_is_done),
        TEST(a_file_that_cannot_be_opened_is_named),
        TEST(no_memory_costs_a_line_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
