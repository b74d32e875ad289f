/* lib/replay_ops.h - a program's own store for replay positions: texts in memory, and a journal of
 * what was asked of it. */
#ifndef LIB_REPLAY_OPS_H
#define LIB_REPLAY_OPS_H

#include <weir/replay.h>

#define OWN_ROWS 512

struct own_store {
    char *keys[OWN_ROWS], *texts[OWN_ROWS]; /* "ORGANISATION GROUP CHANNEL" */
    size_t count;
    unsigned loads, saves, claims, releases, destroyed;
    weir_status fails_with; /* each call, with `words`, until it is cleared */
    const char *words;
    const char *instead; /* what load gives for every record */
};

extern const weir_replay_ops own_store_ops; /* `user` is a struct own_store */
void own_store_clear(struct own_store *own);
/* The record's text, or NULL. */
const char *own_store_text(const struct own_store *own, const char *organisation, const char *group,
                           const char *channel);
#endif
