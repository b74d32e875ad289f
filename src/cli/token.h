/* cli/token.h - where `weir token` gets its credentials from, but for those of `weir zeebe`. */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include "cli/parse.h"

#include <weir/credentials.h>

/* By OAUTH_... and flags. WEIR_MISSING names what is not there. */
weir_credentials *token_general(const struct args *args, weir_error *err);
/* By SALESFORCE_... and flags. A ready token's organisation is added to `instance_url`. */
weir_credentials *token_salesforce(const struct args *args, struct str *instance_url,
                                   weir_error *err);

/* 64: the flags for what to print contradict each other, and it has been said. */
int token_check_form(const struct args *args);
/* Prints the token as the flags say; the exit status. `credentials` NULL: *err says why. */
int token_print(const struct args *args, weir_credentials *credentials, const char *instance_url,
                weir_error *err);
#endif
