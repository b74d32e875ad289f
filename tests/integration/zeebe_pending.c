/* Pending calls: the same things happen whether a program waits in next(), watches the descriptor
 * or is called back. Each scenario runs with each of the three. */
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/probe.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

enum face { BLOCKING, DESCRIPTOR, CALLBACK, FACES };

static struct h2server *server;
static weir_channel *channel;
static weir_zeebe *zeebe;

static weir_zeebe *connect_to(uint16_t port)
{
    char address[64];
    weir_error err = {0};
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address), &err);
    weir_zeebe *made = weir_zeebe_new(channel, &err);
    assert_string_equal(err.message, "");
    return made;
}

static int setup(void **state)
{
    struct h2server_options options = {0};
    (void)state;
    server = h2server_start(&options);
    zeebe = connect_to(h2server_port(server));
    return server ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    h2server_stop(server);
    return 0;
}

static weir_call *start(const char *rpc, const char *request, const weir_call_options *o)
{
    weir_error err = {0};
    weir_call *call = weir_zeebe_call_start(zeebe, rpc, request, o, &err);
    if (!call)
        fail_msg("%s: %s", rpc, err.message);
    return call;
}

/* ---- one reader for each face ------------------------------------------------------------- */

struct reader {
    weir_call *call;
    size_t most; /* messages to take; the rest is left */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t messages;
    size_t callbacks;
    char *last;
    bool over;
    weir_status status;
    weir_error err;
};

/* False: nothing there now. */
static bool take(struct reader *r, weir_ms timeout)
{
    char *message = NULL;
    r->status = weir_call_next(r->call, &message, timeout, &r->err);
    if (r->status == WEIR_NOTHING)
        return false;
    if (r->status == WEIR_OK) {
        weir_free(r->last);
        r->last = message;
        r->messages++;
    }
    if (r->status != WEIR_OK || r->messages == r->most)
        r->over = true;
    return true;
}

static void on_news(weir_call *call, void *user)
{
    struct reader *r = user;
    pthread_mutex_lock(&r->lock);
    assert_ptr_equal(call, r->call);
    r->callbacks++;
    while (!r->over && take(r, WEIR_NO_WAIT)) {
    }
    if (r->over)
        pthread_cond_signal(&r->moved);
    pthread_mutex_unlock(&r->lock);
}

static void read_by_descriptor(struct reader *r)
{
    struct pollfd watched = {weir_call_fd(r->call), POLLIN, 0};
    assert_true(watched.fd >= 0);
    while (!r->over) {
        assert_int_equal(poll(&watched, 1, 20000), 1);
        assert_true(take(r, WEIR_NO_WAIT)); /* readable means that there is something */
    }
}

static void read_by_callback(struct reader *r)
{
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->moved, NULL);
    assert_int_equal(weir_call_then(r->call, on_news, r, NULL), WEIR_OK);
    weir_error err = {0};
    assert_int_equal(weir_call_then(r->call, on_news, r, &err), WEIR_INVALID);
    pthread_mutex_lock(&r->lock);
    while (!r->over)
        pthread_cond_wait(&r->moved, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* Until the end, or `most` messages. */
static void read_call(struct reader *r, weir_call *call, size_t most, enum face face)
{
    *r = (struct reader){.call = call, .most = most};
    if (face == BLOCKING)
        while (!r->over)
            assert_true(take(r, 20000));
    else if (face == DESCRIPTOR)
        read_by_descriptor(r);
    else
        read_by_callback(r);
}

static void free_reader(struct reader *r)
{
    weir_call_free(r->call);
    weir_free(r->last);
}

/* ---- stories ------------------------------------------------------------------------------ */

static void a_unary_call_gives_one_answer_and_its_end(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct reader r;
        read_call(
            &r,
            start("CreateProcessInstance", "{\"bpmnProcessId\":\"p\"}", WEIR_CALL(.compact = true)),
            SIZE_MAX, face);
        assert_int_equal(r.messages, 1);
        assert_int_equal(r.status, WEIR_STOPPED);
        assert_int_equal(r.err.status, WEIR_OK); /* the proper end is no error */
        assert_non_null(strstr(r.last, "\"bpmnProcessId\":\"p\""));
        char *more = NULL;
        assert_int_equal(weir_call_next(r.call, &more, WEIR_NO_WAIT, &r.err), WEIR_STOPPED);
        free_reader(&r);
    }
}

static void a_stream_gives_every_message_and_its_end(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct reader r;
        read_call(&r, start("ActivateJobs", "{\"type\":\"t\"}", NULL), SIZE_MAX, face);
        assert_int_equal(r.messages, 5);
        assert_int_equal(r.status, WEIR_STOPPED);
        size_t count = 0;
        const weir_metadata *headers = weir_call_headers(r.call, &count);
        assert_true(count >= 1);
        assert_string_equal(headers[0].name, "content-type");
        free_reader(&r);
    }
}

static void what_the_gateway_refuses_is_said_in_its_words_again_and_again(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct reader r;
        read_call(&r, start("CompleteJob", "{\"jobKey\":5}", NULL), SIZE_MAX, face);
        assert_int_equal(r.status, WEIR_NOT_FOUND);
        assert_int_equal(r.err.kind, WEIR_KIND_JOB_NOT_FOUND);
        assert_int_equal(r.err.origin, WEIR_ORIGIN_GRPC);
        assert_int_equal(r.err.code, 5);
        assert_string_equal(r.err.message,
                            "CompleteJob: the server answered NOT_FOUND: no such thing");
        size_t count = 0;
        const weir_metadata *trailers = weir_call_trailers(r.call, &count);
        assert_int_equal(count, 1);
        assert_string_equal(trailers[0].name, "x-why");
        assert_memory_equal(trailers[0].value.data, "gone", 4);
        char *message = NULL;
        assert_int_equal(weir_call_next(r.call, &message, 1000, &r.err), WEIR_NOT_FOUND);
        free_reader(&r);
    }
}

static void a_slow_reader_stops_the_sender_and_then_gets_everything(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct reader r;
        weir_error err = {0};
        uint64_t before = h2server_stats(server).flood_bytes;
        weir_call *call = start("StreamActivatedJobs", "{}", WEIR_CALL(.timeout = WEIR_FOREVER));
        char *first = NULL;
        assert_int_equal(weir_call_next(call, &first, 20000, &err), WEIR_OK);
        weir_free(first);
        /* Other calls go on beside the stream that stands still; when many of them have been
         * answered whatever was on its way has come. */
        for (int i = 0; i < 200; i++)
            weir_topology_free(weir_zeebe_topology(zeebe, 20000, &err));
        assert_int_equal(err.status, WEIR_OK);
        uint64_t stopped = h2server_stats(server).flood_bytes - before;
        assert_true(stopped < 3 * 1024 * 1024); /* the window and what was read */
        read_call(&r, call, 10000, face);
        assert_int_equal(r.messages, 10000);
        assert_true(h2server_stats(server).flood_bytes - before > 10000 * 1024);
        free_reader(&r);
    }
}

static bool held(const struct h2server_stats *st, size_t n)
{
    return st->held >= n;
}

static bool none_open(const struct h2server_stats *st, size_t n)
{
    return st->open <= n;
}

static void a_cancelled_call_ends_with_stopped_and_says_so(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct reader r;
        weir_call *call = start("PublishMessage", "{}", NULL);
        assert_true(h2server_wait(server, held, face + 1));
        weir_call_cancel(call);
        weir_call_cancel(call);
        read_call(&r, call, SIZE_MAX, face);
        assert_int_equal(r.status, WEIR_STOPPED);
        assert_int_equal(r.err.status, WEIR_STOPPED);
        assert_non_null(strstr(r.err.message, "cancelled"));
        weir_call_cancel(call);
        free_reader(&r);
        assert_true(h2server_wait(server, none_open, 0));
    }
}

static void the_limit_of_a_call_counts_whoever_waits(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        bool sent = false;
        for (weir_ms limit = 50; limit < 20000 && !sent; limit *= 2) { /* until it is in time */
            struct reader r;
            weir_call *call = start("PublishMessage", "{}", WEIR_CALL(.timeout = limit));
            read_call(&r, call, SIZE_MAX, face);
            assert_int_equal(r.status, WEIR_TIMEOUT);
            sent = strstr(r.err.message, "whether the call took effect is unknown");
            free_reader(&r);
        }
        assert_true(sent);
    }
}

static void what_was_not_taken_is_freed_with_the_call(void **state)
{
    (void)state;
    weir_call_free(start("ActivateJobs", "{}", NULL));
    weir_call_free(start("StreamActivatedJobs", "{}", NULL));
    weir_call_free(start("PublishMessage", "{}", NULL));
    weir_call *call = start("ActivateJobs", "{}", NULL);
    char *message = NULL;
    weir_error err = {0};
    (void)weir_call_next(call, &message, 20000, &err);
    assert_string_equal(err.message, "");
    weir_free(message);
    weir_call_free(call);
    assert_true(h2server_wait(server, none_open, 0));
}

/* ---- handles ------------------------------------------------------------------------------ */

struct ending {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool freed;
};

static void free_inside(weir_call *call, void *user)
{
    struct ending *e = user;
    weir_call_free(call);
    pthread_mutex_lock(&e->lock);
    e->freed = true;
    pthread_cond_signal(&e->moved);
    pthread_mutex_unlock(&e->lock);
}

static void a_callback_may_free_its_call(void **state)
{
    (void)state;
    struct ending e = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    weir_call *call = start("StreamActivatedJobs", "{}", NULL);
    assert_int_equal(weir_call_then(call, free_inside, &e, NULL), WEIR_OK);
    pthread_mutex_lock(&e.lock);
    while (!e.freed)
        pthread_cond_wait(&e.moved, &e.lock);
    pthread_mutex_unlock(&e.lock);
}

static void a_call_outlives_the_handles_it_was_made_with(void **state)
{
    (void)state;
    struct reader r;
    weir_call *call = start("ActivateJobs", "{}", NULL);
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    read_call(&r, call, SIZE_MAX, BLOCKING);
    assert_string_equal(r.err.message, "");
    assert_int_equal(r.messages, 5);
    free_reader(&r);
    zeebe = connect_to(h2server_port(server));
}

static void a_null_call_is_no_crash(void **state)
{
    (void)state;
    weir_error err = {.status = WEIR_MISSING, .message = "first"};
    char *message = NULL;
    size_t count = 7;
    assert_int_equal(weir_call_next(NULL, &message, 0, &err), WEIR_MISSING);
    assert_int_equal(weir_call_then(NULL, free_inside, NULL, &err), WEIR_MISSING);
    assert_string_equal(err.message, "first");
    assert_int_equal(weir_call_fd(NULL), -1);
    assert_null(weir_call_headers(NULL, &count));
    assert_int_equal(count, 0);
    weir_call_cancel(NULL);
    weir_call_free(NULL);
}

static void a_gateway_that_restarts_ends_what_it_may_have_done(void **state)
{
    (void)state;
    for (enum face face = BLOCKING; face < FACES; face++) {
        struct reader calls[8];
        size_t before = h2server_stats(server).held;
        for (size_t i = 0; i < COUNT(calls); i++)
            calls[i].call = start("PublishMessage", "{}", NULL);
        assert_true(h2server_wait(server, held, before + COUNT(calls)));
        h2server_deafen(server, true); /* and not stopped: its port could become another's */
        h2server_cut_first(server, SIZE_MAX);
        for (size_t i = 0; i < COUNT(calls); i++) {
            read_call(&calls[i], calls[i].call, SIZE_MAX, face);
            assert_int_equal(calls[i].status, WEIR_UNREACHABLE);
            free_reader(&calls[i]);
        }
        /* A read is repeated until the gateway is there again. */
        weir_call *topology = start("Topology", NULL, WEIR_CALL(.timeout = 20000));
        h2server_deafen(server, false);
        read_call(&calls[0], topology, SIZE_MAX, face);
        assert_int_equal(calls[0].status, WEIR_STOPPED);
        assert_int_equal(calls[0].messages, 1);
        free_reader(&calls[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_gives_one_answer_and_its_end),
        cmocka_unit_test(a_stream_gives_every_message_and_its_end),
        cmocka_unit_test(what_the_gateway_refuses_is_said_in_its_words_again_and_again),
        cmocka_unit_test(a_slow_reader_stops_the_sender_and_then_gets_everything),
        cmocka_unit_test(a_cancelled_call_ends_with_stopped_and_says_so),
        cmocka_unit_test(the_limit_of_a_call_counts_whoever_waits),
        cmocka_unit_test(what_was_not_taken_is_freed_with_the_call),
        cmocka_unit_test(a_callback_may_free_its_call),
        cmocka_unit_test(a_call_outlives_the_handles_it_was_made_with),
        cmocka_unit_test(a_null_call_is_no_crash),
        cmocka_unit_test(a_gateway_that_restarts_ends_what_it_may_have_done),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
