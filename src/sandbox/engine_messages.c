/* Messages. A name and a correlation key are a channel; tokens wait at it in the order they came,
 * messages in the order they were published. A message goes to each process once, to its instance
 * that has waited longest, as long as it lives. Signals: nothing here catches one. */
#include "sandbox/engine_private.h"

#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

/* ---- channels ---- */

static uint64_t channel_hash(const char *name, const char *key)
{
    return table_hash(table_hash(1, name, strlen(name)), key, strlen(key));
}

static struct channel *channel_find(const struct engine *engine, const char *name, const char *key)
{
    struct table_node *node = table_first(&engine->channels, channel_hash(name, key));
    for (; node; node = table_next(node)) {
        struct channel *channel = (struct channel *)node;
        if (strcmp(channel->name, name) == 0 && strcmp(channel->key, key) == 0)
            return channel;
    }
    return NULL;
}

static void channel_free(struct engine *engine, struct channel *channel)
{
    engine_drop(engine, channel->name);
    engine_drop(engine, channel->key);
    mem_free(channel);
}

static void channel_release(struct engine *engine, struct channel *channel)
{
    if (!TAILQ_EMPTY(&channel->tokens) || !TAILQ_EMPTY(&channel->messages))
        return;
    table_remove(&engine->channels, &channel->node);
    channel_free(engine, channel);
}

static struct channel *channel_get(struct engine *engine, const char *name, const char *key)
{
    struct channel *channel = channel_find(engine, name, key);
    if (channel)
        return channel;
    channel = mem_zalloc(sizeof *channel);
    if (!channel)
        return NULL;
    channel->name = engine_text(engine, name);
    channel->key = engine_text(engine, key);
    if (!channel->name || !channel->key) {
        channel_free(engine, channel);
        return NULL;
    }
    TAILQ_INIT(&channel->tokens);
    TAILQ_INIT(&channel->messages);
    table_add(&engine->channels, &channel->node, channel_hash(name, key));
    return channel;
}

/* ---- who has had a message ---- */

static bool has_had(const struct message *message, const struct family *family)
{
    size_t i = 0;
    while (i < message->taken_count && message->taken[i] != family)
        i++;
    return i < message->taken_count;
}

static bool make_room(struct message *message)
{
    if (message->taken_count < message->taken_cap)
        return true;
    size_t cap = message->taken_cap ? message->taken_cap * 2 : 2;
    struct family **taken = mem_realloc(message->taken, cap * sizeof(struct family *));
    if (!taken)
        return false;
    message->taken = taken;
    message->taken_cap = cap;
    return true;
}

/* The token's instance gets the message. False: no memory, and it does not. */
static bool hand_over(struct engine *engine, struct message *message, struct token *token)
{
    if (!make_room(message) || !variables_propagate(engine, token, message->variables))
        return false;
    message->taken[message->taken_count++] = token->instance->definition->family;
    return true;
}

/* ---- waiting ---- */

void channel_unsubscribe(struct engine *engine, struct token *token)
{
    struct channel *channel = token->channel;
    TAILQ_REMOVE(&channel->tokens, token, waiting);
    token->channel = NULL;
    channel_release(engine, channel);
}

/* The oldest message of the channel that its process has not had. */
static struct message *waiting_for(const struct token *token)
{
    struct message *message = NULL;
    TAILQ_FOREACH(message, &token->channel->messages, link)
    {
        if (!has_had(message, token->instance->definition->family))
            break;
    }
    return message;
}

static char *correlation_key(struct engine *engine, struct token *token, bool *starved)
{
    const struct bpmn_element *element = element_of(token);
    const char *what = NULL;
    char text[400];
    if (element->correlation_is_text) {
        char *key = mem_strdup(element->correlation);
        *starved = !key;
        return key;
    }
    char *key = variables_key(token, element->correlation, &what);
    *starved = !key && !what;
    if (key || *starved)
        return key;
    token->state = AT_INCIDENT;
    (void)snprintf(text, sizeof text,
                   "Failed to extract the correlation key for '%.200s': The value must be either a "
                   "string or a number, but was '%s'.",
                   element->correlation, what);
    incident_raise(engine, token, "EXTRACT_VALUE_ERROR", text);
    return NULL;
}

bool channel_subscribe(struct engine *engine, struct token *token, bool *had)
{
    bool starved = false;
    char *key = correlation_key(engine, token, &starved);
    *had = false;
    if (!key)
        return !starved;
    token->channel = channel_get(engine, element_of(token)->message, key);
    mem_free(key);
    if (!token->channel)
        return false;
    token->state = AT_MESSAGE;
    TAILQ_INSERT_TAIL(&token->channel->tokens, token, waiting);
    struct message *message = waiting_for(token);
    *had = message && hand_over(engine, message, token);
    return !message || *had;
}

/* ---- publishing ---- */

static uint64_t id_hash(const struct channel *channel, const char *id)
{
    return table_hash(channel_hash(channel->name, channel->key), id, strlen(id));
}

static bool is_known(const struct engine *engine, const char *name, const char *key, const char *id)
{
    const struct channel *channel = *id ? channel_find(engine, name, key) : NULL;
    if (!channel)
        return false;
    struct table_node *node = table_first(&engine->message_ids, id_hash(channel, id));
    for (; node; node = table_next(node)) {
        char *base = (char *)node;
        const struct message *message = (const void *)(base - offsetof(struct message, id_node));
        if (message->channel == channel && strcmp(message->id, id) == 0)
            return true;
    }
    return false;
}

void message_free(struct engine *engine, struct message *message)
{
    struct channel *channel = message->channel;
    heap_remove(&engine->due, &message->due.heap);
    if (message->id)
        table_remove(&engine->message_ids, &message->id_node);
    TAILQ_REMOVE(&channel->messages, message, link);
    TAILQ_REMOVE(&engine->messages, message, all);
    channel_release(engine, channel);
    engine_drop(engine, message->id);
    engine_drop(engine, message->variables);
    mem_free(message->taken);
    engine->message_count--;
    mem_free(message);
}

/* `variables` is taken over in any case. */
static struct message *message_new(struct engine *engine,
                                   const GatewayProtocol__PublishMessageRequest *r, char *variables)
{
    struct channel *channel = channel_get(engine, r->name, r->correlationkey);
    struct message *message =
        channel && due_reserve(engine, 1) ? mem_zalloc(sizeof *message) : NULL;
    char *id = message && *r->messageid ? engine_text(engine, r->messageid) : NULL;
    if (!message || (*r->messageid && !id)) {
        mem_free(message);
        engine_drop(engine, variables);
        if (channel)
            channel_release(engine, channel);
        return NULL;
    }
    *message = (struct message){
        .channel = channel, .key = engine_key(engine), .id = id, .variables = variables};
    message->due.heap.order = message->key;
    TAILQ_INSERT_TAIL(&channel->messages, message, link);
    TAILQ_INSERT_TAIL(&engine->messages, message, all);
    if (id)
        table_add(&engine->message_ids, &message->id_node, id_hash(channel, id));
    engine->message_count++;
    return message;
}

/* To those who wait, one of each process. Tokens that begin to wait at the same channel meanwhile
 * are of processes that have had it. */
static void spread(struct engine *engine, struct message *message)
{
    struct token *token = TAILQ_FIRST(&message->channel->tokens), *next = NULL;
    for (; token; token = next) {
        struct instance *instance = token->instance;
        next = TAILQ_NEXT(token, waiting);
        if (has_had(message, instance->definition->family) || !hand_over(engine, message, token))
            continue;
        if (token_leave(engine, token))
            instance_settle(engine, instance);
    }
}

void broker_publish(const struct ask *ask, const void *request)
{
    const GatewayProtocol__PublishMessageRequest *r = request;
    struct engine *engine = ask->engine;
    char *variables = NULL, tenant[] = DEFAULT_TENANT;
    GatewayProtocol__PublishMessageResponse response;
    if (!tenant_is_good(ask, "PublishMessage", r->tenantid) ||
        !variables_read(ask, r->variables, &variables))
        return;
    if (is_known(engine, r->name, r->correlationkey, r->messageid) ||
        engine->message_count >= engine->options.limits.messages) {
        engine_drop(engine, variables);
        if (engine->message_count >= engine->options.limits.messages)
            engine_is_full(ask, "messages");
        else
            reply_reject(ask->reply, REPLY_ALREADY_EXISTS, "PUBLISH",
                         "Expected to publish a new message with id '%.200s', but a message with "
                         "that id was already published",
                         r->messageid);
        return;
    }
    struct message *message = message_new(engine, r, variables);
    if (!message) {
        reply_no_memory(ask->reply);
        return;
    }
    gateway_protocol__publish_message_response__init(&response);
    response.key = message->key;
    response.tenantid = tenant;
    spread(engine, message);
    if (r->timetolive > 0)
        due_at(engine, &message->due, DUE_MESSAGE, engine_later(engine, r->timetolive));
    else
        message_free(engine, message);
    reply_pack(ask->reply, &response.base);
}

void broker_broadcast(const struct ask *ask, const void *request)
{
    const GatewayProtocol__BroadcastSignalRequest *r = request;
    char *variables = NULL, tenant[] = DEFAULT_TENANT;
    GatewayProtocol__BroadcastSignalResponse response;
    if (!tenant_is_good(ask, "BroadcastSignal", r->tenantid) ||
        !variables_read(ask, r->variables, &variables))
        return;
    engine_drop(ask->engine, variables);
    gateway_protocol__broadcast_signal_response__init(&response);
    response.key = engine_key(ask->engine);
    response.tenantid = tenant;
    reply_pack(ask->reply, &response.base);
}
