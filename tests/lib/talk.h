/* lib/talk.h - one stream from a client to a server of our own on the I/O thread, for tests of
 * streams: what the client sends comes back, unless the server is told otherwise. The test's thread
 * calls; talk_wait() returns when all came back or the stream has ended. */
#ifndef LIB_TALK_H
#define LIB_TALK_H

#include "io/stream.h"

#include <pthread.h>

enum talk_server {
    TALK_ECHO,
    TALK_SILENT, /* takes everything, says nothing */
    TALK_LEAVE,  /* closes at the first byte, without reading the rest */
    TALK_FINISH  /* says "bye", then closes in good order */
};

struct talk {
    /* Set before talk_open(): */
    enum talk_server server;
    struct tls *server_tls, *client_tls; /* borrowed */
    const char *server_name, *connect_target, *proxy_authorization;
    const char *answer; /* what the server says to the first bytes instead of echoing them */
    const char *asks;   /* ... which must begin so */
    size_t send;        /* bytes, at `open` */
    bool pause;         /* the client pauses after the first bytes, see talk_resume() */
    weir_ms limit;      /* up to `open`; 0: 10 s */

    /* To be read after talk_wait(), or under the lock: */
    bool opened, ended, server_ended, garbled;
    size_t echoed, pieces;
    weir_error why;

    struct loop *loop;
    struct listener *listener;
    struct stream *client, *accepted;
    bool answered;
    pthread_mutex_t lock;
    pthread_cond_t moved;
};

uint16_t talk_listen(struct talk *t);             /* the server's port */
void talk_connect(struct talk *t, uint16_t port); /* the server's, or of what is before it */
void talk_wait(struct talk *t);                   /* fails after 20 s */
void talk_wait_opened(struct talk *t);            /* or ended */
void talk_resume(struct talk *t);
void talk_close(struct talk *t);
/* All in one; the server listens and is connected to directly. */
void talk_run(struct talk *t);
#endif
