/* sandbox/token.h - the token endpoint's mind: who may have a token, which tokens there are, and
 * until when. No network; time and randomness come from the clock it is given. @thread io.
 *
 * The credentials are published on purpose: this is a development aid on loopback. */
#ifndef SANDBOX_TOKEN_H
#define SANDBOX_TOKEN_H

#include "core/clock.h"
#include "sandbox/params.h"

#define TOKEN_CLIENT_ID     "sandbox"
#define TOKEN_CLIENT_SECRET "sandbox-secret"
/* A second client whose names need every encoding there is (RFC 6749, 2.3.1). */
#define TOKEN_ODD_CLIENT_ID     "sandbox+odd client:1"
#define TOKEN_ODD_CLIENT_SECRET "p%rc&nt+ sp=ce:\xc3\xbc/?\"'"
#define TOKEN_USERNAME          "sandbox-user"
#define TOKEN_PASSWORD          "sandbox-password"
#define TOKEN_REFRESH_TOKEN     "sandbox-refresh-token" /* always good; those it gives out: once */

#define TOKENS_MAX 4096 /* issued tokens that are remembered; the oldest go first */

struct tokens;

struct tokens_options {
    const struct clock *clock;
    const char *endpoint;      /* its own URL: what assertions must be meant for                */
    int expires_in;            /* seconds; 0: 300; below 0: the member is left out              */
    int session_s;             /* life of a Salesforce session that is not used; 0: two hours   */
    bool jwt;                  /* tokens look like JWTs instead of being opaque                 */
    const char *assertion_key; /* PEM, public or private, whose signatures count beside its own */
};

/* One POST of the token endpoint. Texts may be NULL. */
struct token_request {
    const char *content_type, *authorization;
    const char *body;
    size_t len;
};

struct token_answer {
    int status;  /* HTTP                                                                     */
    bool basic;  /* send WWW-Authenticate: Basic (RFC 6749, 5.2)                              */
    bool issued; /* it holds a token                                                         */
    char *body;  /* JSON; secret_free_text(); NULL: no memory, answer 500                     */
};

enum token_state { TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_VALID };

struct tokens *tokens_new(const struct tokens_options *options, weir_error *err);
void tokens_free(struct tokens *tokens);
/* The private key (PEM) whose assertions it accepts from TOKEN_CLIENT_ID; EC P-256. */
const char *tokens_private_key(const struct tokens *tokens);
/* The parameters that were sent, for the request log; params_clear() them. WEIR_INVALID: not
 * understood, and none are there. */
weir_status tokens_read(const struct token_request *request, struct params *params,
                        weir_error *err);
/* `params` is filled as by tokens_read(); params_clear() it. */
void tokens_ask(struct tokens *tokens, const struct token_request *request, struct params *params,
                struct token_answer *answer);
/* An error of RFC 6749, 5.2, as if the request had earned it: NAME or NAME:DESCRIPTION. */
void tokens_refuse(const char *error, struct token_answer *answer);
enum token_state tokens_look(const struct tokens *tokens, const char *token);
/* The token has expired from now on; NULL: the newest one. */
void tokens_expire(struct tokens *tokens, const char *token);
void tokens_expire_all(struct tokens *tokens);
#endif
