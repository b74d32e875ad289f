/* Who gets a token, what for, and how long it is good; with a virtual clock. */
#include "lib/check.h"
#include "lib/vclock.h"

#include "core/buf.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "sandbox/token.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define FORM     "application/x-www-form-urlencoded"
#define ENDPOINT "http://127.0.0.1:1/oauth/token"
#define BEARER   "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define PROVEN   "client_id=sandbox&client_secret=sandbox-secret"
#define ASSERTED "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static struct vclock vclock;
static struct tokens *tokens;

static struct tokens *make(struct tokens_options options)
{
    options.clock = &vclock.clock;
    options.endpoint = ENDPOINT;
    struct tokens *made = tokens_new(&options, NULL);
    assert_non_null(made);
    return made;
}

static int setup(void **state)
{
    (void)state;
    vclock_init(&vclock);
    vclock.seed = 1;
    tokens = make((struct tokens_options){.expires_in = 60});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tokens_free(tokens);
    return 0;
}

struct asked {
    int status;
    bool basic;
    char error[64], token[1024], refresh[128];
    json_int_t expires_in; /* -1: not said */
};

static void take(char *out, size_t size, const json_t *tree, const char *name)
{
    const char *text = json_string_value(json_object_get(tree, name));
    snprintf(out, size, "%s", text ? text : "");
}

static struct asked ask_of(struct tokens *whom, const char *authorization, const char *type,
                           const char *body)
{
    struct token_request request = {type, authorization, body, strlen(body)};
    struct params params;
    struct token_answer answer;
    struct asked asked = {.expires_in = -1};
    tokens_ask(whom, &request, &params, &answer);
    assert_non_null(answer.body);
    json_t *tree = json_parse(answer.body, strlen(answer.body), "answer", NULL);
    assert_non_null(tree);
    asked.status = answer.status;
    asked.basic = answer.basic;
    assert_int_equal(answer.issued, answer.status == 200);
    take(asked.error, sizeof asked.error, tree, "error");
    take(asked.token, sizeof asked.token, tree, "access_token");
    take(asked.refresh, sizeof asked.refresh, tree, "refresh_token");
    if (json_object_get(tree, "expires_in"))
        asked.expires_in = json_integer_value(json_object_get(tree, "expires_in"));
    json_decref(tree);
    secret_free_text(answer.body);
    params_clear(&params);
    return asked;
}

static struct asked ask(const char *body)
{
    return ask_of(tokens, NULL, FORM, body);
}

static void expect_error(const char *body, int status, const char *error)
{
    struct asked asked = ask(body);
    if (asked.status != status || strcmp(asked.error, error) != 0)
        fail_msg("%s: %d %s instead of %d %s", body, asked.status, asked.error, status, error);
    assert_int_equal(asked.basic, status == 401);
    assert_string_equal(asked.token, "");
}

static void a_token_is_good_until_it_expires(void **state)
{
    struct asked asked = ask("grant_type=client_credentials&" PROVEN);
    (void)state;
    assert_int_equal(asked.status, 200);
    assert_int_equal(asked.expires_in, 60);
    assert_string_equal(asked.refresh, "");
    assert_int_equal(tokens_look(tokens, asked.token), TOKEN_VALID);
    assert_int_equal(tokens_look(tokens, "another"), TOKEN_UNKNOWN);
    vclock_step(&vclock, 59999);
    assert_int_equal(tokens_look(tokens, asked.token), TOKEN_VALID);
    vclock_step(&vclock, 1);
    assert_int_equal(tokens_look(tokens, asked.token), TOKEN_EXPIRED);
}

static void tokens_can_be_made_to_expire(void **state)
{
    struct asked first = ask("grant_type=client_credentials&" PROVEN);
    struct asked second = ask("grant_type=client_credentials&" PROVEN);
    (void)state;
    assert_string_not_equal(first.token, second.token);
    tokens_expire(tokens, NULL); /* the newest */
    assert_int_equal(tokens_look(tokens, first.token), TOKEN_VALID);
    assert_int_equal(tokens_look(tokens, second.token), TOKEN_EXPIRED);
    tokens_expire(tokens, first.token);
    tokens_expire(tokens, "another");
    assert_int_equal(tokens_look(tokens, first.token), TOKEN_EXPIRED);
}

static void expiry_may_be_left_unsaid(void **state)
{
    struct tokens *silent = make((struct tokens_options){.expires_in = -1});
    struct asked asked = ask_of(silent, NULL, FORM, "grant_type=client_credentials&" PROVEN);
    (void)state;
    assert_int_equal(asked.expires_in, -1);
    assert_int_equal(tokens_look(silent, asked.token), TOKEN_VALID);
    tokens_free(silent);
}

static void clients_prove_themselves_in_one_way(void **state)
{
    (void)state;
    expect_error("grant_type=client_credentials", 401, "invalid_client");
    expect_error("grant_type=client_credentials&client_id=sandbox", 401, "invalid_client");
    expect_error("grant_type=client_credentials&client_id=sandbox&client_secret=x", 401,
                 "invalid_client");
    expect_error("grant_type=client_credentials&" PROVEN "&client_assertion=x", 400,
                 "invalid_request");
    expect_error(PROVEN, 400, "invalid_request");
    expect_error("grant_type=client_credentials&" PROVEN "&scope=a&scope=b", 400,
                 "invalid_request");
    expect_error("grant_type=magic&" PROVEN, 400, "unsupported_grant_type");
    assert_int_equal(ask_of(tokens, "Basic !", FORM, "grant_type=client_credentials").status, 400);
    assert_int_equal(ask_of(tokens, "Digest x", FORM, "grant_type=client_credentials").status, 401);
    assert_int_equal(
        ask_of(tokens, NULL, "text/plain", "grant_type=client_credentials&" PROVEN).status, 400);
    assert_int_equal(ask_of(tokens, NULL, NULL, "").status, 400);
}

/* What goes into Basic is form-encoded first (RFC 6749, 2.3.1). */
static struct asked ask_basic(const char *id, const char *secret, bool encoded)
{
    struct buf pair = BUF_INIT(500), header = BUF_INIT(700);
    if (encoded) {
        form_add(&pair, id);
        buf_adds(&pair, ":");
        form_add(&pair, secret);
    } else {
        buf_addf(&pair, "%s:%s", id, secret);
    }
    buf_adds(&header, "Basic ");
    base64_add(&header, pair.data, pair.len, true);
    struct asked asked = ask_of(tokens, header.data, FORM, "grant_type=client_credentials");
    buf_free(&pair);
    buf_free(&header);
    return asked;
}

static void basic_wants_form_encoding(void **state)
{
    (void)state;
    assert_int_equal(ask_basic(TOKEN_CLIENT_ID, TOKEN_CLIENT_SECRET, true).status, 200);
    assert_int_equal(ask_basic(TOKEN_ODD_CLIENT_ID, TOKEN_ODD_CLIENT_SECRET, true).status, 200);
    assert_int_not_equal(ask_basic(TOKEN_ODD_CLIENT_ID, TOKEN_ODD_CLIENT_SECRET, false).status,
                         200);
    assert_int_equal(ask_basic(TOKEN_CLIENT_ID, "wrong", true).status, 401);
}

static void a_document_is_as_good_as_a_form(void **state)
{
    struct asked asked = ask_of(tokens, NULL, "application/json; charset=utf-8",
                                "{\"grant_type\":\"client_credentials\",\"client_id\":\"sandbox\","
                                "\"client_secret\":\"sandbox-secret\"}");
    (void)state;
    assert_int_equal(asked.status, 200);
}

static void a_password_brings_a_refresh_token_that_is_good_once(void **state)
{
    char body[300];
    struct asked asked =
        ask("grant_type=password&username=sandbox-user&password=sandbox-password&" PROVEN);
    (void)state;
    assert_int_equal(asked.status, 200);
    snprintf(body, sizeof body, "grant_type=refresh_token&refresh_token=%s&" PROVEN, asked.refresh);
    struct asked next = ask(body);
    assert_int_equal(next.status, 200);
    assert_string_not_equal(next.refresh, asked.refresh);
    expect_error(body, 400, "invalid_grant");
    for (int i = 0; i < 2; i++) /* the published one always is */
        assert_int_equal(
            ask("grant_type=refresh_token&refresh_token=sandbox-refresh-token&" PROVEN).status,
            200);
    expect_error("grant_type=password&username=sandbox-user&password=x&" PROVEN, 400,
                 "invalid_grant");
    expect_error("grant_type=password&username=sandbox-user&" PROVEN, 400, "invalid_request");
    expect_error("grant_type=refresh_token&" PROVEN, 400, "invalid_request");
}

/* --- assertions ---------------------------------------------------------------------------- */

struct claims {
    const char *issuer, *subject, *audience, *id;
    int64_t lifetime;
};

static void add_signature(struct buf *out, const char *pem)
{
    unsigned char der[256], raw[64];
    size_t len = sizeof der;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, der, &len, (const unsigned char *)out->data, out->len),
                     1);
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_non_null(sig);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
    buf_adds(out, ".");
    base64url_add(out, raw, sizeof raw);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

static char *assertion(struct claims claims)
{
    struct buf text = BUF_INIT(4096), body = BUF_INIT(2048);
    int64_t now = clock_wall(&vclock.clock) / NS_PER_S;
    buf_addf(&body, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"jti\":\"%s\",\"exp\":%lld}",
             claims.issuer, claims.subject, claims.audience, claims.id,
             (long long)(now + claims.lifetime));
    base64url_add(&text, "{\"alg\":\"ES256\"}", 15);
    buf_adds(&text, ".");
    base64url_add(&text, body.data, body.len);
    add_signature(&text, tokens_private_key(tokens));
    buf_free(&body);
    assert_non_null(text.data);
    return text.data;
}

static int status_with(const char *before, struct claims claims)
{
    struct buf body = BUF_INIT(8192);
    char *text = assertion(claims);
    buf_addf(&body, "%s%s", before, text);
    struct asked asked = ask(body.data);
    buf_free(&body);
    mem_free(text);
    return asked.status;
}

static void a_client_may_sign_instead_of_telling_its_secret(void **state)
{
    static const char body[] = "grant_type=client_credentials&" ASSERTED "&client_assertion=";
    struct claims good = {"sandbox", "sandbox", ENDPOINT, "1", 60}, bad = good;
    (void)state;
    assert_int_equal(status_with(body, good), 200);
    assert_int_equal(status_with(body, good), 401); /* used before */
    bad = (struct claims){"sandbox", "sandbox-user", ENDPOINT, "2", 60};
    assert_int_equal(status_with(body, bad), 401);
    bad = (struct claims){"sandbox", "sandbox", "http://elsewhere/", "3", 60};
    assert_int_equal(status_with(body, bad), 401);
    bad = (struct claims){"sandbox", "sandbox", ENDPOINT, "4", -61};
    assert_int_equal(status_with(body, bad), 401);
    bad = (struct claims){"sandbox", "sandbox", ENDPOINT, "5", 4000};
    assert_int_equal(status_with(body, bad), 401);
    bad = (struct claims){"stranger", "stranger", ENDPOINT, "6", 60};
    assert_int_equal(status_with(body, bad), 401);
    bad = (struct claims){"sandbox", "sandbox", ENDPOINT, "", 60};
    assert_int_equal(status_with(body, bad), 401);
    assert_int_equal(status_with("grant_type=client_credentials&client_assertion=", good), 400);
}

static void an_assertion_may_be_the_grant_itself(void **state)
{
    static const char body[] = "grant_type=" BEARER "&assertion=";
    struct claims good = {"sandbox", "sandbox-user", ENDPOINT, "1", 60};
    struct claims nobody = {"sandbox", "nobody", ENDPOINT, "2", 60};
    (void)state;
    assert_int_equal(status_with(body, good), 200);
    assert_int_equal(status_with(body, nobody), 400);
    expect_error("grant_type=" BEARER, 400, "invalid_request");
    expect_error("grant_type=" BEARER "&assertion=a.b.c", 400, "invalid_grant");
    expect_error("grant_type=" BEARER "&assertion=nonsense", 400, "invalid_grant");
}

static void another_s_signature_is_worth_nothing(void **state)
{
    struct tokens *other = make((struct tokens_options){.expires_in = 60});
    struct claims good = {"sandbox", "sandbox-user", ENDPOINT, "1", 60};
    struct buf body = BUF_INIT(8192);
    char *text = assertion(good);
    (void)state;
    buf_addf(&body, "grant_type=" BEARER "&assertion=%s", text);
    assert_string_equal(ask_of(other, NULL, FORM, body.data).error, "invalid_grant");
    /* ... unless it has been told the key. */
    struct tokens *told =
        make((struct tokens_options){.assertion_key = tokens_private_key(tokens)});
    assert_int_equal(ask_of(told, NULL, FORM, body.data).status, 200);
    buf_free(&body);
    mem_free(text);
    tokens_free(other);
    tokens_free(told);
}

static void tokens_may_look_like_jwts(void **state)
{
    struct tokens *made = make((struct tokens_options){.expires_in = 60, .jwt = true});
    struct asked asked =
        ask_of(made, NULL, FORM, "grant_type=client_credentials&audience=zeebe&" PROVEN);
    void *bytes = NULL;
    size_t len = 0;
    (void)state;
    char *first = strchr(asked.token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    assert_non_null(second);
    assert_true(base64_decode(first + 1, (size_t)(second - first - 1), true, &bytes, &len));
    assert_non_null(strstr(bytes, "\"aud\":\"zeebe\""));
    assert_int_equal(tokens_look(made, asked.token), TOKEN_VALID);
    mem_free(bytes);
    tokens_free(made);
}

static void the_oldest_of_too_many_tokens_is_forgotten(void **state)
{
    struct asked first = ask("grant_type=client_credentials&" PROVEN), last = first;
    (void)state;
    for (int i = 0; i < TOKENS_MAX; i++)
        last = ask("grant_type=client_credentials&" PROVEN);
    assert_int_equal(tokens_look(tokens, first.token), TOKEN_UNKNOWN);
    assert_int_equal(tokens_look(tokens, last.token), TOKEN_VALID);
}

static void an_error_can_be_ordered(void **state)
{
    struct token_answer answer;
    (void)state;
    tokens_refuse("temporarily_unavailable", &answer);
    assert_int_equal(answer.status, 503);
    assert_false(answer.issued);
    assert_non_null(strstr(answer.body, "temporarily_unavailable"));
    secret_free_text(answer.body);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_token_is_good_until_it_expires),
        EACH(tokens_can_be_made_to_expire),
        EACH(expiry_may_be_left_unsaid),
        EACH(clients_prove_themselves_in_one_way),
        EACH(basic_wants_form_encoding),
        EACH(a_document_is_as_good_as_a_form),
        EACH(a_password_brings_a_refresh_token_that_is_good_once),
        EACH(a_client_may_sign_instead_of_telling_its_secret),
        EACH(an_assertion_may_be_the_grant_itself),
        EACH(another_s_signature_is_worth_nothing),
        EACH(tokens_may_look_like_jwts),
        EACH(the_oldest_of_too_many_tokens_is_forgotten),
        EACH(an_error_can_be_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
