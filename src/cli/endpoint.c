/* Addresses, strictly: what is not understood is refused by name, because a typing error must not
 * lead to another host or to another default. */
#include "cli/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/fail.h"

static const struct {
    const char *prefix;
    enum endpoint_scheme scheme;
} schemes[] = {
    {"grpc://", SCHEME_PLAIN},
    {"grpcs://", SCHEME_TLS},
    {"http://", SCHEME_PLAIN},
    {"https://", SCHEME_TLS},
};

static const char *skip_scheme(const char *text, enum endpoint_scheme *scheme)
{
    *scheme = SCHEME_NONE;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].prefix);
        if (strncasecmp(text, schemes[i].prefix, len) == 0) {
            *scheme = schemes[i].scheme;
            return text + len;
        }
    }
    return text;
}

int endpoint_port(const char *text)
{
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 5 || text[len])
        return 0;
    int port = 0;
    for (; *text; text++)
        port = port * 10 + (*text - '0');
    return port <= 65535 ? port : 0;
}

static bool is_ipv6(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, host, &address) == 1;
}

/* gRPC's own names for what is no host with a port go to the library as they are. Local is a list
 * whose every address is. */
static bool take_opaque(struct endpoint *out, const char *text)
{
    bool list = strncmp(text, "ipv4:", 5) == 0 || strncmp(text, "ipv6:", 5) == 0;
    size_t len = strlen(text);
    if ((!list && strncmp(text, "unix:", 5) != 0) || len >= sizeof out->opaque)
        return false;
    memcpy(out->opaque, text, len + 1);
    out->local = true;
    for (const char *at = text + 5; list && *at; at += strspn(at, ",")) {
        char one[128];
        struct endpoint part;
        weir_error ignored = {0};
        size_t until = strcspn(at, ",");
        (void)snprintf(one, sizeof one, "%.*s", (int)(until < 127 ? until : 127), at);
        out->local = out->local && endpoint_parse(&part, one, "", &ignored) == WEIR_OK &&
                     endpoint_is_loopback(part.host);
        at += until;
    }
    return true;
}

static const char *skip_dns(const char *text)
{
    if (strncmp(text, "dns:///", 7) == 0)
        return text + 7;
    return strncmp(text, "dns:", 4) == 0 && text[4] != '/' ? text + 4 : text;
}

/* Where the host ends; NULL when the text is no HOST[:PORT]. */
static const char *take_host(const char *text, char host[256])
{
    bool bracket = *text == '[';
    text += bracket;
    size_t len = strcspn(text, bracket ? "]" : ":");
    if (!bracket && text[len] == ':' && strchr(text + len + 1, ':'))
        len = strlen(text); /* a bare IPv6 address has no port */
    if (len == 0 || len > 255 || (bracket && text[len] != ']'))
        return NULL;
    memcpy(host, text, len);
    host[len] = '\0';
    bool colons = strchr(host, ':') != NULL;
    if ((bracket || colons) && !is_ipv6(host))
        return NULL;
    return text + len + bracket;
}

static bool take_port(const char *at, int *port)
{
    *port = 0;
    if (*at == '\0')
        return true;
    if (*at != ':')
        return false;
    *port = endpoint_port(at + 1);
    return *port != 0;
}

weir_status endpoint_parse(struct endpoint *out, const char *text, const char *what,
                           weir_error *err)
{
    *out = (struct endpoint){0};
    char shown[300], address[300];
    endpoint_redact(text, shown, sizeof shown);
    if (take_opaque(out, text))
        return WEIR_OK;
    const char *named = skip_dns(text);
    const char *rest = named == text ? skip_scheme(text, &out->scheme) : named;
    size_t len = strlen(rest);
    if (out->scheme != SCHEME_NONE && len > 0 && rest[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof address)
        return fail_set(err, WEIR_INVALID, "%s: \"%s\" names no host: write HOST[:PORT]", what,
                        shown);
    (void)snprintf(address, sizeof address, "%.*s", (int)len, rest);
    if (strstr(address, "://"))
        return fail_set(err, WEIR_INVALID,
                        "%s: \"%s\" has an unknown scheme; grpc://, grpcs://, http:// and https:// "
                        "are known",
                        what, shown);
    bool odd = address[strcspn(address, "/?#@ \t\r\n\"\\")] != '\0';
    const char *at = odd ? NULL : take_host(address, out->host);
    if (!at || !take_port(at, &out->port))
        return fail_set(err, WEIR_INVALID,
                        "%s: \"%s\" is no address: write HOST[:PORT], with a port from 1 to 65535",
                        what, shown);
    return WEIR_OK;
}

/* "unix:26500" would be a socket, "ipv4:26500" a list. */
static bool is_like_a_scheme(const char *host)
{
    static const char *const names[] = {"unix", "ipv4", "ipv6", "dns"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(host, names[i]) == 0)
            return true;
    return false;
}

void endpoint_target(const struct endpoint *endpoint, char out[280])
{
    const char *host = endpoint->host;
    if (*endpoint->opaque)
        (void)snprintf(out, 280, "%s", endpoint->opaque);
    else if (strchr(host, ':'))
        (void)snprintf(out, 280, "[%s]:%d", host, endpoint->port);
    else
        (void)snprintf(out, 280, "%s%s:%d", is_like_a_scheme(host) ? "dns:///" : "", host,
                       endpoint->port);
}

bool endpoint_is_under(const char *host, const char *domain)
{
    size_t len = strlen(host), wanted = strlen(domain);
    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len < wanted || strncasecmp(host + len - wanted, domain, wanted) != 0)
        return false;
    return len == wanted || host[len - wanted - 1] == '.';
}

bool endpoint_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    return endpoint_is_under(host, "localhost");
}

bool endpoint_is_local(const struct endpoint *endpoint)
{
    return *endpoint->opaque ? endpoint->local : endpoint_is_loopback(endpoint->host);
}

bool endpoint_url_exposes(const char *url)
{
    if (strncasecmp(url, "http://", 7) != 0)
        return false;
    char authority[300];
    struct endpoint endpoint;
    weir_error ignored = {0};
    (void)snprintf(authority, sizeof authority, "%.*s", (int)strcspn(url + 7, "/?#"), url + 7);
    const char *at = strrchr(authority, '@');
    if (endpoint_parse(&endpoint, at ? at + 1 : authority, "", &ignored) != WEIR_OK)
        return false;
    return !endpoint_is_loopback(endpoint.host);
}

void endpoint_redact(const char *url, char *out, size_t size)
{
    const char *scheme = strstr(url, "://");
    const char *start = scheme ? scheme + 3 : url;
    size_t authority = strcspn(start, "/?#");
    const char *at = NULL;
    for (size_t i = 0; i < authority; i++)
        if (start[i] == '@')
            at = start + i;
    if (at)
        (void)snprintf(out, size, "%.*s***%s", (int)(start - url), url, at);
    else
        (void)snprintf(out, size, "%s", url);
}
