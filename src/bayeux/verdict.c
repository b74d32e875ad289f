/* What a failed reply means. Servers say it in three digits and a text ("403::Unknown client"); the
 * digits alone are ambiguous where Salesforce's old CometD is concerned, so the table looks for
 * texts first. Case does not count, and neither does what stands around them.
 *
 * What the advice says matters only where the error leaves it open: a server that says "none"
 * beside a token that has expired is taken at its error's word. */
#include "bayeux/verdict.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

bool bayeux_error_split(const char *error, size_t len, struct bayeux_error *out)
{
    if (!error || len < 4 || error[3] != ':')
        return false;
    out->code = 0;
    for (int i = 0; i < 3; i++) {
        if (error[i] < '0' || error[i] > '9')
            return false;
        out->code = out->code * 10 + (error[i] - '0');
    }
    const char *args = error + 4;
    const char *colon = memchr(args, ':', len - 4);
    const char *text = colon ? colon + 1 : args; /* "403:text" has no arguments */
    out->args = (weir_bytes){args, colon ? (size_t)(colon - args) : 0};
    out->text = (weir_bytes){text, (size_t)(error + len - text)};
    return true;
}

/* ---- the table ---------------------------------------------------------------------------- */

enum mend { MEND_SESSION, MEND_TOKEN, MEND_LATER, MEND_RETRY, MEND_NOT };

/* The first row that fits. `code` 0: any, 5: any 5xx; `text` NULL: any. */
static const struct row {
    int code;
    const char *text;
    weir_status status;
    enum mend mend;
} rows[] = {
    {401, NULL, WEIR_BAD_LOGIN, MEND_TOKEN},
    {402, NULL, WEIR_UNREACHABLE, MEND_SESSION},
    {403, "unknown client", WEIR_UNREACHABLE, MEND_SESSION},
    {403, "not completed handshake", WEIR_UNREACHABLE, MEND_SESSION},
    {400, "no BAYEUX_BROWSER cookie", WEIR_UNREACHABLE, MEND_SESSION},
    {403, "limit exceeded", WEIR_BUSY, MEND_LATER},
    {0, "too busy", WEIR_BUSY, MEND_LATER},
    {429, NULL, WEIR_BUSY, MEND_LATER},
    {503, NULL, WEIR_BUSY, MEND_LATER},
    {408, NULL, WEIR_TIMEOUT, MEND_RETRY},
    {5, NULL, WEIR_REFUSED, MEND_RETRY},
    {400, NULL, WEIR_INVALID, MEND_NOT},
    {403, NULL, WEIR_FORBIDDEN, MEND_NOT},
    {404, NULL, WEIR_NOT_FOUND, MEND_NOT},
    {409, NULL, WEIR_CONFLICT, MEND_NOT},
    {413, NULL, WEIR_INVALID, MEND_NOT},
    {0, NULL, WEIR_REFUSED, MEND_NOT},
};

static bool contains(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

static const struct row *row_of(int code, const char *error)
{
    const struct row *row = rows;
    while ((row->code && row->code != code && row->code != code / 100) ||
           (row->text && !contains(error, row->text)))
        row++;
    return row;
}

static const struct row *read_error(const char *error, int *code)
{
    struct bayeux_error parts = {0};
    *code = 0;
    if (!error)
        return row_of(0, "");
    if (bayeux_error_split(error, strlen(error), &parts))
        *code = parts.code;
    return row_of(*code, error);
}

weir_status bayeux_error_set(weir_error *err, const char *what, const char *error)
{
    int code;
    const struct row *row = read_error(error, &code);
    error_peer(err, row->status, WEIR_ORIGIN_BAYEUX, code, "%s: %s", what,
               error ? error : "the server refused it, and does not say why");
    if (err && (row->mend == MEND_RETRY || row->mend == MEND_LATER))
        err->retry_in_ms = err->retry_in_ms < 0 ? 0 : err->retry_in_ms;
    if (err && code == 413)
        err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    return row->status;
}

/* ---- verdicts ----------------------------------------------------------------------------- */

void verdict_what(enum meta meta, const struct message *reply, char *out, size_t size)
{
    static const char *const what[] = {
        [META_NONE] = "the request",      [META_HANDSHAKE] = "the handshake",
        [META_CONNECT] = "the connect",   [META_DISCONNECT] = "the disconnect",
        [META_SUBSCRIBE] = "subscribing", [META_UNSUBSCRIBE] = "unsubscribing",
        [META_PUBLISH] = "publishing",
    };
    bool subscription = meta == META_SUBSCRIBE || meta == META_UNSUBSCRIBE;
    bool named = subscription || meta == META_PUBLISH;
    char *name = NULL;
    if (reply && named)
        name = slice_text(subscription ? reply->subscription : reply->channel);
    const char *to = meta == META_UNSUBSCRIBE ? " from '" : " to '";
    (void)snprintf(out, size, "%s%s%s%s", what[meta], name ? to : "", name ? name : "",
                   name ? "'" : "");
    mem_free(name);
}

static bool advised(const char *reconnect, const char *what)
{
    return reconnect && strcmp(reconnect, what) == 0;
}

/* What the error leaves to the advice: only a session's own messages have any. */
static enum verdict by_advice(enum meta meta, const char *reconnect)
{
    if (meta != META_CONNECT && meta != META_HANDSHAKE)
        return VERDICT_REFUSED;
    if (advised(reconnect, "handshake"))
        return meta == META_CONNECT ? VERDICT_HANDSHAKE : VERDICT_RETRY;
    return advised(reconnect, "retry") ? VERDICT_RETRY : VERDICT_REFUSED;
}

static enum verdict verdict_of(enum meta meta, enum mend mend, const char *reconnect)
{
    bool of_session = meta == META_CONNECT || meta == META_HANDSHAKE;
    switch (mend) {
    case MEND_SESSION:
        return meta == META_HANDSHAKE ? VERDICT_RETRY : VERDICT_HANDSHAKE;
    case MEND_TOKEN:
        return VERDICT_LOGIN;
    case MEND_LATER:
        return VERDICT_LATER;
    case MEND_RETRY:
        if (meta == META_CONNECT && advised(reconnect, "handshake"))
            return VERDICT_HANDSHAKE;
        return of_session ? VERDICT_RETRY : VERDICT_LATER;
    default:
        return by_advice(meta, reconnect);
    }
}

enum verdict verdict_of_error(enum meta meta, const char *what, const char *error,
                              const char *reconnect, weir_error *err)
{
    int code;
    bayeux_error_set(err, what, error);
    if (!error && meta == META_CONNECT && !reconnect)
        return VERDICT_RETRY;
    return verdict_of(meta, read_error(error, &code)->mend, reconnect);
}

enum verdict verdict_of_reply(enum meta meta, const struct message *reply, const char *reconnect,
                              weir_error *err)
{
    char what[256];
    char *error = slice_text(reply->error);
    verdict_what(meta, reply, what, sizeof what);
    enum verdict verdict = verdict_of_error(meta, what, error, reconnect, err);
    mem_free(error);
    return verdict;
}

/* 5xx without a Bayeux answer is a server, or what stands before it, in trouble. */
static bool may_pass(const weir_error *why)
{
    return why->retry_in_ms >= 0 || (why->origin == WEIR_ORIGIN_HTTP && why->code >= 500);
}

enum verdict verdict_of_failure(enum meta meta, const weir_error *why)
{
    (void)meta;
    switch (why->status) {
    case WEIR_BAD_LOGIN:
        return VERDICT_LOGIN;
    case WEIR_BUSY:
        return VERDICT_LATER;
    case WEIR_UNREACHABLE:
    case WEIR_TIMEOUT:
    case WEIR_NO_MEMORY:
        return VERDICT_RETRY;
    default:
        return may_pass(why) ? VERDICT_RETRY : VERDICT_REFUSED;
    }
}
