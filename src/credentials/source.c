#include "credentials/source.h"

#include "core/error.h"
#include "core/options.h"

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

weir_status source_limit(struct source *source, weir_ms wanted, weir_ms usual, weir_error *err)
{
    weir_status status = options_limit(wanted, usual, "timeout", &source->timeout, err);
    if (status != WEIR_OK || source->timeout > 0)
        return status;
    return error_set(err, WEIR_INVALID,
                     "timeout: fetching a token needs a limit of at least 1 ms; how long a caller "
                     "waits for one is its own affair");
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
