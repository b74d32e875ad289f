/* The official gRPC interop cases (grpc/doc/interop-test-descriptions.md) that a client can run
 * without a Google account, against an official server. Prints "ok CASE" or "FAIL CASE: why".
 * Usage: peer_interop PORT [-ca FILE] [-name HOST] [-gzip]
 *   -name: what the certificate must say instead of localhost; -gzip: the cases of a server that
 *   compresses as well.
 *
 * The cases ride on rpc/rpc.h, the seam below Zeebe, because Zeebe has no client streams. Messages
 * are written by hand: field numbers from grpc/testing/messages.proto. */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "core/clock.h"

#define SERVICE "/grpc.testing.TestService/"

enum how { PLAIN, METADATA, GZIP };

static struct rpc *channel;
static struct rpc_options options;
static int failures;

/* ---- messages ------------------------------------------------------------------------------ */

static void payload(struct buf *b, unsigned field, size_t size)
{
    static const char zeros[512 * 1024];
    struct buf inner = BUF_INIT(PEER_MESSAGE_MAX);
    peer_bytes(&inner, 2, zeros, size);
    peer_nested(b, field, &inner);
}

static void echo_status(struct buf *b, const char *message)
{
    struct buf inner = BUF_INIT(PEER_MESSAGE_MAX);
    peer_number(&inner, 1, 2);
    peer_bytes(&inner, 2, message, strlen(message));
    peer_nested(b, 7, &inner);
}

/* A google.protobuf.BoolValue. */
static void boolean(struct buf *b, unsigned field, bool value)
{
    struct buf inner = BUF_INIT(16);
    if (value)
        peer_number(&inner, 1, 1);
    peer_nested(b, field, &inner);
}

static void response_size(struct buf *b, size_t size)
{
    struct buf inner = BUF_INIT(PEER_MESSAGE_MAX);
    peer_number(&inner, 1, size);
    peer_nested(b, 2, &inner);
}

/* Of a response: how long the body of its payload is. */
static uint64_t body_size(const struct buf *message)
{
    const uint8_t *inner = NULL;
    uint64_t len = message->len ? peer_field(message->data, message->len, 1, &inner) : 0;
    return len ? peer_field(inner, len, 2, &inner) : 0;
}

/* ---- calls --------------------------------------------------------------------------------- */

static void start_stream(struct peer_call *c, const char *path, weir_ms limit, bool metadata)
{
    peer_call_start(c, channel,
                    &(struct peer_call_options){.path = path,
                                                .limit = limit,
                                                .metadata = metadata,
                                                .client_streams = true,
                                                .server_streams = true});
}

static void unary(struct peer_call *c, const char *path, struct buf *request, enum how how)
{
    peer_call_start(c, channel,
                    &(struct peer_call_options){
                        .path = path, .metadata = how == METADATA, .gzip = how == GZIP});
    peer_call_send(c, request);
    peer_call_wait(c, SIZE_MAX);
}

static void expect(const char *name, const struct peer_call *c, bool holds)
{
    if (holds)
        printf("ok interop: %s\n", name);
    else
        printf("FAIL interop: %s: grpc-status %d, %zu messages, %s\n", name, c->status, c->messages,
               c->error.message);
    failures += !holds;
}

/* ---- the cases ----------------------------------------------------------------------------- */

static void empty_unary(const char *name)
{
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    unary(&c, SERVICE "EmptyCall", &request, PLAIN);
    expect(name, &c, c.status == 0 && c.messages == 1 && c.last.len == 0);
    peer_call_finish(&c);
}

static void large_unary(const char *name)
{
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    peer_number(&request, 2, 314159);
    payload(&request, 3, 271828);
    unary(&c, SERVICE "UnaryCall", &request, PLAIN);
    expect(name, &c, c.status == 0 && c.messages == 1 && body_size(&c.last) == 314159);
    peer_call_finish(&c);
}

static void client_streaming(const char *name)
{
    static const size_t sizes[] = {27182, 8, 1828, 45904};
    struct peer_call c;
    start_stream(&c, SERVICE "StreamingInputCall", 0, false);
    for (size_t i = 0; i < 4; i++) {
        struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
        payload(&request, 1, sizes[i]);
        peer_call_send(&c, &request);
    }
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    const uint8_t *inner = NULL;
    expect(name, &c,
           c.status == 0 && c.messages == 1 &&
               peer_field(c.last.data, c.last.len, 1, &inner) == 74922);
    peer_call_finish(&c);
}

static void server_streaming(const char *name)
{
    static const size_t sizes[] = {31415, 9, 2653, 58979};
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    for (size_t i = 0; i < 4; i++)
        response_size(&request, sizes[i]);
    start_stream(&c, SERVICE "StreamingOutputCall", 0, false);
    peer_call_send(&c, &request);
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect(name, &c, c.status == 0 && c.messages == 4 && body_size(&c.last) == 58979);
    peer_call_finish(&c);
}

static void ping(struct peer_call *c, size_t answer, size_t question)
{
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    response_size(&request, answer);
    payload(&request, 3, question);
    peer_call_send(c, &request);
}

static void ping_pong(const char *name)
{
    static const size_t sizes[][2] = {{31415, 27182}, {9, 8}, {2653, 1828}, {58979, 45904}};
    struct peer_call c;
    bool right = true;
    start_stream(&c, SERVICE "FullDuplexCall", 0, false);
    for (size_t i = 0; i < 4; i++) {
        ping(&c, sizes[i][0], sizes[i][1]);
        peer_call_wait(&c, i + 1);
        right = right && body_size(&c.last) == sizes[i][0];
    }
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect(name, &c, right && c.status == 0 && c.messages == 4);
    peer_call_finish(&c);
}

static void empty_stream(const char *name)
{
    struct peer_call c;
    start_stream(&c, SERVICE "FullDuplexCall", 0, false);
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect(name, &c, c.status == 0 && c.messages == 0);
    peer_call_finish(&c);
}

static void timeout_on_sleeping_server(const char *name)
{
    struct peer_call c;
    start_stream(&c, SERVICE "FullDuplexCall", 1, false);
    ping(&c, 31415, 27182);
    peer_call_wait(&c, SIZE_MAX);
    expect(name, &c, c.error.status == WEIR_TIMEOUT);
    peer_call_finish(&c);
}

static void cancel_after_begin(const char *name)
{
    struct peer_call c;
    start_stream(&c, SERVICE "StreamingInputCall", 0, false);
    rpc_call_cancel(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect(name, &c, c.error.status == WEIR_STOPPED && c.status == 1);
    peer_call_finish(&c);
}

static void cancel_after_first_response(const char *name)
{
    struct peer_call c;
    start_stream(&c, SERVICE "FullDuplexCall", 0, false);
    ping(&c, 31415, 27182);
    peer_call_wait(&c, 1);
    rpc_call_cancel(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect(name, &c, c.error.status == WEIR_STOPPED && c.status == 1 && c.messages == 1);
    peer_call_finish(&c);
}

static void custom_metadata(const char *name)
{
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    peer_number(&request, 2, 314159);
    payload(&request, 3, 271828);
    unary(&c, SERVICE "UnaryCall", &request, METADATA);
    expect(name, &c,
           c.status == 0 && strcmp(c.initial, "test_initial_metadata_value") == 0 &&
               strcmp(c.trailing, "\xab\xab\xab") == 0);
    peer_call_finish(&c);
    start_stream(&c, SERVICE "FullDuplexCall", 0, true);
    ping(&c, 314159, 271828);
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect("custom_metadata, full duplex", &c,
           c.status == 0 && strcmp(c.initial, "test_initial_metadata_value") == 0 &&
               strcmp(c.trailing, "\xab\xab\xab") == 0);
    peer_call_finish(&c);
}

static void status_with(const char *name, const char *message)
{
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    echo_status(&request, message);
    unary(&c, SERVICE "UnaryCall", &request, PLAIN);
    expect(name, &c, c.status == 2 && strcmp(c.words, message) == 0);
    peer_call_finish(&c);
}

static void status_code_and_message(const char *name)
{
    status_with(name, "test status message");
    struct peer_call c;
    start_stream(&c, SERVICE "FullDuplexCall", 0, false);
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    echo_status(&request, "test status message");
    peer_call_send(&c, &request);
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    expect("status_code_and_message, full duplex", &c,
           c.status == 2 && strstr(c.error.message, "test status message"));
    peer_call_finish(&c);
}

static void special_status_message(const char *name)
{
    status_with(name, "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP "
                      "\xf0\x9f\x98\x88\t\n");
}

static void unimplemented(const char *name, const char *path)
{
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    unary(&c, path, &request, PLAIN);
    expect(name, &c, c.status == 12 && c.error.status == WEIR_UNSUPPORTED);
    peer_call_finish(&c);
}

static void unimplemented_method(const char *name)
{
    unimplemented(name, SERVICE "UnimplementedCall");
}

static void unimplemented_service(const char *name)
{
    unimplemented(name, "/grpc.testing.UnimplementedService/UnimplementedCall");
}

/* Ten calls like large_unary, one after the other, each within its time. */
static void soak(const char *name, bool new_channels)
{
    struct peer_call c;
    size_t good = 0;
    for (size_t i = 0; i < 10 && good == i; i++) {
        struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
        peer_number(&request, 2, 314159);
        payload(&request, 3, 271828);
        weir_error err = {0};
        struct rpc *kept = channel;
        if (new_channels)
            channel = rpc_open(&options, &err);
        unary(&c, SERVICE "UnaryCall", &request, PLAIN);
        good += c.status == 0 && c.messages == 1 && body_size(&c.last) == 314159;
        if (good > i && i < 9)
            peer_call_finish(&c);
        if (new_channels)
            rpc_close(channel);
        channel = kept;
    }
    expect(name, &c, good == 10);
    peer_call_finish(&c);
}

static void rpc_soak(const char *name)
{
    soak(name, false);
}

static void channel_soak(const char *name)
{
    soak(name, true);
}

/* ---- compression, where the server knows it ------------------------------------------------- */

static uint64_t bytes_received(void)
{
    weir_channel_counters counters = {.struct_size = sizeof counters};
    rpc_counters(channel, &counters);
    return counters.bytes_received;
}

/* 314159 zeros that came compressed are few bytes on the wire. */
static void server_compressed_unary(const char *name)
{
    for (int gzip = 0; gzip < 2; gzip++) {
        struct peer_call c;
        struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
        peer_number(&request, 2, 314159);
        payload(&request, 3, 271828);
        boolean(&request, 6, gzip);
        uint64_t before = bytes_received();
        unary(&c, SERVICE "UnaryCall", &request, PLAIN);
        bool small = bytes_received() - before < 50000;
        expect(gzip ? name : "server_compressed_unary, not compressed", &c,
               c.status == 0 && c.messages == 1 && body_size(&c.last) == 314159 && small == gzip);
        peer_call_finish(&c);
    }
}

static void client_compressed_unary(const char *name)
{
    struct peer_call c;
    struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
    peer_number(&request, 2, 314159);
    payload(&request, 3, 271828);
    boolean(&request, 8, true);
    unary(&c, SERVICE "UnaryCall", &request, GZIP);
    expect(name, &c, c.status == 0 && c.messages == 1 && body_size(&c.last) == 314159);
    peer_call_finish(&c);
}

static void client_compressed_streaming(const char *name)
{
    struct peer_call c;
    const uint8_t *inner = NULL;
    peer_call_start(&c, channel,
                    &(struct peer_call_options){.path = SERVICE "StreamingInputCall",
                                                .client_streams = true,
                                                .gzip = true});
    for (size_t i = 0; i < 2; i++) {
        struct buf request = BUF_INIT(PEER_MESSAGE_MAX);
        payload(&request, 1, i ? 45904 : 27182);
        boolean(&request, 2, true);
        peer_call_send(&c, &request);
    }
    rpc_call_end_sending(c.call);
    peer_call_wait(&c, SIZE_MAX);
    uint64_t sum = peer_field(c.last.data, c.last.len, 1, &inner);
    expect(name, &c, c.status == 0 && c.messages == 1 && sum == 73086);
    peer_call_finish(&c);
}

static const struct {
    const char *name;
    void (*run)(const char *name);
    bool gzip;
} cases[] = {
    {"empty_unary", empty_unary, false},
    {"large_unary", large_unary, false},
    {"client_streaming", client_streaming, false},
    {"server_streaming", server_streaming, false},
    {"ping_pong", ping_pong, false},
    {"empty_stream", empty_stream, false},
    {"timeout_on_sleeping_server", timeout_on_sleeping_server, false},
    {"cancel_after_begin", cancel_after_begin, false},
    {"cancel_after_first_response", cancel_after_first_response, false},
    {"status_code_and_message", status_code_and_message, false},
    {"special_status_message", special_status_message, false},
    {"custom_metadata", custom_metadata, false},
    {"unimplemented_method", unimplemented_method, false},
    {"unimplemented_service", unimplemented_service, false},
    {"rpc_soak", rpc_soak, false},
    {"channel_soak", channel_soak, false},
    {"server_compressed_unary", server_compressed_unary, true},
    {"client_compressed_unary", client_compressed_unary, true},
    {"client_compressed_streaming", client_compressed_streaming, true},
};

static const char *flag(int argc, char **argv, const char *name)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return i + 1 < argc ? argv[i + 1] : "";
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    char target[64];
    snprintf(target, sizeof target, "localhost:%s", argv[1]);
    weir_error err = {0};
    const char *ca = flag(argc, argv, "-ca");
    weir_channel_arg args[] = {
        {.name = "grpc.ssl_target_name_override", .text = flag(argc, argv, "-name")}, {0}};
    weir_tls_options *tls = WEIR_TLS(.root_certificates_file = ca);
    options = (struct rpc_options){.target = target,
                                   .tls = ca ? tls : NULL,
                                   .plaintext = !ca,
                                   .args = args[0].text ? args : NULL,
                                   .name = "interop"};
    channel = rpc_open(&options, &err);
    if (!channel)
        return weir_error_exit(&err, "interop");
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!cases[i].gzip || flag(argc, argv, "-gzip"))
            cases[i].run(cases[i].name);
    }
    rpc_close(channel);
    return failures ? 1 : 0;
}
