/* cli/listen_lanes.h - a process for each event. Events of one channel are handled one after the
 * other, in order; channels beside each other, up to a limit. */
#ifndef CLI_LISTEN_LANES_H
#define CLI_LISTEN_LANES_H

#include "cli/listen_desk.h"

struct lanes;

/* NULL: *err; the file of dead letters cannot be opened. */
struct lanes *lanes_start(struct listen_desk *desk, weir_error *err);
/* Takes the event over; it is counted at the desk until it is done or given up. Main's thread. */
void lanes_give(struct lanes *lanes, weir_event *event);
/* No further process is started: what waits is given up, what runs may end. */
void lanes_stop(struct lanes *lanes);
/* What runs is ended, and its events given up. */
void lanes_hurry(struct lanes *lanes);
/* Stops, waits for what runs, and frees. NULL is fine. */
void lanes_free(struct lanes *lanes);
#endif
