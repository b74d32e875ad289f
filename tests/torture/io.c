/* The n-th allocation and the n-th call on a socket fail, n = 1, 2, ... until none does: each time
 * the stream opens and works, or ends with an error; nothing hangs, nothing is left.
 *
 * The system's functions are replaced in this program; libuv finds these here first. Only calls on
 * sockets count, so that the loop's own wake-up descriptor keeps working. */
#include "lib/check.h"

#include "core/mem.h"
#include "io/tls.h"
#include "lib/talk.h"
#include "sandbox/pki.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long left;   /* socket calls until one fails; 0: off */
static atomic_bool failed; /* it has */

static bool strikes(void)
{
    long before = atomic_load(&left);
    if (before == 0 || atomic_fetch_sub(&left, 1) != 1)
        return false;
    atomic_store(&failed, true);
    return true;
}

static bool is_socket(int fd)
{
    int type;
    socklen_t len = sizeof type;
    return atomic_load(&left) > 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* dlsym() gives an object pointer; POSIX promises that it holds a function's. */
static void find(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found);
}

WEIR_API int socket(int domain, int type, int protocol)
{
    int (*real)(int, int, int);
    find("socket", &real);
    if (strikes()) {
        errno = EMFILE;
        return -1;
    }
    return real(domain, type, protocol);
}

WEIR_API int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
    int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t);
    find("connect", &real);
    if (strikes()) {
        errno = ENETUNREACH;
        return -1;
    }
    return real(fd, to, len);
}

WEIR_API ssize_t read(int fd, void *data, size_t len)
{
    ssize_t (*real)(int, void *, size_t);
    find("read", &real);
    if (is_socket(fd) && strikes()) {
        errno = ECONNRESET;
        return -1;
    }
    return real(fd, data, len);
}

WEIR_API ssize_t write(int fd, const void *data, size_t len)
{
    ssize_t (*real)(int, const void *, size_t);
    find("write", &real);
    if (is_socket(fd) && strikes()) {
        errno = EPIPE;
        return -1;
    }
    return real(fd, data, len);
}

WEIR_API ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t (*real)(int, const struct iovec *, int);
    find("writev", &real);
    if (is_socket(fd) && strikes()) {
        errno = ENOBUFS;
        return -1;
    }
    return real(fd, parts, count);
}

/* ---- the talk ----------------------------------------------------------------------------- */

static char dir[] = "/tmp/weir-io-torture-XXXXXX";
static struct pki *pki;
static struct pki_cert cert;
static struct tls *server_tls, *client_tls;

static int make_tls(void **state)
{
    (void)state;
    struct pki_paths files;
    struct pki_request request = {.name = "s", .sans = "DNS:gateway.example"};
    pki = pki_new("weir tests", NULL);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_issue(pki, &request, &cert, NULL), WEIR_OK);
    assert_int_equal(pki_write(&cert, dir, "s", &files, NULL), WEIR_OK);
    server_tls = tls_server(files.chain, files.key, NULL, "h2", NULL);
    client_tls = tls_client(WEIR_TLS(.root_certificates = pki_ca(pki)), "h2", NULL);
    unlink(files.chain);
    unlink(files.key);
    pki_paths_clear(&files);
    return rmdir(dir);
}

static int drop_tls(void **state)
{
    (void)state;
    tls_free(server_tls);
    tls_free(client_tls);
    pki_cert_clear(&cert);
    pki_free(pki);
    return 0;
}

static void begin(struct talk *t, int kind, uint16_t *port)
{
    *t = (struct talk){.send = 1024 * 1024, .server_name = "gateway.example", .limit = 10000};
    t->server_tls = kind == 1 ? server_tls : NULL;
    t->client_tls = kind == 1 ? client_tls : NULL;
    t->connect_target = kind == 2 ? "broker.example:1" : NULL;
    t->answer = kind == 2 ? "HTTP/1.1 200 OK\r\n\r\n" : NULL;
    *port = talk_listen(t);
}

/* Whatever failed, the talk came to an end that makes sense. */
static void judge(const struct talk *t)
{
    if (t->ended)
        assert_true(t->why.status == WEIR_OK || t->why.message[0]);
    else
        assert_int_equal(t->echoed, t->send);
    assert_false(t->garbled);
}

static void any_call_on_a_socket_may_fail(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        bool struck = true;
        for (long n = 1; struck && n < 400; n++) {
            struct talk t;
            uint16_t port;
            begin(&t, kind, &port);
            atomic_store(&failed, false);
            atomic_store(&left, n);
            talk_connect(&t, port);
            talk_wait(&t);
            atomic_store(&left, 0);
            struck = atomic_load(&failed);
            talk_close(&t);
            judge(&t);
        }
    }
}

struct start {
    struct talk *talk;
    uint16_t port;
    long n;
    bool failed;
};

/* Opening, from the first allocation to the first turn of the loop. */
static void connect_without_memory(void *user)
{
    struct start *start = user;
    mem_fail_at(start->n);
    talk_connect(start->talk, start->port);
    start->failed = mem_failed();
    mem_fail_at(0);
}

static void any_allocation_of_opening_may_fail(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct start start = {.n = 1, .failed = true};
        for (; start.failed; start.n++) {
            struct talk t;
            begin(&t, kind, &start.port);
            start.talk = &t;
            loop_call(t.loop, connect_without_memory, &start);
            talk_wait(&t);
            talk_close(&t);
            judge(&t);
            assert_true(!start.failed || t.why.status == WEIR_NO_MEMORY);
        }
        assert_true(start.n > 3);
    }
}

static void any_allocation_of_tls_settings_may_fail(void **state)
{
    (void)state;
    struct tls *tls = NULL;
    for (long n = 1; !tls; n++) {
        weir_error err = {0};
        mem_fail_at(n);
        tls = tls_client(WEIR_TLS(.root_certificates = pki_ca(pki), .private_key = cert.key,
                                  .certificate_chain = cert.chain),
                         "h2", &err);
        assert_true(tls || (mem_failed() && err.status == WEIR_NO_MEMORY));
        mem_fail_at(0);
    }
    tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_on_a_socket_may_fail),
        cmocka_unit_test(any_allocation_of_opening_may_fail),
        cmocka_unit_test(any_allocation_of_tls_settings_may_fail),
    };
    return cmocka_run_group_tests(tests, make_tls, drop_tls);
}
