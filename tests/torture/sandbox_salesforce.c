/* The n-th allocation fails while clients of the Salesforce-like server come, subscribe, are given
 * events and go: each is answered or cut, and nothing is left. */
#include "lib/check.h"

#include "core/mem.h"
#include "core/secret.h"
#include "lib/torture.h"
#include "lib/vclock.h"
#include "sandbox/bayeux_server.h"
#include "sandbox/salesforce_event.h"
#include "sandbox/token_salesforce.h"

#include <stdio.h>
#include <string.h>

struct run {
    struct vclock now;
    struct sflog *log;
    struct bayeux_server *server;
    char client[64], browser[BAYEUX_COOKIE_MAX];
    int done;
    bool failed;
};

struct talk {
    struct exchange exchange; /* first */
    struct run *run;
};

static void on_done(struct exchange *exchange)
{
    struct run *run = ((struct talk *)(void *)exchange)->run;
    run->done++;
    run->failed = run->failed || exchange->body.failed;
    const char *id = exchange->body.data ? strstr(exchange->body.data, "\"clientId\":\"") : NULL;
    if (id && !run->client[0])
        snprintf(run->client, sizeof run->client, "%.*s", (int)strcspn(id + 12, "\""), id + 12);
    if (exchange->browser_set[0])
        snprintf(run->browser, sizeof run->browser, "%s", exchange->browser_set);
}

static void say(struct run *run, struct talk *talk, const char *channel, const char *more)
{
    char text[600];
    *talk = (struct talk){.exchange = {.browser = run->browser, .done = on_done}, .run = run};
    snprintf(text, sizeof text,
             "[{\"channel\":\"%s\",\"clientId\":\"%s\",\"id\":\"1\",\"version\":\"1.0\","
             "\"connectionType\":\"long-polling\",\"supportedConnectionTypes\":[\"long-polling\"]"
             "%s}]",
             channel, run->client, more);
    json_t *messages = json_parse(text, strlen(text), "messages", NULL);
    if (messages)
        bayeux_server_ask(run->server, &talk->exchange, messages);
    else
        run->failed = true;
    json_decref(messages);
}

static void say_once(struct run *run, const char *channel, const char *more)
{
    struct talk talk;
    say(run, &talk, channel, more);
    if (talk.exchange.server)
        bayeux_server_gone(&talk.exchange);
    buf_free(&talk.exchange.body);
}

static void emit(struct run *run, const char *name, const char *fields)
{
    struct sflog_channel *channel = NULL;
    json_t *tree = json_parse(fields, strlen(fields), "fields", NULL);
    struct salesforce_shape shape = {.channel = name, .fields = tree, .number = 1, .pad = 10};
    shape.id = sflog_next_id(run->log);
    struct bayeux_event *event = NULL;
    if (tree && sflog_channel(run->log, name, strlen(name), &channel) == SFLOG_THERE)
        event = salesforce_event_new(&run->now.clock, &shape);
    if (event && sflog_append(run->log, channel, event))
        bayeux_server_publish(run->server, name, event);
    else
        run->failed = true;
    bayeux_event_drop(event);
    json_decref(tree);
}

static void live(struct run *run)
{
    struct talk held;
    say_once(run, "/meta/handshake", "");
    say_once(run, "/meta/connect", "");
    emit(run, "/topic/T", "{\"Name\":\"x\"}");
    say_once(run, "/meta/subscribe",
             ",\"subscription\":\"/topic/T?Name='x'\",\"ext\":{\"replay\":{\"/topic/T\":-2}}");
    say_once(run, "/meta/subscribe",
             ",\"subscription\":[\"/data/AChangeEvent\",\"/u/x\"],\"ext\":{\"replay\":{\"a\":1}}");
    say_once(run, "/meta/subscribe", ",\"subscription\":[\"/data/AChangeEvent\",\"/u/x\"]");
    emit(run, "/data/AChangeEvent", "{\"ChangeEventHeader\":{\"changeType\":\"CREATE\"}}");
    emit(run, "/u/x", "\"text\"");
    emit(run, "/event/x__e", "{}");
    say(run, &held, "/meta/connect", "");
    vclock_step(&run->now, 110000);
    bayeux_server_pass(run->server);
    if (held.exchange.server)
        bayeux_server_gone(&held.exchange);
    buf_free(&held.exchange.body);
    say_once(run, "/meta/disconnect", "");
}

static weir_status whole(void *user, weir_error *err)
{
    struct run run = {.done = 0};
    struct sflog_options retained = {.keep = 0};
    (void)user;
    vclock_init(&run.now);
    run.now.seed = 1;
    run.log = sflog_new(&retained);
    struct bayeux_server_options options = {.clock = &run.now.clock, .log = run.log};
    run.server = run.log ? bayeux_server_new(&options) : NULL;
    if (run.server)
        live(&run);
    bool good = run.server && !run.failed;
    bayeux_server_free(run.server);
    sflog_free(run.log);
    *err = (weir_error){.status = good ? WEIR_OK : WEIR_NO_MEMORY};
    return err->status;
}

static void a_server_survives_any_failed_allocation(void **state)
{
    (void)state;
    assert_true(torture(whole, NULL) > 100);
}

static weir_status log_in(void *user, weir_error *err)
{
    const char *form = user;
    struct tokens_options options = {.clock = clock_system(), .endpoint = "http://h/"};
    struct tokens *tokens = tokens_new(&options, err);
    if (!tokens)
        return err->status;
    struct token_request asked = {"application/x-www-form-urlencoded", NULL, form, strlen(form)};
    struct params params = {.count = 0};
    struct token_answer answer = {0};
    tokens_ask_salesforce(tokens, &asked, "http://h:1", &params, &answer);
    bool issued = answer.issued;
    secret_free_text(answer.body);
    params_clear(&params);
    tokens_free(tokens);
    *err = (weir_error){.status = issued ? WEIR_OK : WEIR_NO_MEMORY};
    return err->status;
}

static void a_login_gives_all_back(void **state)
{
    static char form[] =
        "grant_type=refresh_token&client_id=sandbox&refresh_token=" SALESFORCE_REFRESH_TOKEN;
    (void)state;
    torture(log_in, form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_survives_any_failed_allocation),
        cmocka_unit_test(a_login_gives_all_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
