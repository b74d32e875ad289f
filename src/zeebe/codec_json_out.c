/* A message written as protojson, field by field, without a tree in between.
 *
 * Fields come in the order of their numbers. Unset ones are shown as grpcurl and zbctl show them
 * (protojson's "emit unpopulated"): a zero, "", [], and null for a message; only what stands in a
 * oneof, and `optional` is one of a single field, is left out when it is unset.
 *
 * Thread: any. */
#include "core/error.h"
#include "core/text.h"
#include "zeebe/codec.h"
#include "zeebe/codec_fields.h"
#include "zeebe/gateway.pb-c.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPICAL_SIZE 1000

struct writer {
    struct buf *out;
    bool compact;
    int depth;
    const char *broken; /* the field whose text is not UTF-8 */
};

static void write_message(struct writer *w, const ProtobufCMessage *message);

static void new_line(struct writer *w)
{
    if (w->compact)
        return;
    static const char line[] = "\n                                ";
    size_t blanks = 2 * (size_t)w->depth, most = sizeof line - 2;
    buf_add(w->out, line, 1 + (blanks < most ? blanks : most));
    for (; blanks > most; blanks -= 2)
        buf_adds(w->out, "  ");
}

/* ---- texts ---- */

static void write_escape(struct buf *out, unsigned char c)
{
    static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof shorts; i += 2) {
        if ((unsigned char)shorts[i] == c) {
            const char text[] = {'\\', shorts[i + 1]};
            buf_add(out, text, sizeof text);
            return;
        }
    }
    buf_addf(out, "\\u%04x", c);
}

/* The high bit of the first byte that is `c`; none, if none is. */
static uint64_t marks_of(uint64_t eight, unsigned char c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t zero = eight ^ (ones * c);
    return (zero - ones) & ~zero;
}

/* How many of the first bytes surely need no escape; it looks at eight at a time. */
static size_t plain_run(const char *text, size_t len)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    const uint64_t spaces = UINT64_C(0x2020202020202020);
    uint64_t eight;
    size_t i = 0;
    for (; len - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, text + i, sizeof eight);
        uint64_t marks = (eight - spaces) & ~eight;
        marks |= marks_of(eight, '"') | marks_of(eight, '\\');
        if (marks & high)
            break;
    }
    return i;
}

static void write_text(struct writer *w, const char *text, const char *field)
{
    size_t len = strlen(text), from = 0;
    if (!text_is_utf8(text, len) && !w->broken)
        w->broken = field;
    buf_adds(w->out, "\"");
    for (size_t i = plain_run(text, len); i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(w->out, text + from, i - from);
        write_escape(w->out, c);
        from = i + 1;
        i += plain_run(text + from, len - from);
    }
    buf_add(w->out, text + from, len - from);
    buf_adds(w->out, "\"");
}

/* ---- numbers ---- */

/* printf() takes longer than all else that is done for a number. */
static void write_decimal(struct buf *out, uint64_t value, bool negative, const char *quote)
{
    char text[24];
    char *at = text + sizeof text;
    size_t quoted = *quote ? 1 : 0;
    if (quoted)
        *--at = *quote;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    if (negative)
        *--at = '-';
    if (quoted)
        *--at = *quote;
    buf_add(out, at, (size_t)(text + sizeof text - at));
}

static void write_signed(struct buf *out, int64_t value, const char *quote)
{
    write_decimal(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, quote);
}

/* The decimal point of C's locale functions is the locale's; that of JSON is not. */
static void write_double(struct buf *out, double value, int digits)
{
    char text[40];
    for (int n = digits; n <= DBL_DECIMAL_DIG; n++) {
        (void)snprintf(text, sizeof text, "%.*g", n, value);
        double back = strtod(text, NULL);
        if (digits == FLT_DIG ? (float)back == (float)value : back == value)
            break;
    }
    for (char *p = text; *p; p++)
        if (!strchr("+-.0123456789e", *p))
            *p = '.';
    buf_adds(out, text);
}

static void write_floating(struct writer *w, double value, int digits)
{
    if (isnan(value))
        buf_adds(w->out, "\"NaN\"");
    else if (isinf(value))
        buf_adds(w->out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else
        write_double(w->out, value, digits);
}

/* ---- values: a function for each kind, with the place of the value ---- */

typedef void write_fn(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at);

static void write_i32(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    write_signed(w->out, *(const int32_t *)at, "");
}

static void write_u32(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    write_decimal(w->out, *(const uint32_t *)at, false, "");
}

static void write_i64(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    write_signed(w->out, *(const int64_t *)at, "\"");
}

static void write_u64(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    write_decimal(w->out, *(const uint64_t *)at, false, "\"");
}

static void write_float(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    write_floating(w, (double)*(const float *)at, FLT_DIG);
}

static void write_real(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    write_floating(w, *(const double *)at, DBL_DIG);
}

static void write_bool(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    buf_adds(w->out, *(const protobuf_c_boolean *)at ? "true" : "false");
}

static void write_enum(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    int number = *(const int *)at;
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(field->descriptor, number);
    if (!value) {
        write_signed(w->out, number, "");
        return;
    }
    buf_adds(w->out, "\"");
    buf_adds(w->out, value->name);
    buf_adds(w->out, "\"");
}

static void write_string(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    const char *text;
    memcpy(&text, at, sizeof text);
    write_text(w, text ? text : "", field->name);
}

static void write_bytes(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    const ProtobufCBinaryData *bytes = at;
    buf_adds(w->out, "\"");
    base64_add(w->out, bytes->data, bytes->len, true);
    buf_adds(w->out, "\"");
}

static void write_nested(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at)
{
    (void)field;
    const ProtobufCMessage *message;
    memcpy(&message, at, sizeof message);
    if (message)
        write_message(w, message);
    else
        buf_adds(w->out, "null");
}

static write_fn *const writers[] = {
    [PROTOBUF_C_TYPE_INT32] = write_i32,      [PROTOBUF_C_TYPE_SINT32] = write_i32,
    [PROTOBUF_C_TYPE_SFIXED32] = write_i32,   [PROTOBUF_C_TYPE_INT64] = write_i64,
    [PROTOBUF_C_TYPE_SINT64] = write_i64,     [PROTOBUF_C_TYPE_SFIXED64] = write_i64,
    [PROTOBUF_C_TYPE_UINT32] = write_u32,     [PROTOBUF_C_TYPE_FIXED32] = write_u32,
    [PROTOBUF_C_TYPE_UINT64] = write_u64,     [PROTOBUF_C_TYPE_FIXED64] = write_u64,
    [PROTOBUF_C_TYPE_FLOAT] = write_float,    [PROTOBUF_C_TYPE_DOUBLE] = write_real,
    [PROTOBUF_C_TYPE_BOOL] = write_bool,      [PROTOBUF_C_TYPE_ENUM] = write_enum,
    [PROTOBUF_C_TYPE_STRING] = write_string,  [PROTOBUF_C_TYPE_BYTES] = write_bytes,
    [PROTOBUF_C_TYPE_MESSAGE] = write_nested,
};

/* ---- structures ---- */

static void write_list(struct writer *w, const ProtobufCFieldDescriptor *field, const char *message)
{
    size_t count, step = codec_value_size(field->type);
    const char *items;
    memcpy(&count, message + field->quantifier_offset, sizeof count);
    memcpy(&items, message + field->offset, sizeof items);
    buf_adds(w->out, "[");
    w->depth++;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_adds(w->out, ",");
        new_line(w);
        writers[field->type](w, field, items + i * step);
    }
    w->depth--;
    if (count > 0)
        new_line(w);
    buf_adds(w->out, "]");
}

static bool left_out(const ProtobufCFieldDescriptor *field, const char *message)
{
    uint32_t chosen;
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return false;
    memcpy(&chosen, message + field->quantifier_offset, sizeof chosen);
    return chosen != field->id;
}

static void write_message(struct writer *w, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const char *base = (const char *)message;
    bool any = false;
    buf_adds(w->out, "{");
    w->depth++;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (left_out(field, base))
            continue;
        if (any)
            buf_adds(w->out, ",");
        any = true;
        new_line(w);
        codec_write_name(w->out, field->name);
        buf_adds(w->out, w->compact ? ":" : ": ");
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            write_list(w, field, base);
        else
            writers[field->type](w, field, base + field->offset);
    }
    w->depth--;
    if (any)
        new_line(w);
    buf_adds(w->out, "}");
}

weir_status codec_to_json(const struct ProtobufCMessage *message, bool compact, struct buf *out,
                          weir_error *err)
{
    struct writer w = {.out = out, .compact = compact};
    buf_reserve(out, TYPICAL_SIZE);
    write_message(&w, message);
    if (w.broken)
        return error_set(err, WEIR_PROTOCOL, "%s: the field %s is not UTF-8",
                         message->descriptor->name, w.broken);
    return buf_finish(out, err);
}
