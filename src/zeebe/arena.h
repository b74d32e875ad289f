/* zeebe/arena.h - memory that goes all at once: what one message is made of. */
#ifndef ZEEBE_ARENA_H
#define ZEEBE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first                               */
    size_t used, cap;           /* of the newest block                            */
    size_t total, max;          /* bytes asked of the allocator, and the most     */
    bool full;                  /* more than `max` was asked for                   */
    bool starved;               /* the allocator had no memory                    */
};

void arena_init(struct arena *arena, size_t max);
/* Zeroed, aligned for any type; NULL: no memory, or more than `max` altogether. Size 0 is fine. */
void *arena_alloc(struct arena *arena, size_t size);
/* A NUL-terminated copy. */
char *arena_dup(struct arena *arena, const void *data, size_t len);
void arena_free(struct arena *arena); /* everything; the arena may be used again */
#endif
