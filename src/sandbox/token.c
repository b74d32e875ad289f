/* What a token request gets. Every grant is a function that fills a `struct given` (who, what for)
 * or names an error of RFC 6749, 5.2; issuing is the same for all. The tokens issued stand in a
 * ring: the oldest makes room. */
#include "sandbox/token.h"

#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "sandbox/token_client.h"
#include "sandbox/token_jwt.h"
#include "sandbox/token_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXPIRES_IN_DEFAULT 300
#define EXPIRES_IN_UNSAID  300 /* how long one lives whose answer does not say */

typedef const char *grant_fn(struct tokens *tokens, const struct params *params,
                             struct given *given, weir_error *err);

struct issued *ring_find(const struct ring *ring, const char *token)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        const struct issued *one = &ring->list[i];
        if (one->token && strcmp(one->token, token) == 0)
            return (struct issued *)(uintptr_t)one;
    }
    return NULL;
}

void issued_forget(struct issued *one)
{
    secret_free_text(one->token);
    *one = (struct issued){NULL, 0, 0};
}

void ring_add(struct ring *ring, char *token, int64_t expires_ns)
{
    struct issued *one = &ring->list[ring->next];
    issued_forget(one);
    *one = (struct issued){token, expires_ns, 0};
    ring->next = (ring->next + 1) % TOKENS_MAX;
}

char *tokens_unguessable(const struct tokens *tokens, const char *prefix)
{
    unsigned char bytes[32];
    struct buf out = BUF_INIT(128);
    clock_random_bytes(tokens->clock, bytes, sizeof bytes);
    buf_adds(&out, prefix);
    base64url_add(&out, bytes, sizeof bytes);
    return out.failed ? NULL : out.data;
}

/* --- grants: NULL, or the error's name with its description in *err ------------------------- */

static const char *client_credentials(struct tokens *tokens, const struct params *params,
                                      struct given *given, weir_error *err)
{
    (void)tokens;
    (void)params;
    if (!given->client) {
        error_set(err, WEIR_BAD_LOGIN, "the client did not authenticate");
        return "invalid_client";
    }
    given->subject = given->client;
    return NULL;
}

static const char *password(struct tokens *tokens, const struct params *params, struct given *given,
                            weir_error *err)
{
    const char *user = params_get(params, "username"), *word = params_get(params, "password");
    (void)tokens;
    if (!user || !word) {
        error_set(err, WEIR_INVALID, "username or password is missing");
        return "invalid_request";
    }
    if (strcmp(user, TOKEN_USERNAME) != 0 || strcmp(word, TOKEN_PASSWORD) != 0) {
        error_set(err, WEIR_BAD_LOGIN, "no such user, or not this password");
        return "invalid_grant";
    }
    given->subject = user;
    given->refresh = true;
    return NULL;
}

/* Rotation: what was used once is worth nothing any more (RFC 9700, 4.14.2). */
static const char *refresh_token(struct tokens *tokens, const struct params *params,
                                 struct given *given, weir_error *err)
{
    const char *token = params_get(params, "refresh_token");
    if (!token) {
        error_set(err, WEIR_INVALID, "refresh_token is missing");
        return "invalid_request";
    }
    struct issued *one = ring_find(&tokens->refresh, token);
    if (!one && strcmp(token, TOKEN_REFRESH_TOKEN) != 0) {
        error_set(err, WEIR_BAD_LOGIN, "the refresh token is unknown or was used before");
        return "invalid_grant";
    }
    if (one)
        issued_forget(one);
    given->subject = TOKEN_USERNAME;
    given->refresh = true;
    return NULL;
}

static const char *jwt_bearer(struct tokens *tokens, const struct params *params,
                              struct given *given, weir_error *err)
{
    const char *assertion = params_get(params, "assertion");
    if (!assertion) {
        error_set(err, WEIR_INVALID, "assertion is missing");
        return "invalid_request";
    }
    if (clients_assertion(tokens->clients, assertion, NULL, err) != WEIR_OK)
        return "invalid_grant";
    given->subject = TOKEN_USERNAME;
    return NULL;
}

static const struct {
    const char *name;
    grant_fn *run;
    bool client_optional; /* the grant itself proves enough (RFC 7523, 2.1) */
} grants[] = {
    {"client_credentials", client_credentials, false},
    {"password", password, false},
    {"refresh_token", refresh_token, false},
    {"urn:ietf:params:oauth:grant-type:jwt-bearer", jwt_bearer, true},
};

/* --- the answer ---------------------------------------------------------------------------- */

char *token_sealed_text(json_t *tree)
{
    char *text = tree ? json_text(tree, true) : NULL;
    json_decref(tree);
    return text;
}

static void refuse(struct token_answer *answer, const char *error, const char *description)
{
    bool client = strcmp(error, "invalid_client") == 0;
    bool server = strcmp(error, "server_error") == 0;
    bool busy = strcmp(error, "temporarily_unavailable") == 0;
    int status = client ? 401 : server ? 500 : busy ? 503 : 400;
    *answer = (struct token_answer){.status = status, .basic = client};
    answer->body = token_sealed_text(
        json_pack("{s:s, s:s}", "error", error, "error_description", description));
}

void tokens_refuse(const char *error, struct token_answer *answer)
{
    char name[64];
    size_t len = strcspn(error, ":");
    (void)snprintf(name, sizeof name, "%.*s", (int)len, error);
    refuse(answer, name, error[len] ? error + len + 1 : "asked for by a fault");
}

static char *make_token(const struct tokens *tokens, const struct params *params,
                        const struct given *given, int64_t lifetime)
{
    const char *audience = params_get(params, "audience");
    json_int_t now = clock_wall(tokens->clock) / NS_PER_S;
    json_int_t expires = now + lifetime;
    if (!tokens->jwt)
        return tokens_unguessable(tokens, "weir-sandbox-");
    char *id = tokens_unguessable(tokens, "");
    json_t *claims =
        id ? json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "iss", tokens->endpoint, "sub",
                       given->subject, "azp", given->client ? given->client : "", "aud",
                       audience ? audience : "sandbox", "iat", now, "exp", expires, "jti", id)
           : NULL;
    char *token = claims ? jwt_sign(claims, tokens->secret, sizeof tokens->secret) : NULL;
    json_decref(claims);
    mem_free(id);
    return token;
}

static char *answer_text(const struct tokens *tokens, const struct params *params,
                         const char *token, const char *refresh)
{
    const char *scope = params_get(params, "scope");
    json_t *tree = json_pack("{s:s, s:s, s:s*, s:s*}", "access_token", token, "token_type",
                             "Bearer", "scope", scope, "refresh_token", refresh);
    if (tree && tokens->expires_in >= 0)
        json_object_set_new(tree, "expires_in", json_integer(tokens->expires_in));
    return token_sealed_text(tree);
}

static void issue(struct tokens *tokens, const struct params *params, const struct given *given,
                  struct token_answer *answer)
{
    int64_t lifetime = tokens->expires_in < 0 ? EXPIRES_IN_UNSAID : tokens->expires_in;
    char *token = make_token(tokens, params, given, lifetime);
    char *refresh = given->refresh && token ? tokens_unguessable(tokens, "weir-refresh-") : NULL;
    bool good = token && (!given->refresh || refresh);
    *answer = (struct token_answer){.status = 200, .issued = true};
    answer->body = good ? answer_text(tokens, params, token, refresh) : NULL;
    if (!answer->body) {
        answer->status = 500;
        answer->issued = false;
        secret_free_text(token);
        secret_free_text(refresh);
        return;
    }
    ring_add(&tokens->access, token, clock_mono(tokens->clock) + lifetime * NS_PER_S);
    if (refresh)
        ring_add(&tokens->refresh, refresh, INT64_MAX);
}

weir_status tokens_read(const struct token_request *request, struct params *params, weir_error *err)
{
    const char *type = request->content_type ? request->content_type : "";
    size_t len = strcspn(type, "; ");
    if (len == 16 && strncasecmp(type, "application/json", len) == 0)
        return params_json(params, request->body, request->len, err);
    if (len == 33 && strncasecmp(type, "application/x-www-form-urlencoded", len) == 0)
        return params_form(params, request->body, request->len, err);
    return error_set(err, WEIR_INVALID,
                     "the Content-Type must be application/x-www-form-urlencoded or "
                     "application/json");
}

/* NULL, or the error's name. */
static const char *judge(struct tokens *tokens, const struct token_request *request,
                         const struct params *params, struct given *given, weir_error *err)
{
    const char *grant = params_get(params, "grant_type");
    size_t i = 0, count = sizeof grants / sizeof grants[0];
    if (!grant) {
        error_set(err, WEIR_INVALID, "grant_type is missing");
        return "invalid_request";
    }
    while (i < count && strcmp(grants[i].name, grant) != 0)
        i++;
    if (i == count) {
        error_set(err, WEIR_UNSUPPORTED, "the sandbox does not know this grant_type");
        return "unsupported_grant_type";
    }
    const char *error =
        clients_authenticate(tokens->clients, request->authorization, params, &given->client, err);
    if (!error && !given->client && !grants[i].client_optional) {
        error_set(err, WEIR_BAD_LOGIN, "the client did not authenticate");
        error = "invalid_client";
    }
    return error ? error : grants[i].run(tokens, params, given, err);
}

void tokens_ask(struct tokens *tokens, const struct token_request *request, struct params *params,
                struct token_answer *answer)
{
    weir_error err = {0};
    struct given given = {NULL, NULL, false};
    const char *error = "invalid_request";
    if (tokens_read(request, params, &err) == WEIR_OK)
        error = judge(tokens, request, params, &given, &err);
    if (error)
        refuse(answer, error, err.message);
    else
        issue(tokens, params, &given, answer);
}

enum token_state tokens_look(const struct tokens *tokens, const char *token)
{
    struct issued *one = ring_find(&tokens->access, token);
    int64_t now = clock_mono(tokens->clock);
    if (!one)
        return TOKEN_UNKNOWN;
    if (now >= one->expires_ns)
        return TOKEN_EXPIRED;
    if (one->life_ns)
        one->expires_ns = now + one->life_ns;
    return TOKEN_VALID;
}

void tokens_expire_all(struct tokens *tokens)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        if (tokens->access.list[i].token)
            tokens->access.list[i].expires_ns = INT64_MIN;
    }
}

void tokens_expire(struct tokens *tokens, const char *token)
{
    size_t newest = (tokens->access.next + TOKENS_MAX - 1) % TOKENS_MAX;
    struct issued *one = token ? ring_find(&tokens->access, token) : &tokens->access.list[newest];
    if (one && one->token)
        one->expires_ns = INT64_MIN;
}

const char *tokens_private_key(const struct tokens *tokens)
{
    return tokens->private_key;
}

struct tokens *tokens_new(const struct tokens_options *options, weir_error *err)
{
    json_prepare();
    struct tokens *tokens = mem_zalloc(sizeof *tokens);
    if (!tokens) {
        error_no_memory(err);
        return NULL;
    }
    tokens->clock = options->clock;
    tokens->jwt = options->jwt;
    tokens->session_s = options->session_s;
    tokens->expires_in = options->expires_in ? options->expires_in : EXPIRES_IN_DEFAULT;
    tokens->endpoint = mem_strdup(options->endpoint);
    clock_random_bytes(tokens->clock, tokens->secret, sizeof tokens->secret);
    if (!tokens->endpoint)
        error_no_memory(err);
    else
        tokens->clients = clients_new(options, &tokens->private_key, err);
    if (tokens->clients)
        return tokens;
    tokens_free(tokens);
    return NULL;
}

void tokens_free(struct tokens *tokens)
{
    if (!tokens)
        return;
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        issued_forget(&tokens->access.list[i]);
        issued_forget(&tokens->refresh.list[i]);
    }
    clients_free(tokens->clients);
    jwt_key_free(tokens->salesforce_key);
    secret_free_text(tokens->private_key);
    secret_wipe(tokens->secret, sizeof tokens->secret);
    mem_free(tokens->endpoint);
    mem_free(tokens);
}
