/* The thread around coprocess.c. One lock guards the protocol and the list of those who wait; it is
 * held while lines are taken apart, never across a wait. The process belongs to the thread alone.
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
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/coprocess.h"
#include "cli/fail.h"
#include "cli/run_tail.h"
#include "cli/session.h"
#include "cli/value.h"

#define LOOK_EVERY    200  /* ms: whether an outcome is still wanted */
#define LINGER        1000 /* ms: for what is still in the pipes of one that has ended */
#define FIRST_PAUSE   100
#define LONGEST_PAUSE 30000

struct waiter {
    struct waiter *next;
    int64_t key;
    struct work_outcome *outcome;
    bool done;
    pthread_cond_t moved;
};

struct coprocess_host {
    struct coprocess_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_condattr_t clock;
    struct coprocess *co;       /* @locked */
    struct waiter *waiters;     /* @locked */
    bool stopping;              /* @locked */
    int wake[2];                /* a byte: there is something to do */
    struct run_process process; /* this and the rest: the thread's own */
    struct run_tail errors;
    weir_ms start_at; /* not running: when it is started */
    weir_ms pause;
    bool being_ended;
    const char *why_ended; /* NULL: by itself */
    weir_ms end_at;        /* being_ended: when the next, harder way follows */
    int next_signal;
};

/* ---- those who wait
 * ------------------------------------------------------------------------------ */

static struct waiter **find_waiter(struct coprocess_host *host, int64_t key)
{
    struct waiter **at = &host->waiters;
    while (*at && ((*at)->key != key || (*at)->done))
        at = &(*at)->next;
    return at;
}

/* @locked. The texts change hands: the event's are copied. */
static void on_settled(void *user, int64_t key, const struct work_outcome *outcome)
{
    struct coprocess_host *host = user;
    struct waiter *waiter = *find_waiter(host, key);
    if (!waiter)
        return;
    work_outcome_copy(waiter->outcome, outcome);
    waiter->done = true;
    (void)pthread_cond_signal(&waiter->moved);
}

static void on_complaint(void *user, const char *text)
{
    (void)user;
    session_warn("coprocess", "%s", text);
}

static void wake_up(struct coprocess_host *host)
{
    ssize_t wrote = write(host->wake[1], "", 1); /* full: it is awake */
    (void)wrote;
}

static void wait_a_while(struct coprocess_host *host, struct waiter *waiter)
{
    weir_ms until = clock_now() + LOOK_EVERY;
    struct timespec at = {.tv_sec = (time_t)(until / 1000),
                          .tv_nsec = (long)(until % 1000) * 1000000};
    (void)pthread_cond_timedwait(&waiter->moved, &host->lock, &at);
}

/* `wanted` is asked without the lock: it is not ours. */
static bool is_wanted(struct coprocess_host *host, run_wanted_fn *wanted, void *user)
{
    (void)pthread_mutex_unlock(&host->lock);
    bool yes = wanted(user);
    (void)pthread_mutex_lock(&host->lock);
    return yes;
}

static struct waiter *join(struct coprocess_host *host, int64_t key, struct work_outcome *outcome)
{
    struct waiter *waiter = memory_or_exit(NULL, 1, sizeof *waiter);
    *waiter = (struct waiter){.key = key, .outcome = outcome, .next = host->waiters};
    (void)pthread_cond_init(&waiter->moved, &host->clock);
    host->waiters = waiter;
    return waiter;
}

static void leave(struct coprocess_host *host, struct waiter *waiter)
{
    struct waiter **at = &host->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    (void)pthread_cond_destroy(&waiter->moved);
    release_memory(waiter);
}

bool coprocess_handle(struct coprocess_host *host, int64_t key, const char *line,
                      run_wanted_fn *wanted, void *user, struct work_outcome *outcome)
{
    *outcome = (struct work_outcome){0};
    (void)pthread_mutex_lock(&host->lock);
    struct waiter *waiter = join(host, key, outcome);
    coprocess_give(host->co, key, line, clock_now() + host->options.time_limit);
    wake_up(host);
    while (!waiter->done && is_wanted(host, wanted, user))
        if (!waiter->done)
            wait_a_while(host, waiter);
    bool done = waiter->done;
    if (!done)
        coprocess_forget(host->co, key);
    leave(host, waiter);
    (void)pthread_mutex_unlock(&host->lock);
    return done;
}

/* ---- the process
 * ---------------------------------------------------------------------------------- */

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

/* ---- pipes
 * ----------------------------------------------------------------------------------------- */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* A line a write: what it does not take now, it is given later. */
static void feed(struct coprocess_host *host)
{
    const char *bytes = NULL;
    size_t len;
    (void)pthread_mutex_lock(&host->lock);
    while (host->process.in >= 0 && (len = coprocess_next(host->co, &bytes)) > 0) {
        ssize_t wrote = write(host->process.in, bytes, len);
        if (wrote < 0 && would_block())
            break;
        if (wrote < 0)
            let_it_end(host);
        else
            coprocess_wrote(host->co, (size_t)wrote);
    }
    (void)pthread_mutex_unlock(&host->lock);
}

static void take_output(struct coprocess_host *host)
{
    char room[16 * 1024];
    ssize_t got = read(host->process.out, room, sizeof room);
    if (got > 0) {
        (void)pthread_mutex_lock(&host->lock);
        bool good = coprocess_read(host->co, room, (size_t)got);
        (void)pthread_mutex_unlock(&host->lock);
        if (good)
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
    (void)pthread_mutex_lock(&host->lock);
    weir_ms until = coprocess_until(host->co);
    (void)pthread_mutex_unlock(&host->lock);
    if (!host->process.pid)
        return host->start_at < until ? host->start_at : until;
    if (host->being_ended)
        return host->end_at;
    return until;
}

static bool has_more_to_write(struct coprocess_host *host)
{
    const char *bytes = NULL;
    (void)pthread_mutex_lock(&host->lock);
    bool more = coprocess_next(host->co, &bytes) > 0;
    (void)pthread_mutex_unlock(&host->lock);
    return more;
}

static void wait_and_move(struct coprocess_host *host, weir_ms until)
{
    char bytes[64];
    struct pollfd fds[] = {
        {.fd = host->wake[0], .events = POLLIN},
        {.fd = host->process.in, .events = has_more_to_write(host) ? POLLOUT : 0},
        {.fd = host->process.out, .events = POLLIN},
        {.fd = host->process.errors, .events = POLLIN},
        {.fd = host->process.ended, .events = POLLIN}};
    weir_ms left = until - clock_now();
    weir_ms most = host->process.pid && host->process.ended < 0 ? 10 : 60000;
    left = left < 0 ? 0 : left > most ? most : left;
    if (poll(fds, sizeof fds / sizeof *fds, (int)left) <= 0)
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

/* ---- its life
 * --------------------------------------------------------------------------------------- */

static void take_the_rest(struct coprocess_host *host)
{
    weir_ms until = clock_now() + LINGER;
    run_close_fd(&host->process.in);
    while ((host->process.out >= 0 || host->process.errors >= 0) && clock_now() < until)
        wait_and_move(host, until);
}

static void bury(struct coprocess_host *host, int how, bool stopping)
{
    struct str text = {0};
    take_the_rest(host);
    run_close(&host->process);
    say_how(host, how, &text);
    if (!stopping)
        session_warn("coprocess", "it %s; it is started again", str_text(&text));
    add_last_words(host, &text);
    (void)pthread_mutex_lock(&host->lock);
    bool settled = coprocess_died(host->co, str_text(&text));
    (void)pthread_mutex_unlock(&host->lock);
    if (settled)
        host->pause = 0;
    plan_start(host);
    str_free(&text);
}

static void expire(struct coprocess_host *host)
{
    char limit[32];
    value_show_duration(host->options.time_limit, limit);
    (void)pthread_mutex_lock(&host->lock);
    bool any = coprocess_expire(host->co, clock_now(), limit);
    (void)pthread_mutex_unlock(&host->lock);
    if (any)
        end_it(host, "did not answer in time, and was ended");
}

static bool is_stopping(struct coprocess_host *host)
{
    (void)pthread_mutex_lock(&host->lock);
    bool stopping = host->stopping;
    (void)pthread_mutex_unlock(&host->lock);
    return stopping;
}

static void *live(void *user)
{
    struct coprocess_host *host = user;
    int how = 0;
    for (bool stopping; !(stopping = is_stopping(host)) || host->process.pid;) {
        if (!host->process.pid && clock_now() >= host->start_at)
            start_it(host);
        if (stopping)
            let_it_end(host);
        feed(host);
        wait_and_move(host, next_time(host));
        expire(host);
        insist(host);
        if (host->process.pid && run_collect(&host->process, host->being_ended, &how))
            bury(host, how, stopping);
    }
    return NULL;
}

/* ---- beginning and end
 * -------------------------------------------------------------------------------- */

static void free_host(struct coprocess_host *host)
{
    run_close_fd(&host->wake[0]);
    run_close_fd(&host->wake[1]);
    coprocess_free(host->co);
    (void)pthread_condattr_destroy(&host->clock);
    (void)pthread_mutex_destroy(&host->lock);
    release_memory(host);
}

struct coprocess_host *coprocess_start(const struct coprocess_options *options, weir_error *err)
{
    struct coprocess_host *host = memory_or_exit(NULL, 1, sizeof *host);
    const struct coprocess_events events = {on_settled, on_complaint, host};
    *host =
        (struct coprocess_host){.options = *options, .process = RUN_NO_PROCESS, .wake = {-1, -1}};
    (void)pthread_mutex_init(&host->lock, NULL);
    (void)pthread_condattr_init(&host->clock);
    (void)pthread_condattr_setclock(&host->clock, CLOCK_MONOTONIC);
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
    (void)pthread_mutex_lock(&host->lock);
    host->stopping = true;
    (void)pthread_mutex_unlock(&host->lock);
    wake_up(host);
    (void)pthread_join(host->thread, NULL);
    free_host(host);
}
