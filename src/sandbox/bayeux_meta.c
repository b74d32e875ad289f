/* What each message gets for an answer. A message that is refused is refused alone; what is refused
 * by a fault has had no effect, but that "Unknown client" takes the session with it, as it does
 * where it is said in earnest. */
#include "sandbox/bayeux_private.h"

#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum message_kind bayeux_kind(const char *channel)
{
    static const char *const names[] = {"/meta/handshake", "/meta/connect", "/meta/subscribe",
                                        "/meta/unsubscribe", "/meta/disconnect"};
    for (int i = MESSAGE_HANDSHAKE; i <= MESSAGE_DISCONNECT; i++) {
        if (strcmp(names[i], channel) == 0)
            return (enum message_kind)i;
    }
    return strncmp(channel, "/meta/", 6) == 0 ? MESSAGE_OTHER_META : MESSAGE_PUBLISH;
}

const char *unknown_client(const struct bayeux_server *server)
{
    return bayeux_is_salesforce(server) ? "403::Unknown client" : "402::session_unknown";
}

/* ---- writing replies --------------------------------------------------------------------- */

static void add_text(struct buf *out, const char *text)
{
    json_add_string(out, text, strlen(text));
}

/* As it came: a string, or whatever else. */
static void add_value(struct buf *out, const json_t *value)
{
    char *text = NULL;
    if (json_is_string(value)) {
        json_add_string(out, json_string_value(value), json_string_length(value));
        return;
    }
    text = json_text(value, true);
    buf_adds(out, text ? text : "null");
    mem_free(text);
}

static void add_member(struct buf *out, const char *name, const json_t *value)
{
    if (!value)
        return;
    buf_addf(out, ",\"%s\":", name);
    add_value(out, value);
}

static void say_outcome(const struct asked *asked, const char *outcome)
{
    if (asked->exchange->outcome)
        asked->exchange->outcome(asked->exchange, asked->index, outcome);
}

static void begin_reply(const struct asked *asked)
{
    buf_adds(asked->out, "{\"channel\":");
    add_text(asked->out, asked->channel);
    add_member(asked->out, "id", json_object_get(asked->message, "id"));
    add_member(asked->out, "subscription", json_object_get(asked->message, "subscription"));
}

/* `advice` is the member's value as JSON, or NULL. */
static void refuse(const struct asked *asked, const char *error, const char *advice)
{
    begin_reply(asked);
    buf_adds(asked->out, ",\"successful\":false,\"error\":");
    add_text(asked->out, error);
    if (advice)
        buf_addf(asked->out, ",\"advice\":%s", advice);
    buf_adds(asked->out, "},");
    say_outcome(asked, error);
}

/* The cause of a refusal where Salesforce puts it. */
static void refuse_with_reason(const struct asked *asked, const char *error, const char *reason)
{
    begin_reply(asked);
    buf_adds(asked->out, ",\"successful\":false,\"error\":");
    add_text(asked->out, error);
    buf_adds(asked->out, ",\"ext\":{\"sfdc\":{\"failureReason\":");
    add_text(asked->out, reason);
    buf_adds(asked->out, "},\"replay\":true,\"payload.format\":true},"
                         "\"advice\":{\"reconnect\":\"none\"}},");
    say_outcome(asked, reason);
}

#define HANDSHAKE_ADVICE "{\"reconnect\":\"handshake\",\"interval\":0}"
#define NONE_ADVICE      "{\"reconnect\":\"none\",\"interval\":0}"

void connect_reply(struct buf *out, const struct bayeux_session *session, const char *id,
                   const char *advice)
{
    buf_addf(out, "{\"clientId\":\"%s\",\"channel\":\"/meta/connect\"", session->id);
    if (id)
        buf_addf(out, ",\"id\":%s", id);
    if (session->acks)
        buf_addf(out, ",\"ext\":{\"ack\":%" PRIu64 "}", session->batch);
    if (advice)
        buf_addf(out, ",\"advice\":%s", advice);
    buf_adds(out, ",\"successful\":true}");
}

/* ---- faults ------------------------------------------------------------------------------ */

static struct bayeux_session *session_of(const struct asked *asked)
{
    const char *id = json_string_value(json_object_get(asked->message, "clientId"));
    return bayeux_session_find(asked->server, id);
}

static void kill_session(const struct asked *asked)
{
    struct bayeux_session *session = session_of(asked);
    if (session)
        bayeux_session_end(asked->server, session);
}

static void refuse_by_fault(const struct asked *asked, const struct fault *fault)
{
    static const char *const advices[] = {[FAULT_ADVICE_NOT_SAID] = NULL,
                                          [FAULT_ADVICE_BARE] = NULL,
                                          [FAULT_ADVICE_NONE] = NONE_ADVICE,
                                          [FAULT_ADVICE_RETRY] =
                                              "{\"reconnect\":\"retry\",\"interval\":0}",
                                          [FAULT_ADVICE_HANDSHAKE] = HANDSHAKE_ADVICE};
    const char *advice = advices[fault->advice];
    enum message_kind kind = bayeux_kind(asked->channel);
    bool gone = strstr(fault->text, "nknown client") || strstr(fault->text, "session_unknown");
    if (fault->advice == FAULT_ADVICE_NOT_SAID &&
        (kind == MESSAGE_CONNECT || kind == MESSAGE_HANDSHAKE))
        advice = gone ? HANDSHAKE_ADVICE : NONE_ADVICE;
    if (gone)
        kill_session(asked);
    refuse(asked, fault->text, advice);
}

/* True: it has been answered. */
static bool by_fault(struct asked *asked)
{
    const struct fault *fault = asked->exchange->faults;
    if (!fault)
        return false;
    fault += asked->index;
    switch (fault->how) {
    case FAULT_BAYEUX:
        refuse_by_fault(asked, fault);
        return true;
    case FAULT_REASON:
        refuse_with_reason(asked, "403::Handshake denied", fault->text);
        return true;
    case FAULT_DISCONNECT:
        kill_session(asked);
        buf_adds(asked->out, "{\"channel\":\"/meta/disconnect\"},");
        if (fault->text[0])
            refuse(asked, fault->text, NONE_ADVICE);
        else
            say_outcome(asked, "disconnect");
        return true;
    case FAULT_KILL:
        kill_session(asked);
        return false;
    default:
        return false;
    }
}

/* ---- handshake --------------------------------------------------------------------------- */

static bool offers(const json_t *types, const char *type)
{
    size_t i = 0;
    const json_t *one = NULL;
    json_array_foreach(types, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), type) == 0)
            return true;
    }
    return false;
}

static bool wants_ack(const json_t *message)
{
    const json_t *ack = json_object_get(json_object_get(message, "ext"), "ack");
    return json_is_true(ack) || json_is_object(ack);
}

static void greet(const struct asked *asked, const struct bayeux_session *session)
{
    bool salesforce = bayeux_is_salesforce(asked->server);
    struct buf *out = asked->out;
    begin_reply(asked);
    if (salesforce)
        buf_adds(out, ",\"ext\":{\"replay\":true,\"payload.format\":true},"
                      "\"supportedConnectionTypes\":[\"long-polling\"]");
    else
        buf_addf(out,
                 "%s,\"supportedConnectionTypes\":[\"websocket\",\"long-polling\"],"
                 "\"advice\":{\"interval\":0,\"timeout\":%lld,\"reconnect\":\"retry\"}",
                 session->acks ? ",\"ext\":{\"ack\":true}" : "",
                 (long long)bayeux_hold(asked->server));
    buf_addf(out,
             ",\"minimumVersion\":\"1.0\",\"version\":\"1.0\",\"clientId\":\"%s\","
             "\"successful\":true},",
             session->id);
    say_outcome(asked, "OK");
}

static void handshake(struct asked *asked)
{
    bool salesforce = bayeux_is_salesforce(asked->server);
    const json_t *types = json_object_get(asked->message, "supportedConnectionTypes");
    if (asked->exchange->denied) {
        refuse_with_reason(asked, "403::Handshake denied", asked->exchange->denied);
        return;
    }
    if (!json_is_string(json_object_get(asked->message, "version")) || !json_is_array(types)) {
        refuse(asked, "400::version and supportedConnectionTypes are wanted", NONE_ADVICE);
        return;
    }
    if (!offers(types, "long-polling") && (salesforce || !offers(types, "websocket"))) {
        refuse(asked, "400::Invalid connection type", NONE_ADVICE);
        return;
    }
    struct bayeux_session *session = bayeux_session_new(asked->server, asked->exchange);
    if (!session) {
        refuse_with_reason(asked, "403::Handshake denied",
                           "403::Organization concurrent user limit exceeded");
        return;
    }
    session->acks = !salesforce && wants_ack(asked->message);
    greet(asked, session);
}

/* ---- whose message is it? ---------------------------------------------------------------- */

/* NULL: it has been refused. */
static struct bayeux_session *need_session(struct asked *asked)
{
    char text[ERROR_MAX];
    struct exchange *exchange = asked->exchange;
    bool salesforce = bayeux_is_salesforce(asked->server);
    struct bayeux_session *session = session_of(asked);
    if (exchange->denied) {
        refuse(asked, exchange->denied, NONE_ADVICE);
        return NULL;
    }
    if (salesforce && session && !exchange->browser && !exchange->elsewhere) {
        (void)snprintf(text, sizeof text,
                       "400::Client %s has established a session, but no BAYEUX_BROWSER cookie "
                       "present",
                       session->id);
        refuse(asked, text, NONE_ADVICE);
        return NULL;
    }
    bool mine = session && !exchange->elsewhere &&
                (!salesforce || strcmp(session->browser, exchange->browser) == 0);
    if (!mine) {
        refuse(asked, unknown_client(asked->server), HANDSHAKE_ADVICE);
        return NULL;
    }
    exchange->session = session;
    session->sink = exchange->sink;
    return session;
}

/* ---- connect ----------------------------------------------------------------------------- */

static bool wants_answer_at_once(const json_t *message)
{
    const json_t *timeout = json_object_get(json_object_get(message, "advice"), "timeout");
    return json_is_integer(timeout) && json_integer_value(timeout) == 0;
}

/* Queued events go before the reply, here only those that are acknowledged: the others ride in
 * every answer. */
static void answer_connect(struct asked *asked, struct bayeux_session *session, bool first)
{
    char advice[100];
    char *id = json_text(json_object_get(asked->message, "id"), true);
    (void)snprintf(advice, sizeof advice,
                   "{\"interval\":0,\"timeout\":%lld,\"reconnect\":\"retry\"}",
                   (long long)bayeux_hold(asked->server));
    if (session->acks)
        bayeux_session_write_events(asked->server, session, asked->out);
    connect_reply(asked->out, session, id, first ? advice : NULL);
    buf_adds(asked->out, ",");
    mem_free(id);
    bayeux_session_due(asked->server, session, bayeux_timeout(asked->server));
    say_outcome(asked, "OK");
}

static void hold_connect(struct asked *asked, struct bayeux_session *session)
{
    struct exchange *exchange = asked->exchange;
    exchange->held_id = json_text(json_object_get(asked->message, "id"), true);
    exchange->held_message = asked->index;
    exchange->state = EXCHANGE_HELD;
    session->held = exchange;
    bayeux_session_due(asked->server, session, bayeux_hold(asked->server));
}

static void acknowledge(struct asked *asked, struct bayeux_session *session)
{
    const json_t *ack = json_object_get(json_object_get(asked->message, "ext"), "ack");
    if (session->acks && json_is_integer(ack))
        bayeux_session_acknowledge(asked->server, session,
                                   json_integer_value(ack) > 0 ? (uint64_t)json_integer_value(ack)
                                                               : 0);
}

/* A connect that came with other messages is not held: they want their answers. */
static void connect_(struct asked *asked)
{
    char text[ERROR_MAX];
    struct bayeux_session *session = need_session(asked);
    const char *type = json_string_value(json_object_get(asked->message, "connectionType"));
    if (!session)
        return;
    bool known = type && (strcmp(type, "long-polling") == 0 ||
                          (strcmp(type, "websocket") == 0 && asked->exchange->sink));
    if (!known) {
        (void)snprintf(text, sizeof text, "400::Invalid connection type {%.100s}",
                       type ? type : "");
        refuse(asked, text, NONE_ADVICE);
        return;
    }
    bayeux_session_answer(asked->server, session);
    acknowledge(asked, session);
    bool first = !session->connected;
    session->connected = true;
    if (first || asked->count > 1 || bayeux_session_has_events(session) ||
        wants_answer_at_once(asked->message))
        answer_connect(asked, session, first);
    else
        hold_connect(asked, session);
}

/* ---- the others -------------------------------------------------------------------------- */

/* The names of a subscription, which is one or an array: NULL after the last, or no text. */
static const char *name_at(const json_t *message, size_t at)
{
    const json_t *names = json_object_get(message, "subscription");
    if (json_is_array(names))
        return json_string_value(json_array_get(names, at));
    return at == 0 ? json_string_value(names) : NULL;
}

static void agree(struct asked *asked, const struct bayeux_session *session)
{
    begin_reply(asked);
    buf_addf(asked->out, ",\"clientId\":\"%s\",\"successful\":true},", session->id);
    say_outcome(asked, "OK");
}

static void subscribe(struct asked *asked)
{
    char text[ERROR_MAX];
    struct bayeux_session *session = need_session(asked);
    const char *error = NULL, *name = NULL;
    if (!session)
        return;
    if (!name_at(asked->message, 0))
        error = "400::Channel name not specified";
    for (size_t i = 0; !error && (name = name_at(asked->message, i)); i++)
        error = topics_subscribe(asked, session, name, text);
    if (error)
        refuse(asked, error, NULL);
    else
        agree(asked, session);
    if (bayeux_session_has_events(session))
        bayeux_session_wake(asked->server, session);
}

static void unsubscribe(struct asked *asked)
{
    struct bayeux_session *session = need_session(asked);
    const char *name = NULL;
    if (!session)
        return;
    if (!name_at(asked->message, 0)) {
        refuse(asked, "400::Channel name not specified", NULL);
        return;
    }
    for (size_t i = 0; (name = name_at(asked->message, i)); i++)
        (void)topics_unsubscribe(asked->server, session, name);
    agree(asked, session);
}

static void disconnect(struct asked *asked)
{
    struct bayeux_session *session = need_session(asked);
    if (!session)
        return;
    agree(asked, session);
    bayeux_session_end(asked->server, session);
}

/* {"channel":...,"data":...}; NULL: no memory. */
static struct bayeux_event *event_of(const struct asked *asked, const json_t *data)
{
    struct buf text = BUF_INIT(BAYEUX_ANSWER_MAX);
    buf_adds(&text, "{\"channel\":");
    add_text(&text, asked->channel);
    add_member(&text, "data", data);
    buf_adds(&text, "}");
    struct bayeux_event *event = text.failed ? NULL : bayeux_event_new(text.data, text.len);
    buf_free(&text);
    return event;
}

static const char *cannot_publish(const struct asked *asked, const json_t *data)
{
    const char *last = strrchr(asked->channel, '/');
    if (bayeux_is_salesforce(asked->server))
        return "403::Publishing is not supported: events are published by REST";
    if (!data)
        return "400::data_missing";
    bool good = asked->channel[0] == '/' && last && last[1] && !strchr(last, '*');
    return good ? NULL : "400::channel_invalid";
}

/* For everybody who has subscribed, and on /service/ for the sender. */
static void publish(struct asked *asked)
{
    struct bayeux_session *session = need_session(asked);
    const json_t *data = json_object_get(asked->message, "data");
    if (!session)
        return;
    const char *error = cannot_publish(asked, data);
    struct bayeux_event *event = error ? NULL : event_of(asked, data);
    if (!event) {
        refuse(asked, error ? error : "500::out of memory", NULL);
        return;
    }
    agree(asked, session); /* first: publishing may end a session whose queue is full */
    if (strncmp(asked->channel, "/service/", 9) == 0)
        (void)bayeux_session_push(asked->server, session, event);
    else
        topics_publish(asked->server, asked->channel, event);
    bayeux_event_drop(event);
}

static void other_meta(struct asked *asked)
{
    refuse(asked,
           bayeux_is_salesforce(asked->server) ? "404::Unknown channel" : "404::unknown_channel",
           NULL);
}

void message_handle(struct asked *asked)
{
    static void (*const handlers[])(struct asked *) = {
        [MESSAGE_HANDSHAKE] = handshake,   [MESSAGE_CONNECT] = connect_,
        [MESSAGE_SUBSCRIBE] = subscribe,   [MESSAGE_UNSUBSCRIBE] = unsubscribe,
        [MESSAGE_DISCONNECT] = disconnect, [MESSAGE_OTHER_META] = other_meta,
        [MESSAGE_PUBLISH] = publish,
    };
    if (!asked->channel[0])
        refuse(asked,
               bayeux_is_salesforce(asked->server) ? "400::Channel name not specified"
                                                   : "400::channel_missing",
               NULL);
    else if (!by_fault(asked))
        handlers[bayeux_kind(asked->channel)](asked);
}
