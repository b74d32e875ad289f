/* TLS settings: what is missing, wrong or does not fit is named, and nobody is asked for a
 * password. */
#include "lib/check.h"

#include "io/tls.h"
#include "sandbox/pki.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pki *pki;
static struct pki_cert one, two;
static char both[8192], locked[4096], broken[8192];

static int make(void **state)
{
    (void)state;
    struct pki_request request = {.name = "c", .client = true};
    pki = pki_new("weir tests", NULL);
    assert_int_equal(pki_issue(pki, &request, &one, NULL), WEIR_OK);
    assert_int_equal(pki_issue(pki, &request, &two, NULL), WEIR_OK);
    snprintf(both, sizeof both, "%s%s", one.key, one.chain);
    snprintf(broken, sizeof broken, "%s-----BEGIN CERTIFICATE-----\nMIIB\n%s", one.chain,
             "-----END CERTIFICATE-----\n");
    BIO *in = BIO_new_mem_buf(one.key, -1), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), "p4ssphrase", 10, NULL, NULL);
    BIO_read(out, locked, sizeof locked - 1);
    EVP_PKEY_free(key);
    BIO_free(in);
    BIO_free(out);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    pki_cert_clear(&one);
    pki_cert_clear(&two);
    pki_free(pki);
    return 0;
}

static void settings_that_fit_are_taken(void **state)
{
    (void)state;
    const weir_tls_options *good[] = {
        NULL,
        WEIR_TLS(.root_certificates = pki_ca(pki)),
        WEIR_TLS(.private_key = one.key, .certificate_chain = one.chain),
        WEIR_TLS(.private_key = both),
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        weir_error err = {0};
        struct tls *tls = tls_client(good[i], "h2", &err);
        assert_string_equal(err.message, "");
        assert_non_null(tls);
        assert_ptr_equal(tls_ref(tls), tls);
        tls_free(tls);
        tls_free(tls);
    }
    tls_free(NULL);
}

static void settings_that_do_not_fit_are_named(void **state)
{
    (void)state;
    const struct {
        const weir_tls_options *options;
        weir_status status;
        const char *words;
    } bad[] = {
        {WEIR_TLS(.root_certificates = "no PEM"), WEIR_INVALID, "tls.root_certificates"},
        {WEIR_TLS(.root_certificates = broken), WEIR_INVALID, "number 3 in it is broken"},
        {WEIR_TLS(.root_certificates_file = "/no/such/ca.pem"), WEIR_STORE, "/no/such/ca.pem"},
        {WEIR_TLS(.root_certificates_file = "/dev/null"), WEIR_INVALID, "/dev/null"},
        {WEIR_TLS(.certificate_chain = one.chain), WEIR_INVALID, "without tls.private_key"},
        {WEIR_TLS(.private_key = one.key), WEIR_INVALID, "without tls.certificate_chain"},
        {WEIR_TLS(.private_key = two.key, .certificate_chain = one.chain), WEIR_INVALID,
         "does not belong"},
        {WEIR_TLS(.private_key = locked, .certificate_chain = one.chain), WEIR_INVALID,
         "encrypted"},
        {WEIR_TLS(.private_key = "no PEM", .certificate_chain = one.chain), WEIR_INVALID,
         "tls.private_key"},
        {WEIR_TLS(.private_key = one.key, .certificate_chain = "no PEM"), WEIR_INVALID,
         "tls.certificate_chain"},
        {WEIR_TLS(.private_key = one.key, .certificate_chain = broken), WEIR_INVALID, "broken"},
        {WEIR_TLS(.private_key_file = "/no/such/key.pem"), WEIR_STORE, "/no/such/key.pem"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        weir_error err = {0};
        assert_null(tls_client(bad[i].options, "h2", &err));
        if (err.status != bad[i].status || !strstr(err.message, bad[i].words))
            fail_msg("case %zu: %s '%s'", i, weir_status_name(err.status), err.message);
        assert_null(strstr(err.message, "PRIVATE KEY"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_fit_are_taken),
        cmocka_unit_test(settings_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
