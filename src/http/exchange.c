/* One exchange: tries, and what happens between them. All but the beginning is @thread io.
 *
 *   POSTED   its task waits in the loop's queue       Next: TRYING, ENDED
 *   TRYING   an ask is under way                      Next: PAUSING, ENDED
 *   PAUSING  the backoff's timer runs                 Next: TRYING, ENDED
 *   ENDED    `done` was called, or will not be        Next: freed, once it is not posted
 *
 * What may be repeated: anything that surely did not reach the server; a request that the server
 * turned away (429, 503); for an idempotent one also what may have arrived. A pause that would last
 * beyond the deadline is not begun: the caller learns at once what the peer said. */
#include "http/exchange.h"

#include "core/backoff.h"
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/http_private.h"
#include "http/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct exchange {
    struct loop_task task; /* first */
    struct http_work work;
    struct http *http;
    struct request *request;
    char *what;
    bool idempotent;
    unsigned max_tries, tries;
    bool (*explain)(void *user, const struct http_answer *answer, weir_error *err);
    http_done_fn *done;
    void *user;
    struct http_ask *ask;
    struct timer pause;
    struct backoff backoff;
    bool posted; /* its task is in the loop's queue: that will free it */
    bool ended;
};

static void exchange_free(struct exchange *e)
{
    request_free(e->request);
    mem_free(e->what);
    mem_free(e);
}

static void detach(struct exchange *e)
{
    e->ended = true;
    timer_cancel(&e->pause);
    http_cancel(e->ask);
    e->ask = NULL;
    http_unlist(e->http, &e->work);
}

/* The client may be gone when `done` returns. */
static void conclude(struct exchange *e, const struct http_answer *answer, const weir_error *why)
{
    detach(e);
    e->done(e->user, answer, why);
    if (!e->posted)
        exchange_free(e);
}

static void fail(struct exchange *e, weir_error *why)
{
    size_t len = strlen(why->message);
    if (e->tries > 1)
        (void)snprintf(why->message + len, sizeof why->message - len, " (tried %u times)",
                       e->tries);
    conclude(e, NULL, why);
}

static void stop(struct http_work *work, const weir_error *why)
{
    struct exchange *e =
        (struct exchange *)(void *)((char *)work - offsetof(struct exchange, work));
    weir_error ours;
    error_copy(&ours, why);
    error_context(&ours, "%s", e->what);
    conclude(e, NULL, &ours);
}

void exchange_cancel(struct exchange *exchange)
{
    if (!exchange || exchange->ended)
        return;
    detach(exchange);
    if (!exchange->posted)
        exchange_free(exchange);
}

/* ---- between tries ----------------------------------------------------------------------- */

static void begin_try(void *user);

/* How long to wait; -1: there is no use. */
static weir_ms pause_for(struct exchange *e, const weir_error *why)
{
    const struct clock *clock = loop_clock(e->http->loop);
    if (e->max_tries && e->tries >= e->max_tries)
        return -1;
    weir_ms wait = backoff_next(&e->backoff, clock, why->retry_in_ms);
    weir_ms left = deadline_left(clock, e->request->until);
    return left == WEIR_FOREVER || wait < left ? wait : -1;
}

static void again_or_fail(struct exchange *e, bool may_repeat, weir_error *why)
{
    weir_ms wait = may_repeat ? pause_for(e, why) : -1;
    if (wait < 0 || timer_set_in(&e->pause, wait) != WEIR_OK) {
        fail(e, why);
        return;
    }
    log_at(WEIR_LOG_INFO, e->http->part, "", "%s; again in %" PRId64 " ms", why->message, wait);
}

/* An explanation decides by itself; a bare status by what HTTP says of it. */
static bool explain(struct exchange *e, const struct http_answer *answer, weir_error *why)
{
    if (e->explain && e->explain(e->user, answer, why)) {
        if (why->retry_in_ms >= 0 && why->retry_in_ms < answer->retry_after)
            why->retry_in_ms = (int32_t)answer->retry_after;
        return why->retry_in_ms >= 0;
    }
    status_http_answer(why, answer, e->what);
    bool turned_away = answer->status == 429 || answer->status == 503;
    return turned_away || (e->idempotent && why->retry_in_ms >= 0);
}

static void on_done(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct exchange *e = user;
    weir_error why = {0};
    bool left = http_left(e->ask);
    e->ask = NULL;
    if (answer && answer->status / 100 == 2) {
        conclude(e, answer, err);
        return;
    }
    if (answer) {
        again_or_fail(e, explain(e, answer, &why), &why);
        return;
    }
    error_copy(&why, err);
    error_context(&why, "%s", e->what);
    again_or_fail(e, weir_error_retryable(&why) && (e->idempotent || !left), &why);
}

static void begin_try(void *user)
{
    struct exchange *e = user;
    weir_error why = {0};
    e->tries++;
    e->ask = ask_start(e->http, request_ref(e->request), on_done, e, &why);
    if (!e->ask)
        fail(e, &why);
}

/* ---- the beginning ----------------------------------------------------------------------- */

static void begin(struct loop_task *task)
{
    struct exchange *e = (struct exchange *)(void *)task;
    e->posted = false;
    if (e->ended)
        exchange_free(e);
    else
        begin_try(e);
}

static struct exchange *make(struct http *http, const struct exchange_options *o, weir_error *err)
{
    struct exchange *e = mem_zalloc(sizeof *e);
    if (!e) {
        error_no_memory(err);
        return NULL;
    }
    e->what = mem_strdup(o->what);
    e->request = request_new(&o->request, http_proxy(http), err);
    if (e->request && (e->what || error_no_memory(err) == WEIR_OK))
        return e;
    exchange_free(e);
    return NULL;
}

struct exchange *exchange_start(struct http *http, const struct exchange_options *options,
                                http_done_fn *done, void *user, weir_error *err)
{
    if (loop_check_fork(err) != WEIR_OK)
        return NULL;
    struct exchange *e = make(http, options, err);
    if (!e)
        return NULL;
    e->task.run = begin;
    e->work.stop = stop;
    e->http = http;
    e->idempotent = options->idempotent;
    e->max_tries = options->max_tries;
    e->explain = options->explain;
    e->done = done;
    e->user = user;
    e->backoff = (struct backoff)BACKOFF_INIT(200, 10000, 0);
    e->posted = true;
    timer_init(&e->pause, http->loop, begin_try, e);
    http_enlist(http, &e->work);
    loop_post(http->loop, &e->task);
    return e;
}
