/* cli/listen_hand.h - events that were handed out and not yet acknowledged, in order. Pure; one
 * thread at a time. Acknowledging one acknowledges all before it on its channel. */
#ifndef CLI_LISTEN_HAND_H
#define CLI_LISTEN_HAND_H

#include "cli/str.h"

#include <weir/event.h>

/* An event in hand; `line` and `told` are its holder's. */
struct hand_event {
    struct hand_event *next;
    weir_event *event;
    struct str line;
    size_t told;
};

struct hand_last; /* of a channel: what was acknowledged last */

struct hand {
    struct hand_event *first, *last;
    size_t count;
    struct hand_last *channels;
    size_t channel_count;
};

/* The first one, as its taker's; there must be one. */
weir_event *hand_pop(struct hand *hand);

enum hand_ack {
    HAND_ACKED,  /* it and those before it on its channel are out of hand */
    HAND_OLD,    /* it was acknowledged before */
    HAND_UNKNOWN /* no event in hand has this id there */
};

/* Takes the event over. */
struct hand_event *hand_add(struct hand *hand, weir_event *event);
/* `channel` NULL: whichever; else as the event names it, or as it was subscribed: with a filter.
 * HAND_ACKED: *newest is the event, to be freed. */
enum hand_ack hand_acknowledge(struct hand *hand, const char *channel, const char *id,
                               weir_event **newest);
void hand_free(struct hand *hand);

/* "ID" or "CHANNEL ID" (the id is the last word), blanks around it allowed; cut up in place. False:
 * it is neither. *channel is NULL when it is not said. */
bool hand_read_words(char *line, const char **channel, const char **id);
/* {"channel":...,"replayId":...}: the id a number or a string, other members are left alone. As
 * above; the texts are in `room`. */
bool hand_read_json(const char *line, size_t len, struct str room[2], const char **channel,
                    const char **id);
#endif
