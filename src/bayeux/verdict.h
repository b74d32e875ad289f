/* bayeux/verdict.h - what a failed reply means, and what to do about it. Pure. */
#ifndef BAYEUX_VERDICT_H
#define BAYEUX_VERDICT_H

#include "bayeux/message.h"

enum meta {
    META_NONE,
    META_HANDSHAKE,
    META_CONNECT,
    META_DISCONNECT,
    META_SUBSCRIBE,
    META_UNSUBSCRIBE,
    META_PUBLISH
};

enum verdict {
    VERDICT_RETRY,     /* the same again, with backoff                                          */
    VERDICT_HANDSHAKE, /* this session is gone: a new handshake, at once the first time         */
    VERDICT_LOGIN,     /* a new token, then a new handshake; a second time in a row it is final
                          before anything has worked, and an outage later                       */
    VERDICT_LATER,     /* a limit or an overloaded server: minutes                              */
    VERDICT_AGAIN,     /* of a subscription: at once, `outgoing` has something else to say      */
    VERDICT_REFUSED    /* no use: of a subscription or publication, that one alone; else the end */
};

/* "ddd:arg,arg:text": first colon, second colon, rest. False: not of that form. */
struct bayeux_error {
    int code;
    weir_bytes args, text;
};
bool bayeux_error_split(const char *error, size_t len, struct bayeux_error *out);

/* Fills *err: "WHAT: 403::Unknown client" with origin BAYEUX, its code, and the status of the table
 * in docs/internals/bayeux.md. `error` is the decoded text of "error", NULL: the reply has none. */
weir_status bayeux_error_set(weir_error *err, const char *what, const char *error);

/* The protocol's own view: by the error's code and the advice in force ("retry", "handshake",
 * "none"; NULL: none yet). *err is filled. 402 and "403::Unknown client": HANDSHAKE whatever the
 * advice. */
enum verdict verdict_of_reply(enum meta meta, const struct message *reply, const char *reconnect,
                              weir_error *err);
/* The same by the text of "error", for dialects that have it elsewhere (Salesforce's
 * ext.sfdc.failureReason). `what` as in bayeux_error_set(). */
enum verdict verdict_of_error(enum meta meta, const char *what, const char *error,
                              const char *reconnect, weir_error *err);
/* What was tried, for errors: "the handshake", "subscribing to '/a'". Goes into `out`; cut off if
 * it does not fit. */
void verdict_what(enum meta meta, const struct message *reply, char *out, size_t size);
/* A request without a Bayeux answer: HTTP statuses, lost connections (http/status.h). */
enum verdict verdict_of_failure(enum meta meta, const weir_error *why);
#endif
