/* A token endpoint: one request a fetch, never repeated here (the machine knows when to ask
 * again, and callers learn the failure's words when their limits come). */
#include "core/deadline.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/options.h"
#include "credentials/answer.h"
#include "credentials/request.h"
#include "credentials/source.h"
#include "http/exchange.h"

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
    /* @thread io: */
    struct exchange *exchange;
    struct token_moment since;
    struct secret *refresh_token; /* the newest; NULL: the configured one */
    bool stopped;
};

static struct oauth2 *oauth2_of(struct source *source)
{
    return (struct oauth2 *)(void *)source;
}

static void fail(struct oauth2 *o, weir_error *why)
{
    grant_redact(o->grant, why->message);
    o->base.events->failed(o->base.user, why, answer_is_final(why));
}

/* --- a refresh token that replaces ours ------------------------------------------------------- */

struct rotation {
    struct oauth2 *o;
    struct secret *refresh_token;
};

/* On the helper thread. */
static void tell_rotation(void *user)
{
    struct rotation *r = user;
    r->o->on_refresh_token(secret_reveal(r->refresh_token), r->o->user);
    secret_free(r->refresh_token);
    mem_free(r);
}

static void post_rotation(struct oauth2 *o)
{
    struct rotation *r = mem_zalloc(sizeof *r);
    if (r)
        *r = (struct rotation){o, secret_dup(o->refresh_token)};
    if (r && r->refresh_token && pool_run(o->base.pool, tell_rotation, r) == WEIR_OK)
        return;
    log_at(WEIR_LOG_WARN, "auth", "", "%s: no memory to tell of the new refresh token",
           o->grant->what);
    if (r)
        secret_free(r->refresh_token);
    mem_free(r);
}

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
    if (o->on_refresh_token)
        post_rotation(o);
    return WEIR_OK;
}

/* --- the exchange ----------------------------------------------------------------------------- */

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
    if (token)
        o->base.events->got(o->base.user, token);
    else
        fail(o, &why);
}

static bool explain(void *user, const struct http_answer *answer, weir_error *err)
{
    const struct oauth2 *o = user;
    answer_refusal(answer, o->grant->what, err);
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

static void start(struct source *source, bool fresh)
{
    (void)fresh;
    ask(oauth2_of(source));
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
    (void)source;
    (void)token;
}

static void release(struct source *source)
{
    struct oauth2 *o = oauth2_of(source);
    http_close(o->http);
    grant_free(o->grant);
    secret_free(o->refresh_token);
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
    const struct http_options options = {own ? &tls : NULL, o->proxy, "auth"};
    return http_open(&options, err);
}

static weir_status fill(struct oauth2 *s, const weir_oauth2_options *o, weir_error *err)
{
    static const struct source_kind kind = {start, stop, rejected, release};
    s->grant = grant_new(o, err);
    if (!s->grant || request_check(s->grant, err) != WEIR_OK)
        return WEIR_INVALID;
    s->http = open_http(o, err);
    if (!s->http)
        return WEIR_INVALID;
    s->base.what = s->grant->what;
    s->base.leeway_s = (int)options_number(o->leeway_s, LEEWAY_S);
    s->base.timeout = o->timeout > 0 ? o->timeout : TIMEOUT_MS;
    s->expires_in_s = (int)options_number(o->expires_in_s, TOKEN_EXPIRES_IN_S);
    s->on_refresh_token = o->on_refresh_token;
    s->user = o->user;
    return source_init(&s->base, &kind, err);
}

struct source *source_oauth2(const weir_oauth2_options *o, weir_error *err)
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
    if (fill(s, &read, e) == WEIR_OK)
        return &s->base;
    http_close(s->http);
    grant_free(s->grant);
    mem_free(s);
    return NULL;
}
