/* salesforce/redis_url.h - "redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]" and what a server says when
 * it fails. Pure. */
#ifndef SALESFORCE_REDIS_URL_H
#define SALESFORCE_REDIS_URL_H

#include "core/secret.h"
#include "salesforce/resp.h"

struct redis_url {
    char *host;
    uint16_t port;
    bool ipv6, tls;
    int64_t db;
    struct secret *user, *password; /* percent-decoded; NULL: not given */
};

/* WEIR_INVALID: no such URL; WEIR_UNSUPPORTED: a password in plaintext to elsewhere than loopback.
 * Nothing of user and password is in the error. */
weir_status redis_url_parse(struct redis_url *out, const char *text, weir_error *err);
void redis_url_clear(struct redis_url *url);

/* Of an answer that is an error; `what` names the store. WEIR_UNREACHABLE, WEIR_BUSY: it may mend
 * by itself. */
weir_status redis_refusal(const struct resp_value *error, const char *what, weir_error *err);
#endif
