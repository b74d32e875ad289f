#include "salesforce/store_table.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

static int compare(const struct table_row *row, const struct claim *claim, const char *channel)
{
    int order = strcmp(row->channel, channel);
    if (order == 0)
        order = strcmp(row->group, claim->group);
    return order ? order : strcmp(row->organisation, claim->organisation);
}

/* Where the row is, or belongs. */
static size_t place(const struct table *table, const struct claim *claim, const char *channel)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&table->rows[middle], claim, channel) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct table_row *row_at(const struct table *table, const struct claim *claim,
                                const char *channel)
{
    size_t at = place(table, claim, channel);
    bool there = at < table->count && compare(&table->rows[at], claim, channel) == 0;
    return there ? &table->rows[at] : NULL;
}

struct table_row *table_find(const struct table *table, const struct claim *claim,
                             const char *channel)
{
    struct table_row *row = row_at(table, claim, channel);
    return row && row->known ? row : NULL;
}

static void row_clear(struct table_row *row)
{
    mem_free(row->organisation);
    mem_free(row->group);
    mem_free(row->channel);
}

static bool make_room(struct table *table)
{
    if (table->count < table->room)
        return true;
    size_t room = table->room ? table->room * 2 : 8;
    struct table_row *grown = mem_realloc(table->rows, room * sizeof *grown);
    if (!grown)
        return false;
    table->rows = grown;
    table->room = room;
    return true;
}

struct table_row *table_row(struct table *table, const struct claim *claim, const char *channel)
{
    struct table_row *row = row_at(table, claim, channel);
    if (row)
        return row;
    struct table_row made = {.organisation = mem_strdup(claim->organisation),
                             .group = mem_strdup(claim->group),
                             .channel = mem_strdup(channel)};
    if (!made.organisation || !made.group || !made.channel || !make_room(table)) {
        row_clear(&made);
        return NULL;
    }
    size_t at = place(table, claim, channel);
    memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof made);
    table->rows[at] = made;
    table->count++;
    return &table->rows[at];
}

weir_status table_save(struct table *table, const struct claim *claim,
                       const struct store_change *changes, size_t count, weir_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!table_row(table, claim, changes[i].channel))
            return error_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        struct table_row *row = row_at(table, claim, changes[i].channel);
        if (!row)
            return error_set(err, WEIR_BUG, "store: a row that was made has gone");
        store_merge(&row->record, &changes[i]);
        row->known = true;
    }
    return WEIR_OK;
}

void table_forget(struct table *table, const struct claim *claim)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct table_row *row = &table->rows[i];
        if (compare(row, claim, row->channel) == 0)
            row_clear(row);
        else
            table->rows[kept++] = *row;
    }
    table->count = kept;
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        row_clear(&table->rows[i]);
    mem_free(table->rows);
    *table = (struct table){0};
}
