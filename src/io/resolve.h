/* io/resolve.h - host names to addresses. Numeric addresses and localhost (RFC 6761, 6.3: both
 * loopback addresses) need no resolver; anything else gets a thread of its own that ends with the
 * answer. */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include "io/loop.h"
#include <sys/socket.h>

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};

struct resolve;
/* `list` is in the system's order (RFC 6724), IPv6 and IPv4 interleaved, borrowed. */
typedef void resolve_fn(void *user, const struct address *list, size_t count,
                        const weir_error *err);

/* @thread io. `done` is called once, later, never from within. NULL: *err says why. */
struct resolve *resolve_start(struct loop *loop, const char *host, uint16_t port, resolve_fn *done,
                              void *user, weir_error *err);
/* @thread io. `done` will not be called. */
void resolve_cancel(struct resolve *resolve);
/* "127.0.0.1:26500", "[::1]:443", "unix:/path" */
void address_text(const struct address *address, char *out, size_t size);
bool address_loopback(const struct address *address);
/* Numeric "1.2.3.4", "::1"; false: not numeric. */
bool address_parse(const char *host, uint16_t port, struct address *out);
/* Whether a host name or numeric address surely means this machine. */
bool host_is_loopback(const char *host);
#endif
