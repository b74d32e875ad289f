/* The protocol of coprocesses. Jobs stand in one list in the order in which they were given; those
 * it has been told of come first, and at most one of them is told in part. A job that was there
 * when it died is remembered, in a ring of the last of them, so that one that kills it does not
 * loop for ever. */
#include "cli/coprocess.h"

#include <inttypes.h>
#include <string.h>

#include "cli/lines.h"

#include <weir/job.h>

#define DEATHS 1024

struct co_job {
    struct co_job *next;
    int64_t key;
    struct str line; /* with its end; freed once it is told */
    size_t told;     /* bytes of the line */
    weir_ms until;
    bool forgotten; /* told in part: the rest of the line must follow */
};

struct coprocess {
    struct coprocess_events events;
    struct co_job *jobs;
    struct lines lines;     /* from it */
    int64_t deaths[DEATHS]; /* keys of jobs that saw one */
    size_t next_death;
    bool has_settled;
};

struct coprocess *coprocess_new(const struct coprocess_events *events)
{
    struct coprocess *co = memory_or_exit(NULL, 1, sizeof *co);
    *co = (struct coprocess){.events = *events, .lines.most = COPROCESS_LINE};
    return co;
}

static void free_job(struct co_job *job)
{
    str_free(&job->line);
    release_memory(job);
}

void coprocess_free(struct coprocess *co)
{
    if (!co)
        return;
    while (co->jobs) {
        struct co_job *job = co->jobs;
        co->jobs = job->next;
        free_job(job);
    }
    lines_free(&co->lines);
    release_memory(co);
}

/* ---- jobs ---------------------------------------------------------------------------------------
 */

/* Where the job hangs; what it points to is NULL when there is none. */
static struct co_job **find(struct coprocess *co, int64_t key)
{
    struct co_job **at = &co->jobs;
    while (*at && ((*at)->key != key || (*at)->forgotten))
        at = &(*at)->next;
    return at;
}

static bool told_all(const struct co_job *job)
{
    return job->told == job->line.len;
}

static void unlink_job(struct co_job **at)
{
    struct co_job *job = *at;
    *at = job->next;
    free_job(job);
}

void coprocess_forget(struct coprocess *co, int64_t key)
{
    struct co_job **at = find(co, key);
    if (!*at)
        return;
    if ((*at)->told > 0 && !told_all(*at))
        (*at)->forgotten = true;
    else
        unlink_job(at);
}

void coprocess_give(struct coprocess *co, int64_t key, const char *line, weir_ms until)
{
    coprocess_forget(co, key);
    struct co_job *job = memory_or_exit(NULL, 1, sizeof *job);
    *job = (struct co_job){.key = key, .until = until};
    str_add(&job->line, line);
    str_add(&job->line, "\n");
    struct co_job **end = &co->jobs;
    while (*end)
        end = &(*end)->next;
    *end = job;
}

size_t coprocess_jobs(const struct coprocess *co)
{
    size_t count = 0;
    for (const struct co_job *job = co->jobs; job; job = job->next)
        count += !job->forgotten;
    return count;
}

/* ---- to it --------------------------------------------------------------------------------------
 */

static struct co_job **next_to_tell(struct coprocess *co)
{
    struct co_job **at = &co->jobs;
    while (*at && told_all(*at))
        at = &(*at)->next;
    return at;
}

size_t coprocess_next(const struct coprocess *co, struct iovec *pieces, size_t most)
{
    size_t count = 0;
    for (const struct co_job *job = co->jobs; job && count < most; job = job->next) {
        if (!told_all(job))
            pieces[count++] = (struct iovec){job->line.data + job->told, job->line.len - job->told};
    }
    return count;
}

/* Its line is told, or a part of it. */
static void tell(struct co_job **at, size_t len)
{
    struct co_job *job = *at;
    job->told += len;
    if (!told_all(job))
        return;
    if (job->forgotten) {
        unlink_job(at);
        return;
    }
    str_free(&job->line);
    job->told = 0;
}

void coprocess_wrote(struct coprocess *co, size_t len)
{
    struct co_job **at = next_to_tell(co);
    while (*at && len > 0) {
        size_t left = (*at)->line.len - (*at)->told;
        size_t part = len < left ? len : left;
        tell(at, part);
        len -= part;
        at = next_to_tell(co);
    }
}

/* ---- from it ------------------------------------------------------------------------------------
 */

static bool in_hand(const struct co_job *job)
{
    return job->told > 0 || job->line.len == 0;
}

static void complain(struct coprocess *co, const char *fmt, ...) WEIR_PRINTF(2, 3);

static void complain(struct coprocess *co, const char *fmt, ...)
{
    struct str text = {0};
    va_list values;
    va_start(values, fmt);
    str_vaddf(&text, fmt, values);
    va_end(values);
    co->events.complaint(co->events.user, str_text(&text));
    str_free(&text);
}

/* The job may not be found again while its event runs: that may give another. */
static void settle(struct coprocess *co, struct co_job **at, const struct work_outcome *outcome)
{
    struct co_job *job = *at;
    int64_t key = job->key;
    if (told_all(job) || job->told == 0)
        unlink_job(at);
    else
        job->forgotten = true;
    co->events.settled(co->events.user, key, outcome);
}

static void complain_of(struct coprocess *co, const struct work_outcome *outcome, bool good,
                        const char *why)
{
    if (outcome->key)
        complain(co, "it wrote an outcome of job %" PRId64 ", which is not in its hand",
                 outcome->key);
    else if (good)
        complain(co, "it wrote an outcome without a key");
    else
        complain(co, "it wrote a line that is no outcome: the line %s", why);
}

static void take_line(void *user, const char *line, size_t len)
{
    struct coprocess *co = user;
    struct work_outcome outcome = {0};
    struct str why = {0};
    if (strspn(line, " \t\r") == len)
        return;
    bool good = work_outcome_read(&outcome, line, len, &why);
    struct co_job **at = find(co, outcome.key);
    if (outcome.key && *at && in_hand(*at)) {
        if (!good)
            work_outcome_fail(&outcome, WEIR_RETRIES_LESS, "the coprocess's outcome %s",
                              str_text(&why));
        co->has_settled = true;
        settle(co, at, &outcome);
    } else {
        complain_of(co, &outcome, good, str_text(&why));
    }
    work_outcome_free(&outcome);
    str_free(&why);
}

bool coprocess_read(struct coprocess *co, const char *bytes, size_t len)
{
    return lines_read(&co->lines, bytes, len, take_line, co);
}

/* ---- when it stands still, or dies -------------------------------------------------------- */

weir_ms coprocess_until(const struct coprocess *co)
{
    weir_ms first = INT64_MAX;
    for (const struct co_job *job = co->jobs; job; job = job->next)
        if (!job->forgotten && job->until < first)
            first = job->until;
    return first;
}

static struct co_job **first_expired(struct coprocess *co, weir_ms now)
{
    struct co_job **at = &co->jobs;
    while (*at && ((*at)->forgotten || (*at)->until > now))
        at = &(*at)->next;
    return at;
}

bool coprocess_expire(struct coprocess *co, weir_ms now, const char *limit)
{
    bool any = false;
    struct co_job **at;
    while (*(at = first_expired(co, now))) {
        struct work_outcome outcome = {0};
        work_outcome_fail(&outcome, WEIR_RETRIES_LESS,
                          "the coprocess did not answer within %s, and was ended", limit);
        settle(co, at, &outcome);
        work_outcome_free(&outcome);
        any = true;
    }
    return any;
}

static bool saw_a_death(struct coprocess *co, int64_t key)
{
    for (size_t i = 0; i < DEATHS; i++)
        if (co->deaths[i] == key)
            return true;
    co->deaths[co->next_death++ % DEATHS] = key;
    return false;
}

static struct co_job **first_in_hand(struct coprocess *co)
{
    struct co_job **at = &co->jobs;
    while (*at && !in_hand(*at))
        at = &(*at)->next;
    return at;
}

bool coprocess_has_settled(const struct coprocess *co)
{
    return co->has_settled;
}

bool coprocess_died(struct coprocess *co, const char *how)
{
    bool settled = co->has_settled;
    struct co_job **at;
    if (co->lines.partial.len)
        complain(co, "it ended in the middle of a line");
    str_clear(&co->lines.partial);
    co->has_settled = false;
    while (*(at = first_in_hand(co))) {
        struct work_outcome outcome = {0};
        bool again = !(*at)->forgotten && saw_a_death(co, (*at)->key);
        work_outcome_fail(&outcome, again ? WEIR_RETRIES_LESS : WEIR_RETRIES_SAME,
                          "the coprocess %s", how);
        (*at)->told = 0;
        if ((*at)->forgotten)
            unlink_job(at);
        else
            settle(co, at, &outcome);
        work_outcome_free(&outcome);
    }
    return settled;
}
