/* cli/listen_flags.h - flags that both listeners have. */
#ifndef CLI_LISTEN_FLAGS_H
#define CLI_LISTEN_FLAGS_H

#include "cli/table.h"

extern const struct flag_group group_listen_handler; /* what handles an event */
extern const struct flag_group group_listen_session; /* until when, and how patiently */

/* One-liners of help that both have alike. */
#define LISTEN_ABOUT_PROGRAMS                                                                      \
    "For -- CMD and --exec a process is started for each event, one at a time for each channel. "  \
    "Its standard input is the event's line; WEIR_EVENT_CHANNEL, _REPLAY_ID, _ID, _TYPE, "         \
    "_SOURCE, _TIME and _ATTEMPT (1, 2, ...) are in its environment. Status 0: the event is "      \
    "done, and what was written to standard output is passed on, whole. Any other status: the "    \
    "event is repeated after pauses that grow from 0.2 s to 30 s, --retries times (default for "   \
    "ever); then the listener ends with status 75, or with --dead-letter the event and the "       \
    "reason are appended to a file as a JSON line, and it goes on. What is written to standard "   \
    "error is passed on as it comes."

#define LISTEN_ABOUT_END                                                                           \
    "SIGINT or SIGTERM takes no new events, lets what is in hand end for --drain and ends with "   \
    "status 0; a second signal ends at once. An outage is said once, and once that it is over; "   \
    "--give-up limits it. What retrying cannot mend ends the listener at once. When nobody reads " \
    "standard output any more it ends with 141."
#endif
