/* What is posted: every grant, every way for a client to say who it is. */
#include "lib/check.h"
#include "lib/vclock.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/text.h"
#include "credentials/request.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URL "https://login.example/oauth/token"

static struct vclock virtual_clock;

static struct grant *grant_of(const weir_oauth2_options *o)
{
    weir_error err = {0};
    struct grant *grant = grant_new(o, &err);
    if (!grant)
        fail_msg("grant_new: %s", err.message);
    return grant;
}

static struct request request_of(const weir_oauth2_options *o)
{
    weir_error err = {0};
    struct request request;
    struct grant *grant = grant_of(o);
    vclock_init(&virtual_clock);
    virtual_clock.seed = 7;
    if (request_make(grant, NULL, &virtual_clock.clock, &request, &err) != WEIR_OK)
        fail_msg("request_make: %s", err.message);
    grant_free(grant);
    return request;
}

static void expect_body(const weir_oauth2_options *o, const char *type, const char *body)
{
    struct request request = request_of(o);
    assert_string_equal(secret_reveal(request.body), body);
    assert_string_equal(request.content_type, type);
    request_clear(&request);
}

#define FORM "application/x-www-form-urlencoded"

static void client_credentials_go_into_the_form(void **state)
{
    (void)state;
    expect_body(WEIR_OAUTH2(.token_url = URL, .client_id = "me", .client_secret = "s"), FORM,
                "grant_type=client_credentials&client_id=me&client_secret=s");
    expect_body(WEIR_OAUTH2(.token_url = URL, .client_id = "me", .client_secret = "s",
                            .scope = "a b", .audience = "zeebe.camunda.io",
                            .resource = "https://r"),
                FORM,
                "grant_type=client_credentials&client_id=me&client_secret=s&scope=a+b&"
                "audience=zeebe.camunda.io&resource=https%3A%2F%2Fr");
}

/* zbctl sends "scope=", which Entra ID refuses. */
static void what_is_not_set_is_not_sent(void **state)
{
    (void)state;
    expect_body(WEIR_OAUTH2(.token_url = URL, .client_id = "me", .client_secret = "s", .scope = "",
                            .audience = WEIR_OMIT, .resource = NULL),
                FORM, "grant_type=client_credentials&client_id=me&client_secret=s");
}

static void odd_characters_arrive_as_they_are(void **state)
{
    (void)state;
    expect_body(
        WEIR_OAUTH2(.token_url = URL, .client_id = "a+b c&d", .client_secret = "=%\xc3\xbc"), FORM,
        "grant_type=client_credentials&client_id=a%2Bb+c%26d&client_secret=%3D%25%C3%BC");
}

static void the_other_grants_bring_what_they_need(void **state)
{
    (void)state;
    expect_body(WEIR_OAUTH2(.grant = WEIR_GRANT_PASSWORD, .token_url = URL, .client_id = "me",
                            .username = "u@x", .password = "p w"),
                FORM, "grant_type=password&username=u%40x&password=p+w&client_id=me");
    expect_body(WEIR_OAUTH2(.grant = WEIR_GRANT_REFRESH_TOKEN, .token_url = URL, .client_id = "me",
                            .client_secret = "s", .refresh_token = "r1"),
                FORM, "grant_type=refresh_token&refresh_token=r1&client_id=me&client_secret=s");
}

static void further_parameters_follow(void **state)
{
    const weir_param params[] = {{"tenant", "a/b"}, {"empty", ""}, {NULL, NULL}};
    (void)state;
    expect_body(
        WEIR_OAUTH2(.token_url = URL, .client_id = "me", .client_secret = "s", .params = params),
        FORM, "grant_type=client_credentials&client_id=me&client_secret=s&tenant=a%2Fb&empty=");
}

static void json_is_one_document(void **state)
{
    (void)state;
    expect_body(WEIR_OAUTH2(.token_url = URL, .client_auth = WEIR_CLIENT_AUTH_JSON,
                            .client_id = "m\"e", .client_secret = "s\\\n", .audience = "a"),
                "application/json",
                "{\"grant_type\":\"client_credentials\",\"client_id\":\"m\\\"e\","
                "\"client_secret\":\"s\\\\\\u000a\",\"audience\":\"a\"}");
}

/* RFC 6749, 2.3.1: form-encoded first; certified servers refuse the raw form. */
static void basic_encodes_both_halves_and_keeps_them_out_of_the_body(void **state)
{
    struct request request = request_of(
        WEIR_OAUTH2(.token_url = URL, .client_auth = WEIR_CLIENT_AUTH_BASIC, .client_id = "a:b c",
                    .client_secret = "p%rc&nt+ sp=ce:\xc3\xbc/?\"'"));
    const char *line = secret_reveal(request.authorization);
    void *plain = NULL;
    size_t len = 0;
    (void)state;
    assert_string_equal(secret_reveal(request.body), "grant_type=client_credentials");
    assert_int_equal(strncmp(line, "Authorization: Basic ", 21), 0);
    assert_true(base64_decode(line + 21, strlen(line + 21), false, &plain, &len));
    assert_string_equal(plain, "a%3Ab+c:p%25rc%26nt%2B+sp%3Dce%3A%C3%BC%2F%3F%22%27");
    mem_free(plain);
    request_clear(&request);
}

static void the_newest_refresh_token_is_used(void **state)
{
    weir_error err = {0};
    struct request request;
    struct grant *grant = grant_of(WEIR_OAUTH2(.grant = WEIR_GRANT_REFRESH_TOKEN, .token_url = URL,
                                               .client_id = "me", .refresh_token = "old"));
    struct secret *rotated = secret_new("new", 3);
    (void)state;
    assert_int_equal(request_make(grant, rotated, &virtual_clock.clock, &request, &err), WEIR_OK);
    assert_string_equal(secret_reveal(request.body),
                        "grant_type=refresh_token&refresh_token=new&client_id=me");
    request_clear(&request);
    secret_free(rotated);
    grant_free(grant);
}

/* --- assertions --------------------------------------------------------------------------- */

static char *pem_of(EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL,
                                              0, NULL, (void *)(uintptr_t)passphrase),
                     1);
    long len = BIO_get_mem_data(bio, &data);
    char *copy = mem_dup(data, (size_t)len);
    BIO_free(bio);
    return copy;
}

/* A part of a JWS, decoded; mem_free(). */
static char *part(const char *jws, int n)
{
    for (; n > 0; n--)
        jws = strchr(jws, '.') + 1;
    void *out = NULL;
    size_t len = 0;
    assert_true(base64_decode(jws, strcspn(jws, "."), true, &out, &len));
    return out;
}

static bool verifies(const char *jws, EVP_PKEY *key, bool rsa)
{
    const char *dot = strrchr(jws, '.');
    void *raw = NULL;
    size_t len = 0;
    unsigned char *der = NULL;
    assert_true(base64_decode(dot + 1, strlen(dot + 1), true, &raw, &len));
    const unsigned char *sig = raw;
    if (!rsa) {
        ECDSA_SIG *both = ECDSA_SIG_new();
        assert_int_equal(len, 64);
        ECDSA_SIG_set0(both, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
        len = (size_t)i2d_ECDSA_SIG(both, &der);
        sig = der;
        ECDSA_SIG_free(both);
    }
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key), 1);
    bool good = EVP_DigestVerify(md, sig, len, (const void *)jws, (size_t)(dot - jws)) == 1;
    EVP_MD_CTX_free(md);
    OPENSSL_free(der);
    mem_free(raw);
    return good;
}

/* The value of a form's member; mem_free(). */
static char *member(const struct request *request, const char *name)
{
    char start[64];
    snprintf(start, sizeof start, "&%s=", name);
    const char *at = strstr(secret_reveal(request->body), start);
    if (!at)
        fail_msg("no %s in %s", name, secret_reveal(request->body));
    at += strlen(start);
    return mem_dup(at, strcspn(at, "&"));
}

static void check_claims(const char *jws, const char *subject)
{
    char *text = part(jws, 1);
    json_t *claims = json_parse(text, strlen(text), "claims", NULL);
    int64_t now = virtual_clock.wall / NS_PER_S;
    assert_string_equal(json_string_value(json_object_get(claims, "iss")), "me");
    assert_string_equal(json_string_value(json_object_get(claims, "sub")), subject);
    assert_string_equal(json_string_value(json_object_get(claims, "aud")), URL);
    assert_int_equal(json_integer_value(json_object_get(claims, "iat")), now);
    assert_in_range(json_integer_value(json_object_get(claims, "exp")), now + 60, now + 180);
    assert_int_equal(json_string_length(json_object_get(claims, "jti")), 22);
    json_decref(claims);
    mem_free(text);
}

static void private_key_jwt_with(EVP_PKEY *key, bool rsa)
{
    char *pem = pem_of(key, NULL);
    struct request request =
        request_of(WEIR_OAUTH2(.token_url = URL, .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT,
                               .client_id = "me", .private_key = pem, .key_id = "key-1"));
    char *type = member(&request, "client_assertion_type"),
         *jws = member(&request, "client_assertion");
    char *header = part(jws, 0);
    assert_string_equal(type, "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
    assert_true(verifies(jws, key, rsa));
    assert_string_equal(header, rsa ? "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"key-1\"}"
                                    : "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"key-1\"}");
    check_claims(jws, "me");
    assert_null(strstr(secret_reveal(request.body), "client_secret"));
    mem_free(header);
    mem_free(type);
    mem_free(jws);
    request_clear(&request);
    mem_free(pem);
    EVP_PKEY_free(key);
}

static void private_key_jwt_is_signed_with_either_kind_of_key(void **state)
{
    (void)state;
    private_key_jwt_with(EVP_RSA_gen(2048), true);
    for (int i = 0; i < 20; i++) /* r or s is sometimes short */
        private_key_jwt_with(EVP_EC_gen("P-256"), false);
}

static void jwt_bearer_speaks_for_the_user(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char *pem = pem_of(key, NULL);
    struct request request =
        request_of(WEIR_OAUTH2(.grant = WEIR_GRANT_JWT_BEARER, .token_url = URL, .client_id = "me",
                               .username = "user@x", .private_key = pem));
    (void)state;
    char *jws = member(&request, "assertion");
    assert_non_null(strstr(secret_reveal(request.body),
                           "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"));
    assert_true(verifies(jws, key, false));
    check_claims(jws, "user@x");
    mem_free(jws);
    request_clear(&request);
    mem_free(pem);
    EVP_PKEY_free(key);
}

static void every_assertion_is_another(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char *pem = pem_of(key, NULL);
    weir_error err = {0};
    struct request one, two;
    struct grant *grant =
        grant_of(WEIR_OAUTH2(.grant = WEIR_GRANT_JWT_BEARER, .token_url = URL, .client_id = "me",
                             .subject = "u", .private_key = pem));
    (void)state;
    assert_int_equal(request_make(grant, NULL, &virtual_clock.clock, &one, &err), WEIR_OK);
    assert_int_equal(request_make(grant, NULL, &virtual_clock.clock, &two, &err), WEIR_OK);
    char *first = member(&one, "assertion"), *second = member(&two, "assertion");
    char *claims = part(first, 1), *others = part(second, 1);
    assert_string_not_equal(strstr(claims, "jti"), strstr(others, "jti"));
    mem_free(claims);
    mem_free(others);
    mem_free(first);
    mem_free(second);
    request_clear(&one);
    request_clear(&two);
    grant_free(grant);
    mem_free(pem);
    EVP_PKEY_free(key);
}

/* --- what is refused ---------------------------------------------------------------------- */

static void refused(const weir_oauth2_options *o, weir_status status, const char *words)
{
    weir_error err = {0};
    struct grant *grant = grant_new(o, &err);
    if (grant && request_check(grant, &err) == WEIR_OK)
        fail_msg("accepted, although: %s", words);
    grant_free(grant);
    if (err.status != status || !strstr(err.message, words))
        fail_msg("wanted %s, got %s: %s", words, weir_status_name(err.status), err.message);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    refused(WEIR_OAUTH2(.client_id = "a"), WEIR_INVALID, "token_url is missing");
    refused(WEIR_OAUTH2(.token_url = URL), WEIR_INVALID, "client_id is missing");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a"), WEIR_INVALID,
            "client_secret is missing; the grant CLIENT_CREDENTIALS");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .grant = WEIR_GRANT_PASSWORD),
            WEIR_INVALID, "username is missing");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .grant = WEIR_GRANT_PASSWORD,
                        .username = "u"),
            WEIR_INVALID, "password is missing");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .grant = WEIR_GRANT_REFRESH_TOKEN),
            WEIR_INVALID, "refresh_token is missing");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .grant = WEIR_GRANT_JWT_BEARER),
            WEIR_INVALID, "subject (or username) is missing");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .grant = WEIR_GRANT_JWT_BEARER,
                        .subject = "u"),
            WEIR_INVALID, "private_key or private_key_file is missing");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a",
                        .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT),
            WEIR_INVALID, "client_auth PRIVATE_KEY_JWT");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .grant = WEIR_GRANT_PASSWORD,
                        .username = "u", .password = "p", .client_auth = WEIR_CLIENT_AUTH_BASIC),
            WEIR_INVALID, "client_auth BASIC");
}

static void secrets_go_in_plaintext_to_this_machine_only(void **state)
{
    static const char *const local[] = {"http://localhost/t", "http://127.0.0.1:8080/t",
                                        "http://127.9.9.9/t", "http://[::1]:1/t"};
    (void)state;
    for (size_t i = 0; i < COUNT(local); i++)
        grant_free(
            grant_of(WEIR_OAUTH2(.token_url = local[i], .client_id = "a", .client_secret = "s")));
    refused(
        WEIR_OAUTH2(.token_url = "http://login.example/t", .client_id = "a", .client_secret = "s"),
        WEIR_UNSUPPORTED, "allow_plaintext");
    refused(WEIR_OAUTH2(.token_url = "http://localhost.example/t", .client_id = "a",
                        .client_secret = "s"),
            WEIR_UNSUPPORTED, "plaintext to 'localhost.example'");
    grant_free(grant_of(WEIR_OAUTH2(.token_url = "http://login.example/t", .client_id = "a",
                                    .client_secret = "s", .allow_plaintext = true)));
}

static void secrets_go_in_plaintext_to_no_proxy_elsewhere(void **state)
{
    (void)state;
    refused(WEIR_OAUTH2(.token_url = "http://127.0.0.1/t", .client_id = "a", .client_secret = "s",
                        .proxy = "http://proxy.example:3128"),
            WEIR_UNSUPPORTED, "the proxy 'proxy.example'");
    grant_free(grant_of(WEIR_OAUTH2(.token_url = "http://127.0.0.1/t", .client_id = "a",
                                    .client_secret = "s", .proxy = "http://127.0.0.1:3128")));
    grant_free(grant_of(WEIR_OAUTH2(.token_url = "https://login.example/t", .client_id = "a",
                                    .client_secret = "s", .proxy = "http://proxy.example:3128")));
}

static void a_url_that_is_none_is_refused(void **state)
{
    (void)state;
    refused(WEIR_OAUTH2(.token_url = "login.example", .client_id = "a"), WEIR_INVALID, "token_url");
    refused(WEIR_OAUTH2(.token_url = "ftp://login.example/", .client_id = "a"), WEIR_INVALID,
            "neither https nor http");
    refused(WEIR_OAUTH2(.token_url = "https://u:sesame@login.example/", .client_id = "a"),
            WEIR_INVALID, "credentials go into client_id");
}

static void a_parameter_given_twice_is_named(void **state)
{
    const weir_param scope[] = {{"scope", "b"}, {NULL, NULL}};
    const weir_param grant[] = {{"grant_type", "x"}, {NULL, NULL}};
    const weir_param twice[] = {{"x", "1"}, {"x", "1"}, {NULL, NULL}};
    const weir_param nothing[] = {{"", "1"}, {NULL, NULL}}, novalue[] = {{"x", NULL}, {NULL, NULL}};
    (void)state;
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .scope = "a",
                        .params = scope),
            WEIR_INVALID, "'scope' is given twice");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .params = grant),
            WEIR_INVALID, "'grant_type' is given twice");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .params = twice),
            WEIR_INVALID, "'x' is given twice");
    refused(
        WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .params = nothing),
        WEIR_INVALID, "has no name");
    refused(
        WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .params = novalue),
        WEIR_INVALID, "'x' has no value");
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .leeway_s = -1),
            WEIR_INVALID, "leeway_s -1");
    refused(
        WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s", .expires_in_s = -1),
        WEIR_INVALID, "expires_in_s -1");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a", .client_secret = "s",
                        .grant = (weir_grant)9),
            WEIR_INVALID, "grant 9");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a\xff", .client_secret = "s"), WEIR_INVALID,
            "client_id is not UTF-8");
}

static void refused_key(EVP_PKEY *key, const char *passphrase, const char *words)
{
    char *pem = pem_of(key, passphrase);
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a",
                        .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT, .private_key = pem),
            WEIR_INVALID, words);
    mem_free(pem);
    EVP_PKEY_free(key);
}

static void keys_that_cannot_sign_are_refused(void **state)
{
    (void)state;
    refused_key(EVP_RSA_gen(1024), NULL, "1024 bits");
    refused_key(EVP_EC_gen("P-384"), NULL, "not on the curve P-256");
    refused_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "neither an RSA key");
    refused_key(EVP_EC_gen("P-256"), "open sesame", "locked by a passphrase");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a",
                        .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT, .private_key = "no key"),
            WEIR_INVALID, "private_key holds no private key in PEM");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a",
                        .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT,
                        .private_key_file = "/no/such/key.pem"),
            WEIR_STORE, "/no/such/key.pem");
    refused(WEIR_OAUTH2(.token_url = URL, .client_id = "a",
                        .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT, .private_key = "x",
                        .private_key_file = "y"),
            WEIR_INVALID, "give one");
}

static void a_key_file_is_read_once(void **state)
{
    char path[] = "/tmp/weir-key-XXXXXX";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char *pem = pem_of(key, NULL);
    int fd = mkstemp(path);
    (void)state;
    assert_int_equal(write(fd, pem, strlen(pem)), strlen(pem));
    close(fd);
    struct grant *grant = grant_of(WEIR_OAUTH2(.token_url = URL, .client_id = "a",
                                               .client_auth = WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT,
                                               .private_key_file = path));
    unlink(path);
    struct request request;
    assert_int_equal(request_make(grant, NULL, &virtual_clock.clock, &request, NULL), WEIR_OK);
    request_clear(&request);
    grant_free(grant);
    mem_free(pem);
    EVP_PKEY_free(key);
}

static void secrets_in_a_servers_words_become_stars(void **state)
{
    char text[] = "you sent sesame-street and sesame-street with hunter22, not sesame";
    struct grant *grant = grant_of(WEIR_OAUTH2(.token_url = URL, .grant = WEIR_GRANT_PASSWORD,
                                               .client_id = "a", .client_secret = "sesame-street",
                                               .username = "u", .password = "hunter22"));
    (void)state;
    grant_redact(grant, text);
    assert_string_equal(text, "you sent *** and *** with ***, not sesame");
    grant_free(grant);
}

static void the_url_in_errors_has_no_query(void **state)
{
    struct grant *grant =
        grant_of(WEIR_OAUTH2(.token_url = "https://[2001:db8::1]:8443/t?key=sesame#x",
                             .client_id = "a", .client_secret = "s"));
    (void)state;
    assert_string_equal(grant->what, "fetching a token from https://[2001:db8::1]:8443/t");
    grant_free(grant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_credentials_go_into_the_form),
        cmocka_unit_test(what_is_not_set_is_not_sent),
        cmocka_unit_test(odd_characters_arrive_as_they_are),
        cmocka_unit_test(the_other_grants_bring_what_they_need),
        cmocka_unit_test(further_parameters_follow),
        cmocka_unit_test(json_is_one_document),
        cmocka_unit_test(basic_encodes_both_halves_and_keeps_them_out_of_the_body),
        cmocka_unit_test(the_newest_refresh_token_is_used),
        cmocka_unit_test(private_key_jwt_is_signed_with_either_kind_of_key),
        cmocka_unit_test(jwt_bearer_speaks_for_the_user),
        cmocka_unit_test(every_assertion_is_another),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(secrets_go_in_plaintext_to_this_machine_only),
        cmocka_unit_test(secrets_go_in_plaintext_to_no_proxy_elsewhere),
        cmocka_unit_test(a_url_that_is_none_is_refused),
        cmocka_unit_test(a_parameter_given_twice_is_named),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(keys_that_cannot_sign_are_refused),
        cmocka_unit_test(a_key_file_is_read_once),
        cmocka_unit_test(secrets_in_a_servers_words_become_stars),
        cmocka_unit_test(the_url_in_errors_has_no_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
