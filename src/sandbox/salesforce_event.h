/* sandbox/salesforce_event.h - what events of each kind of channel look like, and which of them a
 * filtered PushTopic takes. Pure; randomness and time are given. */
#ifndef SANDBOX_SALESFORCE_EVENT_H
#define SANDBOX_SALESFORCE_EVENT_H

#include "core/clock.h"
#include "core/json.h"
#include "sandbox/bayeux_event.h"

#define SALESFORCE_ORG  "00D000000000001EAA"
#define SALESFORCE_USER "005000000000001AAA"

enum salesforce_kind {
    SALESFORCE_NO_CHANNEL,
    SALESFORCE_TOPIC,    /* /topic/NAME                         */
    SALESFORCE_GENERIC,  /* /u/NAME                             */
    SALESFORCE_PLATFORM, /* /event/NAME                         */
    SALESFORCE_CHANGE    /* /data/NAME                          */
};

struct salesforce_shape {
    const char *channel;
    const char *about;    /* the channel whose record changed, on the channel of all; else NULL */
    const json_t *fields; /* of the record or the event; of /u/: the payload, any JSON       */
    int64_t id;           /* replay id                                                      */
    int64_t number;       /* not 0: the member Number__c of the fields, if they are an object */
    size_t pad;           /* a member Pad__c of so many bytes; 0: none                      */
};

enum salesforce_kind salesforce_kind(const char *channel, size_t len);
/* One reference; NULL: no memory. */
struct bayeux_event *salesforce_event_new(const struct clock *clock,
                                          const struct salesforce_shape *shape);
/* "Name='a'&Number=2". */
bool salesforce_filter_ok(const char *filter);
bool salesforce_event_matches(const char *text, size_t len, const char *filter);
/* "2026-01-01T00:00:00.000Z" into `out`, of at least 32 bytes. */
void salesforce_time(int64_t wall_ns, char *out);
#endif
