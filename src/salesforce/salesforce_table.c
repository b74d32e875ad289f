/* Subscriptions by name. Events name their channel as it was subscribed, or (filtered topics) the
 * topic without the filter; so subscriptions of one topic share a bucket, by the part before the
 * '?'. Mostly the next event is of the same channel as the last, which costs one comparison. */
#include "core/error.h"
#include "core/mem.h"
#include "salesforce/salesforce_private.h"

#include <string.h>

static size_t base_of(const char *channel, size_t len)
{
    const char *query = memchr(channel, '?', len);
    return query ? (size_t)(query - channel) : len;
}

static struct subscription **bucket_of(struct weir_salesforce *sf, const char *channel, size_t base)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < base; i++)
        hash = (hash ^ (unsigned char)channel[i]) * UINT64_C(1099511628211);
    return &sf->buckets[(hash ^ (hash >> 32)) % BUCKETS];
}

static bool is(const struct subscription *sub, const char *channel, size_t len)
{
    return strlen(sub->channel) == len && memcmp(sub->channel, channel, len) == 0;
}

static bool has_base(const struct subscription *sub, const char *channel, size_t base)
{
    return sub->base == base && memcmp(sub->channel, channel, base) == 0;
}

struct subscription *known_find(struct weir_salesforce *sf, const char *channel, size_t len)
{
    struct subscription *sub = *bucket_of(sf, channel, base_of(channel, len));
    while (sub && !is(sub, channel, len))
        sub = sub->chain;
    return sub;
}

struct subscription *known_get(struct weir_salesforce *sf, const char *channel)
{
    size_t len = strlen(channel);
    struct subscription *sub = known_find(sf, channel, len);
    if (sub)
        return sub;
    sub = mem_zalloc(sizeof *sub);
    char *copy = mem_strdup(channel);
    if (!sub || !copy) {
        mem_free(sub);
        mem_free(copy);
        return NULL;
    }
    struct subscription **bucket = bucket_of(sf, copy, base_of(copy, len));
    sub->sf = sf;
    sub->channel = copy;
    sub->base = base_of(copy, len);
    sub->chain = *bucket;
    *bucket = sub;
    sub->next = sf->subscriptions;
    sf->subscriptions = sub;
    sf->recent = NULL;
    return sub;
}

/* Of this text; else one that is wanted, then any, with it as base. */
static struct subscription *search(struct weir_salesforce *sf, const char *channel, size_t len)
{
    struct subscription *found = known_find(sf, channel, len);
    struct subscription *sub = *bucket_of(sf, channel, base_of(channel, len));
    for (; sub && (!found || found->state == SUB_GONE); sub = sub->chain) {
        if (has_base(sub, channel, len) && (!found || sub->state != SUB_GONE))
            found = sub;
    }
    return found;
}

/* The text of a JSON string without escapes; else it has to be decoded. */
static bool is_recent(const struct weir_salesforce *sf, weir_bytes channel)
{
    const struct subscription *recent = sf->recent;
    return recent && recent->state != SUB_GONE && channel.len == sf->recent_len + 2 &&
           memcmp((const char *)channel.data + 1, recent->channel, sf->recent_len) == 0;
}

struct subscription *known_of_event(struct weir_salesforce *sf, weir_bytes channel)
{
    if (is_recent(sf, channel))
        return sf->recent;
    char *text = slice_text(channel);
    if (!text)
        return NULL;
    sf->recent_len = strlen(text);
    sf->recent = search(sf, text, sf->recent_len);
    mem_free(text);
    return sf->recent;
}

struct subscription *known_twin(struct subscription *sub, weir_bytes channel,
                                struct subscription *other)
{
    if (channel.data && memchr(channel.data, '?', channel.len))
        return NULL; /* it is told whose it is */
    other = other ? other->chain : *bucket_of(sub->sf, sub->channel, sub->base);
    while (other &&
           (other == sub || other->state == SUB_GONE || !has_base(other, sub->channel, sub->base)))
        other = other->chain;
    return other;
}

void known_free(struct weir_salesforce *sf)
{
    while (sf->subscriptions) {
        struct subscription *next = sf->subscriptions->next;
        error_drop(sf->subscriptions->why);
        error_drop(sf->subscriptions->gap);
        handed_clear(&sf->subscriptions->handed);
        mem_free(sf->subscriptions->channel);
        mem_free(sf->subscriptions);
        sf->subscriptions = next;
    }
}
