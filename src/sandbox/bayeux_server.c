/* Sessions, their queues, and the order in which things are answered.
 *
 * An answer may lead to the next question on the same connection, asked from within `done`. So
 * nothing is answered while something is under way: exchanges that are complete and sessions whose
 * connect should be answered stand in lists, and flush(), never entered twice, empties them.
 *
 * States of a session, by its members:
 *   idle      held == NULL   due: it ends when no connect comes in time
 *   held      a connect is with us, due: it is answered without an event. Next: idle, gone
 * States of an exchange: NEW -> (HELD ->) READY, in the list of answers -> OVER. */
#include "sandbox/bayeux_private.h"

#include "core/mem.h"
#include "core/text.h"

#include <string.h>

#define BATCH_BYTES ((size_t)512 * 1024)
#define ID_BYTES    20

bool bayeux_is_salesforce(const struct bayeux_server *server)
{
    return server->options.log != NULL;
}

weir_ms bayeux_hold(const struct bayeux_server *server)
{
    weir_ms usual = bayeux_is_salesforce(server) ? 110000 : 30000;
    return server->options.hold ? server->options.hold : usual;
}

weir_ms bayeux_timeout(const struct bayeux_server *server)
{
    weir_ms usual = bayeux_is_salesforce(server) ? 40000 : 10000;
    return server->options.session_timeout ? server->options.session_timeout : usual;
}

/* ---- queues ------------------------------------------------------------------------------ */

static bool queue_room(struct event_queue *queue)
{
    if (queue->head + queue->count < queue->cap)
        return true;
    if (queue->head > queue->cap / 2) {
        memmove(queue->items, queue->items + queue->head, queue->count * sizeof *queue->items);
        queue->head = 0;
        return true;
    }
    size_t cap = queue->cap ? 2 * queue->cap : 16;
    struct queued *items = mem_realloc(queue->items, cap * sizeof *items);
    if (!items)
        return false;
    queue->items = items;
    queue->cap = cap;
    return true;
}

static void queue_drop(struct bayeux_server *server, struct event_queue *queue)
{
    bayeux_event_drop(queue->items[queue->head++].event);
    queue->count--;
    server->queued--;
    if (queue->sent)
        queue->sent--;
    if (queue->count)
        return;
    mem_free(queue->items);
    *queue = (struct event_queue){NULL, 0, 0, 0, 0};
}

bool bayeux_session_push(struct bayeux_server *server, struct bayeux_session *session,
                         struct bayeux_event *event)
{
    if (server->queued >= server->queued_max || !queue_room(&session->queue))
        return false;
    struct event_queue *queue = &session->queue;
    queue->items[queue->head + queue->count++] = (struct queued){bayeux_event_ref(event), 0};
    server->queued++;
    bayeux_session_wake(server, session);
    return true;
}

void bayeux_session_acknowledge(struct bayeux_server *server, struct bayeux_session *session,
                                uint64_t batch)
{
    struct event_queue *queue = &session->queue;
    while (queue->sent && queue->items[queue->head].batch <= batch)
        queue_drop(server, queue);
    queue->sent = 0; /* what is left is sent again */
}

bool bayeux_session_has_events(const struct bayeux_session *session)
{
    return session->queue.count > session->queue.sent;
}

static bool fits(const struct bayeux_server *server, size_t events, size_t bytes)
{
    size_t limit = server->options.batch_bytes ? server->options.batch_bytes : BATCH_BYTES;
    size_t most = server->options.batch_events;
    return events == 0 || ((!most || events < most) && bytes <= limit);
}

void bayeux_session_write_events(struct bayeux_server *server, struct bayeux_session *session,
                                 struct buf *out)
{
    size_t events = 0, bytes = 0;
    struct event_queue *queue = &session->queue;
    if (bayeux_session_has_events(session) && session->acks)
        session->batch++;
    while (bayeux_session_has_events(session)) {
        struct queued *next = &queue->items[queue->head + queue->sent];
        bytes += next->event->len;
        if (!fits(server, events++, bytes))
            return;
        buf_add(out, next->event->text, next->event->len);
        buf_adds(out, ",");
        if (session->acks) {
            next->batch = session->batch;
            queue->sent++;
        } else {
            queue_drop(server, queue);
        }
    }
}

/* ---- sessions ---------------------------------------------------------------------------- */

void bayeux_session_due(struct bayeux_server *server, struct bayeux_session *session, weir_ms delay)
{
    heap_set(&server->due, &session->due, clock_mono(server->options.clock) + delay * NS_PER_MS);
}

static uint64_t hash_of(const char *id)
{
    return table_hash(0, id, strlen(id));
}

static void make_id(const struct bayeux_server *server, char *out, size_t size)
{
    unsigned char bytes[ID_BYTES];
    struct buf text = BUF_INIT(SESSION_ID_MAX);
    clock_random_bytes(server->options.clock, bytes, sizeof bytes);
    base64url_add(&text, bytes, sizeof bytes);
    size_t len = text.data ? strlen(text.data) : 0;
    for (size_t i = 0; i < len && i + 1 < size; i++) { /* Bayeux 1.0, 3.2: alphanumeric */
        out[i] = text.data[i] == '-' ? 'x' : text.data[i] == '_' ? 'y' : text.data[i];
        out[i + 1] = '\0';
    }
    buf_free(&text);
}

struct bayeux_session *bayeux_session_new(struct bayeux_server *server, struct exchange *exchange)
{
    size_t most = server->options.sessions_max ? server->options.sessions_max : BAYEUX_SESSIONS_MAX;
    if (server->sessions.count >= most || !heap_reserve(&server->due, server->sessions.count + 1))
        return NULL;
    struct bayeux_session *session = mem_zalloc(sizeof *session);
    if (!session)
        return NULL;
    make_id(server, session->id, sizeof session->id);
    if (exchange->browser && strlen(exchange->browser) < sizeof session->browser)
        memcpy(session->browser, exchange->browser, strlen(exchange->browser) + 1);
    else
        make_id(server, session->browser, sizeof session->browser);
    if (!session->id[0] || !session->browser[0]) {
        mem_free(session);
        return NULL;
    }
    if (!exchange->browser || strcmp(exchange->browser, session->browser) != 0)
        memcpy(exchange->browser_set, session->browser, sizeof session->browser);
    session->sink = exchange->sink;
    session->due.order = server->order++;
    table_add(&server->sessions, &session->node, hash_of(session->id));
    TAILQ_INSERT_TAIL(&server->list, session, link);
    bayeux_session_due(server, session, bayeux_timeout(server));
    return session;
}

static struct bayeux_session *of_node(struct table_node *node)
{
    return (struct bayeux_session *)(void *)((char *)node - offsetof(struct bayeux_session, node));
}

struct bayeux_session *bayeux_session_find(struct bayeux_server *server, const char *id)
{
    struct table_node *node = id ? table_first(&server->sessions, hash_of(id)) : NULL;
    while (node && strcmp(of_node(node)->id, id) != 0)
        node = table_next(node);
    return node ? of_node(node) : NULL;
}

void bayeux_session_end(struct bayeux_server *server, struct bayeux_session *session)
{
    bayeux_session_answer(server, session);
    if (server->asking && server->asking->session == session)
        server->asking->session = NULL;
    while (session->queue.count)
        queue_drop(server, &session->queue);
    topics_leave(server, session);
    if (session->is_ready)
        TAILQ_REMOVE(&server->ready, session, waits);
    heap_remove(&server->due, &session->due);
    table_remove(&server->sessions, &session->node);
    TAILQ_REMOVE(&server->list, session, link);
    mem_free(session);
}

/* With acknowledgements events go with the reply to a connect only. */
static bool pushes(const struct bayeux_session *session)
{
    return session->sink && !session->acks && session->connected;
}

void bayeux_session_wake(struct bayeux_server *server, struct bayeux_session *session)
{
    if ((!session->held && !pushes(session)) || session->is_ready)
        return;
    session->is_ready = true;
    TAILQ_INSERT_TAIL(&server->ready, session, waits);
}

static void push_events(struct bayeux_server *server, struct bayeux_session *session)
{
    while (bayeux_session_has_events(session)) {
        struct buf events = BUF_INIT(BAYEUX_ANSWER_MAX);
        buf_adds(&events, "[");
        bayeux_session_write_events(server, session, &events);
        if (!events.failed) {
            events.data[events.len - 1] = ']'; /* instead of the last comma */
            session->sink->push(session->sink, &events);
        }
        buf_free(&events);
    }
}

void bayeux_session_answer(struct bayeux_server *server, struct bayeux_session *session)
{
    struct exchange *exchange = session->held;
    if (!exchange)
        return;
    session->held = NULL;
    buf_adds(&exchange->body, "[");
    bayeux_session_write_events(server, session, &exchange->body);
    connect_reply(&exchange->body, session, exchange->held_id, NULL);
    buf_adds(&exchange->body, "]");
    bayeux_session_due(server, session, bayeux_timeout(server));
    if (exchange->outcome)
        exchange->outcome(exchange, exchange->held_message, "OK");
    exchange_finish(server, exchange);
}

/* ---- exchanges --------------------------------------------------------------------------- */

void exchange_finish(struct bayeux_server *server, struct exchange *exchange)
{
    mem_free(exchange->held_id);
    exchange->held_id = NULL;
    exchange->session = NULL;
    exchange->state = EXCHANGE_READY;
    TAILQ_INSERT_TAIL(&server->answers, exchange, link);
}

static void answer_next(struct bayeux_server *server)
{
    struct exchange *exchange = TAILQ_FIRST(&server->answers);
    TAILQ_REMOVE(&server->answers, exchange, link);
    exchange->state = EXCHANGE_OVER;
    exchange->done(exchange);
}

static void flush(struct bayeux_server *server)
{
    if (server->flushing)
        return;
    server->flushing = true;
    while (!TAILQ_EMPTY(&server->ready) || !TAILQ_EMPTY(&server->answers)) {
        struct bayeux_session *session = TAILQ_FIRST(&server->ready);
        if (session) {
            TAILQ_REMOVE(&server->ready, session, waits);
            session->is_ready = false;
            if (pushes(session))
                push_events(server, session);
            else
                bayeux_session_answer(server, session);
        } else {
            answer_next(server);
        }
    }
    server->flushing = false;
}

/* Everything has been looked at: "[" events "," replies "]", or the connect is held. */
static void complete(struct bayeux_server *server, struct exchange *exchange, struct buf *replies)
{
    struct bayeux_session *session = exchange->session;
    if (exchange->state == EXCHANGE_HELD)
        return;
    buf_adds(&exchange->body, "[");
    if (session && !session->held && !session->acks)
        bayeux_session_write_events(server, session, &exchange->body);
    buf_add(&exchange->body, replies->data, replies->len);
    if (exchange->body.len && exchange->body.data[exchange->body.len - 1] == ',')
        exchange->body.data[--exchange->body.len] = '\0';
    buf_adds(&exchange->body, "]");
    if (replies->failed)
        exchange->body.failed = true;
    exchange_finish(server, exchange);
}

void bayeux_server_ask(struct bayeux_server *server, struct exchange *exchange,
                       const json_t *messages)
{
    struct buf replies = BUF_INIT(BAYEUX_ANSWER_MAX);
    size_t count = json_is_array(messages) ? json_array_size(messages) : 1;
    exchange->server = server;
    exchange->state = EXCHANGE_NEW;
    exchange->body = (struct buf)BUF_INIT(BAYEUX_ANSWER_MAX);
    server->asking = exchange;
    for (size_t i = 0; i < count && i < BAYEUX_MESSAGES_MAX; i++) {
        const json_t *one = json_is_array(messages) ? json_array_get(messages, i) : messages;
        const char *channel = json_string_value(json_object_get(one, "channel"));
        struct asked asked = {.server = server,
                              .exchange = exchange,
                              .message = one,
                              .channel = channel ? channel : "",
                              .index = i,
                              .count = count,
                              .out = &replies};
        message_handle(&asked);
    }
    complete(server, exchange, &replies);
    server->asking = NULL;
    buf_free(&replies);
    flush(server);
}

void bayeux_server_gone(struct exchange *exchange)
{
    struct bayeux_server *server = exchange->server;
    if (exchange->state == EXCHANGE_READY)
        TAILQ_REMOVE(&server->answers, exchange, link);
    if (exchange->state == EXCHANGE_HELD) {
        exchange->session->held = NULL;
        bayeux_session_due(server, exchange->session, bayeux_timeout(server));
    }
    mem_free(exchange->held_id);
    exchange->held_id = NULL;
    exchange->state = EXCHANGE_OVER;
}

void bayeux_server_forget_sink(struct bayeux_server *server, const struct bayeux_sink *sink)
{
    struct bayeux_session *session = NULL;
    TAILQ_FOREACH(session, &server->list, link)
    {
        if (session->sink == sink)
            session->sink = NULL;
    }
}

void bayeux_server_publish(struct bayeux_server *server, const char *channel,
                           struct bayeux_event *event)
{
    topics_publish(server, channel, event);
    flush(server);
}

/* ---- time, and blows --------------------------------------------------------------------- */

void bayeux_server_pass(struct bayeux_server *server)
{
    int64_t now = clock_mono(server->options.clock);
    struct heap_node *node = heap_first(&server->due);
    for (; node && node->rank <= now; node = heap_first(&server->due)) {
        struct bayeux_session *session = (struct bayeux_session *)(void *)node;
        if (session->held)
            bayeux_session_answer(server, session);
        else
            bayeux_session_end(server, session);
    }
    flush(server);
}

int64_t bayeux_server_next(const struct bayeux_server *server)
{
    const struct heap_node *node = heap_first(&server->due);
    return node ? node->rank : INT64_MAX;
}

size_t bayeux_server_sessions(const struct bayeux_server *server)
{
    return server->sessions.count;
}

/* What a held connect hears of it. */
static void tell_of_the_end(struct bayeux_server *server, struct bayeux_session *session,
                            enum bayeux_blow blow)
{
    struct exchange *exchange = session->held;
    if (!exchange)
        return;
    session->held = NULL;
    const char *error = unknown_client(server);
    const char *id = exchange->held_id;
    if (blow == BAYEUX_DISCONNECT) {
        buf_adds(&exchange->body, "[{\"channel\":\"/meta/disconnect\"}]");
        error = "disconnect";
    } else {
        buf_adds(&exchange->body, "[{\"channel\":\"/meta/connect\"");
        if (id)
            buf_addf(&exchange->body, ",\"id\":%s", id);
        buf_addf(&exchange->body,
                 ",\"successful\":false,\"error\":\"%s\","
                 "\"advice\":{\"reconnect\":\"handshake\",\"interval\":0}}]",
                 error);
    }
    if (exchange->outcome)
        exchange->outcome(exchange, exchange->held_message, error);
    exchange_finish(server, exchange);
}

void bayeux_server_strike(struct bayeux_server *server, enum bayeux_blow blow)
{
    while (!TAILQ_EMPTY(&server->list)) {
        struct bayeux_session *session = TAILQ_FIRST(&server->list);
        tell_of_the_end(server, session, blow);
        bayeux_session_end(server, session);
    }
    flush(server);
}

struct bayeux_server *bayeux_server_new(const struct bayeux_server_options *options)
{
    json_prepare();
    struct bayeux_server *server = mem_zalloc(sizeof *server);
    if (!server)
        return NULL;
    server->options = *options;
    server->queued_max = options->queued_max ? options->queued_max : BAYEUX_QUEUED_MAX;
    TAILQ_INIT(&server->list);
    TAILQ_INIT(&server->ready);
    TAILQ_INIT(&server->answers);
    return server;
}

void bayeux_server_free(struct bayeux_server *server)
{
    if (!server)
        return;
    while (!TAILQ_EMPTY(&server->list)) {
        struct bayeux_session *session = TAILQ_FIRST(&server->list);
        if (session->held)
            bayeux_server_gone(session->held);
        bayeux_session_end(server, session);
    }
    table_free(&server->sessions);
    table_free(&server->topics);
    heap_free(&server->due);
    mem_free(server);
}
