/* sandbox/engine.h - what a Zeebe broker does with the gateway's requests, in memory: definitions,
 * instances, variables, jobs, messages, incidents. No socket, no thread, no clock: it is told what
 * time it is and by whom it is asked, and what it has to say later goes through a waiter.
 *
 * Requests and responses are the gateway's own messages. @thread whoever has it, one at a time. */
#ifndef SANDBOX_ENGINE_H
#define SANDBOX_ENGINE_H

#include "sandbox/reply.h"
#include <sys/queue.h>
#include <weir/error.h>

struct engine;
struct job_type;
struct instance;

/* Zero: the default. */
struct engine_limits {
    size_t instances; /* that run, with their further tokens; 500,000 */
    size_t messages;  /* that wait for somebody; 100,000              */
    size_t bytes;     /* of variables, resources and texts; 512 MiB   */
};

/* What happened without anybody having asked for it. */
struct engine_incident {
    int64_t key, job, instance, element_instance; /* job 0: none */
    const char *process, *element, *type, *message;
};

struct engine_options {
    struct engine_limits limits;
    void (*incident)(void *user, const struct engine_incident *incident); /* may be NULL */
    void *user;
};

struct engine *engine_new(const struct engine_options *options); /* NULL: no memory */
void engine_free(struct engine *engine); /* no waiter may be in it any more */
/* What time it is: monotonic and since the epoch. Everything that is due until then happens. */
void engine_set_time(struct engine *engine, int64_t mono_ns, int64_t wall_ns);
int64_t engine_next_due(const struct engine *engine); /* monotonic; INT64_MAX: nothing is */

/* ---- waiters: a long poll, a stream of jobs, somebody who wants an instance's result ---- */

enum waiter_kind { WAITER_NONE = 0, WAITER_POLL, WAITER_STREAM, WAITER_RESULT };

struct waiter {
    /* Set by whoever owns it, before it is handed to engine_ask(). */
    /* A message for the client, or the end (`last`; it waits no more and `message` may be empty).
     * False: the client has gone. Only from within engine_pump(); may leave other waiters. */
    bool (*deliver)(void *user, weir_bytes message, bool last);
    bool (*has_room)(void *user); /* for one more message, of a stream */
    void *user;

    /* The engine's. */
    enum waiter_kind kind;
    TAILQ_ENTRY(waiter) link;
    struct engine *engine;
    struct job_type *type;
    struct instance *instance;
    int64_t timeout_ms;
    size_t max;
    char *worker;
    char **names; /* of variables; NULL: all */
    size_t name_count;
    char *result; /* WAITER_RESULT: the message to give, once the instance is over */
    size_t result_len;
    bool finished; /* it lies in the engine's list of those */
};

/* It waits no more; fine for one that does not. */
void waiter_leave(struct waiter *waiter);
/* Hands out what has become ready: jobs, results. After each engine_ask() and engine_set_time(). */
void engine_pump(struct engine *engine);

/* Answers the RPC called `name`; false: it is none of the engine's. `waiter` is for those that may
 * answer later (reply->waits). */
bool engine_ask(struct engine *engine, const char *name, const void *request, struct waiter *waiter,
                struct rpc_reply *reply);

/* Deploys a file at the start of a sandbox. WEIR_INVALID: refused. */
weir_status engine_deploy_file(struct engine *engine, const char *name, weir_bytes content,
                               weir_error *err);
#endif
