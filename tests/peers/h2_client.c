/* The client that the HTTP/2 fault server (h2/) talks to: some calls at once, then one more on the
 * same channel, because a fault must not outlive its call. Prints a line of JSON for each, the last
 * one "again", then the channel's counters. Usage: peer_h2 PORT [option...]
 *   calls=N again=N size=BYTES limit=MS stream gzip CHANNEL_ARGUMENT=NUMBER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "core/clock.h"

#define CALLS_MAX 256

struct plan {
    size_t calls, again, size;
    weir_ms limit;
    bool stream, gzip;
    weir_channel_arg args[8];
    size_t arg_count;
};

static bool option(const char *text, const char *name, unsigned long *out)
{
    size_t len = strlen(name);
    if (strncmp(text, name, len) != 0 || text[len] != '=')
        return false;
    *out = strtoul(text + len + 1, NULL, 10);
    return true;
}

static void channel_argument(struct plan *plan, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || plan->arg_count + 1 >= sizeof plan->args / sizeof *plan->args)
        return;
    *equals = '\0';
    plan->args[plan->arg_count++] =
        (weir_channel_arg){.name = text, .number = strtol(equals + 1, NULL, 10)};
}

static struct plan read_plan(int argc, char **argv)
{
    struct plan plan = {.calls = 1, .again = 1, .size = 4, .limit = 8000};
    unsigned long value = 0;
    for (int i = 2; i < argc; i++) {
        if (option(argv[i], "calls", &value))
            plan.calls = value < CALLS_MAX ? value : CALLS_MAX;
        else if (option(argv[i], "again", &value))
            plan.again = value;
        else if (option(argv[i], "size", &value))
            plan.size = value < PEER_MESSAGE_MAX ? value : PEER_MESSAGE_MAX;
        else if (option(argv[i], "limit", &value))
            plan.limit = (weir_ms)value;
        else if (strcmp(argv[i], "stream") == 0)
            plan.stream = true;
        else if (strcmp(argv[i], "gzip") == 0)
            plan.gzip = true;
        else
            channel_argument(&plan, argv[i]);
    }
    return plan;
}

static void print_text(const char *name, const char *text)
{
    printf(", \"%s\": \"", name);
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == '"' || *at == '\\')
            printf("\\u%04x", (unsigned)*at);
        else
            putchar(*at);
    }
    putchar('"');
}

static void print_call(const struct peer_call *c, const char *what)
{
    printf("{\"what\": \"%s\", \"code\": %d, \"weir\": \"%s\", \"messages\": %zu, \"bytes\": %zu, "
           "\"unprocessed\": %d",
           what, c->status, weir_status_name(c->error.status), c->messages, c->bytes,
           c->unprocessed);
    print_text("words", c->words);
    print_text("error", c->error.message);
    puts("}");
}

static void begin(struct peer_call *c, struct rpc *channel, const char *path,
                  const struct plan *plan)
{
    static const char zeros[PEER_MESSAGE_MAX];
    struct buf message = BUF_INIT(PEER_MESSAGE_MAX);
    peer_call_start(c, channel,
                    &(struct peer_call_options){.path = path,
                                                .limit = plan->limit,
                                                .gzip = plan->gzip,
                                                .server_streams = plan->stream});
    buf_add(&message, zeros, plan->size);
    peer_call_send(c, &message);
}

static void run(struct rpc *channel, const struct plan *plan)
{
    static struct peer_call calls[CALLS_MAX];
    for (size_t i = 0; i < plan->calls; i++)
        begin(&calls[i], channel, "/peers.Faults/Call", plan);
    for (size_t i = 0; i < plan->calls; i++) {
        peer_call_wait(&calls[i], SIZE_MAX);
        print_call(&calls[i], "call");
        peer_call_finish(&calls[i]);
    }
    for (size_t i = 0; i < plan->again; i++) {
        struct peer_call again;
        begin(&again, channel, "/peers.Faults/Again", &(struct plan){.size = 4, .limit = 8000});
        peer_call_wait(&again, SIZE_MAX);
        print_call(&again, "again");
        peer_call_finish(&again);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%s", argv[1]);
    struct plan plan = read_plan(argc, argv);
    weir_error err = {0};
    struct rpc *channel = rpc_open(&(struct rpc_options){.target = target,
                                                         .plaintext = true,
                                                         .args = plan.arg_count ? plan.args : NULL,
                                                         .proxy = WEIR_OMIT,
                                                         .name = "h2"},
                                   &err);
    if (!channel)
        return weir_error_exit(&err, "peer_h2");
    run(channel, &plan);
    weir_channel_counters n = {.struct_size = sizeof n};
    rpc_counters(channel, &n);
    printf("{\"what\": \"counters\", \"connects\": %llu, \"goaways\": %llu, \"retries\": %llu, "
           "\"keepalive_timeouts\": %llu, \"active\": %llu, \"queued\": %llu}\n",
           (unsigned long long)n.connects, (unsigned long long)n.goaways,
           (unsigned long long)n.transparent_retries, (unsigned long long)n.keepalive_timeouts,
           (unsigned long long)n.active_calls, (unsigned long long)n.queued_calls);
    rpc_close(channel);
    return 0;
}
