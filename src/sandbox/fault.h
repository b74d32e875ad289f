/* sandbox/fault.h - what is to go wrong, and how often: lines "WHAT N HOW [--after D]".
 *
 *   token 3 http:503              the next three token requests get HTTP status 503
 *   zeebe.Topology all status:UNAVAILABLE:"no leader"
 *   zeebe 1 cut --after 200ms     the next call, whichever it is, loses its connection after 200 ms
 *   forget zeebe                  nothing is scripted for zeebe and its calls any more
 *
 * A table of them, in the order they came; the first that fits a request and has not been used up
 * is what the request gets. It owns no timer: how long to wait is part of the answer. Any thread,
 * a lock held for a few lines. */
#ifndef SANDBOX_FAULT_H
#define SANDBOX_FAULT_H

#include <weir/error.h>

#define FAULTS_MAX      1000
#define FAULT_TEXT_MAX  200
#define FAULT_WHAT_MAX  64
#define FAULT_LINE_MAX  1024
#define FAULT_EVERY_ONE UINT64_MAX

enum fault_how {
    FAULT_NONE = 0,
    FAULT_STATUS,   /* status:NAME[:TEXT]   a gRPC status                                        */
    FAULT_HTTP,     /* http:CODE[:SECONDS]  an HTTP status, with Retry-After                     */
    FAULT_ERROR,    /* error:NAME[:TEXT]    an OAuth2 error (RFC 6749, 5.2), a REST errorCode     */
    FAULT_DELAY,    /* delay:D              the ordinary answer, later                           */
    FAULT_CUT,      /* the connection is closed instead of an answer                             */
    FAULT_HANG,     /* no answer, the connection stays                                           */
    FAULT_GOAWAY,   /* the connection takes no more calls, this one included (RFC 9113, 6.8)     */
    FAULT_GARBAGE,  /* an answer that cannot be read                                             */
    FAULT_EXPIRE,   /* token: what is issued has expired already; else: the request's token has  */
    FAULT_CUT_BODY, /* cut:body             the connection is closed in the middle of the answer */
    FAULT_HTML,     /* html[:CODE]          a page for people, 200 unless CODE says else         */
    FAULT_EMPTY,    /* empty                a 200 without a body                                 */
    FAULT_BAYEUX,   /* bayeux:TEXT          the message is refused with this "error"             */
    FAULT_REASON,   /* bayeux-reason:TEXT   "403::Handshake denied", TEXT in ext.sfdc            */
    FAULT_DISCONNECT, /* disconnect[:TEXT]  an unsolicited /meta/disconnect; with TEXT also the
                                            message's refusal                                    */
    FAULT_KILL,    /* kill                  the session is gone                                  */
    FAULT_REROUTE, /* reroute               the request comes to another node                    */
    FAULT_LOSE     /* lose                  no event is retained any more                        */
};

/* What a refusal by FAULT_BAYEUX advises. */
enum fault_advice {
    FAULT_ADVICE_NOT_SAID, /* bayeux:            what the service would */
    FAULT_ADVICE_BARE,     /* bayeux-bare:       no advice at all       */
    FAULT_ADVICE_NONE,     /* bayeux-none:                              */
    FAULT_ADVICE_RETRY,    /* bayeux-retry:                             */
    FAULT_ADVICE_HANDSHAKE /* bayeux-handshake:                         */
};

struct fault {
    enum fault_how how;
    int code;          /* gRPC or HTTP status                                       */
    weir_ms after;     /* before it happens, from the request's arrival             */
    int retry_after_s; /* http: the header's value; 0: none                         */
    enum fault_advice advice;
    char text[FAULT_TEXT_MAX]; /* status: the message; error: the name, and after a colon the
                                  description; bayeux and the like: TEXT; "": none given    */
};

struct faults;

struct faults *faults_new(void); /* NULL: no memory */
void faults_free(struct faults *faults);
/* WEIR_INVALID says what of the line was not understood and what would be. */
weir_status faults_add(struct faults *faults, const char *line, weir_error *err);
/* A script: such lines, blank ones, and comments from '#' to the end of the line. All of it is
 * taken, or nothing; the error begins with "NAME:LINE" unless `name` is NULL. */
weir_status faults_add_script(struct faults *faults, const char *text, size_t len, const char *name,
                              weir_error *err);
/* What the next request of `what` ("zeebe.Topology", "token") gets; false: nothing. */
bool faults_take(struct faults *faults, const char *what, struct fault *out);
/* "status:UNAVAILABLE", for the request log. */
const char *fault_name(const struct fault *fault, char *out, size_t size);
#endif
