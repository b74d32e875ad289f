/* The official gRPC interop cases (grpc/doc/interop-test-descriptions.md) that a client can run
 * without a Google account, against the official server. Usage: interop PORT [CA_FILE]. Prints "ok
 * CASE" or "FAIL CASE: why".
 *
 * The cases ride on rpc/rpc.h, the seam below Zeebe, because Zeebe has no client streams. Messages
 * are written by hand: field numbers from grpc/testing/messages.proto. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "rpc/rpc.h"

#define SERVICE     "/grpc.testing.TestService/"
#define MESSAGE_MAX (4 * 1024 * 1024)

static struct rpc *channel;
static int failures;

/* ---- protobuf by hand ------------------------------------------------------------------- */

static void varint(struct buf *b, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        buf_add(b, &byte, 1);
        value >>= 7;
    } while (value);
}

static void number(struct buf *b, unsigned field, uint64_t value)
{
    varint(b, field << 3);
    varint(b, value);
}

static void bytes(struct buf *b, unsigned field, const void *data, size_t len)
{
    varint(b, field << 3 | 2);
    varint(b, len);
    buf_add(b, data, len);
}

static void nested(struct buf *b, unsigned field, struct buf *inner)
{
    bytes(b, field, inner->data, inner->len);
    buf_free(inner);
}

static void payload(struct buf *b, unsigned field, size_t size)
{
    struct buf inner = BUF_INIT(MESSAGE_MAX);
    char *zeros = calloc(1, size + 1);
    bytes(&inner, 2, zeros, size);
    free(zeros);
    nested(b, field, &inner);
}

static void echo_status(struct buf *b, const char *message)
{
    struct buf inner = BUF_INIT(MESSAGE_MAX);
    number(&inner, 1, 2);
    bytes(&inner, 2, message, strlen(message));
    nested(b, 7, &inner);
}

static void response_size(struct buf *b, size_t size)
{
    struct buf inner = BUF_INIT(MESSAGE_MAX);
    number(&inner, 1, size);
    nested(b, 2, &inner);
}

/* Reads field 1 of a message: for a submessage the length of its field 2 (a payload's body), for a
 * number itself. */
static uint64_t read_varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

static uint64_t field(const void *data, size_t len, unsigned wanted, const uint8_t **inner)
{
    const uint8_t *at = data;
    const uint8_t *end = at + len;
    while (at < end) {
        uint64_t tag = read_varint(&at, end);
        uint64_t value = read_varint(&at, end);
        *inner = at;
        if (tag >> 3 == wanted)
            return value;
        at += (tag & 7) == 2 ? value : 0;
    }
    return 0;
}

static uint64_t body_size(const struct buf *message)
{
    const uint8_t *inner = NULL;
    uint64_t len = message->len ? field(message->data, message->len, 1, &inner) : 0;
    return len ? field(inner, len, 2, &inner) : 0;
}

/* ---- one call, waited for ---------------------------------------------------------------- */

struct call {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rpc_call *call;
    struct buf last; /* the last message */
    size_t messages;
    bool ended;
    weir_error error;
    int status;
    char initial[128], trailing[128]; /* the two metadata of custom_metadata */
    char words[256];                  /* grpc-message */
};

static void copy_metadata(char *out, const char *name, const weir_metadata *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0 && list[i].value.len < 128)
            memcpy(out, list[i].value.data, list[i].value.len);
    }
}

static void on_headers(void *user, const weir_metadata *headers, size_t count)
{
    struct call *c = user;
    pthread_mutex_lock(&c->lock);
    copy_metadata(c->initial, "x-grpc-test-echo-initial", headers, count);
    pthread_mutex_unlock(&c->lock);
}

static void on_message(void *user, weir_bytes message)
{
    struct call *c = user;
    pthread_mutex_lock(&c->lock);
    buf_free(&c->last);
    c->last = (struct buf)BUF_INIT(MESSAGE_MAX);
    buf_add(&c->last, message.data, message.len);
    c->messages++;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void on_end(void *user, const struct rpc_end *end)
{
    struct call *c = user;
    pthread_mutex_lock(&c->lock);
    c->error = end->error;
    c->status = end->grpc_status;
    snprintf(c->words, sizeof c->words, "%s", end->message);
    copy_metadata(c->trailing, "x-grpc-test-echo-trailing-bin", end->trailers, end->trailer_count);
    c->ended = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static const struct rpc_events events = {on_headers, on_message, on_end};

static void start(struct call *c, const char *path, bool streams, weir_ms limit, bool metadata)
{
    *c = (struct call){.lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER,
                       .last = BUF_INIT(MESSAGE_MAX)};
    static const weir_metadata custom[] = {
        {"x-grpc-test-echo-initial", {"test_initial_metadata_value", 27}},
        {"x-grpc-test-echo-trailing-bin", {"\xab\xab\xab", 3}}};
    struct rpc_call_options options = {.path = path,
                                       .until = deadline_in(clock_system(), limit, 10000),
                                       .metadata = metadata ? custom : NULL,
                                       .metadata_count = metadata ? 2 : 0,
                                       .server_streams = streams,
                                       .client_streams = streams};
    c->call = rpc_call_start(channel, &options, &events, c, &c->error);
    c->ended = !c->call;
}

static void send_message(struct call *c, struct buf *message)
{
    rpc_call_send(c->call, (weir_bytes){message->data, message->len}, NULL);
    buf_free(message);
}

/* Until so many messages have come, or the call has ended. */
static void wait_messages(struct call *c, size_t count)
{
    pthread_mutex_lock(&c->lock);
    while (!c->ended && c->messages < count)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void finish(struct call *c)
{
    wait_messages(c, SIZE_MAX);
    rpc_call_free(c->call);
    buf_free(&c->last);
}

static void expect(const char *name, const struct call *c, bool holds)
{
    if (holds)
        printf("ok interop: %s\n", name);
    else
        printf("FAIL interop: %s: grpc-status %d, %zu messages, %s\n", name, c->status, c->messages,
               c->error.message);
    failures += !holds;
}

/* ---- the cases --------------------------------------------------------------------------- */

static void unary(struct call *c, const char *path, struct buf *request, bool metadata)
{
    start(c, path, false, 10000, metadata);
    if (c->call)
        send_message(c, request);
    else
        buf_free(request);
    wait_messages(c, SIZE_MAX);
}

static void empty_unary(const char *name)
{
    struct call c;
    struct buf request = BUF_INIT(MESSAGE_MAX);
    unary(&c, SERVICE "EmptyCall", &request, false);
    expect(name, &c, c.status == 0 && c.messages == 1 && c.last.len == 0);
    finish(&c);
}

static void large_unary(const char *name)
{
    struct call c;
    struct buf request = BUF_INIT(MESSAGE_MAX);
    number(&request, 2, 314159);
    payload(&request, 3, 271828);
    unary(&c, SERVICE "UnaryCall", &request, false);
    expect(name, &c, c.status == 0 && c.messages == 1 && body_size(&c.last) == 314159);
    finish(&c);
}

static void client_streaming(const char *name)
{
    static const size_t sizes[] = {27182, 8, 1828, 45904};
    struct call c;
    start(&c, SERVICE "StreamingInputCall", true, 10000, false);
    for (size_t i = 0; i < 4; i++) {
        struct buf request = BUF_INIT(MESSAGE_MAX);
        payload(&request, 1, sizes[i]);
        send_message(&c, &request);
    }
    rpc_call_end_sending(c.call);
    wait_messages(&c, SIZE_MAX);
    const uint8_t *inner = NULL;
    expect(name, &c,
           c.status == 0 && c.messages == 1 && field(c.last.data, c.last.len, 1, &inner) == 74922);
    finish(&c);
}

static void server_streaming(const char *name)
{
    static const size_t sizes[] = {31415, 9, 2653, 58979};
    struct call c;
    struct buf request = BUF_INIT(MESSAGE_MAX);
    for (size_t i = 0; i < 4; i++)
        response_size(&request, sizes[i]);
    start(&c, SERVICE "StreamingOutputCall", true, 10000, false);
    send_message(&c, &request);
    rpc_call_end_sending(c.call);
    wait_messages(&c, SIZE_MAX);
    expect(name, &c, c.status == 0 && c.messages == 4 && body_size(&c.last) == 58979);
    finish(&c);
}

static void ping(struct call *c, size_t answer, size_t question)
{
    struct buf request = BUF_INIT(MESSAGE_MAX);
    response_size(&request, answer);
    payload(&request, 3, question);
    send_message(c, &request);
}

static void ping_pong(const char *name)
{
    static const size_t sizes[][2] = {{31415, 27182}, {9, 8}, {2653, 1828}, {58979, 45904}};
    struct call c;
    bool right = true;
    start(&c, SERVICE "FullDuplexCall", true, 10000, false);
    for (size_t i = 0; i < 4; i++) {
        ping(&c, sizes[i][0], sizes[i][1]);
        wait_messages(&c, i + 1);
        right = right && body_size(&c.last) == sizes[i][0];
    }
    rpc_call_end_sending(c.call);
    wait_messages(&c, SIZE_MAX);
    expect(name, &c, right && c.status == 0 && c.messages == 4);
    finish(&c);
}

static void empty_stream(const char *name)
{
    struct call c;
    start(&c, SERVICE "FullDuplexCall", true, 10000, false);
    rpc_call_end_sending(c.call);
    wait_messages(&c, SIZE_MAX);
    expect(name, &c, c.status == 0 && c.messages == 0);
    finish(&c);
}

static void timeout_on_sleeping_server(const char *name)
{
    struct call c;
    start(&c, SERVICE "FullDuplexCall", true, 1, false);
    if (c.call)
        ping(&c, 31415, 27182);
    wait_messages(&c, SIZE_MAX);
    expect(name, &c, c.error.status == WEIR_TIMEOUT);
    finish(&c);
}

static void cancel_after_begin(const char *name)
{
    struct call c;
    start(&c, SERVICE "StreamingInputCall", true, 10000, false);
    rpc_call_cancel(c.call);
    wait_messages(&c, SIZE_MAX);
    expect(name, &c, c.error.status == WEIR_STOPPED && c.status == 1);
    finish(&c);
}

static void cancel_after_first_response(const char *name)
{
    struct call c;
    start(&c, SERVICE "FullDuplexCall", true, 10000, false);
    ping(&c, 31415, 27182);
    wait_messages(&c, 1);
    rpc_call_cancel(c.call);
    wait_messages(&c, SIZE_MAX);
    expect(name, &c, c.error.status == WEIR_STOPPED && c.status == 1 && c.messages == 1);
    finish(&c);
}

static void custom_metadata(const char *name)
{
    struct call c;
    struct buf request = BUF_INIT(MESSAGE_MAX);
    number(&request, 2, 314159);
    payload(&request, 3, 271828);
    unary(&c, SERVICE "UnaryCall", &request, true);
    expect(name, &c,
           c.status == 0 && strcmp(c.initial, "test_initial_metadata_value") == 0 &&
               strcmp(c.trailing, "\xab\xab\xab") == 0);
    finish(&c);
    start(&c, SERVICE "FullDuplexCall", true, 10000, true);
    ping(&c, 314159, 271828);
    rpc_call_end_sending(c.call);
    wait_messages(&c, SIZE_MAX);
    expect("custom_metadata, full duplex", &c,
           c.status == 0 && strcmp(c.initial, "test_initial_metadata_value") == 0 &&
               strcmp(c.trailing, "\xab\xab\xab") == 0);
    finish(&c);
}

static void status_with(const char *name, const char *message)
{
    struct call c;
    struct buf request = BUF_INIT(MESSAGE_MAX);
    echo_status(&request, message);
    unary(&c, SERVICE "UnaryCall", &request, false);
    expect(name, &c, c.status == 2 && strcmp(c.words, message) == 0);
    finish(&c);
}

static void status_code_and_message(const char *name)
{
    status_with(name, "test status message");
    struct call c;
    start(&c, SERVICE "FullDuplexCall", true, 10000, false);
    struct buf request = BUF_INIT(MESSAGE_MAX);
    echo_status(&request, "test status message");
    send_message(&c, &request);
    rpc_call_end_sending(c.call);
    wait_messages(&c, SIZE_MAX);
    expect("status_code_and_message, full duplex", &c,
           c.status == 2 && strstr(c.error.message, "test status message"));
    finish(&c);
}

static void special_status_message(const char *name)
{
    status_with(name, "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP "
                      "\xf0\x9f\x98\x88\t\n");
}

static void unimplemented(const char *name, const char *path)
{
    struct call c;
    struct buf request = BUF_INIT(MESSAGE_MAX);
    unary(&c, path, &request, false);
    expect(name, &c, c.status == 12 && c.error.status == WEIR_UNSUPPORTED);
    finish(&c);
}

static void unimplemented_method(const char *name)
{
    unimplemented(name, SERVICE "UnimplementedCall");
}

static void unimplemented_service(const char *name)
{
    unimplemented(name, "/grpc.testing.UnimplementedService/UnimplementedCall");
}

static const struct {
    const char *name;
    void (*run)(const char *name);
} cases[] = {
    {"empty_unary", empty_unary},
    {"large_unary", large_unary},
    {"client_streaming", client_streaming},
    {"server_streaming", server_streaming},
    {"ping_pong", ping_pong},
    {"empty_stream", empty_stream},
    {"timeout_on_sleeping_server", timeout_on_sleeping_server},
    {"cancel_after_begin", cancel_after_begin},
    {"cancel_after_first_response", cancel_after_first_response},
    {"status_code_and_message", status_code_and_message},
    {"special_status_message", special_status_message},
    {"custom_metadata", custom_metadata},
    {"unimplemented_method", unimplemented_method},
    {"unimplemented_service", unimplemented_service},
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    char target[64];
    snprintf(target, sizeof target, "localhost:%s", argv[1]);
    weir_error err = {0};
    weir_tls_options *tls = WEIR_TLS(.root_certificates_file = argv[2]);
    struct rpc_options options = {
        .target = target, .tls = argc > 2 ? tls : NULL, .plaintext = argc < 3, .name = "interop"};
    channel = rpc_open(&options, &err);
    if (!channel)
        return weir_error_exit(&err, "interop");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cases[i].run(cases[i].name);
    rpc_close(channel);
    return failures ? 1 : 0;
}
