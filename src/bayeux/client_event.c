/* Events as slices of the answer they came in: one block for all of an answer, one count of
 * references for all, nothing found out before it is asked for. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- where they come from ---------------------------------------------------------------- */

struct client_origin *client_origin_new(const struct client *c, const char *url)
{
    struct client_origin *origin = mem_zalloc(sizeof *origin);
    char *copy = mem_dup(url, strcspn(url, "?#")); /* what follows may be a secret */
    if (!origin || !copy) {
        mem_free(origin);
        mem_free(copy);
        return NULL;
    }
    atomic_init(&origin->refs, 1);
    origin->dialect = c->set.dialect;
    origin->url = copy;
    uint64_t random;
    clock_random_bytes(c->clock, &random, sizeof random);
    (void)snprintf(origin->unique, sizeof origin->unique, "%016llx", (unsigned long long)random);
    return origin;
}

void client_origin_free(struct client_origin *origin)
{
    if (!origin || atomic_fetch_sub(&origin->refs, 1) > 1)
        return;
    mem_free(origin->url);
    mem_free(origin);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void clear(struct client_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        event_slice_clear(&answer->events[i].slice);
    batch_free(answer->batch);
    client_origin_free(answer->origin);
    mem_free(answer);
}

void client_answer_drop(struct client_answer *answer, size_t refs)
{
    if (atomic_fetch_sub_explicit(&answer->refs, refs, memory_order_acq_rel) == refs)
        clear(answer);
}

struct client_answer *client_answer_new(struct client *c, struct batch *batch, int64_t date_s)
{
    struct client_answer *answer =
        mem_zalloc(sizeof *answer + batch->count * sizeof answer->events[0]);
    if (!answer)
        return NULL;
    answer->batch = batch_ref(batch);
    answer->origin = c->origin;
    atomic_fetch_add(&c->origin->refs, 1);
    answer->date_s = date_s;
    return answer;
}

/* ---- one of them -------------------------------------------------------------------------------
 */

static struct client_event *of(const weir_event *slice)
{
    return (struct client_event *)(uintptr_t)slice; /* its first member's first member */
}

static void take_reference(const weir_event *slice)
{
    atomic_fetch_add_explicit(&of(slice)->answer->refs, 1, memory_order_relaxed);
}

static void drop_reference(weir_event *slice)
{
    client_answer_drop(of(slice)->answer, 1);
}

static weir_status describe(const weir_event *slice, weir_event *into, weir_error *err)
{
    const struct client_event *event = of(slice);
    return event->answer->origin->dialect->describe(event, into, err);
}

static weir_bytes data(const weir_event *slice)
{
    return of(slice)->message->data;
}

static weir_bytes original(const weir_event *slice)
{
    return of(slice)->message->raw;
}

const struct event_kind client_event_kind = {take_reference, drop_reference, describe, data,
                                             original};

struct client_event *client_event_of(const weir_event *event)
{
    bool ours =
        event && *(const struct event_kind *const *)(const void *)event == &client_event_kind;
    return ours ? of(event) : NULL;
}

/* ---- what it says ------------------------------------------------------------------------ */

/* What cannot be an attribute (a control character in a name) is left out. */
static weir_status set(weir_event *into, const char *name, const char *value, enum attr_kind kind,
                       weir_error *err)
{
    weir_error why = {0};
    if (!value)
        return WEIR_OK;
    if (event_set(into, name, value, kind, &why) == WEIR_NO_MEMORY)
        return error_no_memory(err);
    return WEIR_OK;
}

static weir_status set_source(const struct client_event *event, weir_event *into,
                              const char *channel, weir_error *err)
{
    struct buf source = BUF_INIT(SIZE_MAX / 2);
    const char *url = event->answer->origin->url;
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--; /* the channel begins with one */
    buf_add(&source, url, len);
    buf_adds(&source, channel);
    weir_status status = buf_finish(&source, err);
    if (status == WEIR_OK)
        status = set(into, "source", source.data, ATTR_TEXT, err);
    if (status == WEIR_OK && !weir_event_attr(into, "source"))
        status = set(into, "source", url, ATTR_TEXT, err);
    buf_free(&source);
    return status;
}

static weir_status set_id(const struct client_event *event, weir_event *into, const char *id,
                          weir_error *err)
{
    char made[48];
    char *own = id ? NULL : slice_text(event->message->id);
    weir_status status = set(into, "id", id ? id : own, ATTR_TEXT, err);
    mem_free(own);
    if (status != WEIR_OK || weir_event_attr(into, "id"))
        return status;
    (void)snprintf(made, sizeof made, "%s-%lld", event->answer->origin->unique,
                   (long long)event->number);
    return set(into, "id", made, ATTR_TEXT, err);
}

static weir_status set_time(const struct client_event *event, weir_event *into, weir_error *err)
{
    char text[40];
    struct tm tm;
    time_t at = (time_t)event->answer->date_s;
    if (at <= 0 || weir_event_attr(into, "time") || !gmtime_r(&at, &tm) ||
        !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return WEIR_OK;
    return set(into, "time", text, ATTR_TEXT, err);
}

weir_status client_describe(const struct client_event *event, weir_event *into, const char *type,
                            const char *id, weir_error *err)
{
    char *channel = slice_text(event->message->channel);
    if (!channel)
        return error_no_memory(err);
    weir_status status = set_id(event, into, id, err);
    if (status == WEIR_OK)
        status = set_source(event, into, channel, err);
    if (status == WEIR_OK)
        status = set(into, "type", type, ATTR_TEXT, err);
    if (status == WEIR_OK)
        status = set_time(event, into, err);
    if (status == WEIR_OK && event->message->data.data)
        status = set(into, "datacontenttype", "application/json", ATTR_TEXT, err);
    if (status == WEIR_OK)
        status = set(into, "channel", channel, ATTR_ASIDE, err);
    mem_free(channel);
    return status;
}

weir_event *client_event_as(struct client_event *event)
{
    return (weir_event *)(void *)event;
}
