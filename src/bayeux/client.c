/* A client's life: opened at once, stopped from anywhere, waited for, closed by the program's
 * thread when nobody else is inside any more.
 *
 * Who leaves takes its reference with one atomic step and must touch nothing afterwards, because
 * the last but one lets client_close() free everything. So that closer waits on a condition of the
 * whole process, which is woken only once a client is being closed (the highest bit of `refs`). */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/shield.h"
#include "http/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CLOSING (SIZE_MAX / 2 + 1)

static pthread_mutex_t leaving = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;

/* ---- who is inside ----------------------------------------------------------------------- */

void client_enter(struct client *c)
{
    atomic_fetch_add(&c->refs, 1);
}

void client_leave(struct client *c)
{
    if (!(atomic_fetch_sub(&c->refs, 1) & CLOSING))
        return;
    pthread_mutex_lock(&leaving);
    pthread_cond_broadcast(&left);
    pthread_mutex_unlock(&leaving);
}

static void wait_alone(struct client *c)
{
    atomic_fetch_or(&c->refs, CLOSING);
    pthread_mutex_lock(&leaving);
    while (atomic_load(&c->refs) != CLOSING + 1)
        pthread_cond_wait(&left, &leaving);
    pthread_mutex_unlock(&leaving);
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static void destroy(struct client *c)
{
    client_tell_free(c);
    client_engine_free(c);
    inbox_free(c->inbox);
    http_close(c->http);
    struct loop *loop = c->loop;
    client_options_clear(c);
    weir_credentials_free(c->credentials);
    pthread_cond_destroy(&c->moved);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
    loop_release(loop);
}

static void init(struct client *c)
{
    static atomic_uint opened;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->moved, NULL);
    atomic_init(&c->refs, 1);
    atomic_init(&c->room_at, SIZE_MAX);
    c->clock = clock_system();
    (void)snprintf(c->name, sizeof c->name, "%s#%u", c->set.dialect->part,
                   atomic_fetch_add(&opened, 1) + 1);
}

static weir_status fill(struct client *c, const struct client_options *options, weir_error *err)
{
    weir_status status = client_options_read(c, options, err);
    if (status != WEIR_OK)
        return status;
    const struct http_options http = {
        .tls = c->set.o.tls,
        .proxy = c->set.o.proxy,
        .part = c->set.dialect->part,
        .cookies = true,
        .connections = 2,
    };
    if (c->set.o.credentials)
        c->credentials = weir_credentials_ref(c->set.o.credentials);
    if (!(c->loop = loop_acquire(err)) || !(c->http = http_open(&http, err)))
        return WEIR_INVALID; /* *err says which */
    c->inbox = inbox_new(c->clock, c->set.o.max_queued + CLIENT_PLACES, client_drop_item);
    if (!c->inbox)
        return error_no_memory(err);
    status = client_engine_init(c, err);
    return status == WEIR_OK ? client_tell_init(c, err) : status;
}

/* The engine's reference, and the handler's thread. */
static weir_status start(struct client *c, weir_error *err)
{
    weir_status status = client_tell_start(c, err);
    if (status == WEIR_OK) {
        client_enter(c);
        loop_post(c->loop, &c->start);
    }
    return status;
}

struct client *client_open(const struct client_options *options, weir_error *err)
{
    if (!loop_may_open(err))
        return NULL;
    struct client *c = mem_zalloc(sizeof *c);
    if (!c) {
        error_no_memory(err);
        return NULL;
    }
    c->set.dialect = options->dialect;
    init(c);
    if (fill(c, options, err) != WEIR_OK || start(c, err) != WEIR_OK) {
        destroy(c);
        return NULL;
    }
    error_ok(err);
    return c;
}

const char *client_name(const struct client *c)
{
    return c->name;
}

/* ---- the end ----------------------------------------------------------------------------- */

void client_stop(struct client *c)
{
    loop_bell_pull(c->loop, &c->bell);
}

/* @locked. False: the limit has passed. */
static bool wait_moved(struct client *c, struct deadline until)
{
    if (until.at_ns == INT64_MAX)
        return pthread_cond_wait(&c->moved, &c->lock) == 0;
    const struct timespec at = {(time_t)(until.at_ns / NS_PER_S), (long)(until.at_ns % NS_PER_S)};
    return pthread_cond_clockwait(&c->moved, &c->lock, CLOCK_MONOTONIC, &at) != ETIMEDOUT;
}

static weir_status wait_over(struct client *c, struct deadline until, weir_error *err)
{
    bool more = true;
    pthread_mutex_lock(&c->lock);
    while (!(c->over && c->handled) && more)
        more = wait_moved(c, until);
    bool over = c->over && c->handled;
    weir_status status = over ? error_copy(err, &c->why) : WEIR_NOTHING;
    pthread_mutex_unlock(&c->lock);
    if (!over)
        error_ok(err);
    return status;
}

weir_status client_wait(struct client *c, struct deadline until, weir_error *err)
{
    if (client_calls_back(c))
        return error_set(err, WEIR_INVALID, "a callback of the handle cannot wait for its end");
    client_enter(c);
    int shielded = shield_up();
    weir_status status = wait_over(c, until, err);
    shield_down(shielded);
    client_leave(c);
    return status;
}

bool client_close(struct client *c)
{
    if (!c)
        return true;
    client_stop(c);
    if (client_calls_back(c)) {
        log_at(WEIR_LOG_ERROR, c->set.dialect->part, c->name,
               "closed in a callback of the handle: it is stopped, but not freed");
        return false;
    }
    int shielded = shield_up();
    wait_alone(c);
    destroy(c);
    shield_down(shielded);
    return true;
}

/* ---- counting ---------------------------------------------------------------------------- */

void client_counters(struct client *c, weir_session_counters *out)
{
    const struct client_tally *t = &c->tally;
    weir_session_counters all = {
        .struct_size = out->struct_size,
        .events = atomic_load(&t->events),
        .dropped = atomic_load(&t->dropped),
        .answers = atomic_load(&t->answers),
        .bytes = atomic_load(&t->bytes),
        .handshakes = atomic_load(&t->handshakes),
        .connects = atomic_load(&t->connects),
        .subscribes = atomic_load(&t->subscribes),
        .logins = atomic_load(&t->logins),
        .failures = atomic_load(&t->failures),
        .outages = atomic_load(&t->outages),
        .queued = atomic_load(&c->queued),
        .most_queued = atomic_load(&t->most_queued),
    };
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
}
