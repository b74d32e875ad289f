/* bayeux/websocket_private.h - the inside of the WebSocket transport. @thread io
 *
 *   websocket.c          what the transport is asked for, and what it tells
 *   websocket_link.c     one connection: name, proxy, TLS, upgrade, frames, silence, end */
#ifndef BAYEUX_WEBSOCKET_PRIVATE_H
#define BAYEUX_WEBSOCKET_PRIVATE_H

#include "bayeux/transport_private.h"
#include "bayeux/websocket_frames.h"
#include "bayeux/websocket_upgrade.h"
#include "io/stream.h"
#include "io/timer.h"

#include <sys/queue.h>

#define WEBSOCKET_QUIET_MS 20000 /* without a sign of life: a ping; as long again: gone */

enum link_state {
    LINK_NONE,       /* Next: RESOLVING                                                     */
    LINK_RESOLVING,  /* the name of the server, or of the proxy. Next: CONNECTING, NONE     */
    LINK_CONNECTING, /* TCP, CONNECT, TLS. Next: CONNECTING (another address), UPGRADING, NONE */
    LINK_UPGRADING,  /* the request was sent. Next: OPEN, NONE                              */
    LINK_OPEN        /* Next: NONE                                                          */
};

/* Waits for the connection to open. */
struct waiting {
    TAILQ_ENTRY(waiting) link;
    unsigned exchange;
    size_t len;
    char text[];
};
TAILQ_HEAD(waiting_list, waiting);

struct websocket {
    struct transport t; /* first */
    struct tls *tls;    /* NULL: plaintext */
    struct url proxy;   /* host NULL: none */
    char *target;       /* "host:port", for CONNECT */
    char *proxy_authorization;
    struct waiting_list waiting;
    unsigned busy; /* frames that will look at this again */
    bool closed;   /* the last of them frees it */

    enum link_state state;
    struct deadline until; /* for all up to OPEN */
    char *authorization;   /* of the message that opens it: "Authorization: ..."; secret */
    struct resolve *resolving;
    struct address *addresses;
    size_t address_count, tried;
    struct stream *stream;
    char key[UPGRADE_KEY];
    struct upgrade upgrade;
    struct frames *frames;
    struct timer timer;
    weir_ms quiet_after;
    int64_t heard_ns; /* when something came last */
    bool probed;      /* a ping was sent since */
    bool said;        /* a message has left on this connection */
    bool paused;      /* the owner has no room */
};

/* ---- websocket_link.c ---- */

/* From NONE: WEIR_OK, and websocket_link_opened() or websocket_link_lost() follows, later. */
weir_status websocket_link_open(struct websocket *ws, weir_error *err);
weir_status websocket_link_send(struct websocket *ws, const char *text, size_t len,
                                weir_error *err);
/* While OPEN. */
void websocket_link_pause(struct websocket *ws, bool paused);
/* To NONE, from any state; says goodbye with `code` if it is open and has not done so. */
void websocket_link_close(struct websocket *ws, int code);
void websocket_link_clear(
    struct websocket *ws); /* what is left of a closed one, once nothing looks at it */

/* ---- websocket.c, for the link; each may close the transport, but does not free it ---- */

void websocket_link_opened(struct websocket *ws);
void websocket_link_received(struct websocket *ws, char *text, size_t len);
/* The link is NONE already. */
void websocket_link_lost(struct websocket *ws, const weir_error *why);
void websocket_hold(struct websocket *ws);
void websocket_unhold(struct websocket *ws); /* may free it */
#endif
