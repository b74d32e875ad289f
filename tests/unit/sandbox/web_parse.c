#include "lib/check.h"

#include "core/mem.h"
#include "sandbox/web_parse.h"

#include <stdio.h>
#include <string.h>

static int parse(struct web_head *head, const char *text)
{
    const char *why = NULL;
    int status = web_head_parse(head, text, strlen(text), &why);
    if (status != 0 && status != 200)
        assert_non_null(why);
    return status;
}

static void a_request_is_taken_apart(void **state)
{
    static const char text[] = "POST /oauth/token?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                               "X-Empty:\r\nX-Blanks: \t a b \t\r\n\r\nabc";
    struct web_head head;
    (void)state;
    assert_int_equal(parse(&head, text), 200);
    assert_string_equal(head.method, "POST");
    assert_string_equal(head.target, "/oauth/token?x=1");
    assert_int_equal(head.body_len, 3);
    assert_int_equal(head.len, sizeof text - 1 - 3);
    assert_true(head.keep_alive);
    assert_false(head.expects_continue);
    assert_string_equal(web_head_find(&head, "x-empty"), "");
    assert_string_equal(web_head_find(&head, "x-blanks"), "a b");
    assert_null(web_head_find(&head, "x-none"));
    web_head_clear(&head);
    web_head_clear(&head);
}

static void a_head_that_is_not_whole_waits_for_more(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
    const char *why = NULL;
    struct web_head head;
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(web_head_parse(&head, text, len, &why), 0);
    assert_int_equal(web_head_parse(&head, NULL, 0, &why), 0);
}

static void how_long_a_connection_is_kept_depends_on_version_and_header(void **state)
{
    static const struct {
        const char *text;
        bool keep;
    } stories[] = {
        {"GET / HTTP/1.1\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        struct web_head head;
        assert_int_equal(parse(&head, stories[i].text), 200);
        assert_int_equal(head.keep_alive, stories[i].keep);
        web_head_clear(&head);
    }
}

static void what_is_ambiguous_or_too_much_is_refused(void **state)
{
    static const struct {
        int status;
        const char *text;
    } stories[] = {
        {400, "\r\n\r\n"},
        {400, "GET\r\n\r\n"},
        {400, "GET /\r\n\r\n"},
        {400, "GET x HTTP/1.1\r\n\r\n"},
        {400, " / HTTP/1.1\r\n\r\n"},
        {400, "G T / HTTP/1.1\r\n\r\n"},
        {505, "GET / HTTP/1.2\r\n\r\n"},
        {505, "GET / a HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nno colon\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n: v\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nName : v\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n"},
        {400, "GET / HTTP/1.1\nA: b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        {413, "GET / HTTP/1.1\r\nContent-Length: 262145\r\n\r\n"},
        {411, "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: identity\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {417, "GET / HTTP/1.1\r\nExpect: miracles\r\n\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        struct web_head head;
        int status = parse(&head, stories[i].text);
        if (status != stories[i].status)
            fail_msg("%s: %d instead of %d", stories[i].text, status, stories[i].status);
        assert_null(head.text);
    }
}

/* Every length of what has come so far: all but the last say that more is needed. */
static void chunks_are_put_together(void **state)
{
    static const char wire[] =
        "4\r\nWiki\r\n00A;name=value\r\npedia in\r\n\r\n0\r\nTrailer: 1\r\n\r\nGET";
    const size_t all = sizeof wire - 1 - 3;
    const char *why = NULL;
    size_t body = 0, used = 0;
    char data[sizeof wire];
    (void)state;
    for (size_t len = 0; len <= sizeof wire - 1; len++) {
        memcpy(data, wire, sizeof wire);
        assert_int_equal(web_body_gather(data, len, &body, &used, &why), len < all ? 0 : 200);
        if (len < all)
            assert_memory_equal(data, wire, sizeof wire);
    }
    assert_int_equal(used, all);
    assert_int_equal(body, 14);
    assert_memory_equal(data, "Wikipedia in\r\n", 14);
}

static void what_are_no_chunks_is_refused(void **state)
{
    static const struct {
        int status;
        const char *text;
    } stories[] = {
        {400, "\r\n"},        {400, "x\r\n"},       {400, "-1\r\n"},    {400, "1x\r\na\r\n"},
        {400, "1\r\nab\r\n"}, {400, "1000000\r\n"}, {413, "40001\r\n"}, {400, "1\r\naX0\r\n\r\n"},
        {0, "0\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        char data[64] = {0};
        size_t body = 0, used = 0;
        const char *why = NULL;
        (void)snprintf(data, sizeof data, "%s", stories[i].text);
        int status = web_body_gather(data, strlen(data), &body, &used, &why);
        if (status != stories[i].status)
            fail_msg("%s: %d instead of %d", stories[i].text, status, stories[i].status);
    }
}

static void a_nul_in_the_head_is_refused(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n";
    const char *why = NULL;
    struct web_head head;
    (void)state;
    assert_int_equal(web_head_parse(&head, text, sizeof text - 1, &why), 400);
    assert_non_null(strstr(why, "NUL"));
}

static void heads_have_limits(void **state)
{
    static char text[WEB_HEAD_MAX + 100];
    const char *why = NULL;
    struct web_head head;
    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(web_head_parse(&head, text, sizeof text, &why), 431);
    size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i <= WEB_HEADERS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "A: b\r\n");
    snprintf(text + len, sizeof text - len, "\r\n");
    assert_int_equal(web_head_parse(&head, text, strlen(text), &why), 431);
}

static void without_memory_it_says_500(void **state)
{
    struct web_head head;
    (void)state;
    mem_fail_at(1);
    assert_int_equal(parse(&head, "GET / HTTP/1.1\r\n\r\n"), 500);
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(a_head_that_is_not_whole_waits_for_more),
        cmocka_unit_test(how_long_a_connection_is_kept_depends_on_version_and_header),
        cmocka_unit_test(what_is_ambiguous_or_too_much_is_refused),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(what_are_no_chunks_is_refused),
        cmocka_unit_test(a_nul_in_the_head_is_refused),
        cmocka_unit_test(heads_have_limits),
        cmocka_unit_test(without_memory_it_says_500),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
