/* The mind of durability: one subscription, from its beginning on.
 *
 * Two promises are kept here. No hole: whatever ends (a session, the process), the next
 * subscription asks for something at or before the first event that is not yet the program's; what
 * came too early is dropped by its id. No way back: within a process nothing is delivered twice,
 * and in the store a position only rises, unless the beginning itself is replaced (`anew`).
 *
 * What makes it more than a number is the time before the first event: "new" is an instant that
 * the server knows only while the session lives. Such a beginning is remembered as the server's
 * clock at that instant, and as the id of the first event once one has come; to go back there, all
 * that is retained is fetched, and what is older is dropped. As soon as one event has passed that
 * sieve all after it pass, whatever their time: ids are in the order of the server's log, times
 * nearly so. An event whose time cannot be read passes: twice is better than never. */
#include "salesforce/position.h"

#include <string.h>

#define HOUR_MS INT64_C(3600000)

static int64_t retention_of(const char *channel)
{
    bool day = strncmp(channel, "/topic/", 7) == 0 || strncmp(channel, "/u/", 3) == 0;
    return (day ? 24 : 72) * HOUR_MS;
}

void position_init(struct position *p, const char *channel, enum from from, int64_t from_id,
                   const struct record *stored)
{
    *p = (struct position){
        .retention_ms = retention_of(channel), .anew = stored != NULL, .asked = ASK_NEW};
    switch (from) {
    case FROM_ALL:
        p->record.began = BEGAN_ALL;
        break;
    case FROM_ID:
        p->record.began = BEGAN_AFTER;
        p->record.has_began_id = true;
        p->record.began_id = from_id;
        break;
    case FROM_STORED:
        if (stored && (stored->has_position || stored->began != BEGAN_NOWHERE)) {
            p->record = *stored;
            p->begun = true;
            p->anew = false;
        }
        break;
    case FROM_NEW:
        break;
    }
}

static int64_t ask(struct position *p)
{
    const struct record *record = &p->record;
    p->drop_before_id = p->drop_before_ms = 0;
    if (p->delivered_any)
        return p->delivered;
    if (record->has_position)
        return record->position;
    if (record->began == BEGAN_AFTER)
        return record->began_id;
    if (record->began == BEGAN_NOWHERE)
        return ASK_NEW;
    if (record->began == BEGAN_NEW && record->has_began_id)
        p->drop_before_id = record->began_id;
    else if (record->began == BEGAN_NEW)
        p->drop_before_ms = record->began_ms;
    return ASK_ALL;
}

int64_t position_ask(struct position *p)
{
    p->asked = ask(p);
    return p->asked;
}

bool position_expired(const struct position *p, int64_t now_ms)
{
    return p->begun && p->record.live_ms > 0 && now_ms - p->record.live_ms > p->retention_ms;
}

/* The beginning becomes part of the record: of the first event, or of the server's agreement,
 * whichever comes first (they come over two connections). */
static void begin(struct position *p, int64_t server_ms)
{
    if (p->begun)
        return;
    if (p->record.began == BEGAN_NOWHERE) {
        p->record.began = BEGAN_NEW;
        p->record.began_ms = server_ms;
    }
    p->begun = p->due = true;
    p->version++;
}

void position_subscribed(struct position *p, int64_t server_ms, int64_t now_ms)
{
    begin(p, server_ms);
    position_live(p, now_ms);
}

void position_mend(struct position *p, bool all)
{
    p->record = (struct record){.began = all ? BEGAN_ALL : BEGAN_NOWHERE};
    p->begun = p->due = p->delivered_any = false;
    p->anew = p->gap_mended = true;
}

static bool is_older(const struct position *p, int64_t id, int64_t created_ms)
{
    if (p->delivered_any)
        return id <= p->delivered;
    if (p->asked >= 0 && id <= p->asked)
        return true;
    return id < p->drop_before_id || (created_ms != 0 && created_ms < p->drop_before_ms);
}

bool position_event(struct position *p, bool has_id, int64_t id, int64_t created_ms)
{
    if (!has_id)
        return true;
    if (is_older(p, id, created_ms))
        return false;
    begin(p, 0);
    if (p->record.began == BEGAN_NEW && !p->record.has_began_id && !p->record.has_position) {
        p->record.has_began_id = p->due = true;
        p->record.began_id = id;
        p->version++;
    }
    if (!p->delivered_any)
        p->first = id;
    p->delivered_any = true;
    p->delivered = id;
    return true;
}

bool position_ack(struct position *p, int64_t id)
{
    bool delivered = p->delivered_any && id >= p->first && id <= p->delivered;
    if (!delivered || (p->record.has_position && id <= p->record.position))
        return false;
    p->record.has_position = true;
    p->record.position = id;
    p->version++;
    return true;
}

void position_live(struct position *p, int64_t now_ms)
{
    if (!p->begun || now_ms == p->record.live_ms)
        return;
    p->record.live_ms = now_ms;
    p->version++;
}

void position_saved(struct position *p, unsigned version)
{
    if ((int)(version - p->saved) <= 0)
        return; /* of a life before this one */
    p->saved = version;
    if (p->version == version)
        p->due = p->anew = false;
}
