#include "credentials/source.h"

weir_status source_init(struct source *source, const struct source_kind *kind, weir_error *err)
{
    source->kind = kind;
    source->loop = loop_acquire(err);
    source->pool = source->loop ? pool_new(1, err) : NULL;
    if (source->pool)
        return WEIR_OK;
    loop_release(source->loop);
    source->loop = NULL;
    return err ? err->status : WEIR_NO_MEMORY;
}

void source_bind(struct source *source, const struct source_events *events, void *user)
{
    source->events = events;
    source->user = user;
}

static void nothing(void *user)
{
    (void)user;
}

void source_finish(struct source *source)
{
    struct loop *loop = source->loop;
    pool_free(source->pool);
    loop_call(loop, nothing, NULL); /* what the helper posted last has run */
    source->kind->free(source);
    loop_release(loop);
}
