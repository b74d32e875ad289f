/* salesforce/position_handed.h - the ids of a channel's events that the program has and has not
 * acknowledged: an acknowledgement by name is good only for one that was delivered, because what is
 * stored must be an id that the server knows. Pure. */
#ifndef SALESFORCE_POSITION_HANDED_H
#define SALESFORCE_POSITION_HANDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDED_MOST 65536

struct handed {   /* zeroed: empty */
    int64_t *ids; /* ascending */
    size_t first, count, room;
    bool thinned; /* every second one was forgotten, because nobody acknowledges */
};

/* Higher than all before. False: no memory. */
bool handed_add(struct handed *handed, int64_t id);
/* The highest known one at or below `id`, if it may be acknowledged by that name: `id` itself, or,
 * where some were forgotten, the one before it. */
bool handed_find(const struct handed *handed, int64_t id, int64_t *found);
/* All up to `id` are done. */
void handed_done(struct handed *handed, int64_t id);
void handed_clear(struct handed *handed);
#endif
