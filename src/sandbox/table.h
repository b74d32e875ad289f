/* sandbox/table.h - a hash table whose entries live in what they find: adding allocates nothing
 * that could fail. One thread at a time. */
#ifndef SANDBOX_TABLE_H
#define SANDBOX_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_FEW 16

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **slots; /* NULL: `few`            */
    size_t mask;               /* slots - 1; 0: not used */
    size_t count;
    struct table_node *few[TABLE_FEW];
};

uint64_t table_hash(uint64_t seed, const void *data, size_t len);
uint64_t table_hash_number(uint64_t number);
/* Zeroed is empty. When there is no memory to grow, chains only get longer. */
void table_add(struct table *table, struct table_node *node, uint64_t hash);
void table_remove(struct table *table, struct table_node *node); /* one that is in it */
/* Those with this hash, one after the other; NULL after the last. */
struct table_node *table_first(const struct table *table, uint64_t hash);
struct table_node *table_next(const struct table_node *node);
void table_free(struct table *table); /* not what was in it */
#endif
