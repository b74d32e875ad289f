/* rpc/target.h - gRPC's target names (gRPC Name Resolution): "host:port", "dns:///host:port",
 * "ipv4:1.2.3.4:p,5.6.7.8:p", "ipv6:[::1]:p", "unix:/path". */
#ifndef RPC_TARGET_H
#define RPC_TARGET_H

#include "io/resolve.h"

struct target {
    char *host; /* to resolve; NULL: `addresses` are given */
    uint16_t port;
    struct address *addresses;
    size_t count;
    char *authority;   /* what :authority says */
    char *server_name; /* what a certificate must say; NULL: an address says it itself */
};

weir_status target_parse(struct target *out, const char *text, weir_error *err);
void target_clear(struct target *target);
#endif
