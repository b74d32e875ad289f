#include "sandbox/salesforce_event.h"

#include "core/mem.h"
#include "core/text.h"
#include "sandbox/table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENT_MAX ((size_t)16 * 1024 * 1024)
#define UUID_MAX  40
#define NAME_SIZE 256

static const struct {
    const char *prefix;
    enum salesforce_kind kind;
} prefixes[] = {
    {"/topic/", SALESFORCE_TOPIC},
    {"/u/", SALESFORCE_GENERIC},
    {"/event/", SALESFORCE_PLATFORM},
    {"/data/", SALESFORCE_CHANGE},
};

static bool is_name(const char *text, size_t len, bool loose)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool other = loose && (unsigned char)c > ' ' && c != 0x7f && !strchr("*?", c);
        if (!c || (!strchr(plain, c) && !other))
            return false;
    }
    return len > 0 && len <= NAME_SIZE && text[len - 1] != '/';
}

enum salesforce_kind salesforce_kind(const char *channel, size_t len)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t prefix = strlen(prefixes[i].prefix);
        if (len <= prefix || strncmp(channel, prefixes[i].prefix, prefix) != 0)
            continue;
        bool generic = prefixes[i].kind == SALESFORCE_GENERIC;
        return is_name(channel + prefix, len - prefix, generic) ? prefixes[i].kind
                                                                : SALESFORCE_NO_CHANNEL;
    }
    return SALESFORCE_NO_CHANNEL;
}

void salesforce_time(int64_t wall_ns, char *out)
{
    struct tm parts = {0};
    char text[24] = "";
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    gmtime_r(&seconds, &parts);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(out, 32, "%s.%03dZ", text, (int)(wall_ns % NS_PER_S / NS_PER_MS));
}

static void make_uuid(const struct clock *clock, char *out)
{
    unsigned char b[16];
    clock_random_bytes(clock, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(out, UUID_MAX,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
}

/* The same for a name every time; 22 characters, as the real ones. */
static json_t *schema_of(const char *channel)
{
    uint64_t words[2] = {table_hash(1, channel, strlen(channel)),
                         table_hash(2, channel, strlen(channel))};
    struct buf text = BUF_INIT(64);
    base64url_add(&text, words, sizeof words);
    json_t *schema = text.data ? json_string(text.data) : NULL;
    buf_free(&text);
    return schema;
}

/* What was given, numbered and padded as wished; for anything but an object: a copy of it. */
static json_t *fields_of(const struct salesforce_shape *shape)
{
    json_t *fields = shape->fields ? json_deep_copy(shape->fields) : json_object();
    if (!json_is_object(fields))
        return fields;
    if (shape->number)
        json_object_set_new(fields, "Number__c", json_integer(shape->number));
    char *pad = shape->pad ? mem_zalloc(shape->pad + 1) : NULL;
    if (pad) {
        for (size_t i = 0; i < shape->pad; i++)
            pad[i] = (char)('a' + i % 26);
        json_object_set_new(fields, "Pad__c", json_string(pad));
        mem_free(pad);
    }
    return fields;
}

/* Each takes `fields` over; NULL: no memory. */
static json_t *topic_data(const struct salesforce_shape *shape, json_t *fields, const char *time)
{
    const char *type = json_string_value(json_object_get(fields, "event"));
    json_t *event = json_pack("{s:s, s:I, s:s}", "createdDate", time, "replayId",
                              (json_int_t)shape->id, "type", type ? type : "created");
    (void)json_object_del(fields, "event");
    return json_pack("{s:o, s:o}", "event", event, "sobject", fields);
}

static json_t *generic_data(const struct salesforce_shape *shape, json_t *fields, const char *time)
{
    return json_pack("{s:{s:s, s:I}, s:o}", "event", "createdDate", time, "replayId",
                     (json_int_t)shape->id, "payload", fields);
}

static json_t *platform_data(const struct clock *clock, const struct salesforce_shape *shape,
                             json_t *fields, const char *time)
{
    char uuid[UUID_MAX];
    json_t *payload = json_pack("{s:s, s:s}", "CreatedDate", time, "CreatedById", SALESFORCE_USER);
    make_uuid(clock, uuid);
    if (payload && json_object_update(payload, fields) != 0) {
        json_decref(payload);
        payload = NULL;
    }
    json_decref(fields);
    return json_pack("{s:o, s:o, s:{s:I, s:s}}", "schema", schema_of(shape->channel), "payload",
                     payload, "event", "replayId", (json_int_t)shape->id, "EventUuid", uuid);
}

/* "/data/AccountChangeEvent" is about Account, "/data/A__ChangeEvent" about A__c. */
static void entity_of(const char *channel, char *out, size_t size)
{
    const char *name = channel + strlen("/data/");
    const char *suffix = strstr(name, "ChangeEvent");
    size_t len = suffix ? (size_t)(suffix - name) : 0;
    bool custom = len > 2 && strncmp(name + len - 2, "__", 2) == 0;
    (void)snprintf(out, size, "%.*s%s", (int)(len < size - 2 ? len : 0), name, custom ? "c" : "");
    if (!*out)
        (void)snprintf(out, size, "Account");
}

static json_t *change_data(const struct clock *clock, const struct salesforce_shape *shape,
                           json_t *fields)
{
    char entity[NAME_SIZE + 2], key[UUID_MAX];
    json_int_t ms = clock_wall(clock) / NS_PER_MS;
    entity_of(shape->about ? shape->about : shape->channel, entity, sizeof entity);
    make_uuid(clock, key);
    json_t *header =
        json_pack("{s:s, s:[s], s:s, s:s, s:s, s:i, s:I, s:I, s:s}", "entityName", entity,
                  "recordIds", "001000000000001AAA", "changeType", "UPDATE", "changeOrigin",
                  "com/salesforce/api/rest/67.0;client=weir-sandbox", "transactionKey", key,
                  "sequenceNumber", 1, "commitTimestamp", ms, "commitNumber", (json_int_t)shape->id,
                  "commitUser", SALESFORCE_USER);
    const json_t *given = json_object_get(fields, "ChangeEventHeader");
    if (header && json_is_object(given))
        (void)json_object_update(header, (json_t *)(uintptr_t)given);
    (void)json_object_set_new(fields, "ChangeEventHeader", header);
    return json_pack("{s:o, s:o, s:{s:I}}", "schema", schema_of(shape->channel), "payload", fields,
                     "event", "replayId", (json_int_t)shape->id);
}

struct bayeux_event *salesforce_event_new(const struct clock *clock,
                                          const struct salesforce_shape *shape)
{
    char time[32];
    json_t *data = NULL;
    struct bayeux_event *event = NULL;
    json_t *fields = fields_of(shape);
    salesforce_time(clock_wall(clock), time);
    switch (fields ? salesforce_kind(shape->channel, strlen(shape->channel))
                   : SALESFORCE_NO_CHANNEL) {
    case SALESFORCE_TOPIC:
        data = topic_data(shape, fields, time);
        break;
    case SALESFORCE_GENERIC:
        data = generic_data(shape, fields, time);
        break;
    case SALESFORCE_PLATFORM:
        data = platform_data(clock, shape, fields, time);
        break;
    case SALESFORCE_CHANGE:
        data = change_data(clock, shape, fields);
        break;
    default:
        json_decref(fields);
        break;
    }
    json_t *message = json_pack("{s:o, s:s}", "data", data, "channel", shape->channel);
    char *text = message ? json_text(message, true) : NULL;
    if (text)
        event = bayeux_event_new(text, strlen(text));
    mem_free(text);
    json_decref(message);
    if (event) {
        event->id = shape->id;
        event->at_ns = clock_mono(clock);
    }
    return event;
}

/* ---- filters ----------------------------------------------------------------------------- */

struct condition {
    const char *name, *value;
    size_t name_len, value_len;
};

/* The one at *at, which is moved past it. False: there is none, or it is not understood. */
static bool next_condition(const char **at, struct condition *out)
{
    size_t len = strcspn(*at, "&");
    const char *equals = memchr(*at, '=', len);
    if (!equals || equals == *at)
        return false;
    *out = (struct condition){.name = *at,
                              .value = equals + 1,
                              .name_len = (size_t)(equals - *at),
                              .value_len = len - (size_t)(equals - *at) - 1};
    bool quoted = out->value_len >= 2 && out->value[0] == '\'';
    if (quoted && out->value[out->value_len - 1] == '\'') {
        out->value++;
        out->value_len -= 2;
    }
    *at += len + ((*at)[len] == '&');
    return true;
}

bool salesforce_filter_ok(const char *filter)
{
    struct condition one;
    if (!*filter)
        return false;
    while (*filter) {
        if (!next_condition(&filter, &one))
            return false;
    }
    return true;
}

static bool holds(const json_t *record, const struct condition *one)
{
    char name[NAME_SIZE];
    if (one->name_len >= sizeof name)
        return false;
    (void)snprintf(name, sizeof name, "%.*s", (int)one->name_len, one->name);
    const json_t *value = json_object_get(record, name);
    char *text = value && !json_is_string(value) ? json_text(value, true) : NULL;
    const char *shown = json_is_string(value) ? json_string_value(value) : text;
    bool same =
        shown && strlen(shown) == one->value_len && memcmp(shown, one->value, one->value_len) == 0;
    mem_free(text);
    return same;
}

bool salesforce_event_matches(const char *text, size_t len, const char *filter)
{
    struct condition one;
    json_t *event = json_parse(text, len, "event", NULL);
    const json_t *record = json_object_get(json_object_get(event, "data"), "sobject");
    bool good = json_is_object(record);
    while (good && *filter)
        good = next_condition(&filter, &one) && holds(record, &one);
    json_decref(event);
    return good;
}
