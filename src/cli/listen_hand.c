/* Events in hand. One list for all channels: acknowledgements mostly come in order, so that what is
 * looked for stands near its front. An event is not delivered twice in one run, so an id that is
 * not greater than the last one acknowledged there is old news. */
#include "cli/listen_hand.h"

#include <string.h>

#include "cli/listen_line.h"

struct hand_last {
    char *channel;
    char *id;
};

static const char *attr(const weir_event *event, const char *name)
{
    const char *value = weir_event_attr(event, name);
    return value ? value : "";
}

struct hand_event *hand_add(struct hand *hand, weir_event *event)
{
    struct hand_event *entry = memory_or_exit(NULL, 1, sizeof *entry);
    *entry = (struct hand_event){.event = event};
    if (hand->last)
        hand->last->next = entry;
    else
        hand->first = entry;
    hand->last = entry;
    hand->count++;
    return entry;
}

/* ---- channels -------------------------------------------------------------------------------- */

static bool is_channel(const char *asked, const char *channel)
{
    if (!asked || strcmp(asked, channel) == 0)
        return true;
    size_t base = strcspn(channel, "?");
    return strcspn(asked, "?") == base && strncmp(asked, channel, base) == 0;
}

/* Of two ids in decimal. */
static bool is_after(const char *id, const char *other)
{
    size_t len = strlen(id), other_len = strlen(other);
    return len != other_len ? len > other_len : strcmp(id, other) > 0;
}

static void remember(struct hand *hand, const char *channel, const char *id)
{
    struct hand_last *known = NULL;
    for (size_t i = 0; i < hand->channel_count && !known; i++)
        if (strcmp(hand->channels[i].channel, channel) == 0)
            known = &hand->channels[i];
    if (!known) {
        hand->channels =
            memory_or_exit(hand->channels, hand->channel_count + 1, sizeof *hand->channels);
        known = &hand->channels[hand->channel_count++];
        *known = (struct hand_last){.channel = copy_or_exit(channel, strlen(channel))};
    }
    release_memory(known->id);
    known->id = copy_or_exit(id, strlen(id));
}

static bool is_old(const struct hand *hand, const char *channel, const char *id)
{
    for (size_t i = 0; i < hand->channel_count; i++)
        if (is_channel(channel, hand->channels[i].channel) && !is_after(id, hand->channels[i].id))
            return true;
    return false;
}

/* ---- acknowledging --------------------------------------------------------------------------- */

static void free_entry(struct hand_event *entry)
{
    weir_event_free(entry->event);
    str_free(&entry->line);
    release_memory(entry);
}

weir_event *hand_pop(struct hand *hand)
{
    struct hand_event *entry = hand->first;
    weir_event *event = weir_event_ref(entry->event);
    hand->first = entry->next;
    if (!hand->first)
        hand->last = NULL;
    hand->count--;
    free_entry(entry);
    return event;
}

static struct hand_event *find(const struct hand *hand, const char *channel, const char *id)
{
    struct hand_event *entry = hand->first;
    while (entry && (strcmp(attr(entry->event, "replayid"), id) != 0 ||
                     !is_channel(channel, attr(entry->event, "channel"))))
        entry = entry->next;
    return entry;
}

/* Out of the list: every entry of this channel up to and including `newest`. */
static void let_go(struct hand *hand, const char *channel, const struct hand_event *newest)
{
    struct hand_event **at = &hand->first, *before = NULL;
    bool more = true;
    while (more && *at) {
        struct hand_event *entry = *at;
        more = entry != newest;
        if (more && strcmp(attr(entry->event, "channel"), channel) != 0) {
            before = entry;
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        if (hand->last == entry)
            hand->last = before;
        hand->count--;
        free_entry(entry);
    }
}

enum hand_ack hand_acknowledge(struct hand *hand, const char *channel, const char *id,
                               weir_event **newest)
{
    struct hand_event *entry = find(hand, channel, id);
    *newest = NULL;
    if (!entry)
        return is_old(hand, channel, id) ? HAND_OLD : HAND_UNKNOWN;
    *newest = weir_event_ref(entry->event);
    remember(hand, attr(*newest, "channel"), id);
    let_go(hand, attr(*newest, "channel"), entry);
    return HAND_ACKED;
}

void hand_free(struct hand *hand)
{
    while (hand->first) {
        struct hand_event *entry = hand->first;
        hand->first = entry->next;
        free_entry(entry);
    }
    for (size_t i = 0; i < hand->channel_count; i++) {
        release_memory(hand->channels[i].channel);
        release_memory(hand->channels[i].id);
    }
    release_memory(hand->channels);
    *hand = (struct hand){0};
}

/* ---- what is said of them -------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_id(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && strspn(text, "0123456789") == len;
}

bool hand_read_words(char *line, const char **channel, const char **id)
{
    size_t len = strlen(line);
    while (len > 0 && is_blank(line[len - 1]))
        line[--len] = '\0';
    while (is_blank(*line))
        line++;
    len = strlen(line);
    size_t at = len;
    while (at > 0 && !is_blank(line[at - 1]))
        at--;
    *id = line + at;
    *channel = NULL;
    while (at > 0 && is_blank(line[at - 1]))
        line[--at] = '\0';
    if (at > 0)
        *channel = line;
    return is_id(*id) && (!*channel || **channel == '/');
}

/* The id as it is written: a double would not hold all of them. */
static bool take_id(weir_bytes value, struct str *room)
{
    const char *text = value.data;
    bool quoted = text && value.len >= 2 && text[0] == '"';
    str_clear(room);
    if (text)
        str_add_bytes(room, text + quoted, value.len - 2 * (size_t)quoted);
    return is_id(str_text(room));
}

bool hand_read_json(const char *line, size_t len, struct str room[2], const char **channel,
                    const char **id)
{
    weir_error err = {0};
    weir_json *json = weir_json_parse(line, len, &err);
    *channel = *id = NULL;
    if (!json)
        return false;
    const char *name = weir_json_str(json, "/channel", NULL);
    bool good = take_id(listen_json_member((weir_bytes){line, len}, "replayId"), &room[1]) &&
                (name || !weir_json_at(json, "/channel"));
    str_clear(&room[0]);
    if (name)
        str_add(&room[0], name);
    weir_json_free(json);
    *channel = name ? str_text(&room[0]) : NULL;
    *id = str_text(&room[1]);
    return good;
}
