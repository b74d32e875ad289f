/* sandbox/salesforce_log.h - the events a Salesforce-like server retains: for each channel a window
 * of the newest, cut by count, by age, by memory or by order. Replay ids ascend over all channels,
 * start above 0 and have gaps, as the real ones. Pure: time is what the caller says. One thread at
 * a time. */
#ifndef SANDBOX_SALESFORCE_LOG_H
#define SANDBOX_SALESFORCE_LOG_H

#include "sandbox/bayeux_event.h"
#include <weir/error.h>

#define SFLOG_CHANNELS_MAX 20000
#define SFLOG_KEEP         1000000                     /* events of a channel */
#define SFLOG_BYTES_MAX    ((size_t)512 * 1024 * 1024) /* of all channels     */
#define SFLOG_NEW          INT64_C(-1)
#define SFLOG_ALL          INT64_C(-2)

struct sflog;
struct sflog_channel;

struct sflog_options {
    size_t keep;      /* events of a channel; 0: SFLOG_KEEP         */
    weir_ms keep_for; /* 0: 72 hours                                */
    int64_t first_id; /* of the first event; 0: a small number      */
    size_t bytes_max; /* 0: SFLOG_BYTES_MAX                         */
};

enum sflog_found {
    SFLOG_THERE,
    SFLOG_OTHER_CASE, /* a name that differs only by case is there already */
    SFLOG_NO_ROOM     /* too many channels, or no memory                   */
};

struct sflog *sflog_new(const struct sflog_options *options); /* NULL: no memory */
void sflog_free(struct sflog *log);
/* The channel of this name, made when there is none yet. */
enum sflog_found sflog_channel(struct sflog *log, const char *name, size_t len,
                               struct sflog_channel **out);
const char *sflog_name(const struct sflog_channel *channel);
/* The id for the next event; each call gives another one. */
int64_t sflog_next_id(struct sflog *log);
/* From now on ids come after `id`; false: they already do. */
bool sflog_skip_to(struct sflog *log, int64_t id);
/* Takes a reference of its own; event->id and event->at_ns are set. False: no memory. */
bool sflog_append(struct sflog *log, struct sflog_channel *channel, struct bayeux_event *event);
/* What is after `id` (or SFLOG_ALL, SFLOG_NEW) at time `now`: *count events from *first. False: the
 * id is neither in the window nor the newest. Good until the next call that changes the log. */
bool sflog_replay(struct sflog *log, struct sflog_channel *channel, int64_t id, int64_t now_ns,
                  struct bayeux_event *const **first, size_t *count);
/* Nothing is retained any more, but for the newest `keep`; NULL: of no channel. */
void sflog_forget(struct sflog *log, struct sflog_channel *channel, size_t keep);
#endif
