/* TLS settings of a client: what is broken is named when it is opened. */
#include "lib/check.h"

#include "core/mem.h"
#include "http/http_private.h"
#include "sandbox/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/weir-http-trust-XXXXXX";
static struct pki *pki;
static struct pki_cert one, two;
static struct pki_paths files;
static char *ca_file;

static int make(void **state)
{
    (void)state;
    const struct pki_request request = {.name = "c", .client = true};
    pki = pki_new("weir tests", NULL);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_issue(pki, &request, &one, NULL), WEIR_OK);
    assert_int_equal(pki_issue(pki, &request, &two, NULL), WEIR_OK);
    assert_int_equal(pki_write(&one, dir, "c", &files, NULL), WEIR_OK);
    assert_int_equal(pki_write_ca(pki, dir, &ca_file, NULL), WEIR_OK);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    unlink(files.chain);
    unlink(files.key);
    unlink(ca_file);
    pki_paths_clear(&files);
    mem_free(ca_file);
    pki_cert_clear(&one);
    pki_cert_clear(&two);
    pki_free(pki);
    return rmdir(dir);
}

static void refused(const weir_tls_options *options, weir_status status, const char *words)
{
    weir_error err = {0};
    struct http *http = http_open(&(struct http_options){.tls = options}, &err);
    assert_null(http);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, words))
        fail_msg("'%s' is not in: %s", words, err.message);
}

static void what_is_broken_is_named(void **state)
{
    (void)state;
    refused(WEIR_TLS(.root_certificates = "gibberish"), WEIR_INVALID, "tls.root_certificates");
    refused(WEIR_TLS(.root_certificates_file = "/nowhere/ca.pem"), WEIR_STORE, "/nowhere/ca.pem");
    refused(WEIR_TLS(.root_certificates_file = files.key), WEIR_INVALID, files.key);
    refused(WEIR_TLS(.private_key = "gibberish", .certificate_chain = one.chain), WEIR_INVALID,
            "tls.private_key");
    refused(WEIR_TLS(.private_key = one.key, .certificate_chain = two.chain), WEIR_INVALID,
            "does not belong");
    refused(WEIR_TLS(.certificate_chain = one.chain), WEIR_INVALID, "without tls.private_key");
    refused(WEIR_TLS(.private_key = one.key), WEIR_INVALID, "tls.certificate_chain");
    refused(WEIR_TLS(.private_key_file = files.chain, .certificate_chain = one.chain), WEIR_INVALID,
            files.chain);
}

static void files_and_texts_are_the_same(void **state)
{
    (void)state;
    struct trust t;
    const weir_tls_options *given =
        WEIR_TLS(.root_certificates_file = ca_file, .private_key_file = files.key,
                 .certificate_chain_file = files.chain);
    assert_int_equal(trust_read(&t, given, NULL), WEIR_OK);
    assert_string_equal(t.roots, pki_ca(pki));
    assert_string_equal(t.key, one.key);
    assert_string_equal(t.chain, one.chain);
    trust_clear(&t);
}

static void a_file_may_be_a_pipe(void **state)
{
    (void)state;
    int ends[2];
    char name[32];
    struct trust t;
    assert_int_equal(pipe(ends), 0);
    size_t len = strlen(pki_ca(pki));
    assert_int_equal(write(ends[1], pki_ca(pki), len), len);
    close(ends[1]);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(trust_read(&t, WEIR_TLS(.root_certificates_file = name), NULL), WEIR_OK);
    assert_string_equal(t.roots, pki_ca(pki));
    trust_clear(&t);
    close(ends[0]);
}

static void a_certificate_may_stand_with_its_key(void **state)
{
    (void)state;
    static char both[16384];
    struct trust t;
    snprintf(both, sizeof both, "%s%s", one.key, one.chain);
    assert_int_equal(trust_read(&t, WEIR_TLS(.private_key = both), NULL), WEIR_OK);
    assert_string_equal(t.chain, both);
    trust_clear(&t);
}

static void openssls_variables_hold_unless_roots_are_given(void **state)
{
    (void)state;
    struct trust t;
    setenv("SSL_CERT_FILE", "/some/file", 1);
    setenv("SSL_CERT_DIR", "/some/dir", 1);
    assert_int_equal(trust_read(&t, NULL, NULL), WEIR_OK);
    assert_string_equal(t.file, "/some/file");
    assert_string_equal(t.dir, "/some/dir");
    trust_clear(&t);
    assert_int_equal(trust_read(&t, WEIR_TLS(.root_certificates = pki_ca(pki)), NULL), WEIR_OK);
    assert_null(t.file);
    assert_null(t.dir);
    trust_clear(&t);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

static void a_broken_proxy_is_refused_when_the_client_is_opened(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_null(http_open(&(struct http_options){.proxy = "socks5://p:s3cret@h"}, &err));
    assert_int_equal(err.status, WEIR_INVALID);
    assert_null(strstr(err.message, "s3cret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_broken_is_named),
        cmocka_unit_test(files_and_texts_are_the_same),
        cmocka_unit_test(a_file_may_be_a_pipe),
        cmocka_unit_test(a_certificate_may_stand_with_its_key),
        cmocka_unit_test(openssls_variables_hold_unless_roots_are_given),
        cmocka_unit_test(a_broken_proxy_is_refused_when_the_client_is_opened),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
