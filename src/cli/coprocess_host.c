/* The thread around coprocess.c. Protocol, process and jobs belong to it alone: it sleeps in one
 * poll() on the source of jobs, the process's pipes and its end. Jobs are fetched when there is
 * room for them, so that those nobody has begun stay with the library; the lines of all that were
 * fetched are written at once, and all outcomes that were read are handed over before it sleeps
 * again.
 *
 * Dying is followed by a pause that doubles with every life in which no job was settled, a part of
 * it by chance. What it says on stderr is passed on as it comes, its end kept for the message when
 * it dies. */
#include "cli/coprocess_host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/json.h>

#include "cli/clock.h"
#include "cli/coprocess.h"
#include "cli/fail.h"
#include "cli/run_tail.h"
#include "cli/session.h"
#include "cli/value.h"

#define LOOK_EVERY    200  /* ms: whether an outcome is still wanted */
#define LINES         16   /* in a write */
#define LINGER        1000 /* ms: for what is still in the pipes of one that has ended */
#define FIRST_PAUSE   100
#define LONGEST_PAUSE 30000

/* A job that was taken. */
struct held {
    struct held *next;
    int64_t key;
    void *job;
};

struct coprocess_host {
    struct coprocess_options options;
    pthread_t thread;
    atomic_bool stopping;
    int wake[2];          /* a byte: there is something to do */
    struct coprocess *co; /* this and the rest: the thread's own */
    struct held *held;
    size_t count;    /* of held */
    bool no_more;    /* the source has ended */
    weir_ms look_at; /* whether all of them are still wanted */
    struct run_process process;
    struct run_tail errors;
    weir_ms start_at; /* not running: when it is started */
    weir_ms pause;
    unsigned deaths; /* since a job was settled: the first is said, and that they are over */
    bool being_ended;
    const char *why_ended; /* NULL: by itself */
    weir_ms end_at;        /* being_ended: when the next, harder way follows */
    int next_signal;
};

/* ---- jobs --------------------------------------------------------------------------------- */

static void *let_go(struct coprocess_host *host, struct held **at)
{
    struct held *held = *at;
    void *job = held->job;
    *at = held->next;
    host->count--;
    release_memory(held);
    return job;
}

static void on_settled(void *user, int64_t key, const struct work_outcome *outcome)
{
    struct coprocess_host *host = user;
    struct held **at = &host->held;
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    if (*at)
        host->options.source.done(host->options.source.user, let_go(host, at), outcome);
}

static void on_complaint(void *user, const char *text)
{
    (void)user;
    session_warn("coprocess", "%s", text);
}

static void drop(struct coprocess_host *host, struct held **at)
{
    coprocess_forget(host->co, (*at)->key);
    host->options.source.done(host->options.source.user, let_go(host, at), NULL);
}

static void drop_unwanted(struct coprocess_host *host)
{
    const struct coprocess_source *source = &host->options.source;
    struct held **at = &host->held;
    while (*at) {
        if (source->wanted(source->user, (*at)->job))
            at = &(*at)->next;
        else
            drop(host, at);
    }
}

/* A key that is given again: the job it was given for before is not ours any more. */
static void drop_same(struct coprocess_host *host, int64_t key)
{
    struct held **at = &host->held;
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    if (*at)
        drop(host, at);
}

static bool has_room(const struct coprocess_host *host)
{
    return !host->no_more && host->process.in >= 0 && host->count < host->options.most;
}

static bool take_one(struct coprocess_host *host)
{
    const struct coprocess_source *source = &host->options.source;
    struct held held = {.next = NULL};
    char *line = NULL;
    enum coprocess_taken taken = source->take(source->user, &held.key, &held.job, &line);
    host->no_more = taken == COPROCESS_NO_MORE;
    if (taken != COPROCESS_JOB)
        return false;
    weir_ms now = clock_now();
    drop_same(host, held.key);
    coprocess_give(host->co, held.key, line, now + host->options.time_limit);
    weir_free(line);
    if (!host->held)
        host->look_at = now + LOOK_EVERY;
    held.next = host->held;
    host->held = memory_or_exit(NULL, 1, sizeof *host->held);
    *host->held = held;
    host->count++;
    return true;
}

static void take_jobs(struct coprocess_host *host)
{
    while (has_room(host) && take_one(host))
        ;
}

static void look_after_jobs(struct coprocess_host *host)
{
    if (!host->held || clock_now() < host->look_at)
        return;
    drop_unwanted(host);
    host->look_at = clock_now() + LOOK_EVERY;
}

/* ---- the process -------------------------------------------------------------------------- */

/* How it has to end: `why` stays with its jobs' messages. */
static void end_it(struct coprocess_host *host, const char *why)
{
    if (host->being_ended || !host->process.pid)
        return;
    host->being_ended = true;
    host->why_ended = why;
    host->next_signal = SIGKILL;
    host->end_at = clock_now() + host->options.grace;
    run_close_fd(&host->process.in);
    run_signal(&host->process, SIGTERM);
}

/* In good order: it sees the end of its input, and may take its time to end. */
static void let_it_end(struct coprocess_host *host)
{
    if (host->being_ended || !host->process.pid)
        return;
    host->being_ended = true;
    host->next_signal = SIGTERM;
    host->end_at = clock_now() + host->options.grace;
    run_close_fd(&host->process.in);
}

static void insist(struct coprocess_host *host)
{
    if (!host->being_ended || clock_now() < host->end_at)
        return;
    run_signal(&host->process, host->next_signal);
    host->end_at = host->next_signal == SIGTERM ? clock_now() + host->options.grace : INT64_MAX;
    host->next_signal = SIGKILL;
}

static void plan_start(struct coprocess_host *host)
{
    weir_ms pause = host->pause ? host->pause : FIRST_PAUSE;
    host->start_at = clock_now() + pause / 2 + clock_chance(pause / 2);
    host->pause = pause * 2 < LONGEST_PAUSE ? pause * 2 : LONGEST_PAUSE;
}

static void start_it(struct coprocess_host *host)
{
    int bad = run_start(&host->process, host->options.command, NULL);
    host->being_ended = false;
    host->why_ended = NULL;
    host->errors.len = 0;
    host->errors.cut = false;
    if (!bad)
        return;
    session_warn("coprocess", "it cannot be started: %s", strerror(bad));
    plan_start(host);
}

static void say_how(const struct coprocess_host *host, int how, struct str *out)
{
    if (host->why_ended)
        str_add(out, host->why_ended);
    else if (how < 0)
        str_addf(out, "was ended by signal %d (%s)", -how, strsignal(-how));
    else
        str_addf(out, "ended with status %d", how);
}

static void add_last_words(const struct coprocess_host *host, struct str *out)
{
    struct str said = {0};
    run_tail_text(&host->errors, &said);
    if (said.len)
        str_addf(out, ": %s", said.data);
    str_free(&said);
}

/* ---- pipes -------------------------------------------------------------------------------- */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* As many lines as are there in a write: what it does not take now, it is given later. */
static void feed(struct coprocess_host *host)
{
    struct iovec lines[LINES];
    int count;
    while (host->process.in >= 0 && (count = (int)coprocess_next(host->co, lines, LINES)) > 0) {
        ssize_t wrote = writev(host->process.in, lines, count);
        if (wrote < 0 && would_block())
            break;
        if (wrote < 0)
            let_it_end(host);
        else
            coprocess_wrote(host->co, (size_t)wrote);
    }
}

static void take_output(struct coprocess_host *host)
{
    char room[16 * 1024];
    ssize_t got = read(host->process.out, room, sizeof room);
    if (got > 0) {
        if (coprocess_read(host->co, room, (size_t)got))
            return;
        end_it(host, "wrote a line of more than 4 MiB, and was ended");
    } else if (got < 0 && would_block()) {
        return;
    }
    run_close_fd(&host->process.out);
    let_it_end(host); /* it will not answer any more */
}

/* Passed on: what a long-lived program has to say is not only for its end. */
static void take_errors(struct coprocess_host *host)
{
    char room[4 * 1024];
    ssize_t got = read(host->process.errors, room, sizeof room);
    if (got < 0 && would_block())
        return;
    if (got <= 0) {
        run_close_fd(&host->process.errors);
        return;
    }
    run_tail_add(&host->errors, room, (size_t)got);
    (void)fwrite(room, 1, (size_t)got, stderr);
    (void)fflush(stderr);
}

static weir_ms next_time(struct coprocess_host *host)
{
    weir_ms until = coprocess_until(host->co);
    if (host->held && host->look_at < until)
        until = host->look_at;
    if (!host->process.pid && host->start_at < until)
        until = host->start_at;
    if (host->process.pid && host->being_ended && host->end_at < until)
        until = host->end_at;
    return until;
}

static bool has_more_to_write(struct coprocess_host *host)
{
    struct iovec line;
    return coprocess_next(host->co, &line, 1) > 0;
}

static int time_to_wait(const struct coprocess_host *host, weir_ms until)
{
    weir_ms left = until - clock_now();
    weir_ms most = host->process.pid && host->process.ended < 0 ? 10 : 60000;
    return (int)(left < 0 ? 0 : left > most ? most : left);
}

static void wait_and_move(struct coprocess_host *host, weir_ms until)
{
    char bytes[64];
    struct pollfd fds[] = {
        {.fd = host->wake[0], .events = POLLIN},
        {.fd = host->process.in, .events = has_more_to_write(host) ? POLLOUT : 0},
        {.fd = host->process.out, .events = POLLIN},
        {.fd = host->process.errors, .events = POLLIN},
        {.fd = host->process.ended, .events = POLLIN},
        {.fd = has_room(host) ? host->options.source.fd : -1, .events = POLLIN}};
    if (poll(fds, sizeof fds / sizeof *fds, time_to_wait(host, until)) <= 0)
        return;
    if (fds[0].revents)
        while (read(host->wake[0], bytes, sizeof bytes) > 0)
            ;
    if (fds[1].revents & POLLERR)
        let_it_end(host); /* it reads no more */
    if (fds[2].revents)
        take_output(host);
    if (fds[3].revents)
        take_errors(host);
}

/* ---- its life ----------------------------------------------------------------------------- */

static void take_the_rest(struct coprocess_host *host)
{
    weir_ms until = clock_now() + LINGER;
    run_close_fd(&host->process.in);
    while ((host->process.out >= 0 || host->process.errors >= 0) && clock_now() < until)
        wait_and_move(host, until);
}

/* It has settled a job by itself: what was wrong with it is over. */
static void note_life(struct coprocess_host *host)
{
    if (!coprocess_has_settled(host->co))
        return;
    if (host->deaths > 1)
        session_warn("coprocess", "it works again, after it has ended %u times", host->deaths);
    host->deaths = 0;
}

static void bury(struct coprocess_host *host, int how, bool stopping)
{
    struct str text = {0};
    take_the_rest(host);
    run_close(&host->process);
    say_how(host, how, &text);
    note_life(host);
    if (!stopping && host->deaths++ == 0)
        session_warn("coprocess", "it %s; it is started again", str_text(&text));
    add_last_words(host, &text);
    if (coprocess_died(host->co, str_text(&text)))
        host->pause = 0;
    plan_start(host);
    str_free(&text);
}

static void expire(struct coprocess_host *host)
{
    char limit[32];
    value_show_duration(host->options.time_limit, limit);
    if (coprocess_expire(host->co, clock_now(), limit))
        end_it(host, "did not answer in time, and was ended");
}

static void *live(void *user)
{
    struct coprocess_host *host = user;
    int how = 0;
    for (bool stopping; !(stopping = atomic_load(&host->stopping)) || host->process.pid;) {
        if (!host->process.pid && clock_now() >= host->start_at)
            start_it(host);
        if (stopping)
            let_it_end(host);
        take_jobs(host);
        feed(host);
        wait_and_move(host, next_time(host));
        note_life(host);
        expire(host);
        look_after_jobs(host);
        insist(host);
        if (host->process.pid && run_collect(&host->process, host->being_ended, &how))
            bury(host, how, stopping);
    }
    while (host->held)
        drop(host, &host->held);
    return NULL;
}

/* ---- beginning and end -------------------------------------------------------------------- */

static void free_host(struct coprocess_host *host)
{
    run_close_fd(&host->wake[0]);
    run_close_fd(&host->wake[1]);
    coprocess_free(host->co);
    release_memory(host);
}

struct coprocess_host *coprocess_start(const struct coprocess_options *options, weir_error *err)
{
    struct coprocess_host *host = memory_or_exit(NULL, 1, sizeof *host);
    const struct coprocess_events events = {on_settled, on_complaint, host};
    *host =
        (struct coprocess_host){.options = *options, .process = RUN_NO_PROCESS, .wake = {-1, -1}};
    host->co = coprocess_new(&events);
    int bad = pipe2(host->wake, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;
    if (!bad)
        bad = pthread_create(&host->thread, NULL, live, host);
    if (!bad)
        return host;
    (void)fail_set_system(err, bad, "starting \"%.200s\"", options->name);
    free_host(host);
    return NULL;
}

void coprocess_stop(struct coprocess_host *host)
{
    if (!host)
        return;
    atomic_store(&host->stopping, true);
    ssize_t wrote = write(host->wake[1], "", 1); /* full: it is awake */
    (void)wrote;
    (void)pthread_join(host->thread, NULL);
    free_host(host);
}
