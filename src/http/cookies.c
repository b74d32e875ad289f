/* Cookies (RFC 6265) are libcurl's: one store a client, which all its requests share on the I/O
 * thread. Cookies of any answer count, also of errors; libcurl knows expiry, domains (with the
 * public suffix list), paths, and that Secure ones may go to this machine in the clear.
 *
 * What libcurl has no function for is here: which of them go to an URL, for a WebSocket's upgrade,
 * which is not libcurl's; keeping those that the upgrade's answer sets; and a limit, because
 * libcurl takes fifty of each answer for ever. */
#include "core/error.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "http/http_private.h"

#include <string.h>

#define FIELDS    7
#define SENT_MAX  64 /* cookies in one header */
#define VALUE_MAX ((size_t)8 * 1024)

struct field {
    const char *data;
    size_t len;
};

struct cookie { /* points into a line of libcurl's */
    struct field domain, path, name, value;
    bool subdomains, secure;
    int64_t expires_s; /* 0: with the session */
};

/* ---- which go where ---------------------------------------------------------------------- */

static bool is(struct field text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

static bool read_number(struct field digits, int64_t *out)
{
    char text[24];
    if (digits.len >= sizeof text)
        return false;
    memcpy(text, digits.data, digits.len);
    text[digits.len] = '\0';
    return text_number(text, 0, INT64_MAX, out);
}

/* "#HttpOnly_.example.com TRUE /path FALSE 1700000000 name value", with tabs between. */
static bool read_line(const char *line, struct cookie *out)
{
    static const char http_only[] = "#HttpOnly_";
    struct field field[FIELDS];
    if (strncmp(line, http_only, sizeof http_only - 1) == 0)
        line += sizeof http_only - 1;
    for (size_t i = 0; i < FIELDS; i++) {
        size_t len = i + 1 < FIELDS ? strcspn(line, "\t") : strlen(line);
        if (i + 1 < FIELDS && line[len] != '\t')
            return false;
        field[i] = (struct field){line, len};
        line += len + 1;
    }
    *out = (struct cookie){.domain = field[0],
                           .subdomains = is(field[1], "TRUE"),
                           .path = field[2],
                           .secure = is(field[3], "TRUE"),
                           .name = field[5],
                           .value = field[6]};
    if (out->domain.len > 0 && out->domain.data[0] == '.')
        out->domain = (struct field){out->domain.data + 1, out->domain.len - 1};
    return read_number(field[4], &out->expires_s);
}

/* RFC 6265, 5.1.3. */
static bool domain_fits(const struct cookie *c, const char *host)
{
    size_t len = strlen(host);
    struct address numeric;
    if (len < c->domain.len || c->domain.len == 0 ||
        strncasecmp(host + len - c->domain.len, c->domain.data, c->domain.len) != 0)
        return false;
    if (len == c->domain.len)
        return true;
    return c->subdomains && host[len - c->domain.len - 1] == '.' &&
           !address_parse(host, 0, &numeric);
}

/* RFC 6265, 5.1.4. */
static bool path_fits(const struct cookie *c, const char *target)
{
    size_t len = strcspn(target, "?");
    if (c->path.len == 0 || c->path.len > len || memcmp(target, c->path.data, c->path.len) != 0)
        return false;
    return c->path.len == len || c->path.data[c->path.len - 1] == '/' || target[c->path.len] == '/';
}

static bool fits(const struct cookie *c, const struct url *url, int64_t now_s)
{
    bool safe = strcmp(url->scheme, "https") == 0 || strcmp(url->scheme, "wss") == 0 ||
                host_is_loopback(url->host);
    return (safe || !c->secure) && (c->expires_s == 0 || c->expires_s > now_s) &&
           domain_fits(c, url->host) && path_fits(c, url->target);
}

/* Longer paths first (RFC 6265, 5.4). */
static size_t insert(struct cookie *found, size_t count, const struct cookie *c)
{
    size_t at = count;
    while (at > 0 && found[at - 1].path.len < c->path.len) {
        found[at] = found[at - 1];
        at--;
    }
    found[at] = *c;
    return count + 1;
}

void cookies_write(struct buf *out, const struct curl_slist *list, const struct url *url,
                   int64_t now_s)
{
    struct cookie found[SENT_MAX];
    struct cookie c;
    size_t count = 0;
    for (; list && count < SENT_MAX; list = list->next) {
        if (read_line(list->data, &c) && fits(&c, url, now_s))
            count = insert(found, count, &c);
    }
    for (size_t i = 0; i < count; i++) {
        buf_adds(out, i ? "; " : "");
        buf_add(out, found[i].name.data, found[i].name.len);
        buf_adds(out, "=");
        buf_add(out, found[i].value.data, found[i].value.len);
    }
}

/* ---- libcurl's store --------------------------------------------------------------------- */

weir_status cookies_open(struct http *http, weir_error *err)
{
    http->share = curl.share_init();
    http->jar = http->share ? curl.easy_init() : NULL;
    if (!http->jar)
        return error_no_memory(err);
    if (curl.share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) != CURLSHE_OK ||
        curl.easy_setopt(http->jar, CURLOPT_SHARE, http->share) != CURLE_OK)
        return error_set(err, WEIR_UNSUPPORTED, "this libcurl keeps no cookies");
    return WEIR_OK;
}

void cookies_close(struct http *http)
{
    if (http->jar)
        curl.easy_cleanup(http->jar);
    if (http->share)
        curl.share_cleanup(http->share);
    http->jar = NULL;
    http->share = NULL;
}

/* To slist_free_all(). */
static struct curl_slist *all(struct http *http)
{
    struct curl_slist *list = NULL;
    if (!http->jar || curl.easy_getinfo(http->jar, CURLINFO_COOKIELIST, &list) != CURLE_OK)
        return NULL;
    return list;
}

void http_cookies(struct http *http, const struct url *url, struct buf *out)
{
    struct curl_slist *list = all(http);
    cookies_write(out, list, url, clock_wall(loop_clock(http->loop)) / NS_PER_S);
    curl.slist_free_all(list);
}

/* Without a domain in the text libcurl would give the cookie to every host; the last one counts. */
void http_set_cookie(struct http *http, const struct url *url, const char *value)
{
    struct buf line = BUF_INIT(VALUE_MAX);
    size_t path = strcspn(url->target, "?");
    while (path > 1 && url->target[path - 1] != '/')
        path--;
    path -= path > 1; /* RFC 6265, 5.1.4: up to, but not with, the last slash */
    if (!http->jar)
        return;
    buf_addf(&line, "Set-Cookie: %.*s; Path=%.*s%s; Domain=%s", (int)strcspn(value, ";"), value,
             (int)path, url->target, value + strcspn(value, ";"), url->host);
    if (line.data)
        curl.easy_setopt(http->jar, CURLOPT_COOKIELIST, line.data);
    if (line.data)
        secret_wipe(line.data, line.len);
    buf_free(&line);
    cookies_came(http, 1);
}

void cookies_came(struct http *http, unsigned headers)
{
    size_t count = 0;
    http->set_cookies += headers;
    if (!http->share || http->set_cookies <= LIMIT_COOKIES)
        return;
    http->set_cookies = 0;
    struct curl_slist *list = all(http);
    for (const struct curl_slist *one = list; one; one = one->next)
        count++;
    curl.slist_free_all(list);
    if (count <= LIMIT_COOKIES)
        return;
    log_at(WEIR_LOG_WARN, http->part, "", "the server has set %zu cookies: all are forgotten",
           count);
    curl.easy_setopt(http->jar, CURLOPT_COOKIELIST, "ALL");
}
