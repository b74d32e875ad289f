/* What a token endpoint says. Nothing of a body is quoted but the two members that RFC 6749, 5.2
 * makes for people (`error`, `error_description`), folded and cut; a body that holds a token is
 * wiped from the tree it was parsed into. */
#include "credentials/answer.h"

#include "core/error.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "http/status.h"

#include <string.h>

#define WORDS_MAX  300 /* bytes of a server's words */
#define NAME_MAX_S 256 /* bytes of a further member's name */

static const struct refusal {
    const char *error;
    weir_status status;
    const char *advice;
} refusals[] = {
    {"invalid_client", WEIR_BAD_LOGIN,
     "check client_id, client_secret and how the client authenticates (client_auth)"},
    {"invalid_client_id", WEIR_BAD_LOGIN, "check client_id"},
    {"invalid_client_credentials", WEIR_BAD_LOGIN, "check client_id and client_secret"},
    {"invalid_grant", WEIR_BAD_LOGIN,
     "check the user name and password, refresh token or assertion; it may have expired"},
    {"unauthorized_client", WEIR_BAD_LOGIN,
     "check client_id and client_secret, and that this client may use this grant"},
    {"access_denied", WEIR_BAD_LOGIN, "check client_id, client_secret and audience"},
    {"inactive_user", WEIR_BAD_LOGIN, "the user is deactivated"},
    {"inactive_org", WEIR_BAD_LOGIN, "the organisation is locked or closed"},
    {"invalid_request", WEIR_INVALID, "check the parameters of the request"},
    {"invalid_scope", WEIR_INVALID, "check scope"},
    {"invalid_target", WEIR_INVALID, "check resource and audience"},
    {"unsupported_grant_type", WEIR_UNSUPPORTED, "use a grant that this server knows"},
    {"rate_limit_exceeded", WEIR_BUSY, "it asks to wait"},
    {"slow_down", WEIR_BUSY, "it asks to wait"},
    {"temporarily_unavailable", WEIR_UNREACHABLE, "it asks to try again later"},
    {"server_error", WEIR_UNREACHABLE, "the fault is the server's; try again later"},
};

static const struct refusal *refusal_of(const char *error)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strcmp(refusals[i].error, error) == 0)
            return &refusals[i];
    }
    return NULL;
}

static const struct {
    weir_status status;
    weir_kind kind;
} kinds[] = {
    {WEIR_UNREACHABLE, WEIR_KIND_TOKEN_UNAVAILABLE}, {WEIR_BUSY, WEIR_KIND_TOKEN_UNAVAILABLE},
    {WEIR_TIMEOUT, WEIR_KIND_TOKEN_UNAVAILABLE},     {WEIR_NOT_FOUND, WEIR_KIND_TOKEN_UNAVAILABLE},
    {WEIR_UNTRUSTED, WEIR_KIND_TOKEN_UNAVAILABLE},   {WEIR_BAD_LOGIN, WEIR_KIND_TOKEN_REFUSED},
    {WEIR_FORBIDDEN, WEIR_KIND_TOKEN_REFUSED},       {WEIR_INVALID, WEIR_KIND_TOKEN_REFUSED},
    {WEIR_UNSUPPORTED, WEIR_KIND_TOKEN_REFUSED},     {WEIR_PROTOCOL, WEIR_KIND_TOKEN_UNUSABLE},
    {WEIR_REFUSED, WEIR_KIND_TOKEN_UNUSABLE},        {WEIR_CONFLICT, WEIR_KIND_TOKEN_UNUSABLE},
};

static void set_kind(weir_error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].status == err->status)
            err->kind = (int32_t)kinds[i].kind;
    }
}

void answer_missing(weir_error *err)
{
    if (err && err->kind == WEIR_KIND_UNKNOWN)
        set_kind(err);
}

bool answer_is_final(const weir_error *err)
{
    return err->status != WEIR_UNREACHABLE && err->status != WEIR_BUSY &&
           err->status != WEIR_TIMEOUT;
}

/* Strings belong to the tree, which is about to be freed. */
static void wipe(json_t *value)
{
    if (json_is_string(value))
        secret_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at))
        wipe(json_object_iter_value(at));
    for (size_t i = 0; i < json_array_size(value); i++)
        wipe(json_array_get(value, i));
}

static void forget(json_t *tree)
{
    if (tree)
        wipe(tree);
    json_decref(tree);
}

static void fold(struct buf *out, const json_t *tree, const char *name, const char *before)
{
    const char *text = json_string_value(json_object_get(tree, name));
    if (!text || !*text)
        return;
    buf_adds(out, before);
    text_fold(out, text, strlen(text), WORDS_MAX);
}

static weir_status status_of(int http, const struct refusal *row)
{
    if (http == 401)
        return WEIR_BAD_LOGIN;
    if (http == 429)
        return WEIR_BUSY;
    if (row)
        return row->status;
    if (http == 403)
        return WEIR_FORBIDDEN;
    if (http >= 500)
        return WEIR_UNREACHABLE;
    return WEIR_INVALID;
}

/* False: `tree` is no error document of RFC 6749, 5.2. */
static bool explain(const json_t *tree, int http, const char *what, weir_error *err)
{
    const char *error = json_string_value(json_object_get(tree, "error"));
    if (!error || !*error)
        return false;
    const struct refusal *row = refusal_of(error);
    struct buf words = BUF_INIT(4 * WORDS_MAX);
    fold(&words, tree, "error", "");
    fold(&words, tree, "error_description", ": ");
    error_peer(err, status_of(http, row), WEIR_ORIGIN_HTTP, http,
               "%s: the server answered %d %s: %s%s%s", what, http, status_http_phrase(http),
               words.data ? words.data : error, row ? "; " : "", row ? row->advice : "");
    buf_free(&words);
    return true;
}

static weir_ms hint_of(const struct http_answer *answer)
{
    return answer->retry_after > INT32_MAX ? INT32_MAX : answer->retry_after;
}

weir_status answer_refusal(const struct http_answer *answer, const char *what, weir_error *err)
{
    weir_error local = {0};
    weir_error *e = err ? err : &local;
    bool object = answer->body.len > 0 && answer->body.len <= LIMIT_TOKEN_ANSWER;
    json_t *tree =
        object ? json_parse(answer->body.data, answer->body.len, "the answer", NULL) : NULL;
    if (!explain(tree, answer->status, what, e)) {
        status_http_answer(e, answer, what);
        if (answer->status >= 500 && answer->status <= 599)
            e->status = WEIR_UNREACHABLE;
    }
    forget(tree);
    set_kind(e);
    e->retry_in_ms = answer_is_final(e) ? -1 : 0;
    if (!answer_is_final(e) && answer->retry_after > 0)
        e->retry_in_ms = (int32_t)hint_of(answer);
    return e->status;
}

/* --- an answer that should hold a token --------------------------------------------------- */

static weir_status unusable(weir_error *err, const char *what, const char *why)
{
    error_set(err, WEIR_PROTOCOL, "%s: the answer holds no token that can be used: %s", what, why);
    if (err)
        err->kind = WEIR_KIND_TOKEN_UNUSABLE;
    return WEIR_PROTOCOL;
}

/* A number, or a text that is one (Entra ID's older endpoint); 0: neither. */
static int64_t seconds_of(const json_t *value)
{
    int64_t number = 0;
    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_real(value)) {
        double real = json_real_value(value);
        return real >= 0 && real <= (double)TOKEN_ABSURD_S ? (int64_t)real : 0;
    }
    if (json_is_string(value) && text_number(json_string_value(value), 0, INT64_MAX, &number))
        return number;
    return 0;
}

static weir_status add_field(struct weir_token_answer *out, const char *name, const json_t *value)
{
    if (json_is_null(value) || !*name || strlen(name) > NAME_MAX_S)
        return WEIR_OK;
    if (json_is_string(value))
        return token_answer_field(out, name, json_string_value(value), json_string_length(value));
    char *text = json_text(value, true);
    if (!text)
        return WEIR_NO_MEMORY;
    weir_status status = token_answer_field(out, name, text, strlen(text));
    secret_free_text(text);
    return status;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {"access_token", "token_type", "expires_in"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* A further member that is too long, or one too many, is left out: the token is good. */
static weir_status add_fields(struct weir_token_answer *out, json_t *tree, weir_error *err)
{
    for (void *at = json_object_iter(tree); at; at = json_object_iter_next(tree, at)) {
        const char *name = json_object_iter_key(at);
        if (!is_ours(name) && add_field(out, name, json_object_iter_value(at)) == WEIR_NO_MEMORY)
            return error_no_memory(err);
    }
    return WEIR_OK;
}

static weir_status take(struct weir_token_answer *out, json_t *tree, const char *what,
                        weir_error *err)
{
    const json_t *token = json_object_get(tree, "access_token");
    const json_t *type = json_object_get(tree, "token_type");
    if (!json_is_string(token))
        return unusable(err, what, "no \"access_token\" in it; is this the token URL?");
    if (!token_is_sendable(json_string_value(token), json_string_length(token)))
        return unusable(err, what,
                        "\"access_token\" is empty, too long, or holds characters that no header "
                        "may hold");
    if (type && !json_is_null(type)) {
        const char *scheme = json_string_value(type);
        weir_status status = scheme ? weir_token_set_type(out, scheme) : WEIR_INVALID;
        if (status == WEIR_NO_MEMORY)
            return error_no_memory(err);
        if (status != WEIR_OK)
            return unusable(err, what, "\"token_type\" is no scheme of the Authorization header");
    }
    out->token = secret_new(json_string_value(token), json_string_length(token));
    if (!out->token)
        return error_no_memory(err);
    out->expires_in = seconds_of(json_object_get(tree, "expires_in"));
    return add_fields(out, tree, err);
}

weir_status answer_read(struct weir_token_answer *out, const char *body, size_t len,
                        const char *what, weir_error *err)
{
    weir_error why = {0};
    *out = (struct weir_token_answer){0};
    json_t *tree = json_parse(body, len, "the token endpoint's answer", &why);
    weir_status status;
    if (!tree && why.status == WEIR_NO_MEMORY)
        status = error_copy(err, &why);
    else if (!tree)
        status = unusable(err, what, "it is no JSON document; is this the token URL?");
    else if (!json_is_object(tree))
        status = unusable(err, what, "it is no JSON object");
    else if (!json_object_get(tree, "access_token") && explain(tree, 200, what, &why)) {
        set_kind(&why);
        status = error_copy(err, &why);
    } else
        status = take(out, tree, what, err);
    forget(tree);
    if (status != WEIR_OK)
        token_answer_clear(out);
    return status;
}
