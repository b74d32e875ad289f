/* sandbox/service.h - what all services share: the loop, the request log, the scripted faults, the
 * tokens; and the turn of one request, from its arrival to its answer. @thread io, but for the
 * journal and the faults, which have locks of their own. */
#ifndef SANDBOX_SERVICE_H
#define SANDBOX_SERVICE_H

#include "io/timer.h"
#include "sandbox/fault.h"
#include "sandbox/journal.h"
#include "sandbox/token.h"

struct salesforce;

struct common {
    struct loop *loop;
    const struct clock *clock;
    struct journal *journal;
    struct faults *faults;
    struct tokens *tokens;         /* NULL: there is no token endpoint */
    struct salesforce *salesforce; /* NULL: there is no such service */
    weir_ms latency;               /* added to every answer */
};

/* Embedded in a service's request. */
struct turn {
    struct common *common;
    struct fault fault; /* FAULT_NONE: an ordinary answer */
    struct journal_entry *entry;
    bool ended;
    struct timer timer; /* the service's own once turn_begin() has called back */
};

/* Takes the fault for `request` and enters it into the log; request->fault is filled here. `act`
 * comes when it is time: at once, from within, or later. */
void turn_begin(struct turn *turn, struct common *common, struct journal_request *request,
                void (*act)(void *user), void *user);
/* What became of it; the first one said counts. */
void turn_end(struct turn *turn, const char *status);
void turn_end_number(struct turn *turn, int status);
/* The request is gone: "gone", unless it has ended; no timer comes any more. */
void turn_clear(struct turn *turn);
#endif
