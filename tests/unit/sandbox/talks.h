/* A Bayeux server for a test, one client of it, and time that passes when the test says so. */
#ifndef UNIT_SANDBOX_TALKS_H
#define UNIT_SANDBOX_TALKS_H

#include "lib/check.h"

#include "lib/vclock.h"
#include "sandbox/bayeux_server.h"

#define ALPHA "/event/Alpha__e"
#define CONNECT                                                                                    \
    "{'channel':'/meta/connect','clientId':'CLIENT','connectionType':'long-polling','id':'c'}"
#define SUBSCRIBE(name, more)                                                                      \
    "{'channel':'/meta/subscribe','clientId':'CLIENT','id':'s','subscription':'" name "'" more "}"
#define REPLAY(name, id) ",'ext':{'replay':{'" name "':" id "}}"

extern struct vclock now;
extern struct bayeux_server *server;
extern char client[80], browser[80]; /* of the newest handshake */

/* An exchange and what became of it. */
struct talk {
    struct exchange exchange; /* first */
    char *answer;             /* NULL: none yet */
    int outcomes;
    char outcome[200]; /* of the last message */
};

void talks_begin(bool salesforce, struct bayeux_server_options options);
int talks_end(void **state);  /* teardown */
int salesforce(void **state); /* setup */
int plain(void **state);      /* setup */

void talk_begin(struct talk *talk);
void talk_end(struct talk *talk); /* the client leaves, if it has no answer yet */
/* `text` with ' for " and CLIENT for the clientId. */
void talk_say(struct talk *talk, const char *text);
/* Asks, and expects an answer at once that has `words`. */
void ask(const char *text, const char *words);
void has(const char *text, const char *words);
void has_not(const char *text, const char *words);
/* `more`: of the handshake, ",'ext':{...}". */
void shake_hands(const char *more);
void connected(void); /* and the first connect */
void pass(int64_t ms);
int64_t emit(const char *name, int64_t number); /* a numbered event of Salesforce's */
void publish(const char *channel, const char *text);
#endif
