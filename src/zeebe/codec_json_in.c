/* A message from protojson: a tree of jansson's is walked with the descriptors beside it.
 *
 * Both spellings of a field are understood; what is unknown, given twice, out of range or of
 * another type is refused, and the error says where: "brokers[0].port: ...". Numbers may be texts
 * and the other way round, as protojson has it, but are exact or refused.
 *
 * Thread: any. */
#include "core/error.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"
#include "zeebe/codec.h"
#include "zeebe/codec_fields.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where we are, from the inside out; made into text only for an error. */
struct place {
    const struct place *outer;
    const char *name; /* of a field, or NULL: item `index` of a list */
    size_t index;
};

struct reader {
    struct arena *arena;
    weir_error *err;
};

typedef weir_status read_fn(struct reader *r, const ProtobufCFieldDescriptor *field,
                            const json_t *value, void *at, const struct place *place);

static weir_status read_message(struct reader *r, ProtobufCMessage *message, const json_t *object,
                                const struct place *place);

/* ---- errors ---- */

static void write_place(struct buf *out, const struct place *place)
{
    if (!place)
        return;
    write_place(out, place->outer);
    if (!place->name)
        buf_addf(out, "[%zu]", place->index);
    else
        buf_addf(out, "%s%s", place->outer ? "." : "", place->name);
}

static weir_status complain(struct reader *r, const struct place *place, const char *what)
{
    struct buf where = BUF_INIT(LIMIT_JSON_TEXT);
    write_place(&where, place);
    if (where.failed)
        error_no_memory(r->err);
    else if (where.data)
        error_set(r->err, WEIR_INVALID, "%.300s: %s", where.data, what);
    else
        error_set(r->err, WEIR_INVALID, "%s", what);
    weir_status status = where.failed ? WEIR_NO_MEMORY : WEIR_INVALID;
    buf_free(&where);
    return status;
}

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

static weir_status wrong_type(struct reader *r, const struct place *place, const char *wanted,
                              const json_t *value)
{
    char what[160];
    (void)snprintf(what, sizeof what, "%.100s is wanted, this is %s", wanted, kind_of(value));
    return complain(r, place, what);
}

static weir_status out_of_range(struct reader *r, const ProtobufCFieldDescriptor *field,
                                const struct place *place)
{
    char what[120];
    (void)snprintf(what, sizeof what, "the number does not fit %.80s", codec_type_name(field));
    return complain(r, place, what);
}

static weir_status no_memory(struct reader *r, const struct place *place)
{
    if (r->arena->full)
        return complain(r, place, "the message is too large");
    return error_no_memory(r->err);
}

/* ---- numbers ---- */

/* A number as JSON has it: whole, with its sign apart so that all of uint64 fits, or not whole. */
struct number {
    bool whole, negative;
    uint64_t magnitude;
    double real;
};

static void number_of_integer(struct number *n, json_int_t value)
{
    n->whole = true;
    n->negative = value < 0;
    n->magnitude = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    n->real = (double)value;
}

/* "5.0" and "1e3" are whole, too, if they are exact. */
static void number_of_real(struct number *n, double value)
{
    n->real = value;
    n->whole = trunc(value) == value && fabs(value) <= 9007199254740992.0;
    if (!n->whole)
        return;
    n->negative = value < 0;
    n->magnitude = (uint64_t)fabs(value);
}

/* Digits beyond int64, which jansson does not take. */
static bool big_digits(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - (uint64_t)(*text - '0')) / 10)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return true;
}

/* A text that holds a JSON number and nothing else, not even blanks. */
static bool number_of_text(struct number *n, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > 400 || !strchr("-0123456789", text[0]) ||
        !strchr("0123456789", text[len - 1]))
        return false;
    if (len >= 19 && text[0] != '0' && big_digits(text, &n->magnitude)) {
        n->whole = true;
        n->real = (double)n->magnitude;
        return true;
    }
    json_t *value = json_parse(text, len, "number", NULL);
    bool is_number = json_is_number(value);
    if (json_is_integer(value))
        number_of_integer(n, json_integer_value(value));
    else if (is_number)
        number_of_real(n, json_real_value(value));
    json_decref(value);
    return is_number;
}

/* WEIR_OK, or the error has been set. */
static weir_status read_number(struct reader *r, const ProtobufCFieldDescriptor *field,
                               const json_t *value, const struct place *place, struct number *n)
{
    *n = (struct number){.whole = false};
    if (json_is_integer(value))
        number_of_integer(n, json_integer_value(value));
    else if (json_is_real(value))
        number_of_real(n, json_real_value(value));
    else if (!json_is_string(value))
        return wrong_type(r, place, codec_type_name(field), value);
    else if (!number_of_text(n, json_string_value(value)))
        return complain(r, place, "the text is not a number");
    return WEIR_OK;
}

static weir_status read_whole(struct reader *r, const ProtobufCFieldDescriptor *field,
                              const json_t *value, const struct place *place, struct number *n)
{
    weir_status status = read_number(r, field, value, place, n);
    if (status != WEIR_OK || n->whole)
        return status;
    if (fabs(n->real) > 9007199254740992.0)
        return complain(r, place, "the number does not fit, or is not exact: write all its digits");
    return complain(r, place, "a whole number is wanted");
}

static weir_status read_signed(struct reader *r, const ProtobufCFieldDescriptor *field,
                               const json_t *value, const struct place *place, int64_t *out)
{
    struct number n;
    weir_status status = read_whole(r, field, value, place, &n);
    if (status != WEIR_OK)
        return status;
    bool narrow = codec_value_size(field->type) == 4;
    uint64_t most = narrow ? INT32_MAX : INT64_MAX;
    if (n.magnitude > most + (n.negative ? 1 : 0))
        return out_of_range(r, field, place);
    *out = (int64_t)(n.negative ? UINT64_C(0) - n.magnitude : n.magnitude);
    return WEIR_OK;
}

static weir_status read_i32(struct reader *r, const ProtobufCFieldDescriptor *field,
                            const json_t *value, void *at, const struct place *place)
{
    int64_t number = 0;
    weir_status status = read_signed(r, field, value, place, &number);
    *(int32_t *)at = (int32_t)number;
    return status;
}

static weir_status read_i64(struct reader *r, const ProtobufCFieldDescriptor *field,
                            const json_t *value, void *at, const struct place *place)
{
    return read_signed(r, field, value, place, at);
}

static weir_status read_unsigned(struct reader *r, const ProtobufCFieldDescriptor *field,
                                 const json_t *value, const struct place *place, uint64_t *out)
{
    struct number n;
    weir_status status = read_whole(r, field, value, place, &n);
    if (status != WEIR_OK)
        return status;
    uint64_t most = codec_value_size(field->type) == 4 ? UINT32_MAX : UINT64_MAX;
    if ((n.negative && n.magnitude > 0) || n.magnitude > most)
        return out_of_range(r, field, place);
    *out = n.magnitude;
    return WEIR_OK;
}

static weir_status read_u32(struct reader *r, const ProtobufCFieldDescriptor *field,
                            const json_t *value, void *at, const struct place *place)
{
    uint64_t number = 0;
    weir_status status = read_unsigned(r, field, value, place, &number);
    *(uint32_t *)at = (uint32_t)number;
    return status;
}

static weir_status read_u64(struct reader *r, const ProtobufCFieldDescriptor *field,
                            const json_t *value, void *at, const struct place *place)
{
    return read_unsigned(r, field, value, place, at);
}

static bool named_number(const json_t *value, double *out)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    for (size_t i = 0; json_is_string(value) && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, json_string_value(value)) == 0) {
            *out = names[i].value;
            return true;
        }
    }
    return false;
}

static weir_status read_real(struct reader *r, const ProtobufCFieldDescriptor *field,
                             const json_t *value, void *at, const struct place *place)
{
    struct number n;
    double number;
    if (!named_number(value, &number)) {
        weir_status status = read_number(r, field, value, place, &n);
        if (status != WEIR_OK)
            return status;
        number = n.real;
        if (field->type == PROTOBUF_C_TYPE_FLOAT && fabs(number) > (double)FLT_MAX)
            return out_of_range(r, field, place);
    }
    if (field->type == PROTOBUF_C_TYPE_FLOAT)
        *(float *)at = (float)number;
    else
        *(double *)at = number;
    return WEIR_OK;
}

/* ---- what is not a number ---- */

static weir_status read_bool(struct reader *r, const ProtobufCFieldDescriptor *field,
                             const json_t *value, void *at, const struct place *place)
{
    if (!json_is_boolean(value))
        return wrong_type(r, place, codec_type_name(field), value);
    *(protobuf_c_boolean *)at = json_is_true(value);
    return WEIR_OK;
}

static weir_status unknown_value(struct reader *r, const ProtobufCEnumDescriptor *type,
                                 const char *name, const struct place *place)
{
    char what[400];
    int used =
        snprintf(what, sizeof what, "\"%.60s\" is no %.60s; it is one of", name, type->short_name);
    for (unsigned i = 0; i < type->n_values && used > 0 && (size_t)used < sizeof what; i++)
        used += snprintf(what + used, sizeof what - (size_t)used, "%s %s", i > 0 ? "," : "",
                         type->values[i].name);
    return complain(r, place, what);
}

static weir_status read_enum(struct reader *r, const ProtobufCFieldDescriptor *field,
                             const json_t *value, void *at, const struct place *place)
{
    if (!json_is_string(value))
        return read_i32(r, field, value, at, place);
    const char *name = json_string_value(value);
    const ProtobufCEnumValue *found =
        protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, name);
    if (!found)
        return unknown_value(r, field->descriptor, name, place);
    *(int *)at = found->value;
    return WEIR_OK;
}

static weir_status read_string(struct reader *r, const ProtobufCFieldDescriptor *field,
                               const json_t *value, void *at, const struct place *place)
{
    if (!json_is_string(value))
        return wrong_type(r, place, codec_type_name(field), value);
    char *copy = arena_dup(r->arena, json_string_value(value), json_string_length(value));
    if (!copy)
        return no_memory(r, place);
    memcpy(at, &copy, sizeof copy);
    return WEIR_OK;
}

static weir_status read_bytes(struct reader *r, const ProtobufCFieldDescriptor *field,
                              const json_t *value, void *at, const struct place *place)
{
    if (!json_is_string(value))
        return wrong_type(r, place, codec_type_name(field), value);
    const char *text = json_string_value(value);
    size_t len = json_string_length(value), size = 0;
    void *data = NULL;
    if (!base64_decode(text, len, strpbrk(text, "-_") != NULL, &data, &size))
        return complain(r, place, "the text is not base64");
    ProtobufCBinaryData bytes = {size, (uint8_t *)arena_dup(r->arena, data, size)};
    mem_free(data);
    if (!bytes.data)
        return no_memory(r, place);
    memcpy(at, &bytes, sizeof bytes);
    return WEIR_OK;
}

static weir_status read_nested(struct reader *r, const ProtobufCFieldDescriptor *field,
                               const json_t *value, void *at, const struct place *place)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    if (!json_is_object(value))
        return wrong_type(r, place, codec_type_name(field), value);
    ProtobufCMessage *message = arena_alloc(r->arena, type->sizeof_message);
    if (!message)
        return no_memory(r, place);
    protobuf_c_message_init(type, message);
    memcpy(at, &message, sizeof message);
    return read_message(r, message, value, place);
}

static read_fn *const readers[] = {
    [PROTOBUF_C_TYPE_INT32] = read_i32,      [PROTOBUF_C_TYPE_SINT32] = read_i32,
    [PROTOBUF_C_TYPE_SFIXED32] = read_i32,   [PROTOBUF_C_TYPE_INT64] = read_i64,
    [PROTOBUF_C_TYPE_SINT64] = read_i64,     [PROTOBUF_C_TYPE_SFIXED64] = read_i64,
    [PROTOBUF_C_TYPE_UINT32] = read_u32,     [PROTOBUF_C_TYPE_FIXED32] = read_u32,
    [PROTOBUF_C_TYPE_UINT64] = read_u64,     [PROTOBUF_C_TYPE_FIXED64] = read_u64,
    [PROTOBUF_C_TYPE_FLOAT] = read_real,     [PROTOBUF_C_TYPE_DOUBLE] = read_real,
    [PROTOBUF_C_TYPE_BOOL] = read_bool,      [PROTOBUF_C_TYPE_ENUM] = read_enum,
    [PROTOBUF_C_TYPE_STRING] = read_string,  [PROTOBUF_C_TYPE_BYTES] = read_bytes,
    [PROTOBUF_C_TYPE_MESSAGE] = read_nested,
};

/* ---- structures ---- */

static weir_status read_list(struct reader *r, const ProtobufCFieldDescriptor *field,
                             const json_t *value, char *message, const struct place *place)
{
    if (!json_is_array(value))
        return wrong_type(r, place, "an array", value);
    size_t count = json_array_size(value), step = codec_value_size(field->type);
    char *items = count > 0 ? arena_alloc(r->arena, count * step) : NULL;
    if (count > 0 && !items)
        return no_memory(r, place);
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < count && status == WEIR_OK; i++) {
        const struct place inner = {place, NULL, i};
        const json_t *item = json_array_get(value, i);
        status = readers[field->type](r, field, item, items + i * step, &inner);
    }
    memcpy(message + field->offset, &items, sizeof items);
    memcpy(message + field->quantifier_offset, &count, sizeof count);
    return status;
}

/* The field of the same oneof that has been given already, or NULL. */
static const ProtobufCFieldDescriptor *rival(const ProtobufCMessageDescriptor *type,
                                             const ProtobufCFieldDescriptor *field,
                                             const char *message)
{
    uint32_t chosen;
    memcpy(&chosen, message + field->quantifier_offset, sizeof chosen);
    return chosen == 0 ? NULL : protobuf_c_message_descriptor_get_field(type, chosen);
}

static weir_status read_field(struct reader *r, const ProtobufCFieldDescriptor *field,
                              const json_t *value, ProtobufCMessage *message,
                              const struct place *place)
{
    char *base = (char *)message;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_list(r, field, value, base, place);
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return readers[field->type](r, field, value, base + field->offset, place);
    const ProtobufCFieldDescriptor *other = rival(message->descriptor, field, base);
    if (other) {
        char what[200];
        (void)snprintf(what, sizeof what, "\"%.100s\" is given, too, and only one of them may be",
                       other->name);
        return complain(r, place, what);
    }
    memcpy(base + field->quantifier_offset, &field->id, sizeof field->id);
    return readers[field->type](r, field, value, base + field->offset, place);
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  const char *name)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (codec_is_name(type->fields[i].name, name))
            return &type->fields[i];
    return NULL;
}

static weir_status unknown_field(struct reader *r, const ProtobufCMessageDescriptor *type,
                                 const struct place *place)
{
    const char *names[64] = {NULL};
    for (unsigned i = 0; i < type->n_fields && i + 1 < sizeof names / sizeof names[0]; i++)
        names[i] = type->fields[i].name;
    const char *near = text_nearest(place->name, names);
    char what[300];
    if (near)
        (void)snprintf(what, sizeof what, "%.100s has no such field; did you mean \"%.100s\"?",
                       type->short_name, near);
    else
        (void)snprintf(what, sizeof what, "%.100s has no such field", type->short_name);
    return complain(r, place, what);
}

/* Given before under its other spelling. */
static bool given_twice(const ProtobufCFieldDescriptor *field, const json_t *object,
                        const char *name)
{
    const char *other;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, other, value)
    {
        if (strcmp(other, name) == 0)
            return false;
        if (codec_is_name(field->name, other))
            return true;
    }
    return false;
}

static weir_status read_message(struct reader *r, ProtobufCMessage *message, const json_t *object,
                                const struct place *place)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const struct place inner = {place, name, 0};
        const ProtobufCFieldDescriptor *field = find_field(message->descriptor, name);
        if (!field)
            return unknown_field(r, message->descriptor, &inner);
        if (strchr(field->name, '_') && given_twice(field, object, name))
            return complain(r, &inner, "the field is given twice");
        if (json_is_null(value))
            continue;
        weir_status status = read_field(r, field, value, message, &inner);
        if (status != WEIR_OK)
            return status;
    }
    return WEIR_OK;
}

weir_status codec_from_json(struct codec_message *out,
                            const struct ProtobufCMessageDescriptor *type, const char *text,
                            size_t len, weir_error *err)
{
    *out = (struct codec_message){.message = NULL};
    json_t *tree = json_parse(text ? text : "{}", text ? len : 2, type->short_name, err);
    if (!tree)
        return err ? err->status : WEIR_INVALID;
    arena_init(&out->arena, len * LIMIT_DECODED_FACTOR + LIMIT_DECODED_EXTRA);
    struct reader r = {&out->arena, err};
    const ProtobufCFieldDescriptor whole = {.descriptor = type};
    weir_status status = json_is_object(tree) ? read_nested(&r, &whole, tree, &out->message, NULL)
                                              : wrong_type(&r, NULL, "an object", tree);
    json_decref(tree);
    if (status != WEIR_OK)
        codec_message_free(out);
    return status == WEIR_OK ? error_ok(err) : status;
}
