/* sandbox/heap.h - a queue by rank (the smallest first; of equal ones the smaller `order`), out of
 * which anything can be taken. Room is made beforehand, so that moving things never fails. One
 * thread at a time. */
#ifndef SANDBOX_HEAP_H
#define SANDBOX_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t rank, order;
    size_t slot; /* its place + 1; 0: not in a heap */
};

struct heap {
    struct heap_node **list;
    size_t count, cap;
};

/* Room for so many at once; false: no memory. */
bool heap_reserve(struct heap *heap, size_t count);
/* Adds or moves; there must be room. */
void heap_set(struct heap *heap, struct heap_node *node, int64_t rank);
void heap_remove(struct heap *heap, struct heap_node *node); /* fine when it is not in it */
struct heap_node *heap_first(const struct heap *heap);       /* NULL: empty */
void heap_free(struct heap *heap);
#endif
