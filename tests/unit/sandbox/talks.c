#include "talks.h"

#include "core/mem.h"
#include "sandbox/salesforce_event.h"

#include <stdio.h>
#include <string.h>

struct vclock now;
struct bayeux_server *server;
static struct sflog *sflog;

char client[80], browser[80];

static void on_done(struct exchange *exchange)
{
    struct talk *talk = (struct talk *)(void *)exchange;
    assert_null(talk->answer);
    assert_false(exchange->body.failed);
    talk->answer = mem_dup(exchange->body.data, exchange->body.len);
}

static void on_outcome(struct exchange *exchange, size_t message, const char *error)
{
    struct talk *talk = (struct talk *)(void *)exchange;
    (void)message;
    talk->outcomes++;
    snprintf(talk->outcome, sizeof talk->outcome, "%s", error);
}

void talk_begin(struct talk *talk)
{
    *talk = (struct talk){.answer = NULL};
    talk->exchange.browser = browser[0] ? browser : NULL;
    talk->exchange.done = on_done;
    talk->exchange.outcome = on_outcome;
}

void talk_end(struct talk *talk)
{
    bayeux_server_gone(&talk->exchange);
    buf_free(&talk->exchange.body);
    mem_free(talk->answer);
}

/* `text` with ' for " and CLIENT for the clientId. */
void talk_say(struct talk *talk, const char *text)
{
    char body[4000];
    size_t len = 0;
    while (*text && len + sizeof client < sizeof body) {
        bool here = strncmp(text, "CLIENT", 6) == 0;
        len += (size_t)snprintf(body + len, sizeof body - len, "%s", here ? client : "");
        if (!here)
            body[len++] = (char)(*text == '\'' ? '"' : *text);
        text += here ? 6 : 1;
    }
    weir_error err = {0};
    json_t *messages = json_parse(body, len, "messages", &err);
    if (!messages)
        fail_msg("%s", err.message);
    bayeux_server_ask(server, &talk->exchange, messages);
    json_decref(messages);
}

void has(const char *text, const char *words)
{
    if (!text || !strstr(text, words))
        fail_msg("\"%s\" is not in: %s", words, text ? text : "(no answer)");
}

void has_not(const char *text, const char *words)
{
    if (text && strstr(text, words))
        fail_msg("\"%s\" is in: %s", words, text);
}

/* Asks, and expects an answer at once that has `words`. */
void ask(const char *text, const char *words)
{
    struct talk talk;
    talk_begin(&talk);
    talk_say(&talk, text);
    has(talk.answer, words);
    talk_end(&talk);
}

void shake_hands(const char *more)
{
    char text[400];
    struct talk talk;
    talk_begin(&talk);
    snprintf(text, sizeof text,
             "[{'channel':'/meta/handshake','version':'1.0','id':'h',"
             "'supportedConnectionTypes':['long-polling']%s}]",
             more);
    talk_say(&talk, text);
    has(talk.answer, "\"successful\":true");
    const char *id = strstr(talk.answer, "\"clientId\":\"") + 12;
    snprintf(client, sizeof client, "%.*s", (int)strcspn(id, "\""), id);
    if (talk.exchange.browser_set[0])
        snprintf(browser, sizeof browser, "%s", talk.exchange.browser_set);
    talk_end(&talk);
}

void talks_begin(bool salesforce, struct bayeux_server_options options)
{
    struct sflog_options retained = {.keep = 0};
    vclock_init(&now);
    now.seed = 1;
    client[0] = browser[0] = '\0';
    sflog = sflog_new(&retained);
    options.clock = &now.clock;
    options.log = salesforce ? sflog : NULL;
    server = bayeux_server_new(&options);
    assert_non_null(server);
}

int talks_end(void **state)
{
    (void)state;
    bayeux_server_free(server);
    sflog_free(sflog);
    return 0;
}

int salesforce(void **state)
{
    (void)state;
    talks_begin(true, (struct bayeux_server_options){.hold = 0});
    return 0;
}

int plain(void **state)
{
    (void)state;
    talks_begin(false, (struct bayeux_server_options){.hold = 0});
    return 0;
}

void pass(int64_t ms)
{
    vclock_step(&now, ms);
    bayeux_server_pass(server);
}

/* A numbered platform event. */
int64_t emit(const char *name, int64_t number)
{
    struct sflog_channel *channel = NULL;
    assert_int_equal(sflog_channel(sflog, name, strlen(name), &channel), SFLOG_THERE);
    struct salesforce_shape shape = {.channel = name, .number = number, .id = sflog_next_id(sflog)};
    struct bayeux_event *event = salesforce_event_new(&now.clock, &shape);
    assert_non_null(event);
    assert_true(sflog_append(sflog, channel, event));
    bayeux_server_publish(server, name, event);
    bayeux_event_drop(event);
    return shape.id;
}

void publish(const char *channel, const char *text)
{
    struct bayeux_event *event = bayeux_event_new(text, strlen(text));
    bayeux_server_publish(server, channel, event);
    bayeux_event_drop(event);
}

void connected(void)
{
    shake_hands("");
    ask("[" CONNECT "]", "\"advice\":{\"interval\":0,");
}
