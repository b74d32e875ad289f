#include "salesforce/redis_url.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "core/url.h"
#include "io/resolve.h"

#include <string.h>

#define PORT 6379

/* --- the URL ------------------------------------------------------------------------------ */

static struct secret *decoded(const char *text, size_t len)
{
    struct buf out = BUF_INIT((size_t)64 * 1024);
    percent_decode(&out, text, len);
    struct secret *secret = out.failed ? NULL : secret_new(out.data ? out.data : "", out.len);
    if (out.data)
        secret_wipe(out.data, out.cap);
    buf_free(&out);
    return secret;
}

/* "USER", "USER:PASSWORD", ":PASSWORD"; redis-cli's forms. */
static weir_status read_user(struct redis_url *out, const char *info, weir_error *err)
{
    if (!info)
        return WEIR_OK;
    const char *colon = strchr(info, ':');
    size_t len = colon ? (size_t)(colon - info) : strlen(info);
    if (len > 0 && !(out->user = decoded(info, len)))
        return error_no_memory(err);
    if (colon && !(out->password = decoded(colon + 1, strlen(colon + 1))))
        return error_no_memory(err);
    return WEIR_OK;
}

static weir_status fill(struct redis_url *out, struct url *url, weir_error *err)
{
    out->tls = strcmp(url->scheme, "rediss") == 0;
    if (!out->tls && strcmp(url->scheme, "redis") != 0)
        return error_set(err, WEIR_INVALID,
                         "the store's URL begins with '%s://'; redis:// or rediss:// are wanted",
                         url->scheme);
    if (url->target[1] && !text_number(url->target + 1, 0, INT32_MAX, &out->db))
        return error_set(err, WEIR_INVALID,
                         "the store's URL: behind the host stands '%s'; a database's number is "
                         "wanted there, as in redis://%s/0",
                         url->target, url->host);
    out->host = url->host;
    url->host = NULL;
    out->ipv6 = url->ipv6;
    out->port = url_port(url, PORT);
    weir_status status = read_user(out, url->userinfo, err);
    if (status != WEIR_OK || out->tls || !out->password || host_is_loopback(out->host))
        return status;
    return error_set(err, WEIR_UNSUPPORTED,
                     "the store's URL: a password would go to %s in plaintext; use rediss:// (TLS)",
                     out->host);
}

weir_status redis_url_parse(struct redis_url *out, const char *text, weir_error *err)
{
    struct url url;
    *out = (struct redis_url){0};
    weir_status status = url_parse(&url, text, "the store's URL", err);
    if (status == WEIR_OK)
        status = fill(out, &url, err);
    url_clear(&url);
    if (status != WEIR_OK)
        redis_url_clear(out);
    return status;
}

void redis_url_clear(struct redis_url *url)
{
    mem_free(url->host);
    secret_free(url->user);
    secret_free(url->password);
    *url = (struct redis_url){0};
}

/* --- what it says ------------------------------------------------------------------------- */

/* The first word of an error. Older servers put it behind the script's name: "... -OOM command".
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
static const struct refusal {
    const char *word;
    weir_status status;
    const char *advice;
} refusals[] = {
    {"NOAUTH", WEIR_BAD_LOGIN, "give a password in the URL: redis://USER:PASSWORD@HOST"},
    {"WRONGPASS", WEIR_BAD_LOGIN, "user and password in the URL are not the server's"},
    {"NOPERM", WEIR_FORBIDDEN,
     "let the user EVAL, GET, SET, HGET, HSET, HDEL, DEL and PTTL on weir:*"},
    {"DENIED", WEIR_FORBIDDEN, "the server takes connections of its own machine only"},
    {"READONLY", WEIR_UNREACHABLE, "this is a replica: give the address of the primary"},
    {"LOADING", WEIR_UNREACHABLE, "it is starting"},
    {"MASTERDOWN", WEIR_UNREACHABLE, "its primary is down"},
    {"CLUSTERDOWN", WEIR_UNREACHABLE, "its cluster is down"},
    {"TRYAGAIN", WEIR_UNREACHABLE, "its cluster is moving the keys"},
    {"NOREPLICAS", WEIR_UNREACHABLE, "it wants replicas that are not there"},
    {"MISCONF", WEIR_BUSY, "it cannot save to its disk and takes no writes: see its log"},
    {"OOM", WEIR_BUSY, "its memory is full: raise maxmemory"},
    {"BUSY", WEIR_BUSY, "another client's script is running"},
    {"MOVED", WEIR_UNSUPPORTED,
     "it is a node of a cluster that has not these keys: give the address "
     "it names"},
    {"ASK", WEIR_UNSUPPORTED,
     "it is a node of a cluster that gives these keys away: give the "
     "address it names"},
    {"WRONGTYPE", WEIR_STORE, "another program uses keys of these names; give another database"},
    {"ERR max number of clients", WEIR_UNREACHABLE, "raise its maxclients"},
    {"ERR invalid password", WEIR_BAD_LOGIN, "the password in the URL is not the server's"},
    {"ERR Client sent AUTH", WEIR_BAD_LOGIN, "it has no password: take it out of the URL"},
    {"ERR AUTH <password>", WEIR_BAD_LOGIN, "it has no password: take it out of the URL"},
    {"ERR DB index", WEIR_INVALID, "the database in the URL is not there"},
    {"ERR invalid DB index", WEIR_INVALID, "the database in the URL is not there"},
    {"ERR SELECT is not allowed", WEIR_INVALID,
     "a cluster has one database: take it out of the URL"},
    {"ERR unknown command", WEIR_UNSUPPORTED, "weir needs scripts (EVAL), Redis 2.8 or later"},
};

static bool begins(const char *text, const char *word)
{
    size_t len = strlen(word);
    return strncmp(text, word, len) == 0 && (text[len] == ' ' || !text[len] || strchr(word, ' '));
}

static bool says(const char *text, const char *word)
{
    if (begins(text, word))
        return true;
    for (const char *dash = strstr(text, " -"); dash; dash = strstr(dash + 1, " -")) {
        if (begins(dash + 2, word))
            return true;
    }
    return false;
}

weir_status redis_refusal(const struct resp_value *error, const char *what, weir_error *err)
{
    struct buf text = BUF_INIT(1024);
    weir_status status = WEIR_STORE;
    text_fold(&text, error->text, error->len, 400);
    const char *words = text.data ? text.data : "";
    size_t i = 0;
    while (i < sizeof refusals / sizeof *refusals && !says(words, refusals[i].word))
        i++;
    if (i < sizeof refusals / sizeof *refusals)
        status = error_set(err, refusals[i].status, "%s: the server says: %s; %s", what, words,
                           refusals[i].advice);
    else
        status = error_set(err, WEIR_STORE, "%s: the server says: %s", what, words);
    buf_free(&text);
    return status;
}
