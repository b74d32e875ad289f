/* sandbox/engine_private.h - the engine's things and who may do what with them.
 *
 * Everything with a key is in one table by it. An instance has tokens, one for each element it
 * waits at; a token waits for its job, for a message (on a channel), for a time, or for an incident
 * to be resolved. What ends is freed at once: nothing of the past is kept.
 *
 * Invariant: whatever moves in a heap has had its room reserved when it was made, so that only
 * making things can fail, and what fails changes nothing. */
#ifndef SANDBOX_ENGINE_PRIVATE_H
#define SANDBOX_ENGINE_PRIVATE_H

#include "core/buf.h"
#include "core/clock.h"
#include "sandbox/bpmn.h"
#include "sandbox/engine.h"
#include "sandbox/heap.h"
#include "sandbox/table.h"

#define DEFAULT_TENANT "<default>"
#define FIRST_KEY      (INT64_C(1) << 51) /* of partition 1 */

enum thing { A_DEFINITION, A_FORM, AN_INSTANCE, A_TOKEN, A_JOB, AN_INCIDENT };

struct keyed { /* first member of whatever has a key */
    struct table_node node;
    int64_t key;
    enum thing thing;
};

enum due_kind { DUE_JOB, DUE_TIMER, DUE_MESSAGE };

struct due {               /* something that happens by itself */
    struct heap_node heap; /* first */
    enum due_kind kind;
};

/* All versions of a process. Kept for good: version numbers are never used twice. */
struct family {
    struct table_node node;
    TAILQ_ENTRY(family) all;
    char *id;
    int last_version;
    TAILQ_HEAD(definitions, definition) definitions; /* the latest last */
};

struct definition {
    struct keyed keyed;
    TAILQ_ENTRY(definition) link;
    struct family *family;
    int version;
    char *resource;
    uint64_t sum[2]; /* of the resource's content */
    size_t size;
    struct bpmn_process *process;
    size_t instances;
    size_t users; /* instances and jobs made of it */
    bool deleted; /* starts nothing any more; freed with its last user */
};

struct form_family {
    struct table_node node;
    TAILQ_ENTRY(form_family) all;
    char *id;
    int last_version;
    struct form *latest;
};

struct form {
    struct keyed keyed;
    struct form_family *family;
    int version;
    char *resource;
    uint64_t sum[2];
    size_t size;
};

struct instance {
    struct keyed keyed;
    TAILQ_ENTRY(instance) all;
    struct definition *definition;
    TAILQ_HEAD(token_list, token) tokens;
    char *variables; /* a JSON object */
    struct waiter *waiter;
    char **tags;
    size_t tag_count;
    char *business_id;
    struct table_node business_node;
    int *end_after; /* elements that end the instance when they are done */
    size_t end_count;
};

enum token_state { AT_JOB, AT_MESSAGE, AT_TIMER, AT_INCIDENT /* it could not begin to wait */ };

struct token {
    struct keyed keyed;
    TAILQ_ENTRY(token) link;
    struct instance *instance;
    int element; /* of the instance's definition */
    enum token_state state;
    char *variables; /* its own scope; NULL: none */
    struct job *job;
    struct incident *incident;
    struct channel *channel; /* AT_MESSAGE */
    TAILQ_ENTRY(token) waiting;
    struct due due; /* AT_TIMER */
};

enum job_state { JOB_ACTIVATABLE, JOB_ACTIVATED, JOB_FAILED, JOB_ERROR_THROWN };

struct job {
    struct keyed keyed;
    struct token *token;
    struct job_type *type;
    struct definition *origin; /* what it was made of: migration does not change a job */
    const struct bpmn_element *element;
    enum job_state state;
    int32_t retries;
    int64_t deadline_ms;    /* since the epoch; JOB_ACTIVATED */
    struct heap_node queue; /* JOB_ACTIVATABLE: in its type's, by key */
    struct due due;         /* its lock's end, or its backoff's */
    bool fresh;             /* to be offered to the streams */
    TAILQ_ENTRY(job) fresh_link;
};

struct job_type {
    struct table_node node;
    char *name;
    struct heap queue;
    size_t jobs;
    TAILQ_HEAD(waiters, waiter) polls;
    struct waiters streams; /* the next one first */
    bool woken;             /* in the engine's list */
    TAILQ_ENTRY(job_type) woken_link;
};

struct incident {
    struct keyed keyed;
    struct token *token;
};

/* A message's name and correlation key: who waits, and what waits for somebody. */
struct channel {
    struct table_node node;
    char *name, *key;
    TAILQ_HEAD(waiting_list, token) tokens;
    TAILQ_HEAD(message_list, message) messages;
};

struct message {
    TAILQ_ENTRY(message) all;
    TAILQ_ENTRY(message) link;
    struct channel *channel;
    int64_t key;
    char *id; /* NULL: none */
    char *variables;
    struct table_node id_node;
    struct due due;
    struct family **taken; /* processes that have had it */
    size_t taken_count, taken_cap;
};

struct engine {
    struct engine_options options;
    int64_t mono_ns, wall_ms;
    int64_t last_key;
    size_t instance_count, token_count, job_count, message_count, bytes;
    struct table keys, families, forms, types, channels, message_ids, business_ids;
    struct heap due;
    TAILQ_HEAD(all_instances, instance) instances;
    TAILQ_HEAD(all_messages, message) messages;
    TAILQ_HEAD(all_families, family) all_families;
    TAILQ_HEAD(all_forms, form_family) form_families;
    TAILQ_HEAD(fresh_jobs, job) fresh;
    TAILQ_HEAD(woken_types, job_type) woken;
    struct waiters finished; /* whose result is there */
};

struct ask {
    struct engine *engine;
    struct waiter *waiter;
    struct rpc_reply *reply;
    bool with_result;
};

/* ---- engine.c: keys, memory, time, tenants ---- */

int64_t engine_key(struct engine *engine);
void keyed_add(struct engine *engine, struct keyed *keyed, enum thing thing);
void keyed_remove(struct engine *engine, struct keyed *keyed);
void *keyed_find(const struct engine *engine, int64_t key, enum thing thing);
/* A counted copy, as all texts that a client can make grow; NULL: no memory or no room for it. */
char *engine_text(struct engine *engine, const char *text);
char *engine_own(struct engine *engine, char *text); /* counts one that is there already */
void engine_drop(struct engine *engine, char *text);
bool due_reserve(struct engine *engine, size_t more);
void due_at(struct engine *engine, struct due *due, enum due_kind kind, int64_t mono_ns);
int64_t engine_later(const struct engine *engine, int64_t ms); /* monotonic; saturates */
/* Only the default one is there; false: refused. */
bool tenant_is_good(const struct ask *ask, const char *rpc, const char *tenant);
bool tenants_are_good(const struct ask *ask, const char *rpc, char **tenants, size_t count);
bool engine_is_full(const struct ask *ask, const char *of); /* refuses, true */

/* ---- engine_variables.c ---- */

/* What a client gave as variables: *out is a compact object (engine_drop()), or refused. */
bool variables_read(const struct ask *ask, const char *text, char **out);
/* `over` laid over `under`: a new text; NULL: no memory or no room. */
char *variables_merge(struct engine *engine, const char *under, const char *over);
/* What a job or a result shows; mem_free(). `own` may be NULL, names too: all. NULL: no memory. */
char *variables_show(const char *shared, const char *own, char *const *names, size_t count);
bool variables_are_none(const char *text); /* "{}" */
/* Sets them where they are: in the token's own scope if it has them, else in the instance's. */
bool variables_propagate(struct engine *engine, struct token *token, const char *variables);
/* The text to correlate by; mem_free(). NULL: *what is what the value was ("NULL", "BOOLEAN"), or
 * NULL: no memory. */
char *variables_key(const struct token *token, const char *path, const char **what);

/* ---- engine_run.c: instances and tokens ---- */

/* From `element` on until it waits or the line is over. False: no memory, and nothing began. */
bool run_from(struct engine *engine, struct instance *instance, int element, struct token **out);
/* Its element is done: what follows begins. False: no memory; it still stands there. */
bool token_leave(struct engine *engine, struct token *token);
void token_free(struct engine *engine, struct token *token);
/* It is over when it has no tokens; true: it was, and is gone. */
bool instance_settle(struct engine *engine, struct instance *instance);
void instance_free(struct engine *engine, struct instance *instance);
void definition_release(struct engine *engine, struct definition *definition);
/* It cannot go on until the incident is resolved. */
void incident_raise(struct engine *engine, struct token *token, const char *type,
                    const char *message);
void incident_free(struct engine *engine, struct incident *incident);
const struct bpmn_element *element_of(const struct token *token);

/* ---- engine_jobs.c ---- */

bool job_new(struct engine *engine, struct token *token);
void job_free(struct engine *engine, struct job *job);
/* It can be had: made, or back from a worker, or its backoff is over. */
void job_ready(struct engine *engine, struct job *job);
struct job_type *type_get(struct engine *engine, const char *name); /* NULL: no memory */
struct job_type *type_find(const struct engine *engine, const char *name);
void type_release(struct engine *engine, struct job_type *type);
void type_wake(struct engine *engine, struct job_type *type);
/* In no list any more; what it holds is freed by waiter_leave(). */
void waiter_detach(struct waiter *waiter);
/* What both ways of asking for jobs have: false: refused. */
bool waiter_fill(const struct ask *ask, const char *worker, char **names, size_t count);

/* ---- engine_activate.c ---- */

/* It is with a worker from now on, until its lock ends. */
void job_lock(struct engine *engine, struct job *job, const struct waiter *waiter);

/* ---- engine_messages.c ---- */

/* Begins to wait. False: no memory. *had: a message was there and is taken; it waits no more. */
bool channel_subscribe(struct engine *engine, struct token *token, bool *had);
void channel_unsubscribe(struct engine *engine, struct token *token);
void message_free(struct engine *engine, struct message *message);

/* ---- engine_deploy.c ---- */

struct definition *definition_find(const struct engine *engine, const char *id, int version);
void deploy_free(struct engine *engine);

/* ---- what answers RPCs ---- */

void broker_deploy_resource(const struct ask *ask, const void *request);
void broker_deploy_process(const struct ask *ask, const void *request);
void broker_delete_resource(const struct ask *ask, const void *request);
void broker_create(const struct ask *ask, const void *request);
void broker_create_with_result(const struct ask *ask, const void *request);
void broker_cancel(const struct ask *ask, const void *request);
void broker_modify(const struct ask *ask, const void *request);
void broker_migrate(const struct ask *ask, const void *request);
void broker_set_variables(const struct ask *ask, const void *request);
void broker_resolve_incident(const struct ask *ask, const void *request);
void broker_activate(const struct ask *ask, const void *request);
void broker_stream(const struct ask *ask, const void *request);
void broker_complete(const struct ask *ask, const void *request);
void broker_fail(const struct ask *ask, const void *request);
void broker_throw(const struct ask *ask, const void *request);
void broker_update_retries(const struct ask *ask, const void *request);
void broker_update_timeout(const struct ask *ask, const void *request);
void broker_publish(const struct ask *ask, const void *request);
void broker_broadcast(const struct ask *ask, const void *request);
void broker_decision(const struct ask *ask, const void *request);
void broker_conditional(const struct ask *ask, const void *request);
#endif
