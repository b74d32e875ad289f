#include "lib/replay_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static weir_status fail(const struct own_store *own, weir_error *err)
{
    if (own->words)
        (void)snprintf(err->message, sizeof err->message, "%s", own->words);
    return own->fails_with;
}

static void name_of(char name[512], const char *organisation, const char *group,
                    const char *channel)
{
    (void)snprintf(name, 512, "%s %s %s", organisation, group, channel);
}

static size_t find(const struct own_store *own, const char *name)
{
    size_t i = 0;
    while (i < own->count && strcmp(own->keys[i], name) != 0)
        i++;
    return i;
}

const char *own_store_text(const struct own_store *own, const char *organisation, const char *group,
                           const char *channel)
{
    char name[512];
    name_of(name, organisation, group, channel);
    size_t at = find(own, name);
    return at < own->count ? own->texts[at] : NULL;
}

static weir_status own_load(void *user, const weir_replay_key *key,
                            char record[WEIR_REPLAY_RECORD_SIZE], weir_error *err)
{
    struct own_store *own = user;
    own->loads++;
    if (own->fails_with)
        return fail(own, err);
    const char *text = own->instead
                           ? own->instead
                           : own_store_text(own, key->organisation, key->group, key->channel);
    if (!text)
        return WEIR_NOT_FOUND;
    memcpy(record, text, strnlen(text, WEIR_REPLAY_RECORD_SIZE));
    return WEIR_OK;
}

static weir_status own_save(void *user, const weir_replay_key *keys, const char *const *records,
                            size_t count, weir_error *err)
{
    struct own_store *own = user;
    own->saves++;
    if (own->fails_with)
        return fail(own, err);
    for (size_t i = 0; i < count; i++) {
        char name[512];
        name_of(name, keys[i].organisation, keys[i].group, keys[i].channel);
        size_t at = find(own, name);
        if (at == OWN_ROWS)
            abort();
        if (at == own->count) {
            own->keys[own->count++] = strdup(name);
            own->texts[at] = NULL;
        }
        free(own->texts[at]);
        own->texts[at] = strdup(records[i]);
    }
    return WEIR_OK;
}

static weir_status own_claim(void *user, const weir_replay_key *key, weir_error *err)
{
    struct own_store *own = user;
    own->claims++;
    if (*key->channel)
        abort();
    return own->fails_with ? fail(own, err) : WEIR_OK;
}

static void own_release(void *user, const weir_replay_key *key)
{
    struct own_store *own = user;
    own->releases++;
    if (*key->channel)
        abort();
}

static void own_destroy(void *user)
{
    struct own_store *own = user;
    own->destroyed++;
}

const weir_replay_ops own_store_ops = {
    .struct_size = sizeof own_store_ops,
    .load = own_load,
    .save = own_save,
    .claim = own_claim,
    .release = own_release,
    .destroy = own_destroy,
};

void own_store_clear(struct own_store *own)
{
    for (size_t i = 0; i < own->count; i++) {
        free(own->keys[i]);
        free(own->texts[i]);
    }
    *own = (struct own_store){0};
}
