/* io/tls_private.h - TLS over a stream's bytes: what stream.c needs of OpenSSL. @thread io */
#ifndef IO_TLS_PRIVATE_H
#define IO_TLS_PRIVATE_H

#include "io/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct tls {
    atomic_int refs;
    SSL_CTX *ctx;
    bool h2; /* ALPN must end in h2 */
};
#endif
