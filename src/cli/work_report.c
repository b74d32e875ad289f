/* Lines are written whole, by whoever has the lock: a reader never sees two of them mixed, and a
 * line that is there is the truth, for it is written when the gateway has answered. When nobody
 * reads any more that is noted, and the main thread ends the worker. */
#include "cli/work_report.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/work_handler.h"

static const char *const names[] = {"open", "completed", "failed", "thrown", "lost", "returned"};

void work_report_init(struct work_report *report, const struct work_options *options, int wake)
{
    *report = (struct work_report){
        .json = options->json, .zbctl = options->zbctl, .last = clock_now(), .wake = wake};
    (void)pthread_mutex_init(&report->lock, NULL);
}

void work_report_free(struct work_report *report)
{
    (void)pthread_mutex_destroy(&report->lock);
}

/* ---- a job -------------------------------------------------------------------------------- */

/* What we failed ourselves because the worker stops was handed back, whoever says so. */
static weir_job_outcome outcome_of(const weir_settled *what)
{
    bool ours = what->outcome == WEIR_JOB_FAILED && what->error &&
                strcmp(what->error, WORK_HANDED_BACK) == 0;
    return ours ? WEIR_JOB_RETURNED : what->outcome;
}

static void add_line(struct str *line, const weir_settled *what, weir_job_outcome outcome)
{
    str_addf(line, "{\"key\":\"%" PRId64 "\",\"type\":", what->key);
    str_add_json(line, what->type);
    str_addf(line, ",\"outcome\":\"%s\",\"ms\":%" PRId64, names[outcome], what->took);
    if (what->error && outcome != WEIR_JOB_RETURNED) {
        str_add(line, ",\"error\":");
        str_add_json(line, what->error);
    }
    str_add(line, "}\n");
}

/* stdout may be blocking or not; a slow reader is waited for. @locked */
static void write_line(struct work_report *report, const struct str *line)
{
    const char *at = line->data;
    size_t left = line->len;
    while (left > 0 && !report->failed) {
        ssize_t wrote = write(STDOUT_FILENO, at, left);
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        } else if (wrote < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};
            (void)poll(&room, 1, -1);
        } else if (wrote < 0 && errno != EINTR) {
            report->failed = errno;
        }
    }
    if (report->failed) {
        ssize_t woke = write(report->wake, "", 1);
        (void)woke;
    }
}

/* A line for people, control characters folded: what a handler says may have any number of lines.
 */
static void say(const struct str *text)
{
    for (size_t i = 0; i < text->len; i++)
        if ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7F)
            text->data[i] = ' ';
    (void)fprintf(stderr, "weir: zeebe: %s\n", str_text(text));
    (void)fflush(stderr);
}

static void say_job(const weir_settled *what, weir_job_outcome outcome)
{
    struct str text = {0};
    str_addf(&text, "job %" PRId64 " %s%s%s", what->key,
             outcome == WEIR_JOB_LOST ? "is lost" : names[outcome], what->error ? ": " : "",
             what->error ? what->error : "");
    say(&text);
    str_free(&text);
}

static bool is_worth_a_line(weir_job_outcome outcome)
{
    return outcome == WEIR_JOB_FAILED || outcome == WEIR_JOB_LOST;
}

void work_report_settled(struct work_report *report, const weir_settled *what)
{
    weir_job_outcome outcome = outcome_of(what);
    (void)pthread_mutex_lock(&report->lock);
    report->settled[outcome]++;
    report->last = clock_now();
    if (report->json) {
        struct str line = {0};
        add_line(&line, what, outcome);
        write_line(report, &line);
        str_free(&line);
    } else if (is_worth_a_line(outcome) && !report->zbctl) {
        say_job(what, outcome);
    }
    (void)pthread_mutex_unlock(&report->lock);
}

/* ---- all of them -------------------------------------------------------------------------- */

void work_report_news(struct work_report *report, weir_worker_news news, const weir_error *why)
{
    struct str text = {0};
    if (news == WEIR_WORKER_OUTAGE)
        str_addf(&text, "no jobs can be fetched, trying again: %s", why ? why->message : "");
    else if (news == WEIR_WORKER_RECOVERED)
        str_add(&text, "jobs can be fetched again");
    (void)pthread_mutex_lock(&report->lock);
    report->outage =
        news == WEIR_WORKER_OUTAGE || (news == WEIR_WORKER_WITHOUT_STREAM && report->outage);
    report->last = clock_now();
    if (text.len)
        say(&text);
    (void)pthread_mutex_unlock(&report->lock);
    str_free(&text);
}

uint64_t work_report_count(struct work_report *report)
{
    uint64_t count = 0;
    (void)pthread_mutex_lock(&report->lock);
    for (size_t i = WEIR_JOB_COMPLETED; i < WEIR_JOB_RETURNED; i++)
        count += report->settled[i];
    (void)pthread_mutex_unlock(&report->lock);
    return count;
}

void work_report_summary(struct work_report *report)
{
    struct str text = {0};
    (void)pthread_mutex_lock(&report->lock);
    for (size_t i = WEIR_JOB_COMPLETED; i <= WEIR_JOB_RETURNED; i++)
        str_addf(&text, "%s%" PRIu64 " %s",
                 i > WEIR_JOB_COMPLETED ? ", " : "jobs: ", report->settled[i], names[i]);
    say(&text);
    (void)pthread_mutex_unlock(&report->lock);
    str_free(&text);
}
