/* credentials/cache_text.h - a credentials file's text: finding the token that serves a request,
 * putting one in, taking one out. zbctl's shape, with what weir adds in a member of its own:
 *
 *   "weir:HASH":                      zbctl: the audience; Java: the audience or the client id
 *     auth:
 *       credentials:
 *         accesstoken: "..."          also accessToken, access_token; so for all of these
 *         tokentype: "Bearer"
 *         refreshtoken: ""
 *         expiry: "2026-01-01T00:00:00Z"
 *     weir:
 *       issued: "2026-01-01T00:00:00Z"
 *       request:                      all of it must be the same, or the entry does not serve
 *         token_url: "https://..."
 *       fields:                       what else came with the token
 *         instance_url: "https://..."
 *
 * Pure. */
#ifndef CREDENTIALS_CACHE_TEXT_H
#define CREDENTIALS_CACHE_TEXT_H

#include "core/buf.h"
#include "core/secret.h"
#include "credentials/token.h"

#define CACHE_PAIRS     10
#define CACHE_NAME_SIZE 40

/* What a request is, to a file. Texts are borrowed. */
struct cache_request {
    char name[CACHE_NAME_SIZE]; /* of weir's own entry */
    struct {
        const char *name, *value;
    } pairs[CACHE_PAIRS];
    size_t count;
    const char *client_id, *audience; /* audience NULL: none */
    bool foreign;                     /* entries that others wrote may serve it */
};

struct cache_found {                 /* zeroed: empty */
    struct weir_token_answer answer; /* .token NULL: only a refresh token was found */
    struct secret *refresh_token;    /* or NULL */
    int64_t issued_at, expires_at;   /* seconds since the epoch */
    bool own;                        /* weir's entry: `issued_at` is known */
};
void cache_found_clear(struct cache_found *found);

/* WEIR_NOTHING: nothing that serves it now. WEIR_INVALID: the file is broken; *err says where. */
weir_status cache_find(weir_bytes text, const struct cache_request *request, int64_t now_s,
                       struct cache_found *out, weir_error *err);

struct cache_news {
    const weir_token *token;
    const struct secret *refresh_token; /* or NULL */
    int64_t now_s;
};
/* The file with this request's entry new or replaced; entries of others are kept byte by byte,
 * weir's own are dropped once they are expired and hold no refresh token. */
weir_status cache_put(weir_bytes text, const struct cache_request *request,
                      const struct cache_news *news, struct buf *out, weir_error *err);
/* The file without the access token `token`, wherever it stands. A refresh token of weir's own
 * entry stays. WEIR_NOTHING: it is not there. */
weir_status cache_remove(weir_bytes text, const struct cache_request *request,
                         const weir_token *token, struct buf *out, weir_error *err);
#endif
