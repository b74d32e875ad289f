/* TLS on streams: who is trusted, who is not, and what the error says then. */
#include "lib/check.h"

#include "core/mem.h"
#include "io/tls_private.h"
#include "lib/talk.h"
#include "sandbox/pki.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/weir-io-tls-XXXXXX";
static struct pki *ours, *other;
static struct pki_cert named, numeric, expired, early, client, stranger;
static struct pki_paths named_files, numeric_files, expired_files, early_files;
static char *ca_file;

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
    const char *names = "DNS:gateway.example";
    issue(ours, (struct pki_request){"named", names, false, PKI_VALID}, &named, &named_files);
    issue(ours, (struct pki_request){"numeric", "IP:127.0.0.1", false, PKI_VALID}, &numeric,
          &numeric_files);
    issue(ours, (struct pki_request){"expired", names, false, PKI_EXPIRED}, &expired,
          &expired_files);
    issue(ours, (struct pki_request){"early", names, false, PKI_TOO_SOON}, &early, &early_files);
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
    forget(&named, &named_files);
    forget(&numeric, &numeric_files);
    forget(&expired, &expired_files);
    forget(&early, &early_files);
    forget(&client, NULL);
    forget(&stranger, NULL);
    unlink(ca_file);
    mem_free(ca_file);
    pki_free(ours);
    pki_free(other);
    return rmdir(dir);
}

struct story {
    const char *title;
    const struct pki_paths *server;
    const char *server_name;       /* NULL: gateway.example */
    bool foreign_roots;            /* the client trusts somebody else */
    bool mutual;                   /* the server demands a certificate */
    const struct pki_cert *client; /* what the client shows */
    bool no_h2, old, plain;        /* the server's faults */
};

static struct tls *server_side(const struct story *s)
{
    if (s->plain)
        return NULL;
    struct tls *tls = tls_server(s->server->chain, s->server->key, s->mutual ? ca_file : NULL,
                                 s->no_h2 ? NULL : "h2", NULL);
    assert_non_null(tls);
    if (s->old) {
        SSL_CTX_set_security_level(tls->ctx, 0);
        SSL_CTX_set_min_proto_version(tls->ctx, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(tls->ctx, TLS1_1_VERSION);
    }
    return tls;
}

static struct tls *client_side(const struct story *s)
{
    weir_error err = {0};
    struct tls *tls =
        tls_client(WEIR_TLS(.root_certificates = pki_ca(s->foreign_roots ? other : ours),
                            .private_key = s->client ? s->client->key : NULL,
                            .certificate_chain = s->client ? s->client->chain : NULL),
                   "h2", &err);
    assert_string_equal(err.message, "");
    return tls;
}

static void tell(const struct story *s, weir_status status, const char *words)
{
    struct talk t = {.server_tls = server_side(s),
                     .client_tls = client_side(s),
                     .server_name = s->server_name ? s->server_name : "gateway.example",
                     .answer = s->plain ? "HTTP/1.1 400 Bad Request\r\n\r\n" : NULL,
                     .send = 5};
    talk_run(&t);
    if (t.why.status != status || !strstr(t.why.message, words))
        fail_msg("%s: %s '%s'", s->title, weir_status_name(t.why.status), t.why.message);
    assert_int_equal(t.echoed, status == WEIR_OK ? 5 : 0);
    tls_free(t.server_tls);
    tls_free(t.client_tls);
}

static void good_peers_are_trusted(void **state)
{
    (void)state;
    const struct story stories[] = {
        {.title = "good", .server = &named_files},
        {.title = "a root's dot", .server = &named_files, .server_name = "gateway.example."},
        {.title = "an address", .server = &numeric_files, .server_name = "127.0.0.1"},
        {.title = "mutual", .server = &named_files, .mutual = true, .client = &client},
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
        {{.title = "unknown CA", .server = &named_files, .foreign_roots = true}, "chain"},
        {{.title = "expired", .server = &expired_files}, "expired"},
        {{.title = "early", .server = &early_files}, "not yet valid"},
        {{.title = "another name", .server = &named_files, .server_name = "other.example"},
         "mismatch"},
        {{.title = "another address", .server = &numeric_files, .server_name = "127.0.0.2"},
         "mismatch"},
        {{.title = "no client certificate", .server = &named_files, .mutual = true},
         "demands a client certificate"},
        {{.title = "a stranger", .server = &named_files, .mutual = true, .client = &stranger},
         "client certificate"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        tell(&cases[i].story, WEIR_UNTRUSTED, cases[i].words);
}

static void peers_that_speak_something_else_break_the_protocol(void **state)
{
    (void)state;
    const struct story no_h2 = {.title = "no h2", .server = &named_files, .no_h2 = true};
    const struct story old = {.title = "TLS 1.1", .server = &named_files, .old = true};
    const struct story plain = {.title = "plaintext", .plain = true};
    const struct story no_name = {.title = "no name", .server = &named_files, .server_name = ""};
    tell(&no_h2, WEIR_PROTOCOL, "HTTP/2");
    tell(&old, WEIR_PROTOCOL, "TLS 1.2");
    tell(&plain, WEIR_PROTOCOL, "plaintext port");
    tell(&no_name, WEIR_INVALID, "name");
}

static void much_goes_through_tls_and_a_pause_holds(void **state)
{
    (void)state;
    const struct story s = {.server = &named_files};
    struct talk t = {.server_tls = server_side(&s),
                     .client_tls = client_side(&s),
                     .server_name = "gateway.example",
                     .send = 3000000,
                     .pause = true};
    talk_connect(&t, talk_listen(&t));
    talk_resume(&t);
    talk_wait(&t);
    assert_int_equal(t.echoed, 3000000);
    assert_false(t.garbled);
    talk_close(&t);
    tls_free(t.server_tls);
    tls_free(t.client_tls);
}

static void what_was_said_before_a_good_end_arrives(void **state)
{
    (void)state;
    const struct story s = {.server = &named_files};
    struct talk t = {.server = TALK_FINISH,
                     .server_tls = server_side(&s),
                     .client_tls = client_side(&s),
                     .server_name = "gateway.example"};
    talk_run(&t);
    assert_int_equal(t.echoed, 3);
    assert_int_equal(t.why.status, WEIR_OK);
    tls_free(t.server_tls);
    tls_free(t.client_tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_peers_are_trusted),
        cmocka_unit_test(untrusted_peers_are_refused_and_the_error_says_why),
        cmocka_unit_test(peers_that_speak_something_else_break_the_protocol),
        cmocka_unit_test(much_goes_through_tls_and_a_pause_holds),
        cmocka_unit_test(what_was_said_before_a_good_end_arrives),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
