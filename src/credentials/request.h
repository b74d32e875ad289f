/* credentials/request.h - one token request: what to post (RFC 6749, 2.3.1, 4.3, 4.4, 6; RFC 7523,
 * 2.1 and 2.2). Pure but for the clock. */
#ifndef CREDENTIALS_REQUEST_H
#define CREDENTIALS_REQUEST_H

#include "core/buf.h"
#include "credentials/grant.h"

struct request {
    const char *content_type;
    struct secret *authorization; /* the whole header line, or NULL */
    struct secret *body;
};

/* `refresh_token`: the newest one of the grant REFRESH_TOKEN; NULL: the configured one. */
weir_status request_make(const struct grant *grant, const struct secret *refresh_token,
                         const struct clock *clock, struct request *out, weir_error *err);
void request_clear(struct request *request);
/* WEIR_INVALID names a parameter that the request would hold twice (RFC 6749, 3.2). */
weir_status request_check(const struct grant *grant, weir_error *err);
#endif
