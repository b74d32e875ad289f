/* cli/listen_line.h - an event as one line. Pure; any thread. */
#ifndef CLI_LISTEN_LINE_H
#define CLI_LISTEN_LINE_H

#include "cli/str.h"

#include <weir/event.h>

enum listen_format {
    FORMAT_MESSAGE = 0, /* as the server sent it: {"channel":...,"data":...} */
    FORMAT_DATA,        /* its "data" */
    FORMAT_PAYLOAD,     /* of the data, what the publisher sent */
    FORMAT_CLOUDEVENT   /* CloudEvents 1.0, JSON */
};

/* "message", "data", "payload", "cloudevent"; NULL is message. */
enum listen_format listen_format_by_name(const char *name);

/* The line without its end. `room` holds it where it is not the event's own text, and is cleared
 * first; the result is good until either changes. data NULL: it cannot be made (*err). */
weir_bytes listen_line(const weir_event *event, enum listen_format format, struct str *room,
                       weir_error *err);

/* Of the JSON object `text`, which is well-formed, the value of a member, as it stands there; data
 * NULL: it has none. Numbers stay as exact as they were written. */
weir_bytes listen_json_member(weir_bytes text, const char *name);
#endif
