/* A server and a network in virtual time, with a program on the other side, for sessions that live
 * long or are treated badly. Everything comes from a seed. What must always be true is checked at
 * every step (model.c); what must be true when it is calm again, by model_calm(). */
#ifndef UNIT_BAYEUX_MODEL_H
#define UNIT_BAYEUX_MODEL_H

#include "bayeux/session.h"
#include "lib/check.h"
#include "lib/vclock.h"

#define MODEL_CHANNELS 6
#define MODEL_ASKS     32

struct model_out {
    unsigned number; /* 0: none */
    bool connect;
    char *request;
    size_t len;
    int64_t due_ns, until_ns;
    enum model_fate { FATE_ANSWER, FATE_REFUSED, FATE_LOST, FATE_CUT, FATE_HTTP } fate;
    int http;
};

struct model_ask {
    struct session_ask ask; /* first */
    bool used;
};

struct model {
    struct vclock clock;
    struct session *session;
    uint64_t random;
    bool trouble; /* faults may happen */

    /* the server */
    int sessions; /* made so far; the newest is the only one it knows */
    bool alive;
    unsigned subs; /* a bit each: channels subscribed in it */
    int token, token_needed;
    int64_t down_until_ns, silent_until_ns;
    bool disconnects; /* the next answer begins with a disconnect */
    bool limits;
    int64_t expires_ns, token_expires_ns; /* of the session and the token; INT64_MAX */
    int64_t session_ms, token_ms;         /* their lives; 0: for ever */
    int64_t next_event_ns, event_every_ms;
    uint64_t events_made, events_heard;

    /* between them */
    struct model_out outs[2];
    bool login_out, login_fresh;
    int64_t login_due_ns;

    /* the program */
    int64_t next_wish_ns, next_fault_ns;
    struct model_ask asks[MODEL_ASKS];
    bool full;
    bool outage, over;
    int64_t bad_since_ns; /* 0: all is well */

    /* counted */
    uint64_t handshakes, connects, logins, outages, dropped, done;
    int64_t second;
    unsigned sends_in_second;
};

void model_begin(struct model *m, uint64_t seed);
void model_end(struct model *m);
void model_subscribe(struct model *m, int channel);
/* Lets `ms` pass. */
void model_run(struct model *m, int64_t ms);
/* No more faults: within a quarter of an hour all must be well. */
void model_calm(struct model *m);
#endif
