/* What the transports have in common: whom they speak to, and with which headers. */
#include "bayeux/transport_private.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

#include <stdio.h>
#include <string.h>

/* The text that requests are made with, and the one that errors show. */
static weir_status write_url(struct transport *t, const char *text, weir_error *err)
{
    const struct url *u = &t->parts;
    const char *rest = strstr(text, "://");
    struct buf url = BUF_INIT(strlen(text) + 8), shown = BUF_INIT(strlen(text) + 320);
    buf_reserve(&url, strlen(text) + 4); /* a secret may be in it: growing leaves copies */
    buf_addf(&url, "%s%s", u->scheme, rest ? rest : "");
    buf_addf(&shown, u->ipv6 ? "%s://[%s]:%u%.*s" : "%s://%s:%u%.*s", u->scheme, u->host, u->port,
             (int)strcspn(u->target, "?"), u->target);
    t->url = url.data;
    t->shown = shown.data;
    return t->url && t->shown ? WEIR_OK : error_no_memory(err);
}

static weir_status read_url(struct transport *t, const char *text, weir_error *err)
{
    static const struct {
        const char *from, *to;
    } kinds[] = {{"http", "http"}, {"https", "https"}, {"ws", "http"}, {"wss", "https"}};
    const char *scheme = NULL;
    weir_status status = url_parse(&t->parts, text, "the URL", err);
    if (status != WEIR_OK)
        return status;
    for (size_t i = 0; !scheme && i < sizeof kinds / sizeof *kinds; i++)
        scheme = strcmp(kinds[i].from, t->parts.scheme) == 0 ? kinds[i].to : NULL;
    if (!scheme)
        return error_set(err, WEIR_INVALID,
                         "an URL of the kind '%s' is no Bayeux endpoint: http and https are",
                         t->parts.scheme);
    mem_free(t->parts.scheme);
    t->parts.scheme = mem_strdup(scheme);
    if (!t->parts.scheme)
        return error_no_memory(err);
    t->parts.port = url_port(&t->parts, 80);
    return write_url(t, text, err);
}

static weir_status copy_headers(struct transport *t, const char *const *headers, weir_error *err)
{
    for (; headers && *headers; headers++) {
        if (t->header_count == TRANSPORT_HEADERS_MAX)
            return error_set(err, WEIR_INVALID, "there are more than %d headers",
                             TRANSPORT_HEADERS_MAX);
        char *copy = mem_strdup(*headers);
        if (!copy)
            return error_no_memory(err);
        t->headers[t->header_count++] = copy;
    }
    return WEIR_OK;
}

weir_status transport_init(struct transport *t, const struct transport_kind *kind,
                           const struct transport_options *o, weir_error *err)
{
    t->kind = kind;
    t->events = o->events;
    t->user = o->user;
    t->loop = loop_ref(o->loop);
    t->http = http_ref(o->http);
    t->max_message = o->max_message ? o->max_message : (size_t)LIMIT_HTTP_BODY;
    (void)snprintf(t->name, sizeof t->name, "%s", o->name ? o->name : "");
    weir_status status = read_url(t, o->url ? o->url : "", err);
    return status == WEIR_OK ? copy_headers(t, o->headers, err) : status;
}

void transport_clear(struct transport *t)
{
    while (t->header_count > 0)
        secret_free_text(t->headers[--t->header_count]);
    secret_free_text(t->url);
    mem_free(t->shown);
    if (t->parts.target) /* a query may hold a secret */
        secret_wipe(t->parts.target, strlen(t->parts.target));
    url_clear(&t->parts);
    http_close(t->http);
    if (t->loop)
        loop_release(t->loop);
    *t = (struct transport){0};
}

char *transport_authorization(const char *value)
{
    static const char name[] = "Authorization: ";
    size_t len = strlen(value);
    char *line = mem_zalloc(sizeof name + len);
    if (line) {
        memcpy(line, name, sizeof name - 1);
        memcpy(line + sizeof name - 1, value, len + 1);
    }
    return line;
}

weir_status transport_send(struct transport *t, const struct transport_message *m, weir_error *err)
{
    return t->kind->send(t, m, err);
}

void transport_cancel(struct transport *t, unsigned exchange)
{
    t->kind->cancel(t, exchange);
}

void transport_pause(struct transport *t, bool paused)
{
    if (t->kind->pause)
        t->kind->pause(t, paused);
}

void transport_close(struct transport *t)
{
    if (t)
        t->kind->close(t);
}
