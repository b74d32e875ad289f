/* Assertions: a header, claims, a signature, each in base64url (RFC 7515, 3.1). An ES256 signature
 * is r and s, 32 bytes each (RFC 7518, 3.4), where OpenSSL gives DER. */
#include "credentials/assertion.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/text.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define ASSERTION_MAX ((size_t)64 * 1024)
#define RSA_BITS_MIN  2048
#define P256_BYTES    32
#define JTI_BYTES     16

struct signer {
    EVP_PKEY *key;
    bool rsa;
};

/* Nobody is asked for a passphrase: a library must not read from a terminal. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static EVP_PKEY *read_key(const char *pem, size_t len, const char *what, weir_error *err)
{
    bool locked = false;
    if (len > INT32_MAX) {
        error_set(err, WEIR_INVALID, "%s: too large", what);
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &locked) : NULL;
    BIO_free(bio);
    if (key)
        return key;
    ERR_clear_error();
    if (!bio)
        error_no_memory(err);
    else if (locked)
        error_set(err, WEIR_INVALID,
                  "%s is locked by a passphrase: give one that is not (openssl pkey -in KEY)",
                  what);
    else
        error_set(err, WEIR_INVALID,
                  "%s holds no private key in PEM ('-----BEGIN PRIVATE KEY-----')", what);
    return NULL;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[64] = "";
    size_t len = 0;
    return EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

static weir_status check_kind(struct signer *signer, const char *what, weir_error *err)
{
    int kind = EVP_PKEY_get_base_id(signer->key);
    signer->rsa = kind == EVP_PKEY_RSA;
    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
        return error_set(err, WEIR_INVALID,
                         "%s is neither an RSA key nor one on the curve P-256: assertions are "
                         "signed with RS256 or ES256",
                         what);
    if (signer->rsa && EVP_PKEY_get_bits(signer->key) < RSA_BITS_MIN)
        return error_set(err, WEIR_INVALID,
                         "%s has %d bits; RS256 wants %d at least (RFC 7518, 3.3)", what,
                         EVP_PKEY_get_bits(signer->key), RSA_BITS_MIN);
    if (!signer->rsa && !is_p256(signer->key))
        return error_set(err, WEIR_INVALID, "%s is not on the curve P-256, which ES256 wants",
                         what);
    return WEIR_OK;
}

struct signer *signer_new(const char *pem, size_t len, const char *what, weir_error *err)
{
    struct signer *signer = mem_zalloc(sizeof *signer);
    if (!signer) {
        error_no_memory(err);
        return NULL;
    }
    signer->key = read_key(pem, len, what, err);
    if (signer->key && check_kind(signer, what, err) == WEIR_OK)
        return signer;
    signer_free(signer);
    return NULL;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    EVP_PKEY_free(signer->key); /* wipes it */
    mem_free(signer);
}

const char *signer_algorithm(const struct signer *signer)
{
    return signer->rsa ? "RS256" : "ES256";
}

/* Adds the base64url of a tree; takes it over. */
static bool add_part(struct buf *out, weir_json *tree)
{
    char *text = tree ? weir_json_text(tree) : NULL;
    weir_json_free(tree);
    if (!text)
        return false;
    base64url_add(out, text, strlen(text));
    mem_free(text);
    return !out->failed;
}

static bool add_claims(struct buf *out, const struct assertion *a, const struct clock *clock)
{
    unsigned char random[JTI_BYTES];
    struct buf jti = BUF_INIT(64);
    json_int_t now = (json_int_t)(clock_wall(clock) / NS_PER_S);
    clock_random_bytes(clock, random, sizeof random);
    base64url_add(&jti, random, sizeof random);
    bool good = !jti.failed && add_part(out, weir_json_pack(NULL, "{s:s, s:s, s:s, s:I, s:I, s:s}",
                                                            "iss", a->issuer, "sub", a->subject,
                                                            "aud", a->audience, "iat", now, "exp",
                                                            now + a->lifetime_s, "jti", jti.data));
    buf_free(&jti);
    return good;
}

/* DER to r and s. */
static bool add_p256(struct buf *out, const unsigned char *der, size_t len)
{
    unsigned char raw[2 * P256_BYTES];
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_BYTES) == P256_BYTES &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_BYTES, P256_BYTES) == P256_BYTES;
    ECDSA_SIG_free(sig);
    if (good)
        base64url_add(out, raw, sizeof raw);
    return good;
}

static bool add_signature(struct buf *out, const struct signer *signer)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *sig = NULL;
    size_t len = 0;
    bool good = context &&
                EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signer->key) == 1 &&
                EVP_DigestSign(context, NULL, &len, (const void *)out->data, out->len) == 1 &&
                (sig = mem_zalloc(len)) != NULL &&
                EVP_DigestSign(context, sig, &len, (const void *)out->data, out->len) == 1;
    buf_adds(out, ".");
    if (good && signer->rsa)
        base64url_add(out, sig, len);
    else if (good)
        good = add_p256(out, sig, len);
    EVP_MD_CTX_free(context);
    mem_free(sig);
    return good && !out->failed;
}

weir_status assertion_make(const struct signer *signer, const struct assertion *claims,
                           const struct clock *clock, struct secret **out, weir_error *err)
{
    struct buf jws = BUF_INIT(ASSERTION_MAX);
    weir_json *header = weir_json_pack(NULL, "{s:s, s:s, s:s*}", "alg", signer_algorithm(signer),
                                       "typ", "JWT", "kid", claims->key_id);
    bool good = add_part(&jws, header);
    buf_adds(&jws, ".");
    good = good && add_claims(&jws, claims, clock);
    good = good && !jws.failed && add_signature(&jws, signer);
    *out = good ? secret_new(jws.data, jws.len) : NULL;
    secret_wipe(jws.data, jws.len);
    buf_free(&jws);
    if (*out)
        return WEIR_OK;
    ERR_clear_error();
    return error_set(err, WEIR_NO_MEMORY, "out of memory, or too long a text in an assertion");
}
