/* The flags of listeners, as data. */
#include "cli/listen_flags.h"

static const struct flag handler[] = {
    {.name = "exec",
     .kind = FLAG_TEXT,
     .value = "'SHELL COMMAND'",
     .help = "a process an event, by /bin/sh; without a shell: -- CMD [ARG...]"},
    {.name = "coprocess",
     .kind = FLAG_TEXT,
     .value = "'SHELL COMMAND'",
     .help = "one long-lived process: an event a line in, in the --format"},
    {.name = "retries",
     .kind = FLAG_NUMBER,
     .value = "N",
     .help = "repeat a process that fails so often, then end with 75; default for ever"},
    {.name = "dead-letter",
     .kind = FLAG_FILE,
     .value = "FILE",
     .help = "instead of ending, append the event and the reason to this file and go on"},
    {0},
};
const struct flag_group group_listen_handler = {"What handles an event (default: it is printed)",
                                                handler};

static const struct flag session[] = {
    {.name = "count", .kind = FLAG_NUMBER, .value = "N", .help = "end after N events"},
    {.name = "until-idle",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "end when there was no event for so long, once all is subscribed"},
    {.name = "for", .kind = FLAG_DURATION, .value = "DURATION", .help = "end after so long"},
    {.name = "drain",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "30s",
     .help = "after SIGINT or SIGTERM, what is in hand may take so long to end"},
    {.name = "give-up",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "end when an outage has lasted so long; default: keep trying"},
    {.name = "max-queued",
     .kind = FLAG_NUMBER,
     .value = "N",
     .fallback = "1024",
     .help = "events held back for a slow reader; one that stands still for 30 s costs the "
             "session, which is resumed later, but no event"},
    {.name = "connection-timeout",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "10s",
     .help = "being out of touch for so long is said as an outage"},
    {0},
};
const struct flag_group group_listen_session = {"Until when, and how patiently", session};
