/* A client of the Salesforce-like server that says exactly what a test says, on plain sockets. */
#ifndef INTEGRATION_SANDBOX_VISITOR_H
#define INTEGRATION_SANDBOX_VISITOR_H

#include "lib/check.h"
#include "lib/sandboxed.h"

#define ALPHA "/event/Alpha__e"

struct visitor {
    struct sandbox *sandbox;
    uint16_t port;
    const char *path; /* "/cometd/67.0" */
    char token[200];  /* "": no Authorization header */
    char browser[80]; /* the cookies; "": none */
    char stream[120];
    char client[80];   /* clientId */
    char headers[300]; /* more of them */
    char *answer;      /* of the last question: head and body; NULL: none */
};

/* Logs in. */
void visitor_begin(struct visitor *v, struct sandbox *sandbox, const char *path);
void visitor_end(struct visitor *v);
/* Posts; cookies of the answer are kept. The body, borrowed until the next call; "" without one. */
const char *visitor_ask(struct visitor *v, const char *body);
/* ... with CLIENT in it replaced by the clientId. */
const char *visitor_says(struct visitor *v, const char *body);
void visitor_handshake(struct visitor *v);
const char *visitor_connect(struct visitor *v); /* answered at once, or after the hold */
/* `replay`: the ext member's value, "" for none. */
const char *visitor_subscribe(struct visitor *v, const char *channel, const char *replay);
/* Sends a connect and leaves it to the server: web_read() from the socket, then close it. */
int visitor_hold(struct visitor *v);
int64_t visitor_emit(struct visitor *v, const char *channel, const char *data);
/* Fails the test unless `text` has `words`. */
void has(const char *text, const char *words);
void has_not(const char *text, const char *words);
#endif
