/* `weir zeebe work`: a worker of the library, whose handlers run programs.
 *
 * Threads: the library's handler threads run a job each (work_handler.c); the library's callbacks
 * report (work_report.c); one thread waits for the worker's end; main's waits for that, for a
 * signal, the last job of --count, an idle gateway, or a stdout that nobody reads, and it alone
 * stops the worker. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/work_handler.h"
#include "cli/work_report.h"
#include "cli/zeebe_open.h"

#define LOOK_EVERY 1000 /* ms: an idle worker, at its counters */

struct work {
    struct work_options options;
    struct work_report report;
    struct coprocess_host *coprocess;
    struct work_source source; /* of its jobs */
    weir_worker *worker;
    _Atomic(int64_t) begun; /* jobs */
    pthread_t waiter;
    weir_error end; /* of the worker; the waiter's until it is joined */
    int wake[2];    /* a byte: look what has changed */
    atomic_bool ended, hurry;
};

static void wake_up(int fd)
{
    ssize_t wrote = write(fd, "", 1); /* full: it is awake */
    (void)wrote;
}

/* ---- callbacks ---------------------------------------------------------------------------- */

/* With --count: true for the first N jobs. The N-th stops the worker, which takes nothing new and
 * lets those that were begun end. */
static bool may_begin(void *user)
{
    struct work *work = user;
    int64_t number = atomic_fetch_add(&work->begun, 1) + 1;
    if (number == work->options.count)
        wake_up(work->wake[1]);
    return !work->options.count || number <= work->options.count;
}

static void on_job(weir_job *job, void *user)
{
    struct work *work = user;
    if (may_begin(work))
        work_handle(&work->options, job, &work->hurry);
    else
        work_return(job);
}

static void on_settled(const weir_settled *what, void *user)
{
    struct work *work = user;
    work_report_settled(&work->report, what);
}

static void on_news(weir_worker_news news, const weir_error *why, void *user)
{
    struct work *work = user;
    work_report_news(&work->report, news, why);
}

static void *wait_for_end(void *user)
{
    struct work *work = user;
    (void)weir_worker_wait(work->worker, WEIR_FOREVER, &work->end);
    atomic_store(&work->ended, true);
    wake_up(work->wake[1]);
    return NULL;
}

/* ---- until when --------------------------------------------------------------------------- */

struct watch {
    struct work *work;
    int signals;                     /* -1 once one has come */
    bool stopping;                   /* the worker has been told */
    bool closed;                     /* nobody reads stdout */
    weir_ms hurry_at;                /* what is in hand then is handed back; INT64_MAX: never */
    weir_ms quiet_at;                /* --until-idle: since when nothing has come */
    uint64_t activated, empty_polls; /* at that time */
};

static void stop(struct watch *watch)
{
    if (!watch->stopping)
        weir_worker_stop(watch->work->worker);
    watch->stopping = true;
}

/* What runs is ended, and its job handed back. Not the library's second stop, which is so quick
 * that it tells the gateway nothing. */
static void hurry(struct watch *watch)
{
    stop(watch);
    atomic_store(&watch->work->hurry, true);
    watch->hurry_at = INT64_MAX;
}

static weir_ms last_change(struct work *work)
{
    (void)pthread_mutex_lock(&work->report.lock);
    weir_ms last = work->report.outage ? clock_now() : work->report.last;
    (void)pthread_mutex_unlock(&work->report.lock);
    return last;
}

/* Idle is what the gateway has said is: nothing in hand, nothing activated, no outage, and an empty
 * answer since; where nothing is polled, a stream. */
static bool is_idle(struct watch *watch)
{
    struct work *work = watch->work;
    weir_worker_counters now = {.struct_size = sizeof now};
    weir_error ignored = {0};
    weir_ms last = last_change(work);
    if (weir_worker_counters_read(work->worker, &now, &ignored) != WEIR_OK)
        return false;
    if (now.active > 0 || now.activated != watch->activated || last > watch->quiet_at) {
        watch->activated = now.activated;
        watch->empty_polls = now.empty_polls;
        watch->quiet_at = now.active > 0 ? clock_now() : last;
    }
    bool said = now.empty_polls > watch->empty_polls;
    return now.active == 0 && said && clock_now() - watch->quiet_at >= work->options.until_idle;
}

static int time_to_wait(const struct watch *watch)
{
    weir_ms wait = -1;
    weir_ms idle = watch->work->options.until_idle;
    if (!watch->stopping && idle >= 0)
        wait = idle / 4 < 20 ? 20 : idle / 4 < LOOK_EVERY ? idle / 4 : LOOK_EVERY;
    if (watch->hurry_at != INT64_MAX) {
        weir_ms left = watch->hurry_at - clock_now();
        wait = left < 0 ? 0 : left < 60000 ? left : 60000;
    }
    return (int)wait;
}

static bool cannot_write(struct work *work)
{
    (void)pthread_mutex_lock(&work->report.lock);
    bool failed = work->report.failed != 0;
    (void)pthread_mutex_unlock(&work->report.lock);
    return failed;
}

static void look(struct watch *watch)
{
    struct work *work = watch->work;
    struct pollfd fds[] = {{.fd = watch->signals, .events = POLLIN},
                           {.fd = work->wake[0], .events = POLLIN},
                           {.fd = watch->closed ? -1 : STDOUT_FILENO}};
    char bytes[64];
    (void)poll(fds, sizeof fds / sizeof *fds, time_to_wait(watch));
    while (read(work->wake[0], bytes, sizeof bytes) > 0)
        ;
    if (fds[0].revents) {
        watch->signals = -1;
        watch->hurry_at = clock_now() + work->options.drain;
        stop(watch);
    }
    if (!watch->closed && (fds[2].revents || cannot_write(work))) {
        watch->closed = true;
        hurry(watch);
    }
}

static bool has_enough(struct work *work)
{
    return work->options.count && atomic_load(&work->begun) >= work->options.count;
}

static bool wait_and_stop(struct work *work, int signals)
{
    struct watch watch = {
        .work = work, .signals = signals, .hurry_at = INT64_MAX, .quiet_at = clock_now()};
    while (!atomic_load(&work->ended)) {
        look(&watch);
        if (clock_now() >= watch.hurry_at)
            hurry(&watch);
        if (has_enough(work) || (work->options.until_idle >= 0 && is_idle(&watch)))
            stop(&watch);
    }
    return watch.closed;
}

/* ---- beginning and end -------------------------------------------------------------------- */

static void start_coprocess(struct work *work, weir_error *err)
{
    work->source = (struct work_source){.options = &work->options,
                                        .worker = work->worker,
                                        .hurry = &work->hurry,
                                        .may_begin = may_begin,
                                        .user = work};
    const struct coprocess_jobs_options options = {.command = &work->options.command,
                                                   .name = work->options.shell,
                                                   .time_limit = work->options.handler_timeout,
                                                   .grace = WORK_GRACE,
                                                   .most = (size_t)work->options.worker.threads,
                                                   .source = work_source(&work->source)};
    work->coprocess = coprocess_jobs_start(&options, err);
}

static weir_status open_worker(struct work *work, const struct args *args, weir_error *err)
{
    struct zeebe_settings settings;
    weir_channel *channel = NULL;
    if (zeebe_settings_find(&settings, args, err) == WEIR_OK)
        channel = cli_zeebe_channel(&settings, args, err);
    zeebe_settings_free(&settings);
    if (err->status == WEIR_OK) {
        weir_worker_options options = work->options.worker;
        options.handler = work->options.kind == WORK_COPROCESS ? NULL : on_job;
        options.on_settled = on_settled;
        options.on_news = on_news;
        options.user = work;
        work->worker = weir_worker_open(channel, &options, err);
    }
    weir_channel_close(channel);
    if (work->worker && work->options.kind == WORK_COPROCESS)
        start_coprocess(work, err);
    return err->status;
}

static int end_status(struct work *work, bool closed)
{
    int failed = work->report.failed;
    weir_error err;
    if (failed && failed != EPIPE && failed != EBADF) {
        (void)fail_set_system(&err, failed, "cannot write to standard output");
        return fail_with(&err);
    }
    if (closed)
        return EXIT_CLOSED_STDOUT;
    if (work->end.status == WEIR_OK || work_report_count(&work->report) > 0)
        work_report_summary(&work->report);
    return work->end.status == WEIR_OK ? 0 : fail_with(&work->end);
}

static int work_on(struct work *work, const struct args *args, int signals)
{
    weir_error err = {0};
    int bad = 0;
    if (open_worker(work, args, &err) != WEIR_OK)
        return fail_with(&err);
    bad = pthread_create(&work->waiter, NULL, wait_for_end, work);
    if (bad) {
        (void)fail_set_system(&err, bad, "starting a thread");
        return fail_with(&err);
    }
    bool closed = wait_and_stop(work, signals);
    (void)pthread_join(work->waiter, NULL);
    return end_status(work, closed);
}

static int prepare(struct work *work, int *signals)
{
    weir_error err;
    out_mend();
    *signals = signals_watch();
    if (*signals >= 0 && pipe2(work->wake, O_CLOEXEC | O_NONBLOCK) == 0)
        return 0;
    (void)fail_set_system(&err, errno, "watching for signals");
    return fail_with(&err);
}

int zeebe_work_run(const struct args *args)
{
    struct work work = {.wake = {-1, -1}};
    int signals = -1;
    int status = work_options_read(&work.options, args);
    session_quiet();
    if (!status)
        status = prepare(&work, &signals);
    if (!status) {
        work_report_init(&work.report, &work.options, work.wake[1]);
        status = work_on(&work, args, signals);
        coprocess_stop(work.coprocess); /* it takes jobs from the worker */
        weir_worker_close(work.worker);
        work_report_free(&work.report);
    }
    run_close_fd(&work.wake[0]);
    run_close_fd(&work.wake[1]);
    work_options_free(&work.options);
    return status;
}
