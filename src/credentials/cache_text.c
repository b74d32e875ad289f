/* Every function splits the text into entries and judges them one by one. An entry that cannot be
 * read is somebody else's and is kept as it is. */
#include "credentials/cache_text.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "credentials/cache_jwt.h"
#include "credentials/cache_time.h"
#include "credentials/cache_yaml.h"

#include <string.h>

#define OWN_PREFIX   "weir:"
#define CLOCK_SKEW_S 60

void cache_found_clear(struct cache_found *found)
{
    token_answer_clear(&found->answer);
    secret_free(found->refresh_token);
    *found = (struct cache_found){0};
}

/* --- reading one entry -------------------------------------------------------------------- */

struct reading {
    const struct cache_request *request;
    struct cache_found found;
    size_t matched;
    bool marked;  /* it has weir's member */
    bool differs; /* it belongs to another request */
};

/* "accessToken" and "access_token" are "accesstoken". */
static bool spelt(const char *name, const char *plain)
{
    for (; *name; name++) {
        if (*name == '_' || *name == '-')
            continue;
        int lower = *name >= 'A' && *name <= 'Z' ? *name + ('a' - 'A') : *name;
        if (lower != *plain)
            return false;
        plain++;
    }
    return *plain == '\0';
}

static weir_status keep_secret(struct secret **out, const char *value)
{
    if (*out)
        return WEIR_INVALID; /* twice */
    *out = secret_new(value, strlen(value));
    return *out ? WEIR_OK : WEIR_NO_MEMORY;
}

static weir_status credential(struct reading *r, const char *name, const char *value)
{
    struct cache_found *f = &r->found;
    if (spelt(name, "accesstoken") && *value)
        return token_is_sendable(value, strlen(value)) ? keep_secret(&f->answer.token, value)
                                                       : WEIR_INVALID;
    if (spelt(name, "refreshtoken") && *value)
        return keep_secret(&f->refresh_token, value);
    if (spelt(name, "tokentype") && *value)
        return weir_token_set_type(&f->answer, value);
    if (spelt(name, "expiry") && *value)
        return cache_time_parse(value, &f->expires_at) ? WEIR_OK : WEIR_INVALID;
    return WEIR_OK;
}

static weir_status compare(struct reading *r, const char *name, const char *value)
{
    for (size_t i = 0; i < r->request->count; i++) {
        if (strcmp(r->request->pairs[i].name, name) != 0)
            continue;
        r->matched++;
        r->differs = r->differs || strcmp(r->request->pairs[i].value, value) != 0;
        return WEIR_OK;
    }
    r->differs = true;
    return WEIR_OK;
}

static weir_status own(struct reading *r, const char *const *names, size_t depth, const char *value)
{
    r->marked = true;
    if (depth == 3 && strcmp(names[2], "issued") == 0)
        return cache_time_parse(value, &r->found.issued_at) ? WEIR_OK : WEIR_INVALID;
    if (depth == 4 && strcmp(names[2], "request") == 0)
        return compare(r, names[3], value);
    if (depth == 4 && strcmp(names[2], "fields") == 0)
        return token_answer_field(&r->found.answer, names[3], value, strlen(value));
    return WEIR_OK;
}

static weir_status scalar(void *user, const char *const *names, size_t depth, const char *value)
{
    struct reading *r = user;
    if (depth == 4 && strcmp(names[1], "auth") == 0 && strcmp(names[2], "credentials") == 0)
        return credential(r, names[3], value);
    if (depth > 1 && strcmp(names[1], "weir") == 0)
        return own(r, names, depth, value);
    return WEIR_OK;
}

static weir_status read_entry(const struct yaml_entry *entry, const struct cache_request *request,
                              struct reading *r)
{
    *r = (struct reading){.request = request};
    weir_status status = yaml_walk(entry, scalar, r);
    if (status != WEIR_OK)
        cache_found_clear(&r->found);
    return status;
}

static bool is_own_name(const struct yaml_entry *entry)
{
    return strncmp(entry->name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0;
}

/* --- finding ------------------------------------------------------------------------------ */

/* A lifetime that is known and plausible, and has not passed. An entry from the future means that
 * the wall clock was set back: nothing it says of time can be trusted. */
static bool is_alive(const struct cache_found *f, int64_t now_s)
{
    int64_t issued = f->own ? f->issued_at : now_s;
    return f->expires_at > now_s && issued > 0 && issued <= now_s + CLOCK_SKEW_S &&
           f->expires_at > issued && f->expires_at - issued <= TOKEN_ABSURD_S;
}

static bool is_ours(const struct yaml_entry *entry, const struct reading *r)
{
    return strcmp(entry->name, r->request->name) == 0 && r->marked && !r->differs &&
           r->matched == r->request->count;
}

/* zbctl and Java name entries by audience or by client id, and say neither the client nor the
 * server. A token that itself says whom it is for is believed. */
static bool may_serve(const struct yaml_entry *entry, const struct reading *r)
{
    const struct cache_request *q = r->request;
    if (!q->foreign || r->marked || !r->found.answer.token)
        return false;
    bool named = strcmp(entry->name, q->client_id) == 0 ||
                 (q->audience && strcmp(entry->name, q->audience) == 0);
    return named &&
           cache_jwt_allows(secret_reveal(r->found.answer.token), q->client_id, q->audience);
}

static void drop_dead_token(struct cache_found *f)
{
    secret_free(f->answer.token);
    f->answer.token = NULL;
}

/* Others write 3020 for a token that does not expire: known, and far away. */
static void cap(struct cache_found *f, int64_t now_s)
{
    if (!f->own && f->expires_at > now_s + TOKEN_ABSURD_S)
        f->expires_at = now_s + TOKEN_ABSURD_S;
}

/* Takes what `r` holds when it is better than `best`. */
static void consider(const struct yaml_entry *entry, struct reading *r, int64_t now_s,
                     struct cache_found *best)
{
    struct cache_found *f = &r->found;
    f->own = is_ours(entry, r);
    cap(f, now_s);
    bool alive = f->answer.token && is_alive(f, now_s);
    bool good = f->own ? alive || f->refresh_token : may_serve(entry, r) && alive;
    if (!good || best->own || (!f->own && best->expires_at >= f->expires_at))
        return;
    if (!alive)
        drop_dead_token(f);
    if (!f->own) { /* zbctl leaves it empty, and it would not be ours */
        secret_free(f->refresh_token);
        f->refresh_token = NULL;
    }
    cache_found_clear(best);
    *best = *f;
    *f = (struct cache_found){0};
}

weir_status cache_find(weir_bytes text, const struct cache_request *request, int64_t now_s,
                       struct cache_found *out, weir_error *err)
{
    struct yaml_file file;
    *out = (struct cache_found){0};
    weir_status status = yaml_split(&file, text.data, text.len, err);
    if (status != WEIR_OK)
        return status;
    for (size_t i = 0; i < file.count && status != WEIR_NO_MEMORY; i++) {
        struct reading r;
        status = read_entry(&file.entries[i], request, &r);
        if (status == WEIR_OK)
            consider(&file.entries[i], &r, now_s, out);
        cache_found_clear(&r.found);
    }
    yaml_clear(&file);
    if (status == WEIR_NO_MEMORY) {
        cache_found_clear(out);
        return error_no_memory(err);
    }
    return out->answer.token || out->refresh_token ? error_ok(err) : WEIR_NOTHING;
}

/* --- writing ------------------------------------------------------------------------------ */

static void add_pair(struct buf *out, const char *indent, const char *name, const char *value)
{
    buf_adds(out, indent);
    yaml_add(out, name);
    buf_adds(out, ": ");
    yaml_add(out, value);
    buf_adds(out, "\n");
}

static void add_time(struct buf *out, const char *before, int64_t seconds)
{
    char text[CACHE_TIME_SIZE];
    cache_time_format(seconds, text);
    buf_addf(out, "%s\"%s\"\n", before, text);
}

static void add_credentials(struct buf *out, const weir_token *token,
                            const struct secret *refresh_token)
{
    buf_adds(out, "  auth:\n    credentials:\n      accesstoken: ");
    yaml_add(out, token ? weir_token_value(token) : "");
    buf_adds(out, "\n      tokentype: ");
    yaml_add(out, token ? weir_token_type(token) : "Bearer");
    buf_adds(out, "\n      refreshtoken: ");
    yaml_add(out, refresh_token ? secret_reveal(refresh_token) : "");
    buf_adds(out, "\n");
    if (token)
        add_time(out, "      expiry: ", weir_token_expires_at(token));
}

static void add_fields(struct buf *out, const weir_token *token)
{
    const char *name, *value;
    bool first = true;
    for (size_t i = 0; token && i < token_field_count(token); i++) {
        token_field_at(token, i, &name, &value);
        if (strcmp(name, "refresh_token") == 0)
            continue;
        buf_adds(out, first ? "    fields:\n" : "");
        add_pair(out, "      ", name, value);
        first = false;
    }
}

/* `token` NULL: a refresh token alone, from `issued_at`. */
static void add_own(struct buf *out, const struct cache_request *request, const weir_token *token,
                    const struct secret *refresh_token, int64_t issued_at)
{
    buf_addf(out, "\"%s\":\n", request->name);
    add_credentials(out, token, refresh_token);
    buf_adds(out, "  weir:\n");
    add_time(out, "    issued: ", token ? token_issued_at(token) : issued_at);
    buf_adds(out, "    request:\n");
    for (size_t i = 0; i < request->count; i++)
        add_pair(out, "      ", request->pairs[i].name, request->pairs[i].value);
    add_fields(out, token);
}

/* Entries of weir's that can serve nobody any more. */
static bool is_dead(const struct yaml_entry *entry, const struct cache_request *request,
                    int64_t now_s)
{
    struct reading r;
    if (!is_own_name(entry) || read_entry(entry, request, &r) != WEIR_OK)
        return false;
    bool dead = r.marked && !r.found.refresh_token && r.found.expires_at <= now_s;
    cache_found_clear(&r.found);
    return dead;
}

static void add_raw(struct buf *out, const char *text, size_t len)
{
    buf_add(out, text, len);
    if (len > 0 && text[len - 1] != '\n')
        buf_adds(out, "\n");
}

static weir_status finish(const struct buf *out, weir_error *err)
{
    if (!out->failed)
        return error_ok(err);
    return error_set(err, WEIR_NO_MEMORY,
                     "out of memory, or the file would be larger than %zu bytes", out->max);
}

weir_status cache_put(weir_bytes text, const struct cache_request *request,
                      const struct cache_news *news, struct buf *out, weir_error *err)
{
    struct yaml_file file;
    weir_status status = yaml_split(&file, text.data, text.len, err);
    if (status != WEIR_OK)
        return status;
    add_raw(out, text.data, file.head);
    for (size_t i = 0; i < file.count; i++) {
        const struct yaml_entry *entry = &file.entries[i];
        if (strcmp(entry->name, request->name) != 0 && !is_dead(entry, request, news->now_s))
            add_raw(out, entry->text, entry->len);
    }
    add_own(out, request, news->token, news->refresh_token, 0);
    yaml_clear(&file);
    return finish(out, err);
}

/* What is left of an entry that held the refused token. */
static void add_rest(struct buf *out, const struct yaml_entry *entry,
                     const struct cache_request *request, const struct reading *r)
{
    if (is_ours(entry, r) && r->found.refresh_token)
        add_own(out, request, NULL, r->found.refresh_token, r->found.issued_at);
}

weir_status cache_remove(weir_bytes text, const struct cache_request *request,
                         const weir_token *token, struct buf *out, weir_error *err)
{
    struct yaml_file file;
    bool found = false;
    weir_status status = yaml_split(&file, text.data, text.len, err);
    if (status != WEIR_OK)
        return status;
    add_raw(out, text.data, file.head);
    for (size_t i = 0; i < file.count && status != WEIR_NO_MEMORY; i++) {
        struct reading r;
        status = read_entry(&file.entries[i], request, &r);
        const char *held = secret_reveal(r.found.answer.token);
        bool refused = held && strcmp(held, weir_token_value(token)) == 0;
        if (refused)
            add_rest(out, &file.entries[i], request, &r);
        else
            add_raw(out, file.entries[i].text, file.entries[i].len);
        found = found || refused;
        cache_found_clear(&r.found);
    }
    yaml_clear(&file);
    if (status == WEIR_NO_MEMORY)
        return error_no_memory(err);
    return found ? finish(out, err) : WEIR_NOTHING;
}
