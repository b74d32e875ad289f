/* Exchanges: what is repeated, when, and what is said in the end. */
#include "lib/check.h"

#include "core/clock.h"
#include "core/error.h"
#include "lib/faultproxy.h"
#include "lib/webserver.h"

#include <stdio.h>
#include <string.h>
#include <weir/log.h>

static char url[128];
static struct http *http;

static int open_client(void **state)
{
    (void)state;
    http = http_open(&(struct http_options){.proxy = WEIR_OMIT}, NULL);
    return http ? 0 : -1;
}

static int close_client(void **state)
{
    (void)state;
    http_close(http);
    return 0;
}

/* What the server says to its first requests; to later ones 200. */
struct script {
    const char *status[8]; /* NULL ends it; "": hangs up */
    const char *headers;
};

static void play(void *user, const struct webserver_request *request, struct webserver_reply *reply)
{
    const struct script *script = user;
    size_t line = 0;
    while (line + 1 < request->number && script->status[line])
        line++;
    const char *status = script->status[line];
    if (status && !*status)
        reply->hang_up = true;
    else
        webserver_say(reply, status ? status : "200 OK", status ? script->headers : "",
                      status ? "sorry" : "fine");
}

static struct exchange_options options_for(uint16_t port, weir_ms limit)
{
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    return (struct exchange_options){.request = {.method = "POST",
                                                 .url = url,
                                                 .content_type = "a/b",
                                                 .body = {"x", 1},
                                                 .until = fetch_in(limit)},
                                     .what = "fetching a token"};
}

static weir_status run(struct fetch *f, const struct exchange_options *options)
{
    *f = (struct fetch)FETCH_INIT;
    if (exchange_start(http, options, fetch_done, f, &f->err))
        fetch_wait(f);
    assert_int_equal(f->dones, 1);
    return f->err.status;
}

static void what_the_server_turns_away_is_repeated(void **state)
{
    (void)state;
    static const struct script script = {{"503 x", "429 x", "503 x"}, ""};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&script);
    struct exchange_options options = options_for(webserver_port(web), 20000);
    struct fetch f;
    assert_int_equal(run(&f, &options), WEIR_OK);
    assert_string_equal(f.body, "fine");
    assert_int_equal(webserver_requests(web), 4);
    webserver_stop(web);
}

static void retry_after_is_obeyed(void **state)
{
    (void)state;
    static const struct script script = {{"503 x"}, "Retry-After: 1\r\n"};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&script);
    struct exchange_options options = options_for(webserver_port(web), 20000);
    struct fetch f;
    int64_t before = clock_mono(clock_system());
    assert_int_equal(run(&f, &options), WEIR_OK);
    assert_true(clock_mono(clock_system()) - before >= NS_PER_S);
    webserver_stop(web);
}

static void a_wish_beyond_the_deadline_fails_at_once_with_the_peers_words(void **state)
{
    (void)state;
    static const struct script script = {{"503 x"}, "Retry-After: 3600\r\n"};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&script);
    struct exchange_options options = options_for(webserver_port(web), 20000);
    struct fetch f;
    int64_t before = clock_mono(clock_system());
    assert_int_equal(run(&f, &options), WEIR_UNREACHABLE);
    assert_true(clock_mono(clock_system()) - before < 5 * NS_PER_S);
    assert_string_equal(f.err.message, "fetching a token: the server answered 503 Service "
                                       "Unavailable: sorry");
    assert_int_equal(f.err.retry_in_ms, 3600000);
    assert_int_equal(webserver_requests(web), 1);
    webserver_stop(web);
}

static void the_number_of_tries_has_a_limit_and_is_told(void **state)
{
    (void)state;
    static const struct script script = {{"503 x", "503 x", "503 x", "503 x"}, ""};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&script);
    struct exchange_options options = options_for(webserver_port(web), 20000);
    struct fetch f;
    options.max_tries = 3;
    assert_int_equal(run(&f, &options), WEIR_UNREACHABLE);
    assert_non_null(strstr(f.err.message, "sorry (tried 3 times)"));
    assert_int_equal(webserver_requests(web), 3);
    webserver_stop(web);
}

/* How many requests the server saw. */
static size_t tries(const char *status, bool idempotent, weir_status outcome)
{
    struct script script = {{status, status}, ""};
    struct webserver *web = webserver_start(NULL, play, &script);
    struct exchange_options options = options_for(webserver_port(web), 20000);
    struct fetch f;
    options.idempotent = idempotent;
    options.max_tries = 3;
    assert_int_equal(run(&f, &options), outcome);
    size_t requests = webserver_requests(web);
    webserver_stop(web);
    return requests;
}

static void what_may_have_taken_effect_is_repeated_only_if_that_is_harmless(void **state)
{
    (void)state;
    assert_int_equal(tries("502 x", false, WEIR_UNREACHABLE), 1);
    assert_int_equal(tries("502 x", true, WEIR_OK), 3);
    assert_int_equal(tries("504 x", false, WEIR_UNREACHABLE), 1);
    assert_int_equal(tries("", false, WEIR_UNREACHABLE), 1); /* cut before an answer */
    assert_int_equal(tries("", true, WEIR_OK), 3);
    assert_int_equal(tries("401 x", true, WEIR_BAD_LOGIN), 1);
    assert_int_equal(tries("500 x", true, WEIR_REFUSED), 1);
    assert_int_equal(tries("302 x", true, WEIR_REFUSED), 1);
}

/* On a connection that was kept, on which libcurl would send it once more by itself: a long poll,
 * whose lost answer may have held something, and a request with a body. */
static void what_was_cut_on_a_kept_connection_is_not_sent_again(void **state)
{
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct script script = {{"200 OK", ""}, ""};
        struct webserver *web = webserver_start(NULL, play, &script);
        struct fetch f;
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", webserver_port(web));
        const struct http_request request = {
            .method = "POST", .url = url, .content_type = "a/b", .body = {"x", 1}, .held = held};
        assert_int_equal(fetch_send(&f, http, &request), WEIR_OK);
        assert_int_equal(fetch_send(&f, http, &request), WEIR_UNREACHABLE);
        assert_non_null(strstr(f.err.message, "cut before the answer"));
        assert_int_equal(webserver_requests(web), 2);
        webserver_stop(web);
    }
}

static void open_later(const weir_log_record *record, void *user)
{
    if (strstr(record->message, "again in")) /* after the first refusal */
        faultproxy_refuse(user, false);
}

static void what_did_not_arrive_is_repeated_until_somebody_is_there(void **state)
{
    (void)state;
    static const struct script script = {{NULL}, ""};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&script);
    struct faultproxy *proxy = faultproxy_start(webserver_port(web));
    struct exchange_options options = options_for(faultproxy_port(proxy), 20000);
    struct fetch f;
    faultproxy_refuse(proxy, true);
    weir_log_to(open_later, proxy, WEIR_LOG_INFO);
    assert_int_equal(run(&f, &options), WEIR_OK);
    weir_log_to(NULL, NULL, WEIR_LOG_OFF);
    assert_int_equal(webserver_requests(web), 1);
    faultproxy_stop(proxy);
    webserver_stop(web);
}

static void nobody_there_ends_before_the_deadline_and_says_so(void **state)
{
    (void)state;
    struct exchange_options options = options_for(1, 1000);
    struct fetch f;
    assert_int_equal(run(&f, &options), WEIR_UNREACHABLE);
    assert_non_null(strstr(f.err.message, "fetching a token: 127.0.0.1:1: "));
    assert_non_null(strstr(f.err.message, "(tried "));
    assert_true(deadline_left(clock_system(), options.request.until) > 0);
}

static bool explain(void *user, const struct http_answer *answer, weir_error *err)
{
    (void)user;
    if (answer->status == 404)
        return false;
    error_set(err, answer->status == 400 ? WEIR_BUSY : WEIR_BAD_LOGIN, "explained: %s",
              (const char *)answer->body.data);
    return true;
}

static void an_explanation_decides_what_an_answer_means(void **state)
{
    (void)state;
    static const struct script busy = {{"400 x", "400 x"}, ""}, bad = {{"503 x"}, ""},
                               none = {{"404 x"}, ""};
    const struct {
        const struct script *script;
        weir_status status;
        size_t requests;
        const char *words;
    } cases[] = {{&busy, WEIR_OK, 3, ""},
                 {&bad, WEIR_BAD_LOGIN, 1, "explained: sorry"},
                 {&none, WEIR_NOT_FOUND, 1, "the server answered 404"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)cases[i].script);
        struct exchange_options options = options_for(webserver_port(web), 20000);
        struct fetch f;
        options.explain = explain;
        assert_int_equal(run(&f, &options), cases[i].status);
        assert_non_null(strstr(f.err.message, cases[i].words));
        assert_int_equal(webserver_requests(web), cases[i].requests);
        webserver_stop(web);
    }
}

static void a_bad_request_does_not_begin(void **state)
{
    (void)state;
    weir_error err = {0};
    struct exchange_options options = options_for(1, 1000);
    options.request.url = "gopher://h/";
    assert_null(exchange_start(http, &options, fetch_done, NULL, &err));
    assert_int_equal(err.status, WEIR_INVALID);
}

/* ---- the end while it is under way ------------------------------------------------------- */

static void cancel(void *user)
{
    exchange_cancel(user);
    exchange_cancel(NULL);
}

static void a_cancelled_one_says_nothing(void **state)
{
    (void)state;
    static const struct script wait = {{"503 x", "503 x"}, "Retry-After: 10\r\n"};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&wait);
    struct loop *loop = http_loop(http);
    for (size_t requests = 0; requests < 2; requests++) { /* while posted, and in the pause */
        struct exchange_options options = options_for(webserver_port(web), 60000);
        struct fetch f = FETCH_INIT;
        struct exchange *e = exchange_start(http, &options, fetch_done, &f, NULL);
        assert_non_null(e);
        assert_true(webserver_wait_requests(web, requests));
        loop_call(loop, cancel, e);
        assert_int_equal(f.dones, 0);
    }
    webserver_stop(web);
}

static void closing_the_client_ends_it_in_a_pause_too(void **state)
{
    (void)state;
    static const struct script wait = {{"503 x", "503 x"}, "Retry-After: 10\r\n"};
    struct webserver *web = webserver_start(NULL, play, (void *)(uintptr_t)&wait);
    for (size_t requests = 0; requests < 2; requests++) {
        struct http *own = http_open(&(struct http_options){.proxy = WEIR_OMIT}, NULL);
        struct exchange_options options = options_for(webserver_port(web), 60000);
        struct fetch f = FETCH_INIT;
        assert_non_null(exchange_start(own, &options, fetch_done, &f, NULL));
        assert_true(webserver_wait_requests(web, requests));
        http_close(own);
        assert_int_equal(f.dones, 1);
        assert_int_equal(f.err.status, WEIR_STOPPED);
    }
    webserver_stop(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_turns_away_is_repeated),
        cmocka_unit_test(retry_after_is_obeyed),
        cmocka_unit_test(a_wish_beyond_the_deadline_fails_at_once_with_the_peers_words),
        cmocka_unit_test(the_number_of_tries_has_a_limit_and_is_told),
        cmocka_unit_test(what_was_cut_on_a_kept_connection_is_not_sent_again),
        cmocka_unit_test(what_may_have_taken_effect_is_repeated_only_if_that_is_harmless),
        cmocka_unit_test(what_did_not_arrive_is_repeated_until_somebody_is_there),
        cmocka_unit_test(nobody_there_ends_before_the_deadline_and_says_so),
        cmocka_unit_test(an_explanation_decides_what_an_answer_means),
        cmocka_unit_test(a_bad_request_does_not_begin),
        cmocka_unit_test(a_cancelled_one_says_nothing),
        cmocka_unit_test(closing_the_client_ends_it_in_a_pause_too),
    };
    return cmocka_run_group_tests(tests, open_client, close_client);
}
