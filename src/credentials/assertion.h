/* credentials/assertion.h - JWTs signed with our own key (RFC 7515, 7519, 7523): RS256 with an RSA
 * key of at least 2,048 bits, ES256 with one on P-256. */
#ifndef CREDENTIALS_ASSERTION_H
#define CREDENTIALS_ASSERTION_H

#include "core/clock.h"
#include "core/secret.h"
#include <weir/error.h>

struct signer; /* a private key; immutable */

/* PEM text. `what` names it: "private_key_file '/a/b'". WEIR_INVALID: not a private key, locked by
 * a passphrase, or of a kind that neither algorithm takes. */
struct signer *signer_new(const char *pem, size_t len, const char *what, weir_error *err);
void signer_free(struct signer *signer);
const char *signer_algorithm(const struct signer *signer); /* "RS256", "ES256" */

struct assertion {
    const char *key_id; /* or NULL */
    const char *issuer, *subject, *audience;
    int64_t lifetime_s;
};
/* With `iat` now, `exp` and a `jti` of 128 random bits. */
weir_status assertion_make(const struct signer *signer, const struct assertion *claims,
                           const struct clock *clock, struct secret **out, weir_error *err);
#endif
