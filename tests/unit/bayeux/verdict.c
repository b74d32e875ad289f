#include "bayeux/verdict.h"
#include "core/error.h"
#include "core/mem.h"
#include "lib/check.h"

#include <string.h>

static void errors_are_three_parts(void **state)
{
    (void)state;
    static const struct {
        const char *error;
        int code;
        const char *args, *text;
    } rows[] = {
        {"403::Unknown client", 403, "", "Unknown client"},
        {"403:a,b:Restricted channel: x", 403, "a,b", "Restricted channel: x"},
        {"401:", 401, "", ""},
        {"404:no second colon", 404, "", "no second colon"},
        {"403:denied_by_security_policy:create_denied", 403, "denied_by_security_policy",
         "create_denied"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bayeux_error e;
        assert_true(bayeux_error_split(rows[i].error, strlen(rows[i].error), &e));
        assert_int_equal(e.code, rows[i].code);
        assert_int_equal(e.args.len, strlen(rows[i].args));
        assert_memory_equal(e.args.data, rows[i].args, e.args.len);
        assert_int_equal(e.text.len, strlen(rows[i].text));
        assert_memory_equal(e.text.data, rows[i].text, e.text.len);
    }
    static const char *const none[] = {"", "403", "40::x", "x403::y", "4a3::x", "no"};
    struct bayeux_error e;
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(bayeux_error_split(none[i], strlen(none[i]), &e));
}

#define H META_HANDSHAKE
#define C META_CONNECT
#define S META_SUBSCRIBE
#define P META_PUBLISH

static const struct {
    enum meta meta;
    const char *error, *reconnect;
    enum verdict verdict;
    weir_status status;
} rows[] = {
    {C, "403::Unknown client", "handshake", VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {C, "403::Unknown client", "none", VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {C, "403::Unknown client", NULL, VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {C, "402::session_unknown", "none", VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {S, "402::session_unknown", "none", VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {C, "403::Client has not completed handshake", "none", VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {H, "402::session_unknown", "none", VERDICT_RETRY, WEIR_UNREACHABLE},
    {C, "400::Client 1 has established a session, but no BAYEUX_BROWSER cookie present", "none",
     VERDICT_HANDSHAKE, WEIR_UNREACHABLE},
    {C, "401::Authentication invalid", "none", VERDICT_LOGIN, WEIR_BAD_LOGIN},
    {H, "401::Request requires authentication", NULL, VERDICT_LOGIN, WEIR_BAD_LOGIN},
    {S, "401::Authentication invalid", "retry", VERDICT_LOGIN, WEIR_BAD_LOGIN},
    {C, "403::Organization total events daily limit exceeded", "none", VERDICT_LATER, WEIR_BUSY},
    {H, "403::Organization concurrent user limit exceeded", "none", VERDICT_LATER, WEIR_BUSY},
    {S, "403::Subscription limit exceeded for this topic", "retry", VERDICT_LATER, WEIR_BUSY},
    {H, "503::Server is too busy. Please try your request again later.", "none", VERDICT_LATER,
     WEIR_BUSY},
    {C, "401:: Server is too busy", "none", VERDICT_LOGIN, WEIR_BAD_LOGIN},
    {C, "500::Internal error", "retry", VERDICT_RETRY, WEIR_REFUSED},
    {C, "500::Internal error", "handshake", VERDICT_HANDSHAKE, WEIR_REFUSED},
    {S, "500::Internal error", "retry", VERDICT_LATER, WEIR_REFUSED},
    {P, "500::Internal error", "retry", VERDICT_LATER, WEIR_REFUSED},
    {S, "403:/topic/x:Restricted channel", "retry", VERDICT_REFUSED, WEIR_FORBIDDEN},
    {S, "404::Unknown channel", "retry", VERDICT_REFUSED, WEIR_NOT_FOUND},
    {S, "400::The replayId {7} you provided was invalid.", "retry", VERDICT_REFUSED, WEIR_INVALID},
    {S, NULL, "retry", VERDICT_REFUSED, WEIR_REFUSED},
    {P, "403::publish_denied", "handshake", VERDICT_REFUSED, WEIR_FORBIDDEN},
    {H, "403::Handshake denied", "none", VERDICT_REFUSED, WEIR_FORBIDDEN},
    {H, "403::Handshake denied", NULL, VERDICT_REFUSED, WEIR_FORBIDDEN},
    {H, "400::what", "handshake", VERDICT_RETRY, WEIR_INVALID},
    {C, "400::what", "handshake", VERDICT_HANDSHAKE, WEIR_INVALID},
    {C, "404::message_deleted", "retry", VERDICT_RETRY, WEIR_NOT_FOUND},
    {C, "999::?", "none", VERDICT_REFUSED, WEIR_REFUSED},
    {C, "words", "none", VERDICT_REFUSED, WEIR_REFUSED},
    {C, NULL, NULL, VERDICT_RETRY, WEIR_REFUSED},
    {C, NULL, "none", VERDICT_REFUSED, WEIR_REFUSED},
};

static void the_table_says_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        enum verdict v =
            verdict_of_error(rows[i].meta, "x", rows[i].error, rows[i].reconnect, &err);
        if (v != rows[i].verdict || err.status != rows[i].status)
            fail_msg("%zu %s: %d %s", i, rows[i].error, (int)v, weir_status_name(err.status));
        assert_int_equal(err.origin, WEIR_ORIGIN_BAYEUX);
        assert_memory_equal(err.message, "x: ", 3);
    }
}

static void errors_say_what_was_tried(void **state)
{
    (void)state;
    char text[] = "{\"channel\":\"/meta/subscribe\",\"subscription\":\"/a\","
                  "\"error\":\"403:/a:Restricted channel\"}";
    struct batch *batch = batch_new(mem_dup(text, sizeof text - 1), sizeof text - 1, "x", NULL);
    weir_error err = {0};
    assert_int_equal(verdict_of_reply(META_SUBSCRIBE, batch->messages, "retry", &err),
                     VERDICT_REFUSED);
    assert_string_equal(err.message, "subscribing to '/a': 403:/a:Restricted channel");
    assert_int_equal(err.code, 403);
    verdict_of_reply(META_HANDSHAKE, batch->messages, "retry", &err);
    assert_string_equal(err.message, "the handshake: 403:/a:Restricted channel");
    batch_free(batch);
}

static void requests_without_an_answer_are_judged_by_their_status(void **state)
{
    (void)state;
    static const struct {
        weir_status status;
        int http;
        enum verdict verdict;
    } failures[] = {
        {WEIR_BAD_LOGIN, 401, VERDICT_LOGIN},   {WEIR_BUSY, 429, VERDICT_LATER},
        {WEIR_UNREACHABLE, 503, VERDICT_RETRY}, {WEIR_UNREACHABLE, 0, VERDICT_RETRY},
        {WEIR_TIMEOUT, 408, VERDICT_RETRY},     {WEIR_REFUSED, 500, VERDICT_RETRY},
        {WEIR_FORBIDDEN, 403, VERDICT_REFUSED}, {WEIR_NOT_FOUND, 404, VERDICT_REFUSED},
        {WEIR_INVALID, 400, VERDICT_REFUSED},   {WEIR_REFUSED, 301, VERDICT_REFUSED},
        {WEIR_UNTRUSTED, 0, VERDICT_REFUSED},   {WEIR_PROTOCOL, 0, VERDICT_REFUSED},
        {WEIR_UNSUPPORTED, 0, VERDICT_REFUSED}, {WEIR_NO_MEMORY, 0, VERDICT_RETRY},
    };
    for (size_t i = 0; i < COUNT(failures); i++) {
        weir_error why = {0};
        error_peer(&why, failures[i].status, failures[i].http ? WEIR_ORIGIN_HTTP : WEIR_ORIGIN_WEIR,
                   failures[i].http, "x");
        assert_int_equal(verdict_of_failure(META_CONNECT, &why), failures[i].verdict);
    }
    weir_error cut = {0};
    assert_null(batch_new(mem_dup("[", 1), 1, "x", &cut));
    assert_int_equal(verdict_of_failure(META_CONNECT, &cut), VERDICT_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_three_parts),
        cmocka_unit_test(the_table_says_what_to_do),
        cmocka_unit_test(errors_say_what_was_tried),
        cmocka_unit_test(requests_without_an_answer_are_judged_by_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
