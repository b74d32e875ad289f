/* salesforce/dialect.h - what Salesforce says differently from the Bayeux specification, and what
 * it says besides. Pure. */
#ifndef SALESFORCE_DIALECT_H
#define SALESFORCE_DIALECT_H

#include "bayeux/verdict.h"
#include "core/buf.h"

/* Members of "ext": the replay extension, on every handshake and every subscription. `ask` is
 * position_ask(). The map's key is the channel without its filter. */
void dialect_outgoing(enum meta meta, const char *channel, int64_t ask, struct buf *ext);

/* What a failed reply means. Where ext.sfdc.failureReason says more than "error", that counts: 401
 * is a login, 503 and limits are minutes, whatever the advice. *err is filled.
 * WEIR_GAP of the kind REPLAY_GAP: the server no longer has the replay id that was asked for (with
 * VERDICT_REFUSED; what is done about it is on_gap's affair). */
enum verdict dialect_judge(enum meta meta, const struct message *reply, const char *reconnect,
                           weir_error *err);
/* The same gap, found by ourselves: the last live session is longer ago than the server keeps
 * events. */
weir_status dialect_gap(weir_error *err, const char *channel, int64_t asked, int64_t retention_ms);

/* "com.salesforce.event", ".change", ".topic", ".generic", by the channel's name (not
 * NUL-terminated). */
const char *dialect_type(const char *channel, size_t len);
/* When the event was created, in ms since the epoch; 0: it does not say. */
int64_t dialect_created_ms(const struct message *event);
/* data.event.EventUuid, core/mem; NULL: none. */
char *dialect_uuid(const struct message *event);

/* RFC 3339 (3: 5.6), with any fraction, and offsets without a colon ("+0000"); to ms, rounded
 * down; 0: it is none. */
int64_t stamp_parse(const char *text, size_t len);
#define STAMP_SIZE 40
/* "2026-01-01T00:00:00.000Z" */
void stamp_format(int64_t ms, char out[STAMP_SIZE]);
#endif
