/* bayeux/websocket_upgrade.h - how a WebSocket is asked for, and what a server says to that (RFC
 * 6455, 4). Pure but for libcurl's cookies, which the caller brings. */
#ifndef BAYEUX_WEBSOCKET_UPGRADE_H
#define BAYEUX_WEBSOCKET_UPGRADE_H

#include "core/clock.h"
#include "core/url.h"
#include "http/answer.h"

#define UPGRADE_KEY 25 /* 16 random bytes in Base64, and the end */

void upgrade_key(const struct clock *clock, char out[UPGRADE_KEY]);
/* What a server says to `key`, also for the sandbox's. */
void upgrade_accept(struct buf *out, const char *key);

struct upgrade_request {
    const struct url *url; /* `port` is filled */
    const char *key;
    char *const *headers; /* "Name: value" */
    size_t header_count;
    const char *authorization; /* "Authorization: ...", or NULL */
    const char *cookies;       /* "a=b; c=d", or NULL */
};
/* Reserves what it needs: a failed `out` left no copies behind. */
void upgrade_write(struct buf *out, const struct upgrade_request *r);

/* An answer as it arrives. */
enum upgrade_state {
    UPGRADE_MORE, /* Next: DONE                                                      */
    UPGRADE_DONE  /* upgrade_judge() says what it is                                 */
};
struct upgrade {
    struct buf head;
    struct incoming in;
    int status;    /* 0: no head yet */
    size_t wanted; /* of the body, to quote it */
    bool broken;   /* it is no HTTP, or too large */
};
void upgrade_begin(struct upgrade *u);
/* *used of the bytes belong to it; the rest is the WebSocket's. */
enum upgrade_state upgrade_read(struct upgrade *u, const char *data, size_t len, size_t *used);
struct upgrade_judge {
    const char *key, *what; /* that was sent; that was tried, for errors */
    const struct clock *clock;
};
/* WEIR_OK: it is a WebSocket from here on. `answer`, which holds its headers, is
 * good until upgrade_clear(). */
weir_status upgrade_judge(struct upgrade *u, const struct upgrade_judge *by,
                          struct http_answer *answer, weir_error *err);
void upgrade_clear(struct upgrade *u); /* fine when zeroed */
#endif
