/* cli/listen_channels.h - the channels of `listen`, and where each begins. Pure. */
#ifndef CLI_LISTEN_CHANNELS_H
#define CLI_LISTEN_CHANNELS_H

#include "cli/parse.h"

#include <weir/error.h>

struct listen_channel {
    const char *name; /* argv's */
    const char *from; /* "new", "all", "stored" or a replay id; NULL: not said */
};

struct listen_channels {
    struct listen_channel *list;
    size_t count;
};

/* Of the arguments from the `first` on, one named twice counting once. WEIR_INVALID: one cannot be
 * a channel, or --replay names one that is not listened to. listen_channels_free() in any case. */
weir_status listen_channels_read(struct listen_channels *out, const struct args *args, size_t first,
                                 weir_error *err);
/* Each --replay, in order: VALUE for all channels, CHANNEL=VALUE for one. 0, or 64: it has been
 * said. */
int listen_channels_replay(struct listen_channels *channels, const struct args *args);
void listen_channels_free(struct listen_channels *channels);

/* Can it be the name of a channel? NULL, or why not, to follow the name. What only a server can
 * know is left to it. */
const char *listen_channel_complaint(const char *name);
/* "new", "all", "stored", digits; and what servers call the first two, -1 and -2. NULL: it is none
 * of them; else the value as the library has it. */
const char *listen_replay_value(const char *text);
/* Where the value of "CHANNEL=VALUE" begins: behind the last '=' that a value follows, for names of
 * channels have '=' in their filters. NULL: nowhere. */
const char *listen_replay_split(const char *text);
#endif
