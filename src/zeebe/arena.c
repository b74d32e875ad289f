/* A chain of blocks, each twice as large as the one before up to a limit. A message of the gateway
 * costs one allocation when it is small and a handful when it is large, instead of one for every
 * text and list in it; and what a peer can make us allocate is bounded by `max`.
 *
 * Thread: none of its own; an arena belongs to whoever has it. */
#include "zeebe/arena.h"
#include "core/mem.h"
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define FIRST_BLOCK 1000 /* with its header below what malloc() keeps at hand for a thread */
#define LAST_BLOCK  (256 * 1024)

struct arena_block {
    struct arena_block *older;
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t max)
{
    *arena = (struct arena){.max = max};
}

static size_t next_size(const struct arena *arena, size_t wanted)
{
    size_t size = arena->cap == 0 ? FIRST_BLOCK : arena->cap * 2;
    if (size > LAST_BLOCK)
        size = LAST_BLOCK;
    return size > wanted ? size : wanted;
}

static bool grow(struct arena *arena, size_t wanted)
{
    size_t room = arena->max - arena->total;
    if (wanted > room) {
        arena->full = true;
        return false;
    }
    size_t size = next_size(arena, wanted);
    if (size > room)
        size = room;
    struct arena_block *block = mem_zalloc(sizeof *block + size);
    if (!block) {
        arena->starved = true;
        return false;
    }
    block->older = arena->blocks;
    arena->blocks = block;
    arena->total += size;
    arena->cap = size;
    arena->used = 0;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t mask = alignof(max_align_t) - 1;
    if (size > SIZE_MAX - mask) {
        arena->full = true;
        return NULL;
    }
    size_t rounded = (size + mask) & ~mask;
    if (rounded == 0)
        rounded = mask + 1;
    if ((!arena->blocks || rounded > arena->cap - arena->used) && !grow(arena, rounded))
        return NULL;
    void *memory = arena->blocks->data + arena->used;
    arena->used += rounded;
    return memory;
}

char *arena_dup(struct arena *arena, const void *data, size_t len)
{
    char *copy = len < SIZE_MAX ? arena_alloc(arena, len + 1) : NULL;
    if (copy && len > 0)
        memcpy(copy, data, len);
    return copy;
}

void arena_free(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *older = block->older;
        mem_free(block);
        block = older;
    }
    arena_init(arena, arena->max);
}
