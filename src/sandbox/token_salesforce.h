/* sandbox/token_salesforce.h - POST /services/oauth2/token as Salesforce answers it: its grants,
 * its members, its words for what is wrong. The tokens are those of sandbox/token.h. @thread io
 *
 * All credentials are published on purpose, the key included: this is a development aid. */
#ifndef SANDBOX_TOKEN_SALESFORCE_H
#define SANDBOX_TOKEN_SALESFORCE_H

#include "sandbox/token.h"

#define SALESFORCE_USERNAME       "sandbox@example.com"
#define SALESFORCE_PASSWORD       "sandbox-password"
#define SALESFORCE_SECURITY_TOKEN "SandboxSecurityToken"
#define SALESFORCE_REFRESH_TOKEN                                                                   \
    "sandbox-refresh-token" /* always good; those it gives out: once                               \
                             */

/* What JWT bearer assertions are to be signed with: PEM, RSA of 2048 bits. */
extern const char salesforce_private_key[];

/* `base` is this server as the client knows it: "http://localhost:40000". `params` is filled as by
 * tokens_read(); params_clear() them. */
void tokens_ask_salesforce(struct tokens *tokens, const struct token_request *request,
                           const char *base, struct params *params, struct token_answer *answer);
/* NAME or NAME:DESCRIPTION. */
void tokens_refuse_salesforce(const char *error, struct token_answer *answer);
#endif
