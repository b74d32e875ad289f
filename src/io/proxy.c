/* Which proxy a connection goes through.
 *
 * Pure: reads the environment and answers. NO_PROXY is read as curl reads it: a list parted by
 * commas or blanks; `*` is everything; a name matches itself and all names below it, with or
 * without a leading dot; numeric addresses match exactly or by a prefix length; an entry may end
 * in a port. What is on this machine is never sent to a proxy of the environment (as in Go): a
 * token that may travel unencrypted to loopback must not travel to a proxy. A proxy that was asked
 * for by an option is used for everything. */
#include "io/proxy.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"
#include "core/text.h"
#include "io/resolve.h"

#include <stdio.h>
#include <string.h>

struct peer {
    const char *host;
    size_t len; /* without the root's dot */
    uint16_t port;
};

/* The bytes of a numeric address; 0: not numeric. */
static size_t address_bytes(const char *host, uint8_t out[16])
{
    struct address address;
    if (!address_parse(host, 0, &address))
        return 0;
    if (address.sa.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&address.sa;
        memcpy(out, &v4->sin_addr, 4);
        return 4;
    }
    const struct sockaddr_in6 *v6 = (const void *)&address.sa;
    memcpy(out, &v6->sin6_addr, 16);
    return 16;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

/* "10.0.0.0/8", "::1", "192.168.1.1" */
static bool network_holds(char *entry, const char *host)
{
    uint8_t network[16], ours[16];
    int64_t bits = -1;
    char *slash = strchr(entry, '/');
    if (slash)
        *slash = '\0';
    size_t size = address_bytes(entry, network);
    if (size == 0 || size != address_bytes(host, ours))
        return false;
    if (slash && !text_number(slash + 1, 0, (int64_t)size * 8, &bits))
        return false;
    return same_prefix(network, ours, slash ? (size_t)bits : size * 8);
}

/* The entry's own port, cut off it; 0: it is for every port. False: it has a bad one. */
static bool cut_port(char *entry, uint16_t *port)
{
    int64_t number = 0;
    char *colon = strrchr(entry, ':');
    bool bracketed = entry[0] == '[';
    *port = 0;
    if (colon && (bracketed ? colon[-1] == ']' : strchr(entry, ':') == colon)) {
        if (!text_number(colon + 1, 1, 65535, &number))
            return false;
        *colon = '\0';
        *port = (uint16_t)number;
    }
    char *end = bracketed ? strchr(entry, ']') : NULL;
    if (end)
        *end = '\0';
    return true;
}

static bool name_matches(const char *entry, const struct peer *peer)
{
    if (strncmp(entry, "*.", 2) == 0)
        entry++;
    if (*entry == '.')
        entry++;
    size_t len = strlen(entry);
    if (len > 0 && entry[len - 1] == '.')
        len--;
    if (len == 0 || len > peer->len)
        return false;
    const char *tail = peer->host + peer->len - len;
    for (size_t i = 0; i < len; i++) {
        char a[2] = {entry[i], '\0'}, b[2] = {tail[i], '\0'};
        if (!text_equal_nocase(a, b))
            return false;
    }
    return len == peer->len || tail[-1] == '.';
}

static bool entry_matches(char *entry, const struct peer *peer)
{
    uint16_t port;
    if (strcmp(entry, "*") == 0)
        return true;
    if (!cut_port(entry, &port) || (port && port != peer->port))
        return false;
    char *bare = entry[0] == '[' ? entry + 1 : entry;
    uint8_t bytes[16];
    if (address_bytes(peer->host, bytes))
        return network_holds(bare, peer->host);
    return name_matches(bare, peer);
}

static weir_status is_exempt(const char *list, const struct peer *peer, bool *exempt,
                             weir_error *err)
{
    static const char between[] = ", \t";
    *exempt = false;
    while (!*exempt && *(list += strspn(list, between))) {
        size_t len = strcspn(list, between);
        char *entry = mem_dup(list, len);
        if (!entry)
            return error_no_memory(err);
        *exempt = entry_matches(entry, peer);
        mem_free(entry);
        list += len;
    }
    return WEIR_OK;
}

/* The value of the first that is set, and its name. */
static const char *from_environment(bool tls, const char **name)
{
    static const char *const names[2][4] = {
        {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"},
        {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"},
    };
    /* A CGI server turns a request's `Proxy:` header into HTTP_PROXY (CVE-2016-5385). */
    bool cgi = options_env("REQUEST_METHOD", (char *)NULL) != NULL;
    for (size_t i = 0; i < 4; i++) {
        *name = names[tls][i];
        const char *value = options_env(*name, (char *)NULL);
        if (value && !(cgi && !tls && i == 1))
            return value;
    }
    return NULL;
}

static weir_status parse(const char *text, const char *what, struct url *out, weir_error *err)
{
    struct buf url = BUF_INIT((size_t)8 * 1024);
    if (!strstr(text, "://"))
        buf_adds(&url, "http://");
    buf_adds(&url, text);
    weir_status status = buf_finish(&url, err);
    if (status == WEIR_OK)
        status = url_parse(out, url.data, what, err);
    secret_free_text(url.data);
    if (status == WEIR_OK && strcmp(out->scheme, "http") != 0) {
        status = error_set(err, WEIR_INVALID,
                           "%s is of the kind '%s'; only proxies that are spoken to in plain HTTP "
                           "work (http://host:port)",
                           what, out->scheme);
        url_clear(out);
    }
    if (status == WEIR_OK)
        out->port = url_port(out, 80);
    return status;
}

static weir_status check_exempt(const char *host, uint16_t port, bool *exempt, weir_error *err)
{
    struct peer peer = {.host = host, .len = strlen(host), .port = port};
    const char *list = options_env("no_proxy", "NO_PROXY", (char *)NULL);
    if (peer.len > 0 && host[peer.len - 1] == '.')
        peer.len--;
    *exempt = host_is_loopback(host);
    return *exempt || !list ? WEIR_OK : is_exempt(list, &peer, exempt, err);
}

weir_status proxy_for(const char *option, const char *host, uint16_t port, bool tls,
                      struct url *out, weir_error *err)
{
    char what[64] = "the proxy";
    *out = (struct url){0};
    const char *text = options_text(option);
    if (option && !text)
        return WEIR_OK;
    if (!text) {
        const char *name;
        bool exempt;
        text = from_environment(tls, &name);
        if (!text)
            return WEIR_OK;
        weir_status status = check_exempt(host, port, &exempt, err);
        if (status != WEIR_OK || exempt)
            return status;
        (void)snprintf(what, sizeof what, "the proxy in %s", name);
    }
    return parse(text, what, out, err);
}

char *proxy_authorization(const char *userinfo)
{
    struct buf plain = BUF_INIT((size_t)8 * 1024);
    struct buf value = BUF_INIT((size_t)16 * 1024);
    buf_reserve(&plain, strlen(userinfo)); /* growing would leave copies behind */
    buf_reserve(&value, 2 * strlen(userinfo) + 16);
    percent_decode(&plain, userinfo, strlen(userinfo));
    buf_adds(&value, "Basic ");
    base64_add(&value, plain.data ? plain.data : "", plain.len, true);
    secret_wipe(plain.data, plain.len);
    buf_free(&plain);
    return value.data;
}
