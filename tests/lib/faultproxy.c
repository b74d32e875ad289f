/* One thread, poll(), one lock. The lock is held while the thread works and free while it waits, so
 * that a call never sees half a change; a pipe wakes the thread. */
#include "lib/faultproxy.h"

#include "core/clock.h"
#include "lib/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST  128 /* connections at a time */
#define PIECE 16384

struct way { /* one direction of a connection */
    int from, to;
    uint8_t data[PIECE];
    size_t len, sent;
    int64_t due_ns; /* not before */
    bool ended;     /* `from` has said its last, and `to` knows */
    bool to_client;
};

struct link {
    int client, server; /* -1: free */
    struct way up, down;
};

struct faultproxy {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int wake[2], listener;
    uint16_t port, to_port;
    bool stopping, frozen;
    int64_t delay_ns;
    size_t rate, garble;
    struct faultproxy_stats stats;
    struct link links[MOST];
};

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

static void listen_now(struct faultproxy *p)
{
    struct sockaddr_in at = loopback(p->port);
    socklen_t len = sizeof at;
    int on = 1;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(p->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(p->listener, 64) != 0)
        abort();
    getsockname(p->listener, (struct sockaddr *)&at, &len);
    p->port = ntohs(at.sin_port);
}

static void drop(struct faultproxy *p, struct link *link, bool reset)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    if (reset) {
        setsockopt(link->client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        setsockopt(link->server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    close(link->client);
    close(link->server);
    link->client = link->server = -1;
    p->stats.open--;
}

static struct link *free_link(struct faultproxy *p)
{
    for (size_t i = 0; i < MOST; i++) {
        if (p->links[i].client < 0)
            return &p->links[i];
    }
    return NULL;
}

static void take(struct faultproxy *p)
{
    struct sockaddr_in to = loopback(p->to_port);
    struct link *link = free_link(p);
    int client = link ? accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    if (client < 0)
        return;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(server, (struct sockaddr *)&to, sizeof to) != 0) {
        close(server);
        close(client);
        return;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    memset(link, 0, sizeof *link);
    link->client = link->up.from = link->down.to = client;
    link->server = link->up.to = link->down.from = server;
    link->down.to_client = true;
    p->stats.connections++;
    p->stats.open++;
    pthread_cond_broadcast(&p->moved);
}

static bool again(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* False: the connection is lost. */
static bool fill(struct faultproxy *p, struct way *w, int64_t now)
{
    ssize_t got = recv(w->from, w->data, sizeof w->data, 0);
    if (got < 0)
        return again();
    if (got == 0) {
        w->ended = true;
        shutdown(w->to, SHUT_WR);
        return true;
    }
    w->len = (size_t)got;
    w->sent = 0;
    if (w->due_ns < now + p->delay_ns)
        w->due_ns = now + p->delay_ns;
    for (size_t i = 0; w->to_client && p->garble > 0 && i < w->len; i++, p->garble--)
        w->data[i] ^= 0xff;
    return true;
}

static bool empty_out(struct faultproxy *p, struct way *w, int64_t now)
{
    size_t left = w->len - w->sent;
    size_t most = p->rate ? p->rate / 50 + 1 : left;
    ssize_t put = send(w->to, w->data + w->sent, left < most ? left : most, MSG_NOSIGNAL);
    if (put < 0)
        return again();
    w->sent += (size_t)put;
    *(w->to_client ? &p->stats.to_client : &p->stats.to_server) += (uint64_t)put;
    pthread_cond_broadcast(&p->moved);
    if (p->rate)
        w->due_ns = now + put * NS_PER_S / (int64_t)p->rate;
    if (w->sent == w->len)
        w->len = w->sent = 0;
    return true;
}

struct round { /* of poll() */
    struct pollfd fds[2 + MOST * 2];
    struct way *ways[MOST * 2];
    nfds_t count;
    int64_t next_ns;
};

static void watch(struct round *r, struct way *w, int64_t now)
{
    bool full = w->len > 0;
    if (w->ended)
        return;
    if (full && w->due_ns > now) {
        r->next_ns = w->due_ns < r->next_ns ? w->due_ns : r->next_ns;
        return;
    }
    r->ways[r->count - 2] = w;
    r->fds[r->count++] =
        (struct pollfd){.fd = full ? w->to : w->from, .events = full ? POLLOUT : POLLIN};
}

static void prepare(struct faultproxy *p, struct round *r, int64_t now)
{
    r->fds[0] = (struct pollfd){.fd = p->wake[0], .events = POLLIN};
    r->fds[1] = (struct pollfd){.fd = p->listener, .events = POLLIN};
    r->count = 2;
    r->next_ns = INT64_MAX;
    for (size_t i = 0; i < MOST && !p->frozen; i++) {
        if (p->links[i].client < 0)
            continue;
        watch(r, &p->links[i].up, now);
        watch(r, &p->links[i].down, now);
    }
}

static struct link *link_of(struct faultproxy *p, const struct way *w)
{
    for (size_t i = 0; i < MOST; i++) {
        if (w == &p->links[i].up || w == &p->links[i].down)
            return &p->links[i];
    }
    abort();
}

static void move(struct faultproxy *p, struct way *w, int64_t now)
{
    struct link *link = link_of(p, w);
    if (link->client < 0)
        return;
    bool alive = w->len > 0 ? empty_out(p, w, now) : fill(p, w, now);
    if (!alive)
        drop(p, link, true);
    else if (link->up.ended && link->down.ended)
        drop(p, link, false);
}

static void work(struct faultproxy *p, struct round *r)
{
    char bytes[64];
    int64_t now = clock_mono(clock_system());
    if (r->fds[0].revents && read(p->wake[0], bytes, sizeof bytes) < 0)
        abort();
    for (nfds_t i = 2; i < r->count && !p->frozen; i++) {
        if (r->fds[i].revents)
            move(p, r->ways[i - 2], now);
    }
    if (r->fds[1].revents && p->listener >= 0)
        take(p);
}

static void *run(void *user)
{
    struct faultproxy *p = user;
    struct round *r = calloc(1, sizeof *r);
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        int64_t now = clock_mono(clock_system());
        prepare(p, r, now);
        int64_t left = (r->next_ns - now + NS_PER_MS - 1) / NS_PER_MS;
        int timeout = r->next_ns == INT64_MAX ? -1 : (int)left;
        pthread_mutex_unlock(&p->lock);
        poll(r->fds, r->count, timeout);
        pthread_mutex_lock(&p->lock);
        work(p, r);
    }
    pthread_mutex_unlock(&p->lock);
    free(r);
    return NULL;
}

struct faultproxy *faultproxy_start(uint16_t to_port)
{
    struct faultproxy *p = calloc(1, sizeof *p);
    assert_non_null(p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    for (size_t i = 0; i < MOST; i++)
        p->links[i].client = p->links[i].server = -1;
    p->to_port = to_port;
    listen_now(p);
    assert_int_equal(pipe2(p->wake, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
    return p;
}

/* Makes the thread look at what has changed. @locked */
static void nudge(struct faultproxy *p)
{
    if (write(p->wake[1], "", 1) < 0)
        abort();
}

void faultproxy_stop(struct faultproxy *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    nudge(p);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < MOST; i++) {
        if (p->links[i].client >= 0)
            drop(p, &p->links[i], false);
    }
    if (p->listener >= 0)
        close(p->listener);
    close(p->wake[0]);
    close(p->wake[1]);
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

uint16_t faultproxy_port(const struct faultproxy *p)
{
    return p->port;
}

void faultproxy_delay(struct faultproxy *p, int64_t ms)
{
    pthread_mutex_lock(&p->lock);
    p->delay_ns = ms * NS_PER_MS;
    nudge(p);
    pthread_mutex_unlock(&p->lock);
}

void faultproxy_throttle(struct faultproxy *p, size_t bytes_per_second)
{
    pthread_mutex_lock(&p->lock);
    p->rate = bytes_per_second;
    nudge(p);
    pthread_mutex_unlock(&p->lock);
}

void faultproxy_freeze(struct faultproxy *p, bool frozen)
{
    pthread_mutex_lock(&p->lock);
    p->frozen = frozen;
    nudge(p);
    pthread_mutex_unlock(&p->lock);
}

void faultproxy_refuse(struct faultproxy *p, bool refuse)
{
    pthread_mutex_lock(&p->lock);
    if (refuse && p->listener >= 0) {
        /* poll() in the thread holds the socket open until it looks again; this ends it now */
        shutdown(p->listener, SHUT_RDWR);
        close(p->listener);
        p->listener = -1;
    } else if (!refuse && p->listener < 0) {
        listen_now(p);
    }
    nudge(p);
    pthread_mutex_unlock(&p->lock);
}

void faultproxy_garble(struct faultproxy *p, size_t bytes)
{
    pthread_mutex_lock(&p->lock);
    p->garble = bytes;
    pthread_mutex_unlock(&p->lock);
}

void faultproxy_cut(struct faultproxy *p)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < MOST; i++) {
        if (p->links[i].client >= 0)
            drop(p, &p->links[i], true);
    }
    nudge(p);
    pthread_mutex_unlock(&p->lock);
}

void faultproxy_half_close(struct faultproxy *p)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < MOST; i++) {
        if (p->links[i].client < 0)
            continue;
        shutdown(p->links[i].client, SHUT_WR);
        p->links[i].down.ended = true;
    }
    nudge(p);
    pthread_mutex_unlock(&p->lock);
}

struct faultproxy_stats faultproxy_stats(struct faultproxy *p)
{
    pthread_mutex_lock(&p->lock);
    struct faultproxy_stats stats = p->stats;
    pthread_mutex_unlock(&p->lock);
    return stats;
}

static bool have_connections(const struct faultproxy_stats *stats, uint64_t n)
{
    return stats->connections >= n;
}

static bool have_bytes(const struct faultproxy_stats *stats, uint64_t n)
{
    return stats->to_client + stats->to_server >= n;
}

static bool wait_until(struct faultproxy *p,
                       bool (*holds)(const struct faultproxy_stats *stats, uint64_t n), uint64_t n)
{
    int64_t end = clock_mono(clock_system()) + 10 * NS_PER_S;
    struct timespec until = {.tv_sec = end / NS_PER_S, .tv_nsec = end % NS_PER_S};
    int timed_out = 0;
    pthread_mutex_lock(&p->lock);
    while (!holds(&p->stats, n) && !timed_out)
        timed_out = pthread_cond_timedwait(&p->moved, &p->lock, &until);
    bool held = holds(&p->stats, n);
    pthread_mutex_unlock(&p->lock);
    return held;
}

bool faultproxy_wait_connections(struct faultproxy *p, size_t connections)
{
    return wait_until(p, have_connections, connections);
}

bool faultproxy_wait_bytes(struct faultproxy *p, uint64_t bytes)
{
    return wait_until(p, have_bytes, bytes);
}
