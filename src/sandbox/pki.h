/* sandbox/pki.h - a certificate authority made at run time: for `weir sandbox --tls` and for tests.
 * Keys are EC P-256. Never for anything that has to be kept secret. Any thread. */
#ifndef SANDBOX_PKI_H
#define SANDBOX_PKI_H

#include <weir/error.h>

struct pki;

enum pki_time {
    PKI_VALID,   /* from an hour ago, for 30 days */
    PKI_EXPIRED, /* since an hour ago */
    PKI_TOO_SOON /* valid from tomorrow on */
};

struct pki_request {
    const char *name; /* the subject's CN                                            */
    const char *sans; /* "DNS:localhost,IP:127.0.0.1,IP:::1"; NULL: none             */
    bool client;      /* for TLS clients; else for servers                           */
    enum pki_time time;
};

/* PEM text. */
struct pki_cert {
    char *chain; /* the certificate, then its CA's */
    char *key;   /* PKCS #8, not encrypted */
};

struct pki *pki_new(const char *name, weir_error *err);
const char *pki_ca(const struct pki *pki); /* the CA's certificate as PEM */
void pki_free(struct pki *pki);
weir_status pki_issue(const struct pki *pki, const struct pki_request *request,
                      struct pki_cert *out, weir_error *err);
void pki_cert_clear(struct pki_cert *cert); /* fine when zeroed */

/* Where pki_write() put things. */
struct pki_paths {
    char *chain, *key;
};
/* DIR/NAME.pem and, mode 0600, DIR/NAME-key.pem. */
weir_status pki_write(const struct pki_cert *cert, const char *dir, const char *name,
                      struct pki_paths *out, weir_error *err);
void pki_paths_clear(struct pki_paths *paths); /* forgets the names; the files stay */
/* The CA's certificate as DIR/ca.pem; *path is mem_free()d by the caller. */
weir_status pki_write_ca(const struct pki *pki, const char *dir, char **path, weir_error *err);
#endif
