/* sandbox/bayeux_event.h - an event as clients get it: the whole message as JSON text, made once
 * and shared by everything that has it in hand. One thread at a time. */
#ifndef SANDBOX_BAYEUX_EVENT_H
#define SANDBOX_BAYEUX_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct bayeux_event {
    size_t refs;
    int64_t id;    /* replay id; 0: it has none    */
    int64_t at_ns; /* monotonic: when it came      */
    size_t len;    /* of `text`, without its NUL   */
    char text[];   /* {"data":...,"channel":"..."} */
};

struct bayeux_event *bayeux_event_new(const char *text, size_t len); /* one reference; NULL */
struct bayeux_event *bayeux_event_ref(struct bayeux_event *event);
void bayeux_event_drop(struct bayeux_event *event); /* fine when NULL */
#endif
