/* Shared by main's thread and those that handle events. */
#include "cli/listen_desk.h"

#include <string.h>
#include <unistd.h>

#include "cli/clock.h"

void desk_init(struct listen_desk *desk, const struct listen_options *options, int wake)
{
    desk->options = options;
    desk->wake = wake;
    desk->failure = (weir_error){0};
    atomic_store(&desk->in_hand, 0);
    atomic_store(&desk->last, clock_now());
    (void)pthread_mutex_init(&desk->lock, NULL);
}

void desk_free(struct listen_desk *desk)
{
    (void)pthread_mutex_destroy(&desk->lock);
}

void desk_wake(struct listen_desk *desk)
{
    ssize_t wrote = write(desk->wake, "", 1); /* full: it is awake */
    (void)wrote;
}

void desk_took(struct listen_desk *desk, size_t count)
{
    (void)atomic_fetch_add(&desk->in_hand, count);
    atomic_store(&desk->last, clock_now());
}

void desk_let_go(struct listen_desk *desk, size_t count)
{
    atomic_store(&desk->last, clock_now());
    (void)atomic_fetch_sub(&desk->in_hand, count);
    desk_wake(desk);
}

void desk_fail(struct listen_desk *desk, const weir_error *err)
{
    (void)pthread_mutex_lock(&desk->lock);
    if (desk->failure.status == WEIR_OK)
        desk->failure = *err;
    (void)pthread_mutex_unlock(&desk->lock);
    desk_wake(desk);
}

bool desk_ack(struct listen_desk *desk, weir_event *const *events, size_t count)
{
    weir_error err = {0};
    if (!desk->source.ack || count == 0)
        return true;
    if (desk->source.ack(desk->source.handle, events, count, &err) == WEIR_OK)
        return true;
    desk_fail(desk, &err);
    return false;
}

void desk_name_event(const weir_event *event, struct str *out)
{
    const char *id = weir_event_attr(event, "replayid");
    const char *channel = weir_event_attr(event, "channel");
    str_addf(out, "event %s of %s", id ? id : weir_event_attr(event, "id"),
             channel ? channel : "an unknown channel");
}
