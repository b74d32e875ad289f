/* The program's options: read, checked with the name of the one that is wrong, copied whole. Texts
 * may be secrets (headers, private keys), so all copies are wiped. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"
#include "core/url.h"
#include "io/resolve.h"

#include <string.h>

#define QUEUED_MOST     10000000
#define HEADERS_MOST    64
#define EXTENSIONS_MOST 64
#define YEAR_MS         (INT64_C(366) * 24 * 3600 * 1000)
#define MESSAGE_LEAST   1024
#define MESSAGE_MOST    (INT64_C(1024) * 1024 * 1024)

/* ---- numbers ----------------------------------------------------------------------------- */

static weir_status size(size_t *value, size_t usual, int64_t least, int64_t most,
                        const char *option, weir_error *err)
{
    if (*value == 0)
        *value = usual;
    if (*value <= (size_t)most && *value >= (size_t)least)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s %zu: it must be between %lld and %lld", option, *value,
                     (long long)least, (long long)most);
}

static weir_status limit(weir_ms *value, weir_ms usual, const char *option, weir_error *err)
{
    if (options_limit(*value, usual, option, value, err) != WEIR_OK)
        return WEIR_INVALID;
    if (*value == 0)
        *value = 1; /* WEIR_ZERO: at once */
    if (*value <= YEAR_MS)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s %lld: at most a year, or WEIR_FOREVER", option,
                     (long long)*value);
}

static weir_status numbers(weir_bayeux_options *o, weir_error *err)
{
    weir_status status = size(&o->max_queued, 1024, 1, QUEUED_MOST, "max_queued", err);
    if (status == WEIR_OK)
        status =
            size(&o->max_message, LIMIT_HTTP_BODY, MESSAGE_LEAST, MESSAGE_MOST, "max_message", err);
    if (status == WEIR_OK)
        status = limit(&o->connection_timeout, 10000, "connection_timeout", err);
    if (status == WEIR_OK)
        status = limit(&o->stall, 30000, "stall", err);
    if (status == WEIR_OK)
        status = limit(&o->max_network_delay, 10000, "max_network_delay", err);
    if (status == WEIR_OK)
        status = limit(&o->give_up, WEIR_FOREVER, "give_up", err);
    if (status == WEIR_OK &&
        (o->transport < WEIR_TRANSPORT_AUTO || o->transport > WEIR_TRANSPORT_WEBSOCKET))
        status = error_set(err, WEIR_INVALID, "transport %d: there is no such transport",
                           (int)o->transport);
    return status;
}

/* ---- URLs -------------------------------------------------------------------------------- */

static weir_status check_scheme(const struct client *c, const struct url *url, const char *text,
                                const char *what, weir_error *err)
{
    bool tls = strcmp(url->scheme, "https") == 0;
    int shown = (int)strcspn(text, "?#"); /* what follows may be a secret */
    if (!tls && strcmp(url->scheme, "http") != 0)
        return error_set(
            err, WEIR_INVALID,
            "%s '%.*s' must begin with https:// or http://; which transport is used is "
            "an option of its own",
            what, shown, text);
    if (tls || !c->set.o.credentials || c->set.o.allow_plaintext || host_is_loopback(url->host))
        return WEIR_OK;
    return error_set(
        err, WEIR_UNSUPPORTED,
        "%s '%.*s' would send the token unencrypted; use https, or allow it explicitly "
        "(allow_plaintext)",
        what, shown, text);
}

weir_status client_check_url(const struct client *c, const char *text, const char *what,
                             weir_error *err)
{
    struct url url;
    weir_status status = url_parse(&url, text, what, err);
    if (status != WEIR_OK)
        return status;
    if (url.userinfo)
        status = error_set(err, WEIR_INVALID,
                           "%s: a user's name in it is not sent; use credentials or headers", what);
    else
        status = check_scheme(c, &url, text, what, err);
    url_clear(&url);
    return status;
}

static weir_status check_own_url(struct client *c, weir_error *err)
{
    const char *url = options_text(c->set.o.url);
    if (!url && c->set.dialect->endpoint)
        return WEIR_OK;
    if (!url)
        return error_set(err, WEIR_INVALID, "url: the URL of the server is required");
    return client_check_url(c, url, "url", err);
}

/* ---- lists ------------------------------------------------------------------------------- */

static bool good_header(const char *line)
{
    size_t name = strcspn(line, ": \t");
    if (name == 0 || line[name] != ':')
        return false;
    for (; *line; line++) {
        if (((unsigned char)*line < 0x20 && *line != '\t') || *line == 0x7f)
            return false;
    }
    return true;
}

static weir_status count_headers(const char *const *headers, size_t *count, weir_error *err)
{
    for (*count = 0; headers && headers[*count]; ++*count) {
        if (*count == HEADERS_MOST)
            return error_set(err, WEIR_INVALID,
                             "headers: more than %d; is the NULL at the end missing?",
                             HEADERS_MOST);
        if (!good_header(headers[*count]))
            return error_set(err, WEIR_INVALID,
                             "headers: entry %zu is not of the form 'Name: "
                             "value'",
                             *count + 1);
    }
    return WEIR_OK;
}

static weir_status count_extensions(struct client *c, weir_error *err)
{
    const weir_bayeux_extension *list = c->set.o.extensions;
    size_t count = 0;
    while (list && (list[count].outgoing || list[count].incoming) && count <= EXTENSIONS_MOST)
        count++;
    c->extension_count = count;
    if (count <= EXTENSIONS_MOST)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "extensions: more than %d; is the {0} at the end missing?",
                     EXTENSIONS_MOST);
}

/* ---- copies ------------------------------------------------------------------------------ */

/* Leaves NULL and WEIR_OMIT as they are. */
static void copy(struct client *c, const char **text, bool *failed)
{
    if (!*text || *text == WEIR_OMIT)
        return;
    char *mine = mem_strdup(*text);
    *failed = *failed || !mine;
    *text = mine;
    if (mine)
        c->texts[c->text_count++] = mine;
}

static void copy_tls(struct client *c, bool *failed)
{
    weir_tls_options *t = &c->tls;
    copy(c, &t->root_certificates, failed);
    copy(c, &t->root_certificates_file, failed);
    copy(c, &t->private_key, failed);
    copy(c, &t->private_key_file, failed);
    copy(c, &t->certificate_chain, failed);
    copy(c, &t->certificate_chain_file, failed);
    c->set.o.tls = t;
}

static weir_status copy_all(struct client *c, size_t header_count, weir_error *err)
{
    weir_bayeux_options *o = &c->set.o;
    bool failed = false;
    const char *const *headers = o->headers;
    const weir_bayeux_extension *extensions = o->extensions;
    c->texts = mem_array(header_count + 8, sizeof *c->texts);
    c->headers = mem_array(header_count + 1, sizeof *c->headers);
    o->headers = NULL;
    o->extensions = NULL;
    if (!c->texts || !c->headers)
        return error_no_memory(err);
    copy(c, &o->url, &failed);
    copy(c, &o->proxy, &failed);
    if (o->tls)
        copy_tls(c, &failed);
    for (size_t i = 0; i < header_count; i++) {
        c->headers[i] = headers[i];
        copy(c, &c->headers[i], &failed);
    }
    if (c->extension_count) {
        c->extensions = mem_dup(extensions, c->extension_count * sizeof *extensions);
        failed = failed || !c->extensions;
    }
    return failed ? error_no_memory(err) : WEIR_OK;
}

weir_status client_options_read(struct client *c, const struct client_options *options,
                                weir_error *err)
{
    size_t headers = 0;
    c->set = *options;
    weir_status status = numbers(&c->set.o, err);
    if (status == WEIR_OK)
        status = check_own_url(c, err);
    if (status == WEIR_OK)
        status = count_headers(c->set.o.headers, &headers, err);
    if (status == WEIR_OK)
        status = count_extensions(c, err);
    if (status == WEIR_OK && c->set.o.tls)
        status = options_read(&c->tls, sizeof c->tls, c->set.o.tls, "WEIR_TLS", err);
    return status == WEIR_OK ? copy_all(c, headers, err) : status;
}

void client_options_clear(struct client *c)
{
    for (size_t i = 0; i < c->text_count; i++)
        secret_free_text(c->texts[i]);
    mem_free(c->texts);
    mem_free(c->headers);
    mem_free(c->extensions);
}
