/* One file, many writers: each reads it, changes its own entry and replaces it whole, all under a
 * lock that lies beside it (the file itself is a new one after each writing). Readers need no lock.
 *
 * A file of another owner, or that others may write, is neither believed nor touched. A broken one
 * is put aside under another name and begun anew: zbctl writes in place, so a torn file is possible
 * and must not stay for ever; what somebody named by mistake must not be lost. */
#include "credentials/cache_file.h"

#include "core/backoff.h"
#include "core/deadline.h"
#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_WAIT_MS 2000
#define HASH_BYTES   16

struct cache {
    char *path, *lock_path, *broken_path;
    struct cache_request request;
    char origin[2 * HASH_BYTES + 1]; /* of the configured refresh token */
    bool complained;
};

/* --- which request ------------------------------------------------------------------------ */

static bool hash_text(const char *text, size_t len, char out[2 * HASH_BYTES + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    for (size_t i = 0; i < HASH_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return true;
}

static void add_pair(struct cache_request *q, const char *name, const char *value)
{
    if (!value || q->count == CACHE_PAIRS)
        return;
    q->pairs[q->count].name = name;
    q->pairs[q->count++].value = value;
}

/* Each with its length, so that no two requests give the same text. */
static void add_hashed(struct buf *all, const char *name, const char *value)
{
    buf_addf(all, "%zu:%s=%zu:", strlen(name), name, strlen(value));
    buf_adds(all, value);
}

/* Everything that decides which token is given: all but secrets and how the client proves itself.
 * A rotated refresh token serves those who were configured with the one it descends from. */
static bool describe(struct cache *c, const struct grant *g)
{
    struct cache_request *q = &c->request;
    struct buf all = BUF_INIT((size_t)8 * 1024 * 1024);
    const struct secret *refresh = g->refresh_token;
    bool refreshes = g->kind == WEIR_GRANT_REFRESH_TOKEN;
    if (refreshes && !hash_text(secret_reveal(refresh), secret_len(refresh), c->origin))
        return false;
    add_pair(q, "grant", grant_type(g->kind));
    add_pair(q, "token_url", g->token_url);
    add_pair(q, "client_id", g->client_id);
    add_pair(q, "scope", g->scope);
    add_pair(q, "audience", g->audience);
    add_pair(q, "resource", g->resource);
    add_pair(q, "username", g->kind == WEIR_GRANT_PASSWORD ? g->username : NULL);
    add_pair(q, "subject", g->kind == WEIR_GRANT_JWT_BEARER ? g->subject : NULL);
    add_pair(q, "refresh_origin", refreshes ? c->origin : NULL);
    for (size_t i = 0; i < q->count; i++)
        add_hashed(&all, q->pairs[i].name, q->pairs[i].value);
    for (size_t i = 0; i < g->param_count; i++)
        add_hashed(&all, g->params[i].name, secret_reveal(g->params[i].value));
    (void)snprintf(q->name, sizeof q->name, "weir:");
    bool good = !all.failed && hash_text(all.data, all.len, q->name + strlen(q->name));
    secret_wipe(all.data, all.cap);
    buf_free(&all);
    return good;
}

static char *with_suffix(const char *path, const char *suffix)
{
    struct buf out = BUF_INIT(4096);
    buf_adds(&out, path);
    buf_adds(&out, suffix);
    return out.data;
}

struct cache *cache_new(const char *path, const struct grant *grant, bool foreign)
{
    struct cache *c = mem_zalloc(sizeof *c);
    if (!c)
        return NULL;
    c->path = mem_strdup(path);
    c->lock_path = with_suffix(path, ".lock");
    c->broken_path = with_suffix(path, ".broken");
    c->request.client_id = grant->client_id;
    c->request.audience = grant->audience;
    c->request.foreign = foreign && grant->kind == WEIR_GRANT_CLIENT_CREDENTIALS;
    if (c->path && c->lock_path && c->broken_path && describe(c, grant))
        return c;
    cache_free(c);
    return NULL;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    mem_free(cache->path);
    mem_free(cache->lock_path);
    mem_free(cache->broken_path);
    mem_free(cache);
}

/* --- the file ----------------------------------------------------------------------------- */

/* Once, until it works again. */
static void complain(struct cache *c, const weir_error *why, const char *outcome)
{
    weir_log_level level = c->complained ? WEIR_LOG_DEBUG : WEIR_LOG_WARN;
    log_at(level, "auth", "", "the token cache '%s': %s; %s", c->path, why->message, outcome);
    c->complained = true;
}

static weir_status check_owner(const struct stat *st, weir_error *err)
{
    if (!S_ISREG(st->st_mode))
        return error_set(err, WEIR_STORE, "it is not a regular file");
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return error_set(err, WEIR_STORE, "it belongs to another user");
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, WEIR_STORE, "others may write to it (mode %04o; chmod 600 it)",
                         (unsigned)(st->st_mode & 07777));
    return WEIR_OK;
}

/* *text NULL and OK: there is no file. */
static weir_status read_file(const struct cache *c, char **text, size_t *len, weir_error *err)
{
    struct stat st;
    *text = NULL;
    *len = 0;
    if (stat(c->path, &st)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return WEIR_OK;
        return error_system(err, WEIR_STORE, errno, "cannot look at it");
    }
    weir_status status = check_owner(&st, err);
    if (status != WEIR_OK)
        return status;
    if (st.st_mode & (S_IRGRP | S_IROTH))
        log_at(WEIR_LOG_INFO, "auth", "", "the token cache '%s': others may read it (mode %04o)",
               c->path, (unsigned)(st.st_mode & 07777));
    return file_read(c->path, LIMIT_TOKEN_CACHE, "the token cache", text, len, err);
}

static void free_text(char *text, size_t len)
{
    secret_wipe(text, len);
    mem_free(text);
}

void cache_load(struct cache *c, const struct clock *clock, struct cache_found *out)
{
    weir_error why = {0};
    char *text = NULL;
    size_t len = 0;
    *out = (struct cache_found){0};
    weir_status status = read_file(c, &text, &len, &why);
    if (status == WEIR_OK && text)
        status = cache_find((weir_bytes){text, len}, &c->request, clock_wall(clock) / NS_PER_S, out,
                            &why);
    free_text(text, len);
    if (status != WEIR_OK && status != WEIR_NOTHING)
        complain(c, &why, "no token is taken from it");
}

weir_token *cache_token(struct cache_found *found, const struct clock *clock)
{
    struct token_moment now = token_moment(clock);
    int64_t issued = found->own ? found->issued_at : now.wall_ns / NS_PER_S;
    if (!found->answer.token)
        return NULL;
    struct token_moment since = {now.boot_ns - (now.wall_ns - issued * NS_PER_S),
                                 issued * NS_PER_S};
    return token_make(&found->answer, since, found->expires_at - issued, true);
}

/* --- writing ------------------------------------------------------------------------------ */

/* The folders of `path` that are missing, for our eyes only. */
static weir_status make_folders(const char *path, weir_error *err)
{
    char *copy = mem_strdup(path);
    weir_status status = copy ? WEIR_OK : error_no_memory(err);
    for (char *at = copy ? strchr(copy + 1, '/') : NULL; at && status == WEIR_OK;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST) {
            struct stat st;
            int why = errno; /* of a folder that is there, and whose parent is read-only */
            if (stat(copy, &st) || !S_ISDIR(st.st_mode))
                status = error_system(err, WEIR_STORE, why, "cannot make its folder '%s'", copy);
        }
        *at = '/';
    }
    mem_free(copy);
    return status;
}

/* There is no asking to be told when a lock is free: look again, less and less often. */
static weir_status wait_for_lock(int fd, weir_error *err)
{
    const struct clock *clock = clock_system();
    struct deadline until = deadline_in(clock, LOCK_WAIT_MS, LOCK_WAIT_MS);
    struct backoff backoff = BACKOFF_INIT(5, 100, 0);
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        int why = errno;
        weir_ms left = deadline_left(clock, until), wait = backoff_next(&backoff, clock, 1);
        if (why != EWOULDBLOCK && why != EINTR)
            return error_system(err, WEIR_STORE, why, "cannot lock it");
        if (left == 0)
            return error_set(err, WEIR_STORE, "another process has held its lock for %d ms",
                             LOCK_WAIT_MS);
        (void)poll(NULL, 0, (int)(wait < left ? wait : left));
    }
    return WEIR_OK;
}

/* The lock's descriptor, or -1. */
static int lock(const struct cache *c, weir_error *err)
{
    if (make_folders(c->path, err) != WEIR_OK)
        return -1;
    int fd = open(c->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        error_system(err, WEIR_STORE, errno, "cannot make '%s'", c->lock_path);
        return -1;
    }
    if (wait_for_lock(fd, err) == WEIR_OK)
        return fd;
    close(fd);
    return -1;
}

struct change { /* one of them */
    const struct cache_news *put;
    const weir_token *remove;
};

static weir_status apply(const struct cache *c, const struct change *change, weir_bytes text,
                         struct buf *out, weir_error *err)
{
    if (change->put)
        return cache_put(text, &c->request, change->put, out, err);
    return cache_remove(text, &c->request, change->remove, out, err);
}

static weir_status put_aside(struct cache *c, weir_error *err)
{
    complain(c, err, "it is put aside with '.broken' behind its name");
    if (rename(c->path, c->broken_path))
        return error_system(err, WEIR_STORE, errno, "cannot rename it to '%s'", c->broken_path);
    return WEIR_OK;
}

/* @locked by the file's lock. */
static weir_status rewrite(struct cache *c, const struct change *change, weir_error *err)
{
    struct buf out = BUF_INIT(LIMIT_TOKEN_CACHE);
    char *text = NULL;
    size_t len = 0;
    out.data = mem_zalloc(LIMIT_TOKEN_CACHE + 1); /* growing would leave copies behind */
    out.cap = out.data ? LIMIT_TOKEN_CACHE + 1 : 0;
    out.failed = !out.data;
    weir_status status = read_file(c, &text, &len, err);
    if (status == WEIR_OK)
        status = apply(c, change, (weir_bytes){text ? text : "", len}, &out, err);
    free_text(text, len);
    if (status == WEIR_INVALID && put_aside(c, err) == WEIR_OK)
        status = apply(c, change, (weir_bytes){"", 0}, &out, err);
    if (status == WEIR_OK)
        status =
            file_replace(c->path, out.data ? out.data : "", out.len, 0600, "the token cache", err);
    secret_wipe(out.data, out.len);
    buf_free(&out);
    return status == WEIR_NOTHING ? WEIR_OK : status;
}

static void write_change(struct cache *c, const struct change *change, const char *outcome)
{
    weir_error why = {0};
    int fd = lock(c, &why);
    weir_status status = fd < 0 ? WEIR_STORE : rewrite(c, change, &why);
    if (fd >= 0)
        close(fd); /* gives the lock back */
    if (status == WEIR_OK)
        c->complained = false;
    else
        complain(c, &why, outcome);
}

void cache_store(struct cache *c, const struct clock *clock, const weir_token *token,
                 const struct secret *refresh_token)
{
    struct cache_news news = {token, refresh_token, clock_wall(clock) / NS_PER_S};
    struct change change = {&news, NULL};
    write_change(c, &change, "the token is not kept");
}

void cache_forget(struct cache *c, const weir_token *token)
{
    struct stat st;
    struct change change = {NULL, token};
    if (stat(c->path, &st) == 0) /* nothing is made to forget something */
        write_change(c, &change, "a refused token stays in it");
}
