/* cli/listen_desk.h - what the threads of a listener share: where events come from and are
 * acknowledged, how many are in hand, and the failure that ends it all. Any thread. */
#ifndef CLI_LISTEN_DESK_H
#define CLI_LISTEN_DESK_H

#include "cli/listen_options.h"
#include "cli/sink.h"

/* A handle of the library, by its functions. */
struct listen_source {
    void *handle;
    /* Blocks until the server has agreed, or the handle was stopped. */
    weir_status (*subscribe)(void *handle, const struct listen_channel *channel, weir_error *err);
    weir_status (*take)(void *handle, weir_event **events, size_t room, size_t *count,
                        weir_error *err);
    /* NULL: there is nothing to acknowledge. */
    weir_status (*ack)(void *handle, weir_event *const *events, size_t count, weir_error *err);
    /* WEIR_NOTHING: it lives; else how it has ended. Does not wait. */
    weir_status (*end)(void *handle, weir_error *err);
    int (*fd)(void *handle);
    void (*stop)(void *handle);
};

struct listen_desk {
    const struct listen_options *options;
    struct listen_source source;
    struct sink sink;
    pthread_mutex_t lock;  /* guards the failure */
    weir_error failure;    /* the first one; status OK: none */
    atomic_size_t in_hand; /* events taken and neither done nor given up */
    _Atomic(weir_ms) last; /* when something last happened to an event */
    int wake;              /* a byte: look what has changed */
};

void desk_init(struct listen_desk *desk, const struct listen_options *options, int wake);
void desk_free(struct listen_desk *desk);
void desk_wake(struct listen_desk *desk);
/* So many more are in hand, or fewer. */
void desk_took(struct listen_desk *desk, size_t count);
void desk_let_go(struct listen_desk *desk, size_t count);
/* What ends the listener; a later one is not kept. */
void desk_fail(struct listen_desk *desk, const weir_error *err);
/* Acknowledges where that means something; false: it failed, and that ends the listener. */
bool desk_ack(struct listen_desk *desk, weir_event *const *events, size_t count);
/* "event 42 of /event/Order__e" */
void desk_name_event(const weir_event *event, struct str *out);
#endif
