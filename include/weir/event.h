/* weir/event.h - one event, in CloudEvents 1.0 terms, whichever channel carried it.
 * Immutable and reference counted; any thread may read or release it. */
#ifndef WEIR_EVENT_H
#define WEIR_EVENT_H

#include <weir/json.h>

typedef struct weir_event weir_event;

typedef struct weir_event_options {
    size_t struct_size;
    const char *id, *type, *source; /**< required                                   */
    const char *subject, *time;     /**< optional; time is RFC 3339                 */
    const char *content_type;       /**< default "application/json"                 */
    weir_bytes data;                /**< copied                                     */
    const char *const *extensions;  /**< "name", "value", ..., NULL; copied         */
} weir_event_options;
#define WEIR_EVENT(...)                                                                            \
    (&(weir_event_options){.struct_size = sizeof(weir_event_options), __VA_ARGS__})

WEIR_BEGIN
WEIR_API WEIR_MUST_USE weir_event *weir_event_new(const weir_event_options *o, weir_error *err);
WEIR_API weir_event *weir_event_ref(const weir_event *event);
WEIR_API void weir_event_free(weir_event *event); /* drops one reference */

/** Any context attribute or extension by its CloudEvents name ("id", "source", "userid",
 *  "replayid", ...), or NULL. The three required ones are never NULL. */
WEIR_API const char *weir_event_attr(const weir_event *event, const char *name);
WEIR_API weir_bytes weir_event_data(const weir_event *event);
/** The data as text, always NUL-terminated; "" when it is binary or absent. */
WEIR_API const char *weir_event_text(const weir_event *event);
/** The data as JSON, parsed at the first call; NULL when it is not JSON. */
WEIR_API const weir_json *weir_event_json(const weir_event *event);
/** The event exactly as the peer sent it, one JSON object (a Bayeux message with its "channel" and
 *  "data"); .data NULL: it did not come that way. Lives as long as the event. */
WEIR_API weir_bytes weir_event_original(const weir_event *event);

/** Structured mode ("application/cloudevents+json"); the text goes to weir_free(). */
WEIR_API WEIR_MUST_USE char *weir_event_format(const weir_event *event, weir_error *err);
WEIR_API WEIR_MUST_USE weir_event *weir_event_parse(const char *text, size_t len, weir_error *err);
WEIR_END
#endif
