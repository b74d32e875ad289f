/* The server's side against nghttp2's client side, both in memory: bytes go through two buffers. */
#include "lib/check.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "sandbox/h2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#define CALLS 8

/* What the client saw of one call. */
struct seen {
    int32_t stream;
    char status[8], grpc_status[8], message[64], type[32];
    char body[128];
    size_t body_len;
    bool closed;
    uint32_t code;
};

struct world {
    struct h2 *server;
    nghttp2_session *client;
    struct buf to_client;
    struct seen seen[CALLS];
    size_t calls;
    struct h2_call *open[CALLS]; /* announced and not closed */
    size_t announced, closed;
    bool blocked; /* the server's socket takes nothing */
    bool goaway;
    int32_t goaway_last;
};

static struct world world;

/* --- the server's events --- */

static void on_request(void *user, struct h2_call *call)
{
    struct world *w = user;
    w->open[w->announced++] = call;
}

static void on_closed(void *user, struct h2_call *call)
{
    struct world *w = user;
    w->closed++;
    for (size_t i = 0; i < CALLS; i++) {
        if (w->open[i] == call)
            w->open[i] = NULL;
    }
}

static bool on_send(void *user, const void *data, size_t len)
{
    struct world *w = user;
    buf_add(&w->to_client, data, len);
    return !w->blocked;
}

static const struct h2_events events = {on_request, on_closed, on_send};

/* --- the client --- */

static struct seen *seen_of(int32_t stream)
{
    for (size_t i = 0; i < world.calls; i++) {
        if (world.seen[i].stream == stream)
            return &world.seen[i];
    }
    return NULL;
}

static int client_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                         nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct seen *seen = seen_of(frame->hd.stream_id);
    const char *n = (const char *)nghttp2_rcbuf_get_buf(name).base;
    const char *v = (const char *)nghttp2_rcbuf_get_buf(value).base;
    (void)session;
    (void)flags;
    (void)user;
    if (!seen)
        return 0;
    if (strcmp(n, ":status") == 0)
        snprintf(seen->status, sizeof seen->status, "%s", v);
    if (strcmp(n, "grpc-status") == 0)
        snprintf(seen->grpc_status, sizeof seen->grpc_status, "%s", v);
    if (strcmp(n, "grpc-message") == 0)
        snprintf(seen->message, sizeof seen->message, "%s", v);
    if (strcmp(n, "content-type") == 0)
        snprintf(seen->type, sizeof seen->type, "%s", v);
    return 0;
}

static int client_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                       size_t len, void *user)
{
    struct seen *seen = seen_of(stream);
    (void)session;
    (void)flags;
    (void)user;
    if (seen->body_len + len <= sizeof seen->body)
        memcpy(seen->body + seen->body_len, data, len);
    seen->body_len += len;
    return 0;
}

static int client_closed(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    struct seen *seen = seen_of(stream);
    (void)session;
    (void)user;
    seen->closed = true;
    seen->code = code;
    return 0;
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct world *w = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        w->goaway = true;
        w->goaway_last = frame->goaway.last_stream_id;
    }
    return 0;
}

/* Lets both sides talk until neither has anything to say; what h2_feed() said last. */
static bool talk(void)
{
    const uint8_t *data = NULL;
    bool alive = h2_pump(world.server);
    for (bool moved = true; moved;) {
        moved = false;
        ssize_t len = nghttp2_session_mem_send(world.client, &data);
        if (len > 0) {
            alive = h2_feed(world.server, data, (size_t)len);
            moved = true;
        }
        if (world.to_client.len) {
            struct buf bytes = world.to_client;
            world.to_client = (struct buf)BUF_INIT((size_t)64 * 1024 * 1024);
            nghttp2_session_mem_recv(world.client, (const uint8_t *)bytes.data, bytes.len);
            buf_free(&bytes);
            moved = true;
        }
    }
    return alive;
}

static int set_up(void **state)
{
    nghttp2_session_callbacks *callbacks = NULL;
    (void)state;
    memset(&world, 0, sizeof world);
    world.to_client = (struct buf)BUF_INIT((size_t)64 * 1024 * 1024);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, client_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_closed);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_frame);
    nghttp2_session_client_new(&world.client, callbacks, &world);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(world.client, NGHTTP2_FLAG_NONE, NULL, 0);
    world.server = h2_new(
        &(struct h2_options){.events = &events, .user = &world, .max_concurrent_streams = 4}, NULL);
    return world.server ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    h2_free(world.server);
    assert_int_equal(world.announced, world.closed);
    nghttp2_session_del(world.client);
    buf_free(&world.to_client);
    return 0;
}

#define READ_PARAMETERS                                                                            \
    nghttp2_session *session, int32_t stream, uint8_t *to, size_t size, uint32_t *flags,           \
        nghttp2_data_source *source, void *user

static ssize_t client_body(READ_PARAMETERS)
{
    struct buf *body = source->ptr;
    (void)session;
    (void)stream;
    (void)user;
    size_t take = body->len < size ? body->len : size;
    memcpy(to, body->data, take);
    memmove(body->data, body->data + take, body->len - take);
    body->len -= take;
    *flags |= body->len ? 0 : NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)take;
}

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static struct seen *call(struct buf *body, const char *extra)
{
    const nghttp2_nv list[] = {nv(":method", "POST"), nv(":scheme", "http"),
                               nv(":path", "/S/M"),   nv(":authority", "localhost"),
                               nv("te", "trailers"),  nv("x-extra", extra)};
    nghttp2_data_provider provider = {{.ptr = body}, client_body};
    struct seen *seen = &world.seen[world.calls++];
    seen->stream = nghttp2_submit_request(world.client, NULL, list, COUNT(list), &provider, NULL);
    assert_true(seen->stream > 0);
    return seen;
}

static struct buf body_of(size_t len)
{
    struct buf body = BUF_INIT((size_t)64 * 1024 * 1024);
    char block[1024] = {0};
    for (; len; len -= len < sizeof block ? len : sizeof block)
        buf_add(&body, block, len < sizeof block ? len : sizeof block);
    return body;
}

/* --- the tests --- */

static void a_call_is_announced_whole(void **state)
{
    (void)state;
    struct buf body = body_of(7);
    call(&body, "yes");
    talk();
    assert_int_equal(world.announced, 1);
    struct h2_call *c = world.open[0];
    size_t count = 0;
    assert_string_equal(h2_call_path(c), "/S/M");
    assert_string_equal(h2_call_header(c, "x-extra"), "yes");
    assert_null(h2_call_header(c, "x-other"));
    assert_string_equal(h2_call_headers(c, &count)[0].name, ":method");
    assert_int_equal(count, 6);
    assert_int_equal(h2_call_body(c).len, 7);
    buf_free(&body);
}

static void an_answer_is_headers_messages_and_trailers(void **state)
{
    (void)state;
    struct buf body = body_of(5);
    struct seen *seen = call(&body, "");
    talk();
    h2_call_message(world.open[0], (weir_bytes){"hi", 2});
    talk();
    assert_string_equal(seen->status, "200");
    assert_memory_equal(seen->body, "\0\0\0\0\2hi", 7);
    assert_false(seen->closed);
    h2_call_message(world.open[0], (weir_bytes){"", 0});
    h2_call_end(world.open[0], 0, NULL);
    talk();
    assert_int_equal(seen->body_len, 12);
    assert_string_equal(seen->grpc_status, "0");
    assert_true(seen->closed);
    assert_int_equal(seen->code, 0);
    assert_int_equal(world.closed, 1);
    buf_free(&body);
}

static void an_error_is_trailers_only_with_its_text_encoded(void **state)
{
    (void)state;
    struct buf body = body_of(5);
    struct seen *seen = call(&body, "");
    talk();
    h2_call_end(world.open[0], 14, "no leader: 100%");
    talk();
    assert_string_equal(seen->status, "200");
    assert_string_equal(seen->type, "application/grpc");
    assert_string_equal(seen->grpc_status, "14");
    assert_string_equal(seen->message, "no leader: 100%25");
    assert_int_equal(seen->body_len, 0);
    buf_free(&body);
}

static void a_proxy_s_answer_is_no_grpc(void **state)
{
    (void)state;
    struct buf body = body_of(5);
    struct seen *seen = call(&body, "");
    talk();
    h2_call_http(world.open[0], 503, "<h1>");
    talk();
    assert_string_equal(seen->status, "503");
    assert_string_equal(seen->type, "text/html");
    assert_string_equal(seen->grpc_status, "");
    assert_memory_equal(seen->body, "<h1>", 4);
    assert_true(seen->closed);
    buf_free(&body);
}

static void a_reset_carries_its_code(void **state)
{
    (void)state;
    struct buf body = body_of(5);
    struct seen *seen = call(&body, "");
    talk();
    h2_call_reset(world.open[0], H2_REFUSED_STREAM);
    talk();
    assert_true(seen->closed);
    assert_int_equal(seen->code, H2_REFUSED_STREAM);
    buf_free(&body);
}

static void a_client_that_gives_up_closes_the_call(void **state)
{
    (void)state;
    struct buf body = body_of(5);
    struct seen *seen = call(&body, "");
    talk();
    nghttp2_submit_rst_stream(world.client, 0, seen->stream, NGHTTP2_CANCEL);
    talk();
    assert_int_equal(world.closed, 1);
    assert_int_equal(h2_calls(world.server), 0);
    buf_free(&body);
}

static void goaway_drops_the_calls_after_the_last_and_finishes_the_others(void **state)
{
    (void)state;
    struct buf bodies[3] = {body_of(5), body_of(5), body_of(5)};
    struct seen *first = call(&bodies[0], "");
    struct seen *second = call(&bodies[1], "");
    call(&bodies[2], "");
    talk();
    assert_int_equal(world.announced, 3);
    h2_goaway(world.server, first->stream);
    assert_true(talk());
    assert_true(world.goaway);
    assert_int_equal(world.goaway_last, first->stream);
    assert_int_equal(world.closed, 2);
    assert_true(second->closed);
    assert_int_equal(second->code, NGHTTP2_REFUSED_STREAM);
    h2_call_end(world.open[0], 0, NULL);
    assert_false(talk()); /* all done: the connection is over */
    assert_string_equal(first->grpc_status, "0");
    for (size_t i = 0; i < 3; i++)
        buf_free(&bodies[i]);
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct buf body = body_of(LIMIT_GRPC_MESSAGE + 6);
    struct seen *seen = call(&body, "");
    talk();
    assert_int_equal(world.announced, 0);
    assert_string_equal(seen->grpc_status, "8");
    buf_free(&body);
}

static void a_slow_reader_stops_the_answer(void **state)
{
    (void)state;
    static char big[(size_t)3 * 1024 * 1024];
    struct buf body = body_of(5);
    struct seen *seen = call(&body, "");
    talk();
    world.blocked = true;
    h2_call_message(world.open[0], (weir_bytes){big, sizeof big});
    h2_call_end(world.open[0], 0, NULL);
    size_t waiting = world.to_client.len;
    assert_true(waiting < 64 * 1024);
    world.blocked = false;
    talk();
    assert_int_equal(seen->body_len, sizeof big + 5);
    assert_string_equal(seen->grpc_status, "0");
    buf_free(&body);
}

static void bytes_that_are_no_http2_end_it(void **state)
{
    (void)state;
    static const char http1[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_false(h2_feed(world.server, http1, sizeof http1 - 1));
}

static void no_memory_loses_calls_and_nothing_else(void **state)
{
    (void)state;
    bool failed = true;
    for (long n = 1; failed && world.calls < CALLS; n++) {
        struct buf body = body_of(5);
        call(&body, "");
        mem_fail_at(n);
        talk();
        failed = mem_failed();
        mem_fail_at(0);
        for (size_t i = 0; i < CALLS; i++) {
            if (world.open[i])
                h2_call_end(world.open[i], 0, NULL);
        }
        talk();
        buf_free(&body);
    }
    assert_int_equal(h2_calls(world.server), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_announced_whole),
        TEST(an_answer_is_headers_messages_and_trailers),
        TEST(an_error_is_trailers_only_with_its_text_encoded),
        TEST(a_proxy_s_answer_is_no_grpc),
        TEST(a_reset_carries_its_code),
        TEST(a_client_that_gives_up_closes_the_call),
        TEST(goaway_drops_the_calls_after_the_last_and_finishes_the_others),
        TEST(what_is_too_large_is_refused),
        TEST(a_slow_reader_stops_the_answer),
        TEST(bytes_that_are_no_http2_end_it),
        TEST(no_memory_loses_calls_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
