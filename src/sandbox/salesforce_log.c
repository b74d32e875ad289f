/* A channel's window is an array used from `head` on: appending moves it to the front when half of
 * it lies idle, so that what is retained is always one piece, found by binary search. */
#include "sandbox/salesforce_log.h"

#include "core/clock.h"
#include "core/mem.h"
#include "sandbox/table.h"

#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#define KEEP_FOR_MS  (INT64_C(72) * 3600 * 1000)
#define FIRST_ID     1017
#define STEPS        4 /* ids advance by 1 to STEPS */
#define NAME_LEN_MAX 512

struct sflog_channel {
    struct table_node node; /* by the name in lower case */
    TAILQ_ENTRY(sflog_channel) link;
    char *name;
    struct bayeux_event **items;
    size_t head, count, cap, bytes;
    int64_t newest; /* 0: none ever */
};

TAILQ_HEAD(channel_list, sflog_channel);

struct sflog {
    struct sflog_options options;
    struct table channels;
    struct channel_list list;
    int64_t last_id;
    size_t bytes;
};

static uint64_t hash_of(const char *name, size_t len)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < len; i++) {
        char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
        hash = table_hash(hash, &c, 1);
    }
    return hash;
}

struct sflog *sflog_new(const struct sflog_options *options)
{
    struct sflog *log = mem_zalloc(sizeof *log);
    if (!log)
        return NULL;
    log->options = *options;
    if (!log->options.keep)
        log->options.keep = SFLOG_KEEP;
    if (!log->options.keep_for)
        log->options.keep_for = KEEP_FOR_MS;
    if (!log->options.bytes_max)
        log->options.bytes_max = SFLOG_BYTES_MAX;
    log->last_id = (options->first_id > 0 ? options->first_id : FIRST_ID) - 1;
    TAILQ_INIT(&log->list);
    return log;
}

static void drop_oldest(struct sflog *log, struct sflog_channel *channel)
{
    struct bayeux_event *event = channel->items[channel->head++];
    channel->count--;
    log->bytes -= event->len;
    channel->bytes -= event->len;
    bayeux_event_drop(event);
    if (channel->count == 0)
        channel->head = 0;
}

void sflog_free(struct sflog *log)
{
    if (!log)
        return;
    while (!TAILQ_EMPTY(&log->list)) {
        struct sflog_channel *channel = TAILQ_FIRST(&log->list);
        sflog_forget(log, channel, 0);
        TAILQ_REMOVE(&log->list, channel, link);
        mem_free(channel->items);
        mem_free(channel->name);
        mem_free(channel);
    }
    table_free(&log->channels);
    mem_free(log);
}

static struct sflog_channel *add_channel(struct sflog *log, const char *name, size_t len,
                                         uint64_t hash)
{
    struct sflog_channel *channel = mem_zalloc(sizeof *channel);
    if (!channel)
        return NULL;
    channel->name = mem_dup(name, len);
    if (!channel->name) {
        mem_free(channel);
        return NULL;
    }
    table_add(&log->channels, &channel->node, hash);
    TAILQ_INSERT_TAIL(&log->list, channel, link);
    return channel;
}

enum sflog_found sflog_channel(struct sflog *log, const char *name, size_t len,
                               struct sflog_channel **out)
{
    uint64_t hash = hash_of(name, len);
    struct table_node *node = table_first(&log->channels, hash);
    *out = NULL;
    for (; node; node = table_next(node)) {
        struct sflog_channel *channel = (struct sflog_channel *)(void *)node;
        if (strlen(channel->name) != len || strncasecmp(channel->name, name, len) != 0)
            continue;
        if (strncmp(channel->name, name, len) != 0)
            return SFLOG_OTHER_CASE;
        *out = channel;
        return SFLOG_THERE;
    }
    if (log->channels.count < SFLOG_CHANNELS_MAX && len <= NAME_LEN_MAX)
        *out = add_channel(log, name, len, hash);
    return *out ? SFLOG_THERE : SFLOG_NO_ROOM;
}

const char *sflog_name(const struct sflog_channel *channel)
{
    return channel->name;
}

/* The same gaps from run to run. */
int64_t sflog_next_id(struct sflog *log)
{
    bool first = log->last_id == (log->options.first_id > 0 ? log->options.first_id : FIRST_ID) - 1;
    log->last_id += first ? 1 : 1 + (int64_t)(table_hash_number((uint64_t)log->last_id) % STEPS);
    return log->last_id;
}

bool sflog_skip_to(struct sflog *log, int64_t id)
{
    if (id < log->last_id)
        return false;
    log->last_id = id;
    return true;
}

static bool make_room(struct sflog_channel *channel)
{
    if (channel->head + channel->count < channel->cap)
        return true;
    if (channel->head > channel->cap / 2) {
        memmove(channel->items, channel->items + channel->head,
                channel->count * sizeof(struct bayeux_event *));
        channel->head = 0;
        return true;
    }
    size_t cap = channel->cap ? 2 * channel->cap : 16;
    struct bayeux_event **items = mem_realloc(channel->items, cap * sizeof(struct bayeux_event *));
    if (!items)
        return false;
    channel->items = items;
    channel->cap = cap;
    return true;
}

static void cut_by_age(struct sflog *log, struct sflog_channel *channel, int64_t now_ns)
{
    int64_t limit = now_ns - log->options.keep_for * NS_PER_MS;
    while (channel->count && channel->items[channel->head]->at_ns < limit)
        drop_oldest(log, channel);
}

static struct sflog_channel *fattest(const struct sflog *log)
{
    struct sflog_channel *one = NULL, *most = TAILQ_FIRST(&log->list);
    TAILQ_FOREACH(one, &log->list, link)
    {
        if (one->bytes > most->bytes)
            most = one;
    }
    return most;
}

/* Memory is taken from who has most of it: mostly the one that is appended to. */
static void cut_by_size(struct sflog *log, struct sflog_channel *channel, size_t more)
{
    while (channel->count >= log->options.keep)
        drop_oldest(log, channel);
    while (log->bytes && log->bytes + more > log->options.bytes_max)
        drop_oldest(log, 2 * channel->bytes >= log->bytes ? channel : fattest(log));
}

bool sflog_append(struct sflog *log, struct sflog_channel *channel, struct bayeux_event *event)
{
    cut_by_age(log, channel, event->at_ns);
    cut_by_size(log, channel, event->len);
    if (!make_room(channel))
        return false;
    channel->items[channel->head + channel->count++] = bayeux_event_ref(event);
    channel->newest = event->id;
    log->bytes += event->len;
    channel->bytes += event->len;
    return true;
}

/* How many of the window have an id up to `id`. */
static size_t count_until(const struct sflog_channel *channel, int64_t id)
{
    size_t low = 0, high = channel->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (channel->items[channel->head + middle]->id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool sflog_replay(struct sflog *log, struct sflog_channel *channel, int64_t id, int64_t now_ns,
                  struct bayeux_event *const **first, size_t *count)
{
    size_t skipped = 0;
    cut_by_age(log, channel, now_ns);
    *count = 0;
    *first = NULL;
    if (id == SFLOG_NEW)
        return true;
    if (id != SFLOG_ALL) {
        skipped = count_until(channel, id);
        bool there = skipped > 0 && channel->items[channel->head + skipped - 1]->id == id;
        if (id <= 0 || (!there && id != channel->newest))
            return false;
    }
    *count = channel->count - skipped;
    *first = *count ? channel->items + channel->head + skipped : NULL;
    return true;
}

static void keep_only(struct sflog *log, struct sflog_channel *channel, size_t keep)
{
    while (channel->count > keep)
        drop_oldest(log, channel);
}

void sflog_forget(struct sflog *log, struct sflog_channel *channel, size_t keep)
{
    struct sflog_channel *one = NULL;
    if (channel) {
        keep_only(log, channel, keep);
        return;
    }
    TAILQ_FOREACH(one, &log->list, link)
    {
        keep_only(log, one, keep);
    }
}
