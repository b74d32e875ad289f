/* A command that its caller waits for. The answer is copied on the I/O thread and read on the
 * caller's. `end` surely comes, at the deadline at the latest, so waiting itself has no limit; a
 * semaphore costs a system call only when somebody really sleeps. */
#include "zeebe/command.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"

#include <semaphore.h>

struct wait {
    sem_t done;
    char *answer;
    size_t len;
    bool starved;
    weir_error *err;
    weir_status status;
};

static void on_message(struct command *c, weir_bytes message)
{
    struct wait *w = c->user;
    w->answer = mem_dup(message.data, message.len);
    w->len = message.len;
    w->starved = !w->answer;
}

static void on_end(struct command *c, const struct rpc_end *end)
{
    struct wait *w = c->user;
    w->status = end->error.status == WEIR_OK ? error_ok(w->err) : error_copy(w->err, &end->error);
    sem_post(&w->done); /* from here on `w` and `c` may be gone */
}

/* `loop`: borrowed, so it is ours to run. */
static void wait_until(sem_t *done, struct loop *loop)
{
    while (loop ? sem_trywait(done) : sem_wait(done)) { /* EAGAIN, EINTR */
        if (loop)
            loop_run(loop);
    }
}

static const struct command_events events = {NULL, on_message, on_end};

static weir_status run(struct command *c, struct wait *w, weir_error *err)
{
    struct loop *loop = c->channel->loop;
    bool borrowed = loop_borrow(loop);
    weir_status status = command_start(c, err);
    if (status == WEIR_OK) {
        wait_until(&w->done, borrowed ? loop : NULL);
        status = w->status;
    }
    if (borrowed)
        loop_return(loop);
    return status;
}

weir_status command_run(const struct command *plan, char **answer, size_t *len, weir_error *err)
{
    struct wait w = {.err = err};
    struct command c = *plan;
    *answer = NULL;
    *len = 0;
    if (loop_inside(c.channel->loop))
        return error_set(err, WEIR_INVALID, "%s: the I/O thread cannot wait for itself",
                         c.method->name);
    c.events = &events;
    c.user = &w;
    sem_init(&w.done, 0, 0);
    int shielded = shield_up();
    weir_status status = run(&c, &w, err);
    shield_down(shielded);
    sem_destroy(&w.done);
    if (status == WEIR_OK && w.starved)
        status = error_no_memory(err);
    if (status != WEIR_OK) {
        mem_free(w.answer);
        return status;
    }
    *answer = w.answer;
    *len = w.len;
    return WEIR_OK;
}
