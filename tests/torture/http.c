/* The n-th allocation fails, n = 1, 2, ... until none does: every request and exchange ends once,
 * with an answer or an error, and leaves nothing behind.
 *
 * Server and client share the I/O thread, so a failure may strike the server as well: then the
 * client is told that the connection is gone, or runs into its deadline. */
#include "lib/check.h"

#include "core/mem.h"
#include "lib/torture.h"
#include "lib/webserver.h"
#include "sandbox/pki.h"

#include <stdio.h>
#include <string.h>

static char url[128];

static void hello(void *user, const struct webserver_request *request,
                  struct webserver_reply *reply)
{
    (void)user;
    (void)request;
    webserver_say(reply, "200 OK", "X: y\r\nContent-Type: a/b\r\n", "hello");
}

static const char *const headers[] = {"Authorization: Bearer x", NULL};

static struct http_request request_now(void)
{
    return (struct http_request){.method = "POST",
                                 .url = url,
                                 .headers = headers,
                                 .content_type = "a/b",
                                 .body = {"xyz", 3},
                                 .until = fetch_in(300)};
}

static void judge(const struct fetch *f)
{
    assert_int_equal(f->dones, 1);
    if (f->err.status == WEIR_OK)
        assert_string_equal(f->body, "hello");
    else
        assert_true(f->err.message[0]);
}

static weir_status open_one(void *user, weir_error *err)
{
    struct http *http =
        http_open(&(struct http_options){.tls = user, .proxy = "http://u:p@127.0.0.1:3128"}, err);
    http_close(http);
    return err->status;
}

static void any_allocation_of_opening_may_fail(void **state)
{
    (void)state;
    struct pki_cert cert;
    const struct pki_request request = {.name = "c", .client = true};
    struct pki *pki = pki_new("weir tests", NULL);
    assert_int_equal(pki_issue(pki, &request, &cert, NULL), WEIR_OK);
    struct loop *loop = loop_acquire(NULL); /* its own allocations are io's subject */
    weir_tls_options *tls = WEIR_TLS(.root_certificates = pki_ca(pki), .private_key = cert.key,
                                     .certificate_chain = cert.chain);
    assert_true(torture(open_one, tls) > 5);
    loop_release(loop);
    pki_cert_clear(&cert);
    pki_free(pki);
}

struct run {
    struct http *http;
    struct fetch *fetch;
    long n;
    bool exchange;
    bool failed;
};

static void send_request(struct run *r)
{
    const struct http_request request = request_now();
    const struct exchange_options options = {
        .request = request, .what = "asking", .max_tries = 2, .idempotent = true};
    void *begun =
        r->exchange
            ? (void *)exchange_start(r->http, &options, fetch_done, r->fetch, &r->fetch->err)
            : (void *)http_send(r->http, &request, fetch_done, r->fetch, &r->fetch->err);
    if (begun)
        return;
    assert_int_equal(r->fetch->err.status, WEIR_NO_MEMORY);
    r->fetch->dones++;
}

static void nth(struct run *r)
{
    struct fetch fetch = FETCH_INIT;
    r->fetch = &fetch;
    r->http = http_open(&(struct http_options){.proxy = WEIR_OMIT}, NULL);
    assert_non_null(r->http);
    mem_fail_at(r->n);
    send_request(r);
    fetch_wait(&fetch);
    http_close(r->http);
    r->failed = mem_failed();
    mem_fail_at(0);
    judge(&fetch);
}

static void any_allocation_of_a_request_may_fail(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct run r = {.n = 1, .exchange = kind & 1, .failed = true};
        for (; r.failed && r.n < 200; r.n++) {
            struct webserver *web = webserver_start(NULL, hello, NULL);
            (void)snprintf(url, sizeof url, "http://%s:%u/", kind & 2 ? "localhost" : "127.0.0.1",
                           webserver_port(web));
            nth(&r);
            webserver_stop(web);
        }
        assert_in_range(r.n, 15, 199);
    }
}

static void nothing(void *user)
{
    (void)user;
}

/* What was closed is freed at the end of the loop's pass: the second call comes after that. */
static void let_go(struct loop *loop)
{
    loop_call(loop, nothing, NULL);
    loop_call(loop, nothing, NULL);
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    struct loop *loop = loop_acquire(NULL);
    struct webserver *web = webserver_start(NULL, hello, NULL);
    (void)snprintf(url, sizeof url, "http://localhost:%u/", webserver_port(web));
    for (int exchange = 0; exchange < 2; exchange++) {
        long left = 0;
        for (int i = 0; i < 3; i++) { /* the server's own are made the first time */
            struct run r = {.exchange = exchange};
            mem_count(1);
            nth(&r);
            assert_true(webserver_wait_open(web, 0));
            let_go(loop);
            left = mem_live();
            mem_count(0);
        }
        assert_true(left <= 0);
    }
    webserver_stop(web);
    loop_release(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_of_opening_may_fail),
        cmocka_unit_test(any_allocation_of_a_request_may_fail),
        cmocka_unit_test(nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
