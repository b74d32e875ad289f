/* sandbox/token_jwt.h - assertions signed by clients (RFC 7523), checked; and tokens that look like
 * JWTs, made. */
#ifndef SANDBOX_TOKEN_JWT_H
#define SANDBOX_TOKEN_JWT_H

#include "core/json.h"

typedef struct evp_pkey_st jwt_key;

jwt_key *jwt_key_make(char **private_pem, weir_error *err); /* EC P-256; mem_free() the text */
jwt_key *jwt_key_read(const char *pem, weir_error *err);    /* public or private, RSA or EC  */
void jwt_key_free(jwt_key *key);
/* The claims of a JWS whose signature (RS256 or ES256) one of the keys made; json_decref(). NULL:
 * *err says what is wrong with it. The claims themselves are for the caller to judge. */
json_t *jwt_verify(const char *jws, jwt_key *const *keys, size_t count, weir_error *err);
/* "header.claims.signature" with HS256; mem_free(); NULL: no memory. */
char *jwt_sign(const json_t *claims, const void *secret, size_t len);
#endif
