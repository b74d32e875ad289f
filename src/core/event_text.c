/* CloudEvents 1.0 in JSON, structured mode ("JSON Event Format for CloudEvents", 1.0.2).
 *
 * Data that is JSON travels as the text it is, digit by digit, not through a tree and back. */
#include "core/event.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* 3.1: JSON as it is, text as a string, everything else in base64. */
static void add_data(struct buf *out, const weir_event *event)
{
    weir_bytes data = weir_event_data(event);
    bool binary = event_whole(event) == event && event->binary;
    if (!data.data)
        return;
    if (!binary && event_is_json(event) && weir_event_json(event)) {
        buf_adds(out, ",\"data\":");
        buf_add(out, data.data, data.len);
    } else if (!binary && !event_is_json(event) && (*weir_event_text(event) || data.len == 0)) {
        buf_adds(out, ",\"data\":");
        json_add_string(out, weir_event_text(event), data.len);
    } else {
        buf_adds(out, ",\"data_base64\":\"");
        base64_add(out, data.data, data.len, true);
        buf_adds(out, "\"");
    }
}

static void add_attr(struct buf *out, const struct attr *attr)
{
    if (attr->kind == ATTR_ASIDE)
        return;
    buf_addf(out, ",\"%s\":", attr->name);
    if (attr->kind == ATTR_TEXT)
        json_add_string(out, attr->value, strlen(attr->value));
    else
        buf_adds(out, attr->value);
}

char *weir_event_format(const weir_event *event, weir_error *err)
{
    if (!event) {
        error_null(err, "event");
        return NULL;
    }
    const weir_event *whole = event_whole(event);
    if (!whole) {
        error_no_memory(err);
        return NULL;
    }
    struct buf out = BUF_INIT(SIZE_MAX / 2);
    buf_adds(&out, "{\"specversion\":\"1.0\"");
    for (size_t i = 0; i < whole->attr_count; i++)
        add_attr(&out, &whole->attrs[i]);
    add_data(&out, event);
    buf_adds(&out, "}");
    if (buf_finish(&out, err) == WEIR_OK)
        error_ok(err);
    return out.data;
}

/* 2.2: strings, integers and booleans; null stands for "not set". */
static weir_status read_attr(weir_event *event, const char *name, const json_t *value,
                             weir_error *err)
{
    static const char *const only_text[] = {"id",   "source",          "type",      "subject",
                                            "time", "datacontenttype", "dataschema"};
    char number[24];
    bool text_wanted = false;
    for (size_t i = 0; i < sizeof only_text / sizeof *only_text; i++)
        text_wanted = text_wanted || strcmp(name, only_text[i]) == 0;
    if (json_is_null(value))
        return WEIR_OK;
    if (json_is_string(value))
        return event_set(event, name, json_string_value(value), ATTR_TEXT, err);
    if (json_is_boolean(value) && !text_wanted)
        return event_set(event, name, json_is_true(value) ? "true" : "false", ATTR_BOOL, err);
    if (!json_is_integer(value) || text_wanted)
        return error_set(err, WEIR_INVALID, "event: attribute '%.64s' must be %s", name,
                         text_wanted ? "a string" : "a string, an integer or a boolean");
    (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return event_set(event, name, number, ATTR_NUMBER, err);
}

static bool is_attr(const char *name)
{
    return strcmp(name, "specversion") != 0 && strcmp(name, "data") != 0 &&
           strcmp(name, "data_base64") != 0;
}

static weir_status read_attrs(weir_event *event, json_t *object, weir_error *err)
{
    const json_t *version = json_object_get(object, "specversion");
    const char *given = json_string_value(version);
    if (!given)
        return error_set(err, WEIR_INVALID,
                         "event: the required attribute 'specversion' is missing");
    if (strcmp(given, "1.0") != 0)
        return error_set(err, WEIR_UNSUPPORTED, "event: specversion '%.16s', only 1.0 is known",
                         given);
    weir_status status = WEIR_OK;
    for (void *at = json_object_iter(object); at && status == WEIR_OK;
         at = json_object_iter_next(object, at)) {
        if (is_attr(json_object_iter_key(at)))
            status = read_attr(event, json_object_iter_key(at), json_object_iter_value(at), err);
    }
    return status == WEIR_OK ? event_check(event, err) : status;
}

static weir_status read_base64(weir_event *event, const json_t *value, weir_error *err)
{
    void *data = NULL;
    if (!json_is_string(value))
        return error_set(err, WEIR_INVALID, "event: data_base64 must be a string");
    size_t len = json_string_length(value);
    if (!base64_decode(json_string_value(value), len, false, &data, &event->data_len)) {
        if (event->data_len == SIZE_MAX)
            return error_no_memory(err);
        return error_set(err, WEIR_INVALID, "event: data_base64 is not base64 (RFC 4648, 4)");
    }
    event->data = data;
    event->binary = true;
    return WEIR_OK;
}

static weir_status read_data(weir_event *event, json_t *object, weir_error *err)
{
    const json_t *data = json_object_get(object, "data");
    const json_t *base64 = json_object_get(object, "data_base64");
    if (data && base64)
        return error_set(err, WEIR_INVALID, "event: both data and data_base64 are given");
    if (base64)
        return read_base64(event, base64, err);
    if (!data)
        return WEIR_OK;
    if (json_is_string(data) && !event_is_json(event))
        return event_set_data(event, json_string_value(data), json_string_length(data), err);
    event->data = json_text(data, true);
    if (!event->data)
        return error_no_memory(err);
    event->data_len = strlen(event->data);
    return WEIR_OK;
}

weir_event *weir_event_parse(const char *text, size_t len, weir_error *err)
{
    weir_status status = WEIR_OK;
    json_t *object = error_held(err) ? NULL : json_parse(text, len, "event", err);
    if (!object)
        return NULL;
    weir_event *event = event_make(err);
    if (!event)
        status = WEIR_NO_MEMORY;
    else if (!json_is_object(object))
        status = error_set(err, WEIR_INVALID, "event: a JSON object was expected");
    if (status == WEIR_OK)
        status = read_attrs(event, object, err);
    if (status == WEIR_OK)
        status = read_data(event, object, err);
    json_decref(object);
    if (status == WEIR_OK)
        return event;
    weir_event_free(event);
    return NULL;
}
