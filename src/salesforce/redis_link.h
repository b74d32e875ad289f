/* salesforce/redis_link.h - one connection to a Redis server, for a thread that waits for each
 * answer. One call at a time; not from the I/O thread. */
#ifndef SALESFORCE_REDIS_LINK_H
#define SALESFORCE_REDIS_LINK_H

#include "core/deadline.h"
#include "io/tls.h"
#include "salesforce/resp.h"

struct redis_link;

/* Takes `tls` over (NULL: plaintext), also when it fails. Nothing is connected yet. */
struct redis_link *redis_link_new(const char *host, uint16_t port, struct tls *tls,
                                  const struct clock *clock, weir_error *err);
void redis_link_free(struct redis_link *link);

/* Whether there is a connection, as far as is known. */
bool redis_link_up(struct redis_link *link);
/* Tries the addresses of the host, one after the other. WEIR_UNREACHABLE, WEIR_UNTRUSTED,
 * WEIR_TIMEOUT; errors name no host. */
weir_status redis_link_connect(struct redis_link *link, struct deadline until, weir_error *err);
/* `answer` points into the link until its next call. After a failure there is no connection any
 * more, and whether the request took effect is unknown. WEIR_PROTOCOL: no answer of Redis's. */
weir_status redis_link_ask(struct redis_link *link, const struct buf *request, struct resp *answer,
                           struct deadline until, weir_error *err);
void redis_link_drop(struct redis_link *link);
#endif
