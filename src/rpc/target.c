/* Targets, strictly: what is not understood is refused by name. */
#include "rpc/target.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/url.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define DEFAULT_PORT 443 /* gRPC Name Resolution: "default is 443" */

static weir_status name_target(struct target *t, const char *text, weir_error *err)
{
    weir_status status = hostport_parse(text, DEFAULT_PORT, "the target", &t->host, &t->port, err);
    if (status != WEIR_OK)
        return status;
    size_t size = strlen(t->host) + 16;
    t->authority = mem_zalloc(size);
    t->server_name = mem_strdup(t->host);
    if (!t->authority || !t->server_name)
        return error_no_memory(err);
    (void)snprintf(t->authority, size, strchr(t->host, ':') ? "[%s]:%u" : "%s:%u", t->host,
                   (unsigned)t->port);
    return WEIR_OK;
}

static weir_status unix_target(struct target *t, const char *path, weir_error *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof un.sun_path)
        return error_set(err, WEIR_INVALID,
                         "the target 'unix:%s': a socket's path has 1 to %zu bytes", path,
                         sizeof un.sun_path - 1);
    memcpy(un.sun_path, path, strlen(path) + 1);
    t->addresses = mem_zalloc(sizeof *t->addresses);
    t->authority = mem_strdup("localhost");
    t->server_name = mem_strdup("localhost");
    if (!t->addresses || !t->authority || !t->server_name)
        return error_no_memory(err);
    memcpy(&t->addresses[0].sa, &un, sizeof un);
    t->addresses[0].len = sizeof un;
    t->count = 1;
    return WEIR_OK;
}

static weir_status one_address(struct target *t, char *text, int family, weir_error *err)
{
    char *host = NULL;
    uint16_t port;
    if (t->count == LIMIT_ADDRESSES)
        return error_set(err, WEIR_INVALID, "the target names more than %d addresses",
                         LIMIT_ADDRESSES);
    weir_status status = hostport_parse(text, DEFAULT_PORT, "the target", &host, &port, err);
    if (status != WEIR_OK)
        return status;
    struct address *at = &t->addresses[t->count++];
    if (!address_parse(host, port, at) || at->sa.ss_family != family)
        status = error_set(err, WEIR_INVALID, "the target's '%s' is no %s address", text,
                           family == AF_INET ? "IPv4" : "IPv6");
    else if (t->count == 1)
        t->server_name = host, host = NULL;
    mem_free(host);
    return status;
}

static weir_status list_target(struct target *t, const char *text, int family, weir_error *err)
{
    weir_status status = WEIR_OK;
    char *copy = mem_strdup(text);
    t->addresses = mem_array(LIMIT_ADDRESSES, sizeof *t->addresses);
    if (!copy || !t->addresses) {
        mem_free(copy);
        return error_no_memory(err);
    }
    char *rest = copy;
    while (rest && status == WEIR_OK) {
        char *one = strsep(&rest, ",");
        status = one_address(t, one, family, err);
        if (status == WEIR_OK && !t->authority && !(t->authority = mem_strdup(one)))
            status = error_no_memory(err);
    }
    mem_free(copy);
    return status;
}

static weir_status parse(struct target *t, const char *text, weir_error *err)
{
    if (strncmp(text, "unix:", 5) == 0) /* unix:path, unix:///absolute/path */
        return unix_target(t, strncmp(text + 5, "//", 2) == 0 ? text + 7 : text + 5, err);
    if (strncmp(text, "ipv4:", 5) == 0)
        return list_target(t, text + 5, AF_INET, err);
    if (strncmp(text, "ipv6:", 5) == 0)
        return list_target(t, text + 5, AF_INET6, err);
    if (strncmp(text, "dns:///", 7) == 0)
        return name_target(t, text + 7, err);
    if (strncmp(text, "dns://", 6) == 0)
        return error_set(err, WEIR_UNSUPPORTED,
                         "the target '%s' names a DNS server; write dns:///host:port", text);
    if (strncmp(text, "dns:", 4) == 0)
        return name_target(t, text + 4, err);
    if (strstr(text, "://"))
        return error_set(err, WEIR_INVALID,
                         "the target '%s' is a URL; a gRPC target is host:port, dns:///host:port, "
                         "ipv4:..., ipv6:... or unix:/path",
                         text);
    return name_target(t, text, err);
}

weir_status target_parse(struct target *out, const char *text, weir_error *err)
{
    *out = (struct target){0};
    weir_status status = parse(out, text, err);
    if (status != WEIR_OK)
        target_clear(out);
    return status;
}

void target_clear(struct target *target)
{
    mem_free(target->host);
    mem_free(target->addresses);
    mem_free(target->authority);
    mem_free(target->server_name);
    *target = (struct target){0};
}
