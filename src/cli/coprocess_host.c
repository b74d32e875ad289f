/* A process and the thread around it, which sleeps in one poll() on what the protocol gets its work
 * from, the process's pipes and its end. Work is fetched when there is room for it and somebody to
 * tell it to; the lines of all that was fetched are written at once, and all that was read is
 * handed over before it sleeps again.
 *
 * Dying is followed by a pause that doubles with every life in which nothing was done, a part of it
 * by chance. What it says on stderr is passed on as it comes, its end kept for the message when it
 * dies. */
#include "cli/coprocess_host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/fail.h"
#include "cli/run_tail.h"
#include "cli/session.h"

#define LINES         16   /* in a write */
#define LINGER        1000 /* ms: for what is still in the pipes of one that has ended */
#define FIRST_PAUSE   100
#define LONGEST_PAUSE 30000

struct coprocess_host {
    struct coprocess_options options;
    pthread_t thread;
    atomic_bool stopping;
    int wake[2]; /* a byte: there is something to do */
    atomic_bool finishing;
    struct run_process process; /* this and the rest: the thread's own */
    struct run_tail errors;
    weir_ms start_at; /* not running: when it is started */
    weir_ms pause;
    unsigned deaths; /* since it did anything: the first is said, and that they are over */
    bool being_ended;
    const char *why_ended; /* NULL: by itself */
    weir_ms end_at;        /* being_ended: when the next, harder way follows */
    int next_signal;
    bool finished; /* in good order: it is not started again */
};

static const struct coprocess_protocol *protocol(const struct coprocess_host *host)
{
    return &host->options.protocol;
}

/* ---- the process -------------------------------------------------------------------------- */

/* How it has to end: `why` is told to the protocol. */
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
    while (host->process.in >= 0 &&
           (count = (int)protocol(host)->next(protocol(host)->user, lines, LINES)) > 0) {
        ssize_t wrote = writev(host->process.in, lines, count);
        if (wrote < 0 && would_block())
            break;
        if (wrote < 0)
            let_it_end(host);
        else
            protocol(host)->wrote(protocol(host)->user, (size_t)wrote);
    }
}

static void take_output(struct coprocess_host *host)
{
    char room[16 * 1024];
    ssize_t got = read(host->process.out, room, sizeof room);
    if (got > 0) {
        const char *why = protocol(host)->read(protocol(host)->user, room, (size_t)got);
        if (!why)
            return;
        end_it(host, why);
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
    weir_ms until = protocol(host)->until(protocol(host)->user);
    if (!host->process.pid && !host->finished && host->start_at < until)
        until = host->start_at;
    if (host->process.pid && host->being_ended && host->end_at < until)
        until = host->end_at;
    return until;
}

static bool has_more_to_write(struct coprocess_host *host)
{
    struct iovec line;
    return protocol(host)->next(protocol(host)->user, &line, 1) > 0;
}

static bool has_room(const struct coprocess_host *host)
{
    return host->process.in >= 0 && protocol(host)->has_room(protocol(host)->user);
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
        {.fd = has_room(host) ? protocol(host)->fd : -1, .events = POLLIN}};
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

/* It has done something by itself: what was wrong with it is over. */
static void note_life(struct coprocess_host *host)
{
    if (!protocol(host)->has_settled(protocol(host)->user))
        return;
    if (host->deaths > 1)
        session_warn("coprocess", "it works again, after it has ended %u times", host->deaths);
    host->deaths = 0;
}

static bool has_finished(struct coprocess_host *host, int how)
{
    return atomic_load(&host->finishing) && (how == 0 || !has_more_to_write(host));
}

static void bury(struct coprocess_host *host, int how, bool stopping)
{
    struct str text = {0}, whole = {0};
    take_the_rest(host);
    run_close(&host->process);
    say_how(host, how, &text);
    note_life(host);
    str_add(&whole, str_text(&text));
    add_last_words(host, &whole);
    if (protocol(host)->died(protocol(host)->user, str_text(&whole)))
        host->pause = 0;
    host->finished = has_finished(host, how);
    if (!stopping && !host->finished && host->deaths++ == 0)
        session_warn("coprocess", "it %s; it is started again", str_text(&text));
    if (host->finished && protocol(host)->finished)
        protocol(host)->finished(protocol(host)->user);
    plan_start(host);
    str_free(&text);
    str_free(&whole);
}

static void look(struct coprocess_host *host)
{
    const char *why = protocol(host)->look(protocol(host)->user, clock_now());
    if (why)
        end_it(host, why);
}

/* In good order, but without hurry: its stdin ends when all is written. */
static void close_when_told(struct coprocess_host *host, bool finishing)
{
    if (finishing && host->process.in >= 0 && !has_more_to_write(host))
        run_close_fd(&host->process.in);
}

static void *live(void *user)
{
    struct coprocess_host *host = user;
    int how = 0;
    for (bool stopping; !(stopping = atomic_load(&host->stopping)) || host->process.pid;) {
        if (!host->process.pid && !host->finished && clock_now() >= host->start_at)
            start_it(host);
        bool finishing = atomic_load(&host->finishing); /* before what was given is looked for */
        if (stopping)
            let_it_end(host);
        if (has_room(host))
            protocol(host)->fill(protocol(host)->user);
        feed(host);
        close_when_told(host, finishing);
        wait_and_move(host, next_time(host));
        note_life(host);
        look(host);
        insist(host);
        if (host->process.pid && run_collect(&host->process, host->being_ended, &how))
            bury(host, how, stopping);
    }
    protocol(host)->ended(protocol(host)->user);
    return NULL;
}

/* ---- beginning and end -------------------------------------------------------------------- */

static void free_host(struct coprocess_host *host)
{
    run_close_fd(&host->wake[0]);
    run_close_fd(&host->wake[1]);
    release_memory(host);
}

struct coprocess_host *coprocess_start(const struct coprocess_options *options, weir_error *err)
{
    struct coprocess_host *host = memory_or_exit(NULL, 1, sizeof *host);
    *host =
        (struct coprocess_host){.options = *options, .process = RUN_NO_PROCESS, .wake = {-1, -1}};
    int bad = pipe2(host->wake, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;
    if (!bad)
        bad = pthread_create(&host->thread, NULL, live, host);
    if (!bad)
        return host;
    (void)fail_set_system(err, bad, "starting \"%.200s\"", options->name);
    options->protocol.ended(options->protocol.user);
    free_host(host);
    return NULL;
}

static void wake_up(struct coprocess_host *host)
{
    ssize_t wrote = write(host->wake[1], "", 1); /* full: it is awake */
    (void)wrote;
}

void coprocess_finish(struct coprocess_host *host)
{
    atomic_store(&host->finishing, true);
    wake_up(host);
}

void coprocess_stop(struct coprocess_host *host)
{
    if (!host)
        return;
    atomic_store(&host->stopping, true);
    wake_up(host);
    (void)pthread_join(host->thread, NULL);
    free_host(host);
}
