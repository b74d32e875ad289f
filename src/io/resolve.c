/* Host names to addresses. What needs no resolver (numbers, localhost) is answered from the loop's
 * next turn; anything else gets a thread for as long as getaddrinfo() takes. A cancelled one goes
 * on alone and is thrown away: nothing can interrupt getaddrinfo(). It holds the loop meanwhile. */
#include "io/resolve.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

struct resolve {
    struct loop_task task; /* first */
    struct loop *loop;
    resolve_fn *done; /* NULL: cancelled */
    void *user;
    uint16_t port;
    int failed; /* of getaddrinfo() */
    int errnum;
    struct address list[LIMIT_ADDRESSES];
    size_t count;
    char host[];
};

bool address_parse(const char *host, uint16_t port, struct address *out)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(out, 0, sizeof *out);
    if (uv_ip4_addr(host, port, &v4) == 0) {
        memcpy(&out->sa, &v4, sizeof v4);
        out->len = sizeof v4;
    } else if (uv_ip6_addr(host, port, &v6) == 0) {
        memcpy(&out->sa, &v6, sizeof v6);
        out->len = sizeof v6;
    }
    return out->len > 0;
}

void address_text(const struct address *address, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&address->sa;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        (void)snprintf(out, size, "%s:%u", host, ntohs(v4->sin_port));
    } else if (address->sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)&address->sa;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        (void)snprintf(out, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_un *un = (const void *)&address->sa;
        (void)snprintf(out, size, "unix:%s", un->sun_path);
    }
}

bool address_loopback(const struct address *address)
{
    if (address->sa.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&address->sa;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)&address->sa;
        const uint8_t *b = v6->sin6_addr.s6_addr;
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && b[12] == 127);
    }
    return address->sa.ss_family == AF_UNIX;
}

/* RFC 6761, 6.3: localhost and whatever ends in .localhost, with or without the root's dot. */
static bool is_localhost(const char *host)
{
    size_t len = strlen(host);
    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len < 9 || (len > 9 && host[len - 10] != '.'))
        return false;
    char tail[10] = "";
    memcpy(tail, host + len - 9, 9);
    return text_equal_nocase(tail, "localhost");
}

bool host_is_loopback(const char *host)
{
    struct address address;
    if (address_parse(host, 0, &address))
        return address_loopback(&address);
    return is_localhost(host);
}

static void add_address(struct resolve *r, const struct sockaddr *sa, socklen_t len)
{
    if (r->count == LIMIT_ADDRESSES || len > sizeof r->list[0].sa)
        return;
    memcpy(&r->list[r->count].sa, sa, len);
    r->list[r->count++].len = len;
}

/* RFC 8305, 4: keeps the system's order within a family and lets the families take turns, beginning
 * with its first. */
static void interleave(struct resolve *r)
{
    struct address sorted[LIMIT_ADDRESSES];
    bool taken[LIMIT_ADDRESSES] = {false};
    if (r->count == 0)
        return;
    sa_family_t wanted = r->list[0].sa.ss_family;
    for (size_t put = 0; put < r->count; put++) {
        size_t pick = r->count;
        for (size_t i = r->count; i-- > 0;) {
            bool fits = !taken[i] && (r->list[i].sa.ss_family == wanted || pick == r->count ||
                                      r->list[pick].sa.ss_family != wanted);
            pick = fits ? i : pick;
        }
        taken[pick] = true;
        sorted[put] = r->list[pick];
        wanted = sorted[put].sa.ss_family == AF_INET ? AF_INET6 : AF_INET;
    }
    memcpy(r->list, sorted, r->count * sizeof *sorted);
}

static weir_status explain(const struct resolve *r, weir_error *err)
{
    const char *why = r->failed == EAI_SYSTEM ? strerror(r->errnum) : gai_strerror(r->failed);
    return error_peer(
        err, WEIR_UNREACHABLE, WEIR_ORIGIN_SYSTEM, r->failed,
        "the name '%s' cannot be resolved: %s; check its spelling and the system's DNS", r->host,
        why);
}

static void finish(struct loop_task *task)
{
    struct resolve *r = (struct resolve *)(void *)task;
    struct loop *loop = r->loop;
    if (r->done) {
        weir_error err = {0};
        if (r->count == 0)
            explain(r, &err);
        r->done(r->user, r->list, r->count, r->count ? NULL : &err);
    }
    mem_free(r);
    loop_release(loop);
}

static void *look_up(void *user)
{
    struct resolve *r = user;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", r->port);
    r->failed = getaddrinfo(r->host, service, &hints, &found);
    r->errnum = errno;
    for (struct addrinfo *a = found; a; a = a->ai_next)
        add_address(r, a->ai_addr, a->ai_addrlen);
    if (found)
        freeaddrinfo(found);
    interleave(r);
    /* finish() gives r's own reference back, perhaps before loop_post() has returned here */
    struct loop *loop = loop_ref(r->loop);
    loop_post(loop, &r->task);
    loop_release(loop);
    return NULL;
}

static int start_thread(struct resolve *r)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, look_up, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed;
}

static void add_known(struct resolve *r, const char *host)
{
    struct address address;
    if (address_parse(host, r->port, &address))
        add_address(r, (const struct sockaddr *)&address.sa, address.len);
}

struct resolve *resolve_start(struct loop *loop, const char *host, uint16_t port, resolve_fn *done,
                              void *user, weir_error *err)
{
    size_t len = strlen(host);
    struct resolve *r = mem_zalloc(sizeof *r + len + 1);
    if (!r) {
        error_no_memory(err);
        return NULL;
    }
    *r = (struct resolve){
        .task = {finish, NULL}, .loop = loop_ref(loop), .done = done, .user = user, .port = port};
    memcpy(r->host, host, len);
    add_known(r, host);
    if (r->count == 0 && is_localhost(host)) {
        add_known(r, "::1");
        add_known(r, "127.0.0.1");
    }
    if (r->count > 0) {
        loop_post(loop, &r->task);
        return r;
    }
    int failed = start_thread(r);
    if (!failed)
        return r;
    error_system(err, WEIR_NO_MEMORY, failed, "no thread to resolve '%s' in", host);
    loop_release(loop);
    mem_free(r);
    return NULL;
}

void resolve_cancel(struct resolve *resolve)
{
    if (resolve)
        resolve->done = NULL;
}
