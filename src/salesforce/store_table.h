/* salesforce/store_table.h - records in memory: what the memory store is, and what a program's own
 * store and Redis are compared with. Not thread-safe. */
#ifndef SALESFORCE_STORE_TABLE_H
#define SALESFORCE_STORE_TABLE_H

#include "salesforce/store.h"

struct table_row {
    char *organisation, *group, *channel;
    struct record record;
    bool known; /* false: room was made, nothing was put there yet */
};

struct table {
    struct table_row *rows; /* sorted */
    size_t count, room;
};

/* NULL: there is none. */
struct table_row *table_find(const struct table *table, const struct claim *claim,
                             const char *channel);
/* The row, made if there is none; NULL: no memory. Rows that were found before may have moved. */
struct table_row *table_row(struct table *table, const struct claim *claim, const char *channel);
/* Merges all changes or, without memory, none. */
weir_status table_save(struct table *table, const struct claim *claim,
                       const struct store_change *changes, size_t count, weir_error *err);
/* Whoever claims next may find other records: none of this claim's is known any more. */
void table_forget(struct table *table, const struct claim *claim);
void table_clear(struct table *table);
#endif
