/* A request, checked and copied on the caller's thread: nothing in it can fail later for a reason
 * that is the caller's, and the environment is not read on the I/O thread.
 *
 * The URL that libcurl gets is put together from the parts that core/url.h found. Two parsers that
 * disagree on one text could connect to a host that no proxy rule was applied to. The list of
 * headers is made of libcurl's nodes in our memory, because libcurl would not wipe its own. */
#include "core/buf.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "http/http_private.h"
#include "io/proxy.h"

#include <string.h>

#define URL_MAX ((size_t)64 * 1024)

static bool token(const char *text, size_t len)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~"; /* RFC 9110, 5.6.2 */
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && !strchr(allowed, c))
            return false;
    }
    return len > 0;
}

/* A line break in a value would let it write headers of its own. */
static bool printable(const char *value)
{
    for (; *value; value++) {
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
            return false;
    }
    return true;
}

weir_status http_check_header(const char *line, weir_error *err)
{
    size_t name = strcspn(line, ":");
    if (line[name] != ':' || !token(line, name))
        return error_set(err, WEIR_INVALID, "a request header is not of the form 'Name: value'");
    if (!printable(line + name + 1))
        return error_set(err, WEIR_INVALID,
                         "the value of the request header '%.*s' holds a control character",
                         (int)name, line);
    return WEIR_OK;
}

/* libcurl leaves out "Name:", and sends an empty value for "Name;". */
static void mark_empty(char *line)
{
    char *colon = strchr(line, ':');
    if (colon && colon[1 + strspn(colon + 1, " \t")] == '\0') {
        colon[0] = ';';
        colon[1] = '\0';
    }
}

/* Takes over `line`; NULL: no memory. */
static weir_status append(struct curl_slist **list, char *line, weir_error *err)
{
    struct curl_slist *node = line ? mem_zalloc(sizeof *node) : NULL;
    if (!node) {
        secret_free_text(line);
        return error_no_memory(err);
    }
    node->data = line;
    while (*list)
        list = &(*list)->next;
    *list = node;
    return WEIR_OK;
}

static weir_status copy_headers(struct request *r, const struct http_request *from, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (size_t i = 0; status == WEIR_OK && from->headers && from->headers[i]; i++) {
        status = http_check_header(from->headers[i], err);
        char *line = status == WEIR_OK ? mem_strdup(from->headers[i]) : NULL;
        if (line)
            mark_empty(line);
        if (status == WEIR_OK)
            status = append(&r->header, line, err);
    }
    return status;
}

/* ... and those that libcurl would make up otherwise. */
static weir_status add_headers(struct request *r, const char *content_type, weir_error *err)
{
    struct buf type = BUF_INIT(URL_MAX);
    if (content_type && !printable(content_type))
        return error_set(err, WEIR_INVALID, "the content type holds a control character");
    buf_addf(&type, "Content-Type: %s", content_type ? content_type : "");
    weir_status status = append(&r->header, type.data, err);
    return status == WEIR_OK ? append(&r->header, mem_strdup("Expect:"), err) : status;
}

static weir_status copy_body(struct request *r, const struct http_request *from, weir_error *err)
{
    if (!from->content_type)
        return WEIR_OK;
    r->body_len = from->body.len;
    r->body = mem_dup(from->body.len ? from->body.data : "", from->body.len);
    return r->body ? WEIR_OK : error_no_memory(err);
}

static char *host_port(const struct url *url)
{
    struct buf text = BUF_INIT((size_t)512);
    buf_addf(&text, url->ipv6 ? "[%s]:%u" : "%s:%u", url->host, url->port);
    return text.data;
}

static weir_status write_url(struct request *r, weir_error *err)
{
    const struct url *u = &r->parts;
    struct buf url = BUF_INIT(URL_MAX), shown = BUF_INIT(URL_MAX);
    r->peer = host_port(u);
    const char *peer = r->peer ? r->peer : "";
    buf_addf(&shown, "%s://%s%.*s", u->scheme, peer, (int)strcspn(u->target, "?"), u->target);
    r->shown = shown.data;
    size_t most = strlen(u->scheme) + strlen(peer) + strlen(u->target) + 8;
    most += u->userinfo ? strlen(u->userinfo) : 0;
    if (most > URL_MAX)
        return error_set(err, WEIR_INVALID, "the URL is longer than %zu bytes", URL_MAX);
    char *whole = mem_zalloc(most); /* not a buf: growing leaves copies */
    url = (struct buf){.data = whole, .cap = most, .max = most - 1};
    r->url = whole;
    if (!whole || !r->shown || !r->peer)
        return error_no_memory(err);
    buf_addf(&url, "%s://%s%s%s%s", u->scheme, u->userinfo ? u->userinfo : "",
             u->userinfo ? "@" : "", peer, u->target);
    return WEIR_OK;
}

/* Escapes and signs that libcurl would read in its own way; other alphabets come as "xn--". */
static bool plain_host(const struct url *url)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-._~";
    return url->ipv6 || url->host[strspn(url->host, allowed)] == '\0';
}

static weir_status read_url(struct request *r, const char *text, weir_error *err)
{
    weir_status status = url_parse(&r->parts, text ? text : "", "the URL", err);
    if (status != WEIR_OK)
        return status;
    r->tls = strcmp(r->parts.scheme, "https") == 0;
    if (!r->tls && strcmp(r->parts.scheme, "http") != 0)
        return error_set(err, WEIR_INVALID,
                         "an URL of the kind '%s' cannot be asked: http and https can",
                         r->parts.scheme);
    if (!plain_host(&r->parts))
        return error_set(err, WEIR_INVALID,
                         "the host '%s' of the URL holds a sign that names of hosts do not have",
                         r->parts.host);
    r->parts.port = url_port(&r->parts, 80);
    return write_url(r, err);
}

static char *decoded(const char *text, size_t len)
{
    struct buf plain = BUF_INIT(URL_MAX);
    buf_adds(&plain, "");
    percent_decode(&plain, text, len);
    return plain.data;
}

static weir_status read_proxy(struct request *r, const char *option, weir_error *err)
{
    weir_status status = proxy_for(option, r->parts.host, r->parts.port, r->tls, &r->proxy, err);
    const char *user = r->proxy.userinfo;
    if (status != WEIR_OK || !user)
        return status;
    size_t len = strcspn(user, ":");
    const char *password = user[len] ? user + len + 1 : "";
    r->proxy_user = decoded(user, len);
    r->proxy_password = decoded(password, strlen(password));
    return r->proxy_user && r->proxy_password ? WEIR_OK : error_no_memory(err);
}

static weir_status fill(struct request *r, const struct http_request *from, const char *proxy,
                        weir_error *err)
{
    if (!from->method || !token(from->method, strlen(from->method)))
        return error_set(err, WEIR_INVALID, "the request's method is no HTTP method");
    weir_status status = read_url(r, from->url, err);
    if (status == WEIR_OK)
        status = read_proxy(r, proxy, err);
    if (status == WEIR_OK)
        status = copy_headers(r, from, err);
    if (status == WEIR_OK)
        status = add_headers(r, from->content_type, err);
    if (status == WEIR_OK)
        status = copy_body(r, from, err);
    r->method = mem_strdup(from->method);
    return status != WEIR_OK || r->method ? status : error_no_memory(err);
}

struct request *request_new(const struct http_request *from, const char *proxy, weir_error *err)
{
    struct request *r = mem_zalloc(sizeof *r);
    if (!r) {
        error_no_memory(err);
        return NULL;
    }
    atomic_init(&r->refs, 1);
    r->max_answer = from->max_answer ? from->max_answer : (size_t)LIMIT_HTTP_BODY;
    r->larger = from->larger;
    r->no_secret = from->no_secret;
    r->held = from->held;
    r->until = from->until;
    if (fill(r, from, proxy, err) == WEIR_OK)
        return r;
    request_free(r);
    return NULL;
}

struct request *request_ref(struct request *request)
{
    atomic_fetch_add(&request->refs, 1);
    return request;
}

static void free_list(struct curl_slist *list)
{
    while (list) {
        struct curl_slist *next = list->next;
        secret_free_text(list->data);
        mem_free(list);
        list = next;
    }
}

void request_free(struct request *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    if (r->body)
        secret_wipe(r->body, r->body_len);
    mem_free(r->body);
    free_list(r->header);
    secret_free_text(r->url);
    secret_free_text(r->proxy_password);
    mem_free(r->proxy_user);
    mem_free(r->shown);
    mem_free(r->peer);
    mem_free(r->method);
    if (r->parts.target) /* a query may hold a secret */
        secret_wipe(r->parts.target, strlen(r->parts.target));
    url_clear(&r->parts);
    url_clear(&r->proxy);
    mem_free(r);
}
