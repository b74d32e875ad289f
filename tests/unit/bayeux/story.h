/* A session told as a story: what it does is a line of words, what the server says are replies to
 * what it was last sent. Time is virtual, and random numbers are the largest possible.
 *
 * The words: "login", "login!" (a fresh one), "handshake", "connect", "connect0" (not to be held),
 * "disconnect", "subscribe(/a)+publish(/b)" (one request), "cancel connect", "reset",
 * "done /a OK", "OPENED", "SUBSCRIBED /a", "DROPPED /a", "OUTAGE", "over STOPPED"; separated by
 * "; ". */
#ifndef UNIT_BAYEUX_STORY_H
#define UNIT_BAYEUX_STORY_H

#include "bayeux/session.h"
#include "core/error.h"
#include "core/mem.h"
#include "lib/check.h"
#include "lib/vclock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/bayeux.h>

#define STORY_SENT 64

struct told {
    char channel[64]; /* "/meta/connect" */
    char subject[64]; /* the subscription, or the channel published to */
    char id[24];
    char text[2048];
    unsigned exchange;
    bool answered;
};

struct story {
    struct vclock clock;
    struct session *session;
    struct session_hooks hooks;
    struct session_options options;
    struct told sent[STORY_SENT];
    size_t sent_count;
    struct session_ask asks[16];
    size_t ask_count;
    char words[8192];
    char why[1024];   /* of the last news, done or over */
    char reply[1024]; /* of the last done */
    char request[65536];
    size_t request_len;
    int64_t until_ns;
    unsigned requests;
    const char *ext; /* what the dialect adds to each message */
    enum verdict (*judge)(enum meta meta, const struct message *reply, weir_error *err);
    unsigned subscribed, opened;
    bool socket; /* nothing is ended: replies come over a WebSocket */
    bool quiet;  /* do not collect words */
};

void story_begin(struct story *st);
void story_with(struct story *st, const struct session_options *options);
void story_end(struct story *st);

int64_t story_now(const struct story *st);
/* Asks the session until it has nothing to do, and checks the words. */
void expect_at(struct story *st, const char *words, const char *file, int line);
#define expect(st, words) expect_at(st, words, __FILE__, __LINE__)
void pump(struct story *st);

/* Lets time pass up to `ms`, stepping from one wake to the next; words add up. */
void pass(struct story *st, int64_t ms);

struct session_ask *ask(struct story *st, enum meta meta, const char *channel);
void token(struct story *st);
void no_token(struct story *st, weir_status status, const char *words);

/* The newest message to `channel` (and about `subject`, unless NULL) that is not answered. */
struct told *find_sent(struct story *st, const char *channel, const char *subject);
/* Gives the session messages, without ending an exchange. Events among them are counted. */
size_t hear(struct story *st, const char *json);
/* Replies to the newest message on `channel` with these members ("\"successful\":true"), and ends
 * its exchange when all of it is answered. */
void answer(struct story *st, const char *channel, const char *members);
void answer_about(struct story *st, const char *channel, const char *subject, const char *members);
/* The exchange of the newest message on `channel` ends without (more) replies. */
void ends(struct story *st, const char *channel, weir_status status, int http);
void ends_unsent(struct story *st, const char *channel);

/* Through login, handshake and first connect; the words are dropped. */
void story_open(struct story *st);
/* The same, with `channel` subscribed. */
void story_subscribed(struct story *st, const char *channel);

#define OK         "\"successful\":true"
#define REFUSED(e) "\"successful\":false,\"error\":\"" e "\""
#define HANDSHAKEN                                                                                 \
    OK ",\"version\":\"1.0\",\"clientId\":\"c1\",\"supportedConnectionTypes\":[\"long-polling\"]"
#define FIRST   OK ",\"advice\":{\"interval\":0,\"timeout\":110000,\"reconnect\":\"retry\"}"
#define UNKNOWN REFUSED("403::Unknown client")
#define NONE    ",\"advice\":{\"reconnect\":\"none\",\"interval\":0}"
#define ADVISED ",\"advice\":{\"reconnect\":\"handshake\",\"interval\":0}"
#endif
