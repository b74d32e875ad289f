/* Salesforce's token endpoint, with a virtual clock. */
#include "lib/check.h"
#include "lib/vclock.h"

#include "core/json.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "sandbox/token_jwt.h"
#include "sandbox/token_salesforce.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define BASE   "http://localhost:4000"
#define BEARER "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion="
#define FORM   "application/x-www-form-urlencoded"

static struct vclock vclock;
static struct tokens *tokens;

static int setup(void **state)
{
    struct tokens_options options = {.clock = &vclock.clock, .endpoint = BASE "/oauth/token"};
    (void)state;
    vclock_init(&vclock);
    vclock.seed = 1;
    tokens = tokens_new(&options, NULL);
    assert_non_null(tokens);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tokens_free(tokens);
    return 0;
}

/* The answer's body, to json_decref(). */
static json_t *ask(const char *form, int status)
{
    struct token_request request = {FORM, NULL, form, strlen(form)};
    struct params params = {.count = 0};
    struct token_answer answer = {0};
    tokens_ask_salesforce(tokens, &request, BASE, &params, &answer);
    params_clear(&params);
    assert_non_null(answer.body);
    if (answer.status != status)
        fail_msg("%d: %s", answer.status, answer.body);
    json_t *tree = json_parse(answer.body, strlen(answer.body), "answer", NULL);
    secret_free_text(answer.body);
    return tree;
}

static const char *text_of(const json_t *tree, const char *name)
{
    const char *text = json_string_value(json_object_get(tree, name));
    return text ? text : "";
}

static void refused(const char *form, const char *error, const char *description)
{
    json_t *tree = ask(form, 400);
    assert_string_equal(text_of(tree, "error"), error);
    if (!strstr(text_of(tree, "error_description"), description))
        fail_msg("%s", text_of(tree, "error_description"));
    json_decref(tree);
}

#define PASSWORD                                                                                   \
    "grant_type=password&client_id=sandbox&client_secret=sandbox-secret&"                          \
    "username=" SALESFORCE_USERNAME "&password=" SALESFORCE_PASSWORD

static void a_token_says_whose_it_is_and_lives_by_being_used(void **state)
{
    (void)state;
    json_t *tree = ask(PASSWORD SALESFORCE_SECURITY_TOKEN, 200);
    const char *token = text_of(tree, "access_token");
    assert_string_equal(text_of(tree, "instance_url"), BASE);
    assert_string_equal(text_of(tree, "token_type"), "Bearer");
    assert_string_equal(text_of(tree, "issued_at"), "1767225600000");
    assert_string_equal(text_of(tree, "id"), BASE "/id/00D000000000001EAA/005000000000001AAA");
    assert_null(json_object_get(tree, "expires_in"));
    assert_null(json_object_get(tree, "refresh_token"));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tokens_look(tokens, token), TOKEN_VALID);
        vclock_step(&vclock, INT64_C(7199) * 1000);
    }
    vclock_step(&vclock, INT64_C(7200) * 1000);
    assert_int_equal(tokens_look(tokens, token), TOKEN_EXPIRED);
    json_decref(tree);
    refused(PASSWORD, "invalid_grant", "authentication failure");
}

static void a_refresh_token_is_rotated_and_good_once(void **state)
{
    char form[300];
    (void)state;
    json_t *first = ask(
        "grant_type=refresh_token&client_id=sandbox&refresh_token=" SALESFORCE_REFRESH_TOKEN, 200);
    snprintf(form, sizeof form, "grant_type=refresh_token&client_id=sandbox&refresh_token=%s",
             text_of(first, "refresh_token"));
    json_decref(ask(form, 200));
    refused(form, "invalid_grant", "expired access/refresh token");
    json_decref(first);
}

/* ---- assertions -------------------------------------------------------------------------- */

static EVP_PKEY *key_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key);
    return key;
}

/* The form, mem_free(). */
static char *assertion(const char *algorithm, const char *issuer, const char *subject,
                       const char *audience, int64_t lives)
{
    unsigned char mac[512];
    size_t len = sizeof mac;
    struct buf out = BUF_INIT(10000), part = BUF_INIT(1000);
    EVP_PKEY *key = key_of(salesforce_private_key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    buf_addf(&part, "{\"alg\":\"%s\"}", algorithm);
    base64url_add(&out, part.data, part.len);
    buf_adds(&out, ".");
    part.len = 0;
    buf_addf(&part, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":%lld}", issuer, subject,
             audience, (long long)(clock_wall(&vclock.clock) / NS_PER_S + lives));
    base64url_add(&out, part.data, part.len);
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, mac, &len, (const void *)out.data, out.len), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    buf_adds(&out, ".");
    base64url_add(&out, mac, len);
    part.len = 0;
    buf_addf(&part, "%s", "");
    struct buf form = BUF_INIT(10000);
    buf_addf(&form, BEARER "%s", out.data);
    buf_free(&out);
    buf_free(&part);
    assert_false(form.failed);
    return form.data;
}

static void an_assertion_must_be_right_in_everything(void **state)
{
    static const struct {
        const char *algorithm, *issuer, *subject, *audience;
        int64_t lives;
        const char *error, *says; /* NULL: it is right */
    } rows[] = {
        {"RS256", "sandbox", SALESFORCE_USERNAME, "https://login.salesforce.com", 180, NULL, NULL},
        {"RS256", "sandbox", SALESFORCE_USERNAME, BASE, 180, NULL, NULL},
        {"RS256", "sandbox", SALESFORCE_USERNAME, "http://127.0.0.1:4000", 180, NULL, NULL},
        {"RS256", "sandbox", SALESFORCE_USERNAME, "http://127.0.0.1:40001", 180, "invalid_grant",
         "audience is invalid"},
        {"RS256", "sandbox", SALESFORCE_USERNAME, "https://example.com", 180, "invalid_grant",
         "audience is invalid"},
        {"RS256", "nobody", SALESFORCE_USERNAME, BASE, 180, "invalid_client_id",
         "client identifier invalid"},
        {"RS256", "sandbox", "nobody", BASE, 180, "invalid_grant",
         "user hasn't approved this consumer"},
        {"RS256", "sandbox", SALESFORCE_USERNAME, BASE, 0, "invalid_grant", "expired"},
        {"RS256", "sandbox", SALESFORCE_USERNAME, BASE, 301, "invalid_grant", "future"},
        {"ES256", "sandbox", SALESFORCE_USERNAME, BASE, 180, "invalid_grant", "invalid assertion"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *form = assertion(rows[i].algorithm, rows[i].issuer, rows[i].subject, rows[i].audience,
                               rows[i].lives);
        if (rows[i].error)
            refused(form, rows[i].error, rows[i].says);
        else
            json_decref(ask(form, 200));
        mem_free(form);
    }
}

static void the_key_is_rsa_of_2048_bits(void **state)
{
    (void)state;
    EVP_PKEY *key = key_of(salesforce_private_key);
    assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_RSA);
    assert_int_equal(EVP_PKEY_get_bits(key), 2048);
    EVP_PKEY_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_says_whose_it_is_and_lives_by_being_used),
        TEST(a_refresh_token_is_rotated_and_good_once),
        TEST(an_assertion_must_be_right_in_everything),
        TEST(the_key_is_rsa_of_2048_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
