/* sandbox/reply.h - what an RPC answers, as a decision, and how refusals are worded. Pure. */
#ifndef SANDBOX_REPLY_H
#define SANDBOX_REPLY_H

#include <weir/error.h>

struct ProtobufCMessage;

/* gRPC's numbers. */
#define REPLY_INVALID_ARGUMENT    3
#define REPLY_DEADLINE_EXCEEDED   4
#define REPLY_NOT_FOUND           5
#define REPLY_ALREADY_EXISTS      6
#define REPLY_RESOURCE_EXHAUSTED  8
#define REPLY_FAILED_PRECONDITION 9
#define REPLY_UNIMPLEMENTED       12
#define REPLY_INTERNAL            13

#define REPLY_TEXT_MAX 1000

struct rpc_reply {
    int status; /* gRPC; 0: OK */
    char text[REPLY_TEXT_MAX];
    char *message; /* to send first; mem_free(); NULL: none */
    size_t len;
    bool waits;    /* the answer comes by the waiter, or, after `after`, with status and text */
    weir_ms after; /* WEIR_FOREVER: when the client or its deadline ends it */
};

/* Always false, so that a refusal can be returned. */
bool reply_refuse(struct rpc_reply *reply, int status, const char *fmt, ...) WEIR_PRINTF(3, 4);
/* As the broker words what it rejects: "Command 'INTENT' rejected with code 'STATUS': ...". */
bool reply_reject(struct rpc_reply *reply, int status, const char *intent, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
bool reply_no_memory(struct rpc_reply *reply);
/* The response; no memory is a refusal. */
bool reply_pack(struct rpc_reply *reply, const struct ProtobufCMessage *message);
#endif
