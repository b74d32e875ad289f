/* A sorted array with a moving beginning. A program that never acknowledges must not make it grow
 * for ever: when it is full every second id is forgotten, and an acknowledgement of a forgotten one
 * counts for the one before it, so that an event comes again rather than never. */
#include "salesforce/position_handed.h"

#include "core/mem.h"

#include <string.h>

static void compact(struct handed *h)
{
    memmove(h->ids, h->ids + h->first, h->count * sizeof *h->ids);
    h->first = 0;
}

static void thin(struct handed *h)
{
    size_t kept = 0;
    compact(h);
    for (size_t i = 0; i < h->count; i += 2)
        h->ids[kept++] = h->ids[i];
    h->count = kept;
    h->thinned = true;
}

static bool make_room(struct handed *h)
{
    if (h->first > 0 && h->first >= h->room / 2) {
        compact(h);
        return true;
    }
    if (h->room >= HANDED_MOST) {
        if (h->first > 0)
            compact(h);
        else
            thin(h);
        return true;
    }
    size_t room = h->room ? h->room * 2 : 16;
    int64_t *ids = mem_realloc(h->ids, room * sizeof *ids);
    if (!ids)
        return false;
    h->ids = ids;
    h->room = room;
    return true;
}

bool handed_add(struct handed *h, int64_t id)
{
    if (h->first + h->count == h->room && !make_room(h))
        return false;
    h->ids[h->first + h->count++] = id;
    return true;
}

/* How many are at or below `id`. */
static size_t rank(const struct handed *h, int64_t id)
{
    size_t low = 0, high = h->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->ids[h->first + middle] <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool handed_find(const struct handed *h, int64_t id, int64_t *found)
{
    size_t at = rank(h, id);
    if (at == 0)
        return false;
    *found = h->ids[h->first + at - 1];
    return *found == id || (h->thinned && at < h->count);
}

void handed_done(struct handed *h, int64_t id)
{
    size_t done = rank(h, id);
    h->first += done;
    h->count -= done;
    if (h->count == 0) {
        h->first = 0;
        h->thinned = false;
    }
}

void handed_clear(struct handed *h)
{
    mem_free(h->ids);
    *h = (struct handed){0};
}
