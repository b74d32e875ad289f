/* A store that lives as long as the process: for a handle without one, so that a session that is
 * lost is resumed as it would be with one. */
#include "core/error.h"
#include "core/mem.h"
#include "salesforce/store_table.h"

struct memory {
    weir_replay base;
    struct table table;
};

static struct memory *memory_of(weir_replay *store)
{
    return (struct memory *)(void *)store;
}

static weir_status memory_claim(weir_replay *store, struct claim *claim, struct deadline until,
                                weir_error *err)
{
    (void)store;
    (void)claim;
    (void)until;
    return error_ok(err);
}

static weir_status memory_load(weir_replay *store, const struct claim *claim, const char *channel,
                               struct record *out, struct deadline until, weir_error *err)
{
    const struct table_row *row = table_find(&memory_of(store)->table, claim, channel);
    (void)until;
    (void)err;
    if (!row)
        return WEIR_NOTHING;
    *out = row->record;
    return WEIR_OK;
}

static weir_status memory_save(weir_replay *store, const struct claim *claim,
                               const struct store_change *changes, size_t count,
                               struct deadline until, weir_error *err)
{
    (void)until;
    return table_save(&memory_of(store)->table, claim, changes, count, err);
}

static void memory_free(weir_replay *store)
{
    table_clear(&memory_of(store)->table);
    store_clear(store);
}

static const struct store_kind memory_kind = {
    .name = "memory",
    .claim = memory_claim,
    .load = memory_load,
    .save = memory_save,
    .free = memory_free,
};

weir_replay *weir_replay_memory(weir_error *err)
{
    if (error_held(err))
        return NULL;
    return store_new(&memory_kind, sizeof(struct memory), mem_strdup("the store in memory"), err);
}
