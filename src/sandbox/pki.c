/* Certificates on the spot, with OpenSSL's own API. Nothing here is kept: each start makes a new
 * authority, so that nobody is tempted to trust one. */
#include "sandbox/pki.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define HOUR (60L * 60)
#define DAY  (24 * HOUR)

struct pki {
    EVP_PKEY *key;
    X509 *cert;
    char *pem;
};

struct draft { /* what a certificate is made of */
    const char *name;
    const char *sans;
    const char *usage;  /* extended key usage; NULL: a CA */
    const X509 *issuer; /* NULL: itself */
    EVP_PKEY *key;      /* its own */
    EVP_PKEY *signer;
    long from_s, until_s; /* from now */
};

static weir_status fail(weir_error *err, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    if (!ERR_peek_last_error()) /* it was not OpenSSL */
        return error_no_memory(err);
    error_set(err, WEIR_INVALID, "%s cannot be made: %s", what, why ? why : "OpenSSL says no more");
    ERR_clear_error();
    return WEIR_INVALID;
}

static bool extend(X509 *cert, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, (X509 *)(uintptr_t)(issuer ? issuer : cert), cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool set_times(X509 *cert, const struct draft *d)
{
    time_t now = (time_t)(clock_wall(clock_system()) / NS_PER_S);
    return X509_time_adj_ex(X509_getm_notBefore(cert), 0, d->from_s, &now) &&
           X509_time_adj_ex(X509_getm_notAfter(cert), 0, d->until_s, &now);
}

static bool set_names(X509 *cert, const struct draft *d)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)d->name,
                                      -1, -1, 0) &&
           X509_set_issuer_name(cert, d->issuer ? X509_get_subject_name(d->issuer) : subject);
}

static bool set_serial(X509 *cert)
{
    uint64_t serial;
    clock_random_bytes(clock_system(), &serial, sizeof serial);
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1;
}

static bool set_extensions(X509 *cert, const struct draft *d)
{
    if (!d->usage)
        return extend(cert, NULL, NID_basic_constraints, "critical,CA:TRUE") &&
               extend(cert, NULL, NID_key_usage, "critical,keyCertSign,cRLSign") &&
               extend(cert, NULL, NID_subject_key_identifier, "hash");
    return extend(cert, d->issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(cert, d->issuer, NID_key_usage, "critical,digitalSignature") &&
           extend(cert, d->issuer, NID_ext_key_usage, d->usage) &&
           extend(cert, d->issuer, NID_authority_key_identifier, "keyid") &&
           (!d->sans || extend(cert, d->issuer, NID_subject_alt_name, d->sans));
}

static X509 *sign(const struct draft *d)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) && set_times(cert, d) &&
        X509_set_pubkey(cert, d->key) && set_names(cert, d) && set_extensions(cert, d) &&
        X509_sign(cert, d->signer, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static char *take_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    return len > 0 ? mem_dup(data, (size_t)len) : NULL;
}

static char *chain_text(X509 *cert, X509 *issuer)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio && PEM_write_bio_X509(bio, cert) == 1 &&
                (!issuer || PEM_write_bio_X509(bio, issuer) == 1);
    char *text = done ? take_text(bio) : NULL;
    BIO_free(bio);
    return text;
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    char *text = done ? take_text(bio) : NULL;
    BIO_free(bio);
    return text;
}

struct pki *pki_new(const char *name, weir_error *err)
{
    struct pki *pki = mem_zalloc(sizeof *pki);
    if (!pki) {
        error_no_memory(err);
        return NULL;
    }
    pki->key = EVP_EC_gen("P-256");
    struct draft draft = {
        .name = name, .key = pki->key, .signer = pki->key, .from_s = -2 * DAY, .until_s = 30 * DAY};
    pki->cert = pki->key ? sign(&draft) : NULL;
    pki->pem = pki->cert ? chain_text(pki->cert, NULL) : NULL;
    if (pki->pem)
        return pki;
    fail(err, "a certificate authority");
    pki_free(pki);
    return NULL;
}

const char *pki_ca(const struct pki *pki)
{
    return pki->pem;
}

void pki_free(struct pki *pki)
{
    if (!pki)
        return;
    EVP_PKEY_free(pki->key);
    X509_free(pki->cert);
    mem_free(pki->pem);
    mem_free(pki);
}

weir_status pki_issue(const struct pki *pki, const struct pki_request *request,
                      struct pki_cert *out, weir_error *err)
{
    static const long times[][2] = {
        [PKI_VALID] = {-HOUR, 30 * DAY},
        [PKI_EXPIRED] = {-DAY, -HOUR},
        [PKI_TOO_SOON] = {DAY, 30 * DAY},
    };
    *out = (struct pki_cert){0};
    struct draft draft = {.name = request->name,
                          .sans = request->sans,
                          .usage = request->client ? "clientAuth" : "serverAuth",
                          .issuer = pki->cert,
                          .key = EVP_EC_gen("P-256"),
                          .signer = pki->key,
                          .from_s = times[request->time][0],
                          .until_s = times[request->time][1]};
    X509 *cert = draft.key ? sign(&draft) : NULL;
    if (cert) {
        out->chain = chain_text(cert, pki->cert);
        out->key = key_text(draft.key);
    }
    X509_free(cert);
    EVP_PKEY_free(draft.key);
    if (out->chain && out->key)
        return error_ok(err);
    pki_cert_clear(out);
    return fail(err, "a certificate");
}

void pki_cert_clear(struct pki_cert *cert)
{
    mem_free(cert->chain);
    secret_free_text(cert->key);
    *cert = (struct pki_cert){0};
}

static weir_status write_one(const char *dir, const char *name, const char *text, char **path,
                             weir_error *err)
{
    struct buf file = BUF_INIT(4096);
    buf_addf(&file, "%s/%s.pem", dir, name);
    weir_status status = buf_finish(&file, err);
    if (status == WEIR_OK)
        status = file_replace(file.data, text, strlen(text), 0600, "the certificate", err);
    if (status == WEIR_OK)
        *path = file.data;
    else
        buf_free(&file);
    return status;
}

weir_status pki_write(const struct pki_cert *cert, const char *dir, const char *name,
                      struct pki_paths *out, weir_error *err)
{
    struct buf key_name = BUF_INIT(256);
    *out = (struct pki_paths){0};
    buf_addf(&key_name, "%s-key", name);
    weir_status status = buf_finish(&key_name, err);
    if (status == WEIR_OK)
        status = write_one(dir, name, cert->chain, &out->chain, err);
    if (status == WEIR_OK)
        status = write_one(dir, key_name.data, cert->key, &out->key, err);
    buf_free(&key_name);
    if (status != WEIR_OK)
        pki_paths_clear(out);
    return status;
}

void pki_paths_clear(struct pki_paths *paths)
{
    mem_free(paths->chain);
    mem_free(paths->key);
    *paths = (struct pki_paths){0};
}

weir_status pki_write_ca(const struct pki *pki, const char *dir, char **path, weir_error *err)
{
    *path = NULL;
    return write_one(dir, "ca", pki->pem, path, err);
}
