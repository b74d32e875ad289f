/* credentials/machine.h - the token cache's mind: which token to use, and when to ask for another.
 * Pure: no lock, timer, thread or socket; time and randomness come from the clock it is given, so
 * that tests are tables. Its owner has a lock around every call.
 *
 * Lifetimes run by the clock that counts suspend and never steps. The wall clock may only make a
 * token stale early (a machine that was frozen and does not know), never expired or fresh. */
#ifndef CREDENTIALS_MACHINE_H
#define CREDENTIALS_MACHINE_H

#include "core/backoff.h"
#include "core/deadline.h"
#include "credentials/token.h"

enum machine_state {
    MACHINE_EMPTY,    /* no token. Next: FETCHING                                               */
    MACHINE_FETCHING, /* no token, one request under way. Next: FRESH, FAILED, RENEWING (a token
                         that is stale was found elsewhere)                                     */
    MACHINE_FRESH,    /* a token; it may be stale by now. Next: RENEWING (stale and asked for),
                         EMPTY (rejected, expired), FAILED (rejected too often)                 */
    MACHINE_RENEWING, /* a valid token, one request under way. Next: FRESH, HOLDING (it failed),
                         FETCHING (rejected, expired)                                           */
    MACHINE_HOLDING,  /* a valid token, renewing failed: a pause. Next: RENEWING (pause over and
                         asked for), EMPTY (rejected), FAILED (expired)                         */
    MACHINE_FAILED    /* no token, the last request failed: a pause. Next: FETCHING (pause over
                         and asked for)                                                         */
};

struct machine {
    enum machine_state state;
    weir_token *token;   /* owned; NULL in EMPTY, FETCHING, FAILED */
    uint64_t generation; /* of tokens from the server: how many there have been */
    int leeway_s;
    int64_t paused_until_ns; /* boot; HOLDING, FAILED */
    weir_error error;        /* why the last request failed, until one succeeds */
    int64_t failed_ns;       /* boot; when that was */
    bool final;              /* ... and asking again cannot help soon */
    struct backoff failures, rejections;
    unsigned rejected; /* tokens in a row that were rejected young */
    const char *name;  /* for the log; borrowed */
};

void machine_init(struct machine *m, int leeway_s, const char *name);
void machine_clear(struct machine *m);

enum machine_verdict {
    MACHINE_TAKE, /* *token is the caller's                                              */
    MACHINE_WAIT, /* ask again when something happened, or at machine_wake()             */
    MACHINE_FAIL  /* *err says why                                                        */
};

/* What somebody wants who can wait until `until` (monotonic). */
struct machine_wish {
    struct deadline until;
    bool fresh; /* a token from the server, later than `generation` */
    uint64_t generation;
    bool at_once; /* a failure of a moment ago is an answer, with the pause in its retry_in_ms */
};

/* *fetch: a request must be started now, one that skips the disk cache for a `fresh` wish.
 * Exactly one machine_got() or machine_failed() must follow. */
enum machine_verdict machine_ask(struct machine *m, const struct clock *clock,
                                 const struct machine_wish *wish, weir_token **token,
                                 weir_error *err, bool *fetch);
/* The request brought `token` (taken over). */
void machine_got(struct machine *m, const struct clock *clock, weir_token *token);
/* A token turned up that is stale but valid (taken over); the request goes on. */
void machine_found(struct machine *m, const struct clock *clock, weir_token *token);
/* The request failed. `final`: the answer will be the same; whoever waits is told at once. */
void machine_failed(struct machine *m, const struct clock *clock, const weir_error *why,
                    bool final);
/* The peer refused `token`. True: it was the one held, and is forgotten. */
bool machine_reject(struct machine *m, const struct clock *clock, const weir_token *token);
/* In how many ms those who wait should ask again; WEIR_FOREVER: when something happens. */
weir_ms machine_wake(const struct machine *m, const struct clock *clock);

/* Of somebody whose limit has passed: the failure of a moment ago, or that there is no answer. */
void machine_timeout(const struct machine *m, const struct clock *clock, weir_error *err);
#endif
