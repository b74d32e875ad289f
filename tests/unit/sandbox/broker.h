/* An engine for a test: JSON in, JSON out, and time that passes when the test says so. */
#ifndef UNIT_SANDBOX_BROKER_H
#define UNIT_SANDBOX_BROKER_H

#include "lib/check.h"

#include "sandbox/engine.h"

#define START_EVENT        "<startEvent id='start'/>"
#define END_EVENT          "<endEvent id='end'/>"
#define FLOW(id, from, to) "<sequenceFlow id='" id "' sourceRef='" from "' targetRef='" to "'/>"
#define LINE(node)         START_EVENT FLOW("f1", "start", "x") node FLOW("f2", "x", "end") END_EVENT
#define JOB(id, type)                                                                              \
    "<serviceTask id='" id "'><extensionElements><zeebe:taskDefinition type='" type                \
    "'/></extensionElements></serviceTask>"

#define KEY(n) (INT64_C(2251799813685248) + (n)) /* the n-th key */

struct broker {
    struct engine *engine;
    int64_t now_ms;
    char *answer;         /* of the last broker_ask(): compact JSON, or "NOT_FOUND: text" */
    char incident[600];   /* the last one: "KEY TYPE: message" */
    int64_t incident_key; /* 0: none */
};

/* What a waiter got. */
struct got {
    struct waiter waiter;
    struct broker *broker;
    struct rpc_reply reply;
    const char *rpc;
    char *text; /* all messages as JSON, a line each; NULL: none */
    int messages;
    bool over, full, gone; /* the test's: it has no room, its client has gone */
};

void broker_begin(struct broker *broker,
                  const struct engine_limits *limits); /* zeroed limits: defaults */
void broker_end(struct broker *broker);
void broker_pass(struct broker *broker, int64_t ms);
/* A unary RPC; what has become ready is handed out. */
const char *broker_ask(struct broker *broker, const char *rpc, const char *json);
/* ... printf-like; long long for keys. */
const char *broker_askf(struct broker *broker, const char *rpc, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
/* The answer is this RPC's empty message. */
void broker_does(struct broker *broker, const char *rpc, const char *json);
/* An RPC whose answer may come later: got_end() it. */
void broker_wait(struct broker *broker, struct got *got, const char *rpc, const char *json);
void got_end(struct got *got);
/* A member of a JSON text, as a number: its first occurrence after `from` occurrences. */
int64_t number_in(const char *json, const char *member, int from);
/* Deploys BPMN given as the inside of <process id="p">. */
void broker_deploy(struct broker *broker, const char *id, const char *inside);
/* Deploys start -> a job of type "t" at "task" -> end, as process "p". */
void broker_deploy_task(struct broker *broker);
/* Activates one job of the type; its key, or 0. */
int64_t broker_job(struct broker *broker, const char *type, int64_t lock_ms);
/* Fails the test unless the answer begins so. */
void expect(const char *answer, const char *beginning);
/* `variables` as they stand inside of a JSON text: "{\\\"a\\\":1}". The instance's key. */
int64_t broker_instance(struct broker *broker, const char *process, const char *variables);
bool broker_runs(struct broker *broker, int64_t instance);
/* The whole file around it; mem_free(). */
char *bpmn_around(const char *id, const char *inside);
#endif
