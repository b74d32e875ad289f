/* A coprocess's jobs, on the host's thread: fetched when there is room for them, so that those
 * nobody has begun stay with the library, told by the protocol of coprocess.h, and given back with
 * what became of them. */
#include "cli/coprocess_jobs.h"

#include <weir/json.h>

#include "cli/clock.h"
#include "cli/coprocess.h"
#include "cli/session.h"
#include "cli/value.h"

#define LOOK_EVERY 200 /* ms: whether an outcome is still wanted */

/* A job that was taken. */
struct held {
    struct held *next;
    int64_t key;
    void *job;
};

struct jobs {
    struct coprocess_jobs_options options;
    struct coprocess *co;
    struct held *held;
    size_t count;    /* of held */
    bool no_more;    /* the source has ended */
    weir_ms look_at; /* whether all of them are still wanted */
};

/* ---- jobs --------------------------------------------------------------------------------- */

static void *let_go(struct jobs *jobs, struct held **at)
{
    struct held *held = *at;
    void *job = held->job;
    *at = held->next;
    jobs->count--;
    release_memory(held);
    return job;
}

static void on_settled(void *user, int64_t key, const struct work_outcome *outcome)
{
    struct jobs *jobs = user;
    struct held **at = &jobs->held;
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    if (*at)
        jobs->options.source.done(jobs->options.source.user, let_go(jobs, at), outcome);
}

static void on_complaint(void *user, const char *text)
{
    (void)user;
    session_warn("coprocess", "%s", text);
}

static void drop(struct jobs *jobs, struct held **at)
{
    coprocess_forget(jobs->co, (*at)->key);
    jobs->options.source.done(jobs->options.source.user, let_go(jobs, at), NULL);
}

static void drop_unwanted(struct jobs *jobs)
{
    const struct coprocess_source *source = &jobs->options.source;
    struct held **at = &jobs->held;
    while (*at) {
        if (source->wanted(source->user, (*at)->job))
            at = &(*at)->next;
        else
            drop(jobs, at);
    }
}

/* A key that is given again: the job it was given for before is not ours any more. */
static void drop_same(struct jobs *jobs, int64_t key)
{
    struct held **at = &jobs->held;
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    if (*at)
        drop(jobs, at);
}

/* ---- what the host asks ------------------------------------------------------------------- */

static bool has_room(void *user)
{
    const struct jobs *jobs = user;
    return !jobs->no_more && jobs->count < jobs->options.most;
}

static bool take_one(struct jobs *jobs)
{
    const struct coprocess_source *source = &jobs->options.source;
    struct held held = {.next = NULL};
    char *line = NULL;
    enum coprocess_taken taken = source->take(source->user, &held.key, &held.job, &line);
    jobs->no_more = taken == COPROCESS_NO_MORE;
    if (taken != COPROCESS_JOB)
        return false;
    weir_ms now = clock_now();
    drop_same(jobs, held.key);
    coprocess_give(jobs->co, held.key, line, now + jobs->options.time_limit);
    weir_free(line);
    if (!jobs->held)
        jobs->look_at = now + LOOK_EVERY;
    held.next = jobs->held;
    jobs->held = memory_or_exit(NULL, 1, sizeof *jobs->held);
    *jobs->held = held;
    jobs->count++;
    return true;
}

static void fill(void *user)
{
    struct jobs *jobs = user;
    while (has_room(jobs) && take_one(jobs))
        ;
}

static size_t next(void *user, struct iovec *pieces, size_t most)
{
    const struct jobs *jobs = user;
    return coprocess_next(jobs->co, pieces, most);
}

static void wrote(void *user, size_t len)
{
    struct jobs *jobs = user;
    coprocess_wrote(jobs->co, len);
}

static const char *take_output(void *user, const char *bytes, size_t len)
{
    struct jobs *jobs = user;
    return coprocess_read(jobs->co, bytes, len) ? NULL
                                                : "wrote a line of more than 4 MiB, and was ended";
}

static weir_ms until(void *user)
{
    const struct jobs *jobs = user;
    weir_ms first = coprocess_until(jobs->co);
    return jobs->held && jobs->look_at < first ? jobs->look_at : first;
}

static const char *look(void *user, weir_ms now)
{
    struct jobs *jobs = user;
    char limit[32];
    value_show_duration(jobs->options.time_limit, limit);
    bool late = coprocess_expire(jobs->co, now, limit);
    if (jobs->held && now >= jobs->look_at) {
        drop_unwanted(jobs);
        jobs->look_at = now + LOOK_EVERY;
    }
    return late ? "did not answer in time, and was ended" : NULL;
}

static bool has_settled(void *user)
{
    const struct jobs *jobs = user;
    return coprocess_has_settled(jobs->co);
}

static bool died(void *user, const char *how)
{
    struct jobs *jobs = user;
    return coprocess_died(jobs->co, how);
}

static void ended(void *user)
{
    struct jobs *jobs = user;
    while (jobs->held)
        drop(jobs, &jobs->held);
    coprocess_free(jobs->co);
    release_memory(jobs);
}

struct coprocess_host *coprocess_jobs_start(const struct coprocess_jobs_options *options,
                                            weir_error *err)
{
    struct jobs *jobs = memory_or_exit(NULL, 1, sizeof *jobs);
    const struct coprocess_events events = {on_settled, on_complaint, jobs};
    *jobs = (struct jobs){.options = *options, .co = coprocess_new(&events)};
    const struct coprocess_options host = {.command = options->command,
                                           .name = options->name,
                                           .grace = options->grace,
                                           .protocol = {.fd = options->source.fd,
                                                        .has_room = has_room,
                                                        .fill = fill,
                                                        .next = next,
                                                        .wrote = wrote,
                                                        .read = take_output,
                                                        .until = until,
                                                        .look = look,
                                                        .has_settled = has_settled,
                                                        .died = died,
                                                        .ended = ended,
                                                        .user = jobs}};
    return coprocess_start(&host, err);
}
