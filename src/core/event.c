/* Events: made once, immutable after, reference counted. The JSON tree of the data is made by
 * whoever asks first; when two ask at once, one tree wins and the other is thrown away. The same
 * goes for all that a slice says: its attributes live in a whole event of its own, its text in a
 * copy, and neither is made before somebody asks. */
#include "core/event.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN ((size_t)255) /* of an attribute: generous */
#define MAX_ATTRS    256

weir_event *event_make(weir_error *err)
{
    weir_event *event = mem_zalloc(sizeof *event);
    if (!event) {
        error_no_memory(err);
        return NULL;
    }
    atomic_init(&event->refs, 1);
    atomic_init(&event->json_state, 0);
    atomic_init(&event->as_json, NULL);
    return event;
}

/* What both kinds begin with. */
static const struct event_kind *kind_of(const weir_event *event)
{
    return *(const struct event_kind *const *)(const void *)event;
}

static struct event_slice *slice_of(const weir_event *event)
{
    return (struct event_slice *)(uintptr_t)event; /* what is remembered changes nothing */
}

weir_event *weir_event_ref(const weir_event *event)
{
    weir_event *mine = (weir_event *)(uintptr_t)event; /* immutable but for its count */
    if (mine && kind_of(mine))
        kind_of(mine)->ref(mine);
    else if (mine)
        atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

void event_slice_clear(struct event_slice *slice)
{
    weir_event_free(atomic_load_explicit(&slice->whole, memory_order_acquire));
    mem_free(atomic_load_explicit(&slice->text, memory_order_acquire));
    weir_json_free(atomic_load_explicit(&slice->as_json, memory_order_acquire));
}

static void free_whole(weir_event *event)
{
    if (atomic_fetch_sub(&event->refs, 1) > 1)
        return;
    for (size_t i = 0; i < event->attr_count; i++) {
        mem_free(event->attrs[i].name);
        mem_free(event->attrs[i].value);
    }
    mem_free(event->attrs);
    mem_free(event->data);
    weir_json_free(atomic_load(&event->as_json));
    mem_free(event);
}

void weir_event_free(weir_event *event)
{
    if (event && kind_of(event))
        kind_of(event)->drop(event);
    else if (event)
        free_whole(event);
}

/* CloudEvents 1.0, "Attribute Naming Convention": lower-case ASCII letters and digits; "data" is no
 * attribute (section "Context Attributes" of its JSON format). */
static bool good_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
    return len > 0 && len == strlen(name) && len <= NAME_MAX_LEN && strcmp(name, "data") != 0;
}

/* CloudEvents 1.0, "String": no control characters, valid Unicode. */
static bool good_value(const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        bool c1 = c == 0xc2 && (unsigned char)value[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || c1)
            return false;
    }
    return text_is_utf8(value, len);
}

static bool digits(const char *text, size_t count, int low, int high)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    return value >= low && value <= high;
}

static bool good_offset(const char *t)
{
    if (*t == 'Z' || *t == 'z')
        return t[1] == '\0';
    return (*t == '+' || *t == '-') && strlen(t) == 6 && digits(t + 1, 2, 0, 23) && t[3] == ':' &&
           digits(t + 4, 2, 0, 59);
}

/* RFC 3339, 5.6: date-time. */
static bool good_time(const char *t)
{
    static const struct {
        size_t at, count;
        int low, high;
    } numbers[] = {{0, 4, 0, 9999}, {5, 2, 1, 12},  {8, 2, 1, 31},
                   {11, 2, 0, 23},  {14, 2, 0, 59}, {17, 2, 0, 60}};
    if (strlen(t) < sizeof "0000-00-00T00:00:00" || t[4] != '-' || t[7] != '-' ||
        !strchr("Tt", t[10]) || t[13] != ':' || t[16] != ':')
        return false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!digits(t + numbers[i].at, numbers[i].count, numbers[i].low, numbers[i].high))
            return false;
    }
    size_t fraction = t[19] == '.' ? strspn(t + 20, "0123456789") + 1 : 0;
    return fraction != 1 && good_offset(t + 19 + fraction);
}

static weir_status check_attr(const weir_event *event, const char *name, const char *value,
                              weir_error *err)
{
    if (!good_name(name))
        return error_set(err, WEIR_INVALID,
                         "event: '%.64s' is no attribute name: a-z and 0-9 only, and not \"data\"",
                         name);
    if (weir_event_attr(event, name))
        return error_set(err, WEIR_INVALID, "event: attribute '%s' is given twice", name);
    if (!*value)
        return error_set(err, WEIR_INVALID, "event: attribute '%s' is empty", name);
    if (!good_value(value))
        return error_set(err, WEIR_INVALID,
                         "event: attribute '%s' has a control character, or one that is not UTF-8",
                         name);
    if (strcmp(name, "time") == 0 && !good_time(value))
        return error_set(err, WEIR_INVALID, "event: time is no RFC 3339 date-time: '%.64s'", value);
    if (event->attr_count == MAX_ATTRS)
        return error_set(err, WEIR_INVALID, "event: more than %d attributes", MAX_ATTRS);
    return WEIR_OK;
}

static bool make_room(weir_event *event)
{
    if (event->attr_count < event->attr_room)
        return true;
    size_t room = event->attr_room ? event->attr_room * 2 : 8;
    struct attr *grown = mem_realloc(event->attrs, room * sizeof *grown);
    if (!grown)
        return false;
    event->attrs = grown;
    event->attr_room = room;
    return true;
}

weir_status event_set(weir_event *event, const char *name, const char *value, enum attr_kind kind,
                      weir_error *err)
{
    weir_status status = check_attr(event, name, value, err);
    if (status != WEIR_OK)
        return status;
    struct attr attr = {mem_strdup(name), mem_strdup(value), kind};
    if (!attr.name || !attr.value || !make_room(event)) {
        mem_free(attr.name);
        mem_free(attr.value);
        return error_no_memory(err);
    }
    event->attrs[event->attr_count++] = attr;
    return WEIR_OK;
}

weir_status event_set_data(weir_event *event, const void *data, size_t len, weir_error *err)
{
    event->data = mem_dup(data, len);
    event->data_len = len;
    return event->data ? WEIR_OK : error_no_memory(err);
}

weir_status event_check(const weir_event *event, weir_error *err)
{
    static const char *const required[] = {"id", "source", "type"};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        if (!weir_event_attr(event, required[i]))
            return error_set(err, WEIR_INVALID, "event: the required attribute '%s' is missing",
                             required[i]);
    }
    return WEIR_OK;
}

static weir_status set_attrs(weir_event *event, const weir_event_options *o, weir_error *err)
{
    const struct {
        const char *name, *value;
    } given[] = {
        {"id", o->id},           {"source", o->source}, {"type", o->type},
        {"subject", o->subject}, {"time", o->time},     {"datacontenttype", o->content_type},
    };
    weir_status status = WEIR_OK;
    for (size_t i = 0; status == WEIR_OK && i < sizeof given / sizeof *given; i++) {
        if (given[i].value && given[i].value != WEIR_OMIT)
            status = event_set(event, given[i].name, given[i].value, ATTR_TEXT, err);
    }
    if (status == WEIR_OK && !o->content_type && o->data.data)
        status = event_set(event, "datacontenttype", "application/json", ATTR_TEXT, err);
    return status;
}

static weir_status set_extensions(weir_event *event, const char *const *x, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (; status == WEIR_OK && x && x[0]; x += 2) {
        if (!x[1])
            status = error_set(err, WEIR_INVALID, "event: extension '%.64s' has no value", x[0]);
        else if (strcmp(x[0], "specversion") == 0)
            status = error_set(err, WEIR_INVALID, "event: specversion is always 1.0");
        else
            status = event_set(event, x[0], x[1], ATTR_TEXT, err);
    }
    return status;
}

weir_event *weir_event_new(const weir_event_options *options, weir_error *err)
{
    weir_event_options o;
    if (error_held(err) || options_read(&o, sizeof o, options, "WEIR_EVENT", err) != WEIR_OK)
        return NULL;
    weir_event *event = event_make(err);
    if (!event)
        return NULL;
    weir_status status = set_attrs(event, &o, err);
    if (status == WEIR_OK)
        status = set_extensions(event, o.extensions, err);
    if (status == WEIR_OK)
        status = event_check(event, err);
    if (status == WEIR_OK && o.data.data)
        status = event_set_data(event, o.data.data, o.data.len, err);
    if (status == WEIR_OK) {
        error_ok(err);
        return event;
    }
    weir_event_free(event);
    return NULL;
}

/* ---- slices ------------------------------------------------------------------------------ */

/* A whole event with the slice's attributes; NULL: no memory, or it has none that can be. */
const weir_event *event_whole(const weir_event *event)
{
    if (!kind_of(event))
        return event;
    struct event_slice *slice = slice_of(event);
    weir_event *known = atomic_load(&slice->whole);
    weir_event *made = known ? NULL : event_make(NULL);
    if (!made)
        return known;
    if (kind_of(event)->describe(event, made, NULL) == WEIR_OK &&
        atomic_compare_exchange_strong(&slice->whole, &known, made))
        return made;
    weir_event_free(made);
    return known;
}

static const char *slice_text(const weir_event *event)
{
    struct event_slice *slice = slice_of(event);
    weir_bytes data = kind_of(event)->data(event);
    char *known = atomic_load(&slice->text);
    char *made = known || !data.data ? NULL : mem_dup(data.data, data.len);
    if (!made)
        return known ? known : "";
    if (atomic_compare_exchange_strong(&slice->text, &known, made))
        return made;
    mem_free(made);
    return known;
}

/* ---- reading ----------------------------------------------------------------------------- */

static const char *find(const weir_event *event, const char *name)
{
    for (size_t i = 0; i < event->attr_count; i++) {
        if (strcmp(event->attrs[i].name, name) == 0)
            return event->attrs[i].value;
    }
    return NULL;
}

const char *weir_event_attr(const weir_event *event, const char *name)
{
    if (!event || !name)
        return NULL;
    if (strcmp(name, "specversion") == 0)
        return "1.0";
    const weir_event *whole = event_whole(event);
    return whole ? find(whole, name) : NULL;
}

weir_bytes weir_event_data(const weir_event *event)
{
    if (event && kind_of(event))
        return kind_of(event)->data(event);
    if (!event || !event->data)
        return (weir_bytes){NULL, 0};
    return (weir_bytes){event->data, event->data_len};
}

weir_bytes weir_event_original(const weir_event *event)
{
    if (!event || !kind_of(event))
        return (weir_bytes){NULL, 0};
    return kind_of(event)->original(event);
}

const char *weir_event_text(const weir_event *event)
{
    if (event && kind_of(event))
        return slice_text(event);
    bool text = event && event->data && !memchr(event->data, '\0', event->data_len) &&
                text_is_utf8(event->data, event->data_len);
    return text ? event->data : "";
}

bool event_is_json(const weir_event *event)
{
    const char *type = weir_event_attr(event, "datacontenttype");
    if (!type)
        return true;
    char bare[128];
    size_t len = strcspn(type, "; ");
    (void)snprintf(bare, sizeof bare, "%.*s", (int)(len < sizeof bare ? len : 0), type);
    const char *subtype = strchr(bare, '/');
    const char *suffix = subtype ? strrchr(subtype, '+') : NULL;
    return subtype && text_equal_nocase(suffix ? suffix + 1 : subtype + 1, "json");
}

static const weir_json *ask(weir_bytes data, atomic_int *state, _Atomic(weir_json *) *as_json)
{
    weir_error why = {0};
    weir_json *none = NULL;
    weir_json *made = json_wrap(json_parse(data.data, data.len, "event data", &why));
    if (!made) {
        if (why.status != WEIR_NO_MEMORY) /* that may be better next time */
            atomic_store(state, 1);
        return NULL;
    }
    if (atomic_compare_exchange_strong(as_json, &none, made))
        return made;
    weir_json_free(made);
    return none;
}

const weir_json *weir_event_json(const weir_event *event)
{
    weir_event *mine = (weir_event *)(uintptr_t)event; /* the tree only remembers what is so */
    weir_bytes data = weir_event_data(event);
    if (!data.data)
        return NULL;
    bool slice = kind_of(event) != NULL;
    atomic_int *state = slice ? &slice_of(event)->json_state : &mine->json_state;
    _Atomic(weir_json *) *as_json = slice ? &slice_of(event)->as_json : &mine->as_json;
    if (atomic_load(state))
        return NULL;
    const weir_json *known = atomic_load(as_json);
    return known ? known : ask(data, state, as_json);
}
