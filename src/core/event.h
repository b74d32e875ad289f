/* core/event.h - making events attribute by attribute; shared by event.c (making and reading) and
 * event_text.c (structured mode). */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdatomic.h>
#include <weir/event.h>

/* CloudEvents 1.0, "Type System", as far as the JSON format keeps types apart. */
enum attr_kind { ATTR_TEXT, ATTR_NUMBER, ATTR_BOOL };

struct attr {
    char *name, *value;
    enum attr_kind kind; /* how structured mode writes it */
};

struct weir_event {
    atomic_size_t refs;
    struct attr *attrs;
    size_t attr_count, attr_room;
    char *data; /* NUL-terminated; NULL: none */
    size_t data_len;
    bool binary;                  /* it came as data_base64, and goes as such      */
    atomic_int json_state;        /* 0 not asked, 1 asked and not JSON             */
    _Atomic(weir_json *) as_json; /* made at the first call of weir_event_json()   */
};

/* An event of one reference without anything; NULL: no memory, *err filled. */
weir_event *event_make(weir_error *err);
/* Checks name and value (CloudEvents 1.0, "Naming Conventions" and "String"), refuses what is set
 * already; copies. */
weir_status event_set(weir_event *event, const char *name, const char *value, enum attr_kind kind,
                      weir_error *err);
weir_status event_set_data(weir_event *event, const void *data, size_t len, weir_error *err);
/* All of id, source, type are there. */
weir_status event_check(const weir_event *event, weir_error *err);
/* True when the content type is absent, or JSON by its subtype (RFC 6838, 4.2.8). */
bool event_is_json(const weir_event *event);
#endif
