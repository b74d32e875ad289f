/* Requests through a proxy: a tunnel for https, the whole URL for http; its login; who is asked
 * directly. */
#include "lib/check.h"

#include "core/mem.h"
#include "lib/tunnel.h"
#include "lib/webserver.h"
#include "sandbox/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/weir-http-proxy-XXXXXX";
static struct pki *pki;
static struct pki_cert cert;
static struct tls *tls;
static char url[128], proxy[128];

static int make_tls(void **state)
{
    (void)state;
    struct pki_paths files;
    const struct pki_request request = {.name = "s", .sans = "IP:127.0.0.1"};
    pki = pki_new("weir tests", NULL);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_issue(pki, &request, &cert, NULL), WEIR_OK);
    assert_int_equal(pki_write(&cert, dir, "s", &files, NULL), WEIR_OK);
    tls = tls_server(files.chain, files.key, NULL, NULL, NULL);
    assert_non_null(tls);
    unlink(files.chain);
    unlink(files.key);
    pki_paths_clear(&files);
    return rmdir(dir);
}

static int drop_tls(void **state)
{
    (void)state;
    tls_free(tls);
    pki_cert_clear(&cert);
    pki_free(pki);
    return 0;
}

static void hello(void *user, const struct webserver_request *request,
                  struct webserver_reply *reply)
{
    if (user)
        (void)snprintf(user, 4096, "%s", request->head);
    webserver_say(reply, "200 OK", "", "hello");
}

static struct http *open_client(const char *option)
{
    weir_error err = {0};
    struct http *http = http_open(
        &(struct http_options){.tls = WEIR_TLS(.root_certificates = pki_ca(pki)), .proxy = option},
        &err);
    assert_string_equal(err.message, "");
    return http;
}

/* What becomes of a request to our TLS server when the proxy gives this answer. */
static weir_status through(const char *answer, const char *login, struct fetch *f, char *said)
{
    struct webserver *web = webserver_start(tls, hello, NULL);
    struct tunnel *tunnel = tunnel_start(answer);
    (void)snprintf(proxy, sizeof proxy, "http://%s127.0.0.1:%u", login, tunnel_port(tunnel));
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/t", webserver_port(web));
    struct http *http = open_client(proxy);
    fetch_get(f, http, url);
    http_close(http);
    tunnel_join(tunnel);
    (void)snprintf(said, 4096, "%s", tunnel_request(tunnel));
    tunnel_free(tunnel);
    webserver_stop(web);
    return f->err.status;
}

static void https_goes_through_a_tunnel(void **state)
{
    (void)state;
    static char said[4096];
    char connect[256];
    struct fetch f;
    assert_int_equal(through("HTTP/1.1 200 OK\r\nX-Proxy: 1", "", &f, said), WEIR_OK);
    assert_string_equal(f.body, "hello");
    assert_int_equal(f.headers, 1); /* the proxy's are not the server's */
    (void)snprintf(connect, sizeof connect, "CONNECT %s HTTP/1.1\r\n", url + strlen("https://"));
    *strstr(connect, "/t ") = '\0';
    assert_int_equal(strncmp(said, connect, strlen(connect)), 0);
    assert_null(strstr(said, "Proxy-Authorization"));
}

static void the_proxys_login_is_sent_to_it(void **state)
{
    (void)state;
    static char said[4096];
    struct fetch f;
    assert_int_equal(through("HTTP/1.1 200 OK", "us%40er:p%3Aw@", &f, said), WEIR_OK);
    assert_non_null(strstr(said, "Proxy-Authorization: Basic dXNAZXI6cDp3\r\n"));
}

static void what_the_proxy_refuses_is_said(void **state)
{
    (void)state;
    static char said[4096];
    const struct {
        const char *answer;
        weir_status status;
        const char *words;
    } cases[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
         "Content-Length: 0",
         WEIR_BAD_LOGIN, "wants a login"},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0", WEIR_FORBIDDEN, "does not allow"},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0", WEIR_UNREACHABLE, "answered 502"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fetch f;
        weir_status status = through(cases[i].answer, "u:s3cret@", &f, said);
        if (status != cases[i].status || !strstr(f.err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].answer, f.err.message);
        assert_null(strstr(f.err.message, "s3cret"));
        assert_int_equal(f.err.origin, WEIR_ORIGIN_HTTP);
    }
}

static void a_proxy_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct http *http = open_client("http://127.0.0.1:1");
    struct fetch f;
    assert_int_equal(fetch_get(&f, http, "https://login.example/"), WEIR_UNREACHABLE);
    assert_non_null(strstr(f.err.message, "login.example:443 through the proxy 127.0.0.1:1"));
    http_close(http);
}

static void http_asks_the_proxy_with_the_whole_url(void **state)
{
    (void)state;
    static char head[4096];
    struct webserver *web = webserver_start(NULL, hello, head); /* the proxy */
    struct fetch f;
    (void)snprintf(proxy, sizeof proxy, "http://u:p@127.0.0.1:%u", webserver_port(web));
    struct http *http = open_client(proxy);
    assert_int_equal(fetch_get(&f, http, "http://login.example/t?q"), WEIR_OK);
    assert_int_equal(strncmp(head, "GET http://login.example/t?q HTTP/1.1\r\n", 39), 0);
    assert_non_null(strstr(head, "\r\nProxy-Authorization: Basic dTpw\r\n"));
    assert_non_null(strstr(head, "\r\nHost: login.example\r\n"));
    http_close(http);
    webserver_stop(web);
}

static void the_environment_is_read_in_one_place(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, hello, NULL);
    struct fetch f;
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", webserver_port(web));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", webserver_port(web));
    setenv("http_proxy", proxy, 1);
    setenv("no_proxy", "direct.invalid", 1);
    struct http *http = open_client(NULL), *direct = open_client(WEIR_OMIT);
    assert_int_equal(fetch_get(&f, http, "http://login.example/"), WEIR_OK);
    assert_int_equal(fetch_get(&f, http, "http://direct.invalid/"), WEIR_UNREACHABLE);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(fetch_get(&f, http, url), WEIR_OK); /* this machine: never */
    assert_int_equal(fetch_get(&f, http, "http://login.example/"), WEIR_UNREACHABLE);
    setenv("http_proxy", proxy, 1);
    assert_int_equal(fetch_get(&f, direct, "http://login.invalid/"), WEIR_UNREACHABLE);
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    http_close(http);
    http_close(direct);
    webserver_stop(web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_goes_through_a_tunnel),
        cmocka_unit_test(the_proxys_login_is_sent_to_it),
        cmocka_unit_test(what_the_proxy_refuses_is_said),
        cmocka_unit_test(a_proxy_that_is_not_there_is_named),
        cmocka_unit_test(http_asks_the_proxy_with_the_whole_url),
        cmocka_unit_test(the_environment_is_read_in_one_place),
    };
    return cmocka_run_group_tests(tests, make_tls, drop_tls);
}
