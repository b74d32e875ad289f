/* Every allocation of a worker failing once: it lives on or ends with WEIR_NO_MEMORY, settles what
 * it can, ends when it is told to, and (under ASan) leaves nothing. */
#include "core/clock.h"
#include "core/mem.h"
#include "lib/check.h"
#include "lib/h2server.h"
#include "lib/torture.h"
#include "zeebe/codec_jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

#define JOBS_MOST 6

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static size_t settled;

/* ---- on one thread ------------------------------------------------------------------------- */

static weir_status show(void *user, weir_error *err)
{
    /* key 5, retries 3, kind 1, tags "t" */
    static const char wire[] = "\x08\x05\x58\x03\x80\x01\x01\x92\x01\x01t";
    struct job_fields f;
    char room[64];
    const weir_bytes bytes = {wire, sizeof wire - 1};
    (void)user;
    assert_in_range(codec_job_room(bytes), 1, sizeof room);
    codec_job_read(bytes, &f, room);
    char *json = codec_job_json(&f, true, err);
    weir_status status = json ? WEIR_OK : err->status;
    if (json)
        assert_non_null(strstr(json, "\"tags\":[\"t\"]"));
    mem_free(json);
    return status;
}

static void a_job_is_shown_or_there_is_no_memory(void **state)
{
    (void)state;
    torture(show, NULL);
}

/* ---- with the I/O thread ------------------------------------------------------------------- */

static void count(const weir_settled *what, void *user)
{
    (void)what, (void)user;
    pthread_mutex_lock(&lock);
    settled++;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static void ignore_news(weir_worker_news news, const weir_error *why, void *user)
{
    (void)news, (void)why, (void)user;
}

/* Each kind of settling, whatever becomes of it. */
static void settle(weir_job *job, void *user)
{
    static _Atomic unsigned turn;
    (void)user;
    (void)weir_job_attr(job, "retries");
    (void)weir_job_vars(job);
    switch (turn++ % 4) {
    case 0:
        (void)weir_job_completef(job, "{s:i}", "a", 1);
        break;
    case 1:
        (void)weir_job_fail(job, WEIR_RETRIES_LESS, 0, "%s", "no");
        break;
    case 2:
        (void)weir_job_throw(job, "C", "no");
        break;
    default:
        break;
    }
}

static void wait_settled(size_t least)
{
    struct timespec until;
    int64_t at = clock_mono(clock_system()) + 2 * NS_PER_S;
    until = (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
    int late = 0;
    pthread_mutex_lock(&lock);
    while (settled < least && !late)
        late = pthread_cond_clockwait(&moved, &lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&lock);
}

static void run(const char *address)
{
    static const char *const names[] = {"a", "b", NULL};
    weir_error err = {0};
    settled = 0;
    weir_channel *channel =
        weir_channel_insecure(WEIR_CHANNEL(.grpc_address = address, .proxy = WEIR_OMIT), &err);
    weir_worker *worker = weir_worker_open(
        channel,
        WEIR_WORKER(.type = "\x08\x05\x58\x03\x6a\x02{}", .handler = settle, .on_settled = count,
                    .on_news = ignore_news, .fetch_variables = names, .max_active = 4,
                    .poll_only = true, .poll_interval = 1, .drain = 100),
        &err);
    if (worker)
        wait_settled(JOBS_MOST);
    else
        assert_int_equal(err.status, WEIR_NO_MEMORY);
    weir_worker_close(worker);
    weir_channel_close(channel);
}

static void a_worker_survives(void **state)
{
    (void)state;
    char address[64];
    const struct h2server_options options = {.echo_jobs = true};
    struct h2server *s = h2server_start(&options);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)h2server_port(s));
    long n = 0;
    do {
        n += 1 + n / 60; /* the later ones are alike */
        mem_fail_at(n);
        run(address);
    } while (mem_failed() && n < 2000);
    mem_fail_at(0);
    assert_true(n > 50);
    h2server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_shown_or_there_is_no_memory),
        cmocka_unit_test(a_worker_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
