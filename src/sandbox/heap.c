#include "sandbox/heap.h"

#include "core/mem.h"

bool heap_reserve(struct heap *heap, size_t count)
{
    size_t cap = heap->cap ? heap->cap : 16;
    while (cap < count)
        cap *= 2;
    if (cap == heap->cap)
        return true;
    struct heap_node **list = mem_realloc(heap->list, cap * sizeof(struct heap_node *));
    if (!list)
        return false;
    heap->list = list;
    heap->cap = cap;
    return true;
}

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->order < b->order);
}

static void put(struct heap *heap, size_t at, struct heap_node *node)
{
    heap->list[at] = node;
    node->slot = at + 1;
}

static void rise(struct heap *heap, size_t at)
{
    struct heap_node *node = heap->list[at];
    while (at > 0 && before(node, heap->list[(at - 1) / 2])) {
        put(heap, at, heap->list[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(heap, at, node);
}

static void sink(struct heap *heap, size_t at)
{
    struct heap_node *node = heap->list[at];
    for (size_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && before(heap->list[child + 1], heap->list[child]))
            child++;
        if (!before(heap->list[child], node))
            break;
        put(heap, at, heap->list[child]);
        at = child;
    }
    put(heap, at, node);
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t rank)
{
    node->rank = rank;
    if (!node->slot)
        put(heap, heap->count++, node);
    rise(heap, node->slot - 1);
    sink(heap, node->slot - 1);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    size_t at = node->slot;
    if (!at)
        return;
    node->slot = 0;
    struct heap_node *last = heap->list[--heap->count];
    if (last == node)
        return;
    put(heap, at - 1, last);
    rise(heap, at - 1);
    sink(heap, last->slot - 1);
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count ? heap->list[0] : NULL;
}

void heap_free(struct heap *heap)
{
    mem_free(heap->list);
    *heap = (struct heap){.list = NULL};
}
