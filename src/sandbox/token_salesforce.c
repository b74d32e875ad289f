/* Salesforce's token endpoint. An error is a name and a description; both are what its users find
 * in their logs, so they are its own. There is no expires_in: a token lives as long as the session
 * does, which being used extends. */
#include "sandbox/token_salesforce.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "sandbox/salesforce_event.h"
#include "sandbox/token_private.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SESSION_S    7200
#define ASSERTION_S  300 /* how far ahead an assertion may expire, and how far clocks may differ */
#define NAME_LEN_MAX 64
#define JWT_BEARER   "urn:ietf:params:oauth:grant-type:jwt-bearer"

struct login {
    struct tokens *tokens;
    const struct token_request *request;
    const struct params *params;
    const char *base;
    bool refresh; /* a refresh token comes with it */
};

/* "name:description", or NULL. */
typedef const char *login_fn(struct login *login);

/* ---- clients ----------------------------------------------------------------------------- */

/* Basic: "id:secret". */
static bool basic_is(const char *authorization, const char *id, const char *secret)
{
    void *bytes = NULL;
    size_t len = 0;
    struct buf wanted = BUF_INIT(256);
    bool good = base64_decode(authorization, strlen(authorization), false, &bytes, &len);
    buf_addf(&wanted, "%s:%s", id, secret);
    good = good && bytes && !wanted.failed && wanted.len == len &&
           memcmp(bytes, wanted.data, len) == 0;
    mem_free(bytes);
    buf_free(&wanted);
    return good;
}

static const char *check_client(const struct login *login, bool secret_wanted)
{
    const char *authorization = login->request->authorization;
    const char *id = params_get(login->params, "client_id");
    const char *secret = params_get(login->params, "client_secret");
    if (authorization && strncasecmp(authorization, "Basic ", 6) == 0)
        return basic_is(authorization + 6, TOKEN_CLIENT_ID, TOKEN_CLIENT_SECRET)
                   ? NULL
                   : "invalid_client:invalid client credentials";
    if (!id || strcmp(id, TOKEN_CLIENT_ID) != 0)
        return "invalid_client_id:client identifier invalid";
    if (secret ? strcmp(secret, TOKEN_CLIENT_SECRET) != 0 : secret_wanted)
        return "invalid_client:invalid client credentials";
    return NULL;
}

/* ---- grants ------------------------------------------------------------------------------ */

static const char *password(struct login *login)
{
    const char *user = params_get(login->params, "username");
    const char *word = params_get(login->params, "password");
    const char *error = check_client(login, true);
    if (error)
        return error;
    if (!user || !word || strcmp(user, SALESFORCE_USERNAME) != 0 ||
        strcmp(word, SALESFORCE_PASSWORD SALESFORCE_SECURITY_TOKEN) != 0)
        return "invalid_grant:authentication failure";
    return NULL;
}

/* A rotated token is good once, the published one always. */
static const char *refresh_token(struct login *login)
{
    const char *token = params_get(login->params, "refresh_token");
    const char *error = check_client(login, false);
    if (error)
        return error;
    struct issued *one = token ? ring_find(&login->tokens->refresh, token) : NULL;
    if (!one && (!token || strcmp(token, SALESFORCE_REFRESH_TOKEN) != 0))
        return "invalid_grant:expired access/refresh token";
    if (one)
        issued_forget(one);
    login->refresh = true;
    return NULL;
}

static const char *client_credentials(struct login *login)
{
    return check_client(login, true);
}

/* The server under any name it goes by, or one of the names of the real one. */
static bool is_audience(const struct login *login, const char *audience)
{
    static const char *const real[] = {"https://login.salesforce.com",
                                       "https://test.salesforce.com"};
    const char *port = strrchr(login->base, ':'), *colon = strrchr(audience, ':');
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
        if (strcmp(audience, real[i]) == 0)
            return true;
    }
    size_t len = port && colon ? strlen(port) : 0;
    return len && strncmp(colon, port, len) == 0 &&
           (!colon[len] || strcmp(colon + len, "/services/oauth2/token") == 0);
}

static const char *check_claims(struct login *login, const json_t *claims)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    const char *audience = json_string_value(json_object_get(claims, "aud"));
    const json_t *expires = json_object_get(claims, "exp");
    int64_t now = clock_wall(login->tokens->clock) / NS_PER_S;
    if (!issuer || strcmp(issuer, TOKEN_CLIENT_ID) != 0)
        return "invalid_client_id:client identifier invalid";
    if (!audience || !is_audience(login, audience))
        return "invalid_grant:audience is invalid";
    if (!json_is_integer(expires) || json_integer_value(expires) <= now)
        return "invalid_grant:assertion is not valid: it has expired";
    if (json_integer_value(expires) > now + ASSERTION_S)
        return "invalid_grant:assertion is not valid: its expiry is too far in the future";
    if (!subject || strcmp(subject, SALESFORCE_USERNAME) != 0)
        return "invalid_grant:user hasn't approved this consumer";
    return NULL;
}

static bool is_rs256(const char *assertion)
{
    void *bytes = NULL;
    size_t len = 0;
    bool good = base64_decode(assertion, strcspn(assertion, "."), true, &bytes, &len);
    json_t *header = good && bytes ? json_parse(bytes, len, "header", NULL) : NULL;
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    good = algorithm && strcmp(algorithm, "RS256") == 0;
    json_decref(header);
    mem_free(bytes);
    return good;
}

static const char *jwt_bearer(struct login *login)
{
    struct tokens *tokens = login->tokens;
    const char *assertion = params_get(login->params, "assertion");
    if (!assertion)
        return "invalid_request:assertion is required";
    if (!tokens->salesforce_key)
        tokens->salesforce_key = jwt_key_read(salesforce_private_key, NULL);
    jwt_key *keys[1] = {tokens->salesforce_key};
    json_t *claims =
        tokens->salesforce_key && is_rs256(assertion) ? jwt_verify(assertion, keys, 1, NULL) : NULL;
    const char *error = claims ? check_claims(login, claims) : "invalid_grant:invalid assertion";
    json_decref(claims);
    return error;
}

static const struct {
    const char *name;
    login_fn *run;
} grants[] = {
    {"password", password},
    {"refresh_token", refresh_token},
    {"client_credentials", client_credentials},
    {JWT_BEARER, jwt_bearer},
};

/* ---- the answer -------------------------------------------------------------------------- */

void tokens_refuse_salesforce(const char *error, struct token_answer *answer)
{
    char name[NAME_LEN_MAX];
    size_t len = strcspn(error, ":");
    (void)snprintf(name, sizeof name, "%.*s", (int)len, error);
    *answer = (struct token_answer){.status = 400};
    answer->body = token_sealed_text(json_pack("{s:s, s:s}", "error", name, "error_description",
                                               error[len] ? error + len + 1 : name));
}

/* Over id and issued_at, keyed with the client's secret. */
static void add_signature(json_t *tree, const char *id, const char *issued_at)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct buf text = BUF_INIT(1024), signature = BUF_INIT(128);
    buf_adds(&text, id);
    buf_adds(&text, issued_at);
    if (!text.failed && HMAC(EVP_sha256(), TOKEN_CLIENT_SECRET, (int)strlen(TOKEN_CLIENT_SECRET),
                             (const void *)text.data, text.len, mac, &len))
        base64_add(&signature, mac, len, true);
    (void)json_object_set_new(tree, "signature", json_string(signature.data ? signature.data : ""));
    buf_free(&text);
    buf_free(&signature);
}

static char *answer_text(const struct login *login, const char *token, const char *refresh)
{
    char issued_at[32], id[512];
    (void)snprintf(issued_at, sizeof issued_at, "%lld",
                   (long long)(clock_wall(login->tokens->clock) / NS_PER_MS));
    (void)snprintf(id, sizeof id, "%.300s/id/" SALESFORCE_ORG "/" SALESFORCE_USER, login->base);
    json_t *tree =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "access_token", token, "instance_url",
                  login->base, "id", id, "token_type", "Bearer", "issued_at", issued_at, "scope",
                  "api refresh_token", "refresh_token", refresh);
    if (tree)
        add_signature(tree, id, issued_at);
    return token_sealed_text(tree);
}

static void issue(const struct login *login, struct token_answer *answer)
{
    struct tokens *tokens = login->tokens;
    char *token = tokens_unguessable(tokens, "00D000000000001!AQ");
    char *refresh = login->refresh ? tokens_unguessable(tokens, "5Aep861") : NULL;
    bool good = token && (!login->refresh || refresh);
    *answer = (struct token_answer){.status = 200, .issued = true};
    answer->body = good ? answer_text(login, token, refresh) : NULL;
    if (!answer->body) {
        *answer = (struct token_answer){.status = 500};
        secret_free_text(token);
        secret_free_text(refresh);
        return;
    }
    int64_t life = (tokens->session_s > 0 ? tokens->session_s : SESSION_S) * NS_PER_S;
    ring_add(&tokens->access, token, clock_mono(tokens->clock) + life);
    ring_find(&tokens->access, token)->life_ns = life;
    if (refresh)
        ring_add(&tokens->refresh, refresh, INT64_MAX);
}

void tokens_ask_salesforce(struct tokens *tokens, const struct token_request *request,
                           const char *base, struct params *params, struct token_answer *answer)
{
    struct login login = {.tokens = tokens, .request = request, .params = params, .base = base};
    const char *error = "invalid_request:the request must be form-encoded";
    if (tokens_read(request, params, NULL) == WEIR_OK) {
        const char *grant = params_get(params, "grant_type");
        error = "unsupported_grant_type:grant type not supported";
        for (size_t i = 0; grant && i < sizeof grants / sizeof grants[0]; i++) {
            if (strcmp(grants[i].name, grant) == 0)
                error = grants[i].run(&login);
        }
    }
    if (error)
        tokens_refuse_salesforce(error, answer);
    else
        issue(&login, answer);
}
