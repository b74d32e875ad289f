/* integration/websocket_lib.h - a WebSocket server for tests, on the I/O thread: the sandbox's, and
 * one that says what the test wants. */
#ifndef INTEGRATION_WEBSOCKET_LIB_H
#define INTEGRATION_WEBSOCKET_LIB_H

#include "io/tls.h"
#include "sandbox/websocket.h"

#include <pthread.h>

struct wsserver;

struct wsscript {
    const char *refuse;  /* the whole HTTP answer instead; NULL: accept */
    const char *headers; /* more of the 101; NULL: none */
    bool hold;           /* no answer to the upgrade */
    bool mute;           /* messages are not answered */
    /* After the first message: close with this code (if not 0), or say these bytes, which need be
     * no frames, or cut */
    int close_code;
    bool raw_upgrade; /* 101 by hand, then `raw` at once; nothing is read any more */
    const char *raw;
    size_t raw_len;
    bool cut;
};

/* Echoes each message: the text in "data" of a message on /echo. */
struct wsserver *wsserver_start(struct tls *tls);
void wsserver_stop(struct wsserver *s);
uint16_t wsserver_port(const struct wsserver *s);
void wsserver_script(struct wsserver *s, const struct wsscript *script); /* copied; texts static */
/* Of the newest upgrade; good until the next one. "" for a header that was not there. */
void wsserver_header(struct wsserver *s, const char *name, char *out, size_t size);

struct wsserver_stats {
    size_t upgrades, messages, open, gone;
    char last[256], first[256]; /* messages */
    char why[1024];             /* of the newest that is gone */
};
struct wsserver_stats wsserver_stats(struct wsserver *s);
/* Until so many ... ; false after 10 s */
bool wsserver_wait_gone(struct wsserver *s, size_t n);
bool wsserver_wait_upgrades(struct wsserver *s, size_t n);
bool wsserver_wait_messages(struct wsserver *s, size_t n);
void wsserver_push(struct wsserver *s, const char *text); /* to all that are open */
#endif
