/* URLs, strictly. */
#include "core/url.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"

#include <arpa/inet.h>
#include <string.h>

struct parts { /* of the text, before anything is copied */
    const char *scheme_end;
    const char *authority, *authority_end;
    const char *at; /* of the userinfo, or NULL */
    const char *target_end;
};

static bool token_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("+-.", c));
}

/* "scheme://[userinfo@]host[:port][/...][#...]"; false: it does not look like one. */
static bool split(const char *text, struct parts *p)
{
    const char *s = text;
    while (token_character(*s))
        s++;
    if (s == text || strncmp(s, "://", 3) != 0)
        return false;
    p->scheme_end = s;
    p->authority = s + 3;
    p->authority_end = p->authority + strcspn(p->authority, "/?#");
    p->target_end = p->authority_end + strcspn(p->authority_end, "#");
    p->at = NULL;
    for (s = p->authority; s < p->authority_end; s++) {
        if (*s == '@')
            p->at = s;
    }
    return true;
}

/* Blanks, control characters and what is no ASCII have no place in a URL (RFC 3986, 2). */
static bool printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

static char *lower_copy(const char *text, size_t len)
{
    char *copy = mem_dup(text, len);
    for (size_t i = 0; copy && i < len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    return copy;
}

/* The URL without what may be secret in it: userinfo and query. */
static weir_status refuse(weir_error *err, const char *what, const char *text,
                          const struct parts *p, const char *why)
{
    if (!p)
        return error_set(err, WEIR_INVALID, "%s is no URL: %s (wanted: https://host[:port]/path)",
                         what, why);
    const char *host = p->at ? p->at + 1 : p->authority;
    size_t shown = strcspn(host, "?#");
    return error_set(err, WEIR_INVALID, "%s '%.*s://%s%.*s' is no URL: %s", what,
                     (int)(p->scheme_end - text), text, p->at ? "***@" : "", (int)shown, host, why);
}

static const char *port_of(const char *from, const char *end, uint16_t *port)
{
    *port = 0;
    if (from == end)
        return NULL;
    if (*from != ':')
        return "after the host only a port may follow";
    char digits[8] = "";
    size_t len = (size_t)(end - from - 1);
    int64_t number = 0;
    if (len >= sizeof digits)
        return "the port is not a number between 1 and 65535";
    memcpy(digits, from + 1, len);
    if (!text_number(digits, 1, 65535, &number))
        return "the port is not a number between 1 and 65535";
    *port = (uint16_t)number;
    return NULL;
}

/* RFC 4291, 2.2, perhaps with a zone (RFC 6874), which only the resolver can judge. */
static bool is_ipv6(const char *text, size_t len)
{
    char bare[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;
    size_t size = 0;
    while (size < len && text[size] != '%')
        size++;
    if (size >= sizeof bare || size + 1 == len)
        return false;
    memcpy(bare, text, size);
    return inet_pton(AF_INET6, bare, &address) == 1;
}

/* The host and the port of "host:port" or "[v6]:port"; returns what is wrong, or NULL. */
static const char *authority_of(const char *from, const char *end, struct url *out)
{
    const char *host_end;
    out->ipv6 = from < end && *from == '[';
    if (out->ipv6) {
        host_end = memchr(from, ']', (size_t)(end - from));
        if (!host_end)
            return "the ']' of the IPv6 address is missing";
        from++;
    } else {
        host_end = memchr(from, ':', (size_t)(end - from));
        host_end = host_end ? host_end : end;
    }
    if (host_end == from)
        return "the host is missing";
    size_t len = (size_t)(host_end - from);
    if (len > 253)
        return "the host is longer than 253 characters (RFC 1035, 2.3.4)";
    if (!out->ipv6 && memchr(from, '[', len))
        return "a '[' in the host";
    if (out->ipv6 && !is_ipv6(from, len))
        return "what stands in brackets is no IPv6 address";
    const char *why = port_of(host_end + out->ipv6, end, &out->port);
    if (!why)
        out->host = lower_copy(from, len);
    return why;
}

static char *target_copy(const char *from, const char *end)
{
    size_t len = (size_t)(end - from);
    bool slash = len == 0 || *from != '/';
    char *target = mem_zalloc(len + 2);
    if (target) {
        target[0] = '/';
        memcpy(target + slash, from, len);
    }
    return target;
}

weir_status url_parse(struct url *out, const char *text, const char *what, weir_error *err)
{
    struct parts p;
    *out = (struct url){0};
    if (!printable(text))
        return refuse(err, what, text, NULL,
                      "it holds a blank, a control character or one that is not ASCII");
    if (!split(text, &p))
        return refuse(err, what, text, NULL, "it does not begin with 'scheme://'");
    const char *why = authority_of(p.at ? p.at + 1 : p.authority, p.authority_end, out);
    if (why)
        return refuse(err, what, text, &p, why);
    out->scheme = lower_copy(text, (size_t)(p.scheme_end - text));
    out->userinfo = p.at ? mem_dup(p.authority, (size_t)(p.at - p.authority)) : NULL;
    out->target = target_copy(p.authority_end, p.target_end);
    if (out->scheme && out->host && out->target && (out->userinfo || !p.at))
        return WEIR_OK;
    url_clear(out);
    return error_no_memory(err);
}

void url_clear(struct url *url)
{
    mem_free(url->scheme);
    secret_free_text(url->userinfo);
    mem_free(url->host);
    mem_free(url->target);
    *url = (struct url){0};
}

uint16_t url_port(const struct url *url, uint16_t fallback)
{
    if (url->port)
        return url->port;
    if (strcmp(url->scheme, "https") == 0)
        return 443;
    return strcmp(url->scheme, "http") == 0 ? 80 : fallback;
}

/* "::1" without brackets: more than one colon can only be an IPv6 address without a port. */
static bool bare_ipv6(const char *text)
{
    const char *colon = strchr(text, ':');
    return *text != '[' && colon && strchr(colon + 1, ':');
}

weir_status hostport_parse(const char *text, uint16_t default_port, const char *what, char **host,
                           uint16_t *port, weir_error *err)
{
    *host = NULL;
    if (strchr(text, '@')) /* what stands before it may be a password */
        return error_set(err, WEIR_INVALID, "%s is not HOST[:PORT]: it holds an '@'", what);
    if (!printable(text) || strpbrk(text, "/?#"))
        return error_set(err, WEIR_INVALID,
                         "%s '%.*s' is not HOST[:PORT]: a character in it belongs to no host", what,
                         (int)strcspn(text, "?#"), text);
    struct url url = {0};
    const char *why = NULL;
    if (bare_ipv6(text) && is_ipv6(text, strlen(text)))
        url.host = lower_copy(text, strlen(text));
    else
        why = authority_of(text, text + strlen(text), &url);
    if (why)
        return error_set(err, WEIR_INVALID, "%s '%s' is not HOST[:PORT]: %s", what, text, why);
    *host = url.host;
    *port = url.port ? url.port : default_port;
    return url.host ? WEIR_OK : error_no_memory(err);
}
