#include "sandbox/bayeux_event.h"

#include "core/mem.h"

#include <string.h>

struct bayeux_event *bayeux_event_new(const char *text, size_t len)
{
    struct bayeux_event *event = mem_zalloc(sizeof *event + len + 1);
    if (!event)
        return NULL;
    event->refs = 1;
    event->len = len;
    memcpy(event->text, text, len);
    return event;
}

struct bayeux_event *bayeux_event_ref(struct bayeux_event *event)
{
    event->refs++;
    return event;
}

void bayeux_event_drop(struct bayeux_event *event)
{
    if (event && --event->refs == 0)
        mem_free(event);
}
