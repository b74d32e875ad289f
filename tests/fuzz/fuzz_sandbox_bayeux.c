/* Any lines as exchanges of a Bayeux server, each dialect: each is answered once with JSON, or held
 * until its time is up; CLIENT in a line is the newest session's id, '!' lets time pass, '+' emits
 * an event on the channel that follows. */
#include "core/mem.h"
#include "lib/vclock.h"
#include "sandbox/bayeux_server.h"
#include "sandbox/salesforce_event.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TALKS_MAX 32
#define LINE_LEN  2000

struct talk {
    struct exchange exchange; /* first */
    int answers;
};

struct run {
    struct vclock now;
    struct sflog *log;
    struct bayeux_server *server;
    char client[64], browser[BAYEUX_COOKIE_MAX];
    struct talk talks[TALKS_MAX];
    size_t count;
};

static struct run *run;

static void on_done(struct exchange *exchange)
{
    struct talk *talk = (struct talk *)(void *)exchange;
    weir_error err = {0};
    if (++talk->answers != 1 || exchange->body.failed)
        abort();
    json_t *tree = json_parse(exchange->body.data, exchange->body.len, "answer", &err);
    if (!json_is_array(tree))
        abort();
    const json_t *last = json_array_get(tree, json_array_size(tree) - 1);
    const char *id = json_string_value(json_object_get(last, "clientId"));
    if (id && strlen(id) < sizeof run->client)
        memcpy(run->client, id, strlen(id) + 1);
    if (exchange->browser_set[0])
        memcpy(run->browser, exchange->browser_set, sizeof run->browser);
    json_decref(tree);
}

/* With the newest session's id for CLIENT; mem_free(). */
static char *with_client(const char *line, size_t len)
{
    struct buf out = BUF_INIT(100000);
    const char *end = line + len;
    for (const char *at; (at = memmem(line, (size_t)(end - line), "CLIENT", 6)); line = at + 6) {
        buf_add(&out, line, (size_t)(at - line));
        buf_adds(&out, run->client);
    }
    buf_add(&out, line, (size_t)(end - line));
    return out.data;
}

static void ask(const char *line, size_t len)
{
    char *text = with_client(line, len);
    json_t *messages = text ? json_parse(text, strlen(text), "messages", NULL) : NULL;
    mem_free(text);
    bool good = json_is_object(messages) || json_array_size(messages) > 0;
    if (good && run->count < TALKS_MAX) {
        struct talk *talk = &run->talks[run->count++];
        talk->exchange.browser = run->browser[0] ? run->browser : NULL;
        talk->exchange.done = on_done;
        bayeux_server_ask(run->server, &talk->exchange, messages);
        talk->exchange.browser = NULL;
    }
    json_decref(messages);
}

static void emit(const char *name, size_t len)
{
    struct sflog_channel *channel = NULL;
    char *copy = mem_dup(name, len);
    struct salesforce_shape shape = {.channel = copy, .number = 1, .id = sflog_next_id(run->log)};
    struct bayeux_event *event = NULL;
    if (strlen(copy) == len && sflog_channel(run->log, name, len, &channel) == SFLOG_THERE)
        event = salesforce_event_new(&run->now.clock, &shape);
    if (event && sflog_append(run->log, channel, event))
        bayeux_server_publish(run->server, copy, event);
    bayeux_event_drop(event);
    mem_free(copy);
}

static void obey(const char *line, size_t len)
{
    if (len > 0 && line[0] == '!') {
        vclock_step(&run->now, (int64_t)len * 1000);
        bayeux_server_pass(run->server);
    } else if (len > 0 && line[0] == '+') {
        emit(line + 1, len - 1);
    } else {
        ask(line, len);
    }
}

static void begin(bool salesforce)
{
    struct sflog_options retained = {.keep = 10};
    run = mem_zalloc(sizeof *run);
    vclock_init(&run->now);
    run->now.seed = 1;
    run->log = sflog_new(&retained);
    struct bayeux_server_options options = {.clock = &run->now.clock,
                                            .log = salesforce ? run->log : NULL,
                                            .batch_events = 3,
                                            .sessions_max = 8};
    run->server = bayeux_server_new(&options);
}

static void end(void)
{
    vclock_step(&run->now, 200000);
    bayeux_server_pass(run->server);
    for (size_t i = 0; i < run->count; i++) {
        if (run->talks[i].answers != 1)
            abort();
        buf_free(&run->talks[i].exchange.body);
    }
    vclock_step(&run->now, 200000);
    bayeux_server_pass(run->server);
    if (bayeux_server_sessions(run->server) != 0)
        abort();
    bayeux_server_free(run->server);
    sflog_free(run->log);
    mem_free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *stop = at + size;
    begin(size > 0 && at[0] != '-');
    for (size_t len; at < stop; at += len + 1) {
        const char *line_end = memchr(at, '\n', (size_t)(stop - at));
        len = (size_t)((line_end ? line_end : stop) - at);
        if (len < LINE_LEN)
            obey(at, len);
    }
    end();
    return 0;
}
