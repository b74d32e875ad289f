/* Any bytes from a client of the gateway: every call that is announced is closed, whatever is said
 * to it. The first byte chooses how calls are answered. */
#include "core/mem.h"
#include "sandbox/grpc.h"
#include "sandbox/h2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct h2 *h2;
    size_t open;
    uint8_t how;
};

static void answer(struct run *run, struct h2_call *call)
{
    weir_bytes message = {"", 0};
    void *owned = NULL;
    const char *why = NULL;
    int64_t ns = 0;
    const char *timeout = h2_call_header(call, "grpc-timeout");
    int status = grpc_read_message(h2_call_body(call), h2_call_header(call, "grpc-encoding"),
                                   &message, &owned, &why);
    if (timeout && grpc_read_timeout(timeout, &ns) && ns < 0)
        abort();
    if (status && !why)
        abort();
    if (run->how & 1)
        h2_call_message(call, message);
    if (run->how & 2)
        h2_call_end(call, status, why);
    else if (run->how & 4)
        h2_call_http(call, 503, "no");
    else if (run->how & 8)
        h2_call_reset(call, H2_CANCEL);
    else if (run->how & 16)
        h2_goaway(run->h2, 0);
    mem_free(owned);
}

static void on_request(void *user, struct h2_call *call)
{
    struct run *run = user;
    run->open++;
    answer(run, call);
}

static void on_closed(void *user, struct h2_call *call)
{
    struct run *run = user;
    (void)call;
    if (run->open-- == 0)
        abort();
}

static bool on_send(void *user, const void *data, size_t len)
{
    (void)user;
    (void)data;
    return len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct h2_events events = {on_request, on_closed, on_send};
    struct run run = {.how = size ? data[0] : 0};
    struct h2_options options = {.events = &events, .user = &run, .max_concurrent_streams = 8};
    run.h2 = h2_new(&options, NULL);
    bool good = h2_pump(run.h2);
    for (size_t at = 1, piece; good && at < size; at += piece) {
        piece = run.how & 32 ? 1 : size - at;
        good = h2_feed(run.h2, data + at, piece);
    }
    h2_free(run.h2);
    if (run.open)
        abort();
    return 0;
}
