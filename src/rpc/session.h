/* rpc/session.h - the client's side of one HTTP/2 connection (nghttp2), without a socket: bytes in,
 * bytes out, calls on its streams. @thread io
 *
 * What the peer can make grow is bounded here: header blocks, CONTINUATION frames, frames that
 * bring nothing, answers to PING and SETTINGS. A peer that goes beyond ends the connection. */
#ifndef RPC_SESSION_H
#define RPC_SESSION_H

#include "core/clock.h"
#include "rpc/call.h"
#include "rpc/share.h"

struct session;

struct session_events {
    void (*settled)(void *user); /* the peer's first SETTINGS                        */
    /* No new calls; those it did not process have come back. `too_many_pings`: ours. */
    void (*goaway)(void *user, uint32_t code, bool too_many_pings, const char *debug);
    void (*room)(void *user); /* a stream has ended                               */
    void (*wake)(void *user); /* session_pull() will have something               */
};

struct session_options {
    const struct session_events *events;
    void *user;
    const struct clock *clock;
    uint32_t window;                        /* of a stream */
    uint32_t max_metadata;                  /* advertised and enforced */
    _Atomic uint64_t *bytes_in, *bytes_out; /* written here only */
};

struct session *session_new(const struct session_options *options, weir_error *err);
/* Calls that are still on it have to be taken away by session_lose() before. */
void session_free(struct session *s);
/* Every call ends with `why`, or comes back to be repeated. */
void session_lose(struct session *s, const weir_error *why);

/* False: the connection is over; session_why() says why. */
bool session_feed(struct session *s, const uint8_t *data, size_t len);
/* The next bytes to send, borrowed until the next call. 0: none now; < 0: the connection is over.
 */
ssize_t session_pull(struct session *s, const uint8_t **data);
/* True when nothing more will come of it. */
bool session_over(struct session *s);
const weir_error *session_why(const struct session *s); /* OK: the peer did nothing wrong */

bool session_answered(const struct session *s); /* a call, at any time: the server works */

/* Its streams, and the calls on them. */
struct share session_share(const struct session *s);
size_t session_calls(const struct session *s);
/* False: this session takes no more calls. */
bool session_start(struct session *s, struct rpc_call *call);
void session_resume(struct session *s, struct rpc_call *call); /* there is more to send */
void session_reset(struct session *s, struct rpc_call *call, uint32_t code);
void session_consumed(struct session *s, struct rpc_call *call, size_t len);
void session_ping(struct session *s);
void session_goodbye(struct session *s); /* GOAWAY NO_ERROR */
#endif
