/* Options to a grant: what each way of asking needs is a table, so that what is missing is named
 * when the credentials are made and not when the first token is wanted. */
#include "credentials/grant.h"

#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/text.h"
#include "core/url.h"
#include "io/proxy.h"
#include "io/resolve.h"

#include <string.h>

#define PARAMS_MAX 64

const char *grant_type(weir_grant kind)
{
    static const char *const names[] = {
        [WEIR_GRANT_CLIENT_CREDENTIALS] = "client_credentials",
        [WEIR_GRANT_PASSWORD] = "password",
        [WEIR_GRANT_REFRESH_TOKEN] = "refresh_token",
        [WEIR_GRANT_JWT_BEARER] = "urn:ietf:params:oauth:grant-type:jwt-bearer",
    };
    return names[kind];
}

static const char *grant_name(weir_grant kind)
{
    static const char *const names[] = {
        [WEIR_GRANT_CLIENT_CREDENTIALS] = "CLIENT_CREDENTIALS",
        [WEIR_GRANT_PASSWORD] = "PASSWORD",
        [WEIR_GRANT_REFRESH_TOKEN] = "REFRESH_TOKEN",
        [WEIR_GRANT_JWT_BEARER] = "JWT_BEARER",
    };
    return names[kind];
}

/* --- what must be there ------------------------------------------------------------------- */

static weir_status missing(weir_error *err, const char *option, const char *why, const char *name)
{
    return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: %s is missing; %s%s needs it",
                     option, why, name);
}

static weir_status check_grant(const weir_oauth2_options *o, weir_error *err)
{
    const char *name = grant_name(o->grant);
    if (o->grant == WEIR_GRANT_PASSWORD && !options_text(o->username))
        return missing(err, "username", "the grant ", name);
    if (o->grant == WEIR_GRANT_PASSWORD && !options_text(o->password))
        return missing(err, "password", "the grant ", name);
    if (o->grant == WEIR_GRANT_REFRESH_TOKEN && !options_text(o->refresh_token))
        return missing(err, "refresh_token", "the grant ", name);
    if (o->grant != WEIR_GRANT_JWT_BEARER)
        return WEIR_OK;
    if (!options_text(o->subject) && !options_text(o->username))
        return missing(err, "subject (or username)", "the grant ", name);
    if (!options_text(o->private_key) && !options_text(o->private_key_file))
        return missing(err, "private_key or private_key_file", "the grant ", name);
    return WEIR_OK;
}

static bool has_certificate(const weir_oauth2_options *o)
{
    weir_tls_options tls;
    if (options_read(&tls, sizeof tls, o->tls, "WEIR_TLS", NULL) != WEIR_OK)
        return true; /* whoever uses it will say what is wrong with it */
    return options_text(o->client_cert_file) || options_text(tls.private_key) ||
           options_text(tls.private_key_file);
}

/* A client that TLS authenticates (RFC 8705) or a public one has no secret. */
static weir_status check_client(const weir_oauth2_options *o, weir_error *err)
{
    bool secret = options_text(o->client_secret) != NULL;
    bool key_auth = o->client_auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT;
    if (!options_text(o->client_id))
        return missing(err, "client_id", "every grant", "");
    if (o->client_auth == WEIR_CLIENT_AUTH_BASIC && !secret)
        return missing(err, "client_secret", "client_auth ", "BASIC");
    if (key_auth && !options_text(o->private_key) && !options_text(o->private_key_file))
        return missing(err, "private_key or private_key_file", "client_auth ", "PRIVATE_KEY_JWT");
    if (o->grant == WEIR_GRANT_CLIENT_CREDENTIALS && !secret && !key_auth && !has_certificate(o))
        return missing(err, "client_secret", "the grant ", grant_name(o->grant));
    return WEIR_OK;
}

static weir_status check_ranges(const weir_oauth2_options *o, weir_error *err)
{
    if ((unsigned)o->grant > WEIR_GRANT_JWT_BEARER)
        return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: grant %d is none",
                         (int)o->grant);
    if ((unsigned)o->client_auth > WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT)
        return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: client_auth %d is none",
                         (int)o->client_auth);
    if (o->leeway_s < 0 && o->leeway_s != WEIR_ZERO)
        return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: leeway_s %d is negative",
                         o->leeway_s);
    if (o->expires_in_s < 0)
        return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: expires_in_s %d is negative",
                         o->expires_in_s);
    if (options_text(o->private_key) && options_text(o->private_key_file))
        return error_set(err, WEIR_INVALID,
                         "weir_credentials_oauth2: private_key and private_key_file are both set; "
                         "give one");
    return WEIR_OK;
}

/* --- the URL ------------------------------------------------------------------------------ */

static weir_status check_url(const struct url *url, bool allow_plaintext, weir_error *err)
{
    bool tls = strcmp(url->scheme, "https") == 0;
    if (!tls && strcmp(url->scheme, "http") != 0)
        return error_set(err, WEIR_INVALID, "token_url: the scheme '%s' is neither https nor http",
                         url->scheme);
    if (url->userinfo)
        return error_set(err, WEIR_INVALID,
                         "token_url holds a user name: credentials go into client_id and "
                         "client_secret");
    if (!tls && !allow_plaintext && !host_is_loopback(url->host))
        return error_set(err, WEIR_UNSUPPORTED,
                         "token_url: http would carry the credentials in plaintext to '%s'; use "
                         "https, or allow it explicitly (allow_plaintext)",
                         url->host);
    return WEIR_OK;
}

/* A proxy reads what is not encrypted. The environment's are never asked for this machine. */
static weir_status check_proxy(const struct url *url, const weir_oauth2_options *o, weir_error *err)
{
    struct url proxy;
    bool tls = strcmp(url->scheme, "https") == 0;
    if (tls || o->allow_plaintext || !options_text(o->proxy))
        return WEIR_OK;
    weir_status status = proxy_for(o->proxy, url->host, url_port(url, 80), false, &proxy, err);
    if (status == WEIR_OK && proxy.host && !host_is_loopback(proxy.host))
        status = error_set(err, WEIR_UNSUPPORTED,
                           "token_url: http would carry the credentials in plaintext to the proxy "
                           "'%s'; use https, or allow it explicitly (allow_plaintext)",
                           proxy.host);
    url_clear(&proxy);
    return status;
}

static char *what_of(const struct url *url)
{
    struct buf out = BUF_INIT(LIMIT_TOKEN);
    buf_addf(&out, "fetching a token from %s://%s%s%s", url->scheme, url->ipv6 ? "[" : "",
             url->host, url->ipv6 ? "]" : "");
    if (url->port)
        buf_addf(&out, ":%u", (unsigned)url->port);
    buf_add(&out, url->target, strcspn(url->target, "?"));
    return out.data;
}

static weir_status take_url(struct grant *g, const weir_oauth2_options *o, weir_error *err)
{
    struct url url;
    if (!options_text(o->token_url))
        return missing(err, "token_url", "every grant", "");
    weir_status status = url_parse(&url, o->token_url, "token_url", err);
    if (status != WEIR_OK)
        return status;
    status = check_url(&url, o->allow_plaintext, err);
    if (status == WEIR_OK)
        status = check_proxy(&url, o, err);
    if (status == WEIR_OK) {
        g->what = what_of(&url);
        g->token_url = mem_strdup(o->token_url);
        if (!g->what || !g->token_url)
            status = error_no_memory(err);
    }
    url_clear(&url);
    return status;
}

/* --- texts -------------------------------------------------------------------------------- */

static bool take_text(char **out, const char *text)
{
    text = options_text(text);
    *out = mem_strdup(text);
    return !text || *out;
}

static bool take_secret(struct secret **out, const char *text)
{
    text = options_text(text);
    *out = text ? secret_new(text, strlen(text)) : NULL;
    return !text || *out;
}

static weir_status take_secrets(struct grant *g, const weir_oauth2_options *o, weir_error *err)
{
    bool good = take_secret(&g->client_secret, o->client_secret) &&
                take_secret(&g->password, o->password) &&
                take_secret(&g->refresh_token, o->refresh_token);
    return good ? WEIR_OK : error_no_memory(err);
}

static weir_status take_texts(struct grant *g, const weir_oauth2_options *o, weir_error *err)
{
    const char *subject = options_text(o->subject) ? o->subject : o->username;
    const char *aud = options_text(o->assertion_audience) ? o->assertion_audience : o->token_url;
    bool good = take_text(&g->client_id, o->client_id) && take_text(&g->scope, o->scope) &&
                take_text(&g->audience, o->audience) && take_text(&g->resource, o->resource) &&
                take_text(&g->username, o->username) && take_text(&g->subject, subject) &&
                take_text(&g->assertion_audience, aud) && take_text(&g->key_id, o->key_id);
    return good ? take_secrets(g, o, err) : error_no_memory(err);
}

/* JSON, and so every assertion, has no way to say bytes that are not UTF-8. */
static weir_status check_utf8(const struct grant *g, weir_error *err)
{
    const struct {
        const char *name, *text;
    } rows[] = {
        {"client_id", g->client_id},
        {"client_secret", secret_reveal(g->client_secret)},
        {"scope", g->scope},
        {"audience", g->audience},
        {"resource", g->resource},
        {"username", g->username},
        {"password", secret_reveal(g->password)},
        {"refresh_token", secret_reveal(g->refresh_token)},
        {"subject", g->subject},
        {"assertion_audience", g->assertion_audience},
        {"key_id", g->key_id},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].text && !text_is_utf8(rows[i].text, strlen(rows[i].text)))
            return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: %s is not UTF-8",
                             rows[i].name);
    }
    return WEIR_OK;
}

static weir_status take_param(struct grant *g, const weir_param *param, weir_error *err)
{
    struct grant_param *own = &g->params[g->param_count];
    if (!*param->name || !param->value)
        return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: params: '%s' has no %s",
                         param->name, *param->name ? "value" : "name");
    size_t len = strlen(param->value);
    if (!text_is_utf8(param->value, len) || !text_is_utf8(param->name, strlen(param->name)))
        return error_set(err, WEIR_INVALID,
                         "weir_credentials_oauth2: params: a name or value is not UTF-8");
    own->name = mem_strdup(param->name);
    own->value = secret_new(param->value, len);
    g->param_count++;
    return own->name && own->value ? WEIR_OK : error_no_memory(err);
}

static weir_status take_params(struct grant *g, const weir_param *params, weir_error *err)
{
    size_t count = 0;
    while (params && params[count].name)
        count++;
    if (count > PARAMS_MAX)
        return error_set(err, WEIR_INVALID, "weir_credentials_oauth2: params: more than %d",
                         PARAMS_MAX);
    if (count == 0)
        return WEIR_OK;
    g->params = mem_array(count, sizeof *g->params);
    if (!g->params)
        return error_no_memory(err);
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < count && status == WEIR_OK; i++)
        status = take_param(g, &params[i], err);
    return status;
}

/* --- the key ------------------------------------------------------------------------------ */

static weir_status take_key(struct grant *g, const weir_oauth2_options *o, weir_error *err)
{
    bool needed = g->kind == WEIR_GRANT_JWT_BEARER || g->auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT;
    const char *text = options_text(o->private_key);
    if (!needed)
        return WEIR_OK;
    if (text) {
        g->signer = signer_new(text, strlen(text), "private_key", err);
        return g->signer ? WEIR_OK : (err ? err->status : WEIR_INVALID);
    }
    char *pem = NULL;
    size_t len = 0;
    weir_status status =
        file_read(o->private_key_file, LIMIT_KEY_FILE, "private_key_file", &pem, &len, err);
    if (status != WEIR_OK)
        return status;
    g->signer = signer_new(pem, len, "private_key_file", err);
    secret_wipe(pem, len);
    mem_free(pem);
    return g->signer ? WEIR_OK : (err ? err->status : WEIR_INVALID);
}

static weir_status check(const weir_oauth2_options *o, weir_error *err)
{
    weir_status status = check_ranges(o, err);
    if (status == WEIR_OK)
        status = check_client(o, err);
    return status == WEIR_OK ? check_grant(o, err) : status;
}

static weir_status fill(struct grant *g, const weir_oauth2_options *o, weir_error *err)
{
    weir_status status = take_url(g, o, err);
    if (status == WEIR_OK)
        status = check(o, err);
    if (status != WEIR_OK)
        return status;
    g->kind = o->grant;
    g->auth = o->client_auth;
    status = take_texts(g, o, err);
    if (status == WEIR_OK)
        status = check_utf8(g, err);
    if (status == WEIR_OK)
        status = take_params(g, o->params, err);
    return status == WEIR_OK ? take_key(g, o, err) : status;
}

struct grant *grant_new(const weir_oauth2_options *o, weir_error *err)
{
    struct grant *grant = mem_zalloc(sizeof *grant);
    if (!grant) {
        error_no_memory(err);
        return NULL;
    }
    if (fill(grant, o, err) == WEIR_OK)
        return grant;
    grant_free(grant);
    return NULL;
}

void grant_free(struct grant *g)
{
    if (!g)
        return;
    char *const texts[] = {
        g->token_url, g->what,     g->client_id, g->scope,  g->audience,
        g->resource,  g->username, g->subject,   g->key_id, g->assertion_audience};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        mem_free(texts[i]);
    for (size_t i = 0; i < g->param_count; i++) {
        mem_free(g->params[i].name);
        secret_free(g->params[i].value);
    }
    mem_free(g->params);
    secret_free(g->client_secret);
    secret_free(g->password);
    secret_free(g->refresh_token);
    signer_free(g->signer);
    mem_free(g);
}

/* --- nothing secret in an error ----------------------------------------------------------- */

static void redact(char *text, const struct secret *secret)
{
    size_t len = secret_len(secret);
    if (len < 4) /* it would be found everywhere */
        return;
    for (char *at = text; (at = strstr(at, secret_reveal(secret))) != NULL;) {
        size_t stars = len < 3 ? len : 3;
        memset(at, '*', stars);
        memmove(at + stars, at + len, strlen(at + len) + 1);
        at += stars;
    }
}

void grant_redact(const struct grant *grant, char *text)
{
    redact(text, grant->client_secret);
    redact(text, grant->password);
    redact(text, grant->refresh_token);
    for (size_t i = 0; i < grant->param_count; i++)
        redact(text, grant->params[i].value);
}
