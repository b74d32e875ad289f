/* An RPC and its messages in protobuf's language, from the descriptors.
 *
 * Descriptors do not keep the names of oneofs. A oneof of one field is what `optional` became when
 * the code was generated (cmake/protobuf_c.cmake), except for the few in the table below; a test
 * compares it with gateway.proto.
 *
 * Thread: any. */
#include "core/error.h"
#include "core/limits.h"
#include "zeebe/codec.h"
#include "zeebe/codec_fields.h"
#include <string.h>

#define TYPES 64 /* that one RPC reaches */

static const struct {
    const char *message, *name;
} oneofs[] = {
    {"gateway_protocol.Deployment", "Metadata"},
    {"gateway_protocol.ProcessInstanceCreationRuntimeInstruction", "instruction"},
};

/* What has been reached so far, messages and enums, in the order in which they were. */
struct reached {
    struct {
        const ProtobufCMessageDescriptor *message; /* or: */
        const ProtobufCEnumDescriptor *enumeration;
        const char *name;
    } types[TYPES];
    size_t count;
};

static const char *oneof_name(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < sizeof oneofs / sizeof oneofs[0]; i++)
        if (strcmp(oneofs[i].message, type->name) == 0)
            return oneofs[i].name;
    return NULL;
}

static bool is_new(const struct reached *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->types[i].name, name) == 0)
            return false;
    return all->count < TYPES;
}

static void reach(struct reached *all, const ProtobufCMessageDescriptor *type)
{
    if (!is_new(all, type->name))
        return;
    all->types[all->count].message = type;
    all->types[all->count++].name = type->name;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const ProtobufCEnumDescriptor *enumeration = field->descriptor;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            reach(all, field->descriptor);
        } else if (field->type == PROTOBUF_C_TYPE_ENUM && is_new(all, enumeration->name)) {
            all->types[all->count].enumeration = enumeration;
            all->types[all->count++].name = enumeration->name;
        }
    }
}

/* Whether `name` is declared directly inside `outer`. */
static bool directly_in(const char *name, const char *outer)
{
    size_t len = strlen(outer);
    return strncmp(name, outer, len) == 0 && name[len] == '.' && !strchr(name + len + 1, '.');
}

static bool is_nested(const struct reached *all, size_t index)
{
    for (size_t i = 0; i < all->count; i++)
        if (directly_in(all->types[index].name, all->types[i].name))
            return true;
    return false;
}

static void indent(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_adds(out, "  ");
}

static void write_enum(struct buf *out, const ProtobufCEnumDescriptor *type, int depth)
{
    indent(out, depth);
    buf_addf(out, "enum %s {\n", type->short_name);
    for (unsigned i = 0; i < type->n_values; i++) {
        indent(out, depth + 1);
        buf_addf(out, "%s = %d;\n", type->values[i].name, type->values[i].value);
    }
    indent(out, depth);
    buf_adds(out, "}\n");
}

static void write_field(struct buf *out, const ProtobufCFieldDescriptor *field, bool optional,
                        int depth)
{
    indent(out, depth);
    const char *label = field->label == PROTOBUF_C_LABEL_REPEATED ? "repeated "
                        : optional                                ? "optional "
                                                                  : "";
    buf_addf(out, "%s%s %s = %u;\n", label, codec_type_name(field), field->name, field->id);
}

static void write_fields(struct buf *out, const ProtobufCMessageDescriptor *type, int depth)
{
    const char *oneof = oneof_name(type);
    bool inside = false;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool chosen = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (oneof && chosen && !inside) {
            indent(out, depth);
            buf_addf(out, "oneof %s {\n", oneof);
            inside = true;
        }
        write_field(out, field, chosen && !oneof, inside ? depth + 1 : depth);
    }
    if (inside) {
        indent(out, depth);
        buf_adds(out, "}\n");
    }
}

static void write_type(struct buf *out, const struct reached *all, size_t index, int depth)
{
    const ProtobufCMessageDescriptor *type = all->types[index].message;
    if (!type) {
        write_enum(out, all->types[index].enumeration, depth);
        return;
    }
    indent(out, depth);
    buf_addf(out, "message %s {\n", type->short_name);
    for (size_t i = 0; i < all->count; i++)
        if (directly_in(all->types[i].name, type->name))
            write_type(out, all, i, depth + 1);
    write_fields(out, type, depth + 1);
    indent(out, depth);
    buf_adds(out, "}\n");
}

char *codec_describe(const struct codec_method *method, weir_error *err)
{
    struct reached all = {.count = 0};
    struct buf out = BUF_INIT(LIMIT_PROTOJSON);
    const char *full = method->path + 1;
    reach(&all, method->request);
    reach(&all, method->response);
    buf_addf(&out, "service %.*s {\n", (int)(strchr(full, '/') - full), full);
    buf_addf(&out, "  rpc %s(%s) returns (%s%s);\n}\n", method->name, method->request->short_name,
             method->server_streams ? "stream " : "", method->response->short_name);
    for (size_t i = 0; i < all.count; i++) {
        if (is_nested(&all, i))
            continue;
        buf_adds(&out, "\n");
        write_type(&out, &all, i, 0);
    }
    if (buf_finish(&out, err) == WEIR_OK)
        return out.data;
    buf_free(&out);
    return NULL;
}
