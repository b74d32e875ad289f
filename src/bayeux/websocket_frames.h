/* bayeux/websocket_frames.h - what is said on a WebSocket once it is open (RFC 6455, 5 to 7), for
 * either side: bytes in, messages out, and the other way round. No network, no clock but for
 * random masks. The sandbox's server uses it, too.
 *
 * Messages are text in UTF-8, whole, of at most max_message bytes. Pings are answered. Whatever the
 * RFC forbids ends it: a close frame that says why has been written by then. */
#ifndef BAYEUX_WEBSOCKET_FRAMES_H
#define BAYEUX_WEBSOCKET_FRAMES_H

#include "core/clock.h"
#include <weir/error.h>

#define FRAMES_NORMAL     1000
#define FRAMES_GOING_AWAY 1001
#define FRAMES_TOO_BIG    1009

struct frames;

struct frames_options {
    bool server; /* gets masked frames and sends bare ones; a client the other way round */
    size_t max_message;
    const struct clock *clock;
    /* `text` is NUL-terminated, core/mem, and the callee's. False: stop here, frames_receive()
     * returns at once. frames_free() only after it has returned. */
    bool (*message)(void *user, char *text, size_t len);
    void (*write)(void *user, const void *data, size_t len); /* to the peer; borrowed */
    void *user;
};

/* WEIR_UNSUPPORTED: there is no libwslay. */
struct frames *frames_new(const struct frames_options *options, weir_error *err);
void frames_free(struct frames *f);
/* Not WEIR_OK: it is over, and *err says why in one line ("... closed it: 1001 going away:
 * bye"); what comes is not looked at any more. */
weir_status frames_receive(struct frames *f, const void *data, size_t len, weir_error *err);
/* WEIR_NO_MEMORY, and nothing was written. After a close nothing is. */
weir_status frames_send(struct frames *f, const char *text, size_t len, weir_error *err);
weir_status frames_ping(struct frames *f, weir_error *err);
/* Once. `code` 0: none. */
void frames_close(struct frames *f, int code, const char *reason);

/* "going away"; "" for a code that has no name. */
const char *frames_code_name(int code);
#endif
