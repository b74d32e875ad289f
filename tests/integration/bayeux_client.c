/* A client of a plain CometD server, by all three faces; what its calls promise. */
#include "bayeux_lib.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct comet k;

static int setup(void **state)
{
    (void)state;
    comet_begin(&k, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    comet_end(&k);
    return 0;
}

/* ---- receiving ----------------------------------------------------------------------------- */

static void an_event_that_is_published_comes_with_what_it_says(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a/b");
    char *answer = NULL;
    assert_int_equal(
        weir_bayeux_publish(b, "/a/b", "{\"k\":[1, \"\\u00e9\"]}", &answer, LONG_MS, &err),
        WEIR_OK);
    assert_non_null(strstr(answer, "\"successful\""));
    weir_free(answer);
    assert_int_equal(weir_bayeux_next(b, &event, LONG_MS, &err), WEIR_OK);
    weir_bayeux_close(b); /* an event outlives its handle */
    assert_string_equal(weir_event_attr(event, "channel"), "/a/b");
    assert_string_equal(weir_event_attr(event, "type"), "org.cometd.message");
    char source[300];
    (void)snprintf(source, sizeof source, "%s/a/b", k.url);
    assert_string_equal(weir_event_attr(event, "source"), source);
    assert_true(*weir_event_attr(event, "id"));
    assert_int_equal(weir_json_int(weir_event_json(event), "/k/0", 0), 1);
    assert_string_equal(weir_json_str(weir_event_json(event), "/k/1", ""), "\xc3\xa9");
    weir_bytes original = weir_event_original(event);
    assert_memory_equal(original.data, "{", 1);
    weir_json *whole = weir_json_parse(original.data, original.len, &err);
    assert_string_equal(weir_json_str(whole, "/channel", ""), "/a/b");
    weir_json_free(whole);
    char *text = weir_event_format(event, &err);
    assert_null(strstr(text, "\"channel\""));
    weir_free(text);
    weir_event_free(event);
}

static void events_of_one_answer_are_taken_together_and_in_order(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *events[16];
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a");
    comet_emit(&k, "/a", 1, 100);
    int64_t expected = 1;
    while (expected <= 100) {
        size_t count = 0;
        assert_int_equal(weir_bayeux_take(b, events, COUNT(events), &count, LONG_MS, &err),
                         WEIR_OK);
        assert_in_range(count, 1, COUNT(events));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(comet_number(events[i]), expected++);
            weir_event_free(events[i]);
        }
    }
    assert_int_equal(weir_bayeux_take(b, events, COUNT(events), &(size_t){0}, WEIR_NO_WAIT, &err),
                     WEIR_NOTHING);
    assert_int_equal(comet_counters(b).events, 100);
    weir_bayeux_close(b);
}

static bool readable(weir_bayeux *b, int ms)
{
    struct pollfd p = {.fd = weir_bayeux_fd(b), .events = POLLIN};
    assert_true(p.fd >= 0);
    return poll(&p, 1, ms) == 1;
}

static void the_descriptor_is_readable_while_there_is_something(void **state)
{
    (void)state;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    assert_false(readable(b, 0));
    comet_subscribe(b, "/a");
    comet_emit(&k, "/a", 1, 3);
    for (int i = 1; i <= 3; i++) {
        assert_true(readable(b, 20000));
        comet_expect(b, i);
    }
    assert_false(readable(b, 0));
    weir_bayeux_stop(b);
    assert_true(readable(b, 20000));
    assert_int_equal(weir_bayeux_next(b, &(weir_event *){NULL}, WEIR_NO_WAIT, NULL), WEIR_STOPPED);
    assert_true(readable(b, 0));
    weir_bayeux_close(b);
}

static void a_handler_gets_every_event_in_order(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .handler = comet_handler));
    assert_int_equal(weir_bayeux_fd(b), -1);
    assert_int_equal(weir_bayeux_next(b, &event, WEIR_NO_WAIT, &err), WEIR_INVALID);
    comet_subscribe(b, "/a");
    for (int i = 0; i < 10; i++)
        comet_emit(&k, "/a", i * 20 + 1, 20);
    comet_wait_handled(&k, 200);
    assert_true(k.in_order);
    weir_bayeux_stop(b);
    assert_int_equal(weir_bayeux_wait(b, LONG_MS, &err), WEIR_OK);
    weir_bayeux_close(b);
}

static void a_wildcard_stands_for_what_it_says(void **state)
{
    (void)state;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a/**");
    comet_emit(&k, "/a/b/c", 1, 1);
    comet_emit(&k, "/b", 2, 1);
    comet_emit(&k, "/a/b", 3, 1);
    comet_expect(b, 1);
    comet_expect(b, 3);
    weir_bayeux_close(b);
}

static void many_clients_do_not_disturb_each_other(void **state)
{
    (void)state;
    weir_bayeux *b[8];
    char channel[16];
    for (size_t i = 0; i < COUNT(b); i++) {
        (void)snprintf(channel, sizeof channel, "/n/%zu", i);
        b[i] = comet_open(COMET(&k, .handler = NULL));
        comet_subscribe(b[i], channel);
        comet_subscribe(b[i], "/all");
    }
    comet_emit(&k, "/n/5", 5, 1);
    comet_emit(&k, "/all", 100, 1);
    for (size_t i = 0; i < COUNT(b); i++) {
        if (i == 5)
            comet_expect(b[i], 5);
        comet_expect(b[i], 100);
        weir_bayeux_close(b[i]);
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void subscriptions_are_listed_and_end(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a");
    comet_subscribe(b, "/b");
    comet_subscribe(b, "/a"); /* no error */
    char **list = weir_bayeux_subscriptions(b, &err);
    assert_string_equal(list[0], "/a");
    assert_string_equal(list[1], "/b");
    assert_null(list[2]);
    weir_free((char *)list);
    assert_int_equal(weir_bayeux_unsubscribe(b, "/c", LONG_MS, &err), WEIR_NOT_FOUND);
    assert_int_equal(weir_bayeux_unsubscribe(b, "/a", LONG_MS, &err), WEIR_OK);
    comet_emit(&k, "/a", 1, 1);
    comet_emit(&k, "/b", 2, 1);
    comet_expect(b, 2);
    list = weir_bayeux_subscriptions(b, &err);
    assert_string_equal(list[0], "/b");
    assert_null(list[1]);
    weir_free((char *)list);
    weir_bayeux_close(b);
}

static void what_cannot_be_is_refused_before_connecting(void **state)
{
    (void)state;
    weir_error err = {0};
    static const char *const names[] = {"a", "", "/meta/connect", "/a//b", "/a/**/b", "/a b"};
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(weir_bayeux_subscribe(b, names[i], LONG_MS, &err), WEIR_INVALID);
    assert_int_equal(weir_bayeux_subscribe(b, NULL, LONG_MS, &err), WEIR_INVALID);
    assert_int_equal(weir_bayeux_publish(b, "/a/*", "1", NULL, LONG_MS, &err), WEIR_INVALID);
    assert_int_equal(weir_bayeux_publish(b, "/a", "{", NULL, LONG_MS, &err), WEIR_INVALID);
    assert_int_equal(weir_bayeux_publish(b, "/a", NULL, NULL, LONG_MS, &err), WEIR_INVALID);
    assert_int_equal(weir_bayeux_next(b, NULL, LONG_MS, &err), WEIR_INVALID);
    assert_int_equal(sandbox_count(k.sandbox, "bayeux"), 0);
    weir_bayeux_close(b);
}

static void the_answer_to_the_handshake_is_told(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    char *text = weir_bayeux_session(b, LONG_MS, &err);
    assert_non_null(strstr(text, "\"supportedConnectionTypes\""));
    weir_free(text);
    text = weir_bayeux_session(b, LONG_MS, &err);
    assert_non_null(strstr(text, "/meta/handshake"));
    weir_free(text);
    assert_int_equal(comet_counters(b).handshakes, 1);
    weir_bayeux_close(b);
}

/* ---- rules of the house ---------------------------------------------------------------------- */

static void null_handles_keep_the_error_that_explains_them(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event;
    assert_null(weir_bayeux_open(WEIR_BAYEUX(.url = "ftp://x"), &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_non_null(strstr(err.message, "url"));
    weir_error first = err;
    assert_null(weir_bayeux_open(WEIR_BAYEUX(.url = k.url), &err));
    assert_int_equal(weir_bayeux_subscribe(NULL, "/a", 1, &err), WEIR_INVALID);
    assert_int_equal(weir_bayeux_next(NULL, &event, 1, &err), WEIR_INVALID);
    assert_string_equal(err.message, first.message);
    assert_int_equal(weir_bayeux_fd(NULL), -1);
    weir_bayeux_stop(NULL);
    weir_bayeux_close(NULL);
}

static void options_that_cannot_be_are_named(void **state)
{
    (void)state;
    static const char *const no_header[] = {"Authorization Bearer", NULL};
    static const char *const two_lines[] = {"A: b\r\nC: d", NULL};
    const struct {
        const weir_bayeux_options *o;
        const char *words;
    } cases[] = {
        {WEIR_BAYEUX(.url = NULL), "url"},
        {WEIR_BAYEUX(.url = "http://"), "url"},
        {WEIR_BAYEUX(.url = "http://me:it@localhost/"), "url"},
        {WEIR_BAYEUX(.url = k.url, .transport = (weir_transport)7), "transport 7"},
        {WEIR_BAYEUX(.url = k.url, .headers = no_header), "headers"},
        {WEIR_BAYEUX(.url = k.url, .headers = two_lines), "headers"},
        {WEIR_BAYEUX(.url = k.url, .max_queued = SIZE_MAX), "max_queued"},
        {WEIR_BAYEUX(.url = k.url, .max_message = 1), "max_message"},
        {WEIR_BAYEUX(.url = k.url, .stall = -7), "stall"},
        {WEIR_BAYEUX(.url = k.url, .give_up = -7), "give_up"},
        {WEIR_BAYEUX(.url = k.url, .connection_timeout = INT64_MAX), "connection_timeout"},
        {WEIR_BAYEUX(.url = k.url, .tls = WEIR_TLS(.root_certificates = "no PEM")), "root_cert"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_error err = {0};
        assert_null(weir_bayeux_open(cases[i].o, &err));
        assert_int_equal(err.status, WEIR_INVALID);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%zu: %s", i, err.message);
    }
}

static void a_token_goes_over_plaintext_to_loopback_only(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_credentials *token = weir_credentials_fixed("secret-token", &err);
    assert_null(
        weir_bayeux_open(WEIR_BAYEUX(.url = "http://bayeux.example/", .credentials = token), &err));
    assert_int_equal(err.status, WEIR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "allow_plaintext"));
    err = (weir_error){0};
    weir_bayeux *b = weir_bayeux_open(
        WEIR_BAYEUX(.url = "http://bayeux.example/", .credentials = token, .allow_plaintext = true),
        &err);
    assert_non_null(b);
    weir_bayeux_close(b);
    b = comet_open(COMET(&k, .credentials = token));
    weir_credentials_free(token); /* it is referenced */
    comet_subscribe(b, "/a");
    assert_int_equal(comet_counters(b).logins, 1);
    weir_bayeux_close(b);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void what_has_arrived_can_be_taken_after_a_stop(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a");
    comet_emit(&k, "/a", 1, 3);
    comet_wait_arrived(b, 3);
    comet_expect(b, 1);
    weir_bayeux_stop(b);
    assert_int_equal(weir_bayeux_wait(b, LONG_MS, &err), WEIR_OK);
    comet_expect(b, 2);
    comet_expect(b, 3);
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_bayeux_next(b, &event, LONG_MS, &err), WEIR_STOPPED);
    assert_int_equal(weir_bayeux_subscribe(b, "/b", LONG_MS, &err), WEIR_STOPPED);
    weir_bayeux_close(b);
    assert_int_equal(sandbox_count(k.sandbox, "bayeux.disconnect"), 1);
}

static weir_bayeux *to_stop;

static void on_signal(int number)
{
    (void)number;
    weir_bayeux_stop(to_stop);
}

static void *interrupt(void *argument)
{
    sandboxed_wait(k.sandbox, "bayeux.connect", 2);
    pthread_kill(*(const pthread_t *)argument, SIGUSR1);
    return NULL;
}

static void a_signal_handler_may_stop_it(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t self = pthread_self(), other;
    to_stop = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(to_stop, "/a");
    pthread_create(&other, NULL, interrupt, &self);
    assert_int_equal(weir_bayeux_next(to_stop, &event, WEIR_FOREVER, &err), WEIR_STOPPED);
    pthread_join(other, NULL);
    weir_bayeux_close(to_stop);
}

static weir_bayeux *own;

static void close_own(const weir_event *event, void *user)
{
    weir_bayeux_close(own);
    comet_handler(event, user);
}

static void closing_in_a_handler_only_stops(void **state)
{
    (void)state;
    weir_error err = {0};
    own = comet_open(COMET(&k, .handler = close_own));
    comet_subscribe(own, "/a");
    comet_emit(&k, "/a", 1, 1);
    comet_wait_handled(&k, 1);
    assert_int_equal(weir_bayeux_wait(own, LONG_MS, &err), WEIR_OK);
    weir_bayeux_close(own);
}

static void a_limit_is_kept(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    assert_int_equal(weir_bayeux_next(b, &event, 1, &err), WEIR_NOTHING);
    assert_int_equal(err.status, WEIR_OK);
    comet_subscribe(b, "/a");
    for (int i = 0; i < 20; i++) /* also with the loop on loan */
        assert_int_equal(weir_bayeux_next(b, &event, 1, &err), WEIR_NOTHING);
    assert_int_equal(weir_bayeux_wait(b, 1, &err), WEIR_NOTHING);
    weir_bayeux_close(b);
}

static void a_child_of_fork_cannot_use_it(void **state)
{
    (void)state;
    weir_event *event = NULL;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a");
    pid_t child = fork();
    if (child == 0) {
        bool refused = weir_bayeux_next(b, &event, WEIR_FOREVER, NULL) == WEIR_INVALID &&
                       weir_bayeux_subscribe(b, "/a", LONG_MS, NULL) == WEIR_INVALID &&
                       weir_bayeux_fd(b) == -1;
        weir_bayeux_stop(b);
        weir_bayeux_close(b);
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    comet_emit(&k, "/a", 1, 1);
    comet_expect(b, 1);
    weir_bayeux_close(b);
}

/* ---- threads --------------------------------------------------------------------------------- */

struct taker {
    weir_bayeux *b;
    size_t taken;
    int64_t sum;
    bool in_order;
};

static void *take_until_stopped(void *argument)
{
    struct taker *t = argument;
    weir_event *event;
    int64_t before = 0;
    t->in_order = true;
    while (weir_bayeux_next(t->b, &event, WEIR_FOREVER, NULL) == WEIR_OK) {
        int64_t number = comet_number(event);
        t->in_order = t->in_order && number > before;
        before = number;
        t->sum += number;
        t->taken++;
        weir_event_free(event);
    }
    return NULL;
}

static void two_threads_in_next_share_the_events(void **state)
{
    (void)state;
    pthread_t threads[3];
    struct taker takers[3];
    enum { EVENTS = 500 };
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    comet_subscribe(b, "/a");
    for (size_t i = 0; i < COUNT(threads); i++) {
        takers[i] = (struct taker){.b = b};
        pthread_create(&threads[i], NULL, take_until_stopped, &takers[i]);
    }
    for (int i = 0; i < 10; i++)
        comet_emit(&k, "/a", i * (EVENTS / 10) + 1, EVENTS / 10);
    comet_wait_arrived(b, EVENTS);
    weir_bayeux_stop(b);
    size_t taken = 0;
    int64_t sum = 0;
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        taken += takers[i].taken;
        sum += takers[i].sum;
        assert_true(takers[i].in_order);
    }
    assert_int_equal(taken, EVENTS);
    assert_int_equal(sum, EVENTS * (EVENTS + 1) / 2);
    weir_bayeux_close(b);
}

static void closing_ends_those_who_wait(void **state)
{
    (void)state;
    pthread_t thread;
    weir_bayeux *b = comet_open(COMET(&k, .handler = NULL));
    struct taker taker = {.b = b};
    comet_subscribe(b, "/a");
    pthread_create(&thread, NULL, take_until_stopped, &taker);
    sandboxed_wait(k.sandbox, "bayeux.connect", 2);
    weir_bayeux_stop(b);
    pthread_join(thread, NULL);
    weir_bayeux_close(b);
}

/* ---- extensions ------------------------------------------------------------------------------ */

struct seen {
    size_t out, in, published;
    bool wrong;
};

static void sign(const weir_json *message, weir_bayeux_ext *ext, void *user)
{
    struct seen *seen = user;
    seen->out++;
    if (weir_json_int(message, "/data/n", 0) == 7)
        seen->published++;
    if (weir_bayeux_ext_set(ext, "sign", "{") != WEIR_INVALID ||
        weir_bayeux_ext_set(ext, "sign", "{\"by\":\"me\"}") != WEIR_OK)
        seen->wrong = true; /* the test's thread fails, not this one */
}

static bool no_odd_ones(const weir_json *message, void *user)
{
    struct seen *seen = user;
    seen->in++;
    return weir_json_int(message, "/data/Number__c", 0) % 2 == 0;
}

static void extensions_add_to_what_goes_and_filter_what_comes(void **state)
{
    (void)state;
    weir_error err = {0};
    struct seen seen = {0};
    const weir_bayeux_extension list[] = {
        {.outgoing = sign, .user = &seen}, {.incoming = no_odd_ones, .user = &seen}, {0}};
    weir_bayeux *b = comet_open(COMET(&k, .extensions = list));
    comet_subscribe(b, "/a");
    comet_emit(&k, "/a", 1, 4);
    comet_expect(b, 2);
    comet_expect(b, 4);
    assert_int_equal(weir_bayeux_publish(b, "/x", "{\"n\":7}", NULL, LONG_MS, &err), WEIR_OK);
    assert_int_equal(comet_counters(b).dropped, 2);
    weir_bayeux_close(b);
    assert_true(seen.out >= 4 && seen.in >= 6);
    assert_int_equal(seen.published, 1);
    assert_false(seen.wrong);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_event_that_is_published_comes_with_what_it_says),
        CASE(events_of_one_answer_are_taken_together_and_in_order),
        CASE(the_descriptor_is_readable_while_there_is_something),
        CASE(a_handler_gets_every_event_in_order),
        CASE(a_wildcard_stands_for_what_it_says),
        CASE(many_clients_do_not_disturb_each_other),
        CASE(subscriptions_are_listed_and_end),
        CASE(what_cannot_be_is_refused_before_connecting),
        CASE(the_answer_to_the_handshake_is_told),
        CASE(null_handles_keep_the_error_that_explains_them),
        CASE(options_that_cannot_be_are_named),
        CASE(a_token_goes_over_plaintext_to_loopback_only),
        CASE(what_has_arrived_can_be_taken_after_a_stop),
        CASE(a_signal_handler_may_stop_it),
        CASE(closing_in_a_handler_only_stops),
        CASE(a_limit_is_kept),
        CASE(a_child_of_fork_cannot_use_it),
        CASE(two_threads_in_next_share_the_events),
        CASE(closing_ends_those_who_wait),
        CASE(extensions_add_to_what_goes_and_filter_what_comes),
    };
    comet_transport = WEIR_TRANSPORT_LONG_POLLING;
    int failed = cmocka_run_group_tests_name("long polling", tests, NULL, NULL);
    comet_transport = WEIR_TRANSPORT_WEBSOCKET;
    failed += cmocka_run_group_tests_name("WebSocket", tests, NULL, NULL);
    comet_transport = WEIR_TRANSPORT_AUTO;
    failed += cmocka_run_group_tests_name("either", tests, NULL, NULL);
    return failed;
}
