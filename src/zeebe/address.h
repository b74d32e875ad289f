/* zeebe/address.h - where a gateway is: "HOST[:PORT]", a URL, or one of gRPC's target names. */
#ifndef ZEEBE_ADDRESS_H
#define ZEEBE_ADDRESS_H

#include <weir/error.h>

enum gateway_security {
    GATEWAY_UNSAID = 0, /* the address does not say          */
    GATEWAY_PLAINTEXT,  /* http:// or grpc://                */
    GATEWAY_TLS         /* https:// or grpcs://              */
};

struct gateway {
    char *target; /* what rpc_open() takes                                              */
    char *host;   /* without brackets; NULL: a list of addresses or a socket            */
    uint16_t port;
    enum gateway_security security;
    bool local; /* surely this machine: tokens may go there unencrypted                */
};

/* The port is 26500 unless given, 443 after https:// and grpcs://. `what` names it in the error:
 * "grpc_address". */
weir_status gateway_parse(struct gateway *out, const char *text, const char *what, weir_error *err);
/* Puts another host in its place (NULL: the same) and another port (0: the same). WEIR_INVALID: the
 * address is a list of addresses or a socket. `host` is as in "HOST", no more; `what` names it. */
weir_status gateway_replace(struct gateway *gateway, const char *host, uint16_t port,
                            const char *what, weir_error *err);
void gateway_clear(struct gateway *gateway);
#endif
