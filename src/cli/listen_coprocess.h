/* cli/listen_coprocess.h - one program for all events: a JSON line each to it, lines that
 * acknowledge from it. It is started again when it dies, and told again, in order, what it has not
 * acknowledged. Where nothing can be acknowledged an event is done once it is told, and what the
 * program writes goes to our stdout. */
#ifndef CLI_LISTEN_COPROCESS_H
#define CLI_LISTEN_COPROCESS_H

#include "cli/listen_desk.h"

struct listen_coprocess;

/* NULL: *err. */
struct listen_coprocess *listen_coprocess_start(struct listen_desk *desk, weir_error *err);
/* Takes the event over; it is counted at the desk until it is done. Main's thread. */
void listen_coprocess_give(struct listen_coprocess *co, weir_event *event);
/* There will be no more events: its stdin ends when it has been told of all. */
void listen_coprocess_finish(struct listen_coprocess *co);
/* After that: it has ended with status 0. */
bool listen_coprocess_has_finished(struct listen_coprocess *co);
/* Ends it, and frees. What it has not acknowledged stays so. NULL is fine. */
void listen_coprocess_stop(struct listen_coprocess *co);
#endif
