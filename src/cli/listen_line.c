/* Events as lines. What the server sent is printed as it came, without being parsed or copied; only
 * line breaks between its JSON tokens, which would tear the line, become blanks (inside strings
 * JSON has none). */
#include "cli/listen_line.h"

#include <string.h>

enum listen_format listen_format_by_name(const char *name)
{
    static const char *const names[] = {"message", "data", "payload", "cloudevent"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum listen_format)i;
    return FORMAT_MESSAGE;
}

/* ---- a member of an object ------------------------------------------------------------------- */

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
        scan->at++;
}

static void skip_string(struct scan *scan)
{
    for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++)
        if (*scan->at == '\\' && scan->at + 1 < scan->end)
            scan->at++;
    if (scan->at < scan->end)
        scan->at++;
}

static bool ends_value(char c, size_t depth)
{
    return depth == 0 && (c == ',' || c == '}' || c == ']');
}

static weir_bytes take_value(struct scan *scan)
{
    const char *start = scan->at, *last = scan->at;
    size_t depth = 0;
    while (scan->at < scan->end && !ends_value(*scan->at, depth)) {
        char c = *scan->at;
        if (c == '"') {
            skip_string(scan);
            last = scan->at;
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= depth > 0 && (c == '}' || c == ']');
        scan->at++;
        if (!strchr(" \t\r\n", c))
            last = scan->at;
    }
    return (weir_bytes){start, (size_t)(last - start)};
}

static bool is_name(weir_bytes string, const char *name)
{
    size_t len = strlen(name);
    const char *text = string.data;
    return string.len == len + 2 && memcmp(text + 1, name, len) == 0;
}

/* "name": value, or nothing when the object ends. */
static bool next_member(struct scan *scan, weir_bytes *name, weir_bytes *value)
{
    skip_blanks(scan);
    if (scan->at < scan->end && (*scan->at == ',' || *scan->at == '{'))
        scan->at++;
    skip_blanks(scan);
    if (scan->at >= scan->end || *scan->at != '"')
        return false;
    const char *start = scan->at;
    skip_string(scan);
    *name = (weir_bytes){start, (size_t)(scan->at - start)};
    skip_blanks(scan);
    if (scan->at >= scan->end || *scan->at != ':')
        return false;
    scan->at++;
    skip_blanks(scan);
    *value = take_value(scan);
    return true;
}

weir_bytes listen_json_member(weir_bytes text, const char *name)
{
    struct scan scan = {text.data, text.data ? (const char *)text.data + text.len : NULL};
    weir_bytes member, value;
    skip_blanks(&scan);
    if (scan.at >= scan.end || *scan.at != '{')
        return (weir_bytes){NULL, 0};
    while (next_member(&scan, &member, &value))
        if (is_name(member, name))
            return value;
    return (weir_bytes){NULL, 0};
}

/* ---- lines ----------------------------------------------------------------------------------- */

static weir_bytes of_room(const struct str *room)
{
    return (weir_bytes){str_text(room), room->len};
}

static weir_bytes on_one_line(weir_bytes text, struct str *room)
{
    if (!memchr(text.data, '\n', text.len) && !memchr(text.data, '\r', text.len))
        return text;
    str_add_bytes(room, text.data, text.len);
    for (char *at = room->data; at < room->data + room->len; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    return of_room(room);
}

static weir_bytes as_cloudevent(const weir_event *event, struct str *room, weir_error *err)
{
    char *text = weir_event_format(event, err);
    if (!text)
        return (weir_bytes){NULL, 0};
    str_add(room, text);
    weir_free(text);
    return of_room(room);
}

/* An event that is no JSON has data all the same: as a JSON string it keeps to one line. */
static weir_bytes data_of(const weir_event *event, struct str *room)
{
    weir_bytes data = weir_event_data(event);
    const char *type = weir_event_attr(event, "datacontenttype");
    bool json = !type || strstr(type, "json");
    if (data.data && data.len && json)
        return on_one_line(data, room);
    if (data.data && data.len)
        str_add_json(room, weir_event_text(event));
    else
        str_add(room, "null");
    return of_room(room);
}

/* Of a platform or change event and of a generic one, its "payload"; of a PushTopic's the record,
 * "sobject"; else all of the data. */
static weir_bytes payload_of(const weir_event *event, struct str *room)
{
    weir_bytes data = data_of(event, room);
    weir_bytes payload = listen_json_member(data, "payload");
    if (!payload.data)
        payload = listen_json_member(data, "sobject");
    return payload.data ? payload : data;
}

static weir_bytes message_of(const weir_event *event, struct str *room)
{
    weir_bytes original = weir_event_original(event);
    if (original.data)
        return on_one_line(original, room);
    const char *channel = weir_event_attr(event, "channel");
    struct str data = {0};
    weir_bytes text = data_of(event, &data);
    str_add(room, "{\"channel\":");
    str_add_json(room, channel ? channel : "");
    str_add(room, ",\"data\":");
    str_add_bytes(room, text.data, text.len);
    str_add(room, "}");
    str_free(&data);
    return of_room(room);
}

weir_bytes listen_line(const weir_event *event, enum listen_format format, struct str *room,
                       weir_error *err)
{
    str_clear(room);
    switch (format) {
    case FORMAT_DATA:
        return data_of(event, room);
    case FORMAT_PAYLOAD:
        return payload_of(event, room);
    case FORMAT_CLOUDEVENT:
        return as_cloudevent(event, room, err);
    case FORMAT_MESSAGE:
        break;
    }
    return message_of(event, room);
}
