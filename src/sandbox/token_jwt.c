#include "sandbox/token_jwt.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <string.h>

#define JWS_MAX ((size_t)64 * 1024)

static char *pem_text(EVP_PKEY *key)
{
    char *data = NULL, *copy = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        copy = len > 0 ? mem_dup(data, (size_t)len) : NULL;
    }
    BIO_free(bio);
    return copy;
}

jwt_key *jwt_key_make(char **private_pem, weir_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    *private_pem = key ? pem_text(key) : NULL;
    if (*private_pem)
        return key;
    EVP_PKEY_free(key);
    error_no_memory(err);
    return NULL;
}

jwt_key *jwt_key_read(const char *pem, weir_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    bio = key ? NULL : BIO_new_mem_buf(pem, -1);
    if (bio)
        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (!key)
        error_set(err, WEIR_INVALID, "the key for assertions is no public or private key in PEM");
    return key;
}

void jwt_key_free(jwt_key *key)
{
    EVP_PKEY_free(key);
}

/* A JWS's ES256 signature is r and s, 32 bytes each (RFC 7518, 3.4); OpenSSL wants DER. */
static unsigned char *ecdsa_der(const unsigned char *raw, size_t len, int *der_len)
{
    unsigned char *der = NULL;
    ECDSA_SIG *sig = len == 64 ? ECDSA_SIG_new() : NULL;
    BIGNUM *r = sig ? BN_bin2bn(raw, 32, NULL) : NULL;
    BIGNUM *s = sig ? BN_bin2bn(raw + 32, 32, NULL) : NULL;
    if (r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        *der_len = i2d_ECDSA_SIG(sig, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return der;
}

static bool verifies(EVP_PKEY *key, const char *text, size_t len, const void *sig, size_t sig_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, sig, sig_len, (const void *)text, len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool signed_by(EVP_PKEY *key, const char *algorithm, const char *text, size_t len,
                      const struct weir_bytes *sig)
{
    int der_len = 0;
    bool rsa = strcmp(algorithm, "RS256") == 0;
    if (EVP_PKEY_get_base_id(key) != (rsa ? EVP_PKEY_RSA : EVP_PKEY_EC))
        return false;
    if (rsa)
        return verifies(key, text, len, sig->data, sig->len);
    unsigned char *der = ecdsa_der(sig->data, sig->len, &der_len);
    bool good = der && der_len > 0 && verifies(key, text, len, der, (size_t)der_len);
    OPENSSL_free(der);
    return good;
}

static json_t *part(const char *text, size_t len, const char *what, weir_error *err)
{
    void *bytes = NULL;
    size_t bytes_len = 0;
    if (!base64_decode(text, len, true, &bytes, &bytes_len)) {
        error_set(err, WEIR_INVALID, "%s is not base64url", what);
        return NULL;
    }
    json_t *tree = json_parse(bytes, bytes_len, what, err);
    mem_free(bytes);
    if (tree && !json_is_object(tree)) {
        error_set(err, WEIR_INVALID, "%s is no JSON object", what);
        json_decref(tree);
        return NULL;
    }
    return tree;
}

static weir_status check_signature(const char *jws, const char *dot, const json_t *header,
                                   jwt_key *const *keys, size_t count, weir_error *err)
{
    void *raw = NULL;
    struct weir_bytes sig = {NULL, 0};
    bool good = false;
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    if (!algorithm || (strcmp(algorithm, "RS256") != 0 && strcmp(algorithm, "ES256") != 0))
        return error_set(err, WEIR_INVALID, "the assertion is not signed with RS256 or ES256");
    if (!base64_decode(dot + 1, strlen(dot + 1), true, &raw, &sig.len))
        return error_set(err, WEIR_INVALID, "the assertion's signature is not base64url");
    sig.data = raw;
    for (size_t i = 0; i < count && !good; i++)
        good = signed_by(keys[i], algorithm, jws, (size_t)(dot - jws), &sig);
    mem_free(raw);
    return good ? WEIR_OK
                : error_set(err, WEIR_UNTRUSTED, "the assertion's signature does not verify");
}

json_t *jwt_verify(const char *jws, jwt_key *const *keys, size_t count, weir_error *err)
{
    const char *first = strchr(jws, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strchr(second + 1, '.') || strlen(jws) > JWS_MAX) {
        error_set(err, WEIR_INVALID, "the assertion does not have three parts");
        return NULL;
    }
    json_t *header = part(jws, (size_t)(first - jws), "the assertion's header", err);
    json_t *claims = NULL;
    if (header && check_signature(jws, second, header, keys, count, err) == WEIR_OK)
        claims = part(first + 1, (size_t)(second - first - 1), "the assertion's claims", err);
    json_decref(header);
    return claims;
}

char *jwt_sign(const json_t *claims, const void *secret, size_t len)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    struct buf out = BUF_INIT(JWS_MAX);
    char *text = json_text(claims, true);
    base64url_add(&out, header, sizeof header - 1);
    buf_adds(&out, ".");
    if (text)
        base64url_add(&out, text, strlen(text));
    bool good = text && !out.failed &&
                HMAC(EVP_sha256(), secret, (int)len, (const void *)out.data, out.len, mac,
                     &mac_len) != NULL;
    mem_free(text);
    buf_adds(&out, ".");
    base64url_add(&out, mac, mac_len);
    if (good && !out.failed)
        return out.data;
    buf_free(&out);
    return NULL;
}
