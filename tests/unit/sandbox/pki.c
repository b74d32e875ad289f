/* The certificates are what was asked for. */
#include "lib/check.h"

#include "core/mem.h"
#include "sandbox/pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static X509 *read_cert(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(cert);
    return cert;
}

/* X509_V_OK or why not. */
static int verify(const struct pki *pki, const char *chain, int purpose)
{
    X509 *ca = read_cert(pki_ca(pki)), *cert = read_cert(chain);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, cert, NULL);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_verify_cert(context);
    int why = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(cert);
    X509_free(ca);
    return why;
}

static void certificates_verify_for_what_they_are_for_and_for_nothing_else(void **state)
{
    (void)state;
    static const struct {
        struct pki_request request;
        int as_server, as_client;
    } cases[] = {
        {{.name = "s", .sans = "DNS:localhost"}, X509_V_OK, X509_V_ERR_INVALID_PURPOSE},
        {{.name = "c", .client = true}, X509_V_ERR_INVALID_PURPOSE, X509_V_OK},
        {{.name = "s", .time = PKI_EXPIRED},
         X509_V_ERR_CERT_HAS_EXPIRED,
         X509_V_ERR_INVALID_PURPOSE},
        {{.name = "s", .time = PKI_TOO_SOON},
         X509_V_ERR_CERT_NOT_YET_VALID,
         X509_V_ERR_INVALID_PURPOSE},
    };
    struct pki *pki = pki_new("weir test CA", NULL), *other = pki_new("weir test CA", NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pki_cert cert;
        assert_int_equal(pki_issue(pki, &cases[i].request, &cert, NULL), WEIR_OK);
        assert_int_equal(verify(pki, cert.chain, X509_PURPOSE_SSL_SERVER), cases[i].as_server);
        assert_int_equal(verify(pki, cert.chain, X509_PURPOSE_SSL_CLIENT), cases[i].as_client);
        assert_int_not_equal(verify(other, cert.chain, X509_PURPOSE_SSL_SERVER), X509_V_OK);
        pki_cert_clear(&cert);
    }
    pki_free(pki);
    pki_free(other);
}

static void names_and_addresses_are_in_the_certificate(void **state)
{
    (void)state;
    struct pki *pki = pki_new("CA", NULL);
    struct pki_cert pem;
    struct pki_request request = {.name = "s", .sans = "DNS:a.example,IP:127.0.0.1,IP:::1"};
    assert_int_equal(pki_issue(pki, &request, &pem, NULL), WEIR_OK);
    X509 *cert = read_cert(pem.chain);
    assert_int_equal(X509_check_host(cert, "a.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "b.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.2", 0), 0);
    X509_free(cert);
    pki_cert_clear(&pem);
    pki_free(pki);
}

static void nonsense_for_a_name_is_refused(void **state)
{
    (void)state;
    struct pki *pki = pki_new("CA", NULL);
    struct pki_cert pem;
    struct pki_request request = {.name = "s", .sans = "IP:not an address"};
    weir_error err = {0};
    assert_int_equal(pki_issue(pki, &request, &pem, &err), WEIR_INVALID);
    assert_null(pem.chain);
    assert_true(err.message[0]);
    pki_free(pki);
}

static void files_are_written_and_nobody_else_may_read_them(void **state)
{
    (void)state;
    char dir[] = "/tmp/weir-pki-XXXXXX";
    char *ca;
    struct stat st;
    struct pki_cert pem;
    struct pki_paths paths;
    struct pki *pki = pki_new("CA", NULL);
    struct pki_request request = {.name = "s", .sans = "DNS:localhost"};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_issue(pki, &request, &pem, NULL), WEIR_OK);
    assert_int_equal(pki_write(&pem, dir, "server", &paths, NULL), WEIR_OK);
    assert_int_equal(pki_write_ca(pki, dir, &ca, NULL), WEIR_OK);
    assert_int_equal(stat(paths.key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, strlen(pem.key));
    weir_error err = {0};
    struct pki_paths none;
    assert_int_equal(pki_write(&pem, "/nowhere/at/all", "server", &none, &err), WEIR_STORE);
    assert_null(none.chain);
    unlink(paths.key);
    unlink(paths.chain);
    unlink(ca);
    assert_int_equal(rmdir(dir), 0);
    mem_free(ca);
    pki_paths_clear(&paths);
    pki_cert_clear(&pem);
    pki_free(pki);
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    struct pki_request request = {.name = "s"};
    weir_status status = WEIR_NO_MEMORY;
    for (long n = 1; status != WEIR_OK; n++) {
        struct pki_cert pem = {0};
        mem_fail_at(n);
        struct pki *pki = pki_new("CA", NULL);
        status = pki ? pki_issue(pki, &request, &pem, NULL) : WEIR_NO_MEMORY;
        assert_true(status == WEIR_OK || mem_failed());
        mem_fail_at(0);
        pki_cert_clear(&pem);
        pki_free(pki);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_verify_for_what_they_are_for_and_for_nothing_else),
        cmocka_unit_test(names_and_addresses_are_in_the_certificate),
        cmocka_unit_test(nonsense_for_a_name_is_refused),
        cmocka_unit_test(files_are_written_and_nobody_else_may_read_them),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
