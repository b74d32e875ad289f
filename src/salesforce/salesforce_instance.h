/* salesforce/salesforce_instance.h - where an organisation's servers are: the instance URL, what
 * stands below it, and whose it is. Pure. */
#ifndef SALESFORCE_SALESFORCE_INSTANCE_H
#define SALESFORCE_SALESFORCE_INSTANCE_H

#include <weir/credentials.h>

#define API_VERSION "67.0"

/* What the program says, then the token, then SALESFORCE_INSTANCE_URL. core/mem, without a slash at
 * its end. WEIR_MISSING: nowhere; WEIR_INVALID: no http(s) URL of a host alone; WEIR_UNSUPPORTED:
 * the token would travel in plaintext to another machine. */
char *instance_url(const char *given, const weir_token *token, bool allow_plaintext,
                   weir_error *err);
/* "NN.0": what the program says, SALESFORCE_API_VERSION, the default. *out borrows. */
weir_status instance_version(const char *given, const char **out, weir_error *err);
/* The organisation's id ("00D...", 15 or 18 characters) by the token's field "id", an URL that ends
 * in /id/ORGANISATION/USER; else the instance's host. core/mem; NULL: no memory. */
char *instance_organisation(const weir_token *token, const char *url);
#endif
