/* lib/scripted.h - a server on loopback that answers as a script says, whatever is asked: for peers
 * that no honest library would make. It serves one connection after the other. */
#ifndef LIB_SCRIPTED_H
#define LIB_SCRIPTED_H

#include <pthread.h>
#include <stddef.h>

#define TALK_CLOSE  ""     /* instead of an answer */
#define TALK_SILENT NULL   /* from here on */
#define TALK_FLOOD  "$"    /* for ever: a string that never ends, as Redis sends it */
#define TALK_CRUMBS "\x01" /* before an answer: byte by byte */

/* What a connection answers to its first request, its second, ...; then it is SILENT. */
struct talk {
    const char *answers[8];
};

struct scripted {
    const struct talk *talks;
    size_t count, served; /* connections */
    int listener;
    unsigned port;
    pthread_t thread;
};

/* `talks`, one a connection, the last for all that follow; kept by the caller. */
void scripted_start(struct scripted *server, const struct talk *talks, size_t count);
void scripted_stop(struct scripted *server); /* once its clients have gone */
#endif
