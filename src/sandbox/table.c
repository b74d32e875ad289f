#include "sandbox/table.h"

#include "core/mem.h"

uint64_t table_hash(uint64_t seed, const void *data, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ seed; /* FNV-1a */
    for (const unsigned char *at = data, *end = at + len; at < end; at++)
        hash = (hash ^ *at) * UINT64_C(1099511628211);
    return table_hash_number(hash);
}

uint64_t table_hash_number(uint64_t number)
{
    number ^= number >> 30; /* the finalizer of splitmix64 */
    number *= UINT64_C(0xbf58476d1ce4e5b9);
    number ^= number >> 27;
    number *= UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static struct table_node **slot_of(const struct table *table, uint64_t hash)
{
    struct table_node *const *few = table->few;
    struct table_node **slots = table->slots;
    return slots ? &slots[hash & table->mask]
                 : (struct table_node **)(uintptr_t)&few[hash & (TABLE_FEW - 1)];
}

static void grow(struct table *table)
{
    struct table next = *table;
    size_t size = table->slots ? table->mask + 1 : TABLE_FEW;
    next.slots = mem_array(size * 4, sizeof(struct table_node *));
    next.mask = size * 4 - 1;
    if (!next.slots)
        return;
    for (size_t i = 0; i < size; i++) {
        struct table_node *node = table->slots ? table->slots[i] : table->few[i];
        while (node) {
            struct table_node *after = node->next, **slot = slot_of(&next, node->hash);
            node->next = *slot;
            *slot = node;
            node = after;
        }
    }
    mem_free(table->slots);
    *table = next;
}

void table_add(struct table *table, struct table_node *node, uint64_t hash)
{
    size_t size = table->slots ? table->mask + 1 : TABLE_FEW;
    if (table->count >= size)
        grow(table);
    struct table_node **slot = slot_of(table, hash);
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **at = slot_of(table, node->hash);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    table->count--;
}

static struct table_node *like(struct table_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
    return like(*slot_of(table, hash), hash);
}

struct table_node *table_next(const struct table_node *node)
{
    return like(node->next, node->hash);
}

void table_free(struct table *table)
{
    mem_free(table->slots);
    *table = (struct table){.slots = NULL};
}
