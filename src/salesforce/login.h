/* salesforce/login.h - what weir_credentials_salesforce() is made of. */
#ifndef SALESFORCE_LOGIN_H
#define SALESFORCE_LOGIN_H

#include "credentials/ask.h"

/* What Salesforce's refusals deserve besides its own words: My Domain, run-as users, clocks that
 * are off, organisations without API access. A token_advice_fn. */
void login_advice(const weir_oauth2_options *asked, const struct http_answer *answer,
                  weir_error *err);
/* How far this machine's clock is from the server's, in words, when that is far: "this machine's
 * clock is 12 minutes slow". False: it is not, or the answer has no date. */
bool login_clock_is_off(const struct http_answer *answer, int64_t wall_ns, char *out, size_t size);
#endif
