/* salesforce/publish.h - platform events over REST: no session, one request each. */
#ifndef SALESFORCE_PUBLISH_H
#define SALESFORCE_PUBLISH_H

#include "http/exchange.h"
#include <weir/credentials.h>

struct publish_door {
    struct http *http;
    weir_credentials *credentials;
    const char *instance_url; /* what the program says, or NULL */
    const char *api_version;
    bool allow_plaintext;
};

/* Blocks; not on the I/O thread. As weir_salesforce_publish(); *answer is core/mem. */
weir_status publish_event(const struct publish_door *door, const char *name, const char *json,
                          char **answer, struct deadline until, weir_error *err);

/* ---- for tests --------------------------------------------------------------------------- */

/* "Order__e", "/event/Order__e": the part that the URL ends with. WEIR_INVALID: neither. */
weir_status publish_name(const char *name, const char **out, weir_error *err);
/* An answer that is not 2xx: Salesforce's errorCode and message. As an exchange's `explain`. */
void publish_refusal(const struct http_answer *answer, const char *what, weir_error *err);
/* A 2xx answer that says success:false after all, or is no JSON object. */
weir_status publish_result(weir_bytes body, const char *what, weir_error *err);
#endif
