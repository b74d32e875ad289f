/* A list of parameters, then its encoding. Every buffer that holds a secret is made large enough
 * from the start, because growing one would leave a copy behind that nobody wipes. */
#include "credentials/request.h"

#include "core/error.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>

#define PAIRS_OWN       16
#define ASSERTION_LIFE  120 /* seconds; Salesforce takes no more than three minutes */
#define ASSERTION_TYPE  "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define REQUEST_MAX     ((size_t)4 * 1024 * 1024)
#define JSON_GROWTH     6 /* "\u0001" for one byte */
#define FORM_GROWTH     3 /* "%20" */
#define BASIC_GROWTH    5 /* form-encoded, then base64 */
#define BASIC_HEADER    "Authorization: Basic "
#define FORM_MEDIA_TYPE "application/x-www-form-urlencoded"
#define JSON_MEDIA_TYPE "application/json"

struct pair {
    const char *name, *value;
};

struct pairs {
    struct pair *list;
    size_t count, room;
};

static void add(struct pairs *pairs, const char *name, const char *value)
{
    if (value && pairs->count < pairs->room)
        pairs->list[pairs->count++] = (struct pair){name, value};
}

/* The assertions' values, while the parameters point to them. */
struct signatures {
    struct secret *grant, *client;
};

static void add_grant(struct pairs *pairs, const struct grant *g,
                      const struct secret *refresh_token, const struct signatures *signatures)
{
    add(pairs, "grant_type", grant_type(g->kind));
    if (g->kind == WEIR_GRANT_PASSWORD) {
        add(pairs, "username", g->username);
        add(pairs, "password", secret_reveal(g->password));
    } else if (g->kind == WEIR_GRANT_REFRESH_TOKEN) {
        add(pairs, "refresh_token",
            secret_reveal(refresh_token ? refresh_token : g->refresh_token));
    } else if (g->kind == WEIR_GRANT_JWT_BEARER) {
        add(pairs, "assertion", signatures ? secret_reveal(signatures->grant) : "");
    }
}

static void add_client(struct pairs *pairs, const struct grant *g,
                       const struct signatures *signatures)
{
    if (g->auth == WEIR_CLIENT_AUTH_BASIC)
        return;
    add(pairs, "client_id", g->client_id);
    if (g->auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT) {
        add(pairs, "client_assertion_type", ASSERTION_TYPE);
        add(pairs, "client_assertion", signatures ? secret_reveal(signatures->client) : "");
    } else {
        add(pairs, "client_secret", secret_reveal(g->client_secret));
    }
}

/* NULL: no memory. `signatures` NULL: only the names matter. */
static struct pair *collect(struct pairs *pairs, const struct grant *g,
                            const struct secret *refresh_token, const struct signatures *signatures)
{
    pairs->room = PAIRS_OWN + g->param_count;
    pairs->list = mem_array(pairs->room, sizeof *pairs->list);
    if (!pairs->list)
        return NULL;
    add_grant(pairs, g, refresh_token, signatures);
    add_client(pairs, g, signatures);
    add(pairs, "scope", g->scope);
    add(pairs, "audience", g->audience);
    add(pairs, "resource", g->resource);
    for (size_t i = 0; i < g->param_count; i++)
        add(pairs, g->params[i].name, secret_reveal(g->params[i].value));
    return pairs->list;
}

weir_status request_check(const struct grant *grant, weir_error *err)
{
    struct pairs pairs = {NULL, 0, 0};
    weir_status status = WEIR_OK;
    if (!collect(&pairs, grant, NULL, NULL))
        return error_no_memory(err);
    for (size_t i = 1; i < pairs.count && status == WEIR_OK; i++) {
        for (size_t k = 0; k < i && status == WEIR_OK; k++) {
            if (strcmp(pairs.list[i].name, pairs.list[k].name) == 0)
                status = error_set(err, WEIR_INVALID,
                                   "weir_credentials_oauth2: the parameter '%s' is given twice "
                                   "(params repeats an option or itself)",
                                   pairs.list[i].name);
        }
    }
    mem_free(pairs.list);
    return status;
}

/* --- encoding ----------------------------------------------------------------------------- */

static size_t room_for(const struct pairs *pairs, size_t growth)
{
    size_t room = 64;
    for (size_t i = 0; i < pairs->count; i++)
        room += growth * (strlen(pairs->list[i].name) + strlen(pairs->list[i].value)) + 8;
    return room;
}

static struct buf buf_with_room(size_t room)
{
    struct buf out = BUF_INIT(REQUEST_MAX);
    out.data = room < REQUEST_MAX ? mem_zalloc(room) : NULL;
    out.cap = out.data ? room : 0;
    out.failed = !out.data;
    return out;
}

static struct secret *sealed(struct buf *b)
{
    struct secret *out = b->failed ? NULL : secret_new(b->data, b->len);
    secret_wipe(b->data, b->cap);
    buf_free(b);
    return out;
}

static struct secret *form_of(const struct pairs *pairs)
{
    struct buf out = buf_with_room(room_for(pairs, FORM_GROWTH));
    for (size_t i = 0; i < pairs->count; i++) {
        buf_adds(&out, i ? "&" : "");
        form_add(&out, pairs->list[i].name);
        buf_adds(&out, "=");
        form_add(&out, pairs->list[i].value);
    }
    return sealed(&out);
}

static struct secret *json_of_pairs(const struct pairs *pairs)
{
    struct buf out = buf_with_room(room_for(pairs, JSON_GROWTH));
    buf_adds(&out, "{");
    for (size_t i = 0; i < pairs->count; i++) {
        buf_adds(&out, i ? "," : "");
        json_add_string(&out, pairs->list[i].name, strlen(pairs->list[i].name));
        buf_adds(&out, ":");
        json_add_string(&out, pairs->list[i].value, strlen(pairs->list[i].value));
    }
    buf_adds(&out, "}");
    return sealed(&out);
}

/* RFC 6749, 2.3.1: both are form-encoded before they become a user name and a password. */
static struct secret *basic_of(const struct grant *g)
{
    size_t room = BASIC_GROWTH * (strlen(g->client_id) + secret_len(g->client_secret)) + 64;
    struct buf inner = buf_with_room(room), out = buf_with_room(room);
    form_add(&inner, g->client_id);
    buf_adds(&inner, ":");
    form_add(&inner, secret_reveal(g->client_secret));
    buf_adds(&out, BASIC_HEADER);
    if (!inner.failed)
        base64_add(&out, inner.data, inner.len, true);
    secret_wipe(inner.data, inner.cap);
    bool good = !inner.failed;
    buf_free(&inner);
    struct secret *header = sealed(&out);
    if (good)
        return header;
    secret_free(header);
    return NULL;
}

static weir_status sign(const struct grant *g, const struct clock *clock, struct signatures *out,
                        weir_error *err)
{
    struct assertion claims = {g->key_id, g->client_id, g->subject, g->assertion_audience,
                               ASSERTION_LIFE};
    weir_status status = WEIR_OK;
    if (g->kind == WEIR_GRANT_JWT_BEARER)
        status = assertion_make(g->signer, &claims, clock, &out->grant, err);
    claims.subject = g->client_id;
    if (status == WEIR_OK && g->auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT)
        status = assertion_make(g->signer, &claims, clock, &out->client, err);
    return status;
}

weir_status request_make(const struct grant *grant, const struct secret *refresh_token,
                         const struct clock *clock, struct request *out, weir_error *err)
{
    struct pairs pairs = {NULL, 0, 0};
    struct signatures signatures = {NULL, NULL};
    bool json = grant->auth == WEIR_CLIENT_AUTH_JSON, basic = grant->auth == WEIR_CLIENT_AUTH_BASIC;
    *out = (struct request){json ? JSON_MEDIA_TYPE : FORM_MEDIA_TYPE, NULL, NULL};
    weir_status status = sign(grant, clock, &signatures, err);
    if (status == WEIR_OK && collect(&pairs, grant, refresh_token, &signatures)) {
        out->body = json ? json_of_pairs(&pairs) : form_of(&pairs);
        out->authorization = basic ? basic_of(grant) : NULL;
    }
    if (status == WEIR_OK && (!out->body || (basic && !out->authorization)))
        status = error_no_memory(err);
    secret_free(signatures.grant);
    secret_free(signatures.client);
    mem_free(pairs.list);
    if (status != WEIR_OK)
        request_clear(out);
    return status;
}

void request_clear(struct request *request)
{
    secret_free(request->authorization);
    secret_free(request->body);
    *request = (struct request){NULL, NULL, NULL};
}
