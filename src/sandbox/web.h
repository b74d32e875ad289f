/* sandbox/web.h - a small HTTP/1.1 server for the token endpoint and the control endpoint: one
 * request at a time on a connection, kept alive, answers whenever they are ready, or none at all.
 * It listens on loopback only. Everything here is @thread io. */
#ifndef SANDBOX_WEB_H
#define SANDBOX_WEB_H

#include "core/buf.h"
#include "io/stream.h"
#include "sandbox/web_parse.h"

#define WEB_CONNECTIONS_MAX 512
#define WEB_REQUEST_TIME_MS 30000 /* for a request to arrive whole; also how long one may idle */

struct web;
struct web_request; /* good until it is answered, cut or gone */

struct web_events {
    void (*request)(void *user, struct web_request *request);
    /* The client left before the answer, or the server was closed. */
    void (*gone)(void *user, struct web_request *request);
};

struct web_options {
    struct loop *loop;
    uint16_t port;   /* 0: any free one */
    struct tls *tls; /* NULL: plaintext */
    const struct web_events *events;
    void *user;
};

struct web *web_open(const struct web_options *options, weir_error *err);
uint16_t web_port(const struct web *web);
/* Every request under way gets its `gone`; no callback comes after it. Not from a callback. */
void web_close(struct web *web);

const struct web_head *web_request_head(const struct web_request *request);
weir_bytes web_request_body(const struct web_request *request);
const char *web_request_peer(const struct web_request *request);
void web_request_set_user(struct web_request *request, void *user);
void *web_request_user(const struct web_request *request); /* NULL until set */

struct web_answer {
    int status;
    const char *content_type; /* NULL: no body */
    const char *more_headers; /* "Name: value\r\n"...; NULL: none */
    weir_bytes body;          /* copied */
};

/* Also from within `request`. Without memory for it the connection is cut. */
void web_answer(struct web_request *request, const struct web_answer *answer);
/* Half of the body and no more: the connection is closed then. */
void web_answer_half(struct web_request *request, const struct web_answer *answer);
void web_cut(struct web_request *request); /* closes the connection instead */
/* Instead of an answer: the connection is the caller's, who says the rest (an upgrade, RFC 9110,
 * 7.8). `request` is gone, without a call of `gone`, as are its head and body; *early is what the
 * client has sent since, to buf_free(). No further callback comes for it, and the caller attaches
 * its own events at once. */
struct stream *web_take(struct web_request *request, struct buf *early);
#endif
