/* cli/listen.h - the life of a listener, whatever it listens to: subscribing, taking events,
 * handing them on, and every way in which that ends. */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H

#include "cli/listen_desk.h"

#include <weir/bayeux.h>

struct listen;

/* Before the handle is opened, which calls listen_news() with it. NULL: the exit status is in
 * *status, and it has been said. */
struct listen *listen_new(const struct listen_options *options, int *status);
/* The handle's on_news; `user` is a struct listen. */
void listen_news(weir_session_news news, const char *channel, const weir_error *why, void *user);
/* Until it ends. @return the exit status; what failed has been said. The handle must still be
 * closed. */
int listen_run(struct listen *listen, const struct listen_source *source);
/* When the handle is closed. */
void listen_free(struct listen *listen);
#endif
