/* A token endpoint: one request a fetch, never repeated here (the machine knows when to ask
 * again, and callers learn the failure's words when their limits come).
 *
 * With a disk cache a fetch looks there first, on the helper thread: another process may have
 * renewed the token, or used up the refresh token that we hold. A token that it finds stale is
 * kept in reserve, for the case that the endpoint fails. Writing comes after the callers have
 * their token. The helper thread does one thing after the other, so that what was rejected is out
 * of the file before it is read again; and should the file not be writable, the last rejected
 * token is remembered here. */
#include "core/deadline.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/options.h"
#include "credentials/answer.h"
#include "credentials/cache_file.h"
#include "credentials/request.h"
#include "credentials/source.h"
#include "http/exchange.h"

#include <pthread.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define LEEWAY_S   60

struct oauth2 {
    struct source base;
    struct grant *grant;
    struct http *http;
    int expires_in_s;
    weir_refresh_token_fn *on_refresh_token;
    void *user;
    token_advice_fn *advice; /* or NULL */
    struct cache *cache;     /* NULL: none; used on the helper thread */
    pthread_mutex_t lock;
    weir_token *refused; /* @locked; the last one that a peer refused */
    /* @thread io: */
    struct exchange *exchange;
    struct token_moment since;
    struct secret *refresh_token; /* the newest; NULL: the configured one */
    int64_t rotated_at;           /* when it came, seconds since the epoch */
    weir_token *reserve;          /* stale but valid, from the disk */
    bool fresh, stopped;
    struct loop_task loaded;
    struct cache_found found; /* from the helper thread, through `loaded` */
};

static struct oauth2 *oauth2_of(struct source *source)
{
    return (struct oauth2 *)(void *)source;
}

static void fail(struct oauth2 *o, weir_error *why)
{
    weir_token *reserve = o->reserve;
    o->reserve = NULL;
    grant_redact(o->grant, why->message);
    if (reserve && !token_is_expired(reserve, clock_system()))
        o->base.events->found(o->base.user, reserve);
    else
        weir_token_free(reserve);
    o->base.events->failed(o->base.user, why, answer_is_final(why));
}

/* --- what the helper thread does ---------------------------------------------------------- */

struct job {
    struct oauth2 *o;
    weir_token *token;            /* a reference, or NULL */
    struct secret *refresh_token; /* or NULL */
};

static void job_free(struct job *job)
{
    weir_token_free(job->token);
    secret_free(job->refresh_token);
    mem_free(job);
}

static void run_store(void *user)
{
    struct job *job = user;
    cache_store(job->o->cache, clock_system(), job->token, job->refresh_token);
    job_free(job);
}

static void run_forget(void *user)
{
    struct job *job = user;
    cache_forget(job->o->cache, job->token);
    job_free(job);
}

static void run_tell(void *user)
{
    struct job *job = user;
    job->o->on_refresh_token(secret_reveal(job->refresh_token), job->o->user);
    job_free(job);
}

/* `what`: what does not happen without memory. */
static void give(struct oauth2 *o, void (*run)(void *user), weir_token *token,
                 const struct secret *refresh_token, const char *what)
{
    struct job *job = mem_zalloc(sizeof *job);
    bool good = job != NULL;
    if (job) {
        *job = (struct job){o, weir_token_ref(token), secret_dup(refresh_token)};
        good =
            (job->refresh_token || !refresh_token) && pool_run(o->base.pool, run, job) == WEIR_OK;
    }
    if (good)
        return;
    log_at(WEIR_LOG_WARN, "auth", "", "%s: no memory or thread to %s", o->grant->what, what);
    if (job)
        job_free(job);
}

/* --- a refresh token that replaces ours --------------------------------------------------- */

static weir_status take_refresh_token(struct oauth2 *o, const weir_token *token)
{
    const char *text = weir_token_field(token, "refresh_token");
    const struct secret *now = o->refresh_token ? o->refresh_token : o->grant->refresh_token;
    if (!text || !*text || (now && strcmp(text, secret_reveal(now)) == 0))
        return WEIR_OK;
    struct secret *copy = secret_new(text, strlen(text));
    if (!copy)
        return WEIR_NO_MEMORY;
    secret_free(o->refresh_token);
    o->refresh_token = copy;
    o->rotated_at = token_issued_at(token);
    if (o->on_refresh_token)
        give(o, run_tell, NULL, o->refresh_token, "tell of the new refresh token");
    return WEIR_OK;
}

static bool rotates(const struct oauth2 *o)
{
    return o->grant->kind == WEIR_GRANT_REFRESH_TOKEN;
}

/* The file's is newer unless ours could not be written there. */
static void adopt_refresh_token(struct oauth2 *o, struct cache_found *found)
{
    if (!rotates(o) || !found->refresh_token || found->issued_at < o->rotated_at)
        return;
    secret_free(o->refresh_token);
    o->refresh_token = found->refresh_token;
    o->rotated_at = found->issued_at;
    found->refresh_token = NULL;
}

/* --- the exchange ------------------------------------------------------------------------- */

static weir_token *read_token(struct oauth2 *o, const struct http_answer *answer, weir_error *err)
{
    struct weir_token_answer read = {0};
    weir_status status =
        answer_read(&read, answer->body.data, answer->body.len, o->grant->what, err);
    if (status != WEIR_OK)
        return NULL;
    int64_t lifetime = token_lifetime(read.expires_in, o->expires_in_s);
    weir_token *token = token_make(&read, o->since, lifetime, false);
    token_answer_clear(&read);
    if (token && take_refresh_token(o, token) == WEIR_OK)
        return token;
    weir_token_free(token);
    error_no_memory(err);
    return NULL;
}

static void on_answer(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct oauth2 *o = user;
    weir_error why = {0};
    o->exchange = NULL;
    if (!answer) {
        why = *err;
        answer_missing(&why);
        fail(o, &why);
        return;
    }
    weir_token *token = read_token(o, answer, &why);
    if (!token) {
        fail(o, &why);
        return;
    }
    if (o->cache)
        give(o, run_store, token, rotates(o) ? o->refresh_token : NULL, "keep the token on disk");
    weir_token_free(o->reserve);
    o->reserve = NULL;
    o->base.events->got(o->base.user, token);
}

static bool explain(void *user, const struct http_answer *answer, weir_error *err)
{
    const struct oauth2 *o = user;
    const weir_oauth2_options asked = {.grant = o->grant->kind, .token_url = o->grant->token_url};
    answer_refusal(answer, o->grant->what, err);
    if (o->advice && err)
        o->advice(&asked, answer, err);
    return true;
}

static weir_status post(struct oauth2 *o, const struct request *request, weir_error *err)
{
    const char *headers[] = {"Accept: application/json", secret_reveal(request->authorization),
                             NULL};
    const struct exchange_options options = {
        .request = {.method = "POST",
                    .url = o->grant->token_url,
                    .headers = headers,
                    .content_type = request->content_type,
                    .body = {secret_reveal(request->body), secret_len(request->body)},
                    .max_answer = LIMIT_TOKEN_ANSWER,
                    .until = deadline_in(clock_system(), o->base.timeout, TIMEOUT_MS)},
        .what = o->grant->what,
        .max_tries = 1,
        .explain = explain,
    };
    o->since = token_moment(clock_system());
    o->exchange = exchange_start(o->http, &options, on_answer, o, err);
    return o->exchange ? WEIR_OK : (err->status == WEIR_OK ? WEIR_BUG : err->status);
}

static void ask(struct oauth2 *o)
{
    struct request request = {NULL, NULL, NULL};
    weir_error why = {0};
    weir_status status = request_make(o->grant, o->refresh_token, clock_system(), &request, &why);
    if (status == WEIR_OK)
        status = post(o, &request, &why);
    request_clear(&request);
    if (status == WEIR_OK)
        return;
    answer_missing(&why);
    fail(o, &why);
}

/* --- the disk ----------------------------------------------------------------------------- */

/* On the helper thread. */
static void run_load(void *user)
{
    struct oauth2 *o = user;
    cache_load(o->cache, clock_system(), &o->found);
    loop_post(o->base.loop, &o->loaded);
}

static bool was_refused(struct oauth2 *o, const weir_token *token)
{
    pthread_mutex_lock(&o->lock);
    bool same = token_same(o->refused, token);
    pthread_mutex_unlock(&o->lock);
    return same;
}

/* What others wrote does not say how long it was to live. */
static bool is_stale(const struct oauth2 *o, const weir_token *token, bool own)
{
    if (own)
        return token_is_stale(token, clock_system(), o->base.leeway_s);
    return token_lifetime_s(token) <= o->base.leeway_s;
}

static void on_loaded(struct loop_task *task)
{
    struct oauth2 *o = (struct oauth2 *)(void *)((char *)task - offsetof(struct oauth2, loaded));
    bool own = o->found.own;
    weir_token *token = NULL;
    if (!o->stopped)
        adopt_refresh_token(o, &o->found);
    if (!o->stopped && !o->fresh)
        token = cache_token(&o->found, clock_system());
    cache_found_clear(&o->found);
    if (o->stopped)
        return;
    if (token && (was_refused(o, token) || token_is_expired(token, clock_system()))) {
        weir_token_free(token);
        token = NULL;
    }
    if (token && !is_stale(o, token, own)) {
        o->base.events->got(o->base.user, token);
        return;
    }
    o->reserve = token;
    ask(o);
}

static void start(struct source *source, bool fresh)
{
    struct oauth2 *o = oauth2_of(source);
    bool look = o->cache && (!fresh || rotates(o));
    o->fresh = fresh;
    if (!look || pool_run(o->base.pool, run_load, o) != WEIR_OK)
        ask(o);
}

static void stop(struct source *source)
{
    struct oauth2 *o = oauth2_of(source);
    o->stopped = true;
    if (o->exchange)
        exchange_cancel(o->exchange);
    o->exchange = NULL;
}

static void rejected(struct source *source, const weir_token *token)
{
    struct oauth2 *o = oauth2_of(source);
    if (!o->cache)
        return;
    weir_token *kept = weir_token_ref((weir_token *)(uintptr_t)token);
    pthread_mutex_lock(&o->lock);
    weir_token *before = o->refused;
    o->refused = kept;
    pthread_mutex_unlock(&o->lock);
    weir_token_free(before);
    give(o, run_forget, kept, NULL, "take a refused token from the disk");
}

static void release(struct source *source)
{
    struct oauth2 *o = oauth2_of(source);
    http_close(o->http);
    cache_free(o->cache);
    grant_free(o->grant);
    secret_free(o->refresh_token);
    weir_token_free(o->reserve);
    weir_token_free(o->refused);
    pthread_mutex_destroy(&o->lock);
    mem_free(o);
}

static struct http *open_http(const weir_oauth2_options *o, weir_error *err)
{
    const weir_tls_options tls = {
        .struct_size = sizeof tls,
        .root_certificates_file = options_text(o->ca_file),
        .private_key_file = options_text(o->client_key_file),
        .certificate_chain_file = options_text(o->client_cert_file),
    };
    bool own = tls.root_certificates_file || tls.private_key_file || tls.certificate_chain_file;
    if (own && o->tls) {
        error_set(err, WEIR_INVALID,
                  "weir_credentials_oauth2: .tls and ca_file, client_cert_file or client_key_file "
                  "contradict each other");
        return NULL;
    }
    const struct http_options options = {
        .tls = own ? &tls : o->tls, .proxy = o->proxy, .part = "auth"};
    return http_open(&options, err);
}

static weir_status open_cache(struct oauth2 *s, const weir_oauth2_options *o, weir_error *err)
{
    const char *path = options_text(o->cache_file);
    if (!path)
        return WEIR_OK;
    s->cache = cache_new(path, s->grant, o->cache_foreign);
    return s->cache ? WEIR_OK : error_no_memory(err);
}

static weir_status fill(struct oauth2 *s, const weir_oauth2_options *o, weir_error *err)
{
    static const struct source_kind kind = {start, stop, rejected, release};
    s->grant = grant_new(o, err);
    if (!s->grant || request_check(s->grant, err) != WEIR_OK ||
        source_limit(&s->base, o->timeout, TIMEOUT_MS, err) != WEIR_OK)
        return WEIR_INVALID;
    s->http = open_http(o, err);
    if (!s->http || open_cache(s, o, err) != WEIR_OK)
        return WEIR_INVALID;
    s->base.what = s->grant->what;
    s->base.leeway_s = (int)options_number(o->leeway_s, LEEWAY_S);
    s->expires_in_s = (int)options_number(o->expires_in_s, TOKEN_EXPIRES_IN_S);
    s->on_refresh_token = o->on_refresh_token;
    s->user = o->user;
    s->loaded.run = on_loaded;
    return source_init(&s->base, &kind, err);
}

struct source *source_oauth2(const weir_oauth2_options *o, token_advice_fn *advice, weir_error *err)
{
    weir_oauth2_options read;
    weir_error why = {0};
    weir_error *e = err ? err : &why; /* what follows asks it for the status */
    if (options_read(&read, sizeof read, o, "WEIR_OAUTH2", e) != WEIR_OK)
        return NULL;
    struct oauth2 *s = mem_zalloc(sizeof *s);
    if (!s) {
        error_no_memory(e);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->advice = advice;
    if (fill(s, &read, e) == WEIR_OK)
        return &s->base;
    release(&s->base);
    return NULL;
}
