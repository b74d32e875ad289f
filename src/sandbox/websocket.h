/* sandbox/websocket.h - the server's side of a WebSocket (RFC 6455) on a connection of web.h.
 * Everything here is @thread io. Frames are those of bayeux/websocket_frames.h: a client that
 * breaks the protocol is told so and gone. */
#ifndef SANDBOX_WEBSOCKET_H
#define SANDBOX_WEBSOCKET_H

#include "sandbox/web.h"

#define WEBSOCKET_MESSAGE_MAX ((size_t)1024 * 1024)

struct websocket_end; /* the server's end of one */

struct websocket_events {
    /* A whole text message, UTF-8, NUL-terminated; borrowed. */
    void (*message)(void *user, const char *text, size_t len);
    /* Once, last; never after websocket_end_close() or _cut(). *why says how it ended. */
    void (*gone)(void *user, const weir_error *why);
};

/* Whether this request asks for one. */
bool websocket_wanted(const struct web_request *request);
/* Says 101 and takes the connection over: `request` is gone, as with web_take(). NULL: it was
 * answered with what is wrong about it (400, 426), or cut without memory: it is over either way.
 * `more_headers`: "Name: value\r\n"... of the 101, or NULL. No callback from within. */
struct websocket_end *websocket_accept(struct web_request *request, struct loop *loop,
                                       const char *more_headers,
                                       const struct websocket_events *events, void *user);
void websocket_end_send(struct websocket_end *end, const char *text, size_t len);
/* Says goodbye with this code (1000..) in the background; also from within callbacks. */
void websocket_end_close(struct websocket_end *end, int code, const char *reason);
/* Resets the connection instead. */
void websocket_end_cut(struct websocket_end *end);
const char *websocket_end_peer(const struct websocket_end *end);
#endif
