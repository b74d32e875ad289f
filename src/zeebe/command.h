/* zeebe/command.h - one command to the gateway, from the first token to the last answer: the one
 * mechanism behind blocking, pending and typed calls. */
#ifndef ZEEBE_COMMAND_H
#define ZEEBE_COMMAND_H

#include "core/backoff.h"
#include "credentials/ask.h"
#include "io/timer.h"
#include "zeebe/channel.h"
#include "zeebe/codec.h"

struct command;

/* On the I/O thread. */
struct command_events {
    void (*headers)(struct command *c, const weir_metadata *list, size_t count); /* may be NULL */
    void (*message)(struct command *c, weir_bytes message);                      /* borrowed */
    /* Exactly once, last: the command is its owner's alone again. */
    void (*end)(struct command *c, const struct rpc_end *end);
};

enum command_state {
    COMMAND_IDLE,       /* not started. Next: LOGGING_IN, CALLING                         */
    COMMAND_LOGGING_IN, /* waits for a token. Next: CALLING, ENDED                        */
    COMMAND_CALLING,    /* an rpc call is under way. Next: LOGGING_IN, PAUSING, ENDED     */
    COMMAND_PAUSING,    /* waits to be repeated. Next: LOGGING_IN, CALLING, ENDED         */
    COMMAND_ENDED
};

/* Embed it, zeroed, and fill the first part; what it points to must live until `end`. */
struct command {
    const struct command_events *events;
    void *user; /* of whoever takes the events */
    weir_channel *channel;
    const struct codec_method *method;
    weir_bytes request;
    const weir_metadata *headers;
    size_t header_count;
    struct deadline until;
    bool gzip, no_retry;
    bool long_lived; /* takes no room from others; server streams always are (rpc.h) */
    bool manual;     /* messages come as command_want() asks for them */

    enum command_state state; /* @thread io once started, as all below */
    struct rpc_call *call;
    weir_token *token;     /* of this attempt; NULL: none */
    weir_token *refused;   /* the one before it, when the gateway refused that */
    struct token_ask *ask; /* LOGGING_IN, once `task` has run */
    struct loop_task task; /* to the I/O thread, to ask there */
    bool posted;           /* `task` is on its way */
    bool renewed;          /* this attempt's token was fetched because the last was refused */
    size_t wanted;         /* asked for, not received                                        */
    bool delivered;        /* a message was handed on: never repeated                        */
    bool stopping;         /* command_stop() was called                                      */
    bool patient;          /* waits for a connection instead of failing with it              */
    struct backoff backoff;
    struct timer timer;
    const weir_error *why; /* kept, of the last attempt; NULL: this is the first              */
};

/* Any thread. WEIR_OK: `end` will come. Else *err says why, and it will not. */
weir_status command_start(struct command *c, weir_error *err);
/* @thread io. `count` more messages may come. */
void command_want(struct command *c, size_t count);
/* @thread io. `end` follows with WEIR_STOPPED, unless it has come. */
void command_stop(struct command *c);

/* Blocks until the one answer is there, which is mem_free()d by the caller. `plan` is set up but
 * for `events` and `user`. WEIR_INVALID on the I/O thread. */
weir_status command_run(const struct command *plan, char **answer, size_t *len, weir_error *err);
#endif
