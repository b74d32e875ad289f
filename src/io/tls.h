/* io/tls.h - TLS settings, made once and shared by connections. TLS 1.2 at least; verification of
 * servers cannot be switched off, only given other roots. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <weir/channel.h>

struct tls; /* immutable, reference counted */

/* NULL options: the system's trust store. Files are read now. A private key without a chain
 * looks for the certificate in the same PEM; what is missing or wrong is WEIR_INVALID, named.
 * `alpn`: "h2" or NULL. With "h2" a server that does not agree is WEIR_PROTOCOL. */
struct tls *tls_client(const weir_tls_options *options, const char *alpn, weir_error *err);
/* For the sandbox and tests. client_ca_file: require certificates it signed. */
struct tls *tls_server(const char *cert_file, const char *key_file, const char *client_ca_file,
                       const char *alpn, weir_error *err);
struct tls *tls_ref(struct tls *tls);
void tls_free(struct tls *tls);
#endif
