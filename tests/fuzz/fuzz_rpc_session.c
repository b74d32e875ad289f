/* Any bytes of a server into a session with three calls on it: unary, a stream, a manual stream.
 * The first byte says how the rest is cut. Every call must end exactly once. */
#include "core/error.h"
#include "rpc/channel.h"
#include "rpc/queue.h"
#include "rpc/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ends[3];

static void on_headers(void *user, const weir_metadata *headers, size_t count)
{
    (void)user, (void)headers, (void)count;
}

static void on_message(void *user, weir_bytes message)
{
    static volatile uint8_t sum; /* every byte must be readable */
    (void)user;
    for (size_t i = 0; i < message.len; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)message.data)[i]);
}

static void on_end(void *user, const struct rpc_end *end)
{
    int *count = user;
    ++*count;
    if (end->error.status == WEIR_BUG)
        abort();
}

static void nothing(void *user)
{
    (void)user;
}

static void on_goaway(void *user, uint32_t code, bool pings, const char *debug)
{
    (void)user, (void)code, (void)pings, (void)debug;
}

static const struct rpc_events events = {on_headers, on_message, on_end};
static const struct session_events news = {nothing, on_goaway, nothing, nothing};

/* A channel without a loop: nothing in it turns, connects or waits. */
static struct rpc *channel(void)
{
    struct rpc *rpc = calloc(1, sizeof *rpc);
    args_read(&rpc->args, NULL, NULL);
    rpc->args.max_receive = 4096;
    rpc->clock = clock_system();
    rpc->turning = true;
    rpc->active = 1000;
    rpc->holds = 1000;
    rpc->target_text = rpc->authority = rpc->user_agent = rpc->name = (char *)(uintptr_t) "fuzz";
    rpc->changed_last = &rpc->changed_first;
    pthread_mutex_init(&rpc->lock, NULL);
    list_init(&rpc->parked);
    queue_init(rpc);
    list_init(&rpc->dirty);
    list_init(&rpc->retired);
    return rpc;
}

static struct rpc_call *call(struct rpc *rpc, struct session *s, int i)
{
    struct call_orders orders = {.end_sending = true};
    struct rpc_call_options options = {.path = "/a/b",
                                       .until = {INT64_MAX},
                                       .server_streams = i > 0,
                                       .manual = i == 2,
                                       .client_streams = true};
    rpc->stopped = true; /* the mailbox wakes nobody */
    struct rpc_call *c = rpc_call_start(rpc, &options, &events, &ends[i], NULL);
    if (!c)
        abort();
    call_obey(c, &orders);
    queue_left(rpc, c);
    session_start(s, c);
    return c;
}

static bool pump(struct session *s)
{
    const uint8_t *out;
    ssize_t len;
    while ((len = session_pull(s, &out)) > 0) {
    }
    return len == 0 && !session_over(s);
}

static void feed(struct session *s, struct rpc_call *manual, const uint8_t *data, size_t size)
{
    size_t step = size ? (size_t)data[0] + 1 : 1;
    for (size_t at = 1; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        struct call_orders orders = {.want = at % 3 == 0};
        if (!session_feed(s, data + at, len) || !pump(s))
            return;
        call_obey(manual, &orders);
    }
}

static void end_rest(struct link *list, const weir_error *why)
{
    while (list->next != list) {
        struct rpc_call *c = LIST_ENTRY(list->next, struct rpc_call, link);
        call_end(c, why, 1, false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t greeting[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    weir_error why = {0};
    _Atomic uint64_t in = 0, out = 0;
    struct session_options options = {.events = &news,
                                      .clock = clock_system(),
                                      .window = RPC_WINDOW,
                                      .max_metadata = 2048,
                                      .bytes_in = &in,
                                      .bytes_out = &out};
    struct rpc *rpc = channel();
    struct session *s = session_new(&options, NULL);
    struct rpc_call *calls[3];
    memset(ends, 0, sizeof ends);
    session_feed(s, greeting, sizeof greeting);
    for (int i = 0; i < 3; i++)
        calls[i] = call(rpc, s, i);
    pump(s);
    feed(s, calls[2], data, size);
    error_set(&why, WEIR_STOPPED, "the end of the input");
    session_lose(s, &why);
    session_free(s);
    end_rest(&rpc->parked, &why);
    end_rest(&rpc->waiting[true].calls, &why);
    end_rest(&rpc->waiting[false].calls, &why);
    for (int i = 0; i < 3; i++) {
        if (ends[i] != 1)
            abort();
        call_unref(calls[i]); /* the mailbox's reference */
        rpc_call_free(calls[i]);
    }
    pthread_mutex_destroy(&rpc->lock);
    free(rpc);
    return 0;
}
