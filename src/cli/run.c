/* One loop over three pipes and the process. Everything that could stand still has an end: the
 * program by SIGTERM and then SIGKILL, what it leaves in the background by a second of patience,
 * what it does not read by its own end. */
#include "cli/run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/run_tail.h"
#include "cli/value.h"

#define LOOK_EVERY 200  /* ms: whether it is still wanted */
#define BLIND_WAIT 10   /* ms: without a descriptor for its end */
#define LINGER     1000 /* ms: for what is still in the pipes of an ended program */
#define NEVER      INT64_MAX

struct running {
    const struct run_job *job;
    struct run_result *result;
    struct run_process process;
    struct run_tail errors;
    const char *input;
    size_t left;
    bool being_ended;
    weir_ms end_at; /* being_ended: SIGKILL, else the time limit */
};

/* ---- pipes ------------------------------------------------------------------------------------
 */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* A program need not read its input. */
static void feed(struct running *run)
{
    while (run->process.in >= 0) {
        ssize_t wrote = run->left ? write(run->process.in, run->input, run->left) : 0;
        if (wrote < 0 && would_block())
            return;
        if (wrote <= 0) {
            run_close_fd(&run->process.in);
            return;
        }
        run->input += wrote;
        run->left -= (size_t)wrote;
    }
}

/* The next bytes of a pipe; 0: not now. At its end it is closed. */
static size_t take(int *fd, char *room, size_t size)
{
    ssize_t got = *fd >= 0 ? read(*fd, room, size) : -1;
    if (*fd >= 0 && (got == 0 || (got < 0 && !would_block())))
        run_close_fd(fd);
    return got > 0 ? (size_t)got : 0;
}

static void end_it(struct running *run, enum run_end why)
{
    if (run->being_ended)
        return;
    run->being_ended = true;
    run->result->end = why;
    run->end_at = clock_now() + run->job->grace;
    run_signal(&run->process, SIGTERM);
}

static void take_output(struct running *run)
{
    char room[16 * 1024];
    struct str *output = &run->result->output;
    size_t got = take(&run->process.out, room, sizeof room);
    size_t fits = run->job->output_limit - output->len;
    if (got > 0)
        str_add_bytes(output, room, got < fits ? got : fits);
    if (got > fits) {
        run_close_fd(&run->process.out);
        end_it(run, RUN_TOO_MUCH);
    }
}

static void take_errors(struct running *run)
{
    char room[4 * 1024];
    size_t got = take(&run->process.errors, room, sizeof room);
    if (got == 0)
        return;
    run_tail_add(&run->errors, room, got);
    if (!run->job->pass_errors)
        return;
    (void)fwrite(room, 1, got, stderr);
    (void)fflush(stderr);
}

/* ---- waiting -----------------------------------------------------------------------------------
 */

static int time_to_wait(const struct running *run, weir_ms end_at)
{
    weir_ms wait = run->process.ended < 0 && run->process.pid ? BLIND_WAIT : LOOK_EVERY;
    weir_ms left = end_at - clock_now();
    left = left < 0 ? 0 : left;
    return (int)(left < wait ? left : wait);
}

static void wait_and_move(struct running *run, weir_ms end_at)
{
    struct pollfd fds[] = {{.fd = run->process.in, .events = POLLOUT},
                           {.fd = run->process.out, .events = POLLIN},
                           {.fd = run->process.errors, .events = POLLIN},
                           {.fd = run->process.ended, .events = POLLIN}};
    if (poll(fds, sizeof fds / sizeof *fds, time_to_wait(run, end_at)) <= 0)
        return;
    if (fds[0].revents)
        feed(run);
    if (fds[1].revents)
        take_output(run);
    if (fds[2].revents)
        take_errors(run);
}

static void check_limits(struct running *run)
{
    if (run->being_ended) {
        if (clock_now() >= run->end_at) {
            run_signal(&run->process, SIGKILL);
            run->end_at = NEVER;
        }
        return;
    }
    if (clock_now() >= run->end_at)
        end_it(run, RUN_TOO_LONG);
    else if (run->job->wanted && !run->job->wanted(run->job->user))
        end_it(run, RUN_UNWANTED);
}

/* What is still in the pipes belongs to the program, too; who else holds them does not keep us. */
static void take_the_rest(struct running *run)
{
    weir_ms until = clock_now() + LINGER;
    run_close_fd(&run->process.in);
    while ((run->process.out >= 0 || run->process.errors >= 0) && clock_now() < until)
        wait_and_move(run, until);
}

static void go_on_to_the_end(struct running *run)
{
    int how = 0;
    while (!run_collect(&run->process, run->being_ended, &how)) {
        wait_and_move(run, run->end_at);
        check_limits(run);
    }
    take_the_rest(run);
    run_close(&run->process);
    if (run->being_ended)
        return;
    run->result->end = how < 0 ? RUN_SIGNALLED : RUN_EXITED;
    run->result->number = how < 0 ? -how : how;
}

void run_to_end(const struct run_job *job, struct run_result *result)
{
    *result = (struct run_result){0};
    struct running run = {
        .job = job, .result = result, .input = job->input, .left = job->input_len, .end_at = NEVER};
    result->number = run_start(&run.process, job->command, job->environment);
    if (result->number) {
        result->end = RUN_NOT_STARTED;
        return;
    }
    if (job->time_limit >= 0)
        run.end_at = clock_now() + job->time_limit;
    go_on_to_the_end(&run);
    run_tail_text(&run.errors, &result->errors);
}

/* ---- telling ------------------------------------------------------------------------------------
 */

void run_say_end(const struct run_job *job, const struct run_result *result, struct str *out)
{
    char limit[32];
    switch (result->end) {
    case RUN_EXITED:
        str_addf(out, "ended with status %d", result->number);
        break;
    case RUN_SIGNALLED:
        str_addf(out, "was ended by signal %d (%s)", result->number, strsignal(result->number));
        break;
    case RUN_NOT_STARTED:
        str_addf(out, "cannot be started: %s", strerror(result->number));
        break;
    case RUN_TOO_LONG:
        value_show_duration(job->time_limit, limit);
        str_addf(out, "did not end within %s, and was ended", limit);
        break;
    case RUN_TOO_MUCH:
        str_addf(out, "wrote more than %zu bytes to its standard output, and was ended",
                 job->output_limit);
        break;
    case RUN_UNWANTED:
        str_add(out, "was ended, because the job is no longer ours");
        break;
    }
}

void run_result_free(struct run_result *result)
{
    str_free(&result->output);
    str_free(&result->errors);
    *result = (struct run_result){0};
}
