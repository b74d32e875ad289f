/* Whom a client trusts, who it is, and what an error says when that goes wrong. */
#include "lib/check.h"

#include "core/mem.h"
#include "io/tls_private.h"
#include "lib/rawserver.h"
#include "lib/webserver.h"
#include "sandbox/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/weir-http-tls-XXXXXX";
static struct pki *ours, *other;
static struct pki_cert good, named, expired, client, stranger;
static struct pki_paths good_files, named_files, expired_files;
static char *ca_file, url[128];

static void issue(const struct pki *pki, struct pki_request request, struct pki_cert *cert,
                  struct pki_paths *files)
{
    assert_int_equal(pki_issue(pki, &request, cert, NULL), WEIR_OK);
    if (files)
        assert_int_equal(pki_write(cert, dir, request.name, files, NULL), WEIR_OK);
}

static int make_certificates(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    ours = pki_new("weir tests", NULL);
    other = pki_new("somebody else", NULL);
    assert_int_equal(pki_write_ca(ours, dir, &ca_file, NULL), WEIR_OK);
    const char *here = "DNS:localhost,IP:127.0.0.1";
    issue(ours, (struct pki_request){"good", here, false, PKI_VALID}, &good, &good_files);
    issue(ours, (struct pki_request){"named", "DNS:other.example", false, PKI_VALID}, &named,
          &named_files);
    issue(ours, (struct pki_request){"expired", here, false, PKI_EXPIRED}, &expired,
          &expired_files);
    issue(ours, (struct pki_request){"client", NULL, true, PKI_VALID}, &client, NULL);
    issue(other, (struct pki_request){"stranger", NULL, true, PKI_VALID}, &stranger, NULL);
    return 0;
}

static void forget(struct pki_cert *cert, struct pki_paths *files)
{
    pki_cert_clear(cert);
    if (!files)
        return;
    unlink(files->chain);
    unlink(files->key);
    pki_paths_clear(files);
}

static int remove_certificates(void **state)
{
    (void)state;
    forget(&good, &good_files);
    forget(&named, &named_files);
    forget(&expired, &expired_files);
    forget(&client, NULL);
    forget(&stranger, NULL);
    unlink(ca_file);
    mem_free(ca_file);
    pki_free(ours);
    pki_free(other);
    return rmdir(dir);
}

static void hello(void *user, const struct webserver_request *request,
                  struct webserver_reply *reply)
{
    (void)user;
    (void)request;
    webserver_say(reply, "200 OK", "", "hello");
}

struct story {
    const char *title;
    const struct pki_paths *server; /* NULL: plaintext */
    bool foreign_roots, mutual, old;
    const struct pki_cert *client;
};

static struct tls *server_side(const struct story *s)
{
    if (!s->server)
        return NULL;
    struct tls *tls =
        tls_server(s->server->chain, s->server->key, s->mutual ? ca_file : NULL, NULL, NULL);
    assert_non_null(tls);
    if (s->old) {
        SSL_CTX_set_security_level(tls->ctx, 0);
        SSL_CTX_set_min_proto_version(tls->ctx, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(tls->ctx, TLS1_1_VERSION);
    }
    return tls;
}

static struct http *open_client(const weir_tls_options *options)
{
    weir_error err = {0};
    struct http *http = http_open(&(struct http_options){.tls = options, .proxy = WEIR_OMIT}, &err);
    assert_string_equal(err.message, "");
    return http;
}

static struct http *client_side(const struct story *s)
{
    return open_client(WEIR_TLS(.root_certificates = pki_ca(s->foreign_roots ? other : ours),
                                .private_key = s->client ? s->client->key : NULL,
                                .certificate_chain = s->client ? s->client->chain : NULL));
}

static void tell(const struct story *s, weir_status status, const char *words)
{
    struct tls *tls = server_side(s);
    struct webserver *web = webserver_start(tls, hello, NULL);
    struct http *http = client_side(s);
    struct fetch f;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(url, sizeof url, "https://%s:%u/", i ? "localhost" : "127.0.0.1",
                       webserver_port(web));
        const struct http_request request = {
            .method = "POST", .url = url, .content_type = "a/b", .body = {"x", 1}};
        fetch_send(&f, http, &request);
        if (f.err.status != status || !strstr(f.err.message, words))
            fail_msg("%s: %s '%s'", s->title, weir_status_name(f.err.status), f.err.message);
        assert_string_equal(f.body, status == WEIR_OK ? "hello" : "");
    }
    if (status != WEIR_OK)
        assert_int_equal(webserver_requests(web), 0);
    http_close(http);
    webserver_stop(web);
    tls_free(tls);
}

static void good_peers_are_trusted(void **state)
{
    (void)state;
    const struct story stories[] = {
        {.title = "good", .server = &good_files},
        {.title = "mutual", .server = &good_files, .mutual = true, .client = &client},
        {.title = "not asked for", .server = &good_files, .client = &client},
    };
    for (size_t i = 0; i < COUNT(stories); i++)
        tell(&stories[i], WEIR_OK, "");
}

static void untrusted_peers_are_refused_and_the_error_says_why(void **state)
{
    (void)state;
    const struct {
        struct story story;
        const char *words;
    } cases[] = {
        {{.title = "unknown CA", .server = &good_files, .foreign_roots = true}, "give the CA"},
        {{.title = "expired", .server = &expired_files}, "expired"},
        {{.title = "another name", .server = &named_files}, "name"},
        {{.title = "no client certificate", .server = &good_files, .mutual = true},
         "demands a client certificate"},
        {{.title = "a stranger", .server = &good_files, .mutual = true, .client = &stranger},
         "client certificate"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        tell(&cases[i].story, WEIR_UNTRUSTED, cases[i].words);
}

static void peers_that_speak_something_else_break_the_protocol(void **state)
{
    (void)state;
    tell(&(struct story){.title = "TLS 1.1", .server = &good_files, .old = true}, WEIR_PROTOCOL,
         "TLS 1.2");
}

static void https_to_a_plaintext_port_says_so(void **state)
{
    (void)state;
    struct rawscript script = {.greeting = BUF_INIT((size_t)256)};
    buf_adds(&script.greeting, "HTTP/1.1 400 Bad Request\r\n\r\n");
    struct rawserver *server = rawserver_start(&script);
    struct http *http = open_client(NULL);
    struct fetch f;
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", rawserver_port(server));
    assert_int_equal(fetch_get(&f, http, url), WEIR_PROTOCOL);
    assert_non_null(strstr(f.err.message, "is this a plaintext port?"));
    http_close(http);
    rawserver_stop(server);
}

static void a_handshake_that_gets_no_answer_is_a_timeout_and_says_so(void **state)
{
    (void)state;
    struct webserver *web = webserver_start(NULL, hello, NULL); /* waits for an empty line */
    struct http *http = open_client(NULL);
    struct fetch f;
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", webserver_port(web));
    bool connected = false;
    for (weir_ms limit = 200; limit < 20000 && !connected; limit *= 2) {
        const struct http_request request = {.method = "GET", .url = url, .until = fetch_in(limit)};
        assert_int_equal(fetch_send(&f, http, &request), WEIR_TIMEOUT);
        connected = strstr(f.err.message, "TLS is not set up yet");
    }
    if (!connected)
        fail_msg("%s", f.err.message);
    webserver_stop(web);
    http_close(http);
}

static void http_to_a_tls_port_says_so(void **state)
{
    (void)state;
    const struct story s = {.server = &good_files};
    struct tls *tls = server_side(&s);
    struct webserver *web = webserver_start(tls, hello, NULL);
    struct http *http = open_client(NULL);
    struct fetch f;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", webserver_port(web));
    assert_int_equal(fetch_get(&f, http, url), WEIR_UNREACHABLE); /* it just hangs up */
    if (!strstr(f.err.message, "is it a TLS port"))
        fail_msg("%s", f.err.message);
    assert_int_equal(webserver_requests(web), 0);
    webserver_stop(web);
    http_close(http);
    tls_free(tls);
}

static weir_status ask_with(const weir_tls_options *options, struct fetch *f)
{
    const struct story s = {.server = &good_files};
    struct tls *tls = server_side(&s);
    struct webserver *web = webserver_start(tls, hello, NULL);
    struct http *http = open_client(options);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", webserver_port(web));
    fetch_get(f, http, url);
    http_close(http);
    webserver_stop(web);
    tls_free(tls);
    return f->err.status;
}

static void the_systems_trust_is_openssls_and_given_roots_replace_it(void **state)
{
    (void)state;
    struct fetch f;
    assert_int_equal(ask_with(NULL, &f), WEIR_UNTRUSTED);
    setenv("SSL_CERT_FILE", ca_file, 1);
    assert_int_equal(ask_with(NULL, &f), WEIR_OK);
    assert_int_equal(ask_with(WEIR_TLS(.root_certificates = pki_ca(other)), &f), WEIR_UNTRUSTED);
    setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
    assert_int_equal(ask_with(NULL, &f), WEIR_INVALID);
    assert_non_null(strstr(f.err.message, "/nowhere/ca.pem"));
    assert_int_equal(ask_with(WEIR_TLS(.root_certificates_file = ca_file), &f), WEIR_OK);
    unsetenv("SSL_CERT_FILE");
}

static void tls_connections_are_kept(void **state)
{
    (void)state;
    const struct story s = {.server = &good_files};
    struct tls *tls = server_side(&s);
    struct webserver *web = webserver_start(tls, hello, NULL);
    struct http *http = client_side(&s);
    struct fetch f;
    (void)snprintf(url, sizeof url, "https://localhost:%u/", webserver_port(web));
    for (int i = 0; i < 3; i++)
        assert_int_equal(fetch_get(&f, http, url), WEIR_OK);
    assert_int_equal(webserver_connections(web), 1);
    http_close(http);
    assert_true(webserver_wait_open(web, 0));
    webserver_stop(web);
    tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_peers_are_trusted),
        cmocka_unit_test(untrusted_peers_are_refused_and_the_error_says_why),
        cmocka_unit_test(peers_that_speak_something_else_break_the_protocol),
        cmocka_unit_test(https_to_a_plaintext_port_says_so),
        cmocka_unit_test(a_handshake_that_gets_no_answer_is_a_timeout_and_says_so),
        cmocka_unit_test(http_to_a_tls_port_says_so),
        cmocka_unit_test(the_systems_trust_is_openssls_and_given_roots_replace_it),
        cmocka_unit_test(tls_connections_are_kept),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
