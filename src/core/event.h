/* core/event.h - making events attribute by attribute; shared by event.c (making and reading) and
 * event_text.c (structured mode).
 *
 * There are two kinds. A whole event holds all it says. A slice is a part of something larger that
 * somebody else keeps (an answer with a hundred events in one block): it costs its maker nothing
 * but a few words, and finds out what it says when it is asked. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdatomic.h>
#include <weir/event.h>

/* CloudEvents 1.0, "Type System", as far as the JSON format keeps types apart. */
enum attr_kind {
    ATTR_TEXT,
    ATTR_NUMBER,
    ATTR_BOOL,
    ATTR_ASIDE /* text that is read by name only: structured mode leaves it out */
};

struct attr {
    char *name, *value;
    enum attr_kind kind; /* how structured mode writes it */
};

struct event_kind { /* of slices; any thread */
    void (*ref)(const weir_event *slice);
    void (*drop)(weir_event *slice); /* with the last reference: event_slice_clear() */
    /* Fills the attributes of `into`, a whole event; may be called twice at once. */
    weir_status (*describe)(const weir_event *slice, weir_event *into, weir_error *err);
    weir_bytes (*data)(const weir_event *slice);     /* JSON, or no data */
    weir_bytes (*original)(const weir_event *slice); /* as it came */
};

/* The first member of a slice; a weir_event * points to it. Zeroed but for `kind`. */
struct event_slice {
    const struct event_kind *kind;
    _Atomic(weir_event *) whole; /* made when somebody asks for an attribute              */
    _Atomic(char *) text;        /* ... for the data as text                              */
    _Atomic(weir_json *) as_json;
    atomic_int json_state;
};
void event_slice_clear(struct event_slice *slice); /* what was made; the slice is its owner's */

struct weir_event {                /* a whole one */
    const struct event_kind *kind; /* NULL */
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
/* The event itself, or a whole one with a slice's attributes; NULL: no memory. Its data is not
 * that of a slice. */
const weir_event *event_whole(const weir_event *event);
/* True when the content type is absent, or JSON by its subtype (RFC 6838, 4.2.8). */
bool event_is_json(const weir_event *event);
#endif
