/* The end of a client, from everywhere and during everything; threads. */
#include "lib/check.h"

#include "lib/probe.h"
#include "lib/webserver.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char url[128];

static const char *url_of(const struct webserver *web, const char *path)
{
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", webserver_port(web), path);
    return url;
}

static struct http *open_client(void)
{
    struct http *http = http_open(&(struct http_options){.proxy = WEIR_OMIT}, NULL);
    assert_non_null(http);
    return http;
}

/* "/hold" gets no answer. */
static void serve(void *user, const struct webserver_request *request,
                  struct webserver_reply *reply)
{
    (void)user;
    if (!strstr(request->head, "/hold"))
        webserver_say(reply, "200 OK", "", "hello");
}

static struct http_ask *start(struct fetch *f, struct http *http, const char *to)
{
    const struct http_request request = {.method = "GET", .url = to, .until = fetch_in(60000)};
    *f = (struct fetch)FETCH_INIT;
    struct http_ask *ask = http_send(http, &request, fetch_done, f, NULL);
    assert_non_null(ask);
    return ask;
}

#define SOME 20

static void requests_under_way_end_when_the_client_is_closed(void **state)
{
    (void)state;
    static struct fetch fetches[SOME];
    struct webserver *web = webserver_start(NULL, serve, NULL);
    for (size_t arrived = 0; arrived <= 8; arrived += 4) { /* posted, connecting, waiting */
        struct http *http = open_client();
        size_t before = webserver_requests(web);
        for (size_t i = 0; i < SOME; i++)
            start(&fetches[i], http, url_of(web, "/hold"));
        assert_true(webserver_wait_requests(web, before + arrived));
        http_close(http);
        for (size_t i = 0; i < SOME; i++) {
            assert_int_equal(fetches[i].dones, 1);
            assert_int_equal(fetches[i].err.status, WEIR_STOPPED);
        }
    }
    assert_true(webserver_wait_open(web, 0));
    webserver_stop(web);
}

static void close_now(struct fetch *f)
{
    http_close(f->user);
}

static void a_callback_may_close_its_own_client(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    struct fetch answered = FETCH_INIT, refused = FETCH_INIT, late = FETCH_INIT, held;
    struct fetch *const all[] = {&answered, &refused, &late};
    const char *const paths[] = {"/", NULL, "/hold"};
    for (size_t i = 0; i < COUNT(all); i++) {
        struct http *http = open_client();
        all[i]->user = http;
        all[i]->at_done = close_now;
        start(&held, http, url_of(web, "/hold"));
        const struct http_request request = {.method = "GET",
                                             .url = paths[i] ? url_of(web, paths[i])
                                                             : "http://127.0.0.1:1/",
                                             .until = fetch_in(i == 2 ? 100 : 10000)};
        assert_non_null(http_send(http, &request, fetch_done, all[i], NULL));
        fetch_wait(all[i]);
        fetch_wait(&held);
        assert_int_equal(held.err.status, WEIR_STOPPED);
        assert_int_equal(held.dones, 1);
    }
    assert_int_equal(answered.err.status, WEIR_OK);
    assert_int_equal(refused.err.status, WEIR_UNREACHABLE);
    assert_int_equal(late.err.status, WEIR_TIMEOUT);
    webserver_stop(web);
}

static void close_on_the_thread(void *user)
{
    http_close(user);
}

static void the_io_thread_may_close_it_outside_of_callbacks(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    struct http *http = open_client();
    struct loop *loop = loop_ref(http_loop(http));
    struct fetch f;
    start(&f, http, url_of(web, "/hold"));
    assert_true(webserver_wait_requests(web, 1));
    loop_call(loop, close_on_the_thread, http);
    assert_int_equal(f.dones, 1);
    loop_release(loop);
    webserver_stop(web);
}

static void cancel(void *user)
{
    http_cancel(user);
    http_cancel(NULL);
}

static void a_cancelled_request_is_not_answered(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    struct http *http = open_client();
    for (size_t arrived = 0; arrived < 2; arrived++) {
        struct fetch f, next;
        size_t before = webserver_requests(web);
        struct http_ask *ask = start(&f, http, url_of(web, "/hold"));
        assert_true(webserver_wait_requests(web, before + arrived));
        loop_call(http_loop(http), cancel, ask);
        start(&next, http, url_of(web, "/"));
        fetch_wait(&next);
        assert_int_equal(f.dones, 0);
        assert_string_equal(next.body, "hello");
    }
    http_close(http);
    webserver_stop(web);
}

/* Names that a resolver has to be asked for: the I/O thread does not wait for it. */
static void a_name_being_resolved_can_be_given_up(void **state)
{
    (void)state;
    struct http *http = open_client();
    struct fetch f;
    start(&f, http, "http://no-such-host.invalid/");
    http_close(http);
    assert_int_equal(f.dones, 1);
    assert_true(f.err.status == WEIR_STOPPED || f.err.status == WEIR_UNREACHABLE);
}

static void references_keep_it_open(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    struct http *http = open_client();
    struct fetch f;
    http_close(http_ref(http));
    assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
    http_close(http);
    http_close(NULL);
    webserver_stop(web);
}

/* ---- threads ----------------------------------------------------------------------------- */

#define THREADS 4
#define EACH    25

struct crowd {
    struct http *http;
    const char *url;
    atomic_int ok, other;
};

static void *work(void *user)
{
    struct crowd *crowd = user;
    for (int i = 0; i < EACH; i++) {
        struct fetch f;
        if (fetch_get(&f, crowd->http, crowd->url) == WEIR_OK && f.dones == 1)
            atomic_fetch_add(&crowd->ok, 1);
        else
            atomic_fetch_add(&crowd->other, 1);
    }
    http_close(crowd->http);
    return NULL;
}

static void many_threads_may_ask_and_the_last_one_closes(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    struct crowd crowd = {.http = open_client(), .url = url_of(web, "/")};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        http_ref(crowd.http);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &crowd), 0);
    }
    http_close(crowd.http);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.ok), THREADS * EACH);
    assert_int_equal(atomic_load(&crowd.other), 0);
    webserver_stop(web);
}

static void *open_and_close(void *user)
{
    for (int i = 0; i < EACH; i++) {
        struct http *http = http_open(&(struct http_options){.proxy = WEIR_OMIT}, NULL);
        struct fetch f = FETCH_INIT;
        const struct http_request request = {
            .method = "GET", .url = user, .until = fetch_in(60000)};
        bool sent = http && http_send(http, &request, fetch_done, &f, NULL);
        http_close(http);
        if (!sent || f.dones != 1)
            return user;
    }
    return NULL;
}

static void clients_may_be_opened_and_closed_by_many_threads(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    pthread_t threads[THREADS];
    (void)url_of(web, "/");
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, url), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    webserver_stop(web);
}

static void a_child_of_fork_is_told_and_does_not_hang(void **state)
{
    (void)state;
    struct http *http = open_client();
    pid_t child = fork();
    if (child == 0) {
        const struct http_request request = {.method = "GET", .url = "http://127.0.0.1:1/"};
        struct exchange_options options = {.request = request, .what = "x"};
        weir_error err = {0}, again = {0};
        bool told = !http_send(http, &request, fetch_done, NULL, &err) &&
                    err.status == WEIR_INVALID && strstr(err.message, "fork") &&
                    !exchange_start(http, &options, fetch_done, NULL, &again) &&
                    again.status == WEIR_INVALID;
        http_close(http);
        _exit(told ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    http_close(http);
}

static void nothing_stays_open(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, serve, NULL);
    size_t before = probe_descriptors();
    for (int i = 0; i < 5; i++) {
        struct http *http = open_client();
        struct fetch f, held;
        assert_int_equal(fetch_get(&f, http, url_of(web, "/")), WEIR_OK);
        start(&held, http, url_of(web, "/hold"));
        http_close(http);
    }
    assert_true(webserver_wait_open(web, 0));
    probe_wait_descriptors(before);
    webserver_stop(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_under_way_end_when_the_client_is_closed),
        cmocka_unit_test(a_callback_may_close_its_own_client),
        cmocka_unit_test(the_io_thread_may_close_it_outside_of_callbacks),
        cmocka_unit_test(a_cancelled_request_is_not_answered),
        cmocka_unit_test(a_name_being_resolved_can_be_given_up),
        cmocka_unit_test(references_keep_it_open),
        cmocka_unit_test(many_threads_may_ask_and_the_last_one_closes),
        cmocka_unit_test(clients_may_be_opened_and_closed_by_many_threads),
        cmocka_unit_test(a_child_of_fork_is_told_and_does_not_hang),
        cmocka_unit_test(nothing_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
