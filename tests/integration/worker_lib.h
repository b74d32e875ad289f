/* integration/worker_lib.h - a sandbox with a process of one task, a channel to it, and a book of
 * what a worker's callbacks were told. Each function fails the test when it does not go as it must;
 * what waits waits for an event, 20 s at most. */
#ifndef INTEGRATION_WORKER_LIB_H
#define INTEGRATION_WORKER_LIB_H

#include "lib/check.h"
#include "lib/sandboxed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <weir/weir.h>

#define OUTCOMES (WEIR_JOB_RETURNED + 1)

struct world {
    struct sandbox *sandbox;
    weir_channel *channel;
    weir_zeebe *zeebe;

    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t outcomes[OUTCOMES]; /* as on_settled said */
    size_t news[WEIR_WORKER_WITHOUT_STREAM + 1];
    size_t handled, inside, most_inside; /* by world_handler() and those that count themselves in */
    bool open;                           /* what world_hold() waits for */
    char error[1200];                    /* the last one of on_settled or on_news */
};

void world_begin(struct world *w, const struct sandbox_options *options);
void world_end(struct world *w);
/* Deploys a process of its own whose one task has this job type. */
void world_deploy(struct world *w, const char *type);
void world_create(struct world *w, const char *type, size_t count);

/* As .user and .on_settled, .on_news. */
void world_settled(const weir_settled *what, void *user);
void world_news(weir_worker_news news, const weir_error *why, void *user);
#define WORLD(w, ...)                                                                              \
    WEIR_WORKER(.user = (w), .on_settled = world_settled, .on_news = world_news, __VA_ARGS__)
weir_worker *world_worker(struct world *w, const weir_worker_options *o);

/* Handlers: completes; waits for world_open(), then completes. */
void world_handler(weir_job *job, void *user);
void world_hold(weir_job *job, void *user);
void world_open(struct world *w);

void world_wait_outcomes(struct world *w, weir_job_outcome outcome, size_t count);
void world_wait_news(struct world *w, weir_worker_news news, size_t count);
void world_wait_inside(struct world *w, size_t count);
size_t world_outcomes(struct world *w, weir_job_outcome outcome);
/* Stops it, waits for its end, closes it. */
void world_finish(weir_worker *worker);
weir_job *world_next(weir_worker *worker);
weir_worker_counters world_counters(weir_worker *worker);
#endif
