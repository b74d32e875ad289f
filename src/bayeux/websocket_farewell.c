#include "bayeux/websocket_farewell.h"

#include "core/mem.h"
#include "io/timer.h"

struct leaving {
    struct stream *stream;
    struct timer timer;
};

static void leave(void *user)
{
    struct leaving *l = user;
    timer_cancel(&l->timer);
    stream_close(l->stream);
    mem_free(l);
}

static void on_open(void *user)
{
    (void)user;
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    (void)user;
    (void)data;
    (void)len;
}

static void on_end(void *user, const weir_error *why)
{
    (void)why;
    leave(user);
}

void farewell(struct loop *loop, struct stream *stream)
{
    static const struct stream_events events = {on_open, on_data, NULL, on_end};
    struct leaving *l = mem_zalloc(sizeof *l);
    if (!l) {
        stream_close(stream);
        return;
    }
    l->stream = stream;
    timer_init(&l->timer, loop, leave, l);
    stream_attach(stream, &events, l);
    stream_shutdown(stream);
    stream_resume(stream);
    if (timer_set_in(&l->timer, FAREWELL_MS) != WEIR_OK)
        leave(l);
}
