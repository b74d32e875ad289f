/* sandbox/token_private.h - what token.c shares with token_salesforce.c: the tokens there are. */
#ifndef SANDBOX_TOKEN_PRIVATE_H
#define SANDBOX_TOKEN_PRIVATE_H

#include "core/json.h"
#include "sandbox/token.h"
#include "sandbox/token_jwt.h"

struct issued {
    char *token;
    int64_t expires_ns; /* monotonic */
    int64_t life_ns;    /* being used extends it to so much; 0: it does not */
};

struct ring {
    struct issued list[TOKENS_MAX];
    size_t next;
};

struct tokens {
    const struct clock *clock;
    int expires_in, session_s;
    bool jwt;
    char *endpoint, *private_key;
    struct clients *clients;
    jwt_key *salesforce_key;  /* made when first asked for */
    unsigned char secret[32]; /* of its JWTs */
    struct ring access, refresh;
};

/* Whom the token is for; texts borrowed from the request. */
struct given {
    const char *client, *subject;
    bool refresh; /* a refresh token comes with it */
};

struct issued *ring_find(const struct ring *ring, const char *token);
void issued_forget(struct issued *one);
/* Takes `token` over. */
void ring_add(struct ring *ring, char *token, int64_t expires_ns);
/* 32 random bytes: nobody guesses it. mem_free(); NULL: no memory. */
char *tokens_unguessable(const struct tokens *tokens, const char *prefix);
/* Its text; `tree` is gone. NULL: no memory. */
char *token_sealed_text(json_t *tree);
#endif
