/* libcurl's multi handle on the loop: libcurl says which sockets to watch and when to be called,
 * libuv does both. @thread io.
 *
 * The handle is made by the first request and closed when nothing was asked for a while, because
 * that is the only way to close the connections that it keeps. libcurl must not be called from
 * within its callbacks, and its user's callback may do anything: results are therefore collected
 * after libcurl has returned, and the client is held meanwhile.
 *
 * What is watched is a duplicate of libcurl's descriptor. libcurl 7.88 closes the socket of an
 * attempt that failed before it says so, and by then the number may be another thread's, or that of
 * a gRPC connection of ours, which libuv would take for the one it knows.
 *
 * libcurl forgets a socket after each request, and asks for the same one again with the next: we go
 * on watching it meanwhile, which spares seven system calls a request, until libcurl closes it. */
#include "core/error.h"
#include "core/mem.h"
#include "http/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LATER_NS (INT64_C(365) * 86400 * NS_PER_S)

struct sock {
    uv_poll_t poll; /* first */
    struct http *http;
    curl_socket_t theirs; /* libcurl's name for it */
    int ours;             /* the duplicate */
    int events;           /* that are waited for */
    bool idle;            /* libcurl keeps it, but does not ask for it */
    bool closed;          /* libcurl has closed it, and is still to say so */
    bool silenced;        /* not watched any more: something came while it was idle */
    struct sock *next, **from;
};

/* ---- results ----------------------------------------------------------------------------- */

static struct http_ask *ask_of(CURL *easy)
{
    char *ask = NULL;
    curl.easy_getinfo(easy, CURLINFO_PRIVATE, &ask);
    return (struct http_ask *)(void *)ask;
}

static void fail_all(struct http *http)
{
    weir_error why;
    error_system(&why, WEIR_NO_MEMORY, -http->sick, "a socket cannot be watched");
    while (!http->closed && http->running)
        ask_fail(http->running, &why);
    if (!http->closed)
        multi_close(http);
}

/* After every call of libcurl that may have completed something. */
static void collect(struct http *http)
{
    int left;
    CURLMsg *message;
    http_hold(http);
    while (!http->closed && !http->sick &&
           (message = curl.multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            ask_finish(ask_of(message->easy_handle), message->data.result);
    }
    if (!http->closed && http->sick)
        fail_all(http);
    http_unhold(http);
}

static void act(struct http *http, curl_socket_t fd, int events)
{
    int running;
    if (curl.multi_socket_action(http->multi, fd, events, &running) != CURLM_OK && !http->sick)
        http->sick = UV_ENOMEM;
    collect(http);
}

/* ---- sockets and the timer --------------------------------------------------------------- */

/* A socket in trouble is reported as ready, not as broken: the peer may have said why before it
 * went, and libcurl would not read that. libuv has stopped watching such a socket. */
static void on_event(uv_poll_t *poll, int status, int events)
{
    struct sock *sock = (struct sock *)(void *)poll;
    if (sock->idle) { /* most likely its end; libcurl looks when it wants to use it */
        uv_poll_stop(poll);
        sock->silenced = true;
        return;
    }
    if (status < 0) {
        events = UV_READABLE | UV_WRITABLE;
        uv_poll_start(poll, sock->events, on_event);
    }
    int flags = events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(sock->http, sock->theirs, flags);
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(handle); /* the first member */
}

/* Given up at once, so that the peer learns of the end when libcurl closes its own. */
static void let_go(struct sock *sock)
{
    uv_close((uv_handle_t *)&sock->poll, on_closed);
    close(sock->ours);
}

static void sock_close(struct sock *sock)
{
    *sock->from = sock->next;
    if (sock->next)
        sock->next->from = sock->from;
    let_go(sock);
}

static struct sock *sock_open(struct http *http, curl_socket_t fd)
{
    struct sock *sock = mem_zalloc(sizeof *sock);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int bad = copy < 0 ? -errno : 0;
    if (!sock)
        bad = UV_ENOMEM;
    else if (!bad)
        bad = uv_poll_init(loop_uv(http->loop), &sock->poll, copy);
    if (!sock || bad) {
        http->sick = bad;
        if (copy >= 0)
            close(copy);
        mem_free(sock);
        return NULL;
    }
    sock->http = http;
    sock->theirs = fd;
    sock->ours = copy;
    sock->next = http->socks;
    sock->from = &http->socks;
    if (sock->next)
        sock->next->from = &sock->next;
    http->socks = sock;
    curl.multi_assign(http->multi, fd, sock);
    return sock;
}

static struct sock *sock_find(const struct http *http, curl_socket_t fd)
{
    struct sock *sock = http->socks;
    while (sock && (sock->theirs != fd || sock->closed))
        sock = sock->next;
    return sock;
}

int multi_closesocket(void *user, curl_socket_t fd)
{
    struct sock *sock = sock_find(user, fd);
    if (sock && sock->idle)
        sock_close(sock);
    else if (sock)
        sock->closed = true;
    return close(fd);
}

static void forget(struct http *http, struct sock *sock, curl_socket_t fd)
{
    curl.multi_assign(http->multi, fd, NULL);
    if (sock && sock->closed)
        sock_close(sock);
    else if (sock)
        sock->idle = true;
}

/* The one it asked for with its last request, or a new one. */
static struct sock *sock_again(struct http *http, curl_socket_t fd)
{
    struct sock *sock = sock_find(http, fd);
    if (!sock)
        return sock_open(http, fd);
    sock->idle = false;
    curl.multi_assign(http->multi, fd, sock);
    return sock;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *ours)
{
    struct http *http = user;
    struct sock *sock = ours;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        forget(http, sock, fd);
        return 0;
    }
    if (!sock)
        sock = sock_again(http, fd);
    if (!sock)
        return 0; /* the client is sick: collect() ends it */
    int events = what & CURL_POLL_IN ? UV_READABLE : 0;
    events |= what & CURL_POLL_OUT ? UV_WRITABLE : 0;
    if (events == sock->events && !sock->silenced)
        return 0;
    sock->events = events;
    sock->silenced = false;
    int bad = uv_poll_start(&sock->poll, sock->events, on_event);
    if (bad)
        http->sick = bad;
    return 0; /* anything else would make the handle unusable before we are ready */
}

static void on_turn(void *user)
{
    struct http *http = user;
    timer_set(&http->turn, clock_mono(loop_clock(http->loop)) + LATER_NS);
    act(http, CURL_SOCKET_TIMEOUT, 0);
}

/* The timer is always set, so that moving it needs no memory. */
static int on_wish(CURLM *multi, long ms, void *user)
{
    struct http *http = user;
    int64_t now = clock_mono(loop_clock(http->loop));
    (void)multi;
    timer_set(&http->turn, now + (ms < 0 ? LATER_NS : ms * NS_PER_MS));
    return 0;
}

/* ---- opening and closing ----------------------------------------------------------------- */

static void on_idle(void *user)
{
    struct http *http = user;
    if (!http->running)
        multi_close(http);
}

weir_status multi_open(struct http *http, weir_error *err)
{
    if (http->multi)
        return WEIR_OK;
    timer_init(&http->turn, http->loop, on_turn, http);
    timer_init(&http->idle, http->loop, on_idle, http);
    if (timer_set(&http->turn, clock_mono(loop_clock(http->loop)) + LATER_NS) != WEIR_OK)
        return error_no_memory(err);
    http->multi = curl.multi_init();
    if (!http->multi) {
        timer_cancel(&http->turn);
        return error_no_memory(err);
    }
    http->sick = 0;
    curl.multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl.multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl.multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_wish);
    curl.multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl.multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, http->connections);
    curl.multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, http->connections);
    return WEIR_OK;
}

void multi_close(struct http *http)
{
    if (!http->multi)
        return;
    easy_drop_spares(http);
    curl.multi_cleanup(http->multi);
    http->multi = NULL;
    while (http->socks)
        sock_close(http->socks);
    timer_cancel(&http->turn);
    timer_cancel(&http->idle);
}

void multi_start(struct http *http, struct http_ask *ask)
{
    timer_cancel(&http->idle);
    ask->next = http->running;
    ask->from = &http->running;
    if (ask->next)
        ask->next->from = &ask->next;
    http->running = ask;
    if (!ask->request->held)
        loop_count_busy(http->loop, +1);
    if (curl.multi_add_handle(http->multi, ask->easy) != CURLM_OK && !http->sick)
        http->sick = UV_ENOMEM;
    act(http, CURL_SOCKET_TIMEOUT, 0); /* at once, not when the timer that it asked for fires */
}

void multi_remove(struct http *http, struct http_ask *ask)
{
    curl.multi_remove_handle(http->multi, ask->easy);
    easy_drop(ask);
    *ask->from = ask->next;
    if (ask->next)
        ask->next->from = ask->from;
    if (!ask->request->held)
        loop_count_busy(http->loop, -1);
    if (!http->running) /* without memory they stay open for longer */
        timer_set_in(&http->idle, http->idle_after);
}
