/* Gateway addresses, strictly: what is not understood is refused by name. gRPC's own target names
 * ("dns:///h:1", "ipv4:...", "ipv6:...", "unix:/path") go to rpc/ as they are; only whether they
 * mean this machine is looked at here. Pure; any thread. */
#include "zeebe/address.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "core/url.h"
#include "io/resolve.h"

#include <stdio.h>
#include <string.h>

#define GATEWAY_PORT 26500

static const struct {
    const char *scheme;
    enum gateway_security security;
    uint16_t port;
} schemes[] = {
    {"grpc", GATEWAY_PLAINTEXT, GATEWAY_PORT},
    {"http", GATEWAY_PLAINTEXT, GATEWAY_PORT},
    {"grpcs", GATEWAY_TLS, 443},
    {"https", GATEWAY_TLS, 443},
};

void gateway_clear(struct gateway *gateway)
{
    mem_free(gateway->target);
    mem_free(gateway->host);
    *gateway = (struct gateway){0};
}

/* "unix:26500" would be a socket, "ipv4:26500" a list of addresses. */
static const char *prefix_for(const char *host)
{
    static const char *const odd[] = {"unix", "ipv4", "ipv6", "dns"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        if (strcmp(host, odd[i]) == 0)
            return "dns:///";
    }
    return "";
}

static weir_status name_it(struct gateway *g, weir_error *err)
{
    size_t size = strlen(g->host) + 24;
    bool ipv6 = strchr(g->host, ':') != NULL;
    g->target = mem_zalloc(size);
    if (!g->target)
        return error_no_memory(err);
    (void)snprintf(g->target, size, "%s%s%s%s:%u", prefix_for(g->host), ipv6 ? "[" : "", g->host,
                   ipv6 ? "]" : "", (unsigned)g->port);
    g->local = host_is_loopback(g->host);
    return WEIR_OK;
}

static weir_status from_url(struct gateway *g, const char *text, const char *what, weir_error *err)
{
    struct url url = {0};
    size_t found = 0;
    const size_t known = sizeof schemes / sizeof *schemes;
    weir_status status = url_parse(&url, text, what, err);
    if (status != WEIR_OK)
        return status;
    while (found < known && strcmp(schemes[found].scheme, url.scheme) != 0)
        found++;
    if (found == known) {
        status = error_set(err, WEIR_INVALID,
                           "%s begins with '%s://'; grpc://, grpcs://, http:// and https:// are "
                           "understood",
                           what, url.scheme);
    } else if (url.userinfo) {
        status = error_set(err, WEIR_INVALID,
                           "%s holds a user name; credentials are options of their own", what);
    } else if (strcmp(url.target, "/") != 0) {
        status =
            error_set(err, WEIR_INVALID,
                      "%s '%s' has a path; a gRPC address is SCHEME://HOST[:PORT]", what, text);
    } else {
        g->security = schemes[found].security;
        g->port = url.port ? url.port : schemes[found].port;
        g->host = url.host;
        url.host = NULL;
        status = name_it(g, err);
    }
    url_clear(&url);
    return status;
}

/* "ipv4:1.2.3.4:p,5.6.7.8" and "ipv6:...": local when each is. */
static bool all_local(const char *list)
{
    char one[128];
    bool local = true;
    while (local && *list) {
        size_t len = strcspn(list, ",");
        char *host = NULL;
        uint16_t port;
        (void)snprintf(one, sizeof one, "%.*s", (int)(len < 127 ? len : 127), list);
        local = hostport_parse(one, GATEWAY_PORT, "", &host, &port, NULL) == WEIR_OK &&
                host_is_loopback(host);
        mem_free(host);
        list += list[len] == ',' ? len + 1 : len;
    }
    return local;
}

static weir_status from_target(struct gateway *g, const char *text, bool local, weir_error *err)
{
    g->local = local;
    g->target = mem_strdup(text);
    return g->target ? WEIR_OK : error_no_memory(err);
}

static weir_status from_name(struct gateway *g, const char *text, const char *what, weir_error *err)
{
    weir_status status = hostport_parse(text, GATEWAY_PORT, what, &g->host, &g->port, err);
    return status == WEIR_OK ? name_it(g, err) : status;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static weir_status parse(struct gateway *g, const char *text, const char *what, weir_error *err)
{
    if (begins(text, "unix:"))
        return from_target(g, text, true, err);
    if (begins(text, "ipv4:") || begins(text, "ipv6:"))
        return from_target(g, text, all_local(text + 5), err);
    if (begins(text, "dns:///"))
        return from_name(g, text + 7, what, err);
    if (begins(text, "dns://")) /* a DNS server's name: refused there */
        return from_target(g, text, false, err);
    if (begins(text, "dns:"))
        return from_name(g, text + 4, what, err);
    if (strstr(text, "://"))
        return from_url(g, text, what, err);
    return from_name(g, text, what, err);
}

static weir_status bare_host(const char *text, const char *what, char **host, weir_error *err)
{
    uint16_t port = 0;
    weir_status status = hostport_parse(text, 0, what, host, &port, err);
    if (status != WEIR_OK || port == 0)
        return status;
    mem_free(*host);
    *host = NULL;
    return error_set(err, WEIR_INVALID, "%s '%s' is more than a host", what, text);
}

weir_status gateway_replace(struct gateway *gateway, const char *host, uint16_t port,
                            const char *what, weir_error *err)
{
    char *fresh = NULL;
    weir_status status = WEIR_OK;
    if (!gateway->host)
        return error_set(err, WEIR_INVALID, "%s cannot replace a part of the address '%s'", what,
                         gateway->target);
    if (host && (status = bare_host(host, what, &fresh, err)) != WEIR_OK)
        return status;
    if (fresh) {
        mem_free(gateway->host);
        gateway->host = fresh;
    }
    gateway->port = port ? port : gateway->port;
    mem_free(gateway->target);
    gateway->target = NULL;
    return name_it(gateway, err);
}

weir_status gateway_parse(struct gateway *out, const char *text, const char *what, weir_error *err)
{
    *out = (struct gateway){0};
    weir_status status = parse(out, text, what, err);
    if (status != WEIR_OK)
        gateway_clear(out);
    return status;
}
