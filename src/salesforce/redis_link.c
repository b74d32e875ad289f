/* A connection to a Redis server: a stream of the I/O thread's, and a thread that waits.
 *
 * States: DOWN -> CONNECTING (redis_link_connect) -> UP -> DOWN (the peer has gone, a failure, an
 * answer that did not come in time: it would be taken for the next one's). What the I/O thread
 * brings goes into `in` under the lock; the waiting thread takes the buffer away once an answer is
 * whole. hiredis is not used: see docs/decisions/0124. */
#include "salesforce/redis_link.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "io/stream.h"

#include <pthread.h>

enum state { DOWN, CONNECTING, UP };

struct redis_link {
    char *host;
    uint16_t port;
    struct tls *tls;
    const struct clock *clock;
    struct loop *loop; /* from the first connection on */

    struct resolve *resolve; /* @thread io, as all up to `lock` */
    struct stream *stream;
    struct address addresses[LIMIT_ADDRESSES];
    size_t count, next;
    struct deadline until; /* of connecting */

    pthread_mutex_t lock;
    pthread_cond_t news;
    enum state state; /* @locked, as all below */
    weir_error why;   /* when it is DOWN */
    struct buf in;    /* failed: no memory */
    bool flood;       /* more than anybody asks for */

    struct buf answer;         /* of the waiting thread, as the rest */
    const struct buf *request; /* on its way to the I/O thread */
};

struct redis_link *redis_link_new(const char *host, uint16_t port, struct tls *tls,
                                  const struct clock *clock, weir_error *err)
{
    struct redis_link *link = mem_zalloc(sizeof *link);
    if (link)
        link->host = mem_strdup(host);
    if (!link || !link->host) {
        mem_free(link);
        tls_free(tls);
        error_no_memory(err);
        return NULL;
    }
    link->port = port;
    link->tls = tls;
    link->clock = clock;
    link->in = (struct buf)BUF_INIT(RESP_ANSWER_MAX + 1);
    link->answer = link->in;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->news, NULL);
    return link;
}

void redis_link_free(struct redis_link *link)
{
    if (!link)
        return;
    redis_link_drop(link);
    if (link->loop)
        loop_release(link->loop);
    pthread_cond_destroy(&link->news);
    pthread_mutex_destroy(&link->lock);
    buf_free(&link->in);
    buf_free(&link->answer);
    tls_free(link->tls);
    mem_free(link->host);
    mem_free(link);
}

/* --- the I/O thread ----------------------------------------------------------------------- */

static void become(struct redis_link *link, enum state state, const weir_error *why)
{
    pthread_mutex_lock(&link->lock);
    link->state = state;
    if (why)
        error_copy(&link->why, why);
    pthread_cond_signal(&link->news);
    pthread_mutex_unlock(&link->lock);
}

static void let_go(struct redis_link *link)
{
    if (link->resolve)
        resolve_cancel(link->resolve);
    link->resolve = NULL;
    stream_close(link->stream);
    link->stream = NULL;
}

static void try_next(struct redis_link *link, const weir_error *why);

static void on_open(void *user)
{
    become(user, UP, NULL);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct redis_link *link = user;
    pthread_mutex_lock(&link->lock);
    if (link->in.len + len <= RESP_ANSWER_MAX)
        buf_add(&link->in, data, len);
    else
        link->flood = true;
    pthread_cond_signal(&link->news);
    pthread_mutex_unlock(&link->lock);
}

static void on_drained(void *user)
{
    (void)user;
}

static void on_end(void *user, const weir_error *why)
{
    struct redis_link *link = user;
    weir_error closed = *why;
    if (closed.status == WEIR_OK)
        error_set(&closed, WEIR_UNREACHABLE, "the server has closed the connection");
    pthread_mutex_lock(&link->lock);
    bool connecting = link->state == CONNECTING;
    pthread_mutex_unlock(&link->lock);
    let_go(link);
    if (connecting)
        try_next(link, &closed);
    else
        become(link, DOWN, &closed);
}

static const struct stream_events events = {on_open, on_data, on_drained, on_end};

/* What is left of the time is shared by the addresses that are left. */
static struct deadline share(const struct redis_link *link)
{
    weir_ms left = deadline_left(link->clock, link->until);
    if (left < 0)
        return link->until;
    return deadline_in(link->clock, left / (weir_ms)(link->count - link->next) + 1, left);
}

/* `why` the one before failed. */
static void try_next(struct redis_link *link, const weir_error *why)
{
    weir_error last = *why;
    while (!link->stream && link->next < link->count) {
        struct stream_options options = {.tls = link->tls,
                                         .server_name = link->host,
                                         .until = share(link),
                                         .events = &events,
                                         .user = link};
        options.address = &link->addresses[link->next++];
        link->stream = stream_connect(link->loop, &options, &last);
    }
    if (!link->stream)
        become(link, DOWN, &last);
}

static void on_resolved(void *user, const struct address *list, size_t count, const weir_error *err)
{
    struct redis_link *link = user;
    weir_error none = {0};
    link->resolve = NULL;
    link->count = count < LIMIT_ADDRESSES ? count : LIMIT_ADDRESSES;
    link->next = 0;
    if (link->count > 0)
        memcpy(link->addresses, list, link->count * sizeof *list);
    else
        error_set(&none, WEIR_UNREACHABLE, "the name has no address");
    try_next(link, link->count == 0 && err ? err : &none);
}

static void start(void *user)
{
    struct redis_link *link = user;
    weir_error why = {0};
    let_go(link);
    link->resolve = resolve_start(link->loop, link->host, link->port, on_resolved, link, &why);
    if (!link->resolve)
        become(link, DOWN, &why);
}

static void stop(void *user)
{
    let_go(user);
}

static void send_request(void *user)
{
    struct redis_link *link = user;
    loop_count_busy(link->loop, +1);
    if (link->stream)
        stream_write(link->stream, link->request->data, link->request->len);
}

static void rest(void *user)
{
    struct redis_link *link = user;
    loop_count_busy(link->loop, -1);
}

/* --- who waits ---------------------------------------------------------------------------- */

/* @locked. False: `until` has passed. */
static bool wait_for_news(struct redis_link *link, struct deadline until)
{
    struct timespec at = {until.at_ns / NS_PER_S, (long)(until.at_ns % NS_PER_S)};
    if (until.at_ns == INT64_MAX)
        return pthread_cond_wait(&link->news, &link->lock) == 0;
    return pthread_cond_clockwait(&link->news, &link->lock, CLOCK_MONOTONIC, &at) == 0;
}

bool redis_link_up(struct redis_link *link)
{
    pthread_mutex_lock(&link->lock);
    bool up = link->state == UP;
    pthread_mutex_unlock(&link->lock);
    return up;
}

void redis_link_drop(struct redis_link *link)
{
    if (link->loop)
        loop_call(link->loop, stop, link);
    pthread_mutex_lock(&link->lock);
    link->state = DOWN;
    buf_free(&link->in);
    link->in.failed = link->flood = false;
    pthread_mutex_unlock(&link->lock);
}

weir_status redis_link_connect(struct redis_link *link, struct deadline until, weir_error *err)
{
    weir_error why = {0};
    if (!link->loop)
        link->loop = loop_acquire(&why);
    if (!link->loop)
        return error_copy(err, &why);
    redis_link_drop(link);
    link->until = until;
    become(link, CONNECTING, NULL);
    loop_call(link->loop, start, link);
    bool waits = true;
    pthread_mutex_lock(&link->lock);
    while (link->state == CONNECTING && waits)
        waits = wait_for_news(link, until);
    enum state state = link->state;
    if (state == DOWN)
        error_copy(err, &link->why);
    weir_status status = state == UP ? WEIR_OK : link->why.status;
    pthread_mutex_unlock(&link->lock);
    if (state != CONNECTING)
        return status;
    redis_link_drop(link);
    return error_set(err, WEIR_TIMEOUT, "no connection in time");
}

/* @locked. Takes an answer out of `in` once it is whole; false: it is not yet. */
static bool take_answer(struct redis_link *link, struct resp *answer, weir_status *status,
                        weir_error *err)
{
    size_t used = 0;
    enum resp_state state = resp_parse(link->in.data, link->in.len, answer, &used);
    if (link->in.failed) {
        *status = error_no_memory(err);
        return true;
    }
    if (link->flood)
        state = RESP_BROKEN;
    if (state == RESP_MORE && link->state == UP)
        return false;
    if (state == RESP_READY && used == link->in.len) {
        buf_free(&link->answer);
        link->answer = link->in; /* `answer` points into it */
        link->in = (struct buf)BUF_INIT(RESP_ANSWER_MAX + 1);
        *status = WEIR_OK;
    } else if (state == RESP_MORE) {
        *status = error_copy(err, &link->why);
    } else {
        *status = error_set(err, WEIR_PROTOCOL, "what answers there does not speak as Redis does");
    }
    return true;
}

weir_status redis_link_ask(struct redis_link *link, const struct buf *request, struct resp *answer,
                           struct deadline until, weir_error *err)
{
    weir_status status = WEIR_TIMEOUT;
    bool waits = true;
    link->request = request;
    loop_call(link->loop, send_request, link);
    pthread_mutex_lock(&link->lock);
    bool done = take_answer(link, answer, &status, err);
    while (!done && waits) {
        waits = wait_for_news(link, until);
        done = take_answer(link, answer, &status, err);
    }
    pthread_mutex_unlock(&link->lock);
    loop_call(link->loop, rest, link);
    if (!done)
        error_set(err, WEIR_TIMEOUT, "no answer in time");
    if (status != WEIR_OK)
        redis_link_drop(link);
    return status;
}
