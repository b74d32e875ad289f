/* Events, and what happens to all clients at once: orders of other threads, done on the I/O thread.
 */
#include "core/error.h"
#include "sandbox/sandbox_private.h"

#include <stdlib.h>
#include <string.h>

struct happening {
    struct salesforce *sf;
    struct salesforce_emission emission;
    struct buf ids;
    const char *line; /* NULL: an emission */
    weir_status status;
    weir_error *err;
};

static void do_happen(void *user)
{
    struct happening *it = user;
    it->status = it->line ? salesforce_order(it->sf, it->line, it->err)
                          : salesforce_emit(it->sf, &it->emission, &it->ids, it->err);
}

static int64_t last_line(const struct buf *ids)
{
    const char *end = ids->len > 1 ? memrchr(ids->data, '\n', ids->len - 1) : NULL;
    return ids->len ? strtoll(end ? end + 1 : ids->data, NULL, 10) : 0;
}

static weir_status need_salesforce(const struct sandbox *s, weir_error *err)
{
    return s->common.salesforce
               ? WEIR_OK
               : error_set(err, WEIR_INVALID, "this sandbox was started without salesforce");
}

/* In pieces, so that the I/O thread is not kept from its other work. */
static weir_status emit_all(struct happening *it, struct sandbox *s,
                            const struct sandbox_emission *given, int64_t *last)
{
    int64_t left = given->count;
    do {
        it->emission.count = left < SALESFORCE_EMIT_MAX ? left : SALESFORCE_EMIT_MAX;
        it->ids = (struct buf)BUF_INIT(SALESFORCE_EMIT_MAX * 24);
        loop_call(s->common.loop, do_happen, it);
        if (last && it->status == WEIR_OK)
            *last = last_line(&it->ids);
        buf_free(&it->ids);
        left -= it->emission.count;
        it->emission.first += it->emission.count;
        it->emission.id = 0;
    } while (left > 0 && it->status == WEIR_OK);
    return it->status;
}

weir_status sandbox_emit(struct sandbox *sandbox, const struct sandbox_emission *emission,
                         int64_t *last, weir_error *err)
{
    weir_error own = {0};
    const char *text = emission->data ? emission->data : "{}";
    json_t *data = NULL;
    weir_status status = need_salesforce(sandbox, &own);
    if (status == WEIR_OK && !(data = json_parse(text, strlen(text), "the event's data", &own)))
        status = own.status;
    struct happening it = {
        .sf = sandbox->common.salesforce,
        .emission = {.service = emission->service ? emission->service : "salesforce",
                     .channel = emission->channel,
                     .data = data,
                     .first = emission->first ? emission->first : 1,
                     .pad = emission->pad,
                     .id = emission->id},
        .err = &own};
    if (status == WEIR_OK)
        status = emit_all(&it, sandbox, emission, last);
    json_decref(data);
    error_copy(err, &own);
    return status;
}

weir_status sandbox_now(struct sandbox *sandbox, const char *line, weir_error *err)
{
    weir_error own = {0};
    struct happening it = {.sf = sandbox->common.salesforce, .line = line, .err = &own};
    it.status = need_salesforce(sandbox, &own);
    if (it.status == WEIR_OK)
        loop_call(sandbox->common.loop, do_happen, &it);
    error_copy(err, &own);
    return it.status;
}
