/* bayeux/transport.h - how messages get to a server and back: HTTP requests that are held, or a
 * WebSocket. Everything is @thread io. A transport knows nothing of what is said.
 *
 * Long polling: two connections at most, cookies of every answer kept (RFC 6265; in the struct http
 * they share), gzip and deflate, redirects refused with the target named, an HTTP status that is
 * not 2xx is a failure unless its body is Bayeux messages after all (Salesforce's errors): then
 * those are received first, and `ended` says the status.
 * WebSocket (RFC 6455, by libwslay): text frames, each an array or a message; ping of the server is
 * answered, silence is probed by our own; close codes become errors in words. */
#ifndef BAYEUX_TRANSPORT_H
#define BAYEUX_TRANSPORT_H

#include "bayeux/message.h"
#include "http/http.h"

struct transport; /* first member of each kind: const struct transport_kind * */

struct transport_events {
    /* Messages have come in; `batch` is borrowed. `date_s`: the answer's Date header, seconds since
     * the epoch, 0: it has none. */
    void (*received)(void *user, struct batch *batch, int64_t date_s);
    /* Long polling: exchange over. *why OK, or why there is no (good) answer; its retry_in_ms is
     * the server's wish. `left`: the request may have reached the server; else it surely has not,
     * and may be repeated whatever it was. Never from within transport_send(). */
    void (*ended)(void *user, unsigned exchange, const weir_error *why, bool left);
    /* WebSocket: gone, with all exchanges; send opens a new one. `left`: as above, of any. Never
     * from within transport_send(). */
    void (*lost)(void *user, const weir_error *why, bool left);
};

struct transport_options {
    struct loop *loop;
    struct http *http; /* with cookies; referenced. A WebSocket takes cookies and TLS from it */
    const char *url;   /* copied */
    const char *const *headers; /* "Name: value"; copied */
    const char *proxy;          /* as http_options */
    const weir_tls_options *tls;
    size_t max_message;
    const char *name; /* for logs: "salesforce#1" */
    const struct transport_events *events;
    void *user;
};

struct transport *transport_long_polling(const struct transport_options *o, weir_error *err);
/* WEIR_UNSUPPORTED: libwslay is not installed. */
struct transport *transport_websocket(const struct transport_options *o, weir_error *err);

struct transport_message {
    unsigned exchange;
    const char *text; /* copied */
    size_t len;
    struct deadline until;
    const char *authorization; /* "Bearer ..."; copied, wiped; NULL: none */
    bool held;                 /* the server may hold its answer back: a /meta/connect */
};
/* WEIR_OK: `ended` or `lost` follows, unless it is cancelled. */
weir_status transport_send(struct transport *t, const struct transport_message *m, weir_error *err);
void transport_cancel(struct transport *t, unsigned exchange);
/* Of a WebSocket that is open: nothing more is read, and its silence is no end, until it is
 * resumed. Long polling has nothing to hold back. */
void transport_pause(struct transport *t, bool paused);
/* A WebSocket says goodbye (1000) in the background; no callback comes after it. NULL is fine; also
 * from within a callback. */
void transport_close(struct transport *t);
#endif
