/* Plain CometD over a WebSocket: each text frame is one exchange, answered by one frame, and events
 * come in frames of their own. A fault that is about HTTP closes the connection (1011) where it
 * would have been a status. */
#include "core/mem.h"
#include "sandbox/salesforce_private.h"
#include "sandbox/websocket.h"

#define TROUBLE 1011 /* RFC 6455, 7.4.1: an unexpected condition */

/* Everything but the connection itself. */
static void drop(struct socket *socket)
{
    struct salesforce *sf = socket->sf;
    TAILQ_REMOVE(&sf->sockets, socket, link);
    while (!TAILQ_EMPTY(&socket->visits))
        visit_gone(TAILQ_FIRST(&socket->visits));
    bayeux_server_forget_sink(sf->bayeux, &socket->sink);
    mem_free(socket);
    salesforce_rearm(sf);
}

void socket_cut(struct socket *socket)
{
    websocket_end_cut(socket->end);
    drop(socket);
}

const char *socket_peer(const struct socket *socket)
{
    return websocket_end_peer(socket->end);
}

void socket_fail(struct socket *socket)
{
    websocket_end_close(socket->end, TROUBLE, "asked for by a fault");
    drop(socket);
}

void socket_say(struct socket *socket, weir_bytes text)
{
    websocket_end_send(socket->end, text.data, text.len);
}

static void on_push(struct bayeux_sink *sink, const struct buf *events)
{
    const struct socket *socket = (const struct socket *)(const void *)sink;
    websocket_end_send(socket->end, events->data, events->len);
}

static void on_message(void *user, const char *text, size_t len)
{
    struct socket *socket = user;
    struct salesforce *sf = socket->sf;
    json_t *messages = json_parse(text, len, "the frame", NULL);
    if (salesforce_are_messages(messages)) {
        salesforce_begin_messages(sf, NULL, socket, messages, true);
        salesforce_rearm(sf);
        return;
    }
    json_decref(messages);
    socket_cut(socket);
}

static void on_gone(void *user, const weir_error *why)
{
    (void)why;
    drop(user);
}

void salesforce_take_socket(struct salesforce *sf, struct web_request *request)
{
    static const struct websocket_events events = {on_message, on_gone};
    struct socket *socket = mem_zalloc(sizeof *socket);
    if (!socket) {
        web_cut(request);
        return;
    }
    socket->sink.push = on_push;
    socket->sf = sf;
    TAILQ_INIT(&socket->visits);
    socket->end = websocket_accept(request, sf->common->loop, NULL, &events, socket);
    if (!socket->end) {
        mem_free(socket);
        return;
    }
    journal_tally(sf->common->journal, "bayeux.websocket");
    TAILQ_INSERT_TAIL(&sf->sockets, socket, link);
}
