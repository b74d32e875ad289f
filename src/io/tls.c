/* TLS settings: one SSL_CTX, made once, shared by all connections of a channel.
 *
 * Verification of servers is on and stays on. PEM text and PEM files take the same way: text in a
 * memory BIO. A password callback that has no password keeps OpenSSL from asking on the terminal.
 */
#include "io/tls.h"

#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"
#include "io/tls_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct pem {
    char name[192]; /* of the option, and its file, for errors */
    char *text;
    size_t len;
};

static int no_password(char *out, int size, int writing, void *user)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)user = true;
    return -1;
}

/* The text of an option or of its file. text NULL: neither is set. */
static weir_status read_pem(struct pem *out, const char *text, const char *file, const char *name,
                            weir_error *err)
{
    text = options_text(text);
    bool from_file = !text && options_text(file);
    *out = (struct pem){0};
    (void)snprintf(out->name, sizeof out->name, "%s%s%s", name, from_file ? " " : "",
                   from_file ? file : "");
    if (text) {
        out->len = strlen(text);
        out->text = mem_dup(text, out->len);
        return out->text ? WEIR_OK : error_no_memory(err);
    }
    if (!from_file)
        return WEIR_OK;
    return file_read(file, (size_t)LIMIT_KEY_FILE, name, &out->text, &out->len, err);
}

static void free_pem(struct pem *pem)
{
    if (pem->text)
        secret_wipe(pem->text, pem->len);
    mem_free(pem->text);
    pem->text = NULL;
}

/* After the last certificate that could be read: whether there was just no more. */
static bool at_end(void)
{
    unsigned long why = ERR_peek_last_error();
    bool end = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return end;
}

static weir_status broken(const struct pem *pem, size_t count, weir_error *err)
{
    return error_set(err, WEIR_INVALID, "%s: certificate number %zu in it is broken", pem->name,
                     count + 1);
}

static weir_status add_roots(SSL_CTX *ctx, const struct pem *pem, weir_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem->text, (int)pem->len);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    size_t count = 0;
    X509 *cert;
    ERR_clear_error();
    while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        X509_STORE_add_cert(store, cert);
        X509_free(cert);
        count++;
    }
    BIO_free(bio);
    if (!at_end())
        return broken(pem, count, err);
    return count ? WEIR_OK
                 : error_set(err, WEIR_INVALID, "%s: no PEM certificate in it", pem->name);
}

static weir_status use_chain(SSL_CTX *ctx, const struct pem *pem, weir_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem->text, (int)pem->len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool used = cert && SSL_CTX_use_certificate(ctx, cert) == 1;
    size_t count = used;
    X509_free(cert);
    ERR_clear_error();
    while (used && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        if (SSL_CTX_add0_chain_cert(ctx, cert) != 1)
            X509_free(cert);
        count++;
    }
    BIO_free(bio);
    if (used && !at_end())
        return broken(pem, count, err);
    ERR_clear_error();
    return used ? WEIR_OK
                : error_set(err, WEIR_INVALID, "%s: no usable PEM certificate in it", pem->name);
}

static weir_status use_key(SSL_CTX *ctx, const struct pem *pem, weir_error *err)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(pem->text, (int)pem->len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!key && asked)
        return error_set(
            err, WEIR_INVALID,
            "%s: the private key is encrypted; give it decrypted (openssl pkey -in KEY -out PLAIN)",
            pem->name);
    if (!key)
        return error_set(err, WEIR_INVALID, "%s: no PEM private key in it", pem->name);
    bool used = SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (used && SSL_CTX_check_private_key(ctx) == 1)
        return WEIR_OK;
    ERR_clear_error();
    return error_set(err, WEIR_INVALID, "%s: the private key does not belong to the certificate",
                     pem->name);
}

static bool has_certificate(const struct pem *pem)
{
    return pem->text && strstr(pem->text, "-----BEGIN CERTIFICATE-----");
}

static weir_status use_identity(SSL_CTX *ctx, const struct pem *key, const struct pem *chain,
                                weir_error *err)
{
    if (!key->text && !chain->text)
        return WEIR_OK;
    if (!key->text)
        return error_set(err, WEIR_INVALID,
                         "a certificate chain without tls.private_key or tls.private_key_file");
    if (!chain->text && !has_certificate(key))
        return error_set(
            err, WEIR_INVALID,
            "a private key without tls.certificate_chain, and no certificate in the same PEM");
    weir_status status = use_chain(ctx, chain->text ? chain : key, err);
    return status == WEIR_OK ? use_key(ctx, key, err) : status;
}

static weir_status identity(SSL_CTX *ctx, const weir_tls_options *o, weir_error *err)
{
    struct pem key = {0}, chain = {0};
    weir_status status = read_pem(&key, o->private_key, o->private_key_file,
                                  "the private key (tls.private_key)", err);
    if (status == WEIR_OK)
        status = read_pem(&chain, o->certificate_chain, o->certificate_chain_file,
                          "the certificate chain (tls.certificate_chain)", err);
    if (status == WEIR_OK)
        status = use_identity(ctx, &key, &chain, err);
    free_pem(&key);
    free_pem(&chain);
    return status;
}

static weir_status roots(SSL_CTX *ctx, const weir_tls_options *o, weir_error *err)
{
    struct pem pem;
    weir_status status = read_pem(&pem, o->root_certificates, o->root_certificates_file,
                                  "the root certificates (tls.root_certificates)", err);
    if (status == WEIR_OK && pem.text)
        status = add_roots(ctx, &pem, err);
    else if (status == WEIR_OK)
        SSL_CTX_set_default_verify_paths(ctx);
    free_pem(&pem);
    return status;
}

static struct tls *make(const SSL_METHOD *method, const char *alpn, weir_error *err)
{
    struct tls *tls = mem_zalloc(sizeof *tls);
    SSL_CTX *ctx = tls ? SSL_CTX_new(method) : NULL;
    if (!ctx) {
        mem_free(tls);
        error_no_memory(err);
        return NULL;
    }
    atomic_init(&tls->refs, 1);
    tls->ctx = ctx;
    tls->h2 = alpn != NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE); /* buffers stay: few connections */
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    return tls;
}

struct tls *tls_client(const weir_tls_options *options, const char *alpn, weir_error *err)
{
    weir_tls_options o;
    if (options_read(&o, sizeof o, options, "WEIR_TLS", err) != WEIR_OK)
        return NULL;
    struct tls *tls = make(TLS_client_method(), alpn, err);
    if (!tls)
        return NULL;
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    if (alpn)
        SSL_CTX_set_alpn_protos(tls->ctx, (const unsigned char *)"\2h2", 3);
    if (roots(tls->ctx, &o, err) == WEIR_OK && identity(tls->ctx, &o, err) == WEIR_OK)
        return tls;
    tls_free(tls);
    return NULL;
}

static int select_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned in_len, void *user)
{
    static const unsigned char h2[] = "\2h2";
    unsigned char *picked;
    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&picked, out_len, h2, 3, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = picked;
    return SSL_TLSEXT_ERR_OK;
}

struct tls *tls_server(const char *cert_file, const char *key_file, const char *client_ca_file,
                       const char *alpn, weir_error *err)
{
    struct tls *tls = make(TLS_server_method(), alpn, err);
    if (!tls)
        return NULL;
    weir_tls_options o = {.certificate_chain_file = cert_file,
                          .private_key_file = key_file,
                          .root_certificates_file = client_ca_file};
    weir_status status = identity(tls->ctx, &o, err);
    if (status == WEIR_OK && client_ca_file) {
        status = roots(tls->ctx, &o, err);
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_client_CA_list(tls->ctx, SSL_load_client_CA_file(client_ca_file));
    }
    if (alpn)
        SSL_CTX_set_alpn_select_cb(tls->ctx, select_h2, NULL);
    if (status == WEIR_OK)
        return tls;
    tls_free(tls);
    return NULL;
}

struct tls *tls_ref(struct tls *tls)
{
    if (tls)
        atomic_fetch_add(&tls->refs, 1);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->refs, 1) != 1)
        return;
    SSL_CTX_free(tls->ctx);
    mem_free(tls);
}
