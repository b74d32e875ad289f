/* A program's own store: records go in and out as text.
 *
 * The program's functions keep what they are given, so "never back" is seen to here: what was
 * loaded or saved before is remembered, and a record that was never loaded is before it is first
 * saved. Without a claim function another process may save in between; then that is the program's
 * own affair, as the header says. */
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "salesforce/store_table.h"

#include <string.h>

struct custom {
    weir_replay base;
    weir_replay_ops ops;
    void *user;
    struct table table;
};

static struct custom *of(weir_replay *store)
{
    return (struct custom *)(void *)store;
}

static weir_replay_key key_of(const struct claim *claim, const char *channel)
{
    return (weir_replay_key){claim->organisation, claim->group, channel};
}

/* The program's function has failed: its words, if it left any, and WEIR_STORE unless `kept`. */
static weir_status blame(const struct custom *c, const char *doing, weir_status status,
                         const weir_error *why, weir_error *err)
{
    char words[sizeof why->message];
    memcpy(words, why->message, sizeof words);
    words[sizeof words - 1] = '\0';
    weir_status means = status == WEIR_NO_MEMORY || status == WEIR_CONFLICT ? status : WEIR_STORE;
    if (words[0])
        return error_set(err, means, "%s: %s failed: %s", c->base.what, doing, words);
    return error_set(err, means, "%s: %s failed without saying why (%s)", c->base.what, doing,
                     weir_status_name(status));
}

static weir_status claim_custom(weir_replay *store, struct claim *claim, struct deadline until,
                                weir_error *err)
{
    struct custom *c = of(store);
    weir_replay_key key = key_of(claim, "");
    weir_error why = {0};
    (void)until;
    weir_status status = c->ops.claim ? c->ops.claim(c->user, &key, &why) : WEIR_OK;
    return status == WEIR_OK ? WEIR_OK : blame(c, "claiming it", status, &why, err);
}

static void release_custom(weir_replay *store, struct claim *claim, struct deadline until)
{
    struct custom *c = of(store);
    weir_replay_key key = key_of(claim, "");
    (void)until;
    if (c->ops.release)
        c->ops.release(c->user, &key);
    table_forget(&c->table, claim); /* the next owner may be another process */
}

/* WEIR_NOTHING: there is none. */
static weir_status load_text(struct custom *c, const struct claim *claim, const char *channel,
                             struct record *out, weir_error *err)
{
    char text[WEIR_REPLAY_RECORD_SIZE] = "";
    weir_replay_key key = key_of(claim, channel);
    weir_error why = {0};
    weir_status status = c->ops.load(c->user, &key, text, &why);
    if (status == WEIR_NOT_FOUND)
        return WEIR_NOTHING;
    if (status != WEIR_OK)
        return blame(c, "loading a record", status, &why, err);
    size_t len = strnlen(text, sizeof text);
    if (len == sizeof text)
        return error_set(err, WEIR_STORE, "%s: the record of %s has no end", c->base.what, channel);
    status = record_parse(out, text, len, err);
    if (status == WEIR_OK || status == WEIR_NO_MEMORY)
        return status;
    error_context(err, "%s: %s", c->base.what, channel);
    return WEIR_STORE;
}

static weir_status load_custom(weir_replay *store, const struct claim *claim, const char *channel,
                               struct record *out, struct deadline until, weir_error *err)
{
    struct custom *c = of(store);
    (void)until;
    weir_status status = load_text(c, claim, channel, out, err);
    if (status != WEIR_OK && status != WEIR_NOTHING)
        return status;
    struct table_row *row = table_row(&c->table, claim, channel);
    if (!row)
        return error_no_memory(err);
    row->known = true;
    row->record = *out;
    return status;
}

/* What the store has now. */
static weir_status known(struct custom *c, const struct claim *claim, const char *channel,
                         struct record *out, weir_error *err)
{
    const struct table_row *row = table_find(&c->table, claim, channel);
    *out = row ? row->record : (struct record){0};
    weir_status status = row ? WEIR_OK : load_text(c, claim, channel, out, err);
    return status == WEIR_NOTHING ? WEIR_OK : status;
}

/* --- saving ------------------------------------------------------------------------------- */

struct next { /* what a channel's record will be */
    struct record record;
    char text[WEIR_REPLAY_RECORD_SIZE];
};

struct batch {
    struct next *next;
    weir_replay_key *keys;
    const char **texts;
    size_t count;
};

static void batch_clear(struct batch *batch)
{
    mem_free(batch->next);
    mem_free(batch->keys);
    mem_free(batch->texts);
}

static weir_status batch_room(struct batch *batch, size_t count, weir_error *err)
{
    batch->next = mem_array(count, sizeof *batch->next);
    batch->keys = mem_array(count, sizeof *batch->keys);
    batch->texts = mem_array(count, sizeof *batch->texts);
    return batch->next && batch->keys && batch->texts ? WEIR_OK : error_no_memory(err);
}

/* Several changes of one channel are one for the program. */
static size_t slot_of(const struct batch *batch, const char *channel)
{
    size_t i = 0;
    while (i < batch->count && strcmp(batch->keys[i].channel, channel) != 0)
        i++;
    return i;
}

static weir_status batch_add(struct custom *c, const struct claim *claim, struct batch *batch,
                             const struct store_change *change, weir_error *err)
{
    size_t at = slot_of(batch, change->channel);
    struct next *next = &batch->next[at];
    if (at == batch->count) {
        weir_status status = known(c, claim, change->channel, &next->record, err);
        if (status != WEIR_OK)
            return status;
        batch->keys[at] = key_of(claim, change->channel);
        batch->texts[at] = next->text;
        batch->count++;
    }
    store_merge(&next->record, change);
    record_format(&next->record, next->text);
    return WEIR_OK;
}

/* Whatever fails for want of memory fails before the program has saved. */
static weir_status batch_save(struct custom *c, const struct claim *claim,
                              const struct batch *batch, weir_error *err)
{
    weir_error why = {0};
    for (size_t i = 0; i < batch->count; i++) {
        if (!table_row(&c->table, claim, batch->keys[i].channel))
            return error_no_memory(err);
    }
    weir_status status = c->ops.save(c->user, batch->keys, batch->texts, batch->count, &why);
    if (status != WEIR_OK)
        return blame(c, "saving", status, &why, err);
    for (size_t i = 0; i < batch->count; i++) {
        struct table_row *row = table_row(&c->table, claim, batch->keys[i].channel);
        if (!row)
            return error_set(err, WEIR_BUG, "store: a row that was made has gone");
        row->known = true;
        row->record = batch->next[i].record;
    }
    return WEIR_OK;
}

static weir_status save_custom(weir_replay *store, const struct claim *claim,
                               const struct store_change *changes, size_t count,
                               struct deadline until, weir_error *err)
{
    struct custom *c = of(store);
    struct batch batch = {0};
    (void)until;
    weir_status status = batch_room(&batch, count, err);
    for (size_t i = 0; i < count && status == WEIR_OK; i++)
        status = batch_add(c, claim, &batch, &changes[i], err);
    if (status == WEIR_OK)
        status = batch_save(c, claim, &batch, err);
    batch_clear(&batch);
    return status;
}

/* --- opening and closing ------------------------------------------------------------------ */

static void free_custom(weir_replay *store)
{
    struct custom *c = of(store);
    if (c->ops.destroy)
        c->ops.destroy(c->user);
    table_clear(&c->table);
    store_clear(store);
}

static const struct store_kind custom_kind = {
    .name = "custom",
    .claim = claim_custom,
    .release = release_custom,
    .load = load_custom,
    .save = save_custom,
    .free = free_custom,
};

weir_replay *weir_replay_custom(const weir_replay_ops *ops, void *user, weir_error *err)
{
    weir_replay_ops is;
    if (error_held(err))
        return NULL;
    if (options_read(&is, sizeof is, ops, "WEIR_REPLAY_OPS", err) != WEIR_OK)
        return NULL;
    if (!is.load || !is.save) {
        error_set(err, WEIR_INVALID, "a program's own store needs the functions load and save");
        return NULL;
    }
    weir_replay *store =
        store_new(&custom_kind, sizeof(struct custom), mem_strdup("the program's own store"), err);
    if (store) {
        of(store)->ops = is;
        of(store)->user = user;
    }
    return store;
}
