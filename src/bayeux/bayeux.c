/* weir_bayeux: a client (client.h) whose dialect adds nothing to Bayeux 1.0 as CometD speaks it. */
#include "bayeux/client.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"

#include <string.h>

#define USUAL_MS 10000 /* WEIR_DEFAULT_TIMEOUT */

struct weir_bayeux {
    struct client *client;
    weir_event_fn *handler;
    weir_session_news_fn *on_news;
    void *user;
};

/* ---- the dialect ------------------------------------------------------------------------- */

static weir_status describe(const struct client_event *event, weir_event *into, weir_error *err)
{
    return client_describe(event, into, "org.cometd.message", NULL, err);
}

static const struct client_dialect dialect = {
    .part = "bayeux",
    .grammar = NAME_STRICT,
    .describe = describe,
};

/* ---- opening and closing -----------------------------------------------------------------------
 */

static void on_event(void *user, struct client_event *event)
{
    const weir_bayeux *b = user;
    b->handler(client_event_as(event), b->user);
}

static void on_news(void *user, weir_session_news news, const char *channel, const weir_error *why)
{
    const weir_bayeux *b = user;
    b->on_news(news, channel, why, b->user);
}

weir_bayeux *weir_bayeux_open(const weir_bayeux_options *options, weir_error *err)
{
    struct client_options set = {.dialect = &dialect};
    if (!loop_may_open(err) ||
        options_read(&set.o, sizeof set.o, options, "WEIR_BAYEUX", err) != WEIR_OK)
        return NULL;
    weir_bayeux *b = mem_zalloc(sizeof *b);
    if (!b) {
        error_no_memory(err);
        return NULL;
    }
    b->handler = set.o.handler;
    b->on_news = set.o.on_news;
    b->user = set.o.user;
    set.user = b;
    set.handle = b->handler ? on_event : NULL;
    set.news = b->on_news ? on_news : NULL;
    b->client = client_open(&set, err);
    if (b->client)
        return b;
    mem_free(b);
    return NULL;
}

void weir_bayeux_stop(weir_bayeux *b)
{
    if (b && loop_check_fork(NULL) == WEIR_OK)
        client_stop(b->client);
}

void weir_bayeux_close(weir_bayeux *b)
{
    if (b && loop_check_fork(NULL) == WEIR_OK && client_close(b->client))
        mem_free(b);
}

/* ---- what all calls begin with ----------------------------------------------------------- */

static weir_status enter(const weir_bayeux *b, weir_error *err)
{
    if (!b)
        return error_null(err, "the Bayeux client");
    return loop_check_fork(err);
}

static struct deadline limit_of(weir_ms timeout)
{
    return deadline_in(clock_system(), timeout, USUAL_MS);
}

/* ---- asking ------------------------------------------------------------------------------ */

static weir_status ask(weir_bayeux *b, enum meta meta, const char *channel, weir_ms timeout,
                       weir_error *err)
{
    const struct client_ask what = {.meta = meta, .channel = channel};
    weir_status status = enter(b, err);
    if (status == WEIR_OK)
        status = name_check(channel, NAME_STRICT, false, err);
    if (status != WEIR_OK)
        return status;
    return client_call(b->client, &what, NULL, limit_of(timeout), err);
}

weir_status weir_bayeux_subscribe(weir_bayeux *b, const char *channel, weir_ms timeout,
                                  weir_error *err)
{
    return ask(b, META_SUBSCRIBE, channel, timeout, err);
}

weir_status weir_bayeux_unsubscribe(weir_bayeux *b, const char *channel, weir_ms timeout,
                                    weir_error *err)
{
    return ask(b, META_UNSUBSCRIBE, channel, timeout, err);
}

char **weir_bayeux_subscriptions(weir_bayeux *b, weir_error *err)
{
    return enter(b, err) == WEIR_OK ? client_subscriptions(b->client, err) : NULL;
}

static weir_status check_data(const char *json, weir_error *err)
{
    if (!json)
        return error_set(err, WEIR_INVALID, "weir_bayeux_publish(): `json` is NULL");
    weir_json *value = weir_json_parse(json, strlen(json), err);
    if (!value)
        return error_context(err, "the event's data");
    weir_json_free(value);
    return WEIR_OK;
}

weir_status weir_bayeux_publish(weir_bayeux *b, const char *channel, const char *json,
                                char **answer, weir_ms timeout, weir_error *err)
{
    if (answer)
        *answer = NULL;
    weir_status status = enter(b, err);
    if (status == WEIR_OK)
        status = name_check(channel, NAME_STRICT, true, err);
    if (status == WEIR_OK)
        status = check_data(json, err);
    if (status != WEIR_OK)
        return status;
    const struct client_ask what = {
        .meta = META_PUBLISH, .channel = channel, .data = {json, strlen(json)}};
    return client_call(b->client, &what, answer, limit_of(timeout), err);
}

char *weir_bayeux_session(weir_bayeux *b, weir_ms timeout, weir_error *err)
{
    return enter(b, err) == WEIR_OK ? client_session_text(b->client, limit_of(timeout), err) : NULL;
}

/* ---- taking ------------------------------------------------------------------------------ */

static weir_status check_take(const weir_bayeux *b, const void *place, weir_error *err)
{
    weir_status status = enter(b, err);
    if (status == WEIR_OK && !place)
        return error_set(err, WEIR_INVALID, "there is no room for an event");
    if (status == WEIR_OK && b->handler)
        return error_set(err, WEIR_INVALID, "this client gives its events to a handler");
    return status;
}

weir_status weir_bayeux_take(weir_bayeux *b, weir_event **events, size_t room, size_t *count,
                             weir_ms timeout, weir_error *err)
{
    if (count)
        *count = 0;
    weir_status status = check_take(b, room && count ? events : NULL, err);
    if (status != WEIR_OK)
        return status;
    return client_take(b->client, events, room, count, limit_of(timeout), err);
}

weir_status weir_bayeux_next(weir_bayeux *b, weir_event **event, weir_ms timeout, weir_error *err)
{
    size_t count;
    if (event)
        *event = NULL;
    return weir_bayeux_take(b, event, 1, &count, timeout, err);
}

int weir_bayeux_fd(weir_bayeux *b)
{
    return b && loop_check_fork(NULL) == WEIR_OK ? client_fd(b->client) : -1;
}

weir_status weir_bayeux_wait(weir_bayeux *b, weir_ms timeout, weir_error *err)
{
    weir_status status = enter(b, err);
    return status == WEIR_OK ? client_wait(b->client, limit_of(timeout), err) : status;
}

weir_status weir_bayeux_counters_read(weir_bayeux *b, weir_session_counters *out, weir_error *err)
{
    weir_status status = enter(b, err);
    if (status != WEIR_OK)
        return status;
    if (!out || out->struct_size < sizeof out->struct_size)
        return error_set(err, WEIR_INVALID,
                         "weir_session_counters: set struct_size before reading");
    client_counters(b->client, out);
    return error_ok(err);
}
