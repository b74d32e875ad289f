/* events/server.h - the parts of the benchmark's server for events: who is there, what lies ready,
 * and how a request is read. */
#ifndef BENCH_EVENTS_SERVER_H
#define BENCH_EVENTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#define PEERS      64
#define SESSIONS   64
#define MOST       200 /* events in an answer */
#define MARKS_EACH 3   /* places of the number in an event */
#define ID_DIGITS  9
#define FIRST_ID   100000001

struct text {
    size_t len;
    char bytes[1 << 20];
};

/* Of an answer's body. */
struct part {
    char *at;
    size_t len;
};
#define NOTHING ((struct part){NULL, 0})

struct peer {
    int fd;     /* -1: free */
    bool greet; /* its next answer has a cookie */
    size_t len;
    char bytes[256 * 1024];
};

struct session {
    bool connected, subscribed;
    long next;         /* replay id */
    struct peer *held; /* its /meta/connect waits here */
    char held_id[32];
};

struct server {
    int fd, port;
    size_t shaken, marks;
    size_t mark[MOST * MARKS_EACH]; /* where digits lie in `events` */
    struct text events;             /* "[" and the events of an answer, separated by commas */
    struct peer peers[PEERS];
    struct session sessions[SESSIONS];
};

/* What is asked of a message, copied out of its text. */
struct message {
    char channel[128], id[32], client[64], subscription[128];
    bool at_once; /* advice.timeout 0 */
};

/* The next object of an array, or the only one; false: no more. */
bool message_next(const char **at, struct message *m);
/* How long the first whole request is, 0: there is none yet. *body: its body, NUL-terminated if the
 * request is (a chunked one is put together in place). */
size_t request_len(struct peer *peer, const char **body);
void make_events(struct server *server, size_t count, size_t size);
/* On loopback, any port: the port, or 0. */
int server_listen(int *fd);
void server_no_delay(int fd);
#endif
